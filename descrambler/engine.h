/* SPDX-License-Identifier: GPL-3.0-or-later */
/* descrambler/engine.h: opens one transport stream: finds ECMs, keeps even and odd keys, removes the
 * scrambling.
 *
 * Control words come from fixed values, from a list (one per crypto-period), or from ECMs through a callback
 * that cmd/ hands in. The ECM PID is found through PAT, PMT and CA_descriptor (for each CAS, component level
 * before programme level). Parity is followed per PID. Tables and ECMs stay in the stream as they are. One
 * thread per engine. */
#ifndef DESCRAMBLER_ENGINE_H
#define DESCRAMBLER_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"
#include "cipher/batch.h"
#include "ts/psi.h"

/* X(name, help): every packet of `in` is in exactly one of passed, descrambled, locked, reserved. */
#define DESCRAMBLER_COUNTER_MAP(X)                                                                           \
    X(in, "packets taken in")                                                                                \
    X(passed, "packets that were clear, or not selected")                                                    \
    X(descrambled, "packets opened")                                                                         \
    X(locked, "scrambled packets left as they are: no control word for them")                                \
    X(reserved, "packets with the reserved scrambling control 01, left as they are")                         \
    X(bad_adaptation, "of those passed: scrambled packets whose adaptation field is broken")                 \
    X(ecm_opened, "ECM sections opened (each change once)")                                                  \
    X(ecm_refused, "ECM sections that did not open: other key, changed, or other CAS")                       \
    X(crypto_periods, "changes of parity")                                                                   \
    X(bad_sections, "sections of tables and ECMs dropped: CRC wrong, or malformed")                          \
    X(crowded, "tables and ECMs passed over: too many programmes, ECM PIDs, or changes read ahead")

struct descrambler_counters {
#define X(name, help) uint64_t name;
    DESCRAMBLER_COUNTER_MAP(X)
#undef X
};

/* What an ECM holds. A size of 0 means: none for this parity. Wiped by the engine. */
struct descrambler_cws {
    struct base_secret even, odd;
};

/* 0 where the section was opened into `cws`; negative where it is not for us or was changed. */
typedef int descrambler_ecm_open(void *context, const uint8_t *section, size_t size,
                                 struct descrambler_cws *cws);

enum descrambler_selection { DESCRAMBLER_ALL, DESCRAMBLER_SERVICE, DESCRAMBLER_PIDS };

struct descrambler_config {
    enum descrambler_selection selection;
    uint16_t service_id;      /* DESCRAMBLER_SERVICE; its components are found through the PMT */
    const char *service_name; /* or by name (SDT), where not NULL */
    const uint16_t *pids;     /* DESCRAMBLER_PIDS; copied */
    unsigned pid_count;
    /* Else the scrambling_descriptor says; where there is none, the size of the CW: DVB-CSA2 for 8 bytes,
     * DVB-CISSA for 16. */
    bool has_algorithm;
    enum cipher_algorithm algorithm;
    /* Fixed: loaded for both parities where fixed_odd is empty. */
    struct base_secret fixed_even, fixed_odd;
    /* Or a list: element n for crypto-period n, the first one even unless the stream begins odd, the last one
     * for all that follow; copied. A PID moves on at its change of parity; a packet that still has the last
     * parity within 2 000 packets after others moved on keeps the last word. */
    const struct base_secret *list;
    size_t list_count;
    descrambler_ecm_open *ecm_open; /* or ECMs */
    void *ecm_context;
};

struct descrambler_engine;

int descrambler_engine_create(struct descrambler_engine **engine, const struct descrambler_config *config);
void descrambler_engine_destroy(struct descrambler_engine *engine); /* wipes; NULL is allowed */

/* Looks at a packet ahead of its turn (a file's read-ahead), in stream order: tables and ECMs found here
 * serve packets that come before them and have no key yet. Each packet is scouted at most once, before it is
 * processed. */
void descrambler_engine_scout(struct descrambler_engine *engine, const uint8_t *packet);

/* What the scouted packets wait for, so that a caller knows whether to read on before it lets them go. */
enum descrambler_waiting {
    DESCRAMBLER_WAITS_FOR_NOTHING, /* nothing is scrambled, words are fixed, or all was heard */
    /* Words are known, but an ECM PID of a PMT was not heard yet, or no scrambled packet behind an ECM has
     * told yet which packets before it have its words. */
    DESCRAMBLER_WAITS_FOR_MORE,
    DESCRAMBLER_WAITS_FOR_WORDS, /* no ECM has opened yet */
};
enum descrambler_waiting descrambler_engine_waiting(const struct descrambler_engine *engine);

/* DESCRAMBLER_SERVICE: whether a PMT of the service was read; else true. */
bool descrambler_engine_found_service(const struct descrambler_engine *engine);

/* The scrambling_mode of the first service that could not be opened because its algorithm is not known here
 * (EN 300 468 names more than this program has), and its service_id; 0 where there is none. */
uint8_t descrambler_engine_unknown_mode(const struct descrambler_engine *engine, uint16_t *service_id);

/* Opens packets in place; batch->ciphers must hold every algorithm that is to be opened, the same objects in
 * every call. Prepared keys are made when they are first needed. Payloads are turned when `batch`
 * (CIPHER_DESCRAMBLE) is flushed; the engine flushes it itself before it changes a key that lanes in it use.
 */
void descrambler_engine_process(struct descrambler_engine *engine, uint8_t *const *packets, unsigned count,
                                struct cipher_batch *batch);

const struct descrambler_counters *descrambler_engine_counters(const struct descrambler_engine *engine);

#endif
