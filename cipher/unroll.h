/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cipher/unroll.h: loops over registers. Private to cipher/.
 *
 * An array is kept in registers only where every index is a constant: both compilers have to unroll all of
 * the loop behind CIPHER__UNROLL (up to 16 rounds), and each wants to be told in its own words. */
#ifndef CIPHER_UNROLL_H
#define CIPHER_UNROLL_H

#ifdef __clang__
#define CIPHER__UNROLL _Pragma("clang loop unroll(full)")
#else
#define CIPHER__UNROLL _Pragma("GCC unroll 16")
#endif

#endif
