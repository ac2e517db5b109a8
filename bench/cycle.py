"""The benchmark: cycles over the same feeds, ours and a peer's, side by side.

    python -m bench.cycle [--feeds 1000] [--items 20] [--rounds 3] [--json] [--profile]

In each round every contestant starts anew on an empty database and does three cycles:
the first, one in which nothing has changed, one in which a tenth of the feeds has.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from os import cpu_count
from statistics import median
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from bench.contestants import CONTESTANTS
from bench.measure import usage
from bench.publisher import NEW_ITEMS

CYCLES = ("first", "unchanged", "changed")
CHANGED_PERCENT = 10

OURS = "ours"
PEER = "reader"


class BenchmarkError(Exception):
    """What was measured is not what was to be measured."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One cycle of one contestant: seconds on the clock, and of CPU in it and its children."""

    seconds: float
    own_cpu: float
    children_cpu: float
    parts: list[tuple[str, str, float]]
    """Thread, part and seconds of CPU; empty without --profile."""

    @property
    def cpu(self) -> float:
        return self.own_cpu + self.children_cpu


@dataclass(frozen=True, slots=True)
class Run:
    """One round of one contestant; memory in bytes, summed over its processes' peaks."""

    cycles: Mapping[str, Measure]
    peak_memory: int
    counts: Mapping[str, int]


