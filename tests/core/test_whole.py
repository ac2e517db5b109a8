from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.core.clean import clean_body
from aggregator.core.model import BodyHistory, FullText
from aggregator.core.whole import NO_HISTORY, is_cut, judge_whole
from tests.reading import seed_body, seeds

SENTENCE = "会谈在多哈举行，各方就局势交换了意见。"
LONG = "".join(f"<p>{SENTENCE * 5}</p>" for _ in range(6))


def judge(html: str, full_text: FullText = "auto", history: BodyHistory = NO_HISTORY) -> bool:
    cleaned = clean_body(html, "https://news.example.org/")
    whole = judge_whole(cleaned.html, cleaned.text, full_text, history)
    assert whole.reason
    return whole.whole


@pytest.mark.parametrize("seed", seeds(), ids=lambda seed: seed.name[:3])
def test_a_full_body_is_the_whole_text(seed: Path) -> None:
    assert judge(seed_body(seed))


@pytest.mark.parametrize(
    "end",
    [
        "<p>会谈在多哈...more</p>",
        "<p>会谈在多哈 […]</p>",
        "<p>会谈 [...]</p>",
        "<p>会谈。</p><p><a href='/x'>阅读全文</a></p>",
        "<p>会谈。<a href='/x'>查看更多 »</a></p>",
        "<p>Talks. <a href='/x'>Read more</a></p>",
        "<p><a href='/x'>Continue reading Talks →</a></p>",
        "<p>Talks […]</p><p>The post <a href='/x'>Talks</a> appeared first on <a>Daily</a>.</p>",
    ],
)
def test_an_end_that_promises_more_is_a_part(end: str) -> None:
    assert not judge(LONG + end)


@pytest.mark.parametrize(
    "end",
    ["<p>他说：“我们会等下去……</p>", "<p>她最喜欢的事是阅读</p>", "<p>He wants to know more</p>"],
)
def test_an_ordinary_end_of_a_long_text_is_whole(end: str) -> None:
    assert judge(LONG + end)


def test_a_short_single_paragraph_is_a_summary() -> None:
    assert not judge(f"<p>{SENTENCE * 4}</p>")
    assert not judge("<p>" + "The talks were held in Doha. " * 12 + "</p>")
    assert not judge(f"<p>{SENTENCE * 2}</p><p>{SENTENCE}……</p>")


def test_a_long_single_paragraph_and_a_short_text_of_several_are_whole() -> None:
    assert judge(f"<p>{SENTENCE * 20}</p>")
    assert judge("<p>" + "The talks were held in Doha. " * 60 + "</p>")
    assert judge(f"<p>{SENTENCE * 2}</p><p>{SENTENCE * 2}</p>")


def test_settings_overrule_what_it_looks_like() -> None:
    assert judge("<p>短。</p>", "feed")
    assert not judge(LONG, "page")


def test_nothing_is_no_whole_text_but_a_picture_may_be() -> None:
    assert not judge("")
    assert not judge("", "feed")
    assert not judge("<img src='/a.jpg'>")
    assert judge("<img src='/a.jpg'>", "feed")


NOTICE = f"<p>{SENTENCE * 4}</p>"
"""One short paragraph: a summary, or all there is."""
LEADS = f"<p>{SENTENCE * 2}</p><p>{SENTENCE * 2}</p>"
"""Two paragraphs: whole, or the beginning of a text."""


def test_a_feed_whose_bodies_were_always_whole_is_believed() -> None:
    assert not judge(NOTICE, history=BodyHistory(whole=4))
    assert judge(NOTICE, history=BodyHistory(whole=5))
    assert judge(NOTICE, history=BodyHistory(whole=9, cut=1))
    assert not judge(NOTICE, history=BodyHistory(whole=3, cut=2))


def test_a_feed_whose_bodies_were_always_cut_is_not_believed() -> None:
    assert judge(LEADS, history=BodyHistory(cut=4))
    assert not judge(LEADS, history=BodyHistory(cut=5))
    assert judge(LEADS, history=BodyHistory(whole=3, cut=2))
    assert judge(LONG * 3, history=BodyHistory(cut=5)), "so long a text is no summary"


def test_what_a_body_says_of_itself_weighs_more_than_history() -> None:
    believed = BodyHistory(whole=30)
    assert not judge(LONG + "<p>会谈在多哈 […]</p>", history=believed)
    assert not judge(f"<p>{SENTENCE * 3}会谈……</p>", history=believed)
    assert not judge("<p>会谈开始。</p>", history=believed)
    assert judge(LONG, "feed", BodyHistory(cut=30))


def test_a_body_is_cut_where_its_page_has_clearly_more() -> None:
    assert is_cut(200, 1000)
    assert not is_cut(1000, 1000)
    assert not is_cut(1000, 1150), "captions and credits"
    assert not is_cut(100, 150)
    assert not is_cut(1000, 200)
