#!/bin/bash
# Runs kgateway with the manifests of a directory (default: examples/quickstart) and the pinned Envoy.
# Further arguments go to `kgateway run`.
set -euo pipefail
cd "$(dirname "$0")/.."
config=${1:-examples/quickstart}
[ $# -gt 0 ] && shift
exec build/release/kgateway run --config "$config" --envoy "$(python3 tools/envoy_binary.py)" "$@"
