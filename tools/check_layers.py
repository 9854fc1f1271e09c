#!/usr/bin/env python3
"""Fails if a file of a layer includes a header of a later layer, and says which.

usage: check_layers.py LAYER... --src DIR      (layers in the order of the flow)
"""

import argparse
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"/]+)/([^"]+)"')


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("layers", nargs="+")
    parser.add_argument("--src", type=pathlib.Path, required=True)
    args = parser.parse_args()
    position = {layer: i for i, layer in enumerate(args.layers)}
    files = violations = 0
    for file in sorted(p for p in args.src.rglob("*") if p.suffix in (".h", ".cc")):
        name = file.relative_to(args.src)
        own = position.get(name.parts[0])
        files += 1
        if own is None:
            print(f"src/{name}: not in any layer of {' '.join(args.layers)}")
            violations += 1
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if match and match[2].endswith(".pb.h"):
                continue  # Envoy's generated API, which has a folder's name in common with ours
            if match and position.get(match[1], -1) > own:
                print(f"src/{name}:{number}: includes {match[1]}/{match[2]}, a later layer")
                violations += 1
    print(f"{files} files, {violations} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
