"""Settling, timed: each article, and what of it is for duplicates and for stories."""

from __future__ import annotations

import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar

from aggregator import settling
from aggregator.settling import Settler
from aggregator.store import Connection, copies
from aggregator.store.articles import Made, Outcome
from aggregator.store.database import Database
from aggregator.story_desk import StoryDesk
from bench.settling_items import Work, latest

TOGETHER = 8
"""Articles that settle in one transaction."""

AGAIN = 1000
"""Articles that come again unchanged."""

STEPS = ("duplicates", "stories")
P = ParamSpec("P")
T = TypeVar("T")


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
