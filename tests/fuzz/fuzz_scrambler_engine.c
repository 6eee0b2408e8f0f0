/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arbitrary packets, orders and plans into a scrambler. Bytes come in records: a kind, then its content. */
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "scrambler/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct scrambler_plan plan;
static struct cipher_batch batch;
static struct keys_slots *slots;

static void set_up(void)
{
    struct base_secret cw = {.size = 16};

    if (batch.ciphers[CIPHER_DVB_CISSA])
        return;
    cipher_batch_init(&batch, CIPHER_SCRAMBLE);
    if (cipher_create(&batch.ciphers[CIPHER_DVB_CISSA], CIPHER_DVB_CISSA, NULL) != 0 ||
        keys_slots_create(&slots, batch.ciphers[CIPHER_DVB_CISSA], NULL) != 0 ||
        keys_slots_publish(slots, KEYS_SLOT_KEY, 0, 0, 0, &cw) != 0)
        abort();
}

static void reset_plan(void)
{
    scrambler_plan_init(&plan);
    plan.groups[0] = (struct scrambler_group){.slots = slots, .algorithm = CIPHER_DVB_CISSA};
    plan.group_count = 1;
}

static void feed_packets(struct scrambler_engine *engine, struct base_reader *r, uint64_t *time)
{
    static struct scrambler_output outputs[4 + SCRAMBLER_INSERT_MAX];
    static uint8_t packets[4][TS_PACKET_SIZE];
    struct scrambler_input inputs[4];
    unsigned count = base_read_u8(r) % 4 + 1u;
    uint64_t step = (uint64_t)base_read_u8(r) << (base_read_u8(r) & 63);
    unsigned done = 0;

    for (unsigned i = 0; i < count; i++) {
        uint8_t length = base_read_u8(r);
        const uint8_t *bytes = base_read_bytes(r, length);

        memset(packets[i], 0xFF, TS_PACKET_SIZE);
        if (bytes)
            memcpy(packets[i], bytes, length < TS_PACKET_SIZE ? length : TS_PACKET_SIZE);
        *time += step;
        inputs[i] = (struct scrambler_input){packets[i], *time};
    }
    for (unsigned tries = 0; done < count; tries++) {
        unsigned output_count;
        unsigned consumed = scrambler_engine_process(engine, &plan, inputs + done, count - done, &batch,
                                                     outputs, &output_count);

        if (consumed > count - done || output_count > consumed + SCRAMBLER_INSERT_MAX || tries > 200)
            abort();
        cipher_batch_flush(&batch);
        done += consumed;
    }
}

static void push_order(struct base_ring *orders, struct base_reader *r)
{
    static struct ts_order order;
    const uint8_t *bytes;

    memset(&order, 0, sizeof(order));
    order.kind = base_read_u8(r);
    order.form = base_read_u8(r);
    order.pid = base_read_u16(r);
    order.stream = base_read_u8(r);
    order.start = base_read_u64(r);
    order.period = (uint64_t)base_read_u8(r) << (base_read_u8(r) & 63);
    order.table_id = base_read_u8(r);
    order.source_crc = base_read_u32(r);
    order.size = base_read_u16(r) % (TS_ORDER_BYTES_MAX + 1);
    bytes = base_read_bytes(r, order.size < base_reader_left(r) ? order.size : base_reader_left(r));
    if (bytes)
        memcpy(order.bytes, bytes, (size_t)(r->at - bytes));
    ts_order_push(orders, &order);
}

static void change_plan(struct base_reader *r)
{
    struct scrambler_pid *rule = &plan.pids[base_read_u16(r) % TS_PIDS];
    uint8_t flags = base_read_u8(r);

    rule->action = base_read_u8(r) % 5;
    rule->group = base_read_u8(r) % 2;
    rule->observe = flags & 1;
    rule->rewrite = flags >> 1 & 1;
    rule->guard = flags >> 2 & 1;
    plan.observations += flags >> 3 & 1;
    plan.unreferenced = flags >> 4 & 1;
}

static void check(const struct scrambler_counters *c)
{
    if (c->in + c->inserted != c->out || c->in != c->passed + c->scrambled + c->unscrambled +
                                                      c->already_scrambled + c->black + c->replaced +
                                                      c->repacked)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct base_reader r = base_reader_of(data, size);
    struct scrambler_engine_config config = {.stop_at_changes = size & 1};
    struct scrambler_engine *engine = NULL;
    uint64_t time = 0;

    set_up();
    reset_plan();
    if (base_ring_create(&config.orders, 1 << 16) != 0 ||
        base_ring_create(&config.observations, 1 << 16) != 0 ||
        scrambler_engine_create(&engine, &config) != 0)
        abort();
    while (base_reader_left(&r) && !r.failed) {
        switch (base_read_u8(&r) % 4) {
        case 0:
            push_order(config.orders, &r);
            break;
        case 1:
            change_plan(&r);
            break;
        default:
            feed_packets(engine, &r, &time);
        }
    }
    check(scrambler_engine_counters(engine));
    scrambler_engine_destroy(engine);
    base_ring_destroy(config.orders);
    base_ring_destroy(config.observations);
    return 0;
}
