"""Pods' processes: containers are processes of this machine, so one can signal and measure them."""

import dataclasses
import os
import pathlib

TICKS = os.sysconf("SC_CLK_TCK")


def processes(pod: dict, program: str) -> list[int]:
    """The ids of the pod's processes with that name."""
    uid, found = pod["metadata"]["uid"], []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            inside = f"pod{uid}" in (folder / "cgroup").read_text()
            if inside and (folder / "comm").read_text().strip() == program[:15]:
                found.append(int(folder.name))
        except OSError:
            pass
    return found


@dataclasses.dataclass(frozen=True)
class Usage:
    """What some processes have used so far."""

    cpu: float = 0       # seconds
    resident: float = 0  # MiB

    def __sub__(self, before: "Usage") -> "Usage":
        return Usage(self.cpu - before.cpu, self.resident - before.resident)


def usage(pids: list[int]) -> Usage:
    cpu = resident = 0.0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        cpu += (int(fields[11]) + int(fields[12])) / TICKS
        resident += int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    return Usage(cpu, resident)
