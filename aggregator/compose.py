"""An article from all that is known of it: `compose`.

entries → bodies cleaned (core/clean) → those their feeds keep (core/query)
        → one with the whole text (core/whole)? else the page (core/extract), else the longest
        → language, fingerprint, matches (core: text, dedupe, topics) → Composed

Here the stages of core and the rules of the sources meet; nothing here waits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from aggregator.core.clean import Cleaned, clean_body
from aggregator.core.dates import Dated, read_date, truest
from aggregator.core.dedupe import fingerprint
from aggregator.core.extract import extract
from aggregator.core.model import (
    NO_FEED_RULES,
    Article,
    BodyVerdict,
    Composed,
    Entry,
    Extracted,
    FeedRules,
    FeedSpec,
    Material,
    PageWanted,
    Retrieved,
    TopicSpec,
    Validators,
)
from aggregator.core.query import Answer, Document, Query, parse_query
from aggregator.core.text import detect_language, fold, letters, plain_text
from aggregator.core.titles import ReadTitle, read_title
from aggregator.core.topics import Topic, compile_topics, match_topics
from aggregator.core.whole import NO_HISTORY, Whole, count_letters, is_cut, judge_whole
from aggregator.errors import ExtractError
from aggregator.sources import family_of_entry, family_of_page, whole_url
from aggregator.sources.family import Family

PAGES_AT_MOST = 3
"""How many pages one article may ask for: its page, and where that says the whole text is."""

PARTS_AT_MOST = 10
"""How many where a page says that the text goes on, as a feed's own rules declare."""

LEAD_LENGTH = 200
"""Characters of plain text that stand for an article where only a summary is wanted."""

_NO_PAGE = re.compile(r"(?:image|audio|video|font)/(?!svg)|application/(?:pdf|zip|json|msword)")
_BINARY = (b"%PDF-", b"\x89PNG\r\n", b"GIF8", b"\xff\xd8\xff", b"PK\x03\x04", b"\x1f\x8b", b"ID3")

Aliases = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the configuration says about composing: the topics and their aliases."""

    topics: tuple[TopicSpec, ...]
    aliases: Aliases


@dataclass(frozen=True, slots=True)
class _Reading:
    """One entry with its body cleaned, and whether that is the whole text."""

    entry: Entry
    spec: FeedSpec | None
    family: Family
    title: ReadTitle
    cleaned: Cleaned
    whole: Whole


@dataclass(frozen=True, slots=True)
class _PageText:
    """The longest text the pages gave; `complete` is False if the last could not be read."""

    extracted: Extracted
    cleaned: Cleaned
    complete: bool


def compose(material: Material, rules: Rules) -> Composed | PageWanted:
    """Makes an article from its entries and, where none has the whole text, its page.

    Gives PageWanted while a page is missing. What is said of the article (title, outlet, date)
    is the word of the outlet's own entry before a mirror's, then of the one seen first; its body
    is the first whole one, else the page's, else the longest. An entry that its feed's `keep` or
    `drop` turns away has no part in it; without any other the article is not wanted.
    The same material gives the same article, at any time and in any process.
    """
    readings = [_read_entry(entry, material) for entry in material.entries]
    readings.sort(key=lambda reading: reading.family.mirror)
    kept = [reading for reading in readings if not _refused(reading, None, rules)]
    if not kept:
        return _composed(material, readings, readings[0].cleaned, None, rules)
    whole = next((reading for reading in kept if reading.whole.whole), None)
    if whole is not None:
        return replace(
            _composed(material, kept, whole.cleaned, None, rules),
            body_from=whole.entry.feed_id,
        )

    linked = next((reading for reading in kept if reading.entry.url), None)
    page = _read_pages(material, linked) if linked else None
    if isinstance(page, PageWanted):
        return page
    longest = max(kept, key=lambda reading: len(reading.cleaned.text))
    body, body_from = longest.cleaned, longest.entry.feed_id
    if page and len(page.cleaned.text) >= len(body.text):
        body, body_from = page.cleaned, page.extracted.url
    composed = _composed(material, kept, body, page.extracted if page else None, rules)
    composed = replace(composed, body_from=body_from)
    if linked is None or _is_given_up(material, linked):
        return composed
    if page and page.complete and not material.page_failed:
        return replace(composed, compared=_compared(kept, page) if material.pages else ())
    # what the pages gave in part is not kept, so that the next try fetches them again
    return replace(composed, extracted=None, page_owed=True)


def _compared(readings: Sequence[_Reading], page: _PageText) -> tuple[tuple[str, bool], ...]:
    """Each feed whose body was held against the page, and whether the body was whole."""
    on_page = count_letters(page.cleaned.text)
    return tuple(
        (reading.entry.feed_id, not is_cut(count_letters(reading.cleaned.text), on_page))
        for reading in readings
    )


def given_up(url: str) -> Extracted:
    """What is kept in a page's place so that it is not asked for any more."""
    return Extracted(url=url, title="", author="", published=None, body="")


