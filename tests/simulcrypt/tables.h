/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/simulcrypt/tables.h: the interfaces' tables, and messages made from them. */
#ifndef TESTS_SIMULCRYPT_TABLES_H
#define TESTS_SIMULCRYPT_TABLES_H

#include "simulcrypt/message.h"

#define TABLES_COUNT 4

extern const struct simulcrypt_interface *const tables_all[TABLES_COUNT];
extern const struct simulcrypt_interface *const tables_eis;

/* A message as its table wants it, each parameter `instances` times as far as that is allowed (0: as few as
 * that). Returns its size. */
size_t tables_make(const struct simulcrypt_interface *interface, const struct simulcrypt_message_type *type,
                   uint8_t version, unsigned instances, uint8_t *bytes, size_t room);

/* One instance of each parameter (those of later versions, too), but: */
struct tables_change {
    size_t rule; /* the one that is changed; SIZE_MAX for none */
    unsigned instances;
    bool resize;
    uint32_t size;
    bool set;
    uint8_t value; /* of the first byte */
    bool backwards;
    bool unknown; /* parameters in between */
};

size_t tables_make_changed(const struct simulcrypt_interface *interface,
                           const struct simulcrypt_message_type *type, uint8_t version,
                           const struct tables_change *change, uint8_t *bytes, size_t room);

#endif
