"""Articles made from what is stored of them: composed, with their pages where they need one.

make     materials → composed (worker), stored; those that need their page first are given back
finish   one of these: page fetched → composed with what is stored by then, stored

While a page is waited for nothing of the article is held but its id. What takes a worker down,
twice, is set aside (store/quarantine.py), and the article is made without it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aggregator.compose import Rules, given_up
from aggregator.core.composed import Composed
from aggregator.core.model import (
    FeedSpec,
    Material,
    NotModified,
    PageWanted,
    Retrieved,
    Validators,
)
from aggregator.core.page_tries import LONGEST_WAIT, NOT_ASKED, PageTry, after_page_failure
from aggregator.errors import FetchError, StoreError, WorkerError, WorkersGone
from aggregator.fetch import Fetcher, ca_file_for, shown
from aggregator.settling import Settler
from aggregator.steps import Unmade, compose_many
from aggregator.store import Store, articles, materials, quarantine
from aggregator.workers import Workers

log = logging.getLogger(__name__)

ARTICLE_SECONDS = 5.0
"""The longest a worker may take over one article, its page included."""

PATIENCE = 2.0
"""Seconds an article waits for its host's turn; if that is further away it comes back for it."""

SOON = timedelta(minutes=10)
"""An article whose page will come later than this is published without it meanwhile."""

UNMADE_AGAIN = timedelta(days=1)
"""When an article that could not be made is tried again, where even its title did not help."""


WORKERS_BACK = timedelta(minutes=1)
"""When what no worker could be found for is tried again."""


@dataclass(frozen=True, slots=True)
class PageOwed:
    """An article that needs its page, and what an earlier visit there left to ask with; `bare`
    where what its feeds gave is set aside.
    """

    wanted: PageWanted
    validators: Validators
    bare: bool = False

    @property
    def article_id(self) -> str:
        return self.wanted.article_id


@dataclass(frozen=True, slots=True)
class _Visit:
    """What asking for an article's pages brought: pages, or what an earlier visit had brought,
    which is still so; and the failure that ended it.
    """

    pages: tuple[Retrieved, ...] = ()
    unchanged: bool = False
    failure: FetchError | None = None


