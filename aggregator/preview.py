"""An article's making shown step by step: of a page, or of what is stored. Nothing is written.

target → a page:    an entry that gives nothing but the link ┐
       → an article: its entries and page as they are stored ┴→ pages it needs → explain
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from uuid import UUID

from aggregator.compose import Rules, compose, given_up
from aggregator.config import Config
from aggregator.core.composed import Composed
from aggregator.core.identity import article_id, canonical_url
from aggregator.core.model import Article, Entry, FeedSpec, Material, PageWanted
from aggregator.daemon import VERSION, store_url
from aggregator.errors import AggregatorError, FetchError
from aggregator.explain import Explained, explain, is_wanted
from aggregator.fetch import Fetcher
from aggregator.sources import URL_RULES, family_of_feed, family_of_page, url_rules_of
from aggregator.sources.family import GENERIC
from aggregator.steps import ARCHIVE
from aggregator.store import Store, materials
from aggregator.workers import Workers

BEGINNING = 8
"""Hex digits; a shorter beginning of an id names too many articles."""

_HEX = re.compile(r"[0-9a-f]*\Z")
_GROUPS = (8, 13, 18, 23)
"""Where the hyphens of a UUID stand (RFC 9562 section 4)."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be shown: the beginning of an article's id, or a URL; the other is empty."""

    beginning: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A page that was asked for. `error` says why there is none."""

    url: str
    reason: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """What today's rules would change of a stored article."""

    field: str
    stored: str
    now: str


@dataclass(frozen=True, slots=True)
class Stored:
    """An article as it is in the store. `article` is None where it is not published."""

    id: str
    state: str
    material: Material
    article: Article | None
    topics: tuple[str, ...]
    merged: bool = False
    """What was asked for was merged into it."""


@dataclass(frozen=True, slots=True)
class Preview:
    """How an article came out. `stored` is None for a page alone."""

    url: str
    article_id: str
    feed_id: str
    """The feed by whose own rules a page was read; empty if by none's."""
    feeds: tuple[str, ...]
    """All feeds of the configuration that a page may have come with."""
    explained: Explained
    asked: tuple[Asked, ...]
    wanted: bool
    stored: Stored | None = None
    differences: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """What failed, each in a line."""
        unread = tuple(page.error for page in self.explained.pages if page.error)
        return tuple(asked.error for asked in self.asked if asked.error) + unread


# --- what is meant -----------------------------------------------------------------------------


def read_target(given: str) -> Target | None:
    """A URL, an article's id as a UUID with or without `urn:uuid:`, or at least 8 hex digits of
    its beginning. None for what is none of these.
    """
    given = given.strip()
    if canonical_url(given):
        return Target(url=given)
    digits = given.lower().removeprefix("urn:uuid:")
    try:
        return Target(beginning=str(UUID(digits)))
    except ValueError:
        digits = digits.replace("-", "")
    if not BEGINNING <= len(digits) < 32 or not _HEX.match(digits):
        return None
    for at in _GROUPS:
        digits = digits if len(digits) <= at else f"{digits[:at]}-{digits[at:]}"
    return Target(beginning=digits)


@contextmanager
def existing_store(config: Config, state: Path) -> Iterator[Store | None]:
    """The store, None if none was made yet: to look must not make one. Raises StoreError."""
    url = store_url(config, state)
    path = url.removeprefix("sqlite:///")
    if path != url and not Path(path).exists():
        yield None
        return
    store = Store.open(url)
    try:
        yield store
    finally:
        store.close()


def candidates(store: Store, config: Config, target: Target) -> tuple[materials.Found, ...]:
    """The stored articles that the target may mean; of a URL, under every feed's own rules."""
    if target.beginning:
        return store.read_now(materials.find, target.beginning)
    urls = {canonical_url(target.url, url_rules_of(spec)) for spec in config.feeds}
    urls |= {canonical_url(target.url, URL_RULES), target.url}
    return store.read_now(materials.find, "", sorted(urls))


def read_stored(store: Store, config: Config, found: materials.Found, target: Target) -> Stored:
    """All that is stored of an article. Raises AggregatorError if it went away meanwhile."""
    if found.state == "removed":
        raise AggregatorError(
            "its text is not kept any more",
            f"article {found.id}",
            "it was older than [store] keep; nothing can be made of it",
        )
    material = store.read_now(materials.material, found.id)
    if material is None or not material.entries:
        raise AggregatorError(
            "no entry of it is stored", f"article {found.id}", "it was merged just now: try again"
        )
    known = {**{spec.id: spec for spec in config.feeds}, ARCHIVE.id: ARCHIVE}
    specs = {e.feed_id: known[e.feed_id] for e in material.entries if e.feed_id in known}
    material = replace(material, feeds={**material.feeds, **specs})
    topics = tuple(match.topic_id for match in store.matches(found.id))
    merged = not found.id.startswith(target.beginning)
    return Stored(found.id, found.state, material, store.article(found.id), topics, merged)


# --- an article --------------------------------------------------------------------------------


