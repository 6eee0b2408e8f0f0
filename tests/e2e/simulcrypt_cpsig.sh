#!/usr/bin/env bash
# A C(P)SIG and a live headend: what it has inserted stands in PMT and CAT, and it hears of PIDs and services. Half-way
# the video takes the PID that the ECMs have.
# shellcheck disable=SC2119,SC2154
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/e2e/captures_live.sh
. "$(dirname "$0")/captures_live.sh"
original=$work/changing.ts
changed changing "$original"

start_ecmg alpha || { echo 'Bail out! the ECMG did not start'; exit 1; }
python3 "$(dirname "$0")/cpsig.py" 0x5CA10001 7 1 c0ffee beef99 >"$work/cpsig.log" 2>"$work/cpsig.error" &
servers+=($!)
for ((try = 0; try < 100; try++)); do [ -s "$work/cpsig.log" ] && break; sleep 0.1; done
cat >"$work/run.yaml" <<YAML
workers: 1
memory: {hugepages: never}
cas: [{name: alpha, super_cas_id: 0x5CA10001, ecmgs: ["$ecmg_address"], private_data: "01"}]
cpsig: [{cas: alpha, address: "127.0.0.1:$(head -n 1 "$work/cpsig.log")"}]
emmg: {listen: "127.0.0.1:0", streams: [{client_id: 0x5CA10001, data_id: 9, stream: one, pid: 0x1E00, private_data: "02"}]}
ports: [{name: port, device: "net_pcap0,rx_pcap=$work/in.fifo,tx_pcap=$work/out.pcap"}]
streams:
  - {name: one, input: {port: port, address: "239.1.1.1:5000"}, output: {port: port}, services: [1], crypto_period: 2, cas: [{name: alpha, ecm_id: 7, ecm_pid: 0x180}]}
YAML

feed "$work/in.fifo" "$original" 239.1.1.1 5000 --mbit 3
run_to_end &
run=$!
servers+=("$run")
for ((try = 0; try < 200; try++)); do grep -qs running: "$work/log" && break; sleep 0.1; done
mux=127.0.0.1:$(grep -oE 'EMMGs: listening on 127.0.0.1 port [0-9]+' "$work/log" | grep -oE '[0-9]+$')
mkdir "$work/emms"
printf '\x82\x70\x04abcd' >"$work/emms/emms.bin"
timeout 60 "$scramline" emmg --quiet --mux "$mux" --client-id 0x5CA10001 --data-id 9 --bitrate 10 "$work/emms" >"$work/emmg.log" 2>&1 &
servers+=($!)
status() {
    local try
    for ((try = 0; try < 100; try++)); do
        [ -s "$work/status.json" ] && json_is "$work/status.json" "d['cpsig'][0]['channel_up'] and d['cpsig'][0]['insertions'] > 1" >"$work/wait" && return 0
        sleep 0.1
    done
    cat "$work/wait" "$work/cpsig.log" "$work/cpsig.error"
    return 1
}
check 'the status file tells of it while it runs' status
ended() { wait "$run"; }
check 'the run ends well' ended
for ((try = 0; try < 100; try++)); do grep -qs '"end"' "$work/cpsig.log" && break; sleep 0.1; done

python3 - "$work" <<'PY'
import json, struct, sys
work = sys.argv[1]
with open(f'{work}/cpsig.log', encoding='ascii') as file:
    events = [json.loads(line) for line in file.readlines()[1:]]
data, at, pmt, cat = open(f'{work}/out.pcap', 'rb').read(), 24, [], []

def descriptors(loop):
    while loop:
        yield loop[0], loop[2:2 + loop[1]]
        loop = loop[2 + loop[1]:]

def note(seen, section, loop):
    found = (section[5] >> 1 & 31, sorted(body.hex() for tag, body in descriptors(loop) if tag == 9))
    if not seen or seen[-1] != found:
        seen.append(found)

while at < len(data):
    size = struct.unpack('<I', data[at + 8:at + 12])[0]
    payload, at = data[at + 16 + 42:at + 16 + size], at + 16 + size
    for i in range(0, len(payload) - 187, 188):
        packet = payload[i:i + 188]
        pid, section = (packet[1] & 31) << 8 | packet[2], packet[5:]
        if not packet[1] & 0x40 or section[0] not in (1, 2):
            continue
        section = section[:3 + ((section[1] & 15) << 8 | section[2])]
        if pid == 1:
            note(cat, section, section[8:-4])
        elif section[0] == 2 and section[3:5] == b'\0\1':
            note(pmt, section, section[12:12 + ((section[10] & 15) << 8 | section[11])])
with open(f'{work}/seen.json', 'w', encoding='ascii') as file:
    json.dump({'events': events, 'pmt': pmt, 'cat': cat}, file)
PY
seen() { json_is "$work/seen.json" "$1"; }
of() { echo "[e for e in d['events'] if e['event'] == '$1']"; }
private_data="[v[1][0][8:] for v in d['pmt'] if v[1]]"
check 'channel and stream have the names of the CAS and of the transport stream' \
    seen "$(of channel)[0]['custom_cas_id'] == '5ca10001' and $(of stream)[0]['transport_stream_id'] == ['0001'] and $(of stream)[0]['original_network_id'] == ['ff01']"
check 'it is told the PID of the ECMs' seen "$(of pid)[0]['pid'] == 0x180 and [v for v in d['pmt'] if v[1]][0][1][0][:8] == '5ca1e180'"
check 'and their new one, as the PMT has it' \
    seen "$(of trigger)[0]['change'] == ['015ca1000100071f00'] and d['pmt'][-1][1][0][:8] == '5ca1ff00'"
check 'and of the service that has changed' seen "[1] in [e['service'] for e in $(of service_change)]"
check 'private data replaces what is configured in the PMT, in a version of its own' \
    seen "${private_data}[:2] == ['01', 'c0ffee'] and len({v[0] for v in d['pmt'] if v[1]}) == 3"
check 'and stays when the C(P)SIG goes' seen "${private_data}[-1] == 'c0ffee'"
check 'private data of the CAT comes, and is taken back' \
    seen "[v[1][0][8:] for v in d['cat'] if v[1]][-2:] == ['beef99', '02']"
check 'what cannot be inserted is answered so' \
    seen "[[e['status'] for e in d['events'] if e['event'] == n] for n in ('pmt', 'cat', 'other_service', 'other_cas', 'too_long', 'component')] == [['00'], ['00'], ['01'], ['01'], ['01'], ['01']]"
check 'it is given the PMT as it came' seen "[s[:2] == '02' and 'c0ffee' not in s for s in $(of table)[0]['sections']] == [True]"
check 'it comes back after a lost connection' seen "len($(of channel)) == 2 and $(of taken_back)[0]['status'] == '00'"
told() { json_is "$work/run.json" "(lambda c: c['insertions'] == 7 and c['refused'] >= 4 and c['attempts'] >= 2 and c['triggers'] == 1)(d['cpsig'][0])"; }
check 'the summary tells of it' told
finish
