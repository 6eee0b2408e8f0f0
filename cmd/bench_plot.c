/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SVG plots of a benchmark, drawn by gnuplot. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/bench.h"
#include "cmd/gnuplot.h"

#define LINES_MAX (CMD_BENCH_TEAM_MAX + 1)

/* What a plot shows of the records. */
struct view {
    FILE *gnuplot;
    const struct cmd_bench_plan *plan;
    const struct cmd_bench_records *records;
    enum cipher_algorithm algorithm;
};

/* A contender's bars and curves. */
struct line {
    const char *tier;
    bool one_key; /* libdvbcsa as it likes it best, measured beside its own record */
};

/* Contenders keep their colour from plot to plot: ours in blues, libraries warm, wrappers pale. */
static const struct {
    const char *name, *colour;
} colours[] = {
    {"avx512", "#08519c"},        {"avx2", "#4292c6"},           {"neon", "#2171b5"},
    {"ref", "#9e9ac8"},           {"libdvbcsa", "#d95f0e"},      {"openssl", "#238b45"},
    {"ipsec-mb", "#c51b8a"},      {"tier-libdvbcsa", "#fec44f"}, {"tier-openssl", "#a1d99b"},
    {"tier-ipsec-mb", "#fa9fb5"},
};

static const char *colour_of(const char *name)
{
    for (size_t i = 0; i < sizeof(colours) / sizeof(colours[0]); i++) {
        if (!strcmp(colours[i].name, name))
            return colours[i].colour;
    }
    return "#636363";
}

static bool is_in_view(const struct view *view, const struct cmd_bench_case *of)
{
    return of->algorithm == view->algorithm && of->mix == &view->plan->mixes[0] && of->set == CMD_BENCH_L2;
}

static const struct cmd_bench_record *find(const struct view *view, enum cipher_direction direction,
                                           const char *tier, unsigned keys, unsigned batch)
{
    for (unsigned i = 0; i < view->records->count; i++) {
        const struct cmd_bench_record *record = &view->records->entries[i];

        if (is_in_view(view, &record->of) && record->of.direction == direction && record->of.keys == keys &&
            record->of.batch == batch && !strcmp(record->tier, tier))
            return record;
    }
    return NULL;
}

static bool is_listed(const struct line *lines, unsigned count, const char *tier)
{
    for (unsigned i = 0; i < count; i++) {
        if (!strcmp(lines[i].tier, tier))
            return true;
    }
    return false;
}

/* The contenders in view, in the records' order. */
static unsigned list_lines(const struct view *view, struct line lines[static LINES_MAX])
{
    const char *one_key = cmd_bench_peer_names[CMD_BENCH_LIBDVBCSA];
    unsigned count = 0;

    for (unsigned i = 0; i < view->records->count; i++) {
        const struct cmd_bench_record *record = &view->records->entries[i];

        if (is_in_view(view, &record->of) && count < CMD_BENCH_TEAM_MAX &&
            !is_listed(lines, count, record->tier))
            lines[count++] = (struct line){record->tier, false};
    }
    if (is_listed(lines, count, one_key))
        lines[count++] = (struct line){one_key, true};
    return count;
}

static void begin_plot(const struct view *view, const char *kind, unsigned width)
{
    fprintf(view->gnuplot,
            "reset\nset terminal svg size %u,480 font 'DejaVu Sans,13' background 'white'\n"
            "set output '%s-%s.svg'\nset grid y lc '#dddddd'\nset border 3\nset tics nomirror\n"
            "set yrange [0:*]\nset ylabel 'Gbit/s of 188-byte packets'\n"
            "set key noenhanced below reverse Left height 1\n",
            width, kind, cipher_algorithm_name(view->algorithm));
}

/* Nanoseconds per packet; 0 where that was not measured. */
static double ns_of(const struct view *view, const struct line *line, enum cipher_direction direction,
                    unsigned keys, unsigned batch)
{
    const struct cmd_bench_record *record = find(view, direction, line->tier, keys, batch);

    if (!record)
        return 0;
    return line->one_key && keys > 1 ? record->one_key_ratio * record->best_ns : record->best_ns;
}

static void write_point(const struct view *view, double x, double ns)
{
    if (ns > 0)
        fprintf(view->gnuplot, "%g %g\n", x, cmd_bench_gbit_s(ns));
}

static const char *suffix_of(const struct line *line)
{
    return line->one_key ? ", one key" : "";
}

/* A block of data per contender: bars stand side by side, with a gap between directions. */
static void write_bars(const struct view *view, const struct line *lines, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        fprintf(view->gnuplot, "$bar%u << END\n", i);
        for (unsigned direction = 0; direction < 2; direction++)
            write_point(view, direction * (count + 1) + i,
                        ns_of(view, &lines[i], direction, CMD_BENCH_CURVE_KEYS, CMD_BENCH_CURVE_BATCH));
        fprintf(view->gnuplot, "END\n");
    }
}

