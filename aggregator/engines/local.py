"""The embedded engine: the pipeline's work in this process's event loop.

Three ticks ask the store what is due and start it; what runs is remembered so that
it is not started twice. `cycle` does one whole round at once instead.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from aggregator.core.model import FeedState, Material
from aggregator.errors import AggregatorError, StoreError
from aggregator.pipeline import Pipeline, Poll
from aggregator.store import articles, editions, polls

log = logging.getLogger(__name__)

T = TypeVar("T")

ARTICLES_AT_ONCE = 64
ARTICLES_TOGETHER = 8
"""How many articles one worker task composes: fewer hand-overs, yet no long task."""

PROBE_EVERY = timedelta(seconds=15)
"""How often a store that failed is tried, before anything is polled for it again."""


class Progress(Protocol):
    """Told how far a cycle is: the stage's name, how much of it is done, of how much."""

    def __call__(self, stage: str, done: int, total: int) -> None: ...


@dataclass(frozen=True, slots=True)
class CycleReport:
    polls: tuple[Poll, ...]

    @property
    def failed(self) -> tuple[Poll, ...]:
        return tuple(poll for poll in self.polls if poll.failed)

    @property
    def not_modified(self) -> tuple[Poll, ...]:
        return tuple(poll for poll in self.polls if poll.status == "not_modified")


class LocalEngine:
    def __init__(self, pipeline: Pipeline, clock: Callable[[], datetime]) -> None:
        self.pipeline = pipeline
        self._clock = clock
        self._polling: dict[str, asyncio.Task[None]] = {}
        self._enriching: dict[str, asyncio.Task[None]] = {}
        self._publishing = asyncio.Lock()
        self._probe_at: datetime | None = None

    # --- the ticks of the daemon -----------------------------------------------------------

    async def poll_due(self) -> None:
        """Starts the polls that are due, as far as there is room."""
        await self._contained("poll", self._start_polls)

    async def enrich_due(self) -> None:
        """Starts making the articles that wait, as far as there is room."""
        await self._contained("enrich", self._start_enriching)

    async def publish_due(self) -> None:
        """Publishes the editions that have changed."""
        await self._contained("publish", self._publish)

    async def close(self, grace: float) -> None:
        """Lets what runs finish within `grace` seconds, then gives it back to the store."""
        running = [*self._polling.values(), *self._enriching.values()]
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=grace)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        if late:
            log.info("%d unfinished tasks are left for the next start", len(late))

    async def _start_polls(self) -> None:
        room = 2 * self.pipeline.config.fetch.concurrency - len(self._polling)
        if room <= 0:
            return
        due = await self.pipeline.store.read(
            polls.due_feeds, self._clock(), room, tuple(self._polling)
        )
        for state in due:
            if state.feed_id in self.pipeline.feeds:
                task = asyncio.create_task(self._poll(state))
                self._polling[state.feed_id] = task

    async def _poll(self, state: FeedState) -> None:
        try:
            await self._contained(
                f"feed {state.feed_id}", lambda: self.pipeline.refresh(state, self._clock())
            )
        finally:
            del self._polling[state.feed_id]

    async def _start_enriching(self) -> None:
        room = ARTICLES_AT_ONCE - len(self._enriching)
        if room < ARTICLES_TOGETHER:
            return
        waiting = await self.pipeline.store.read(
            articles.pending, self._clock(), room, tuple(self._enriching)
        )
        for batch in _batches(waiting):
            task = asyncio.create_task(self._enrich(batch))
            self._enriching |= {material.article_id: task for material in batch}

    async def _enrich(self, batch: Sequence[Material]) -> None:
        try:
            await self._contained("enrich", lambda: self.pipeline.enrich(batch, self._clock()))
        finally:
            for material in batch:
                del self._enriching[material.article_id]

    async def _publish(self) -> None:
        async with self._publishing:
            changed = await self.pipeline.store.read(editions.unpublished)
            for edition_id, changes in changed.items():
                if await self.pipeline.publish(edition_id, changes):
                    log.info("edition %s: published", edition_id)

    async def _contained(self, what: str, work: Callable[[], Awaitable[object]]) -> None:
        """Does the work; a failure stays here, and one of the store makes all work wait for it."""
        if not await self._store_works():
            return
        try:
            await work()
        except StoreError as error:
            self._probe_at = self._clock() + PROBE_EVERY
            log.error("%s: %s; everything waits until the store works again", what, error)
        except AggregatorError as error:
            log.error("%s: %s", what, error)
        except Exception:
            log.exception("%s: a bug", what)

    async def _store_works(self) -> bool:
        if self._probe_at is None:
            return True
        if self._clock() < self._probe_at:
            return False
        self._probe_at = self._clock() + PROBE_EVERY
        try:
            await self.pipeline.store.write(editions.probe)
        except StoreError as error:
            log.warning("the store still fails: %s", error)
            return False
        self._probe_at = None
        log.info("the store works again")
        return True

    # --- one whole round -------------------------------------------------------------------

    async def cycle(
        self, feed_ids: Collection[str] = (), progress: Progress | None = None
    ) -> CycleReport:
        """Polls the feeds (all if none is named), due or not; makes what waits; publishes.

        Raises StoreError and OutputError; a feed's own failure is in the report.
        """
        tell = progress or _quiet
        states = await self.pipeline.store.read(polls.active_feeds)
        if feed_ids:
            states = tuple(state for state in states if state.feed_id in feed_ids)
        report = await self.poll_all(states, tell)
        await self.enrich_all(tell)
        await self.publish_all(tell)
        return report

    async def poll_all(self, states: Sequence[FeedState], tell: Progress) -> CycleReport:
        done: list[Poll] = []

        async def poll(state: FeedState) -> None:
            done.append(await self.pipeline.refresh(state, self._clock()))
            tell("poll", len(done), len(states))

        tell("poll", 0, len(states))
        await _spread(poll, states, 2 * self.pipeline.config.fetch.concurrency)
        return CycleReport(tuple(sorted(done, key=lambda poll: poll.feed_id)))

    async def enrich_all(self, tell: Progress) -> None:
        """Makes the articles that wait until none is due."""
        done = 0

        async def enrich(batch: Sequence[Material]) -> None:
            nonlocal done
            await self.pipeline.enrich(batch, self._clock())
            done += len(batch)
            tell("enrich", done, done)

        while waiting := await self.pipeline.store.read(
            articles.pending, self._clock(), 4 * ARTICLES_AT_ONCE
        ):
            await _spread(enrich, _batches(waiting), ARTICLES_AT_ONCE // ARTICLES_TOGETHER)

    async def publish_all(self, tell: Progress) -> None:
        changed = await self.pipeline.store.read(editions.unpublished)
        for number, (edition_id, changes) in enumerate(changed.items(), start=1):
            await self.pipeline.publish(edition_id, changes)
            tell("publish", number, len(changed))


def _quiet(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def _batches(materials: Sequence[Material]) -> list[Sequence[Material]]:
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
