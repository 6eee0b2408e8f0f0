/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/headend_config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "cmd/headend_yaml.h"
#include "keys/control_word.h"

#define FILE_MAX      (1 << 20) /* bytes of configuration */
#define TICKS_PER_US  (BASE_TICKS_PER_SECOND / 1000000)
#define MICROSECONDS  UINT64_C(1000000)
#define PERIOD_MIN_US (100 * 1000) /* the unit of nominal_CP_duration */
#define PERIOD_MAX_US (6553 * MICROSECONDS)

/* Where we are, for messages; the first failure is kept. */
struct check {
    const char *file;
    char *why;
    char place[96]; /* "streams[0].input." */
    int rc;
};

static void fail(struct check *check, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fail(struct check *check, const char *key, const char *format, ...)
{
    char text[320];
    va_list values;

    if (check->rc)
        return;
    check->rc = BASE_E_CONFIGURATION;
    va_start(values, format);
    vsnprintf(text, sizeof(text), format, values);
    va_end(values);
    snprintf(check->why, CMD_HEADEND_WHY_SIZE, "%s: %s%s: %s", check->file, check->place, key, text);
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7F;
}

static bool has_control(const char *text)
{
    while (*text && !is_control(*text))
        text++;
    return *text;
}

/* What is copied ends up in messages: one line each, on a terminal. */
static void copy_text(struct check *check, const char *key, const char *text, char *value, size_t room)
{
    if (strlen(text) >= room)
        fail(check, key, "is longer than %zu characters", room - 1);
    else if (has_control(text))
        fail(check, key, "holds control characters");
    else
        snprintf(value, room, "%s", text);
}

/* NULL text leaves `otherwise`. */
static uint64_t number(struct check *check, const char *key, const char *text, uint64_t minimum,
                       uint64_t maximum, uint64_t otherwise)
{
    uint64_t value = otherwise;

    if (text && base_parse_u64(text, minimum, maximum, &value))
        fail(check, key, "\"%s\" is not a number from %llu to %llu", text, (unsigned long long)minimum,
             (unsigned long long)maximum);
    return value;
}

static uint64_t ticks(struct check *check, const char *key, const char *text, uint64_t minimum_us,
                      uint64_t maximum_us, uint64_t otherwise_us)
{
    uint64_t value = otherwise_us;

    if (text && base_parse_seconds(text, minimum_us, maximum_us, &value))
        fail(check, key, "\"%s\" is not a time in seconds from %g to %g", text, (double)minimum_us / 1e6,
             (double)maximum_us / 1e6);
    return value * TICKS_PER_US;
}

/* The index of `text` in the NULL-terminated `words`. */
static unsigned word(struct check *check, const char *key, const char *text, const char *const *words,
                     unsigned otherwise)
{
    char all[160] = "";
    size_t used = 0;

    if (!text)
        return otherwise;
    for (unsigned i = 0; words[i]; i++) {
        if (!strcasecmp(text, words[i]))
            return i;
        used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", i ? ", " : "", words[i]);
    }
    fail(check, key, "\"%s\" is none of %s", text, all);
    return otherwise;
}

static bool boolean(struct check *check, const char *key, const char *text, bool otherwise)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", NULL};

    return word(check, key, text, words, otherwise) & 1;
}

static void endpoint(struct check *check, const char *key, const char *text, struct wire_address *address,
                     uint16_t *port)
{
    *port = 0;
    if (wire_endpoint_parse(text, address, port) || !*port)
        fail(check, key, "\"%s\" is not ADDRESS:PORT or [IPv6]:PORT", text);
}

static unsigned port_index(struct check *check, const struct pipeline_config *pipeline, const char *name)
{
    for (unsigned i = 0; i < pipeline->port_count; i++) {
        if (!strcmp(pipeline->ports[i].name, name))
            return i;
    }
    fail(check, "port", "no port named %s", name);
    return 0;
}

static void mac_address(struct check *check, const char *text, uint8_t mac[static 6])
{
    unsigned bytes[6];
    int used = 0;

    if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4],
               &bytes[5], &used) != 6 ||
        text[used])
        fail(check, "mac", "\"%s\" is not a MAC address such as 02:00:00:00:00:01", text);
    else
        for (unsigned i = 0; i < 6; i++)
            mac[i] = (uint8_t)bytes[i];
}

