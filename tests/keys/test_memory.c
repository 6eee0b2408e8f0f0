/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that is refused, and memory that is given back: what creates things survives every single allocation
 * failing and loses none, and no block is freed with a CW in it.
 *
 * The linker puts the functions below between the rooms under test and their libraries (--wrap). */
#include <criterion/criterion.h>
#include <dvbcsa/dvbcsa.h>
#include <errno.h>
#include <malloc.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "keys/control_word.h"
#include "keys/slots.h"

static const uint8_t cw[16] = {0x5c, 0x1d, 0x77, 0xf0, 0x93, 0x2e, 0xb8, 0x79,
                               0x41, 0xd6, 0x0a, 0xc5, 0x6f, 0x82, 0x3b, 0xe4};

/* volatile: the C library tells the compiler that its free() never comes back into this file. */
static volatile bool watching;
static volatile unsigned until_refused; /* allocations that still succeed */
static volatile int live;               /* blocks given out and not taken back */
static volatile unsigned found_in_freed;

static bool is_refused(void)
{
    return watching && until_refused-- == 0;
}

static void *given(void *block)
{
    live += watching && block;
    return block;
}

static void look_for_cw(void *block)
{
    size_t size = block ? malloc_usable_size(block) : 0;

    live -= watching && block;
    if (watching && block && memmem(block, size, cw, 8))
        found_in_freed++;
}

#define WRAP_ALLOCATION(type, name, parameters, arguments)                                                   \
    type *__real_##name parameters;                                                                          \
    type *__wrap_##name parameters;                                                                          \
    type *__wrap_##name parameters                                                                           \
    {                                                                                                        \
        return is_refused() ? NULL : given(__real_##name arguments);                                         \
    }

WRAP_ALLOCATION(void, malloc, (size_t size), (size))
WRAP_ALLOCATION(void, calloc, (size_t count, size_t size), (count, size))
WRAP_ALLOCATION(void, aligned_alloc, (size_t alignment, size_t size), (alignment, size))
WRAP_ALLOCATION(struct dvbcsa_key_s, dvbcsa_key_alloc, (void), ())
WRAP_ALLOCATION(struct dvbcsa_bs_key_s, dvbcsa_bs_key_alloc, (void), ())
WRAP_ALLOCATION(EVP_CIPHER_CTX, EVP_CIPHER_CTX_new, (void), ())

int __real_posix_memalign(void **block, size_t alignment, size_t size);
int __wrap_posix_memalign(void **block, size_t alignment, size_t size);
int __wrap_posix_memalign(void **block, size_t alignment, size_t size)
{
    int status = is_refused() ? ENOMEM : __real_posix_memalign(block, alignment, size);

    if (status == 0)
        given(*block);
    return status;
}

#define WRAP_RELEASE(type, name)                                                                             \
    void __real_##name(type *block);                                                                         \
    void __wrap_##name(type *block);                                                                         \
    void __wrap_##name(type *block)                                                                          \
    {                                                                                                        \
        look_for_cw(block);                                                                                  \
        __real_##name(block);                                                                                \
    }

WRAP_RELEASE(void, free)
WRAP_RELEASE(struct dvbcsa_key_s, dvbcsa_key_free)
WRAP_RELEASE(struct dvbcsa_bs_key_s, dvbcsa_bs_key_free)
WRAP_RELEASE(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

/* Runs `use` with the first, the second … allocation refused, until it gets all that it asks for. */
static void refuse_each(int (*use)(int), int argument)
{
    int status = -ENOMEM;
    unsigned n;

    for (n = 0; status != 0 && n < 1000; n++) {
        live = 0;
        until_refused = n;
        watching = true;
        status = use(argument);
        watching = false;
        cr_assert(status == 0 || status == -ENOMEM, "allocation %u refused: %d", n, status);
        cr_assert_eq(live, 0, "allocation %u refused: %d blocks lost", n, live);
    }
    cr_assert_eq(status, 0);
    cr_assert_gt(n, 2, "nothing was ever refused");
    cr_assert_eq(found_in_freed, 0, "a CW was found in %u blocks that were freed", found_in_freed);
}

static int use_slots(int algorithm)
{
    struct base_secret secret;
    struct cipher *cipher = NULL;
    struct keys_slots *slots = NULL;
    int status = cipher_create(&cipher, algorithm, NULL);

    base_secret_set(&secret, cw, cipher_cw_size(algorithm));
    if (status == 0)
        status = keys_slots_create(&slots, cipher, NULL);
    for (uint64_t n = 0; status == 0 && n < KEYS_SLOTS; n++)
        status = keys_slots_publish(slots, KEYS_SLOT_KEY, n, n, 0, &secret);
    keys_slots_destroy(slots);
    cipher_destroy(cipher);
    return status;
}

Test(memory, ciphers_keys_and_slots)
{
    for (int i = 0; i < CIPHER_ALGORITHMS; i++)
        refuse_each(use_slots, i);
}

static int use_list(int fd)
{
    struct keys_cw_list list;
    char path[32];
    size_t line;
    int status;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    status = keys_cw_list_load(&list, path, 8, true, &line);
    cr_assert(status < 0 || list.count == 1000);
    keys_cw_list_clear(&list);
    return status;
}

Test(memory, lists)
{
    int fd = memfd_create("cw-list", MFD_CLOEXEC);

    for (int i = 0; i < 1000; i++)
        cr_assert_eq(write(fd, "5c1d77f0932eb879\n", 17), 17);
    refuse_each(use_list, fd);
    close(fd);
}

Test(memory, a_cw_in_a_freed_block_is_noticed)
{
    uint8_t *block = malloc(64);

    cr_assert_not_null(block);
    memcpy(block + 20, cw, 8);
    watching = true;
    free(block);
    watching = false;
    cr_assert_eq(found_in_freed, 1, "or the other tests show nothing");
}
