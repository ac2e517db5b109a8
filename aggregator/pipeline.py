"""The whole way of the data, in four functions that each end in one transaction.

    refresh(feed)      ask for it → read it (worker) → decide, store entries + validators
    enrich(articles)   compose (worker), match topics → settle: merge copies, store, join a story
    complete(article)  the same for one that needs its page first
    publish(edition)   gather → render (worker) → write the files that changed

What is still to be done stands in the store, so each may be killed at any moment and
begun again: a feed is due, an article waits, an edition has changed.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from uuid import NAMESPACE_URL, uuid5

from aggregator.compose import Rules
from aggregator.config import Config
from aggregator.core.composed import Stored
from aggregator.core.feed_state import FeedState
from aggregator.core.model import (
    Article,
    Decision,
    Edition,
    FeedSpec,
    Material,
    TopicSpec,
)
from aggregator.core.robots import RobotsKnown
from aggregator.core.traits import Traits
from aggregator.errors import WorkerError, WorkersGone
from aggregator.fetch import Fetcher
from aggregator.making import Maker, PageOwed
from aggregator.outputs import FORMATS
from aggregator.outputs.files import EditionFiles
from aggregator.polling import Clock, Poll, Poller
from aggregator.settling import Settler
from aggregator.sources.archives import ArchivedPost
from aggregator.steps import ARCHIVE, archived_entry, read_again, render
from aggregator.store import Store, editions, polls, regrouping, robots
from aggregator.websub import WebSub
from aggregator.workers import Workers

log = logging.getLogger(__name__)

REGROUPED_TOGETHER = 64
"""Articles that settle again in one transaction."""

EMPTY_SINCE = datetime(1970, 1, 1, tzinfo=UTC)
"""When an edition that has no article yet was last updated."""


@dataclass(frozen=True)
class Pipeline:
    """What the four functions work with. A reload makes another one on the same store."""

    config: Config
    store: Store
    fetcher: Fetcher
    workers: Workers
    files: EditionFiles

    @cached_property
    def feeds(self) -> Mapping[str, FeedSpec]:
        return {spec.id: spec for spec in self.config.feeds}

    @cached_property
    def _maker(self) -> Maker:
        feeds = {**self.feeds, ARCHIVE.id: ARCHIVE}
        return Maker(feeds, self.rules, self.store, self.settler, self.fetcher, self.workers)

    @cached_property
    def settler(self) -> Settler:
        return Settler()

    @cached_property
    def topics(self) -> Mapping[str, TopicSpec]:
        return {spec.id: spec for spec in self.config.topics}

    @cached_property
    def rules(self) -> Rules:
        return Rules(self.config.topics, tuple(self.config.aliases.items()))

    @cached_property
    def websub(self) -> WebSub:
        return WebSub(self.config, self.feeds, self.store, self.fetcher, self.workers)

    async def prepare(self, now: datetime) -> None:
        """Makes the store's feeds and editions the configured ones."""
        await self.store.write(polls.sync_feeds, self.config.feeds, now)
        await self.store.write(polls.mend_schedule, now)
        await self.websub.prepare(now)
        for host, until in (await self.store.read(polls.holds)).items():
            self.fetcher.hold(host, until)
        self.fetcher.keep_robots(await self.store.read(robots.known), self._keep_robots)
        gone = await self.store.write(editions.sync_editions, self._definitions(), now)
        for edition_id in gone:
            for form in FORMATS:
                self.files.remove(f"{edition_path(edition_id)}.{form.suffix}")
        # a title, a limit or the public URL may have changed: each is rendered once at the start
        await self.store.write(editions.touch, (editions.ALL, *self.topics))

    async def _keep_robots(self, origin: str, known: RobotsKnown) -> None:
        await self.store.write(robots.record, origin, known)

    def _definitions(self) -> dict[str, str]:
        """What each edition is made by, as a hash: where it changes, articles are made again."""
        filters = sorted((f.id, f.keep, f.drop) for f in self.config.feeds if f.keep or f.drop)
        aliases = sorted(self.rules.aliases)
        definitions = {editions.ALL: _hash([filters, aliases])}
        for topic in self.config.topics:
            definitions[topic.id] = _hash([topic.query, filters, aliases])
        return definitions

    # --- refresh ---------------------------------------------------------------------------

    async def refresh(self, state: FeedState, now: datetime, clock: Clock | None = None) -> Poll:
        """Polls one feed and stores what it brought; with a `clock` also that it has begun.

        Raises StoreError.
        """
        poller = Poller(self.config.fetch, self.store, self.fetcher, self.workers)
        return await poller.poll(self.feeds[state.feed_id], state, now, clock)

    async def take_in(self, posts: Sequence[ArchivedPost], now: datetime) -> Decision:
        """Stores archived posts as entries of the feed ARCHIVE. Raises StoreError."""
        entries = tuple(archived_entry(post, now) for post in posts)
        return await self.store.write(polls.record_entries, ARCHIVE.id, entries, now)

    # --- enrich ----------------------------------------------------------------------------

    async def enrich(self, waiting: Sequence[Material], now: datetime) -> tuple[PageOwed, ...]:
        """Makes articles that wait; gives those that need their page first, for `complete`.

        Raises StoreError.
        """
        return await self._maker.make(waiting, now)

    async def complete(self, owed: PageOwed, now: datetime, patience: float | None = None) -> None:
        """Makes an article with its page, or without it where it cannot be had; puts it off
        where its host has no turn within `patience` seconds, if given.

        Raises StoreError.
        """
        await self._maker.finish(owed, now, patience)

    async def regroup(self, after: int, now: datetime) -> datetime | None:
        """Lets the stored articles of the next numbers after this settle again; gives when the
        oldest of them was published, None if there was none: then all have.

        Raises StoreError and WorkerError.
        """
        stored = await self.store.read(regrouping.stored, after, REGROUPED_TOGETHER)
        again = await self._read_again(stored)
        await self.store.write(self.settler.regroup, after, again, now)
        return min((one.published for one in stored), default=None)

    async def _read_again(self, stored: Sequence[Stored]) -> list[tuple[Stored, Traits]]:
        """What they are recognised by; one that no worker can read is known by its title."""
        if not stored:
            return []
        try:
            read = await self.workers.run(read_again, stored)
        except WorkersGone:
            raise
        except WorkerError as error:
            if len(stored) > 1:
                return [pair for one in stored for pair in await self._read_again([one])]
            log.error("article %s: it is grouped by its title alone: %s", stored[0].id, error)
            read = read_again([replace(stored[0], body="")])
        return list(zip(stored, read, strict=True))

    # --- publish ---------------------------------------------------------------------------

    async def publish(self, edition_id: str, changes: int) -> bool:
        """Renders one edition and writes what differs; True if anything did.

        `changes` is the edition's count of changes before it was gathered. Raises
        OutputError, StoreError and WorkerError.
        """
        if edition_id != editions.ALL and edition_id not in self.topics:
            return False  # a reload took it away between the question what changed and this
        edition = self.edition(edition_id, await self._articles(edition_id))
        written = False
        for form in FORMATS:
            body = await self.workers.run(render, edition, form.suffix)
            path = f"{edition.path}.{form.suffix}"
            written |= await asyncio.to_thread(self.files.write, path, body, edition.updated)
        await self.store.write(editions.record_published, edition_id, changes)
        return written

    async def _articles(self, edition_id: str) -> tuple[Article, ...]:
        topic = self.topics.get(edition_id)
        if topic is None:
            return await self.store.read(editions.articles, None, self.config.output.limit)
        return await self.store.read(editions.articles, topic.id, topic.limit)

    def edition(self, edition_id: str, chosen: tuple[Article, ...]) -> Edition:
        """The edition of a topic, or (`all`) of everything, with these articles in it."""
        topic = self.topics.get(edition_id)
        output = self.config.output
        path, public_url = edition_path(edition_id), self.config.server.public_url
        return Edition(
            id=str(uuid5(NAMESPACE_URL, f"{public_url}/{path}")),
            title=topic.title if topic else output.title,
            path=path,
            public_url=public_url,
            page_path=f"/topics/{topic.id}" if topic else "/",
            language=output.language,
            updated=max((article.updated for article in chosen), default=EMPTY_SINCE),
            articles=chosen,
            content=topic.content if topic else "full",
            outlet_in=output.outlet_in,
        )


def edition_path(edition_id: str) -> str:
    """Where an edition is served, without the suffix of its format."""
    return edition_id if edition_id == editions.ALL else f"topics/{edition_id}"


def _hash(made_by: object) -> str:
    text = json.dumps(made_by, ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
