"""The steps that are pure CPU work, each run whole in a worker process.

read_feed      Retrieved → FeedReading      (core: parse, identity, dates)
compose_many   Materials → Composed each, or the page it needs first   (compose.py)
read_again     stored articles → their Traits     (core/traits)
render         Edition → bytes in one format
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from traceback import format_exc

from aggregator.compose import Rules, compose, document_of
from aggregator.core.composed import Composed, Stored
from aggregator.core.dates import credible
from aggregator.core.identity import article_id, canonical_url, entry_digest, entry_keys, entry_url
from aggregator.core.model import (
    Article,
    Edition,
    Entry,
    FeedReading,
    FeedSpec,
    Material,
    PageWanted,
    ParsedEntry,
    Retrieved,
)
from aggregator.core.parse import parse_feed
from aggregator.core.query import Query, Verdict
from aggregator.core.text import plain_text
from aggregator.core.traits import Traits, read_traits
from aggregator.errors import AggregatorError
from aggregator.outputs import FORMATS
from aggregator.sources import URL_RULES, url_rules_of
from aggregator.sources.archives import ArchivedPost

ARCHIVE = FeedSpec(
    id="archive", urls=("archive:",), title="archive", source="feedx", full_text="feed"
)
"""The feed that imported archives stand for: never polled, and its bodies are whole. It is a
mirror, and what feedx adds to bodies stands in those that were archived from it."""


SELF_DESCRIPTION = 500
"""How many characters of what a feed says made it are kept."""


@dataclass(frozen=True, slots=True)
class Unmade:
    """An article that could not be composed, and why; with the traceback where it is a bug."""

    article_id: str
    error: str
    traceback: str = ""


def read_feed(answer: Retrieved, spec: FeedSpec, now: datetime) -> FeedReading:
    """Makes a feed's answer into entries. Raises NotAFeed."""
    parsed = parse_feed(answer.body, answer.headers, answer.url, spec.timezone)
    outlet = spec.outlet or parsed.title
    entries = tuple(
        _entry(entry, key, spec, outlet, now)
        for entry, key in zip(parsed.entries, entry_keys(parsed.entries), strict=True)
    )
    return FeedReading(
        title=parsed.title,
        url=parsed.url,
        generator=f"{parsed.generator} {parsed.description}".strip()[:SELF_DESCRIPTION],
        language=parsed.language,
        entries=entries,
        hints=parsed.hints,
        notes=parsed.notes,
        links=parsed.links,
        cut_off=parsed.cut_off,
    )


def _entry(parsed: ParsedEntry, key: str, spec: FeedSpec, outlet: str, now: datetime) -> Entry:
    url = entry_url(parsed, url_rules_of(spec))
    return Entry(
        feed_id=spec.id,
        key=key,
        digest=entry_digest(parsed.title, parsed.content or parsed.summary),
        article_id=article_id(url, spec.id, key),
        url=url,
        link=parsed.url,
        base=parsed.base,
        title=parsed.title,
        author=parsed.author,
        outlet=outlet,
        published=credible(parsed.published or parsed.updated, now) or now,
        date_given=parsed.date_given,
        first_seen=now,
        summary=parsed.summary,
        content=parsed.content,
        language=parsed.language,
        categories=parsed.categories,
        enclosures=parsed.enclosures,
    )


def archived_entry(post: ArchivedPost, now: datetime) -> Entry:
    """Makes an archived post into an entry of the feed ARCHIVE, by URL, else title and date."""
    url = canonical_url(post.url, URL_RULES)
    published = credible(post.published, now) or now
    key = url or f"{post.title}\n{post.date_given or post.path.name}"
    return Entry(
        feed_id=ARCHIVE.id,
        key=key,
        digest=entry_digest(post.title, post.html),
        article_id=post.id or article_id(url, ARCHIVE.id, key),
        url=url,
        link=post.url,
        base=post.url,
        title=post.title,
        author=post.author if post.author != post.outlet else "",
        outlet=post.outlet,
        published=published,
        date_given=post.date_given,
        first_seen=now,
        summary="",
        content=post.html,
        categories=post.categories,
    )


# --- an article --------------------------------------------------------------------------------


def compose_many(
    materials: Sequence[Material], rules: Rules
) -> tuple[Composed | PageWanted | Unmade, ...]:
    """`compose` for several; one that fails is told by an Unmade in its place."""
    made: list[Composed | PageWanted | Unmade] = []
    for material in materials:
        try:
            made.append(compose(material, rules))
        except AggregatorError as error:
            made.append(Unmade(material.article_id, str(error)))
        except MemoryError:  # a worker's is limited, and a page has no right to it
            made.append(Unmade(material.article_id, "needed more memory than a worker may have"))
        except Exception as error:  # noqa: BLE001 - a bug in one article is not the others' fault
            what = f"a bug: {type(error).__name__}: {error}"
            made.append(Unmade(material.article_id, what, format_exc()))
    return tuple(made)


def read_again(stored: Sequence[Stored]) -> tuple[Traits, ...]:
    """What stored articles are recognised and grouped by."""
    return tuple(
        read_traits(one.outlet, one.published, one.title, plain_text(one.body)) for one in stored
    )


# --- an edition --------------------------------------------------------------------------------


def render(edition: Edition, suffix: str) -> bytes:
    """The edition in the format of that suffix: one at a time, for it takes much memory."""
    [form] = [form for form in FORMATS if form.suffix == suffix]
    return form.render(edition)


# --- the past ----------------------------------------------------------------------------------


def judge_article(query: Query, article: Article) -> Verdict:
    """What a query says of an article that is stored."""
    return query.judge(document_of(article, article.entries))
