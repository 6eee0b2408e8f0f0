/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/cas.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "ts/packet.h"

#define IDS 65536

static bool is_taken(const uint8_t *ids, unsigned id)
{
    return ids[id / 8] & (1u << id % 8);
}

static void take_id(uint8_t *ids, unsigned id)
{
    ids[id / 8] |= (uint8_t)(1u << id % 8);
}

/* The first free id from `first` on, around; never 0, which some take for none, and none that is kept for
 * another (`kept` may be NULL). */
static unsigned take_from(uint8_t *ids, const uint8_t *kept, unsigned first)
{
    for (unsigned i = 0; i < IDS; i++) {
        unsigned id = (first + i) % IDS;

        if (id && !is_taken(ids, id) && (id == first || !kept || !is_taken(kept, id))) {
            take_id(ids, id);
            return id;
        }
    }
    return 0;
}

static void give_back(uint8_t *ids, unsigned id)
{
    ids[id / 8] &= (uint8_t) ~(1u << id % 8);
}

static int take_channel(void *context, uint16_t *channel_id)
{
    struct cmd_cas *cas = (struct cmd_cas *)context;
    unsigned id = take_from(cas->set->channel_ids, cas->set->kept_channel_ids, cas->config->channel_id);

    *channel_id = (uint16_t)id;
    return id ? 0 : -ENOSPC;
}

static void give_channel(void *context, uint16_t channel_id)
{
    give_back(((struct cmd_cas *)context)->set->channel_ids, channel_id);
}

/* ECM_ids are unique among those of a Super_CAS_id. */
static int prepare_ids(struct cmd_cas_set *set, const struct cmd_cas_list *list, struct cmd_cas *cas)
{
    for (unsigned i = 0; i < set->count; i++) {
        if (list->cas[i].super_cas_id == cas->config->super_cas_id) {
            cas->ecm_ids = set->cas[i].ecm_ids;
            return 0;
        }
    }
    cas->ecm_ids = calloc(1, IDS / 8);
    return cas->ecm_ids ? 0 : -ENOMEM;
}

static int prepare_tls(struct cmd_cas *cas)
{
    char why[256] = "";
    int status;

    if (!net_tls_is_wanted(&cas->config->tls))
        return 0;
    status = net_tls_create(&cas->tls, &cas->config->tls, false, why);
    if (status < 0)
        base_log(BASE_LOG_ERROR, "CAS %s: tls: %s", cas->config->terms.name,
                 *why ? why : base_error_text(status));
    return status;
}

static int connect_ecmgs(struct cmd_cas *cas, struct net_loop *loop)
{
    const struct cmd_cas_config *config = cas->config;
    const struct headend_ecmgs_config ecmgs = {
        .name = config->terms.name,
        .super_cas_id = config->super_cas_id,
        .version = config->version,
        .count = config->ecmg_count,
        .ecmgs = config->ecmgs,
        .tls = cas->tls,
        .reply_timeout_ms = (uint32_t)(config->reply_timeout_us / 1000),
        .network_delay_ms = (uint32_t)(config->network_delay_us / 1000),
        .test_period_ms = (uint32_t)(config->test_period_us / 1000),
        .failback_ms = config->failback_ms,
        .outstanding_max = config->outstanding,
        .override = config->override,
        .channel_take = take_channel,
        .channel_give = give_channel,
        .context = cas,
    };

    return headend_ecmgs_create(&cas->ecmgs, loop, &ecmgs);
}

static int open_cas(struct cmd_cas_set *set, const struct cmd_cas_list *list, struct net_loop *loop)
{
    struct cmd_cas *cas = &set->cas[set->count];
    int status;

    *cas = (struct cmd_cas){.config = &list->cas[set->count], .set = set};
    status = prepare_ids(set, list, cas);
    if (status < 0)
        return status;
    set->count++;
    status = prepare_tls(cas);
    return status < 0 ? status : connect_ecmgs(cas, loop);
}

int cmd_cas_set_open(struct cmd_cas_set *set, const struct cmd_cas_list *list, struct net_loop *loop)
{
    int status = 0;

    *set = (struct cmd_cas_set){0};
    set->cas = calloc(list->count ? list->count : 1, sizeof(*set->cas));
    if (!set->cas)
        status = -ENOMEM;
    for (unsigned i = 0; i < list->count; i++)
        take_id(set->kept_channel_ids, list->cas[i].channel_id);
    for (unsigned i = 0; status == 0 && i < list->count; i++)
        status = open_cas(set, list, loop);
    if (status < 0)
        base_log(BASE_LOG_ERROR, "the ECMGs cannot be prepared: %s", base_error_text(status));
    return status;
}