@dataclass(frozen=True)
class Maker:
    """What making works with; `feeds` are the configured ones, by id."""

    feeds: Mapping[str, FeedSpec]
    rules: Rules
    store: Store
    settler: Settler
    fetcher: Fetcher
    workers: Workers

    # --- all of a batch --------------------------------------------------------------------

    async def make(self, waiting: Sequence[Material], now: datetime) -> tuple[PageOwed, ...]:
        """Makes and stores articles that wait; gives those that need their page first, for
        `finish`. Raises StoreError.
        """
        try:
            return await self._make(waiting, now)
        except WorkersGone as error:
            await self._put_off([material.article_id for material in waiting], error, now)
            return ()

    async def _make(self, waiting: Sequence[Material], now: datetime) -> tuple[PageOwed, ...]:
        ready = [self._with_feeds(material) for material in waiting if material.entries]
        for material in waiting:
            if not material.entries:  # it was merged into another meanwhile
                await self.store.write(articles.postpone, material.article_id, None)
        done: list[articles.Made] = []
        owed: list[PageOwed] = []
        for material, composed in zip(ready, await self._compose(ready), strict=True):
            result: Composed | PageWanted | None
            if isinstance(composed, Unmade):
                result = await self._without_bodies(material, composed, now)
            else:
                result = composed
            if isinstance(result, PageWanted):
                owed.append(_owed(material, result, isinstance(composed, Unmade)))
            elif result is not None:
                done.append(articles.Made(result, made_from=material.entries))
        await self._record(done, now)
        return tuple(owed)

    def _with_feeds(self, material: Material) -> Material:
        ids = {entry.feed_id for entry in material.entries}
        configured = {feed_id: self.feeds[feed_id] for feed_id in ids if feed_id in self.feeds}
        return replace(material, feeds={**material.feeds, **configured})

    # --- one with its page -----------------------------------------------------------------

    async def finish(self, owed: PageOwed, now: datetime, patience: float | None = None) -> None:
        """Fetches an article's page, makes and stores it: without the page if it cannot be had.

        With `patience` an article whose host has no turn for it within so many seconds is put
        off until it has. Only a StoreError gets out: a bug met with one article is not the
        others' fault.
        """
        try:
            await self._finish(owed, now, patience)
        except StoreError:
            raise
        except WorkersGone as error:
            await self._put_off([owed.article_id], error, now)
        except Exception:
            log.exception("article %s: a bug in making it", owed.article_id)
            await self.store.write(articles.postpone, owed.article_id, now + UNMADE_AGAIN)

    async def _finish(self, owed: PageOwed, now: datetime, patience: float | None) -> None:
        visit = _Visit()
        wanted = owed.wanted
        while True:
            visit = await self._visited(visit, wanted, owed.validators, patience)
            failed = visit.failure
            if failed and failed.kind == "busy" and _wait(failed) <= SOON:
                await self.store.write(articles.put_off, owed.article_id, now + _wait(failed))
                return
            material = await self._material(owed)
            if material is None:
                return
            material = _with_visit(material, visit)
            [result] = await self._compose([material])
            if not isinstance(result, PageWanted):
                break
            wanted, patience = result, None  # it has begun: a further page is waited for
        if isinstance(result, Unmade):
            await self._without_page(owed, material, result, now)
            return
        await self._record([_made(result, material, visit, owed.wanted.url, now)], now)

    async def _visited(
        self, visit: _Visit, wanted: PageWanted, validators: Validators, patience: float | None
    ) -> _Visit:
        """The visit with one more page."""
        try:
            ca_file = ca_file_for(wanted.url, self.feeds.values())
            page = await self.fetcher.page(wanted.url, validators, patience, ca_file)
        except FetchError as error:
            level = logging.DEBUG if error.kind in NOT_ASKED else logging.WARNING
            log.log(level, "article %s: its page: %s", wanted.article_id, error)
            return replace(visit, failure=error)
        if isinstance(page, NotModified):
            return replace(visit, unchanged=True)
        return replace(visit, pages=(*visit.pages, page))

    async def _material(self, owed: PageOwed) -> Material | None:
        """What is known of the article by now; None if it was merged into another, or removed."""
        material = await self.store.read(materials.material, owed.article_id)
        if material is None or not material.entries:
            await self.store.write(articles.postpone, owed.article_id, None)
            return None
        material = self._with_feeds(material)
        return _bare(material) if owed.bare else material

    async def _without_page(
        self, owed: PageOwed, material: Material, unmade: Unmade, now: datetime
    ) -> None:
        """The page did it, or else the feed's body; each is set aside if it does so again."""
        result: Composed | PageWanted | Unmade | None = unmade
        tried = PageTry(None)
        if material.pages:
            url = material.pages[-1].url
            aside = await self._set_aside(material, "page", shown(url), unmade, now)
            tried = PageTry(None) if aside else after_page_failure(now, material.tries)
            material = replace(material, pages=(), page_failed=True)
            [result] = await self._compose([material])
        if isinstance(result, Unmade):
            result = await self._without_bodies(replace(material, page_failed=True), result, now)
        if isinstance(result, Composed):
            if tried.at is None:
                result = replace(result, extracted=given_up(owed.wanted.url))
            await self._record([articles.Made(result, tried.at, material.entries)], now)

    # --- what takes workers down -----------------------------------------------------------

    async def _without_bodies(
        self, material: Material, unmade: Unmade, now: datetime
    ) -> Composed | PageWanted | None:
        """What can be made of an article that cannot be made of all that its feeds gave.

        None where it is to be tried once more before that, or where even so it cannot be made.
        """
        link = shown(material.entries[0].link)
        if not await self._set_aside(material, "feed", link, unmade, now):
            again = after_page_failure(now, material.tries)
            at = again.at or now + UNMADE_AGAIN
            await self.store.write(articles.postpone, material.article_id, at)
            return None
        [result] = await self._compose([_bare(material)])
        if isinstance(result, Unmade):
            error = result.error
            log.error("article %s: not even its title can be made: %s", result.article_id, error)
            await self.store.write(articles.postpone, material.article_id, now + UNMADE_AGAIN)
            return None
        return result

    async def _set_aside(
        self, material: Material, what: str, url: str, unmade: Unmade, now: datetime
    ) -> bool:
        """Whether this has failed often enough to be set aside; it is counted."""
        article_id, error = unmade.article_id, unmade.error
        log.error("article %s: cannot be made of its %s %s: %s", article_id, what, url, error)
        if unmade.traceback:
            log.error("%s", unmade.traceback.rstrip())
        failure = quarantine.Failure(
            name=_name(material, what),
            feed_id=material.entries[0].feed_id,
            article_id=article_id,
            url=url,
            error=error,
        )
        tries = await self.store.write(quarantine.record, failure, now)
        return tries >= quarantine.TRIES

    # --- small steps -----------------------------------------------------------------------

    async def _put_off(self, ids: Sequence[str], error: WorkersGone, now: datetime) -> None:
        log.error("articles %s: %s", ", ".join(ids), error)
        for article_id in ids:
            await self.store.write(articles.put_off, article_id, now + WORKERS_BACK)

    async def _record(self, made: Sequence[articles.Made], now: datetime) -> None:
        if made:
            await self.store.write(self.settler.settle, made, now)

    async def _compose(self, found: Sequence[Material]) -> Sequence[Composed | PageWanted | Unmade]:
        """Several at once; where that takes a worker down, one by one, to find which it is."""
        if not found:
            return ()
        try:
            seconds = ARTICLE_SECONDS * len(found)
            return await self.workers.run_within(seconds, compose_many, found, self.rules)
        except WorkersGone:
            raise
        except WorkerError as error:
            if len(found) == 1:
                return [Unmade(found[0].article_id, str(error))]
        return [result for material in found for result in await self._compose([material])]


