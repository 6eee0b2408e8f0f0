#!/usr/bin/env bash
# Captures: scrambled, opened, and compared with what tshark extracts from them.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

cw=0123456789abcdef
make_capture=$(dirname "$0")/../tools/make_capture.py
head -c $((188 * 7 * 300)) "$(programme)" >"$work/o.ts"

make() { python3 "$make_capture" "$work/o.ts" "$@"; } # make OUT LINK OPTION…

# extracted FILE [FILTER]: the TS of a capture as tshark finds it, UDP on port 5000 or RTP on 5004
extracted() {
    { tshark -n -r "$1" -Y "${2:-udp}" -d udp.port==5004,rtp -T fields -e rtp.payload -e udp.payload 2>/dev/null || true; } |
        awk '{ print $1 }' | tr -d ':\n' | xxd -r -p
}

# round_trip FILE [FILTER [OPTION…]]: through both commands, judged against tshark's own extraction
round_trip() {
    local file=$1 filter=${2:-udp}
    shift; shift
    extracted "$file" "$filter" >"$work/judge.ts" && [ -s "$work/judge.ts" ] &&
        "$scramline" scramble --json --cw $cw "$@" "$file" "$work/s.ts" >"$work/s.json" &&
        json_is "$work/s.json" "d['packets']['scrambled'] > 100 and d['input']['format'] == 'packet capture'" &&
        "$scramline" descramble --cw $cw "$work/s.ts" "$work/d.ts" && cmp "$work/judge.ts" "$work/d.ts" &&
        ! cmp -s "$work/judge.ts" "$work/s.ts"
}

if ! tshark --version >/dev/null 2>&1 || ! editcap --version >/dev/null 2>&1; then
    skip 'captures' 'tshark and editcap are not installed'
    finish
    exit
fi

link() { # link LINK OPTION…
    make "$work/c.pcap" "$@" && round_trip "$work/c.pcap" udp && cmp "$work/o.ts" "$work/d.ts"
}
for link in ethernet vlan qinq raw ipv4 ipv6 sll sll2; do
    check "$link, UDP" link $link
    check "$link, RTP, big-endian nanoseconds" link $link rtp big ns to="$([ $link = ipv6 ] && echo ff15::1 || echo 239.1.1.1):5004"
done
check 'ethernet, IPv6' link ethernet six
check 'VLAN, IPv6, RTP, nanoseconds' link vlan six rtp ns to=ff15::1:5004
check 'SLL2, IPv6, big-endian' link sll2 six big

converted() { # converted FORMAT: as editcap writes it
    make "$work/c.pcap" qinq ns && editcap -F "$1" "$work/c.pcap" "$work/e.cap" && round_trip "$work/e.cap" udp &&
        cmp "$work/o.ts" "$work/d.ts"
}
check 'pcapng of editcap' converted pcapng
check 'nanosecond pcap of editcap' converted nsecpcap

several_links() { # one pcapng, an interface of Ethernet and one of SLL
    make "$work/a.pcap" ethernet && make "$work/b.pcap" sll to=239.9.9.9:7000 && mergecap -w "$work/m.pcapng" "$work/a.pcap" "$work/b.pcap" &&
        round_trip "$work/m.pcapng" 'udp.dstport==7000' --flow 239.9.9.9:7000
}
check 'pcapng of two link types, the second one chosen' several_links

piped() {
    make "$work/c.pcap" vlan rtp && through_pipe "$work/c.pcap" | "$scramline" scramble --cw $cw - - 2>/dev/null |
        "$scramline" descramble --cw $cw - - | cmp - "$work/o.ts" && editcap "$work/c.pcap" "$work/c.pcapng" &&
        through_pipe "$work/c.pcapng" | "$scramline" scramble --cw $cw - "$work/s.ts" && "$scramline" descramble --cw $cw "$work/s.ts" - | cmp - "$work/o.ts"
}
check 'captures from pipes' piped

