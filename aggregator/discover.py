"""Finding a site's feeds, as readers do, and some more.

    the address itself → what its page declares → what its page links to
                       → the usual paths, until one answers → what others make of the site

Whatever is found was fetched and read as a feed. What others make (RSSHub, feedx) is
suggested also where it cannot be fetched now, and says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from urllib.parse import urljoin, urlsplit

from aggregator.config import Config
from aggregator.core.identity import canonical_url
from aggregator.core.links import FeedLink, feed_links
from aggregator.core.model import Retrieved, Validators
from aggregator.core.parse import parse_feed
from aggregator.core.parse_bytes import decode_page
from aggregator.daemon import VERSION
from aggregator.errors import AggregatorError, FetchError, NotAFeed, WorkerError
from aggregator.fetch import Fetcher
from aggregator.sources.suggestions import Suggestion, suggestions
from aggregator.workers import Workers

USUAL_PATHS = (
    "/feed", "/rss", "/rss.xml", "/atom.xml", "/feed.xml", "/index.xml", "/feed.json",
)  # fmt: skip
"""Where feeds mostly are on sites that do not say, the likeliest first."""

LINKS_AT_MOST = 12
"""Links of one page that are tried."""

How = Literal["itself", "declared", "linked", "guessed", "RSSHub", "feedx"]

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class FoundFeed:
    """A feed, and how it was found. With a `problem` it is a suggestion that was not verified."""

    url: str
    title: str
    how: How
    outlet: str = ""
    entries: int = 0
    newest: datetime | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found for the address; `notes` say what looked like a feed and is none."""

    url: str
    feeds: tuple[FoundFeed, ...]
    notes: tuple[str, ...] = ()


async def discover(config: Config, url: str, progress: Progress) -> Discovery:
    """The feeds of the site, or of the section of it, at `url`; without a scheme it is https.

    Raises FetchError if the address cannot be fetched, and nothing is known of its host.
    """
    fetcher, workers = Fetcher(config.fetch, VERSION), Workers(count=1)
    try:
        return await _Search(fetcher, workers, progress).run(_with_scheme(url))
    finally:
        workers.close()
        await fetcher.close()


def _with_scheme(url: str) -> str:
    return url.strip() if "://" in url else f"https://{url.strip()}"


class _Search:
    """One search: what it found so far, and what it has asked already."""

    def __init__(self, fetcher: Fetcher, workers: Workers, progress: Progress) -> None:
        self._fetcher = fetcher
        self._workers = workers
        self._progress = progress
        self._asked: set[str] = set()
        self._bodies: set[str] = set()
        self._notes: list[str] = []
        self._tried = 0
        self._to_try = 0

    async def run(self, url: str) -> Discovery:
        suggested = suggestions(url)
        self._will_try(1)
        try:
            page = await self._fetcher.page(url)
        except FetchError as error:
            if not suggested:
                raise
            self._notes.append(str(error))
            feeds: tuple[FoundFeed, ...] = ()
        else:
            self._has_tried()
            feeds = await self._of_site(page, url)
        if not any(feed.how == "itself" for feed in feeds):
            feeds += await self._suggested(suggested)
        return Discovery(url, feeds, tuple(self._notes))

    async def _of_site(self, page: Retrieved, url: str) -> tuple[FoundFeed, ...]:
        read = await self._workers.run(_read, page)
        if isinstance(read, FoundFeed):
            return (replace(read, url=page.permanent_url or url, title=read.title or _host(url)),)
        self._asked.add(canonical_url(page.url))
        return await self._linked(read[:LINKS_AT_MOST]) or await self._guessed(page.url)

    async def _linked(self, links: tuple[FeedLink, ...]) -> tuple[FoundFeed, ...]:
        self._will_try(len(links))
        tried = await asyncio.gather(
            *(
                self._try(link.url, "declared" if link.declared else "linked", link.title)
                for link in links
            )
        )
        # a link for people may be anything; what a page declares should be a feed
        self._notes += (
            f"{feed.url}: the page declares it, but {feed.problem}"
            for feed in tried
            if feed and feed.problem and feed.how == "declared"
        )
        return tuple(feed for feed in tried if feed and not feed.problem)

    async def _guessed(self, url: str) -> tuple[FoundFeed, ...]:
        """The first of the usual paths that is a feed; one after the other, to be polite."""
        self._will_try(len(USUAL_PATHS))
        for path in USUAL_PATHS:
            feed = await self._try(urljoin(url, path), "guessed")
            if feed and not feed.problem:
                return (feed,)
        return ()

    async def _suggested(self, given: Iterable[Suggestion]) -> tuple[FoundFeed, ...]:
        chosen = [one for one in given if canonical_url(one.url) not in self._asked]
        self._will_try(len(chosen))
        tried = await asyncio.gather(*(self._try(one.url, one.maker, one.outlet) for one in chosen))
        return tuple(
            replace(feed, outlet=one.outlet)
            for feed, one in zip(tried, chosen, strict=True)
            if feed
        )

    async def _try(self, url: str, how: How, title: str = "") -> FoundFeed | None:
        """The feed at `url`, with a `problem` if it is none; None if it was found already."""
        key = canonical_url(url) or url
        if key in self._asked:
            self._has_tried()
            return None
        self._asked.add(key)
        try:
            answer = await self._fetcher.feed(url, Validators())
            assert isinstance(answer, Retrieved)  # nothing was asked conditionally
            read = await self._workers.run(_read, answer)
        except (FetchError, WorkerError) as error:
            return FoundFeed(url, title, how, problem=_without_place(error))
        finally:
            self._has_tried()
        if not isinstance(read, FoundFeed):
            return FoundFeed(url, title, how, problem="it is no feed")
        if answer.validators.body_hash in self._bodies:
            return None
        self._bodies.add(answer.validators.body_hash)
        self._asked.add(canonical_url(answer.url))
        # the words of a link for people are mostly no title
        title = read.title or (title if how != "linked" else "") or _host(url)
        return replace(read, url=answer.permanent_url or url, title=title, how=how)

    def _will_try(self, number: int) -> None:
        self._to_try += number
        self._progress("looking", self._tried, self._to_try)

    def _has_tried(self) -> None:
        self._tried += 1
        self._progress("looking", self._tried, self._to_try)


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _read(answer: Retrieved) -> FoundFeed | tuple[FeedLink, ...]:
    """In a worker: the feed that the answer is, else those its page leads to."""
    try:
        parsed = parse_feed(answer.body, answer.headers, answer.url, "UTC")
    except NotAFeed:
        return feed_links(decode_page(answer.body, answer.headers), answer.url)
    dates = (entry.published or entry.updated for entry in parsed.entries)
    return FoundFeed(
        url=answer.url,
        title=parsed.title,
        how="itself",
        entries=len(parsed.entries),
        newest=max(filter(None, dates), default=None),
    )


def _without_place(error: AggregatorError) -> str:
    return f"{error.what} ({error.hint})" if error.hint else error.what
