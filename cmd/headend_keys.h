/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/headend_keys.h: the headend's configuration as written: which keys there are, what each may hold, and
 * the lines of what is checked against the rest. Private to cmd/headend_config.c. */
#ifndef CMD_HEADEND_KEYS_H
#define CMD_HEADEND_KEYS_H

#include "base/yaml.h"
#include "cmd/headend_config.h"

#define CMD_HEADEND_COMPONENTS_MAX 16 /* words of one list */
#define CMD_HEADEND_CW_TEXT_MAX    80 /* with NUL; a CW has 32 digits at most */

struct cmd_headend_endpoint {
    struct wire_address address;
    uint16_t port;
};

/* The name of a port, and where it was given. */
struct cmd_headend_port_name {
    char name[32];
    unsigned line;
};

struct cmd_headend_port_entry {
    struct pipeline_port_config port;
    unsigned name_line;
};

/* A service, and its short form of terms with the stream's only CAS. */
struct cmd_headend_service_entry {
    struct cmd_cas_use terms; /* first: cmd/cas_keys.h */
    struct cmd_headend_service service;
    unsigned line;
};

struct cmd_headend_stream_entry {
    struct cmd_headend_stream stream; /* times in microseconds still; algorithm CIPHER_ALGORITHMS: DVB-CSA3 */
    struct pipeline_stream_config pipeline;
    struct cmd_headend_port_name input, output;
    struct cmd_headend_endpoint input_address, output_address;
    unsigned service_count;
    struct cmd_headend_service_entry *services;
    bool has_ecmg;
    struct cmd_cas_config ecmg; /* the short form of one CAS */
    uint16_t ecm_pid;           /* of the stream's only CAS */
    unsigned component_count;
    uint8_t components[CMD_HEADEND_COMPONENTS_MAX]; /* indices of words */
    char cw[CMD_HEADEND_CW_TEXT_MAX];
    unsigned line, name_line, input_address_line, output_address_line, output_source_line, cw_line;
    unsigned services_line, eis_line, eis_services_line;
    unsigned ecmg_line, ecm_pid_line, algorithm_line, iv_line, counter_bits_line; /* 0: not given */
};

struct cmd_headend_emmg_entry {
    struct headend_mux_entry mux; /* without the stream's index */
    bool has_data_id;
    char stream[64];
    unsigned line;
};

struct cmd_headend_entries {
    struct pipeline_config pipeline; /* without ports and streams */
    unsigned port_count, stream_count;
    struct cmd_headend_port_entry ports[PIPELINE_PORTS_MAX];
    struct cmd_headend_stream_entry streams[PIPELINE_STREAMS_MAX];
    struct cmd_cas_list cas;
    struct cmd_headend_eis eis;
    uint64_t eis_test_period_us;
    unsigned eis_line;
    struct cmd_headend_emmg emmg;
    unsigned emmg_line;
    uint64_t emmg_test_period_us;
    unsigned emmg_entry_count;
    struct cmd_headend_emmg_entry *emmg_entries;
    struct cmd_headend_cpsigs cpsig; /* without the CASs' indices */
};

extern const struct base_yaml_key cmd_headend_service_key;       /* of an entry of `services` */
extern const struct base_yaml_key cmd_headend_eis_keys[];        /* of struct cmd_headend_entries */
extern const struct base_yaml_key cmd_headend_emmg_keys[];       /* of struct cmd_headend_entries */
extern const struct base_yaml_key cmd_headend_stream_eis_keys[]; /* of struct cmd_headend_stream_entry */
extern const struct base_yaml_key cmd_headend_cpsig_key;         /* of an entry of `cpsig` */
extern const struct base_yaml_key cmd_headend_keys[];            /* of struct cmd_headend_entries */

/* What EMMGs may send, once the streams are known. BASE_E_CONFIGURATION with the report. */
int cmd_headend_take_emmg(struct cmd_headend_config *config, const struct cmd_headend_entries *entries,
                          const char *folder, const struct base_yaml_report *report);

void cmd_headend_begin_cpsig(void *entry); /* defaults; of a struct cmd_headend_cpsig */

/* The C(P)SIGs, once the CASs are known; what is taken over is the configuration's to free. Likewise. */
int cmd_headend_take_cpsig(struct cmd_headend_config *config, struct cmd_headend_entries *entries,
                           const char *folder, const struct base_yaml_report *report);

#endif