static void take_port(struct check *check, const struct cmd_yaml_port *yaml, struct pipeline_config *pipeline)
{
    struct pipeline_port_config *port = &pipeline->ports[pipeline->port_count];

    copy_text(check, "name", yaml->name, port->name, sizeof(port->name));
    copy_text(check, "device", yaml->device, port->device, sizeof(port->device));
    port->promiscuous = boolean(check, "promiscuous", yaml->promiscuous, true);
    for (unsigned i = 0; i < pipeline->port_count; i++) {
        if (!strcmp(pipeline->ports[i].name, port->name))
            fail(check, "name", "another port is named %s", port->name);
    }
    pipeline->port_count++;
}

static void take_input(struct check *check, const struct cmd_yaml_input *yaml,
                       const struct pipeline_config *pipeline, struct pipeline_stream_config *stream)
{
    stream->input_port = port_index(check, pipeline, yaml->port);
    endpoint(check, "address", yaml->address, &stream->input_address, &stream->input_port_number);
}

static void take_output(struct check *check, const struct cmd_yaml_output *yaml,
                        const struct pipeline_config *pipeline, struct pipeline_stream_config *stream)
{
    static const char other_version[] = "IPv4 and IPv6 cannot be turned into each other";

    stream->output_port = port_index(check, pipeline, yaml->port);
    stream->readdress = yaml->address;
    if (yaml->address)
        endpoint(check, "address", yaml->address, &stream->output_address, &stream->output_port_number);
    if (yaml->address && stream->output_address.version != stream->input_address.version)
        fail(check, "address", other_version);
    stream->has_output_source = yaml->source;
    if (yaml->source && wire_address_parse(yaml->source, &stream->output_source))
        fail(check, "source", "\"%s\" is not an IP address", yaml->source);
    else if (yaml->source && stream->output_source.version != stream->input_address.version)
        fail(check, "source", other_version);
    stream->ttl = (uint8_t)number(check, "ttl", yaml->ttl, 1, 255, 0);
    stream->has_output_mac = yaml->mac;
    if (yaml->mac)
        mac_address(check, yaml->mac, stream->output_mac);
}

static void take_services(struct check *check, const struct cmd_yaml_stream *yaml,
                          struct cmd_headend_stream *stream)
{
    if (yaml->services_count == 1 && !strcasecmp(yaml->services[0], "all")) {
        stream->all_services = true;
        return;
    }
    for (unsigned i = 0; i < yaml->services_count; i++) {
        struct cmd_headend_service *service = &stream->services[stream->service_count++];
        uint64_t id;

        service->by_id = !base_parse_u64(yaml->services[i], 1, UINT16_MAX, &id);
        if (service->by_id)
            service->id = (uint16_t)id;
        else
            copy_text(check, "services", yaml->services[i], service->name, sizeof(service->name));
    }
}

static void take_components(struct check *check, const struct cmd_yaml_stream *yaml,
                            struct cmd_headend_stream *stream)
{
    static const char *const words[] = {"video", "audio", "subtitles", "data", "all", NULL};
    static const unsigned bits[] = {HEADEND_VIDEO, HEADEND_AUDIO, HEADEND_SUBTITLES, HEADEND_DATA,
                                    HEADEND_ALL};

    stream->components = yaml->components_count ? 0 : HEADEND_VIDEO | HEADEND_AUDIO;
    for (unsigned i = 0; i < yaml->components_count; i++)
        stream->components |= bits[word(check, "components", yaml->components[i], words, 0)];
}

static void take_ecmg(struct check *check, const struct cmd_yaml_ecmg *yaml, struct cmd_headend_ecmg *ecmg)
{
    ptrdiff_t size = 0;

    if (base_parse_host_port(yaml->address, ecmg->host, sizeof(ecmg->host), &ecmg->port) || !ecmg->host[0])
        fail(check, "address", "\"%s\" is not HOST:PORT", yaml->address);
    ecmg->super_cas_id = (uint32_t)number(check, "super_cas_id", yaml->super_cas_id, 0, UINT32_MAX, 0);
    ecmg->version = (uint8_t)number(check, "version", yaml->version, 2, 3, 3);
    ecmg->channel_id = (uint16_t)number(check, "channel_id", yaml->channel_id, 0, UINT16_MAX, 0);
    ecmg->ecm_id = (uint16_t)number(check, "ecm_id", yaml->ecm_id, 0, UINT16_MAX, 0);
    if (yaml->access_criteria)
        size = base_hex_decode(yaml->access_criteria, ecmg->access_criteria, sizeof(ecmg->access_criteria));
    if (size < 0)
        fail(check, "access_criteria", "is not at most %d bytes as hexadecimal digits",
             SIMULCRYPT_ACCESS_CRITERIA_MAX);
    else
        ecmg->access_criteria_size = (uint16_t)size;
}

