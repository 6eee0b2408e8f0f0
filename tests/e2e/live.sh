#!/usr/bin/env bash
# scramline run between network namespaces: veth pairs, net_af_packet, ECMGs that come and go. tshark and code of the
# test's own judge what leaves. Needs root; skips by name without.
# shellcheck disable=SC2016,SC2046,SC2086
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
here=$(cd "$(dirname "$0")" && pwd)
if [ "$(id -u)" != 0 ]; then
    skip 'the live headend between network namespaces' 'not root'
    finish
    exit 0
fi
# shellcheck source=scripts/network.sh
. "$here/../../scripts/network.sh"
trap 'remove_network; cleanup' EXIT
trap 'exit 130' INT TERM
make_network >"$work/network.log" 2>&1 || { skip 'the live headend between network namespaces' "no namespaces: $(head -n 1 "$work/network.log")"; finish; exit 0; }

original=$(programme)
packets=$(($(stat -c %s "$original") / 188))
cw=0123456789abcdef
datagrams=$here/datagrams.py
"$scramline" keys >/dev/null

begin_configuration() { # begin_configuration WORKERS: of $work/run.yaml; its streams follow
    cat >"$work/run.yaml" <<YAML
workers: $1
ports:
  - {name: in, device: "net_af_packet0,iface=in0,blocksz=1048576,framesz=2048,framecnt=8192"}
  - {name: out, device: "net_af_packet1,iface=out0,blocksz=1048576,framesz=2048,framecnt=2048"}
streams:
YAML
}

# stream NAME INPUT OUTPUT KEY-VALUES…: a line of YAML each
stream() {
    printf '  - name: %s\n    input: {port: in, address: "%s"}\n    output: {port: out, address: "%s"}\n' "$1" "$2" "$3"
    shift 3
    printf '    %s\n' "$@"
} >>"$work/run.yaml"

ecmg() { echo "ecmg: {address: \"127.0.0.1:$1\", super_cas_id: 0x5CA10001${2:+, $2}}"; } # ecmg PORT [YAML]

start_ecmg_at() { # start_ecmg_at PORT [ARGUMENT…]: in the headend's namespace
    local port=$1
    shift
    background "ecmg$port" ip netns exec "$headend" env SCRAMLINE_LOG=debug "$scramline" ecmg --listen "127.0.0.1:$port" "$@" \
        >"$work/ecmg$port.log" 2>&1
    wait_for "$work/ecmg$port.log" listening
}

start_run() { # start_run [ARGUMENT…]: and a capture of all that leaves
    capture received "$receiver" sl-rx 'udp or (vlan and udp)' &&
        background run ip netns exec "$headend" env SCRAMLINE_LOG=debug "$scramline" run -c "$work/run.yaml" --json "$@" \
            >"$work/run.json" 2>"$work/run.log" && wait_for "$work/run.log" running:
}

# dissect: all that left, as tshark sees it, a line each in $work/wire
dissect() {
    tshark -r "$work/received.pcap" -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -d udp.port==6002,rtp -Y udp -T fields \
        -e frame.time_epoch -e udp.dstport -e udp.payload -e rtp.seq -e udp.checksum.status -e ip.checksum.status \
        -e vlan.id -e eth.dst -e ip.src -e ip.dst -e ip.ttl >"$work/wire"
}

stop_run() { # stop_run SIGNAL: the exit status of the run
    local status
    sleep 0.5
    interrupt run "$1"
    status=$?
    interrupt received
    [ $status = 0 ] || { echo "exit status $status"; cat "$work/run.log"; return 1; }
    dissect
}

# send NAME ARGUMENT…: in the background. all_sent waits for all of them.
senders=()
send() {
    local name=send-$1
    shift
    senders+=("$name")
    background "$name" ip netns exec "$sender" python3 "$datagrams" send "$@" 2>"$work/$name.log"
}
all_sent() {
    local name rc=0
    for name in "${senders[@]}"; do
        while [ ! -s "$work/$name.status" ]; do sleep 0.1; done
        [ "$(cat "$work/$name.status")" = 0 ] || { cat "$work/$name.log"; rc=1; }
    done
    senders=()
    return $rc
}

# of NAME EXPRESSION: whether it is true of stream NAME s, its counters p and its services v
of() {
    json_is "$work/run.json" "[($2) for s in d['streams'] if s['name'] == '$1' for p in [s['packets']] for v in [s['services']]][0]"
}

