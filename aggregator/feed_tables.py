"""Feeds that were found, as the `[[feeds]]` tables to paste into config.toml."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from aggregator.core.identity import canonical_url
from aggregator.core.model import FeedSpec
from aggregator.sources.opml import one_line
from aggregator.steps import ARCHIVE
from aggregator.toml_text import toml_text

ID_LENGTH = 40
"""Characters an id made here has at most, without the number that makes it the only one."""

_NO_WORD = re.compile(r"[^a-z0-9]+")
_WORDS_OF_ALL = frozenset(
    (
        "www", "rss", "rsshub", "feed", "feeds", "atom", "rdf", "xml", "json", "php", "index",
        "api", "com", "net", "org", "app", "co", "site", "top", "http", "https",
    )
)  # fmt: skip
"""In addresses of feeds these tell one from another the least."""


def configured(url: str, feeds: Iterable[FeedSpec]) -> str:
    """The id of the feed that polls `url` already; empty if none does."""
    wanted = canonical_url(url) or url
    return next(
        (
            feed.id
            for feed in feeds
            if any((canonical_url(known) or known) == wanted for known in feed.urls)
        ),
        "",
    )


def with_ids(feeds: Iterable[FeedSpec], taken: Collection[str]) -> tuple[FeedSpec, ...]:
    """The feeds with ids that none of the others has and that are not in `taken`."""
    used = {name.casefold() for name in taken} | {ARCHIVE.id}
    named = []
    for feed in feeds:
        wanted = _id(feed.title, feed.urls[0])
        chosen, number = wanted, 1
        while chosen in used:
            number += 1
            chosen = f"{wanted}-{number}"
        used.add(chosen)
        named.append(replace(feed, id=chosen))
    return tuple(named)


def table(feed: FeedSpec) -> dict[str, object]:
    """What is known of a found feed, in the words of config.toml."""
    values: dict[str, object] = {"id": feed.id}
    if label := one_line(feed.title):
        values["title"] = label
    values["url"] = feed.urls[0]
    if feed.outlet:
        values["outlet"] = one_line(feed.outlet)
    if feed.tags:
        values["tags"] = list(feed.tags)
    return values


def tables_text(feeds: Sequence[FeedSpec], remarks: Mapping[str, str] | None = None) -> str:
    """The tables as TOML; `remarks`, by id, stand as comments above theirs."""
    parts = []
    for feed in feeds:
        remark = one_line((remarks or {}).get(feed.id, ""))
        text = toml_text({"feeds": [table(feed)]})
        parts.append(f"# {remark}\n{text}" if remark else text)
    return "\n\n".join(parts)


def _id(title: str, url: str) -> str:
    """From the title, if its letters are those an id can have; else from the address."""
    plain = unicodedata.normalize("NFKD", title.casefold())
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    words = _NO_WORD.sub("-", plain).strip("-")
    if _telling(plain) and sum(character.isascii() for character in plain) >= 0.8 * len(plain):
        return words[:ID_LENGTH].strip("-")
    return _id_of_address(url)


def _id_of_address(url: str) -> str:
    parts = urlsplit(url)
    host = (parts.hostname or "").lower().split(".")
    words = [label for label in host[:-1] or host if label not in _WORDS_OF_ALL]
    words += _telling(parts.path) or _telling(parts.query)
    plain = _NO_WORD.sub("-", "-".join(words)).strip("-")[:ID_LENGTH].strip("-")
    return plain or "feed"


def _telling(part: str) -> list[str]:
    words = _NO_WORD.split(part.lower())
    return [word for word in words if word and word not in _WORDS_OF_ALL]
