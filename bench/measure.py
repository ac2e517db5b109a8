"""The CPU time and the memory of a process and everything it started, from /proc (proc(5))."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU time in seconds, of the process itself and of its children, living and ended; and the
    sum of the living processes' peaks of resident memory in bytes (shared pages count in each).
    """

    own_cpu: float
    children_cpu: float
    peak_memory: int

    @property
    def cpu(self) -> float:
        return self.own_cpu + self.children_cpu


def usage(pid: int) -> Usage:
    """Of a living process. Raises FileNotFoundError if there is none."""
    own, ended = _cpu(pid)
    peak, children_cpu = _peak(pid), ended
    for child in _descendants(pid):
        try:
            child_own, child_ended = _cpu(child)
            peak += _peak(child)
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue
        children_cpu += child_own + child_ended
    return Usage(own, children_cpu, peak)


def _cpu(pid: int) -> tuple[float, float]:
    """Of the process and of its ended children."""
    user, system, ended_user, ended_system = (int(value) for value in _stat(pid)[11:15])
    return (user + system) / TICKS, (ended_user + ended_system) / TICKS


def _stat(pid: int) -> list[str]:
    """The fields after the name, which may itself have spaces and brackets."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _peak(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                children.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
    found, waiting = [], [pid]
    while waiting:
        some = children.get(waiting.pop(), [])
        found += some
        waiting += some
    return found
