from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.entry_text import is_comment_count
from aggregator.core.titles import ReadTitle, TitleRules, read_title

RULES = TitleRules(drop=(r" - RFI\s*$",), reprint=(r"(?P<outlet>[^｜]{2,8})｜(?P<title>.+)",))


def test_what_a_source_hangs_on_is_cut_off() -> None:
    assert read_title("香港新闻 - RFI", RULES) == ReadTitle("香港新闻")
    assert read_title("香港 - RFI 专访", RULES) == ReadTitle("香港 - RFI 专访")


def test_the_outlet_of_a_reprint_is_the_one_before_the_bar() -> None:
    assert read_title("美国之音｜香港新闻", RULES) == ReadTitle("香港新闻", "美国之音")
    assert read_title("｜香港新闻", RULES) == ReadTitle("｜香港新闻")


@given(st.text())
def test_a_title_never_becomes_empty_and_stays_as_it_is_without_rules(title: str) -> None:
    if is_comment_count(title):
        return
    assert read_title(title, TitleRules()) == ReadTitle(title)
    assert bool(read_title(title, RULES).title) == bool(title)


def test_a_scraped_count_of_comments_is_no_title_so_that_another_one_is_taken() -> None:
    assert read_title("6 条评论", RULES) == ReadTitle("")
    assert read_title("6 条评论被删", RULES) == ReadTitle("6 条评论被删")
