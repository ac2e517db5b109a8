"""What a page and a feed show of a story."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.story_counts import WordCounts
from aggregator.core.story_prints import story_print
from aggregator.core.story_view import Member, OutletReports, WireCopy, lead_of, story_view

NOW = datetime(2026, 1, 30, 8, tzinfo=UTC)


def member(
    article: str,
    outlet: str,
    title: str,
    text: str,
    hours: float,
    copy_of: str = "",
    because: str = "",
) -> Member:
    when = NOW + timedelta(hours=hours)
    made = story_print(outlet, when, title, text, WordCounts().idf)
    return Member(article, outlet, title, text, when, made, copy_of, because)


FLASH = member("a", "快报", "快讯：北海道发生6.8级地震", "北海道发生6.8级地震。", 0)
WIRE = member(
    "b",
    "人民网",
    "日本北海道发生6.8级地震",
    "新华社东京1月30日电 日本北海道发生6.8级地震，震源深度60公里。气象厅说没有海啸。",
    1,
)
WHOLE = member(
    "c",
    "联合早报",
    "北海道6.8级地震，新干线停运",
    "日本北海道发生6.8级地震，震源深度60公里，气象厅说没有海啸。札幌震感强烈，札幌新干线停运，1,200名旅客滞留。"
    "札幌市长秋元克广说：“目前没有接到人员伤亡的报告。”" * 9,
    3,
    because="a",
)
COPY = member("d", "镜报", WIRE.title, WIRE.text, 4, copy_of="b")
ALL = [WHOLE, COPY, FLASH, WIRE]


def test_the_lead_is_whole_and_no_copy_and_gives_the_headline() -> None:
    view = story_view(ALL)
    assert (view.lead, view.headline) == ("c", WHOLE.title)
    assert (view.first_report, view.began, view.latest) == ("a", FLASH.published, COPY.published)
    only_copies = story_view([WIRE, COPY])
    assert only_copies.lead == "b"
    assert (lead_of(ALL), lead_of([COPY, WIRE])) == ("c", "b")
    short = member("s", "镜报", "地震", "新华社东京1月30日电 地震。", 0)
    assert story_view([short, WIRE, COPY]).lead == "b"
    assert story_view([FLASH]).headline == "北海道发生6.8级地震"


def test_outlets_are_in_the_order_of_their_first_report() -> None:
    again = member("e", "快报", "北海道地震后续", "新干线恢复。", 9)
    assert story_view([again, *ALL]).outlets == (
        OutletReports("快报", FLASH.published, ("a", "e")),
        OutletReports("人民网", WIRE.published, ("b",)),
        OutletReports("联合早报", WHOLE.published, ("c",)),
        OutletReports("镜报", COPY.published, ("d",)),
    )


def test_copies_of_agencies_and_of_articles_are_marked() -> None:
    assert story_view(ALL).wire_copies == (
        WireCopy("b", "新华社", ""),
        WireCopy("d", "新华社", "b"),
    )
    own = member("x", "新华社", WIRE.title, WIRE.text, 0)
    cited = member("y", "镜报", "地震", "据新华社报道，北海道发生地震。" * 5, 0)
    source = member("z", "镜报", "地震", "北海道发生地震。" * 30 + "（来源：路透社）", 0)
    english = member("w", "Daily", "Quake", "TOKYO (Reuters) - A quake hit Hokkaido.", 0)
    assert story_view([own, cited, source, english]).wire_copies == (
        WireCopy("w", "reuters", ""),
        WireCopy("z", "路透社", ""),
    )


def test_what_only_one_outlet_has_is_shown() -> None:
    (only,) = (one for one in story_view(ALL).only_here if one.outlet == "联合早报")
    assert "札幌" in only.names
    assert only.numbers == ("1,200名",)
    assert only.quotes == ("目前没有接到人员伤亡的报告。",)


def test_the_same_number_and_quote_written_otherwise_are_no_ones_own() -> None:
    other = member(
        "e",
        "镜报",
        "地震",
        "1200人在札幌滞留。市长表示「目前没有接到，人員傷亡的報告」，札幌震感強烈。",
        5,
    )
    (only,) = (one for one in story_view([WHOLE, other]).only_here if one.outlet == "联合早报")
    assert only.numbers == ("6.8级", "60公里")
    assert only.quotes == ()


def test_one_outlet_has_nothing_to_itself() -> None:
    assert story_view([WHOLE]).only_here == ()


def test_each_article_says_why_it_belongs() -> None:
    why = {one.article: one for one in story_view(ALL).why}
    assert list(why) == ["a", "b", "c", "d"]
    assert why["c"].line == "主报道"
    assert why["d"].line == "与《日本北海道发生6.8级地震》同文"
    assert why["b"].like == "c"
    assert "北海道" in why["b"].words
    assert why["b"].numbers == ("6.8",)
    assert why["b"].line.endswith("数字相同：6.8；相隔2小时")
    lead = story_view([WHOLE, FLASH, member("f", "x", WIRE.title, "x", 60, because="a")])
    assert {one.article: one.like for one in lead.why}["f"] == "a"
    assert next(one for one in lead.why if one.article == "f").line.endswith("相隔2天")


def test_a_story_without_articles_is_refused() -> None:
    with pytest.raises(ValueError, match="without articles"):
        story_view([])


@given(st.permutations(ALL))
def test_the_view_does_not_depend_on_the_order(order: Sequence[Member]) -> None:
    assert story_view(order) == story_view(ALL)


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=60), st.sampled_from("xyz"))))
def test_any_text_has_a_view(rows: list[tuple[str, str, str]]) -> None:
    members = [
        member(f"a{at}", outlet, title, text, at) for at, (title, text, outlet) in enumerate(rows)
    ]
    if members:
        view = story_view(members)
        assert {one.article for one in view.why} == {one.article for one in members}
        assert all(one.line for one in view.why)
