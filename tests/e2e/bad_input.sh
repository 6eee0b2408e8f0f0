#!/usr/bin/env bash
# Wrong command lines and broken input: one clear line, the right exit status, nothing lost, nothing clear by accident.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

cw=0123456789abcdef
original=$(programme)

check 'no command: help on standard error, status 2' exits 2 "$scramline"
check 'unknown command' says 2 "unknown command 'nonsense'" "$scramline" nonsense
for command in scramble descramble ecmg emmg eis run keys bench; do
    check "$command --help explains with an example" bash -c "'$scramline' $command --help | grep -q 'Example'"
    check "$command: unknown option" says 2 "unknown option '--nonsense'" "$scramline" $command --nonsense
done
check 'missing operand' says 2 'IN OUT expected' "$scramline" scramble --cw $cw in.ts
check 'no control word' says 2 'where do the control words come from' "$scramline" scramble "$original" "$work/o.ts"
check 'control word too short' says 2 '--cw: dvb-csa2 takes 8 bytes' "$scramline" scramble --cw 0123 "$original" "$work/o.ts"
check 'unknown algorithm' says 2 "'rot13' is not one of" "$scramline" scramble --algorithm rot13 --cw $cw "$original" "$work/o.ts"
nonsense() { # nonsense TEXT OPTION…: what has no effect or contradicts itself is refused
    local text=$1
    shift
    check "refused: $*" says 2 "$text" "$scramline" "$@" "$original" "$work/o.ts"
}
nonsense 'need --ecmg' scramble --cw $cw --policy black
nonsense 'need --ecmg' scramble --cw $cw --ecm-timeout 3
nonsense 'need --ecmg' scramble --cw $cw --ecmg-version 2
nonsense 'do not go with --pid' scramble --cw $cw --pid 256 --components audio
nonsense 'given twice' scramble --cw $cw --service 1 --service 1
nonsense 'given twice' scramble --cw $cw --service 1 --service One
nonsense '--raw-cw goes with' scramble --raw-cw --seed 11 --cw-out "$work/c"
nonsense '--raw-cw goes with' scramble --raw-cw --algorithm dvb-cissa --cw $cw$cw
nonsense '--raw-cw goes with' descramble --raw-cw
nonsense 'no tier' scramble --cw $cw --tier none
nonsense 'no tier' descramble --cw $cw --tier none
nonsense 'too many' scramble --cw $cw --pid 32-8190
nonsense 'from 32 to 8190' scramble --cw $cw --pid 0
nonsense 'from 32 to 8190' scramble --cw $cw --pid 0x1fff
nonsense 'from 32 to 8190' descramble --cw $cw --pid 300-200
nonsense 'takes a file' scramble --seed 11 --cw-out -
nonsense 'is IN or OUT' scramble --seed 11 --cw-out "$work/o.ts"
nonsense 'is IN or OUT' scramble --seed 11 --cw-out "$original"
nonsense 'is no file' scramble --seed 11 --cw-out /dev/null
check 'an empty name' says 2 'empty word' "$scramline" scramble --cw $cw "$original" ''
many=()
for ((i = 0; i < 65; i++)); do many+=(--cw "$cw"); done
too_many() { says 2 'too many' "$scramline" scramble "${many[@]}" "$original" "$work/o.ts" && ! grep -q $cw "$work/stderr"; }
check 'too many control words: none is shown' too_many

