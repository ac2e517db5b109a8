"""What it costs to settle an article: duplicates and stories together, in an empty store and in one
of a million articles; and how much room the index takes.

    python -m bench.settling [--articles 1000000] [--items N] [--only sqlite|postgresql] [--json]

It runs `Settler.settle` as the pipeline does, on a database on disk, and takes some minutes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Table, text

from aggregator.store import group_tables
from aggregator.store.database import Database
from bench.labelled import LeftOut, Unmeasurable, read_corpus
from bench.settling_archive import Archive, read_pattern
from bench.settling_items import Work, compose, poll_in
from bench.settling_targets import PostgresTarget, SQLiteTarget
from bench.settling_watch import Figures, Run, figures, run

CORPUS = Path(__file__).parents[2] / "shared" / "stories" / "corpus.jsonl.xz"
MEDIAN_MS, RATIO, INDEX_BYTES = 5.0, 2.0, 1_500_000_000
"""What is promised."""

ROOM = 6 << 30
"""Bytes of disk that the largest archive may take."""

INDEX = [
    table.name
    for table in vars(group_tables).values()
    if isinstance(table, Table) and table.name not in ("rulings", "regrouping")
]
KINDS = ("sqlite", "postgresql")


# --- how much room -------------------------------------------------------------------------------

_OF_SQLITE = """
    SELECT schema.tbl_name, sum(dbstat.pgsize) FROM dbstat
    JOIN sqlite_schema AS schema ON schema.name = dbstat.name
    WHERE dbstat.aggregate = TRUE GROUP BY schema.tbl_name
"""
_OF_POSTGRES = """
    SELECT relname, pg_total_relation_size(oid) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


def sizes(database: Database, kind: str) -> dict[str, int]:
    """Bytes of each table with its indexes."""
    with database.read() as connection:
        rows = connection.execute(text(_OF_SQLITE if kind == "sqlite" else _OF_POSTGRES))
        return {name: int(size) for name, size in sorted(tuple(row) for row in rows)}


# --- databases -----------------------------------------------------------------------------------


@contextmanager
def server(kind: str, folder: Path) -> Iterator[Callable[[], str]]:
    """Gives URLs of new databases. Raises Unmeasurable."""
    if kind == "sqlite":
        names = iter(range(100))
        yield lambda: f"sqlite:///{folder}/{next(names)}.db"
        return
    from tests.postgres import MISSING, Cluster, server_programs

    programs = server_programs()
    if programs is None:
        raise Unmeasurable(MISSING)
    cluster = Cluster(programs)
    try:
        yield lambda: cluster.url(cluster.new())
    finally:
        cluster.close()


@contextmanager
def opened(url: str, works: Sequence[Work]) -> Iterator[Database]:
    """A new database that has the entries of these articles."""
    database = Database(url)
    try:
        database.migrate()
        with database.write() as connection:
            poll_in(connection, works)
        yield database
    finally:
        database.close()


def fill(url: str, kind: str, archive: Archive) -> None:
    target = (
        SQLiteTarget(url.removeprefix("sqlite:///")) if kind == "sqlite" else PostgresTarget(url)
    )
    begun = time.monotonic()

    def say(what: str) -> None:
        print(f"  {time.monotonic() - begun:4.0f} s  writing {what}", file=sys.stderr)

    archive.write(target, say)
    say("to disk")
    target.close()


# --- all of it -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Report:
    kind: str
    articles: int
    bare: Run
    empty: Run
    full: Run | None
    sizes: Mapping[str, int]
    fill_seconds: float

    @property
    def index(self) -> int:
        return sum(self.sizes.get(name, 0) for name in INDEX)

    @property
    def ratio(self) -> float:
        if self.full is None:
            return 1.0
        return self.full.parts["together"].median / self.empty.parts["together"].median

    @property
    def passed(self) -> bool:
        medians = [one.parts["together"].median for one in (self.empty, self.full) if one]
        return max(medians) <= MEDIAN_MS and self.ratio <= RATIO and self.index <= INDEX_BYTES


