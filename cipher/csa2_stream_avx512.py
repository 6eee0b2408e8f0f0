#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes csa2_stream_avx512.h: four clocks of the bit-sliced DVB-CSA2 stream cipher, a byte of key stream for 512
lanes, as AVX-512 assembly.

    csa2_stream_avx512.py NETWORKS.json OUTPUT.h

Why not C: a clock keeps about 60 vectors in use and reads most of them once. Compilers hoist the loads, then
spill; this allocator knows that the shift registers are in memory anyway, evicts what is needed last, and takes
a value from memory where an instruction can. Core cycles a clock on Zen 5: 41; the template in C, gcc 12 57 (-O3)
to 71 (-O2), clang 14 53 to 56.

The shift registers are rings of 16 rows of 4 bits, so that nothing is ever moved; a byte moves their beginning by
four rows, which makes four functions, one for each place of it. Gates are the "mixed" networks: on Zen 5 a
ternary logic instruction costs as much as two of two inputs.
"""
import collections
import itertools
import sys

from csa2_gates import load_boxes, parse_gate

ROWS = 16
CLOCKS = 4
REGISTERS = 31  # the last one holds the matrix of the bit transposition
NEVER = 1 << 30

# (k, bit) of register A: the inputs of boxes 1 to 7.
BOX_INPUTS = (
    ((4, 0), (1, 2), (6, 1), (7, 3), (9, 0)),
    ((2, 1), (3, 2), (6, 3), (7, 0), (9, 1)),
    ((1, 3), (2, 0), (5, 1), (5, 3), (6, 2)),
    ((3, 3), (1, 1), (2, 3), (4, 2), (8, 0)),
    ((5, 2), (4, 3), (6, 0), (8, 1), (9, 2)),
    ((3, 1), (4, 1), (5, 0), (7, 2), (9, 3)),
    ((2, 2), (3, 0), (7, 1), (8, 2), (8, 3)),
)

# What stays in memory between two bytes, in vectors: E, F, r and the sums that later clocks take up again.
STATE = {'e': 0, 'f': 4, 'r': 8, 'triples': 9, 'pairs': 11, 'spills': 14}

Gate = collections.namedtuple('Gate', 'operation inputs output')


class Value:
    """A vector: its place in memory, if it has one, and its register while it is in one."""

    def __init__(self, home=None):
        self.home = home
        self.register = None
        self.next_use = NEVER


class Program:
    """The gates of one byte in their order; rows of A and B are counted from A1 and B1 before its first clock."""

    def __init__(self, boxes):
        self.boxes = boxes
        self.gates = []
        self.memory = {}

    def at(self, *home):
        return self.memory.setdefault(home, Value(home))

    def gate(self, operation, *inputs):
        output = Value()
        self.gates.append(Gate(operation, inputs, output))
        return output

    def xor(self, *inputs):
        """By three where it can: fewer instructions, and no register for what is between."""
        inputs = list(inputs)
        while len(inputs) > 2:
            inputs.append(self.gate(0x96, *(inputs.pop(0) for _ in range(3))))
        return self.gate('xor', *inputs) if len(inputs) == 2 else inputs[0]

    def store(self, value, *home):
        self.gates.append(Gate('store', (value, home), None))

    def keep_row(self, register, clock, nibble):
        for bit, value in enumerate(nibble):
            self.store(value, register, -1 - clock, bit)
            self.memory[register, -1 - clock, bit] = value

    def box(self, number, clock):
        """The outputs (high, low) for what A was a clock ago."""
        values = dict(zip('abcde', (self.at('a', k - clock, bit) for k, bit in BOX_INPUTS[number - 1])))
        for name, operation, operands in map(parse_gate, self.boxes[number - 1]['mixed']):
            operation = int(operation, 16) if operation.startswith('0x') else operation
            values[name] = self.gate(operation, *(values[operand] for operand in operands))
        return values['high'], values['low']

    def add(self, state, z, q):
        """E, F and r of the next clock: F = Z + E + r with carry r where q is set, F = E elsewhere."""
        carry, total = state['r'], []
        for z_bit, e_bit in zip(z, state['e']):
            total.append(self.gate('xor', e_bit, self.gate(0x60, q, z_bit, carry)))
            carry = self.gate(0xe8, z_bit, e_bit, carry)
        return {'e': state['f'], 'f': total, 'r': self.gate(0xca, q, carry, state['r'])}

    def clock(self, clock, state):
        """The boxes for the clock before, then what their outputs do in this one. Returns two bits of key stream.

        D itself is only needed by halves, D3 ^ D2 and D1 ^ D0. Their sums of B overlap in time: the triple of one
        is that of the other two clocks later, and the pair three clocks earlier."""
        high, low = zip(*(self.box(number, clock) for number in range(1, 8)))
        x = high[0], high[1], low[2], low[3]
        y = high[2], high[3], low[4], low[5]
        z = high[4], high[5], low[0], low[1]
        p, q = high[6], low[6]

        def b(k, bit):
            return self.at('b', k - 1 - clock, bit)

        self.keep_row('a', clock, [self.gate('xor', self.at('a', 9 - clock, bit), x[bit]) for bit in range(4)])
        fed = [self.xor(b(7, bit), b(10, bit), y[bit]) for bit in range(4)]
        self.keep_row('b', clock, [self.gate(0xca, p, fed[bit - 1], fed[bit]) for bit in range(4)])
        triples, pairs, e = state['triples'], state['pairs'], state['e']
        triples.append(self.xor(b(6, 0), b(7, 2), b(3, 3)))
        pairs.append(self.xor(b(3, 1), b(5, 1)))
        key_stream = [
            self.xor(e[3], e[2], b(3, 0), b(4, 2), b(9, 3), triples[-1], pairs[-4], z[3], z[2]),
            self.xor(e[1], e[0], b(4, 0), b(8, 2), b(6, 3), triples[-3], pairs[-1], z[1], z[0]),
        ]
        state.update(self.add(state, z, q))
        return key_stream

    def load_state(self):
        def slots(name, count):
            return [self.at('state', STATE[name] + i) for i in range(count)]
        return {'e': slots('e', 4), 'f': slots('f', 4), 'r': slots('r', 1)[0],
                'triples': slots('triples', 2), 'pairs': slots('pairs', 3)}

    def store_state(self, state):
        last = state['e'] + state['f'] + [state['r']] + state['triples'][-2:] + state['pairs'][-3:]
        for slot, value in enumerate(last):
            self.store(value, 'state', slot)

    def xor_row(self, planes):
        for _ in range(3):
            planes = [self.gate(f'interleave_{half}', planes[i], planes[i + 4])
                      for i in range(4) for half in ('low', 'high')]
        for group, plane in enumerate(planes):
            self.store(self.xor(self.gate('transpose', plane), self.at('row', group)), 'row', group)


def byte_program(boxes):
    program = Program(boxes)
    state = program.load_state()
    planes = list(itertools.chain.from_iterable(program.clock(clock, state) for clock in range(CLOCKS)))
    program.store_state(state)
    program.xor_row(planes)
    return program.gates


def inputs_of(gate):
    return gate.inputs[:1] if gate.operation == 'store' else gate.inputs


def permuted(table, order):
    """The ternary table for inputs taken in another order."""
    result = 0
    for row in range(8):
        source = sum((row >> 2 - new & 1) << 2 - old for new, old in enumerate(order))
        result |= (table >> source & 1) << row
    return result


class Allocator:
    """Turns gates into instructions: registers by the furthest next use, memory operands where one fits."""

    TWO_INPUTS = {'xor': 'vpxord', 'and': 'vpandd', 'or': 'vpord', 'andnot': 'vpandnd',
                  'interleave_low': 'vpunpcklbw', 'interleave_high': 'vpunpckhbw'}
    # Those whose inputs cannot change places.
    ORDERED = ('andnot', 'interleave_low', 'interleave_high')
    # A value whose next use is further away than this many gates is not worth a register if it is in memory.
    FAR = 15
    # Where values are stored for more than the next call.
    HOMES = ('a', 'b')

    def __init__(self, gates, first_row, registers=REGISTERS, slots=STATE['spills']):
        self.gates = gates
        self.first_row = first_row
        self.free = collections.deque(range(registers))
        self.held = []
        self.lines = []
        self.slots = slots
        self.next_uses = self.find_next_uses()

    def find_next_uses(self):
        """For each gate, when its inputs and its output are used next."""
        following, result = {}, []
        for position in reversed(range(len(self.gates))):
            gate = self.gates[position]
            result.append({value: following.get(value, NEVER) for value in (*inputs_of(gate), gate.output)})
            following.update((value, position) for value in inputs_of(gate))
        return result[::-1]

    def address(self, home):
        base, index = home[0], home[1]
        if base in 'ab':
            index = (self.first_row + index) % ROWS * 4 + home[2]
        return f'{64 * index}(%[{base}])'

    def line(self, text):
        self.lines.append(text)

    def release(self, value):
        self.free.append(value.register)
        self.held.remove(value)
        value.register = None

    def evict(self, busy):
        def reluctance(value):
            return value.next_use + (80 if value.home else 0)
        value = max((value for value in self.held if value not in busy), key=reluctance)
        if not value.home:
            value.home = ('state', self.slots)
            self.slots += 1
            self.line(f'vmovdqa64 %%zmm{value.register}, {self.address(value.home)}')
        self.release(value)

    def take(self, value, busy):
        if not self.free:
            self.evict(busy)
        value.register = self.free.popleft()
        self.held.append(value)

    def load(self, value, busy):
        self.take(value, busy)
        self.line(f'vmovdqa64 {self.address(value.home)}, %%zmm{value.register}')

    def from_memory(self, position, gate):
        """The input that the instruction is to read from memory itself, or None."""
        allowed = inputs_of(gate)
        if gate.operation in self.ORDERED:
            allowed = allowed[1:]
        elif gate.operation in ('store', 'not'):
            allowed = ()
        far = [value for value in allowed
               if value.register is None and self.next_uses[position][value] - position > self.FAR]
        return max(far, key=self.next_uses[position].get, default=None)

    def overwritten(self, position, gate, folded):
        """The input whose register a ternary gate turns into its output: one that is done with or, failing that,
        one that is in memory and far from its next use, else a copy."""
        candidates = [value for value in gate.inputs if value is not folded]
        for value in candidates:
            if value.next_use == NEVER or (value.home and value.next_use - position > self.FAR):
                gate.output.register = value.register
                self.held.remove(value)
                self.held.append(gate.output)
                value.register = None
                return value
        self.take(gate.output, gate.inputs)
        self.line(f'vmovdqa64 %%zmm{candidates[0].register}, %%zmm{gate.output.register}')
        return candidates[0]

    def emit_ternary(self, position, gate, folded, names):
        target = self.overwritten(position, gate, folded)
        others = [value for value in gate.inputs if value is not target]
        others.sort(key=lambda value: value is folded)
        table = permuted(gate.operation, [gate.inputs.index(value) for value in (target, *others)])
        self.line(f'vpternlogd ${table:#04x}, {names[others[1]]}, {names[others[0]]}, %%zmm{gate.output.register}')

    def emit_plain(self, gate, folded, names):
        for value in gate.inputs:
            if value.register is not None and value.next_use == NEVER:
                self.release(value)
        self.take(gate.output, gate.inputs)
        inputs = sorted(gate.inputs, key=lambda value: value is folded)
        target = f'%%zmm{gate.output.register}'
        if gate.operation == 'not':
            self.line(f'vpternlogd $0x55, {names[inputs[0]]}, {names[inputs[0]]}, {target}')
        elif gate.operation == 'transpose':
            self.line(f'vgf2p8affineqb $0, {names[inputs[0]]}, %%zmm{REGISTERS}, {target}')
        else:
            self.line(f'{self.TWO_INPUTS[gate.operation]} {names[inputs[1]]}, {names[inputs[0]]}, {target}')

    def emit(self, position, gate):
        folded = self.from_memory(position, gate)
        for value in inputs_of(gate):
            value.next_use = self.next_uses[position][value]
        for value in inputs_of(gate):
            if value.register is None and value is not folded:
                self.load(value, inputs_of(gate))
        names = {value: self.address(value.home) if value is folded else f'%%zmm{value.register}'
                 for value in inputs_of(gate)}
        if gate.operation == 'store':
            value, home = gate.inputs
            self.line(f'vmovdqa64 {names[value]}, {self.address(home)}')
            if home[0] in self.HOMES:
                value.home = home
        else:
            gate.output.next_use = self.next_uses[position][gate.output]
            if isinstance(gate.operation, int):
                self.emit_ternary(position, gate, folded, names)
            else:
                self.emit_plain(gate, folded, names)
        for value in inputs_of(gate):
            if value.register is not None and value.next_use == NEVER:
                self.release(value)

    def run(self):
        for position, gate in enumerate(self.gates):
            self.emit(position, gate)
        return self.lines


def function(boxes, number):
    # A byte later the registers begin four rows lower.
    allocator = Allocator(byte_program(boxes), -CLOCKS * number % ROWS)
    body = '\n'.join(f'        "{line}\\n"' for line in allocator.run())
    clobbers = ', '.join(f'"zmm{register}"' for register in range(REGISTERS + 1))
    return allocator.slots, f'''static void csa2_stream__byte_{number}(vec (*a)[4], vec (*b)[4], vec *state, vec *row)
{{
    __asm__ volatile(
        "vpbroadcastq %[matrix], %%zmm{REGISTERS}\\n"
{body}
        :
        : [a] "r"(a), [b] "r"(b), [state] "r"(state), [row] "r"(row), [matrix] "r"(0x0102040810204080)
        : "memory", {clobbers});
}}
'''


def main(networks, output):
    functions = [function(load_boxes(networks, 'mixed'), number) for number in range(ROWS // CLOCKS)]
    text = '\n'.join(text for _, text in functions)
    places = ', '.join(f'CSA2_STREAM_{name.upper()} = {place}' for name, place in STATE.items())
    with open(output, 'w', encoding='utf-8') as file:
        file.write(f'''/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Generated by csa2_stream_avx512.py: XORs a byte of key stream into the row of its position, for A and B that
 * begin at row 0, 12, 8 and 4 of their rings. */
#ifndef CIPHER_CSA2_STREAM_AVX512_H
#define CIPHER_CSA2_STREAM_AVX512_H

/* What stands where in `state`: E, F, r, the triples of the last two clocks and the pairs of the last three, the
 * latest last, then room for spills. */
enum {{
    {places},
    CSA2_STREAM_STATE = {max(slots for slots, _ in functions)} /* vectors */
}};

{text}
#endif
''')


if __name__ == '__main__':
    main(*sys.argv[1:])
