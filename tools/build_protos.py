#!/usr/bin/env python3
"""Builds the C++ code of the Envoy API once and prints the folder that holds it.

usage: build_protos.py [--cxx COMPILER] [--protoc PROTOC]

The folder has include/ (generated headers), lib/libenvoy_protos.a and protos.pb (the descriptors).
It lives in the cache (kgw_cache.py) under a name that covers wheel, list of files, generator and
compiler; release, debug and sanitizer trees of every checkout share it. The code is always built
with -O1 and never instrumented: it is not ours to debug, and it is most of a cold build.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys

import kgw_cache as cache

ROOTS = cache.TOOLS / "protos.txt"
REQUIREMENTS = cache.TOOLS / "requirements-protos.txt"
DUMP = cache.TOOLS / "dump_protos.py"
FLAGS = "-std=c++20 -O1 -g0 -DNDEBUG -fPIC -ffunction-sections -fdata-sections -w"
GRPC_SERVICES = ["envoy/service/discovery/v3/ads.proto"]


def output_of(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def generate(path: pathlib.Path, protoc: str) -> list[str]:
    """Writes the sources below path/include; returns their names relative to it."""
    (wheel,) = cache.wheels(REQUIREMENTS).glob("xds_protos-*.whl")
    descriptors = path / "protos.pb"
    names = output_of(str(cache.venv(REQUIREMENTS)), str(DUMP), str(wheel), str(ROOTS),
                      str(descriptors)).split()
    include = path / "include"
    include.mkdir()
    cache.run(protoc, f"--descriptor_set_in={descriptors}", f"--cpp_out={include}", *names)
    plugin = shutil.which("grpc_cpp_plugin")
    cache.run(protoc, f"--descriptor_set_in={descriptors}", f"--grpc_out={include}",
              f"--plugin=protoc-gen-grpc={plugin}", *GRPC_SERVICES)
    return sorted(str(p.relative_to(include)) for p in include.rglob("*.cc"))


def build(path: pathlib.Path, cxx: str, protoc: str) -> None:
    sources = generate(path, protoc)
    cache.say(f"-- Envoy API: compiling {len(sources)} generated files, once for all build trees")
    launcher = "ccache " if shutil.which("ccache") else ""
    objects = []
    ninja = [
        "ninja_required_version = 1.5",
        "rule cc",
        f"  command = {launcher}{cxx} {FLAGS} -isystem include -MD -MF $out.d -c $in -o $out",
        "  depfile = $out.d",
        "  deps = gcc",
        "  description = $in",
        "rule ar",
        "  command = ar rcs $out @$out.rsp",
        "  rspfile = $out.rsp",
        "  rspfile_content = $in_newline",
    ]
    for source in sources:
        objects.append(f"obj/{source}.o")
        ninja.append(f"build {objects[-1]}: cc include/{source}")
    ninja.append("build lib/libenvoy_protos.a: ar " + " ".join(objects))
    (path / "build.ninja").write_text("\n".join(ninja) + "\n")
    cache.run("ninja", "-C", path, "-j", str(os.cpu_count() or 1))
    shutil.rmtree(path / "obj")
    for source in (path / "include").rglob("*.cc"):
        source.unlink()
    for left in (".ninja_log", ".ninja_deps", "build.ninja"):
        (path / left).unlink(missing_ok=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cxx", default="g++")
    parser.add_argument("--protoc", default="protoc")
    args = parser.parse_args()
    key = cache.digest(
        ROOTS.read_bytes(), REQUIREMENTS.read_bytes(), DUMP.read_bytes(),
        FLAGS, *GRPC_SERVICES, output_of(args.protoc, "--version"), output_of(args.cxx, "--version"),
    )
    print(cache.entry(f"envoy-protos-{key}", lambda path: build(path, args.cxx, args.protoc)))


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.stderr.write((error.stderr or "") if isinstance(error.stderr, str) else "")
        sys.exit(f"build_protos.py: {error}")
