#!/usr/bin/env bash
# Files with control words from our own ECMG: signalling judged by ffprobe and tshark, opened with the service key.
# shellcheck disable=SC2046
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

original=$(programme)
start_ecmg ecmg || { echo 'Bail out! the ECMG did not start'; exit 1; }

with_ecmg() { # with_ecmg FILE ALGORITHM OPTION…
    local file=$1 algorithm=$2
    shift 2
    "$scramline" scramble --json --algorithm "$algorithm" --ecmg "$ecmg_address" --super-cas-id 0x5CA10001 \
        --crypto-period 3 "$@" "$file" "$work/s.ts" >"$work/s.json"
}

ignored() { # what the signalling changes: PMT, SDT, CAT and ECMs
    local pid
    for pid in 1 17 $(json "$work/s.json" '[s["pmt_pid"] for s in d["services"]]+[s["ecm_pid"] for s in d["services"]]'); do
        printf -- '--ignore %s ' "$pid"
    done
}

round_trip() {
    with_ecmg "$@" && "$scramline" descramble --json "$work/s.ts" "$work/d.ts" >"$work/d.json" || return 1
    "$compare_ts" $(ignored) "$1" "$work/d.ts" && json_is "$work/s.json" "d['packets']['black'] == 0" &&
        json_is "$work/s.json" "d['packets']['in'] + d['packets']['inserted'] == d['packets']['out']" &&
        json_is "$work/s.json" "d['ecms'] >= d['crypto_periods'] >= 1" && json_is "$work/d.json" "d['packets']['locked'] == 0"
}

for algorithm in dvb-csa2 dvb-cissa atis-idsa aes-128-cbc aes-128-ctr; do
    check "$algorithm: every payload comes back through ECMs" round_trip "$original" $algorithm
done
capture_round_trips 'comes back through ECMs'
check 'two services, a control word pair each' round_trip "$original" dvb-csa2 --service 1 --service 2
check 'access criteria travel' round_trip "$original" dvb-csa2 --access-criteria 0123456789
check 'protocol version 2' round_trip "$original" dvb-csa2 --ecmg-version 2

periods() {
    round_trip "$original" dvb-csa2 && json_is "$work/s.json" "d['crypto_periods'] in (4, 5)" &&
        json_is "$work/d.json" "d['packets']['crypto_periods'] >= 3"
}
check '12 seconds are four crypto-periods of 3' periods

