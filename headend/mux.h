/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headend/mux.h: the MUX: takes EMMs and private data from EMMGs and PDGs (ETSI TS 103 197, clause 6) and has
 * them sent in transport streams. One thread: the loop's.
 *
 * Each connection carries one channel (simulcrypt/mux_session.h); data comes with it, or in UDP datagrams.
 * (client_id, data_id) finds the stream's entry in the configuration, and that its PID. What comes is ordered
 * from the worker by ts/order.h at an even pace, and waits for null packets for up to 30 ms. Each datagram is
 * played once and in its order: repeating is the EMMG's task.
 *
 * A client may hold several channels, by their data_channel_id; a (client_id, data_id) belongs to one
 * connection. Whoever asks for what another connection holds is refused, and that other is tested: it is
 * closed where it does not answer, so that an EMMG which lost its connection unseen gets back in.
 *
 * Every stream has a bandwidth: what it asked for, as far as its entry, its PID and its transport stream have
 * that to give; without a question, what is left of them. Bytes of datagrams count, without the packets
 * around them. */
#ifndef HEADEND_MUX_H
#define HEADEND_MUX_H

#include "base/ring.h"
#include "net/settings.h"
#include "simulcrypt/emmg_mux.h"

#define HEADEND_MUX_ENTRIES_MAX   64
#define HEADEND_MUX_BANDWIDTH_MAX 2000 /* kbit/s of one PID: what the orders' way carries */
#define HEADEND_MUX_PRIVATE_MAX   64

/* What may come, and where it goes. */
struct headend_mux_entry {
    uint32_t client_id;
    bool any_data_id; /* every one that has no entry of its own */
    uint16_t data_id;
    unsigned stream; /* index of the transport stream */
    uint16_t pid;
    uint16_t bandwidth; /* kbit/s, 0: no limit of its own */
    enum simulcrypt_data_type data_type;
    /* UDP data is taken without a connection, too; then it is of this format. */
    bool udp_only;
    enum simulcrypt_format format;
    uint8_t private_size; /* of the CA_descriptor in the CAT, for data_type EMM */
    uint8_t private_bytes[HEADEND_MUX_PRIVATE_MAX];
};

struct headend_mux_config {
    struct net_listener_settings listener;
    bool has_udp;
    char udp_host[256]; /* an address, or a multicast group to join; who may send: listener.access */
    uint16_t udp_port;  /* 0: a free one */
    char udp_interface[64];
    unsigned entry_count;
    struct headend_mux_entry entries[HEADEND_MUX_ENTRIES_MAX];
    uint32_t bandwidth;      /* kbit/s into one transport stream in all; 0: as much as its PIDs take */
    unsigned channels_max;   /* open at once; 0: 64 */
    unsigned streams_max;    /* of all channels; 0: 256 */
    uint32_t test_period_ms; /* channel_test to who was silent so long; 0: never, as some EMMGs take it ill */
    struct base_ring *const *orders; /* of the transport streams; borrowed, this is their producer's thread */
    unsigned order_count;
    /* What the CAT of a transport stream should say has changed; from inside headend_mux_tick(). May be NULL.
     */
    void (*cat_changed)(void *context, unsigned stream);
    void *context;
};

/* 127.0.0.1:2223, no UDP, no entries. */
void headend_mux_config_init(struct headend_mux_config *config);

struct headend_mux;

/* `config` is copied. BASE_E_CONFIGURATION for entries that contradict each other or name what is not there,
 * or an error of listening; `why` holds one line about it. */
int headend_mux_create(struct headend_mux **mux, struct net_loop *loop,
                       const struct headend_mux_config *config, char why[static 256]);
void headend_mux_destroy(struct headend_mux *mux); /* NULL is allowed */

/* Source time has reached `now` (27 MHz ticks): orders what is due. To be called every few milliseconds. */
void headend_mux_tick(struct headend_mux *mux, uint64_t now);

uint16_t headend_mux_port(const struct headend_mux *mux);
uint16_t headend_mux_udp_port(const struct headend_mux *mux); /* 0 where there is none */

/* What the CAT of a transport stream should say: an entry per CA_system_id and PID of the EMM streams that
 * are open or were. It is not taken back when an EMMG goes: receivers need not look for the PID again. Fills
 * at most `room` and returns how many there are. */
struct headend_mux_ca {
    uint16_t ca_system_id;
    uint16_t pid;
    const uint8_t *private_bytes; /* the configuration's */
    uint8_t private_size;
};
unsigned headend_mux_cat(const struct headend_mux *mux, unsigned stream, struct headend_mux_ca *cas,
                         unsigned room);

/* For the management interface. */
struct headend_mux_entry_status {
    const struct headend_mux_entry *config;
    unsigned open;         /* streams of EMMGs now */
    bool seen;             /* there was one, or UDP data */
    uint32_t bandwidth;    /* kbit/s asked for and allocated to those */
    uint64_t datagrams;    /* taken */
    uint64_t bytes;        /* of them */
    uint64_t dropped;      /* datagrams that found no room in the queue */
    uint64_t udp_exceeded; /* UDP messages over the bandwidth */
    uint64_t packets;      /* ordered for the PID, whichever entry they are of */
    uint64_t queued;       /* bytes that wait for the PID */
    uint64_t last_data_ms; /* net_loop_now_ms() of the last datagram; 0: none yet */
};
int headend_mux_entry_status(const struct headend_mux *mux, unsigned entry,
                             struct headend_mux_entry_status *status); /* -ENOENT */

struct headend_mux_connection_status {
    char peer[64];
    bool channel_open;
    uint32_t client_id;
    uint16_t channel_id;
    enum simulcrypt_format format;
    unsigned streams;
    uint64_t since_ms;    /* net_loop_now_ms() at its beginning */
    uint64_t heard_ms;    /* when something last came */
    uint64_t datagrams;   /* over TCP and UDP */
    uint64_t errors;      /* error messages sent */
    char last_error[160]; /* the last of them, or ""; a sentence */
};
/* Fills at most `room` and returns how many there are. */
unsigned headend_mux_connections(const struct headend_mux *mux, struct headend_mux_connection_status *status,
                                 unsigned room);

struct headend_mux_counters {
    uint64_t connections, channels, streams; /* open now */
    uint64_t accepted;                       /* connections ever */
    uint64_t datagrams;                      /* taken, of all entries */
    uint64_t dropped;                        /* of them: found no room */
    uint64_t errors;                         /* error messages sent */
    uint64_t udp_messages;                   /* that came */
    uint64_t udp_malformed;                  /* of them: no data_provision, or an unsound datagram */
    uint64_t udp_unknown;                    /* of them: for no stream that is open, nor an entry for UDP */
    uint64_t udp_exceeded;                   /* of them: over the bandwidth */
    uint64_t udp_refused;                    /* from addresses that are not allowed; not among those */
};
void headend_mux_counters(const struct headend_mux *mux, struct headend_mux_counters *counters);

#endif
