/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fuzz/section_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *section = section_input(data, size, TS_TABLE_PAT);
    struct ts_pat_section pat;

    ts_pat_read(data, size, &pat);
    if (section && ts_pat_read(section, size, &pat) == 0 && pat.count > TS_PAT_PROGRAMS_MAX)
        abort();
    free(section);
    return 0;
}
