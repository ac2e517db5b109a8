from __future__ import annotations

import pytest

from aggregator.core.identity import canonical_url
from aggregator.core.markup import parse_fragment, select
from aggregator.core.model import FeedSpec
from aggregator.sources import (
    FAMILIES,
    NAMES,
    URL_RULES,
    Family,
    family_named,
    family_of_feed,
    family_of_page,
)


def spec(url: str, source: str = "") -> FeedSpec:
    return FeedSpec("f", (url,), source=source)


@pytest.mark.parametrize(
    ("url", "source", "generator", "name"),
    [
        ("https://feedx.net/rss/mgzy1.xml", "", "", "feedx"),
        ("https://FEEDX.top/rss/bbc.xml", "", "", "feedx"),
        ("https://notfeedx.net/rss", "", "", "generic"),
        ("https://rsshub.app/guancha/gundong", "", "", "rsshub"),
        ("https://hub.example.org/guancha", "", "RSSHub", "rsshub"),
        ("https://www.voachinese.com/api/zm", "", "Pangea CMS", "voa"),
        ("https://chinese.aljazeera.net/feed", "", "WordPress", "aljazeera"),
        ("http://127.0.0.1:8000/x.xml", "feedx", "", "feedx"),
        ("https://feedx.net/rss/mgzy1.xml", "generic", "", "generic"),
        ("https://[broken/", "", "", "generic"),
    ],
)
def test_a_feed_is_known_by_its_source_then_host_then_generator(
    url: str, source: str, generator: str, name: str
) -> None:
    assert family_of_feed(spec(url, source), generator).name == name


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://www.guancha.cn/internation/2021_10_21_611661.shtml", "guancha"),
        ("https://user.guancha.cn/main/content?id=1", "guancha"),
        ("https://chinese.aljazeera.net/news/2021/11/24/x", "aljazeera"),
        ("https://www.voachinese.com/a/x/5982533.html", "voa"),
        ("https://feedx.net/", "generic"),
        ("", "generic"),
    ],
)
def test_a_page_is_known_by_its_host(url: str, name: str) -> None:
    assert family_of_page(url).name == name


def test_every_name_is_found_and_no_other() -> None:
    assert [family_named(name).name for name in NAMES] == list(NAMES)
    assert len(set(NAMES)) == len(NAMES)
    with pytest.raises(KeyError):
        family_named("nowhere")


GUANCHA_ADDRESSES = (
    "https://www.guancha.cn/WangWen/2019_09_07_516891.shtml",
    "https://www.guancha.cn/WangWen/2019_09_07_516891_s.shtml",
    "http://www.guancha.cn/WangWen/2019_09_07_516891_2.shtml",
    "https://m.guancha.cn//WangWen/2019_09_07_516891.shtml",
    "https://m.guancha.cn/WangWen/2019_09_07_516891.shtml?s=wapzwyxgtjbt",
)


def test_the_addresses_of_one_guancha_article_are_one() -> None:
    assert {canonical_url(url, URL_RULES) for url in GUANCHA_ADDRESSES} == {GUANCHA_ADDRESSES[0]}
    posts = ("id=51&page=0", "id=51", "s=fwtj&id=51")
    urls = {canonical_url(f"https://user.guancha.cn/main/content?{q}", URL_RULES) for q in posts}
    assert urls == {"https://user.guancha.cn/main/content?id=51"}


@pytest.mark.parametrize("url", GUANCHA_ADDRESSES)
def test_url_rules_are_idempotent_and_leave_other_sites_alone(url: str) -> None:
    once = canonical_url(url, URL_RULES)
    assert canonical_url(once, URL_RULES) == once
    other = url.replace("guancha.cn", "guancha.cn.example").replace("http://", "https://")
    assert canonical_url(other, URL_RULES) == canonical_url(other)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_declared_selectors_are_selectors(family: Family) -> None:
    selectors = family.clean.drop + family.page.drop + family.page.containers
    assert select(parse_fragment("<p>x</p>"), selectors) == []