class Process:
    """A part of the benchmark in a process of its own, spoken to in lines."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid
        self._name = " ".join(arguments)

    def hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise BenchmarkError(f"{self._name} ended before it was done")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, request: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{request}\n")
        self._process.stdin.flush()
        return self.hear()

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()


@contextmanager
def process(*arguments: str) -> Iterator[Process]:
    started = Process(*arguments)
    try:
        yield started
    finally:
        started.end()


# --- measuring -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Setting:
    feeds: int
    items: int
    port: int
    profile: bool


def run_once(name: str, setting: Setting, change: Callable[[], int]) -> Run:
    """All cycles of one contestant. `change` changes feeds, and gives how many.

    Raises BenchmarkError if it did not do the whole work.
    """
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        process(
            "bench.contestants",
            name,
            f"--port={setting.port}",
            f"--feeds={setting.feeds}",
            f"--folder={folder}",
            *(["--profile"] if setting.profile else []),
        ) as contestant,
    ):
        contestant.hear()
        cycles: dict[str, Measure] = {}
        expected = setting.feeds * setting.items
        for cycle in CYCLES:
            if cycle == "changed":
                expected += change() * min(NEW_ITEMS, setting.items)
            before = usage(contestant.pid)
            answer = contestant.ask(cycle)
            after = usage(contestant.pid)
            cycles[cycle] = Measure(
                answer["seconds"],
                after.own_cpu - before.own_cpu,
                after.children_cpu - before.children_cpu,
                answer["parts"],
            )
            counts = answer["counts"]
            check(name, cycle, counts, expected)
        return Run(cycles, after.peak_memory, counts)


def check(name: str, cycle: str, counts: Mapping[str, int], expected: int) -> None:
    """A contestant that left something out would seem fast."""
    if counts["failed"] or counts["entries"] != expected:
        raise BenchmarkError(
            f"{name}, {cycle} cycle: {counts['entries']} entries where {expected} were to be "
            f"stored, {counts['failed']} failed feeds"
        )
    if name == "ours, everything" and not (
        counts["pending"] == 0
        and counts["articles"] + counts["duplicates"] == expected
        and counts["duplicates"]
        and counts["in_topics"]
    ):
        raise BenchmarkError(f"{name}, {cycle} cycle: not everything was made: {counts}")


def run_all(options: argparse.Namespace, tell: Callable[[str], None]) -> dict[str, list[Run]]:
    runs: dict[str, list[Run]] = defaultdict(list)
    tell(f"making {options.feeds} feeds")
    with process(
        "bench.publisher", f"--feeds={options.feeds}", f"--items={options.items}"
    ) as publisher:
        port = publisher.hear()["port"]
        setting = Setting(options.feeds, options.items, port, options.profile)
        for number in range(options.rounds):
            for name in options.only or CONTESTANTS:
                tell(f"round {number + 1} of {options.rounds}: {name}")
                runs[name].append(
                    run_once(
                        name, setting, lambda: publisher.ask(f"change {CHANGED_PERCENT}")["changed"]
                    )
                )
    return runs


# --- telling -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CycleMedian:
    seconds: float
    cpu_seconds: float
    cpu_seconds_in_workers: float
    times_as_fast: float | None
    """As the peer in the faster of its settings; None if it did not take part."""


@dataclass(frozen=True, slots=True)
class Row:
    cycles: Mapping[str, CycleMedian]
    peak_memory_bytes: float
    counts: Mapping[str, int]


def medians(runs: Mapping[str, Sequence[Run]]) -> dict[str, Row]:
    """By contestant."""
    peers = [some for name, some in runs.items() if name.startswith(PEER)]
    best = {cycle: min((_seconds(some, cycle) for some in peers), default=None) for cycle in CYCLES}
    return {
        name: Row(
            {cycle: _cycle_median(some, cycle, best[cycle]) for cycle in CYCLES},
            median(run.peak_memory for run in some),
            some[-1].counts,
        )
        for name, some in runs.items()
    }


def _cycle_median(runs: Sequence[Run], cycle: str, best: float | None) -> CycleMedian:
    seconds = _seconds(runs, cycle)
    return CycleMedian(
        seconds,
        median(run.cycles[cycle].cpu for run in runs),
        median(run.cycles[cycle].children_cpu for run in runs),
        best / seconds if best else None,
    )


def _seconds(runs: Sequence[Run], cycle: str) -> float:
    return median(run.cycles[cycle].seconds for run in runs)


def show(table: Mapping[str, Row], console: Console) -> None:
    shown = Table(
        box=box.SIMPLE_HEAD,
        title="Medians: seconds (of CPU), times as fast as reader's best",
        title_justify="left",
    )
    shown.add_column("")
    for heading in ("first", "unchanged", f"{CHANGED_PERCENT}% changed", "peak memory"):
        shown.add_column(heading, justify="right")
    for name, row in table.items():
        cells = [_cell(row.cycles[cycle]) for cycle in CYCLES]
        shown.add_row(name, *cells, f"{row.peak_memory_bytes / 1e6:.0f} MB")
    console.print(shown)


def _cell(cycle: CycleMedian) -> str:
    times = f" {cycle.times_as_fast:5.2f}x" if cycle.times_as_fast else ""
    return f"{cycle.seconds:.2f} ({cycle.cpu_seconds:.1f}){times}"


def show_parts(runs: Mapping[str, Sequence[Run]], console: Console) -> None:
    """Where the CPU time of ours went, in the last round."""
    for name, some in runs.items():
        if not name.startswith(OURS):
            continue
        shown = Table(box=box.SIMPLE_HEAD, title=f"{name}: seconds of CPU", title_justify="left")
        shown.add_column("process")
        shown.add_column("part")
        rows: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
        for cycle, measure in some[-1].cycles.items():
            shown.add_column(cycle, justify="right")
            for thread, part, seconds in measure.parts:
                rows[thread, part][cycle] = seconds
            rows["all of the main process", ""][cycle] = measure.own_cpu
            rows["workers", ""][cycle] = measure.children_cpu
            rows["on the clock", ""][cycle] = measure.seconds
        for (thread, part), by_cycle in sorted(
            rows.items(), key=lambda row: (row[0][1] == "", -sum(row[1].values()))
        ):
            if max(by_cycle.values()) >= 0.01:
                cells = [f"{by_cycle.get(cycle, 0.0):.2f}" for cycle in CYCLES]
                shown.add_row(thread, part, *cells)
        console.print(shown)


def circumstances(options: argparse.Namespace) -> dict[str, object]:
    return {
        "feeds": options.feeds,
        "items": options.items,
        "rounds": options.rounds,
        "cores": cpu_count(),
        "python": platform.python_version(),
        "aggregator": version("aggregator"),
        "reader": version("reader"),
    }


def main() -> None:
    options = _options()
    errors = Console(stderr=True)
    try:
        runs = run_all(options, lambda line: errors.print(line, style="dim"))
    except BenchmarkError as error:
        sys.exit(f"the benchmark is not valid: {error}")
    table = medians(runs)
    if options.json:
        rows = {name: asdict(row) for name, row in table.items()}
        print(json.dumps({"circumstances": circumstances(options), "medians": rows}, indent=2))
        return
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(", ".join(f"{key} {value}" for key, value in circumstances(options).items()))
    show(table, console)
    if options.profile:
        show_parts(runs, console)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.cycle", description=__doc__)
    parser.add_argument("--feeds", type=int, default=1000)
    parser.add_argument("--items", type=int, default=20, help="in each feed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=CONTESTANTS, metavar="CONTESTANT")
    parser.add_argument("--json", action="store_true", help="the numbers, for a program")
    parser.add_argument("--profile", action="store_true", help="where the CPU time of ours goes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
