/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/source.h"
#include "judge.h"
#include "ts/timeline.h"

#define BLOCK        1394
#define PACKETS_MOST ((size_t)12 << 20) /* 2.2 GB */
#define RATE_UNKNOWN 3000000            /* bit/s, where a stream has no PCR */
#define TICKS_PER_US 27

static int grow(struct judge_input *input, size_t *room)
{
    size_t wanted = *room ? 2 * *room : 16 * (size_t)BLOCK;
    uint8_t *packets = realloc(input->packets, wanted * TS_PACKET_SIZE);
    uint64_t *times;

    if (!packets)
        return -ENOMEM;
    input->packets = packets;
    times = realloc(input->times, wanted * sizeof(*times));
    if (!times)
        return -ENOMEM;
    input->times = times;
    *room = wanted;
    return 0;
}

static int read_packets(struct judge_input *input, struct io_source *source)
{
    static struct io_packet_info infos[BLOCK];
    size_t room = 0;
    ptrdiff_t got = 0;

    do {
        input->count += (size_t)got;
        if (input->count + BLOCK > room && grow(input, &room) < 0)
            return -ENOMEM;
        got = io_source_read(source, input->packets + input->count * TS_PACKET_SIZE, infos, BLOCK);
        for (ptrdiff_t i = 0; i < got; i++)
            input->times[input->count + (size_t)i] = infos[i].arrival_ns / 1000;
    } while (got > 0 && input->count + (size_t)got < PACKETS_MOST);
    return got > 0 ? -EFBIG : (int)got;
}

static int time_by_pcr(struct judge_input *input)
{
    struct ts_timeline *timeline;
    uint64_t time = 0;
    int status = ts_timeline_create(&timeline, TS_PIDS, RATE_UNKNOWN, input->count + 1);

    if (status < 0)
        return status;
    for (size_t at = 0; at < input->count; at++)
        ts_timeline_feed(timeline, judge_input_packet(input, at));
    ts_timeline_finish(timeline);
    for (size_t at = 0; at < input->count && ts_timeline_next(timeline, &time); at++)
        input->times[at] = time / TICKS_PER_US;
    ts_timeline_destroy(timeline);
    return 0;
}

int judge_input_load(struct judge_input *input, const char *path, const char *flow)
{
    struct io_source_options options = {.flow = flow};
    struct io_source *source = NULL;
    int status = io_source_open(&source, path, &options);

    input->path = path;
    if (status == 0)
        status = read_packets(input, source);
    if (status == 0 && io_source_format(source) != IO_FORMAT_CAPTURE)
        status = time_by_pcr(input);
    io_source_close(source);
    return status;
}

void judge_input_clear(struct judge_input *input)
{
    free(input->packets);
    free(input->times);
}
