"""Pages made to cost much: each is read or refused within bounds."""

from __future__ import annotations

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
