"""Answers that are cut, garbled or hostile: each a failure in the field's terms, nothing else."""

from __future__ import annotations

import asyncio
import gzip
import random
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.core.model import Retrieved
from aggregator.errors import FetchError
from tests.fetch.asking import HERE, NOTHING, SHORT, failure_of, fetching
from tests.loopback import Answer, Loopback, answer

KINDS = {"protocol", "http_status", "too_large", "redirect", "timeout", "not_a_feed"}


def outcomes(answers: Iterable[bytes]) -> list[Retrieved | FetchError]:
    """What each of the answers gave, with the connection closed after it."""

    def sent(given: bytes) -> Answer:
        async def write(writer: asyncio.StreamWriter) -> None:
            writer.write(given)
            await writer.drain()

        return write

    async def scenario() -> list[Retrieved | FetchError]:
        found: list[Retrieved | FetchError] = []
        numbered = {f"/{number}": sent(given) for number, given in enumerate(answers)}
        async with Loopback(numbered) as site, fetching(HERE) as fetcher:
            for target in numbered:
                try:
                    got = await fetcher.feed(site.origin + target, NOTHING)
                    assert isinstance(got, Retrieved)
                    found.append(got)
                except FetchError as error:
                    found.append(error)
        return found

    return asyncio.run(scenario())


PACKED = gzip.compress(b"<rss/>" * 9)
WHOLE = [
    answer(b"<rss/>", content_type="text/xml", etag='"a"'),
    answer(PACKED, content_encoding="gzip"),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n<rs\r\n3;x=y\r\ns/>\r\n0\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer(b"<rss/>"),
]


@pytest.mark.parametrize("whole", WHOLE, ids=["plain", "gzip", "chunked", "early_hints"])
def test_an_answer_cut_anywhere_is_a_protocol_failure(whole: bytes) -> None:
    *cut, last = outcomes([whole[:length] for length in range(len(whole) + 1)])
    assert isinstance(last, Retrieved)
    assert {error.kind for error in cut if isinstance(error, FetchError)} == {"protocol"}
    assert all(isinstance(outcome, FetchError) for outcome in cut)


def test_an_answer_with_any_byte_changed_is_an_answer_or_a_failure_in_our_words() -> None:
    chance = random.Random(7)
    changed = []
    for whole in WHOLE:
        for place in range(len(whole)):
            odd = chance.choice([0, 9, 10, 13, 32, 58, 0x7F, 0x80, 0xFF])
            changed.append(whole[:place] + bytes([odd]) + whole[place + 1 :])
    for outcome in outcomes(changed):
        assert isinstance(outcome, Retrieved) or outcome.kind in KINDS
        assert str(outcome).isprintable() or isinstance(outcome, Retrieved)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=8))
def test_no_bytes_in_place_of_an_answer_give_anything_but_a_failure_in_our_words(
    odd: list[bytes],
) -> None:
    headed = [b"HTTP/1.1 200 OK\r\n" + part for part in odd]
    for outcome in outcomes([*odd, *headed]):
        assert isinstance(outcome, Retrieved) or outcome.kind in KINDS


@pytest.mark.parametrize("status", [204, 205, 206, 226, 299, 304, 306, 418, 599, 999])
def test_a_status_that_brings_no_feed_is_refused(status: int) -> None:
    error = failure_of(answer(b"", status=f"{status} Odd"))
    assert (error.kind, error.status) == ("http_status", status)


def test_a_switch_to_another_protocol_is_refused() -> None:
    assert failure_of(answer(b"", status="101 Switching Protocols")).kind == "protocol"


def test_an_empty_answer_is_no_feed() -> None:
    error = failure_of(answer(b""))
    assert (error.kind, error.status) == ("not_a_feed", 200)
    assert failure_of(b"HTTP/1.1 200 OK\r\n\r\n").kind == "not_a_feed"


def test_what_a_server_says_is_quoted_in_one_short_line() -> None:
    error = failure_of(answer(status="500 " + "long " * 2000))
    assert len(str(error)) < 500
    garbled = failure_of(lambda writer: _write(writer, b"\x1b[31m" + b"A" * 90_000 + b"\r\n\r\n"))
    assert len(str(garbled)) < 500
    assert str(garbled).isprintable()


async def _write(writer: asyncio.StreamWriter, given: bytes) -> None:
    writer.write(given)
    await writer.drain()


@pytest.mark.parametrize(
    ("begins", "goes_on"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"bbbbbbbb"),
        (b"HTTP/1.1 ", b"2222"),
    ],
    ids=["informational", "headers", "one_header", "status_line"],
)
def test_a_head_without_end_is_refused_before_it_fills_anything(
    begins: bytes, goes_on: bytes
) -> None:
    sent = 0

    async def write(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(begins)
        while True:
            writer.write(goes_on * 1000)
            await writer.drain()
            sent += len(goes_on) * 1000

    error = failure_of(write)
    assert error.kind in ("protocol", "too_large")
    assert sent < 20_000_000  # most of which are the buffers of the system


def test_an_answer_longer_than_it_said_spoils_no_other() -> None:
    async def scenario() -> list[bytes]:
        longer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n<rss/>surplus\r\n\r\n"
        answers = {"/longer": longer, "/feed": answer(b"<rss/>")}
        async with Loopback(answers) as site, fetching() as fetcher:
            got = []
            for target in ("/longer", "/feed", "/longer", "/feed"):
                outcome = await fetcher.feed(site.origin + target, NOTHING)
                assert isinstance(outcome, Retrieved)
                got.append(outcome.body)
        return got

    assert asyncio.run(scenario()) == [b"<rs", b"<rss/>"] * 2


def test_each_stage_has_its_own_limit_and_names_it() -> None:
    async def silence(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async def stops(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<")
        await asyncio.sleep(60)

    assert failure_of(silence, config=SHORT).what.startswith("no answer within")
    assert failure_of(stops, config=SHORT).what.startswith("the answer stopped for")
