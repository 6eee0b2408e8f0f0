#!/usr/bin/env bash
# Pipes: read ahead until the first control word is known, then never held up; and how runs on them end.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

cw=0123456789abcdef
original=$(programme)

# Scrambled with ECMs; then without the ECMs of its first 700 packets, so that the first one comes late.
prepare() {
    start_ecmg ecmg &&
        "$scramline" scramble --json --ecmg "$ecmg_address" --service 1 --service 2 --crypto-period 4 "$original" "$work/s.ts" >"$work/s.json" &&
        python3 - "$work/s.ts" "$work/late.ts" "$work/s.json" <<'PY'
import json, sys
ecm = {s['ecm_pid'] for s in json.load(open(sys.argv[3]))['services']}
data = open(sys.argv[1], 'rb').read()
packets = [data[i:i + 188] for i in range(0, len(data), 188)]
late = [p for n, p in enumerate(packets) if n >= 700 or (p[1] & 31) << 8 | p[2] not in ecm]
assert any(p[3] >> 6 for p in late[:100]) and len(packets) - len(late) >= 2
open(sys.argv[2], 'wb').write(b''.join(late))
PY
}
check 'a stream whose first ECMs come late' prepare

late_ecms() { # all is opened, though the keys come after the first scrambled packets
    through_pipe "$work/late.ts" | "$scramline" descramble --json - "$work/d.ts" >"$work/d.json" &&
        json_is "$work/d.json" "d['packets']['locked'] == 0 and d['packets']['descrambled'] > 1000" &&
        "$scramline" descramble "$work/late.ts" "$work/f.ts" && cmp "$work/d.ts" "$work/f.ts"
}
check 'a pipe is read ahead until the first control words' late_ecms

# live PROGRAM: `descramble - -` between two pipes, driven by Python
live() {
    python3 - "$scramline" "$work/late.ts" "$original" "$work/s.json" <<PY
import json, os, select, subprocess, sys, time
scramline, late, original, summary = sys.argv[1:]
data = open(late, 'rb').read()
clear = open(original, 'rb').read()
ecm = {s['ecm_pid'] for s in json.load(open(summary))['services']}
pid = lambda p: (p[1] & 31) << 8 | p[2]
heard = [next(i for i in range(0, len(data), 188) if pid(data[i:i + 3]) == e) for e in ecm]
first = min(heard) + 188
last = max(heard) + 188 * 100  # with scrambled packets of both services behind the ECMs
def start(*arguments):
    return subprocess.Popen([scramline, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
def take(run, size, seconds):
    got, end = b'', time.time() + seconds
    while len(got) < size and time.time() < end:
        if select.select([run.stdout], [], [], 0.05)[0]:
            more = os.read(run.stdout.fileno(), 1 << 20)
            if not more:
                break
            got += more
    return got
def put(run, part):
    run.stdin.write(part)
    run.stdin.flush()
$1
run.stdin.close()
run.wait()
PY
}

check 'once the keys are known, a slow pipe is not held up' live '
run = start("descramble", "-", "-")
put(run, data[:first - 188])
head = take(run, first, 0.5)
assert all(p >> 6 == 0 for p in head[3::188]), "a scrambled packet was let go before its key could come"
put(run, data[first - 188:last])
got = head + take(run, last - len(head), 5)
assert len(got) == last, (len(got), last)
for at in range(last, last + 188 * 200, 188):
    begin = time.time()
    put(run, data[at:at + 188])
    one = take(run, 188, 5)
    assert len(one) == 188 and time.time() - begin < 1, "held up"
    got += one
locked = [n for n, p in enumerate(got[3::188]) if p >> 6]
assert not locked, (locked[:5], len(locked), first // 188, last // 188)'

check 'a clear pipe is not held up' live '
run = start("descramble", "-", "-")
put(run, clear[:188 * 50])
assert take(run, 188 * 50, 5) == clear[:188 * 50]
put(run, clear[188 * 50:188 * 51])
assert take(run, 188, 5) == clear[188 * 50:188 * 51]'

check 'a fixed control word holds no pipe up' live '
run = start("descramble", "--cw", "0123456789abcdef", "-", "-")
put(run, data[:188 * 50])
assert len(take(run, 188 * 50, 5)) == 188 * 50'

other_key() { # the wait ends with the window: nothing opens, and that is said
    "$scramline" keys service --out "$work/other.key" >/dev/null &&
        through_pipe "$work/late.ts" | exits 1 "$scramline" descramble --service-key "$work/other.key" - "$work/o.ts" 2>"$work/log"
    local status=$?
    cat "$work/log"
    [ $status = 0 ] && grep -q 'is it the ECMG' "$work/log" && cmp "$work/late.ts" "$work/o.ts.partial"
}
check 'a pipe that never opens comes to its end' other_key

stopped() { # stopped SIGNAL COMMAND…: an idle pipe ends at the signal, with the output kept under its partial name
    local signal=$1 try
    shift
    rm -f "$work/idle" "$work/i.ts"*
    mkfifo "$work/idle"
    exec 7<>"$work/idle"
    head -c 18800 "$original" >&7
    "$scramline" "$@" --cw $cw "$work/idle" "$work/i.ts" 2>"$work/log" &
    local run=$!
    for ((try = 0; try < 50; try++)); do [ -e "$work/i.ts.partial" ] && break; sleep 0.1; done
    kill -"$signal" $run
    for ((try = 0; try < 30; try++)); do kill -0 $run 2>/dev/null || break; sleep 0.1; done
    kill -KILL $run 2>/dev/null
    wait $run
    local status=$?
    exec 7>&-
    cat "$work/log"
    [ $status = 1 ] && grep -q interrupted "$work/log" && [ ! -e "$work/i.ts" ]
}
for signal in INT TERM HUP; do
    check "an idle pipe: descramble ends at SIG$signal" stopped $signal descramble
    check "an idle pipe: scramble ends at SIG$signal" stopped $signal scramble
done

reader_gone() {
    "$scramline" scramble --cw $cw "$original" - 2>"$work/log" | head -c 1000 >/dev/null
    local status=${PIPESTATUS[0]}
    cat "$work/log"
    [ "$status" = 1 ] && grep -q 'Broken pipe' "$work/log"
}
check 'the reader of a pipe goes away' reader_gone

fifo_out() {
    mkfifo "$work/out" && { cat "$work/out" >"$work/read.ts" & } && "$scramline" scramble --cw $cw "$original" "$work/out" && wait $! &&
        [ -p "$work/out" ] && "$scramline" descramble --cw $cw "$work/read.ts" - | cmp - "$original"
}
check 'OUT may be a FIFO' fifo_out

closed_descriptors() { # messages do not land in the file that would get standard error's number
    "$scramline" scramble --cw $cw "$work/cut.ts" "$work/c.ts" <&- >&- 2>&- && "$scramline" scramble --cw $cw "$work/cut.ts" "$work/o.ts" && cmp "$work/c.ts" "$work/o.ts"
}
head -c 100050 "$original" >"$work/cut.ts"
check 'started without standard descriptors' closed_descriptors
finish
