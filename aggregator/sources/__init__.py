"""Families of sources: what each needs of cleaning, extraction and addresses, declared as data.

A new family is a file with a `Family` in it and its name in `FAMILIES` here.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from urllib.parse import urlsplit

from aggregator.core.clean import CleanRules, combine
from aggregator.core.identity import UrlRule
from aggregator.core.model import NO_FEED_RULES, FeedRules, FeedSpec
from aggregator.core.patterns import Linear, compiled
from aggregator.core.titles import TitleRules
from aggregator.sources.aljazeera import ALJAZEERA
from aggregator.sources.family import GENERIC, Family
from aggregator.sources.feedx import FEEDX
from aggregator.sources.guancha import GUANCHA
from aggregator.sources.images import PLACEHOLDERS, PROXIES
from aggregator.sources.outlets import OUTLETS
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
    "family_of_entry",
    "family_of_feed",
    "family_of_page",
    "url_rules_of",
    "whole_url",
)

FAMILIES: tuple[Family, ...] = (FEEDX, RSSHUB, GUANCHA, ALJAZEERA, VOA, *OUTLETS)

NAMES: tuple[str, ...] = tuple(family.name for family in (*FAMILIES, GENERIC))
"""What a feed's `source` may say."""

URL_RULES: tuple[UrlRule, ...] = tuple(rule for family in FAMILIES for rule in family.url_rules)
"""Of all families: an article's address may come with any feed."""


def family_named(name: str) -> Family:
    """Raises KeyError for a name that is not in NAMES."""
    return {family.name: family for family in (*FAMILIES, GENERIC)}[name]


def family_of_feed(spec: FeedSpec, generator: str, description: str = "") -> Family:
    """By the feed's `source`; else by the hosts of its URLs; else by the generator it names, or
    by how it describes itself. The rules its settings declare are added to the family's.
    """
    return _with_rules(_known_family(spec, generator, description), spec.rules)


def family_of_page(url: str, rules: FeedRules = NO_FEED_RULES) -> Family:
    """By the host of an article's address; `rules` are those of the feed that led to it."""
    host = _host(url)
    known = next((family for family in FAMILIES if _is_among(host, family.page_hosts)), GENERIC)
    return _with_rules(known, rules)


def family_of_entry(spec: FeedSpec, generator: str, url: str, description: str = "") -> Family:
    """All that is known about an entry's body, title and dates: by its feed, with the feed's own
    rules, and by the site of its article, the canonical `url`.

    It has the feed's family's name, recognition and `mirror`, the site's rules for pages, and of
    both those for cleaning and titles. Of the time zone and where the whole text is, the site
    knows better.
    """
    site = family_of_page(url, spec.rules)
    return _of_both(family_of_feed(spec, generator, description), site)


def url_rules_of(spec: FeedSpec) -> tuple[UrlRule, ...]:
    """The rules for the addresses in a feed: its own, then those of all families."""
    return _url_rules(spec.rules) + URL_RULES


def whole_url(url: str, family: Family) -> str:
    """The address of the whole text of the article whose page is `url`; "" if it is no other."""
    for rule in family.whole_urls:
        changed = compiled(rule.pattern).sub(rule.replacement, url)
        if changed != url:
            return changed
    return ""


def _known_family(spec: FeedSpec, generator: str, description: str) -> Family:
    if spec.source in NAMES:
        return family_named(spec.source)
    for url in spec.urls:
        host = _host(url)
        for family in FAMILIES:
            if _is_among(host, family.feed_hosts):
                return family
    for family in FAMILIES:
        if _says(family.generators, generator) or _says(family.descriptions, description):
            return family
    return GENERIC


def _says(patterns: tuple[str, ...], text: str) -> bool:
    return any(re.search(pattern, text, re.I) for pattern in patterns)


# --- rules put together ------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def _with_rules(family: Family, rules: FeedRules) -> Family:
    if rules == NO_FEED_RULES:
        return family
    page = family.page
    return replace(
        family,
        url_rules=_url_rules(rules) + family.url_rules,
        clean=combine(
            family.clean,
            CleanRules(
                drop=rules.clean_drop + (PLACEHOLDERS if rules.unwrap_images else ()),
                lift=rules.clean_lift,
                drop_text=_patterns(rules.clean_drop_text),
                header=_patterns(rules.clean_header),
                footer=_patterns(rules.clean_footer),
                image_proxies=PROXIES if rules.unwrap_images else (),
            ),
        ),
        page=replace(
            page,
            containers=rules.page_containers + page.containers,
            drop=rules.page_drop + page.drop,
            next_link=_patterns(rules.page_next) + page.next_link,
            whole_link=_patterns(rules.page_whole) + page.whole_link,
        ),
    )


@lru_cache(maxsize=1024)
def _of_both(feed: Family, site: Family) -> Family:
    return replace(
        feed,
        clean=combine(feed.clean, site.clean),
        page=site.page,
        full_text=feed.full_text if site.full_text == "auto" else site.full_text,
        own_names=feed.own_names + site.own_names,
        titles=TitleRules(
            feed.titles.drop + site.titles.drop, feed.titles.reprint + site.titles.reprint
        ),
        whole_urls=feed.whole_urls + site.whole_urls,
        timezone=site.timezone or feed.timezone,
        mislabelled=site.mislabelled or feed.mislabelled,
    )


@lru_cache(maxsize=1024)
def _url_rules(rules: FeedRules) -> tuple[UrlRule, ...]:
    return tuple(UrlRule(Linear(pattern), to) for pattern, to in rules.canonical)


def _patterns(given: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(Linear, given))


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _is_among(host: str, sites: tuple[str, ...]) -> bool:
    return any(host == site or host.endswith("." + site) for site in sites)
