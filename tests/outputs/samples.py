"""Articles and editions as the tests of the outputs and the web need them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from aggregator.core.model import (
    Article,
    Edition,
    Enclosure,
    EntryRef,
    Image,
    Reason,
)

TALKS = Article(
    id="5b0e4d30-7f0c-5b0e-9c55-2f7b7a7f0001",
    url="https://chinese.aljazeera.net/news/2021/11/24/talks",
    title="美国国务院：美方将在卡塔尔与塔利班恢复谈判",
    author="穆罕默德",
    outlet="半岛电视台",
    published=datetime(2021, 11, 24, 11, 53, 44, tzinfo=UTC),
    updated=datetime(2021, 11, 24, 13, 0, 0, tzinfo=UTC),
    first_seen=datetime(2021, 11, 24, 12, 0, 0, tzinfo=UTC),
    language="zh-CN",
    body='<p>美国将于下周恢复会谈。</p><p><img src="https://example.com/a.jpg?w=770&amp;r=1"'
    ' alt="多哈"></p><p>A &amp; B &lt;c&gt; ]]&gt;</p>',
    lead="美国将于下周恢复会谈：A & B <c>",
    image=Image("https://example.com/lead.jpg?w=770&resize=770%2C433", "多哈会场"),
    categories=("新闻", "阿富汗"),
    enclosures=(
        Enclosure("https://example.com/talks.mp3", "audio/mpeg", 4242),
        Enclosure("https://example.com/talks.mp4"),
    ),
    entries=(
        EntryRef(
            "aljazeera",
            "半岛电视台",
            "美方将恢复谈判",
            "https://chinese.aljazeera.net/news/2021/11/24/talks",
        ),
        EntryRef("feedx", "半岛电视台", "美方将恢复谈判", "https://mirror.example/talks"),
    ),
    reasons=(Reason("塔利班", "title", "与塔利班恢复谈判"),),
)

CONSULTATION = Article(
    id="5b0e4d30-7f0c-5b0e-9c55-2f7b7a7f0002",
    url="https://www.guancha.cn/internation/2021_10_21_611762.shtml",
    title="中俄塔利班都参加了阿富汗问题磋商，美国仍缺席",
    author="",
    outlet="观察者网",
    published=datetime(2021, 10, 21, 10, 42, 36, tzinfo=UTC),
    updated=datetime(2021, 10, 21, 10, 42, 36, tzinfo=UTC),
    first_seen=datetime(2021, 10, 21, 11, 0, 0, tzinfo=UTC),
    language="zh-CN",
    body="<p>财政冻结、缺乏国际认可。</p>",
    lead="财政冻结、缺乏国际认可。",
)

BARE = Article(
    id="5b0e4d30-7f0c-5b0e-9c55-2f7b7a7f0003",
    url="",
    title="",
    author="",
    outlet="",
    published=datetime(2021, 8, 1, tzinfo=UTC),
    updated=datetime(2021, 8, 1, tzinfo=UTC),
    first_seen=datetime(2021, 8, 1, tzinfo=UTC),
    language="",
    body="",
    lead="",
)

EDITION = Edition(
    id="0e8c1d52-2222-5ccc-8ddd-000000000001",
    title="阿富汗",
    path="topics/afghanistan",
    public_url="https://news.example.org",
    page_path="/topics/afghanistan",
    language="zh-CN",
    updated=datetime(2021, 11, 24, 13, 5, 0, tzinfo=UTC),
    articles=(TALKS, CONSULTATION, BARE),
)


def edition_of(*articles: Article) -> Edition:
    return replace(EDITION, articles=articles)
