#!/usr/bin/env bash
# Peers that mean no good, and a live headend: an EIS, an ECMG and EMMGs whose messages are mutated, floods, SCGs that
# come and go. Whatever they do, no packet leaves in clear and none is lost, and services of others are not disturbed.
# shellcheck disable=SC2119,SC2154
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/e2e/captures_live.sh
. "$(dirname "$0")/captures_live.sh"
judge=$SCRAMLINE_BUILD/tests/tools/judge_simulcrypt
original=$(programme)
mutate=$(dirname "${BASH_SOURCE[0]}")/mutate.py
first=0x5CA10001 second=0x5CA20002 # Super_CAS_IDs
seed=${SCRAMLINE_SEED:-$RANDOM}
mkdir -p "$work/keys" "$work/emms" && chmod 700 "$work/keys"
python3 -c 'import sys; sys.stdout.buffer.write((b"\x82\x70\x40" + bytes(64)) * 100)' >"$work/emms/emms.bin"

mutated() { # mutated NAME OPTION…: a proxy to what is at HOST:PORT; its address in $NAME
    python3 "$mutate" --seed "$seed" "${@:2}" >"$work/$1.address" 2>>"$work/mutate.log" &
    servers+=($!)
    local try
    for ((try = 0; try < 100; try++)); do [ -s "$work/$1.address" ] && break; sleep 0.1; done
    printf -v "$1" %s "$(cat "$work/$1.address")"
}
for cas in $first $second; do "$scramline" keys service --out "$work/keys/$cas.key" >/dev/null 2>&1; done
if ! { start_ecmg good --service-key "$work/keys/$first.key" && good=$ecmg_address && start_ecmg bad --service-key "$work/keys/$second.key"; }; then
    echo 'Bail out! the ECMGs did not start'
    exit 1
fi
mutated bad --connect "$ecmg_address" --answers
cat >"$work/run.yaml" <<YAML
workers: 1
memory: {hugepages: never}
ports: [{name: port, device: "net_pcap0,rx_pcap=$work/in.fifo,tx_pcap=$work/out.pcap"}]
eis: {listen: "127.0.0.1:0"}
emmg:
  listen: "127.0.0.1:0"
  udp: "127.0.0.1:0"
  streams:
    - {client_id: $first, stream: plain, pid: 0x1E00, bandwidth: 100}
cas:
  - {name: good, super_cas_id: $first, ecmgs: ["$good"]}
  - {name: bad, super_cas_id: $second, ecmgs: ["$bad"], network_delay: 0.3, reply_timeout: 0.5, channel_id: 100}
streams:
  - {name: plain, input: {port: port, address: "239.1.1.1:5000"}, output: {port: port}, crypto_period: 1, cas: [good]}
  - {name: optional, input: {port: port, address: "239.1.1.2:5000"}, output: {port: port}, crypto_period: 1, cas: [good, {name: bad, required: no}]}
  - {name: required, input: {port: port, address: "239.1.1.3:5000"}, output: {port: port}, crypto_period: 1, cas: [good, bad], policy: black, policy_delay: 0.5}
  - {name: ruled, input: {port: port, address: "239.1.1.4:5000"}, output: {port: port}, crypto_period: 1, cas: [good], eis: {services: [1, 2]}}
YAML

scg() { # scg REFERENCE SERVICES: the definition of SCG 7
    echo "{transport_stream_id: 1, original_network_id: 0xff01, scgs: [{id: 7, reference_id: $1, services: [$2], ecm_groups: [{super_cas_id: $first, ecm_id: 500}]}]}" >"$work/eis.yaml"
}
eis() { timeout 5 "$scramline" eis -c "$work/eis.yaml" --json "$@" >>"$work/eis.out" 2>&1; }
come_and_go() { # until the run has ended: sound requests, and mutated ones in between
    local turn=0
    while kill -0 "$run" 2>/dev/null; do
        turn=$((turn + 1))
        scg $turn $((turn / 3 % 2 + 1))
        eis --connect "$eis_address" --retry 1
        eis --connect "$bad_eis"
        [ $((turn % 4)) = 0 ] && eis --connect "$eis_address" --remove 7
        [ $((turn % 9)) = 0 ] && eis --connect "$eis_address" --reset
    done
}
emmgs() {
    while kill -0 "$run" 2>/dev/null; do
        timeout 2 "$scramline" emmg --quiet --mux "$bad_mux" --client-id $first --bitrate 50000 "$work/emms" >>"$work/emmg.out" 2>&1
        sleep 0.1
    done
}
port() { grep -oE "$1 127.0.0.1 port [0-9]+" "$work/log" | grep -oE '[0-9]+$'; }
live() {
    local helpers=() status
    feed "$work/in.fifo" "$original" 239.1.1.1 5000 --mbit 2.4 --copies 4
    run_to_end &
    run=$!
    servers+=("$run")
    for ((try = 0; try < 200; try++)); do grep -qs running: "$work/log" && break; sleep 0.1; done
    eis_address=127.0.0.1:$(port 'EIS: listening on')
    mutated bad_eis --connect "$eis_address" --requests
    mutated bad_mux --connect "127.0.0.1:$(port 'EMMGs: listening on')" --requests
    python3 "$mutate" --seed "$seed" --flood "$eis_address" "127.0.0.1:$(port 'EMMGs: listening on')" --flood-udp "127.0.0.1:$(port 'receiving UDP on')" \
        2>>"$work/mutate.log" &
    helpers+=($!)
    servers+=($!)
    come_and_go & helpers+=($!)
    emmgs & helpers+=($!)
    wait "$run"
    status=$?
    kill "${helpers[0]}"
    wait "${helpers[@]}" 2>/dev/null
    return $status
}
check "live: an EIS, an ECMG and EMMGs that mean no good (seed $seed)" live

leaves() { # leaves NUMBER OPTION…: what left of the stream is judged
    local number=$1
    shift
    "$judge" --key "$first=$work/keys/$first.key" --key "$second=$work/keys/$second.key" --clear "$original" --flow "239.1.1.$number:5000" --allow-black \
        --expect-cas-always $first "$@" "$work/out.pcap" >"$work/judged.json" || { json "$work/judged.json" "d['faults']"; return 1; }
}
periods() { json_is "$work/judged.json" "(lambda p: len(p) >= 8 and max(x['length_ms'] for x in p[:-1]) < 1400)(d['services'][0]['periods'])"; }
undisturbed() { leaves 1 && periods; }
check 'a service that they have nothing to do with is not disturbed' undisturbed
optional() { leaves 2; }
check 'optional: no packet in clear, the other CAS opens all' optional
required() { # whether it ever gets on air is up to the ECMG: if so, all is sound
    leaves 3 >/dev/null || json_is "$work/judged.json" "d['faults'] == ['service 1: no packet is scrambled'] and d['packets']['clear'] == 0"
}
check 'required: no packet in clear, the other CAS opens all that is scrambled' required
# To the judge, a service that comes back in the same parity goes on with the crypto-period that it left in.
# Whether a service ever comes on air is up to what is left of the EIS's messages.
ruled() {
    leaves 4 --service 1 --service 2 --allow-early >/dev/null || json_is "$work/judged.json" \
        "all(f.endswith(('no packet is scrambled', 'has no ECM')) for f in d['faults']) and d['packets']['clear'] == 0"
}
check 'under an EIS: no packet in clear, each opens' ruled
met() { # they were there at all
    json_is "$work/run.json" "d['eis']['accepted'] > 1 and d['eis']['refused'] > 5 and d['emmg']['errors'] > 5 and d['emmg']['udp_malformed'] > 20"
}
check 'they have all been heard' met
finish
