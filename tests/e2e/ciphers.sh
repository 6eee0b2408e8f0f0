#!/usr/bin/env bash
# Which cipher: tiers under a mask, the modes of AES-128-CBC and AES-128-CTR, and DVB-CSA3, which is not there.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

cw8=0123456789abcdef cw16=000102030405060708090a0b0c0d0e0f
iv=f0f1f2f3f4f5f6f7f8f9fafbfcfdfefe
original=$(programme)
start_ecmg ecmg || { echo 'Bail out! the ECMG did not start'; exit 1; }

cw_of() { if [ "$1" = dvb-csa2 ]; then echo $cw8; else echo $cw16; fi; }

scramble_masked() { # scramble_masked MASK ALGORITHM OPTION…
    local mask=$1 algorithm=$2
    shift 2
    "$scramline" scramble --json --cpu-mask "$mask" --algorithm "$algorithm" --cw "$(cw_of "$algorithm")" "$@" "$original" "$work/$mask.ts" >"$work/s.json"
}

# A file of each mask: all are equal, and each opens under another mask.
tiers_cross() { # tiers_cross ALGORITHM OPTION…
    local masks=(0 libraries avx2 avx512) i mask
    for mask in "${masks[@]}"; do
        scramble_masked "$mask" "$@" && cmp "$work/0.ts" "$work/$mask.ts" || return 1
        echo "# $1 under --cpu-mask $mask: tier $(json "$work/s.json" "d['tier']")"
    done
    cmp -s "$original" "$work/0.ts" && return 1
    for ((i = 0; i < ${#masks[@]}; i++)); do
        "$scramline" descramble --cpu-mask "${masks[(i + 1) % ${#masks[@]}]}" --algorithm "$1" --cw "$(cw_of "$1")" "${@:2}" "$work/${masks[i]}.ts" "$work/d.ts" &&
            cmp "$original" "$work/d.ts" || return 1
    done
}
for algorithm in dvb-csa2 dvb-cissa atis-idsa aes-128-cbc aes-128-ctr; do
    check "$algorithm: every tier gives the same file, and opens the others'" tiers_cross $algorithm
done
check 'aes-128-cbc: likewise with an IV' tiers_cross aes-128-cbc --iv $iv
check 'aes-128-ctr: likewise with an IV and 8 bits that count' tiers_cross aes-128-ctr --iv $iv --ctr-counter-bits 8

masked_tier() { # masked_tier TIER COMMAND…: the run's JSON names it
    local tier=$1
    shift
    "$@" scramble --json --cw $cw8 "$original" "$work/s.ts" >"$work/s.json" && json_is "$work/s.json" "d['tier'] == '$tier'" &&
        "$@" descramble --json --cw $cw8 "$work/s.ts" "$work/d.ts" >"$work/d.json" && json_is "$work/d.json" "d['tiers'] == {'dvb-csa2': '$tier'}"
}
check 'mask 0 of the environment leaves the reference' masked_tier ref env SCRAMLINE_CPU_MASK=0 "$scramline"
check 'mask libraries of the environment leaves libdvbcsa' masked_tier libdvbcsa env SCRAMLINE_CPU_MASK=libraries "$scramline"
option_wins() {
    SCRAMLINE_CPU_MASK=nonsense "$scramline" scramble --cpu-mask 0 --json --cw $cw8 "$original" "$work/s.ts" >"$work/s.json" 2>"$work/log" &&
        [ ! -s "$work/log" ] && json_is "$work/s.json" "d['tier'] == 'ref'"
}
check '--cpu-mask comes before the environment' option_wins
check 'a tier that the mask forbids' says 2 "no tier 'libdvbcsa'" "$scramline" scramble --cpu-mask 0 --tier libdvbcsa --cw $cw8 "$original" "$work/o.ts"

# One packet after another, opened by openssl: the judge knows nothing of our code.
openssl_opens() { # openssl_opens ALGORITHM OPTION…
    "$scramline" scramble --algorithm "$1" --cw $cw16 "${@:2}" "$original" "$work/s.ts" && python3 - "$original" "$work/s.ts" "$1" $cw16 $iv <<'PY'
import subprocess, sys
a, b = (open(p, 'rb').read() for p in sys.argv[1:3])
algorithm, key, iv = sys.argv[3:]
done = 0
for i in range(0, len(b), 188):
    if b[i + 3] >> 6 and not b[i + 3] & 0x20 and done < 20:
        size = 176 if algorithm == 'aes-128-cbc' else 184
        out = subprocess.run(['openssl', 'enc', '-d', '-' + algorithm, '-nopad', '-K', key, '-iv', iv], input=b[i + 4:i + 4 + size],
                             capture_output=True, check=True).stdout
        assert out == a[i + 4:i + 4 + size] and a[i + 4 + size:i + 188] == b[i + 4 + size:i + 188]
        done += 1
assert done == 20
PY
}
check 'openssl opens aes-128-cbc with an IV' openssl_opens aes-128-cbc --iv $iv
check 'openssl opens aes-128-ctr where all bits count' openssl_opens aes-128-ctr --iv $iv --ctr-counter-bits 128

# The scrambling_descriptor names the algorithm; the mode has to be told.
through_ecms() { # through_ecms ALGORITHM OPTION…
    local ignored
    "$scramline" scramble --json --algorithm "$1" --ecmg "$ecmg_address" --crypto-period 3 "${@:2}" "$original" "$work/s.ts" >"$work/s.json" &&
        "$scramline" descramble --json "${@:2}" "$work/s.ts" "$work/d.ts" >"$work/d.json" &&
        json_is "$work/d.json" "d['packets']['locked'] == 0 and list(d['tiers']) == ['$1']" || return 1
    mapfile -t ignored < <(json "$work/s.json" '[1, 17] + [s[k] for s in d["services"] for k in ("pmt_pid", "ecm_pid")]' | tr ' ' '\n' | sed 's/^/--ignore\n/')
    "$compare_ts" "${ignored[@]}" "$original" "$work/d.ts"
}
check 'aes-128-cbc is followed through the scrambling_descriptor' through_ecms aes-128-cbc --iv $iv
check 'aes-128-ctr is followed through the scrambling_descriptor' through_ecms aes-128-ctr --iv $iv --ctr-counter-bits 16

# Wrong command lines.
refused() { # refused TEXT OPTION…
    local text=$1
    shift
    check "refused: $*" says 2 "$text" "$scramline" "$@" "$original" "$work/o.ts"
}
for command in scramble descramble; do
    refused "--cpu-mask: 'avx' is not libraries, neon, avx2, avx512 or bits from 0 to 15" $command --cpu-mask avx --cw $cw8
    refused "--cpu-mask: '16' is not" $command --cpu-mask 16 --cw $cw8
    check "refused: $command with a bad mask in the environment" says 2 "SCRAMLINE_CPU_MASK: 'x' is not" \
        env SCRAMLINE_CPU_MASK=x "$scramline" $command --cw $cw8 "$original" "$work/o.ts"
    refused '--iv goes with aes-128-cbc and aes-128-ctr, not with dvb-csa2' $command --cw $cw8 --iv $iv
    refused '--ctr-counter-bits goes with aes-128-ctr, not with aes-128-cbc' $command --algorithm aes-128-cbc --cw $cw16 --ctr-counter-bits 8
    refused 'a whole number from 1 to 128' $command --algorithm aes-128-ctr --cw $cw16 --ctr-counter-bits 129
    refused "--iv: '0011' is not 16 bytes" $command --algorithm aes-128-ctr --cw $cw16 --iv 0011
    refused 'DVB-CSA3 is not available: its specification is not public' $command --algorithm dvb-csa3 --cw $cw16
done
check 'refused: run with a bad mask' says 2 "--cpu-mask: 'avx' is not" "$scramline" run --cpu-mask avx -c none.yaml
check 'nothing was written by any of these' bash -c "! ls '$work'/o.ts* 2>/dev/null"

csa3() { # told once, and left as it is
    "$scramline" scramble --ecmg "$ecmg_address" "$original" "$work/s.ts" && python3 "$(dirname "$0")/programmes.py" csa3 "$work/s.ts" "$work/csa3.ts" &&
        exits 1 "$scramline" descramble "$work/csa3.ts" "$work/o.ts" 2>"$work/log" || return 1
    cat "$work/log"
    [ "$(grep -c 'service 1 stays scrambled: DVB-CSA3 is not available: its specification is not public' "$work/log")" = 1 ] &&
        cmp "$work/csa3.ts" "$work/o.ts.partial"
}
check 'a service signalled as DVB-CSA3' csa3
finish
