/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/ecmg_provision.h: inside the room: CW_provision as the ECMG reads it. Thread-safe: no state. */
#ifndef SIMULCRYPT_ECMG_PROVISION_H
#define SIMULCRYPT_ECMG_PROVISION_H

#include "simulcrypt/ecmg_scs_table.h"

/* `provision` points into the message, its CWs are those that lead_CW and CW_per_msg ask for, in the order of
 * their crypto-periods. SIMULCRYPT_ECMG_OK, or the error_status to answer with and its error_information. */
uint16_t simulcrypt__read_provision(const struct simulcrypt_message *message,
                                    const struct simulcrypt_channel_status *status, bool transfer_mode,
                                    struct simulcrypt_cw_provision *provision, int *information);

#endif
