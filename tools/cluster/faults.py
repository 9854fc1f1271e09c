#!/usr/bin/env python3
"""Runs tests/cluster against the controller of the current build, in the development cluster.

usage: faults.py [PYTEST-ARGUMENT...]

Each test prints what it counted. The results go to build/cluster/junit.xml too.
"""

import os
import subprocess
import sys

import cluster
import conformance
import layout
from layout import ClusterError, cache

JUNIT = conformance.ROOT / "build/cluster/junit.xml"


def main() -> int:
    place = layout.layout()
    with cache.lock("cluster-state"):
        cluster.up(place)
    conformance.install_controller(place)
    python = cache.venv(cache.TOOLS / "requirements-test.txt")
    return subprocess.run([str(python), "-m", "pytest", "-v", "-s", "--tb=short", "--timeout=600",
                           "-p", "no:cacheprovider", f"--junit-xml={JUNIT}", "tests/cluster",
                           *sys.argv[1:]], cwd=conformance.ROOT,
                          env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}).returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ClusterError, RuntimeError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"faults.py: {error}")
