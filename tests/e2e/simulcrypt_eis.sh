#!/usr/bin/env bash
# An EIS rules a live headend: an SCG begins, gets another CAS and other access criteria, and ends; judged from the output.
# shellcheck disable=SC2119,SC2154
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/e2e/captures_live.sh
. "$(dirname "$0")/captures_live.sh"
judge=$SCRAMLINE_BUILD/tests/tools/judge_simulcrypt
original=$(programme)

mkdir -p "$work/keys" && chmod 700 "$work/keys"
for name in alpha beta; do
    "$scramline" keys service --out "$work/keys/$name.key" >/dev/null 2>&1
    start_ecmg $name --service-key "$work/keys/$name.key" || { echo 'Bail out! an ECMG did not start'; exit 1; }
    printf -v $name %s "$ecmg_address"
done
cat >"$work/run.yaml" <<YAML
workers: 1
memory: {hugepages: never}
eis: {listen: "127.0.0.1:0"}
cas:
  - {name: alpha, super_cas_id: 0x5CA10001, ecmgs: ["$alpha"]}
  - {name: beta, super_cas_id: 0x5CA20002, ecmgs: ["$beta"]}
ports: [{name: port, device: "net_pcap0,rx_pcap=$work/in.fifo,tx_pcap=$work/out.pcap"}]
streams:
  - {name: one, input: {port: port, address: "239.1.1.1:5000"}, output: {port: port}, crypto_period: 1, eis: {services: [1, 2]}}
YAML

# scg REFERENCE SERVICES ECM_GROUP…: the definition of SCG 7
scg() {
    local reference=$1 services=$2
    shift 2
    {
        echo "{transport_stream_id: 1, original_network_id: 0xff01, scgs: [{id: 7, reference_id: $reference, services: [$services],"
        local IFS=,
        echo "ecm_groups: [$*]}]}"
    } >"$work/eis.yaml"
}
eis() { "$scramline" eis -c "$work/eis.yaml" --connect "$eis_address" --retry 5 --json "$@" >"$work/eis.out" 2>"$work/eis.log"; }
group_a() { echo "{super_cas_id: 0x5CA10001, ecm_id: 5, access_criteria: \"$1\", AC_changed: ${2:-false}}"; }
group_b='{super_cas_id: 0x5CA20002, ecm_id: 5}'

feed "$work/in.fifo" "$original" 239.1.1.1 5000 --mbit 3
run_to_end &
run=$!
servers+=("$run")
for ((try = 0; try < 200; try++)); do grep -qs running: "$work/log" && break; sleep 0.1; done
eis_address=127.0.0.1:$(grep -oE 'EIS: listening on 127.0.0.1 port [0-9]+' "$work/log" | grep -oE '[0-9]+$')
sleep 1

refused() { # refused TEXT REFERENCE SERVICES ECM_GROUP…
    local text=$1
    shift
    scg "$@"
    exits 1 eis && grep -q "$text" "$work/eis.out" "$work/eis.log"
}
check 'a service that is not there is refused' refused 'does not exist' 1 9 "$(group_a 01)"
check 'a CAS that is not there is refused' refused 'unknown Super_CAS_id' 1 1 '{super_cas_id: 0x5CA90001, ecm_id: 5}'
check 'content without an ECM_Group is refused' refused 'no ECM_Group' 1 1
begins() { scg 1 1 "$(group_a 01)" && eis; }
check 'an SCG of one service is accepted' begins
sleep 3
# The EIS has gone: what it defined has not. It names the SCG again with one CAS more and other access criteria.
changes() { scg 2 1 "$(group_a 02 true)" "$group_b" && eis; }
check 'a change of it is accepted' changes
sleep 3
status() { json_is "$work/status.json" "d['eis']['channel_list'][0]['scgs'] == 1 and d['streams'][0]['scgs'][0]['services'] == [1]"; }
check 'the status file tells of it while it runs' status
lists() { eis --list && grep -q '"SCG_id":7' "$work/eis.out"; }
check 'the list has it' lists
removes() { eis --remove 7; }
check 'its removal is accepted' removes
ended() { wait "$run"; }
check 'the run ends well' ended

sound() {
    "$judge" --key 0x5CA10001="$work/keys/alpha.key" --key 0x5CA20002="$work/keys/beta.key" --clear "$original" --service 1 --allow-black \
        --expect-cas-always 0x5CA10001 --max-late-ecm 100000 "$work/out.pcap" >"$work/judged.json" || { cat "$work/judged.json"; return 1; }
}
check 'no packet in clear, none without its ECM' sound
periods() { # from crypto-period 2 or so on the second CAS opens, too; no crypto-period was lost on the way
    json_is "$work/judged.json" "5 <= len(d['services'][0]['periods']) <= 9" &&
        json_is "$work/judged.json" "[bool(p['cas'].get('0x5CA20002')) for p in d['services'][0]['periods']][0] == False" &&
        json_is "$work/judged.json" "[bool(p['cas'].get('0x5CA20002')) for p in d['services'][0]['periods']][-1] == True" &&
        json_is "$work/judged.json" "all(p['length_ms'] < 1400 for p in d['services'][0]['periods'][:-1])"
}
check 'the second CAS joins on a boundary, crypto-periods go on' periods
gone() { json_is "$work/run.json" "d['streams'][0]['scgs'] == [] and d['streams'][0]['packets']['black'] > 3000"; }
check 'at the end there is no SCG, and services without one were black' gone
finish
