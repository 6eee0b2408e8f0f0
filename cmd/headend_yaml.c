/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/headend_yaml.h"

#include <cyaml/cyaml.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/secret.h"
#include "pipeline/pipeline.h"

#define LIST_MAX 64

#define TEXT(type, key)                                                                                      \
    CYAML_FIELD_STRING_PTR(#key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct type, key, 0,              \
                           CYAML_UNLIMITED)
#define NEEDED(type, key)                                                                                    \
    CYAML_FIELD_STRING_PTR(#key, CYAML_FLAG_POINTER, struct type, key, 1, CYAML_UNLIMITED)

static const cyaml_schema_field_t port_fields[] = {NEEDED(cmd_yaml_port, name), NEEDED(cmd_yaml_port, device),
                                                   TEXT(cmd_yaml_port, promiscuous), CYAML_FIELD_END};
static const cyaml_schema_value_t port_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct cmd_yaml_port, port_fields)};

static const cyaml_schema_field_t input_fields[] = {NEEDED(cmd_yaml_input, port),
                                                    NEEDED(cmd_yaml_input, address), CYAML_FIELD_END};

static const cyaml_schema_field_t output_fields[] = {
    NEEDED(cmd_yaml_output, port), TEXT(cmd_yaml_output, address), TEXT(cmd_yaml_output, source),
    TEXT(cmd_yaml_output, ttl),    TEXT(cmd_yaml_output, mac),     CYAML_FIELD_END};

static const cyaml_schema_field_t ecmg_fields[] = {NEEDED(cmd_yaml_ecmg, address),
                                                   NEEDED(cmd_yaml_ecmg, super_cas_id),
                                                   TEXT(cmd_yaml_ecmg, access_criteria),
                                                   TEXT(cmd_yaml_ecmg, version),
                                                   TEXT(cmd_yaml_ecmg, channel_id),
                                                   TEXT(cmd_yaml_ecmg, ecm_id),
                                                   CYAML_FIELD_END};

static const cyaml_schema_value_t text_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, CYAML_UNLIMITED)};

static const cyaml_schema_field_t stream_fields[] = {
    NEEDED(cmd_yaml_stream, name),
    CYAML_FIELD_MAPPING("input", CYAML_FLAG_DEFAULT, struct cmd_yaml_stream, input, input_fields),
    CYAML_FIELD_MAPPING("output", CYAML_FLAG_DEFAULT, struct cmd_yaml_stream, output, output_fields),
    TEXT(cmd_yaml_stream, algorithm),
    TEXT(cmd_yaml_stream, policy),
    TEXT(cmd_yaml_stream, policy_delay),
    TEXT(cmd_yaml_stream, crypto_period),
    TEXT(cmd_yaml_stream, ecm_pid),
    TEXT(cmd_yaml_stream, cw),
    TEXT(cmd_yaml_stream, cw_file),
    TEXT(cmd_yaml_stream, raw_cw),
    CYAML_FIELD_SEQUENCE("services", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct cmd_yaml_stream,
                         services, &text_value, 1, LIST_MAX),
    CYAML_FIELD_SEQUENCE("components", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct cmd_yaml_stream,
                         components, &text_value, 1, LIST_MAX),
    CYAML_FIELD_MAPPING_PTR("ecmg", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct cmd_yaml_stream, ecmg,
                            ecmg_fields),
    CYAML_FIELD_END};
static const cyaml_schema_value_t stream_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct cmd_yaml_stream, stream_fields)};

static const cyaml_schema_field_t memory_fields[] = {TEXT(cmd_yaml_memory, hugepages),
                                                     TEXT(cmd_yaml_memory, size), CYAML_FIELD_END};

