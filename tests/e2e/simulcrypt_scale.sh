#!/usr/bin/env bash
# 1008 services with two CASs each in one process: set up in time, no crypto-period missed, and one stream's 63 services
# judged from the output alone.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
soak=$(cd "$(dirname "$0")/../.." && pwd)/scripts/soak-simulcrypt

says_how() { "$soak" --help | grep -q Example; }
check '--help shows an example' says_how
scale() { timeout 150 "$soak" --build "$SCRAMLINE_BUILD" --period 5 --seconds 30 --json >"$work/soak.json"; }
check '1008 services, two ECMGs, crypto-periods of 5 s: set-up below 5 s, none missed' scale
told() { cat "$work/soak.json" && json_is "$work/soak.json" "d['services'] == 1008 and d['crypto_periods'] >= 5 * 1008 and d['processes']['run']['rss_mib'] > 0"; }
check 'CPU and memory are stated' told
three() { timeout 100 "$soak" --build "$SCRAMLINE_BUILD" --streams 2 --services 64 --cas 3 --period 3 --seconds 8 >"$work/soak.txt" || { cat "$work/soak.txt"; return 1; }; }
check 'two streams of 64 services with three CASs' three
notices() { # ECMs that come after their crypto-period should have begun
    exits 1 timeout 100 "$soak" --build "$SCRAMLINE_BUILD" --streams 1 --services 2 --period 1 --seconds 8 --answer-delay 1400 >"$work/soak.txt"
    grep -q 'FAULT: crypto-periods were stretched' "$work/soak.txt" || { cat "$work/soak.txt"; return 1; }
}
check 'ECMGs that are too slow are noticed' notices
finish
