/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/summary.h"

#include "ts/packet.h"

json_t *cmd_summary_counters(const char *const names[], const uint64_t *values, size_t count)
{
    json_t *object = json_object();

    for (size_t i = 0; i < count; i++)
        json_object_set_new(object, names[i], json_integer((json_int_t)values[i]));
    return object;
}

void cmd_summary_print(FILE *to, json_t *summary)
{
    json_dumpf(summary, to, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    fputc('\n', to);
    json_decref(summary);
}

double cmd_summary_bit_rate(uint64_t packets, double seconds)
{
    return (double)packets * TS_PACKET_SIZE * 8 / seconds;
}
