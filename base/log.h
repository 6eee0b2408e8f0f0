/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base/log.h: messages for people, one line each on standard error. Thread-safe; never called on the packet
 * path.
 *
 * A message says what happened, to what, and what to do. Secrets never reach it (base/secret.h has no
 * formatter). */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum base_log_level { BASE_LOG_ERROR, BASE_LOG_WARNING, BASE_LOG_NOTICE, BASE_LOG_DEBUG };

/* Lines above `level` are not written. Start value: BASE_LOG_NOTICE, or $SCRAMLINE_LOG (error, warning,
 * notice, debug) where base_log_from_environment() is called. */
void base_log_set_level(enum base_log_level level);
void base_log_from_environment(void);

/* Every line begins "program: level: ". `program` must live as long as the process. */
void base_log_set_program(const char *program);

/* A line that stays on the terminal (a progress bar) is wiped by this hook before a message is written. */
void base_log_set_wipe(void (*wipe)(void));

void base_log(enum base_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
