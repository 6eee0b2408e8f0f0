/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SDT: EN 300 468, 5.2.3; service_descriptor: 6.2.35. */
#include <errno.h>

#include "base/error.h"
#include "ts/table.h"

#define FREE_CA_MODE 0x10 /* in the first byte of running_status, free_CA_mode, descriptors_loop_length */

struct service {
    uint16_t id;
    const uint8_t *flags; /* the byte with free_CA_mode */
    struct base_reader loop;
};

static int open_services(const uint8_t *section, size_t size, struct base_reader *services)
{
    struct ts_section_header header;
    int rc = ts__table_open(section, size, TS_TABLE_SDT, &header, services);

    if (rc < 0)
        return rc;
    base_read_bytes(services, 3); /* original_network_id, reserved_future_use */
    return services->failed ? BASE_E_MALFORMED : 0;
}

static bool next_service(struct base_reader *services, struct service *service)
{
    if (!base_reader_left(services))
        return false;
    service->id = base_read_u16(services);
    base_read_u8(services); /* EIT flags */
    service->flags = services->at;
    service->loop = ts__loop_open(services);
    return !services->failed;
}

static void read_service_descriptor(struct base_reader *content, char *name)
{
    const uint8_t *text;
    size_t size;

    base_read_u8(content);                           /* service_type */
    base_read_bytes(content, base_read_u8(content)); /* service_provider_name */
    size = base_read_u8(content);
    text = base_read_bytes(content, size);
    if (text)
        ts__text_decode(text, size, name, TS_SERVICE_NAME_MAX);
}

static int read_name(struct base_reader loop, char *name)
{
    struct ts__descriptor descriptor;

    *name = '\0';
    while (ts__descriptor_next(&loop, &descriptor)) {
        if (descriptor.tag != TS__DESCRIPTOR_SERVICE)
            continue;
        read_service_descriptor(&descriptor.content, name);
        if (descriptor.content.failed)
            return BASE_E_MALFORMED;
    }
    return loop.failed ? BASE_E_MALFORMED : 0;
}

ptrdiff_t ts_sdt_read(const uint8_t *section, size_t size, struct ts_sdt_service *services, size_t room)
{
    struct base_reader body;
    struct service service;
    ptrdiff_t count = 0;
    int rc = open_services(section, size, &body);

    while (rc == 0 && next_service(&body, &service)) {
        struct ts_sdt_service entry = {.service_id = service.id,
                                       .free_ca_mode = *service.flags & FREE_CA_MODE};

        rc = read_name(service.loop, entry.name);
        if ((size_t)count < room)
            services[count] = entry;
        count++;
    }
    if (rc < 0)
        return rc;
    return body.failed ? BASE_E_MALFORMED : count;
}

ptrdiff_t ts_sdt_set_free_ca_mode(const uint8_t *section, size_t size, uint16_t service_id, bool free_ca_mode,
                                  uint8_t version, uint8_t *out, size_t room)
{
    struct base_writer w = ts__table_writer(out, room);
    struct base_reader body;
    struct service service;
    ptrdiff_t at = 0;
    int rc = open_services(section, size, &body);

    while (rc == 0 && next_service(&body, &service))
        if (service.id == service_id)
            at = service.flags - section;
    if (rc < 0)
        return rc;
    if (body.failed)
        return BASE_E_MALFORMED;
    if (!at)
        return -ENOENT;
    base_write_bytes(&w, section, size - 4); /* all but CRC_32 */
    if (!w.failed)
        out[at] = (uint8_t)((out[at] & ~FREE_CA_MODE) | (free_ca_mode ? FREE_CA_MODE : 0));
    return ts__table_seal(&w, version);
}
