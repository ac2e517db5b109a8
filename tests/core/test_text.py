from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.text import (
    bigrams,
    detect_language,
    fold,
    is_spaced,
    is_unspaced,
    joined,
    letters,
    plain_text,
)

SEEDS = sorted((Path(__file__).parents[2] / "seeds").glob("*.txt"))

anything = st.text(st.characters(codec=None), max_size=60)
"""Lone surrogates included."""


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Ｔａｌｉｂａｎ", "taliban"),
        ("阿富汗塔利班談判代表團", "阿富汗塔利班谈判代表团"),
        ("乾隆與乾杯", "干隆与干杯"),
        ("看著著名", "看着着名"),
        ("Café  Đà\tNẵng", "cafe đa nang"),
        ("Ёлка Й ΐ", "елка и ι"),
        ("Straße İstanbul", "strasse istanbul"),
        ("ガ パ ｶﾞ", "ガ パ ガ"),
        ("한국", "한국"),
        ("हिन्दी", "हिन्दी"),
        ("塔\u200b利\ufeff班\x00", "塔利班"),
        ("塔利班\udc80武装", "塔利班武装"),
        ("طَالِبَان ـ ی ک", "طالبان ي ك"),
        ("\u3000，（）：\u3000", ",():"),
        ("\ufa12", "晴"),
        ("", ""),
    ],
)
def test_what_a_reader_takes_for_the_same_folds_to_the_same(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(anything)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert joined(joined(fold(text))) == joined(fold(text))


def test_every_character_folds_to_a_fixed_point_without_invisible_ones() -> None:
    for code in range(0x110000):
        folded = fold(chr(code))
        assert fold(folded) == folded, hex(code)
        assert not re.search("[\x00-\x1f\u200b-\u200f\ufeff\ud800-\udfff]", folded), hex(code)


@given(st.text("塔利班談判著乾隆髮麵ab é·", max_size=20), st.text("塔談著乾b é·", max_size=20))
def test_a_piece_of_a_text_is_found_in_it_after_folding(before: str, piece: str) -> None:
    assert fold(piece) in fold(before + piece + before)


@given(anything)
def test_letters_are_only_letters_and_digits(text: str) -> None:
    assert all(character.isalnum() for character in letters(fold(text)))


def test_letters_keep_words_digits_and_chinese() -> None:
    assert letters(fold("「塔利班」 9·11, Kabul_!")) == "塔利班911kabul"


@pytest.mark.parametrize(
    "name",
    ["扎尔迈·哈利勒扎德", "扎尔迈 哈利勒扎德", "扎尔迈・哈利勒扎德", "扎爾邁•哈利勒扎德"],
)
def test_the_gap_inside_a_name_is_closed(name: str) -> None:
    assert joined(fold(name)) == "扎尔迈哈利勒扎德"


def test_a_dot_between_spaced_words_is_a_space() -> None:
    assert joined(fold("Zalmay·Khalilzad 9·11")) == "zalmay khalilzad 9 11"


def test_bigrams_overlap_in_chinese_and_are_words_elsewhere() -> None:
    found = bigrams(fold("塔利班Taliban武装, le 9月"))
    assert found == ("塔利", "利班", "taliban", "武装", "le", "9", "月")
    assert bigrams("") == ()


@given(st.characters(codec=None))
def test_no_character_is_of_both_kinds_of_script(character: str) -> None:
    assert not (is_unspaced(character) and is_spaced(character))


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>甲<br>乙</p>丙<b>丁</b><table><tr><td>1<td>2</table>", "甲\n乙\n丙丁\n1\n2"),
        ("<p>\n　　据　<i>报道</i>\n  &ldquo;塔利班&#8221;&nbsp;&amp; </p>", "据 报道 “塔利班” &"),
        ("<style>p{}</style>x<script>if(a<b)y</script><template><p>h</p></template>y", "xy"),
        ("塔利班 &lt;b&gt;  a < b", "塔利班 <b> a < b"),
        ("no &amp; markup\n  here", "no & markup here"),
        ("<?xml version='1.0' encoding='gb2312'?><p>中", "中"),
        ("<p>塔\x00利\udc80班", "塔利班"),
        ("<!-- only a comment -->", ""),
        ("<p", ""),
        ("  ", ""),
    ],
)
def test_the_text_of_html_has_a_line_for_each_block(html: str, text: str) -> None:
    assert plain_text(html) == text


@given(st.one_of(anything, st.text("<>/!-?&#x;pdiv script\"'=甲\x00\udc80", max_size=80)))
def test_no_markup_makes_plain_text_raise(html: str) -> None:
    text = plain_text(html)
    text.encode()
    assert text == text.strip()


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 50_000 + "塔利班" + "</div>" * 50_000,
        "<b>" * 50_000 + "塔利班",
        "<" * 200_000 + ">塔利班",
    ],
)
def test_hostile_markup_loses_no_text_and_takes_no_time(html: str) -> None:
    started = time.process_time()
    assert "塔利班" in plain_text(html)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("塔利班Taliban武装", "zh"),
        ("美國國務院發言人", "zh"),
        ("可爱の猫，一家连锁店的名字，开在北京和上海", "zh"),
        ("タリバンが首都カブールを制圧した", "ja"),
        ("탈레반이 카불을 점령", "ko"),
        ("Талибан захватил Кабул", "ru"),
        ("Талібан захопив Кабул", "uk"),
        ("عن طالبان في أفغانستان", "ar"),
        ("طالبان گفت که کابل", "fa"),
        ("د افغانستان د بهرنیو چارو وزیر وویل چې ښار", "ps"),
        ("ตอลิบาน", "th"),
        ("The Taliban have taken the city of Kabul", "en"),
        ("Die Taliban haben die Stadt Kabul eingenommen", "de"),
        ("Les talibans sont entrés dans la ville de Kaboul", "fr"),
        ("Los talibanes toman la ciudad de Kabul", "es"),
        ("Kabul", "en"),
        ("2021-08-15 …", ""),
        ("", ""),
    ],
)
def test_the_language_of_a_text_is_told_by_its_letters(text: str, language: str) -> None:
    assert detect_language(text) == language


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.stem[:3])
def test_the_seeds_are_chinese(seed: Path) -> None:
    assert detect_language(plain_text(seed.read_text(encoding="utf-8"))) == "zh"


@given(anything)
def test_any_text_has_a_language_or_none(text: str) -> None:
    assert re.fullmatch(r"|[a-z]{2}", detect_language(text))