def _is_given_up(material: Material, linked: _Reading) -> bool:
    return material.extracted == given_up(linked.entry.link)


def _read_entry(entry: Entry, material: Material) -> _Reading:
    spec = material.feeds.get(entry.feed_id)
    generator = material.generators.get(entry.feed_id, "")
    known = spec or FeedSpec(entry.feed_id, (entry.link,))
    family = family_of_entry(known, generator, entry.url, generator)
    cleaned = clean_body(entry.content or entry.summary, entry.base or entry.link, family.clean)
    full_text = known.full_text if known.full_text != "auto" else family.full_text
    history = material.histories.get(entry.feed_id, NO_HISTORY)
    whole = judge_whole(cleaned.html, cleaned.text, full_text, history)
    return _Reading(entry, spec, family, read_title(entry.title, family.titles), cleaned, whole)


def _read_pages(material: Material, linked: _Reading) -> _PageText | PageWanted | None:
    """What is known of the entry's page, or the page to fetch next; None if there is nothing."""
    kept, link = material.extracted, linked.entry.link
    own = linked.spec.rules if linked.spec else NO_FEED_RULES
    if kept is not None and kept.body:
        return _PageText(kept, _clean_page(kept, own), complete=True)
    if not material.pages:
        if material.page_failed or _is_given_up(material, linked):
            return None
        return PageWanted(material.article_id, link, linked.whole.reason)
    best: _PageText | None = None
    asked = {link}
    further, complete, goes_on = "", False, False
    for page in material.pages:
        asked.add(page.url)
        further, complete, is_next = "", False, goes_on
        try:
            extracted = read_page(page, own)
        except ExtractError:
            goes_on = False
            continue
        next_url = extracted.next_url
        if is_next and best is not None:
            body = best.extracted.body + extracted.body
            extracted = replace(best.extracted, body=body, validators=Validators())
        cleaned, complete = _clean_page(extracted, own), True
        if best is None or len(cleaned.text) >= len(best.cleaned.text):
            best = _PageText(extracted, cleaned, complete)
        whole = extracted.whole_url or _declared_whole(page.url, cleaned, own)
        goes_on = not (whole and whole not in asked)
        further = next_url if goes_on else whole
        if further in asked:
            further = ""
        asked.add(further)
    at_most = PARTS_AT_MOST if goes_on else PAGES_AT_MOST
    if further and not material.page_failed and len(material.pages) < at_most:
        return PageWanted(material.article_id, further, "the page shows a part of the text")
    return replace(best, complete=complete) if best else None


def _declared_whole(url: str, cleaned: Cleaned, own: FeedRules) -> str:
    """Where the site has the whole text of what looks like a part; "" if nothing says so."""
    if judge_whole(cleaned.html, cleaned.text, "auto").whole:
        return ""
    return whole_url(url, family_of_page(url, own))


def read_page(page: Retrieved, own: FeedRules = NO_FEED_RULES) -> Extracted:
    """The article on a page, by the feed's own rules and those of its site. Raises ExtractError."""
    media_type = page.headers.get("content-type", "").partition(";")[0].strip().lower()
    if _NO_PAGE.match(media_type) or page.body.startswith(_BINARY) or _is_binary(page.body):
        what = media_type or "binary data"
        raise ExtractError(f"this is {what}, not a page", page.url)
    extracted = extract(page.body, page.headers, page.url, family_of_page(page.url, own).page)
    return replace(extracted, validators=page.validators)


def _is_binary(body: bytes) -> bool:
    return b"\0" in body[:1000] and not body.startswith((b"\xff\xfe", b"\xfe\xff"))


def _clean_page(extracted: Extracted, own: FeedRules) -> Cleaned:
    return clean_body(extracted.body, extracted.url, family_of_page(extracted.url, own).clean)


