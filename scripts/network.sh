# shellcheck shell=bash
# scripts/network.sh: sender – headend – receiver: three network namespaces and two veth pairs, processes in them, and
# captures. Sourced by the demo and by tests/e2e/live.sh, which set $work, a folder. Needs root.
network_id=$$
# shellcheck disable=SC2034
sender=sl-send-$network_id headend=sl-head-$network_id receiver=sl-recv-$network_id

in_ns() { local namespace=$1; shift; ip netns exec "$namespace" "$@"; }

# background NAME COMMAND…: its process in NAME.pid, its exit status in NAME.status when it ends.
background() {
    local name=$1
    shift
    rm -f "$work/$name.pid" "$work/$name.status"
    {
        status=0
        # shellcheck disable=SC2016
        sh -c 'echo $$ >"$0"; exec "$@"' "$work/$name.pid" "$@" || status=$?
        echo "$status" >"$work/$name.status"
    } &
}

# ended NAME: waits at most 15 s for its end; its status
ended() {
    local try
    for ((try = 0; try < 150; try++)); do
        [ ! -s "$work/$1.status" ] || return "$(cat "$work/$1.status")"
        sleep 0.1
    done
    echo "$1 did not stop"
    return 1
}

# interrupt NAME [SIGNAL]: SIGINT, unless another is wanted; its status
interrupt() {
    kill "-${2:-INT}" "$(cat "$work/$1.pid")"
    ended "$1"
}

wait_for() { # wait_for FILE PATTERN: at most 15 s
    local try
    for ((try = 0; try < 150; try++)); do
        if grep -q "$2" "$1" 2>/dev/null; then return 0; fi
        sleep 0.1
    done
    cat "$1"
    return 1
}

make_network() {
    local namespace end
    for namespace in "$sender" "$headend" "$receiver"; do
        ip netns add "$namespace"
        in_ns "$namespace" ip link set lo up
    done
    ip -n "$sender" link add sl-tx type veth peer name in0 netns "$headend"
    ip -n "$headend" link add out0 type veth peer name sl-rx netns "$receiver"
    ip -n "$sender" addr add 10.77.1.1/24 dev sl-tx
    ip -n "$receiver" addr add 10.77.2.1/24 dev sl-rx
    for end in "$sender sl-tx" "$headend in0" "$headend out0" "$receiver sl-rx"; do
        # shellcheck disable=SC2086
        set -- $end
        # DPDK owns the two ends in the middle: the kernel there must not speak on them.
        in_ns "$1" sysctl -qw "net.ipv6.conf.$2.disable_ipv6=1" "net.ipv4.conf.$2.rp_filter=0"
        ip -n "$1" link set "$2" up promisc on
    done
    # Without this every datagram leaves with the checksum left to a card that a veth pair does not have.
    in_ns "$sender" ethtool -K sl-tx tx-checksum-ip-generic off
    ip -n "$sender" route add 239.0.0.0/8 dev sl-tx
    ip -n "$receiver" route add 239.0.0.0/8 dev sl-rx
}

# Ends the processes of background(): asks, and insists after 3 s.
end_all() {
    local file signal try
    for signal in TERM KILL; do
        for file in "$work"/*.pid; do
            [ ! -e "$file" ] || [ -s "${file%.pid}.status" ] || kill -$signal "$(cat "$file")" 2>/dev/null || true
        done
        for file in "$work"/*.pid; do
            for ((try = 0; try < 30; try++)); do
                if [ ! -e "$file" ] || [ -s "${file%.pid}.status" ]; then break; fi
                sleep 0.1
            done
        done
    done
}

remove_network() {
    local namespace
    end_all
    for namespace in "$sender" "$headend" "$receiver"; do ip netns del "$namespace" 2>/dev/null || true; done
}

capture() { # capture NAME NAMESPACE INTERFACE FILTER: into NAME.pcap, until it is interrupted
    background "$1" ip netns exec "$2" tcpdump -q -i "$3" -s 2048 --immediate-mode -U -B 16384 -w "$work/$1.pcap" \
        "$4" >"$work/$1.log" 2>&1
    wait_for "$work/$1.log" listening
}

# tshark is the judge of what was on the wire: it takes the payloads out, not our own reader.
payloads() {
    tshark -r "$1" -Y udp -T fields -e udp.payload |
        python3 -c 'import sys
for line in sys.stdin: sys.stdout.buffer.write(bytes.fromhex(line.strip()))' >"$2"
}
