/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The configuration of the ECMG: defaults, YAML, checks. configs/ecmg.yaml explains every key. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "base/yaml.h"
#include "ecmg/ecm.h"
#include "ecmg/server.h"
#include "keys/key_file.h"

#define DELAY_MAX        30000               /* ms; what multiplexers accept */
#define ANSWER_DELAY_MAX 60000               /* ms */
#define TIME_MAX         INT64_C(3600000000) /* µs */

/* A channel's values, and which of them the file names: for those of a service, that the server's do not
 * replace them. A value's flag stands at the value's own offset, one that may be absent has its has_ flag. */
struct channel_entry {
    struct ecmg_channel_config values;
    bool given[sizeof(struct ecmg_channel_config)];
};

struct service_entry {
    char super_cas_id[24]; /* a number or "any" */
    char key_file[PATH_MAX];
    unsigned super_cas_id_line, key_file_line;
    struct channel_entry channel;
    bool has_status, has_stream_status;
};

struct file_content {
    struct ecmg_server_config config;
    struct channel_entry channel;
    struct service_entry services[ECMG_SERVICES_MAX];
    unsigned service_count;
};

#define CHANNEL(member)      offsetof(struct channel_entry, values.member)
#define CHANNEL_SIZE(member) sizeof(((struct channel_entry *)0)->values.member)
#define CHANNEL_GIVEN(member)                                                                                \
    (offsetof(struct channel_entry, given) + offsetof(struct ecmg_channel_config, member))
#define STATUS_NUMBER(key, member, low, high)                                                                \
    .name = (key), .kind = BASE_YAML_NUMBER, .offset = CHANNEL(status.member),                               \
    .size = CHANNEL_SIZE(status.member), .minimum = (low), .maximum = (high)
#define STATUS(key, member, low, high)                                                                       \
    {                                                                                                        \
        STATUS_NUMBER(key, member, low, high), .given = CHANNEL_GIVEN(status.member)                         \
    }