def _composed(
    material: Material,
    readings: Sequence[_Reading],
    body: Cleaned,
    extracted: Extracted | None,
    rules: Rules,
) -> Composed:
    """The article in the words of the first of the readings; what it lacks, the next ones have."""
    first, entries = readings[0], [reading.entry for reading in readings]
    titles = [reading.title.title for reading in readings] + [extracted.title if extracted else ""]
    title = next(filter(None, titles), "")
    published = _published(first, extracted)
    folded = letters(fold(body.text))
    language = detect_language(f"{title}\n{body.text}") or first.entry.language
    wanted = not all(_refused(reading, body.text, rules, language) for reading in readings)
    composed = Composed(
        article_id=material.article_id,
        url=_address(first.entry),
        title=title,
        author=_author(readings, body, extracted),
        outlet=first.title.outlet or first.entry.outlet,
        published=published.at,
        published_by=published.origin,
        language=language,
        body=body.html,
        lead=_lead(body.text),
        folded=folded,
        fingerprint=fingerprint(title, folded),
        image=body.image,
        categories=tuple(dict.fromkeys(c for entry in entries for c in entry.categories)),
        enclosures=next((entry.enclosures for entry in entries if entry.enclosures), ()),
        matches=(),
        wanted=wanted,
        extracted=extracted,
        verdicts=tuple(_verdict(reading) for reading in readings),
    )
    if not wanted:
        return composed
    document = document_of(composed, {entry.feed_id for entry in material.entries})
    return replace(composed, matches=match_topics(_topics(rules), document))


def _verdict(reading: _Reading) -> BodyVerdict:
    entry, whole = reading.entry, reading.whole
    letters = count_letters(reading.cleaned.text)
    return BodyVerdict(entry.feed_id, entry.key, whole.whole, whole.reason, letters)


def _address(entry: Entry) -> str:
    """For people to follow: without tracking, but on the scheme that the feed knows to work."""
    if entry.url and entry.link.lower().startswith("http://"):
        return "http://" + entry.url.removeprefix("https://")
    return entry.url or entry.link


def _author(readings: Sequence[_Reading], body: Cleaned, extracted: Extracted | None) -> str:
    """The first that is a person's, rather than the outlet's own name."""
    first = readings[0].entry
    outlet = {first.outlet, *readings[0].family.own_names}
    given = [reading.entry.author for reading in readings]
    given += [reading.cleaned.author for reading in readings]
    given += [body.author, extracted.author if extracted else ""]
    return next((author for author in given if author and author not in outlet), "")


def _published(reading: _Reading, extracted: Extracted | None) -> Dated:
    """The truest of what the feed, a line inside the body and the page say; the same at each
    making, for it is judged against the time the entry was seen first.
    """
    entry, family = reading.entry, reading.family
    zone = family.timezone or (reading.spec.timezone if reading.spec else "UTC")
    said: list[Dated | None] = [
        read_date(reading.cleaned.published_text, zone, "body", entry.published)
    ]
    if entry.published != entry.first_seen:
        said.append(Dated(entry.published, "feed"))
    if extracted and extracted.published:
        said.append(Dated(extracted.published, "page"))
    return truest(
        filter(None, said), entry.first_seen, crawled=family.mirror, mislabelled=family.mislabelled
    )


def _lead(text: str) -> str:
    """The beginning, up to LEAD_LENGTH characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= LEAD_LENGTH else flat[: LEAD_LENGTH - 1].rstrip() + "…"


def _refused(reading: _Reading, body: str | None, rules: Rules, language: str = "") -> bool:
    """Whether the feed's `keep` or `drop` turns the entry away; without a body only if certain."""
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
        language=language,
        url=entry.url,
        published=entry.published,
    )
    if spec.keep and _query(spec.keep, rules.aliases).judge(document).answer is Answer.NO:
        return True
    return bool(spec.drop and _query(spec.drop, rules.aliases).judge(document).answer is Answer.YES)


def document_of(article: Composed | Article, feeds: Iterable[str]) -> Document:
    """An article as queries see it: the same just made and from the store."""
    return Document.of(
        title=article.title,
        lead=article.lead,
        body=plain_text(article.body),
        author=article.author,
        categories=article.categories,
        outlet=article.outlet,
        feeds=tuple(sorted(feeds)),
        language=article.language,
        url=article.url,
        published=article.published,
    )


@lru_cache(maxsize=256)
def _query(text: str, aliases: Aliases) -> Query:
    return parse_query(text, dict(aliases))


@lru_cache(maxsize=4)
def _topics(rules: Rules) -> tuple[Topic, ...]:
    return compile_topics(rules.topics, rules.aliases)
