/* SPDX-License-Identifier: GPL-3.0-or-later */
/* EAL: which memory, which cores, which devices. It never sees a PCI device that no port names. */
#include <errno.h>
#include <glob.h>
#include <mntent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "pipeline/internal.h"

#define ARGUMENTS_MAX  (16 + PIPELINE_PORTS_MAX)
#define MEMORY_DEFAULT 256 /* MiB without hugepages */
#define MEMORY_BESIDE  64  /* MiB for EAL, drivers and rings, beside the buffers */

struct arguments {
    int count;
    char texts[ARGUMENTS_MAX][512];
};

static void add(struct arguments *arguments, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct arguments *arguments, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    vsnprintf(arguments->texts[arguments->count++], sizeof(arguments->texts[0]), format, values);
    va_end(values);
}

/* Every place where a frame can wait is full at once, and each worker's cache too. */
unsigned pipeline__buffers_needed(const struct pipeline *pipeline)
{
    unsigned workers = pipeline->worker_count;

    return pipeline->port_count * workers * 2 * PIPELINE_DESCRIPTORS +
           2 * workers * (workers - 1) * PIPELINE_RING_SIZE +
           workers * 4 * (RTE_MEMPOOL_CACHE_MAX_SIZE + PIPELINE_BURST);
}

static unsigned memory_needed(const struct pipeline *pipeline)
{
    size_t buffer =
        sizeof(struct rte_mbuf) + sizeof(struct pipeline__frame) + RTE_MBUF_DEFAULT_BUF_SIZE + 128;

    return (unsigned)(pipeline__buffers_needed(pipeline) * buffer >> 20) + MEMORY_BESIDE;
}

static size_t free_pages(const char *folder)
{
    char path[512];
    size_t pages = 0;
    FILE *file;

    snprintf(path, sizeof(path), "%s/free_hugepages", folder);
    file = fopen(path, "re");
    if (!file)
        return 0;
    if (fscanf(file, "%zu", &pages) != 1)
        pages = 0;
    fclose(file);
    return pages;
}

/* MiB of free hugepages of all sizes; *page_size (bytes): a size of which there are some. */
static size_t free_hugepages(size_t *page_size)
{
    glob_t folders;
    size_t mib = 0;

    if (glob("/sys/kernel/mm/hugepages/hugepages-*kB", 0, NULL, &folders))
        return 0;
    for (size_t i = 0; i < folders.gl_pathc; i++) {
        size_t kib = strtoul(strrchr(folders.gl_pathv[i], '-') + 1, NULL, 10);
        size_t pages = free_pages(folders.gl_pathv[i]);

        mib += pages * (kib >> 10);
        if (pages)
            *page_size = kib << 10;
    }
    globfree(&folders);
    return mib;
}

/* Containers may see free pages that they are not allowed to map. */
static bool can_map_hugepage(size_t page_size)
{
    int size_flag = __builtin_ctzl(page_size) << MAP_HUGE_SHIFT;
    void *page = mmap(NULL, page_size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | size_flag, -1, 0);

    if (page == MAP_FAILED)
        return false;
    munmap(page, page_size);
    return true;
}

static bool has_hugetlbfs(char *folder, size_t room)
{
    FILE *mounts = setmntent("/proc/mounts", "re");
    struct mntent *entry;
    bool found = false;

    while (mounts && !found && (entry = getmntent(mounts))) {
        found = !strcmp(entry->mnt_type, "hugetlbfs") && !access(entry->mnt_dir, W_OK);
        if (found)
            snprintf(folder, room, "%s", entry->mnt_dir);
    }
    if (mounts)
        endmntent(mounts);
    return found;
}

static void choose_memory(struct pipeline *pipeline, struct arguments *arguments)
{
    unsigned needed = memory_needed(pipeline), wanted = pipeline->config.memory_mib;
    size_t page_size = 0, free_mib = pipeline->config.no_huge ? 0 : free_hugepages(&page_size);
    char folder[256];

    if (free_mib >= needed && can_map_hugepage(page_size)) {
        pipeline->memory_mode = "hugepages in memory";
        add(arguments, "--in-memory");
    } else if (free_mib >= needed && has_hugetlbfs(folder, sizeof(folder))) {
        pipeline->memory_mode = "hugepages of a mounted hugetlbfs";
        add(arguments, "--huge-unlink");
        add(arguments, "--huge-dir=%s", folder);
    } else {
        pipeline->memory_mode = "no hugepages";
        wanted = wanted ? wanted : MEMORY_DEFAULT;
        /* --in-memory contradicts --no-huge; what is left of it is no files for other processes. */
        add(arguments, "--no-shconf");
        add(arguments, "--no-huge");
        add(arguments, "-m");
        add(arguments, "%u", wanted > needed ? wanted : needed);
        add(arguments, "--iova-mode=va");
    }
    base_log(BASE_LOG_NOTICE, "memory: %s (%u MiB needed, %zu MiB of hugepages free%s)",
             pipeline->memory_mode, needed, free_mib, pipeline->config.no_huge ? ", not to be used" : "");
}

