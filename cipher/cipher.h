/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cipher/cipher.h: scrambles and descrambles batches of payloads; each lane of a batch carries its own key.
 *
 * The room turns payload bytes with prepared keys and knows no TS header. Lanes of many services mix in one
 * batch (docs/architecture.md, decision 1): a back end that is fast only on one key at a time groups lanes
 * itself.
 *
 * Threads: a `struct cipher` belongs to one thread at a time (it owns scratch memory); make one per worker. A
 * `struct cipher_key` is made on any thread and, once handed over, used by one thread at a time (the OpenSSL
 * back end keeps a chaining value in it). No function here but create, set and destroy allocates or calls the
 * system.
 *
 * Per packet (ISO/IEC 13818-1): the payload alone, each packet from a fresh state.
 * - DVB-CSA2: 8-byte CW. Payloads under 8 bytes stay unchanged.
 * - DVB-CISSA, ETSI TS 103 127: AES-128-CBC, IV "DVBTMCPTAESCISSA". The last length mod 16 bytes stay clear.
 * - ATIS-IDSA, ATIS-0800006: AES-128-CBC, IV zero. The last length mod 16 bytes are XORed with the encryption
 *   of the scrambled block before them (of the IV where there is none).
 * - AES-128-CBC: the IV of the key's mode (struct cipher_mode). The last length mod 16 bytes stay clear.
 * - AES-128-CTR: the first counter block is the mode's IV; its last counter_bits bits count up, big-endian,
 *   without a carry into the bits above. The last block is cut to the payload's length. */
#ifndef CIPHER_CIPHER_H
#define CIPHER_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(name, text, CW bytes, scrambling_mode of the scrambling_descriptor, EN 300 468) */
#define CIPHER_ALGORITHM_MAP(X)                                                                              \
    X(DVB_CSA2, "dvb-csa2", 8, 0x02)                                                                         \
    X(DVB_CISSA, "dvb-cissa", 16, 0x10)                                                                      \
    X(ATIS_IDSA, "atis-idsa", 16, 0x70)                                                                      \
    X(AES_CBC, "aes-128-cbc", 16, 0xF0)                                                                      \
    X(AES_CTR, "aes-128-ctr", 16, 0xF1)

enum cipher_algorithm {
#define X(name, text, cw_size, mode) CIPHER_##name,
    CIPHER_ALGORITHM_MAP(X)
#undef X
        CIPHER_ALGORITHMS
};

enum cipher_direction { CIPHER_SCRAMBLE, CIPHER_DESCRAMBLE };

#define CIPHER_PAYLOAD_MAX 184 /* bytes of payload in a TS packet */
/* Lanes of one call. Many: a bitsliced back end wants 128 and more of each key, so that a batch over dozens
 * of keys has to be large. */
#define CIPHER_BATCH_MAX 4096

struct cipher;
struct cipher_key;

/* What AES-128-CBC and AES-128-CTR leave open: the same for every packet of a key. */
struct cipher_mode {
    uint8_t iv[16];
    uint8_t counter_bits; /* 1 to 128; AES-128-CTR alone */
};
#define CIPHER_MODE_DEFAULT ((struct cipher_mode){.counter_bits = 64}) /* IV zero */

struct cipher_lane {
    uint8_t *payload;             /* turned in place; any alignment */
    const struct cipher_key *key; /* made for the same algorithm and back end as the batch's cipher */
    uint16_t length;              /* bytes, 0 to CIPHER_PAYLOAD_MAX */
};

/* What DVB-CSA3's place is taken by: the functions from its name and its scrambling_mode say -ENOTSUP. */
#define CIPHER_CSA3_ABSENT "DVB-CSA3 is not available: its specification is not public"

const char *cipher_algorithm_name(enum cipher_algorithm algorithm);
/* Letters of either case. -ENOENT; -ENOTSUP for "dvb-csa3". */
int cipher_algorithm_from_name(const char *name, enum cipher_algorithm *algorithm);
size_t cipher_cw_size(enum cipher_algorithm algorithm);
uint8_t cipher_scrambling_mode(enum cipher_algorithm algorithm);
/* -ENOENT; -ENOTSUP for DVB-CSA3. */
int cipher_algorithm_from_scrambling_mode(uint8_t mode, enum cipher_algorithm *algorithm);
bool cipher_has_iv(enum cipher_algorithm algorithm); /* its struct cipher_mode is a choice */

/* The payload bytes that the algorithm leaves unchanged whatever the key: lengths below this one. 8, 16 or 1.
 */
size_t cipher_shortest_payload(enum cipher_algorithm algorithm);

/* A cipher of the named tier ("libdvbcsa", "openssl"), or the best tier of this machine where `tier` is NULL.
 * The tier's self-test runs once per process before its first use. -ENOENT for a tier that does not exist,
 * -ENOTSUP for one that this algorithm or CPU does not have, BASE_E_SELF_TEST, -ENOMEM. */
int cipher_create(struct cipher **cipher, enum cipher_algorithm algorithm, const char *tier);
void cipher_destroy(struct cipher *cipher); /* NULL is allowed; keys may outlive it */
enum cipher_algorithm cipher_algorithm_of(const struct cipher *cipher);
const char *cipher_tier_name(const struct cipher *cipher);

/* The mode of the keys that are made for `cipher` from now on; CIPHER_MODE_DEFAULT until then. Kept through
 * cipher_key_set(). -ENOTSUP for an algorithm that has no choice, -EINVAL for counter_bits out of range. */
int cipher_set_mode(struct cipher *cipher, const struct cipher_mode *mode);

/* The n-th tier's name of an algorithm, best first, or NULL after the last; tiers that this CPU lacks are
 * named too. For tests, benchmarks and --help. */
const char *cipher_tier_at(enum cipher_algorithm algorithm, unsigned n);

/* An empty key object for `cipher`'s algorithm and tier; set as often as wanted, each time replacing the CW.
 * `cw` is cipher_cw_size() bytes, used as they are (checksum bytes are keys/'s business). A lane may carry a
 * key only after it was set. -ENOMEM, BASE_E_CRYPTO; set also -EINVAL for another size. */
int cipher_key_create(struct cipher_key **key, const struct cipher *cipher);
int cipher_key_set(struct cipher_key *key, const uint8_t *cw, size_t cw_size);
void cipher_key_clear(struct cipher_key *key);   /* wipes the CW and what was prepared from it; empty again */
void cipher_key_destroy(struct cipher_key *key); /* wipes it; NULL is allowed */

/* Turns every lane in place. `count` is 0 to CIPHER_BATCH_MAX; `lanes` itself is not changed. Cannot fail. */
void cipher_run(struct cipher *cipher, enum cipher_direction direction, const struct cipher_lane *lanes,
                unsigned count);

/* Known answers for one tier, both directions: 0, BASE_E_SELF_TEST, or as cipher_create(). `corrupt` flips
 * one expected bit, so that a test can show that the self-test is able to fail. */
int cipher_self_test(enum cipher_algorithm algorithm, const char *tier, int corrupt);

#endif
