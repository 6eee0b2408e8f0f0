/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The group fed arbitrary channel_status values, ECM responses, events and times. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "headend/group.h"
#include "ts/order.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                   \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            abort();                                                                                         \
    } while (0)

static struct cipher *cipher;

struct world {
    struct headend_group *group;
    struct keys_slots *slots;
    struct base_ring *orders;
    struct base_reader r;
    uint64_t now;
    uint64_t last_start, last_period, periods;
    bool has_cas, clear;
    struct {
        bool outstanding;
        uint16_t cp_number;
    } cas[2]; /* ids 1, required, and 2, optional */
};

static int provision(void *context, uint32_t cas, const struct simulcrypt_cw_provision *provision)
{
    struct world *world = context;

    REQUIRE(cas == 1 || cas == 2);
    REQUIRE(provision->cw_count >= 1 && provision->cw_count <= SIMULCRYPT_CWS_MAX);
    if (world->now & 1)
        return -EBUSY;
    REQUIRE(!world->cas[cas - 1].outstanding);
    world->cas[cas - 1].outstanding = true;
    world->cas[cas - 1].cp_number = provision->cp_number;
    return 0;
}

static void period(void *context, uint64_t crypto_period, uint64_t start, const struct base_secret *cw)
{
    struct world *world = context;

    REQUIRE(cw->size == 8);
    REQUIRE(!world->periods || (crypto_period == world->last_period + 1 && start >= world->last_start));
    world->last_period = crypto_period;
    world->last_start = start;
    world->periods++;
}

static void degraded(void *context, bool is_degraded, const char *why)
{
    (void)context;
    (void)is_degraded;
    REQUIRE(why && *why);
}

static void cas_up(struct world *world, unsigned cas)
{
    struct simulcrypt_channel_status status = {
        .packets = base_read_u8(&world->r) & 1,
        .has_transition_delay_start = true,
        .transition_delay_start = (int16_t)base_read_u16(&world->r),
        .delay_start = (int16_t)base_read_u16(&world->r),
        .ecm_rep_period = base_read_u16(&world->r),
        .min_cp_duration = base_read_u8(&world->r),
        .lead_cw = base_read_u8(&world->r) % 12,
        .cw_per_msg = base_read_u8(&world->r) % 12,
    };
    const char *why = NULL;

    world->cas[cas].outstanding = false;
    if (headend_group_cas_up(world->group, cas + 1, &status, &why) < 0)
        REQUIRE(!world->has_cas || (why && *why));
}

static void answer(struct world *world, unsigned cas, bool sound)
{
    uint8_t datagram[3 + 255] = {0x80, 0x70};
    unsigned size = base_read_u8(&world->r);
    const uint8_t *bytes = base_read_bytes(&world->r, size);
    uint16_t cp_number = world->cas[cas].cp_number;

    if (!bytes)
        return;
    datagram[2] = (uint8_t)size;
    memcpy(datagram + 3, bytes, size);
    if (!sound)
        cp_number ^= base_read_u8(&world->r) & 1;
    if (cp_number == world->cas[cas].cp_number)
        world->cas[cas].outstanding = false;
    headend_group_ecm(world->group, cas + 1, cp_number, sound ? datagram : bytes, sound ? size + 3 : size);
}

static void work(struct world *world)
{
    static struct ts_order order;
    const struct keys_slot *slot;

    while (ts_order_pop(world->orders, &order) == 1) {
        REQUIRE(order.pid >= TS_PID_FIRST && order.pid < TS_PID_NULL);
        REQUIRE((order.kind == TS_ORDER_PLAY) == (order.size > 0));
        REQUIRE(world->has_cas);
    }
    slot = keys_slots_current(world->slots, world->now);
    if (slot)
        REQUIRE(slot->kind != KEYS_SLOT_CLEAR || world->clear);
}

static void event(struct world *world)
{
    unsigned what = base_read_u8(&world->r), cas = what >> 6 & 1;
    struct headend_group_status status;

    switch (what % 9) {
    case 0:
        cas_up(world, cas);
        break;
    case 1:
        world->cas[cas].outstanding = false;
        headend_group_cas_down(world->group, cas + 1, "gone");
        break;
    case 2:
    case 3:
        answer(world, cas, what % 9 == 2);
        break;
    case 4:
        world->cas[cas].outstanding = false;
        headend_group_provision_failed(world->group, cas + 1, world->cas[cas].cp_number, "no");
        break;
    case 5:
        headend_group_give_up(world->group, world->now, "too long");
        break;
    case 6:
        work(world);
        break;
    case 7:
        headend_group_set_ecm_pid(world->group, cas + 1, base_read_u16(&world->r));
        break;
    default:
        world->now += (uint64_t)base_read_u8(&world->r) << (base_read_u8(&world->r) % 36);
    }
    headend_group_advance(world->group, what & 0x80 ? UINT64_MAX : world->now);
    headend_group_ready(world->group, world->now);
    headend_group_status(world->group, &status);
    REQUIRE(status.on_air == (world->periods > 0) && status.crypto_periods <= world->periods);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct headend_group_ops ops = {
        .provision = provision, .period = period, .degraded = degraded};
    struct world world = {.r = base_reader_of(data, size)};
    struct headend_group_config config = {.generator = {.cw_size = 8, .seed = {.bytes = {1}, .size = 1}}};
    struct headend_group_member member = {.after = KEYS_SLOT_BLACK};
    struct headend_group_cas cas[2];
    unsigned flags = base_read_u8(&world.r);

    if (!cipher)
        REQUIRE(cipher_create(&cipher, CIPHER_DVB_CSA2, NULL) == 0);
    REQUIRE(keys_slots_create(&world.slots, cipher, NULL) == 0);
    REQUIRE(base_ring_create(&world.orders, flags & 0x40 ? 4096 : 1 << 16) == 0);
    member.slots = world.slots;
    config.member_count = 1;
    config.members = &member;
    config.orders = world.orders;
    world.has_cas = flags & 1;
    config.cas_count = world.has_cas ? 2 : 0;
    config.cas = cas;
    config.waits_for_ecms = flags & 2;
    config.lead_in = flags & 4;
    config.policy = (flags >> 3) % 3;
    for (unsigned i = 0; i < 2; i++)
        cas[i] = (struct headend_group_cas){.id = i + 1,
                                            .required = !i,
                                            .allow_late_ecm = flags & 0x20,
                                            .ecm_pid = (uint16_t)(flags & 0x80 ? 0 : 0x100 + i)};
    config.first_crypto_period = base_read_u16(&world.r);
    config.crypto_period = HEADEND_CRYPTO_PERIOD_MIN * (1u + base_read_u8(&world.r));
    config.guard = base_read_u8(&world.r) * UINT64_C(1000);
    config.policy_delay = base_read_u16(&world.r) * UINT64_C(1000);
    world.clear = config.policy == HEADEND_CLEAR;
    REQUIRE(headend_group_create(&world.group, &config, &ops, &world) == 0);
    while (!world.r.failed && base_reader_left(&world.r))
        event(&world);
    headend_group_destroy(world.group);
    base_ring_destroy(world.orders);
    keys_slots_destroy(world.slots);
    return 0;
}
