#!/usr/bin/env bash
# The judge of scrambled streams finds nothing wrong with ours, and each thing that was made wrong on purpose.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
judge=$SCRAMLINE_BUILD/tests/tools/judge_simulcrypt
damage=$(dirname "${BASH_SOURCE[0]}")/damage_simulcrypt.py
original=$(programme)

made() { # made NAME CAS PID SEED: a scrambled stream and its service key
    local key=$work/keys/$1.key
    SCRAMLINE_KEY_DIR=$work/keys "$scramline" keys service --out "$key" >/dev/null 2>&1
    start_ecmg "ecmg-$1" --service-key "$key" &&
        "$scramline" scramble --json --seed "$4" --ecmg "$ecmg_address" --super-cas-id "$2" --ecm-pid "$3" --crypto-period 3 \
            "$original" "$work/$1.ts" >"$work/$1.json"
}
if ! { made a 0x5CA10001 0x500 0011 && made b 0x5CA20002 0x501 0011 && made other 0x5CA10001 0x500 0022; }; then
    echo 'Bail out! no stream to judge'
    exit 1
fi
key_a=0x5CA10001=$work/keys/a.key
key_b=0x5CA20002=$work/keys/b.key

judged() { "$judge" "$@" >"$work/judged.json"; }
sound() { judged --key "$key_a" "$@" || { cat "$work/judged.json"; return 1; }; }
# faulty TEXT ARGUMENT…: exits with 1, and a fault has the text
faulty() {
    local text=$1
    shift
    exits 1 judged --key "$key_a" "$@" && json_is "$work/judged.json" "any('$text' in f for f in d['faults'])"
}
damaged() { # damaged KIND [ARGUMENT]: in $work/d.ts
    python3 "$damage" "$1" "$work/a.ts" "$work/d.ts" "${2:-}"
}
hurt() { # hurt KIND TEXT OPTION…: is found, with the original
    local kind=$1 text=$2
    shift 2
    damaged "$kind" && faulty "$text" "$@" --clear "$original" "$work/d.ts"
}

whole() {
    sound --clear "$original" "$work/a.ts" && json_is "$work/judged.json" "d['packets']['compared'] > 8000" &&
        json_is "$work/judged.json" "len(d['services'][0]['periods']) == 4" &&
        json_is "$work/judged.json" "[p['cas']['0x5CA10001']['cp'] for p in d['services'][0]['periods']] == [0, 1, 2, 3]"
}
check 'a stream of ours is sound, bit by bit' whole
check 'it is sound without its original' sound "$work/a.ts"

