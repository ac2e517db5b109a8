"""Where a feed says it is, who pushes it, and where it has moved: from Link headers and documents.

W3C WebSub section 4 (discovery), RFC 8288 (Link headers). Links stay as given, relative ones too:
core/parse.py resolves them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from aggregator.core.model import FeedLinks

HUBS_AT_MOST = 5
"""Feeds name one, seldom two; what comes after is left out."""

HEADER_LIMIT = 32_000
"""Characters of all Link headers together that are read."""

LINKS_AT_MOST = 100
"""Those that come after, of all Link headers together, are left out."""

_BETWEEN = re.compile(r"[\s,]*")
_PARAMETER = re.compile(
    r"""\s*;\s*(?:([!#$%&'*+.^_`|~\w-]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?)?"""
)
_QUOTED_PAIR = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Link:
    """A link's target as given, and its relations in lower case."""

    target: str
    relations: tuple[str, ...]


def read_link_header(value: str) -> tuple[Link, ...]:
    """The links of a Link header, or of several joined by commas (RFC 8288 appendix B.2).

    A link of something else than the answer itself (`anchor`) is left out; so is what cannot be
    read. Raises nothing.
    """
    return tuple(islice(_links(value[:HEADER_LIMIT]), LINKS_AT_MOST))


def _links(value: str) -> Iterator[Link]:
    at = 0
    while at < len(value):
        if between := _BETWEEN.match(value, at):
            at = between.end()
        if not value.startswith("<", at):
            comma = value.find(",", at)
            at = comma if comma >= 0 else len(value)
            continue
        end = value.find(">", at)
        if end < 0:
            return  # nor does any later one end: to look again at each would be quadratic
        target = value[at + 1 : end]
        parameters: dict[str, str] = {}
        at = end + 1
        while parameter := _PARAMETER.match(value, at):
            at = parameter.end()
            name, quoted, bare = parameter.groups()
            if name:  # of several with one name the first counts (section 3.3)
                given = _QUOTED_PAIR.sub(r"\1", quoted) if quoted is not None else bare or ""
                parameters.setdefault(name.lower(), given)
        if "anchor" not in parameters:
            yield Link(target.strip(), relations_of(parameters.get("rel", "")))


def relations_of(rel: str) -> tuple[str, ...]:
    return tuple(rel.lower().split())


def feed_links(links: Iterable[Link], new_feed_url: str = "") -> FeedLinks:
    """The hubs, each once and in their order, and the first link of the feed to itself."""
    links = tuple(links)
    hubs = dict.fromkeys(link.target for link in links if "hub" in link.relations and link.target)
    self_url = next((link.target for link in links if "self" in link.relations), "")
    return FeedLinks(tuple(hubs)[:HUBS_AT_MOST], self_url, new_feed_url)


def header_first(header: FeedLinks, document: FeedLinks) -> FeedLinks:
    """What both say together: where the header says something, that counts."""
    return FeedLinks(
        header.hubs or document.hubs, header.self_url or document.self_url, document.new_feed_url
    )
