#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes csa2_narrow_boxes.h: the S-boxes of the DVB-CSA2 stream cipher as byte look-ups, for csa2_narrow.h.

    csa2_narrow.py NETWORKS.json OUTPUT.h

A look-up takes the low six bits of a byte. A box's five input bits come from nibbles of four or five ages; they
are brought together by selecting bits from bytes that hold two nibbles each, A(k) and A(k + 4), in three
arrangements: p, the same with the nibbles' places exchanged (q), and r. The arrangements were found by a random
search for one in which no box needs more bytes than its nibbles do and no two of its bits the same place. The
script refuses arrangements that break what csa2_narrow.h relies on.
"""
import sys

from csa2_gates import load_boxes

BITS = 6  # of a look-up's index
NEW, OLD = 0, 1  # the nibbles of row k: A(k) and A(k + 4)

# Where the four bits of both nibbles stand.
P = ((6, 7, 1, 5), (0, 3, 2, 4))
ARRANGEMENTS = {'p': P, 'q': P[::-1], 'r': ((0, 4, 5, 7), (1, 3, 6, 2))}
# Inputs of boxes 1 to 7, in their order, as (row, nibble, bit), and the arrangement taken of each row, the newest
# row last: it is known last.
BOXES = (
    (((4, NEW, 0), (1, NEW, 2), (2, OLD, 1), (3, OLD, 3), (5, OLD, 0)), '5r 4q 3p 2p 1q'),
    (((2, NEW, 1), (3, NEW, 2), (2, OLD, 3), (3, OLD, 0), (5, OLD, 1)), '5p 3p 2r'),
    (((1, NEW, 3), (2, NEW, 0), (1, OLD, 1), (1, OLD, 3), (2, OLD, 2)), '2q 1p'),
    (((3, NEW, 3), (1, NEW, 1), (2, NEW, 3), (4, NEW, 2), (4, OLD, 0)), '4p 3p 2q 1q'),
    (((5, NEW, 2), (4, NEW, 3), (2, OLD, 0), (4, OLD, 1), (5, OLD, 2)), '5p 4p 2p'),
    (((3, NEW, 1), (4, NEW, 1), (5, NEW, 0), (3, OLD, 2), (5, OLD, 3)), '5q 4r 3q'),
    (((2, NEW, 2), (3, NEW, 0), (3, OLD, 1), (4, OLD, 2), (4, OLD, 3)), '4p 3r 2p'),
)
# Outputs (high, low) of each box, and where they go: the sums of boxes 1 to 4 and of boxes 5 to 7. X stands as the
# new nibble in p; Y, but for what the other sum adds, as the nibbles of B; Z in order, with nothing in bit 4.
OUTPUTS = (('x0', 'z2'), ('x1', 'z3'), ('y0', 'x2'), ('y1', 'x3'), ('z0', 'y2'), ('z1', 'y3'), ('p', 'q'))
FIRST_SUM = {'x0': 6, 'x1': 7, 'x2': 1, 'x3': 5, 'y0': 0, 'y1': 4, 'z2': 2, 'z3': 3}
SECOND_SUM = {'z0': 0, 'z1': 1, 'y2': 2, 'y3': 3, 'p': 5}
B = (0, 4, 2, 3)

# The sums of B that D takes up: (k, bit) for each of its bits.
D_SUMS = (
    ((9, 2), (6, 3), (3, 1), (8, 0)),
    ((5, 3), (8, 2), (4, 0), (5, 1)),
    ((6, 0), (8, 1), (3, 3), (4, 2)),
    ((3, 0), (6, 1), (7, 2), (9, 3)),
)
CLOCKS = 4  # of a byte of key stream


def check():
    assert all(sorted(new + old) == list(range(8)) for new, old in ARRANGEMENTS.values())
    assert P[NEW] == tuple(FIRST_SUM[f'x{bit}'] for bit in range(4))
    both = FIRST_SUM | SECOND_SUM
    assert B == tuple(both[f'y{bit}'] for bit in range(4)) and both['p'] < BITS and both['p'] not in B
    assert all(both[f'z{bit}'] == bit for bit in range(4)) and 4 not in SECOND_SUM.values()


def splat(places):
    return f'vec_splat({sum(1 << place for place in set(places)):#04x})'


def parts(number):
    """The box's bytes as (arrangement, row, {input: place in the index})."""
    inputs, rows = BOXES[number - 1]
    result = []
    for row, name in ((int(item[0]), item[1]) for item in rows.split()):
        result.append((name, row, {index: ARRANGEMENTS[name][nibble][bit]
                                   for index, (of, nibble, bit) in enumerate(inputs) if of == row}))
    places = [place for part in result for place in part[2].values()]
    assert len(set(places)) == len(places) == 5 and max(places) < BITS
    return result


def box_table(box, outputs):
    """outputs(high, low) is the byte that the table holds for the box's output."""
    places = {index: place for part in parts(box['box']) for index, place in part[2].items()}
    result = []
    for index in range(1 << BITS):
        row = sum((index >> place & 1) << 4 - number for number, place in places.items())
        result.append(outputs(*(int(box['truth_tables'][name], 16) >> row & 1 for name in ('high', 'low'))))
    return result


