"""containerd, seen through `ctr`: images in, and the end of every container of the cluster."""

import os
import pathlib
import signal
import subprocess
import time

import layout
from layout import ClusterError

SOCKET = layout.RUN / "containerd.sock"


def ctr(*arguments: str | pathlib.Path, check: bool = True) -> str:
    """The output of ctr in the namespace that the kubelet uses."""
    command = ["ctr", "--address", str(SOCKET), "--namespace", "k8s.io", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise ClusterError(f"ctr {' '.join(map(str, arguments))}: {done.stderr.strip()}")
    return done.stdout


def ready() -> bool:
    command = ["ctr", "--address", str(SOCKET), "--timeout", "2s", "version"]
    return subprocess.run(command, capture_output=True).returncode == 0


def load(archive: pathlib.Path) -> None:
    """Imports an OCI archive under the names that it carries."""
    ctr("images", "import", "--digests=false", archive)


def has_image(name: str) -> bool:
    return name in ctr("images", "list", "--quiet").split()


def shims() -> list[int]:
    """The processes that look after our containers: they name our socket on their command line."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"containerd-shim" in words[0] and str(SOCKET).encode() in words:
            found.append(int(process.name))
    return found


def end_containers() -> None:
    """Kills and removes every container; containerd must still run for a clean end."""
    if ready():
        for task in ctr("tasks", "list", "--quiet", check=False).split():
            ctr("tasks", "kill", "--signal", "SIGKILL", task, check=False)
        for task in ctr("tasks", "list", "--quiet", check=False).split():
            ctr("tasks", "delete", "--force", task, check=False)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in shims():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        deadline = time.monotonic() + 3
        while shims() and time.monotonic() < deadline:
            time.sleep(0.05)


def unmount(*folders: pathlib.Path) -> None:
    """Unmounts everything below the folders; ClusterError when something stays mounted."""

    def mounted() -> list[str]:
        points = [line.split()[1] for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()]
        points = [point.encode().decode("unicode_escape") for point in points]
        return sorted((p for p in points if any(p.startswith(f"{f}/") for f in folders)), reverse=True)

    for point in mounted():
        if subprocess.run(["umount", point], capture_output=True).returncode != 0:
            subprocess.run(["umount", "--lazy", point], capture_output=True)
    if left := mounted():
        raise ClusterError(f"still mounted: {' '.join(left)}")


def remove_cgroups() -> None:
    """Removes the kubelet's control groups; one that still has a process cannot be removed and stays."""
    for top in (*pathlib.Path("/sys/fs/cgroup").glob("kubepods"),
                *pathlib.Path("/sys/fs/cgroup").glob("*/kubepods")):
        for folder, _, _ in os.walk(top, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                pass
