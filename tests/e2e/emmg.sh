#!/usr/bin/env bash
# scramline emmg against a MUX: what is in the folder comes out, over TCP, UDP and TLS, as fast as is allowed.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

mux_sink=$SCRAMLINE_BUILD/tests/tools/mux_sink
client=0x4adc0001

# sections FILE COUNT SIZE MARK: short sections, as EMMs are
sections() {
    python3 -c 'import sys
count, size, mark = (int(v, 0) for v in sys.argv[2:])
with open(sys.argv[1], "wb") as f:
    for i in range(count):
        f.write(bytes([0x82, 0x70 | size - 3 >> 8, size - 3 & 255]) + i.to_bytes(4, "big") + bytes([mark]) * (size - 7))
' "$@"
}

start_mux() { # start_mux BANDWIDTH [CERTIFICATE KEY AUTHORITIES]: sets $mux_pid, $tcp and $udp
    local bandwidth=$1 try
    shift
    rm -f "$work/mux.log"
    "$mux_sink" "$work/out" $client "$bandwidth" "$@" >"$work/mux.log" 2>&1 &
    mux_pid=$!
    servers+=("$mux_pid")
    for ((try = 0; try < 200; try++)); do
        [ -s "$work/mux.log" ] && read -r _ tcp _ udp <"$work/mux.log" && [ -n "${udp:-}" ] && return 0
        sleep 0.05
    done
    cat "$work/mux.log"
    return 1
}

# Until what came out is as large as FILE is N times, at most 15 s.
await() { # await N FILE
    local try wanted=$(($1 * $(stat -c %s "$2")))
    for ((try = 0; try < 300; try++)); do
        [ "$(stat -c %s "$work/out")" -ge "$wanted" ] && return 0
        sleep 0.05
    done
    echo "$(stat -c %s "$work/out") bytes came out of $wanted"
    return 1
}

stop_mux() { # its counters in $work/mux.json
    kill "$mux_pid" && wait "$mux_pid"
    tail -n 1 "$work/mux.log" >"$work/mux.json"
}

mkdir "$work/emms"
sections "$work/emms/b.sec" 150 90 0xbb
sections "$work/emms/a.bin" 2 4096 0xaa
cat "$work/emms/a.bin" "$work/emms/b.sec" >"$work/once"
cat "$work/once" "$work/once" >"$work/twice"

emmg() { timeout 30 "$scramline" emmg --mux "127.0.0.1:$tcp" --client-id $client --json "$@" "$work/emms" >"$work/emmg.json"; }

delivers() { # delivers OPTION…: the folder twice
    start_mux 2000 && emmg --bitrate 1000 --cycle 2 "$@" && await 2 "$work/once" && stop_mux || return 1
    cmp "$work/out" "$work/twice" && json_is "$work/emmg.json" \
        "d['event'] == 'summary' and d['cycles'] == 2 and d['sections'] == 304 and d['errors'] == 0" &&
        json_is "$work/mux.json" "d['accepted'] == 1 and d['open'] == d['errors'] == d['dropped'] == d['lost'] == 0"
}
check 'sections over TCP' delivers
check 'packets over TCP' delivers --packets
check 'protocol version 1' delivers --emmg-version 1
check 'protocol version 5' delivers --emmg-version 5

over_udp() {
    start_mux 2000 && emmg --bitrate 1000 --cycle 2 --udp "127.0.0.1:$udp" "$@" && await 2 "$work/once" && stop_mux &&
        cmp "$work/out" "$work/twice" && json_is "$work/mux.json" "d['udp'] > 10 and d['lost'] == 0"
}
check 'sections over UDP' over_udp
check 'packets over UDP, with data_channel_id' over_udp --packets --udp-ids

