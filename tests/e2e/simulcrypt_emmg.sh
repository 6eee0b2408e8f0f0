#!/usr/bin/env bash
# EMMGs and a live headend: EMMs reach their PID in order and without loss, over TCP and UDP, and the CAT names it.
# shellcheck disable=SC2119
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/e2e/captures_live.sh
. "$(dirname "$0")/captures_live.sh"
original=$(programme)
cw=0123456789abcdef

cat >"$work/run.yaml" <<YAML
workers: 1
memory: {hugepages: never}
emmg:
  listen: "127.0.0.1:0"
  udp: "127.0.0.1:0"
  streams:
    - {client_id: 0x5CA10001, stream: one, pid: 0x1E00, bandwidth: 200, private_data: "c0de"}
    - {client_id: 0x5CA20001, stream: one, pid: 0x1E01}
    - {client_id: 0x5CA30001, data_id: 9, stream: one, pid: 0x1E02, data_type: private}
ports: [{name: port, device: "net_pcap0,rx_pcap=$work/in.fifo,tx_pcap=$work/out.pcap"}]
streams: [{name: one, input: {port: port, address: "239.1.1.1:5000"}, output: {port: port}, cw: "$cw"}]
YAML

# EMMs of three EMMGs: sections that are numbered
python3 - "$work" <<'PY'
import os, sys
for name, table, count in (('a', 0x82, 300), ('b', 0x83, 100), ('c', 0x84, 50)):
    os.mkdir(f'{sys.argv[1]}/{name}')
    with open(f'{sys.argv[1]}/{name}/emms.bin', 'wb') as out:
        for n in range(count):
            body = name.encode() * (20 + n % 300) + n.to_bytes(2, 'big')
            out.write(bytes([table, 0x70 | len(body) >> 8, len(body) & 255]) + body)
PY

feed "$work/in.fifo" "$original" 239.1.1.1 5000 --mbit 3
run_to_end &
run=$!
servers+=("$run")
for ((try = 0; try < 200; try++)); do grep -qs running: "$work/log" && break; sleep 0.1; done
port() { grep -oE "$1 127.0.0.1 port [0-9]+" "$work/log" | grep -oE '[0-9]+$'; }
mux=127.0.0.1:$(port 'EMMGs: listening on')
udp=127.0.0.1:$(port 'receiving UDP on')
sleep 2

emmg() { # emmg NAME CLIENT_ID OPTION…: once through its folder
    local name=$1 client_id=$2
    shift 2
    timeout 20 "$scramline" emmg --quiet --json --mux "$mux" --client-id "$client_id" --cycle 1 "$@" "$work/$name" >"$work/$name.json" 2>"$work/$name.log" ||
        { cat "$work/$name.json" "$work/$name.log"; return 1; }
}
at_once() {
    local first second
    emmg a 0x5CA10001 --bitrate 500 &
    first=$!
    emmg b 0x5CA20001 --bitrate 100 --packets &
    second=$!
    emmg c 0x5CA30001 --data-id 9 --data-type private --bitrate 100 --udp "$udp" && wait $first && wait $second
}
check 'three EMMGs at once: sections and packets over TCP, private data over UDP' at_once
refused() {
    timeout 5 "$scramline" emmg --quiet --mux "$mux" --client-id 0x5CA90001 --cycle 1 "$work/a" >"$work/refused" 2>&1
    grep -qi 'unknown client_id' "$work/refused" || { cat "$work/refused"; return 1; }
}
check 'an EMMG that is not configured is refused' refused
ended() { wait "$run"; }
check 'the run ends well' ended

# What left: sections of three PIDs, CAs of the CAT.
python3 - "$work/out.pcap" "$original" >"$work/seen.json" <<'PY'
import json, struct, sys
data, pids, cat, at, others = open(sys.argv[1], 'rb').read(), {}, {}, 24, 0
while at < len(data):
    size = struct.unpack('<I', data[at + 8:at + 12])[0]
    payload, at = data[at + 16 + 42:at + 16 + size], at + 16 + size
    for i in range(0, len(payload) - 187, 188):
        packet = payload[i:i + 188]
        pid = (packet[1] & 31) << 8 | packet[2]
        if pid in (0x1E00, 0x1E01, 0x1E02):
            pids.setdefault(pid, []).append(packet)
        elif pid == 1:
            section = packet[5:8 + ((packet[6] & 15) << 8 | packet[7])]
            entries, loop = [], section[8:-4]
            while loop:
                entries.append(loop[2:2 + loop[1]].hex())
                loop = loop[2 + loop[1]:]
            cat[section[5] >> 1 & 31] = entries
result = {'cat': cat, 'pids': {}}
for pid, packets in pids.items():
    stream, numbers, jumps = b'', [], 0
    for n, packet in enumerate(packets):
        jumps += n > 0 and packet[3] & 15 != (packets[n - 1][3] + 1) & 15
        if packet[1] & 0x40: # pointer_field: what stands before the first new section ends the last one
            stream += packet[5:]
        else:
            stream += packet[4:]
    while stream:
        if stream[0] == 0xff:
            stream = stream[1:]
            continue
        size = 3 + ((stream[1] & 15) << 8 | stream[2])
        numbers.append(int.from_bytes(stream[size - 2:size], 'big'))
        stream = stream[size:]
    result['pids'][str(pid)] = {'numbers': numbers, 'jumps': jumps, 'packets': len(packets)}
json.dump(result, sys.stdout)
PY
in_order() { json_is "$work/seen.json" "d['pids']['$1']['numbers'] == list(range($2)) and d['pids']['$1']['jumps'] == 0"; }
check 'sections: all, in order, packets counted on' in_order 7680 300
check 'packets: all, in order, with a PID and counters of ours' in_order 7681 100
check 'private data over UDP: all, in order' in_order 7682 50
named() { json_is "$work/seen.json" "sorted(d['cat'][max(d['cat'], key=int)]) == ['5ca1fe00c0de', '5ca2fe01']"; }
check 'the CAT names the PIDs of EMMs, with private data, and not that of private data' named
untouched() {
    "$scramline" descramble --flow 239.1.1.1:5000 --cw $cw "$work/out.pcap" "$work/d.ts" &&
        "$compare_ts" --ignore 1 --ignore 17 --ignore 0x1000 --ignore 0x1e00 --ignore 0x1e01 --ignore 0x1e02 --lead-in 5000 "$original" "$work/d.ts"
}
check 'the programme is none the worse for it' untouched
told() { json_is "$work/run.json" "[e['datagrams'] > 0 for e in d['emmg']['entries']] == [True] * 3 and d['emmg']['dropped'] == 0"; }
check 'the summary tells of each' told
finish