def _owed(material: Material, wanted: PageWanted, bare: bool) -> PageOwed:
    earlier = material.earlier.validators if material.earlier else Validators()
    return PageOwed(wanted, earlier if earlier.url else Validators(), bare)


def _with_visit(material: Material, visit: _Visit) -> Material:
    earlier = material.earlier
    if visit.unchanged and earlier and earlier.body:
        return replace(material, extracted=earlier)
    failed = visit.unchanged or visit.failure is not None
    return replace(material, pages=visit.pages, page_failed=failed)


def _made(
    result: Composed, material: Material, visit: _Visit, url: str, now: datetime
) -> articles.Made:
    """The article, and where its page is still owed, when that is tried again."""
    if not result.page_owed:
        return articles.Made(result, made_from=material.entries)
    failure = visit.failure
    tried = after_page_failure(
        now,
        material.tries,
        failure.kind if failure else "",
        failure.status if failure else 0,
        _wait(failure) if failure else None,
    )
    if tried.at is None:
        log.warning("article %s: its page %s is given up", material.article_id, shown(url))
        return articles.Made(replace(result, extracted=given_up(url)), None, material.entries)
    if len(visit.pages) == 1 and failure is None:
        [page] = visit.pages  # there was no article on it, but something to ask with next time
        none = replace(given_up(page.url), validators=page.validators)
        result = replace(result, extracted=none)
    return articles.Made(result, tried.at, material.entries, tried=tried.counts)


def _wait(failure: FetchError) -> timedelta:
    return timedelta(seconds=min(failure.retry_after or 0.0, LONGEST_WAIT.total_seconds()))


def _bare(material: Material) -> Material:
    """The material without the bodies that its feeds gave."""
    entries = tuple(replace(entry, summary="", content="") for entry in material.entries)
    return replace(material, entries=entries)


def _name(material: Material, what: str) -> str:
    """What is set aside by: another one where an entry changes, for then it is worth a try."""
    digests = sorted(entry.digest for entry in material.entries)
    digest = hashlib.blake2b("\n".join(digests).encode(), digest_size=4).hexdigest()
    return f"{what}-{material.article_id[:8]}-{digest}"
