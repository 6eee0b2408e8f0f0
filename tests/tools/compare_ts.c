/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare_ts: holds a restored transport stream against its original, packet by packet. For tests and the
 * demo.
 *
 * Null packets and the PIDs of --ignore are left out on both sides; all other packets must be the same 188
 * bytes in the same order. --lead-in N: among the original's first N packets some may be missing from the
 * restored stream (live: packets before the first ECM were black); they are counted, and from there on
 * everything must agree to the end. Reads plain 188-byte TS with code of its own, so that it judges the
 * project's readers too. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACKET 188

struct stream {
    const char *path;
    FILE *file;
    uint64_t packets;
    uint64_t nulls;
    uint64_t ignored;
    uint64_t scrambled;
};

static bool ignored[8192];

static unsigned pid_of(const uint8_t *packet)
{
    return (unsigned)(packet[1] & 0x1F) << 8 | packet[2];
}

static bool open_stream(struct stream *stream, const char *path)
{
    stream->path = path;
    stream->file = fopen(path, "rb");
    if (!stream->file)
        perror(path);
    return stream->file;
}

/* The next packet that counts; false at the end. */
static bool next_packet(struct stream *stream, uint8_t *packet)
{
    while (fread(packet, PACKET, 1, stream->file) == 1) {
        unsigned pid = pid_of(packet);

        if (packet[0] != 0x47) {
            fprintf(stderr, "%s: packet %llu has no sync byte\n", stream->path,
                    (unsigned long long)stream->packets);
            exit(1);
        }
        stream->packets++;
        stream->scrambled += (packet[3] & 0xC0) != 0;
        if (pid == 0x1FFF)
            stream->nulls++;
        else if (ignored[pid])
            stream->ignored++;
        else
            return true;
    }
    return false;
}

static int differ(const struct stream *original, const struct stream *restored, const uint8_t *a,
                  const uint8_t *b)
{
    unsigned at = 0;

    while (a[at] == b[at])
        at++;
    fprintf(stderr, "%s packet %llu (PID 0x%04x) and %s packet %llu (PID 0x%04x) differ from byte %u on\n",
            original->path, (unsigned long long)original->packets - 1, pid_of(a), restored->path,
            (unsigned long long)restored->packets - 1, pid_of(b), at);
    return 1;
}

static int compare(struct stream *original, struct stream *restored, uint64_t lead_in_max)
{
    uint8_t a[PACKET];
    uint8_t b[PACKET];
    uint64_t lead_in = 0;
    uint64_t compared = 0;
    bool more_a = next_packet(original, a);
    bool more_b = next_packet(restored, b);

    while (more_a && more_b) {
        bool equal = !memcmp(a, b, PACKET);

        if (!equal && original->packets > lead_in_max)
            return differ(original, restored, a, b);
        compared += equal;
        lead_in += !equal;
        more_a = next_packet(original, a);
        if (equal)
            more_b = next_packet(restored, b);
    }
    if (more_a != more_b) {
        fprintf(stderr, "%s ends early, after %llu equal packets\n", more_a ? restored->path : original->path,
                (unsigned long long)compared);
        return 1;
    }
    printf("{\"compared\": %llu, \"lead_in\": %llu, \"scrambled_left\": %llu}\n",
           (unsigned long long)compared, (unsigned long long)lead_in,
           (unsigned long long)restored->scrambled);
    return compared ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct stream original = {0};
    struct stream restored = {0};
    uint64_t lead_in = 0;
    int at = 1;

    for (; at + 1 < argc && !strncmp(argv[at], "--", 2); at += 2) {
        unsigned long number = strtoul(argv[at + 1], NULL, 0);

        if (!strcmp(argv[at], "--ignore"))
            ignored[number & 8191] = true;
        else if (!strcmp(argv[at], "--lead-in"))
            lead_in = number;
        else
            at = argc;
    }
    if (argc - at != 2) {
        fprintf(stderr, "usage: compare_ts [--ignore PID]… [--lead-in PACKETS] ORIGINAL RESTORED\n");
        return 2;
    }
    if (!open_stream(&original, argv[at]) || !open_stream(&restored, argv[at + 1]))
        return 2;
    return compare(&original, &restored, lead_in);
}
