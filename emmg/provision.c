/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the carousel to the MUX: messages at the pace of what is allocated. */
#include <string.h>

#include "base/log.h"
#include "emmg/room.h"

#define BURST_MS 50 /* of the pace may leave at once */
#define TURN_MS  10 /* between messages at the least */
/* Bytes of sections with their headers, or of what becomes seven packets, unless one section alone is larger:
 * a UDP datagram of that size is not cut on an Ethernet. */
#define MESSAGE_MAX 1280
#define TLV_HEADER  4

void emmg__provision_set_bandwidth(struct emmg_client *client, uint16_t bandwidth)
{
    uint16_t asked = client->config.bandwidth;
    uint16_t rate = bandwidth && bandwidth < asked ? bandwidth : asked;

    if (rate < asked)
        base_log(BASE_LOG_NOTICE, "the MUX allocates %u of %u kbit/s", rate, asked);
    if (client->pace.rate != rate)
        base_bucket_init(&client->pace, rate, BURST_MS, net_loop_now_ms(client->loop));
    if (!client->stopping)
        net_timer_start(client->pace_timer, 0);
}

/* As many sections as one message takes. */
static size_t gather(const struct emmg_client *client, struct simulcrypt_datagram *datagrams, size_t *bytes)
{
    size_t left = emmg_carousel_left(client->config.carousel), count = 0;

    for (*bytes = 0; count < left && count < EMMG__SECTIONS_MAX; count++) {
        struct emmg_section section = emmg_carousel_peek(client->config.carousel, count);

        if (count && *bytes + section.size + (count + 1) * TLV_HEADER > MESSAGE_MAX)
            break;
        datagrams[count] = (struct simulcrypt_datagram){section.bytes, section.size};
        *bytes += section.size;
    }
    return count;
}

/* The same as packets: one datagram. */
static size_t pack(struct emmg_client *client, struct simulcrypt_datagram *datagrams, size_t count)
{
    size_t size = 0;
    unsigned packets;

    for (size_t i = 0; i < count; size += datagrams[i++].size)
        memcpy(client->sections + size, datagrams[i].bytes, datagrams[i].size);
    packets = ts_pack_sections(client->sections, size, TS_PID_NULL, client->packets, EMMG__PACKETS_MAX);
    datagrams[0] = (struct simulcrypt_datagram){client->packets, (size_t)packets * TS_PACKET_SIZE};
    return 1;
}

static int send_by_udp(struct emmg_client *client, const struct simulcrypt_datagram *datagrams, size_t count)
{
    const struct simulcrypt_data_provision provision = {
        .client_id = client->config.session.client_id,
        .data_id = client->config.stream.data_id,
        .has_ids = client->config.udp_ids,
        .channel_id = client->config.session.channel_id,
        .stream_id = client->config.stream.stream_id,
    };
    ptrdiff_t size = simulcrypt_data_provision_write(client->config.session.version, &provision, datagrams,
                                                     count, client->message, sizeof(client->message));

    return size < 0 ? (int)size : net_udp_write(client->udp, client->message, (size_t)size);
}

static int send_message(struct emmg_client *client, const struct simulcrypt_datagram *datagrams, size_t count)
{
    if (client->udp)
        return send_by_udp(client, datagrams, count);
    return simulcrypt_emmg_session_provide(client->session, client->config.stream.stream_id, datagrams,
                                           count);
}

/* Bits on air: those of packets that they came in, or of those that will be around them. */
static int64_t weigh(const struct emmg_client *client, size_t sections,
                     const struct simulcrypt_datagram *sent)
{
    if (client->config.session.format == SIMULCRYPT_PACKETS)
        return 8 * (int64_t)sent->size;
    return 8 * (int64_t)sections * TS_PACKET_SIZE / TS_PACK_BYTES_MIN;
}

/* False where nothing more can be sent now. */
static bool send_next(struct emmg_client *client)
{
    struct simulcrypt_datagram datagrams[EMMG__SECTIONS_MAX];
    size_t bytes, count = gather(client, datagrams, &bytes);
    bool packets = client->config.session.format == SIMULCRYPT_PACKETS;
    int status = send_message(client, datagrams, packets ? pack(client, datagrams, count) : count);

    if (status < 0 || !client->up)
        return false;
    base_bucket_take(&client->pace, weigh(client, bytes, datagrams), net_loop_now_ms(client->loop));
    emmg_carousel_advance(client->config.carousel, count);
    client->counters.messages++;
    client->counters.sections += count;
    client->counters.bytes += bytes;
    return true;
}

static bool is_done(const struct emmg_client *client)
{
    return client->config.cycles && emmg_carousel_cycles(client->config.carousel) >= client->config.cycles;
}

void emmg__provision_send(void *context)
{
    struct emmg_client *client = context;
    uint64_t wait_ms;

    while (client->up && !is_done(client) &&
           base_bucket_is_open(&client->pace, net_loop_now_ms(client->loop)) && send_next(client))
        ;
    if (!client->up)
        return;
    if (is_done(client)) {
        emmg_client_stop(client);
        return;
    }
    wait_ms = base_bucket_wait_ms(&client->pace);
    net_timer_start(client->pace_timer, wait_ms > TURN_MS ? wait_ms : TURN_MS);
}
