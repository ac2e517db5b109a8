"""HTTP/2 where it is offered, and what a server can do there to do harm."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from aggregator.config import FetchSettings
from aggregator.core.model import NotModified, Retrieved, Validators
from aggregator.errors import FetchError
from aggregator.fetch import Fetcher
from tests.fetch.asking import HERE, NOTHING, SHORT, fetching, self_signed, served
from tests.fetch.h2_site import Conversation, H2Site, Play, page

T = TypeVar("T")

SMALL = replace(HERE, max_bytes=100_000)
KINDS = {"protocol", "too_large", "timeout", "http_status", "not_a_feed"}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_signed(tmp_path_factory.mktemp("h2"))


def over_h2(
    certificate: tuple[Path, Path],
    plays: dict[str, Play],
    ask: Callable[[Fetcher, H2Site], Awaitable[T]],
    config: FetchSettings = SMALL,
) -> tuple[T, H2Site]:
    """What asking a site that offers HTTP/2 gave, and the site."""

    async def scenario() -> tuple[T, H2Site]:
        tls = served(certificate, "h2", "http/1.1")
        async with H2Site(plays, tls) as site, fetching(config) as fetcher:
            return await ask(fetcher, site), site

    return asyncio.run(scenario())


def test_it_is_spoken_where_it_is_offered_over_one_connection(
    certificate: tuple[Path, Path],
) -> None:
    ca = str(certificate[0])

    async def ask(fetcher: Fetcher, site: H2Site) -> list[Retrieved | NotModified]:
        url = f"{site.origin}/feed"
        first = await fetcher.feed(url, NOTHING, ca)
        again = await fetcher.feed(url, first.validators, ca)
        both = await asyncio.gather(*(fetcher.feed(url, NOTHING, ca) for _ in range(2)))
        return [first, again, *both]

    got, site = over_h2(
        certificate, {"/feed": page(b"<rss/>", etag='W/"é"', content_type="text/xml")}, ask
    )
    first = got[0]
    assert isinstance(first, Retrieved)
    assert (first.body, first.headers["content-type"]) == (b"<rss/>", "text/xml")
    assert isinstance(got[1], NotModified)
    assert site.asked[0][":method"] == "GET"
    assert site.asked[0]["user-agent"] == "aggregator/1.2 (+editor@example.org)"
    assert site.asked[1]["if-none-match"] == 'W/"é"'
    assert site.connections == 1


def flood(frame: bytes, times: int) -> Play:
    def play(on: Conversation, stream: int) -> None:
        on.flush()
        on.writer.write(frame * times)

    return play


def ping() -> bytes:
    return struct.pack(">I", 8)[1:] + b"\x06\x00" + bytes(4) + bytes(8)


def header_bomb(on: Conversation, stream: int) -> None:
    """One large header named once and referred to ten thousand times (RFC 7541 §7.3)."""
    on.flush()
    first = b"\x88" + b"\x40\x01a" + b"\x7f\xa1\x1e" + b"b" * 4000
    block = first + b"\xbe" * 10_000
    on.writer.write(
        struct.pack(">I", len(block))[1:] + b"\x01\x04" + struct.pack(">I", stream) + block
    )


def continuations(on: Conversation, stream: int) -> None:
    on.flush()
    place = struct.pack(">I", stream)
    on.writer.write(struct.pack(">I", 1)[1:] + b"\x01\x00" + place + b"\x88")
    on.writer.write((b"\x00\x00\x00\x09\x00" + place) * 100_000)


def endless(on: Conversation, stream: int) -> None:
    on.h2.send_headers(stream, [(":status", "200")])
    for _ in range(40):
        on.h2.send_data(stream, b"x" * 16_000)


def reset(on: Conversation, stream: int) -> None:
    on.h2.reset_stream(stream)


def goes_away(on: Conversation, stream: int) -> None:
    on.h2.close_connection(error_code=2)


def hangs_up(on: Conversation, stream: int) -> None:
    on.writer.close()


def in_the_middle(on: Conversation, stream: int) -> None:
    on.h2.send_headers(stream, [(":status", "200"), ("content-length", "500")])
    on.h2.send_data(stream, b"<rss>")
    on.flush()
    on.writer.close()


def odd_status(on: Conversation, stream: int) -> None:
    on.flush()
    block = b"\x08\x03abc"
    on.writer.write(
        struct.pack(">I", len(block))[1:] + b"\x01\x05" + struct.pack(">I", stream) + block
    )


HARM: dict[str, Play] = {
    "pings": flood(ping(), 200_000),
    "settings": flood(b"\x00\x00\x00\x04\x00" + bytes(4), 200_000),
    "garbage": flood(b"\xff\x00 not a frame", 5_000),
    "huge_frame": flood(b"\xff\xff\xff\x00\x00\x00\x00\x00\x01" + b"x" * 65_536, 4),
    "header_bomb": header_bomb,
    "continuations": continuations,
    "endless": endless,
    "reset": reset,
    "goes_away": goes_away,
    "hangs_up": hangs_up,
    "in_the_middle": in_the_middle,
    "odd_status": odd_status,
    "silence": lambda on, stream: None,
}


@pytest.mark.parametrize("name", HARM)
def test_harm_is_a_failure_in_our_words_and_the_next_request_works(
    name: str, certificate: tuple[Path, Path]
) -> None:
    ca = str(certificate[0])

    async def ask(fetcher: Fetcher, site: H2Site) -> FetchError:
        with pytest.raises(FetchError) as caught:
            await fetcher.feed(f"{site.origin}/harm", NOTHING, ca)
        got = await fetcher.feed(f"{site.origin}/feed", NOTHING, ca)
        assert isinstance(got, Retrieved)
        assert got.body == b"<rss/>"
        return caught.value

    config = replace(SMALL, timeout=3 * SHORT.timeout)
    error, _ = over_h2(certificate, {"/harm": HARM[name], "/feed": page(b"<rss/>")}, ask, config)
    assert error.kind in KINDS
    assert str(error).isprintable()


def test_a_connection_the_server_closed_meanwhile_is_made_anew(
    certificate: tuple[Path, Path],
) -> None:
    ca = str(certificate[0])
    seen: list[Conversation] = []

    def remembers(on: Conversation, stream: int) -> None:
        seen.append(on)
        page(b"<rss/>")(on, stream)

    async def ask(fetcher: Fetcher, site: H2Site) -> Retrieved | NotModified:
        await fetcher.feed(f"{site.origin}/feed", NOTHING, ca)
        seen[0].writer.close()
        await asyncio.sleep(0.1)
        return await fetcher.feed(f"{site.origin}/feed", Validators('"a"'), ca)

    got, site = over_h2(certificate, {"/feed": remembers}, ask)
    assert isinstance(got, Retrieved)
    assert site.connections == 2


def header(kind: int, length: int, flags: int = 0, stream: int = 1) -> bytes:
    return length.to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">I", stream)


BEGUN = header(1, 1, 4) + b"\x88"


@pytest.mark.parametrize(
    ("begun", "frame"),
    [
        (b"", ping()),
        (b"", header(4, 0, 0, 0)),
        (b"", header(2, 5) + b"\0\0\0\0\x10"),
        (b"", header(0x77, 0)),
        (b"", header(8, 4, 0, 0) + b"\0\0\0\1"),
        (b"", header(1, 5, 4) + b"\x48\x03103"),
        (BEGUN, header(0, 0)),
        (BEGUN, header(0, 9, 8) + b"\x08" + bytes(8)),
        (BEGUN + header(0, 1) + b"a", ping()),
    ],
)
def test_frames_that_bring_nothing_cost_no_more_than_some_thousands_of_them(
    begun: bytes, frame: bytes, certificate: tuple[Path, Path]
) -> None:
    def play(on: Conversation, stream: int) -> None:
        on.flush()
        on.writer.write(begun + frame * 100_000)

    async def ask(fetcher: Fetcher, site: H2Site) -> FetchError:
        with pytest.raises(FetchError) as caught:
            await fetcher.feed(f"{site.origin}/harm", NOTHING, str(certificate[0]))
        return caught.value

    error, _ = over_h2(certificate, {"/harm": play}, ask, HERE)
    assert (error.kind, "next to nothing" in str(error)) == ("too_large", True)
