#!/usr/bin/env bash
# An SCG of a component beside that of its service: control words and CA_descriptor of its own, and never in clear.
# shellcheck disable=SC2119,SC2154
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/e2e/captures_live.sh
. "$(dirname "$0")/captures_live.sh"
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

eis() { "$scramline" eis -c "$work/eis.yaml" --connect "$eis_address" --retry 5 --json "$@" >"$work/eis.out" 2>"$work/eis.log"; }

feed "$work/in.fifo" "$original" 239.1.1.1 5000 --mbit 3
run_to_end &
run=$!
servers+=("$run")
for ((try = 0; try < 200; try++)); do grep -qs running: "$work/log" && break; sleep 0.1; done
eis_address=127.0.0.1:$(grep -oE 'EIS: listening on 127.0.0.1 port [0-9]+' "$work/log" | grep -oE '[0-9]+$')
sleep 1

cat >"$work/eis.yaml" <<YAML
{transport_stream_id: 1, original_network_id: 0xff01, scgs: [
 {id: 1, reference_id: 1, services: [1], ecm_groups: [{super_cas_id: 0x5CA10001, ecm_id: 1}]},
 {id: 2, reference_id: 1, components: [257], ecm_groups: [{super_cas_id: 0x5CA20002, ecm_id: 1}], activation_time: "+2s"}]}
YAML
check 'SCGs of a service and of one of its components are accepted' eis
sleep 5
apart() { json_is "$work/status.json" "sorted((s['services'], s['components'], s['on_air']) for s in d['streams'][0]['scgs']) == [([], [257], True), ([1], [], True)]"; }
check 'both are on air' apart
check 'the removal of the second is accepted' eis --remove 2
ended() { wait "$run"; }
check 'the run ends well' ended

python3 - "$work/out.pcap" >"$work/seen.json" <<'PY'
import json, struct, sys
data, at, number = open(sys.argv[1], 'rb').read(), 24, 0
pmts, clear, turns = [], 0, {256: [], 257: []}
while at < len(data):
    size = struct.unpack('<I', data[at + 8:at + 12])[0]
    payload, at = data[at + 16 + 42:at + 16 + size], at + 16 + size
    for i in range(0, len(payload) - 187, 188):
        packet, number = payload[i:i + 188], number + 1
        pid, control = (packet[1] & 31) << 8 | packet[2], packet[3] >> 6
        if pid in turns and packet[3] & 0x10:
            clear += control == 0
            if control and (not turns[pid] or turns[pid][-1][1] != control):
                turns[pid].append((number, control))
        elif pid == 0x1000 and packet[1] & 0x40:
            section = packet[5:8 + ((packet[6] & 15) << 8 | packet[7])]
            at_components = section[12 + ((section[10] & 15) << 8 | section[11]):-4]
            if not pmts or pmts[-1] != (b'\x09\x04\x5c\xa2' in at_components):
                pmts.append(b'\x09\x04\x5c\xa2' in at_components)
json.dump({'pmts': pmts, 'clear': clear,
           'turns': [len(turns[256]), len(turns[257])]}, sys.stdout)
PY
check 'no packet is in clear' json_is "$work/seen.json" "d['clear'] == 0"
check 'the PMT has a CA_descriptor at the component while it lasts' json_is "$work/seen.json" "d['pmts'] == [False, True, False]"
check 'control words go on turning' json_is "$work/seen.json" "min(d['turns']) >= 7"
finish
