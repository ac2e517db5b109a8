"""Do two articles tell of the same event?"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core import story_weights
from aggregator.core.story_counts import WordCounts
from aggregator.core.story_pairs import (
    FEATURES,
    chance,
    likeness,
    pair_features,
    pair_odds,
)
from aggregator.core.story_prints import StoryPrint, from_bytes, story_print, to_bytes
from aggregator.core.story_titles import (
    TITLE_FEATURES,
    missing_word,
    title_features,
    title_odds,
)

NOW = datetime(2026, 1, 30, 8, tzinfo=UTC)


def printed(title: str, text: str = "", feed: str = "a", hours: float = 0) -> StoryPrint:
    when = NOW + timedelta(hours=hours)
    return story_print(feed, when, title, text, WordCounts().idf)


QUAKE = printed(
    "日本北海道发生6.8级地震 暂无海啸预警",
    "据日本气象厅消息，当地时间30日下午，北海道十胜地区近海发生6.8级地震，震源深度60公里，"
    "目前没有海啸预警，暂无人员伤亡报告。",
)
QUAKE_TOO = printed(
    "北海道近海6.8级地震，多地震感强烈",
    "日本北海道十胜近海30日发生6.8级地震，札幌等多地震感强烈，新干线部分列车停运，气象厅称没有海啸危险。",
    "b",
    2,
)
CARS = printed(
    "小米汽车：上月交付新车超过39000辆",
    "小米汽车公布，2026年1月交付量超过39000辆，同比增长约七成，门店数量也增加了。",
    "c",
    2,
)
OTHER_CARS = printed(
    "蔚来汽车：上月交付新车27182辆",
    "蔚来汽车公布，2026年1月交付量为27182辆，同比增长约九成，门店数量也增加了。",
    "d",
    3,
)


def test_reports_of_one_event_are_likely_and_others_are_not() -> None:
    assert chance(pair_odds(QUAKE, QUAKE_TOO).event) > 0.9
    assert chance(pair_odds(QUAKE, QUAKE_TOO).story) > 0.9
    assert chance(pair_odds(QUAKE, CARS).event) < 0.01
    assert chance(pair_odds(QUAKE, CARS).story) < 0.1


def test_what_differs_in_subject_and_number_is_another_event() -> None:
    assert likeness(CARS, OTHER_CARS) > likeness(QUAKE, QUAKE_TOO) / 2
    features = dict(zip(FEATURES, pair_features(CARS, OTHER_CARS), strict=True))
    assert features["number_conflict"] == features["subject_conflict"] == 1
    same = printed("小米汽车：上月交付新车超过39000辆", OTHER_CARS.body, "d", 3)
    assert pair_odds(CARS, OTHER_CARS).event < pair_odds(CARS, same).event - 2


def test_what_is_far_apart_in_time_is_less_likely_one_event() -> None:
    later = printed("北海道近海6.8级地震，多地震感强烈", QUAKE_TOO.body, "b", 240)
    assert pair_odds(QUAKE, later).event < pair_odds(QUAKE, QUAKE_TOO).event


def test_without_text_headlines_must_agree_by_themselves() -> None:
    one, two = printed(QUAKE.title), printed("北海道近海6.8级地震，多地震感强烈", feed="b")
    assert pair_odds(one, two).event <= title_odds(title_features(one, two))
    said = printed("北海道6.8级地震死亡人数下降", feed="b"), printed("北海道6.8级地震死亡人数上升")
    assert pair_odds(*said).event == title_odds(title_features(*said))
    assert chance(pair_odds(one, printed("小米汽车交付新车", feed="b")).event) < 0.1


@pytest.mark.parametrize(
    ("word", "text", "title", "share"),
    [
        ("电动汽车", "电动车", "电动车", pytest.approx(1 / 3)),
        ("电动汽车", "某电动汽车厂", "", 1.0),
        ("伦交所", "x", "伦敦证交所", 0.75),
        ("伦交所", "x", "所在伦敦", 0.0),
        ("车", "车", "车", 0.0),
    ],
)
def test_a_missing_word_may_stand_there_in_part(
    word: str, text: str, title: str, share: float
) -> None:
    assert missing_word(word, text, title) == share


@given(st.text("日本北a", min_size=1, max_size=3), st.text("日本北a", max_size=9))
def test_a_word_that_stands_in_the_title_is_not_missing(word: str, title: str) -> None:
    assert (missing_word(word, title, title) == 1) == (word in title and len(word) > 1) or (
        len(word) == 3 and word[:2] in title and word[1:] in title
    )


def told(a: str, b: str) -> dict[str, float]:
    return dict(zip(TITLE_FEATURES, title_features(printed(a), printed(b)), strict=True))


def test_indices_and_metals_are_known_by_all_their_names() -> None:
    same = told("纳斯达克综合指数跌1%", "纳指跌2%")
    assert (same["quotes_share"], same["quotes_conflict"], same["lead"]) == (1, 0, 1)
    other = told("沪锡主力合约涨超4%", "沪银主力合约涨超4%")
    assert (other["quotes_share"], other["quotes_conflict"], other["lead"]) == (0, 1, 0)
    some = told("现货黄金、白银下跌", "沪银跌超3%")
    assert (some["quotes_share"], some["quotes_conflict"], some["lead"]) == (1, 0, 0.5)
    assert told("小米汽车交付新车", "蔚来汽车交付新车")["quotes_conflict"] == 0


def test_whom_a_title_begins_with_is_looked_for_in_the_other() -> None:
    assert told("小米汽车交付新车", "上月交付最多的是小米")["lead"] == 0.5
    assert told("小米汽车交付新车", "小米交付最多")["lead"] == 1
    assert told("小米汽车交付新车", "蔚来汽车交付新车")["lead"] == 0


@pytest.mark.parametrize(
    ("a", "b", "conflict"),
    [
        ("交付27182辆", "交付32059辆", 1),
        ("交付27182辆", "交付27,182辆", 0),
        ("跌1%", "跌2%", 0),  # still falling
        ("死亡36人", "死亡39人", 0),
        ("2026年的新车", "2025年的新车", 0),
        ("跌破5000点", "跌破4000点", 0),  # round
        ("占49.3", "占49.4", 1),
    ],
)
def test_only_exact_amounts_tell_events_apart(a: str, b: str, conflict: int) -> None:
    assert told(a, b)["amount_conflict"] == conflict


def test_the_opening_of_a_market_is_not_its_close() -> None:
    assert told("商品期货夜盘开盘", "商品期货夜盘收盘")["open_close"] == 1
    assert told("美股盘前下跌", "美股收跌")["open_close"] == 1
    assert told("美股盘前下跌", "美股开盘下跌")["open_close"] == 0
    assert told("美股开盘下跌", "美股下跌")["open_close"] == 0


def test_letters_are_counted_once_and_digits_never() -> None:
    one = told("北海道地震震感6.8", "北海道6.8")
    assert (one["letters_min"], one["letters_max"]) == (pytest.approx(3 / 6), 1)


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("美联储宣布维持利率不变", "美联储维持利率不变，符合预期", True),
        ("小鹏机器人首秀摔倒，何小鹏回应", "何小鹏回应机器人首秀摔倒", True),
        ("NVIDIA投资OpenAI千亿美元", "英伟达将投资OpenAI", True),
        ("国内商品期货夜盘收盘", "国内商品期货开盘，沪银跌", False),
        ("沪铝主力合约涨超4%", "沪镍主力合约跌超3%", False),
        ("蔚来：1月交付27182台，同比增长96.1%", "理想汽车：1月交付27668辆汽车", False),
    ],
)
def test_headlines_of_one_event_are_likelier_than_not(a: str, b: str, same: bool) -> None:
    assert (title_odds(title_features(printed(a), printed(b))) > 0) is same


def test_every_feature_has_a_weight() -> None:
    assert set(story_weights.EVENT_WEIGHTS) == set(story_weights.STORY_WEIGHTS) == set(FEATURES)
    assert set(story_weights.TITLES_WEIGHTS) == set(TITLE_FEATURES)


PRINTS = st.builds(
    printed,
    st.text(st.sampled_from("日本北海道地震6.8级，：“”早盘涨跌 a1"), max_size=30),
    st.text(st.sampled_from("日本北海道地震汽车交付30日"), max_size=60),
    st.sampled_from("ab"),
    st.floats(0, 500),
)


@given(PRINTS, PRINTS)
def test_odds_are_the_same_either_way_round_and_once_stored(a: StoryPrint, b: StoryPrint) -> None:
    odds = pair_odds(a, b)
    assert pair_odds(b, a) == odds
    assert pair_odds(from_bytes(to_bytes(a)), from_bytes(to_bytes(b))) == odds
    assert math.isfinite(odds.event)
    assert math.isfinite(odds.story)
    assert 0 < chance(odds.event) < 1
    assert all(math.isfinite(one) for one in pair_features(a, b))
    assert title_features(a, b) == title_features(b, a)
