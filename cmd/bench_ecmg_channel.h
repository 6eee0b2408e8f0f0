/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/bench_ecmg_channel.h: one channel of `scramline bench ecmg`: a connection, its session, its streams.
 * One thread. */
#ifndef CMD_BENCH_ECMG_CHANNEL_H
#define CMD_BENCH_ECMG_CHANNEL_H

#include "cmd/bench_ecmg.h"
#include "net/tcp.h"

/* What a stream is about: it becomes ready with the first ECM; from then on the load decides. */
enum cmd_bench_phase {
    CMD_BENCH_SETTING_UP,
    CMD_BENCH_ASKING,
    CMD_BENCH_WAITING, /* for the last answers */
};

struct cmd_bench_load {
    const struct cmd_bench_ecmg_plan *plan;
    struct cmd_bench_ecmg_result *result;
    struct net_loop *loop;
    enum cmd_bench_phase phase;
    uint64_t start_ns, end_ns; /* of asking */
    uint64_t issued;           /* CW_provisions that have become due; their streams take turns */
    uint64_t outstanding;
    uint64_t ready;          /* streams that got their first ECM */
    uint64_t channels_ready; /* whose streams all did */
    struct cmd_bench_channel *channels;
    uint64_t begun; /* channels that were connected */
};

struct cmd_bench_asked {
    uint16_t cp_number;
    uint64_t due_ns, sent_ns;
};

struct cmd_bench_stream {
    uint64_t due, sent; /* CW_provisions, while asking */
    uint16_t next_cp;
    uint8_t missing; /* CW_provisions that the ECMG may refuse, as it lacks earlier CWs */
    bool ready;
    uint8_t outstanding;
    struct cmd_bench_asked asked[SIMULCRYPT_OUTSTANDING_MAX];
};

struct cmd_bench_channel {
    struct cmd_bench_load *load;
    struct net_tcp *tcp;
    struct simulcrypt_scs_session *session;
    struct simulcrypt_channel_status status;
    struct cmd_bench_stream *streams; /* ECM_stream_id counts them from 1 */
    uint64_t index, ready;
    bool dead;
};

/* Begins to connect. False, with the load's `why`, where it cannot. */
bool cmd_bench_channel_open(struct cmd_bench_channel *channel);
void cmd_bench_channel_close(struct cmd_bench_channel *channel); /* accepts one that never was opened */
void cmd_bench_channel_tick(struct cmd_bench_channel *channel);

/* Sends what of the stream is due, as far as `outstanding` allows. */
void cmd_bench_channel_ask(struct cmd_bench_channel *channel, struct cmd_bench_stream *stream);

#endif
