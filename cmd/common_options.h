/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/common_options.h: options that several commands have in common, for their tables. */
#ifndef CMD_COMMON_OPTIONS_H
#define CMD_COMMON_OPTIONS_H

#include "cmd/cipher_options.h"
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
        "--algorithm", "NAME", CMD_ALGORITHM_NAMES ";\ndefault: " text, (at), .kind = CMD_TEXT               \
    }
#define CMD_OPTION_IV(at)                                                                                    \
    {                                                                                                        \
        "--iv", "HEX", "of aes-128-cbc, or first counter block of aes-128-ctr:\n16 bytes; default: zeros",   \
            (at), .kind = CMD_TEXT                                                                           \
    }
#define CMD_OPTION_COUNTER_BITS(at)                                                                          \
    {                                                                                                        \
        "--ctr-counter-bits", "N",                                                                           \
            "last bits of aes-128-ctr's counter block that count,\n1 to 128; default: 64", (at),             \
            .kind = CMD_NUMBER, .minimum = 1, .maximum = 128                                                 \
    }
#define CMD_OPTION_CPU_MASK(at)                                                                              \
    {                                                                                                        \
        "--cpu-mask", "SET",                                                                                 \
            "do not use instruction sets above this one: libraries,\nneon, avx2, avx512; 0: plain C alone; " \
            "default:\n$SCRAMLINE_CPU_MASK, else all that this machine has",                                 \
            (at), .kind = CMD_TEXT                                                                           \
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
        "--tier", "NAME",                                                                                    \
            "cipher back end: ref, libdvbcsa, openssl, ipsec-mb, neon,\navx2, avx512, as the algorithm and " \
            "machine have them;\ndefault: the fastest",                                                      \
            (at), .kind = CMD_TEXT                                                                           \
    }
#define CMD_OPTION_JSON(at)                                                                                  \
    {                                                                                                        \
        "--json", NULL, "summary as JSON on standard output\n(standard error where OUT is -)", (at),         \
            .kind = CMD_FLAG                                                                                 \
    }

#endif
