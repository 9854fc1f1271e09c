#!/bin/bash
# The tour of demo.py; ONCE=1 makes it exit with the result.
set -euo pipefail
cd "$(dirname "$0")/.."
exec python3 tools/demo.py ${ONCE:+--once}
