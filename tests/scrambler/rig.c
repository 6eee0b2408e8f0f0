/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rig.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

uint64_t random_next(struct random *random)
{
    random->state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = random->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

unsigned random_below(struct random *random, unsigned limit)
{
    return (unsigned)(random_next(random) % limit);
}

void random_fill(struct random *random, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)random_next(random);
}

void stream_open(struct stream *stream)
{
    memset(stream, 0, sizeof(*stream));
    stream->tick = RIG_TICK;
    stream->packets = calloc(RIG_PACKETS_MAX, sizeof(*stream->packets));
    stream->times = calloc(RIG_PACKETS_MAX, sizeof(*stream->times));
}

void stream_close(struct stream *stream)
{
    free(stream->packets);
    free(stream->times);
}

static uint8_t *next_place(struct stream *stream)
{
    unsigned last = stream->count - 1;

    cr_assert_lt(stream->count, RIG_PACKETS_MAX);
    stream->times[stream->count] = stream->count ? stream->times[last] + stream->tick : 0;
    return stream->packets[stream->count++];
}

uint8_t *stream_add(struct stream *stream, uint16_t pid)
{
    uint8_t *packet = next_place(stream);

    packet[0] = TS_SYNC_BYTE;
    packet[1] = 0;
    packet[3] = 0x10;
    ts_set_pid(packet, pid);
    ts_set_continuity_counter(packet, stream->counters[pid]++);
    memset(packet + 4, (uint8_t)pid, TS_PACKET_SIZE - 4);
    return packet;
}

uint8_t *stream_add_null(struct stream *stream)
{
    uint8_t *packet = next_place(stream);

    ts_make_null(packet);
    return packet;
}

uint8_t *stream_add_adaptation(struct stream *stream, uint16_t pid, uint8_t control, uint8_t length)
{
    uint8_t *packet = stream_add(stream, pid);

    packet[3] = (uint8_t)(control << 4 | (packet[3] & 0x0F));
    packet[4] = length;
    packet[5] = 0;
    return packet;
}

void stream_add_section(struct stream *stream, uint16_t pid, const uint8_t *section, size_t size)
{
    for (unsigned i = 0; i < ts_packets_for_section(size); i++) {
        uint8_t *packet = stream_add(stream, pid);
        struct ts_packetizer packetizer = {.pid = pid, .counter = ts_continuity_counter(packet)};

        ts_packetize(&packetizer, section, size, i, packet);
    }
}

uint8_t *stream_add_random(struct stream *stream, struct random *random)
{
    static const uint16_t pids[] = {0, 1, 0x11, 0x20, 0x100, 0x101, 0x102, 0x103, 0x1000, 0x1FFE, 0x1FFF};
    uint16_t pid = pids[random_below(random, sizeof(pids) / sizeof(*pids))];
    uint8_t *packet = stream_add(stream, pid);
    uint8_t control = (uint8_t)random_below(random, 4);

    random_fill(random, packet + 4, TS_PACKET_SIZE - 4);
    if (random_below(random, 2))
        control = 1;
    packet[3] = (uint8_t)(control << 4 | (packet[3] & 0x0F));
    if (random_below(random, 8))
        packet[4] = (uint8_t)random_below(random, 184);
    packet[1] |= (uint8_t)(random_below(random, 8) << 5);
    if (random_below(random, 4))
        packet[1] &= 0x7F;
    if (random_below(random, 8) == 0)
        ts_set_scrambling_control(packet, (enum ts_scrambling)random_below(random, 4));
    return packet;
}

void section_seal(uint8_t *section, size_t size)
{
    base_store_u16(section + 1, (uint16_t)(0xB000 | (size - 3)));
    base_store_u32(section + size - 4, ts_crc32(section, size - 4));
}

size_t section_make(uint8_t *section, uint8_t table_id, uint16_t extension, uint8_t version, uint8_t number,
                    size_t size)
{
    memset(section, 0x5A, size);
    section[0] = table_id;
    base_store_u16(section + 3, extension);
    section[5] = (uint8_t)(0xC1 | version << 1);
    section[6] = number;
    section[7] = number;
    section_seal(section, size);
    return size;
}

void rig_open(struct rig *rig, bool stop_at_changes)
{
    rig_open_with(rig, &(struct scrambler_engine_config){.stop_at_changes = stop_at_changes});
}

