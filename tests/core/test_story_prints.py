"""What is kept of an article, the words it is found by, and how rare they were."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core import story_counts
from aggregator.core.story_counts import NOTHING, CountsState, WordCounts
from aggregator.core.story_prints import (
    BODY,
    StoryPrint,
    bare_title,
    from_bytes,
    heaviest,
    story_draft,
    story_print,
    to_bytes,
    unlabelled,
    weighed,
)
from aggregator.core.words import names, words

NOW = datetime(2026, 1, 30, 8, tzinfo=UTC)


def printed(title: str, text: str = "", counts: WordCounts | None = None) -> StoryPrint:
    return story_print("f", NOW, title, text, (counts or WordCounts()).idf)


def test_words_are_those_that_tell() -> None:
    assert words("在北京 会见 的 12.65亿元 nato") == ["北京", "会见", "亿元", "nato"]
    assert words("") == []


def test_names_are_people_places_and_organisations() -> None:
    found = names("国务院总理李强在北京说,12点吃饭")
    assert {"国务院", "李强", "北京"} <= set(found)
    assert "吃饭" not in found


@pytest.mark.parametrize(
    ("title", "bare"),
    [
        ("新华鲜报丨日本北海道发生地震", "日本北海道发生地震"),
        ("【特稿】日本北海道發生地震", "日本北海道发生地震"),
        ("财联社1月30日电，日本北海道发生地震", "日本北海道发生地震"),
        ("03版 - 日本北海道发生地震", "日本北海道发生地震"),
        ("快讯：日本地震", "快讯:日本地震"),  # too little would be left
        ("Quake hits Japan - January 30, 2026", "quake hits japan"),
    ],
)
def test_labels_and_dates_are_no_part_of_a_title(title: str, bare: str) -> None:
    assert bare_title(title) == bare


def test_a_title_without_its_label_is_as_written() -> None:
    assert unlabelled("新华鲜报｜日本北海道發生地震") == "日本北海道發生地震"
    assert unlabelled("日本北海道：發生地震") == "日本北海道：發生地震"


def test_a_print_reads_numbers_days_names_subject_session_and_direction() -> None:
    one = printed("小米汽车：1月30日交付“YU7”超39,000辆，同比增长7.50%", "31日，公司说。")
    assert one.numbers == {"39000", "7.5%", "7"}  # 7 of YU7
    assert one.days == {"30", "31"}
    assert one.names == {"yu7"}
    assert (one.subject, one.has_subject) == ("小米汽车", True)
    assert (one.session, one.direction) == ("", 1)
    two = printed("沪指午盘跌1%")
    assert (two.session, two.direction, two.has_subject) == ("noon", -1, False)


def test_traditional_and_full_width_letters_make_the_same_print() -> None:
    one = printed("日本北海道發生６.８級地震", "據日本氣象廳，沒有海嘯。")
    assert one == printed("日本北海道发生6.8级地震", "据日本气象厅，没有海啸。")


def test_a_title_names_what_is_quoted() -> None:
    assert printed("沪铜、纽铜与现货金银走高，纳斯达克综合指数跌").quotes == (
        "copper",
        "gold",
        "silver",
        "nasdaq",
    )
    assert printed("纳斯达克中国金龙指数跌").quotes == ("dragon",)
    assert printed("甘肃白银市发生地震，黄金周结束，她夺得铜牌").quotes == ()


def test_grams_are_pairs_and_triples_of_which_equal_ones_are_kept_once() -> None:
    one, two = printed("海道地").grams, printed("北海道地").grams
    assert one == {"海道", "道地", "海道地"}
    assert {id(gram) for gram in one} < {id(gram) for gram in two}


def test_words_of_the_title_come_first_and_count_for_two() -> None:
    one = printed("日本北海道地震", "气象厅说地震无海啸")
    assert list(one.title_words) == ["日本", "北海道", "地震"]
    assert [one.counts[word] for word in ("日本", "地震", "海啸")] == [2, 3, 1]


def test_only_the_beginning_of_a_text_is_read() -> None:
    start = "地震" * (BODY // 2)
    assert printed("题目", start) == printed("题目", start + "x" * 200 + "海啸" * 9999)


def test_times_are_in_utc() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=8)))
    made = story_print("f", there, "a", "", len)
    assert made.published == NOW
    assert made.published.tzinfo is UTC


def test_it_is_found_by_its_rarest_words_first() -> None:
    counts = WordCounts()
    for _ in range(50):
        counts.learn(["日本", "发生"])
    found = heaviest(printed("日本北海道发生地震", counts=counts))
    assert set(found[:2]) == {"北海道", "地震"}
    assert set(found) == {"北海道", "地震", "日本", "发生"}


def test_a_draft_made_in_another_process_is_weighed_by_what_is_known_when_it_comes_back() -> None:
    text = "气象厅说，地震没有引发海啸。"
    draft = story_draft("f", NOW, "日本北海道发生地震", text)
    counts = WordCounts()
    for _ in range(50):
        counts.learn(draft.counts)
    made = weighed(pickle.loads(pickle.dumps(draft)), counts.idf)
    assert made == printed("日本北海道发生地震", text, counts)
    assert made != weighed(draft, WordCounts().idf)
    assert made.idf["地震"] == round(counts.idf("地震"), 3)


def test_pairs_and_triples_are_of_the_title_and_the_first_150_letters() -> None:
    one = printed("日本地震", "海啸。" + "x" * 148 + "末尾")
    assert {"日本", "日本地", "震海啸", "xx", "xxx"} <= one.grams
    assert "x末" not in one.grams
    assert printed("震").grams == frozenset()


TEXTS = st.text(max_size=80) | st.text(
    st.sampled_from("日本北海道地震6.8级，：“”丨\n a1"), max_size=80
)
TIMES = st.timedeltas(timedelta(-9999), timedelta(9999)).map(lambda since: NOW + since)


@given(TIMES, TEXTS, TEXTS)
def test_a_stored_print_is_the_same(when: datetime, title: str, text: str) -> None:
    one = story_print("f", when, title, text, WordCounts().idf)
    again = from_bytes(to_bytes(one))
    assert again == one
    assert again.grams == one.grams
    # sums are in the order of the words
    assert list(again.words.items()) == list(one.words.items())
    assert list(again.title_words) == list(one.title_words)


def test_a_print_takes_about_a_kilobyte() -> None:
    text = "".join(chr(0x4E00 + 37 * at % 3000) for at in range(BODY))
    assert len(to_bytes(printed("日本北海道发生地震", text))) < 4000


@pytest.mark.parametrize("stored", [b"", b"x", to_bytes(printed("a"))[:-9]])
def test_other_bytes_are_no_print(stored: bytes) -> None:
    with pytest.raises(ValueError, match="make it again"):
        from_bytes(stored)
    with pytest.raises(ValueError, match="learn them again"):
        CountsState.from_bytes(stored)


# --- how rare words are --------------------------------------------------------------------------


def test_a_word_is_the_rarer_the_fewer_articles_have_it() -> None:
    counts = WordCounts()
    for _ in range(9):
        counts.learn(["常见", "常见", "少见"])
    counts.learn(["常见"])
    assert 0 < counts.idf("常见") < counts.idf("少见") < counts.idf("没见过")
    assert counts.state() == CountsState(10, 10, {"常见": 10, "少见": 9})


LEARNT = st.lists(st.lists(st.sampled_from(["a", "b", "c", "d"])), max_size=30)


@given(LEARNT, LEARNT)
def test_counts_go_on_where_they_were_stored(
    before: list[list[str]], after: list[list[str]]
) -> None:
    straight, first = WordCounts(), WordCounts()
    for article in before:
        straight.learn(article)
        first.learn(article)
    second = WordCounts(CountsState.from_bytes(first.state().to_bytes()))
    for article in after:
        straight.learn(article)
        second.learn(article)
    assert second.state() == straight.state()
    assert second.learnt == len(before) + len(after)


def test_words_seen_once_are_dropped_in_time_and_counts_are_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts = WordCounts(NOTHING)
    for at in range(story_counts.PRUNED_EVERY):
        counts.learn(["每天", f"只有{at}"])
    assert counts.state().seen == {"每天": story_counts.PRUNED_EVERY}
    monkeypatch.setattr(story_counts, "HALVED_AT", story_counts.PRUNED_EVERY + 1)
    before = counts.idf("每天")
    counts.learn(["每天"])
    half = (story_counts.PRUNED_EVERY + 1) // 2
    assert counts.state() == CountsState(half, story_counts.PRUNED_EVERY + 1, {"每天": half})
    assert counts.idf("每天") > before
