"""An article from all that is known of it: `compose`.

entries → bodies cleaned (core/clean) → those their feeds keep (core/query)
        → whose words it has (core/canonical)
        → one with the whole text (core/whole)? else the page (core/extract), else the longest
        → language, fingerprint, matches (core: text, dedupe, topics) → Composed

Here the stages of core and the rules of the sources meet; nothing here waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from aggregator.core.canonical import (
    Source,
    in_order,
    is_excerpt,
    page_owner,
    sources_of,
    with_page,
)
from aggregator.core.clean import Cleaned, clean_body
from aggregator.core.composed import Composed
from aggregator.core.dates import Dated, read_date, truest
from aggregator.core.dedupe import fingerprint
from aggregator.core.model import (
    NO_FEED_RULES,
    Article,
    BodyVerdict,
    Entry,
    EntryRef,
    Extracted,
    FeedRules,
    FeedSpec,
    Material,
    PageWanted,
    TopicSpec,
)
from aggregator.core.query import Answer, Document, Query, parse_query
from aggregator.core.text import detect_language, plain_text
from aggregator.core.titles import ReadTitle, read_title
from aggregator.core.topics import Topic, compile_topics, match_topics
from aggregator.core.traits import read_traits
from aggregator.core.whole import NO_HISTORY, Whole, count_letters, is_cut, judge_whole
from aggregator.page_text import PageText, kept_text, read_pages
from aggregator.sources import family_of_entry
from aggregator.sources.family import Family

LEAD_LENGTH = 200
"""Characters of plain text that stand for an article where only a summary is wanted."""

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
    letters: int

    @property
    def mirror(self) -> bool:
        return self.family.mirror

    @property
    def is_whole(self) -> bool:
        return self.whole.whole


_Sources = tuple[Source[_Reading], ...]


@dataclass(frozen=True, slots=True)
class _Page:
    """What the page of an entry gave."""

    owner: _Reading
    text: PageText

    @property
    def letters(self) -> int:
        return count_letters(self.text.cleaned.text)


@dataclass(frozen=True, slots=True)
class _Body:
    cleaned: Cleaned
    origin: str  # a feed's id, or a page's URL


def compose(material: Material, rules: Rules) -> Composed | PageWanted:
    """Makes an article from its entries and, where none has the whole text, its page.

    Gives PageWanted while a page is missing. The same material gives the same article, at any
    time, in any process, and in whatever order the entries are.

    An entry that its feed's `keep` or `drop` turns away has no part in the article; without any
    other it is not wanted. Of the rest those of one canonical URL are one source, and one source
    is canonical (core/canonical): an outlet's own before a mirror's; then one that has the text
    before an excerpt, which is judged not whole and has less than 3/4 of the longest's letters;
    then the one seen first. What its page gave counts as the source's text.

    - Title, outlet, author, date and URL are the word of the canonical source: of the outlet's own
      entry before a mirror's, then of the one seen first. What they lack, the next ones have.
    - The body is the canonical source's: the first of its entries that is whole, a mirror's too;
      else what its page gave, or an entry's that has more. Where it has neither, or only an
      excerpt, it is that of the next source that has the text: copies have the same.
    - So a page is asked for only where no source has the text, or the canonical one had it from its
      page and has changed since. It is that of the first entry with a URL. Without it the longest
      body serves.
    """
    readings = [_read_entry(entry, material) for entry in material.entries]
    kept = [reading for reading in readings if not _refused(reading, None, rules)]
    if not kept:
        refused = _flat(in_order(sources_of(readings)))
        return _composed(material, refused, refused[0].cleaned, None, rules)
    sources = in_order(sources_of(kept))
    known = _known_page(material, sources)
    if known:
        sources = in_order(with_page(sources, known.owner, known.letters))
    current = known if known and known.text.extracted is material.extracted else None
    if current or not _is_changed(sources[0]):
        body = _whole_body(sources, current)
        if body:
            return _spoken(material, sources, body, current, rules)

    linked = next((reading for reading in _flat(sources) if reading.entry.url), None)
    page = _read_pages(material, linked) if linked else None
    if isinstance(page, PageWanted):
        return page
    if page:
        sources = in_order(with_page(sources_of(kept), page.owner, page.letters))
    body = _whole_body(sources, page) or _longest(_flat(sources))
    composed = _spoken(material, sources, body, page, rules)
    if linked is None or _is_given_up(material, linked):
        return composed
    if page and page.text.complete and not material.page_failed:
        return replace(composed, compared=_compared(sources, page) if material.pages else ())
    # what the pages gave in part is not kept, so that the next try fetches them again
    return replace(composed, extracted=None, page_owed=True)


def _flat(sources: _Sources) -> list[_Reading]:
    return [reading for source in sources for reading in source.readings]


def _known_page(material: Material, sources: _Sources) -> _Page | None:
    """What an earlier visit to a page gave, also where the entries have changed since; None where
    that cannot matter, as every source is whole without.
    """
    kept = next((found for found in (material.extracted, material.earlier) if _has(found)), None)
    if kept is None or all(source.whole for source in sources):
        return None
    owner = page_owner(sources, kept.url)
    return _Page(owner, kept_text(kept, _own_rules(owner)))


def _has(found: Extracted | None) -> bool:
    return found is not None and bool(found.body)


def _is_changed(source: Source[_Reading]) -> bool:
    """Whether it had its text from a page, if that is not what the page gave last."""
    return source.whole is None and source.on_page is not None


def _whole_body(sources: _Sources, page: _Page | None) -> _Body | None:
    """That of the first source that has the text; None where none has."""
    for source in sources:
        if source.whole:
            return _Body(source.whole.cleaned, source.whole.entry.feed_id)
        if page and _owns(source, page) and not is_excerpt(source, sources):
            longest = _longest(source.readings)
            if len(page.text.cleaned.text) >= len(longest.cleaned.text):
                return _Body(page.text.cleaned, page.text.extracted.url)
            return longest
    return None


def _longest(readings: Sequence[_Reading]) -> _Body:
    longest = max(readings, key=lambda reading: len(reading.cleaned.text))
    return _Body(longest.cleaned, longest.entry.feed_id)


def _owns(source: Source[_Reading], page: _Page) -> bool:
    return any(reading is page.owner for reading in source.readings)


def _spoken(
    material: Material, sources: _Sources, body: _Body, page: _Page | None, rules: Rules
) -> Composed:
    """The article with that body, in the canonical source's words and those of its own page."""
    own = page.text.extracted if page and _owns(sources[0], page) and not sources[0].whole else None
    composed = _composed(material, _flat(sources), body.cleaned, own, rules)
    kept = page.text.extracted if page and material.pages else own
    return replace(composed, body_from=body.origin, extracted=kept)


