/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the laboratory: answers of an ECMG that takes its time. All wait equally long, so they leave in the
 * order in which they came. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ecmg/room.h"

#define WAITING_MAX 4096 /* answers of one connection */

struct ecmg__answer {
    STAILQ_ENTRY(ecmg__answer) link;
    uint64_t due_ms;
    uint16_t stream_id, cp_number;
    size_t size;
    uint8_t datagram[];
};

static void drop_first(struct ecmg__delay *delay)
{
    struct ecmg__answer *answer = STAILQ_FIRST(&delay->answers);

    STAILQ_REMOVE_HEAD(&delay->answers, link);
    delay->count--;
    free(answer);
}

/* A stream that is closed by now gets none. */
static void on_due(void *context)
{
    struct ecmg__connection *connection = context;
    struct ecmg__delay *delay = &connection->delay;
    uint64_t now_ms = net_loop_now_ms(connection->server->loop);
    const struct ecmg__answer *answer;

    while ((answer = STAILQ_FIRST(&delay->answers)) && answer->due_ms <= now_ms) {
        simulcrypt_ecmg_session_ecm_response(connection->session, answer->stream_id, answer->cp_number,
                                             answer->datagram, answer->size);
        drop_first(delay);
    }
    if (answer)
        net_timer_start(delay->timer, answer->due_ms - now_ms);
}

int ecmg__delay_create(struct ecmg__connection *connection)
{
    STAILQ_INIT(&connection->delay.answers);
    if (!connection->server->config.answer_delay_ms)
        return 0;
    return net_timer_create(&connection->delay.timer, connection->server->loop, on_due, connection);
}

int ecmg__delay_answer(struct ecmg__connection *connection, uint16_t stream_id, uint16_t cp_number,
                       const uint8_t *datagram, size_t size)
{
    struct ecmg__delay *delay = &connection->delay;
    uint32_t delay_ms = connection->server->config.answer_delay_ms;
    struct ecmg__answer *answer;

    if (delay->count == WAITING_MAX)
        return -ENOBUFS;
    answer = malloc(sizeof(*answer) + size);
    if (!answer)
        return -ENOMEM;
    answer->due_ms = net_loop_now_ms(connection->server->loop) + delay_ms;
    answer->stream_id = stream_id;
    answer->cp_number = cp_number;
    answer->size = size;
    memcpy(answer->datagram, datagram, size);
    if (STAILQ_EMPTY(&delay->answers))
        net_timer_start(delay->timer, delay_ms);
    STAILQ_INSERT_TAIL(&delay->answers, answer, link);
    delay->count++;
    return 0;
}

void ecmg__delay_forget(struct ecmg__connection *connection, uint16_t stream_id)
{
    struct ecmg__delay *delay = &connection->delay;
    struct ecmg__answer *answer, *next;

    for (answer = STAILQ_FIRST(&delay->answers); answer; answer = next) {
        next = STAILQ_NEXT(answer, link);
        if (answer->stream_id != stream_id)
            continue;
        STAILQ_REMOVE(&delay->answers, answer, ecmg__answer, link);
        delay->count--;
        free(answer);
    }
}

void ecmg__delay_destroy(struct ecmg__connection *connection)
{
    while (!STAILQ_EMPTY(&connection->delay.answers))
        drop_first(&connection->delay);
    net_timer_destroy(connection->delay.timer);
}
