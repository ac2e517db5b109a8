"""What it costs to settle an article: duplicates and stories together, in an empty store and in one
of a million articles; and how much room the index takes.

    python -m bench.settling [--articles 1000000] [--json] [--only sqlite|postgresql]

It runs `Settler.settle` as the pipeline does, on a database on disk, and takes some minutes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import ParamSpec, TypeVar

from sqlalchemy import Connection, Table, text

from aggregator import settling
from aggregator.settling import Settler
from aggregator.store import copies, group_tables
from aggregator.store.articles import Made, Outcome
from aggregator.store.database import Database
from aggregator.story_desk import StoryDesk
from bench.labelled import LeftOut, Unmeasurable, read_corpus
from bench.settling_archive import (
    Archive,
    PostgresTarget,
    SQLiteTarget,
    read_pattern,
)
from bench.settling_items import Work, compose, latest, poll_in

CORPUS = Path(__file__).parents[2] / "shared" / "stories" / "corpus.jsonl.xz"
TOGETHER = 8
"""Articles that settle in one transaction."""

AGAIN = 1000
"""Articles that come again unchanged."""

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
STEPS = ("duplicates", "stories")
P = ParamSpec("P")
T = TypeVar("T")


# --- the clock -----------------------------------------------------------------------------------


class Watch:
    """Seconds of one article's steps: on the clock, and of the thread's processor time."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self.worked: dict[str, float] = defaultdict(float)

    def timed(self, step: str, call: Callable[P, T]) -> Callable[P, T]:
        def measured(*args: P.args, **kwargs: P.kwargs) -> T:
            wall, cpu = time.perf_counter(), time.thread_time()
            try:
                return call(*args, **kwargs)
            finally:
                self.worked[step] += time.thread_time() - cpu
                self.spent[step] += time.perf_counter() - wall

        return measured


@dataclass(frozen=True, slots=True)
class Spent:
    """Milliseconds of one article."""

    wall: float
    cpu: float
    duplicates: float
    stories: float
    cpu_duplicates: float
    cpu_stories: float

    @property
    def together(self) -> float:
        return self.duplicates + self.stories

    @property
    def cpu_together(self) -> float:
        return self.cpu_duplicates + self.cpu_stories

    @property
    def storing(self) -> float:
        return self.wall - self.together


class MeasuredSettler(Settler):
    """The product's, each article timed."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self.articles: list[Spent] = []
        self._watch = watch
        self._meet = watch.timed("duplicates", self._meet)  # type: ignore[method-assign]  # timed

    def _settle(self, connection: Connection, made: Made, *rest: object) -> Outcome:
        self._watch.spent.clear()
        self._watch.worked.clear()
        wall, cpu = time.perf_counter(), time.thread_time()
        outcome = super()._settle(connection, made, *rest)  # type: ignore[arg-type]  # as they come
        wall, cpu = time.perf_counter() - wall, time.thread_time() - cpu
        clocks = (self._watch.spent, self._watch.worked)
        steps = [clock[step] * 1000 for clock in clocks for step in STEPS]
        self.articles.append(Spent(wall * 1000, cpu * 1000, *steps))
        return outcome


class Bare(MeasuredSettler):
    """What remains when nobody looks for duplicates and stories."""

    def __init__(self, watch: Watch) -> None:
        super().__init__(watch)
        nothing = settling._Meeting(frozenset(), frozenset(), {}, None)
        self._meet = lambda *_: nothing  # type: ignore[method-assign]


@contextmanager
def watched(watch: Watch, bare: bool) -> Iterator[None]:
    """The steps that are functions of their own are timed where they stand; `bare`: left out."""
    steps = [
        (copies, "keep", "duplicates"),
        (copies, "relate", "duplicates"),
        (copies, "forget", "duplicates"),
        (StoryDesk, "arrive", "stories"),
        (StoryDesk, "change", "stories"),
        (StoryDesk, "leave", "stories"),
    ]
    before = [(where, name, getattr(where, name)) for where, name, _ in steps]
    for where, name, step in steps:
        setattr(where, name, _nothing if bare else watch.timed(step, getattr(where, name)))
    try:
        yield
    finally:
        for where, name, call in before:
            setattr(where, name, call)


def _nothing(*_: object, **__: object) -> None:
    pass


# --- one run -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds: the median, 95 of 100, the mean."""

    median: float
    p95: float
    mean: float


def figures(values: Sequence[float]) -> Figures:
    ordered = sorted(values)
    return Figures(
        statistics.median(ordered), ordered[int(len(ordered) * 0.95)], statistics.fmean(ordered)
    )


@dataclass(frozen=True, slots=True)
class Run:
    parts: Mapping[str, Figures]
    """On the clock, and (`cpu…`) of this process's processor time."""
    around: Figures
    """Of a transaction, what is no article's: its begin, its commit, editions touched."""
    same: Figures | None
    """An article that comes again unchanged."""
    outcomes: Mapping[str, int]


def run(database: Database, works: Sequence[Work], bare: bool = False) -> Run:
    """Lets the articles settle in a store that has their entries."""
    watch = Watch()
    settler = (Bare if bare else MeasuredSettler)(watch)
    now = latest(works) + timedelta(hours=1)
    with watched(watch, bare):
        outcomes, around = _settled(database, settler, [work.made for work in works], now)
        spent = list(settler.articles)
        settler.articles.clear()
        again = [
            work.made for work, outcome in zip(works, outcomes, strict=True) if outcome == "made"
        ]
        found, _ = _settled(database, settler, again[:AGAIN], now)
    same = [one.wall for one, outcome in zip(settler.articles, found, strict=True)
            if outcome == "same"]  # fmt: skip
    names = (
        "together", "duplicates", "stories", "storing", "wall",
        "cpu_together", "cpu_duplicates", "cpu_stories", "cpu",
    )  # fmt: skip
    return Run(
        {name: figures([getattr(one, name) for one in spent]) for name in names},
        figures(around),
        figures(same) if same else None,
        Counter(outcomes),
    )


def _settled(
    database: Database, settler: MeasuredSettler, made: Sequence[Made], now: datetime
) -> tuple[Sequence[Outcome], Sequence[float]]:
    outcomes: list[Outcome] = []
    around = []
    for at in range(0, len(made), TOGETHER):
        before = len(settler.articles)
        begun = time.perf_counter()
        with database.write() as connection:
            outcomes += settler.settle(connection, made[at : at + TOGETHER], now)
        took = (time.perf_counter() - begun) * 1000
        around.append(took - sum(one.wall for one in settler.articles[before:]))
    return outcomes, around


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
