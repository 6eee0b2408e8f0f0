#!/usr/bin/env bash
# Wrong command lines and broken input: one clear line, the right exit status, nothing lost, nothing clear by accident.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

cw=0123456789abcdef
original=$(programme)

check 'no command: help on standard error, status 2' exits 2 "$scramline"
check 'unknown command' says 2 "unknown command 'nonsense'" "$scramline" nonsense
for command in scramble descramble ecmg run keys; do
    check "$command --help explains with an example" bash -c "'$scramline' $command --help | grep -q 'Example'"
    check "$command: unknown option" says 2 "unknown option '--nonsense'" "$scramline" $command --nonsense
done
check 'missing operand' says 2 'IN OUT expected' "$scramline" scramble --cw $cw in.ts
check 'no control word' says 2 'where do the control words come from' "$scramline" scramble "$original" "$work/o.ts"
check 'control word too short' says 2 '--cw: dvb-csa2 takes 8 bytes' "$scramline" scramble --cw 0123 "$original" "$work/o.ts"
check 'unknown algorithm' says 2 "'rot13' is not one of" "$scramline" scramble --algorithm rot13 --cw $cw "$original" "$work/o.ts"
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
    python3 - "$original" "$work/changing.ts" <<'PY'
import sys
def crc32(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04c11db7) & 0xffffffff if crc & 0x80000000 else crc << 1
    return crc
data = open(sys.argv[1], 'rb').read()
out, half, seen = [], len(data) // 376, False
for n, i in enumerate(range(0, len(data), 188)):
    p = data[i:i + 188]
    pid = (p[1] & 31) << 8 | p[2]
    if n > half and pid == 0x1000:
        s = p[5:5 + 3 + ((p[6] & 15) << 8 | p[7])]
        body = bytearray(s[:-4]).replace(bytes.fromhex('e100'), bytes.fromhex('e180'))
        body[5] = body[5] & 0xc1 | (((body[5] >> 1) + 1) & 31) << 1
        s = bytes(body) + crc32(body).to_bytes(4, 'big')
        p = p[:5] + s + b'\xff' * (183 - len(s))
        seen = True
    if seen and pid == 0x100:
        p = p[:1] + bytes([p[1] & 0xe0 | 1, 0x80]) + p[3:]
    out.append(p)
open(sys.argv[2], 'wb').write(b''.join(out))
PY
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

# peer PROGRAM: a TCP peer in Python; its port in $peer_port
peer() {
    rm -f "$work/peer.port"
    python3 -c "
import socket, sys, time, struct
server = socket.create_server(('127.0.0.1', 0))
print(server.getsockname()[1], flush=True)
server.settimeout(20)
def message(kind, *parameters):
    body = b''.join(struct.pack('>HH', t, len(v)) + v for t, v in parameters)
    return struct.pack('>BHH', 3, kind, len(body)) + body
status = message(3, (0xe, b'\0\1'), (2, b'\0'), (3, b'\0\0'), (4, b'\0\0'), (7, b'\0\x64'), (8, b'\0\0'), (9, b'\0\x0a'),
                 (10, b'\1'), (11, b'\2'), (12, b'\0\x64'))
stream = message(0x103, (0xe, b'\0\1'), (0xf, b'\0\1'), (0x19, b'\0\1'), (0x11, b'\0'))
$1
" >"$work/peer.port" &
    servers+=($!)
    local try
    for ((try = 0; try < 50; try++)); do [ -s "$work/peer.port" ] && break; sleep 0.1; done
    peer_port=$(cat "$work/peer.port")
}

with_peer() { # with_peer TEXT PROGRAM: a run against it fails with one clear line and leaves no clear packet
    peer "$2"
    exits 1 "$scramline" scramble --ecm-timeout 1 --crypto-period 3 --ecmg "127.0.0.1:$peer_port" "$original" "$work/p.ts" 2>"$work/log"
    local status=$?
    cat "$work/log"
    [ $status = 0 ] && grep -q "$1" "$work/log" && [ ! -e "$work/p.ts" ]
}
accept='
for _ in range(20):
    try: c, _a = server.accept()
    except OSError: break
'
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
    "$scramline" scramble --json --ecm-timeout 1 --crypto-period 3 --policy "$1" --ecmg "127.0.0.1:$peer_port" "$original" "$work/h.ts" >"$work/s.json" 2>"$work/log"
    local status=$?
    cat "$work/log"
    [ $status = 0 ] && json_is "$work/s.json" "d['degraded']" && json_is "$work/s.json" "$2"
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
