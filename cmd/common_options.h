/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/common_options.h: options that `scramble` and `descramble` have in common, for their tables. */
#ifndef CMD_COMMON_OPTIONS_H
#define CMD_COMMON_OPTIONS_H

#include "cmd/options.h"
#include "ts/packet.h"

/* Each takes the address that its kind says. */
#define CMD_OPTION_PIDS(text, at)                                                                            \
    {                                                                                                        \
        "--pid", "PID…", (text), (at), .kind = CMD_NUMBERS, .minimum = TS_PID_FIRST,                         \
                                       .maximum = TS_PID_NULL - 1                                            \
    }
#define CMD_OPTION_ALGORITHM(text, at)                                                                       \
    {                                                                                                        \
        "--algorithm", "NAME", "dvb-csa2, dvb-cissa or atis-idsa; default: " text, (at), .kind = CMD_TEXT    \
    }
#define CMD_OPTION_CW_FILE(at)                                                                               \
    {                                                                                                        \
        "--cw-file", "FILE", "control words, one per line and crypto-period", (at), .kind = CMD_TEXT         \
    }
#define CMD_OPTION_RAW_CW(at)                                                                                \
    {                                                                                                        \
        "--raw-cw", NULL,                                                                                    \
            "leave bytes 3 and 7 of a DVB-CSA2 control word as they are\n"                                   \
            "(else they are set to its checksums)",                                                          \
            (at), .kind = CMD_FLAG                                                                           \
    }
#define CMD_OPTION_FLOW(at)                                                                                  \
    {                                                                                                        \
        "--flow", "ADDR:PORT",                                                                               \
            "destination of the flow to take from a capture\n(SOURCE@ADDR:PORT where several send to it)",   \
            (at), .kind = CMD_TEXT                                                                           \
    }
#define CMD_OPTION_TIER(at)                                                                                  \
    {                                                                                                        \
        "--tier", "NAME", "cipher back end, as --json names it; default: the fastest", (at),                 \
            .kind = CMD_TEXT                                                                                 \
    }
#define CMD_OPTION_JSON(at)                                                                                  \
    {                                                                                                        \
        "--json", NULL, "summary as JSON on standard output\n(standard error where OUT is -)", (at),         \
            .kind = CMD_FLAG                                                                                 \
    }

#endif
