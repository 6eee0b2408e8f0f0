# shellcheck shell=bash
# scripts/common.sh: what setup, test and demo share. Sourced, never run.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# Colours on a terminal alone.
if [ -t 1 ]; then bold=$'\e[1m' red=$'\e[31m' plain=$'\e[0m'; else bold='' red='' plain=''; fi

say() { printf '%s\n' "$*"; }

# fail WHAT HINT: the last words of a script.
fail() {
    printf '%s%s%s\n' "$red" "FAILED: $1" "$plain" >&2
    [ -z "${2:-}" ] || printf '  %s\n' "$2" >&2
    exit 1
}

# step TEXT HINT COMMAND…: shows what is being done and how long it took; the command's output only where it fails.
step() {
    local text=$1 hint=$2 log started=$SECONDS
    shift 2
    log=$(mktemp)
    printf '%s==>%s %s … ' "$bold" "$plain" "$text"
    # A subshell, and no condition around it: only so does the shell stop at the first command that fails.
    set +e
    (set -e; "$@") >"$log" 2>&1
    local status=$?
    set -e
    if [ $status = 0 ]; then
        say "done ($((SECONDS - started)) s)"
        rm -f "$log"
        return 0
    fi
    say 'failed'
    tail -n 60 "$log" >&2
    rm -f "$log"
    fail "$text" "$hint"
}

# configure DIR OPTION…: a meson build folder, made once; its options are kept.
configure() {
    local dir=$1
    shift
    [ -f "$dir/build.ninja" ] || meson setup "$dir" "$@"
}

build() { ninja -C "$1"; }
