/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What ts_pmt_read() accepts, ts_pmt_protect() accepts, and the result reads back protected. */
#include <errno.h>

#include "tests/fuzz/section_input.h"

static void check_protected(const uint8_t *section, size_t size, const struct ts_pmt *before)
{
    const struct ts_ca_descriptor ca = {.ca_system_id = 0x2600, .ca_pid = 0x0444};
    const struct ts_pmt_protection protection = {.ca = &ca, .ca_count = 1, .scrambling_mode = 0x10};
    static struct ts_pmt after;
    uint8_t out[1024];
    ptrdiff_t n = ts_pmt_protect(section, size, &protection, 7, out, sizeof(out));

    if (n == -EMSGSIZE)
        return;
    if (n < 0 || ts_pmt_read(out, (size_t)n, &after) < 0)
        abort();
    if (after.version != 7 || after.scrambling_mode != 0x10 || !after.ca_count ||
        after.component_count != before->component_count)
        abort();
    for (unsigned i = 0; i < after.component_count; i++)
        for (unsigned k = 0; k < after.components[i].ca_count; k++)
            if (after.components[i].ca[k].ca_system_id == 0x2600)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *section = section_input(data, size, TS_TABLE_PMT);
    static struct ts_pmt pmt;

    ts_pmt_read(data, size, &pmt);
    if (section && ts_pmt_read(section, size, &pmt) == 0)
        check_protected(section, size, &pmt);
    free(section);
    return 0;
}