# judge NAME PORT [ARGUMENT…]: what left on that port, in NAME.json
judge() {
    local name=$1 port=$2 ecm_pid
    shift 2
    ecm_pid=$(json "$work/run.json" "[v[0]['ecm_pid'] for s in d['streams'] if s['name'] == '$name' for v in [s['services']] if v]")
    python3 "$datagrams" judge "$port" --ecm-pid "${ecm_pid:-1}" "$@" <"$work/wire" >"$work/$name.json"
}

# judged NAME PORT PIDS EXPRESSION: what left on that port, of those PIDs, as the expression of d says
judged() {
    local pid pids=()
    for pid in $3; do pids+=(--pid "$pid"); done
    judge "$1" "$2" "${pids[@]}" && json_is "$work/$1.json" "$4"
}
nothing_clear="d['clear'] == 0 and d['unannounced'] == 0"

# opens NAME FLOW ORIGINAL LEAD-IN [OPTION…]: what left is opened again, and equals the original packet by packet
opens() {
    local name=$1 flow=$2 file=$3 lead_in=$4 ignore=() pid
    shift 4
    for pid in 1 17 $(json "$work/run.json" \
        "[v[k] for s in d['streams'] if s['name'] == '$name' for v in s['services'] for k in ('pmt_pid', 'ecm_pid')]"); do
        [ "$pid" = 0 ] || ignore+=(--ignore "$pid")
    done
    "$scramline" descramble --json --flow "$flow" "$@" "$work/received.pcap" "$work/restored.ts" >"$work/opened.json" &&
        "$compare_ts" "${ignore[@]}" --lead-in "$lead_in" "$file" "$work/restored.ts"
}

# Status 1 is good; an IPv6 header has no checksum.
checksums_right() { awk -F '\t' '$5 != 1 || ($9 != "" && $6 != 1) {print; bad = 1} END {exit bad || NR < 1000}' "$work/wire"; }

# each PORT CONDITION: whether it holds for each datagram of that port
each() { awk -F '\t' "\$2 == $1 {n++} \$2 == $1 && !($2) {print; bad = 1} END {exit bad || n < 1000}" "$work/wire"; }

rtp_gapless() { # rtp_gapless PORT: each sequence number one more than the last, over the wrap
    awk -F '\t' "\$2 == $1 {if (n && \$4 != (last + 1) % 65536) {print last, \$4; bad = 1}; wraps += n && \$4 == 0; last = \$4; n++}
        END {exit bad || !wraps || n < 1000}" "$work/wire"
}

adds_up() {
    json_is "$work/run.json" "(lambda f: f['rx_frames'] + f['inserted_frames'] == f['tx_frames'] + d['dropped'])(d['frames'])" &&
        json_is "$work/run.json" "sum(v for k, v in d['frames'].items() if k.startswith('drop_') and k != 'drop_no_memory') == d['dropped']" &&
        json_is "$work/run.json" "all(d['frames'][k] == 0 for k in ('drop_worker_busy', 'drop_tx_full', 'drop_no_memory', 'drop_malformed'))" &&
        json_is "$work/run.json" "all(s['packets']['in'] + s['packets']['inserted'] == s['packets']['out'] for s in d['streams'])"
}

# The ways in and out: UDP, RTP, VLAN, IPv6, unicast; two workers; a change of PMT in mid-stream.
changed changing "$work/changing.ts"
changed growing "$work/growing.ts"
start_ecmg_at 2222
begin_configuration 2
stream udp 239.10.0.1:5001 239.10.1.1:6001 'services: [1, 2]' 'crypto_period: 1' "$(ecmg 2222)"
stream rtp 239.10.0.2:5002 239.10.1.2:6002 'crypto_period: 1' "$(ecmg 2222)"
stream vlan 239.10.0.3:5003 239.10.1.3:6003 'crypto_period: 1' "$(ecmg 2222)"
stream ipv6 '[ff05::a:4]:5004' '[ff05::b:4]:6004' 'algorithm: dvb-cissa' 'services: [Two]' 'crypto_period: 1' "$(ecmg 2222)"
stream changing 239.10.0.5:5005 239.10.1.5:6005 'crypto_period: 1' "$(ecmg 2222)"
stream missing 239.10.0.6:5006 239.10.1.6:6006 'services: [77]' "$(ecmg 2222)"
stream fixed 239.10.0.7:5007 239.10.1.7:6007 "cw: $cw"
stream unicast 10.77.1.8:5008 10.77.2.8:6008 'services: [all]' 'crypto_period: 1' "$(ecmg 2222)"
stream growing 239.10.0.9:5009 239.10.1.9:6009 'services: [all]' 'crypto_period: 1' "$(ecmg 2222)"
sed -i 's/"10.77.2.8:6008"/&, source: "10.77.2.1", ttl: 9, mac: "02:00:00:00:00:08"/' "$work/run.yaml"

