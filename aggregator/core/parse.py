"""From a feed's bytes to its entries: RSS, Atom and RDF through feedparser, and JSON Feed.

    bytes → decoded → text → read_json_feed | bounded → _read_xml → ParsedFeed as given → _tidied

feedparser can take long on hostile input: call this in a worker with a time limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from urllib.parse import urljoin

import feedparser

from aggregator.core.dates import LONGEST, parse_date
from aggregator.core.entry_text import cut, has_markup, line, title_line
from aggregator.core.feed_links import (
    Link,
    feed_links,
    header_first,
    read_link_header,
    relations_of,
)
from aggregator.core.identity import canonical_url
from aggregator.core.model import Enclosure, FeedHints, FeedLinks, ParsedEntry, ParsedFeed
from aggregator.core.parse_bounds import TAGS_AT_MOST, bounded, count_tags, shortened
from aggregator.core.parse_bytes import decoded, sound
from aggregator.core.parse_json import as_html, read_json_feed, whole_number
from aggregator.errors import NotAFeed

_BINARY = (
    (b"\x89PNG", "a PNG image"), (b"\xff\xd8\xff", "a JPEG image"), (b"GIF8", "a GIF image"),
    (b"RIFF", "an image or a sound"), (b"%PDF", "a PDF file"), (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip file"), (b"ID3", "a sound"),
)  # fmt: skip
_DECLARATION = re.compile(r"\s*<\?xml\s[^>]*>\s*")
_WEB_PAGE = re.compile(r"<!doctype\s+html|<html[\s>]", re.I)
_OPML = re.compile(r"<opml[\s>]", re.I)
_ROOT_END = re.compile(r"</(?:\w+:)?(?:rss|feed|rdf|channel)\s*>", re.I)
_ENTRY_START = re.compile(r"<(?:item|entry)[\s>]", re.I)
_ENTRY_END = re.compile(r"</(?:item|entry)\s*>", re.I)
_SKIP_HOURS = re.compile(r"<skipHours\b", re.I)
_SKIP_DAYS = re.compile(r"<skipDays\b", re.I)
_SKIP_END = re.compile(r"</skip(?:Hours|Days)", re.I)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NOWHERE = re.compile(r"https?:/*|//+", re.I)
"""A link that was left empty: taken as relative it would lead to the feed's own page."""
_NO_BASE = "mailto:"
"""What nothing can be relative to: links that a document leaves relative stay so, and are told
from those that its xml:base makes absolute. Without any, feedparser keeps the last xml:base."""
CATEGORIES_AT_MOST = 100
ENCLOSURES_AT_MOST = 100
"""Of one entry; what comes after is left out."""

LINK_LIMIT = 8_000
"""Characters, which servers take at least (RFC 9110 section 4.1): a longer link is none."""

DESCRIPTION_LIMIT = 2_000
NOTE_LIMIT = 300
"""Characters of how a feed describes itself, and of what feedparser found wrong with it."""

END_WITHIN = 20_000
"""Characters before its end within which a document has its last tag: some servers add to it."""

_PERIODS = ("hourly", "daily", "weekly", "monthly", "yearly")


def parse_feed(body: bytes, headers: Mapping[str, str], url: str, timezone: str) -> ParsedFeed:
    """What a feed says.

    Takes the answer's body, its headers (names in lower case), the URL it came from, and the
    zone of dates that name none. Titles, authors and categories come as plain text in one line,
    summary and content as HTML as given, links absolute or "". An entry's date of publication
    is that of its update where the feed gives no other. A feed without entries is a feed.

    Raises `NotAFeed`, which says what the body looks like.
    """
    for start, kind in _BINARY:
        if body.startswith(start):
            raise NotAFeed(f"this is {kind}, not a feed", url, "look for the feed's own address")
    text, note = decoded(body, headers)
    if text.startswith(("{", "[")):
        read = read_json_feed(text, timezone)
    else:
        read = _read_xml(text, url, timezone)
    header = feed_links(read_link_header(headers.get("link", "")))
    tidied = _tidied(read, url, note, header) if read else None
    if not tidied or (not tidied.entries and _only_looks_like_a_feed(text)):
        raise _not_a_feed(text, url)
    return tidied


