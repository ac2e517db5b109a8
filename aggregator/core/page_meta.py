"""What a page says about its article outside the text: title, author, date, image, language."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from lxml.html import HtmlElement

from aggregator.core.dates import parse_date
from aggregator.core.markup import absolute

LD_LIMIT = 200_000
"""Characters of one JSON-LD block; longer ones are not read."""

LD_DEPTH = 6

_TITLES = ("og:title", "twitter:title", "dc.title", "headline")
_AUTHORS = ("author", "article:author", "dc.creator", "byl", "parsely-author", "og:article:author")
_DATES = (
    "article:published_time", "og:published_time", "og:release_date", "datepublished",
    "publishdate", "pubdate", "publish-date", "publish_time", "publishtime", "publish_date",
    "dc.date.issued", "dc.date", "sailthru.date", "parsely-pub-date", "weibo:article:create_at",
    "date",
)  # fmt: skip
_IMAGES = ("og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src")
_DESCRIPTIONS = ("og:description", "description", "twitter:description")
_SEPARATORS = re.compile(r"\s*(?:\s[-–—·•|｜:：»]+\s|[_|｜»]+|--+)\s*")
_DATE_CLASS = re.compile(r"(?:^|[\s_-])(?:time|date|pubtime|pubdate|published|timestamp)", re.I)
_DATE_IN_TEXT = re.compile(
    r"(?:19|20)\d\d\s*(?:[-/.]\s*\d{1,2}\s*[-/.]\s*\d{1,2}|年\s*\d{1,2}\s*月\s*\d{1,2}\s*日)"
    r"(?:[T\s]*\d{1,2}:\d\d(?::\d\d)?)?"
)
_ADDRESS = re.compile(r"://|www\.|@\w")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*\Z")


@dataclass(frozen=True, slots=True)
class PageMeta:
    """Empty where the page does not say. `published` is in UTC, `image` absolute."""

    title: str
    author: str
    published: datetime | None
    image: str
    language: str
    description: str = ""
    """What the page says the article is about: often its first sentences."""


def read_meta(root: HtmlElement, url: str, timezone: str) -> PageMeta:
    """Takes the page's root, where it is, and the IANA zone of its dates that have none."""
    metas = _metas(root)
    linked = _linked_data(root)
    return PageMeta(
        title=_title(root, metas, linked),
        author=_author(root, metas, linked),
        published=_published(root, metas, linked, timezone),
        image=absolute(_first(metas, _IMAGES) or _ld_text(linked.get("image")), url),
        language=_language(root, metas),
        description=_first(metas, _DESCRIPTIONS),
    )


def _metas(root: HtmlElement) -> dict[str, str]:
    """The contents of `meta` by name, the first of each."""
    found: dict[str, str] = {}
    for meta in root.iter("meta"):
        name = meta.get("property") or meta.get("name") or meta.get("itemprop") or ""
        content = " ".join(meta.get("content", "").split())
        if name and content:
            found.setdefault(name.lower(), content)
    return found


def _first(metas: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((metas[name] for name in names if name in metas), "")


# --- title -------------------------------------------------------------------------------------


def _title(root: HtmlElement, metas: Mapping[str, str], linked: Mapping[str, object]) -> str:
    """The headline: without the site's name, and as the page's own h1 has it where they agree."""
    head = root.find(".//title")
    given = "" if head is None else _line(head)
    claimed = _first(metas, _TITLES) or _ld_text(linked.get("headline")) or given
    headings = [line for heading in root.iter("h1") if (line := _line(heading))]
    for heading in headings:
        if len(heading) >= 4 and any(heading in title for title in (claimed, given)):
            return heading
    if not claimed:
        return headings[0] if headings else ""
    return _without_site(claimed, metas.get("og:site_name", ""), given)


def _without_site(title: str, site: str, given: str) -> str:
    parts = _SEPARATORS.split(title)
    if len(parts) < 2:
        return title
    if site and parts[-1].strip().lower() == site.lower():
        return title[: title.rindex(parts[-1])].rstrip(" -–—·•|｜_:：»")
    if title != given:  # what a page tells other sites to show is the headline
        return title
    # `headline - site`, `headline_section_site`: the headline is by far the longest
    longest = max(parts, key=len)
    return longest if longest == parts[0] and len(longest) * 2 > len(title) else title


# --- author, date, language --------------------------------------------------------------------


def _author(root: HtmlElement, metas: Mapping[str, str], linked: Mapping[str, object]) -> str:
    candidates = [metas[name] for name in _AUTHORS if name in metas]
    candidates.append(_ld_text(linked.get("author")))
    candidates += [
        _line(element)
        for element in root.iter("a", "span", "address", "p")
        if element.get("rel") == "author" or element.get("itemprop") == "author"
    ]
    for candidate in candidates:
        name = candidate.strip()
        if name and len(name) <= 100 and not _ADDRESS.search(name):
            return name
    return ""


def _published(
    root: HtmlElement, metas: Mapping[str, str], linked: Mapping[str, object], timezone: str
) -> datetime | None:
    for text in _dates(root, metas, linked):
        if text and (published := parse_date(text, timezone)):
            return published
    return None


def _dates(
    root: HtmlElement, metas: Mapping[str, str], linked: Mapping[str, object]
) -> Iterator[str]:
    """Texts that may be the date, the most trustworthy first."""
    yield from (metas[name] for name in _DATES[:-1] if name in metas)
    yield _ld_text(linked.get("datePublished"))
    for time in root.iter("time"):
        yield time.get("datetime") or _line(time)
    yield metas.get(_DATES[-1], "")
    for element in root.iter("span", "div", "p", "em", "i", "small"):
        named = f"{element.get('class', '')} {element.get('id', '')}"
        if _DATE_CLASS.search(named) and (match := _DATE_IN_TEXT.search(_line(element)[:300])):
            yield match[0]


def _language(root: HtmlElement, metas: Mapping[str, str]) -> str:
    for given in (
        root.get("lang"),
        root.get("xml:lang"),
        metas.get("og:locale"),
        metas.get("content-language"),
    ):
        if given and _LANGUAGE.match(given.strip()):
            return given.strip().replace("_", "-")
    return ""


def _line(element: HtmlElement) -> str:
    return " ".join(element.text_content().split())


# --- JSON-LD -----------------------------------------------------------------------------------


def _linked_data(root: HtmlElement) -> Mapping[str, object]:
    """The first JSON-LD object of the page that has a headline (schema.org's Article)."""
    for script in root.iter("script"):
        if script.get("type", "").lower() != "application/ld+json":
            continue
        text = script.text or ""
        if len(text) > LD_LIMIT:
            continue
        try:
            data = json.loads(text, strict=False)
        except (ValueError, RecursionError):
            continue
        if found := _article(data, LD_DEPTH):
            return found
    return {}


def _article(data: object, depth: int) -> Mapping[str, object]:
    if depth and isinstance(data, list):
        return next((found for item in data if (found := _article(item, depth - 1))), {})
    if depth and isinstance(data, dict):
        if "headline" in data:
            return data
        return next((found for item in data.values() if (found := _article(item, depth - 1))), {})
    return {}


def _ld_text(value: object) -> str:
    """A text, or the name or address of a thing; of several, the first."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return next((text for item in value[:5] if (text := _ld_text(item))), "")
    if isinstance(value, dict):
        named = value.get("name") or value.get("url") or value.get("@id")
        return named.strip() if isinstance(named, str) else ""
    return ""
