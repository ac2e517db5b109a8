"""The page of one feed: how it is doing, and what to do where it is not doing well."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, get_args

import pytest
from lxml import html

from aggregator.core.cadence import Wishes, after_failure
from aggregator.core.composed import Composed
from aggregator.core.feed_state import FeedState, aligned, answered, failed, unanswered
from aggregator.core.model import FeedLinks, FeedSpec, Validators
from aggregator.core.websub import State, Subscription
from aggregator.settling import Settler
from aggregator.store import Store, articles, polls, quarantine, subscriptions
from aggregator.web import Site, create_app
from aggregator.web.wording import ADVICE, SET_ASIDE, push_words
from tests.outputs.samples import CONSULTATION, TALKS
from tests.web.newsroom_site import FEEDS, NOW, Client, composed

HOUR = timedelta(hours=1)
URLS = tuple(f"https://{name}.example/rss?key=geheim" for name in "abcde")
MIRRORED = FeedSpec("mirrored", URLS, "多镜像", outlet="半岛电视台", tags=("国际", "官方"))


def page_of(client: Client, feed_id: str) -> Any:
    answer = client.get(f"/feeds/{feed_id}")
    assert answer.status_code == 200
    assert "geheim" not in answer.text
    return html.document_fromstring(answer.text)


def facts(page: Any) -> dict[str, str]:
    names = [words(name) for name in page.xpath("//dl/dt")]
    return dict(zip(names, map(words, page.xpath("//dl/dd")), strict=True))


def words(element: Any) -> str:
    for line_break in element.iter("br"):
        line_break.tail = f" {line_break.tail or ''}"
    return " ".join(element.text_content().split())


def rows(page: Any, heading: str) -> list[list[str]]:
    found = page.xpath(f"//h2[text()='{heading}']/following-sibling::table[1]/tbody/tr")
    return [[words(cell) for cell in row] for row in found]


def with_mirrored(site: Site) -> Client:
    made = with_mirrored_site(site)
    return Client(create_app(lambda: made))


def with_mirrored_site(site: Site) -> Site:
    """The site with a feed of five addresses in five states."""
    feeds = (*FEEDS, MIRRORED)
    write(site.store, polls.sync_feeds, feeds, NOW - 9 * HOUR)
    state = state_of(site.store, MIRRORED)
    early = NOW - 2 * HOUR
    a, b, c, d, _ = URLS
    not_found = f"{a} : the server answered 404 Not Found"
    state = failed(state, a, "http_status", not_found, early, wait=3 * HOUR)
    state = came(state, c, NOW - HOUR, early)
    state = failed(state, b, "http_status", "b.example: the server answered 410", NOW, gone=True)
    state = came(state, d, NOW - 30 * HOUR, NOW)
    state = came(state, c, NOW - HOUR, NOW, moved_to="https://new.example/rss?key=geheim")
    state = replace(
        state,
        last_status="not_modified",
        last_new_at=NOW - 3 * HOUR,
        next_poll_at=NOW + HOUR,
        due_because="about 5 entries a day, an hour at least",
    )
    write(site.store, polls.record_state, state)
    return replace(site, feeds=feeds)


def came(
    state: FeedState, url: str, newest: datetime, now: datetime, moved_to: str = ""
) -> FeedState:
    return answered(state, url, Validators(), moved_to, newest, now)


def state_of(store: Store, spec: FeedSpec) -> FeedState:
    states = store.read_now(polls.active_feeds)
    return aligned(next(s for s in states if s.feed_id == spec.id), spec.urls)


def write(store: Store, operation: Any, *values: Any) -> None:
    asyncio.run(store.write(operation, *values))


def compared(site: Site, article: Composed, *pairs: tuple[str, bool]) -> None:
    made = articles.Made(replace(article, compared=pairs))
    write(site.store, Settler().settle, [made], NOW)


# --- a feed's page -----------------------------------------------------------------------------


def test_it_says_what_the_feed_is_and_how_it_is_doing(site: Site) -> None:
    page = page_of(with_mirrored(site), "mirrored")
    assert words(page.xpath("//h1")[0]) == "多镜像"
    told = facts(page)
    assert told["媒体"] == "半岛电视台"
    assert told["标签"] == "国际、官方"
    assert told["状态"] == "无变化"
    assert told["上次轮询"] == "2021-11-24 14:00 UTC（刚刚）"
    assert told["上次有新条目"] == "2021-11-24 11:00 UTC（3 小时前）"
    assert told["下次轮询"] == "2021-11-24 15:00 UTC（1 小时后） 平均每天约 5 条，至少隔一小时"
    assert told["正文"] == "还没有对照过原文"
    assert not page.xpath("//*[@class='fault']")


def test_its_addresses_stand_in_order_each_with_its_state(site: Site) -> None:
    page = page_of(with_mirrored(site), "mirrored")
    a, b, c, d, e = rows(page, "地址")
    assert a[0] == "https://a.example/rss?key=***"
    assert a[1].startswith(
        "出错：服务器报错 404，连续 1 次 暂不使用，1 小时后再试（2021-11-24 15:00 UTC） feed 可能"
    )
    assert a[1].endswith("https://a.example/rss?key=*** : the server answered 404 Not Found")
    assert a[2:] == ["—", "2 小时前", "—"]
    assert b[1].startswith("已失效，连续 1 次 已永久失效")
    assert "再试" not in b[1]
    assert c == [
        "https://c.example/rss?key=*** 现用 已搬到 https://new.example/rss?key=***",
        "正常",
        "1 小时前",
        "刚刚",
        "刚刚",
    ]
    assert d[1].startswith("落后于其他地址 暂不使用，6 小时后再试")
    assert d[2:] == ["30 小时前", "刚刚", "刚刚"]
    assert e == ["https://e.example/rss?key=***", "尚未使用", "—", "—", "—"]


def test_an_address_whose_wait_is_over_is_not_said_to_wait(site: Site) -> None:
    made = replace(with_mirrored_site(site), now=lambda: NOW + HOUR)
    later = Client(create_app(lambda: made))
    a, _, _, d, _ = rows(page_of(later, "mirrored"), "地址")
    assert "再试" not in a[1]
    assert "5 小时后再试" in d[1]


def test_its_errors_are_counted_by_kind(site: Site) -> None:
    page = page_of(with_mirrored(site), "mirrored")
    assert rows(page, "出过的错") == [["服务器报错", "2", "2021-11-24 14:00 UTC（刚刚）"]]
    assert rows(page_of(Client(create_app(lambda: site)), "aljazeera"), "出过的错") == []


def test_a_failing_feed_says_what_to_do(client: Client) -> None:
    page = page_of(client, "silent")
    fault = words(page.xpath("//*[@class='fault']")[0])
    assert fault.startswith("超时，连续失败 1 次，上次成功：从未。 会自动重试")
    assert "no answer in 30 s <x>" in fault
    assert rows(page, "地址")[0][:2] == [
        "https://me:***@silent.example/feed",
        "出错：超时，连续 1 次",
    ]


def test_a_host_that_asked_for_a_pause_is_no_failure(site: Site) -> None:
    told = "the host asked not to be asked before 2021-11-24 15:00:00 UTC"
    state = state_of(site.store, FEEDS[0])
    held = replace(state.addresses[0], status="held", error=told, again_at=NOW + HOUR)
    state = replace(state.with_address(held), last_status="held", error=told)
    state = replace(state, next_poll_at=NOW + HOUR)
    write(site.store, polls.record_state, state)
    client = Client(create_app(lambda: site))
    page = page_of(client, "aljazeera")
    fault = words(page.xpath("//*[@class='fault']")[0])
    assert fault == f"对方要求暂停，1 小时后再试（2021-11-24 15:00 UTC）。 {ADVICE['held']} {told}"
    assert rows(page, "地址")[0][1] == "对方要求暂停"
    listed: Any = html.document_fromstring(client.get("/feeds").text)
    row = listed.xpath("//tbody/tr")[0]
    assert words(row).endswith(f"对方要求暂停，1 小时后再试 {ADVICE['held']} {told}")
    assert row.get("class") is None
    [numbers] = listed.xpath("//p[@class='numbers']")
    assert words(numbers) == f"{len(FEEDS)} 个来源，其中 1 个出错，1 个应对方要求暂停。"


def test_a_feed_gone_for_good_is_not_promised_another_poll(site: Site) -> None:
    state = state_of(site.store, FEEDS[2])
    state = failed(state, state.url, "http_status", "the server answered 410", NOW, gone=True)
    state = unanswered(state, "http_status", "the server answered 410", NOW)
    due = after_failure("silent", NOW, Wishes(), 0, status=410)
    state = replace(state, next_poll_at=due.at, due_because=due.reason)
    write(site.store, polls.record_state, state)
    client = Client(create_app(lambda: site))
    page = page_of(client, "silent")
    assert facts(page)["下次轮询"] == "不再轮询 已永久失效"
    assert "9999" not in client.get("/feeds").text


def test_a_reason_in_unknown_words_is_shown_as_it_is(site: Site) -> None:
    state = replace(state_of(site.store, FEEDS[0]), due_because="the moon is <full>")
    write(site.store, polls.record_state, state)
    page = page_of(Client(create_app(lambda: site)), "aljazeera")
    assert page.xpath("//dd//span[@lang='en']/text()") == ["the moon is <full>"]


def test_its_bodies_are_counted_by_what_their_pages_showed(site: Site, client: Client) -> None:
    compared(site, composed(TALKS), ("aljazeera", True))
    compared(site, composed(CONSULTATION), ("aljazeera", True))
    compared(site, composed(TALKS), ("aljazeera", False))
    told = facts(page_of(client, "aljazeera"))
    assert told["正文"] == "3 篇对照过原文：2 篇完整，1 篇节选"


def test_its_newest_articles_are_listed_with_the_site_they_are_on(client: Client) -> None:
    page = page_of(client, "aljazeera")
    links = page.xpath("//ol[@class='articles']//h3/a")
    assert [link.get("href") for link in links] == [
        f"/articles/{TALKS.id}",
        f"/articles/{CONSULTATION.id}",
    ]
    assert page.xpath("//dd/a/@href") == ["https://chinese.aljazeera.net/"]


def test_a_feed_the_store_does_not_know_yet_has_a_page(site: Site) -> None:
    added = FeedSpec("added", ("https://me:geheim@added.example/rss",))
    page = page_of(Client(create_app(lambda: replace(site, feeds=(added,)))), "added")
    assert words(page.xpath("//h1")[0]) == "added"
    assert facts(page)["状态"] == "尚未轮询"
    assert rows(page, "地址") == [["https://me:***@added.example/rss", "尚未使用", "—", "—", "—"]]


def test_addresses_configured_since_the_last_poll_are_shown(site: Site) -> None:
    moved = replace(FEEDS[0], urls=("https://other.example/rss", *FEEDS[0].urls))
    page = page_of(Client(create_app(lambda: replace(site, feeds=(moved,)))), "aljazeera")
    first, second = rows(page, "地址")
    assert first[:2] == ["https://other.example/rss", "尚未使用"]
    assert second[0].endswith("现用")


@pytest.mark.parametrize("path", ["/feeds/nope", "/feeds/%00", "/feeds/a/b"])
def test_an_unknown_feed_has_none(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_feed_no_longer_configured_has_none(site: Site) -> None:
    client = Client(create_app(lambda: replace(site, feeds=FEEDS[1:])))
    assert client.get("/feeds/aljazeera").status_code == 404


def test_the_list_of_feeds_leads_to_each_and_says_what_to_do(client: Client) -> None:
    page: Any = html.document_fromstring(client.get("/feeds").text)
    links = page.xpath("//tbody/tr/th/a/@href")
    assert links == ["/feeds/aljazeera", "/feeds/feedx", "/feeds/silent"]
    assert "会自动重试" in words(page.xpath("//tbody/tr")[2])


# --- pushes ------------------------------------------------------------------------------------


def subscribed(site: Site, state: State, error: str = "") -> Subscription:
    """The feed `feedx` named a hub, with which it has come this far."""
    links = FeedLinks(("https://hub.example/?key=geheim",), "https://feedx.example/a.xml")
    write(site.store, subscriptions.record_links, "feedx", links, links.self_url, NOW)
    known = site.store.subscriptions()["feedx"]
    known = replace(
        known,
        state=state,
        callback=f"https://news.example.org/websub/{known.token}",
        lease_until=NOW + 50 * HOUR,
        last_push_at=NOW - 2 * HOUR,
        error=error,
    )
    write(site.store, subscriptions.save, known)
    return known


def test_it_says_how_far_the_feed_is_with_its_hub_and_none_of_its_secrets(
    site: Site, client: Client
) -> None:
    assert "推送" not in facts(page_of(client, "feedx"))
    known = subscribed(site, "verified", "https://hub.example/?key=geheim: no answer")
    page = page_of(client, "feedx")
    said = facts(page)["推送"]
    assert said.startswith("已订阅，有效至 2021-11-26 16:00 UTC（2 天后）；上次推送：2021-11-24")
    assert "https://hub.example/?key=*** https://hub.example/?key=***: no answer" in said
    shown = html.tostring(page, encoding="unicode")
    assert known.token not in shown
    assert known.secret not in shown


def test_a_hub_that_was_not_asked_says_what_is_missing(site: Site, client: Client) -> None:
    links = FeedLinks(("https://hub.example/",), "https://feedx.example/a.xml")
    write(site.store, subscriptions.record_links, "feedx", links, links.self_url, NOW)
    assert "public_url" in facts(page_of(client, "feedx"))["推送"]


@pytest.mark.parametrize("state", [*get_args(State), "refused"])
def test_every_state_of_a_subscription_is_said_in_chinese(state: str) -> None:
    assert push_words(state) != state


# --- what is set aside -------------------------------------------------------------------------


def test_what_took_a_worker_down_twice_is_shown_with_what_to_do(site: Site, client: Client) -> None:
    failures = [
        quarantine.Failure(name, feed_id, article_id, f"https://{name}.example/?key=geheim", "slow")
        for name, feed_id, article_id in (
            ("page-1", "feedx", "a1"), ("feed-2", "feedx", ""), ("feed-3", "silent", ""),
        )
    ]  # fmt: skip
    for number, failure in enumerate(failures):
        write(site.store, quarantine.record, failure, NOW - number * HOUR)
    assert not rows(page_of(client, "feedx"), "搁置的内容"), "once is not yet enough"
    for number, failure in enumerate(failures):
        write(site.store, quarantine.record, failure, NOW - number * HOUR)
    page, feed = rows(page_of(client, "feedx"), "搁置的内容")
    assert page[0] == "一篇文章的原文网页 https://page-1.example/?key=*** page-1"
    assert page[1:] == ["2", "刚刚", f"slow {SET_ASIDE['page'][1]}"]
    assert feed[0] == "整个 feed https://feed-2.example/?key=*** feed-2"
    assert feed[1:] == ["2", "1 小时前", f"slow {SET_ASIDE['feed'][1]}"]
