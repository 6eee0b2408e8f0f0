#!/usr/bin/env bash
# Who may connect to our ECMG: TLS judged by openssl(1), lists of addresses, numbers of connections.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

trap '' PIPE # a peer may hang up while it is written to

authority() { # authority NAME, as docs/simulcrypt.md says
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/$1.key" -out "$work/$1.pem" \
        -days 3650 -subj "/CN=$1" 2>/dev/null
}

certificate() { # certificate NAME AUTHORITY [OPTION…]
    local name=$1 authority=$2
    shift 2
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/$name.key" -out "$work/$name.csr" \
        -subj "/CN=$name" "$@" 2>/dev/null &&
        openssl x509 -req -in "$work/$name.csr" -CA "$work/$authority.pem" -CAkey "$work/$authority.key" -CAcreateserial \
            -copy_extensions copy -days 365 -out "$work/$name.pem" 2>/dev/null && chmod 600 "$work/$name.key"
}

make_certificates() {
    authority ca && authority other && certificate scs ca && certificate stranger other &&
        certificate server ca -addext 'subjectAltName=DNS:ecmg.example,IP:127.0.0.1'
}
make_certificates || { echo 'Bail out! no certificates'; exit 1; }
cat >"$work/tls.yaml" <<'YAML'
tls: {certificate: server.pem, key: server.key, authorities: ca.pem}
YAML
start_ecmg tls -c "$work/tls.yaml" || { echo 'Bail out! the ECMG did not start'; exit 1; }

# channel_setup: version 3, channel 1, Super_CAS_id 0x5CA10001
setup='\x03\x00\x01\x00\x0e\x00\x0e\x00\x02\x00\x01\x00\x01\x00\x04\x5c\xa1\x00\x01'

# ask [OPTION…]: the message through openssl s_client; what comes back until it ends, in hexadecimal, in $answer
ask() {
    local pid try
    rm -f "$work/pipe" "$work/answer" && mkfifo "$work/pipe"
    openssl s_client -quiet -connect "$ecmg_address" -CAfile "$work/ca.pem" -verify_return_error -verify_ip 127.0.0.1 \
        "$@" <"$work/pipe" >"$work/answer" 2>"$work/s_client.log" &
    pid=$!
    exec 9>"$work/pipe"
    printf '%b' "$setup" >&9
    for ((try = 0; try < 200; try++)); do
        [ -s "$work/answer" ] || ! kill -0 "$pid" 2>/dev/null && break
        sleep 0.05
    done
    exec 9>&-
    kill "$pid" 2>/dev/null
    wait "$pid"
    answer=$(od -An -v -tx1 "$work/answer" 2>/dev/null | tr -d ' \n')
}

as() { ask -cert "$work/$1.pem" -key "$work/$1.key" "${@:2}"; } # as NAME [OPTION…]

answered() { "$@"; [ "${answer:0:6}" = 030003 ] || { cat "$work/s_client.log"; echo "answer: $answer"; return 1; }; }
refused() { "$@"; [ -z "$answer" ] || { echo "answer: $answer"; return 1; }; }

check 'a client with a certificate gets its channel_status' answered as scs
check 'nothing older than TLS 1.3 is spoken' refused as scs -tls1_2
check 'a client without a certificate is refused' refused ask
check 'a client of another authority is refused' refused as stranger
plain() {
    answer=$(printf '%b' "$setup" | timeout 10 python3 -c "
import socket, sys
host, port = '$ecmg_address'.rsplit(':', 1)
c = socket.create_connection((host, int(port)))
c.sendall(sys.stdin.buffer.read(19))
c.settimeout(5)
try: got = c.recv(100)
except ConnectionError: got = b''
sys.stdout.write(got.hex() if got[:1] == b'\x03' else '')")
}
check 'a plain client is refused' refused plain
why_is_said() {
    grep 'hung up on' "$work/tls.log"
    grep -q 'TLS: the peer shows no certificate' "$work/tls.log" && grep -q "TLS: the peer's certificate is not accepted: " "$work/tls.log"
}
check 'the log says who was refused, and why' why_is_said
check 'it goes on serving' answered as scs

chmod 644 "$work/server.key"
check 'a key that others can read is one clear line' says 1 'tls.yaml:1: tls: key' \
    "$scramline" ecmg --listen 127.0.0.1:0 -c "$work/tls.yaml"
sed 's/server.key/none.key/' "$work/tls.yaml" >"$work/none.yaml"
check 'a file that is not there, too' says 1 'none.key: there is no such file' \
    "$scramline" ecmg --listen 127.0.0.1:0 -c "$work/none.yaml"
echo 'tls: {certificate: server.pem, key: server.key}' >"$work/two.yaml"
check 'and two files of three' says 1 'two.yaml:1: tls: authorities is missing' \
    "$scramline" ecmg --listen 127.0.0.1:0 -c "$work/two.yaml"

echo 'allow: [192.0.2.0/24]' >"$work/allow.yaml"
start_ecmg allow -c "$work/allow.yaml" || echo 'Bail out! the ECMG did not start'
check 'an address that is not allowed is hung up on' refused plain
is_told() { grep -q 'hung up on: its address is not allowed' "$work/allow.log"; }
check 'and told in the log' is_told
echo 'allow: [192.0.2.1/24]' >"$work/wrong.yaml"
check 'a range that is none is one clear line' says 1 "wrong.yaml:1: allow: '192.0.2.1/24' is no address" \
    "$scramline" ecmg -c "$work/wrong.yaml"

plain_answers() { # what a plain client gets from an ECMG with this configuration
    echo "$1" >"$work/plain.yaml"
    start_ecmg plain -c "$work/plain.yaml" || return 1
    answered plain
}
check 'an address that is allowed is served' plain_answers 'allow: [127.0.0.0/8]'
finish