prepare_sender() {
    in_ns "$sender" sysctl -qw net.ipv6.conf.sl-tx.disable_ipv6=0
    ip -n "$sender" addr add fd00:77::1/64 dev sl-tx nodad
    ip -n "$sender" neigh replace 10.77.1.8 lladdr 02:00:00:00:00:07 dev sl-tx nud permanent
}

run_ways() {
    prepare_sender && start_run || return 1
    send udp "$original" 239.10.0.1 5001
    send rtp "$original" 239.10.0.2 5002 --rtp --odd
    send vlan "$original" 239.10.0.3 5003 --vlan 7
    send ipv6 "$original" ff05::a:4 5004
    send changing "$work/changing.ts" 239.10.0.5 5005
    send missing "$original" 239.10.0.6 5006
    send fixed "$original" 239.10.0.7 5007 --odd
    send unicast "$original" 10.77.1.8 5008
    send growing "$work/growing.ts" 239.10.0.9 5009
    all_sent
    stop_run INT
}
check 'nine streams on two workers; SIGINT stops them with a summary, status 0' run_ways
check 'every frame is sent or counted as dropped, and none was dropped for lack of room' adds_up
check 'checksums are right, as tshark judges them' checksums_right
check 'UDP, two services: equal to the original' opens udp 239.10.1.1:6001 "$original" 4000
check 'UDP, two services: both on air, in crypto-periods' of udp "len(v) == 2 and all(x['found'] and x['crypto_periods'] >= 4 and not x['degraded'] for x in v) and p['unscrambled'] == 0 and p['in'] == $packets"
check 'UDP: nothing clear of either service' judged udp 6001 '256 257 258 259' "d['clear'] == 0 and d['scrambled'] > 6000"
check 'UDP: the ECM goes before each crypto-period' judged udp 6001 '256 257' "$nothing_clear and len(d['runs']) >= 4"
check 'RTP, odd datagrams: equal to the original' opens rtp 239.10.1.2:6002 "$original" 4000
check 'RTP: sequence numbers without a gap' rtp_gapless 6002
check 'VLAN: equal to the original' opens vlan 239.10.1.3:6003 "$original" 4000
check 'VLAN: the tag stays' each 6003 '$7 == 7'
check 'IPv6, DVB-CISSA, a service by name: equal to the original' opens ipv6 '[ff05::b:4]:6004' "$original" 4000
check 'IPv6: the service is scrambled' judged ipv6 6004 '258 259' "$nothing_clear and d['scrambled'] > 1000"
check 'IPv6: the other one is left alone' judged ipv6 6004 '256 257' "d['scrambled'] == 0 and d['clear'] > 5000"
check 'a new component in mid-stream: no packet of it is clear' judged changing 6005 384 "d['clear'] == 0 and d['scrambled'] > 1000"
check 'a new component in mid-stream: no packet of the old ones is' judged changing 6005 '256 257' "d['clear'] == 0"
check 'a new component in mid-stream: it is soon scrambled' of changing "p['black'] < 2000 and p['unscrambled'] == 0"
check 'a service that is missing: said in the summary' of missing "not v[0]['found'] and p['scrambled'] == 0"
check 'a service that is missing: said in the log' grep -q 'stream missing: .*77' "$work/run.log"
check 'a fixed control word: equal to the original' opens fixed 239.10.1.7:6007 "$original" 4000 --cw $cw
check 'unicast, all services: equal to the original' opens unicast 10.77.2.8:6008 "$original" 4000
check 'unicast: addresses and TTL as configured' each 6008 '$8 == "02:00:00:00:00:08" && $9 == "10.77.2.1" && $10 == "10.77.2.8" && $11 == 9'
check 'all services: one that a PAT lists later is added, and never clear' judged growing 6009 '258 259' "d['clear'] == 0 and d['scrambled'] > 500"
check 'all services: both in the summary' of growing "[x['service_id'] for x in v] == [1, 2] and v[1]['crypto_periods'] >= 2"
check 'all services: equal to the original' opens growing 239.10.1.9:6009 "$work/growing.ts" "$packets"