async def preview_article(config: Config, stored: Stored, offline: bool) -> Preview:
    """How today's rules make a stored article; with `offline` without fetching a page it lacks.

    Raises WorkerError.
    """
    rules, material = _rules(config), stored.material
    notes = []
    if stored.merged:
        notes.append(f"its text is that of article {stored.id}, and was merged into it")
    if any(material.extracted == given_up(entry.link) for entry in material.entries):
        notes.append("its page could not be had in several tries, and was given up")
    workers = Workers(count=1)
    try:
        fetcher = None if offline else Fetcher(config.fetch, VERSION)
        try:
            material, asked = await _with_pages(material, rules, fetcher, workers)
        finally:
            if fetcher:
                await fetcher.close()
        explained = await workers.run(explain, material, rules)
    finally:
        workers.close()
    if offline and asked:
        notes.append("its page is not stored and was not fetched: --offline")
        asked = ()
    composed = explained.composed
    return Preview(
        url=composed.url,
        article_id=stored.id,
        feed_id="",
        feeds=(),
        explained=explained,
        asked=asked,
        wanted=composed.wanted,
        stored=stored,
        differences=differences(stored, composed),
        notes=tuple(notes),
    )


def differences(stored: Stored, composed: Composed) -> tuple[Difference, ...]:
    """What would be otherwise if the article were made again, in a reader's eyes."""
    if stored.article is None or not composed.wanted:
        if (stored.state, composed.wanted) in (("ready", True), ("dropped", False)):
            return ()
        return (Difference("state", stored.state, "ready" if composed.wanted else "dropped"),)
    before, after = _seen(stored.article), _seen(composed)
    before["topics"] = ", ".join(stored.topics)
    after["topics"] = ", ".join(sorted(match.topic_id for match in composed.matches))
    return tuple(
        Difference(name, before[name], after[name])
        for name in before
        if before[name] != after[name]
    )


def _seen(article: Article | Composed) -> dict[str, str]:
    return {
        "title": article.title,
        "author": article.author,
        "outlet": article.outlet,
        "url": article.url,
        "published": f"{article.published.isoformat()} by {article.published_by}",
        "language": article.language,
        "image": article.image.url if article.image else "",
        "categories": ", ".join(article.categories),
        "body": article.body,
    }


# --- a page ------------------------------------------------------------------------------------


async def preview_page(config: Config, url: str, spec: FeedSpec | None, now: datetime) -> Preview:
    """How the page at `url` would come out if an entry gave nothing but its address, read by the
    own rules of `spec`; without it, by those of the one feed that it may have come with.

    Raises FetchError if the page cannot be had, and WorkerError.
    """
    feeds = feeds_of_page(config, url)
    if spec is None and len(feeds) == 1:
        [spec] = feeds
    rules, entry = _rules(config), _entry_of_page(url, spec, now)
    # what a feed's settings turn away is to be shown all the same
    read_by = {spec.id: replace(spec, keep="", drop="")} if spec else {}
    workers, fetcher = Workers(count=1), Fetcher(config.fetch, VERSION)
    try:
        material = Material(entry.article_id, (entry,), read_by)
        material, asked = await _with_pages(material, rules, fetcher, workers, first_must=True)
        explained = await workers.run(explain, material, rules)
        wanted = spec is None or not (spec.keep or spec.drop)
        if spec is not None and not wanted:
            wanted = await workers.run(is_wanted, explained.composed, entry, spec, rules)
    finally:
        workers.close()
        await fetcher.close()
    return Preview(
        url=entry.url,
        article_id=entry.article_id,
        feed_id=spec.id if spec else "",
        feeds=tuple(feed.id for feed in feeds),
        explained=explained,
        asked=asked,
        wanted=wanted,
    )


def feeds_of_page(config: Config, url: str) -> tuple[FeedSpec, ...]:
    """The configured feeds of the page's family; of a page of no family, those of its site."""
    family = family_of_page(url)
    if family.name != GENERIC.name:
        return tuple(spec for spec in config.feeds if family_of_feed(spec, "").name == family.name)
    site = _site(url)
    return tuple(spec for spec in config.feeds if site in map(_site, spec.urls))


def _site(url: str) -> str:
    """The host, without the `www.` that sites have before it or not."""
    return canonical_url(url).partition("//")[2].partition("/")[0].removeprefix("www.")


def _entry_of_page(url: str, spec: FeedSpec | None, now: datetime) -> Entry:
    canonical = canonical_url(url, url_rules_of(spec) if spec else URL_RULES)
    return Entry(
        feed_id=spec.id if spec else "",
        key=canonical,
        digest="",
        article_id=article_id(canonical, "", canonical),
        url=canonical,
        link=url,
        title="",
        author="",
        outlet=spec.outlet if spec else "",
        published=now,
        date_given="",
        first_seen=now,
        summary="",
        content="",
        base=url,
    )


# --- what both need ----------------------------------------------------------------------------


def _rules(config: Config) -> Rules:
    return Rules(config.topics, tuple(config.aliases.items()))


async def _with_pages(
    material: Material,
    rules: Rules,
    fetcher: Fetcher | None,
    workers: Workers,
    first_must: bool = False,
) -> tuple[Material, tuple[Asked, ...]]:
    """The material with the pages that its making asks for, as the pipeline fetches them.

    With `first_must` raises FetchError if the first cannot be had.
    """
    asked: list[Asked] = []
    while isinstance(wanted := await workers.run(compose, material, rules), PageWanted):
        if fetcher is None:
            asked.append(Asked(wanted.url, wanted.reason))
            material = replace(material, page_failed=True)
            continue
        try:
            page = await fetcher.page(wanted.url)
        except FetchError as error:
            if first_must and not asked:
                raise
            asked.append(Asked(wanted.url, wanted.reason, str(error)))
            material = replace(material, page_failed=True)
        else:
            asked.append(Asked(wanted.url, wanted.reason))
            material = replace(material, pages=(*material.pages, page))
    return material, tuple(asked)
