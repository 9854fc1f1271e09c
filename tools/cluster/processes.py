"""Processes that outlive the command that starts them, and are ended only when they are ours.

A record says which process was started: its id, its start time and the boot it belongs to. An id that
was given to another process since, or before a reboot, does not match and counts as ended.
"""

import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Callable

from layout import ClusterError

LOG_TAIL = 25


def start_time(pid: int) -> int | None:
    """The start of a process in clock ticks after boot; None when there is none, or only a zombie."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
    return None if fields[0] in "ZX" else int(fields[19])


def boot() -> str:
    return pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def tail(log: pathlib.Path) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()[-LOG_TAIL:]
    except OSError:
        lines = []
    return "\n".join(f"    {line}" for line in lines)


def wait(what: str, ready: Callable[[], bool], seconds: float, problem: Callable[[], str]) -> None:
    """Returns when ready() is true; ClusterError with problem() when that takes too long."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise ClusterError(f"{what} did not happen within {seconds:.0f} s\n{problem()}")
        time.sleep(0.1)


@dataclasses.dataclass(frozen=True)
class Process:
    name: str
    records: pathlib.Path
    logs: pathlib.Path

    @property
    def record(self) -> pathlib.Path:
        return self.records / f"{self.name}.json"

    @property
    def log(self) -> pathlib.Path:
        return self.logs / f"{self.name}.log"

    def pid(self) -> int | None:
        """The id of the recorded process, if it still runs."""
        try:
            known = json.loads(self.record.read_text())
        except (OSError, ValueError):
            return None
        started = start_time(known["pid"])
        same = started is not None and (started, boot()) == (known["started"], known["boot"])
        return known["pid"] if same else None

    def start(self, command: list[str], environment: dict[str, str]) -> None:
        """Starts the process in a session of its own, with its output appended to the log."""
        for folder in (self.records, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                     env={**os.environ, **environment}, start_new_session=True)
        work = self.record.with_suffix(".tmp")
        work.write_text(json.dumps({"pid": child.pid, "started": start_time(child.pid), "boot": boot()}))
        work.rename(self.record)

    def await_ready(self, ready: Callable[[], bool], seconds: float = 60) -> None:
        """ClusterError with the end of the log when the process ends, or is not ready in time."""

        def ready_or_dead() -> bool:
            return ready() or self.pid() is None

        wait(f"{self.name} getting ready", ready_or_dead, seconds, self.describe)
        if self.pid() is None:
            raise ClusterError(f"{self.name} ended\n{self.describe()}")

    def describe(self) -> str:
        return f"  the end of {self.log}:\n{tail(self.log)}"

    def stop(self, seconds: float = 10) -> None:
        """Ends the recorded process: asks first, then kills. Any other process is left alone."""
        for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, seconds)):
            pid = self.pid()
            if pid is None:
                break
            os.kill(pid, number)
            deadline = time.monotonic() + patience
            while self.pid() is not None and time.monotonic() < deadline:
                time.sleep(0.05)
        self.record.unlink(missing_ok=True)
