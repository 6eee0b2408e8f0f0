/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Real streams, and other people's programs as judges: ffprobe for programmes, components and names, tshark
 * for PCRs. SCRAMLINE_CAPTURES names the folder of *.ts files. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <glob.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ts/psi.h"
#include "ts/timeline.h"

#define PROGRAMS_MAX 64

/* What our readers say of a stream. */
struct stream {
    struct ts_section_demux *demux;
    unsigned program_count, service_count;
    struct {
        uint16_t number, pmt_pid;
        bool known;
        struct ts_pmt pmt;
    } programs[PROGRAMS_MAX];
    struct ts_sdt_service services[PROGRAMS_MAX];
    unsigned refused;
};

static void take_pat(struct stream *s, const struct ts_pat_section *pat)
{
    for (unsigned i = 0; i < pat->count && !ts_demux_has(s->demux, pat->programs[i].pmt_pid); i++) {
        s->programs[s->program_count].number = pat->programs[i].program_number;
        s->programs[s->program_count++].pmt_pid = pat->programs[i].pmt_pid;
        cr_assert_eq(ts_demux_add(s->demux, pat->programs[i].pmt_pid), 0);
    }
}

static void take_pmt(struct stream *s, const struct ts_pmt *pmt)
{
    for (unsigned i = 0; i < s->program_count; i++)
        if (s->programs[i].number == pmt->program_number && !s->programs[i].known) {
            s->programs[i].pmt = *pmt;
            s->programs[i].known = true;
        }
}

static void check_rewriting(const uint8_t *section, size_t size)
{
    const struct ts_ca_descriptor ca = {.ca_system_id = 0x2600, .ca_pid = 0x1F00};
    const struct ts_pmt_protection protection = {.ca = &ca, .ca_count = 1, .scrambling_mode = 2};
    const struct ts_pmt_protection nothing = {0};
    struct ts_section_header header;
    struct ts_pmt pmt;
    uint8_t out[1024];

    cr_assert_eq(ts_section_parse(section, size, &header), 0);
    cr_assert_eq(ts_pmt_protect(section, size, &nothing, header.version, out, sizeof(out)), (ptrdiff_t)size);
    cr_assert_arr_eq(out, section, size, "nothing added, so nothing may change");
    cr_assert_eq(ts_pmt_protect(section, size, &protection, 5, out, sizeof(out)), (ptrdiff_t)size + 9);
    cr_assert_eq(ts_pmt_read(out, size + 9, &pmt), 0);
    cr_assert_eq(pmt.scrambling_mode, 2);
    cr_assert_eq(pmt.ca_count, 1);
    cr_assert_eq(pmt.ca[0].ca_pid, 0x1F00);
}

static void take_section(void *context, uint16_t pid, const uint8_t *section, size_t size)
{
    struct stream *s = context;
    struct ts_pat_section pat;
    struct ts_pmt pmt;

    if (pid == TS_PID_PAT && ts_pat_read(section, size, &pat) == 0) {
        take_pat(s, &pat);
    } else if (pid == TS_PID_SDT && section[0] == TS_TABLE_SDT) {
        s->service_count = (unsigned)ts_sdt_read(section, size, s->services, PROGRAMS_MAX);
    } else if (section[0] == TS_TABLE_PMT && ts_pmt_read(section, size, &pmt) == 0) {
        take_pmt(s, &pmt);
        check_rewriting(section, size);
    } else if (section[0] == TS_TABLE_PMT || section[0] == TS_TABLE_PAT) {
        s->refused++;
    }
}

static void read_stream(const char *path, struct stream *s)
{
    uint8_t packet[TS_PACKET_SIZE];
    FILE *file = fopen(path, "rb");

    cr_assert_not_null(file, "cannot open %s", path);
    cr_assert_eq(ts_demux_create(&s->demux, take_section, s), 0);
    ts_demux_add(s->demux, TS_PID_PAT);
    ts_demux_add(s->demux, TS_PID_SDT);
    while (fread(packet, 1, sizeof(packet), file) == sizeof(packet))
        ts_demux_feed(s->demux, packet);
    fclose(file);
    ts_demux_destroy(s->demux);
}

static const char *const kind_names[] = {[TS_COMPONENT_VIDEO] = "video",
                                         [TS_COMPONENT_AUDIO] = "audio",
                                         [TS_COMPONENT_SUBTITLES] = "subtitle",
                                         [TS_COMPONENT_DATA] = "data"};

static void compare_component(const struct ts_pmt_component *ours, const json_t *theirs)
{
    const json_t *type = json_object_get(theirs, "codec_type");
    const char *id = json_string_value(json_object_get(theirs, "id"));

    cr_assert_eq(ours->pid, strtoul(id, NULL, 16));
    cr_assert_str_eq(kind_names[ours->kind], type ? json_string_value(type) : "data", "PID %s", id);
}

static const char *name_of(const struct stream *s, unsigned service_id)
{
    for (unsigned i = 0; i < s->service_count; i++)
        if (s->services[i].service_id == service_id)
            return s->services[i].name;
    return "";
}

