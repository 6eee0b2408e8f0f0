#!/usr/bin/env bash
# ECMGs that are killed, stand still, answer late or never, and come back, in file runs and live: what leaves keeps to
# the configured policy, to the crypto-period. Judged from the output alone; the status file only tells when to go on.
# shellcheck disable=SC2119,SC2154
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/e2e/captures_live.sh
. "$(dirname "$0")/captures_live.sh"
judge=$SCRAMLINE_BUILD/tests/tools/judge_simulcrypt
original=$(programme)
first=0x5CA10001 second=0x5CA20002 # Super_CAS_IDs
mkdir -p "$work/keys" && chmod 700 "$work/keys"
for cas in $first $second; do "$scramline" keys service --out "$work/keys/$cas.key" >/dev/null 2>&1; done

# ecmg NAME [CHANNEL_STATUS [YAML]]: for both CASs; its address in $NAME, its process in $NAME_pid
ecmg() {
    cat >"$work/$1.yaml" <<YAML
services:
  - {super_cas_id: $first, key_file: "$work/keys/$first.key"}
  - {super_cas_id: $second, key_file: "$work/keys/$second.key"}
channel_status: {${2:-transition_delay_start: -500}}
${3:-}
YAML
    start_ecmg "$1" -c "$work/$1.yaml" || return 1
    printf -v "$1" %s "$ecmg_address"
    printf -v "$1_pid" %s "$ecmg_pid"
}
kill_ecmg() { # kill_ecmg NAME: as a crash would
    local pid=$1_pid
    kill -KILL "${!pid}"
    wait "${!pid}" 2>/dev/null
}
return_ecmg() { # return_ecmg NAME: where it was
    "$scramline" ecmg -c "$work/$1.yaml" --listen "${!1}" >"$work/$1.log" 2>&1 &
    printf -v "$1_pid" %s $!
    servers+=($!)
}
within() { # within SECONDS COMMAND…: until it succeeds
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || { echo "in vain: $*" && return 1; }
        sleep 0.1
    done
}

judged() { # judged FILE OPTION…
    local file=$1
    shift
    "$judge" --key "$first=$work/keys/$first.key" --key "$second=$work/keys/$second.key" --clear "$original" --service 1 "$@" \
        "$file" >"$work/judged.json" || { json "$work/judged.json" "d['faults']"; return 1; }
}
# shows EXPRESSION…: each holds, of what was judged last. Times are ms. Of crypto-periods, in turn: `on`, how long it was
# scrambled; `off`, how long nothing was until the next one; `delay`, when ECMs began, None: no ECM opened it.
shows() {
    python3 - "$work/judged.json" "$first" "$second" "$@" <<'PY'
import itertools, json, sys
report, first, second = json.load(open(sys.argv[1])), *(f'0x{int(cas, 16):08X}' for cas in sys.argv[2:4])
packets, service = report['packets'], report['services'][0]
periods, clear = service['periods'], service['clear']['first']
on = [p['to_ms'] - p['from_ms'] for p in periods]
off = [b['from_ms'] - a['to_ms'] for a, b in zip(periods, periods[1:])]
end = periods[-1]['length_ms'] - on[-1] if periods else None # after the last scrambled packet
def delay(cas):
    return [p['cas'][cas] and p['cas'][cas]['ecm_delay_ms'] for p in periods]
def turns(cas, *delays):
    """Which of these delays the crypto-periods had, None for no ECM: what follows one another."""
    nearest = lambda d: d if d is None else min((x for x in delays if x is not None), key=lambda x: abs(x - d))
    return [key for key, _ in itertools.groupby(map(nearest, delay(cas)))]
def near(value, wanted, most=250):
    return abs(value - wanted) <= most
def outages(least=700):
    """Crypto-periods behind which there was nothing for so long."""
    return [n for n, gap in enumerate(off) if gap >= least]
failed = [text for text in sys.argv[4:] if not eval(text)]
for text in failed:
    print('does not hold:', text)
if failed:
    print('on', [round(x) for x in on], 'off', [round(x) for x in off], 'end', end, 'clear', clear, packets)
    print({cas: [d and round(d) for d in delay(cas)] for cas in (first, second)})
sys.exit(bool(failed))
PY
}
without_gap='max(off) < 400'
on_time='all(near(x, 1000) for x in on[1:-1])'

