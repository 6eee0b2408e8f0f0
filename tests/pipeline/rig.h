/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A pipeline between two capture files, and the judge of what came out: frames are written and read here by
 * plain loops, payloads opened with libdvbcsa itself. EAL starts once per process, so a test has one rig. */
#ifndef TESTS_PIPELINE_RIG_H
#define TESTS_PIPELINE_RIG_H

#include <stdio.h>

#include "pipeline/pipeline.h"
#include "tests/wire/frames.h"
#include "wire/datagram.h"

#define RIG_STREAMS   8
#define RIG_PROTECTED 0x100 /* PID that the plan scrambles */
#define RIG_CLEAR     0x101 /* PID that it passes */
#define RIG_ECM       0x1F00
#define RIG_PACKETS   65536 /* TS packets of a stream at most */

struct rig_stream {
    struct pipeline_stream_config config;
    struct keys_slots *slots;
    unsigned in_count, out_count, datagrams_out;
    uint8_t (*in)[188];
    uint8_t (*out)[188];
    uint16_t *sequences; /* RTP, of datagrams that came out */
};

struct rig {
    char folder[32], in_path[64], out_path[64];
    FILE *in;
    struct pipeline_config config;
    unsigned stream_count, serial;
    struct rig_stream streams[RIG_STREAMS];
    struct pipeline *pipeline;
    struct pipeline_counters counters;
    unsigned frames_out, strange_frames_out;
};

/* Stream n comes to 239.1.1.(n+1):(5000+n) and leaves as it came. */
void rig_open(struct rig *rig, unsigned streams);

/* A datagram with `count` TS packets of stream n: every third one clear, the others to be scrambled. Fields
 * of `options` that make the stream or the payload are set here. */
void rig_datagram(struct rig *rig, unsigned stream, unsigned count, struct frame_options options);
void rig_frame(struct rig *rig, const uint8_t *bytes, size_t size);

/* Builds pipeline, slots (one fixed CW) and plans. */
void rig_prepare(struct rig *rig, unsigned workers);

/* To the end of the input; then reads what came out. */
void rig_run(struct rig *rig);
void rig_start(struct rig *rig);
void rig_wait(struct rig *rig);
void rig_stop(struct rig *rig);

/* Everything that went into the stream came out, in order, scrambled where it had to be; packets of RIG_ECM
 * are counted and left out. Returns their number. */
unsigned rig_compare(struct rig *rig, unsigned stream);

/* in + inserted = out + drops */
void rig_check_balance(const struct rig *rig);
void rig_close(struct rig *rig);

#endif
