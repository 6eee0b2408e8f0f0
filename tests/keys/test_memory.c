/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What creates things survives every single request for memory being refused and loses none, and no block is
 * freed with a CW in it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "keys/control_word.h"
#include "keys/slots.h"
#include "tests/common/memory.h"

static const uint8_t cw[16] = {0x5c, 0x1d, 0x77, 0xf0, 0x93, 0x2e, 0xb8, 0x79,
                               0x41, 0xd6, 0x0a, 0xc5, 0x6f, 0x82, 0x3b, 0xe4};

static void look_for_cw(void)
{
    memory_look_for(cw, 8);
    memory_look_for(cw + 8, 8);
}

TestSuite(memory, .init = look_for_cw, .timeout = 60);

static int use_slots(void *context)
{
    enum cipher_algorithm algorithm = *(int *)context;
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
        memory_refuse_each(use_slots, &i, 2 + KEYS_SLOTS);
    memory_assert_it_looks();
}

static int use_list(void *context)
{
    struct keys_cw_list list;
    char path[32];
    size_t line;
    int status;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", *(int *)context);
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
    memory_refuse_each(use_list, &fd, 2);
    memory_assert_it_looks();
    close(fd);
}
