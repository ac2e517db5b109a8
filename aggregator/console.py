"""What a person sees on a terminal: tables, progress, errors in a line, JSON for machines."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

STAGES = {"poll": "polling feeds", "enrich": "making articles", "publish": "publishing"}


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table on a terminal; tab-separated lines, without title, when piped."""
    if not sys.stdout.isatty():
        for row in (columns, *rows):
            sys.stdout.write("\t".join(_cell(value) for value in row) + "\n")
        return
    table = Table(title=title, title_justify="left", show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    Console().print(table, markup=False)


def print_error(text: str) -> None:
    """On standard error."""
    sys.stderr.write(f"aggregator: {text}\n")


def start_logging(level: int) -> None:
    """Log lines on standard error; under systemd, which adds the time itself, without one."""
    under_systemd = "JOURNAL_STREAM" in os.environ
    form = "%(levelname)s %(message)s" if under_systemd else "%(asctime)s %(levelname)s %(message)s"
    logging.basicConfig(level=level, format=form, stream=sys.stderr)
    for chatty in ("httpx", "httpcore", "trafilatura", "alembic", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


@contextmanager
def progress(shown: bool) -> Iterator[Reporter]:
    """A reporter for the engine's cycle: bars on a terminal, a line a stage when piped."""
    if not shown:
        yield Reporter(None)
    elif not sys.stderr.isatty():
        reporter = Reporter(None, lines=True)
        yield reporter
        reporter.finish()
    else:
        columns = (TextColumn("{task.description:<16}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=Console(stderr=True)) as bars:
            yield Reporter(bars)


class Reporter:
    """Called with a stage, how much of it is done, and of how much."""

    def __init__(self, bars: Progress | None, lines: bool = False) -> None:
        self._bars = bars
        self._lines = lines
        self._tasks: dict[str, TaskID] = {}
        self._last: dict[str, tuple[int, int]] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        self._last[stage] = (done, total)
        if self._bars is None:
            return
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(STAGES.get(stage, stage), total=total)
        self._bars.update(self._tasks[stage], completed=done, total=total)

    def finish(self) -> None:
        if self._lines:
            for stage, (done, total) in self._last.items():
                sys.stderr.write(f"{STAGES.get(stage, stage)}: {done}/{total}\n")


def ago(moment: datetime | None, now: datetime) -> str:
    """`5 min ago`, `in 2 h`, `never`."""
    if moment is None:
        return "never"
    seconds = (moment - now).total_seconds()
    text = _span(abs(seconds))
    return f"in {text}" if seconds > 0 else f"{text} ago"


def _span(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _cell(value: object) -> str:
    return " ".join(str(value).split())
