"""Sketches: what they are a function of, what they share, and which articles they lead to."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.sketch import CANDIDATES, RARE, SKETCHED_FROM, rank, sketch
from aggregator.core.text import fold, letters

HAN = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), max_size=1200)


def written(seed: int, length: int) -> str:
    """Letters that occur in no other text by chance."""
    chance = random.Random(seed)
    return "".join(chr(chance.randint(0x4E00, 0x9FA5)) for _ in range(length))


def containment(part: str, whole: str) -> float:
    """Of a text in another, as far as the sketches show."""
    return len(sketch(part) & sketch(whole)) / len(sketch(part))


@given(HAN, st.integers(0, 1200))
def test_the_sketch_of_a_beginning_is_part_of_the_whole(text: str, length: int) -> None:
    assert sketch(text[:length]) <= sketch(text)


@given(st.text(max_size=300))
def test_any_text_has_a_sketch_of_32_bits(text: str) -> None:
    hashes = sketch(text)
    assert all(0 <= value < 1 << 32 for value in hashes)
    assert len(hashes) <= max(0, len(text))
    assert len(text) >= SKETCHED_FROM or not hashes


def test_the_sketch_tells_letters_alone() -> None:
    plain = (
        "塔利班外交部發言人周二表示，喀布爾機場將於10月2日恢復國際航班，首批航班來自卡塔爾和土耳其。"
        * 3
    )
    other = plain.replace("，", "\n　,").replace("發", "发").replace("將", "将").replace("2", "２")
    assert sketch(letters(fold(plain))) == sketch(letters(fold(other))) != frozenset()


@pytest.mark.parametrize(
    ("length", "least", "most"), [(400, 35, 70), (4000, 220, 340), (40_000, 1250, 1600)]
)
def test_long_texts_are_sketched_more_thinly(length: int, least: int, most: int) -> None:
    assert least <= len(sketch(written(1, length))) <= most


def test_a_passage_deep_inside_another_text_shares_hashes_with_it() -> None:
    passage, around = written(1, 900), written(2, 9000)
    assert 0.5 <= containment(passage, around[:2000] + passage + around[2000:]) <= 0.9
    assert 0.25 <= containment(passage, around + passage) <= 0.5
    assert containment(passage, around) == 0


# --- candidates ----------------------------------------------------------------------------------


def test_what_few_share_comes_before_what_hundreds_do() -> None:
    footer = {value: ["mirror", *(f"other {n}" for n in range(40))] for value in range(10)}
    paragraph = {value: ["copy"] for value in range(100, 105)}
    sizes = dict.fromkeys(["copy", "mirror", *(f"other {n}" for n in range(40))], 20)
    ranked = rank(15, footer | paragraph, sizes)
    assert ranked[0] == "copy"
    assert len(ranked) == CANDIDATES


def test_a_hash_that_very_many_share_leads_nowhere() -> None:
    crowd = [str(n) for n in range(RARE)]
    sizes = dict.fromkeys(crowd, 5)
    assert rank(5, dict.fromkeys(range(5), crowd), sizes) == ()
    assert rank(5, dict.fromkeys(range(5), crowd[1:]), sizes) != ()


def test_two_hashes_in_common_are_chance() -> None:
    assert rank(4, {1: ["a"], 2: ["a"]}, {"a": 4}) == ()
    assert rank(4, {1: ["a"], 2: ["a"], 3: ["a"]}, {"a": 4}) == ("a",)


def test_of_two_long_texts_a_few_hashes_are_too_few() -> None:
    found = {value: ["long", "short"] for value in range(4)}
    assert rank(100, found, {"long": 100, "short": 8}) == ("short",)


POSTINGS = st.dictionaries(
    st.integers(0, 50), st.lists(st.integers(0, 20), unique=True), max_size=40
)


@given(POSTINGS)
def test_candidates_are_articles_found_and_never_more_than_ten(
    postings: dict[int, list[int]],
) -> None:
    sizes = dict.fromkeys(range(21), 10)
    ranked = rank(10, postings, sizes)
    assert len(set(ranked)) == len(ranked) <= CANDIDATES
    assert set(ranked) <= {article for found in postings.values() for article in found}
    assert ranked == rank(10, dict(reversed(postings.items())), sizes)