def _only_looks_like_a_feed(text: str) -> bool:
    """Binary data and web pages may have a feed's tags somewhere inside."""
    return not text.startswith(("<", "{")) or bool(_WEB_PAGE.search(text[:3000]))


def _not_a_feed(text: str, url: str) -> NotAFeed:
    head = text[:3000]
    if not text:
        return NotAFeed("the answer is empty", url, "the source may be down; it is tried again")
    if text.startswith(("{", "[")):
        return NotAFeed(
            "this is JSON, but no JSON Feed, or not all of it",
            url,
            "look for the site's feed address",
        )
    if _WEB_PAGE.search(head):
        return NotAFeed(
            "this is a web page, not a feed", url, f"`aggregator discover {url}` finds its feeds"
        )
    if _OPML.search(head):
        return NotAFeed(
            "this is an OPML list of feeds", url, "save it; `aggregator import` reads it"
        )
    kind = "XML, but no RSS or Atom feed" if text.startswith("<") else "text, not a feed"
    return NotAFeed(f"this is {kind}", url, f"open {url} in a browser to see what it is")


# --- RSS, Atom, RDF ----------------------------------------------------------------------------


def _read_xml(text: str, url: str, timezone: str) -> ParsedFeed | None:
    # it names the old encoding, and where a comment stands before it no parser accepts it
    text = _DECLARATION.sub("", text[:300], count=1) + text[300:]
    cut_off = not _ROOT_END.search(text[-END_WITHIN:])
    text, too_large = bounded(text, timezone)
    if (tags := count_tags(text)) > TAGS_AT_MOST:
        what = f"it has {tags} tags, more than any feed needs"
        raise NotAFeed(what, url, f"open {url} in a browser to see what it is")
    read = feedparser.parse(
        BytesIO(text.encode()),
        response_headers={
            "content-type": "application/xml; charset=utf-8",
            "content-location": _NO_BASE,
        },
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    version = read.get("version") or ""
    if not version:
        return None
    feed: dict[str, object] = read["feed"]
    items: list[dict[str, object]] = read["entries"]
    notes = [*too_large]
    if read.get("bozo"):
        notes.append(f"not well-formed: {cut(str(read['bozo_exception']), NOTE_LIMIT)}")
    if items and cut_off and _ends_inside_an_entry(text):
        notes.append("it is cut off: the last entry was left out")
        items = items[:-1]
    atom = version.startswith("atom")
    author = _authors(feed) if atom else ""  # RFC 4287 section 4.2.1; RSS names an editor there
    page = _link(feed)
    # RFC 4287 section 4.2.4.1 and RFC 3986 section 5.1.3; RSS has relative links by convention
    base = url if atom or not page else _absolute(url, page)
    entries = tuple(_entry(item, base, author, timezone) for item in items)
    return ParsedFeed(
        title=_text(feed, "title"),
        url=page,
        language=_text(feed, "language"),
        generator=_text(feed, "generator") or _text(_dict(feed, "generator_detail"), "href"),
        entries=entries,
        hints=_hints(feed, text),
        notes=tuple(notes),
        description=_text(feed, "subtitle"),
        links=_links(feed),
        cut_off=cut_off,
    )


def _links(feed: dict[str, object]) -> FeedLinks:
    links = _dicts(feed, "links")
    moved = _text(feed, "itunes_new-feed-url")
    return feed_links(
        (Link(_text(link, "href"), relations_of(_text(link, "rel"))) for link in links), moved
    )


def _ends_inside_an_entry(text: str) -> bool:
    """Of that entry then only a part is known."""
    starts = [match.start() for match in _ENTRY_START.finditer(text)]
    ends = [match.start() for match in _ENTRY_END.finditer(text)]
    return bool(starts) and (not ends or starts[-1] > ends[-1])


def _entry(item: dict[str, object], base: str, author: str, timezone: str) -> ParsedEntry:
    published, updated = _text(item, "published") or _text(item, "created"), _text(item, "updated")
    given = published or updated
    bodies = [part for part in _dicts(item, "content") if _is_text(part)]
    description = _html(_dict(item, "summary_detail")) or _text(item, "summary")
    content = max([*map(_html, bodies), description], key=len)
    details = [*bodies, _dict(item, "summary_detail"), _dict(item, "title_detail")]
    own_base = next(filter(None, (_text(detail, "base") for detail in details)), "")
    return ParsedEntry(
        title=_text(item, "title"),
        url=_link(item),
        guid=_text(item, "id"),
        author=_authors(item) or author,
        published=parse_date(given, timezone)
        or _moment(dict.get(item, "published_parsed" if published else "updated_parsed")),
        updated=parse_date(updated, timezone) or _moment(dict.get(item, "updated_parsed")),
        date_given=given,
        summary=description,
        content=content,
        base=_absolute(base, own_base) or base,
        language=next(filter(None, (_text(detail, "language") for detail in details)), ""),
        categories=tuple(_text(tag, "label") or _text(tag, "term") for tag in _dicts(item, "tags")),
        enclosures=tuple(_enclosures(item)),
    )


def _link(source: dict[str, object]) -> str:
    """The page: what FeedBurner says it was before it was counted, the first link to a page, or
    a guid that is a permalink.
    """
    if original := _text(source, "feedburner_origlink"):
        return original
    links = [link for link in _dicts(source, "links") if _text(link, "rel") == "alternate"]
    pages = [link for link in links if "html" in _text(link, "type")]
    if links:
        return _text((pages or links)[0], "href")
    guid = _text(source, "link")
    return guid if guid.startswith(("http://", "https://")) else ""


def _authors(source: dict[str, object]) -> str:
    names = [_text(author, "name") for author in _dicts(source, "authors")]
    return ", ".join(dict.fromkeys(filter(None, names))) or _text(source, "author")


def _enclosures(item: dict[str, object]) -> Iterator[Enclosure]:
    for link in _dicts(item, "links"):
        if _text(link, "rel") == "enclosure":
            yield Enclosure(
                _text(link, "href"), _text(link, "type"), whole_number(link.get("length"))
            )
    for media in _dicts(item, "media_content"):
        yield Enclosure(
            _text(media, "url"), _text(media, "type"), whole_number(media.get("filesize"))
        )


def _is_text(part: dict[str, object]) -> bool:
    """Atom content may be a picture in base64, or elsewhere altogether."""
    kind = _text(part, "type")
    return not _text(part, "src") and (not kind or kind.startswith("text/") or "html" in kind)


def _html(part: dict[str, object]) -> str:
    """A body as HTML. What says that it is plain text often is not: markup decides."""
    value = _text(part, "value")
    if _text(part, "type") == "text/plain" and not has_markup(value):
        return as_html(value)
    return value


def _moment(parsed: object) -> datetime | None:
    """From feedparser's tuple, in UTC: it knows date formats of languages that we do not."""
    if not isinstance(parsed, tuple):
        return None
    year, month, day, hour, minute, second = parsed[:6]
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _hints(feed: dict[str, object], text: str) -> FeedHints:
    hours = re.findall(r"\b\d{1,2}\b", _skipped(_SKIP_HOURS, text))
    days = _skipped(_SKIP_DAYS, text).lower()
    period = _text(feed, "sy_updateperiod").lower()
    return FeedHints(
        ttl=whole_number(_text(feed, "ttl")) or None,
        skip_hours=tuple(sorted({int(hour) % 24 for hour in hours if int(hour) < 25})),
        skip_days=tuple(day for day in _DAYS if day.lower() in days),
        update_period=period if period in _PERIODS else "",
        update_frequency=whole_number(_text(feed, "sy_updatefrequency")) or 1,
    )


def _skipped(start: re.Pattern[str], text: str) -> str:
    """What stands in the first such element; feedparser keeps the last hour or day only."""
    found = start.search(text)
    inside = text[found.end() : found.end() + 2000] if found else ""
    end = _SKIP_END.search(inside)
    return inside[: end.start()] if end else ""


# feedparser's dictionaries rename keys as they are read, and hold what a document puts there


def _text(source: dict[str, object], name: str) -> str:
    value = dict.get(source, name)
    return value.strip() if isinstance(value, str) else ""


def _dict(source: dict[str, object], name: str) -> dict[str, object]:
    value = dict.get(source, name)
    return value if isinstance(value, dict) else {}


def _dicts(source: dict[str, object], name: str) -> list[dict[str, object]]:
    value = dict.get(source, name)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


# --- the same for all --------------------------------------------------------------------------


def _tidied(feed: ParsedFeed, url: str, note: str, header: FeedLinks) -> ParsedFeed:
    page = _absolute(url, feed.url)
    entries = [_tidied_entry(entry, page or url) for entry in feed.entries]
    telling = tuple(entry for entry in entries if _tells_something(entry))
    left_out = len(entries) - len(telling)
    empty = f"{left_out} empty entries were left out" if left_out else ""
    return ParsedFeed(
        title=line(feed.title),
        url=page,
        language=line(feed.language),
        generator=line(feed.generator),
        entries=telling,
        hints=feed.hints,
        notes=tuple(sound(each) for each in (note, *feed.notes, empty) if each),
        description=line(feed.description, DESCRIPTION_LIMIT),
        links=_tidied_links(header_first(header, feed.links), url),
        cut_off=feed.cut_off,
    )


def _tidied_links(links: FeedLinks, url: str) -> FeedLinks:
    hubs = filter(None, (_absolute(url, hub) for hub in links.hubs))
    return FeedLinks(
        tuple(dict.fromkeys(hubs)),
        _absolute(url, links.self_url),
        _absolute(url, links.new_feed_url),
    )


def _tells_something(entry: ParsedEntry) -> bool:
    return bool(entry.title or entry.url or entry.guid or entry.content or entry.enclosures)


def _tidied_entry(entry: ParsedEntry, page: str) -> ParsedEntry:
    base = entry.base or page
    link = _absolute(base, entry.url)
    content, summary = shortened(sound(entry.content)), shortened(sound(entry.summary))
    categories = dict.fromkeys(filter(None, map(line, entry.categories[:CATEGORIES_AT_MOST])))
    enclosures = {
        address: Enclosure(address, line(enclosure.media_type), enclosure.length)
        for enclosure in reversed(entry.enclosures[:ENCLOSURES_AT_MOST])
        if (address := _absolute(base, enclosure.url))
    }
    return replace(
        entry,
        title=title_line(entry.title),
        url=link,
        guid=sound(entry.guid).strip(),
        author=line(entry.author),
        date_given=sound(entry.date_given)[:LONGEST],
        summary="" if summary == content else summary,
        content=content,
        base=base,
        language=line(entry.language),
        categories=tuple(categories),
        enclosures=tuple(reversed(enclosures.values())),
    )


def _absolute(base: str, link: str) -> str:
    """An http(s) URL that can be fetched, or ""."""
    if len(link) > LINK_LIMIT or _NOWHERE.fullmatch(link.strip()):
        return ""
    link = re.sub(r"[\t\r\n]+ *", "", sound(link).strip()).replace(" ", "%20")
    try:
        joined = urljoin(base, link) if link else ""
    except ValueError:
        return ""
    return joined if canonical_url(joined) else ""
