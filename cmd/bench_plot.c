/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SVG plots of a benchmark, drawn by gnuplot: its script and data go through a pipe. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/bench.h"

#define NAMES_MAX (CMD_BENCH_TEAM_MAX + 1)

extern char **environ;

/* What a plot shows of the records. */
struct view {
    FILE *gnuplot;
    const struct cmd_bench_plan *plan;
    const struct cmd_bench_records *records;
    const char *folder;
    enum cipher_algorithm algorithm;
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

static int complain(const char *why)
{
    base_log(BASE_LOG_ERROR, "--svg: gnuplot %s (on Debian: apt-get install gnuplot-nox)", why);
    return CMD_EXIT_FAILED;
}

/* Starts gnuplot with `input` as its standard input. */
static int start(int input, const char *argument, pid_t *child)
{
    char *arguments[] = {(char *)(uintptr_t) "gnuplot", (char *)(uintptr_t)argument, NULL};
    posix_spawn_file_actions_t actions;
    int status;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    status = posix_spawnp(child, "gnuplot", &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return -status;
}

static bool ended_well(pid_t child)
{
    int status;

    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return false;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int cmd_bench_plot_check(void)
{
    int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    pid_t child;
    bool there = input >= 0 && start(input, "--version", &child) == 0 && ended_well(child);

    if (input >= 0)
        close(input);
    return there ? CMD_EXIT_OK : complain("is not there");
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

/* The contenders in view, in the records' order. */
static unsigned list_names(const struct view *view, const char *names[static NAMES_MAX])
{
    unsigned count = 0;

    for (unsigned i = 0; i < view->records->count; i++) {
        const struct cmd_bench_record *record = &view->records->entries[i];
        unsigned at = 0;

        while (at < count && strcmp(names[at], record->tier) != 0)
            at++;
        if (is_in_view(view, &record->of) && at == count && count < NAMES_MAX)
            names[count++] = record->tier;
    }
    return count;
}

static void begin_plot(const struct view *view, const char *kind, unsigned width)
{
    fprintf(view->gnuplot,
            "reset\nset terminal svg size %u,480 font 'DejaVu Sans,13' background 'white'\n"
            "set output \"%s/%s-%s.svg\"\nset grid y lc '#dddddd'\nset border 3\nset tics nomirror\n"
            "set yrange [0:*]\nset ylabel 'Gbit/s of 188-byte packets'\nset key noenhanced below reverse "
            "Left height 1\n",
            width, view->folder, kind, cipher_algorithm_name(view->algorithm));
}

/* A block of data per direction and contender: bars stand side by side, a gap between directions. */
static void write_bars(const struct view *view, const char *const *names, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        fprintf(view->gnuplot, "$bar%u << END\n", i);
        for (unsigned direction = 0; direction < 2; direction++) {
            const struct cmd_bench_record *record =
                find(view, direction, names[i], CMD_BENCH_CURVE_KEYS, CMD_BENCH_CURVE_BATCH);

            if (record)
                fprintf(view->gnuplot, "%u %g\n", direction * (count + 1) + i,
                        cmd_bench_gbit_s(record->best_ns));
        }
        fprintf(view->gnuplot, "END\n");
    }
}

static void plot_bars(const struct view *view)
{
    const char *names[NAMES_MAX];
    unsigned count = list_names(view, names);

    begin_plot(view, "bars", 860);
    fprintf(
        view->gnuplot,
        "set title \"%s: a key per packet from %u services, %s payloads, in the level-2 cache, batch %u\" "
        "noenhanced\nset style fill solid\nset boxwidth 0.85\nset xtics ('scramble' %g, "
        "'descramble' %g) scale 0\nset xrange [-1:%u]\nset offsets 0, 0, graph 0.08, 0\n",
        cipher_algorithm_name(view->algorithm), CMD_BENCH_CURVE_KEYS, view->plan->mixes[0].name,
        CMD_BENCH_CURVE_BATCH, (count - 1) / 2.0, (count - 1) / 2.0 + count + 1, 2 * count + 1);
    write_bars(view, names, count);
    for (unsigned i = 0; i < count; i++)
        fprintf(view->gnuplot,
                "%s $bar%u with boxes lc rgb '%s' title '%s', "
                "$bar%u using 1:2:(sprintf('%%.3g', $2)) with labels offset 0,0.7 notitle",
                i ? "," : "plot", i, colour_of(names[i]), names[i], i);
    fprintf(view->gnuplot, "\n");
}

/* Nanoseconds per packet of libdvbcsa with one key, from its own record beside which that was measured. */
static double one_key_ns(const struct cmd_bench_record *record)
{
    return record->of.keys == 1 ? record->best_ns : record->one_key_ratio * record->best_ns;
}

static void write_point(const struct view *view, unsigned x, const struct cmd_bench_record *record,
                        bool one_key)
{
    double ns = record ? one_key ? one_key_ns(record) : record->best_ns : 0;

    if (ns > 0)
        fprintf(view->gnuplot, "%u %g\n", x, cmd_bench_gbit_s(ns));
}

struct axis {
    const char *file, *label;
    const char *before, *after; /* in the title, what stands still */
    const uint16_t *values;     /* rising */
    unsigned last;              /* of them */
    bool is_keys;
};

static void write_curve(const struct view *view, const struct axis *axis, enum cipher_direction direction,
                        const char *name, bool one_key)
{
    for (const uint16_t *x = axis->values; *x; x++)
        write_point(view, *x,
                    find(view, direction, name, axis->is_keys ? *x : CMD_BENCH_CURVE_KEYS,
                         axis->is_keys ? CMD_BENCH_CURVE_BATCH : *x),
                    one_key);
}

static void plot_panel(const struct view *view, const struct axis *axis, enum cipher_direction direction,
                       const char *const *names, unsigned count)
{
    const char *one_key = cmd_bench_peer_names[CMD_BENCH_LIBDVBCSA];

    for (unsigned i = 0; i < count; i++) {
        fprintf(view->gnuplot, "$curve%u << END\n", i);
        write_curve(view, axis, direction, names[i], false);
        fprintf(view->gnuplot, "END\n");
    }
    fprintf(view->gnuplot, "$one_key << END\n");
    write_curve(view, axis, direction, one_key, true);
    fprintf(view->gnuplot, "END\nset title '%s'\n", cmd_bench_direction_names[direction]);
    for (unsigned i = 0; i < count; i++)
        fprintf(view->gnuplot, "%s $curve%u with linespoints lw 2 pt 7 ps 0.6 lc rgb '%s' title '%s'",
                i ? "," : "plot", i, colour_of(names[i]), names[i]);
    if (view->algorithm == CIPHER_DVB_CSA2)
        fprintf(view->gnuplot, ", $one_key with lines lw 2 dt 2 lc rgb '%s' title '%s, one key'",
                colour_of(one_key), one_key);
    fprintf(view->gnuplot, "\n");
}

static void plot_curves(const struct view *view, const struct axis *axis)
{
    const char *names[NAMES_MAX];
    unsigned count = list_names(view, names);

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
            plot_panel(view, axis, direction, names, count);
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
    const char *names[NAMES_MAX];

    for (unsigned algorithm = 0; algorithm < CIPHER_ALGORITHMS; algorithm++) {
        view->algorithm = algorithm;
        if (!list_names(view, names))
            continue;
        plot_bars(view);
        plot_curves(view, &services);
        plot_curves(view, &batches);
    }
}

static int open_pipe(int ends[static 2])
{
    return pipe2(ends, O_CLOEXEC) == 0 ? 0 : -errno;
}

int cmd_bench_plot(const struct cmd_bench_plan *plan, const struct cmd_bench_records *records,
                   const char *folder)
{
    struct view view = {.plan = plan, .records = records, .folder = folder};
    int ends[2];
    pid_t child;
    int status = mkdir(folder, 0777) == 0 || errno == EEXIST ? 0 : -errno;

    if (status < 0)
        return cmd_failed(status, folder);
    status = open_pipe(ends);
    if (status < 0)
        return cmd_failed(status, "a pipe to gnuplot");
    status = start(ends[0], "-", &child);
    close(ends[0]);
    view.gnuplot = status == 0 ? fdopen(ends[1], "w") : NULL;
    if (!view.gnuplot) {
        close(ends[1]);
        return complain("cannot be started");
    }
    plot_all(&view);
    fclose(view.gnuplot);
    return ended_well(child) ? CMD_EXIT_OK : complain("could not draw this");
}
