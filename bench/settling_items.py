"""Real articles as they come to settling: entries, and what the workers make of them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from sqlalchemy import Connection, insert

from aggregator.core.composed import Composed
from aggregator.core.dedupe import fingerprint
from aggregator.core.identity import article_id, entry_digest
from aggregator.core.model import Entry
from aggregator.core.traits import read_traits
from aggregator.store.articles import Made
from aggregator.store.rows import entry_values, pending_values
from aggregator.store.tables import ARTICLES, ENTRIES
from bench.labelled import Item

LEAD = 200


@dataclass(frozen=True, slots=True)
class Work:
    """An article as it was composed of one entry."""

    entry: Entry
    made: Made


@dataclass(frozen=True, slots=True)
class Composing:
    works: Sequence[Work]
    """In the order of publication."""
    milliseconds: Sequence[float]
    """Of a worker's processor time, for the traits of each."""


def compose(items: Iterable[Item]) -> Composing:
    """What workers would hand over for these items."""
    works, spent = [], []
    for item in sorted(items, key=lambda each: (each.published, each.id)):
        begun = time.thread_time()
        traits = read_traits(item.outlet, item.published, item.title, item.text)
        spent.append((time.thread_time() - begun) * 1000)
        body = "".join(f"<p>{escape(line)}</p>" for line in item.text.split("\n") if line.strip())
        entry = _entry(item, body)
        composed = Composed(
            article_id=entry.article_id,
            url=entry.url,
            title=item.title,
            author="",
            outlet=item.outlet,
            published=item.published,
            published_by="feed",
            language="zh",
            body=body,
            lead=item.text[:LEAD],
            traits=traits,
            fingerprint=fingerprint(item.title, "".join(traits.sentences)),
            image=None,
            categories=(),
            enclosures=(),
            matches=(),
            wanted=True,
            body_from=item.feed,
        )
        works.append(Work(entry, Made(composed, made_from=(entry,))))
    return Composing(works, spent)


def _entry(item: Item, body: str) -> Entry:
    # by its key alone, so that only content tells which articles are one
    return Entry(
        feed_id=item.feed,
        key=item.id,
        digest=entry_digest(item.title, body),
        article_id=article_id("", item.feed, item.id),
        url=item.url,
        link=item.url,
        title=item.title,
        author="",
        outlet=item.outlet,
        published=item.published,
        date_given=item.published.isoformat(),
        first_seen=item.published,
        summary="",
        content=body,
        base=item.url,
        language="zh",
        categories=(),
        enclosures=(),
    )


def poll_in(connection: Connection, works: Sequence[Work]) -> None:
    """Their entries are stored, the articles wait to be made."""
    if not works:
        return
    connection.execute(insert(ENTRIES), [entry_values(work.entry) for work in works])
    connection.execute(insert(ARTICLES), [pending_values(work.entry) for work in works])


def latest(works: Sequence[Work]) -> datetime:
    """When the newest was published."""
    return max(work.entry.published for work in works)
