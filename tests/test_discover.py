"""Finding the feeds of sites on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.config import Config, FetchSettings
from aggregator.discover import USUAL_PATHS, Discovery, discover
from aggregator.errors import FetchError
from aggregator.sources.suggestions import suggestions
from tests.loopback import Loopback, answer, redirect


def rss(title: str, *items: str) -> bytes:
    entries = "".join(
        f"<item><title>{item}</title><link>https://example.org/{item}</link>"
        "<pubDate>Thu, 21 Oct 2021 10:42:36 GMT</pubDate></item>"
        for item in items
    )
    text = f"<rss version='2.0'><channel><title>{title}</title>{entries}</channel></rss>"
    return answer(text.encode(), content_type="application/rss+xml")


def page(*tags: str) -> bytes:
    return answer(f"<!doctype html><html>{''.join(tags)}</html>".encode(), content_type="text/html")


def declared(href: str, title: str = "") -> str:
    return f'<link rel="alternate" type="application/rss+xml" title="{title}" href="{href}">'


def search(
    answers: Mapping[str, bytes], target: str = "/", hosts: tuple[str, ...] = ()
) -> tuple[Discovery, list[str], str]:
    """What is found at `target` of a site (at each of `hosts`, if there are any), what was asked
    of it, and its origin. Whatever else is asked for is not to be had.
    """

    async def found() -> tuple[Discovery, list[str], str]:
        async with Loopback(answers) as site:
            nowhere = dict.fromkeys(("rsshub.app", "feedx.net"), "http://127.0.0.1:9")
            resolve = nowhere | dict.fromkeys(hosts, site.origin)
            settings = FetchSettings(
                pace=timedelta(0), allow_private=("127.0.0.1",), resolve=resolve
            )
            config = Config(Path("config.toml"), fetch=settings)
            place = f"http://{hosts[0]}" if hosts else site.origin
            result = await discover(config, place + target, lambda *_: None)
            asked = [target for target in site.targets if target != "/robots.txt"]
            return result, asked, site.origin

    return asyncio.run(found())


def test_what_a_page_declares_is_fetched_and_read() -> None:
    site = {
        "/": page(declared("/new.xml"), declared("/gone.xml"), declared("/page"),
                  declared("/same.xml"), declared("/mute", "说的"),
                  '<a href="/feeds/more">RSS</a>'),
        "/new.xml": rss("新闻", "a", "b"),
        "/same.xml": rss("新闻", "a", "b"),
        "/page": page("no feed"),
        "/feeds/more": rss("", "c"),
        "/mute": rss("", "d"),
    }  # fmt: skip
    found, _, origin = search(site)
    first, mute, second = found.feeds
    assert (first.url, first.title, first.how) == (f"{origin}/new.xml", "新闻", "declared")
    assert (first.entries, str(first.newest)) == (2, "2021-10-21 10:42:36+00:00")
    assert (mute.title, mute.how) == ("说的", "declared")
    assert (second.url, second.title, second.how) == (f"{origin}/feeds/more", "127.0.0.1", "linked")
    assert [note.partition(": ")[2].partition(" (")[0] for note in found.notes] == [
        "the page declares it, but the server answered 404 Not Found",
        "the page declares it, but it is no feed",
    ]


def test_an_address_that_is_a_feed_is_the_answer() -> None:
    found, asked, origin = search({"/x": rss("新闻", "a")}, "/x")
    assert [(feed.url, feed.how) for feed in found.feeds] == [(f"{origin}/x", "itself")]
    assert asked == ["/x"]


def test_the_address_a_feed_moved_to_for_good_is_given() -> None:
    site = {"/": page(declared("/old")), "/old": redirect("/new"), "/new": rss("新闻", "a")}
    found, _, origin = search(site)
    assert [feed.url for feed in found.feeds] == [f"{origin}/new"]


def test_usual_paths_are_tried_in_turn_until_one_is_a_feed() -> None:
    site = {"/news/": page("x"), "/rss": page("x"), "/rss.xml": rss("新闻", "a")}
    found, asked, origin = search(site, "/news/")
    assert [(feed.url, feed.how) for feed in found.feeds] == [(f"{origin}/rss.xml", "guessed")]
    assert asked == ["/news/", "/feed", "/rss", "/rss.xml"]


def test_a_site_without_feeds_is_asked_each_usual_path_once() -> None:
    found, asked, _ = search({"/": page("x")})
    assert found.feeds == ()
    assert asked == ["/", *USUAL_PATHS]


def test_a_page_with_very_many_links_is_not_followed_everywhere() -> None:
    links = (f'<a href="/feeds/{number}">x</a>' for number in range(100))
    _, asked, _ = search({"/": page(*links)})
    assert len(asked) == 1 + 12 + len(USUAL_PATHS)


def test_what_others_make_of_a_site_is_suggested_and_verified_where_it_can_be() -> None:
    site = {
        "/": page(declared("/own")), "/own": rss("头条", "a"), "/guancha/gundong": rss("滚动", "b"),
    }  # fmt: skip
    found, _, _ = search(site, hosts=("www.guancha.cn", "rsshub.app"))
    own, headline, gundong, _ = found.feeds
    assert (own.how, own.url) == ("declared", "http://www.guancha.cn/own")
    assert (headline.how, headline.outlet) == ("RSSHub", "观察者网")
    assert headline.problem.startswith("the server answered 404")
    assert (gundong.title, gundong.problem) == ("滚动", "")
    assert gundong.url == "https://rsshub.app/guancha/gundong"


def test_a_known_site_that_cannot_be_fetched_still_has_suggestions() -> None:
    found, _, _ = search({}, hosts=("www.voachinese.com",))
    assert [(feed.url, feed.how, bool(feed.problem)) for feed in found.feeds] == [
        ("https://feedx.net/rss/mgzy1.xml", "feedx", True)
    ]
    assert "404" in found.notes[0]


def test_an_unknown_site_that_cannot_be_fetched_is_an_error() -> None:
    with pytest.raises(FetchError, match="404"):
        search({})


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://www.example.org/", []),
        ("https://notguancha.cn/", []),
        ("http://[", []),
        ("https://m.guancha.cn/", ["guancha/headline", "guancha/gundong", "guancha/story"]),
        ("https://chinese.aljazeera.net/news/political",
         ["aljazeera/chinese/news/political", "aljazeera/chinese/news", "aljazeera.xml",
          "aljazeeracn.xml"]),
        ("https://chinese.aljazeera.net/news/2021/11/24/x",
         ["aljazeera/chinese/news", "aljazeera.xml", "aljazeeracn.xml"]),
        ("https://www.zaobao.com.sg/realtime", ["zaobao.xml"]),
    ],
)  # fmt: skip
def test_suggestions_are_those_for_the_host(url: str, expected: list[str]) -> None:
    paths = [one.url.split("/", 3)[3].removeprefix("rss/") for one in suggestions(url)]
    assert paths == expected