# ECMGs that die, come back, come late, speak garbage; streams that pause. Our own ECMG at 2222 dies and comes back, the one
# at 2223 comes late, the one at 2224 answers as TSDuck's does; crypto-periods are short so that this is.
interrupt ecmg2222 >/dev/null
cat >"$work/short.yaml" <<YAML
channel_status: {min_CP_duration: 5}
YAML
cat >"$work/tsduck.yaml" <<YAML
channel_status: {section_TSpkt_flag: packets, delay_start: 200, delay_stop: 200, transition_delay_start: -500, min_CP_duration: 5, CW_per_msg: 2, lead_CW: 1}
YAML
begin_configuration 1
for policy in hold black clear; do
    case $policy in hold) n=11 ;; black) n=12 ;; clear) n=13 ;; esac
    stream $policy 239.10.0.$n:50$n 239.10.1.$n:60$n "policy: $policy" 'policy_delay: 0.3' 'crypto_period: 0.5' "$(ecmg 2222)"
done
stream absent 239.10.0.14:5014 239.10.1.14:6014 'crypto_period: 0.5' 'policy: clear' 'policy_delay: 0' "$(ecmg 2223)"
stream pausing 239.10.0.15:5015 239.10.1.15:6015 'crypto_period: 0.5' "$(ecmg 2225)"
stream tsduck 239.10.0.16:5016 239.10.1.16:6016 'crypto_period: 1' "$(ecmg 2224)"
in_headend=(ip netns exec "$headend")
peer "$accept
    c.sendall(bytes(range(256)) * 20)" "${in_headend[@]}"
declare -A ports=([garbage]=$peer_port)
stream garbage 239.10.0.17:5017 239.10.1.17:6017 'policy: clear' 'policy_delay: 0' "$(ecmg "$peer_port")"
peer "$accept
    c.close()" "${in_headend[@]}"
ports[closing]=$peer_port
stream closing 239.10.0.18:5018 239.10.1.18:6018 'policy: clear' 'policy_delay: 0' "$(ecmg "$peer_port")"
# Answers everything, but its ECMs are late by 1.5 crypto-periods; notes the control words that it sees.
peer "
out = open('$work/cws', 'w')
c, _a = server.accept()
m = c.recv(999); c.sendall(status[:9] + m[9:11] + status[11:])
m = c.recv(999); c.sendall(stream[:9] + m[9:11] + stream[11:15] + m[15:17] + stream[17:21] + m[21:23] + stream[23:])
channel_id, stream_id = m[9:11], m[15:17]
while True:
    m = c.recv(4096)
    if not m: break
    at, number = 5, None
    while at < len(m):
        kind, size = struct.unpack('>HH', m[at:at + 4])
        value = m[at + 4:at + 4 + size]
        at += 4 + size
        if kind == 0x12: number = value
        if kind == 0x14: print(value[2:].hex(), file=out, flush=True)
    if m[1:3] != b'\\2\\1': continue
    time.sleep(1.5)
    n = number[1] & 1
    c.sendall(message(0x202, (0xe, channel_id), (0xf, stream_id), (0x12, number), (0x15, bytes([0x80 | n, 0x70, 2, n, 9]))))
" "${in_headend[@]}"
stream late 239.10.0.19:5019 239.10.1.19:6019 'crypto_period: 1' "$(ecmg "$peer_port")"

run_failures() {
    local n
    start_ecmg_at 2222 -c "$work/short.yaml" && start_ecmg_at 2224 -c "$work/tsduck.yaml" &&
        start_ecmg_at 2225 -c "$work/short.yaml" && start_run --duration 60 || return 1
    sleep 1
    for n in 11 12 13 14 16 17 18 19; do send $n "$original" 239.10.0.$n 50$n --mbit 4; done
    send 15 "$original" 239.10.0.15 5015 --mbit 9 --pause 2:4
    sleep 1.3 # attempts to connect come 0, 0.25, 0.75, 1.75 and 3.75 s after the first, which was a second ago
    start_ecmg_at 2223 -c "$work/short.yaml"
    sleep 0.5
    interrupt ecmg2222 KILL >/dev/null
    sleep 2.8
    start_ecmg_at 2222 -c "$work/short.yaml"
    all_sent
    stop_run TERM
}
check 'ECMGs that fail, and a pause; SIGTERM stops the run with a summary, status 0' run_failures
check 'every frame is accounted for' adds_up
check 'the ECMG dies: hold keeps the last crypto-period' judged hold 6011 '256 257' \
    "$nothing_clear and max(r['end'] - r['begin'] for r in d['runs']) > 1.2 and 7 <= len(d['runs']) <= 17"
