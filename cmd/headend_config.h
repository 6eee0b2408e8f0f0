/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/headend_config.h: the live headend's configuration: YAML to checked values (configs/headend.yaml shows
 * every key).
 *
 * Knows nothing of DPDK, so `scramline run --check` needs no ports, no memory and no rights. Secrets come
 * from files of their own; `cw` in the configuration itself is for laboratories. One thread. */
#ifndef CMD_HEADEND_CONFIG_H
#define CMD_HEADEND_CONFIG_H

#include "base/secret.h"
#include "cmd/cas_config.h"
#include "headend/eis.h"
#include "headend/follower.h"
#include "headend/group.h"
#include "headend/mux.h"
#include "pipeline/pipeline.h"

#define CMD_HEADEND_WHY_SIZE 512 /* characters of an error message */
#define CMD_HEADEND_PATH_MAX 512
#define CMD_HEADEND_EIS_PORT 2233 /* unless told; the standard has none */

struct cmd_headend_service {
    bool by_id;
    uint16_t id;
    char name[TS_SERVICE_NAME_MAX];
    /* Instead of the stream's: its own CASs, or its own terms with the stream's only CAS. */
    unsigned cas_count;
    struct cmd_cas_use *cas; /* NULL: the stream's; PIDs and ECM_ids in it are not counted on from */
};

/* A stream whose services are an EIS's to scramble. */
struct cmd_headend_stream_eis {
    bool wanted;
    bool clear_without_scg; /* services that no SCG holds are clear, else black */
    bool has_transport_stream_id, has_original_network_id; /* else as the stream's tables say */
    uint16_t transport_stream_id, original_network_id;
};

struct cmd_headend_stream {
    enum cipher_algorithm algorithm;
    struct cipher_mode mode;
    bool all_services;
    unsigned service_count; /* 0 without all_services: the first service */
    struct cmd_headend_service *services;
    unsigned components; /* HEADEND_VIDEO | … */
    enum headend_policy policy;
    uint64_t policy_delay;  /* 27 MHz ticks */
    uint64_t crypto_period; /* 27 MHz ticks; of an EIS's SCGs where it recommends none */
    struct cmd_headend_stream_eis eis;

    /* Where control words come from: they are made for these CASs, or one of the two below. With an EIS:
     * the CASs that its SCGs may name. */
    unsigned cas_count;
    struct cmd_cas_use *cas;
    bool raw_cw;
    struct base_secret cw;              /* laboratory; size 0: none */
    char cw_file[CMD_HEADEND_PATH_MAX]; /* empty: none */
};

struct cmd_headend_eis {
    bool wanted;
    struct headend_eis_config config;
    bool components_by_tag; /* component_id is a component_tag, else a PID */
};

struct cmd_headend_emmg {
    bool wanted;
    struct headend_mux_config config; /* without orders and callback */
};

/* The C(P)SIG of one CAS. */
struct cmd_headend_cpsig {
    char cas_name[CMD_CAS_NAME_MAX];
    unsigned line;
    unsigned cas; /* its index */
    char host[256];
    uint16_t port;
    uint8_t version;
    uint16_t channel_id;
    uint64_t reply_timeout_us, test_period_us;
    uint32_t flow_pid_trigger; /* 0: what headend/psig.h assumes */
    unsigned rate_max;         /* 0: its default */
    struct net_tls_config tls; /* certificate "": plain TCP */
    unsigned tls_line;
};

struct cmd_headend_cpsigs {
    unsigned count;
    struct cmd_headend_cpsig *list; /* owned */
};

struct cmd_headend_config {
    struct pipeline_config pipeline; /* its `streams` points to pipeline_streams */
    struct pipeline_stream_config *pipeline_streams;
    struct cmd_headend_stream *streams; /* in the same order */
    struct cmd_cas_list cas;            /* those of streams' short form behind the others */
    struct cmd_headend_eis eis;
    struct cmd_headend_emmg emmg;
    struct cmd_headend_cpsigs cpsig;
};

/* The CASs of one service of a stream, and their terms; NULL with *count 0 for none. */
const struct cmd_cas_use *cmd_headend_uses(const struct cmd_headend_stream *stream,
                                           const struct cmd_headend_service *service, unsigned *count);

/* On failure `why` holds one line, "FILE:LINE: what is wrong" ("FILE: cannot be read: …" without a line), and
 * `config` is empty. BASE_E_CONFIGURATION, or a negative errno of reading the file. */
int cmd_headend_config_load(struct cmd_headend_config *config, const char *path,
                            char why[static CMD_HEADEND_WHY_SIZE]);

/* The same from memory; `path` is for messages. */
int cmd_headend_config_parse(struct cmd_headend_config *config, const char *path, const uint8_t *text,
                             size_t size, char why[static CMD_HEADEND_WHY_SIZE]);
void cmd_headend_config_clear(struct cmd_headend_config *config); /* wipes */

#endif
