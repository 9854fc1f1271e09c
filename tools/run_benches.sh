#!/bin/bash
# Runs every benchmark of the release tree, then the whole product, then prints what came out as one
# table; JSON in build/bench. Arguments go to each benchmark program, e.g. --benchmark_filter=Index.
# KGW_BENCH_SIZES: numbers of routes end to end (1,1000,5000,10000).
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build/bench
# fleet_bench is `make bench-fleet`.
find build/release/src -name '*_bench' ! -name fleet_bench -type f -executable | sort | while read -r bench; do
  name=$(basename "$bench")
  echo "=== $name"
  "$bench" --benchmark_out="build/bench/$name.json" --benchmark_out_format=json "$@"
done
echo "=== end to end"
python3 tools/bench_e2e.py ${KGW_BENCH_SIZES:+--sizes "$KGW_BENCH_SIZES"}
python3 tools/bench_summary.py