# An independent reading of the signalling: CA_descriptor and scrambling_descriptor in a PMT whose CRC ffprobe accepts.
signalled() {
    with_ecmg "$original" dvb-cissa --ecm-pid 0x500 || return 1
    python3 - "$work/s.ts" <<'PY'
import sys
def crc32(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04c11db7) & 0xffffffff if crc & 0x80000000 else crc << 1
    return crc
data = open(sys.argv[1], 'rb').read()
counters, ecms, versions, cats, tables = {}, [], set(), 0, set()
for i in range(0, len(data), 188):
    p = data[i:i + 188]
    pid = (p[1] & 31) << 8 | p[2]
    if pid in (0x500, 0x1000, 1):
        if pid in counters:
            assert p[3] & 15 == (counters[pid] + 1) & 15, ('continuity', hex(pid), i // 188)
        counters[pid] = p[3] & 15
        assert p[3] >> 6 == 0
    if pid == 0x1000 and p[1] & 0x40:
        s = p[5 + p[4]:]
        s = s[:3 + ((s[1] & 15) << 8 | s[2])]
        assert crc32(s) == 0
        info = s[12:12 + ((s[10] & 15) << 8 | s[11])]
        assert bytes.fromhex('09045ca1e500') in info, info.hex()
        assert bytes.fromhex('650110') in info, info.hex()
        versions.add(s[5] >> 1 & 31)
    if pid == 0x500:
        assert p[1] & 0x40 and p[4] == 0
        length = 3 + ((p[6] & 15) << 8 | p[7])
        assert p[5] in (0x80, 0x81) and p[6] & 0xf0 == 0x70 and length <= 183
        assert set(p[5 + length:]) <= {0xff}
        if not ecms or ecms[-1][1] != p[5:5 + length]:
            assert not ecms or ecms[-1][1][0] != p[5], 'table_id toggles with every change'
            ecms.append((i // 188, p[5:5 + length]))
    cats += pid == 1
assert len(versions) == 1 and len(ecms) >= 4 and cats > 10, (versions, len(ecms), cats)
first = next(i for i in range(0, len(data), 188) if data[i + 3] >> 6) // 188
assert ecms[0][0] < first, 'the first ECM comes before the first scrambled packet'
PY
}
check 'PMT, ECM and CAT are as the standards say, counters continuous' signalled

pipe() {
    with_ecmg "$original" dvb-csa2 && "$scramline" descramble --json - - <"$work/s.ts" 2>"$work/d.json" >"$work/d.ts" &&
            "$compare_ts" $(ignored) "$original" "$work/d.ts"
}
check 'a pipe is opened as well as a file' pipe

deterministic() {
    with_ecmg "$original" dvb-csa2 --seed 00112233 --cw-out "$work/cw1" && with_ecmg "$original" dvb-csa2 --seed 00112233 --cw-out "$work/cw2" &&
        cmp "$work/cw1" "$work/cw2" && python3 - "$work/cw1" <<'PY'
import sys
for line in open(sys.argv[1]):
    w = bytes.fromhex(line)
    assert w[3] == sum(w[:3]) & 255 and w[7] == sum(w[4:7]) & 255, 'checksum bytes are set'
PY
}
check 'seeded control words are the same again, with their checksum bytes' deterministic

other_key() {
    with_ecmg "$original" dvb-csa2 && "$scramline" keys service --out "$work/other.key" >/dev/null || return 1
    says 1 'does not open' "$scramline" descramble --service-key "$work/other.key" "$work/s.ts" "$work/wrong.ts" && return 1
    exits 1 "$scramline" descramble --service-key "$work/other.key" "$work/s.ts" "$work/wrong.ts" && [ ! -e "$work/wrong.ts" ]
}
check 'another service key opens nothing' other_key

no_stuffing() { # a stream without null packets gets its ECMs inserted
    "$compare_ts" "$original" "$original" >/dev/null
    python3 - "$original" "$work/nostuff.ts" <<'PY'
import sys
data = open(sys.argv[1], 'rb').read()
open(sys.argv[2], 'wb').write(b''.join(data[i:i + 188] for i in range(0, len(data), 188) if data[i + 1:i + 3] != b'\x1f\xff'))
PY
    round_trip "$work/nostuff.ts" dvb-csa2 && json_is "$work/s.json" "d['packets']['inserted'] > 50"
}
check 'ECMs are inserted where there is no null packet' no_stuffing

uses_stuffing() { round_trip "$original" dvb-csa2 && json_is "$work/s.json" "d['packets']['replaced'] > 50 and d['packets']['inserted'] <= 5"; }
check 'ECMs take the place of null packets where there are some' uses_stuffing

secrets_stay() { # no control word or key in any output but --cw-out
    SCRAMLINE_LOG=debug with_ecmg "$original" dvb-csa2 --seed 77 --cw-out "$work/cws" 2>"$work/debug.log" &&
        SCRAMLINE_LOG=debug "$scramline" descramble --json "$work/s.ts" "$work/d.ts" >"$work/d.json" 2>>"$work/debug.log" || return 1
    local secret
    while read -r secret; do
        ! grep -qi "$secret" "$work/debug.log" "$work/s.json" "$work/d.json" "$work/ecmg.log" || { echo 'a control word leaked'; return 1; }
    done < <(cat "$work/cws" "$SCRAMLINE_KEY_DIR"/*.key)
}
check 'no secret in logs and summaries' secrets_stay
finish