allocated() { # 45 kB at 300 kbit/s take more than a second
    local begun=${EPOCHREALTIME//[.,]/}
    start_mux 300 && emmg --bitrate 5000 --cycle 2 && await 2 "$work/once" || return 1
    [ $((${EPOCHREALTIME//[.,]/} - begun)) -gt 1000000 ] && stop_mux && cmp "$work/out" "$work/twice" &&
        json_is "$work/mux.json" "d['errors'] == d['dropped'] == 0"
}
check 'it keeps to what the MUX allocates' allocated

comes_back() { # a MUX that appears after the EMMG, on the port that it was given
    start_mux 2000 && stop_mux || return 1
    "$scramline" emmg --mux "127.0.0.1:$tcp" --client-id $client --quiet "$work/emms" >"$work/emmg.log" 2>&1 &
    local pid=$! try
    servers+=("$pid")
    for ((try = 0; try < 200; try++)); do
        grep -q 'cannot connect to the MUX' "$work/emmg.log" && break
        sleep 0.05
    done
    kill -INT "$pid" && wait "$pid" && cat "$work/emmg.log" && grep -q '0 sections' "$work/emmg.log"
}
check 'a MUX that is not there is told, waited for, and given up on SIGINT' comes_back

interrupted() { # SIGINT: stream and channel are closed, the summary is printed
    start_mux 2000 || return 1
    "$scramline" emmg --mux "127.0.0.1:$tcp" --client-id $client --json "$work/emms" >"$work/emmg.json" 2>"$work/emmg.log" &
    local pid=$!
    servers+=("$pid")
    await 1 "$work/emms/a.bin" && kill -INT "$pid" && wait "$pid" || return 1
    json_is "$work/emmg.json" "d['event'] == 'summary' and d['sections'] >= 2 and d['connections'] == 1" && stop_mux &&
        json_is "$work/mux.json" "d['open'] == 0 and d['errors'] == 0"
}
check 'SIGINT ends it in an orderly way' interrupted

certificates() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/ca.key" -out "$work/ca.pem" \
        -subj /CN=ca 2>/dev/null || return 1
    local name
    for name in mux emmg; do
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/$name.key" -out "$work/$name.csr" \
            -subj "/CN=$name" -addext subjectAltName=IP:127.0.0.1 2>/dev/null &&
            openssl x509 -req -in "$work/$name.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial \
                -copy_extensions copy -out "$work/$name.pem" 2>/dev/null && chmod 600 "$work/$name.key" || return 1
    done
}

over_tls() {
    certificates && start_mux 2000 "$work/mux.pem" "$work/mux.key" "$work/ca.pem" &&
        emmg --bitrate 1000 --cycle 2 --tls-certificate "$work/emmg.pem" --tls-key "$work/emmg.key" \
            --tls-authorities "$work/ca.pem" && await 2 "$work/once" && stop_mux && cmp "$work/out" "$work/twice"
}
check 'over TLS, with certificates on both ends' over_tls

usage() { says 2 "$1" "$scramline" emmg "${@:2}" "$work/emms"; }
check 'no MUX given' usage 'where is the MUX' --client-id 1
check 'no client_id given' usage '--client-id is needed' --mux :1
check 'there is no version 4' usage 'no version 4' --mux :1 --client-id 1 --emmg-version 4
check 'an unknown data_type' usage 'neither emm nor private' --mux :1 --client-id 1 --data-type cat
check '--udp-ids without --udp' usage 'goes with --udp' --mux :1 --client-id 1 --udp-ids
check 'half of what TLS takes' usage 'TLS takes' --mux :1 --client-id 1 --tls-key "$work/emmg.key"
check 'a folder that is not there' says 1 'No such file' "$scramline" emmg --mux :1 --client-id 1 "$work/nothing"
mkdir "$work/bad"
printf '\x82\x70\x05ab' >"$work/bad/x.bin"
check 'a file that holds no sections' says 1 'x.bin: no section at byte 0' "$scramline" emmg --mux :1 --client-id 1 "$work/bad"
finish
