#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes csa2_narrow_boxes.h: the S-boxes of the DVB-CSA2 stream cipher as byte look-ups, for csa2_narrow.h.

    csa2_narrow.py NETWORKS.json OUTPUT.h

A look-up takes the low six bits of a byte. A box's five input bits come from nibbles of four or five ages; they
are brought together by selecting bits from bytes that hold two nibbles each, A(k) and A(k + 4), in three
arrangements: p, the same with the nibbles' places exchanged (q), and r. The arrangements were found by a random
search for one in which no box needs more bytes than its nibbles do and no two of its bits the same place. The
script refuses arrangements that break what csa2_narrow.h relies on.

A byte of key stream is written as assembly, like csa2_stream_avx512.py's and with its allocator. What counts here is
loads, two a cycle: two clocks are looked up side by side, so that a table or a mask serves both once it is in a
register. Measured on Zen 5: 17 to 19 core cycles a clock (gcc 12 from intrinsics 20 to 21, clang 14 23), against 40
for the bit-sliced form.
"""
import sys

from csa2_gates import load_boxes
from csa2_stream_avx512 import Allocator, Gate, Value

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

# Enough masks for all selections of the assembly, or their complements: what a byte holds in places that nobody
# looks at is free, so that few masks do, which stay in registers.
MASKS = (0xe2, 0x07, 0x0a, 0x0b, 0x0c, 0x10, 0x11, 0x1b)

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
    assert MASKS[0] == sum(1 << place for place in P[NEW])
    assert all(both[f'z{bit}'] == bit for bit in range(4)) and 4 not in SECOND_SUM.values()


def table_text(table):
    lines = (', '.join(f'{value:#04x}' for value in table[i:i + 16]) for i in range(0, len(table), 16))
    return '{' + ',\n     '.join(lines) + '}'


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


def q_table(box):
    return box_table(box, lambda high, low: 0xff * low)


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


# What stays in memory between two bytes, in vectors: the boxes' sums and q for the next clock, E, and F with r.
STATE = ('first', 'second', 'q', 'e', 'f')
ROW = ('p', 'q', 'r', 'b')


class Constants:
    """Vectors that the assembly reads, each once, as text."""

    def __init__(self):
        self.texts = []

    def place(self, data):
        text = table_text(data)
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text)


class Program:
    """The gates of one byte. Rows are counted from the window's first before the byte."""

    def __init__(self, boxes, constants):
        self.boxes = boxes
        self.constants = constants
        self.gates = []
        self.memory = {}

    def at(self, *home):
        return self.memory.setdefault(home, Value(home))

    def constant(self, data):
        return self.at('constant', self.constants.place(data))

    def gate(self, operation, *inputs):
        output = Value()
        self.gates.append(Gate(operation, inputs, output))
        return output

    def mask(self, value):
        return self.constant([value] * 64)

    def select(self, chosen, places, other, kept):
        """The bits of `chosen` at `places`, of `other` at `kept`, of either elsewhere."""
        ones, zeros = (sum(1 << place for place in set(bits)) for bits in (places, kept))
        for mask in MASKS:
            if mask & (ones | zeros) == ones:
                return self.gate(0xca, self.mask(mask), chosen, other)
            if mask & (ones | zeros) == zeros:
                return self.gate(0xca, self.mask(mask), other, chosen)
        raise ValueError(f'no mask for {ones:#04x} against {zeros:#04x}')

    def affine(self, value, text):
        return self.gate('affine', value, self.constant(list(int(text, 16).to_bytes(8, 'little')) * 8))

    def store(self, value, *home):
        self.gates.append(Gate('store', (value, home), None))
        self.memory[home] = value

    def index(self, number, first_row):
        (name, row, places), *rest = parts(number)
        index, known = self.at('row', first_row + row - 1, name), [*places.values()]
        for name, row, places in rest:
            index = self.select(self.at('row', first_row + row - 1, name), places.values(), index, known)
            known += places.values()
        return index

    def look_up(self, first_rows):
        """(first sum, second sum, q) for each window."""
        outputs = {}
        for number in (7, 5, 6, 2, 4, 3, 1):
            box = self.boxes[number - 1]
            indices = [self.index(number, row) for row in first_rows]
            outputs[number] = [self.gate('lookup', index, self.constant(sum_table(box))) for index in indices]
            if number == 7:
                outputs['q'] = [self.gate('lookup', index, self.constant(q_table(box))) for index in indices]
        return [(self.gate('xor', self.gate(0x96, outputs[2][i], outputs[4][i], outputs[3][i]), outputs[1][i]),
                 self.gate(0x96, outputs[5][i], outputs[6][i], outputs[7][i]), outputs['q'][i])
                for i in range(len(first_rows))]

    def feed_a(self, row, first):
        shifted = self.select(self.at('row', row + 5, 'q'), P[NEW], self.at('row', row + 3, 'q'), P[OLD])
        p = self.gate(0x78, shifted, first, self.mask(MASKS[0]))
        self.store(p, 'row', row - 1, 'p')
        for name, (text,) in list(matrices())[:2]:
            self.store(self.affine(p, text), 'row', row - 1, name[-1])

    def feed_b(self, row, first, second):
        y = self.select(first, B[:2], second, (*B[2:], SECOND_SUM['p']))
        fed = self.gate(0x96, y, self.at('row', row + 6, 'b'), self.at('row', row + 9, 'b'))
        self.store(self.gate('lookup', fed, self.constant(rotation_table())), 'row', row - 1, 'b')

    def add(self, state):
        """E, F and r of the next clock; returns what E and Z add to D."""
        z = self.select(state['first'], (2, 3), state['second'], (0, 1, 4))
        r = self.affine(state['f'], matrix((4, 0)))
        total = self.gate('add', self.gate('add', z, state['e']), r)
        kept = self.select(state['f'], [4], state['e'], range(4))
        to_d = self.gate('xor', z, state['e'])
        state['e'] = self.gate('andnot', self.mask(0x10), state['f'])
        state['f'] = self.gate(0xca, state['q'], total, kept)
        return to_d

    def clock_twice(self, row, state):
        self.feed_a(row, state['first'])
        sums = self.look_up((row, row - 1))
        to_d = []
        for clock in range(2):
            if clock:
                self.feed_a(row - 1, state['first'])
            self.feed_b(row - clock, state['first'], state['second'])
            to_d.append(self.add(state))
            state.update(zip(STATE, sums[clock]))
        return to_d

    def byte(self):
        state = {name: self.at('state', index) for index, name in enumerate(STATE)}
        to_d = self.clock_twice(0, state) + self.clock_twice(-2, state)
        for index, name in enumerate(STATE):
            self.store(state[name], 'state', index)
        forms = dict(matrices())
        terms = [self.affine(value, text) for value, text in zip(to_d, forms['key_stream_sum'])]
        out = self.at('out', 0)
        for row, text in enumerate(forms['key_stream']):
            terms.append(self.affine(self.at('row', row - 1, 'b'), text))
            if len(terms) > 1:
                out = self.gate(0x96, out, terms.pop(0), terms.pop(0))
        while terms:
            out = self.gate(0x96, out, terms.pop(0), terms.pop(0))
        self.store(out, 'out', 0)
        return self.gates


