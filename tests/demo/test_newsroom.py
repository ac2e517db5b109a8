"""The newsroom over a real loopback socket: what its hosts answer, always the same."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import feedparser
import httpx
import pytest
from lxml import html as lxml_html

from aggregator.demo.newsroom import Newsroom, find_seeds, serve
from aggregator.demo.newsroom_pages import FOLD_AFTER, paragraphs
from aggregator.errors import AggregatorError
from aggregator.sources.archives import ArchivedPost

SEEDS = Path(__file__).resolve().parents[2] / "seeds"
PLAIN = {"Accept-Encoding": "identity"}


class Visitor:
    """Asks the newsroom at `origin` for real URLs."""

    def __init__(self, origin: str) -> None:
        # loopback, whatever proxies the environment names
        self.client = httpx.Client(base_url=origin, trust_env=False)

    def get(self, url: str, **headers: str) -> httpx.Response:
        parts = urlsplit(url)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(parts.path, headers={"Host": parts.netloc, **named})


@pytest.fixture(scope="module")
def newsroom() -> Newsroom:
    return Newsroom(SEEDS)


@pytest.fixture(scope="module")
def visitor(newsroom: Newsroom) -> Iterator[Visitor]:
    with serve(newsroom) as origin:
        visitor = Visitor(origin)
        with visitor.client:
            yield visitor


def feed_url(newsroom: Newsroom, feed_id: str) -> str:
    (url,) = (feed.urls[0] for feed in newsroom.feeds if feed.id == feed_id)
    return url


def posts_of(newsroom: Newsroom, outlet: str) -> list[ArchivedPost]:
    return [post for post in newsroom.posts if post.outlet == outlet]


@pytest.mark.parametrize(("feed_id", "outlet", "items"), [
    ("aljazeera", "半岛电视台", 3),
    ("guancha", "观察者网", 1),
    ("feedx-voa", "美国之音", 1),
    ("voa", "美国之音", 1),
])  # fmt: skip
def test_a_feed_has_the_titles_and_links_of_its_articles(
    newsroom: Newsroom, visitor: Visitor, feed_id: str, outlet: str, items: int
) -> None:
    answer = visitor.get(feed_url(newsroom, feed_id))
    parsed = feedparser.parse(answer.content)
    posts = posts_of(newsroom, outlet)
    assert answer.status_code == 200
    assert not parsed.bozo
    assert len(posts) == items
    assert [(entry.title, entry.link) for entry in parsed.entries] == [
        (post.title, post.url) for post in posts
    ]


def test_rsshub_gives_first_paragraphs_guids_ttl_and_gmt_dates(
    newsroom: Newsroom, visitor: Visitor
) -> None:
    parsed = feedparser.parse(visitor.get(feed_url(newsroom, "aljazeera")).content)
    assert parsed.feed.generator == "RSSHub"
    assert parsed.feed.ttl == "5"
    assert [entry.published for entry in parsed.entries] == [
        "Wed, 24 Nov 2021 11:53:44 GMT",
        "Wed, 01 Sep 2021 12:45:38 GMT",
        "Tue, 10 Aug 2021 04:44:38 GMT",
    ]
    for entry, post in zip(parsed.entries, posts_of(newsroom, "半岛电视台"), strict=True):
        assert entry.id == entry.link == post.url
        assert entry.description == paragraphs(post.html)[0]


def test_the_mirror_gives_the_whole_text_late_and_without_guid(
    newsroom: Newsroom, visitor: Visitor
) -> None:
    (mirrored,) = feedparser.parse(visitor.get(feed_url(newsroom, "feedx-voa")).content).entries
    (own,) = feedparser.parse(visitor.get(feed_url(newsroom, "voa")).content).entries
    (post,) = posts_of(newsroom, "美国之音")
    answer = visitor.get(feed_url(newsroom, "feedx-voa"))
    assert b"<guid" not in answer.content
    assert "获取更多RSS：" in answer.text
    assert "https://images.weserv.nl?url=gdb.voanews.com/" in answer.text
    assert mirrored.published == "Thu, 29 Jul 2021 05:39:03 +0800"
    assert own.published == "Thu, 29 Jul 2021 05:05:25 +0800"
    assert own.link == mirrored.link == own.id == post.url
    assert own.description == paragraphs(post.html)[0].removeprefix("<p>").removesuffix("</p>")
    assert own.enclosures[0].href.startswith("https://gdb.voanews.com/")
    assert len(mirrored.description) > 10 * len(own.description)


@pytest.mark.parametrize(("outlet", "container", "suffix"), [
    ("半岛电视台", "wysiwyg", ""),
    ("观察者网", "all-txt", "_s"),
    ("美国之音", "wsw", ""),
])  # fmt: skip
def test_a_page_holds_each_paragraph_of_its_seed_among_much_else(
    newsroom: Newsroom, visitor: Visitor, outlet: str, container: str, suffix: str
) -> None:
    for post in posts_of(newsroom, outlet):
        answer = visitor.get(post.url.replace(".shtml", f"{suffix}.shtml"))
        assert 100_000 <= len(answer.content) <= 110_000
        (body,) = lxml_html.fromstring(answer.text).find_class(container)
        inside = lxml_html.tostring(body, encoding="unicode")
        text = body.text_content()
        assert len(paragraphs(post.html)) >= 13
        for paragraph in paragraphs(post.html):
            assert paragraph in answer.text
            assert lxml_html.fromstring(paragraph).text_content() in text
        assert "网友" in answer.text
        assert "网友" not in inside


def test_the_folded_page_ends_early_and_links_to_the_whole(
    newsroom: Newsroom, visitor: Visitor
) -> None:
    (post,) = posts_of(newsroom, "观察者网")
    folded = visitor.get(post.url).text
    present = [paragraph in folded for paragraph in paragraphs(post.html)]
    assert present == [True] * FOLD_AFTER + [False] * (len(present) - FOLD_AFTER)
    (link,) = lxml_html.fromstring(folded).xpath("//a[.='余下全文']")
    whole = visitor.get(f"https://www.guancha.cn{link.get('href')}")
    assert whole.status_code == 200
    assert paragraphs(post.html)[-1] in whole.text
    assert "余下全文" not in whole.text


def test_the_mobile_site_redirects_for_good(newsroom: Newsroom, visitor: Visitor) -> None:
    (post,) = posts_of(newsroom, "观察者网")
    answer = visitor.get(post.url.replace("www.", "m."))
    assert (answer.status_code, answer.headers["location"]) == (301, post.url)


def test_one_outlet_always_fails(newsroom: Newsroom, visitor: Visitor) -> None:
    for url in (feed_url(newsroom, "rfi"), "https://www.rfi.fr/robots.txt"):
        answer = visitor.get(url)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "3600")


@pytest.mark.parametrize("url", [
    "https://unknown.example.org/aljazeera/news",
    "https://rsshub.app/aljazeera/nothing",
    "https://feedx.net/",
    "https://www.guancha.cn/aljazeera/news",
])  # fmt: skip
def test_an_unknown_host_or_path_is_not_found(visitor: Visitor, url: str) -> None:
    assert visitor.get(url).status_code == 404


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_every_resource_answers_304_to_its_own_validators(
    newsroom: Newsroom, visitor: Visitor, encoding: str
) -> None:
    assert len(newsroom.resources) == 10
    for host, path in newsroom.resources:
        url = f"https://{host}{path}"
        first = visitor.get(url, Accept_Encoding=encoding)
        etag, modified = first.headers["etag"], first.headers["last-modified"]
        assert first.status_code == 200
        assert etag.startswith('"')
        assert first.headers["vary"] == "Accept-Encoding"
        assert (first.headers.get("content-encoding") == "gzip") == (encoding == "gzip")
        for condition in (
            {"If-None-Match": etag},
            {"If-None-Match": f'"other", W/{etag}'},
            {"If-None-Match": "*"},
            {"If-Modified-Since": modified},
            {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
        ):
            again = visitor.get(url, Accept_Encoding=encoding, **condition)
            assert (again.status_code, again.content) == (304, b"")
            assert (again.headers["etag"], again.headers["last-modified"]) == (etag, modified)


def test_other_validators_bring_the_body(newsroom: Newsroom, visitor: Visitor) -> None:
    url = feed_url(newsroom, "aljazeera")
    first = visitor.get(url, **PLAIN)
    for condition in (
        {"If-None-Match": '"other"'},
        {"If-Modified-Since": "Tue, 10 Aug 2021 04:44:38 GMT"},
        {"If-Modified-Since": "yesterday"},
        # the validators of two representations differ, and the ETag goes before the date
        {"If-None-Match": visitor.get(url, Accept_Encoding="gzip").headers["etag"]},
        {"If-None-Match": '"other"', "If-Modified-Since": first.headers["last-modified"]},
    ):
        again = visitor.get(url, **PLAIN, **condition)
        assert (again.status_code, again.content) == (200, first.content)


@pytest.mark.parametrize("accepted", ["", "gzip;q=0", "br", "gzip; q=0.000, identity"])
def test_gzip_is_not_sent_to_those_who_do_not_take_it(
    newsroom: Newsroom, visitor: Visitor, accepted: str
) -> None:
    answer = visitor.get(feed_url(newsroom, "voa"), Accept_Encoding=accepted)
    assert "content-encoding" not in answer.headers


def test_two_newsrooms_answer_with_the_same_bytes(newsroom: Newsroom, visitor: Visitor) -> None:
    other = Newsroom(SEEDS)
    assert other.posts == newsroom.posts
    assert other.resources == newsroom.resources
    with serve(other) as origin:
        second = Visitor(origin)
        with second.client:
            for host, path in newsroom.resources:
                url = f"https://{host}{path}"
                mine, others = visitor.get(url), second.get(url)
                assert (mine.content, mine.headers["etag"]) == (
                    others.content, others.headers["etag"],
                )  # fmt: skip


def test_what_was_asked_is_logged() -> None:
    newsroom = Newsroom(SEEDS)
    with serve(newsroom) as origin:
        visitor = Visitor(origin)
        with visitor.client:
            visitor.get("https://rsshub.app/aljazeera/news")
            visitor.get(newsroom.posts[0].url)
            visitor.get("https://WWW.RFI.FR/cn/rss")
            visitor.client.post("/aljazeera/news", headers={"Host": "rsshub.app"})
    assert newsroom.requests == [
        ("rsshub.app", "/aljazeera/news", 200),
        ("chinese.aljazeera.net", urlsplit(newsroom.posts[0].url).path, 200),
        ("www.rfi.fr", "/cn/rss", 503),
    ]


def test_nothing_answers_after_the_newsroom_closed(newsroom: Newsroom) -> None:
    with serve(newsroom) as origin:
        assert httpx.get(origin, trust_env=False).status_code == 404
    with pytest.raises(httpx.ConnectError):
        httpx.get(origin, trust_env=False)


def test_every_url_of_a_feed_or_an_article_is_of_a_host_it_answers_for(newsroom: Newsroom) -> None:
    urls = [feed.urls[0] for feed in newsroom.feeds] + [post.url for post in newsroom.posts]
    assert {urlsplit(url).hostname for url in urls} | {"m.guancha.cn"} == set(newsroom.hosts)


def test_pages_are_as_long_whatever_else_the_seeds_hold(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    shutil.copytree(SEEDS, seeds)
    (copied,) = seeds.glob("003_*")
    text = copied.read_text("utf-8").replace("Thu, 21 Oct 2021", "Fri, 22 Oct 2021")
    (seeds / "005.txt").write_text(text.replace("中俄", "</script>]]>&<i>中俄"), "utf-8")
    newsroom = Newsroom(seeds)
    newer, older = posts_of(newsroom, "观察者网")
    assert newer.url == "https://www.guancha.cn/internation/2021_10_22_611660.shtml"
    assert older.url == "https://www.guancha.cn/internation/2021_10_21_611661.shtml"
    with serve(newsroom) as origin:
        visitor = Visitor(origin)
        with visitor.client:
            parsed = feedparser.parse(visitor.get(feed_url(newsroom, "guancha")).content)
    assert not parsed.bozo
    assert [entry.link for entry in parsed.entries] == [newer.url, older.url]


def test_seeds_that_lack_a_site_are_refused(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    shutil.copytree(SEEDS, seeds)
    next(seeds.glob("003_*")).unlink()
    with pytest.raises(AggregatorError, match="no dated article of 观察者网"):
        Newsroom(seeds)
    with pytest.raises(AggregatorError, match="No such file"):
        Newsroom(tmp_path / "absent")


def test_the_seeds_are_found() -> None:
    assert sorted(path.name for path in find_seeds().glob("*.txt")) == sorted(
        path.name for path in SEEDS.glob("*.txt")
    )
