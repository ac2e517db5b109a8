"""The steps that are pure CPU work, each run whole in a worker process.

read_feed   Retrieved → FeedReading     (core: parse, identity, dates)
compose     Material → Composed, or the page it needs first
            (core: clean, whole, extract, text, dedupe, query, topics)
render      Edition → bytes in every format

Here the stages of core and the rules of the sources meet; nothing here waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from aggregator.core.clean import Cleaned, clean_body
from aggregator.core.dates import credible, parse_date
from aggregator.core.dedupe import fingerprint
from aggregator.core.extract import extract
from aggregator.core.identity import article_id, canonical_url, entry_digest, entry_keys, entry_url
from aggregator.core.model import (
    Article,
    Composed,
    Edition,
    Entry,
    Extracted,
    FeedReading,
    FeedSpec,
    Material,
    PageWanted,
    ParsedEntry,
    Retrieved,
    TopicSpec,
)
from aggregator.core.parse import parse_feed
from aggregator.core.query import Answer, Document, Query, Verdict, parse_query
from aggregator.core.text import detect_language, fold, letters, plain_text
from aggregator.core.topics import Topic, compile_topics, match_topics
from aggregator.core.whole import Whole, judge_whole
from aggregator.errors import AggregatorError, ExtractError
from aggregator.outputs import FORMATS
from aggregator.sources import URL_RULES, combine, family_of_feed, family_of_page
from aggregator.sources.archives import ArchivedPost
from aggregator.sources.family import Family

ARCHIVE = FeedSpec(id="archive", urls=("archive:",), title="archive", full_text="feed")
"""The feed that imported archives stand for: never polled, and its bodies are whole."""

LEAD_LENGTH = 200
"""Characters of plain text that stand for an article where only a summary is wanted."""

Aliases = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the configuration says about composing: the topics and their aliases."""

    topics: tuple[TopicSpec, ...]
    aliases: Aliases


@dataclass(frozen=True, slots=True)
class Unmade:
    """An article that could not be composed, and why: a fault that is not in its material."""

    article_id: str
    error: str


def read_feed(answer: Retrieved, spec: FeedSpec, now: datetime) -> FeedReading:
    """Makes a feed's answer into entries. Raises NotAFeed."""
    parsed = parse_feed(answer.body, answer.headers, answer.url, spec.timezone)
    outlet = spec.outlet or parsed.title
    entries = tuple(
        _entry(entry, key, spec.id, outlet, now)
        for entry, key in zip(parsed.entries, entry_keys(parsed.entries), strict=True)
    )
    return FeedReading(
        title=parsed.title,
        url=parsed.url,
        generator=parsed.generator,
        language=parsed.language,
        entries=entries,
        hints=parsed.hints,
        notes=parsed.notes,
    )


