"""RSS 2.0, with Atom's self link, content:encoded, dc:creator and Media RSS."""

from __future__ import annotations

import html

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
from aggregator.outputs.xml import finished_rss


def render_rss(edition: Edition) -> bytes:
    """The edition as an RSS feed: the same edition gives the same bytes."""
    entries = items(edition)
    return finished_rss(_feed(edition, entries), entries, whole_seconds(edition.updated))


def _feed(edition: Edition, entries: tuple[Item, ...]) -> FeedGenerator:
    title = one_line(edition.title) or edition.path
    language = language_tag(edition.language)
    feed = FeedGenerator()
    feed.load_extension("dc")
    feed.load_extension("media")
    feed.title(title)
    feed.description(title)
    feed.generator("aggregator")
    # The channel's link becomes the last one added, so the page comes last.
    feed.link(rel="self", type="application/rss+xml", href=web_address(edition.url("rss")))
    feed.link(rel="alternate", href=web_address(edition.page_url))
    if language:
        feed.language(language)
    for item in entries:
        _add_item(feed, item)
    return feed


def _add_item(feed: FeedGenerator, item: Item) -> None:
    entry = feed.add_entry(order="append")
    entry.title(item.title)
    entry.link(href=item.link, rel="alternate")
    entry.guid(item.id, permalink=False)
    if item.lead:
        # A description is read as HTML, the lead is plain text.
        entry.description(html.escape(item.lead, quote=False))
    if item.byline:
        # RSS's own author must be an e-mail address.
        entry.dc.dc_creator(item.byline)
    if item.outlet:
        entry.source(url=item.outlet_url, title=item.outlet)
    for category in item.categories:
        entry.category(term=category)
    if item.enclosures:
        # One for each item: readers take the first or the last of several.
        first = item.enclosures[0]
        entry.enclosure(url=first.url, length=first.length, type=first.media_type)
    if item.image:
        entry.media.thumbnail(url=item.image.url, group=None)
