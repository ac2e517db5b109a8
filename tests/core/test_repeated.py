"""Boilerplate learnt from a feed: what comes again over days, and nothing of the news."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.repeated import (
    FORGOTTEN,
    WINDOW,
    FeedSentences,
    SentenceCount,
    accumulate,
    accumulate_all,
    boilerplate,
    countable,
    halved,
    is_boilerplate,
    letters_of,
    letters_without,
    once_more,
    sentence_hash,
    sentences,
)

FOOTER = "本文来自某某网，未经授权不得转载"
EVENT = "地震造成至少三人死亡，救援仍在进行"


def article(number: int, *more: str) -> frozenset[int]:
    return countable("\n".join([f"第{number}篇报道所说的事情各不相同。", *more]))


def learnt(*days: int, sentence: str = FOOTER, beside: int = 0) -> frozenset[int]:
    """The boilerplate of a feed with an article that has the sentence on each of the days."""
    having = [(day, article(number, sentence)) for number, day in enumerate(days)]
    others = [(1, article(1000 + number)) for number in range(beside)]
    return boilerplate(accumulate_all(FeedSentences(), [*having, *others]))


def test_a_sentence_under_every_article_is_boilerplate() -> None:
    assert learnt(1, 1, 2, 2, 3) == countable(FOOTER)


def test_four_times_or_two_days_are_too_few() -> None:
    assert learnt(1, 2, 3, 4) == frozenset()
    assert learnt(1, 1, 1, 1, 2, 2, 2, 2, sentence=EVENT) == frozenset()


def test_a_fifth_of_the_articles_have_it() -> None:
    assert learnt(*range(10), beside=40) == countable(FOOTER)
    assert learnt(*range(10), beside=41) == frozenset()


def test_twice_in_one_article_counts_once() -> None:
    twice = f"{FOOTER}\n{FOOTER}"
    known = accumulate_all(FeedSentences(), [(day, countable(twice)) for day in range(4)])
    assert boilerplate(known) == frozenset()
    assert known.counts[sentence_hash(sentences(FOOTER)[0])].times == 4


def test_a_changed_footer_is_learnt_however_old_the_feed_and_the_old_one_forgotten() -> None:
    old, new = "旧的版权声明在这里", "新的版权声明在这里"
    known = FeedSentences()
    for number in range(1000):
        known = accumulate(known, number // 20, article(number, old))
    assert boilerplate(known) == countable(old)
    for number in range(1000, 1060):
        known = accumulate(known, number // 20, article(number, new))
    assert countable(new) <= boilerplate(known)
    for number in range(1060, 1800):
        known = accumulate(known, number // 20, article(number, new))
    assert boilerplate(known) == countable(new)


def test_what_is_remembered_is_bounded() -> None:
    known = FeedSentences()
    for number in range(5 * WINDOW):
        known = accumulate(known, number, article(number, FOOTER))
        assert known.articles < WINDOW
        assert len(known.counts) <= WINDOW + 1
        assert all(len(count.days) <= 3 for count in known.counts.values())


def test_the_letters_are_those_of_the_rest() -> None:
    text = f"喀布尔机场恢复航班。{FOOTER}。\n他说：好。"
    assert letters_without(text, countable(FOOTER)) == "喀布尔机场恢复航班他说好"
    assert (
        letters_without(text, frozenset())
        == "喀布尔机场恢复航班本文来自某某网未经授权不得转载他说好"
    )
    assert letters_without(FOOTER, countable(FOOTER)) == "本文来自某某网未经授权不得转载"


def test_script_and_width_of_a_footer_do_not_matter() -> None:
    assert countable("未經授權，不得轉載！") == countable("未经授权, 不得转载。")


def test_numbers_and_addresses_end_no_sentence() -> None:
    assert sentences("同比增长3.5%。见www.example.org/a.html\nEnd here. Next") == (
        "同比增长35",
        "见wwwexampleorgahtml",
        "endhere",
        "next",
    )


def test_statements_of_a_script_are_no_sentences() -> None:
    text = (
        "本报北京电。function show(a, b) { var metas = document.getElementsByTagName('meta'); "
        "if (x >= 0) { y = s.substring(0, 4); } }\n"
        "程序员谈 i == 0 的写法。Sales (in Asia) rose; good."
    )
    assert sentences(text) == ("本报北京电", "程序员谈i0的写法", "salesinasiarose", "good")


def test_a_count_keeps_the_first_three_days_and_every_time() -> None:
    count = once_more(None, 7)
    assert count == SentenceCount(1, (7,))
    for day in (7, 9, 8, 10, 11):
        count = once_more(count, day)
    assert count == SentenceCount(6, (7, 9, 8))


def test_a_count_is_boilerplate_by_its_times_days_and_the_articles_of_its_feed() -> None:
    assert is_boilerplate(SentenceCount(5, (1, 2, 3)), 25)
    assert not is_boilerplate(SentenceCount(5, (1, 2, 3)), 26)
    assert not is_boilerplate(SentenceCount(4, (1, 2, 3)), 4)
    assert not is_boilerplate(SentenceCount(99, (1, 2)), 99)


def test_halving_forgets_what_was_rare() -> None:
    rare, often = SentenceCount(9, (1,)), SentenceCount(11, (1, 2))
    assert halved({1: rare, 2: often}, 200) == {2: SentenceCount(5, (1, 2))}
    assert FORGOTTEN * 200 == 10


def test_sentences_found_before_are_filtered_alike() -> None:
    text = f"喀布尔机场恢复航班。{FOOTER}。"
    for known in (countable(FOOTER), countable(text), frozenset[int]()):
        assert letters_of(sentences(text), known) == letters_without(text, known)
    assert letters_of((), countable(FOOTER)) == ""


ARTICLES = st.lists(
    st.tuples(st.integers(0, 9), st.frozensets(st.integers(0, 9))), max_size=WINDOW - 1
)


@given(ARTICLES, st.randoms(use_true_random=False))
def test_the_order_of_articles_does_not_matter_within_the_window(
    articles: list[tuple[int, frozenset[int]]], chance: Random
) -> None:
    shuffled = list(articles)
    chance.shuffle(shuffled)
    first, second = (accumulate_all(FeedSentences(), each) for each in (articles, shuffled))
    assert boilerplate(first) == boilerplate(second)


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    found = countable(text)
    assert set(letters_without(text, found)) <= set("".join(sentences(text)))
