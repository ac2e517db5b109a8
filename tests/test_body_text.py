"""Bodies as text for a terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aggregator.body_text import printable, readable_lines
from aggregator.core.clean import clean_body


def test_each_kind_of_block_is_told_by_its_mark() -> None:
    body = (
        '<p>一段<strong>要点</strong>，见<a href="https://e.test/a">此处</a>。<br>下一行</p>'
        "<h2>小标题</h2>"
        '<figure><img src="https://e.test/1.jpg" alt="替代"><figcaption>说明</figcaption></figure>'
        '<p><img src="https://e.test/2.jpg" alt="图二"></p>'
        '<p><img src="https://e.test/3.jpg"></p>'
        "<ul><li>甲</li><li>乙<ol start='3'><li>丙</li></ol></li></ul>"
        "<blockquote><p>引语一</p><p>引语二</p></blockquote>"
        "<pre>if x:\n    y</pre><hr>"
        "<table><tr><th>年</th><td>2021</td></tr></table>"
    )
    assert "\n".join(readable_lines(body)) == "\n".join(
        (
            "一段要点，见此处 <https://e.test/a>。",
            "下一行",
            "",
            "## 小标题",
            "",
            "[image: 说明] https://e.test/1.jpg",
            "",
            "[image: 图二] https://e.test/2.jpg",
            "",
            "[image] https://e.test/3.jpg",
            "",
            "- 甲",
            "- 乙",
            "  3. 丙",
            "",
            "> 引语一",
            "",
            ">",
            "> 引语二",
            "",
            "if x:",
            "    y",
            "",
            "* * *",
            "",
            "年 | 2021",
        )
    )


def test_a_link_that_shows_its_address_has_it_once() -> None:
    assert readable_lines('<p><a href="https://e.test/">https://e.test/</a></p>') == (
        "https://e.test/",
    )


def test_nothing_in_a_line_commands_the_terminal() -> None:
    assert printable("a\x1b[31mb\u202ec\r\u3000d") == "a[31mbc  d"
    assert readable_lines("<p>a\x9b2Jb\x07</p>") == ("a2Jb",)


@given(st.text(max_size=300))
def test_any_body_gives_printable_lines(body: str) -> None:
    for given_body in (
        body,
        f"<table><li>{body}<pre>{body}<ol start={body}>",
        clean_body(body, "").html,
    ):
        assert all(line.isprintable() for line in readable_lines(given_body))


def test_a_list_numbered_beyond_measure_and_tags_without_end_are_no_hindrance() -> None:
    assert readable_lines(f"<ol start={'9' * 5000}><li>甲</li></ol>") == ("1. 甲",)
    assert readable_lines("<ol start=-1><li>甲</li><li>乙</li></ol>") == ("-1. 甲", "0. 乙")
    for tag in ("b", "blockquote", "ul><li", "div", "a href='https://e.test/'"):
        body = clean_body(f"<{tag}>" * 3000 + "末尾", "https://e.test/").html
        assert "末尾" in "".join(readable_lines(body))
