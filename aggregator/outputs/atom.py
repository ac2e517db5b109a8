"""Atom (RFC 4287)."""

from __future__ import annotations

from feedgen.feed import FeedGenerator

from aggregator.core.model import Edition
from aggregator.outputs.item import (
    Item,
    items,
    language_tag,
    one_line,
    web_address,
    whole_seconds,
)
from aggregator.outputs.xml import finished_atom


def render_atom(edition: Edition) -> bytes:
    """The edition as an Atom feed: the same edition gives the same bytes."""
    entries = items(edition)
    language = language_tag(edition.language)
    return finished_atom(_feed(edition, entries, language), entries, language)


def _feed(edition: Edition, entries: tuple[Item, ...], language: str) -> FeedGenerator:
    title = one_line(edition.title) or edition.path
    feed = FeedGenerator()
    feed.load_extension("media")
    feed.id(f"urn:uuid:{edition.id}")
    feed.title(title)
    feed.updated(whole_seconds(edition.updated))
    feed.generator("aggregator")
    # An entry without author and outlet takes the feed's author (RFC 4287, 4.2.1).
    feed.author(name=title)
    feed.link(rel="self", type="application/atom+xml", href=web_address(edition.url("atom")))
    feed.link(rel="alternate", type="text/html", href=web_address(edition.page_url))
    if language:
        feed.language(language)
    for item in entries:
        _add_entry(feed, item)
    return feed


def _add_entry(feed: FeedGenerator, item: Item) -> None:
    entry = feed.add_entry(order="append")
    entry.id(item.id)
    entry.title(item.title)
    entry.published(item.published)
    entry.updated(item.updated)
    if item.byline:
        entry.author(name=item.byline)
    entry.link(href=item.link)
    if item.content:
        entry.content(item.content, type="html")
    if item.lead:
        entry.summary(item.lead)
    for category in item.categories:
        entry.category(term=category)
    if item.image:
        entry.media.thumbnail(url=item.image.url, group=None)
