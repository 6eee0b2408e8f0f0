/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/eis_config.h: what `scramline eis` is to say to an SCS, from YAML (configs/eis.yaml shows every key).
 */
#ifndef CMD_EIS_CONFIG_H
#define CMD_EIS_CONFIG_H

#include "cmd/options.h"
#include "net/tls.h"
#include "simulcrypt/eis_scs.h"

#define CMD_EIS_SCGS_MAX 2000
#define CMD_EIS_WHY_SIZE 256

enum cmd_eis_when {
    CMD_EIS_AT_ONCE, /* no activation_time is sent */
    CMD_EIS_AT,      /* ms since 1970, UTC */
    CMD_EIS_AFTER,   /* ms from the start of the program on */
};

struct cmd_eis_time {
    enum cmd_eis_when when;
    int64_t ms;
};

struct cmd_eis_criteria {
    bool given;
    uint16_t size;
    uint8_t bytes[SIMULCRYPT_EIS_CRITERIA_MAX];
};

struct cmd_eis_ecm_group {
    struct simulcrypt_ecm_group group; /* but its access_criteria */
    struct cmd_eis_criteria criteria;
};

/* One entry of `scgs`. */
struct cmd_eis_scg {
    struct simulcrypt_scg scg; /* but counts, ECM groups and activation_time */
    struct cmd_eis_time activation;
    bool has_transport_stream_id, has_original_network_id; /* else those of the file */
    unsigned line;
    unsigned service_count, component_count, ecm_group_count;
    struct cmd_eis_ecm_group ecm_groups[SIMULCRYPT_SCG_ECM_GROUPS_MAX];
};

struct cmd_eis_config {
    struct cmd_host_port scs;
    uint16_t channel_id;
    uint8_t version; /* the highest to try */
    uint16_t transport_stream_id, original_network_id;
    uint64_t reply_timeout_us, test_period_us, status_period_us;
    struct net_tls_config tls;
    unsigned tls_line;
    unsigned scg_count;
    struct cmd_eis_scg scgs[CMD_EIS_SCGS_MAX];
};

/* Large: one from the heap, calloc() is enough to begin with. On failure (BASE_E_CONFIGURATION, a negative
 * errno of reading) `why` holds one line with file, line and what is wrong. */
int cmd_eis_config_load(struct cmd_eis_config *config, const char *path, char why[static CMD_EIS_WHY_SIZE]);
/* The same from text; `name` goes before the messages, files are looked for in `folder`. */
int cmd_eis_config_parse(struct cmd_eis_config *config, const char *name, const char *folder,
                         const char *text, size_t size, char why[static CMD_EIS_WHY_SIZE]);

/* "2026-11-20T20:00:00Z" (with up to two decimals of a second), "+30s" or "none"; BASE_E_MALFORMED. */
int cmd_eis_parse_time(const char *text, void *time);

/* The SCG_provision of an entry; `start_ms`: when the program started (ms since 1970, UTC). Points into
 * `entry`. */
void cmd_eis_describe(const struct cmd_eis_scg *entry, int64_t start_ms, struct simulcrypt_scg *scg);

#endif