check 'the ECMG comes back: crypto-periods go on' judged hold 6011 '256 257' \
    "all(r['end'] - r['begin'] < 1 for r in d['runs'][-2:]) and d['runs'][-2]['begin'] > 5"
check 'the ECMG comes back: degraded no more' of hold "not v[0]['degraded'] and v[0]['stretched'] >= 1 and p['unscrambled'] == 0"
check 'the ECMG dies, hold: equal to the original throughout' opens hold 239.10.1.11:6011 "$original" 4000
check 'the ECMG dies, black: nothing is clear' judged black 6012 '256 257' "$nothing_clear"
check 'the ECMG dies, black: until it is back' of black "p['black'] > 1000 and p['unscrambled'] == 0 and not v[0]['degraded']"
check 'the ECMG dies, black: what is left equals the original' opens black 239.10.1.12:6012 "$original" "$packets"
check 'the ECMG dies, clear: because it was asked for' judged clear 6013 '256 257' "d['clear'] > 300 and d['runs'][-1]['control'] > 1"
check 'the ECMG dies, clear: until it is back' of clear "p['unscrambled'] > 300 and not v[0]['degraded']"
check 'the ECMG dies, clear: equal to the original throughout' opens clear 239.10.1.13:6013 "$original" 4000
check 'an ECMG that is absent at start: nothing is clear, then scrambled' judged absent 6014 '256 257' "$nothing_clear and len(d['runs']) >= 2"
check 'an ECMG that is absent at start: black until then, whatever the policy' of absent "p['black'] > 500 and p['unscrambled'] == 0"
check 'an ECMG that is absent at start: what is left equals the original' opens absent 239.10.1.14:6014 "$original" "$packets"
check 'a stream that pauses for eight crypto-periods: ECM first when it is back' judged pausing 6015 '256 257' "$nothing_clear"
check 'a stream that pauses: right at once when it is back' opens pausing 239.10.1.15:6015 "$original" 4000
check 'a stream that pauses: its CAS did not fail meanwhile' of pausing "not v[0]['degraded'] and v[0]['stretched'] <= 1"
check 'ECMs as TS packets, 200 ms after the crypto-period begins: equal to the original' opens tsduck 239.10.1.16:6016 "$original" 6000
# The first scrambled packet comes 500 ms after the first ECM; each further ECM 200 ms after its parity.
check 'transition_delay_start -500 is kept' judged tsduck 6016 '256 257' \
    "d['clear'] == 0 and len(d['runs']) >= 7 and 0.45 <= d['runs'][0]['begin'] - d['ecms'][0]['time'] <= 0.8"
check 'delay_start 200 is kept' judged tsduck 6016 '256 257' \
    "all(any(0.15 <= e['time'] - r['begin'] <= 0.4 and e['table'] == r['control'] + 0x7e for e in d['ecms']) for r in d['runs'][1:-1])"
for name in garbage closing; do
    case $name in garbage) n=17 ;; closing) n=18 ;; esac
    check "an ECMG that is $name: nothing is ever clear" judged $name 60$n '256 257' "d['clear'] == 0 and d['scrambled'] == 0"
    check "an ECMG that is $name: black instead" of $name "p['black'] > 5000 and p['unscrambled'] == 0"
    check "an ECMG that is $name: said in the log" grep -q "warning: CAS 127.0.0.1:${ports[$name]}: .*127.0.0.1:${ports[$name]}" "$work/run.log"
done
check 'an ECMG that is late: nothing is clear' judged late 6019 '256 257' "$nothing_clear and len(d['runs']) >= 4"
check 'an ECMG that is late: crypto-periods are stretched' of late "v[0]['stretched'] >= 2"
no_secret() { # no control word that an ECMG saw, and no service key, is in a log or summary
    local key secret
    key=$(od -An -v -tx1 "$SCRAMLINE_KEY_DIR/service.key" | tr -d ' \n')
    [ "$(sort -u "$work/cws" | wc -l)" -ge 3 ] || return 1
    for secret in $cw "$key" "$(tr -d '\n' <"$SCRAMLINE_KEY_DIR/service.key")" $(cat "$work/cws"); do
        if tr -d ' :\n' <"$work/logs" | grep -qiaF -- "$secret"; then echo 'found one'; return 1; fi
    done
}
cat "$work"/run*.log "$work"/ecmg*.log "$work"/run*.json >"$work/logs"
check 'no control word or key in logs (debug) and summary' no_secret
finish
