/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that cannot be had, and memory that is given back: the room's allocator calls are wrapped by the
 * linker. */
#include <criterion/criterion.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);

static unsigned countdown; /* the allocation that fails; 0: none does */
static unsigned allocated, freed_with_cw;
static int held; /* allocations that were not given back yet */

static bool denied(void)
{
    allocated++;
    return countdown && --countdown == 0;
}

static void *counted(void *memory)
{
    held += memory != NULL;
    return memory;
}

void *__wrap_malloc(size_t size)
{
    return denied() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return denied() ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *memory, size_t size)
{
    if (denied())
        return NULL;
    held -= memory != NULL;
    return counted(__real_realloc(memory, size));
}

/* The CW of crypto-period 0x55 is eight bytes of 0x55 (pair_provision()). */
void __wrap_free(void *memory)
{
    const uint8_t *bytes = memory;
    size_t size = memory ? malloc_usable_size(memory) : 0;
    for (size_t i = 0; i + 8 <= size; i++)
        if (!memcmp(bytes + i, "\x55\x55\x55\x55\x55\x55\x55\x55", 8)) {
            freed_with_cw++;
            break;
        }
    held -= memory != NULL;
    __real_free(memory);
}

static int try_to_add_stream(void)
{
    struct simulcrypt_scs_stream_config config = {.stream_id = 7, .ecm_id = 107, .nominal_cp_duration = 100};
    return simulcrypt_scs_session_add_stream(pair.scs, &config);
}

/* A life in pieces, so that messages are gathered. Any step may fail for want of memory, none may crash. */
static bool live(unsigned failing)
{
    pair_start(NULL);
    pair.cut = 11;
    countdown = failing;
    allocated = 0;
    int status = try_to_add_stream();
    cr_assert(status == 0 || (failing && status == -ENOMEM));
    pair_connect();
    pair_pump();
    bool provided = pair_provision(7, 0x55) == 0;
    pair_pump();
    countdown = 0;
    bool answered = strstr(pair.diary, "ecm 7/85") != NULL;
    cr_assert(answered || status || strstr(pair.diary, "close(out of memory)") || strstr(pair.diary, "fail "),
              "lost in silence: %s", pair.diary);
    pair_stop();
    cr_assert_eq(held, 0);
    return provided && answered;
}

Test(memory, every_allocation_may_fail)
{
    cr_assert(live(0));
    unsigned total = allocated;
    cr_assert_gt(total, 8);
    for (unsigned failing = 1; failing <= total; failing++)
        live(failing);
    cr_assert(live(0));
}

Test(memory, creating_reports_want_of_memory)
{
    struct simulcrypt_ecmg_ops ecmg_ops = {0};
    struct simulcrypt_scs_ops scs_ops = {0};
    struct simulcrypt_scs_config config = {.version = 2};
    struct simulcrypt_ecmg_session *ecmg;
    struct simulcrypt_scs_session *scs;

    countdown = 1;
    cr_assert_eq(simulcrypt_ecmg_session_create(&ecmg, &ecmg_ops, NULL), -ENOMEM);
    cr_assert_null(ecmg);
    countdown = 1;
    cr_assert_eq(simulcrypt_scs_session_create(&scs, &config, &scs_ops, NULL), -ENOMEM);
    cr_assert_null(scs);
}

Test(memory, no_cw_is_given_back_with_the_memory)
{
    cr_assert(live(0));
    cr_assert_eq(freed_with_cw, 0);
    /* Half a CW_provision, then the end of the connection. */
    pair_bring_up();
    pair.silent = true;
    cr_assert_eq(pair_provision(7, 0x55), 0);
    simulcrypt_ecmg_session_input(pair.ecmg, pair.to_ecmg.bytes, pair.to_ecmg.size - 1, 0);
    pair_stop();
    cr_assert_eq(freed_with_cw, 0);
    /* Lest the search find nothing anywhere. */
    uint8_t *volatile memory = malloc(64);
    memset(memory, 0x55, 64);
    __wrap_free(memory);
    cr_assert_eq(freed_with_cw, 1);
}
