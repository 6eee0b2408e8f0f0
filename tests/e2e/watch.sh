#!/usr/bin/env bash
# scramline simulcrypt watch: captures as tshark reads them, and a proxy that changes nothing.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
watch() { "$scramline" simulcrypt watch "$@"; }
original=$(programme)

# agrees FILE [OPTION…]: message by message, type and length, what tshark says of the same capture
agrees() {
    local file=$1
    shift
    tshark -r "$file" -d tcp.port==22330,simulcrypt -d udp.port==22331,simulcrypt -Y simulcrypt -T fields -E occurrence=a \
        -E aggregator=/s -e simulcrypt.message.type -e simulcrypt.message.len 2>/dev/null >"$work/tshark.txt" || return 1
    watch --json --full "$@" "$file" >"$work/watch.json" || return 1
    python3 - "$work/tshark.txt" "$work/watch.json" <<'PY'
import json, sys
theirs = []
for line in open(sys.argv[1]):
    types, lengths = line.rstrip('\n').split('\t')
    theirs += zip((int(t, 16) for t in types.split()), (int(n) for n in lengths.split()))
ours = []
for line in open(sys.argv[2]):
    d = json.loads(line)
    if d['event'] == 'message':
        assert 'fault' not in d, d
        ours.append(d['type'])
    if d['event'] == 'summary':
        summary = d
assert len(theirs) > 20, len(theirs)
assert [t for t, _ in theirs] == ours, (theirs, ours)
assert summary['messages'] == len(ours) and not (summary['invalid'] or summary['gaps'] or summary['bytes_passed_over']), summary
PY
}
# lengths FILE: every parameter's bytes, as the trace shows them, add up to what tshark says is the message_length
lengths() {
    watch --json --show-secrets "$1" >"$work/watch.json" && python3 - "$work/tshark.txt" "$work/watch.json" <<'PY'
import json, sys
SIZES = {'Super_CAS_id': 4, 'client_id': 4, 'section_TSpkt_flag': 1, 'lead_CW': 1, 'CW_per_msg': 1, 'data_type': 1,
         'access_criteria_transfer_mode': 1}
def size(p):
    value = p['value']
    if isinstance(value, str):
        return len(value) // 2
    if isinstance(value, dict):
        return 2 + len(value['CW']) // 2
    return SIZES.get(p['name'], 2)
theirs = [int(n) for line in open(sys.argv[1]) for n in line.rstrip('\n').split('\t')[1].split()]
ours = [sum(4 + size(p) for p in d['parameters']) for d in map(json.loads, open(sys.argv[2])) if d['event'] == 'message']
assert theirs == ours, (theirs, ours)
PY
}
for name in ecmg-scs-v2-packet ecmg-scs-v2-section ecmg-scs-v3-packet ecmg-scs-v3-section emmg-mux-tcp emmg-mux-udp; do
    file=${SCRAMLINE_CAPTURES:-}/simulcrypt/$name.pcap
    if [ -z "${SCRAMLINE_CAPTURES:-}" ]; then
        skip "$name: as tshark reads it" 'SCRAMLINE_CAPTURES is not set'
    elif ! command -v tshark >/dev/null; then
        skip "$name: as tshark reads it" 'tshark is not installed'
    else
        check "$name: types are as tshark reads them" agrees "$file"
        check "$name: lengths are as tshark reads them" lengths "$file"
    fi
done

hidden() { # no CW of a provision, as --show-secrets shows them, is in any other form of output
    local file=$SCRAMLINE_CAPTURES/simulcrypt/ecmg-scs-v3-section.pcap
    watch --show-secrets "$file" | grep -oE 'CP_CW_combination=[0-9]+:[0-9A-F]{16}' | cut -d: -f2 | sort -u >"$work/cws"
    [ "$(wc -l <"$work/cws")" -gt 5 ] || return 1
    ! watch --interface emmg "$file" | grep CW_provision | grep -Ff "$work/cws" && ! watch --json "$file" | grep '"CW_provision"' | grep -Ff "$work/cws"
}
if [ -n "${SCRAMLINE_CAPTURES:-}" ]; then
    check 'control words are hidden unless asked for' hidden
    check 'a capture from a pipe reads alike' bash -c \
        "diff <(cat '$SCRAMLINE_CAPTURES/simulcrypt/emmg-mux-udp.pcap' | '$scramline' simulcrypt watch -) <('$scramline' simulcrypt watch '$SCRAMLINE_CAPTURES/simulcrypt/emmg-mux-udp.pcap')"
