"""Answers without end: in time, on the wire, and unpacked."""

from __future__ import annotations

import asyncio
import gzip
import time
import zlib
from dataclasses import replace

import pytest

from aggregator.core.model import Retrieved
from tests.fetch.asking import (
    HERE,
    SHORT,
    failure_of,
    feed_of,
    slowly,
)
from tests.loopback import Answer, answer


@pytest.mark.parametrize(
    "drip",
    [
        slowly(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", *[b"x"] * 200),
        slowly(b"HTTP/1.1 200 OK\r\n", *[b"X-A: b\r\n"] * 200),
        slowly(b"", every=60),
    ],
    ids=["body", "headers", "silence"],
)
def test_an_answer_that_only_drips_is_cut_at_the_total_deadline(drip: Answer) -> None:
    started = time.monotonic()
    error = failure_of(drip, config=SHORT)
    assert error.kind == "timeout"
    assert time.monotonic() - started < 5


SMALL = replace(HERE, max_bytes=100_000)


def test_an_answer_may_be_as_large_as_the_limit_and_no_larger() -> None:
    assert isinstance(feed_of(answer(b"x" * 100_000), config=SMALL), Retrieved)
    error = failure_of(answer(b"x" * 100_001), config=SMALL)
    assert error.kind == "too_large"
    assert "max_bytes" in str(error)


def test_an_endless_answer_is_stopped() -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    assert failure_of(endless, config=SMALL).kind == "too_large"


def test_a_gzip_bomb_is_stopped_at_the_limit_and_not_unpacked() -> None:
    packer = zlib.compressobj(9, wbits=31)
    block = bytes(1_000_000)
    bomb = b"".join(packer.compress(block) for _ in range(300)) + packer.flush()
    sent = 0

    async def count(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
        for start in range(0, len(bomb), 1024):
            writer.write(bomb[start : start + 1024])
            await writer.drain()
            sent += 1024
            await asyncio.sleep(0.01)

    assert failure_of(count, config=SMALL).kind == "too_large"
    assert sent < 50_000


@pytest.mark.parametrize("coding", ["compress", "br, lzma", "gzip, gzip, gzip, gzip"])
def test_a_coding_that_was_not_asked_for_is_refused(coding: str) -> None:
    error = failure_of(answer(b"\x1f\x8b", content_encoding=coding))
    assert error.kind == "protocol"
    assert coding in str(error)


TEXT = "塔利班谈判".encode() * 200_000


RAW = zlib.compressobj(9, wbits=-15)


RAW_DEFLATE = RAW.compress(TEXT) + RAW.flush()


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("x-gzip", gzip.compress(TEXT)),
        ("GZIP", gzip.compress(TEXT[:7]) + gzip.compress(TEXT[7:])),
        ("gzip", gzip.compress(TEXT) + bytes(512)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", RAW_DEFLATE),
        ("identity", TEXT),
        ("", TEXT),
    ],
)
def test_packed_answers_are_unpacked(coding: str, packed: bytes) -> None:
    got = feed_of(answer(packed, content_encoding=coding))
    assert isinstance(got, Retrieved)
    assert got.body == TEXT


def test_what_this_process_stood_still_is_not_the_servers_fault_however_often() -> None:
    async def standing_still(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        for _ in range(4):
            await asyncio.sleep(0.02)
            time.sleep(0.5)  # noqa: ASYNC251 - the loop itself, client and server
            writer.write(b"x")
            await writer.drain()

    assert isinstance(feed_of(standing_still, config=SHORT), Retrieved)


def test_chunks_with_more_beside_them_than_in_them_are_ended() -> None:
    def chunks(extension: int) -> Answer:
        chunk = b"c8;" + b"e" * extension + b"\r\n" + b"x" * 200 + b"\r\n"
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        return slowly(head + chunk * 2_000 + b"0\r\n\r\n")

    got = feed_of(chunks(extension=500))
    assert isinstance(got, Retrieved)
    assert len(got.body) == 400_000
    error = failure_of(chunks(extension=2_000))
    assert (error.kind, "next to nothing" in str(error)) == ("too_large", True)
