"""A megabyte of anything is cleaned in time that grows with its length and no faster."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from aggregator.core.clean import clean_body
from aggregator.sources import FEEDX
from tests.conftest import REPO

BASE = "https://news.example.org/2021/article.html"
P = "<p>这是一段正文，讲的是一件事情的来龙去脉，以及各方对此的反应。</p>"
MANY = 100_000
MEGABYTE = 1_000_000

SIBLINGS = {
    "paragraphs": "".join(f"<p>第{n}段</p>" for n in range(MANY)),
    "items": f"<ul>{'<li>项' * MANY}</ul>",
    "lists": "<ul><li>项</ul>" * (MANY // 2),
    "lines": "行<br>" * MANY,
    "lines of one paragraph": f"<p>{'行<br>' * MANY}</p>",
    "breaks": "<br>" * MANY,
    "cells": f"<table><tr>{'<td>格' * MANY}</table>",
    "rows": f"<table>{'<tr><td>甲<td>乙' * (MANY // 2)}</table>",
    "spans": "<span>文</span>" * MANY,
    "blank ones": f"<p>{'文<b> </b>' * MANY}",
    "links": "".join(f"<a href='/{n}'>链接</a>双方" for n in range(MANY // 2)),
    "hidden ones": "<span hidden>文</span>字" * MANY + P * 10,
    "hidden boxes": "<div style='display:none'>文</div>" * MANY,
    "scripts": "<script>x</script>字" * MANY,
    "drawings": "<svg></svg>字" * MANY,
    "noscripts": "".join(f"<noscript><img src=/{n}.jpg></noscript>字" for n in range(MANY // 4)),
    "images": "".join(f"<img src='/{n}.jpg'>" for n in range(MANY // 10)),
    "images in text": "<p>文" + "".join(f"<img src='/{n}.jpg'>文" for n in range(MANY // 4)),
    "images without address": "<img src='javascript:x'>字" * MANY,
    "pictures": "<picture>" + "<source srcset=''><img>" * (MANY // 4),
    "headings": "".join(f"<h2>标题{n}</h2>" for n in range(MANY // 2)),
    "figures": "<figure><img src=/a.jpg><figcaption>说明</figcaption></figure>" * (MANY // 10),
    "captions": "<figure>" + "<img src=/a.jpg><figcaption>说明</figcaption>" * (MANY // 10),
    "small print": f"<img src=/a.jpg><small>{'<b>说</b>' * (MANY // 4)}</small>",
    "marks of an end": "<p>获取更多RSS：</p>" * (MANY // 4),
    "scrambled ones": "".join(
        f"<p data-s='xxxGE{'AEIMQUY'[n % 7]}A'>段</p>" for n in range(MANY // 4)
    ),
    "lifted ones": "<font>文</font>" * MANY,
    "emphasis": f"<p>{'<b>文</b>字' * MANY}",
}
DEEP = {
    tag: f"<p>甲</p>{f'<{tag}>' * MANY}深{P * 10}"
    for tag in ("div", "b", "span", "font", "blockquote", "a href=/x", "div hidden", "x", "section")
}
LONG = {
    "less than": "<" * MEGABYTE,
    "begun tags": "<a " * (MEGABYTE // 3),
    "ampersands": "&" * MEGABYTE,
    "references": "&amp;" * (MEGABYTE // 5),
    "comments": "<!--" * (MEGABYTE // 4),
    "declarations": "<!" * (MEGABYTE // 2),
    "end tags": "</p>" * (MEGABYTE // 4),
    "end tags in depth": "<b>" * 2000 + "</x>" * (MEGABYTE // 4),
    "open quotes": '<a href="' * (MEGABYTE // 9),
    "one attribute": f"<p title='{'x' * MEGABYTE}'>文",
    "one address": f"<a href='/{'x' * MEGABYTE}'>文</a><img src='/{'x' * MEGABYTE}'>",
    "one class": f"<div class='{'x ' * (MEGABYTE // 2)}'>文</div>",
    "one style": f"<div style='{'display :' * (MEGABYTE // 9)}'>文</div>",
    "a style of spaces": f"<div style='display{' ' * MEGABYTE}x'>文</div>",
    "colours": f"<img src=/a.jpg><p style='{'color: rgb( ' * (MEGABYTE // 11)}'>文",
    "candidates": f"<img srcset='{'/a 1w, ' * (MEGABYTE // 7)}'>",
    "attributes": f"<div {' '.join(f'a{n}=1' for n in range(2 * MANY))}>文</div>",
    "attributes without value": f"<div {' '.join(f'a{n}' for n in range(2 * MANY))}>文</div>",
    "attributes behind a sign": f"<p x='>' {' '.join(f'a{n}' for n in range(2 * MANY))}>文",
    "spaces": "文" + " " * MEGABYTE + "字",
    "indents": "\u3000" * MEGABYTE,
    "what is not seen": "\u200b" * MEGABYTE,
    "joiners": "م\u200c\u200d" * (MEGABYTE // 3),
    "overrides": "\u202e文" * (MEGABYTE // 2),
    "isolates": "\u2066文" * (MEGABYTE // 2),
    "accents": "e" + "\u0301" * MEGABYTE,
    "controls by reference": "&#1;" * (MEGABYTE // 4),
    "surrogates": "\ud800" * MEGABYTE,
}


def seconds(body: str) -> float:
    started = time.process_time()
    clean_body(body, BASE, FEEDX.clean)
    return time.process_time() - started


@pytest.mark.parametrize("body", SIBLINGS.values(), ids=SIBLINGS)
def test_very_many_side_by_side_take_little_time(body: str) -> None:
    assert seconds(body) < 5


@pytest.mark.parametrize("body", DEEP.values(), ids=DEEP)
def test_what_is_very_deep_takes_little_time_and_keeps_its_text(body: str) -> None:
    assert seconds(body) < 5
    assert clean_body(body, BASE).text.count("来龙去脉") == 10


@pytest.mark.parametrize("body", LONG.values(), ids=LONG)
def test_a_megabyte_of_one_thing_takes_little_time(body: str) -> None:
    assert seconds(body) < 5


@pytest.mark.parametrize("depth", [100, 1000, 5000])
def test_paragraphs_stay_paragraphs_at_any_depth(depth: int) -> None:
    body = f"{'<div>' * depth}{P * 10}{'</div>' * depth}<p>后文</p>"
    assert clean_body(body, BASE).html == clean_body(P * 10 + "<p>后文</p>", BASE).html


def test_tags_that_end_are_not_counted_as_deep() -> None:
    body = "<div><p>文<b>粗</b><br></p><ul><li>项</ul></div>" * 500
    assert clean_body(body, BASE).html.count("<b>粗</b>") == 500


def test_a_tag_in_a_script_or_a_comment_is_no_level() -> None:
    body = f"<script>{'<div>' * 500}</script><!--{'<div>' * 500}-->{'<b>x</b>' * 9}{P}"
    assert clean_body(body, BASE).html.count("<b>x</b>") == 9


def test_a_tag_with_few_attributes_keeps_them_however_long() -> None:
    source = "/a.jpg?" + "x" * 5000
    body = f"<img alt='{'图 ' * 400}' src='{source}'>" + P * 300
    assert source in clean_body(body, BASE).html


def test_tags_left_out_of_one_box_do_not_change_the_next() -> None:
    body = f"<section>{'<b>' * 300}{P}</section><p><b>粗</b>后</p>"
    assert "<p><b>粗</b>后</p>" in clean_body(body, BASE).html


def test_very_many_blocks_are_all_there_in_order() -> None:
    body = "".join(f"<p>第{n}段</p>" for n in range(2500))
    assert clean_body(body, BASE).html == body.replace("</p><p>", "</p>\n<p>")


MEASURED = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20))
from aggregator.core.clean import clean_body
body = "".join(f"<p>第{n}段</p>" for n in range(100_000))
print(clean_body(body, "https://news.example.org/").html.count("<p>"))
"""


def test_very_many_blocks_need_no_more_memory_than_a_worker_has() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURED], cwd=REPO, capture_output=True, text=True
    )
    assert (done.stdout.strip(), done.stderr) == ("100000", "")