def _entry(parsed: ParsedEntry, key: str, feed_id: str, outlet: str, now: datetime) -> Entry:
    url = entry_url(parsed, URL_RULES)
    return Entry(
        feed_id=feed_id,
        key=key,
        digest=entry_digest(parsed.title, parsed.content or parsed.summary),
        article_id=article_id(url, feed_id, key),
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
        article_id=article_id(url, ARCHIVE.id, key),
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


@dataclass(frozen=True, slots=True)
class _Reading:
    """One entry with its body cleaned, and whether that is the whole text."""

    entry: Entry
    spec: FeedSpec | None
    family: Family
    cleaned: Cleaned
    whole: Whole


def compose_many(
    materials: Sequence[Material], rules: Rules, now: datetime
) -> tuple[Composed | PageWanted | Unmade, ...]:
    """`compose` for several; one that fails is told by an Unmade in its place."""
    made: list[Composed | PageWanted | Unmade] = []
    for material in materials:
        try:
            made.append(compose(material, rules, now))
        except AggregatorError as error:
            made.append(Unmade(material.article_id, str(error)))
        except Exception as error:  # noqa: BLE001 - a bug in one article is not the others' fault
            made.append(Unmade(material.article_id, f"{type(error).__name__}: {error}"))
    return tuple(made)


def compose(material: Material, rules: Rules, now: datetime) -> Composed | PageWanted:
    """Makes an article from its entries and, where they are not the whole text, its page.

    Gives PageWanted while a page is missing. The outlet's own entry is preferred to
    a mirror's, then the one seen first. Raises QueryError for a feed's bad `keep`.
    """
    readings = _in_order([_read_entry(entry, material) for entry in material.entries])
    first = readings[0]
    page_family = family_of_page(first.entry.url)
    if _refused(first, None, rules):
        return _composed(material, first, first.cleaned, None, rules, now)

    whole = next((reading for reading in readings if reading.whole.whole), None)
    if whole is not None and whole.family.mirror and not first.family.mirror:
        # the mirror has it all, and the outlet's own words about it come from its own entry
        whole = replace(whole, entry=_named_by(first.entry, whole.entry))
    if whole is not None:
        return _composed(material, whole, whole.cleaned, None, rules, now)

    extracted = _best_extract(material, page_family)
    if isinstance(extracted, PageWanted):
        return extracted
    if extracted is None and not material.page_failed and not material.pages and first.entry.link:
        return PageWanted(material.article_id, first.entry.link, first.whole.reason)

    longest = max(readings, key=lambda reading: len(reading.cleaned.text))
    reading, body = longest, longest.cleaned
    if extracted is not None:
        from_page = clean_body(extracted.body, extracted.url, page_family.clean)
        if len(from_page.text) >= len(body.text):
            reading, body = first, from_page
    composed = _composed(material, reading, body, extracted, rules, now)
    if material.page_failed or extracted is None:
        # what a page gave in part is not kept, so that the next try fetches it again
        return replace(composed, extracted=None, page_owed=bool(first.entry.link))
    return composed


def _read_entry(entry: Entry, material: Material) -> _Reading:
    spec = material.feeds.get(entry.feed_id)
    generator = material.generators.get(entry.feed_id, "")
    family = family_of_feed(spec or FeedSpec(entry.feed_id, (entry.link,)), generator)
    rules = combine(family.clean, family_of_page(entry.url).clean)
    cleaned = clean_body(entry.content or entry.summary, entry.base or entry.link, rules)
    full_text = spec.full_text if spec else "auto"
    whole = judge_whole(
        cleaned.html, cleaned.text, full_text if full_text != "auto" else family.full_text
    )
    return _Reading(entry, spec, family, cleaned, whole)


def _in_order(readings: list[_Reading]) -> list[_Reading]:
    return sorted(readings, key=lambda reading: reading.family.mirror)


def _named_by(own: Entry, carried: Entry) -> Entry:
    return replace(
        carried,
        title=own.title or carried.title,
        author=own.author or carried.author,
        outlet=own.outlet,
        published=own.published,
        url=own.url,
    )


def _best_extract(material: Material, family: Family) -> Extracted | PageWanted | None:
    """The longest text the pages give; the next page where one says it is only a part."""
    best = material.extracted
    fetched = {page.url for page in material.pages}
    for page in material.pages:
        try:
            extracted = extract(page.body, page.headers, page.url, family.page)
        except ExtractError:
            continue
        if best is None or len(extracted.body) > len(best.body):
            best = extracted
        if extracted.whole_url and extracted.whole_url not in fetched and not material.page_failed:
            return PageWanted(material.article_id, extracted.whole_url, "the page shows a part")
    return best


def _composed(
    material: Material,
    reading: _Reading,
    body: Cleaned,
    extracted: Extracted | None,
    rules: Rules,
    now: datetime,
) -> Composed:
    entry = reading.entry
    title = entry.title or (extracted.title if extracted else "")
    folded = letters(fold(body.text))
    categories = tuple(dict.fromkeys(c for e in material.entries for c in e.categories))
    document = _document(entry, title, body.text, categories, material)
    wanted = not _refused(reading, body.text, rules)
    return Composed(
        article_id=material.article_id,
        url=entry.url or entry.link,
        title=title,
        author=_author(entry, body, extracted),
        outlet=entry.outlet,
        published=_published(reading, body, now),
        language=detect_language(f"{title}\n{body.text}") or entry.language,
        body=body.html,
        lead=_lead(body.text),
        folded=folded,
        fingerprint=fingerprint(title, folded),
        image=body.image,
        categories=categories,
        enclosures=entry.enclosures,
        matches=match_topics(_topics(rules), document) if wanted else (),
        wanted=wanted,
        extracted=extracted,
    )


def _author(entry: Entry, body: Cleaned, extracted: Extracted | None) -> str:
    """The first that is a person's, rather than the outlet's own name."""
    outlet = {entry.outlet, *family_of_page(entry.url).own_names}
    given = (entry.author, body.author, extracted.author if extracted else "")
    return next((author for author in given if author and author not in outlet), "")


def _published(reading: _Reading, body: Cleaned, now: datetime) -> datetime:
    """A mirror dates an entry by when it came by; the line inside the body knows better."""
    if reading.family.mirror and body.published_text:
        inside = parse_date(body.published_text, reading.spec.timezone if reading.spec else "UTC")
        return credible(inside, now) or reading.entry.published
    return reading.entry.published


def _lead(text: str) -> str:
    """The first paragraphs, up to LEAD_LENGTH characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= LEAD_LENGTH else flat[: LEAD_LENGTH - 1].rstrip() + "…"


def _refused(reading: _Reading, body: str | None, rules: Rules) -> bool:
    """Whether the feed's `keep` or `drop` turns it away; without a body only if certain."""
    spec = reading.spec
    if spec is None or not (spec.keep or spec.drop):
        return False
    entry = reading.entry
    document = Document.of(
        title=entry.title,
        lead=_lead(reading.cleaned.text),
        body=body,
        author=entry.author,
        categories=entry.categories,
        outlet=entry.outlet,
        feeds=(entry.feed_id,),
        language=entry.language,
        url=entry.url,
        published=entry.published,
    )
    if spec.keep and _query(spec.keep, rules.aliases).judge(document).answer is Answer.NO:
        return True
    return bool(spec.drop and _query(spec.drop, rules.aliases).judge(document).answer is Answer.YES)


def _document(
    entry: Entry, title: str, text: str, categories: tuple[str, ...], material: Material
) -> Document:
    return Document.of(
        title=title,
        lead=_lead(text),
        body=text,
        author=entry.author,
        categories=categories,
        outlet=entry.outlet,
        feeds=tuple(sorted({e.feed_id for e in material.entries})),
        language=detect_language(text) or entry.language,
        url=entry.url,
        published=entry.published,
    )


@lru_cache(maxsize=256)
def _query(text: str, aliases: Aliases) -> Query:
    return parse_query(text, dict(aliases))


@lru_cache(maxsize=4)
def _topics(rules: Rules) -> tuple[Topic, ...]:
    return compile_topics(rules.topics, rules.aliases)


# --- an edition --------------------------------------------------------------------------------


def render(edition: Edition) -> tuple[tuple[str, bytes], ...]:
    """The edition in every format: its path with suffix, and the bytes."""
    return tuple((f"{edition.path}.{form.suffix}", form.render(edition)) for form in FORMATS)


# --- the past ----------------------------------------------------------------------------------


def judge_article(query: Query, article: Article) -> Verdict:
    """What a query says of an article that is stored."""
    document = Document.of(
        title=article.title,
        lead=article.lead,
        body=plain_text(article.body),
        author=article.author,
        categories=article.categories,
        outlet=article.outlet,
        feeds=tuple(sorted({entry.feed_id for entry in article.entries})),
        language=article.language,
        url=article.url,
        published=article.published,
    )
    return query.judge(document)


@dataclass(frozen=True, slots=True)
class PagePreview:
    """What a page gives: as extracted, and cleaned by the rules of its family."""

    family: str
    extracted: Extracted
    cleaned: Cleaned


def preview_page(page: Retrieved) -> PagePreview:
    """Extracts and cleans one page. Raises ExtractError."""
    family = family_of_page(canonical_url(page.url, URL_RULES))
    extracted = extract(page.body, page.headers, page.url, family.page)
    return PagePreview(
        family.name, extracted, clean_body(extracted.body, extracted.url, family.clean)
    )
