#!/usr/bin/env bash
# scramline bench ecmg against our ECMG and against peers that misbehave. Speed only as far as any machine goes.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

bench() { "$scramline" bench ecmg --connect "$ecmg_address" "$@"; }

# ecmg TEXT: an ECMG with this configuration beside the port
ecmg() {
    printf '%s\n' "$1" >"$work/ecmg.yaml"
    start_ecmg "ecmg$tests" --config "$work/ecmg.yaml"
}

# thrice COMMAND…: a machine may stand still for a moment, but not three times
thrice() {
    local try
    for try in 1 2 3; do "$@" && return 0; done
    return 1
}

start_ecmg ecmg
at_a_rate() {
    bench --channels 20 --streams 5 --rate 5000 --duration 1 --json >"$work/b.json" &&
        json_is "$work/b.json" "d['asked'] == d['answered'] == 5000 and d['errors'] == d['timeouts'] == d['unsent'] == d['malformed'] == 0" &&
        json_is "$work/b.json" "0 < d['response_ms']['p50'] <= d['response_ms']['p99'] <= d['response_ms']['max']" &&
        json_is "$work/b.json" "d['response_ms']['p99'] < 100"
}
check '5000 CW_provisions per second, one in a hundred takes up to 100 ms' thrice at_a_rate

flat_out() {
    bench --channels 10 --streams 4 --outstanding 2 --cw-size 16 --access-criteria 0102 --duration 0.5 --version 2 --json >"$work/b.json" &&
        json_is "$work/b.json" "d['asked'] == d['answered'] > 1000 and d['answered_per_second'] > 2000"
}
check 'as fast as it answers' thrice flat_out

many_channels() {
    bench --channels 2000 --streams 5 --rate 2000 --duration 1 --json >"$work/b.json" &&
        json_is "$work/b.json" "d['asked'] == d['answered'] == 2000 and d['lost_channels'] == 0"
}
check '2000 channels with 10 000 streams at once' many_channels

text() {
    bench --duration 0.2 >"$work/t" && grep -q '^answered: [0-9]* ECMs, [0-9]* per second$' "$work/t" &&
        grep -q '^response time: 50 % within .* 99.9 % within .* all within' "$work/t"
}
check 'text' text

ended() {
    kill -TERM "$ecmg_pid" && wait "$ecmg_pid" && grep -qE '^2[0-9]{3} connections, [0-9]+ ECMs, 0 error messages in .* s of a core' "$work/ecmg.log"
}
check "the ECMG's own count" ended
refused_to_connect() { says 1 'Connection refused' bench --duration 0.2; }
check 'an ECMG that is not there is told' refused_to_connect

remembering() {
    ecmg 'channel_status: {lead_CW: 2, CW_per_msg: 1, section_TSpkt_flag: packets}
stream_status: {access_criteria_transfer_mode: yes}'
    bench --channels 3 --streams 2 --access-criteria 01 --duration 0.2 --json >"$work/b.json" &&
        json_is "$work/b.json" "d['asked'] == d['answered'] > 10 and d['channel_status']['ecms'] == 'packets' and d['channel_status']['lead_CW'] == 2"
}
check 'an ECMG that remembers CWs, packets, access criteria always' remembering
missing_criteria() { says 1 'missing mandatory parameter: access_criteria' bench --duration 0.2; }
check 'access criteria that the ECMG misses are told' missing_criteria
too_many() {
    ecmg 'limits: {channels: 2}'
    says 1 'too many channels' bench --channels 3 --duration 0.2
}
check 'a limit of the ECMG is told' too_many

# One answer takes 200 ms, 20 are due in that time: what waits for its turn is charged to the ECMG.
no_omission() {
    ecmg 'laboratory: {answer_delay: 200}'
    exits 1 bench --rate 100 --duration 1 --json >"$work/b.json" &&
        json_is "$work/b.json" "3 <= d['asked'] <= 6 and d['asked'] == d['answered'] and d['asked'] + d['unsent'] == 100" &&
        json_is "$work/b.json" "d['response_ms']['p50'] > 400 and d['response_ms']['max'] > 700"
}
check 'time counts from when a CW_provision was due' no_omission
late() {
    exits 1 bench --timeout 0.05 --duration 0.2 --json >"$work/b.json" 2>"$work/log"
    grep -q 'no ECM_response in time' "$work/log"
}
check 'an ECM that comes too late is told' late

