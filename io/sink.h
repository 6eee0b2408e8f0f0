/* SPDX-License-Identifier: GPL-3.0-or-later */
/* io/sink.h: TS packets into a file or pipe. One thread.
 *
 * A file is written as PATH.partial and gets its name by io_sink_commit() alone, so that PATH is never half a
 * stream. 204-byte packets get 16 zero bytes behind them, M2TS packets their prefix before them. */
#ifndef IO_SINK_H
#define IO_SINK_H

#include "io/source.h"

struct io_sink;

/* `path` "-" is standard output. A capture's packets are written as 188-byte TS. Refuses (-EINVAL) to write
 * over the file it reads: `input_path` may be NULL. */
int io_sink_open(struct io_sink **sink, const char *path, enum io_format format, const char *input_path);

/* All or a negative errno (-EPIPE, -ENOSPC …). `packets[i]` are 188 bytes each; `infos` NULL: zero prefixes.
 */
int io_sink_write(struct io_sink *sink, const uint8_t *const *packets, const struct io_packet_info *infos,
                  size_t count);

/* Flushes and renames; the sink is then only good for closing. */
int io_sink_commit(struct io_sink *sink);

/* The name under which an uncommitted file is kept; NULL for a pipe or after commit. */
const char *io_sink_partial_name(const struct io_sink *sink);
uint64_t io_sink_bytes(const struct io_sink *sink);
void io_sink_close(struct io_sink *sink); /* keeps a partial file; NULL is allowed */

#endif
