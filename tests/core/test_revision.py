"""How much was changed, and what is no revision at all."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.revision import Change, change, is_revision
from aggregator.core.text import fold, letters

NEWS = "塔利班代表团在天津会见了中方官员。双方谈到边境贸易！会谈将在多哈继续。"


@pytest.mark.parametrize(
    ("before", "after", "size"),
    [
        ("死亡人数升至5人。救援继续。", "死亡人数升至17人。救援继续。", Change(2, 1)),
        (NEWS, NEWS + "记者王晓报道。", Change(6, 0)),
        (NEWS, NEWS.replace("双方谈到边境贸易！", ""), Change(0, 8)),
        ("甲乙。丙丁。戊己。", "甲乙。戊己。丙丁。", Change(0, 0)),
        ("甲乙，丙丁。", "甲乙。丙丁", Change(0, 0)),
        ("發生地震。", "发生地震", Change(0, 0)),
        ("", "甲乙", Change(2, 0)),
        ("甲。乙。乙。", "甲。乙。", Change(0, 1)),
        ("甲一。丙。乙一。", "甲二。丙。乙二。", Change(2, 2)),
        ("开头一。中间。结尾一。", "开头二。中间。结尾二。加了一句。", Change(6, 2)),
        (
            "Rates rose 3.5 percent. Shares fell.",
            "Rates rose 3.6 percent. Shares fell.",
            Change(1, 1),
        ),
    ],
)
def test_the_size_of_a_change_is_what_was_added_and_removed(
    before: str, after: str, size: Change
) -> None:
    assert change(before, after) == size


TEXTS = st.text(st.sampled_from("甲乙丙aB1 。.!\n，"), max_size=40) | st.text(max_size=40)


@given(TEXTS)
def test_the_same_text_has_not_changed(text: str) -> None:
    assert change(text, text) == Change(0, 0)
    assert not is_revision(text, text, text, text)


@given(TEXTS, TEXTS)
def test_what_is_added_one_way_is_removed_the_other(before: str, after: str) -> None:
    found, back = change(before, after), change(after, before)
    assert (found.added, found.removed) == (back.removed, back.added)


@given(TEXTS, TEXTS)
def test_no_more_changes_than_there_is(before: str, after: str) -> None:
    found = change(before, after)
    old, new = len(letters(fold(before))), len(letters(fold(after)))
    assert 0 <= found.added <= new
    assert 0 <= found.removed <= old
    assert found.added - found.removed == new - old


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("甲" * 500_000 + "乙" * 500_000, "甲" * 500_000 + "丙" + "乙" * 500_000),
        ("甲。" * 300_000, "乙。" * 300_000),
        (
            "".join(f"第{n}句。" for n in range(150_000)),
            "".join(f"第{n}行。" for n in range(150_000)),
        ),
    ],
    ids=["one sentence", "all the same", "all different"],
)
def test_a_megabyte_is_compared_in_time(before: str, after: str) -> None:
    begun = time.process_time()
    assert change(before, after).added > 0
    assert time.process_time() - begun < 5


BODY = f"<p>{NEWS}</p>" * 12 + "<p>{}</p>"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("更新时间：2021-08-15 10:20", "更新时间：2021-08-16 08:00"),
        ("更新于 2021年8月15日 10:20", "更新于 2021年8月15日 11:05"),
        ("Updated: 15 August 2021", "Updated: August 16, 2021 at 9:30 am GMT"),
        ("(责任编辑：张三)", "（责任编辑：李四 王五）"),
        ("（责任编辑：张三）", ""),
        ("浏览次数：123", "浏览次数：1.2万"),
        ("阅读 123", "阅读 4,567"),
        ("阅读（1.2万）", "阅读（3万）"),
        ("来源：新华社 2021-08-15 10:20", "来源：新华社 2021-08-15 12:40"),
        ("来源：新华社 | 2021-08-15 10:20 | 评论：3", "来源：新华社"),
        ("<span>发布时间：</span><span>2021-08-15</span>", "<span>发布时间：</span>2021-08-16"),
        ("3小时前", "1天前"),
        ("更新：3小时前", ""),
        ("完", "<b>完</b>。"),
        ("發生", "发生"),
    ],
)
def test_what_moves_by_itself_is_no_revision(old: str, new: str) -> None:
    assert not is_revision("标题", BODY.format(old), "标 题！", BODY.format(new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("死亡人数升至5人。", "死亡人数升至17人。"),
        ("会谈将于2021-08-15 10:20举行", "会谈将于2021-08-16 10:20举行"),
        ("本法最后更新于2021年8月15日", "本法最后更新于2021年8月16日"),
        (
            "The law was last updated on 15 August 2021.",
            "The law was last updated on 16 July 2021.",
        ),
        ("时间：8月15日 15:00", "时间：8月16日 15:00"),
        ("来源：新华社 2021-08-15 10:20", "来源：路透社 2021-08-15 10:20"),
        ("编辑：他说会谈很好，明天还要谈。", "编辑：他说会谈不好，明天不再谈。"),
        ("评论 5 篇文章", "评论 6 篇文章"),
        ("<td>5</td>", "<td>17</td>"),
        ("", "更正：上文有误。"),
    ],
)
def test_what_the_text_says_is_a_revision(old: str, new: str) -> None:
    assert is_revision("标题", BODY.format(old), "标题", BODY.format(new))


def test_another_title_is_a_revision() -> None:
    assert is_revision("标题", BODY, "标题二", BODY)


def test_hostile_lines_are_read_in_time() -> None:
    lines = ("来源：" + "1 " * 20 + "更新" * 9 + "\n") * 4000 + "更新：" * 90_000 + "2021-" * 90_000
    begun = time.process_time()
    assert not is_revision("", lines, "", lines + " ")
    assert time.process_time() - begun < 5