/* Never quotes what it was given. */
static void take_cw(struct check *check, const char *text, struct cmd_headend_stream *stream)
{
    size_t size = cipher_cw_size(stream->algorithm);

    if (keys_cw_from_hex(&stream->cw, text, size, stream->raw_cw))
        fail(check, "cw", "%s takes %zu bytes, as %zu hexadecimal digits",
             cipher_algorithm_name(stream->algorithm), size, 2 * size);
}

static void take_control_words(struct check *check, const struct cmd_yaml_stream *yaml,
                               struct cmd_headend_stream *stream)
{
    size_t place = strlen(check->place);

    if (!!yaml->ecmg + !!yaml->cw + !!yaml->cw_file != 1) {
        fail(check, "ecmg", "give exactly one of ecmg, cw_file and cw (for laboratories)");
        return;
    }
    stream->raw_cw = boolean(check, "raw_cw", yaml->raw_cw, false);
    if (yaml->cw)
        take_cw(check, yaml->cw, stream);
    if (yaml->cw_file)
        copy_text(check, "cw_file", yaml->cw_file, stream->cw_file, sizeof(stream->cw_file));
    if (!yaml->ecmg)
        return;
    snprintf(check->place + place, sizeof(check->place) - place, "ecmg.");
    take_ecmg(check, yaml->ecmg, &stream->ecmg);
    check->place[place] = '\0';
}

static enum cipher_algorithm algorithm(struct check *check, const char *text)
{
    const char *names[CIPHER_ALGORITHMS + 1] = {0};

    for (unsigned i = 0; i < CIPHER_ALGORITHMS; i++)
        names[i] = cipher_algorithm_name((enum cipher_algorithm)i);
    return (enum cipher_algorithm)word(check, "algorithm", text, names, CIPHER_DVB_CSA2);
}

static void take_scrambling(struct check *check, const struct cmd_yaml_stream *yaml,
                            struct cmd_headend_stream *stream)
{
    static const char *const policies[] = {"hold", "black", "clear", NULL};

    stream->algorithm = algorithm(check, yaml->algorithm);
    stream->policy = (enum headend_policy)word(check, "policy", yaml->policy, policies, HEADEND_HOLD);
    stream->policy_delay =
        ticks(check, "policy_delay", yaml->policy_delay, 0, PERIOD_MAX_US, 10 * MICROSECONDS);
    stream->crypto_period =
        ticks(check, "crypto_period", yaml->crypto_period, PERIOD_MIN_US, PERIOD_MAX_US, 10 * MICROSECONDS);
    stream->ecm_pid = (uint16_t)number(check, "ecm_pid", yaml->ecm_pid, TS_PID_FIRST, TS_PID_NULL - 1, 0);
    take_services(check, yaml, stream);
    take_components(check, yaml, stream);
    take_control_words(check, yaml, stream);
}

static void check_unlike_others(struct check *check, const struct pipeline_stream_config *streams,
                                unsigned index)
{
    const struct pipeline_stream_config *one = &streams[index];

    for (unsigned i = 0; i < index; i++) {
        const struct pipeline_stream_config *other = &streams[i];

        if (!strcmp(other->name, one->name))
            fail(check, "name", "another stream is named %s", one->name);
        if (other->input_port == one->input_port && other->input_port_number == one->input_port_number &&
            wire_address_equal(&other->input_address, &one->input_address))
            fail(check, "input.address", "stream %s has the same input", other->name);
    }
}

static void take_stream(struct check *check, const struct cmd_yaml_stream *yaml,
                        struct cmd_headend_config *config, unsigned index)
{
    struct pipeline_stream_config *stream = &config->pipeline_streams[index];

