/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/scgs.h: the Scrambling Control Groups that an EIS has defined over one channel (ETSI TS 103 197,
 * clause 10): for each what is in force and what awaits its activation. Sans-I/O.
 *
 * They outlive the connection: an EIS that goes away or comes back changes nothing on air (only SCG_provision
 * and channel_reset do). The owner decides when a definition takes effect, on a crypto-period boundary. One
 * thread. */
#ifndef SIMULCRYPT_SCGS_H
#define SIMULCRYPT_SCGS_H

#include "simulcrypt/eis_scs.h"

#define SIMULCRYPT_SCGS_MAX 10000 /* as many as one SCG_list_response can name */

struct simulcrypt_scgs;

/* All are needed. Definitions are valid until simulcrypt_scgs_activated(), another accepted() for the same
 * SCG, or the end. */
struct simulcrypt_scgs_ops {
    /* What the tables cannot know: the transport stream, its services and components, the CAS, the time.
     * SIMULCRYPT_EIS_OK or an error_status; ACTIVATION_TOO_SOON is a warning, and the definition accepted. */
    uint16_t (*check)(void *context, const struct simulcrypt_scg *scg);
    /* `scg` awaits its activation, in place of what may have awaited it before; a removal, too. The owner
     * calls simulcrypt_scgs_activated() once it is in force (not in here). */
    void (*accepted)(void *context, const struct simulcrypt_scg *scg);
    /* × 100 ms, for SCG_status; 0 to leave it out. */
    uint16_t (*nominal_cp_duration)(void *context, uint16_t scg_id);
};

/* abilities->max_scg 0, or more than there can be, becomes SIMULCRYPT_SCGS_MAX. -ENOMEM. */
int simulcrypt_scgs_create(struct simulcrypt_scgs **scgs, const struct simulcrypt_scs_abilities *abilities,
                           const struct simulcrypt_scgs_ops *ops, void *context);
void simulcrypt_scgs_destroy(struct simulcrypt_scgs *scgs); /* no session may still use it; NULL is allowed */

/* What was pending is in force now; a removal takes the SCG away. -ENOENT where nothing is pending. */
int simulcrypt_scgs_activated(struct simulcrypt_scgs *scgs, uint16_t scg_id);

/* NULL where there is none. */
const struct simulcrypt_scg *simulcrypt_scgs_current(const struct simulcrypt_scgs *scgs, uint16_t scg_id);
const struct simulcrypt_scg *simulcrypt_scgs_pending(const struct simulcrypt_scgs *scgs, uint16_t scg_id);

/* SCG_ids in ascending order, those that await their first activation or their removal among them. The id at
 * `position`, which is below the count. */
size_t simulcrypt_scgs_count(const struct simulcrypt_scgs *scgs);
uint16_t simulcrypt_scgs_id_at(const struct simulcrypt_scgs *scgs, size_t position);

/* Inside the room, for the session. Errors are error_statuses, with the parameter at fault. */
const struct simulcrypt_scs_abilities *simulcrypt__scgs_abilities(const struct simulcrypt_scgs *scgs);
uint16_t simulcrypt__scgs_provide(struct simulcrypt_scgs *scgs, const struct simulcrypt_scg *scg,
                                  int *information);
bool simulcrypt__scgs_status(const struct simulcrypt_scgs *scgs, uint16_t scg_id,
                             struct simulcrypt_scg_status *status);
void simulcrypt__scgs_reset(struct simulcrypt_scgs *scgs); /* removes all */

#endif