#define DELAY(key, member) STATUS(key, member, -DELAY_MAX, DELAY_MAX)
#define OPTIONAL_DELAY(key, member)                                                                          \
    {                                                                                                        \
        STATUS_NUMBER(key, member, -DELAY_MAX, DELAY_MAX), .given = CHANNEL(status.has_##member)             \
    }

static const char *const section_words[] = {"sections", "packets", NULL};

static const struct base_yaml_key status_keys[] = {
    {.name = "section_TSpkt_flag",
     .kind = BASE_YAML_BOOLEAN,
     .offset = CHANNEL(status.packets),
     .size = CHANNEL_SIZE(status.packets),
     .given = CHANNEL_GIVEN(status.packets),
     .words = section_words},
    DELAY("delay_start", delay_start),
    DELAY("delay_stop", delay_stop),
    OPTIONAL_DELAY("transition_delay_start", transition_delay_start),
    OPTIONAL_DELAY("transition_delay_stop", transition_delay_stop),
    OPTIONAL_DELAY("AC_delay_start", ac_delay_start),
    OPTIONAL_DELAY("AC_delay_stop", ac_delay_stop),
    STATUS("ECM_rep_period", ecm_rep_period, 1, UINT16_MAX),
    STATUS("max_streams", max_streams, 0, UINT16_MAX),
    STATUS("min_CP_duration", min_cp_duration, 1, UINT16_MAX),
    STATUS("lead_CW", lead_cw, 0, SIMULCRYPT_CWS_MAX - 1),
    STATUS("CW_per_msg", cw_per_msg, 1, SIMULCRYPT_CWS_MAX),
    STATUS("max_comp_time", max_comp_time, 1, UINT16_MAX),
    {.name = NULL},
};

static const struct base_yaml_key stream_status_keys[] = {
    {.name = "access_criteria_transfer_mode",
     .kind = BASE_YAML_BOOLEAN,
     .offset = CHANNEL(access_criteria_transfer_mode),
     .size = CHANNEL_SIZE(access_criteria_transfer_mode),
     .given = CHANNEL_GIVEN(access_criteria_transfer_mode),
     .words = base_yaml_booleans},
    {.name = NULL},
};

static const struct base_yaml_key service_keys[] = {
    {.name = "super_cas_id",
     .kind = BASE_YAML_TEXT,
     .offset = offsetof(struct service_entry, super_cas_id),
     .size = sizeof(((struct service_entry *)0)->super_cas_id),
     .line = offsetof(struct service_entry, super_cas_id_line),
     .required = true},
    {.name = "key_file",
     .kind = BASE_YAML_TEXT,
     .offset = offsetof(struct service_entry, key_file),
     .size = sizeof(((struct service_entry *)0)->key_file),
     .line = offsetof(struct service_entry, key_file_line),
     .required = true},
    {.name = "channel_status",
     .kind = BASE_YAML_MAPPING,
     .offset = offsetof(struct service_entry, channel),
     .given = offsetof(struct service_entry, has_status),
     .keys = status_keys},
    {.name = "stream_status",
     .kind = BASE_YAML_MAPPING,
     .offset = offsetof(struct service_entry, channel),
     .given = offsetof(struct service_entry, has_stream_status),
     .keys = stream_status_keys},
    {.name = NULL},
};

static const struct base_yaml_key service_key = {
    .name = "services", .kind = BASE_YAML_MAPPING, .keys = service_keys};

static const struct base_yaml_key limit_keys[] = {
    {.name = "channels",
     .kind = BASE_YAML_NUMBER,
     .offset = offsetof(struct file_content, config.channels_max),
     .size = sizeof(uint32_t),
     .minimum = 1,
     .maximum = 65536},
    {.name = "streams",
     .kind = BASE_YAML_NUMBER,
     .offset = offsetof(struct file_content, config.streams_max),
     .size = sizeof(uint32_t),
     .minimum = 1,
     .maximum = 1000000},
    {.name = "messages_per_second",
     .kind = BASE_YAML_NUMBER,
     .offset = offsetof(struct file_content, config.messages_per_second),
     .size = sizeof(uint32_t),
     .maximum = 1000000},
    {.name = NULL},
};

static const struct base_yaml_key laboratory_keys[] = {
    {.name = "answer_delay",
     .kind = BASE_YAML_NUMBER,
     .offset = offsetof(struct file_content, config.answer_delay_ms),
     .size = sizeof(uint32_t),
     .maximum = ANSWER_DELAY_MAX},
    {.name = NULL},
};

static const struct base_yaml_key file_keys[] = {
    {.name = "address",
     .kind = BASE_YAML_TEXT,
     .offset = offsetof(struct file_content, config.listener.host),
     .size = sizeof(((struct file_content *)0)->config.listener.host)},
    {.name = "port",
     .kind = BASE_YAML_NUMBER,
     .offset = offsetof(struct file_content, config.listener.port),
     .size = sizeof(uint16_t),
     .maximum = UINT16_MAX},
    NET_SETTINGS_ALLOW(offsetof(struct file_content, config.listener)),
    NET_SETTINGS_TLS(offsetof(struct file_content, config.listener)),
    NET_SETTINGS_CONNECTIONS_MAX(offsetof(struct file_content, config.listener)),
    {.name = "services",
     .kind = BASE_YAML_LIST,
     .offset = offsetof(struct file_content, services),
     .size = sizeof(struct service_entry),
     .count = offsetof(struct file_content, service_count),
     .maximum = ECMG_SERVICES_MAX,
     .keys = &service_key},
    {.name = "limits", .kind = BASE_YAML_MAPPING, .keys = limit_keys},
    {.name = "channel_status",
     .kind = BASE_YAML_MAPPING,
     .offset = offsetof(struct file_content, channel),
     .keys = status_keys},
    {.name = "stream_status",
     .kind = BASE_YAML_MAPPING,
     .offset = offsetof(struct file_content, channel),
     .keys = stream_status_keys},
    {.name = "test_period",
     .kind = BASE_YAML_SECONDS,
     .offset = offsetof(struct file_content, config.test_period_us),
     .size = sizeof(uint64_t),
     .maximum = TIME_MAX},
    {.name = "reply_timeout",
     .kind = BASE_YAML_SECONDS,
     .offset = offsetof(struct file_content, config.reply_timeout_us),
     .size = sizeof(uint64_t),
     .minimum = 100000,
     .maximum = TIME_MAX},
    {.name = "laboratory", .kind = BASE_YAML_MAPPING, .keys = laboratory_keys},
    {.name = NULL},
};

void ecmg_server_config_init(struct ecmg_server_config *config)
{
    *config = (struct ecmg_server_config){
        .listener = {.host = "127.0.0.1", .port = 2222},
        .channels_max = ECMG_CHANNELS_DEFAULT,
        .streams_max = ECMG_STREAMS_DEFAULT,
        .reply_timeout_us = ECMG_REPLY_TIMEOUT_DEFAULT,
        .channel.status = {.has_transition_delay_start = true,
                           .transition_delay_start = -500,
                           .ecm_rep_period = 100,
                           .min_cp_duration = 10,
                           .lead_cw = 1,
                           .cw_per_msg = 2,
                           .max_comp_time = 100},
    };
}

void ecmg_server_config_clear(struct ecmg_server_config *config)
{
    base_secure_zero(config, sizeof(*config));
}

/* What a service does not name is as the server has it. */
static void inherit(struct channel_entry *entry, const struct channel_entry *from,
                    const struct base_yaml_key *keys)
{
    for (const struct base_yaml_key *key = keys; key->name; key++) {
        if (*((const bool *)entry + key->given))
            continue;
        memcpy((char *)entry + key->offset, (const char *)from + key->offset, key->size);
        memcpy((char *)entry + key->given, (const char *)from + key->given, sizeof(bool));
    }
}

static void read_channel(struct service_entry *entry, const struct channel_entry *server,
                         struct ecmg_service_config *service)
{
    service->has_channel = entry->has_status || entry->has_stream_status;
    if (!service->has_channel)
        return;
    inherit(&entry->channel, server, status_keys);
    inherit(&entry->channel, server, stream_status_keys);
    service->channel = entry->channel.values;
}

static int read_super_cas_id(const struct service_entry *entry, struct ecmg_service_config *service,
                             const struct base_yaml_report *report)
{
    uint64_t number = 0;

    service->any = !strcmp(entry->super_cas_id, "any");
    if (!service->any && base_parse_u64(entry->super_cas_id, 0, UINT32_MAX, &number) < 0)
        return base_yaml_refuse(report, entry->super_cas_id_line,
                                "super_cas_id: '%s' is neither 'any' nor a number from 0 to 0xffffffff",
                                entry->super_cas_id);
    service->super_cas_id = (uint32_t)number;
    return 0;
}

static const char *key_trouble(int status)
{
    switch (status) {
    case -ENOENT:
        return "there is no such file (scramline keys service makes one)";
    case BASE_E_MALFORMED:
        return "it does not hold one line of 32 hexadecimal digits";
    default:
        return base_file_trouble(status);
    }
}

int ecmg_service_key_load(struct base_secret *key, const char *path, char why[static 256])
{
    int status = keys_file_read(path, key, ECMG_SERVICE_KEY_SIZE);

    if (status < 0)
        snprintf(why, 256, "service key %.160s: %s", path, key_trouble(status));
    return status;
}

static int read_key(const struct service_entry *entry, const char *folder,
                    struct ecmg_service_config *service, const struct base_yaml_report *report)
{
    char path[PATH_MAX];
    int status = base_file_locate(folder, entry->key_file, path, sizeof(path));

    if (status == 0)
        status = keys_file_read(path, &service->key, ECMG_SERVICE_KEY_SIZE);
    if (status < 0)
        return base_yaml_refuse(report, entry->key_file_line, "key_file '%.80s': %s", entry->key_file,
                                key_trouble(status));
    return 0;
}

static int check_unique(const struct file_content *content, unsigned at,
                        const struct base_yaml_report *report)
{
    const struct ecmg_service_config *services = content->config.services;

    for (unsigned i = 0; i < at; i++) {
        if (services[i].any == services[at].any && services[i].super_cas_id == services[at].super_cas_id)
            return base_yaml_refuse(report, content->services[at].super_cas_id_line,
                                    "super_cas_id %s has an entry already",
                                    content->services[at].super_cas_id);
    }
    return 0;
}

static int read_services(struct file_content *content, const char *folder,
                         const struct base_yaml_report *report)
{
    int status = 0;

    for (unsigned i = 0; status == 0 && i < content->service_count; i++) {
        status = read_super_cas_id(&content->services[i], &content->config.services[i], report);
        if (status == 0)
            status = check_unique(content, i, report);
        if (status == 0)
            status = read_key(&content->services[i], folder, &content->config.services[i], report);
        read_channel(&content->services[i], &content->channel, &content->config.services[i]);
    }
    content->config.service_count = content->service_count;
    return status;
}

int ecmg_server_config_parse(struct ecmg_server_config *config, const char *text, size_t size,
                             const char *name, const char *folder, char why[static 256])
{
    const struct base_yaml_report report = {.name = name, .why = why, .room = 256};
    struct file_content *content = calloc(1, sizeof(*content));
    int status;

    why[0] = '\0';
    if (!content)
        return base_yaml_refuse(&report, 1, "out of memory");
    ecmg_server_config_init(&content->config);
    content->channel.values = content->config.channel;
    status = base_yaml_load(file_keys, content, text, size, &report);
    content->config.channel = content->channel.values;
    if (status == 0)
        status = read_services(content, folder, &report);
    if (status == 0)
        status = net_tls_settle(&content->config.listener.tls, true, folder,
                                content->config.listener.tls_line, &report);
    if (status == 0 && !strcmp(content->config.listener.host, "*"))
        content->config.listener.host[0] = '\0';
    if (status == 0)
        *config = content->config;
    base_secure_zero(content, sizeof(*content));
    free(content);
    return status;
}

int ecmg_server_config_load(struct ecmg_server_config *config, const char *path, char why[static 256])
{
    char folder[PATH_MAX];
    char *text;
    size_t size;
    int status = base_yaml_read(path, &text, &size);

    if (status == 0)
        status = base_file_folder(path, folder, sizeof(folder));
    if (status == 0)
        status = ecmg_server_config_parse(config, text, size, path, folder, why);
    else
        snprintf(why, 256, "%.160s: %s", path, base_error_text(status));
    base_yaml_discard(text, size);
    return status;
}
