#!/usr/bin/env bash
# Two CASs with different delays on one service, in a file run and live: both open it, judged from the output alone.
# shellcheck disable=SC2016,SC2046,SC2119,SC2154
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/e2e/captures_live.sh
. "$(dirname "$0")/captures_live.sh"
judge=$SCRAMLINE_BUILD/tests/tools/judge_simulcrypt
original=$(programme)
# Names without _id are addresses, which ecmg() sets.
alpha_id=0x5CA10001 beta_id=0x5CA20002 doomed_id=0x5CA30003

# ecmg NAME CHANNEL_STATUS [LISTEN]: with a service key of its own; its address in $NAME, its process in $NAME_pid
ecmg() {
    local key=$work/keys/${1%_*}.key
    mkdir -p "$work/keys" && chmod 700 "$work/keys"
    [ -e "$key" ] || "$scramline" keys service --out "$key" >/dev/null 2>&1
    printf '{services: [{super_cas_id: any, key_file: "%s"}], channel_status: {%s}}\n' "$key" "$2" >"$work/$1.yaml"
    start_ecmg "$1" -c "$work/$1.yaml" || return 1
    printf -v "$1" %s "$ecmg_address"
    printf -v "$1_pid" %s "$ecmg_pid"
}
early='delay_start: -300, delay_stop: -300, transition_delay_start: -1000, section_TSpkt_flag: packets, lead_CW: 0, CW_per_msg: 2'
late='delay_start: 200, delay_stop: 200, transition_delay_start: -500'
prompt='transition_delay_start: -500'
if ! { ecmg alpha "$early" && ecmg beta "$late" && ecmg doomed "$prompt" && ecmg doomed_backup "$late"; }; then
    echo 'Bail out! the ECMGs did not start'
    exit 1
fi
# shellcheck disable=SC2154
cat >"$work/cas.yaml" <<YAML
cas:
  - {name: alpha, super_cas_id: $alpha_id, ecmgs: ["$alpha"]}
  - {name: beta, super_cas_id: $beta_id, ecmgs: ["$beta"], access_criteria: "0102"}
YAML

# judged CAS,… [OPTION…] FILE: by these CASs' receivers
judged() {
    local cas keys=()
    for cas in ${1//,/ }; do
        local id=${cas}_id
        keys+=(--key "${!id}=$work/keys/$cas.key")
    done
    shift
    "$judge" "${keys[@]}" --clear "$original" "$@" >"$work/judged.json" || { cat "$work/judged.json"; return 1; }
}

# Files.
in_file() { # in_file [OPTION…]: the programme with the CASs of $work/cas.yaml
    "$scramline" scramble --json --simulcrypt "$work/cas.yaml" --crypto-period 3 "$@" "$original" "$work/s.ts" >"$work/s.json" 2>"$work/s.log" ||
        { cat "$work/s.log"; return 1; }
}
both_in_file() {
    in_file && judged alpha,beta "$work/s.ts" &&
        json_is "$work/judged.json" "[len(s['streams']) for s in d['services']] == [2]" &&
        json_is "$work/s.json" "[c['name'] for c in d['services'][0]['cas']] == ['alpha', 'beta'] and d['without'] == 0"
}
check 'a file: both CASs open every packet, each with its own delay' both_in_file
delays() {
    json_is "$work/judged.json" "all(-400 < p['cas']['$alpha_id']['ecm_delay_ms'] < -290 for p in d['services'][0]['periods'][1:])" &&
        json_is "$work/judged.json" "all(150 < p['cas']['$beta_id']['ecm_delay_ms'] < 310 for p in d['services'][0]['periods'][1:])"
}
check 'a file: ECMs begin when each ECMG wants it' delays
two_services() { in_file --service 1 --service 2 && judged alpha,beta "$work/s.ts" && json_is "$work/judged.json" "len(d['services']) == 2"; }
check 'a file: two services with two CASs each' two_services
ecms_differ() { # nonces make ECMs differ: all else is the same again
    in_file --seed 0011 && cp "$work/s.ts" "$work/first.ts" && in_file --seed 0011 &&
        "$compare_ts" $(json "$work/s.json" '["--ignore %d" % c["ecm_pid"] for s in d["services"] for c in s["cas"]]') "$work/first.ts" "$work/s.ts"
}
check 'a file: the same seed, the same stream' ecms_differ
absent() { # an optional CAS whose ECMG is not there is left behind, a required one ends the run
    sed -i "s/\"$beta\"]/\"127.0.0.1:9\"], required: $1/" "$work/cas.yaml"
    in_file --ecm-timeout 1
}
left_behind() {
    cp "$work/cas.yaml" "$work/both.yaml"
    absent no && judged alpha "$work/s.ts" && grep -q 'goes on without ECMs of beta' "$work/s.log" && json_is "$work/s.json" "d['without'] >= 4"
}
check 'a file: an optional CAS that is not there is left behind, with a warning' left_behind
missed() {
    cp "$work/both.yaml" "$work/cas.yaml"
    absent yes
    [ $? = 1 ] && grep -q 'no ECM from the ECMG at 127.0.0.1:9' "$work/s.log"
}
check 'a file: a required CAS that is not there ends it' missed

# Live: six streams in one run. The ECMG of "doomed" dies in the middle and comes back.
names='both hold black clear optional backup'
{
    echo 'workers: 1'
    echo 'memory: {hugepages: never}'
    sed "\$a\\  - {name: doomed, super_cas_id: $doomed_id, ecmgs: [\"$doomed\"]}\\n  - {name: spared, super_cas_id: $doomed_id, ecmgs: [\"$doomed\", \"$doomed_backup\"], failback: never}" "$work/both.yaml"
    echo 'ports:'
    number=0
    for name in $names; do
        echo "  - {name: $name, device: \"net_pcap$number,rx_pcap=$work/$name.fifo,tx_pcap=$work/$name.pcap\"}"
        number=$((number + 1))
    done
    echo 'streams:'
    for name in $names; do
        terms="cas: [beta, doomed], policy_delay: 0.5"
        case $name in
        both) terms='cas: [alpha, beta]' ;;
        hold | black | clear) terms="$terms, policy: $name" ;;
        optional) terms='cas: [beta, {name: doomed, required: no}]' ;;
        backup) terms='cas: [beta, spared]' ;;
        esac
        echo "  - {name: $name, input: {port: $name, address: \"239.1.1.1:5000\"}, output: {port: $name}, crypto_period: 1, $terms}"
    done
} >"$work/run.yaml"

