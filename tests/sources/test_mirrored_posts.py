"""Nine thousand entries of a mirror, of the summer of 2020, cleaned by the declared rules."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from aggregator.core.clean import Cleaned, clean_body
from aggregator.core.dates import read_date
from aggregator.core.identity import canonical_url
from aggregator.core.model import FeedSpec
from aggregator.core.parse import parse_feed
from aggregator.core.titles import read_title
from aggregator.core.whole import judge_whole
from aggregator.sources import (
    URL_RULES,
    family_of_entry,
    family_of_feed,
    family_of_page,
    whole_url,
)
from tests import captured

MIRROR = FeedSpec("mirror", ("https://feedx.net/rss/x.xml",))

pytestmark = pytest.mark.skipif(
    not captured.POSTS.exists(), reason="the captured posts are not here"
)


@dataclass(frozen=True)
class Post:
    outlet: str
    title: str
    url: str
    body: str
    cleaned: Cleaned


@cache
def posts() -> tuple[Post, ...]:
    return tuple(post(*row) for row in captured.posts())


def post(outlet: str, title: str, url: str, body: str) -> Post:
    rules = family_of_entry(MIRROR, "", url).clean
    return Post(outlet, title, url, body, clean_body(body, url, rules))


def of(outlet: str) -> list[Post]:
    return [post for post in posts() if post.outlet == outlet]


def told(pattern: str) -> list[str]:
    """The posts in whose cleaned body the pattern is found, and where."""
    return [
        f"{post.url}: {found[0]}"
        for post in posts()
        if (found := re.search(pattern, post.cleaned.html))
    ]


def test_no_body_has_the_mirrors_footer() -> None:
    assert len(posts()) == 9050
    assert sum("feedx" in post.body for post in posts()) > 1000
    assert told(r"feedx|获取更多(?:全文)?\s*RSS") == []


def test_no_body_has_an_image_proxy() -> None:
    assert sum("weserv" in post.body for post in posts()) > 1900
    assert told(r"weserv|wsrv\.nl") == []


DATE_LINE = re.compile(
    r"(?:[^\n]{0,120}\n)?(?:[A-Z][a-z]{2}, [\w :]+GMT|\d\d/\d\d/\d{4} - \d\d:\d\d"
    r"|\d{4}-\d\d-\d\d[T ][\d:.]+Z?|\d{4}年 *\d+月 *\d+日|\d+ ?(?:分钟|小时|天)前)\s*"
)


def test_no_body_begins_with_a_line_of_date_and_author() -> None:
    left = [
        post.url
        for post in posts()
        if any(DATE_LINE.fullmatch(line) for line in post.cleaned.text.split("\n")[:2])
    ]
    assert left == []


def test_no_body_has_a_line_of_its_editors() -> None:
    assert sum("责编" in post.body for post in posts()) > 400
    assert told(r"(?<!负)责编|责任编辑邮箱") == []


def test_nearly_every_date_line_of_these_outlets_is_read() -> None:
    outlets = ("www.rfi.fr", "cn.reuters.com", "www.voachinese.com", "cn.nytimes.com")
    dated = [post for post in posts() if any(f"//{host}/" in post.url for host in outlets)]
    unread = [
        post.url for post in dated if read_date(post.cleaned.published_text, "UTC", "body") is None
    ]
    assert len(dated) > 4500
    assert unread == []


@pytest.mark.parametrize(
    ("outlet", "given", "note"),
    [
        ("金融时报", 29, r"责任编辑邮箱"),
        ("金融时报", 300, r"o-ads|mpu-container|clearfloat"),
        ("德国之声", 240, r"德国之声版权声明"),
        ("法广", 800, r"©\s*\d{4}\s*AFP"),
        ("纽约时报", 100, r"点击查看本文英文版"),
        ("BBC", 200, r"图片版权|图[像片]来源"),
        ("联合早报", 400, r"dfp-ad|innity|id=.imu"),
        ("自由亚洲电台", 300, r"责编"),
    ],
)
def test_what_an_outlet_adds_to_its_bodies_goes(outlet: str, given: int, note: str) -> None:
    assert sum(bool(re.search(note, post.body)) for post in of(outlet)) >= given
    assert [post.url for post in of(outlet) if re.search(note, post.cleaned.html)] == []


@pytest.mark.parametrize(("outlet", "given"), [("德国之声", 625), ("BBC", 220)])
def test_the_date_line_of_an_outlet_is_read_where_there_is_one(outlet: str, given: int) -> None:
    now = datetime(2020, 7, 21, tzinfo=UTC)
    dates = [read_date(post.cleaned.published_text, "UTC", "body", now) for post in of(outlet)]
    assert sum(date is not None for date in dates) >= given
    undated = [post for post, date in zip(of(outlet), dates, strict=True) if date is None]
    head = r"\s*<div>\s*<div>\s*<(?:i|time)>[^<]{0,80}(?:<br>)?(?:20\d\d|\d+ ?(?:分钟|小时|天)前)"
    assert [post.url for post in undated if re.match(head, post.body)] == []


def test_a_mirrored_address_asks_for_the_whole_and_its_article_has_one_address() -> None:
    financial = of("金融时报")
    assert all(post.url.endswith("?full=y") for post in financial)
    for post in financial:
        canonical = canonical_url(post.url, URL_RULES)
        assert re.fullmatch(r"https://www\.ftchinese\.com/story/\d{9}", canonical)
        assert whole_url(canonical, family_of_page(canonical)) == f"{canonical}?full=y"
        assert whole_url(post.url, family_of_page(post.url)) == ""
    french = of("法广")
    assert sum("rfi.fr//cn" in post.url for post in french) > 1000
    assert not any("//" in canonical_url(post.url, URL_RULES)[8:] for post in french)


def test_a_summary_of_taiwans_radio_is_never_a_whole_text_and_its_titles_lose_their_number() -> (
    None
):
    radio = of("RTI 中央廣播電臺")
    assert len(radio) > 1400
    for post in radio:
        family = family_of_entry(MIRROR, "", post.url)
        assert not judge_whole(post.cleaned.html, post.cleaned.text, family.full_text).whole
    numbered = [post.title for post in radio if re.search(r"- \d{6}-\d+$", post.title)]
    assert len(numbered) > 200
    rules = family_of_entry(MIRROR, "", radio[0].url).titles
    titles = {read_title(title, rules).title for title in numbered}
    assert not any(re.search(r"\d{6}-\d+", title) for title in titles)


WECHAT = sorted((captured.CAPTURES / "fullrss").glob("wechatRss_*.xml"))


@pytest.mark.parametrize("path", WECHAT, ids=lambda path: path.name)
def test_an_attribute_of_the_same_name_that_is_no_place_moves_nothing(path: Path) -> None:
    """WeChat's images carry their sizes in `data-s`, by which another outlet's are shuffled."""
    rules = family_of_page("https://www.zaobao.com/x").clean
    unsorted = replace(rules, scrambled=())
    assert rules.scrambled
    marked = 0
    for entry in parse_feed(path.read_bytes(), {}, "https://x.org/feed", "UTC").entries:
        marked += entry.content.count("data-s=")
        sorted_ = clean_body(entry.content, entry.url, rules)
        assert sorted_.html == clean_body(entry.content, entry.url, unsorted).html
    assert marked or path.stem.endswith(("天机奇谈", "第一财经资讯"))


@pytest.mark.skipif(not WECHAT, reason="no captures beside the project")
def test_a_mirror_of_the_mirror_is_known_by_the_line_it_still_carries() -> None:
    body = (captured.CAPTURES / "fullrss" / "RSS_idaily.xml").read_bytes()
    feed = parse_feed(body, {}, "https://elsewhere.example/idaily.xml", "UTC")
    spec = FeedSpec("f", ("https://elsewhere.example/idaily.xml",))
    assert family_of_feed(spec, feed.generator, feed.description).name == "feedx"


def test_titles_lose_what_the_outlet_hangs_on() -> None:
    titles = [read_title(p.title, family_of_entry(MIRROR, "", p.url).titles) for p in posts()]
    assert sum("法国国际广播电台 - RFI" in post.title for post in posts()) > 800
    assert not [title for title in titles if "法国国际广播电台" in title.title or not title.title]
    assert sum(bool(title.outlet) for title in titles) > 100


def original(body: str) -> str:
    """A body without what the mirror and the archive put around it, found by plain text."""
    body = re.sub(r"https://images\.weserv\.nl/?\?url=", "https://", body)
    body = re.sub(r"<br><hr><div>获取更多RSS：.*?</div>", "", body, flags=re.S).strip()
    return body.removeprefix("<div>").removesuffix("</div>").strip()


def test_copies_of_the_same_original_come_out_the_same() -> None:
    by_url: dict[str, list[Post]] = defaultdict(list)
    for one in posts():
        by_url[one.url].append(one)
    repeated = [copies for copies in by_url.values() if len(copies) > 1]
    same = [copies for copies in repeated if len({original(copy.body) for copy in copies}) == 1]
    assert len(repeated) == 493
    assert len(same) > 50
    differing = [
        copies[0].url for copies in same if len({copy.cleaned.html for copy in copies}) > 1
    ]
    assert differing == []
    # the others were edited between two visits, or differ in markup that means nothing
    alike = [copies for copies in repeated if len({copy.cleaned.html for copy in copies}) == 1]
    assert len(alike) > 360
