"""The memory of a process and of all its descendants, from /proc."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes: what the main process has resident, and what all have together, shared ones once."""

    main: int
    together: int
    each: tuple[int, ...] = ()
    """Of `together`, what each process has, the largest first."""


def descendants(pid: int) -> list[int]:
    """The process and all that descend from it."""
    parents: dict[int, int] = {}
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
            except OSError:  # it has just ended
                continue
            parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    found = [pid]
    for candidate in found:
        found += [child for child, parent in parents.items() if parent == candidate]
    return found


def measured(pid: int) -> Memory:
    family = {each: _rollup(each) for each in descendants(pid)}
    each = sorted((process.get("Pss", 0) for process in family.values()), reverse=True)
    return Memory(family.get(pid, {}).get("Rss", 0), sum(each), tuple(each))


def _rollup(pid: int) -> dict[str, int]:
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return {}
    return {
        name: int(rest.split()[0]) * 1024
        for name, _, rest in (line.partition(":") for line in lines)
    }


class Watch:
    """Looks every quarter of a second, in a thread, and keeps the most it saw."""

    def __init__(self, pid: int) -> None:
        self.most = Memory(0, 0)
        self._pid = pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._stop.is_set():
            seen = measured(self._pid)
            largest = max(self.most, seen, key=lambda memory: memory.together)
            self.most = Memory(max(self.most.main, seen.main), largest.together, largest.each)
            time.sleep(0.25)

    def stop(self) -> Memory:
        self._stop.set()
        self._thread.join()
        return self.most