no_ecm() { hurt no_ecm 'ECM late' && json_is "$work/judged.json" "d['services'][0]['streams'][0]['blind']['packets'] > 10"; }
check 'an ECM that never came is found' no_ecm
own() { hurt own_ecm 'never played' && json_is "$work/judged.json" "d['services'][0]['streams'][0]['blind']['packets'] == 0"; }
check 'a crypto-period without its own ECM is found' own
late() {
    hurt late_ecm 'ECM late' && json_is "$work/judged.json" "900 < d['services'][0]['streams'][0]['blind']['longest_ms'] < 1300" &&
        faulty 'never played' --max-late-ecm 1500 "$work/d.ts" && json_is "$work/judged.json" "len(d['faults']) == 1" &&
        faulty 'ECM late' --max-late-ecm 500 "$work/d.ts"
}
check 'an ECM that came late is found and measured' late
blind() { damaged no_ecm && faulty 'ECM late' "$work/d.ts"; }
check 'so it is without the original' blind
in_clear() {
    damaged clear "$original" && faulty 'are clear' --clear "$original" "$work/d.ts" && faulty '1 packets of protected PIDs are clear' "$work/d.ts" &&
        sound --max-clear 1 --clear "$original" "$work/d.ts"
}
check 'one clear packet is found' in_clear
check 'one lost packet is found' hurt lost '1 packets are lost'
gap() { damaged lost && faulty 'continuity_counter' "$work/d.ts"; }
check 'one lost packet shows without the original' gap
check 'a lost packet of another PID is found' hurt lost_table '1 packets are lost'
in_black() {
    hurt black 'packets are black' && json_is "$work/judged.json" "d['packets']['lost'] == 0" &&
        sound --allow-black --clear "$original" "$work/d.ts"
}
check 'black packets are told from lost ones' in_black
black_start() {
    hurt black_start '300 packets are black' && sound --allow-black-at-start --clear "$original" "$work/d.ts" &&
        damaged black && faulty 'packets are black' --allow-black-at-start --clear "$original" "$work/d.ts"
}
check 'black packets at the start may be allowed alone' black_start
check 'one wrong bit is found' hurt bit 'packets are not opened'
check 'two packets in wrong order are found' hurt swapped 'packets'
check 'a packet of the wrong parity is found' hurt wrong_parity 'too short'
check 'the reserved scrambling control is found' hurt reserved 'reserved'
wrong_cw() { damaged wrong_cw "$work/other.ts" && faulty 'wrong CW' --clear "$original" "$work/d.ts" && faulty 'wrong CW' "$work/d.ts"; }
check 'wrong control words are found, without the original too' wrong_cw
gaps() { damaged fewer_ecms && sound "$work/d.ts" && faulty 'no ECM for' --max-ecm-gap 500 "$work/d.ts"; }
check 'a gap between ECMs is found where it is asked for' gaps

wrong_key() { exits 1 "$judge" --key "0x5CA10001=$work/keys/b.key" "$work/a.ts" >"$work/judged.json" && json_is "$work/judged.json" "d['services'][0]['streams'][0]['refused'] > 3"; }
check 'another service key opens nothing' wrong_key
no_cas() { faulty 'has no ECM' --key "$key_b" "$work/a.ts"; }
check 'a CAS without ECMs is found' no_cas

two() { # two SHIFT: a stream of two CASs, the second one's ECMs so many packets later
    python3 "$damage" second_cas "$work/a.ts" "$work/two.ts" "$work/b.ts,$1"
}
both() {
    two 0 && sound --key "$key_b" --clear "$original" "$work/two.ts" &&
        json_is "$work/judged.json" "len(d['services'][0]['streams']) == 2" &&
        json_is "$work/judged.json" "all(s['opened'] == d['packets']['scrambled'] for s in d['services'][0]['streams'])"
}
check 'two CASs open one stream, each alone' both
delayed() { # half a second later: the CW of the next crypto-period is known all the same
    two 1000 && exits 1 judged --key "$key_a" --key "$key_b" --clear "$original" "$work/two.ts" &&
        json_is "$work/judged.json" "all('0x5CA20002' in f for f in d['faults'])" &&
        sound --key "$key_b" --expect-cas-always 0x5CA10001 --clear "$original" "$work/two.ts" &&
        json_is "$work/judged.json" "all(450 < p['cas']['0x5CA20002']['ecm_delay_ms'] < 550 for p in d['services'][0]['periods'][1:])"
}
check 'the delay of the second one is measured, its start found late' delayed
one_fails() {
    two 0 && python3 "$damage" no_ecm "$work/two.ts" "$work/d.ts" && exits 1 judged --key "$key_a" --key "$key_b" --clear "$original" "$work/d.ts" &&
        json_is "$work/judged.json" "all('0x5CA10001' in f for f in d['faults'])" &&
        sound --key "$key_b" --expect-cas-always 0x5CA20002 --clear "$original" "$work/d.ts"
}
check 'the CAS that fails is named, the other one may go on' one_fails

usage() {
    exits 2 "$judge" "$work/a.ts" 2>/dev/null && exits 2 "$judge" --key nonsense "$work/a.ts" 2>/dev/null &&
        exits 1 "$judge" --key "$key_a" "$work/none.ts" 2>/dev/null
}
check 'bad arguments are refused' usage
finish
