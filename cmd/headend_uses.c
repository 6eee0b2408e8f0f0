/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which CASs a stream and its services use, out of the forms that the configuration has for it. */
#include "cmd/headend_uses.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"

static int out_of_memory(const struct base_yaml_report *report)
{
    return base_yaml_refuse(report, 1, "%s", base_error_text(-ENOMEM));
}

int cmd_headend_take_cas_list(struct cmd_headend_config *config, struct cmd_headend_entries *entries,
                              const char *folder, const struct base_yaml_report *report)
{
    size_t room = entries->cas.count + entries->stream_count;
    struct cmd_cas_config *grown;

    config->cas = entries->cas;
    entries->cas = (struct cmd_cas_list){0};
    grown = realloc(config->cas.cas, room * sizeof(*grown));
    if (!grown)
        return out_of_memory(report);
    config->cas.cas = grown;
    return cmd_cas_list_settle(&config->cas, folder, report);
}

static bool is_same_short_form(const struct cmd_cas_config *one, const struct cmd_cas_config *other)
{
    return !strcmp(one->terms.name, other->terms.name) && one->super_cas_id == other->super_cas_id &&
           one->version == other->version && one->channel_id == other->channel_id;
}

/* Streams whose short form says the same share the CAS, and so its channel. */
static unsigned short_form_index(struct cmd_cas_list *list, const struct cmd_cas_config *cas)
{
    unsigned index = 0;

    while (index < list->count && !is_same_short_form(&list->cas[index], cas))
        index++;
    if (index == list->count) {
        list->cas[list->count++] = *cas;
        list->cas[index].terms.cas = index;
    }
    return index;
}

static int use_short_form(struct cmd_headend_config *config, const struct cmd_headend_stream_entry *entry,
                          struct cmd_headend_stream *stream, const struct base_yaml_report *report)
{
    struct cmd_cas_config cas = entry->ecmg;
    const struct cmd_cas_use terms = cas.terms;
    unsigned index;

    cas.terms = (struct cmd_cas_use){.required = true, .line = entry->ecmg_line};
    snprintf(cas.terms.name, sizeof(cas.terms.name), "%.50s:%u", cas.ecmgs[0].host, cas.ecmgs[0].port);
    stream->cas = calloc(1, sizeof(*stream->cas));
    if (!stream->cas)
        return out_of_memory(report);
    stream->cas_count = 1;
    *stream->cas = terms;
    index = short_form_index(&config->cas, &cas);
    cmd_cas_use_settle(stream->cas, &config->cas.cas[index].terms);
    return 0;
}

static int resolve_all(struct cmd_cas_use *uses, unsigned count, const struct cmd_cas_list *list,
                       const struct base_yaml_report *report)
{
    int status = 0;

    for (unsigned i = 0; status == 0 && i < count; i++)
        status = cmd_cas_use_resolve(&uses[i], list, report);
    return status;
}

static int place_ecms(const struct cmd_headend_stream_entry *entry, struct cmd_headend_stream *stream,
                      const struct base_yaml_report *report)
{
    if (!entry->ecm_pid)
        return 0;
    if (stream->cas_count != 1)
        return base_yaml_refuse(report, entry->ecm_pid_line,
                                "ecm_pid: goes with one CAS; give each of `cas` an ecm_pid of its own");
    stream->cas->ecm_pid = entry->ecm_pid;
    return 0;
}

static bool says_terms(const struct cmd_cas_use *terms)
{
    return terms->has_access_criteria || terms->has_private_data || terms->has_required ||
           terms->has_allow_late_ecm || terms->ecm_pid || terms->ecm_id;
}

/* Numbers that are not the service's own are the first service's, from which the others count on. */
static void count_on(struct cmd_cas_use *settled, const struct cmd_cas_use *own, unsigned index)
{
    if (settled->ecm_pid && !own->ecm_pid)
        settled->ecm_pid = (uint16_t)(settled->ecm_pid + index);
    if (settled->ecm_id && !own->ecm_id)
        settled->ecm_id = (uint16_t)(settled->ecm_id + index);
    if (settled->ecm_pid >= TS_PID_NULL)
        settled->ecm_pid = 0;
}

/* {service: 7, access_criteria: "01"}: with the only CAS of its stream. */
static int take_own_terms(const struct cmd_headend_service_entry *entry,
                          const struct cmd_headend_stream *stream, unsigned index,
                          const struct base_yaml_report *report)
{
    struct cmd_headend_service *service = &stream->services[index];

    if (stream->cas_count != 1 || service->cas_count)
        return base_yaml_refuse(report, entry->line,
                                "services: terms of a service go with the stream's one CAS; else give it a "
                                "list `cas` of its own");
    service->cas = calloc(1, sizeof(*service->cas));
    if (!service->cas)
        return out_of_memory(report);
    service->cas_count = 1;
    *service->cas = entry->terms;
    cmd_cas_use_settle(service->cas, stream->cas);
    count_on(service->cas, &entry->terms, index);
    return 0;
}

