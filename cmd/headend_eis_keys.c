/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the headend's configuration says about an EIS: as a peer, and as the one who rules a stream. */
#include "cmd/headend_keys.h"

#define SECOND INT64_C(1000000) /* in microseconds */

#define AT(member)    .offset = offsetof(struct cmd_headend_entries, member), SIZE(member)
#define SIZE(member)  .size = sizeof(((struct cmd_headend_entries *)0)->member)
#define LISTENER      offsetof(struct cmd_headend_entries, eis.config.listen)
#define ENTRY(member) offsetof(struct cmd_headend_stream_entry, member)
#define OF(member)                                                                                           \
    .offset = ENTRY(stream.eis.member), .size = sizeof(((struct cmd_headend_stream_eis *)0)->member)
#define BETWEEN(low, high) .minimum = (low), .maximum = (high)

static const char *const component_id_words[] = {"pid", "tag", NULL};
static const char *const without_words[] = {"black", "clear", NULL};

const struct base_yaml_key cmd_headend_eis_keys[] = {
    NET_SETTINGS_LISTEN(LISTENER),
    NET_SETTINGS_ALLOW(LISTENER),
    NET_SETTINGS_TLS(LISTENER),
    NET_SETTINGS_CONNECTIONS_MAX(LISTENER),
    {"component_id", AT(eis.components_by_tag), .kind = BASE_YAML_BOOLEAN, .words = component_id_words},
    {"max_scg", AT(eis.config.abilities.max_scg), .kind = BASE_YAML_NUMBER, BETWEEN(1, SIMULCRYPT_SCGS_MAX)},
    {"channels_max", AT(eis.config.channels_max), .kind = BASE_YAML_NUMBER, BETWEEN(1, 1000)},
    {"rate_max", AT(eis.config.rate_max), .kind = BASE_YAML_NUMBER, BETWEEN(1, 100000)},
    {"test_period", AT(eis_test_period_us), .kind = BASE_YAML_SECONDS, BETWEEN(SECOND, 3600 * SECOND)},
    {"tell_activations", AT(eis.config.tells_activations), .kind = BASE_YAML_BOOLEAN,
     .words = base_yaml_booleans},
    {.name = NULL},
};

const struct base_yaml_key cmd_headend_stream_eis_keys[] = {
    {"services", .offset = ENTRY(services), .size = sizeof(struct cmd_headend_service_entry),
     .kind = BASE_YAML_LIST, .grows = true, .keys = &cmd_headend_service_key, .count = ENTRY(service_count),
     .line = ENTRY(eis_services_line), BETWEEN(1, HEADEND_SERVICES_MAX)},
    {"without_scg", OF(clear_without_scg), .kind = BASE_YAML_BOOLEAN, .words = without_words},
    {"transport_stream_id", OF(transport_stream_id), .kind = BASE_YAML_NUMBER, BETWEEN(0, UINT16_MAX),
     .given = ENTRY(stream.eis.has_transport_stream_id)},
    {"original_network_id", OF(original_network_id), .kind = BASE_YAML_NUMBER, BETWEEN(0, UINT16_MAX),
     .given = ENTRY(stream.eis.has_original_network_id)},
    {.name = NULL},
};
