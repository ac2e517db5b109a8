"""Families of sources: what each needs of cleaning, extraction and addresses, declared as data.

A new family is a file with a `Family` in it and its name in `FAMILIES` here.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from aggregator.core.clean import combine
from aggregator.core.identity import UrlRule
from aggregator.core.model import FeedSpec
from aggregator.sources.aljazeera import ALJAZEERA
from aggregator.sources.family import GENERIC, Family
from aggregator.sources.feedx import FEEDX
from aggregator.sources.guancha import GUANCHA
from aggregator.sources.rsshub import RSSHUB
from aggregator.sources.voa import VOA

__all__ = (
    "FAMILIES",
    "GENERIC",
    "NAMES",
    "URL_RULES",
    "Family",
    "combine",
    "family_named",
    "family_of_feed",
    "family_of_page",
)

FAMILIES: tuple[Family, ...] = (FEEDX, RSSHUB, GUANCHA, ALJAZEERA, VOA)

NAMES: tuple[str, ...] = tuple(family.name for family in (*FAMILIES, GENERIC))
"""What a feed's `source` may say."""

URL_RULES: tuple[UrlRule, ...] = tuple(rule for family in FAMILIES for rule in family.url_rules)
"""Of all families: an article's address may come with any feed."""


def family_named(name: str) -> Family:
    """Raises KeyError for a name that is not in NAMES."""
    return {family.name: family for family in (*FAMILIES, GENERIC)}[name]


def family_of_feed(spec: FeedSpec, generator: str) -> Family:
    """By the feed's `source`; else by the hosts of its URLs; else by the generator it names."""
    if spec.source in NAMES:
        return family_named(spec.source)
    for url in spec.urls:
        host = _host(url)
        for family in FAMILIES:
            if _is_among(host, family.feed_hosts):
                return family
    for family in FAMILIES:
        if any(re.search(pattern, generator, re.I) for pattern in family.generators):
            return family
    return GENERIC


def family_of_page(url: str) -> Family:
    """By the host of an article's address."""
    host = _host(url)
    return next((family for family in FAMILIES if _is_among(host, family.page_hosts)), GENERIC)


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _is_among(host: str, sites: tuple[str, ...]) -> bool:
    return any(host == site or host.endswith("." + site) for site in sites)
