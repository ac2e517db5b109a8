from __future__ import annotations

from base64 import b32encode

from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.clean_rules import Scramble
from aggregator.core.markup import parse_fragment
from aggregator.core.scramble import unscramble

RULE = Scramble("data-s", junk=3)


def place(number: int, junk: str = "x7Q", padded: bool = True) -> str:
    coded = b32encode(str(number).encode()).decode()
    return junk + (coded if padded else coded.rstrip("="))


@given(st.permutations(range(12)), st.booleans())
def test_paragraphs_come_back_in_the_order_of_their_places(order: list[int], padded: bool) -> None:
    body = "".join(f'<p data-s="{place(at, padded=padded)}">{at}</p>\n' for at in order)
    tree = parse_fragment(f"<h2>题</h2>{body}<p>末</p>")
    unscramble(tree, RULE)
    texts = [str(element.text_content()) for element in tree]
    assert texts == ["题", *map(str, range(12)), "末"]


def test_other_uses_of_the_attribute_change_nothing() -> None:
    for given_places in (["300,640", "200,100"], [place(2), "???"], [place(1), place(1)], ["", ""]):
        body = "".join(f'<p data-s="{given}">{at}</p>' for at, given in enumerate(given_places))
        tree = parse_fragment(body)
        assert unscramble(tree, RULE) == 0
        assert [element.text for element in tree] == ["0", "1"]


def test_what_stands_between_the_paragraphs_keeps_its_place() -> None:
    tree = parse_fragment(
        f'<p data-s="{place(2)}">二</p><img src="a"><p data-s="{place(1)}">一</p>尾'
    )
    assert unscramble(tree, RULE) == 2
    assert [(element.text, element.tag) for element in tree] == [
        ("一", "p"), (None, "img"), ("二", "p"),
    ]  # fmt: skip
    assert tree[-1].tail == "尾"
