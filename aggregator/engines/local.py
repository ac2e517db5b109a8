"""The embedded engine: the pipeline's work in this process's event loop.

Ticks ask the store what is due and start it; what runs is remembered so that
it is not started twice, and what fails without the store knowing is left alone for a
while. round.py does one whole round at once instead.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from aggregator.core.cadence import OVERDUE, starts_allowed
from aggregator.core.feed_state import FeedState
from aggregator.core.model import Material
from aggregator.engines.backoff import Backoff
from aggregator.engines.clockwatch import ClockWatch
from aggregator.engines.regrouping import forget_old, regroup
from aggregator.engines.removal import remove_old
from aggregator.engines.round import ARTICLES_AT_ONCE, ARTICLES_TOGETHER, PAGES_AT_MOST, batches
from aggregator.errors import AggregatorError, StoreError
from aggregator.making import PATIENCE, PageOwed
from aggregator.pipeline import Pipeline
from aggregator.store import editions, materials, polls

log = logging.getLogger(__name__)

T = TypeVar("T")

POLLS_AT_MOST = 1000
"""Polls under way, those included that wait for slow hosts or for their turn."""

PROBE_EVERY = timedelta(seconds=15)
"""How often a store that failed is tried, before anything is polled for it again."""


class LocalEngine:
    def __init__(self, pipeline: Pipeline, clock: Callable[[], datetime]) -> None:
        self.pipeline = pipeline
        self._clock = clock
        self._ticks: dict[str, asyncio.Task[None]] = {}
        self._polling: dict[str, asyncio.Task[None]] = {}
        self._enriching: dict[str, asyncio.Task[None]] = {}
        self._completing: dict[str, asyncio.Task[None]] = {}
        self._made_last = ""
        """The feed whose articles were begun last: the next feed's come next."""
        self._failed_feeds = Backoff()
        self._failed_articles = Backoff()
        self._failed_editions = Backoff()
        self._publishing = asyncio.Lock()
        self._clockwatch = ClockWatch()
        self._backlog = 0
        """How many feeds were late when that began."""
        self._probe_at: datetime | None = None
        self._closing = False

    # --- the ticks of the daemon -----------------------------------------------------------

    async def poll_due(self) -> None:
        """Starts the polls that are due, as far as there is room."""
        self._begin("poll", self._start_polls)

    async def enrich_due(self) -> None:
        """Starts making the articles that wait, as far as there is room."""
        self._begin("enrich", self._start_enriching)

    async def publish_due(self) -> None:
        """Starts publishing the editions that have changed."""
        self._begin("publish", self._publish)

    async def subscribe_due(self) -> None:
        """Starts asking hubs what is due, and makes the feeds due that they announced."""
        self._begin("subscribe", lambda: self.pipeline.websub.ask_due(self._clock()))

    async def remove_due(self) -> None:
        """Starts removing the articles that are older than they are kept."""
        self._begin("remove", self._remove_old)

    async def group_due(self) -> None:
        """Starts letting stored articles settle again, if that is under way; else forgetting what
        is too old to be grouped with.
        """
        self._begin("group", self._group)

    async def adopt(self, pipeline: Pipeline) -> None:
        """Goes on with another pipeline on the same store; what runs ends with the old one.

        Raises StoreError and OutputError if the store or the editions cannot be made ready
        for it; then the old one goes on.
        """
        async with self._publishing:  # an edition that goes must not be written once more
            await pipeline.prepare(self._clock())
            old, self.pipeline = self.pipeline, pipeline
        if old.fetcher is not pipeline.fetcher:
            try:
                await _all_done(self._running())
            finally:
                await old.fetcher.close()

    async def close(self, grace: float) -> None:
        """Lets what runs finish within `grace` seconds, then gives it back to the store."""
        self._closing = True
        late = await _all_done(self._running(), grace)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        if late:
            log.info("%d unfinished tasks are left for the next start", len(late))

    def _running(self) -> set[asyncio.Task[None]]:
        kinds = (self._ticks, self._polling, self._enriching, self._completing)
        return {task for running in kinds for task in running.values()}

    def _begin(self, tick: str, work: Callable[[], Awaitable[None]]) -> None:
        """Starts a tick, unless the last one of its kind still runs."""
        running = self._ticks.get(tick)
        if not self._closing and (running is None or running.done()):
            self._ticks[tick] = asyncio.create_task(self._tick(tick, work))

    async def _tick(self, tick: str, work: Callable[[], Awaitable[None]]) -> None:
        if await self._store_works():
            await self._contained(tick, work)

    async def _start_polls(self) -> None:
        pipeline = self.pipeline
        room = min(pipeline.fetcher.room(), POLLS_AT_MOST - len(self._polling))
        if room <= 0:
            return
        now = self._clock()
        await self._mind_the_clock(now)
        left_alone = (*self._polling, *self._failed_feeds.held(now))
        late_since, late_limit = now - OVERDUE, await self._late_limit(now)
        due = await pipeline.store.read(
            polls.due_feeds, now, room, left_alone, late_since, late_limit
        )
        if self._closing:
            return
        for state in due:
            if state.feed_id in pipeline.feeds:
                task = asyncio.create_task(self._poll(pipeline, state))
                self._polling[state.feed_id] = task

    async def _mind_the_clock(self, now: datetime) -> None:
        """Where the clock was set, no feed is polled the sooner or the later for it."""
        step = self._clockwatch.step(now)
        if step:
            log.warning("the clock was set by %s; the feeds' schedule moves with it", step)
            await self.pipeline.store.write(polls.shift_schedule, step)

    async def _late_limit(self, now: datetime) -> int:
        """How many late feeds may be begun now: after a sleep, what was missed is spread."""
        late = await self.pipeline.store.read(polls.late_feeds, now - OVERDUE)
        self._backlog = max(self._backlog, late) if late else 0
        return starts_allowed(late, self._backlog)

    async def _poll(self, pipeline: Pipeline, state: FeedState) -> None:
        try:
            await self._contained(
                f"feed {state.feed_id}",
                lambda: pipeline.refresh(state, self._clock(), self._clock),
                self._failed_feeds,
                (state.feed_id,),
            )
        finally:
            del self._polling[state.feed_id]

    async def _start_enriching(self) -> None:
        pipeline = self.pipeline
        room = min(
            ARTICLES_AT_ONCE - len(self._enriching),
            PAGES_AT_MOST - len(self._completing),
        )
        if room < ARTICLES_TOGETHER:
            return
        now = self._clock()
        left_alone = (*self._enriching, *self._completing, *self._failed_articles.held(now))
        found = await pipeline.store.read(materials.pending, now, room, left_alone, self._made_last)
        if self._closing:
            return
        waiting, self._made_last = found.materials, found.after
        # what failed before goes alone: it may be what the others of its batch failed by
        suspect = [m for m in waiting if m.article_id in self._failed_articles]
        sound = [m for m in waiting if m.article_id not in self._failed_articles]
        for batch in (*batches(sound), *([material] for material in suspect)):
            task = asyncio.create_task(self._enrich(pipeline, batch))
            self._enriching |= {material.article_id: task for material in batch}

    async def _enrich(self, pipeline: Pipeline, batch: Sequence[Material]) -> None:
        ids = [material.article_id for material in batch]

        async def enrich() -> None:
            for owed in await pipeline.enrich(batch, self._clock()):
                task = asyncio.create_task(self._complete(pipeline, owed))
                self._completing[owed.article_id] = task

        try:
            await self._contained(f"articles {', '.join(ids)}", enrich, self._failed_articles, ids)
        finally:
            for article_id in ids:
                del self._enriching[article_id]
        await self.enrich_due()  # there is room for more

    async def _complete(self, pipeline: Pipeline, owed: PageOwed) -> None:
        try:
            await self._contained(
                f"article {owed.article_id}",
                lambda: pipeline.complete(owed, self._clock(), PATIENCE),
                self._failed_articles,
                (owed.article_id,),
            )
        finally:
            del self._completing[owed.article_id]

    async def _remove_old(self) -> None:
        pipeline = self.pipeline
        keep = pipeline.config.store.keep
        if keep is not None:
            await remove_old(pipeline.store, keep, self._clock(), lambda: self._closing)

    async def _group(self) -> None:
        await regroup(self.pipeline, self._clock, lambda *_: None, lambda: self._closing)
        await forget_old(self.pipeline.store, self._clock(), lambda: self._closing)

    async def _publish(self) -> None:
        async with self._publishing:
            pipeline = self.pipeline
            held = self._failed_editions.held(self._clock())
            changed = await pipeline.store.read(editions.unpublished)
            for edition_id in changed.keys() - held:
                if self._probe_at is None and not self._closing:
                    await self._publish_one(pipeline, edition_id, changed[edition_id])

    async def _publish_one(self, pipeline: Pipeline, edition_id: str, changes: int) -> None:
        async def publish() -> None:
            if await pipeline.publish(edition_id, changes):
                log.info("edition %s: published", edition_id)

        await self._contained(
            f"edition {edition_id}", publish, self._failed_editions, (edition_id,)
        )

    async def _contained(
        self,
        what: str,
        work: Callable[[], Awaitable[object]],
        backoff: Backoff | None = None,
        keys: Collection[str] = (),
    ) -> None:
        """Does the work; a failure stays here, and one of the store makes all work wait for it."""
        try:
            await work()
        except StoreError as error:
            if self._probe_at is None:
                log.error("%s: %s; everything waits until the store works again", what, error)
            self._probe_at = self._clock() + PROBE_EVERY
        except AggregatorError as error:
            log.error("%s: %s", what, error)
        except Exception:
            log.exception("%s: a bug", what)
        else:
            if backoff is not None:
                backoff.worked(keys)
            return
        if backoff is not None:
            backoff.failed(keys, self._clock())

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


async def _all_done(
    tasks: Collection[asyncio.Task[None]], seconds: float | None = None
) -> set[asyncio.Task[None]]:
    """Waits for the tasks, at most so many seconds; gives those that still run."""
    return (await asyncio.wait(tasks, timeout=seconds))[1] if tasks else set()
