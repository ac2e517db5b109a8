"""JSON Feed (versions 1 and 1.1, https://www.jsonfeed.org/version/1.1/), which feedparser does
not read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from html import escape

from aggregator.core.dates import parse_date
from aggregator.core.feed_links import HUBS_AT_MOST
from aggregator.core.model import Enclosure, FeedLinks, ParsedEntry, ParsedFeed
from aggregator.core.parse_bounds import TEXT_AT_MOST, TOO_LONG, newest, too_many


def read_json_feed(text: str, timezone: str) -> ParsedFeed | None:
    """What the feed says, word for word: links may be relative, texts untidy. None if the text
    is no JSON, or JSON that is no feed. Raises nothing.
    """
    try:
        # control characters inside strings are common, and mean no harm
        feed = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    if not isinstance(feed, dict) or not isinstance(feed.get("items"), list):
        return None
    if "jsonfeed.org" not in _string(feed.get("version")) and not _string(feed.get("title")):
        return None
    items = [item for item in feed["items"] if isinstance(item, dict)]
    skipped = len(feed["items"]) - len(items)
    notes = [f"{skipped} items are no objects and were left out"] if skipped else []
    places = newest([_dated(item, timezone) for item in items], [_size(item) for item in items])
    notes += too_many(len(items), len(places))
    items = [items[place] for place in places]
    if any(len(text) > TEXT_AT_MOST for item in items for text in _texts(item)):
        notes.append(TOO_LONG)
    return ParsedFeed(
        title=_string(feed.get("title")),
        url=_string(feed.get("home_page_url")),
        language=_string(feed.get("language")),
        generator=_string(feed.get("generator")),
        description=_string(feed.get("description")),
        entries=tuple(_entry(item, feed, timezone) for item in items),
        notes=tuple(notes),
        links=FeedLinks(_hubs(feed), _string(feed.get("feed_url"))),
    )


def _hubs(feed: dict[str, object]) -> tuple[str, ...]:
    """Of its hubs those that speak WebSub: `type` names the protocol."""
    hubs = [hub for hub in _objects(feed.get("hubs")) if hub.get("type") in ("WebSub", "websub")]
    return tuple(filter(None, (_string(hub.get("url")) for hub in hubs)))[:HUBS_AT_MOST]


def _size(item: dict[str, object]) -> int:
    """Characters of its texts, as far as they are kept."""
    return sum(min(len(text), TEXT_AT_MOST) for text in _texts(item))


def _texts(item: dict[str, object]) -> list[str]:
    return [_string(item.get(name)) for name in ("content_html", "content_text", "summary")]


def _dated(item: dict[str, object], timezone: str) -> datetime | None:
    return parse_date(_string(item.get("date_published") or item.get("date_modified")), timezone)


def _entry(item: dict[str, object], feed: dict[str, object], timezone: str) -> ParsedEntry:
    published, updated = _string(item.get("date_published")), _string(item.get("date_modified"))
    content = max(_string(item.get("content_html")), as_html(_string(item.get("content_text"))),
                  key=len)  # fmt: skip
    guid = _string(item.get("id"))
    permalink = guid if guid.startswith(("http://", "https://")) else ""
    return ParsedEntry(
        title=_string(item.get("title")),
        url=_string(item.get("url")) or _string(item.get("external_url")) or permalink,
        guid=guid,
        author=_authors(item) or _authors(feed),
        published=parse_date(published or updated, timezone),
        updated=parse_date(updated, timezone),
        date_given=published or updated,
        summary=as_html(_string(item.get("summary"))),
        content=content,
        base="",
        language=_string(item.get("language")),
        categories=tuple(_string(tag) for tag in _list(item.get("tags"))),
        enclosures=tuple(
            Enclosure(
                _string(attachment.get("url")),
                _string(attachment.get("mime_type")),
                whole_number(attachment.get("size_in_bytes")),
            )
            for attachment in _objects(item.get("attachments"))
            if isinstance(attachment.get("url"), str)
        ),
    )


def _authors(source: dict[str, object]) -> str:
    """1.1 has `authors`, 1 has `author`."""
    authors = [*_objects(source.get("authors")), *_objects([source.get("author")])]
    return ", ".join(dict.fromkeys(filter(None, (_string(each.get("name")) for each in authors))))


def as_html(text: str) -> str:
    """Plain text as HTML: paragraphs at empty lines, `<br>` at other line ends."""
    if not text.strip():
        return ""
    paragraphs = escape(text.replace("\r\n", "\n").strip(), quote=False).split("\n\n")
    if len(paragraphs) == 1:
        return paragraphs[0].replace("\n", "<br>")
    return "".join(
        f"<p>{paragraph.strip().replace(chr(10), '<br>')}</p>" for paragraph in paragraphs
    )


def whole_number(value: object) -> int:
    """A number or its text, 0 if it is neither, or negative."""
    try:
        return max(int(value), 0) if isinstance(value, (str, int, float)) else 0
    except (ValueError, OverflowError):
        return 0


def _string(value: object) -> str:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else ""


def _list(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else ()


def _objects(value: object) -> list[dict[str, object]]:
    return [each for each in _list(value) if isinstance(each, dict)]
