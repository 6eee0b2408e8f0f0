/* SPDX-License-Identifier: GPL-3.0-or-later */
/* io/sink.h: TS packets into a file or pipe. One thread.
 *
 * A file is written as PATH.partial and gets its name by io_sink_commit() alone, so that PATH is never half a
 * stream. What exists and is no regular file (a FIFO, a device) is written directly, as is standard output.
 * 204-byte packets get 16 zero bytes behind them, M2TS packets their prefix before them.
 *
 * A pipe whose reader has gone gives -EPIPE only where the program ignores SIGPIPE, which is left to it. */
#ifndef IO_SINK_H
#define IO_SINK_H

#include "io/source.h"

struct io_sink;

/* `path` "-" is standard output. A capture's packets are written as 188-byte TS. Refuses (-EINVAL) to write
 * over the file it reads, by whatever name, PATH.partial included: `input_path` may be NULL, "-" is standard
 * input. A PATH.partial that an earlier run left is replaced; a symbolic link at PATH stays, and the file it
 * leads to is replaced (the partial file stands beside that one). */
int io_sink_open(struct io_sink **sink, const char *path, enum io_format format, const char *input_path);

/* All or a negative errno (-EPIPE, -ENOSPC …), given back from then on. `packets[i]` are 188 bytes each;
 * `infos` NULL: zero prefixes. To a pipe or device, packets leave with each call. */
int io_sink_write(struct io_sink *sink, const uint8_t *const *packets, const struct io_packet_info *infos,
                  size_t count);

/* The same for packets that stand one behind the other. 188-byte packets of 64 KiB and more are written from
 * where they are, without a copy. */
int io_sink_write_run(struct io_sink *sink, const uint8_t *packets, const struct io_packet_info *infos,
                      size_t count);

/* Flushes, closes and renames; the sink is then only good for closing (-EBADF). Where it fails, the partial
 * file stays. Data is left to the page cache: no fsync(). */
int io_sink_commit(struct io_sink *sink);

/* The name under which an uncommitted file is kept; NULL for a pipe or after commit. */
const char *io_sink_partial_name(const struct io_sink *sink);
uint64_t io_sink_bytes(const struct io_sink *sink); /* taken so far */
void io_sink_close(struct io_sink *sink);           /* keeps a partial file; NULL is allowed */

#endif
