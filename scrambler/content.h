/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scrambler/content.h: what an order asks to send, held in the engine. Private to scrambler/; one thread. */
#ifndef SCRAMBLER_CONTENT_H
#define SCRAMBLER_CONTENT_H

#include "ts/order.h"

struct scrambler_content {
    uint64_t start;
    uint64_t period;
    uint64_t patience; /* of the first play */
    uint16_t size;     /* bytes; 0: nothing is played */
    uint8_t form;      /* enum ts_order_form */
    uint8_t *bytes;    /* TS_ORDER_BYTES_MAX, of the carousel; of no meaning where nothing is played */
};

/* False for an order that cannot be carried out: its size, form or PID is impossible. */
bool scrambler__order_is_sound(const struct ts_order *order);

/* `bytes` is where it is kept; NULL for a stop. */
void scrambler__content_set(struct scrambler_content *content, const struct ts_order *order, uint8_t *bytes);

unsigned scrambler__content_packets(const struct scrambler_content *content);

/* Writes packet `index` (188 bytes); PID and continuity counter are still to be set. */
void scrambler__content_packet(const struct scrambler_content *content, unsigned index, uint8_t *packet);

#endif
