/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ecmg/server.h: a SimulCrypt ECMG: many SCS connections on one net_loop thread (simulcrypt/ecmg_session.h).
 *
 * Each Super_CAS_id it serves has a service key, under which its ECMs are sealed (ecmg/ecm.h).
 * ECM_channel_ids are unique over all connections, ECM_ids within a Super_CAS_id. No control word outlives
 * the call that brought it, unless CW_per_msg is not more than lead_CW: then a CW_provision does not hold the
 * CW of its own crypto-period, and those that did are remembered (wiped as they grow old). */
#ifndef ECMG_SERVER_H
#define ECMG_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"
#include "net/loop.h"
#include "net/settings.h"
#include "simulcrypt/ecmg_scs.h"

#define ECMG_SERVICES_MAX 64

#define ECMG_CHANNELS_DEFAULT      4000
#define ECMG_STREAMS_DEFAULT       65536
#define ECMG_REPLY_TIMEOUT_DEFAULT 5000000 /* µs */

/* What an SCS is told of its channel and streams. */
struct ecmg_channel_config {
    struct simulcrypt_channel_status status;
    bool access_criteria_transfer_mode; /* every CW_provision has access criteria; else those that change */
};

struct ecmg_service_config {
    bool any;         /* serves every Super_CAS_id that has no entry of its own */
    bool has_channel; /* `channel` stands in place of the server's */
    uint32_t super_cas_id;
    struct base_secret key;
    struct ecmg_channel_config channel;
};

struct ecmg_server_config {
    /* connections_max 0: 64 more than channels_max, so that they get an error_status and not a silence */
    struct net_listener_settings listener;
    unsigned service_count;
    struct ecmg_service_config services[ECMG_SERVICES_MAX];
    struct ecmg_channel_config channel;
    uint32_t channels_max; /* over all connections; 0: the default */
    uint32_t streams_max;  /* over all channels; 0: the default */
    /* Messages of one connection, whatever they are, good or bad; what comes faster waits unread. 0: no limit
     */
    uint32_t messages_per_second;
    /* After so long a silence of an SCS its channel and one of its streams (in turn) are tested; if nothing
     * comes for the reply time-out, it is dropped. 0: never, and the default */
    uint64_t test_period_us, reply_timeout_us;
    uint32_t answer_delay_ms; /* for the laboratory: ECM_responses come so much later */
};
void ecmg_server_config_init(struct ecmg_server_config *config);

/* From YAML (configs/ecmg.yaml shows every key), defaults where the file says nothing. On failure (negative
 * errno, BASE_E_CONFIGURATION) `why` holds one line with file, line and what is wrong, and `config` is
 * unchanged. */
int ecmg_server_config_load(struct ecmg_server_config *config, const char *path, char why[static 256]);

/* The same from text; `name` goes before the messages, relative key files are looked for in `folder`. */
int ecmg_server_config_parse(struct ecmg_server_config *config, const char *text, size_t size,
                             const char *name, const char *folder, char why[static 256]);

/* Reads the service key of a file; on failure `why` holds one line about it. */
int ecmg_service_key_load(struct base_secret *key, const char *path, char why[static 256]);

void ecmg_server_config_clear(struct ecmg_server_config *config); /* wipes the keys */

struct ecmg_server;
struct ecmg_server_counters {
    uint64_t connections, channels, streams; /* open now */
    uint64_t accepted;                       /* connections ever */
    uint64_t ecms;                           /* answered */
    uint64_t errors;                         /* error messages sent */
};

/* `config` is copied. A negative error where it cannot listen, which is an error in the log, too. */
int ecmg_server_create(struct ecmg_server **server, struct net_loop *loop,
                       const struct ecmg_server_config *config);
void ecmg_server_destroy(struct ecmg_server *server); /* wipes; NULL is allowed */
uint16_t ecmg_server_port(const struct ecmg_server *server);
void ecmg_server_counters(const struct ecmg_server *server, struct ecmg_server_counters *counters);

#endif