live() {
    local name pid try
    for name in $names; do feed "$work/$name.fifo" "$original" 239.1.1.1 5000 --mbit 3; done
    run_to_end &
    pid=$!
    for ((try = 0; try < 200; try++)); do grep -qs running: "$work/log" && break; sleep 0.1; done
    sleep 4
    kill "$doomed_pid"
    wait "$doomed_pid"
    sleep 3 # attempts to reach it are 0.25, 0.5, 1, 2, 4 s apart
    "$scramline" ecmg -c "$work/doomed.yaml" --listen "$doomed" >"$work/doomed.log" 2>&1 &
    servers+=($!)
    wait $pid
}
check 'live: six streams of two CASs, an ECMG dies and comes back' live

service() { # service NAME EXPRESSION of v, p (packets) and a CAS's by name c
    json_is "$work/run.json" "[($2) for s in d['streams'] if s['name'] == '$1' for p in [s['packets']] for v in s['services'][:1] for c in [{c['name']: c for c in v['cas']}]][0]"
}
live_both() { judged alpha,beta --allow-black "$work/both.pcap" && service both "v['crypto_periods'] >= 8 and v['stretched'] == 0 and not v['degraded']"; }
check 'live: both CASs open every packet' live_both
live_hold() { judged beta,doomed --allow-black "$work/hold.pcap" && service hold "v['stretched'] >= 1 and not v['degraded'] and c['doomed']['up']"; }
check 'live, required, hold: the last control word stays, with the ECMs of all' live_hold
live_black() { judged beta,doomed --allow-black "$work/black.pcap" && service black "v['stretched'] >= 1"; }
check 'live, required, black: no packet in clear, none without its ECM' live_black
live_clear() {
    judged beta,doomed --allow-black --max-clear 100000 "$work/clear.pcap" && json_is "$work/judged.json" "100 < d['packets']['clear'] < 3000"
}
check 'live, required, clear: in clear while it is gone, and scrambled again' live_clear
live_optional() {
    judged beta,doomed --expect-cas-always $beta_id --max-late-ecm 100000 --allow-black "$work/optional.pcap" &&
        service optional "v['stretched'] == 0 and not v['degraded'] and v['without'] >= 1 and not c['doomed']['missing']"
}
check 'live, optional: the others go on without it, on time' live_optional
live_backup() {
    judged beta,doomed --allow-black "$work/backup.pcap" && service backup "not v['degraded'] and c['spared']['up']" &&
        json_is "$work/run.json" "[e['state'] for c in d['cas'] if c['name'] == 'spared' for e in c['ecmgs']][1] == 'active'"
}
check 'live, with a backup: it takes over, and every packet opens' live_backup
no_black() { # only in "black" did the dead ECMG cost packets
    json_is "$work/run.json" "(lambda b: b['black'] > b['hold'] + 200 and abs(b['hold'] - b['both']) < 600 and abs(b['optional'] - b['both']) < 600)({s['name']: s['packets']['black'] for s in d['streams']})"
}
check 'live: packets were black by policy alone' no_black
finish
