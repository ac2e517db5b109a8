"""Feeds, entries and composed articles as the tests of the store need them, and a store to ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from aggregator.core.composed import Composed
from aggregator.core.dedupe import fingerprint
from aggregator.core.feed_state import FeedState, aligned, answered, failed, unanswered
from aggregator.core.identity import article_id, entry_digest
from aggregator.core.model import (
    Decision,
    Enclosure,
    Entry,
    FeedReading,
    FeedSpec,
    Image,
    Match,
    Material,
    Reason,
    Validators,
)
from aggregator.core.text import plain_text
from aggregator.core.traits import read_traits
from aggregator.settling import Settler
from aggregator.store import Store, articles, editions, materials, polls
from tests.store.asking import Asked

NOW = datetime(2021, 11, 24, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
GIVEN = Validators('"1"', "yesterday", "hash")

FEEDX = FeedSpec("feedx", ("https://feedx.example/voa.xml",), outlet="美国之音")
GUANCHA = FeedSpec(
    "guancha", ("https://a.example/guancha", "https://b.example/guancha"), outlet="观察者网"
)


class Newsroom(Asked):
    """A store, asked without an event loop around it."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.settler = Settler()

    def poll(
        self,
        *entries: Entry,
        spec: FeedSpec = FEEDX,
        now: datetime = NOW,
        url: str = "",
        validators: Validators = GIVEN,
    ) -> Decision:
        """One poll that brought these entries; the next is an hour later."""
        state = self.state(spec)
        state = answered(state, url or spec.urls[0], validators, "", None, now)
        state = replace(state, next_poll_at=now + HOUR)
        return self.write(polls.record_poll, state, reading(*entries), now)[0]

    def fail(
        self, kind: str, error: str, now: datetime, again: datetime, spec: FeedSpec = FEEDX
    ) -> None:
        """One poll that brought nothing."""
        state = failed(self.state(spec), spec.urls[0], kind, error, now)
        state = replace(unanswered(state, kind, error, now), next_poll_at=again)
        self.write(polls.record_state, state)

    def state(self, spec: FeedSpec = FEEDX) -> FeedState:
        states = self.read(polls.active_feeds)
        return aligned(next(s for s in states if s.feed_id == spec.id), spec.urls)

    def pending(self, now: datetime = NOW) -> tuple[Material, ...]:
        return self.read(materials.pending, now, 100).materials

    def make(
        self, composed: Composed, now: datetime = NOW, again_at: datetime | None = None
    ) -> articles.Outcome:
        made = articles.Made(composed, again_at)
        [outcome] = self.write(self.settler.settle, [made], now)
        return outcome

    def define(self, *topic_ids: str, now: datetime = NOW) -> frozenset[str]:
        definitions = {editions.ALL: ""} | dict.fromkeys(topic_ids, "1")
        return self.write(editions.sync_editions, definitions, now)

    def publish_all(self) -> dict[str, int]:
        """Counts every edition as published; gives those that had changed."""
        changed = dict(self.read(editions.unpublished))
        for edition_id, changes in changed.items():
            self.write(editions.record_published, edition_id, changes)
        return changed


def entry(
    name: str,
    text: str = "正文",
    *,
    feed: str = "feedx",
    url: str | None = None,
    title: str = "",
    now: datetime = NOW,
) -> Entry:
    """An entry of the key `name`; what is equal in `url` is about one article."""
    canonical = f"https://example.org/{name}" if url is None else url
    title = title or f"标题 {name}"
    return Entry(
        feed_id=feed,
        key=name,
        digest=entry_digest(title, text),
        article_id=article_id(canonical, feed, name),
        url=canonical,
        link=canonical,
        title=title,
        author="记者",
        outlet="美国之音" if feed == "feedx" else "观察者网",
        published=NOW - HOUR,
        date_given="Wed, 24 Nov 2021 11:00:00 GMT",
        first_seen=now,
        summary="",
        content=text,
        base="https://example.org/",
        language="zh",
        categories=("新闻", "阿富汗"),
        enclosures=(Enclosure("https://example.org/a.mp3", "audio/mpeg", 42),),
    )


def composed(
    entry: Entry, body: str = "", *, topics: Sequence[str] = (), title: str = ""
) -> Composed:
    """The article of an entry, in these topics; without a body one that no other shares."""
    title = title or entry.title
    body = body or f"<p>{entry.content} {entry.article_id} {entry.article_id}</p>"
    traits = read_traits(entry.outlet, entry.published, title, plain_text(body))
    return Composed(
        article_id=entry.article_id,
        url=entry.url,
        title=title,
        author=entry.author,
        outlet=entry.outlet,
        published=entry.published,
        published_by="feed",
        language="zh",
        body=body,
        lead=plain_text(body)[:20],
        traits=traits,
        fingerprint=fingerprint(title, "".join(traits.sentences)),
        image=Image("https://example.org/a.jpg", "多哈"),
        categories=entry.categories,
        enclosures=entry.enclosures,
        matches=tuple(Match(topic, (Reason("塔利班", "title", "…塔利班…"),)) for topic in topics),
        wanted=True,
    )


def unwanted(article: Composed) -> Composed:
    return replace(article, wanted=False)


def reading(*entries: Entry, title: str = "美国之音中文网") -> FeedReading:
    return FeedReading(title, "https://www.voachinese.com", "feedx.net", "zh", entries)