static const cyaml_schema_field_t headend_fields[] = {
    TEXT(cmd_yaml_headend, workers),
    TEXT(cmd_yaml_headend, cores),
    CYAML_FIELD_MAPPING("memory", CYAML_FLAG_OPTIONAL, struct cmd_yaml_headend, memory, memory_fields),
    CYAML_FIELD_SEQUENCE("ports", CYAML_FLAG_POINTER, struct cmd_yaml_headend, ports, &port_value, 1,
                         PIPELINE_PORTS_MAX),
    CYAML_FIELD_SEQUENCE("streams", CYAML_FLAG_POINTER, struct cmd_yaml_headend, streams, &stream_value, 1,
                         PIPELINE_STREAMS_MAX),
    CYAML_FIELD_END};
static const cyaml_schema_value_t headend_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct cmd_yaml_headend, headend_fields)};

/* libcyaml explains itself in log lines: first what is wrong, then where, innermost place first. */
struct explanation {
    char what[200];
    unsigned line;
};

static void listen(cyaml_log_t level, void *context, const char *format, va_list values)
    __attribute__((format(printf, 3, 0)));

static void listen(cyaml_log_t level, void *context, const char *format, va_list values)
{
    struct explanation *explanation = (struct explanation *)context;
    char text[200];
    const char *place;

    (void)level;
    vsnprintf(text, sizeof(text), format, values);
    text[strcspn(text, "\n")] = '\0';
    place = strstr(text, "(line: ");
    if (!explanation->what[0])
        snprintf(explanation->what, sizeof(explanation->what), "%s",
                 !strncmp(text, "Load: ", 6) ? text + 6 : text);
    else if (place && !explanation->line)
        sscanf(place, "(line: %u", &explanation->line);
}

/* For a key that it does not know, libcyaml tells the place before it: the key itself stands on that line or
 * below. */
static void find_unknown_key(struct explanation *explanation, const uint8_t *text, size_t size)
{
    static const char prefix[] = "Unexpected key: ";
    const char *key = explanation->what + sizeof(prefix) - 1;
    const uint8_t *at = text, *end = text + size;
    unsigned line = 1;

    if (strncmp(explanation->what, prefix, sizeof(prefix) - 1))
        return;
    while (at < end) {
        const uint8_t *line_end = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((line_end ? line_end : end) - at);

        if (line >= explanation->line && memmem(at, length, key, strlen(key))) {
            explanation->line = line;
            return;
        }
        at += length + 1;
        line++;
    }
}

static const cyaml_config_t *config_of(struct explanation *explanation, cyaml_config_t *config)
{
    *config = (cyaml_config_t){.log_fn = explanation ? listen : NULL,
                               .log_ctx = explanation,
                               .mem_fn = cyaml_mem,
                               .log_level = CYAML_LOG_ERROR,
                               .flags = CYAML_CFG_NO_ALIAS};
    return config;
}

int cmd_yaml_load(struct cmd_yaml_headend **headend, const char *path, const uint8_t *text, size_t size,
                  char *why, size_t why_size)
{
    struct explanation explanation = {0};
    cyaml_config_t config;
    cyaml_err_t error;

    *headend = NULL;
    error = cyaml_load_data(text, size, config_of(&explanation, &config), &headend_value,
                            (cyaml_data_t **)headend, NULL);
    if (!error && *headend)
        return 0;
    if (!error)
        snprintf(why, why_size, "%s: is empty", path);
    else if (!explanation.line)
        snprintf(why, why_size, "%s: %s", path,
                 explanation.what[0] ? explanation.what : cyaml_strerror(error));
    else {
        find_unknown_key(&explanation, text, size);
        snprintf(why, why_size, "%s:%u: %s", path, explanation.line, explanation.what);
    }
    return BASE_E_CONFIGURATION;
}

void cmd_yaml_free(struct cmd_yaml_headend *headend)
{
    cyaml_config_t config;

    for (unsigned i = 0; headend && i < headend->streams_count; i++) {
        char *cw = headend->streams[i].cw;

        if (cw)
            base_secure_zero(cw, strlen(cw));
    }
    cyaml_free(config_of(NULL, &config), &headend_value, headend, 0);
}