static bool ids_are_its_own(const struct cmd_cas_set *set, unsigned index)
{
    for (unsigned i = 0; i < index; i++) {
        if (set->cas[i].ecm_ids == set->cas[index].ecm_ids)
            return false;
    }
    return true;
}

void cmd_cas_set_close(struct cmd_cas_set *set)
{
    for (unsigned i = set->count; i-- > 0;) {
        headend_ecmgs_destroy(set->cas[i].ecmgs);
        net_tls_destroy(set->cas[i].tls);
        if (ids_are_its_own(set, i))
            free(set->cas[i].ecm_ids);
    }
    free(set->cas);
    *set = (struct cmd_cas_set){0};
}

/* Attempts to connect are no news, nor is a backup that nobody needs. */
static bool is_news(const struct cmd_cas *cas, unsigned index, const struct headend_ecmg_status *status)
{
    return status->state != HEADEND_ECMG_CONNECTING &&
           (status->state != HEADEND_ECMG_IDLE || status->failures) &&
           (status->state != cas->told[index].state || !cas->told[index].any);
}

static void tell(struct cmd_cas *cas, unsigned index)
{
    struct headend_ecmg_status status;
    const char *name = cas->config->terms.name;

    if (headend_ecmgs_status(cas->ecmgs, index, &status) < 0 || !is_news(cas, index, &status))
        return;
    cas->told[index].state = status.state;
    cas->told[index].any = true;
    if (status.state == HEADEND_ECMG_ACTIVE)
        base_log(BASE_LOG_NOTICE, "CAS %s: ECMG %s has the ECM streams", name, status.address);
    else if (status.state == HEADEND_ECMG_STANDBY)
        base_log(BASE_LOG_NOTICE, "CAS %s: ECMG %s is there, for the case of need", name, status.address);
    else
        base_log(BASE_LOG_WARNING, "CAS %s: %s", name, /* which ECMG stands in it */
                 status.last_error[0] ? status.last_error : "the connection has ended");
}

void cmd_cas_set_report(struct cmd_cas_set *set)
{
    for (unsigned i = 0; i < set->count; i++) {
        for (unsigned j = 0; j < headend_ecmgs_count(set->cas[i].ecmgs); j++)
            tell(&set->cas[i], j);
    }
}

uint16_t cmd_cas_take_ecm_id(struct cmd_cas *cas, uint16_t wanted)
{
    unsigned id = take_from(cas->ecm_ids, NULL, wanted ? wanted : 1);

    if (wanted && id != wanted)
        base_log(BASE_LOG_WARNING, "CAS %s: ECM_id %u is taken: %u is used instead", cas->config->terms.name,
                 wanted, id);
    return (uint16_t)id;
}

bool cmd_cas_ecm_id_is_free(const struct cmd_cas *cas, uint16_t ecm_id)
{
    return !is_taken(cas->ecm_ids, ecm_id);
}

void cmd_cas_give_ecm_id(struct cmd_cas *cas, uint16_t ecm_id)
{
    give_back(cas->ecm_ids, ecm_id);
}

static uint16_t wanted_pid(const struct cmd_cas_use *use, unsigned index)
{
    unsigned pid = use->ecm_pid ? use->ecm_pid + index : 0;

    return pid < TS_PID_NULL ? (uint16_t)pid : 0;
}

void cmd_cas_signals(const struct cmd_cas_list *list, const struct cmd_cas_use *uses, unsigned count,
                     uint16_t first_flow, unsigned index, struct headend_signal *signals)
{
    for (unsigned i = 0; i < count; i++) {
        const struct cmd_cas_use *use = &uses[i];

        signals[i] = (struct headend_signal){
            .flow = (uint16_t)(first_flow + i),
            .ca_system_id = (uint16_t)(list->cas[use->cas].super_cas_id >> 16),
            .wanted_pid = wanted_pid(use, index),
            .private_size = use->private_size,
        };
        memcpy(signals[i].private_data, use->private_data, use->private_size);
    }
}
