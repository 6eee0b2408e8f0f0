/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headend/follower.h: follows PAT, PMT and SDT of one transport stream and says which PIDs to protect.
 * Sans-I/O.
 *
 * Fed with sections (from a scout over a file's read-ahead, or from a worker's observations); answers with a
 * map of PIDs and with the orders that rewrite tables. Changes of version, of PMT PIDs and of components are
 * followed. One thread.
 *
 * In doubt nothing leaves in clear: until every configured service is found (or known to be absent) only
 * tables pass; a PID that a configured service shares with another is protected; a PID that a service's PMT
 * no longer lists stays protected until another table names it or the service leaves the PAT, because tables
 * and components do not change at the same packet; a PMT that cannot be read makes the map incomplete.
 * PIDs of tables (below 0x20, PMT PIDs) and null packets are never protected. */
#ifndef HEADEND_FOLLOWER_H
#define HEADEND_FOLLOWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ring.h"
#include "ts/psi.h"

#define HEADEND_SERVICES_MAX 64 /* protected services of one transport stream */

#define HEADEND_VIDEO     (1u << TS_COMPONENT_VIDEO)
#define HEADEND_AUDIO     (1u << TS_COMPONENT_AUDIO)
#define HEADEND_SUBTITLES (1u << TS_COMPONENT_SUBTITLES)
#define HEADEND_DATA      (1u << TS_COMPONENT_DATA)
#define HEADEND_ALL       (HEADEND_VIDEO | HEADEND_AUDIO | HEADEND_SUBTITLES | HEADEND_DATA)

#define HEADEND_SIGNALS_MAX          16 /* CA_descriptors of one service, that is CASs */
#define HEADEND_CA_PRIVATE_MAX       64 /* private_data_bytes of one CA_descriptor */
#define HEADEND_CAT_ENTRIES_MAX      64
#define HEADEND_COMPONENT_GROUPS_MAX 64   /* of one service */
#define HEADEND_FLOWS_MAX            1024 /* ECM streams of one transport stream */

enum headend_choice { HEADEND_SERVICE_FIRST, HEADEND_SERVICE_ID, HEADEND_SERVICE_NAME };

struct headend_service_config {
    enum headend_choice choice;
    uint16_t service_id;
    char name[TS_SERVICE_NAME_MAX]; /* UTF-8, compared without case (of ASCII letters) */
    unsigned components;            /* HEADEND_VIDEO | … */
    uint8_t group;                  /* of the plan: of those of its components that have no other */
    uint8_t scrambling_mode;        /* for the scrambling_descriptor */
};

/* One CA_descriptor of a service, at the programme or at components. Where a service has any, its PMT is
 * rewritten (CA_descriptors, scrambling_descriptor), its SDT entry (free_CA_mode) and the CAT (which there
 * must be). */
struct headend_signal {
    uint16_t flow; /* below HEADEND_FLOWS_MAX: names the ECM stream; services with one flow share its PID */
    uint16_t ca_system_id;
    /* 0, or one that the stream uses: the first PID that no table names, from 0x1F00 downwards, is taken. It
     * moves where the stream begins to use it. */
    uint16_t wanted_pid;
    bool of_components; /* at the service's components that read `group`, else at the programme */
    uint8_t group;
    uint8_t private_size;
    uint8_t private_data[HEADEND_CA_PRIVATE_MAX];
};

/* One CA_descriptor of the CAT: EMMs. */
struct headend_cat_entry {
    uint16_t ca_system_id;
    uint16_t emm_pid;
    uint8_t private_size;
    uint8_t private_data[HEADEND_CA_PRIVATE_MAX];
};

/* A component of a service that reads another group of the plan than its service, or is protected though its
 * kind is not asked for. */
struct headend_component_group {
    bool by_tag; /* component_tag (stream_identifier_descriptor), else PID */
    uint16_t component;
    uint8_t group;
};

/* Verdict on a PID. */
enum headend_verdict {
    HEADEND_UNREFERENCED, /* no table names it */
    HEADEND_PASS,
    HEADEND_PROTECT,
};

struct headend_map {
    /* Every configured service's PMT is known, or the service is not in the stream: unreferenced PIDs may
     * pass */
    bool complete;
    uint64_t observations;  /* sequence of the newest observation that the map takes into account */
    uint16_t reference_pid; /* PCR PID of the first configured service, TS_PIDS where unknown */
    struct {
        uint8_t verdict; /* enum headend_verdict */
        uint8_t group;
        bool observe, rewrite, guard;
    } pids[TS_PIDS];
};

struct headend_follower;

/* `configs` is copied; at most HEADEND_SERVICES_MAX (-EINVAL); none where headend_follower_set_pids() comes
 * next. `orders`: where replacements of tables are sent, borrowed; NULL where no service is signalled. */
int headend_follower_create(struct headend_follower **follower, const struct headend_service_config *configs,
                            unsigned count, struct base_ring *orders);
void headend_follower_destroy(struct headend_follower *follower); /* NULL is allowed */