def measure(kind: str, works: Sequence[Work], number: int, folder: Path) -> Report:
    """Raises Unmeasurable."""
    with server(kind, folder) as new:
        with opened(new(), works) as database:
            bare = run(database, works, bare=True)
        with opened(new(), works) as database:
            empty = run(database, works)
            with database.read() as connection:
                pattern = read_pattern(connection)
        if not number:
            return Report(kind, 0, bare, empty, None, {}, 0.0)
        days = sorted(work.entry.published for work in works)
        until = days[len(days) // 4].replace(hour=0, minute=0, second=0, microsecond=0)
        url = new()
        database = Database(url)
        database.migrate()
        database.close()
        begun = time.monotonic()
        fill(url, kind, Archive(pattern, number, until))
        seconds = time.monotonic() - begun
        with opened(url, works) as database:
            full = run(database, works)
            return Report(kind, number, bare, empty, full, sizes(database, kind), seconds)


def show(report: Report, worker: Figures) -> None:
    runs = [("nothing but storing", report.bare), ("empty store", report.empty)]
    if report.full:
        runs.append((f"{report.articles:,} articles", report.full))
    print(f"\n{report.kind}: milliseconds per article (median · 95 of 100 · mean)\n")
    print(f"{'':26}" + "".join(f"{name:>26}" for name, _ in runs))
    for part in report.empty.parts:
        print(f"{part:26}" + "".join(f"{_row(one.parts[part]):>26}" for _, one in runs))
    print(f"{'around (of 8 articles)':26}" + "".join(f"{_row(r.around):>26}" for _, r in runs))
    print(f"{'same again':26}" + "".join(f"{_row(r.same):>26}" for _, r in runs))
    print(f"{'worker':26}{_row(worker):>26}")
    print("outcomes: " + "; ".join(
        ", ".join(f"{n} {name}" for name, n in one.outcomes.items()) for _, one in runs
    ))  # fmt: skip
    if report.full:
        print(f"\nratio {report.ratio:.2f}; filled in {report.fill_seconds:.0f} s")
        for name in sorted(report.sizes, key=lambda name: -report.sizes[name]):
            if report.sizes[name] > 1 << 20:
                said = "" if name in INDEX else "  (not of the index)"
                print(f"{name:16}{report.sizes[name] / 1e6:10.1f} MB{said}")
        print(f"{'index':16}{report.index / 1e6:10.1f} MB, "
              f"{report.index / report.articles:.0f} bytes per article")  # fmt: skip
    print("passed" if report.passed else "missed")


def _row(one: Figures | None) -> str:
    return "-" if one is None else f"{one.median:.2f} · {one.p95:.2f} · {one.mean:.2f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=1_000_000, help="0: only an empty store")
    parser.add_argument("--items", type=int, default=0, help="only so many of the corpus")
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    parser.add_argument("--only", choices=KINDS)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="settling-"))
    try:
        if shutil.disk_usage(folder).free < ROOM:
            raise Unmeasurable(f"{folder}: less than 6 GB are free; set TMPDIR to another place")
        items = [*read_corpus(given.corpus, LeftOut()).values()]
        composing = compose(items[-given.items :])
        worker = figures(composing.milliseconds)
        reports = [
            measure(kind, composing.works, given.articles, folder)
            for kind in ([given.only] if given.only else KINDS)
        ]
    except Unmeasurable as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if given.json:
        said = [
            asdict(one) | {"index": one.index, "ratio": one.ratio, "passed": one.passed}
            for one in reports
        ]
        print(json.dumps({"worker": asdict(worker), "stores": said}, indent=1))
    else:
        for one in reports:
            show(one, worker)
    return 0 if all(one.passed for one in reports) else 1


if __name__ == "__main__":
    sys.exit(main())
