/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cipher/unroll.h: loops over registers. Private to cipher/.
 *
 * An array of vectors is kept in registers only where every index is a constant: both compilers have to
 * unroll all of the loop behind CIPHER__UNROLL (up to 64 rounds), each wants to be told in its own words, and
 * functions that take such arrays or the loops' limits have to be inlined by force. */
#ifndef CIPHER_UNROLL_H
#define CIPHER_UNROLL_H

#ifdef __clang__
#define CIPHER__UNROLL _Pragma("clang loop unroll(full)")
#else
#define CIPHER__UNROLL _Pragma("GCC unroll 64")
#endif
#define CIPHER__INLINE static inline __attribute__((always_inline))

#endif