wrong() {
    says 2 '--connect HOST:PORT is needed' "$scramline" bench ecmg &&
        says 2 'a host is needed' "$scramline" bench ecmg --connect :1 &&
        says 2 '8 or 16 bytes' bench --cw-size 9 && says 2 'no version 4' bench --version 4 &&
        says 2 'hexadecimal' bench --access-criteria 0x && says 2 'more than 65535' bench --channels 1000 --streams 1000 &&
        says 2 "unknown option '--key'" bench --key && says 2 'there are: cipher, ecmg' "$scramline" bench disk &&
        exits 0 bench --help && bench --help | grep -q 'Examples:'
}
check 'wrong command lines' wrong

# What follows speaks just enough to be set up.
serve="
def take(c):
    head = b''
    while len(head) < 5:
        part = c.recv(5 - len(head))
        if not part: sys.exit()
        head += part
    size = int.from_bytes(head[3:], 'big'); body = b''
    while len(body) < size: body += c.recv(size - len(body))
    return int.from_bytes(head[1:3], 'big'), body
def ecm(body, datagram): return message(0x202, (0xe, b'\\0\\1'), (0xf, b'\\0\\1'), (0x12, body[16:18]), (0x15, datagram))
def start():
    c, _a = server.accept()
    take(c); c.sendall(status)
    take(c); c.sendall(stream)
    kind, body = take(c); c.sendall(ecm(body, b'\\x80\\x70\\0'))
    return c
"
garbage() {
    peer "$serve
c = start()
while True:
    kind, body = take(c)
    if kind == 0x201: c.sendall(ecm(body, b'\\x42\\x70\\0'))"
    ecmg_address=127.0.0.1:$peer_port
    exits 1 bench --rate 100 --duration 0.2 --json >"$work/b.json" && json_is "$work/b.json" "d['malformed'] == d['answered'] == 20"
}
check 'answers that are no ECMs are counted' garbage
other_cp() {
    peer "$serve
c = start()
while True:
    kind, body = take(c)
    if kind == 0x201: c.sendall(ecm(b'\\0' * 16 + bytes([body[16] ^ 1, body[17]]), b'\\x80\\x70\\0'))"
    ecmg_address=127.0.0.1:$peer_port
    exits 1 bench --rate 100 --duration 0.2 --timeout 0.1 --json >"$work/b.json" &&
        json_is "$work/b.json" "d['answered'] == 0 and d['timeouts'] == d['asked'] > 0"
}
check 'an ECM for another crypto-period is no answer' other_cp
errors() {
    peer "$serve
c = start()
while True:
    kind, body = take(c)
    if kind == 0x201: c.sendall(message(0x106, (0xe, b'\\0\\1'), (0xf, b'\\0\\1'), (0x7000, b'\\0\\x0d')))"
    ecmg_address=127.0.0.1:$peer_port
    exits 1 bench --rate 100 --duration 0.2 --json >"$work/b.json" && json_is "$work/b.json" "d['errors'] == d['asked'] == 20 and 'out of computational' in d['failure']"
}
check 'errors are counted, the first is told' errors
hangs_up() {
    peer "$serve
c = start(); take(c); c.close()"
    ecmg_address=127.0.0.1:$peer_port
    exits 1 bench --rate 100 --duration 0.2 --json >"$work/b.json" && json_is "$work/b.json" "d['lost_channels'] == 1 and 'channel 1' in d['failure']"
}
check 'a channel that is lost' hangs_up
interrupted() {
    ecmg 'port: 0'
    "$scramline" bench ecmg --connect "$ecmg_address" --rate 10 --duration 60 >"$work/t" 2>"$work/log" &
    local pid=$!
    sleep 0.5
    kill -INT "$pid"
    wait "$pid"
    [ $? = 1 ] && grep -q interrupted "$work/log" && [ ! -s "$work/t" ]
}
check 'an interruption ends it' interrupted
finish