static void plot_bars(const struct view *view, const struct line *lines, unsigned count)
{
    double middle = (count - 1) / 2.0;

    begin_plot(view, "bars", 860);
    fprintf(
        view->gnuplot,
        "set title \"%s: a key per packet from %u services, %s payloads, in the level-2 cache, batch %u\" "
        "noenhanced\nset style fill solid\nset boxwidth 0.85\nset xtics ('scramble' %g, 'descramble' "
        "%g) scale 0\nset xrange [-1:%u]\nset offsets 0, 0, graph 0.08, 0\n",
        cipher_algorithm_name(view->algorithm), CMD_BENCH_CURVE_KEYS, view->plan->mixes[0].name,
        CMD_BENCH_CURVE_BATCH, middle, middle + count + 1, 2 * count + 1);
    write_bars(view, lines, count);
    for (unsigned i = 0; i < count; i++)
        fprintf(view->gnuplot,
                "%s $bar%u with boxes lc rgb '%s'%s title '%s%s', "
                "$bar%u using 1:2:(gprintf('%%.3g', $2)) with labels offset 0,0.7 notitle",
                i ? "," : "plot", i, colour_of(lines[i].tier), lines[i].one_key ? " fs pattern 4" : "",
                lines[i].tier, suffix_of(&lines[i]), i);
    fprintf(view->gnuplot, "\n");
}

struct axis {
    const char *file, *label;
    const char *before, *after; /* in the title, what stands still */
    const uint16_t *values;     /* rising */
    unsigned last;              /* of them */
    bool is_keys;
};

static void write_curve(const struct view *view, const struct axis *axis, enum cipher_direction direction,
                        const struct line *line)
{
    for (const uint16_t *x = axis->values; *x; x++)
        write_point(view, *x,
                    ns_of(view, line, direction, axis->is_keys ? *x : CMD_BENCH_CURVE_KEYS,
                          axis->is_keys ? CMD_BENCH_CURVE_BATCH : *x));
}

static void plot_panel(const struct view *view, const struct axis *axis, enum cipher_direction direction,
                       const struct line *lines, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        fprintf(view->gnuplot, "$curve%u << END\n", i);
        write_curve(view, axis, direction, &lines[i]);
        fprintf(view->gnuplot, "END\n");
    }
    fprintf(view->gnuplot, "set title '%s'\n", cmd_bench_direction_names[direction]);
    for (unsigned i = 0; i < count; i++)
        fprintf(view->gnuplot, "%s $curve%u with %s lw 2 lc rgb '%s' title '%s%s'", i ? "," : "plot", i,
                lines[i].one_key ? "lines dt 2" : "linespoints pt 7 ps 0.6", colour_of(lines[i].tier),
                lines[i].tier, suffix_of(&lines[i]));
    fprintf(view->gnuplot, "\n");
}

static void plot_curves(const struct view *view, const struct axis *axis, const struct line *lines,
                        unsigned count)
{
    begin_plot(view, axis->file, 1060);
    fprintf(view->gnuplot, "set logscale x\nset xlabel '%s'\nset xtics (", axis->label);
    for (const uint16_t *x = axis->values; *x; x++)
        fprintf(view->gnuplot, "%s%u", x == axis->values ? "" : ", ", *x);
    fprintf(view->gnuplot,
            ")\nset xrange [%u:%u]\n"
            "set multiplot layout 1,2 title \"%s: %s %u %s, %s payloads, in the level-2 cache\" noenhanced\n",
            axis->values[0], axis->last, cipher_algorithm_name(view->algorithm), axis->before,
            axis->is_keys ? CMD_BENCH_CURVE_BATCH : CMD_BENCH_CURVE_KEYS, axis->after,
            view->plan->mixes[0].name);
    for (unsigned direction = 0; direction < 2; direction++) {
        if (view->plan->directions & 1u << direction)
            plot_panel(view, axis, direction, lines, count);
    }
    fprintf(view->gnuplot, "unset multiplot\n");
}

static void plot_all(struct view *view)
{
    static const struct axis services = {
        "services", "services whose keys a batch mixes", "batches of", "lanes", cmd_bench_curve_keys, 1000,
        true};
    static const struct axis batches = {
        "batches", "lanes in a batch", "keys of", "services", cmd_bench_curve_batches, 1024, false};
    struct line lines[LINES_MAX];

    for (unsigned algorithm = 0; algorithm < CIPHER_ALGORITHMS; algorithm++) {
        unsigned count;

        view->algorithm = algorithm;
        count = list_lines(view, lines);
        if (!count)
            continue;
        plot_bars(view, lines, count);
        plot_curves(view, &services, lines, count);
        plot_curves(view, &batches, lines, count);
    }
}

int cmd_bench_plot(const struct cmd_bench_plan *plan, const struct cmd_bench_records *records,
                   const char *folder)
{
    struct view view = {.plan = plan, .records = records};
    struct cmd_gnuplot gnuplot;
    int status = mkdir(folder, 0777) == 0 || errno == EEXIST ? 0 : -errno;

    if (status < 0)
        return cmd_failed(status, folder);
    status = cmd_gnuplot_start(&gnuplot, folder);
    if (status != CMD_EXIT_OK)
        return status;
    view.gnuplot = gnuplot.script;
    plot_all(&view);
    return cmd_gnuplot_finish(&gnuplot);
}
