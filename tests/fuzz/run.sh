#!/usr/bin/env bash
# The fuzz target under libFuzzer with the sanitizers, starting from the corpus. What it finds beyond that stays in
# BUILD/corpus, and is where the next run starts from; what fails is BUILD/crash-* and the like.
# usage: tests/fuzz/run.sh BUILD [SECONDS]   BUILD: a folder to build in
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tools/debian-tree.sh
. "$root/tools/debian-tree.sh"

(($# >= 1)) || die "usage: tests/fuzz/run.sh BUILD [SECONDS]"
need clang clang
links() { echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' |
  clang -fsanitize=fuzzer,address -x c - -o /dev/null 2>/dev/null; }
if ! links; then
  version=$(clang -dumpversion)
  say "installing libclang-rt-${version%%.*}-dev"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends \
    "libclang-rt-${version%%.*}-dev" >/dev/null </dev/null
  links || die "clang has no libFuzzer: apt-get install libclang-rt-${version%%.*}-dev"
fi

mkdir -p "$1/corpus"
cd "$1"
mapfile -t sources < <(sed -n '/^pure_sources =/,/[^\\]$/p' "$root/Makefile.am" | grep -o 'src/[a-z_]*\.c')
flags=(-g -O1 -std=gnu11 -D_GNU_SOURCE -I"$root/src" -fsanitize=address,undefined -fno-sanitize-recover=all)
clang -DFUZZ "${flags[@]}" -fsanitize=fuzzer "$root/tests/fuzz/fuzz_pickle.c" "${sources[@]/#/$root/}" -lm \
  -o fuzz_pickle
# the names that are known to the scan: it would take long to guess one
sed -n 's/^ *{\("[^"]*"\), \("[^"]*"\),.*/\1\n\2/p' "$root/src/pickle_safe.c" | sort -u >names.dict
./fuzz_pickle -max_total_time="${2:-60}" -timeout=10 -rss_limit_mb=2048 -max_len=4096 -dict=names.dict \
  -use_value_profile=1 -print_final_stats=1 -artifact_prefix=./ corpus "$root/tests/fuzz/corpus"