    snprintf(check->place, sizeof(check->place), "streams[%u].", index);
    copy_text(check, "name", yaml->name, stream->name, sizeof(stream->name));
    take_scrambling(check, yaml, &config->streams[index]);
    snprintf(check->place, sizeof(check->place), "streams[%u].input.", index);
    take_input(check, &yaml->input, &config->pipeline, stream);
    snprintf(check->place, sizeof(check->place), "streams[%u].output.", index);
    take_output(check, &yaml->output, &config->pipeline, stream);
    snprintf(check->place, sizeof(check->place), "streams[%u].", index);
    check_unlike_others(check, config->pipeline_streams, index);
    config->pipeline.stream_count++;
}

static void take_machine(struct check *check, const struct cmd_yaml_headend *yaml,
                         struct pipeline_config *pipeline)
{
    static const char *const hugepages[] = {"auto", "never", NULL};

    pipeline->workers = (unsigned)number(check, "workers", yaml->workers, 0, 32, 0);
    if (yaml->cores)
        copy_text(check, "cores", yaml->cores, pipeline->cores, sizeof(pipeline->cores));
    pipeline->no_huge = word(check, "memory.hugepages", yaml->memory.hugepages, hugepages, 0) == 1;
    pipeline->memory_mib = (unsigned)number(check, "memory.size", yaml->memory.size, 64, 1 << 20, 0);
    for (unsigned i = 0; i < yaml->ports_count; i++) {
        snprintf(check->place, sizeof(check->place), "ports[%u].", i);
        take_port(check, &yaml->ports[i], pipeline);
    }
}

static int take(struct cmd_headend_config *config, const struct cmd_yaml_headend *yaml, const char *path,
                char *why)
{
    struct check check = {.file = path, .why = why};

    config->streams = calloc(yaml->streams_count, sizeof(*config->streams));
    config->pipeline_streams = calloc(yaml->streams_count, sizeof(*config->pipeline_streams));
    if (!config->streams || !config->pipeline_streams) {
        snprintf(why, CMD_HEADEND_WHY_SIZE, "%s: %s", path, base_error_text(-ENOMEM));
        return -ENOMEM;
    }
    config->pipeline.streams = config->pipeline_streams;
    take_machine(&check, yaml, &config->pipeline);
    for (unsigned i = 0; !check.rc && i < yaml->streams_count; i++)
        take_stream(&check, &yaml->streams[i], config, i);
    return check.rc;
}

int cmd_headend_config_parse(struct cmd_headend_config *config, const char *path, const uint8_t *text,
                             size_t size, char why[static CMD_HEADEND_WHY_SIZE])
{
    struct cmd_yaml_headend *yaml;
    int rc;

    *config = (struct cmd_headend_config){0};
    rc = cmd_yaml_load(&yaml, path, text, size, why, CMD_HEADEND_WHY_SIZE);
    if (!rc)
        rc = take(config, yaml, path, why);
    cmd_yaml_free(yaml);
    if (!rc)
        return 0;
    cmd_headend_config_clear(config);
    for (char *c = why; *c; c++) {
        if (is_control(*c))
            *c = '?';
    }
    return rc;
}

static int read_file(const char *path, uint8_t *text, size_t *size)
{
    FILE *file = fopen(path, "re");
    int rc = 0;

    if (!file)
        return -errno;
    *size = fread(text, 1, FILE_MAX + 1, file);
    if (ferror(file))
        rc = errno == EISDIR ? -EISDIR : -EIO;
    else if (*size > FILE_MAX)
        rc = -EFBIG;
    fclose(file);
    return rc;
}

int cmd_headend_config_load(struct cmd_headend_config *config, const char *path,
                            char why[static CMD_HEADEND_WHY_SIZE])
{
    uint8_t *text = malloc(FILE_MAX + 1);
    size_t size = 0;
    int rc = text ? read_file(path, text, &size) : -ENOMEM;

    *config = (struct cmd_headend_config){0};
    if (rc)
        snprintf(why, CMD_HEADEND_WHY_SIZE, "%s: cannot be read: %s", path, base_error_text(rc));
    else
        rc = cmd_headend_config_parse(config, path, text, size, why);
    if (text)
        base_secure_zero(text, size);
    free(text);
    return rc;
}

void cmd_headend_config_clear(struct cmd_headend_config *config)
{
    for (unsigned i = 0; config->streams && i < config->pipeline.stream_count; i++)
        base_secret_clear(&config->streams[i].cw);
    free(config->streams);
    free(config->pipeline_streams);
    *config = (struct cmd_headend_config){0};
}
