# shellcheck shell=bash
# tests/e2e/common.sh: TAP for tests that run the real commands. Sourced. $SCRAMLINE_BUILD is the build folder.
set -uo pipefail
: "${SCRAMLINE_BUILD:?the build folder}"
scramline=$SCRAMLINE_BUILD/scramline
export compare_ts=$SCRAMLINE_BUILD/tests/tools/compare_ts
work=$(mktemp -d)
export SCRAMLINE_KEY_DIR=$work/keys
tests=0
servers=()

cleanup() {
    local pid
    for pid in "${servers[@]}"; do kill "$pid" 2>/dev/null; done
    rm -rf "$work"
}
trap cleanup EXIT

# check NAME COMMAND…: one TAP line; the command's output where it fails.
check() {
    local name=$1
    shift
    tests=$((tests + 1))
    if "$@" >"$work/check.log" 2>&1; then
        echo "ok $tests - $name"
    else
        echo "not ok $tests - $name"
        sed 's/^/# /' "$work/check.log" | tail -n 30
    fi
}

skip() { # skip NAME WHY
    tests=$((tests + 1))
    echo "ok $tests - $1 # SKIP $2"
}

# capture_round_trips TEXT: the script's own round_trip FILE ALGORITHM, over every capture and algorithm
capture_round_trips() {
    local name algorithm
    for name in dvb-s-rai1-mpeg2-teletext h264-mp2-one-service h264-aac-no-sdt; do
        for algorithm in dvb-csa2 dvb-cissa atis-idsa; do
            if [ -n "${SCRAMLINE_CAPTURES:-}" ]; then
                check "$algorithm: capture $name $1" round_trip "$SCRAMLINE_CAPTURES/$name.ts" "$algorithm"
            else
                skip "$algorithm: capture $name" 'SCRAMLINE_CAPTURES is not set'
            fi
        done
    done
}

finish() { echo "1..$tests"; }

# exits STATUS COMMAND…: whether it exits with that status
exits() {
    local wanted=$1 got
    shift
    "$@"
    got=$?
    [ "$got" = "$wanted" ] || { echo "exit status $got, expected $wanted: $*"; return 1; }
}

# says STATUS TEXT COMMAND…: exits with STATUS, and standard error has exactly one line, which holds TEXT
says() {
    local wanted=$1 text=$2 lines
    shift 2
    exits "$wanted" "$@" 2>"$work/stderr" || { cat "$work/stderr"; return 1; }
    lines=$(wc -l <"$work/stderr")
    cat "$work/stderr"
    [ "$lines" = 1 ] || { echo "$lines lines, expected one"; return 1; }
    grep -qF -- "$text" "$work/stderr" || { echo "expected: $text"; return 1; }
}

# through_pipe FILE: its bytes, so that the next command reads a pipe and not a file
through_pipe() { cat "$1"; }

json() { # json FILE EXPRESSION of d
    python3 -c 'import json, sys
d = json.load(open(sys.argv[1])); v = eval(sys.argv[2])
print(*v) if isinstance(v, list) else print(v)' "$1" "$2"
}

# json_is FILE EXPRESSION: whether it is true
json_is() {
    [ "$(json "$1" "bool($2)")" = True ] || { cat "$1"; echo "$2 does not hold in the above"; return 1; }
}

# A programme of two services (H.264 + MP2 each) with null stuffing, made once per build folder.
# Scripts run side by side: one of them makes it, the others wait.
programme() {
    local file=$SCRAMLINE_BUILD/tests/programme.ts
    (
        flock 8
        [ -s "$file" ] ||
            { ffmpeg -v error -y -f lavfi -i 'testsrc2=size=320x240:rate=25' -f lavfi -i 'smptebars=size=320x240:rate=25' \
                -f lavfi -i sine=frequency=440:sample_rate=48000 -f lavfi -i sine=frequency=880:sample_rate=48000 -t 12 \
                -map 0 -map 2 -map 1 -map 3 -c:v libx264 -preset ultrafast -g 25 -b:v 600k -maxrate 600k -bufsize 600k \
                -c:a mp2 -b:a 128k -program program_num=1:title=One:st=0:st=1 -program program_num=2:title=Two:st=2:st=3 \
                -f mpegts -muxrate 3M "$file.$$" && mv "$file.$$" "$file"; }
    ) 8>"$file.lock"
    echo "$file"
}

start_ecmg() { # start_ecmg NAME ARGUMENT…: on a free port; sets $ecmg_address and $ecmg_pid
    local log=$work/$1.log try
    shift
    [ -e "$SCRAMLINE_KEY_DIR/service.key" ] || "$scramline" keys >/dev/null
    "$scramline" ecmg --listen 127.0.0.1:0 "$@" >"$log" 2>&1 &
    ecmg_pid=$!
    servers+=("$ecmg_pid")
    for ((try = 0; try < 100; try++)); do
        ecmg_address=$(grep -oE '127\.0\.0\.1:[0-9]+' "$log" | head -n 1)
        [ -n "$ecmg_address" ] && return 0
        sleep 0.1
    done
    cat "$log"
    return 1
}

# frames FILE PROGRAM-INDEX: video frames that ffprobe can decode
frames() {
    ffprobe -v quiet -select_streams "p:$2:v" -count_frames -show_entries stream=nb_read_frames -of csv=p=0 "$1" |
        grep -oE '[0-9]+' | head -n 1
}

# changed KIND FILE: the programme, changed half-way (programmes.py)
changed() { python3 "$(dirname "${BASH_SOURCE[0]}")/programmes.py" "$1" "$(programme)" "$2"; }

# peer PROGRAM [COMMAND…]: a TCP peer in Python, run by the command; its port in $peer_port
peer() {
    local program=$1
    shift
    rm -f "$work/peer.port"
    "$@" python3 -c "
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
$program
" >"$work/peer.port" &
    servers+=($!)
    local try
    for ((try = 0; try < 50; try++)); do [ -s "$work/peer.port" ] && break; sleep 0.1; done
    peer_port=$(cat "$work/peer.port")
}

# For peer(): answers each connection with what follows.
# shellcheck disable=SC2034
accept='
for _ in range(20):
    try: c, _a = server.accept()
    except OSError: break
'
