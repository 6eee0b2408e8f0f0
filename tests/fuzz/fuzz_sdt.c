/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names are always terminated, and setting free_CA_mode changes nothing that is read but that. */
#include <errno.h>

#include "tests/fuzz/section_input.h"

#define SERVICES_MAX 8

static void check_set(const uint8_t *section, size_t size, const struct ts_sdt_service *service)
{
    uint8_t out[1024];
    struct ts_sdt_service after[SERVICES_MAX];
    ptrdiff_t n = ts_sdt_set_free_ca_mode(section, size, service->service_id, !service->free_ca_mode, 3, out,
                                          sizeof(out));

    if (n != (ptrdiff_t)size || ts_sdt_read(out, size, after, SERVICES_MAX) < 1)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *section = section_input(data, size, TS_TABLE_SDT);
    struct ts_sdt_service services[SERVICES_MAX];
    ptrdiff_t count = section ? ts_sdt_read(section, size, services, SERVICES_MAX) : 0;

    for (ptrdiff_t i = 0; i < count && i < SERVICES_MAX; i++)
        if (strnlen(services[i].name, TS_SERVICE_NAME_MAX) == TS_SERVICE_NAME_MAX)
            abort();
    if (count > 0)
        check_set(section, size, &services[0]);
    ts_sdt_read(data, size, services, SERVICES_MAX);
    free(section);
    return 0;
}
