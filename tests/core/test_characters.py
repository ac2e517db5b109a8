from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.characters import readable

KEPT = (
    "普通的文字，plain text, ação, Ünïcödé, שלום, नमस्ते, 한국어\t\n\r",
    "می\u200cخواهم", "क\u094d\u200dष", "👨\u200d👩\u200d👧\u200d👦",
    "❤\ufe0f\u200d🔥", "1\ufe0f\u20e3",
    "葛\U000e0100", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "Tiếng Việt", "ế̀", "א\u200f!", "abc\u200e", "x\u2066abc\u2069y", "x\u202babc\u202cy",
    "\u2067a\u2066b\u2069c\u2069", "\U0001f600", "𠮷", "\ufffd", "\u00a0\u3000",
)  # fmt: skip


@pytest.mark.parametrize("text", KEPT, ids=ascii)
def test_what_a_script_needs_stays(text: str) -> None:
    assert readable(text) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a\x00b\x01c\x1bd\x7fe\x81f", "abcdef"),
        ("a\x0bb\x0cc\x85d\u2028e\u2029f", "a b c d e f"),
        ("a\ud800b\udfffc", "abc"),
        ("a\ufffeb\uffffc\ufdd0d\U0001fffee\U0010ffff", "abcde"),
        ("a\u00adb\u200bc\u2060d\ufeffe\u206af\ufff9g\ufffch", "abcdefgh"),
        # overrides, and what ends them
        ("价\u202e001\u202c元\u202dx\u202c", "价001元x"),
        # what nothing ends, and what ends nothing
        ("\u202aa\u202bb\u2066c\u2067d\u2068e", "abcde"),
        ("a\u202cb\u2069c", "abc"),
        ("\u2066a\u202cb\u2069", "\u2066ab\u2069"),
        ("\u202aa\u2066b\u202cc\u2069d\u202c", "\u202aa\u2066bc\u2069d\u202c"),
        ("\u2066a\u202bb\u2069c\u202c", "\u2066ab\u2069c"),
        ("<p>\u2066a</p><p>b\u2069</p>", "<p>a</p><p>b</p>"),
        ("\u2066" * 20 + "a" + "\u2069" * 20, "\u2066" * 8 + "a" + "\u2069" * 8),
        # joiners where nothing is joined, and more than one
        ("ab\u200dc中\u200c文 \u200d", "abc中文 "),
        ("م\u200c\u200c\u200d\u200cن", "م\u200cن"),
        ("א\u200f\u200f\u200e\u200f!", "א\u200f!"),
        # text hidden in what is not seen
        ("a\U000e0068\U000e0069b", "ab"),
        ("a\ufe0f\ufe01\ufe02\U000e0111", "a\ufe0f"),
        ("🏴" + "\U000e0067" * 90, "🏴" + "\U000e0067" * 8),
        # accents upon accents
        ("e" + "\u0301" * 90 + "a", "e" + "\u0301" * 4 + "a"),
    ],
    ids=ascii,
)
def test_what_breaks_or_misleads_goes(text: str, left: str) -> None:
    assert readable(text) == left


characters = st.text(
    st.one_of(
        st.sampled_from(
            "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200d\u200c<>aم中\u0301"
        ),
        st.characters(),
        st.characters(categories=["Cc", "Cf", "Cs", "Cn", "Mn"]),
    )
)


@given(characters)
def test_any_text_is_left_balanced_and_the_same_the_next_time(text: str) -> None:
    left = readable(text)
    assert not re.search("[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202d\u202e]", left)
    for run in re.split("[<>]", left):
        assert sum(map(run.count, "\u2066\u2067\u2068")) == run.count("\u2069")
        assert sum(map(run.count, "\u202a\u202b")) == run.count("\u202c")
    assert readable(left) == left


@pytest.mark.parametrize("text", ["\u200d", "\u2066", "\u202e文", "\u2066文\u2069", "\u200e\u200d"])
def test_floods_take_little_time(text: str) -> None:
    started = time.process_time()
    readable(text * 400_000)
    assert time.process_time() - started < 4
