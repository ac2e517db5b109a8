"""Feeds that pages lead to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.links import FeedLink, feed_links, is_of_comments

PAGE = "https://example.org/news/today.html"


def head(*tags: str) -> str:
    return f"<!doctype html><html><head>{''.join(tags)}</head><body><p>x</p></body></html>"


def urls(page: str) -> list[str]:
    return [link.url for link in feed_links(page, PAGE)]


def test_declared_feeds_come_with_title_and_absolute_address() -> None:
    page = head(
        '<link rel="alternate" type="application/rss+xml" title=" 新闻\n 头条 " href="/rss.xml">',
        '<LINK REL="Alternate Home" TYPE="application/atom+xml; charset=utf-8" HREF="a.atom">',
        '<link rel="alternate" type="application/feed+json" href="//cdn.example.org/feed.json">',
    )
    assert feed_links(page, PAGE) == (
        FeedLink("https://example.org/rss.xml", "新闻 头条", declared=True),
        FeedLink("https://example.org/news/a.atom", "", declared=True),
        FeedLink("https://cdn.example.org/feed.json", "", declared=True),
    )


@pytest.mark.parametrize(
    "tag",
    [
        '<link rel="alternate" hreflang="en" href="/en">',
        '<link rel="stylesheet" type="text/xml" href="/feed">',
        '<link rel="alternate" type="application/json" href="/wp-json/wp/v2/posts/1">',
        '<link rel="alternate" type="application/json+oembed" href="/oembed">',
        '<link rel="alternate" type="application/rss+xml">',
        '<link rel="alternate" type="application/rss+xml" href="javascript:x">',
        '<link rel="alternate" type="application/rss+xml" href="http://[broken">',
        '<a href="https://example.org/news/2021/rss-readers-compared">阅读器比较的长文章链接文字</a>',
        '<a href="/feed.png">RSS</a>',
        '<a href="/feedback">反馈</a>',
        '<a href="#top">RSS</a>',
        '<a href="mailto:feed@example.org">RSS</a>',
    ],
)
def test_other_links_are_no_feeds(tag: str) -> None:
    assert urls(head(tag)) == []


@pytest.mark.parametrize(
    "href",
    ["/feed", "/feed/", "/rss", "/blog/atom.xml", "/index.xml", "/feeds/world", "/news.rss",
     "/?feed=rss2", "/list?format=rss", "/rss2.xml", "/feed.json", "/cn/rss.php"],
)  # fmt: skip
def test_a_link_for_people_is_known_by_its_address(href: str) -> None:
    assert urls(f'<p><a href="{href}">更多</a></p>') == [f"https://example.org{href}"]


@pytest.mark.parametrize(
    "link",
    ['<a href="/api/zm_x">RSS</a>', '<a href="/api/zm_x" title="RSS 订阅"><i></i></a>',
     '<a href="/api/zm_x"><img src="i.png" alt="RSS"></a>', '<a href="/api/zm_x">订阅</a>'],
)  # fmt: skip
def test_a_link_for_people_is_known_by_its_words(link: str) -> None:
    assert urls(link) == ["https://example.org/api/zm_x"]


def test_the_declared_come_first_comments_last_and_each_once() -> None:
    page = (
        '<a href="/feed/">RSS</a><a href="http://example.org/atom.xml">Atom</a>'
        '<link rel="alternate" type="application/rss+xml" href="/comments/feed/">'
        '<link rel="alternate" type="application/rss+xml" href="/feed/">'
    )
    assert urls(page) == [
        "https://example.org/feed/",
        "http://example.org/atom.xml",
        "https://example.org/comments/feed/",
    ]
    assert is_of_comments("https://example.org/comments/feed/")


def test_a_page_may_say_what_its_links_are_relative_to() -> None:
    page = head('<base href="https://other.example/a/">', '<link rel="feed" href="f">')
    assert urls(page) == ["https://other.example/a/f"]


@given(st.text() | st.text("<>/=\"' ahreflinkbs:&#\x00", max_size=80))
def test_any_text_is_a_page(page: str) -> None:
    for link in feed_links(page, PAGE):
        assert link.url.startswith(("http://", "https://"))
