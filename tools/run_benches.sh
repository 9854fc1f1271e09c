#!/bin/bash
# Runs every benchmark of the release tree; console output here, JSON in build/bench/<name>.json.
# Arguments go to each benchmark, e.g. --benchmark_filter=Index.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build/bench
find build/release/src -name '*_bench' -type f -executable | sort | while read -r bench; do
  name=$(basename "$bench")
  echo "=== $name"
  "$bench" --benchmark_out="build/bench/$name.json" --benchmark_out_format=json "$@"
done