static int take_own_uses(struct cmd_headend_service *service, unsigned index, const struct cmd_cas_list *list,
                         const struct base_yaml_report *report)
{
    int status = 0;

    for (unsigned i = 0; status == 0 && service->cas && i < service->cas_count; i++) {
        const struct cmd_cas_use own = service->cas[i];

        status = cmd_cas_use_resolve(&service->cas[i], list, report);
        if (status == 0)
            count_on(&service->cas[i], &own, index);
    }
    return status;
}

static int take_service(struct cmd_headend_service_entry *entry, const struct cmd_headend_stream *stream,
                        unsigned index, const struct cmd_cas_list *list,
                        const struct base_yaml_report *report)
{
    struct cmd_headend_service *service = &stream->services[index];

    *service = entry->service;
    entry->service.cas = NULL;
    if (service->cas && !stream->cas_count)
        return base_yaml_refuse(report, entry->line, "services: the stream has no CAS: give it `cas` first");
    if (says_terms(&entry->terms))
        return take_own_terms(entry, stream, index, report);
    return take_own_uses(service, index, list, report);
}

/* Which services, and on what terms, is the EIS's to say. */
static int check_eis(const struct cmd_headend_config *config, const struct cmd_headend_stream_entry *entry,
                     const struct base_yaml_report *report)
{
    if (!config->eis.wanted)
        return base_yaml_refuse(report, entry->eis_line, "eis: the headend has none: give it `eis` first");
    if (entry->services_line)
        return base_yaml_refuse(report, entry->services_line,
                                "services: with an EIS they are said in `eis`: {services: […]}");
    for (unsigned i = 0; i < entry->service_count; i++) {
        if (entry->services[i].service.cas || says_terms(&entry->services[i].terms))
            return base_yaml_refuse(report, entry->services[i].line,
                                    "services: the terms of those in `eis` come from the EIS");
    }
    return 0;
}

int cmd_headend_take_services(const struct cmd_headend_config *config, struct cmd_headend_stream_entry *entry,
                              struct cmd_headend_stream *stream, const struct base_yaml_report *report)
{
    int status = stream->eis.wanted ? check_eis(config, entry, report) : 0;

    if (status < 0)
        return status;
    stream->all_services = entry->service_count ? entry->service_count == 1 &&
                                                      !strcasecmp(entry->services[0].service.name, "all")
                                                : stream->eis.wanted;
    if (!entry->service_count || stream->all_services)
        return 0;
    stream->services = calloc(entry->service_count, sizeof(*stream->services));
    if (!stream->services)
        return out_of_memory(report);
    for (unsigned i = 0; status == 0 && i < entry->service_count; i++) {
        stream->service_count++;
        status = take_service(&entry->services[i], stream, i, &config->cas, report);
    }
    return status;
}

/* An EIS may use all CASs that have a name, unless the stream lists some. */
static int use_all(const struct cmd_cas_list *list, struct cmd_headend_stream *stream,
                   const struct base_yaml_report *report)
{
    stream->cas = calloc(list->count ? list->count : 1, sizeof(*stream->cas));
    if (!stream->cas)
        return out_of_memory(report);
    for (unsigned i = 0; i < list->count; i++)
        stream->cas[stream->cas_count++] = list->cas[i].terms;
    return 0;
}

int cmd_headend_take_uses(struct cmd_headend_config *config, const struct cmd_headend_stream_entry *entry,
                          struct cmd_headend_stream *stream, const struct base_yaml_report *report)
{
    int status;

    if (stream->eis.wanted && !stream->cas_count)
        return use_all(&config->cas, stream, report);
    status = entry->has_ecmg ? use_short_form(config, entry, stream, report)
                             : resolve_all(stream->cas, stream->cas_count, &config->cas, report);

    return status < 0 ? status : place_ecms(entry, stream, report);
}

static unsigned count_ecm_streams(const struct cmd_headend_stream *stream)
{
    unsigned services = stream->service_count ? stream->service_count : 1, count = 0;

    if (stream->all_services || stream->eis.wanted) /* an SCG that changes has those of before and after */
        return HEADEND_SERVICES_MAX * stream->cas_count * (stream->eis.wanted ? 2 : 1);
    for (unsigned i = 0; i < services; i++) {
        unsigned uses;

        (void)cmd_headend_uses(stream, stream->service_count ? &stream->services[i] : NULL, &uses);
        count += uses;
    }
    return count;
}

void cmd_headend_count_carousels(struct cmd_headend_config *config)
{
    for (unsigned i = 0; i < config->pipeline.stream_count; i++) {
        unsigned count = SCRAMBLER_CAROUSELS + count_ecm_streams(&config->streams[i]);

        config->pipeline_streams[i].carousels =
            count < SCRAMBLER_CAROUSELS_MAX ? count : SCRAMBLER_CAROUSELS_MAX;
    }
}

const struct cmd_cas_use *cmd_headend_uses(const struct cmd_headend_stream *stream,
                                           const struct cmd_headend_service *service, unsigned *count)
{
    bool own = service && service->cas;

    *count = own ? service->cas_count : stream->cas_count;
    return own ? service->cas : stream->cas;
}