else
    skip 'control words are hidden unless asked for' 'SCRAMLINE_CAPTURES is not set'
    skip 'a capture from a pipe reads alike' 'SCRAMLINE_CAPTURES is not set'
fi

start_watch() { # start_watch NAME TARGET OPTION…: a proxy on a free port; sets $watch_port and $watch_pid
    local name=$1 target=$2 try
    shift 2
    "$scramline" simulcrypt watch --listen 127.0.0.1:0 --connect "$target" "$@" >"$work/$name.out" 2>"$work/$name.err" &
    watch_pid=$!
    servers+=("$watch_pid")
    for ((try = 0; try < 100; try++)); do
        watch_port=$(grep -oE 'listening on [^ ]*:[0-9]+' "$work/$name.err" 2>/dev/null | grep -oE '[0-9]+$')
        [ -n "$watch_port" ] && return 0
        sleep 0.1
    done
    cat "$work/$name.err"
    return 1
}
end_watch() { # end_watch SIGNAL: it ends by itself, with a summary
    kill -s "$1" "$watch_pid" && wait "$watch_pid"
}
scrambled() { # scrambled ADDRESS OUT OPTION…
    local address=$1 out=$2
    shift 2
    "$scramline" scramble --json --seed 0077 --ecmg "$address" --crypto-period 3 "$@" "$original" "$out" >"$work/s.json"
}

start_ecmg ecmg || { echo 'Bail out! the ECMG did not start'; exit 1; }
through_proxy() {
    start_watch text "$ecmg_address" || return 1
    scrambled "127.0.0.1:$watch_port" "$work/s.ts" || return 1
    end_watch INT || return 1
    "$scramline" descramble --json "$work/s.ts" "$work/d.ts" >"$work/d.json" && json_is "$work/d.json" "d['packets']['locked'] == 0" || return 1
    cat "$work/text.out"
    grep -q 'SCS → ECMG v3 channel_setup' "$work/text.out" && grep -q 'ECMG → SCS v3 ECM_response' "$work/text.out" &&
        grep -q 'CP_CW_combination=0:hidden' "$work/text.out" && grep -qE 'p50 [0-9.]+ ms, p99 [0-9.]+ ms' "$work/text.out" &&
        grep -qE '#1 127.0.0.1:[0-9]+ → 127.0.0.1:[0-9]+' "$work/text.out" && ! grep -q 'INVALID' "$work/text.out"
}
check 'a scrambler and an ECMG agree through the proxy, and are seen' through_proxy

in_json() {
    start_watch json "$ecmg_address" --json --interface ecmg || return 1
    scrambled "127.0.0.1:$watch_port" "$work/s.ts" && scrambled "127.0.0.1:$watch_port" "$work/s2.ts" && end_watch TERM || return 1
    python3 - "$work/json.out" <<'PY'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
messages = [d for d in lines if d['event'] == 'message']
assert {d['connection'] for d in messages} == {1, 2}
assert [d['message'] for d in messages if d['connection'] == 1][:4] == ['channel_setup', 'channel_status', 'stream_setup', 'stream_status']
assert all(p['value']['CW'] is None for d in messages for p in d['parameters'] if p['name'] == 'CP_CW_combination')
summary = lines[-1]
assert summary['event'] == 'summary' and summary['messages'] == len(messages), summary
trips = summary['round_trips']
assert trips['count'] == summary['messages_by_type']['ECMG-SCS']['ECM_response'] > 6, summary
assert trips['unanswered'] == summary['messages_by_type']['ECMG-SCS']['CW_provision'] - trips['count'] <= 2, summary
assert 0 < trips['p50_ms'] <= trips['p99_ms'] <= trips['longest_ms'], trips
PY
}
check 'lines and summary as JSON, two connections' in_json

