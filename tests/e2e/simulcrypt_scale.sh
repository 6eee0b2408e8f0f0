#!/usr/bin/env bash
# 1008 services with two CASs each in one process: set up in time, and no crypto-period missed.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
soak=$(cd "$(dirname "$0")/../.." && pwd)/scripts/soak-simulcrypt
scale() { timeout 100 "$soak" "$SCRAMLINE_BUILD" 14 3 16 63; }
check '1008 services of 16 streams, two ECMGs, crypto-periods of 3 s' scale
finish
