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

# measured OUT [OPTION…]: /proc's high-water mark, read by the shell's own time keyword, would be of the shell: python
# asks for the child's.
measured() {
    python3 - "$scramline" "$work" "$@" <<'PY'
import json, resource, subprocess, sys, time
scramline, work, out, *options = sys.argv[1:]
start = time.time()
done = subprocess.run([scramline, 'scramble', '--json', *options, '--pid', '256-259', '--cw', '0123456789abcdef', work + '/large.ts', '/dev/null'],
                      capture_output=True, text=True)
print(done.stderr)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
summary = json.loads(done.stdout)
cpu = usage.ru_utime + usage.ru_stime
scrambled = summary['packets']['scrambled']
print(f"{summary['packets']['in']} packets in {time.time() - start:.1f} s, {cpu:.1f} s of CPU, {usage.ru_maxrss / 1024:.0f} MiB")
json.dump({'seconds': cpu, 'mib': usage.ru_maxrss / 1024, 'scrambled': scrambled, 'in': summary['packets']['in']}, open(out, 'w'))
assert usage.ru_maxrss < 64 * 1024, 'memory'
assert scrambled > summary['packets']['in'] * 0.8
PY
}

check 'a file of 1 GiB' make_large
check 'is scrambled in less than 64 MiB of memory' measured "$work/best.json"
check 'and by libdvbcsa' measured "$work/portable.json" --tier libdvbcsa

# The cipher alone, as a file run drives it: one key, large batches, packets that come from memory.
cipher_alone() {
    "$scramline" bench cipher --json --seconds 4 --algorithm dvb-csa2 --direction scramble --keys 1 --payload full \
        --working-set memory --batch 4096 >"$work/cipher.json"
}
check 'the cipher alone' cipher_alone

# What the command does besides is little beside the portable tier; beside a fast one it is told, not judged.
cipher_bound() {
    python3 - "$work" <<'PY'
import json, sys
best, portable, records = (json.load(open(f'{sys.argv[1]}/{n}.json')) for n in ('best', 'portable', 'cipher'))
def share(run, record):
    rate = run['scrambled'] * 188 * 8 / run['seconds'] / 1e9
    alone = record['gbit_s_median']
    print(f"{record['tier']}: {rate:.2f} Gbit/s of scrambled packets; the cipher alone: {alone:.2f} Gbit/s; share of the cipher {rate / alone:.0%}")
    return rate / alone
share(best, next(r for r in records if r['default']))
assert share(portable, next(r for r in records if r['tier'] == 'tier-libdvbcsa')) > 0.8, 'the cipher should be what bounds it'
PY
}
check 'bounded by the cipher' cipher_bound
sed 's/^/# /' "$work/check.log"
finish
