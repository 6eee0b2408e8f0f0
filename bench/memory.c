/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/memory.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "bench/random.h"

#define KIB            ((size_t)1024)
#define USUAL_LEVEL2   (512 * KIB)
#define USUAL_LAST     (32 * KIB * KIB)
#define CACHE_FOLDER   "/sys/devices/system/cpu/cpu0/cache/index%u/%s"
#define HUGE_PAGE_SIZE (2 * KIB * KIB)

/* One attribute of one of the first core's caches; false where there is none. */
static bool read_attribute(unsigned index, const char *attribute, char text[static 32])
{
    char path[128];
    FILE *file;
    bool there;

    snprintf(path, sizeof(path), CACHE_FOLDER, index, attribute);
    file = fopen(path, "re");
    if (!file)
        return false;
    there = fgets(text, 32, file) != NULL;
    fclose(file);
    return there;
}

void bench_caches_read(struct bench_caches *caches)
{
    char type[32], level_text[32], size_text[32];
    unsigned level, highest = 0;
    size_t size;

    *caches = (struct bench_caches){.level2 = USUAL_LEVEL2, .last = USUAL_LAST};
    for (unsigned index = 0;
         read_attribute(index, "type", type) && read_attribute(index, "level", level_text) &&
         read_attribute(index, "size", size_text);
         index++) {
        if (!strncmp(type, "Instruction", 11) || sscanf(level_text, "%u", &level) != 1 ||
            sscanf(size_text, "%zuK", &size) != 1)
            continue;
        if (level == 2)
            caches->level2 = size * KIB;
        if (level >= 2 && level > highest) {
            highest = level;
            caches->last = size * KIB;
        }
    }
}

size_t bench_memory_available(void)
{
    char line[128];
    size_t kib = 0;
    FILE *file = fopen("/proc/meminfo", "re");

    while (file && !kib && fgets(line, sizeof(line), file))
        (void)sscanf(line, "MemAvailable: %zu kB", &kib);
    if (file)
        fclose(file);
    return kib * KIB;
}

static size_t whole_pages(size_t size)
{
    return (size + HUGE_PAGE_SIZE - 1) / HUGE_PAGE_SIZE * HUGE_PAGE_SIZE;
}

uint8_t *bench_memory_create(size_t size, uint64_t seed)
{
    struct bench_random random = {seed};
    uint8_t *memory =
        mmap(NULL, whole_pages(size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        return NULL;
    (void)madvise(memory, whole_pages(size), MADV_HUGEPAGE); /* a wish */
    bench_random_fill(&random, memory, size);
    return memory;
}

void bench_memory_destroy(uint8_t *memory, size_t size)
{
    if (memory)
        munmap(memory, whole_pages(size));
}
