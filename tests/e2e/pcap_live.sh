#!/usr/bin/env bash
# scramline run without rights: configurations, missing devices, net_pcap files, how a run ends.
# shellcheck disable=SC2016
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
here=$(cd "$(dirname "$0")" && pwd)
datagrams=$here/datagrams.py
configs=$here/../../configs
cw=0123456789abcdef
original=$(programme)

for file in "$configs"/headend*.yaml; do
    check "--check of $(basename "$file")" exits 0 "$scramline" run -c "$file" --check
done
ecmg_example() {
    start_ecmg example -c "$configs/ecmg.yaml" || return 1
    kill -TERM "$ecmg_pid"
    wait "$ecmg_pid"
}
check 'the ECMG runs with ecmg.yaml, SIGTERM stops it with status 0' ecmg_example
check 'no configuration' says 2 '-c FILE is needed' "$scramline" run
check 'a configuration that is not there' says 1 'No such file' "$scramline" run -c "$work/none.yaml" --check

# refuses TEXT SED: headend.yaml, changed so, is refused with one line
refuses() {
    sed -E "$2" "$configs/headend.yaml" >"$work/bad.yaml"
    ! cmp -s "$configs/headend.yaml" "$work/bad.yaml" && says 1 "$1" "$scramline" run -c "$work/bad.yaml" --check
}
check 'an unknown key' refuses "bad.yaml:4: unknown key 'workerz'" 's/^workers:/workerz:/'
check 'an unknown port' refuses 'no port named inn' 's/port: in$/port: inn/'
check 'a port twice' refuses 'another port is named in' 's/name: out/name: in/'
check 'a broken address' refuses 'is not ADDRESS:PORT' 's/239.1.1.1:5000/239.1.1.1/'
check 'IPv4 into IPv6' refuses 'cannot be turned into each other' 's/"239.2.1.1:5000"/"[ff05::1]:5000"/'
check 'a TTL of 0' refuses 'a whole number from 1 to 255' 's/ttl: 16/ttl: 0/'
check 'an unknown algorithm' refuses 'is none of dvb-csa2' 's/algorithm: dvb-csa2/algorithm: rot13/'
check 'DVB-CSA3' refuses 'algorithm: DVB-CSA3 is not available: its specification is not public' 's/algorithm: dvb-csa2/algorithm: dvb-csa3/'
check 'an IV for DVB-CSA2' refuses 'iv: goes with aes-128-cbc and aes-128-ctr, not with dvb-csa2' 's/# iv: /iv: /'
check 'an IV that is too short' refuses "iv: '00' is not 16 bytes" 's/# iv: .*/iv: "00"/'
check 'an unknown policy' refuses 'is none of hold' 's/policy: hold/policy: pray/'
check 'two sources of control words' refuses 'exactly one of cas' "s/^    policy: hold/    cw: \"$cw\"\n&/"
check 'a broken control word, not quoted' refuses 'takes 8 bytes, as 16 hexadecimal digits' 's/^    policy: hold/    cw: "01234567"\n&/; /^    cas:/,$d'
check 'not YAML' refuses 'bad.yaml' 's/^ports:/ports: [[[/'
: >"$work/empty.yaml"
check 'an empty file' says 1 'empty.yaml' "$scramline" run -c "$work/empty.yaml" --check

# configuration DEVICE [LINE…]: one port, one stream, one control word
configuration() {
    cat >"$work/run.yaml" <<YAML
workers: 1
memory: {hugepages: never}
ports: [{name: port, device: "$1"}]
streams: [{name: one, input: {port: port, address: "239.1.1.1:5000"}, output: {port: port}, cw: "$cw"}]
YAML
}

# cannot TEXT DEVICE [SED]: a run fails with one error that holds TEXT, and nothing but lines of ours
cannot() {
    configuration "$2"
    sed -i "${3:-}" "$work/run.yaml"
    exits 1 "$scramline" run -c "$work/run.yaml" >"$work/out" 2>"$work/log" || { cat "$work/log"; return 1; }
    cat "$work/out" "$work/log"
    [ ! -s "$work/out" ] && [ "$(grep -c 'error:' "$work/log")" = 1 ] && ! grep -v '^scramline run: ' "$work/log" &&
        grep 'error:' "$work/log" | grep -qF -- "$1"
}
# A normal user may not open packet sockets at all: the driver's reason is another one then.
reason='No such device'
[ "$(id -u)" = 0 ] || reason='Could not open AF_PACKET socket'
check 'a network interface that is not there' cannot "$reason" 'net_af_packet0,iface=nothing0'
check 'a capture that is not there' cannot "none.pcap: No such file" "net_pcap0,rx_pcap=$work/none.pcap,tx_pcap=$work/out.pcap"
check 'a driver that is not there' cannot 'no device "net_nonsense0"' net_nonsense0
check 'a PCI device that is not there' cannot 'no device "ffff:ff:1f.7"' ffff:ff:1f.7
check 'a core that is not there' cannot 'there is no core 1000' net_null0 's/^workers/cores: "1000"\nworkers/'
check 'a list of control words that is not there' cannot 'No such file' net_null0 's/cw: .*/cw_file: none}]/'

