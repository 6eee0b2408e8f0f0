#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""test_gates_search.py GATES_SEARCH NETWORKS.json CIPHER_FOLDER: what gates_search prints, held against the truth tables
by the generator of the S-boxes (csa2_gates.py in CIPHER_FOLDER). Prints TAP."""
import json
import pathlib
import random
import subprocess
import sys
import tempfile

search, networks, cipher_folder = sys.argv[1:]
sys.dont_write_bytecode = True
sys.path.insert(0, cipher_folder)
import csa2_gates  # noqa: E402

boxes = {box['box']: box for box in json.loads(pathlib.Path(networks).read_text(encoding='utf-8'))['boxes']}
cases = []


def case(function):
    cases.append(function)
    return function


def run(*arguments, path=networks, status=0):
    done = subprocess.run([search, *map(str, arguments), path], capture_output=True, text=True, check=False)
    assert done.returncode == status, f'{arguments}: exit status {done.returncode}, {done.stderr}'
    return done


def records(*arguments, **more):
    return [json.loads(line) for line in run(*arguments, **more).stdout.splitlines()]


def cost(gates):
    return sum(2 if ' 0x' in gate else 1 for gate in gates)


def assert_right(record, form, tables):
    """Computes the tables, at the cost that is told, without an idle gate; the binary form has two-input gates alone."""
    csa2_gates.check({**record, 'truth_tables': tables}, form)
    assert record['cost'] == cost(record[form]), record
    assert form == 'mixed' or record['cost'] == len(record[form]), record
    operands = {operand for gate in record[form] for operand in csa2_gates.parse_gate(gate)[2]}
    assert all(gate.split()[0] in operands | {'high', 'low'} for gate in record[form]), record


def with_tables(tables, *arguments, status=0):
    """A run over other tables than the S-boxes'."""
    with tempfile.NamedTemporaryFile('w', suffix='.json') as file:
        json.dump({'boxes': [{'box': 1 + i, 'truth_tables': table} for i, table in enumerate(tables)]}, file)
        file.flush()
        return run(*arguments, path=file.name, status=status)


def refuses(record, form, tables):
    try:
        csa2_gates.check({**record, 'truth_tables': tables}, form)
    except ValueError:
        return True
    return False


@case
def every_box_has_a_right_network():
    for form in ('binary', 'mixed'):
        for seed in range(2):
            found = records('--form', form, '--tries', 200, '--seed', seed)
            assert [record['box'] for record in found] == list(boxes), found
            for record in found:
                assert_right(record, form, boxes[record['box']]['truth_tables'])


@case
def a_few_thousand_tries_come_near_the_networks_in_use():
    """Those cost 15 and 13."""
    for form, box, at_most in (('binary', 4, 15), ('mixed', 3, 14)):
        record, = records('--form', form, '--box', box, '--tries', 8000, '--seed', 3)
        assert_right(record, form, boxes[box]['truth_tables'])
        assert record['cost'] <= at_most, record


@case
def a_seed_finds_the_same_again():
    options = ('--form', 'mixed', '--box', 4, '--tries', 500)
    assert run(*options).stdout == run(*options).stdout
    assert run(*options).stdout != run(*options, '--seed', 2).stdout


@case
def other_functions_have_right_networks():
    generator = random.Random(1)
    tables = [{'high': '0x0000ffff', 'low': '0x80000000'}, {'high': '0x00000001', 'low': '0xfffffffe'}]
    tables += [{'high': hex(generator.getrandbits(32)), 'low': hex(generator.getrandbits(32))} for _ in range(3)]
    for form in ('binary', 'mixed'):
        lines = with_tables(tables, '--form', form, '--tries', 300, '--cost-limit', 40).stdout.splitlines()
        assert len(lines) == len(tables), lines
        for line, table in zip(lines, tables):
            assert_right(json.loads(line), form, table)


@case
def a_changed_network_is_refused():
    """The judge of the other cases can say no."""
    record, = records('--form', 'binary', '--box', 4, '--tries', 500)
    tables = boxes[4]['truth_tables']
    assert not refuses(record, 'binary', tables)
    for i, gate in enumerate(record['binary']):
        name, _, operands = csa2_gates.parse_gate(gate)
        changed = [*record['binary']]
        changed[i] = f'{name} = xor {operands[0]} {operands[0]}'
        assert refuses({**record, 'binary': changed}, 'binary', tables), gate


@case
def a_cost_that_is_out_of_reach_prints_nothing():
    done = run('--form', 'binary', '--box', 3, '--tries', 300, '--cost-limit', 8, status=1)
    assert not done.stdout and 'box 3' in done.stderr, done


@case
def seconds_end_the_search():
    record, = records('--form', 'mixed', '--box', 5, '--tries', 2**63, '--seconds', 1)
    assert_right(record, 'mixed', boxes[5]['truth_tables'])


@case
def wrong_command_lines_are_refused():
    for options in ([], ['--form', 'ternary'], ['--form', 'binary', '--tries', 0], ['--form', 'binary', '--what'],
                    ['--form', 'binary', '--cost-limit', 41], ['--form', 'binary', networks]):
        done = run(*options, status=2)
        assert not done.stdout and done.stderr, done


@case
def files_that_cannot_be_searched_are_refused():
    for tables in ([], [{'high': '0x1'}], [{'high': '0x1', 'low': '0x1'}], [{'high': '0x0', 'low': '0x1'}],
                   [{'high': '0xffff0000', 'low': '0x1'}], [{'high': '0x100000000', 'low': '0x1'}]):
        done = with_tables(tables, '--form', 'binary', status=1)
        assert not done.stdout and done.stderr, done
    assert 'no such box' in run('--form', 'binary', '--box', 9, status=1).stderr
    assert run('--form', 'binary', path='/dev/null', status=1).stderr


def main():
    print(f'1..{len(cases)}')
    for number, function in enumerate(cases, 1):
        try:
            function()
            print(f'ok {number} - {function.__name__}', flush=True)
        except (AssertionError, KeyError, ValueError) as error:
            print(f'not ok {number} - {function.__name__}\n# {error!r}', flush=True)


main()
