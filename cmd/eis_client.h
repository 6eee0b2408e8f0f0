/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/eis_client.h: an EIS: keeps one channel to an SCS (simulcrypt/eis_session.h on net/dialer.h) and asks
 * what it is told to ask, in that order. One thread: the loop's.
 *
 * What has not been answered when the connection ends is asked again over the next one. An SCS that refuses
 * the version (0x0002) is tried with the next lower one down to 2. */
#ifndef CMD_EIS_CLIENT_H
#define CMD_EIS_CLIENT_H

#include "cmd/eis_config.h"
#include "cmd/eis_queue.h"
#include "net/loop.h"

enum cmd_eis_result {
    CMD_EIS_STATUS,
    CMD_EIS_WARNED, /* activation_time may be too soon; a status follows */
    CMD_EIS_REFUSED,
    CMD_EIS_UNANSWERED,
};

struct cmd_eis_answer {
    uint16_t scg_id;
    enum cmd_eis_result result;
    const struct simulcrypt_scg_status *status; /* of CMD_EIS_STATUS, else NULL */
    uint16_t error;                             /* of CMD_EIS_WARNED and _REFUSED */
    const char *text;
};

/* All are needed. None may destroy the client. */
struct cmd_eis_client_ops {
    void (*up)(void *context, const struct simulcrypt_scs_abilities *abilities, uint8_t version);
    void (*answer)(void *context,
                   const struct cmd_eis_answer *answer); /* or a status that was not asked for */
    void (*list)(void *context, const uint16_t *scg_ids, size_t count);
    void (*channel_error)(void *context, const char *text);
    void (*idle)(void *context); /* the last thing asked has been answered */
    /* It will be tried again. `lower`: with a lower version. */
    void (*down)(void *context, const char *why, bool lower);
};

struct cmd_eis_client;

/* `config` is borrowed. Begins to connect. -ENOMEM, errors of TLS: `why` holds one line then. */
int cmd_eis_client_create(struct cmd_eis_client **client, struct net_loop *loop,
                          const struct cmd_eis_config *config, const struct cmd_eis_client_ops *ops,
                          void *context, char why[static CMD_EIS_WHY_SIZE]);
void cmd_eis_client_destroy(struct cmd_eis_client *client); /* channel_close; NULL is allowed */

/* `scg_id` is 0 for CMD_EIS_RESET and CMD_EIS_LIST; idle() is not called for a reset
 * alone. -ENOMEM; -ENOENT for CMD_EIS_PROVIDE of an SCG that the
 * configuration does not have. */
int cmd_eis_client_ask(struct cmd_eis_client *client, enum cmd_eis_request request, uint16_t scg_id);
bool cmd_eis_client_is_idle(const struct cmd_eis_client *client);

#endif
