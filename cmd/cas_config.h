/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/cas_config.h: the CASs of a configuration: where their ECMGs are, and on what terms services use them.
 *
 * One form for the live headend (`cas:` of configs/headend.yaml) and for file runs (`--simulcrypt FILE`).
 * What a CAS says of access criteria and the like holds for every service that does not say otherwise.
 * Thread-safe: no state. */
#ifndef CMD_CAS_CONFIG_H
#define CMD_CAS_CONFIG_H

#include "base/yaml.h"
#include "headend/ecmgs.h"
#include "headend/follower.h"
#include "net/settings.h"

#define CMD_CAS_MAX      64 /* of one headend, not counting streams' short form */
#define CMD_CAS_NAME_MAX 64 /* with NUL */

/* The terms on which a service uses a CAS: one ECM stream. */
struct cmd_cas_use {
    char name[CMD_CAS_NAME_MAX]; /* of the CAS */
    unsigned line;
    unsigned cas;                                                                 /* its index */
    bool has_required, has_allow_late_ecm, has_access_criteria, has_private_data; /* else the CAS's */
    bool required;
    bool allow_late_ecm;
    uint16_t ecm_pid; /* of the first service, the others count on from it; 0: free ones are chosen */
    uint16_t ecm_id;  /* of the first service, the others take the next free ones; 0: the first free one */
    uint16_t access_criteria_size;
    uint8_t access_criteria[SIMULCRYPT_ACCESS_CRITERIA_MAX];
    uint8_t private_size; /* of the CA_descriptor's private_data_bytes */
    uint8_t private_data[HEADEND_CA_PRIVATE_MAX];
};

struct cmd_cas_config {
    struct cmd_cas_use terms; /* unless a service says otherwise */
    uint32_t super_cas_id;
    unsigned ecmg_count;
    struct headend_ecmg_address ecmgs[HEADEND_ECMGS_MAX]; /* the primary first */
    uint8_t version;
    unsigned version_line;
    uint8_t outstanding;
    uint16_t channel_id; /* the first to try; 0: 1 */
    uint64_t reply_timeout_us, network_delay_us, test_period_us;
    uint32_t failback_ms;
    struct headend_status_override override;
    struct net_tls_config tls; /* for all its ECMGs; certificate "": plain TCP */
    unsigned tls_line;
};

struct cmd_cas_list {
    unsigned count;
    struct cmd_cas_config *cas; /* owned */
};

void cmd_cas_config_init(void *cas); /* defaults; of a struct cmd_cas_config */

/* What a list `cas` of CASs has as `keys`, what one of uses has, and the short form of a CAS with one ECMG
 * (a mapping into a struct cmd_cas_config). */
extern const struct base_yaml_key cmd_cas_key;
extern const struct base_yaml_key cmd_cas_use_key;
extern const struct base_yaml_key cmd_cas_short_keys[];

/* Of CASs as loaded; numbers them, and finds their files from `folder` on. BASE_E_CONFIGURATION with the
 * report. */
int cmd_cas_list_settle(struct cmd_cas_list *list, const char *folder, const struct base_yaml_report *report);

/* Finds the CAS that a use names, and takes from it what the use leaves open. */
int cmd_cas_use_resolve(struct cmd_cas_use *use, const struct cmd_cas_list *list,
                        const struct base_yaml_report *report);
/* Takes what the use leaves open, and its CAS, from other terms. */
void cmd_cas_use_settle(struct cmd_cas_use *use, const struct cmd_cas_use *terms);

/* A file of nothing but `cas:`. `why` as cmd_headend_config_load() has it. */
int cmd_cas_list_load(struct cmd_cas_list *list, const char *path, char why[static 512]);
void cmd_cas_list_clear(struct cmd_cas_list *list);

#endif
