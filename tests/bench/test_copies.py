"""What bench.copies measures, on few articles: chosen limits, the index, changed articles."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.core.copy_evidence import (
    compare,
)
from bench.copies import (
    UNTOUCHED,
    Index,
    Judged,
    changed_articles,
    cross_validate,
    learn_boilerplate,
    text_of,
)
from bench.labelled import Item
from bench.perturb import CHANGES, Source

TEXT = (
    "喀布尔国际机场自2月3日起重新接待国际航班，首批航班来自多哈、伊斯坦布尔和迪拜，每周共12班。"
    "该部门负责人在记者会上说，跑道和导航设备的修复工作已经全部结束，票价将在两周之内公布。"
)
OTHER = (
    "旅行社的电话响个不停，许多在外的侨民说他们等这一天已经等了很久，准备春天带孩子回乡探亲；"
    "也有人担心冬季的大雾，打算先看几个月再作决定，药品与医护人员则可以更快到达南部各省。"
)


def test_a_wrong_one_and_a_missed_one_count() -> None:
    judged = Judged(right=3, wrong=1, missed=2)
    assert (judged.precision, judged.recall) == (0.75, 0.6)
    assert judged.f1 == pytest.approx(2 / 3)


def test_every_pair_is_judged_once_by_limits_chosen_from_the_others() -> None:
    same = compare(text_of(item(TEXT, "a")), text_of(item(TEXT, "b")))
    different = compare(text_of(item(TEXT, "a")), text_of(item(OTHER, "c")))
    pairs = [(True, same)] * 7 + [(False, different)] * 6 + [(True, different)]
    assert cross_validate(pairs, 0) == Judged(right=7, wrong=0, missed=1)


def test_the_index_finds_copies_and_nothing_else() -> None:
    index = Index()
    for each in (item(TEXT, "a"), item(OTHER, "c")):
        index.add(text_of(each))
    assert index.duplicates(text_of(item(f"来源：西方日报\n{TEXT}", "b"))) == {"a"}
    assert index.duplicates(text_of(item("无关的一条短讯。" * 9, "d"))) == set()


def test_what_a_feed_repeats_is_learnt_from_it() -> None:
    footer = "版权声明：本文为本站原创，未经授权不得转载、摘编或以其它方式使用。"
    days = [
        item(f"第{at}天的新闻写的是完全不同的另外一件事情。\n{footer}", str(at), at)
        for at in range(12)
    ]
    learnt = learn_boilerplate(days)
    assert set(learnt) == {"f"}
    assert text_of(days[0], learnt["f"]).body != text_of(days[0]).body


def test_each_change_is_looked_for_and_a_copy_within_the_base_is_a_false_match() -> None:
    items = {each.id: each for each in (item(TEXT, "a"), item(TEXT, "b"), item(OTHER, "c"))}
    found = changed_articles(items, ["a", "b"], ["header", "summary"])
    assert list(found) == [UNTOUCHED, "header", "summary"]
    assert found["header"].recall == 1.0
    assert found["header"].wrong == ["a", "b"]  # which are no distinct articles
    alone = changed_articles(items, ["a"], ["header"])
    assert (alone["header"].recall, alone["header"].wrong) == (1.0, [])


def item(text: str, id_: str = "a", day: int = 0) -> Item:
    published = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
    return Item(id_, "f", f"outlet of {id_}", f"https://example.org/{id_}", "标题", text, published)


@pytest.mark.parametrize("name", sorted(set(CHANGES) - {"and back"}))
def test_every_change_changes_the_text_and_does_so_alike_in_every_run(name: str) -> None:
    first, second = (
        CHANGES[name](item(TEXT * 4), Source(random.Random(1), "的一是在", [OTHER]))
        for _ in range(2)
    )
    assert first == second
    assert first.text != TEXT * 4
