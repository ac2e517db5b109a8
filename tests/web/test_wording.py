"""What the rest of the program says in English, the pages say in Chinese: every form of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from aggregator.core import faults
from aggregator.core.cadence import Heard, Wishes, after_failure, after_poll
from aggregator.core.faults import HINTS
from aggregator.core.model import BodyHistory, FeedHints, FullText
from aggregator.core.whole import judge_whole
from aggregator.store import editions, polls
from aggregator.web import Site
from aggregator.web.wording import (
    ADVICE,
    SET_ASIDE,
    STATUSES,
    advice,
    due_words,
    error_words,
    verdict_words,
)
from tests.web.newsroom_site import FEEDS, NOW

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
LONG = "美国将于下周恢复会谈" * 40


def every(gap: timedelta, last: datetime = NOW) -> Sequence[datetime]:
    """When a feed's latest entries came: evenly, the last one at `last`."""
    return [last - number * gap for number in range(60)]


def period(name: str, times: int) -> FeedHints:
    return FeedHints(update_period=name, update_frequency=times)


def test_every_fault_that_has_a_hint_has_advice() -> None:
    assert ADVICE.keys() == HINTS.keys()
    assert SET_ASIDE.keys() == faults.SET_ASIDE.keys()


def test_every_kind_of_error_has_its_word() -> None:
    kinds = {fault for fault in HINTS if not fault.startswith("http_")}
    assert kinds <= STATUSES.keys()


def test_an_error_of_an_unknown_kind_leads_to_the_log() -> None:
    assert advice("new_kind", "strange") == "详情请看日志。"
    assert error_words("new_kind", "strange") == "new_kind"


@pytest.mark.parametrize(
    ("html", "text", "full_text", "history", "said"),
    [
        ("", "", "page", BodyHistory(), "按配置，全文在原文网页上"),
        ("<p>短</p>", "短", "feed", BodyHistory(), "按配置，全文在来源里"),
        ("<img>", "", "feed", BodyHistory(), "按配置，全文在来源里"),
        ("", "", "auto", BodyHistory(), "来源没有给出正文"),
        ("", f"{LONG}[…]", "auto", BodyHistory(), "文末被截断"),
        ("", f"{LONG}。阅读全文", "auto", BodyHistory(), "文末是“阅读全文”一类的链接"),
        ("", f"{LONG}. {{1}} read more", "auto", BodyHistory(), "文末是“阅读全文”一类的链接"),
        ("", LONG, "auto", BodyHistory(9, 1), "这个来源的 10 篇里有 9 篇完整"),
        ("", LONG, "auto", BodyHistory(1, 9), "这个来源的 10 篇里有 9 篇是节选"),
        ("", "短", "auto", BodyHistory(), "只有 1 个字符"),
        ("", f"{LONG[:100]}…", "auto", BodyHistory(), "只有 100 个字符，以省略号结尾"),
        ("", LONG[:100], "auto", BodyHistory(), "只有一段，100 个字符"),
        ("", LONG, "auto", BodyHistory(), "一段，400 个字符"),
        ("<p><p>", LONG, "auto", BodyHistory(), "2 段，400 个字符"),
    ],
)
def test_why_a_body_is_whole_or_not(
    html: str, text: str, full_text: FullText, history: BodyHistory, said: str
) -> None:
    reason = judge_whole(html, text, full_text, history).reason
    assert verdict_words(reason).startswith(said)


@pytest.mark.parametrize(
    ("wishes", "heard", "said"),
    [
        (Wishes(90 * MINUTE), Heard(True), "按配置每 90 分钟一次"),
        (Wishes(5 * MINUTE), Heard(True), "按配置每 5 分钟一次，最短间隔是 15 分钟"),
        (Wishes(3 * DAY), Heard(True), "按配置每 3 天一次，最长间隔是 24 小时"),
        (Wishes(), Heard(True), "来源没有说明更新频率"),
        (Wishes(), Heard(False), "每次都要下载全部内容，所以每天一次"),
        (Wishes(), Heard(True, 30 * MINUTE), "服务器说内容 30 分钟内不会变"),
        (Wishes(), Heard(True, pushed=True), "有推送，轮询只是补充"),
        (Wishes(), Heard(True, hints=FeedHints(ttl=70)), "来源声明的 ttl 是 70 分钟"),
        (Wishes(), Heard(True, hints=period("hourly", 1)), "来源声明每小时更新 1 次"),
        (Wishes(), Heard(True, hints=period("daily", 4)), "来源声明每天更新 4 次"),
        (Wishes(), Heard(True, rhythm=every(15 * MINUTE)), "平均每天约 98 条，至少隔一小时"),
        (Wishes(), Heard(True, rhythm=every(6 * 60 * MINUTE)), "平均每天约 4 条"),
        (Wishes(), Heard(True, rhythm=every(2 * DAY)), "平均每周约 4 条"),
        (Wishes(longest=9 * DAY), Heard(True, rhythm=every(20 * DAY)), "平均每月约"),
        (Wishes(), Heard(True, rhythm=every(DAY, NOW - 30 * DAY)), "已有 4 周没有新条目"),
        (Wishes(), Heard(True, rhythm=[NOW - 3 * DAY]), "已有 3 天没有新条目"),
        (Wishes(), Heard(True, rhythm=[NOW - 1.5 * DAY]), "已有 36 小时没有新条目"),
        (Wishes(), Heard(True, hints=FeedHints(skip_hours=(15,))), "避开来源声明的 skipHours"),
        (
            Wishes(),
            Heard(True, hints=FeedHints(skip_days=("Wednesday",))),
            "避开来源声明的 skipDays",
        ),
    ],
)
def test_why_a_poll_is_due(wishes: Wishes, heard: Heard, said: str) -> None:
    reason = after_poll("feed", NOW, wishes, heard).reason
    assert said in due_words(reason), reason


@pytest.mark.parametrize(
    ("failures", "status", "retry_after", "said"),
    [
        (0, 0, None, "连续第 1 次失败"),
        (1, 500, None, "连续第 2 次失败"),
        (10, 500, None, "连续第 11 次失败"),
        (22, 500, None, "连续第 23 次失败"),
        (0, 429, 3 * DAY, "对方要求到那时再来"),
        (0, 410, None, "已永久失效"),
    ],
)
def test_why_a_feed_that_failed_is_due(
    failures: int, status: int, retry_after: timedelta | None, said: str
) -> None:
    due = after_failure("feed", NOW, Wishes(), failures, status=status, retry_after=retry_after)
    assert due_words(due.reason) == said


def test_why_a_feed_with_a_new_address_is_due(site: Site) -> None:
    moved = (replace(FEEDS[0], urls=("https://other.example/rss",)), *FEEDS[1:])
    asyncio.run(site.store.write(polls.sync_feeds, moved, NOW))
    state = site.store.read_now(editions.feed_state, FEEDS[0].id)
    assert state is not None
    assert due_words(state.due_because) == "地址刚改过"


@pytest.mark.parametrize("because", ["", "ttl soon", "no hints, or so", "the ttl 60", "ttl 60 x"])
def test_what_is_not_known_in_full_is_not_half_translated(because: str) -> None:
    assert due_words(because) == ""
    assert verdict_words(because) == ""
