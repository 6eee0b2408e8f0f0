#!/usr/bin/env bash
# scramline bench: its records, plots and bounds, and command lines that make no sense. Nothing here is about speed.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

bench() { "$scramline" bench cipher "$@"; }
brief=(--quick --seconds 0.5)

records() {
    bench "${brief[@]}" --json --algorithm dvb-csa2,dvb-cissa >"$work/b.json" &&
        json_is "$work/b.json" "all({'algorithm', 'direction', 'tier', 'keys', 'payload', 'working_set', 'batch', 'gbit_s', 'cycles_per_packet'} <= set(r) for r in d)" &&
        json_is "$work/b.json" "all(r['gbit_s'] > 0 and r['cycles_per_packet'] > 0 and r['gbit_s'] >= r['gbit_s_median'] > 0 for r in d)" &&
        json_is "$work/b.json" "{(r['algorithm'], r['direction'], r['keys']) for r in d} == {(a, s, k) for a in ('dvb-csa2', 'dvb-cissa') for s in ('scramble', 'descramble') for k in (1, 300)}"
}
check 'a record for every case and contender' records
peers() { # each library is there under its own name, and is what ratios refer to
    json_is "$work/b.json" "{r['tier'] for r in d if r['peer']} == {'libdvbcsa', 'openssl', 'ipsec-mb'}" &&
        json_is "$work/b.json" "all(r['ratios'][r['tier']] == 1 for r in d if r['peer'])" &&
        json_is "$work/b.json" "{(r['algorithm'], r['direction'], r['keys']): 0 for r in d}.keys() == {(r['algorithm'], r['direction'], r['keys']) for r in d if r['default']}" &&
        json_is "$work/b.json" "all('libdvbcsa_one_key' in r['ratios'] for r in d if r['algorithm'] == 'dvb-csa2' and r['keys'] > 1)"
}
check 'peers and the default tier are marked' peers

cases() {
    bench --seconds 0.5 --json --algorithm dvb-cissa --direction scramble --tier openssl --keys 2,7 --payload mix --payload 8-40 \
        --working-set memory --memory 8 --batch 3,100 >"$work/c.json" 2>/dev/null &&
        json_is "$work/c.json" "sorted((r['keys'], r['batch'], r['payload']) for r in d) == sorted((k, b, p) for k in (2, 7) for b in (3, 100) for p in ('mix', '8-40'))" &&
        json_is "$work/c.json" "all(r['working_set'] == 'memory' and 8e6 < r['working_set_bytes'] <= 8 << 20 and r['tier'] == 'openssl' for r in d)" &&
        json_is "$work/c.json" "all(abs(r['payload_bytes'] - 24) < 0.1 for r in d if r['payload'] == '8-40')"
}
check 'the cases that are asked for' cases
too_small() { bench "${brief[@]}" --algorithm dvb-cissa --tier openssl --working-set memory --memory 1 2>&1 | grep -q 'is not larger than the cache'; }
check 'a working set that the cache holds is told' too_small
capture() { # the mean of the lengths is that of the file
    bench "${brief[@]}" --json --algorithm dvb-cissa --tier openssl --payload mix --capture "$(programme)" >"$work/c.json" &&
        python3 - "$(programme)" "$work/c.json" <<'PY'
import json, sys
data = open(sys.argv[1], 'rb').read()
packets = [data[i:i + 188] for i in range(0, len(data), 188)]
lengths = [183 - p[4] if p[3] & 0x20 else 184 for p in packets if p[3] & 0x10 and 32 <= ((p[1] & 31) << 8 | p[2]) < 8191]
mean = sum(lengths) / len(lengths)
found = json.load(open(sys.argv[2]))[0]['payload_bytes']
print(mean, found)
assert abs(mean - found) < 0.2
PY
}
check "a file's own lengths" capture

text() { # people get the same: a block for each case, ratios beside each line
    bench "${brief[@]}" --algorithm dvb-csa2 --direction scramble >"$work/t" && grep -q '^dvb-csa2 scramble, 300 keys, full payloads (184.0 bytes)' "$work/t" &&
        grep -qE 'Gbit/s \(median .*cycles .*× libdvbcsa with one key' "$work/t" && grep -q "services' pairs" "$work/t"
}
check 'text' text
mask() { # plain C alone
    bench "${brief[@]}" --json --algorithm dvb-csa2 --direction scramble --keys 1 --cpu-mask 0 >"$work/m.json" 2>"$work/log" &&
        json_is "$work/m.json" "[r['tier'] for r in d if not r['peer']] == ['ref']" && grep -q 'is left out' "$work/log"
}
check '--cpu-mask 0 leaves ref' mask

plots() {
    bench "${brief[@]}" --json --algorithm dvb-csa2,dvb-cissa --svg "$work/p\"l'o\`t" >"$work/p.json" && python3 - "$work/p\"l'o\`t" <<'PY'
import os, sys, xml.dom.minidom
names = {f'{kind}-{name}.svg' for kind in ('bars', 'services', 'batches') for name in ('dvb-csa2', 'dvb-cissa')}
found = set(os.listdir(sys.argv[1]))
print(found)
assert found == names
for name in found:
    xml.dom.minidom.parse(sys.argv[1] + '/' + name)
    assert 'Gbit/s' in open(sys.argv[1] + '/' + name).read(), name
PY
}
check 'plots: three for each algorithm' plots
check 'plots need gnuplot' says 1 'gnuplot is not there' env PATH=/nowhere "$scramline" bench cipher --svg "$work/none" --quick

bounds() { # exit status 1 if and only if one is missed or cannot be measured here
    local status
    bench --bounds --seconds 0.5 --json --algorithm dvb-csa2,dvb-cissa >"$work/bounds.json" 2>/dev/null
    status=$?
    json_is "$work/bounds.json" "len(d) == 18 and all(r['verdict'] == 'not measured' or r['ratio'] > 0 for r in d)" &&
        json_is "$work/bounds.json" "$status == (0 if all(r['met'] for r in d) else 1)"
}
check 'bounds' bounds

nonsense() { # nonsense TEXT OPTION…
    local text=$1
    shift
    check "refused: bench $*" says 2 "$text" "$scramline" bench "$@"
}
nonsense 'cipher expected' --quick
nonsense "no benchmark 'tables'" tables
nonsense "no tier 'none'" cipher --tier none
nonsense "no tier 'openssl'" cipher --algorithm dvb-csa2 --tier openssl
nonsense 'not what it takes' cipher --algorithm dvb-csa9
nonsense 'not what it takes' cipher --payload 185
nonsense 'not what it takes' cipher --payload 40-8
nonsense 'not what it takes' cipher --working-set l9
nonsense 'from 1 to 4096' cipher --batch 4097
nonsense 'from 1 to 60000' cipher --keys 0
nonsense '--cpu-mask' cipher --cpu-mask nonsense
nonsense 'do not go together' cipher --bounds --svg "$work/none"
nonsense 'one --tier' cipher --bounds --tier ref --tier libdvbcsa
check 'no such capture' says 1 'No such file' "$scramline" bench cipher --capture "$work/none.ts"
finish
