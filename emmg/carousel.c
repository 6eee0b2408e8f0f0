/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "emmg/carousel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "ts/section.h"

/* What tells a file from what it was when it was read. */
struct file {
    char *name;
    off_t size;
    struct timespec changed;
    ino_t inode;
};

struct files {
    size_t count;
    struct file *items; /* EMMG_CAROUSEL_FILES_MAX, by name */
};

struct content {
    struct files files;
    uint8_t *bytes;
    size_t size;
    size_t count;
    struct place {
        size_t at;
        uint32_t size;
        uint32_t file;
    } * sections;
};

struct emmg_carousel {
    char *folder;
    struct content content;
    struct files refused; /* what the folder held when it could not be used */
    size_t next;
    uint64_t cycles;
};

__attribute__((format(printf, 3, 4))) static int tell(char why[static 256], int status, const char *format,
                                                      ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(why, 256, format, arguments);
    va_end(arguments);
    return status;
}

/* Files */

static void clear_files(struct files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->items[i].name);
    free(files->items);
    *files = (struct files){0};
}

static bool is_wanted(const char *name)
{
    const char *dot = strrchr(name, '.');

    return name[0] != '.' && dot && (!strcmp(dot, ".bin") || !strcmp(dot, ".sec"));
}

/* 0 also for what is no file, or is gone by now. */
static int add_file(struct files *files, int folder, const char *name)
{
    struct stat about;
    struct file *file = &files->items[files->count];

    if (fstatat(folder, name, &about, 0) < 0 || !S_ISREG(about.st_mode))
        return 0;
    if (files->count == EMMG_CAROUSEL_FILES_MAX)
        return -E2BIG;
    *file = (struct file){
        .name = strdup(name), .size = about.st_size, .changed = about.st_mtim, .inode = about.st_ino};
    if (!file->name)
        return -ENOMEM;
    files->count++;
    return 0;
}

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

static int list_entries(struct files *files, DIR *folder)
{
    const struct dirent *entry;
    int status = 0;

    files->items = calloc(EMMG_CAROUSEL_FILES_MAX, sizeof(*files->items));
    if (!files->items)
        return -ENOMEM;
    while (!status && (entry = readdir(folder)))
        if (is_wanted(entry->d_name))
            status = add_file(files, dirfd(folder), entry->d_name);
    qsort(files->items, files->count, sizeof(*files->items), compare_files);
    return status;
}

static int list_files(struct files *files, const char *path, char why[static 256])
{
    DIR *folder = opendir(path);
    int status = folder ? list_entries(files, folder) : -errno;

    if (folder)
        closedir(folder);
    if (status == -E2BIG)
        return tell(why, status, "%.150s: more than %d files", path, EMMG_CAROUSEL_FILES_MAX);
    return status < 0 ? tell(why, status, "%.150s: %s", path, base_error_text(status)) : 0;
}

static bool are_same_files(const struct files *a, const struct files *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct file *one = &a->items[i], *other = &b->items[i];

        if (strcmp(one->name, other->name) != 0 || one->size != other->size || one->inode != other->inode ||
            one->changed.tv_sec != other->changed.tv_sec || one->changed.tv_nsec != other->changed.tv_nsec)
            return false;
    }
    return true;
}

/* Content */

static void clear_content(struct content *content)
{
    clear_files(&content->files);
    free(content->bytes);
    free(content->sections);
    *content = (struct content){0};
}