counted() {
    start_watch count "$ecmg_address" --count 5 || return 1
    scrambled "127.0.0.1:$watch_port" "$work/s.ts" --ecm-timeout 0.5 2>/dev/null
    wait "$watch_pid" && [ "$(grep -cE '→ (ECMG|SCS) v3' "$work/count.out")" = 5 ] && grep -q '^5 messages' "$work/count.out"
}
check 'it stops after --count messages' counted
timed() { start_watch timed "$ecmg_address" --duration 0.3 && wait "$watch_pid" && grep -q '^0 messages' "$work/timed.out"; }
check 'it stops after --duration' timed

# Anything goes through, in both directions: a megabyte and more each way, with an end that reads late.
anything() {
    peer '
c, _a = server.accept()
import hashlib
got = b""
time.sleep(1)
while len(got) < 6000000:
    piece = c.recv(65536)
    if not piece: break
    got += piece
c.sendall(hashlib.sha256(got).digest() * 100000)
c.close()
'
    start_watch any "127.0.0.1:$peer_port" || return 1
    python3 - "$watch_port" <<'PY'
import hashlib, os, socket, sys
data = os.urandom(6000000)
c = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 20)
c.settimeout(20)
c.sendall(data)
got = b''
while piece := c.recv(65536):
    got += piece
assert got == hashlib.sha256(data).digest() * 100000, len(got)
PY
    local status=$?
    end_watch INT && grep -q '1 connections' "$work/any.out" && return $status
}
check 'bytes that are no message pass unchanged, to slow readers too' anything

# A reader of the trace that has stopped does not stop the link.
unread() {
    local port
    peer '
c, _a = server.accept()
got = 0
while got < 33000:
    piece = c.recv(65536)
    if not piece: break
    got += len(piece)
c.sendall(b"all")
c.close()
'
    mkfifo "$work/unread"
    exec 9<>"$work/unread"
    "$scramline" simulcrypt watch --listen 127.0.0.1:0 --connect "127.0.0.1:$peer_port" --json >"$work/unread" 2>"$work/unread.err" 9>&- &
    watch_pid=$!
    servers+=("$watch_pid")
    for ((try = 0; try < 100; try++)); do
        port=$(grep -oE 'listening on [^ ]*:[0-9]+' "$work/unread.err" | grep -oE '[0-9]+$') && break
        sleep 0.1
    done
    python3 -c "
import socket
c = socket.create_connection(('127.0.0.1', $port), 10)
c.settimeout(10)
c.sendall(bytes.fromhex('0300020006000e00020001') * 3000)
assert c.recv(3) == b'all'" || return 1
    kill -INT "$watch_pid"
    timeout 10 cat <&9 >"$work/unread.out" &
    servers+=($!)
    wait "$watch_pid" || return 1
    exec 9>&-
    for ((try = 0; try < 50; try++)); do tail -n 1 "$work/unread.out" | grep -q '"summary".*}}$' && break; sleep 0.1; done
    tail -n 1 "$work/unread.out" >"$work/unread.json"
    json_is "$work/unread.json" "d['lines_dropped'] > 100 and d['messages'] == 3000"
}
check 'a trace that nobody reads does not hold the link up' unread

nobody() {
    start_watch nobody 127.0.0.1:9 || return 1
    python3 -c "
import socket
c = socket.create_connection(('127.0.0.1', $watch_port), 10)
c.settimeout(10)
assert c.recv(1) == b''" && end_watch INT && cat "$work/nobody.out" && grep -qi 'server: connection refused' "$work/nobody.out"
}
check 'a server that is not there is told' nobody
denied() {
    start_watch denied "$ecmg_address" --allow 192.0.2.0/24 || return 1
    ! scrambled "127.0.0.1:$watch_port" "$work/s.ts" --ecm-timeout 0.5 2>/dev/null && end_watch INT && grep -q '^0 messages on 0 connections' "$work/denied.out"
}
check 'clients that are not allowed are hung up on' denied

