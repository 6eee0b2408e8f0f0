#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""test_straight_line.py HEADER…: the generated assembly of the kernels takes no time from secrets. TAP.

valgrind cannot run AVX-512, so the clocks' assembly is read instead: every instruction is a move, a logic
operation or a permutation of registers, none a jump, and every operand in memory stands at a constant
distance from a pointer that the function was given.
"""
import re
import sys

MNEMONICS = re.compile(r'v(movdqa64|p(andd|andnd|ord|xord|ternlogd|addb|ermb|unpck[hl]bw|broadcastq)|gf2p8affineqb)')
MEMORY = re.compile(r'-?\d*\(%\[\w+\]\)')


def instructions(text):
    for statement in re.findall(r'__asm__ volatile\((.*?)\);', text, re.S):
        for line in re.findall(r'^\s*"([^"]*)\\n"', statement, re.M):
            yield line.strip()


def complaint(instruction):
    mnemonic, _, operands = instruction.partition(' ')
    if not MNEMONICS.fullmatch(mnemonic):
        return f'{mnemonic} is not among what is known to take constant time'
    if '(' in MEMORY.sub('', operands):
        return 'an address that is computed'
    return None


def main(headers):
    checks = [('jne 1b', True), ('vmovdqa64 64(%[a],%%rax,8), %%zmm0', True), ('vpxord 64(%[a]), %%zmm1, %%zmm0', False)]
    results = [('this test is able to fail', [text for text, bad in checks if bool(complaint(text)) != bad])]
    total = 0
    for name in headers:
        with open(name, encoding='utf-8') as file:
            found = list(instructions(file.read()))
        total += len(found)
        if not found:  # gates are C
            continue
        results.append((f'{name.rsplit("/", 1)[-1]}: {len(found)} instructions', [line for line in found if complaint(line)]))
    results.append(('there are instructions', [] if total > 1000 else [f'{total} only']))
    for number, (name, wrong) in enumerate(results, 1):
        print(f'{"not ok" if wrong else "ok"} {number} - {name}')
        for line in wrong[:10]:
            print(f'# {line}: {complaint(line)}')
    print(f'1..{len(results)}')


if __name__ == '__main__':
    main(sys.argv[1:])
