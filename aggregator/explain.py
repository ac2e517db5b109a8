"""What each step made of an article's material, for whoever asks why it came out so: `explain`.

The steps of compose.py, each asked for itself: how the entries read, what the pages gave, which
rule found what, whose date is believed. Pure CPU work, to be run whole in a worker.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from aggregator.compose import Rules, compose
from aggregator.core.clean import Cleaned, clean_body
from aggregator.core.composed import Composed
from aggregator.core.dates import Origin, read_date
from aggregator.core.model import (
    NO_FEED_RULES,
    Entry,
    FeedRules,
    FeedSpec,
    Material,
    PageWanted,
)
from aggregator.core.text import plain_text
from aggregator.core.titles import ReadTitle, read_title
from aggregator.core.whole import Whole
from aggregator.rule_results import (
    PageReading,
    RuleResult,
    clean_results,
    fetched_page,
    kept_page,
    owners,
)
from aggregator.sources import family_of_entry, family_of_feed, family_of_page


@dataclass(frozen=True, slots=True)
class EntryReading:
    """One entry as its feed gave it and as it was read."""

    entry: Entry
    family: str
    """Of its feed."""
    site: str
    """The family of the article's own site."""
    mirror: bool
    configured: bool
    """False: its feed is no longer in the configuration."""
    title: ReadTitle
    cleaned: Cleaned
    given_characters: int
    """Of text in the body as given."""
    whole: Whole
    rules: tuple[RuleResult, ...]
    refused: bool
    """Its feed's `keep` or `drop` turns it away."""


@dataclass(frozen=True, slots=True)
class DateSaid:
    """One date that was said of an article. `at` is None for what cannot be read."""

    origin: Origin
    where: str
    """The feed, or the page's address."""
    given: str
    at: datetime | None
    believed: bool = False
    """It is the article's, if perhaps by a clock that is not the one it names."""


@dataclass(frozen=True, slots=True)
class Explained:
    """All of an article's making. `composed` is what comes out of it."""

    entries: tuple[EntryReading, ...]
    pages: tuple[PageReading, ...]
    dates: tuple[DateSaid, ...]
    composed: Composed
    body_from: str
    """Whose body the article has: `feed ID`, `page`, or of several `page URL`, or `pages` where
    they were put together."""


def explain(material: Material, rules: Rules) -> Explained:
    """Takes material that needs no further page: one that is missing counts as not to be had."""
    composed = _composed(material, rules)
    entries = tuple(_read_entry(entry, material, rules) for entry in material.entries)
    own = _rules_of_link(entries, material)
    if material.extracted is not None and material.extracted.body:
        pages = [kept_page(material.extracted, *own)]
    else:
        pages = [fetched_page(page, *own) for page in material.pages]
    dates = _believed((*_dates_of(entries, material), *_dates_on(pages)), composed)
    return Explained(entries, tuple(pages), dates, composed, _body_from(composed, entries, pages))


def _composed(material: Material, rules: Rules) -> Composed:
    made = compose(material, rules)
    if isinstance(made, PageWanted):
        made = compose(replace(material, page_failed=True), rules)
    assert isinstance(made, Composed)  # nothing is wanted where nothing can be had
    return made


def _body_from(
    composed: Composed, entries: Sequence[EntryReading], pages: Sequence[PageReading]
) -> str:
    if not composed.body:
        return ""
    if composed.body_from in {reading.entry.feed_id for reading in entries}:
        return f"feed {composed.body_from}"
    if len(pages) == 1:
        return "page"
    its_page = (p.url for p in pages if p.cleaned and p.cleaned.html == composed.body)
    found = next(its_page, "")
    return f"page {found}" if found else "pages"


# --- entries -----------------------------------------------------------------------------------


def _read_entry(entry: Entry, material: Material, rules: Rules) -> EntryReading:
    spec = material.feeds.get(entry.feed_id)
    known = spec or FeedSpec(entry.feed_id, (entry.link,))
    generator = material.generators.get(entry.feed_id, "")
    family = family_of_entry(known, generator, entry.url, generator)
    feed = family_of_feed(replace(known, rules=NO_FEED_RULES), generator, generator)
    site = family_of_page(entry.url)
    given = entry.content or entry.summary
    cleaned = clean_body(given, entry.base or entry.link, family.clean)
    alone = _composed(replace(material, entries=(entry,)), rules)
    [verdict] = alone.verdicts
    return EntryReading(
        entry=entry,
        family=feed.name,
        site=site.name,
        mirror=family.mirror,
        configured=bool(spec),
        title=read_title(entry.title, family.titles),
        cleaned=cleaned,
        given_characters=len(plain_text(given)),
        whole=Whole(verdict.whole, verdict.reason),
        rules=clean_results(cleaned, owners(known.id, known.rules, feed, site)),
        refused=not alone.wanted,
    )


def _dates_of(entries: Sequence[EntryReading], material: Material) -> Iterator[DateSaid]:
    for reading in entries:
        entry, spec = reading.entry, material.feeds.get(reading.entry.feed_id)
        where = f"feed {entry.feed_id}"
        if entry.date_given or entry.published != entry.first_seen:
            # where the feed's date was not believed, the time it was first seen stands for it
            believed = entry.published if entry.published != entry.first_seen else None
            yield DateSaid("feed", where, entry.date_given, believed)
        if given := reading.cleaned.published_text:
            known = spec or FeedSpec(entry.feed_id, (entry.link,))
            generator = material.generators.get(entry.feed_id, "")
            family = family_of_entry(known, generator, entry.url, generator)
            zone = family.timezone or (spec.timezone if spec else "UTC")
            read = read_date(given, zone, "body", entry.published)
            yield DateSaid("body", where, given, read.at if read else None)


def _dates_on(pages: Sequence[PageReading]) -> Iterator[DateSaid]:
    for page in pages:
        if page.found and page.found.published:
            yield DateSaid("page", page.url, "", page.found.published)


def _believed(dates: Sequence[DateSaid], composed: Composed) -> tuple[DateSaid, ...]:
    """With the one marked that the article has. It may have been put right: then it is the first
    of those who are believed."""
    asked = [n for n, said in enumerate(dates) if said.at and said.origin == composed.published_by]
    asked.sort(key=lambda number: dates[number].at != composed.published)
    return tuple(replace(said, believed=number in asked[:1]) for number, said in enumerate(dates))


def _rules_of_link(entries: Sequence[EntryReading], material: Material) -> tuple[str, FeedRules]:
    """The feed, and its own rules, by which the article's page is read: as compose does."""
    for reading in sorted(entries, key=lambda reading: reading.mirror):
        if reading.entry.url and (not reading.refused or len(entries) == 1):
            spec = material.feeds.get(reading.entry.feed_id)
            return reading.entry.feed_id, spec.rules if spec else NO_FEED_RULES
    return "", NO_FEED_RULES


def is_wanted(composed: Composed, entry: Entry, spec: FeedSpec, rules: Rules) -> bool:
    """Whether the feed's `keep` and `drop` would let the article in, if `entry` brought it."""
    brought = replace(entry, title=composed.title, author=composed.author, content=composed.body)
    whole = replace(spec, full_text="feed")
    return _composed(Material(entry.article_id, (brought,), {spec.id: whole}), rules).wanted