cw_out() { # an old list is neither emptied by a run that fails, nor written through a link, nor left open to others
    echo old >"$work/cws" && chmod 644 "$work/cws" && ln -s cws "$work/link" &&
        exits 1 "$scramline" scramble --seed 11 --cw-out "$work/cws" "$original" "$work/none/o.ts" && [ "$(cat "$work/cws")" = old ] &&
        exits 2 "$scramline" scramble --seed 11 --cw-out "$work/link" "$original" "$work/o.ts" && [ "$(cat "$work/cws")" = old ] &&
        [ ! -e "$work/cws.partial" ] && "$scramline" scramble --seed 11 --cw-out "$work/cws" "$original" "$work/w.ts" &&
        [ "$(stat -c %a "$work/cws")" = 600 ] && "$scramline" descramble --cw-file "$work/cws" "$work/w.ts" - | cmp - "$original"
}
check '--cw-out replaces an old list only when it has succeeded' cw_out
odd_names() { # a name that is no UTF-8 does not spoil the summary
    cp "$original" "$work/"$'\xff\xc3.ts' && "$scramline" scramble --json --cw $cw "$work/"$'\xff\xc3.ts' "$work/w.ts" >"$work/s.json" &&
        json_is "$work/s.json" "d['in'].endswith('/\ufffd\ufffd.ts')"
}
check 'names that are no UTF-8' odd_names
nothing_found() { # what was asked for and is not there is said
    "$scramline" scramble --cw $cw "$original" "$work/w.ts" && exits 1 "$scramline" descramble --cw $cw --service 77 "$work/w.ts" "$work/v.ts" 2>"$work/log" &&
        grep -q 'no service 77' "$work/log" && [ ! -e "$work/v.ts" ] && "$scramline" scramble --cw $cw --pid 8000 "$original" "$work/v.ts" 2>"$work/log" &&
        grep -q 'nothing was scrambled' "$work/log"
}
check 'services and PIDs that are not there' nothing_found
check 'descramble: two services' says 2 'one service, or all' "$scramline" descramble --service 1 --service 2 --cw $cw "$original" "$work/o.ts"
check 'no such file' says 1 'No such file' "$scramline" scramble --cw $cw "$work/none.ts" "$work/o.ts"
check 'empty file' bash -c ": >'$work/empty.ts'; . '$(dirname "$0")/common.sh'; says 1 'empty' '$scramline' scramble --cw $cw '$work/empty.ts' '$work/o.ts'"
head -c 100000 /dev/zero >"$work/zero.ts"
check 'no transport stream in it' says 1 'no transport stream' "$scramline" scramble --cw $cw "$work/zero.ts" "$work/o.ts"
check 'a folder' says 1 'directory' "$scramline" scramble --cw $cw "$work" "$work/o.ts"
check 'output over the input' says 2 'same file' "$scramline" scramble --cw $cw "$original" "$original"
check 'no such service' says 1 'there is no service 77' "$scramline" scramble --service 77 --cw $cw "$original" "$work/o.ts"
check 'the services that there are' says 1 '1 (One), 2 (Two)' "$scramline" scramble --service Three --cw $cw "$original" "$work/o.ts"
check 'no output folder' says 1 'No such file' "$scramline" scramble --cw $cw "$original" "$work/none/o.ts"
check 'nothing was written by any of these' bash -c "! ls '$work'/o.ts* 2>/dev/null"
printf '%s\n' 0011223300112233 oops >"$work/bad-cws"
check 'a bad line in a list of control words' says 1 'bad-cws:2' "$scramline" scramble --cw-file "$work/bad-cws" "$original" "$work/o.ts"

truncated() {
    head -c 100050 "$original" >"$work/cut.ts"
    "$scramline" scramble --json --cw $cw "$work/cut.ts" "$work/s.ts" >"$work/s.json" 2>"$work/log" && grep -q 'middle of a packet' "$work/log" &&
        json_is "$work/s.json" "d['input']['bytes_truncated'] == 100050 % 188 and d['packets']['in'] == 100050 // 188"
}
check 'a truncated file: whole packets are scrambled, the rest is counted' truncated

lost_sync() {
    { head -c $((188 * 200)) "$original"; head -c 77 /dev/zero; tail -c +$((188 * 200 + 1)) "$original"; } >"$work/holed.ts"
    "$scramline" scramble --json --cw $cw "$work/holed.ts" "$work/s.ts" >"$work/s.json" 2>"$work/log" && grep -q 'sync lost 1 times' "$work/log" &&
        json_is "$work/s.json" "d['input']['sync_losses'] == 1 and d['input']['bytes_skipped'] == 77" &&
        "$scramline" descramble --cw $cw "$work/s.ts" "$work/d.ts" && cmp "$original" "$work/d.ts"
}
check 'lost sync is found again and counted' lost_sync

# Broken adaptation lengths in the protected video: no payload can be told, so they pass as they are and are counted.
bad_adaptation() {
    python3 - "$original" "$work/bad.ts" <<'PY'
import sys
data = bytearray(open(sys.argv[1], 'rb').read())
hit = 0
for i in range(0, len(data), 188):
    if (data[i + 1] & 31) << 8 | data[i + 2] == 256 and data[i + 3] & 0x30 == 0x30 and not data[i + 1] & 0x40 and hit < 10:
        data[i + 4] = 200
        hit += 1
assert hit == 10
open(sys.argv[2], 'wb').write(data)
PY
    "$scramline" scramble --json --cw $cw "$work/bad.ts" "$work/s.ts" >"$work/s.json" &&
        json_is "$work/s.json" "d['packets']['bad_adaptation'] == 10" &&
        "$scramline" descramble --cw $cw "$work/s.ts" "$work/d.ts" && cmp "$work/bad.ts" "$work/d.ts"
}
check 'broken adaptation lengths are counted' bad_adaptation

no_pmt() {
    python3 - "$original" "$work/nopmt.ts" "$work/badpmt.ts" <<'PY'
import sys
data = open(sys.argv[1], 'rb').read()
packets = [data[i:i + 188] for i in range(0, len(data), 188)]
pid = lambda p: (p[1] & 31) << 8 | p[2]
open(sys.argv[2], 'wb').write(b''.join(p for p in packets if pid(p) != 0x1000))
open(sys.argv[3], 'wb').write(b''.join(p if pid(p) != 0x1000 else p[:20] + bytes([p[20] ^ 1]) + p[21:] for p in packets))
PY
    says 1 'no sound PMT' "$scramline" scramble --cw $cw "$work/nopmt.ts" "$work/n.ts" &&
        says 1 'no sound PMT' "$scramline" scramble --cw $cw "$work/badpmt.ts" "$work/n.ts" && [ ! -e "$work/n.ts" ]
}
check 'a PMT that is missing, or whose CRC is wrong' no_pmt

