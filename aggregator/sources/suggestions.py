"""Feeds that others make of sites: what to try for an address, by its host.

The routes are RSSHub's and the names feedx's own; both change, so each is only a suggestion.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from aggregator.sources.archived_post import OUTLETS_BY_HOST

RSSHUB = "https://rsshub.app"
FEEDX = "https://feedx.net/rss"

ROUTES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("guancha.cn", ("/guancha/headline", "/guancha/gundong", "/guancha/story")),
    ("chinese.aljazeera.net", ("/aljazeera/chinese/news",)),
)
"""By host, for whatever page of it. `/guancha/all` has but three items a section: not here."""

ROUTES_BY_PATH: tuple[tuple[str, str], ...] = (
    ("chinese.aljazeera.net", "/aljazeera/chinese"),
    ("aljazeera.com", "/aljazeera/english"),
    ("rfa.org", "/rfa"),
)
"""A host, and the route that the path of a section on it is appended to."""

SECTION_DEPTH = 2
"""Parts of a path that may be a section; what is deeper is an article."""

MIRRORED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("aljazeera.net", ("aljazeera", "aljazeeracn")),
    ("asahi.com", ("asahi",)),
    ("bbc.com", ("bbc",)),
    ("bbc.co.uk", ("bbc",)),
    ("caixin.com", ("caixin",)),
    ("chosun.com", ("chosun",)),
    ("cna.com.tw", ("cna",)),
    ("daily.zhihu.com", ("zhihudaily",)),
    ("dw.com", ("dw",)),
    ("economist.com", ("economist",)),
    ("ftchinese.com", ("ft",)),
    ("infzm.com", ("infzm",)),
    ("jiemian.com", ("jiemian",)),
    ("nikkei.com", ("nikkei",)),
    ("nytimes.com", ("nytimes",)),
    ("people.com.cn", ("people",)),
    ("reuters.com", ("reuters",)),
    ("rfi.fr", ("rfi",)),
    ("thepaper.cn", ("thepaper",)),
    ("voachinese.com", ("mgzy1",)),
    ("wsj.com", ("wsj",)),
    ("zaobao.com", ("zaobao",)),
    ("zaobao.com.sg", ("zaobao",)),
)
"""By host: the names of the outlet's feeds at feedx."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    url: str
    maker: Literal["RSSHub", "feedx"]
    outlet: str
    """Whose articles are in it; empty if that is not known."""


def suggestions(url: str) -> tuple[Suggestion, ...]:
    """What to try for the site, or the section of it, that `url` is; each once."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ()
    host = (parts.hostname or "").lower()
    outlet = next((name for site, name in OUTLETS_BY_HOST.items() if _is_at(host, site)), "")
    routes = dict.fromkeys((*_routes_of_path(host, parts), *_named(host, ROUTES)))
    names = dict.fromkeys(_named(host, MIRRORED))
    return (
        *(Suggestion(f"{RSSHUB}{route}", "RSSHub", outlet) for route in routes),
        *(Suggestion(f"{FEEDX}/{name}.xml", "feedx", outlet) for name in names),
    )


def _routes_of_path(host: str, parts: SplitResult) -> Iterator[str]:
    for site, route in ROUTES_BY_PATH:
        section = parts.path.strip("/")
        deep = len(section.split("/")) > SECTION_DEPTH or "." in section
        if _is_at(host, site) and section and not deep:
            yield f"{route}/{section}"


def _named(host: str, table: tuple[tuple[str, tuple[str, ...]], ...]) -> Iterator[str]:
    for site, names in table:
        if _is_at(host, site):
            yield from names


def _is_at(host: str, site: str) -> bool:
    return host == site or host.endswith(f".{site}")
