/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cipher_rate: what the cipher alone takes for a count of full packets with one key, in full batches. Prints
 * JSON. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cipher/cipher.h"

static double cpu_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void fill(struct cipher_lane *lanes, uint8_t *payloads, const struct cipher_key *key)
{
    for (unsigned i = 0; i < CIPHER_BATCH_MAX; i++)
        lanes[i] = (struct cipher_lane){
            .payload = payloads + (size_t)i * CIPHER_PAYLOAD_MAX, .key = key, .length = CIPHER_PAYLOAD_MAX};
}

int main(int argc, char **argv)
{
    static uint8_t payloads[CIPHER_BATCH_MAX * CIPHER_PAYLOAD_MAX];
    static const uint8_t cw[16] = {1, 2, 3, 6, 5, 6, 7, 18};
    static struct cipher_lane lanes[CIPHER_BATCH_MAX];
    enum cipher_algorithm algorithm;
    struct cipher *cipher;
    struct cipher_key *key;
    uint64_t packets = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
    double seconds;

    if (!packets || cipher_algorithm_from_name(argv[1], &algorithm) < 0) {
        fprintf(stderr, "usage: cipher_rate ALGORITHM PACKETS\n");
        return 2;
    }
    if (cipher_create(&cipher, algorithm, NULL) < 0 || cipher_key_create(&key, cipher) < 0 ||
        cipher_key_set(key, cw, cipher_cw_size(algorithm)) < 0)
        return 1;
    fill(lanes, payloads, key);
    seconds = cpu_seconds();
    for (uint64_t done = 0; done < packets; done += CIPHER_BATCH_MAX)
        cipher_run(cipher, CIPHER_SCRAMBLE, lanes, CIPHER_BATCH_MAX);
    seconds = cpu_seconds() - seconds;
    printf("{\"packets\": %llu, \"seconds\": %.3f, \"gbit_s\": %.3f, \"tier\": \"%s\"}\n",
           (unsigned long long)packets, seconds, (double)packets * 188 * 8 / seconds / 1e9,
           cipher_tier_name(cipher));
    cipher_key_destroy(key);
    cipher_destroy(cipher);
    return 0;
}
