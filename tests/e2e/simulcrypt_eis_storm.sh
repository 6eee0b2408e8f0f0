#!/usr/bin/env bash
# What an EIS may not have, a service that moves, definitions that replace each other fast: judged from the output.
# shellcheck disable=SC2119,SC2154
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/e2e/captures_live.sh
. "$(dirname "$0")/captures_live.sh"
here=$(dirname "$0")
original=$(programme)
seed=${EIS_SEED:-$RANDOM} count=${EIS_COUNT:-70}
for _ in {1..4}; do cat "$original"; done >"$work/long.ts"

mkdir -p "$work/keys" && chmod 700 "$work/keys"
"$scramline" keys service --out "$work/keys/alpha.key" >/dev/null 2>&1
start() { # start NAME WITHOUT_SCG: a run; sets $run and $eis_port
    local name=$1 try alpha beta
    # ECMGs of its own: ECM_channel_ids and ECM_ids of two headends would clash.
    start_ecmg "alpha_$name" --service-key "$work/keys/alpha.key" && alpha=$ecmg_address &&
        start_ecmg "beta_$name" --service-key "$work/keys/alpha.key" && beta=$ecmg_address || return 1
    cat >"$work/$name.yaml" <<YAML
workers: 1
memory: {hugepages: never}
eis: {listen: "127.0.0.1:0", max_scg: 2}
cas:
  - {name: alpha, super_cas_id: 0x5CA10001, ecmgs: ["$alpha"]}
  - {name: beta, super_cas_id: 0x5CA20002, required: no, ecmgs: ["$beta"]}
ports: [{name: port, device: "net_pcap0,rx_pcap=$work/$name.fifo,tx_pcap=$work/$name.pcap"}]
streams:
  - {name: one, input: {port: port, address: "239.1.1.1:5000"}, output: {port: port}, crypto_period: 1, eis: {services: [1, 2], without_scg: $2}}
YAML
    feed "$work/$name.fifo" "$work/long.ts" 239.1.1.1 5000 --mbit 3
    timeout --foreground 90 "$scramline" run -c "$work/$name.yaml" --json >"$work/$name.json" 2>"$work/$name.log" &
    run=$!
    servers+=("$run")
    for ((try = 0; try < 300; try++)); do grep -qs running: "$work/$name.log" && break; sleep 0.1; done
    eis_port=$(grep -oE 'EIS: listening on 127.0.0.1 port [0-9]+' "$work/$name.log" | grep -oE '[0-9]+$')
}
conversation() { # conversation NAME: all of it went well
    cat "$work/$1.tap"
    grep -q '^ok' "$work/$1.tap" && ! grep -q '^not ok\|Error' "$work/$1.tap"
}
ended() { kill -INT "$1" && wait "$1"; }
sane() { # sane NAME: nothing could not be carried out
    ! grep -E 'cannot be carried out|out of memory|ERROR: |runtime error|is taken|left out' "$work/$1.log"
}

if ! { start black black && black=$run black_port=$eis_port && start clear clear && clear=$run clear_port=$eis_port; }; then
    echo 'Bail out! a headend did not start'
    exit 1
fi
sleep 1
python3 "$here/eis_peer.py" keep "$clear_port" "$seed" "$count" >"$work/clear.tap" 2>&1 &
peer=$!
python3 "$here/eis_peer.py" anything "$black_port" "$seed" "$count" >"$work/black.tap" 2>&1
wait "$peer"
echo "# seed $seed"
check 'an EIS gets what it may have, and the right error_status for all else' conversation black
check 'so it is beside services that are clear' conversation clear
check 'the one run ends well' ended "$black"
check 'the other one ends well' ended "$clear"
check 'all that was accepted could be carried out' sane black
check 'in the other one, too' sane clear

# runs of what the video and audio of service 1 and 2 were: "clear" or "scrambled"
python3 - "$work/black.pcap" "$work/clear.pcap" >"$work/seen.json" <<'PY'
import json, struct, sys
seen = []
for path in sys.argv[1:]:
    data, at, turns = open(path, 'rb').read(), 24, {256: [], 257: [], 258: [], 259: []}
    while at + 16 <= len(data):
        size = struct.unpack('<I', data[at + 8:at + 12])[0]
        payload, at = data[at + 16 + 42:at + 16 + size], at + 16 + size
        for i in range(0, len(payload) - 187, 188):
            pid = (payload[i + 1] & 31) << 8 | payload[i + 2]
            if pid in turns and payload[i + 3] & 0x10:
                state = 'scrambled' if payload[i + 3] & 0xc0 else 'clear'
                if turns[pid][-1:] != [state]:
                    turns[pid].append(state)
    seen.append(turns)
json.dump({'black': seen[0], 'clear': seen[1]}, sys.stdout)
PY
check 'where the operator says black, nothing an EIS does makes it clear' json_is "$work/seen.json" \
    "all(runs == ['scrambled'] for runs in d['black'].values())"
check 'where the operator says clear, a service is so before its SCG and after it, never in it' json_is "$work/seen.json" \
    "all(d['clear'][pid] == ['clear', 'scrambled', 'clear'] for pid in ('256', '257'))"
finish