# A component that a new PMT version adds in mid-stream is scrambled from its first packet: none is ever clear.
new_component() {
    changed changing "$work/changing.ts"
    "$scramline" scramble --json --cw $cw "$work/changing.ts" "$work/s.ts" >"$work/s.json" &&
        python3 - "$work/s.ts" <<'PY' && "$scramline" descramble --cw $cw "$work/s.ts" "$work/d.ts" && cmp "$work/changing.ts" "$work/d.ts"
import sys
data = open(sys.argv[1], 'rb').read()
moved = [data[i:i + 188] for i in range(0, len(data), 188) if data[i + 1] & 31 == 1 and data[i + 2] == 0x80]
assert len(moved) > 500 and all(p[3] >> 6 == 2 for p in moved if p[3] & 0x10), len(moved)
PY
}
check 'a new PMT version is followed, with no clear packet' new_component

absent() { says 1 'no ECM from the ECMG' "$scramline" scramble --ecm-timeout 1 --ecmg 127.0.0.1:9 "$original" "$work/a.ts" && [ ! -e "$work/a.ts" ] && [ ! -e "$work/a.ts.partial" ]; }
check 'an ECMG that is absent: one line, no output' absent

with_peer() { # with_peer TEXT PROGRAM: a run against it fails with one clear line and leaves no clear packet
    peer "$2"
    exits 1 "$scramline" scramble --ecm-timeout 1 --crypto-period 3 --ecmg "127.0.0.1:$peer_port" "$original" "$work/p.ts" 2>"$work/log"
    local status=$?
    cat "$work/log"
    [ $status = 0 ] && grep -q "$1" "$work/log" && [ ! -e "$work/p.ts" ]
}
check 'an ECMG that says nothing' with_peer 'no ECM' "$accept
    time.sleep(2)"
check 'an ECMG that closes' with_peer 'ended' "$accept
    c.recv(999); c.close()"
check 'an ECMG that answers garbage' with_peer 'no ECM' "$accept
    c.sendall(bytes(range(256)) * 20)"
check 'an ECMG that sets up and never answers a CW_provision' with_peer 'no ECM' "$accept
    c.recv(999); c.sendall(status); c.recv(999); c.sendall(stream); c.recv(999); time.sleep(2)"
check 'an ECMG that refuses the channel' with_peer 'unknown Super_CAS_id' "$accept
    c.recv(999); c.sendall(message(5, (0xe, b'\\0\\1'), (0x7000, b'\\0\\5'))); time.sleep(0.3)"

# The ECMG dies in mid-stream: the last crypto-period holds to the end, nothing is clear, and it is said.
dies() {
    peer "
c, _a = server.accept()
c.recv(999); c.sendall(status); c.recv(999); c.sendall(stream)
for n in range(2):
    m = c.recv(4096)
    c.sendall(message(0x202, (0xe, b'\\0\\1'), (0xf, b'\\0\\1'), (0x12, struct.pack('>H', n)), (0x15, bytes([0x80 | n, 0x70, 2, n, 9]))))
c.recv(4096)
c.close(); server.close()
"
    "$scramline" scramble --json --ecm-timeout 1 --crypto-period 1 --policy "$1" --ecmg "127.0.0.1:$peer_port" "$original" "$work/h.ts" >"$work/s.json" 2>"$work/log"
    local status=$?
    cat "$work/log"
    # One time-out, not one for each of the ten crypto-periods that were still to come.
    [ $status = 0 ] && json_is "$work/s.json" "d['seconds'] < 5" && json_is "$work/s.json" "d['degraded']" && json_is "$work/s.json" "$2"
}
check 'the ECMG dies: hold keeps the last crypto-period' dies hold "d['packets']['unscrambled'] == 0 and d['packets']['black'] == 0"
check 'the ECMG dies: black' dies black "d['packets']['unscrambled'] == 0 and d['packets']['black'] > 100"
check 'the ECMG dies: clear, because it was asked for' dies clear "d['packets']['unscrambled'] > 100"

interrupted() {
    mkfifo "$work/fifo"
    { cat "$original"; sleep 5; } >"$work/fifo" &
    "$scramline" scramble --cw $cw "$work/fifo" "$work/i.ts" 2>"$work/log" &
    local pid=$!
    sleep 1
    kill -INT $pid
    wait $pid
    [ $? = 1 ] && grep -q 'kept as .*i.ts.partial' "$work/log" && [ -s "$work/i.ts.partial" ] && [ ! -e "$work/i.ts" ]
}
check 'an interrupted run keeps its partial output under that name' interrupted

full() { says 1 'No space left' "$scramline" scramble --cw $cw "$original" /dev/full; }
check 'a full disk' full
finish