/* EAL would print its whole usage text for one that is not there. */
static bool is_cpu(unsigned cpu)
{
    char path[64];

    snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u", cpu);
    return !access(path, F_OK);
}

static unsigned own_cores(unsigned *cpus, unsigned room)
{
    cpu_set_t set;
    unsigned count = 0;

    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof(set), &set);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE && count < room; cpu++) {
        if (CPU_ISSET(cpu, &set))
            cpus[count++] = cpu;
    }
    return count;
}

/* The control thread gets the first CPU, each worker one of its own as long as there are some. */
static void place_threads(struct pipeline *pipeline, struct arguments *arguments, const unsigned *cpus,
                          unsigned cpu_count)
{
    char *text = arguments->texts[arguments->count++];
    size_t room = sizeof(arguments->texts[0]);
    int used = snprintf(text, room, "--lcores=0@%u", cpus[0]);

    for (unsigned i = 0; i < pipeline->worker_count; i++) {
        pipeline->worker_lcores[i] = i + 1;
        used += snprintf(text + used, room - (size_t)used, ",%u@%u", i + 1, cpus[(i + 1) % cpu_count]);
    }
    if (pipeline->worker_count + 1 > cpu_count)
        base_log(BASE_LOG_WARNING,
                 "%u worker(s) and the control thread share %u core(s): fine for a test, slow",
                 pipeline->worker_count, cpu_count);
}

static int choose_cores(struct pipeline *pipeline, unsigned *cpus, unsigned *cpu_count, char why[static 256])
{
    if (!pipeline->config.cores[0]) {
        *cpu_count = own_cores(cpus, PIPELINE_WORKERS_MAX + 1);
    } else if (base_parse_list(pipeline->config.cores, 0, CPU_SETSIZE - 1, cpus, PIPELINE_WORKERS_MAX + 1,
                               cpu_count)) {
        snprintf(why, 256, "cores: \"%s\" is not a list of cores such as 0-3,5", pipeline->config.cores);
        return BASE_E_CONFIGURATION;
    }
    for (unsigned i = 0; i < *cpu_count; i++) {
        if (is_cpu(cpus[i]))
            continue;
        snprintf(why, 256, "cores: \"%s\": there is no core %u", pipeline->config.cores, cpus[i]);
        return BASE_E_CONFIGURATION;
    }
    pipeline->worker_count = pipeline->config.workers;
    if (!pipeline->worker_count)
        pipeline->worker_count = *cpu_count > 1 ? *cpu_count - 1 : 1;
    return 0;
}

static bool is_pci_address(const char *device)
{
    unsigned domain, bus, slot, function;

    return sscanf(device, "%x:%x:%x.%x", &domain, &bus, &slot, &function) == 4 ||
           sscanf(device, "%x:%x.%x", &bus, &slot, &function) == 3;
}

static void choose_devices(const struct pipeline *pipeline, struct arguments *arguments)
{
    bool any = false;

    for (unsigned i = 0; i < pipeline->port_count; i++) {
        if (!is_pci_address(pipeline->config.ports[i].device))
            continue;
        add(arguments, "--allow=%s", pipeline->config.ports[i].device);
        any = true;
    }
    if (!any)
        add(arguments, "--no-pci");
}

int pipeline__start_eal(struct pipeline *pipeline, char why[static 256])
{
    struct arguments arguments = {0};
    char *pointers[ARGUMENTS_MAX];
    unsigned cpus[PIPELINE_WORKERS_MAX + 1], cpu_count = 0;

    if (choose_cores(pipeline, cpus, &cpu_count, why))
        return BASE_E_CONFIGURATION;
    add(&arguments, "scramline");
    add(&arguments, "--log-level=error");
    add(&arguments, "--no-telemetry");
    add(&arguments, "--file-prefix=scramline-%d", (int)getpid());
    choose_memory(pipeline, &arguments);
    choose_devices(pipeline, &arguments);
    place_threads(pipeline, &arguments, cpus, cpu_count);
    for (int i = 0; i < arguments.count; i++)
        pointers[i] = arguments.texts[i];
    if (pipeline__log_start()) {
        snprintf(why, 256, "out of memory");
        return -ENOMEM;
    }
    if (rte_eal_init(arguments.count, pointers) < 0) {
        snprintf(why, 256, "DPDK does not start: %s: %.160s", rte_strerror(rte_errno),
                 pipeline__log_reason());
        return rte_errno ? -rte_errno : -EIO;
    }
    pipeline->eal_started = true;
    return 0;
}