# Four flows, two of them from two sources to one destination, and one of RTP over IPv6.
make_flows() {
    make "$work/1.pcap" ethernet && make "$work/2.pcap" ethernet from=10.0.0.2 && make "$work/3.pcap" ethernet to=239.1.1.2:5000 &&
        make "$work/4.pcap" ethernet six rtp to=ff15::2:5004 && mergecap -F pcap -w "$work/flows.pcap" "$work"/[1234].pcap
}
listed() { # every line of the list is what --flow takes
    make_flows && exits 2 "$scramline" scramble --cw $cw "$work/flows.pcap" "$work/f.ts" 2>"$work/list" || return 1
    cat "$work/list"
    [ "$(grep -c -- '--flow' "$work/list")" = 4 ] && [ ! -e "$work/f.ts" ] || return 1
    grep -oE -- '--flow +[^ ]+' "$work/list" | while read -r option flow; do
        "$scramline" scramble --cw $cw "$option" "$flow" "$work/flows.pcap" "$work/f.ts" &&
            "$scramline" descramble --cw $cw "$work/f.ts" - | cmp - "$work/o.ts" || exit 1
    done
}
check 'several flows are listed, and each line of the list works' listed
check 'a destination of two sources is not enough' exits 2 "$scramline" scramble --cw $cw --flow 239.1.1.1:5000 "$work/flows.pcap" "$work/n.ts"
check 'a flow that is not there' exits 2 "$scramline" scramble --cw $cw --flow 239.1.1.9:5000 "$work/flows.pcap" "$work/n.ts"
check 'a flow that is not in a pipe' bash -c "cat '$work/flows.pcap' | '$scramline' descramble --cw $cw --flow 239.1.1.9:5000 - '$work/n.ts'; [ \$? = 2 ]"
check 'a flow that is none' says 2 'expected ADDRESS:PORT' "$scramline" scramble --cw $cw --flow here "$work/flows.pcap" "$work/n.ts"
check '--flow for a file that is no capture' says 2 'is for captures' "$scramline" scramble --cw $cw --flow 1.2.3.4:5 "$work/o.ts" "$work/n.ts"

without_ts() {
    make "$work/c.pcap" ethernet && editcap -s 200 "$work/c.pcap" "$work/cut.pcap" && head -c 24 "$work/c.pcap" >"$work/head.pcap" &&
        says 1 'without any whole datagram' "$scramline" scramble --cw $cw "$work/cut.pcap" "$work/n.ts" &&
        says 1 'without any whole datagram' "$scramline" scramble --cw $cw "$work/head.pcap" "$work/n.ts" &&
        says 1 'without any whole datagram' "$scramline" descramble --cw $cw - "$work/n.ts" <"$work/head.pcap"
}
check 'captures of cut frames, or of nothing' without_ts
check 'nothing was written by any of these' bash -c "! ls '$work'/n.ts* 2>/dev/null"

truncated() {
    make "$work/c.pcap" ethernet && head -c 100000 "$work/c.pcap" >"$work/t.pcap" && round_trip "$work/t.pcap" udp &&
        json_is "$work/s.json" "d['input']['bytes_truncated'] > 0"
}
check 'a capture that ends in mid-record' truncated

# tcpdump on the loopback, with the headers of `-i any`: the senders are ffmpeg's own.
live() { # live LINK-TYPE
    tcpdump -i any -y "$1" -U -w - "udp and dst host 127.86.0.1" >"$work/live.pcap" 2>"$work/tcpdump.log" &
    local dump=$! try
    servers+=("$dump")
    for ((try = 0; try < 50; try++)); do grep -q listening "$work/tcpdump.log" && break; sleep 0.1; done
    ffmpeg -v error -re -i "$work/o.ts" -c copy -f mpegts 'udp://127.86.0.1:5000?pkt_size=1316'
    ffmpeg -v error -re -i "$work/o.ts" -c copy -f rtp_mpegts 'rtp://127.86.0.1:5004' >/dev/null
    sleep 0.3
    kill -INT $dump
    wait $dump
    round_trip "$work/live.pcap" 'ip.dst==127.86.0.1 && udp.dstport==5000' --flow 127.86.0.1:5000 &&
        round_trip "$work/live.pcap" 'ip.dst==127.86.0.1 && udp.dstport==5004 && rtp' --flow 127.86.0.1:5004
}
for type in LINUX_SLL LINUX_SLL2; do
    if timeout 1 tcpdump -i any -y $type -c 1 'ip proto 253' >/dev/null 2>&1 || [ $? = 124 ]; then
        check "tcpdump -i any -y $type, UDP and RTP of ffmpeg" live $type
    else
        skip "tcpdump -i any -y $type" 'may not capture here'
    fi
done
finish