class NarrowAllocator(Allocator):
    TWO_INPUTS = Allocator.TWO_INPUTS | {'add': 'vpaddb', 'lookup': 'vpermb', 'affine': 'vgf2p8affineqb $0,'}
    ORDERED = (*Allocator.ORDERED, 'lookup', 'affine')
    HOMES = ('row',)
    FAR = 60

    def address(self, home):
        index = len(ROW) * home[1] + ROW.index(home[2]) if home[0] == 'row' else home[1]
        return f'{64 * index}(%[{home[0]}])'


def byte_function(boxes, constants):
    allocator = NarrowAllocator(Program(boxes, constants).byte(), 0, 32, len(STATE))
    body = '\n'.join(f'        "{line}\\n"' for line in allocator.run())
    clobbers = ', '.join(f'"zmm{register}"' for register in range(32))
    return allocator.slots, f'''static void csa2_narrow__byte(struct csa2_narrow_row *at, vec *state, vec *out)
{{
    __asm__ volatile(
{body}
        :
        : [row] "r"(at), [state] "r"(state), [out] "r"(out), [constant] "r"(csa2_narrow_constants)
        : "memory", {clobbers});
}}
'''


def index_function(number):
    (name, row, _), *rest = parts(number)
    text = f'static inline vec csa2_narrow__index_{number}(const struct csa2_narrow_row *at)\n{{\n'
    text += f'    vec index = vec_load(&at[{row - 1}].{name});\n'
    for name, row, places in rest:
        text += f'    index = vec_select({splat(places.values())}, vec_load(&at[{row - 1}].{name}), index);\n'
    return text + '    return index;\n}\n'


def main(networks, output):
    check()
    boxes = load_boxes(networks)
    constants = Constants()
    slots, function = byte_function(boxes, constants)
    tables = [sum_table(box) for box in boxes]
    places = ', '.join(str(constants.place(table)) for table in tables)
    values = ',\n    '.join(constants.texts)
    matrix_texts = ''.join(f'static const uint64_t csa2_narrow_{name}[{len(texts)}] = {{{", ".join(texts)}}};\n'
                           for name, texts in matrices() if not name.startswith('key_stream'))
    indices = '\n'.join(map(index_function, range(1, 8)))
    with open(output, 'w', encoding='utf-8') as file:
        file.write(f'''/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Generated by csa2_narrow.py: what csa2_narrow.h looks up, where it finds the bits to look up by, and four clocks
 * at once. */
#ifndef CIPHER_CSA2_NARROW_BOXES_H
#define CIPHER_CSA2_NARROW_BOXES_H

/* Places of bits. */
#define CSA2_NARROW_NEW {splat(P[NEW])} /* in p: the new nibble, and X in the first sum */
#define CSA2_NARROW_Y   {splat(FIRST_SUM[f'y{bit}'] for bit in (0, 1))} /* what the first sum holds of Y */
#define CSA2_NARROW_Z   {splat(FIRST_SUM[f'z{bit}'] for bit in (2, 3))} /* … and of Z */

#define CSA2_NARROW_STATE {slots} /* vectors: struct csa2_narrow_registers but D, then scratch */

static const uint8_t csa2_narrow_constants[{len(constants.texts)}][64] __attribute__((aligned(64))) = {{
    {values},
}};
/* Tables among them: of boxes 1 to 7, of q, and B1 for the sum of nibbles and p. */
static const uint8_t csa2_narrow_boxes[] = {{{places}}};
#define CSA2_NARROW_Q        {constants.place(q_table(boxes[6]))}
#define CSA2_NARROW_ROTATION {constants.place(rotation_table())}

/* Matrices over GF(2). */
{matrix_texts}
{indices}
/* XORs a byte of key stream to `out`; the window of the next byte begins four rows lower. */
{function}
#endif
''')


if __name__ == '__main__':
    main(*sys.argv[1:])
