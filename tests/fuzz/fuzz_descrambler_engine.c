/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arbitrary packets into a descrambler, some of them scouted before their turn. */
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "descrambler/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PACKETS_MAX 512

static struct cipher_batch batch;
static uint8_t packets[PACKETS_MAX][TS_PACKET_SIZE];

static void set_up(void)
{
    if (batch.ciphers[CIPHER_DVB_CISSA])
        return;
    cipher_batch_init(&batch, CIPHER_DESCRAMBLE);
    if (cipher_create(&batch.ciphers[CIPHER_DVB_CISSA], CIPHER_DVB_CISSA, NULL) != 0 ||
        cipher_create(&batch.ciphers[CIPHER_DVB_CSA2], CIPHER_DVB_CSA2, NULL) != 0)
        abort();
}

static int open_ecm(void *context, const uint8_t *section, size_t size, struct descrambler_cws *cws)
{
    (void)context;
    if (size < 24 || section[3] & 1)
        return -1;
    base_secret_set(&cws->even, section + 4, section[3] & 2 ? 8 : 16);
    if (section[3] & 4)
        base_secret_set(&cws->odd, section + 4, 8);
    return 0;
}

/* Sections of PSI are unlikely to have a right CRC by chance: one in two packets gets one. */
static void seal(uint8_t *packet)
{
    size_t size = 3 + (base_load_u16(packet + 6) & 0x7F);

    if (packet[1] & 0x20 || size < 12)
        return;
    packet[1] |= 0x40;
    packet[3] = (uint8_t)((packet[3] & 0x0F) | 0x10);
    packet[4] = 0;
    base_store_u16(packet + 6, (uint16_t)(0xB000 | (size - 3)));
    base_store_u32(packet + 5 + size - 4, ts_crc32(packet + 5, size - 4));
}

static unsigned read_packets(struct base_reader *r)
{
    unsigned count = 0;

    for (; count < PACKETS_MAX && base_reader_left(r); count++) {
        size_t length = base_read_u8(r);
        const uint8_t *bytes;

        length = length < base_reader_left(r) ? length : base_reader_left(r);
        length = length < TS_PACKET_SIZE ? length : TS_PACKET_SIZE;
        memset(packets[count], 0xFF, TS_PACKET_SIZE);
        bytes = base_read_bytes(r, length);
        memcpy(packets[count], bytes, length);
        if (packets[count][1] & 0x10)
            seal(packets[count]);
        packets[count][1] &= 0xE1;
    }
    return count;
}

static void run(const struct descrambler_config *config, unsigned count, unsigned ahead)
{
    struct descrambler_engine *engine;
    const struct descrambler_counters *c;
    unsigned scouted = 0;

    if (descrambler_engine_create(&engine, config) != 0)
        abort();
    for (unsigned i = 0; i < count; i++) {
        uint8_t *packet = packets[i];

        for (; scouted < count && scouted < i + ahead; scouted++)
            descrambler_engine_scout(engine, packets[scouted]);
        descrambler_engine_process(engine, &packet, 1, &batch);
        scouted += scouted == i;
    }
    cipher_batch_flush(&batch);
    c = descrambler_engine_counters(engine);
    if (c->in != count || c->in != c->passed + c->descrambled + c->locked + c->reserved)
        abort();
    descrambler_engine_destroy(engine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct base_reader r = base_reader_of(data, size);
    struct descrambler_config config = {0};
    uint8_t flags = base_read_u8(&r);
    struct base_secret list[2] = {{.size = 8}, {.size = 8}};

    set_up();
    config.selection = (enum descrambler_selection)(flags & 1);
    config.service_id = 1;
    config.service_name = flags & 2 ? "a" : NULL;
    if (flags & 4) {
        config.list = list;
        config.list_count = 2;
    } else {
        config.ecm_open = open_ecm;
    }
    run(&config, read_packets(&r), flags >> 3);
    return 0;
}
