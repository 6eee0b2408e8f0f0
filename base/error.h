/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base/error.h: what functions return when they cannot do what was asked. Thread-safe: no state.
 *
 * Every function that can fail returns 0 (or a count) on success and a negative number on failure: a negative
 * errno, or one of the codes below, which lie outside errno's range. base_error_text() explains either. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

/* X(name, number, text). Text completes "cannot …: TEXT". */
#define BASE_ERROR_MAP(X)                                                                                    \
    X(TRUNCATED, 1, "the data ends before it should")                                                        \
    X(MALFORMED, 2, "the data is not in the expected format")                                                \
    X(CHECKSUM, 3, "the checksum does not match")                                                            \
    X(AUTHENTICATION, 4, "the authentication tag does not match")                                            \
    X(UNSUPPORTED, 5, "this is not supported")                                                               \
    X(CRYPTO, 6, "the cryptographic library refused the operation")                                          \
    X(SELF_TEST, 7, "the self-test found a wrong answer")                                                    \
    X(TIMEOUT, 8, "no answer came in time")                                                                  \
    X(CLOSED, 9, "the other side closed the connection")                                                     \
    X(CONFIGURATION, 10, "the configuration is not usable")

#define BASE_ERROR_FIRST 4096

enum base_error {
#define X(name, number, text) BASE_E_##name = -(BASE_ERROR_FIRST + (number)),
    BASE_ERROR_MAP(X)
#undef X
};

/* The text of a negative code; never NULL, never to be freed. */
const char *base_error_text(int code);

#endif
