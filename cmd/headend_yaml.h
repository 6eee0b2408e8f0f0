/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/headend_yaml.h: the headend's configuration as written: which keys there are, every value still text.
 * Private to cmd/headend_config.c. */
#ifndef CMD_HEADEND_YAML_H
#define CMD_HEADEND_YAML_H

#include <stddef.h>
#include <stdint.h>

/* NULL: the key is not there. */
struct cmd_yaml_port {
    char *name, *device, *promiscuous;
};

struct cmd_yaml_input {
    char *port, *address;
};

struct cmd_yaml_output {
    char *port, *address, *source, *ttl, *mac;
};

struct cmd_yaml_ecmg {
    char *address, *super_cas_id, *access_criteria, *version, *channel_id, *ecm_id;
};

struct cmd_yaml_stream {
    char *name;
    struct cmd_yaml_input input;
    struct cmd_yaml_output output;
    char *algorithm, *policy, *policy_delay, *crypto_period, *ecm_pid, *cw, *cw_file, *raw_cw;
    char **services, **components;
    unsigned services_count, components_count;
    struct cmd_yaml_ecmg *ecmg;
};

struct cmd_yaml_memory {
    char *hugepages, *size;
};

struct cmd_yaml_headend {
    char *workers, *cores;
    struct cmd_yaml_memory memory;
    struct cmd_yaml_port *ports;
    unsigned ports_count;
    struct cmd_yaml_stream *streams;
    unsigned streams_count;
};

/* 0 or BASE_E_CONFIGURATION with one line in `why`. */
int cmd_yaml_load(struct cmd_yaml_headend **headend, const char *path, const uint8_t *text, size_t size,
                  char *why, size_t why_size);
void cmd_yaml_free(struct cmd_yaml_headend *headend); /* wipes what may be secret; NULL is allowed */

#endif