static void compare_program(const struct stream *s, const json_t *theirs)
{
    unsigned number = (unsigned)json_integer_value(json_object_get(theirs, "program_id"));
    const json_t *name = json_object_get(json_object_get(theirs, "tags"), "service_name");
    const json_t *streams = json_object_get(theirs, "streams");
    unsigned i = 0;

    while (i < s->program_count && s->programs[i].number != number)
        i++;
    cr_assert_lt(i, s->program_count, "programme %u is missing", number);
    cr_assert(s->programs[i].known);
    cr_assert_eq(s->programs[i].pmt_pid, json_integer_value(json_object_get(theirs, "pmt_pid")));
    cr_assert_eq(s->programs[i].pmt.pcr_pid, json_integer_value(json_object_get(theirs, "pcr_pid")));
    cr_assert_eq(s->programs[i].pmt.component_count, json_array_size(streams));
    for (unsigned k = 0; k < json_array_size(streams); k++)
        compare_component(&s->programs[i].pmt.components[k], json_array_get(streams, k));
    cr_assert_str_eq(name_of(s, number), name ? json_string_value(name) : "");
}

/* Runs `before`, the path and `after` as one command; its output is to be read. */
static FILE *open_tool(const char *before, const char *path, const char *after)
{
    char command[PATH_MAX + 256];
    FILE *output;

    snprintf(command, sizeof(command), "%s '%s' %s 2>/dev/null", before, path, after);
    output = popen(command, "r");
    cr_assert_not_null(output, "cannot run %s", command);
    return output;
}

static void compare_with_ffprobe(const char *path)
{
    static struct stream stream;
    FILE *pipe = open_tool("ffprobe -v quiet -show_programs -of json", path, "");
    json_t *answer = json_loadf(pipe, 0, NULL);
    const json_t *programs = json_object_get(answer, "programs");

    pclose(pipe);
    memset(&stream, 0, sizeof(stream));
    read_stream(path, &stream);
    cr_assert_gt(stream.program_count, 0);
    cr_assert_eq(stream.refused, 0);
    cr_assert_eq(stream.program_count, json_array_size(programs), "%s", path);
    for (unsigned i = 0; i < json_array_size(programs); i++)
        compare_program(&stream, json_array_get(programs, i));
    json_decref(answer);
}

/* The times of `frames`' packets from the timeline, in the order of the stream. */
static void compare_times(const char *path, uint16_t pid, const unsigned *frames, const uint64_t *pcrs,
                          unsigned count)
{
    uint8_t packet[TS_PACKET_SIZE];
    struct ts_timeline *timeline;
    FILE *file = fopen(path, "rb");
    uint64_t time, first = 0;
    unsigned n = 0, k = 0;

    cr_assert_not_null(file);
    cr_assert_eq(ts_timeline_create(&timeline, pid, 1000000, 100000), 0);
    while (fread(packet, 1, sizeof(packet), file) == sizeof(packet))
        ts_timeline_feed(timeline, packet);
    ts_timeline_finish(timeline);
    for (; ts_timeline_next(timeline, &time); n++) {
        if (k == count || n + 1 != frames[k])
            continue;
        first = k ? first : time;
        cr_assert_eq(time - first, pcrs[k] - pcrs[0], "%s: PID %u, packet %u", path, pid, n);
        k++;
    }
    cr_assert_eq(k, count);
    cr_assert_gt(count, 1);
    ts_timeline_destroy(timeline);
    fclose(file);
}

/* Up to `room` PCRs of the first PID that has any. */
static unsigned pcrs_of_tshark(const char *path, unsigned *pid, unsigned *frames, uint64_t *pcrs,
                               unsigned room)
{
    FILE *pipe =
        open_tool("tshark -r", path, "-Y mp2t.af.pcr -T fields -e frame.number -e mp2t.pid -e mp2t.af.pcr");
    unsigned frame, its_pid, count = 0;
    unsigned long pcr;

    *pid = TS_PIDS;
    while (fscanf(pipe, "%u 0x%x 0x%lx", &frame, &its_pid, &pcr) == 3) {
        if (*pid == TS_PIDS)
            *pid = its_pid;
        if (its_pid != *pid || count == room)
            continue;
        frames[count] = frame;
        pcrs[count++] = pcr;
    }
    pclose(pipe);
    return count;
}

static void compare_with_tshark(const char *path)
{
    static unsigned frames[1000];
    static uint64_t pcrs[1000];
    unsigned pid;
    unsigned count = pcrs_of_tshark(path, &pid, frames, pcrs, 1000);

    compare_times(path, (uint16_t)pid, frames, pcrs, count);
}

static void for_every_capture(const char *tool, void (*compare)(const char *path))
{
    const char *folder = getenv("SCRAMLINE_CAPTURES");
    char pattern[PATH_MAX];
    glob_t found;

    if (!folder)
        cr_skip_test("SCRAMLINE_CAPTURES is not set");
    snprintf(pattern, sizeof(pattern), "command -v %s >/dev/null", tool);
    if (system(pattern) != 0)
        cr_skip_test("%s is not installed", tool);
    snprintf(pattern, sizeof(pattern), "%s/*.ts", folder);
    cr_assert_eq(glob(pattern, 0, NULL, &found), 0, "no captures in %s", folder);
    for (size_t i = 0; i < found.gl_pathc; i++)
        compare(found.gl_pathv[i]);
    globfree(&found);
}

Test(captures, ffprobe_sees_the_same_programmes)
{
    for_every_capture("ffprobe", compare_with_ffprobe);
}

Test(captures, tshark_sees_the_same_times)
{
    for_every_capture("tshark", compare_with_tshark);
}