void rig_open_with(struct rig *rig, const struct scrambler_engine_config *wanted)
{
    struct scrambler_engine_config config = *wanted;

    memset(rig, 0, sizeof(*rig));
    rig->plan = calloc(1, sizeof(*rig->plan));
    rig->batch = calloc(1, sizeof(*rig->batch));
    rig->out = calloc(RIG_PACKETS_MAX, sizeof(*rig->out));
    rig->inserted = calloc(RIG_PACKETS_MAX, sizeof(*rig->inserted));
    rig->input = calloc(RIG_PACKETS_MAX, sizeof(*rig->input));
    scrambler_plan_init(rig->plan);
    rig->plan->unreferenced = SCRAMBLER_PASS;
    cipher_batch_init(rig->batch, CIPHER_SCRAMBLE);
    for (int i = 0; i < CIPHER_ALGORITHMS; i++) {
        cr_assert_eq(cipher_create(&rig->ciphers[i], (enum cipher_algorithm)i, NULL), 0);
        rig->batch->ciphers[i] = rig->ciphers[i];
    }
    cr_assert_eq(base_ring_create(&rig->orders, 1 << 18), 0);
    cr_assert_eq(base_ring_create(&rig->observations, 1 << 18), 0);
    config.orders = rig->orders;
    config.observations = rig->observations;
    cr_assert_eq(scrambler_engine_create(&rig->engine, &config), 0);
}

void rig_close(struct rig *rig)
{
    scrambler_engine_destroy(rig->engine);
    for (unsigned i = 0; i < rig->slot_count; i++)
        keys_slots_destroy(rig->slots[i]);
    for (int i = 0; i < CIPHER_ALGORITHMS; i++)
        cipher_destroy(rig->ciphers[i]);
    base_ring_destroy(rig->orders);
    base_ring_destroy(rig->observations);
    free(rig->plan);
    free(rig->batch);
    free(rig->out);
    free(rig->inserted);
    free(rig->input);
}

unsigned rig_add_group(struct rig *rig, enum cipher_algorithm algorithm)
{
    unsigned group = rig->slot_count++;

    cr_assert_eq(keys_slots_create(&rig->slots[group], rig->ciphers[algorithm], NULL), 0);
    rig->plan->groups[group].slots = rig->slots[group];
    rig->plan->groups[group].algorithm = algorithm;
    rig->plan->group_count = (uint16_t)rig->slot_count;
    return group;
}

struct base_secret rig_word(uint8_t seed, size_t size)
{
    struct base_secret cw = {.size = (uint8_t)size};

    for (size_t i = 0; i < size; i++)
        cw.bytes[i] = (uint8_t)(seed + 0x35 * i);
    return cw;
}

void rig_publish(struct rig *rig, unsigned group, enum keys_slot_kind kind, uint64_t start, uint8_t parity,
                 uint8_t seed)
{
    struct base_secret cw = rig_word(seed, cipher_cw_size(rig->plan->groups[group].algorithm));

    cr_assert_eq(
        keys_slots_publish(rig->slots[group], kind, seed, start, parity, kind == KEYS_SLOT_KEY ? &cw : NULL),
        0);
}

void rig_protect(struct rig *rig, uint16_t pid, unsigned group)
{
    rig->plan->pids[pid].action = SCRAMBLER_PROTECT;
    rig->plan->pids[pid].group = (uint8_t)group;
}

static void keep_outputs(struct rig *rig, const struct scrambler_output *outputs, unsigned count,
                         unsigned first, unsigned consumed)
{
    for (unsigned i = 0; i < count; i++) {
        cr_assert_lt(rig->count, RIG_PACKETS_MAX);
        cr_assert_leq(outputs[i].input, consumed);
        memcpy(rig->out[rig->count], outputs[i].packet, TS_PACKET_SIZE);
        rig->inserted[rig->count] = outputs[i].inserted;
        rig->input[rig->count] = first + outputs[i].input;
        rig->count++;
    }
}

void rig_run(struct rig *rig, struct stream *stream, unsigned chunk, struct random *random)
{
    static struct scrambler_input inputs[512];
    static struct scrambler_output outputs[512 + SCRAMBLER_INSERT_MAX];
    unsigned idle = 0;

    for (unsigned done = 0; done < stream->count;) {
        unsigned count = chunk ? chunk : 1 + random_below(random, 300);
        unsigned output_count = 0;
        unsigned consumed;

        if (count > stream->count - done)
            count = stream->count - done;
        for (unsigned i = 0; i < count; i++)
            inputs[i] = (struct scrambler_input){stream->packets[done + i], stream->times[done + i]};
        consumed = scrambler_engine_process(rig->engine, rig->plan, inputs, count, rig->batch, outputs,
                                            &output_count);
        cipher_batch_flush(rig->batch);
        cr_assert_leq(consumed, count);
        keep_outputs(rig, outputs, output_count, done, consumed);
        idle = consumed ? 0 : idle + 1;
        cr_assert_lt(idle, 1000, "the engine makes no progress");
        done += consumed;
        rig->calls++;
        if (rig->control)
            rig->control(rig);
    }
}

const struct scrambler_counters *rig_counters(const struct rig *rig)
{
    return scrambler_engine_counters(rig->engine);
}

void rig_check_conservation(const struct rig *rig)
{
    const struct scrambler_counters *c = rig_counters(rig);

    cr_assert_eq(c->in + c->inserted, c->out);
    cr_assert_eq(c->out, rig->count);
    cr_assert_eq(c->in, c->passed + c->scrambled + c->unscrambled + c->already_scrambled + c->black +
                            c->replaced + c->repacked);
    cr_assert_leq(c->no_payload + c->bad_adaptation, c->passed);
}
