"""The cache of things fetched or built once per machine, shared by all checkouts and build trees.

It lives in $KGW_CACHE, or ${XDG_CACHE_HOME:-~/.cache}/kgateway. An entry is a folder whose name
says everything that went into it, so a new version is a new entry and nothing is ever stale.
A lock per entry lets concurrent builds wait for the first one; entries appear by rename, whole.
"""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator

TOOLS = pathlib.Path(__file__).resolve().parent


def root() -> pathlib.Path:
    base = os.environ.get("KGW_CACHE")
    if base:
        return pathlib.Path(base)
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(home) / "kgateway"


def digest(*parts: bytes | str) -> str:
    """A short hash of the parts, for use in an entry's name."""
    h = hashlib.sha256()
    for part in parts:
        h.update(part.encode() if isinstance(part, str) else part)
        h.update(b"\0")
    return h.hexdigest()[:16]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def run(*command: str | pathlib.Path, **kwargs) -> None:
    """Runs a command with its output on stderr; raises when it fails."""
    subprocess.run([str(c) for c in command], check=True, stdout=sys.stderr, **kwargs)


@contextlib.contextmanager
def lock(name: str, *, wait: bool = True) -> Iterator[None]:
    """Held for the block. BlockingIOError when it is taken and wait is False."""
    (root() / "locks").mkdir(parents=True, exist_ok=True)
    with open(root() / "locks" / name, "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield


def entry(name: str, fill: Callable[[pathlib.Path], None], *, in_place: bool = False) -> pathlib.Path:
    """The folder `name` of the cache; `fill` makes its content the first time.

    in_place: the content refers to its own path (a venv), so it is filled where it stays and
    counts as complete once a marker file is there.
    """
    final = root() / name
    marker = final / ".complete"
    if marker.exists():
        return final
    with lock(name):
        if marker.exists():
            return final
        shutil.rmtree(final, ignore_errors=True)
        if in_place:
            final.mkdir(parents=True)
            fill(final)
            marker.touch()
            return final
        work = pathlib.Path(tempfile.mkdtemp(prefix=name + ".tmp-", dir=root()))
        work.chmod(0o755)
        try:
            fill(work)
            (work / ".complete").touch()
            work.rename(final)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return final


def venv(requirements: pathlib.Path) -> pathlib.Path:
    """A virtual environment with the hash-pinned requirements; returns its python."""

    def fill(path: pathlib.Path) -> None:
        say(f"-- python environment for {requirements.name}")
        run(sys.executable, "-m", "venv", path)
        run(path / "bin/pip", "install", "--quiet", "--disable-pip-version-check",
            "--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", requirements)

    key = digest(requirements.read_bytes(), sys.executable, sys.version)
    return entry(f"venv-{requirements.stem}-{key}", fill, in_place=True) / "bin/python"


def pip() -> pathlib.Path:
    """A pip of our own: Debian's python3 has venv but no pip."""

    def fill(path: pathlib.Path) -> None:
        run(sys.executable, "-m", "venv", path)

    return entry(f"venv-pip-{digest(sys.executable, sys.version)}", fill, in_place=True) / "bin/pip"


def wheels(requirements: pathlib.Path) -> pathlib.Path:
    """A folder with the wheels of the hash-pinned requirements."""

    def fill(path: pathlib.Path) -> None:
        say(f"-- wheels of {requirements.name}")
        run(pip(), "download", "--quiet", "--disable-pip-version-check",
            "--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", requirements,
            "-d", path)

    return entry(f"wheels-{requirements.stem}-{digest(requirements.read_bytes())}", fill)