static int read_all(int file, uint8_t *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = read(file, bytes + done, size - done);

        if (got == 0)
            return BASE_E_TRUNCATED; /* it shrank since it was listed */
        if (got < 0 && errno != EINTR)
            return -errno;
        done += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

static int read_file(struct content *content, int folder, const struct file *about)
{
    size_t size = (size_t)about->size;
    int file, status;
    uint8_t *grown;

    if (size > EMMG_CAROUSEL_BYTES_MAX - content->size)
        return -EFBIG;
    grown = realloc(content->bytes, content->size + size + 1);
    if (!grown)
        return -ENOMEM;
    content->bytes = grown;
    file = openat(folder, about->name, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return -errno;
    status = read_all(file, content->bytes + content->size, size);
    close(file);
    content->size += size;
    return status;
}

static int add_section(struct content *content, size_t at, size_t size, size_t file)
{
    if ((content->count & (content->count - 1)) == 0) { /* full at each power of two */
        size_t room = content->count ? content->count * 2 : 1;
        struct place *grown = realloc(content->sections, room * sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        content->sections = grown;
    }
    content->sections[content->count++] =
        (struct place){.at = at, .size = (uint32_t)size, .file = (uint32_t)file};
    return 0;
}

/* The section at `at`: its size, or what is wrong with it. */
static int measure_section(const struct content *content, size_t at)
{
    struct ts_section_header header;
    size_t left = content->size - at, size;
    int status;

    if (left < 3)
        return BASE_E_TRUNCATED;
    size = 3 + (base_load_u16(content->bytes + at + 1) & 0x0FFFu);
    if (size > left)
        return BASE_E_TRUNCATED;
    status = ts_section_parse(content->bytes + at, size, &header);
    return status < 0 ? status : (int)size;
}

static int cut_sections(struct content *content, size_t begin, size_t file, const char *folder,
                        char why[static 256])
{
    for (size_t at = begin; at < content->size;) {
        int size = measure_section(content, at);
        int status = size < 0 ? size : add_section(content, at, (size_t)size, file);

        if (status < 0)
            return tell(why, status, "%.100s/%.60s: no section at byte %zu: %s", folder,
                        content->files.items[file].name, at - begin, base_error_text(status));
        at += (size_t)size;
    }
    return 0;
}

static int read_content(struct content *content, const char *path, char why[static 256])
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int status = folder < 0 ? -errno : 0;

    if (status < 0)
        return tell(why, status, "%.150s: %s", path, base_error_text(status));
    for (size_t i = 0; !status && i < content->files.count; i++) {
        size_t begin = content->size;

        status = read_file(content, folder, &content->files.items[i]);
        if (status < 0)
            tell(why, status, "%.100s/%.60s: %s", path, content->files.items[i].name,
                 base_error_text(status));
        else
            status = cut_sections(content, begin, i, path, why);
    }
    close(folder);
    if (status == 0 && content->count == 0)
        return tell(why, -ENOENT, "%.150s: no section in it (files *.bin and *.sec)", path);
    return status;
}

static const char *file_of(const struct content *content, size_t section)
{
    return content->files.items[content->sections[section].file].name;
}

static size_t first_of_file(const struct content *content, size_t section)
{
    while (section > 0 && content->sections[section - 1].file == content->sections[section].file)
        section--;
    return section;
}

/* The same section of the file that the carousel was in, as far as that goes, or the first one behind it. */
static size_t resume_at(const struct emmg_carousel *carousel, const struct content *content)
{
    const struct content *old = &carousel->content;
    const char *name = file_of(old, carousel->next);
    size_t within = carousel->next - first_of_file(old, carousel->next);
    size_t next = 0;

    while (next < content->count && strcmp(file_of(content, next), name) < 0)
        next++;
    while (within-- && next < content->count && !strcmp(file_of(content, next), name))
        next++;
    return next < content->count ? next : 0;
}

/* Which does not pass before the files change. */
static bool is_of_content(int status)
{
    return status <= -BASE_ERROR_FIRST || status == -ENOENT || status == -EFBIG;
}

int emmg_carousel_refresh(struct emmg_carousel *carousel, char why[static 256])
{
    struct content content = {0};
    int status = list_files(&content.files, carousel->folder, why);

    if (status == 0 && (are_same_files(&content.files, &carousel->content.files) ||
                        (carousel->refused.items && are_same_files(&content.files, &carousel->refused)))) {
        clear_files(&content.files);
        return 0;
    }
    clear_files(&carousel->refused);
    if (status == 0)
        status = read_content(&content, carousel->folder, why);
    if (status < 0) {
        if (is_of_content(status)) {
            carousel->refused = content.files;
            content.files = (struct files){0};
        }
        clear_content(&content);
        return status;
    }
    carousel->next = resume_at(carousel, &content);
    clear_content(&carousel->content);
    carousel->content = content;
    return 1;
}

int emmg_carousel_open(struct emmg_carousel **carousel, const char *folder, char why[static 256])
{
    struct emmg_carousel *made = calloc(1, sizeof(*made));
    int status;

    if (!made || !(made->folder = strdup(folder))) {
        free(made);
        return tell(why, -ENOMEM, "%s", base_error_text(-ENOMEM));
    }
    status = list_files(&made->content.files, folder, why);
    if (status == 0)
        status = read_content(&made->content, folder, why);
    if (status < 0) {
        emmg_carousel_close(made);
        return status;
    }
    *carousel = made;
    return 0;
}

void emmg_carousel_close(struct emmg_carousel *carousel)
{
    if (!carousel)
        return;
    clear_content(&carousel->content);
    clear_files(&carousel->refused);
    free(carousel->folder);
    free(carousel);
}

size_t emmg_carousel_count(const struct emmg_carousel *carousel)
{
    return carousel->content.count;
}

size_t emmg_carousel_left(const struct emmg_carousel *carousel)
{
    return carousel->content.count - carousel->next;
}

struct emmg_section emmg_carousel_peek(const struct emmg_carousel *carousel, size_t ahead)
{
    const struct place *place = &carousel->content.sections[carousel->next + ahead];

    return (struct emmg_section){carousel->content.bytes + place->at, place->size};
}

void emmg_carousel_advance(struct emmg_carousel *carousel, size_t count)
{
    carousel->next += count;
    if (carousel->next < carousel->content.count)
        return;
    carousel->next = 0;
    carousel->cycles++;
}

uint64_t emmg_carousel_cycles(const struct emmg_carousel *carousel)
{
    return carousel->cycles;
}