def _compared(sources: _Sources, page: _Page) -> tuple[tuple[str, bool], ...]:
    """Each feed whose body was held against its page, and whether the body was whole."""
    return tuple(
        (reading.entry.feed_id, not is_cut(reading.letters, page.letters))
        for source in sources
        if _owns(source, page)
        for reading in source.readings
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
    title, length = read_title(entry.title, family.titles), count_letters(cleaned.text)
    return _Reading(entry, spec, family, title, cleaned, whole, length)


def _own_rules(reading: _Reading) -> FeedRules:
    return reading.spec.rules if reading.spec else NO_FEED_RULES


def _read_pages(material: Material, linked: _Reading) -> _Page | PageWanted | None:
    """What the entry's pages gave, or the page to fetch next; None if there is nothing."""
    if not material.pages:
        if material.page_failed or _is_given_up(material, linked):
            return None
        return PageWanted(material.article_id, linked.entry.link, linked.whole.reason)
    own, last = _own_rules(linked), material.page_failed
    found = read_pages(material.pages, linked.entry.link, own, last=last)
    if isinstance(found, str):
        return PageWanted(material.article_id, found, "the page shows a part of the text")
    return _Page(linked, found) if found else None


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
    outlet = first.title.outlet or first.entry.outlet
    traits = read_traits(outlet, published.at, title, body.text)
    language = detect_language(f"{title}\n{body.text}") or first.entry.language
    wanted = not all(_refused(reading, body.text, rules, language) for reading in readings)
    composed = Composed(
        article_id=material.article_id,
        url=_address(first.entry),
        title=title,
        author=_author(readings, body, extracted),
        outlet=outlet,
        published=published.at,
        published_by=published.origin,
        language=language,
        body=body.html,
        lead=_lead(body.text),
        traits=traits,
        fingerprint=fingerprint(title, "".join(traits.sentences)),
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
    document = document_of(composed, material.entries)
    return replace(composed, matches=match_topics(_topics(rules), document))


def _verdict(reading: _Reading) -> BodyVerdict:
    entry, whole = reading.entry, reading.whole
    return BodyVerdict(entry.feed_id, entry.key, whole.whole, whole.reason, reading.letters)


def _address(entry: Entry) -> str:
    """For people to follow: without tracking, but on the scheme that the feed knows to work."""
    if entry.url and entry.link.lower().startswith("http://"):
        return "http://" + entry.url.removeprefix("https://")
    return entry.url or entry.link


def _author(readings: Sequence[_Reading], body: Cleaned, extracted: Extracted | None) -> str:
    """The first that is a person's, rather than an outlet's own name."""
    outlets = {reading.entry.outlet for reading in readings}
    outlets.update(name for reading in readings for name in reading.family.own_names)
    given = [reading.entry.author for reading in readings]
    given += [reading.cleaned.author for reading in readings]
    given += [body.author, extracted.author if extracted else ""]
    return next((author for author in given if author and author not in outlets), "")


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


def document_of(article: Composed | Article, entries: Iterable[Entry | EntryRef]) -> Document:
    """An article as queries see it: the same just made and from the store.

    Its title and outlet are those of all its entries: who joins it takes it out of no topic.
    """
    seen = list(entries)
    titles, outlets = {one.title for one in seen}, {one.outlet for one in seen}
    return Document.of(
        title=article.title,
        lead=article.lead,
        body=plain_text(article.body),
        author=article.author,
        categories=article.categories,
        outlet=article.outlet,
        feeds=tuple(sorted({one.feed_id for one in seen})),
        language=article.language,
        url=article.url,
        published=article.published,
        other_titles=tuple(sorted(titles - {article.title})),
        other_outlets=tuple(sorted(outlets - {article.outlet})),
    )


@lru_cache(maxsize=256)
def _query(text: str, aliases: Aliases) -> Query:
    return parse_query(text, dict(aliases))


@lru_cache(maxsize=4)
def _topics(rules: Rules) -> tuple[Topic, ...]:
    return compile_topics(rules.topics, rules.aliases)
