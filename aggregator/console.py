"""What a person sees on a terminal: tables, progress, errors in a line, JSON for machines."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from aggregator.errors import AggregatorError, QueryError

# rich takes 0.1 s to import, and only a terminal needs it: where it is used, it is imported
if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

STAGES = {
    "poll": "polling feeds",
    "enrich": "making articles",
    "group": "grouping articles",
    "publish": "publishing",
}


@dataclass(frozen=True)
class Table:
    """`numbers` says which columns are numbers. A cell may have several lines."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[object]]
    numbers: frozenset[str] = frozenset()


def prepare_streams() -> None:
    """A text that the terminal's encoding lacks is shown by its code, and fails nothing.

    A stream that was closed before the program began takes what it is given.
    """
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 - open until the end
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_line(text: str) -> None:
    """One line on standard output.

    Raises BrokenPipeError if nobody reads it any more, AggregatorError if it cannot be written.
    """
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        what = (error.strerror or str(error)).lower()
        raise AggregatorError(f"cannot be written: {what}", "standard output") from error


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    print_line(json.dumps(value, ensure_ascii=encoding != "utf8", indent=2, default=str))


def print_tables(tables: Sequence[Table]) -> None:
    """Tables on a terminal; tab-separated lines, without titles, when piped."""
    for number, table in enumerate(tables):
        if number and sys.stdout.isatty():
            print_line("")
        _print_table(table)


def _print_table(table: Table) -> None:
    if not sys.stdout.isatty():
        lines = (table.columns, *table.rows)
        print_line("\n".join("\t".join(_one_line(value) for value in line) for line in lines))
        return
    from rich.console import Console
    from rich.table import Table as Drawn
    from rich.text import Text

    drawn = Drawn(title=table.title, title_justify="left", title_style="bold", show_edge=False)
    for column in table.columns:
        number = column in table.numbers
        drawn.add_column(column, overflow="fold", justify="right" if number else "left")
    for row in table.rows:
        drawn.add_row(*(Text("\n".join(map(_one_line, str(value).splitlines()))) for value in row))
    terminal = Console()
    with terminal.capture() as drawing:
        terminal.print(drawn)
    print_line(drawing.get().rstrip("\n"))


def print_error(text: str) -> None:
    """On standard error."""
    sys.stderr.write(f"aggregator: {text}\n")


def abandon_output() -> None:
    """Standard output failed: what it still holds is not tried again when the program ends."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def print_failure(error: AggregatorError) -> None:
    """On standard error: a line, or one a problem; of a query also where in it the mistake is."""
    print_error(str(error))
    if isinstance(error, QueryError) and "\n" not in error.text:
        from rich.cells import cell_len

        before = cell_len(error.text[: error.column - 1])
        sys.stderr.write(f"  {error.text}\n  {' ' * before}^\n")


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
        reporter = Reporter(None)
        yield reporter
        for line in reporter.lines():
            sys.stderr.write(f"{line}\n")
    else:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (TextColumn("{task.description:<16}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=Console(stderr=True)) as bars:
            yield Reporter(bars)


class Reporter:
    """Called with a stage, how much of it is done, and of how much."""

    def __init__(self, bars: Progress | None) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._last: dict[str, tuple[int, int]] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        self._last[stage] = (done, total)
        if self._bars is None:
            return
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(STAGES.get(stage, stage), total=total)
        self._bars.update(self._tasks[stage], completed=done, total=total)

    def lines(self) -> Iterator[str]:
        """How far each stage came."""
        for stage, (done, total) in self._last.items():
            yield f"{STAGES.get(stage, stage)}: {done}/{total}"


def ago(moment: datetime | None, now: datetime) -> str:
    """`5 min ago`, `in 2 h`, `now`, `never`."""
    if moment is None:
        return "never"
    seconds = (moment - now).total_seconds()
    if abs(seconds) < 1:
        return "now"
    text = _span(abs(seconds))
    return f"in {text}" if seconds > 0 else f"{text} ago"


def _span(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _one_line(value: object) -> str:
    """Without control characters: a feed's words must not command the terminal."""
    words = " ".join(str(value).split())
    return "".join(character for character in words if character.isprintable() or character == " ")
