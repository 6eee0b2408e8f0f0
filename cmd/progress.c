/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/progress.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define DRAW_EVERY_NS UINT64_C(200000000)
#define BAR_CELLS     30
#define LINE_CELLS    80 /* what bar, amount, rate and time left take together */

static void wipe_line(void)
{
    fputs("\r\033[K", stderr);
}

void cmd_progress_start(struct cmd_progress *progress, uint64_t total)
{
    *progress = (struct cmd_progress){
        .total = total, .started_ns = base_clock_monotonic_ns(), .terminal = isatty(STDERR_FILENO) == 1};
    progress->shown_ns =
        progress->started_ns; /* a short run shows nothing, and the first rate means something */
    if (progress->terminal)
        base_log_set_wipe(wipe_line);
}

double cmd_progress_seconds(const struct cmd_progress *progress)
{
    uint64_t elapsed = base_clock_monotonic_ns() - progress->started_ns;

    return (double)(elapsed ? elapsed : 1) / 1e9;
}

/* A line that wraps cannot be wiped: the bar is for terminals that have room for it. */
static bool is_wide(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0 || size.ws_col >= LINE_CELLS;
}

static void draw_bar(double share)
{
    int full = (int)(share * BAR_CELLS);

    fputc('[', stderr);
    for (int cell = 0; cell < BAR_CELLS; cell++)
        fputc(cell < full ? '#' : '.', stderr);
    fprintf(stderr, "] %3.0f %%  ", share * 100);
}

/* The line: share, `text`, time left at the rate so far. */
static void draw(struct cmd_progress *progress, uint64_t done, const char *text)
{
    double rate = (double)done / cmd_progress_seconds(progress);

    wipe_line();
    if (progress->total && is_wide())
        draw_bar(done < progress->total ? (double)done / (double)progress->total : 1);
    fputs(text, stderr);
    if (progress->total > done && rate > 0)
        fprintf(stderr, "  %.0f s left", (double)(progress->total - done) / rate);
    fflush(stderr);
}

/* Five times a second on a terminal. */
static bool is_due(struct cmd_progress *progress)
{
    uint64_t now = base_clock_monotonic_ns();

    if (!progress->terminal || now - progress->shown_ns < DRAW_EVERY_NS)
        return false;
    progress->shown_ns = now;
    return true;
}

void cmd_progress_update(struct cmd_progress *progress, uint64_t done)
{
    char text[64];

    if (!is_due(progress))
        return;
    snprintf(text, sizeof(text), "%.1f MB  %.1f MB/s", (double)done / 1e6,
             (double)done / cmd_progress_seconds(progress) / 1e6);
    draw(progress, done, text);
}

void cmd_progress_update_text(struct cmd_progress *progress, uint64_t done, const char *text)
{
    if (is_due(progress))
        draw(progress, done, text);
}

void cmd_progress_clear(const struct cmd_progress *progress)
{
    if (progress->terminal)
        wipe_line();
}

void cmd_progress_finish(struct cmd_progress *progress)
{
    if (!progress->terminal)
        return;
    wipe_line();
    base_log_set_wipe(NULL);
    progress->terminal = false;
}
