#!/usr/bin/env bash
# Streams whose tables do odd things: scrambled with ECMs, tables checked packet by packet, opened, compared.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

make_stream=$(dirname "$0")/../tools/make_stream.py
start_ecmg ecmg || { echo 'Bail out! no ECMG'; exit 1; }

# scrambled KIND OPTION…: $work/o.ts to s.ts to d.ts
scrambled() {
    local kind=$1
    shift
    python3 "$make_stream" "$kind" "$work/o.ts" &&
        "$scramline" scramble --json --ecmg "$ecmg_address" --crypto-period 0.5 "$@" "$work/o.ts" "$work/s.ts" >"$work/s.json" &&
        "$scramline" descramble --json "$work/s.ts" "$work/d.ts" >"$work/d.json" && json_is "$work/d.json" "d['packets']['locked'] == 0"
}

# same [PID…]: content of 0x101 and these PIDs comes back; each PMT has a sound CRC, its PID unbroken continuity, and
# where a service is signalled its CA_descriptor names the PID that ECMs are on
same() {
    python3 - "$work" "$@" <<'PY'
import json, sys
work, pids = sys.argv[1], {0x101, *(int(p, 0) for p in sys.argv[2:])}
pid = lambda p: (p[1] & 31) << 8 | p[2]
def packets(name):
    data = open(f'{work}/{name}.ts', 'rb').read()
    return [data[i:i + 188] for i in range(0, len(data), 188)]
def crc32(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04c11db7) & 0xffffffff if crc & 0x80000000 else crc << 1
    return crc
original, scrambled, opened = packets('o'), packets('s'), packets('d')
summary = json.load(open(f'{work}/s.json'))
ecm = {s['ecm_pid'] for s in summary['services']}
assert not ecm & {pid(p) for p in original}, 'ECMs are on a PID of the stream'
for wanted in pids:
    assert [p for p in original if pid(p) == wanted] == [p for p in opened if pid(p) == wanted], hex(wanted)
counter, buffer, seen, signalled = None, b'', 0, set()
for p in scrambled:
    if pid(p) != 0x100:
        continue
    assert counter is None or p[3] & 15 == counter + 1 & 15, 'continuity'
    counter = p[3] & 15
    buffer = p[5:] if p[1] & 0x40 else buffer + p[4:]
    while len(buffer) > 3 and buffer[0] == 2 and len(buffer) >= 3 + (size := (buffer[1] & 15) << 8 | buffer[2]):
        one, buffer = buffer[:3 + size], buffer[3 + size:]
        assert crc32(one) == 0, 'CRC'
        seen += 1
        for at in range(12, len(one) - 6):
            if one[at:at + 4] == b'\x09\x04\x5c\xa1':
                signalled.add((one[at + 4] & 31) << 8 | one[at + 5])
assert seen >= 5 and ecm <= signalled, (seen, ecm, signalled)
heard = {pid(p) for p in scrambled} - {pid(p) for p in original}
assert ecm <= heard, (ecm, heard)
PY
}

run() { # run KIND "PID…" OPTION…
    local kind=$1 pids
    read -ra pids <<<"$2"
    shift 2
    scrambled "$kind" "$@" && same "${pids[@]}"
}
check 'a service that leaves and comes back' run returns '' --service 1
check 'a PID that no table names is not taken for ECMs' run occupied 0x1f00
in_use() { run occupied 0x1f00 --ecm-pid 0x1f00 2>"$work/log" && cat "$work/log" && grep -q 'PID 0x1f00 is in use' "$work/log"; }
check 'nor is it when it is asked for, and that is said' in_use
check 'ECMs make way when the stream begins to use their PID' run begins '' --crypto-period 5
check "another CAS's CA_descriptor at the component" run two_cas ''
check 'a PMT that grows over its packet' run grows ''
check 'PMTs of three services in one packet' run shared_pid '0x201 0x301' --service 1 --service 3
finish