def sum_table(box):
    high, low = ((FIRST_SUM if box['box'] < 5 else SECOND_SUM).get(name) for name in OUTPUTS[box['box'] - 1])
    return box_table(box, lambda h, l: h << high | (l << low if low is not None else 0))


def rotation_table():
    """B1 for a sum of nibbles and p: rotated by one bit where p is set."""
    result = []
    for index in range(1 << BITS):
        nibble = [index >> place & 1 for place in B]
        turn = index >> SECOND_SUM['p'] & 1
        result.append(sum(nibble[bit - turn] << B[bit] for bit in range(4)))
    return result


def matrix(*moves):
    """For VGF2P8AFFINEQB: moves are (from, to); several to one place are XORed."""
    rows = [0] * 8
    for source, target in moves:
        rows[7 - target] ^= 1 << source
    return f'{sum(row << 8 * index for index, row in enumerate(rows)):#018x}'


def key_stream_place(bit, clock):
    """D3 ^ D2 and D1 ^ D0 are two bits of key stream, the first clock's the highest."""
    return 7 - 2 * clock - (bit < 2)


def matrices():
    exchange = [(P[side][bit], ARRANGEMENTS['q'][side][bit]) for side in (NEW, OLD) for bit in range(4)]
    third = [(P[side][bit], ARRANGEMENTS['r'][side][bit]) for side in (NEW, OLD) for bit in range(4)]
    yield 'to_q', [matrix(*exchange)]
    yield 'to_r', [matrix(*third)]
    for name, shift in (('low', 0), ('high', 4)):
        yield f'{name}_to_new', [matrix(*((bit + shift, P[NEW][bit]) for bit in range(4)))]
        yield f'{name}_to_old', [matrix(*((bit + shift, P[OLD][bit]) for bit in range(4)))]
        yield f'{name}_to_b', [matrix(*((bit + shift, B[bit]) for bit in range(4)))]
    yield 'mix', [matrix(*((B[bit], P[NEW][to]) for to in range(4) for k, bit in D_SUMS[to] if k == row))
                  for row in range(3, 10)]
    # Row 0 is that of the first clock's B1.
    yield 'key_stream', [matrix(*((B[bit], key_stream_place(to, clock)) for clock in range(CLOCKS)
                                  for to in range(4) for k, bit in D_SUMS[to] if k - 1 - clock == row))
                         for row in range(-1, 9)]
    yield 'key_stream_sum', [matrix(*((bit, key_stream_place(bit, clock)) for bit in range(4)))
                             for clock in range(CLOCKS)]


def index_function(number):
    (name, row, _), *rest = parts(number)
    text = f'static inline vec csa2_narrow__index_{number}(const struct csa2_narrow_row *at)\n{{\n'
    text += f'    vec index = vec_load(&at[{row - 1}].{name});\n'
    for name, row, places in rest:
        text += f'    index = vec_select({splat(places.values())}, vec_load(&at[{row - 1}].{name}), index);\n'
    return text + '    return index;\n}\n'


def table_text(name, table):
    lines = (', '.join(f'{value:#04x}' for value in table[i:i + 16]) for i in range(0, len(table), 16))
    return f'    .{name} = {{\n' + ''.join(f'        {line},\n' for line in lines) + '    },\n'


def main(networks, output):
    check()
    boxes = load_boxes(networks)
    tables = [(f'box_{box["box"]}', sum_table(box)) for box in boxes]
    tables += [('q', box_table(boxes[6], lambda high, low: 0xff * low)), ('rotation', rotation_table())]
    members = '\n'.join(f'    uint8_t {name}[{1 << BITS}];' for name, _ in tables)
    constants = ''.join(f'static const uint64_t csa2_narrow_{name}[{len(values)}] = {{{", ".join(values)}}};\n'
                        for name, values in matrices())
    indices = '\n'.join(map(index_function, range(1, 8)))
    with open(output, 'w', encoding='utf-8') as file:
        file.write(f'''/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Generated by csa2_narrow.py: what csa2_narrow.h looks up, and where it finds the bits to look up by. */
#ifndef CIPHER_CSA2_NARROW_BOXES_H
#define CIPHER_CSA2_NARROW_BOXES_H

/* Places of bits. */
#define CSA2_NARROW_NEW {splat(P[NEW])} /* in p: the new nibble, and X in the first sum */
#define CSA2_NARROW_Y   {splat(FIRST_SUM[f'y{bit}'] for bit in (0, 1))} /* what the first sum holds of Y */
#define CSA2_NARROW_Z   {splat(FIRST_SUM[f'z{bit}'] for bit in (2, 3))} /* … and of Z */

static const struct {{
{members}
}} csa2_narrow_tables __attribute__((aligned({1 << BITS}))) = {{
{''.join(table_text(name, table) for name, table in tables)}}};

/* Matrices over GF(2). */
{constants}
{indices}
#endif
''')


if __name__ == '__main__':
    main(*sys.argv[1:])
