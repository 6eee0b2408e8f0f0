/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/scramble_file.h: `scramline scramble` behind its options: a file through the same engine as the live
 * headend.
 *
 * Source time comes from the file's PCRs, both ends of the orders' ring belong to this thread, and the run
 * waits for each ECM: same input, seed and ECMs, same output. */
#ifndef CMD_SCRAMBLE_FILE_H
#define CMD_SCRAMBLE_FILE_H

#include "cipher/cipher.h"
#include "cmd/cas_config.h"
#include "cmd/options.h"
#include "headend/follower.h"
#include "headend/group.h"

struct scramble_options {
    const char *in;
    const char *out;
    const char *flow;
    struct cmd_texts services; /* ID or name each; none: the first service */
    struct cmd_numbers pids;   /* instead of services */
    unsigned components;       /* HEADEND_VIDEO | … */
    enum cipher_algorithm algorithm;
    struct cipher_mode mode;
    const char *tier; /* NULL: the best */

    struct cmd_texts cws; /* one for all services, or one each; secret text of the command line */
    const char *cw_file;
    bool raw_cw;
    const char *seed; /* hexadecimal */
    const char *cw_out;

    struct cmd_cas_list cas; /* all services use all of them, on the CASs' own terms */
    uint64_t ecm_timeout_us;
    enum headend_policy policy;

    uint64_t crypto_period_us;
    uint64_t bitrate; /* bit/s, for streams without PCR */
    bool json;
};

/* Returns the exit status; every failure has had its message. */
int scramble_file(const struct cmd_command *command, const struct scramble_options *options);

#endif
