"""What the rest of the program says in English, the pages say in Chinese: every form of it."""

from __future__ import annotations

import pytest

from aggregator.core.faults import HINTS
from aggregator.core.model import BodyHistory, FullText
from aggregator.core.whole import judge_whole
from aggregator.web.wording import ADVICE, advice, due_words, error_words, verdict_words

LONG = "美国将于下周恢复会谈" * 40


def test_every_fault_that_has_a_hint_has_advice() -> None:
    assert ADVICE.keys() == HINTS.keys()


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
    ("because", "said"),
    [
        ("its address is new", "地址刚改过"),
        ("failure 12 in a row", "连续第 12 次失败"),
        ("3rd failure in a row", "连续第 3 次失败"),
        ("1st failure in a row, skipDays", "连续第 1 次失败，避开来源声明的 skipDays"),
        ("Retry-After", "对方要求到那时再来"),
        ("gone for good (410)", "已永久失效"),
        ("you asked for 90 min", "按配置每 90 分钟一次"),
        ("you asked for 5 min, interval_min is 15 min", "按配置每 5 分钟一次，最短间隔是 15 分钟"),
        ("you asked for 3 days, interval_max is 24 h", "按配置每 3 天一次，最长间隔是 24 小时"),
        ("fresh for 30 min by its server", "服务器说内容 30 分钟内不会变"),
        ("ttl 60", "来源声明的 ttl 是 60 分钟"),
        ("updatePeriod hourly", "来源声明每小时更新 1 次"),
        (
            "updatePeriod daily 4 times, skipHours",
            "来源声明每天更新 4 次，避开来源声明的 skipHours",
        ),
        ("about 1 entry a month", "平均每月约 1 条"),
        ("about 7 entries a week, an hour at least", "平均每周约 7 条，至少隔一小时"),
        ("quiet for 30 hours", "已有 30 小时没有新条目"),
        ("quiet for 3 weeks", "已有 3 周没有新条目"),
        ("no hints", "来源没有说明更新频率"),
        ("no validators", "每次都要下载全部内容，所以每天一次"),
        ("pushes arrive", "有推送，轮询只是补充"),
    ],
)
def test_why_a_poll_is_due(because: str, said: str) -> None:
    assert due_words(because) == said


@pytest.mark.parametrize("because", ["", "ttl soon", "no hints, or so", "the ttl 60", "ttl 60 x"])
def test_what_is_not_known_in_full_is_not_half_translated(because: str) -> None:
    assert due_words(because) == ""
    assert verdict_words(because) == ""