# How a run ends.
duration() {
    configuration net_null0
    "$scramline" run -c "$work/run.yaml" --duration 1 --json >"$work/run.json" && json_is "$work/run.json" "0.9 < d['seconds'] < 10"
}
check '--duration stops the run, with a summary in JSON' duration
ends() { # ends SIGNAL
    local pid try
    rm -f "$work/log"
    "$scramline" run -c "$work/run.yaml" >"$work/out" 2>"$work/log" &
    pid=$!
    for ((try = 0; try < 100; try++)); do grep -qs running: "$work/log" && break; sleep 0.1; done
    kill "-$1" $pid
    exits 0 wait $pid && [ "$(wc -l <"$work/out")" = 1 ] && grep -q "SIG$1: stopping" "$work/log"
}
for signal in INT TERM; do
    check "SIG$signal stops the run with a summary of one line, status 0" ends $signal
done

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
    timeout 60 "$@" "$scramline" run -c "$work/run.yaml" --stop-at-end --json >"$work/run.json" 2>"$work/log" || { cat "$work/log"; return 1; }
    json_is "$work/run.json" "(lambda f: f['rx_frames'] + f['inserted_frames'] == f['tx_frames'] + d['dropped'])(d['frames'])" &&
        json_is "$work/run.json" "d['dropped'] == 0 and all(s['packets']['in'] + s['packets']['inserted'] == s['packets']['out'] for s in d['streams'])"
}
opens() { # opens CAPTURE FLOW [OPTION…]: packet by packet the original, but for what was black before the tables were read
    local capture=$1 flow=$2
    shift 2
    "$scramline" descramble --flow "$flow" "$@" "$capture" "$work/d.ts" &&
        "$compare_ts" --ignore 1 --ignore 17 --ignore 0x1000 --ignore 0x1001 --ignore 0x1f00 --ignore 0x1eff --lead-in 5000 "$original" "$work/d.ts"
}

fixed() { # fixed [COMMAND…]
    rm -f "$work/in.fifo"
    configuration "net_pcap0,rx_pcap=$work/in.fifo,tx_pcap=$work/out.pcap"
    feed "$work/in.fifo" "$original" 239.1.1.1 5000 --mbit 12
    run_to_end "$@" && opens "$work/out.pcap" 239.1.1.1:5000 --cw $cw && json_is "$work/run.json" "d['streams'][0]['packets']['scrambled'] > 3000"
}
check 'a capture in, a capture out, a fixed control word: equal to the original' fixed

# The mode of AES-128-CTR, through the one cipher that a worker has for all streams; under a mask, and told.
with_iv() {
    local iv=f0f1f2f3f4f5f6f7f8f9fafbfcfdfefe cw16=000102030405060708090a0b0c0d0e0f
    rm -f "$work/in.fifo"
    configuration "net_pcap0,rx_pcap=$work/in.fifo,tx_pcap=$work/out.pcap"
    sed -i "s/cw: .*/cw: \"$cw16\", algorithm: aes-128-ctr, iv: \"$iv\", ctr_counter_bits: 8}]/" "$work/run.yaml"
    feed "$work/in.fifo" "$original" 239.1.1.1 5000 --mbit 12
    SCRAMLINE_CPU_MASK=libraries run_to_end && grep -q 'notice: aes-128-ctr: tier openssl' "$work/log" &&
        json_is "$work/run.json" "(d['streams'][0]['algorithm'], d['streams'][0]['tier']) == ('aes-128-ctr', 'openssl')" &&
        opens "$work/out.pcap" 239.1.1.1:5000 --algorithm aes-128-ctr --cw $cw16 --iv $iv --ctr-counter-bits 8
}
check 'a capture in, a capture out, AES-128-CTR with an IV' with_iv

with_ecmg() { # two workers, a port and a capture each; RTP in odd datagrams on one
    start_ecmg ecmg || return 1
    cat >"$work/run.yaml" <<YAML
workers: 2
memory: {hugepages: never}
ports:
  - {name: a, device: "net_pcap0,rx_pcap=$work/a.fifo,tx_pcap=$work/a.pcap"}
  - {name: b, device: "net_pcap1,rx_pcap=$work/b.fifo,tx_pcap=$work/b.pcap"}
streams:
  - {name: one, input: {port: a, address: "239.1.1.1:5000"}, output: {port: b, address: "239.1.1.3:5000"}, services: [all], crypto_period: 1,
     ecmg: {address: "$ecmg_address", super_cas_id: 0x5CA10001}}
  - {name: two, input: {port: b, address: "239.1.1.2:5000"}, output: {port: a}, algorithm: dvb-cissa, crypto_period: 1,
     ecmg: {address: "$ecmg_address", super_cas_id: 0x5CA10001}}
YAML
    feed "$work/a.fifo" "$original" 239.1.1.1 5000
    feed "$work/b.fifo" "$original" 239.1.1.2 5000 --rtp --odd
    run_to_end && json_is "$work/run.json" "all(v['crypto_periods'] >= 4 and not v['degraded'] for s in d['streams'] for v in s['services'])"
}
check 'two workers, two captures in, two out, ECMs' with_ecmg
check 'all services: equal to the original' opens "$work/b.pcap" 239.1.1.3:5000
check 'RTP, odd datagrams, DVB-CISSA: equal to the original' opens "$work/a.pcap" 239.1.1.2:5000

# As a normal user, where root runs the tests and a normal user may come here.
as_nobody() {
    chmod 777 "$work"
    rm -f "$work/out.pcap"
    fixed setpriv --reuid=65534 --regid=65534 --clear-groups env -u XDG_RUNTIME_DIR
}
if [ "$(id -u)" != 0 ]; then
    skip 'the same as a normal user' 'all of this was'
elif setpriv --reuid=65534 --regid=65534 --clear-groups "$scramline" run --help >"$work/log" 2>&1; then
    check 'the same as a normal user' as_nobody
else
    skip 'the same as a normal user' 'user 65534 cannot reach the program'
fi
finish
