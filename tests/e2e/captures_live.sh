# shellcheck shell=bash
# tests/e2e/captures_live.sh: live runs on captures, without rights. Sourced after common.sh.
datagrams=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/datagrams.py

# Captures in and out. net_pcap reads as fast as it can, and what comes before the tables are known is black: a FIFO
# brings the frames at their pace.
feed() { # feed FIFO ARGUMENT…
    local fifo=$1
    shift
    mkfifo "$fifo"
    chmod 666 "$fifo"
    python3 "$datagrams" write "$@" --capture "$fifo" &
    servers+=($!)
}
run_to_end() { # run_to_end [COMMAND…]: the run, by that command
    timeout 60 "$@" "$scramline" run -c "$work/run.yaml" --stop-at-end --json --status "$work/status.json" >"$work/run.json" 2>"$work/log" || { cat "$work/log"; return 1; }
    json_is "$work/run.json" "(lambda f: f['rx_frames'] + f['inserted_frames'] == f['tx_frames'] + d['dropped'])(d['frames'])" &&
        json_is "$work/run.json" "d['dropped'] == 0 and all(s['packets']['in'] + s['packets']['inserted'] == s['packets']['out'] for s in d['streams'])"
}
