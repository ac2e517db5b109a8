"""One whole round at once, due or not: what the commands do that end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from aggregator.core.feed_state import FeedState
from aggregator.core.model import Material
from aggregator.errors import AggregatorError, StoreError
from aggregator.making import PageOwed
from aggregator.pipeline import Pipeline
from aggregator.polling import Poll
from aggregator.store import editions, materials, polls

T = TypeVar("T")

ARTICLES_AT_ONCE = 64
"""How many are gathered from the store at once, and composed."""

PAGES_AT_MOST = 500
"""How many articles may wait for their pages; of each no more than its id is held."""

ARTICLES_TOGETHER = 8
"""How many articles one worker task composes: fewer hand-overs, yet no long task."""


class Progress(Protocol):
    """Told how far a cycle is: the stage's name, how much of it is done, of how much."""

    def __call__(self, stage: str, done: int, total: int) -> None: ...


@dataclass(frozen=True, slots=True)
class CycleReport:
    """How one round went. `problems` are the editions that could not be published, in words."""

    polls: tuple[Poll, ...]
    problems: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[Poll, ...]:
        return tuple(poll for poll in self.polls if poll.failed)

    @property
    def not_modified(self) -> tuple[Poll, ...]:
        return tuple(poll for poll in self.polls if poll.status == "not_modified")


@dataclass(frozen=True, slots=True)
class Publication:
    """How many editions have new bytes, and which could not be published and why."""

    written: int
    problems: tuple[str, ...]


class Round:
    def __init__(self, pipeline: Pipeline, clock: Callable[[], datetime]) -> None:
        self.pipeline = pipeline
        self._clock = clock

    async def cycle(
        self, feed_ids: Collection[str] = (), progress: Progress | None = None
    ) -> CycleReport:
        """Polls the feeds (all if none is named), due or not; makes what waits; publishes.

        Raises StoreError; what fails of one feed or one edition is in the report.
        """
        tell = progress or _quiet
        states = await self.pipeline.store.read(polls.active_feeds)
        if feed_ids:
            states = tuple(state for state in states if state.feed_id in feed_ids)
        report = await self.poll_all(states, tell)
        await self.enrich_all(tell)
        published = await self.publish_all(tell)
        return CycleReport(report.polls, published.problems)

    async def poll_all(self, states: Sequence[FeedState], tell: Progress) -> CycleReport:
        """Polls the feeds now. Raises StoreError."""
        done: list[Poll] = []

        async def poll(state: FeedState) -> None:
            done.append(await self.pipeline.refresh(state, self._clock()))
            tell("poll", len(done), len(states))

        tell("poll", 0, len(states))
        await _spread(poll, states, 2 * self.pipeline.config.fetch.concurrency)
        return CycleReport(tuple(sorted(done, key=lambda poll: poll.feed_id)))

    async def enrich_all(self, tell: Progress) -> None:
        """Makes the articles that wait until none is due. Raises StoreError."""
        done = total = 0
        last = ""
        owed: list[PageOwed] = []

        async def enrich(batch: Sequence[Material]) -> None:
            nonlocal done
            pages = await self.pipeline.enrich(batch, self._clock())
            owed.extend(pages)
            done += len(batch) - len(pages)
            tell("enrich", done, total)

        async def complete(one: PageOwed) -> None:
            nonlocal done
            await self.pipeline.complete(one, self._clock())
            done += 1
            tell("enrich", done, total)

        while True:
            found = await self.pipeline.store.read(
                materials.pending, self._clock(), 4 * ARTICLES_AT_ONCE, (), last
            )
            if not found.materials:
                return
            last = found.after
            total = done + len(found.materials)
            tell("enrich", done, total)
            waiting = batches(found.materials)
            await _spread(enrich, waiting, ARTICLES_AT_ONCE // ARTICLES_TOGETHER)
            await _spread(complete, owed, PAGES_AT_MOST)
            owed.clear()

    async def publish_all(self, tell: Progress) -> Publication:
        """Publishes what has changed; one edition's failure is not the others'.

        Raises StoreError.
        """
        written, problems = 0, []
        changed = await self.pipeline.store.read(editions.unpublished)
        for number, (edition_id, changes) in enumerate(changed.items(), start=1):
            try:
                written += await self.pipeline.publish(edition_id, changes)
            except StoreError:
                raise
            except AggregatorError as error:
                problems.append(str(error))
            tell("publish", number, len(changed))
        return Publication(written, tuple(problems))


def _quiet(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def batches(materials: Sequence[Material]) -> list[Sequence[Material]]:
    """As many together as one worker task composes."""
    return [
        materials[start : start + ARTICLES_TOGETHER]
        for start in range(0, len(materials), ARTICLES_TOGETHER)
    ]


async def _spread(work: Callable[[T], Awaitable[None]], items: Sequence[T], at_once: int) -> None:
    """Does the work for every item, so many at once; the first exception ends it."""
    rest = iter(items)

    async def take() -> None:
        for item in rest:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(at_once, len(items))):
                group.create_task(take())
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures
