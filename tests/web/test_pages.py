"""The pages, read as a browser reads them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from lxml import html

from aggregator.core.model import BodyVerdict
from aggregator.engines.removal import remove_old
from aggregator.settling import Settler
from aggregator.store import articles
from aggregator.web import Site, create_app
from tests.outputs.samples import CONSULTATION, TALKS
from tests.web.newsroom_site import MERGED_ID, NOW, Client, composed

PAGES = ["/", "/topics/afghanistan", f"/articles/{TALKS.id}", "/feeds", "/feeds/aljazeera"]


def read(client: Client, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200
    return parsed(answer.text)


def parsed(page: str) -> Any:
    return html.document_fromstring(page)


@pytest.mark.parametrize("path", [*PAGES, "/nope", "/static/style.css", "/all.atom", "/healthz"])
def test_nothing_foreign_runs_on_a_page(client: Client, path: str) -> None:
    answer = client.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in answer.headers
    assert "<script" not in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_in_chinese_and_names_its_feeds(client: Client, path: str) -> None:
    page = read(client, path)
    assert page.get("lang") == "zh-CN"
    types = page.xpath("//link[@rel='alternate']/@type")
    assert types == ["application/atom+xml", "application/rss+xml", "application/feed+json"]
    for link in page.xpath("//link[@rel='stylesheet']/@href"):
        assert client.get(link).headers["Content-Type"].startswith("text/css")


@pytest.mark.parametrize("path", PAGES)
def test_every_link_of_ours_leads_somewhere(client: Client, path: str) -> None:
    page = read(client, path)
    ours = {link for link in page.xpath("//a/@href | //link/@href") if link.startswith("/")}
    assert len(ours) > 5
    # The second topic has no edition yet.
    unpublished = {f"/topics/empty.{suffix}" for suffix in ("atom", "rss", "json")}
    answers = {link: client.get(link).status_code for link in ours - unpublished}
    assert set(answers.values()) == {200}, answers


@pytest.mark.parametrize("path", PAGES)
def test_links_to_elsewhere_tell_nothing_of_us(client: Client, path: str) -> None:
    for link in read(client, path).xpath("//a[starts-with(@href, 'http')]"):
        assert link.get("rel") == "noopener noreferrer"


def test_the_front_page_counts_and_lists_topics_and_articles(client: Client) -> None:
    page = read(client, "/")
    assert "2 篇文章，来自 3 个来源的 3 个条目，合并了 1 个重复条目" in page.text_content()
    assert page.xpath("//ul[@class='topics']/li/a/text()") == ["阿富汗", "空话题"]
    assert page.xpath("//ol[@class='articles']//h3/a/text()") == [TALKS.title, CONSULTATION.title]


def test_a_topics_page_says_its_query_and_why_each_article_is_here(client: Client) -> None:
    page = read(client, "/topics/afghanistan")
    assert page.xpath("string(//p[@class='query']/code)") == "阿富汗 OR 塔利班"
    reasons = page.xpath("//p[@class='reasons']/text()")
    assert reasons == ["命中：塔利班（标题）"] * 2
    href = "/topics/afghanistan.atom"
    assert page.xpath("//link[@type='application/atom+xml']/@href") == [href]


def test_a_topic_without_articles_says_so_and_escapes_its_query(client: Client) -> None:
    page = read(client, "/topics/empty")
    assert "还没有文章" in page.text_content()
    assert page.xpath("string(//code)") == "无 <b>"


def test_an_articles_page_has_its_text_its_entries_and_its_reasons(client: Client) -> None:
    answer = client.get(f"/articles/{TALKS.id}")
    assert TALKS.body in answer.text
    page = parsed(answer.text)
    assert page.xpath("string(//h1)") == TALKS.title
    assert page.xpath("//article/@lang") == ["zh-CN"]
    assert page.xpath("//ul[@class='entries']//a/@href") == [
        "https://chinese.aljazeera.net/news/2021/11/24/talks",
        "https://mirror.example/talks",
    ]
    assert "与塔利班恢复<谈判>" in page.xpath("string(//ul[@class='matches'])")
    assert page.xpath("//p[@class='byline']/a[text()='原文']/@href") == [TALKS.url]


DOHA = "https://a.example/%E5%A4%9A%E5%93%88"
RTL = "https://a.example/%E2%80%AE"
"""What turns the direction of writing around stays escaped."""


def made_again(site: Site, **changes: Any) -> None:
    made = articles.Made(replace(composed(TALKS), **changes))
    asyncio.run(site.store.write(Settler().settle, [made], NOW))


def test_an_articles_page_says_where_its_text_and_date_are_from(site: Site, client: Client) -> None:
    made_again(
        site,
        body_from="feedx",
        published_by="body",
        verdicts=(
            BodyVerdict("aljazeera", "a", False, "one paragraph of 81 letters", 81),
            BodyVerdict("feedx", "b", True, "6 letters in 2 blocks", 6),
            BodyVerdict("removed", "c", True, "because <it> is", 6),
        ),
    )
    [origin] = read(client, f"/articles/{TALKS.id}").xpath("//section[@class='origin']")
    paragraphs = [" ".join(p.text_content().split()) for p in origin.xpath("p")]
    assert paragraphs == ["来源：半岛镜像", "日期：正文里写的日期"]
    assert origin.xpath("p/a/@href") == ["/feeds/feedx"]
    assert [item.text_content() for item in origin.xpath("ul/li")] == [
        "半岛新闻给的正文：节选（只有一段，81 个字符）",
        "半岛镜像给的正文：完整（2 段，6 个字符）",
        "removed给的正文：完整（because <it> is）",
    ]
    assert origin.xpath("ul//a/@href") == ["/feeds/aljazeera", "/feeds/feedx"]
    assert origin.xpath("ul//span[@lang='en']/text()") == ["because <it> is"]


@pytest.mark.parametrize(
    ("body_from", "told", "links"),
    [
        (TALKS.url, f"原文网页：{TALKS.url}", [TALKS.url]),
        (DOHA, "原文网页：https://a.example/多哈", [DOHA]),
        ("https://a.example/%FF", "原文网页：https://a.example/%FF", ["https://a.example/%FF"]),
        ("https://a.example/%0A", "原文网页：https://a.example/%0A", ["https://a.example/%0A"]),
        (RTL, f"原文网页：{RTL}", [RTL]),
        ("removed", "removed", []),
        ("javascript:alert(1)", "javascript:alert(1)", []),
        ("", "没有记录", []),
    ],
)
def test_a_text_from_elsewhere_than_a_feed_of_today(
    site: Site, client: Client, body_from: str, told: str, links: list[str]
) -> None:
    made_again(site, body_from=body_from, published_by="seen")
    [origin] = read(client, f"/articles/{TALKS.id}").xpath("//section[@class='origin']")
    assert origin.xpath("string(p[1])") == told
    assert origin.xpath("p/a/@href") == links
    assert "以首次见到的时间为准" in origin.xpath("string(p[2])")


def test_a_merged_articles_address_leads_to_the_one_it_became(client: Client) -> None:
    answer = client.get(f"/articles/{MERGED_ID}")
    assert answer.status_code == 301
    assert answer.headers["Location"] == f"/articles/{TALKS.id}"


def test_a_removed_articles_address_says_that_it_is_gone(client: Client, site: Site) -> None:
    removed = remove_old(site.store, timedelta(days=30), NOW + timedelta(days=31))
    assert asyncio.run(removed) == 2
    for address in (TALKS.id, MERGED_ID):
        answer = client.get(f"/articles/{address}")
        assert answer.status_code == 410
        assert "这篇文章已移除" in answer.text
        assert TALKS.title not in answer.text
    assert client.get("/articles/nope").status_code == 404


@pytest.mark.parametrize("path", ["/nope", "/articles/nope", "/topics/nope", "/articles/%00%FF"])
def test_what_is_not_there_is_a_plain_page(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "没有这一页" in answer.text


def test_nothing_can_be_written(client: Client) -> None:
    answer = client.get("/", method="POST")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_the_page_of_feeds_shows_their_health_and_no_secrets(client: Client) -> None:
    answer = client.get("/feeds")
    assert "geheim" not in answer.text
    page = parsed(answer.text)
    rows = page.xpath("//tbody/tr")
    good, _, bad = [" ".join(row.text_content().split()) for row in rows]
    assert "半岛新闻" in good
    assert "刚刚 1 小时后 有新条目" in good
    assert "5 分钟前 3 小时后 超时，连续失败 1 次" in bad
    assert "no answer in 30 s <x>" in bad
    assert rows[2].get("class") == "bad"


def test_a_configured_feed_the_store_does_not_know_yet_is_shown(site: Site) -> None:
    added = replace(site.feeds[0], id="added", title="新来源")
    client = Client(create_app(lambda: replace(site, feeds=(added,))))
    assert "尚未轮询" in client.get("/feeds").text


def test_behind_a_path_our_links_keep_it(site: Site) -> None:
    client = Client(create_app(lambda: replace(site, public_url="https://example.org/news")))
    page = parsed(client.get("/").text)
    links = page.xpath("//a/@href | //link/@href")
    assert all(link.startswith("/news/") for link in links)
    location = client.get(f"/articles/{MERGED_ID}").headers["Location"]
    assert location == f"/news/articles/{TALKS.id}"


def test_a_bug_is_a_plain_page_with_the_same_headers(site: Site) -> None:
    def broken() -> Any:
        raise RuntimeError("a bug")

    client = Client(create_app(lambda: replace(site, now=broken)))
    answer = client.get("/feeds")
    assert answer.status_code == 500
    assert "出错了" in answer.text
    assert "a bug" not in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_readiness_is_the_daemons_to_say(site: Site, client: Client) -> None:
    assert client.get("/readyz").status_code == 200
    stopping = Client(create_app(lambda: replace(site, ready=lambda: False)))
    assert stopping.get("/readyz").status_code == 503
    assert stopping.get("/healthz").status_code == 200
