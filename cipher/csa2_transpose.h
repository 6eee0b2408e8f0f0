/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cipher/csa2_transpose.h: lanes' bytes into byte-sliced rows and back. A template: include a vector_….h
 * before. */
#ifndef CIPHER_CSA2_TRANSPOSE_H
#define CIPHER_CSA2_TRANSPOSE_H

#include "cipher/unroll.h"

#define CSA2_GROUPS 8                         /* vectors of a row */
#define CSA2_LANES  (CSA2_GROUPS * VEC_BYTES) /* of a slice: lane = group × VEC_BYTES + byte */
#define CSA2_TILE   16                        /* byte positions that are transposed together */

/* Transposes the 16 × 16 bytes that part n of all 16 vectors make, for each part: four times the same perfect
 * shuffle. */
CIPHER__INLINE void csa2_transpose_tile(vec tile[CSA2_TILE])
{
    vec next[CSA2_TILE];

    CIPHER__UNROLL
    for (unsigned level = 0; level < 4; level++) {
        CIPHER__UNROLL
        for (unsigned i = 0; i < CSA2_TILE / 2; i++) {
            next[2 * i] = vec_interleave_low(tile[i], tile[i + CSA2_TILE / 2]);
            next[2 * i + 1] = vec_interleave_high(tile[i], tile[i + CSA2_TILE / 2]);
        }
        CIPHER__UNROLL
        for (unsigned i = 0; i < CSA2_TILE; i++)
            tile[i] = next[i];
    }
}

/* Bytes `offset` to `offset` + 15 of the group's VEC_BYTES lanes become rows[0 … 15][group]. */
static inline void csa2_load_tile(vec (*rows)[CSA2_GROUPS], unsigned group, const uint8_t *const *lanes,
                                  unsigned offset)
{
    vec tile[CSA2_TILE];

    CIPHER__UNROLL
    for (unsigned i = 0; i < CSA2_TILE; i++)
        tile[i] = vec_load_parts(lanes + i, offset);
    csa2_transpose_tile(tile);
    CIPHER__UNROLL
    for (unsigned i = 0; i < CSA2_TILE; i++)
        vec_store(&rows[i][group], tile[i]);
}

/* A span: the byte positions that are stored to a lane at a time. Where the vectors can transpose whole parts
 * among themselves, that is a vector: one store instead of one for each part. (Loads gain nothing by it.) */
#ifdef HAVE_VEC_TRANSPOSE_PARTS
#define CSA2_SPAN VEC_BYTES
#else
#define CSA2_SPAN CSA2_TILE
#endif
#define CSA2_SPAN_TILES (CSA2_SPAN / CSA2_TILE)

/* A span of one group on its way: the transposed tiles. */
struct csa2_span {
    vec tiles[CSA2_SPAN_TILES][CSA2_TILE];
};

/* Vectors i of the span's tiles, to the lanes i, i + 16, … of a group. */
CIPHER__INLINE void csa2_scatter_parts(const struct csa2_span *span, unsigned i, uint8_t *const *lanes,
                                       unsigned offset)
{
#ifdef HAVE_VEC_TRANSPOSE_PARTS
    vec parts[CSA2_SPAN_TILES];

    CIPHER__UNROLL
    for (unsigned n = 0; n < CSA2_SPAN_TILES; n++)
        parts[n] = vec_load(&span->tiles[n][i]);
    vec_transpose_parts(parts);
    CIPHER__UNROLL
    for (unsigned n = 0; n < CSA2_SPAN_TILES; n++)
        vec_store_anywhere(lanes[n * CSA2_TILE + i] + offset, parts[n]);
#else
    vec_store_parts(lanes + i, offset, vec_load(&span->tiles[0][i]));
#endif
}

/* The reverse of csa2_load_tile(), CSA2_SPAN bytes at a time. */
static inline void csa2_store_span(const vec (*rows)[CSA2_GROUPS], unsigned group, uint8_t *const *lanes,
                                   unsigned offset, struct csa2_span *span)
{
    for (unsigned n = 0; n < CSA2_SPAN_TILES; n++) {
        vec tile[CSA2_TILE];

        CIPHER__UNROLL
        for (unsigned i = 0; i < CSA2_TILE; i++)
            tile[i] = vec_load(&rows[n * CSA2_TILE + i][group]);
        csa2_transpose_tile(tile);
        CIPHER__UNROLL
        for (unsigned i = 0; i < CSA2_TILE; i++)
            vec_store(&span->tiles[n][i], tile[i]);
    }
    CIPHER__UNROLL
    for (unsigned i = 0; i < CSA2_TILE; i++)
        csa2_scatter_parts(span, i, lanes, offset);
}

#endif