datagrams() {
    python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('127.0.0.1', 0)); s.settimeout(10)
print(s.getsockname()[1], flush=True)
print(s.recv(65536).hex(), flush=True)" >"$work/udp" &
    servers+=($!)
    local receiver=$! try udp_port
    for ((try = 0; try < 50; try++)); do [ -s "$work/udp" ] && break; sleep 0.1; done
    start_watch udp "$ecmg_address" --udp-listen 127.0.0.1:0 --udp-connect "127.0.0.1:$(head -n 1 "$work/udp")" || return 1
    for ((try = 0; try < 50; try++)); do
        udp_port=$(grep -oE 'datagrams on [^ ]*:[0-9]+' "$work/udp.err" | grep -oE '[0-9]+$')
        [ -n "$udp_port" ] && break
        sleep 0.1
    done
    python3 -c "
import socket
message = bytes.fromhex('0302110016' '0001000400000001' '000800020001' '0005000482700100')
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(message, ('127.0.0.1', $udp_port))" && wait "$receiver" && end_watch INT || return 1
    cat "$work/udp.out" "$work/udp"
    grep -q '0302110016000100040000000100080002000100050004827001' "$work/udp" && grep -q 'EMMG → MUX v3 data_provision' "$work/udp.out"
}
check 'datagrams are passed on and seen' datagrams

tls() { # a plain client and a plain server; between two proxies the link is encrypted, and both see it
    (
        cd "$work" || exit
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca &&
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout end.key -out end.csr -subj /CN=localhost &&
            printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\n' >san && chmod 600 end.key &&
            openssl x509 -req -in end.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out end.pem
    ) >/dev/null 2>&1 || return 1
    local options=(--tls-certificate "$work/end.pem" --tls-key "$work/end.key" --tls-authorities "$work/ca.pem") inner
    start_watch tls1 "$ecmg_address" "${options[@]}" --tls listen || return 1
    inner=$watch_pid
    start_watch tls2 "127.0.0.1:$watch_port" "${options[@]}" --tls connect || return 1
    scrambled "127.0.0.1:$watch_port" "$work/s.ts" || return 1
    end_watch INT && kill -INT "$inner" && wait "$inner" || return 1
    grep -q 'ECM_response' "$work/tls1.out" && grep -q 'ECM_response' "$work/tls2.out" &&
        diff <(grep -oE 'v3 (CW_provision|ECM_response) .*' "$work/tls1.out") <(grep -oE 'v3 (CW_provision|ECM_response) .*' "$work/tls2.out")
}
check 'an encrypted link is watched from its middle' tls

usage() {
    says 2 'either a FILE' "$scramline" simulcrypt watch && says 2 'either a FILE' "$scramline" simulcrypt watch --listen 127.0.0.1:0 --connect 127.0.0.1:1 x.pcap &&
        says 2 'needs both' "$scramline" simulcrypt watch --listen 127.0.0.1:0 && says 2 'none of ecmg' "$scramline" simulcrypt watch --interface x y.pcap &&
        says 2 'TLS needs' "$scramline" simulcrypt watch --listen 127.0.0.1:0 --connect 127.0.0.1:1 --tls-key x &&
        says 1 'No such file' "$scramline" simulcrypt watch "$work/none.pcap" && says 2 'unknown subcommand' "$scramline" simulcrypt x &&
        says 1 'not in the expected format' "$scramline" simulcrypt watch "$original" &&
        says 1 'cannot listen' "$scramline" simulcrypt watch --listen "$ecmg_address" --connect 127.0.0.1:1 &&
        exits 0 "$scramline" simulcrypt --help >/dev/null && exits 0 "$scramline" simulcrypt watch --help >/dev/null
}
check 'what makes no sense is refused in a line' usage
finish
