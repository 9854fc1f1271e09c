#!/usr/bin/env python3
"""Runs tests/cluster against the controller of the current build, in the development cluster.

usage: faults.py [PYTEST-ARGUMENT...]
"""

import subprocess
import sys

import cluster
import conformance
import layout
from layout import ClusterError, cache


def main() -> int:
    place = layout.layout()
    with cache.lock("cluster-state"):
        cluster.up(place)
    conformance.install_controller(place)
    python = cache.venv(cache.TOOLS / "requirements-test.txt")
    return subprocess.run([str(python), "-m", "pytest", "-v", "-s", "--tb=short", "--timeout=300",
                           "-p", "no:cacheprovider", "tests/cluster", *sys.argv[1:]],
                          cwd=conformance.ROOT).returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ClusterError, RuntimeError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"faults.py: {error}")
