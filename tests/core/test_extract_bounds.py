"""Pages made to cost much: each is read or refused within bounds."""

from __future__ import annotations

import re
import resource
import time

import pytest

from aggregator.core.extract import extract
from aggregator.errors import ExtractError

URL = "https://news.example.org/a/1.html"
P = "<p>这是一段正文，讲的是一件事情的来龙去脉，以及各方对此的反应。</p>"
TEN = 10_000_000

HOSTILE = {
    "ten megabytes of JSON in a string": P * 30 + '<script>A={"a":"' + "x" * TEN + '"}</script>',
    "JSON nested too deep": P * 30 + "<script>A=" + "[" * 2_900_000 + "</script>",
    "a string of nothing but escapes": P * 30 + '<script>a="' + '\\"' * 1_400_000 + '"</script>',
    "many beginnings of objects": P * 30 + "<script>" + '={"a":' * 450_000 + "</script>",
    "a hundred thousand paragraphs": "".join(
        f"<p>段落{n}，这里是不同的文字内容，没有重复的。</p>" for n in range(100_000)
    ),
    "links only": '<a href="/x">链接文字链接</a>' * 200_000,
    "one text": "文字，" * 1_500_000,
    "boxes nested deep": "<div>" * 1900 + P * 20_000,
    "tags nobody closes": "<b>" * 100_000 + P * 50,
    "a large table": "<table>" + "<tr><td>文字，文字</td></tr>" * 100_000,
    "lists": "<ul><li>文字</li></ul>" * 50_000,
    "a row": f"<table><tr>{'<td>文' * 100_000}</table>",
    "wide cells": "<table>" + "<tr><td colspan=999999999>文<td>字" * 10_000 + "</table>",
    "forms": "<form>" * 100_000 + P * 20,
    "drawings": "<svg></svg>文" * 100_000,
    "links in each other": "<a href=/x>" * 50_000 + P * 20,
    "boxes in each other, again and again": ("<div>" * 200 + "文" + "</div>" * 200) * 500,
    "dates": "".join(f"<div class='time t{n}'>2021</div>" for n in range(30_000)) + P * 20,
    "images": "".join(f"<img src='/{n}.jpg'>" for n in range(100_000)) + P * 20,
    "attributes without value": "<p " + " ".join(f"a{n}" for n in range(200_000)) + ">" + P * 20,
    "a sign in an attribute": "<p x='>' " + " ".join(f"a{n}=1" for n in range(200_000)) + ">文",
    "too many attributes": "<div " + " ".join(f"a{n}=1" for n in range(200_000)) + ">" + P * 20,
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_page_takes_little_time_and_memory(body: str) -> None:
    page = f"<html><body>{body}</body></html>".encode()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    try:
        assert extract(page, {}, URL).body
    except ExtractError as error:
        assert error.where == URL  # noqa: PT017 - either is an answer
    # a task may take 5 s; half of it here, in seconds of CPU, for machines that are slower
    assert time.process_time() - started < 5
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 400 * 1024


def test_a_text_behind_deep_nesting_is_still_read() -> None:
    page = f"<html><body>{'<div>' * 600}{P * 20}</body></html>".encode()
    assert extract(page, {}, URL).body.count("来龙去脉") == 20


def test_paragraphs_behind_very_deep_nesting_are_read() -> None:
    page = f"<html><body>{'<div>' * 5000}{P * 20}</body></html>".encode()
    assert extract(page, {}, URL).body.count("</p>") == 20


def test_characters_that_no_xml_may_hold_come_to_nothing() -> None:
    bad = "&#1;&#xB;&#x1F;&#xD800;&#xFFFE;&#x202E;"
    page = (
        f"<html><head><title>题{bad}目</title><meta name=author content='作{bad}者'>"
        '<script type="application/ld+json">{"headline": "题\\u0001\\ud800目"}</script>'
        f"<meta property=og:image content='/a{bad}.jpg'></head><body>{'<div>' * 300}"
        + P.replace("一段", f"一{bad}段").replace("<p>", f"<p title='{bad}'>") * 20
        + f"<a href='/x{bad}'>{bad}</a><img src='/b{bad}.jpg' alt='{bad}'></body></html>"
    )
    extracted = extract(page.encode(), {}, URL)
    assert extracted.body.count("来龙去脉") == 20
    for text in (extracted.title, extracted.author, extracted.image, extracted.body):
        assert not re.search("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\u202e]", text)
