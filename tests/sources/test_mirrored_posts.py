"""Nine thousand entries of a mirror, of the summer of 2020, cleaned by the declared rules."""

from __future__ import annotations

import json
import lzma
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache

import pytest

from aggregator.core.clean import Cleaned, clean_body
from aggregator.core.dates import read_date
from aggregator.core.model import FeedSpec
from aggregator.core.titles import read_title
from aggregator.sources import family_of_entry
from tests.conftest import SHARED

POSTS = SHARED / "captures" / "posts" / "oped2_feedx_news_2020-06_08.jsonl.xz"
MIRROR = FeedSpec("mirror", ("https://feedx.net/rss/x.xml",))

pytestmark = pytest.mark.skipif(not POSTS.exists(), reason="the captured posts are not here")


@dataclass(frozen=True)
class Post:
    title: str
    url: str
    body: str
    cleaned: Cleaned


@cache
def posts() -> tuple[Post, ...]:
    with lzma.open(POSTS, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return tuple(
        post(row["title"], row["url"], row["raw"].split("\n------\n", 1)[1]) for row in rows
    )


def post(title: str, url: str, body: str) -> Post:
    rules = family_of_entry(MIRROR, "", url).clean
    return Post(title, url, body, clean_body(body, url, rules))


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