/* One service more, from now on: where all are wanted, for those that a PAT lists. Its index is the count so
 * far. The map is renewed; call headend_follower_flush(). -EINVAL beyond HEADEND_SERVICES_MAX, or after
 * headend_follower_set_pids(); -ENOMEM. */
int headend_follower_add(struct headend_follower *follower, const struct headend_service_config *config);

/* Instead of services: these PIDs alone, whatever the tables say (no signalling). -EINVAL for a PID that is
 * never scrambled, or where services are configured. */
int headend_follower_set_pids(struct headend_follower *follower, const uint16_t *pids, unsigned count,
                              uint8_t group);

/* What is said about a service from now on; none: its PMT passes as it came. Copied. -ERANGE for an index
 * that is not configured, -EINVAL over the maxima or without orders, -ENOBUFS: see headend_follower_flush().
 */
int headend_follower_set_signals(struct headend_follower *follower, unsigned index,
                                 const struct headend_signal *signals, unsigned count);

/* Where an ECM stream plays; 0: not known yet. */
uint16_t headend_follower_flow_pid(const struct headend_follower *follower, uint16_t flow);

/* Whether the CAT had no room for all its entries: what did not fit was left out. */
bool headend_follower_cat_is_full(const struct headend_follower *follower);

/* What the CAT says beside what the stream's own CAT says; other CASs' entries are kept, one with the same
 * CA_system_id and PID is not doubled. Copied. -EINVAL over HEADEND_CAT_ENTRIES_MAX, or without orders;
 * -ENOBUFS: see headend_follower_flush(). */
int headend_follower_set_cat(struct headend_follower *follower, const struct headend_cat_entry *entries,
                             unsigned count);

/* Groups of components; all of the service at once, copied. The map is renewed; call
 * headend_follower_flush(). -ERANGE, -EINVAL over HEADEND_COMPONENT_GROUPS_MAX. */
int headend_follower_set_components(struct headend_follower *follower, unsigned index,
                                    const struct headend_component_group *components, unsigned count);

/* Whether a configured service has this component now: for checks of an EIS's wishes. */
bool headend_follower_has_component(struct headend_follower *follower, unsigned index, bool by_tag,
                                    uint16_t component);

/* transport_stream_id (PAT) and original_network_id (SDT) as the stream says; false: not known yet. */
bool headend_follower_transport_stream(const struct headend_follower *follower, uint16_t *transport_stream_id,
                                       uint16_t *original_network_id, bool *network_known);

/* The stream has packets of this PID, be it named by a table or not: no ECM PID is put there from now on. */
void headend_follower_occupy(struct headend_follower *follower, uint16_t pid);

/* A whole section of an observed PID; sections with a wrong CRC are counted and ignored. `sequence` is the
 * observation's (0: of a scout). Returns 1 where the map changed (also where a guarded PID's observation
 * changed nothing else: the worker waits to hear so), 0 where not, -ENOMEM (the section is to be given
 * again); -ENOBUFS where the map may have changed but not all orders found room: see
 * headend_follower_flush(). */
int headend_follower_section(struct headend_follower *follower, uint16_t pid, const uint8_t *section,
                             size_t size, uint64_t sequence, uint64_t source_time);

/* Sends the orders that found no room. 0, or -ENOBUFS still. */
int headend_follower_flush(struct headend_follower *follower, uint64_t source_time);

const struct headend_map *headend_follower_map(const struct headend_follower *follower);

struct headend_service_status {
    bool found; /* listed in the PAT */
    bool pmt_known;
    bool ambiguous_name; /* several services have it: the first was taken */
    bool unsignalled;    /* its PMT has no room for the CA_descriptor: it is scrambled all the same */
    bool ecm_pid_in_use; /* a wanted ECM PID is used by the stream: a free one was taken instead */
    uint16_t service_id;
    uint16_t pmt_pid;
    char name[TS_SERVICE_NAME_MAX];
    uint16_t protected_components;
    uint32_t pmt_crc; /* CRC_32 of its PMT as it came, 0: not known */
};

/* -ERANGE for an index that is not configured. */
int headend_follower_status(const struct headend_follower *follower, unsigned index,
                            struct headend_service_status *status);

/* What the stream holds, for messages such as "no service 7: there are 1 (One), 2 (Two)". Returns the full
 * count. */
struct headend_service_entry {
    uint16_t service_id;
    char name[TS_SERVICE_NAME_MAX];
};
unsigned headend_follower_services(const struct headend_follower *follower,
                                   struct headend_service_entry *entries, unsigned room);
/* Each section of a table as it came last: PAT, CAT, SDT of this transport stream by their table_id, or the
 * PMT of a service. How many; -ENOENT where it is not known. */
int headend_follower_table(const struct headend_follower *follower, uint8_t table_id, uint16_t service_id,
                           void (*section)(void *to, const uint8_t *bytes, size_t size), void *to);
uint64_t headend_follower_bad_sections(const struct headend_follower *follower);

#endif