# Files: one ECMG for all, killed when each run has seen a third of the programme, and back when each has seen two.
third=$(($(stat -c %s "$original") / 564))
part=$((third * 188))
parts() { # the programme as time goes by: "$work/killed", "$work/returned" say when
    head -c $part "$original"
    until [ -e "$work/killed" ]; do sleep 0.1; done
    tail -c +$((part + 1)) "$original" | head -c $part
    until [ -e "$work/returned" ]; do sleep 0.1; done
    tail -c +$((2 * part + 1)) "$original" | python3 -c '
import sys, time
while piece := sys.stdin.buffer.read(188 * 200):
    sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
    time.sleep(.1)'
}
has_written() { [ "$(stat -c %s "$work/file_$1.ts.partial")" -gt "$2" ]; }
file_run() { # file_run NAME OPTION…
    local name=$1
    shift
    parts | "$scramline" scramble --json --simulcrypt "$work/file_$name.yaml" --crypto-period 1 --ecm-timeout 1 "$@" - \
        "$work/file_$name.ts" >"$work/file_$name.json" 2>"$work/file_$name.log"
}
files='optional hold black clear backup'
files_all() {
    local name runs=() status=0
    for name in $files; do
        local terms='' addresses="\"$mortal\"" channel=$((${#runs[@]} * 10 + 1)) # channels are unique over all runs
        [ "$name" = optional ] && terms=', required: no'
        [ "$name" = backup ] && terms=', failback: never' && addresses+=", \"$reserve\""
        cat >"$work/file_$name.yaml" <<YAML
cas:
  - {name: steady, super_cas_id: $first, ecmgs: ["$steady"], channel_id: $channel, ecm_id: $channel}
  - {name: other, super_cas_id: $second, ecmgs: [$addresses], channel_id: $channel, ecm_id: $channel$terms}
YAML
        case $name in
        black | clear) file_run "$name" --policy "$name" & ;;
        *) file_run "$name" & ;;
        esac
        runs+=($!)
    done
    for name in $files; do within 20 has_written "$name" $((part * 3 / 4)) || status=1; done
    kill_ecmg mortal
    touch "$work/killed"
    for name in $files; do within 20 has_written "$name" $((part * 7 / 4)) || status=1; done
    return_ecmg mortal
    touch "$work/returned"
    for name in "${runs[@]}"; do wait "$name" || status=1; done
    [ $status = 0 ] || tail -n 5 "$work"/file_*.log
    return $status
}

early='delay_start: -300, delay_stop: -300, transition_delay_start: -1000, lead_CW: 0, CW_per_msg: 2'
late='delay_start: 200, delay_stop: 200, transition_delay_start: -500'
if ! { ecmg steady "$early" && ecmg mortal && ecmg reserve "$late" && ecmg stopped && ecmg slow '' 'laboratory: {answer_delay: 1300}'; }; then
    echo 'Bail out! the ECMGs did not start'
    exit 1
fi

check 'files: five runs go on while an ECMG dies and comes back' files_all
file_optional() {
    judged "$work/file_optional.ts" --expect-cas-always $first && shows "$without_gap" "$on_time" 'turns(second, 0) == [0, None, 0]'
}
check 'a file, optional: the others go on without it, on time' file_optional
file_hold() {
    judged "$work/file_hold.ts" && shows "$without_gap" 'sum(x > 1500 for x in on) == 1' 'all(near(x % 1000, 0) or x % 1000 > 900 for x in on[1:-1])'
}
check 'a file, required, hold: the last control word stays' file_hold
file_black() {
    judged "$work/file_black.ts" --allow-black && shows "$on_time" 'len(outages()) == 1' 'packets["clear"] == 0'
}
check 'a file, required, black: black from the crypto-period on that has no ECM' file_black
file_clear() {
    judged "$work/file_clear.ts" --max-clear 100000 &&
        shows "$on_time" 'len(outages()) == 1' 'len(clear) == 1' 'near(clear[0]["from_ms"], periods[outages()[0]]["to_ms"], 100)' 'packets["black"] == 0'
}
check 'a file, required, clear: in clear, and scrambled again' file_clear
file_backup() {
    judged "$work/file_backup.ts" && shows "$without_gap" "$on_time" 'turns(second, 0, 200) == [0, 200]'
}
check 'a file, with a backup: it takes over, on time, every packet opens' file_backup

# Live: each stream has a service of its own. At first all ECMGs but one are there; that one takes connections and says
# nothing. "mortal" is killed and "stopped" stands still; both come back; at last "mortal" and "reserve" are killed.
peer "$accept
    kept = globals().setdefault('kept', []); kept.append(c)" && never=127.0.0.1:$peer_port
impatient='network_delay: 0.5, reply_timeout: 1'
cat >"$work/run.yaml" <<YAML
workers: 1
memory: {hugepages: never}
ports: [{name: port, device: "net_pcap0,rx_pcap=$work/in.fifo,tx_pcap=$work/out.pcap"}]
cas:
  - {name: steady, super_cas_id: $first, ecmgs: ["$steady"]}
  - {name: mortal, super_cas_id: $second, ecmgs: ["$mortal"]}
  - {name: reserve, super_cas_id: $first, ecmgs: ["$reserve"]}
  - {name: backed, super_cas_id: $second, ecmgs: ["$mortal", "$reserve"], failback: 1}
  - {name: stopped, super_cas_id: $second, ecmgs: ["$stopped"], $impatient}
  - {name: stopped_backed, super_cas_id: $second, ecmgs: ["$stopped", "$reserve"], failback: 1, $impatient}
  - {name: slow, super_cas_id: $second, ecmgs: ["$slow"]}
  - {name: slow_backed, super_cas_id: $second, ecmgs: ["$slow", "$steady"], failback: never, $impatient}
  - {name: never, super_cas_id: $second, ecmgs: ["$never"], reply_timeout: 1}
  - {name: never_backed, super_cas_id: $second, ecmgs: ["$never", "$steady"], reply_timeout: 1}
streams:
YAML
streams=()
stream() { # stream NAME CAS,… [POLICY [DELAY]]: its place in `streams` is the last number of its group
    streams+=("$1")
    cat >>"$work/run.yaml" <<YAML
  - {name: $1, input: {port: port, address: "239.1.1.${#streams[@]}:5000"}, output: {port: port}, crypto_period: 1,
     cas: [$2], policy: ${3:-hold}, policy_delay: ${4:-0.5}}
YAML
}
optional() { echo "{name: $1, required: no}"; }
stream optional "steady, $(optional mortal)"
stream hold 'steady, mortal'
stream black 'steady, mortal' black
stream clear 'steady, mortal' clear
stream backed 'steady, backed' black
stream either "$(optional mortal), $(optional reserve)" clear
stream stopped 'steady, stopped' black
stream stopped_optional "steady, $(optional stopped)"
stream stopped_backed 'steady, stopped_backed'
stream slow 'steady, slow'
stream slow_black slow black 0
stream slow_optional "steady, $(optional slow)"
stream slow_backed 'steady, slow_backed'
stream never 'steady, never' clear 0
stream never_optional "steady, $(optional never)"
stream never_backed 'steady, never_backed'

# status EXPRESSION of v, the service of a stream by its name, and e, the ECMGs of a CAS by its name
status() {
    json_is "$work/status.json" "(lambda v, e: $1)({s['name']: s['services'][0] for s in d['streams']}, {c['name']: c['ecmgs'] for c in d['cas']})"
}
periods() { json "$work/status.json" "[s['services'][0]['crypto_periods'] for s in d['streams'] if s['name'] == 'never_optional'][0]"; }
some_periods() { # some_periods N: so many crypto-periods pass on a stream that nothing happens to
    local begun
    begun=$(periods) && within 15 status "v['never_optional']['crypto_periods'] >= $begun + $1"
}
live() {
    local run pid
    feed "$work/in.fifo" "$original" 239.1.1.1 5000 --mbit 1.6 --copies ${#streams[@]}
    run_to_end &
    run=$!
    servers+=("$run")
    within 30 status "all(s['on_air'] for n, s in v.items() if n != 'never')" && some_periods 2 || return 1
    kill_ecmg mortal
    kill -STOP "$stopped_pid"
    some_periods 3 || return 1
    return_ecmg mortal
    some_periods 2 || return 1
    kill -CONT "$stopped_pid"
    within 30 status "not any(s['degraded'] for n, s in v.items() if n not in ('never', 'slow', 'slow_black')) and \
        e['backed'][0]['state'] == e['stopped_backed'][0]['state'] == 'active'" && some_periods 2 || return 1
    kill_ecmg mortal
    kill_ecmg reserve
    wait $run
}
check 'live: sixteen streams, ECMGs die, stand still, are late, come back and die' live

leaves() { # leaves STREAM OPTION…: what left of it is judged
    local name=$1 number=0
    shift
    while [ "${streams[number]}" != "$name" ]; do number=$((number + 1)); done
    judged "$work/out.pcap" --flow 239.1.1.$((number + 1)):5000 --allow-black "$@"
}
not_black='packets["black"] == packets["black_at_start"]'
live_optional() {
    leaves optional --expect-cas-always $first && shows "$without_gap" "$on_time" "$not_black" 'turns(second, 0) == [0, None, 0, None]'
}
check 'live, optional: the others go on without it, on time' live_optional
live_hold() { leaves hold && shows "$without_gap" "$not_black" 'sum(x > 1500 for x in on[:-1]) == 1' 'sum(near(x, 1000) for x in on) >= 5'; }
check 'live, required, hold: the last control word stays, with the ECMs of all' live_hold
live_black() { leaves black && shows 'len(outages()) == 1' 'near(on[outages()[0]], 1500)' 'near(on[-1], 1500)' 'end > 500' 'sum(near(x, 1000) for x in on) >= 5'; }
check 'live, required, black: black once policy_delay is over, and on air again' live_black
live_clear() {
    leaves clear --max-clear 100000 && shows 'len(clear) == 2' "$not_black" 'len(outages()) == 1' 'near(on[outages()[0]], 1500)' 'near(on[-1], 1500)' \
        'near(clear[0]["from_ms"], periods[outages()[0]]["to_ms"], 100)' 'near(clear[0]["to_ms"], periods[outages()[0] + 1]["from_ms"], 100)' \
        'near(clear[1]["from_ms"], periods[-1]["to_ms"], 100)'
}
check 'live, required, clear: in clear from and to these moments, and scrambled again' live_clear
live_backed() {
    leaves backed && shows "$without_gap" "$on_time" 'turns(second, 0, 200) == [0, 200, 0]' 'near(on[-1], 1500)' 'end > 500'
}
check 'live, with a backup: it takes over, the primary gets all back, on time; black when both are dead' live_backed
live_either() {
    leaves either --max-clear 100000 --expect-cas-always $first && shows "$without_gap" "$on_time" "$not_black" 'turns(second, 0) == [0, None, 0]' \
        'near(on[-1], 1500)' 'len(clear) == 1' 'near(clear[0]["from_ms"], periods[-1]["to_ms"], 100)'
}
check 'live, all optional: one is enough; without any the policy holds' live_either
live_stopped() { leaves stopped && shows 'len(outages(300)) == 1' 'near(on[outages(300)[0]], 1500)' 'all(near(x, 1000) for x in on[outages(300)[0] + 1:-1])'; }
check 'live, standing still, required, black: black once policy_delay is over' live_stopped
live_stopped_optional() {
    leaves stopped_optional --expect-cas-always $first && shows "$without_gap" "$on_time" "$not_black" 'turns(second, 0) == [0, None, 0]'
}
check 'live, standing still, optional: the others go on without it, on time' live_stopped_optional
live_stopped_backed() {
    leaves stopped_backed && shows "$without_gap" "$not_black" 'max(on) < 3200' 'sum(near(x, 1000) for x in on) >= len(on) - 3' 'turns(second, 0, 200) == [0, 200, 0]'
}
check 'live, standing still, with a backup: one crypto-period is stretched until it takes over' live_stopped_backed
live_slow() { leaves slow && shows "$without_gap" "$not_black" 'len(on) >= 6' 'all(near(x, 1350, 300) for x in on[2:-1])'; }
check 'live, late, required: each crypto-period is as long as its ECM takes' live_slow
live_slow_black() { leaves slow_black --expect-cas-always $second && shows 'all(near(x, 1000) for x in on[2:-1])' 'all(near(x, 330, 280) for x in off[2:])'; }
check 'live, late, required, black at once: black until the ECM is there' live_slow_black
live_slow_optional() { leaves slow_optional --expect-cas-always $first && shows "$without_gap" "$on_time" "$not_black" 'sum(x is not None for x in delay(second)) >= 3'; }
check 'live, late, optional: nobody waits for it' live_slow_optional
live_slow_backed() { leaves slow_backed && shows "$without_gap" "$not_black" 'turns(second, 0, -300)[-1] == -300' 'len(on) > 10' 'all(near(x, 1000) for x in on[6:-1])'; }
check 'live, later than is allowed, with a backup: it is left for the backup' live_slow_backed
live_never() { # nothing was ever scrambled: that is what the judge finds
    ! leaves never >/dev/null && json_is "$work/judged.json" "d['packets']['scrambled'] == d['packets']['clear'] == d['packets']['lost'] == 0" &&
        json_is "$work/judged.json" "d['packets']['black'] > 3000 and all('scrambled' in f or 'no ECM' in f or 'no service' in f for f in d['faults'])"
}
check 'live, without a word, required: black from the first packet to the last, whatever the policy' live_never
live_never_optional() { leaves never_optional --expect-cas-always $first && shows "$without_gap" "$on_time" "$not_black" 'turns(second) == [None]'; }
check 'live, without a word, optional: the others go on, on time' live_never_optional
live_never_backed() { leaves never_backed && shows "$without_gap" "$on_time" "$not_black"; }
check 'live, without a word, with a backup: on air with the backup' live_never_backed
finish
