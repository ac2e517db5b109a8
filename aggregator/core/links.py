"""The feeds a page links to: those it declares, and those its links look like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from aggregator.core.identity import canonical_url
from aggregator.core.markup import absolute, parse_page

FEED_TYPES = frozenset(
    (
        "application/rss+xml", "application/atom+xml", "application/feed+json",
        "application/rdf+xml", "application/x-rss+xml", "application/rss", "application/atom",
        "text/rss+xml", "text/rss", "text/xml", "application/xml",
    )
)  # fmt: skip
"""What pages in the wild call a feed. Not application/json: that is mostly a site's interface."""

_PATH = re.compile(
    r"/(?:feeds?|rss|atom)(?:/[^/]*)?/?\Z|[./-](?:rss|atom|rdf)(?:2)?(?:\.xml|\.php)?/?\Z"
    r"|/(?:feed|index|rss|atom)[\w.-]*\.(?:xml|json|rdf)\Z",
    re.I,
)
_QUERY = re.compile(r"(?:\A|&)(?:feed|format|type|output|alt)=(?:rss|atom|feed)", re.I)
_TEXT = re.compile(r"\b(?:rss|atom|feed)\b|^订阅$|^訂閱$", re.I)
_NO_FEED = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|ico|css|js|pdf|zip|mp3|mp4)\Z", re.I)
_COMMENTS = re.compile(r"/comments?/(?:feed|default)\b|[?&]feed=comments", re.I)


@dataclass(frozen=True, slots=True)
class FeedLink:
    """`declared`: by a `<link>` for programs; else it is a link for people that looks like one."""

    url: str
    title: str
    declared: bool


def feed_links(page: str, url: str) -> tuple[FeedLink, ...]:
    """Each feed that the page at `url` leads to, once: the declared ones first, and those of
    comments last. Raises nothing, whatever the page.

    How pages declare feeds: HTML, "Link type alternate".
    """
    root = parse_page(page)
    based = next((absolute(str(tag.get("href")), url) for tag in root.iter("base")
                  if tag.get("href")), "")  # fmt: skip
    found: dict[str, FeedLink] = {}
    for link in (*_declared(root, based or url), *_linked(root, based or url)):
        found.setdefault(canonical_url(link.url) or link.url, link)
    return tuple(sorted(found.values(), key=_order))


def is_of_comments(url: str) -> bool:
    """Whether the address is that of a feed of comments, which most do not look for."""
    return bool(_COMMENTS.search(url))


def _order(link: FeedLink) -> tuple[bool, bool]:
    return is_of_comments(link.url), not link.declared


def _declared(root: HtmlElement, base: str) -> Iterator[FeedLink]:
    for tag in root.iter("link"):
        relations = str(tag.get("rel") or "").lower().split()
        media_type = str(tag.get("type") or "").partition(";")[0].strip().lower()
        alternate = "alternate" in relations and media_type in FEED_TYPES
        if not alternate and "feed" not in relations:
            continue
        if url := absolute(str(tag.get("href") or ""), base):
            yield FeedLink(url, " ".join(str(tag.get("title") or "").split()), declared=True)


def _linked(root: HtmlElement, base: str) -> Iterator[FeedLink]:
    for tag in root.iter("a"):
        url = absolute(str(tag.get("href") or ""), base)
        if not url or canonical_url(url) == canonical_url(base):
            continue
        words = " ".join(_words(tag).split())
        if _looks_like_a_feed(url, words):
            yield FeedLink(url, words if len(words) <= 100 else "", declared=False)


def _words(tag: HtmlElement) -> str:
    """What a link says, in text or in the words beside its picture."""
    said = str(tag.get("title") or tag.get("aria-label") or "") or tag.text_content()
    return said or " ".join(str(image.get("alt") or "") for image in tag.iter("img"))


def _looks_like_a_feed(url: str, words: str) -> bool:
    parts = urlsplit(url)
    if _NO_FEED.search(parts.path):
        return False
    if _PATH.search(parts.path) or _QUERY.search(parts.query):
        return True
    return len(words) <= 40 and bool(_TEXT.search(words))
