"""The whole way of the data, in three functions that each end in one transaction.

    refresh(feed)      ask for it → read it (worker) → decide, store entries + validators
    enrich(articles)   compose (worker) → fetch the page it needs → compose again
                       → merge with the same text, match topics, store
    publish(edition)   gather → render (worker) → write the files that changed

What is still to be done stands in the store, so each may be killed at any moment and
begun again: a feed is due, an article waits, an edition has changed.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from uuid import NAMESPACE_URL, uuid5

from aggregator.compose import Rules, given_up
from aggregator.config import Config
from aggregator.core.cadence import next_page_try
from aggregator.core.feed_state import FeedState
from aggregator.core.model import (
    Article,
    Composed,
    Decision,
    Edition,
    FeedSpec,
    Material,
    PageWanted,
    TopicSpec,
)
from aggregator.errors import FetchError, StoreError, WorkerError
from aggregator.fetch import Fetcher
from aggregator.outputs import FORMATS
from aggregator.outputs.files import EditionFiles
from aggregator.polling import Poll, Poller
from aggregator.sources.archives import ArchivedPost
from aggregator.steps import (
    ARCHIVE,
    Unmade,
    archived_entry,
    compose_many,
    render,
)
from aggregator.store import Store, articles, editions, polls
from aggregator.websub import WebSub
from aggregator.workers import Workers

log = logging.getLogger(__name__)

ARTICLE_SECONDS = 5.0
"""The longest a worker may take over one article, its page included."""

UNMADE_AGAIN = timedelta(days=1)
"""How often an article that cannot be made is tried in the long run: it is never given up."""

EMPTY_SINCE = datetime(1970, 1, 1, tzinfo=UTC)
"""When an edition that has no article yet was last updated."""


@dataclass(frozen=True)
class Pipeline:
    """What the three functions work with. A reload makes another one on the same store."""

    config: Config
    store: Store
    fetcher: Fetcher
    workers: Workers
    files: EditionFiles

    @cached_property
    def feeds(self) -> Mapping[str, FeedSpec]:
        return {spec.id: spec for spec in self.config.feeds}

    @cached_property
    def _known(self) -> Mapping[str, FeedSpec]:
        return {**self.feeds, ARCHIVE.id: ARCHIVE}

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
        gone = await self.store.write(editions.sync_editions, self._definitions(), now)
        for edition_id in gone:
            for form in FORMATS:
                self.files.remove(f"{edition_path(edition_id)}.{form.suffix}")
        # a title, a limit or the public URL may have changed: each is rendered once at the start
        await self.store.write(editions.touch, (editions.ALL, *self.topics))

    def _definitions(self) -> dict[str, str]:
        """What each edition is made by, as a hash: where it changes, articles are made again."""
        filters = sorted((f.id, f.keep, f.drop) for f in self.config.feeds if f.keep or f.drop)
        aliases = sorted(self.rules.aliases)
        definitions = {editions.ALL: _hash([filters, aliases])}
        for topic in self.config.topics:
            definitions[topic.id] = _hash([topic.query, filters, aliases])
        return definitions

    # --- refresh ---------------------------------------------------------------------------

    async def refresh(self, state: FeedState, now: datetime) -> Poll:
        """Polls one feed and stores what it brought. Only a StoreError gets out."""
        poller = Poller(self.config.fetch, self.store, self.fetcher, self.workers)
        return await poller.poll(self.feeds[state.feed_id], state, now)

    async def take_in(self, posts: Sequence[ArchivedPost], now: datetime) -> Decision:
        """Stores archived posts as entries of the feed ARCHIVE. Raises StoreError."""
        entries = tuple(archived_entry(post, now) for post in posts)
        return await self.store.write(polls.record_entries, ARCHIVE.id, entries, now)

    # --- enrich ----------------------------------------------------------------------------

    async def enrich(self, waiting: Sequence[Material], now: datetime) -> None:
        """Makes articles that wait, fetching their pages where needed. Raises StoreError."""
        materials = [
            replace(m, feeds={**m.feeds, **self.feeds_of(m)}) for m in waiting if m.entries
        ]
        for material in waiting:
            if not material.entries:  # it was merged into another meanwhile
                await self.store.write(articles.postpone, material.article_id, None)
        results = await self._compose(materials)
        done: list[articles.Made] = []
        rest: list[Coroutine[None, None, None]] = []
        for material, result in zip(materials, results, strict=True):
            if isinstance(result, Composed) and not result.page_owed:
                done.append(articles.Made(result, made_from=material.entries))
            else:
                rest.append(self._finish_contained(material, result, now))
        finished = await asyncio.gather(self._record(done, now), *rest, return_exceptions=True)
        for failure in finished:
            if failure is not None:
                raise failure

    def feeds_of(self, material: Material) -> Mapping[str, FeedSpec]:
        ids = {entry.feed_id for entry in material.entries}
        return {feed_id: self._known[feed_id] for feed_id in ids if feed_id in self._known}

    async def _finish_contained(
        self, material: Material, result: Composed | PageWanted | Unmade, now: datetime
    ) -> None:
        """Only a StoreError gets out: a bug met with one article is not the others' fault."""
        try:
            await self._finish(material, result, now)
        except StoreError:
            raise
        except Exception:
            log.exception("article %s: a bug in making it", material.article_id)
            await self._postpone(material, now)

    async def _finish(
        self, material: Material, result: Composed | PageWanted | Unmade, now: datetime
    ) -> None:
        asked = ""
        while isinstance(result, PageWanted):
            asked = asked or result.url
            material = await self._with_page(material, result)
            [result] = await self._compose([material])
            if isinstance(result, Unmade) and material.pages:
                # the page did it: what the feed gave is better than nothing
                log.error("article %s: its page %s: %s", result.article_id, asked, result.error)
                material = replace(material, pages=(), page_failed=True)
                [result] = await self._compose([material])
        if isinstance(result, Unmade):
            log.error("article %s: cannot be made: %s", result.article_id, result.error)
            if result.traceback:
                log.error("%s", result.traceback.rstrip())
            await self._postpone(material, now)
            return
        again_at = next_page_try(now, material.tries) if result.page_owed else None
        if result.page_owed and again_at is None:
            log.warning("article %s: its page %s is given up", result.article_id, asked)
            result = replace(result, extracted=given_up(asked))
        await self._record([articles.Made(result, again_at, material.entries)], now)

    async def _record(self, made: Sequence[articles.Made], now: datetime) -> None:
        if made:
            await self.store.write(articles.record_articles, made, now)

    async def _postpone(self, material: Material, now: datetime) -> None:
        again_at = next_page_try(now, material.tries) or now + UNMADE_AGAIN
        await self.store.write(articles.postpone, material.article_id, again_at)

    async def _with_page(self, material: Material, wanted: PageWanted) -> Material:
        try:
            page = await self.fetcher.page(wanted.url)
        except FetchError as error:
            log.warning("article %s: its page: %s", material.article_id, error)
            return replace(material, page_failed=True)
        return replace(material, pages=(*material.pages, page))

    async def _compose(
        self, materials: Sequence[Material]
    ) -> Sequence[Composed | PageWanted | Unmade]:
        """Several at once; where that takes a worker down, one by one, to find which it is."""
        try:
            seconds = ARTICLE_SECONDS * len(materials)
            return await self.workers.run_within(seconds, compose_many, materials, self.rules)
        except WorkerError as error:
            if len(materials) == 1:
                return [Unmade(materials[0].article_id, str(error))]
        return [result for material in materials for result in await self._compose([material])]

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
        for path, body in await self.workers.run(render, edition):
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


def _retry_after(error: Exception) -> timedelta | None:
    if isinstance(error, FetchError) and error.retry_after is not None:
        return timedelta(seconds=min(error.retry_after, 1e8))
    return None
