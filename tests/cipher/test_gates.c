/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The generated S-boxes (csa2_gates.h) against the published tables, for all 32 inputs at once: a vector's
 * bit i belongs to input i. Built once for either form of the networks. */
#include <criterion/criterion.h>
#include <stdint.h>

typedef uint32_t vec;

#define vec_and(a, b)    ((a) & (b))
#define vec_or(a, b)     ((a) | (b))
#define vec_xor(a, b)    ((a) ^ (b))
#define vec_andnot(a, b) (~(a) & (b))
#define vec_splat(byte)  ((byte)*0x01010101u)

#ifdef HAVE_VEC_TERNARY
static inline vec vec_ternary(unsigned lut, vec a, vec b, vec c)
{
    vec output = 0;
    for (unsigned row = 0; row < 8; row++) {
        if (lut >> row & 1)
            output |= (row & 4 ? a : ~a) & (row & 2 ? b : ~b) & (row & 1 ? c : ~c);
    }
    return output;
}
#endif

#include "cipher/csa2_gates.h"

/* Weinmann and Wirt, "Analysis of the DVB Common Scrambling Algorithm": the index is the box's five inputs,
 * the first the highest bit. */
static const char tables[7][33] = {
    "20112330322011030330221122031130", "31022330132100123103320200122131",
    "20122331110330201301302220120331", "31230212120130031031230303201221",
    "20013232013310212320031110323102", "01231220013023132302301121120330",
    "03223001301312211033011223102302",
};

static void (*const boxes[7])(vec, vec, vec, vec, vec, vec *, vec *) = {
    csa2_box_1, csa2_box_2, csa2_box_3, csa2_box_4, csa2_box_5, csa2_box_6, csa2_box_7,
};

Test(gates, compute_the_published_boxes)
{
    for (int box = 0; box < 7; box++) {
        vec high, low;
        boxes[box](0xffff0000, 0xff00ff00, 0xf0f0f0f0, 0xcccccccc, 0xaaaaaaaa, &high, &low);
        for (int input = 0; input < 32; input++) {
            int value = (int)(high >> input & 1) << 1 | (int)(low >> input & 1);
            cr_expect_eq(value, tables[box][input] - '0', "box %d, input %d", box + 1, input);
        }
    }
}
