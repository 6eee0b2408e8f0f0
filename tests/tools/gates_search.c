/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gates_search: looks for small networks of gates for the S-boxes of the DVB-CSA2 stream cipher: those of
 * two-input gates and the mixed ones of cipher/csa2_gates.json. See --help; box_search.c says how. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tests/tools/box_search.h"

struct options {
    const char *form;
    const char *networks;
    uint64_t box; /* 0: all */
    uint64_t seed;
    struct box_search_bounds bounds;
};

static int print_network(const struct box *box, const char *form, const struct gate_network *network)
{
    json_t *record = json_pack("{s:i, s:i, s:i, s:o}", "box", (int)box->number, "cost", (int)network->cost,
                               "depth", (int)gate_network_depth(network), form, gate_network_list(network));
    int status = record ? json_dumpf(record, stdout, 0) : -1;

    putchar('\n');
    json_decref(record);
    return fflush(stdout) == 0 && status == 0 ? 0 : -EIO;
}

/* Two different functions, neither of which is there without a gate. */
static bool searchable(const struct box *box)
{
    struct gate_network inputs;

    gate_network_start(&inputs, 0);
    for (unsigned output = 0; output < GATE_OUTPUTS; output++)
        if (!box->tables[output] || gate_network_find(&inputs, box->tables[output]) >= 0)
            return false;
    return box->tables[0] != box->tables[1];
}

static bool read_table(const char *text, uint32_t *table)
{
    uint64_t value;

    if (base_parse_u64(text, 0, UINT32_MAX, &value) < 0)
        return false;
    *table = (uint32_t)value;
    return true;
}

static int read_box(json_t *record, struct box *box)
{
    const char *high, *low;
    int number;

    if (json_unpack(record, "{s:i, s:{s:s, s:s}}", "box", &number, "truth_tables", "high", &high, "low",
                    &low) < 0 ||
        number < 1 || !read_table(high, &box->tables[0]) || !read_table(low, &box->tables[1]))
        return -EINVAL;
    box->number = (unsigned)number;
    return searchable(box) ? 0 : -EINVAL;
}

/* These return the exit status. */
static int run_box(const struct box *box, const struct options *options)
{
    struct gate_network best;

    if (!box_search(box, !strcmp(options->form, "mixed"), options->seed, &options->bounds, &best)) {
        fprintf(stderr, "gates_search: box %u: no network of cost %u or less was found\n", box->number,
                options->bounds.cost_limit);
        return 1;
    }
    return print_network(box, options->form, &best) < 0;
}

static int run(json_t *boxes, const struct options *options)
{
    bool any = false;
    int status = 0;
    struct box box;
    json_t *record;
    size_t i;

    json_array_foreach(boxes, i, record)
    {
        if (read_box(record, &box) < 0) {
            fprintf(stderr, "gates_search: %s: box %zu is not a number and two tables to search for\n",
                    options->networks, i + 1);
            return 1;
        }
        if (options->box && options->box != box.number)
            continue;
        any = true;
        status |= run_box(&box, options);
    }
    if (!any)
        fprintf(stderr, "gates_search: %s: no such box\n", options->networks);
    return any ? status : 1;
}

static int run_file(const struct options *options)
{
    json_error_t error;
    json_t *file = json_load_file(options->networks, 0, &error);
    int status;

    if (!file) {
        fprintf(stderr, "gates_search: %s: %s\n", options->networks, error.text);
        return 1;
    }
    status = run(json_object_get(file, "boxes"), options);
    json_decref(file);
    return status;
}

static void print_help(void)
{
    puts(
        "Usage: gates_search --form binary|mixed [OPTION]... NETWORKS.json\n\n"
        "Looks for networks of gates that compute the truth tables of each box in NETWORKS.json (as\n"
        "cipher/csa2_gates.json), and prints the cheapest found of each box as a line of JSON, its gates in\n"
        "the file's notation. A two-input gate costs 1, a three-input gate 2. The same options find the\n"
        "same networks anywhere. Those in use took minutes.\n\n"
        "  --form binary|mixed  gates of two inputs alone, or of two and three\n"
        "  --box N              this box alone\n"
        "  --tries N            tries per box (default 20000)\n"
        "  --seconds N          no longer than this per box; the result then depends on the machine\n"
        "  --seed N             another seed finds other networks (default 1)\n"
        "  --cost-limit N       networks of at most this cost (default 30)\n"
        "  --help               this text\n\n"
        "Exit status: 0; 1 where nothing was found for a box, or for a file that cannot be used; 2 for a\n"
        "wrong command line.\n\n"
        "Example:\n  gates_search --form mixed --box 3 --tries 100000 cipher/csa2_gates.json");
}

static int usage_error(const char *what)
{
    fprintf(stderr, "gates_search: %s; --help explains\n", what);
    return 2;
}

/* Puts the number where getopt_long()'s choice belongs; false: not a number that the option takes. */
static bool take_number(int choice, const char *text, struct options *options)
{
    uint64_t cost_limit;

    switch (choice) {
    case 'b':
        return base_parse_u64(text, 1, UINT32_MAX, &options->box) == 0;
    case 't':
        return base_parse_u64(text, 1, UINT64_MAX, &options->bounds.tries) == 0;
    case 's':
        return base_parse_u64(text, 1, UINT32_MAX, &options->bounds.seconds) == 0;
    case 'e':
        return base_parse_u64(text, 0, UINT32_MAX, &options->seed) == 0;
    case 'c':
        if (base_parse_u64(text, 1, GATE_COST_MAX, &cost_limit) < 0)
            return false;
        options->bounds.cost_limit = (unsigned)cost_limit;
        return true;
    default:
        return false;
    }
}

/* Returns -1 to go on, else the exit status. */
static int parse(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"form", required_argument, NULL, 'f'},  {"box", required_argument, NULL, 'b'},
        {"tries", required_argument, NULL, 't'}, {"seconds", required_argument, NULL, 's'},
        {"seed", required_argument, NULL, 'e'},  {"cost-limit", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0},
    };
    int choice;

    while ((choice = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (choice == 'h') {
            print_help();
            return 0;
        }
        if (choice == 'f')
            options->form = optarg;
        else if (choice == '?' || !take_number(choice, optarg, options))
            return usage_error("an option is wrong");
    }
    if (!options->form || (strcmp(options->form, "binary") && strcmp(options->form, "mixed")))
        return usage_error("--form is binary or mixed");
    if (optind != argc - 1)
        return usage_error("one file of networks is needed");
    options->networks = argv[optind];
    return -1;
}

int main(int argc, char **argv)
{
    struct options options = {.seed = 1, .bounds = {.tries = 20000, .cost_limit = 30}};
    int status = parse(argc, argv, &options);

    return status >= 0 ? status : run_file(&options);
}
