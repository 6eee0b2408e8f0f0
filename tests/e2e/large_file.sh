#!/usr/bin/env bash
# A file of 1 GiB with one fixed control word: memory below 64 MiB, bounded by the cipher. Says both rates.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

original=$work/dense.ts
size=$((1 << 30))
# Without the stuffing, so that nearly every packet is one for the cipher.
python3 - "$(programme)" "$original" <<'PY'
import sys
data = open(sys.argv[1], 'rb').read()
open(sys.argv[2], 'wb').write(b''.join(data[i:i + 188] for i in range(0, len(data), 188) if data[i + 1:i + 3] != b'\x1f\xff'))
PY

make_large() {
    local copies=$((size / $(stat -c %s "$original") + 1)) i
    for ((i = 0; i < copies; i++)); do cat "$original"; done >"$work/large.ts"
    truncate -s $((size / 188 * 188)) "$work/large.ts"
}

# /proc's high-water mark, read by the shell's own time keyword, would be of the shell: python asks for the child's.
measured() {
    python3 - "$scramline" "$work" <<'PY'
import json, resource, subprocess, sys, time
scramline, work = sys.argv[1:]
start = time.time()
done = subprocess.run([scramline, 'scramble', '--json', '--pid', '256-259', '--cw', '0123456789abcdef', work + '/large.ts', '/dev/null'],
                      capture_output=True, text=True)
print(done.stderr)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
summary = json.loads(done.stdout)
cpu = usage.ru_utime + usage.ru_stime
scrambled = summary['packets']['scrambled']
print(f"{summary['packets']['in']} packets in {time.time() - start:.1f} s, {cpu:.1f} s of CPU, {usage.ru_maxrss / 1024:.0f} MiB")
json.dump({'seconds': cpu, 'mib': usage.ru_maxrss / 1024, 'scrambled': scrambled, 'in': summary['packets']['in']}, open(work + '/m.json', 'w'))
assert usage.ru_maxrss < 64 * 1024, 'memory'
assert scrambled > summary['packets']['in'] * 0.8
PY
}

check 'a file of 1 GiB' make_large
check 'is scrambled in less than 64 MiB of memory' measured
cipher_bound() {
    "$SCRAMLINE_BUILD/tests/tools/cipher_rate" dvb-csa2 "$(json "$work/m.json" "d['scrambled']")" >"$work/cipher.json" &&
        python3 - "$work" <<'PY'
import json, sys
m, c = (json.load(open(f'{sys.argv[1]}/{n}.json')) for n in ('m', 'cipher'))
share = c['seconds'] / m['seconds']
rate = m['scrambled'] * 188 * 8 / m['seconds'] / 1e9
print(f"scramble: {rate:.2f} Gbit/s of scrambled packets; the cipher alone: {c['gbit_s']:.2f} Gbit/s; share of the cipher {share:.0%}")
assert share > 0.8, 'the cipher should be what bounds it'
PY
}
check 'bounded by the cipher' cipher_bound
sed 's/^/# /' "$work/check.log"
finish
