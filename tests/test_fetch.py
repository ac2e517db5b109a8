"""The HTTP client against a site on loopback that answers well, oddly, slowly or not at all."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import subprocess
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aggregator.config import FetchSettings
from aggregator.core.model import NotModified, Retrieved, Validators
from aggregator.errors import FetchError
from aggregator.fetch import Fetcher, shown
from aggregator.fetch.codings import PIECE, Decoder
from aggregator.fetch.network import Allowed
from tests.loopback import Answer, Loopback, answer, redirect

T = TypeVar("T")

HERE = FetchSettings(
    contact="editor@example.org", timeout=timedelta(seconds=5), allow_private=("127.0.0.0/8",)
)
NOTHING = Validators()


@asynccontextmanager
async def fetching(config: FetchSettings = HERE) -> AsyncIterator[Fetcher]:
    fetcher = Fetcher(config, "1.2")
    try:
        yield fetcher
    finally:
        await fetcher.close()


def fetched(
    answers: dict[str, bytes | Answer],
    ask: Callable[[Fetcher, Loopback], Awaitable[T]],
    config: FetchSettings = HERE,
) -> tuple[T, Loopback]:
    """What asking a site with these answers gave, and the site, which knows what it was asked."""

    async def scenario() -> tuple[T, Loopback]:
        async with Loopback(answers) as site, fetching(config) as fetcher:
            return await ask(fetcher, site), site

    return asyncio.run(scenario())


def feed_of(
    given: bytes | Answer, validators: Validators = NOTHING, config: FetchSettings = HERE
) -> Retrieved | NotModified:
    return fetched({"/feed": given}, lambda f, s: f.feed(f"{s.origin}/feed", validators), config)[0]


def failure_of(
    given: bytes | Answer, validators: Validators = NOTHING, config: FetchSettings = HERE
) -> FetchError:
    with pytest.raises(FetchError) as caught:
        feed_of(given, validators, config)
    return caught.value


def failures_at(urls: Iterable[str], config: FetchSettings = HERE) -> list[FetchError]:
    async def failure(fetcher: Fetcher, url: str) -> FetchError:
        with pytest.raises(FetchError) as caught:
            await fetcher.feed(url, NOTHING)
        return caught.value

    async def scenario() -> list[FetchError]:
        async with fetching(config) as fetcher:
            return [await failure(fetcher, url) for url in urls]

    return asyncio.run(scenario())


def failure_at(url: str, config: FetchSettings = HERE) -> FetchError:
    return failures_at([url], config)[0]


def slowly(*parts: bytes, every: float = 0.05) -> Answer:
    async def write(writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(every)

    return write


# --- what is asked, and what is taken ----------------------------------------------------------


def test_a_request_says_who_asks_and_what_it_takes() -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> None:
        await fetcher.feed(f"{site.origin}/feed", NOTHING)
        await fetcher.page(f"{site.origin}/page")

    _, site = fetched({"/feed": answer(b"<rss/>"), "/page": answer(b"<p>")}, ask)

    feed, page = site.asked
    assert feed.headers["user-agent"] == b"aggregator/1.2 (+editor@example.org)"
    assert feed.headers["accept"].startswith(b"application/atom+xml")
    assert page.headers["accept"].startswith(b"text/html")
    assert feed.headers["accept-encoding"] == b"gzip, deflate, br, zstd"
    assert "if-none-match" not in feed.headers
    assert "if-modified-since" not in feed.headers
    assert "referer" not in page.headers


def test_an_answer_comes_with_its_validators_and_headers() -> None:
    given = answer(b"<rss/>", etag='"a"', last_modified="Wed, 28 Jul 2021", Content_Type="text/xml")
    got = feed_of(given)
    assert isinstance(got, Retrieved)
    assert got.body == b"<rss/>"
    assert got.status == 200
    assert got.headers["content-type"] == "text/xml"
    assert (got.validators.etag, got.validators.last_modified) == ('"a"', "Wed, 28 Jul 2021")
    assert got.validators.body_hash
    assert got.elapsed > 0
    assert got.permanent_url == ""


@pytest.mark.parametrize(
    ("etag", "last_modified"),
    [
        (b'"686897696a7c876b7e"', b"Wed, 28 Jul 2021 21:05:25 GMT"),
        (b'W/"with, comma and ""quotes"""', b"not a date at all"),
        (b"unquoted", b"0"),
        ("“é塔利班”".encode(), "星期三".encode()),
        (b'"\xff\xfe"', b"\x80"),
    ],
)
def test_validators_are_sent_back_byte_for_byte(etag: bytes, last_modified: bytes) -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> None:
        first = await fetcher.feed(f"{site.origin}/feed", NOTHING)
        await fetcher.feed(f"{site.origin}/feed", first.validators)

    _, site = fetched({"/feed": answer(b"x", etag=etag, last_modified=last_modified)}, ask)

    assert site.asked[1].headers["if-none-match"] == etag
    assert site.asked[1].headers["if-modified-since"] == last_modified


def test_a_304_is_not_modified_and_keeps_what_it_does_not_renew() -> None:
    asked = Validators('"a"', "Wed, 28 Jul 2021", "hash")
    got = feed_of(answer(status="304 Not Modified", etag='"b"'), asked)
    assert isinstance(got, NotModified)
    assert got.validators == Validators('"b"', "Wed, 28 Jul 2021", "hash")


def test_the_same_body_under_a_new_etag_is_not_modified() -> None:
    first = feed_of(answer(b"<rss/>", etag='"a"'))
    again = feed_of(answer(b"<rss/>", etag='"b"'), first.validators)
    assert isinstance(again, NotModified)
    assert again.validators == replace(first.validators, etag='"b"')
    assert isinstance(feed_of(answer(b"<rss />"), first.validators), Retrieved)


def test_a_304_that_was_not_asked_for_is_a_failure() -> None:
    error = failure_of(answer(status="304 Not Modified"), Validators(body_hash="hash"))
    assert (error.kind, error.status) == ("http_status", 304)


def test_cookies_are_not_sent_back_and_no_referer_is() -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> None:
        await fetcher.page(f"{site.origin}/page")
        await fetcher.page(f"{site.origin}/page")

    moved = answer(status="302 Found", location="/there", set_cookie="b=2; Path=/")
    _, site = fetched(
        {"/page": moved, "/there": answer(b"x", set_cookie="a=1; Path=/")},
        ask,
    )
    assert site.targets == ["/page", "/there", "/page", "/there"]
    for asked in site.asked:
        assert "cookie" not in asked.headers
        assert "referer" not in asked.headers


# --- redirects ---------------------------------------------------------------------------------


def test_permanent_redirects_say_where_the_feed_has_moved() -> None:
    got, site = fetched(
        {
            "/old": redirect("/newer"),
            "/newer": redirect("/newest", "308 Permanent Redirect"),
            "/newest": answer(b"x"),
        },
        lambda f, s: f.feed(f"{s.origin}/old", NOTHING),
    )
    assert got.url == got.permanent_url == f"{site.origin}/newest"


def test_after_a_temporary_redirect_nothing_is_permanent() -> None:
    got, site = fetched(
        {
            "/old": redirect("/new"),
            "/new": redirect("/today", "302 Found"),
            "/today": redirect("/now"),
            "/now": answer(b"x"),
        },
        lambda f, s: f.feed(f"{s.origin}/old", Validators('"a"')),
    )
    assert got.url == f"{site.origin}/now"
    assert got.permanent_url == f"{site.origin}/new"
    assert [asked.headers["if-none-match"] for asked in site.asked] == [b'"a"'] * 4


def test_a_temporary_redirect_alone_moves_nothing() -> None:
    got, _ = fetched(
        {"/a": redirect("/b", "307 Temporary Redirect"), "/b": answer(b"x")},
        lambda f, s: f.feed(f"{s.origin}/a", NOTHING),
    )
    assert got.permanent_url == ""


def test_a_loop_of_redirects_is_refused() -> None:
    error = failure_of(redirect("/feed", "302 Found"))
    assert error.kind == "redirect"


@pytest.mark.parametrize(
    "location", ["ftp://example.org/", "file:///etc/passwd", "//127.0.0.1:99999/"]
)
def test_a_redirect_to_what_is_no_web_address_is_refused(location: str) -> None:
    assert failure_of(redirect(location)).kind in ("protocol", "redirect")


# --- failures ----------------------------------------------------------------------------------


def test_an_unknown_host_is_a_dns_failure() -> None:
    patient = replace(HERE, timeout=timedelta(seconds=60))
    error = failure_at("http://no-such-host.invalid/feed", patient)
    assert error.kind == "dns"
    assert "no-such-host.invalid" in str(error)


def test_a_closed_port_is_a_connect_failure() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        assert failure_at(f"http://127.0.0.1:{port}/feed").kind == "connect"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for `localhost`, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    made, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(key), "-out", str(made)),
        ],
        check=True,
        capture_output=True,
    )
    return made, key


def over_tls(certificate: tuple[Path, Path], host: str) -> Retrieved | NotModified:
    async def scenario() -> Retrieved | NotModified:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*certificate)
        async with Loopback({"/feed": answer(b"x")}, tls) as site, fetching() as fetcher:
            return await fetcher.feed(f"https://{host}:{site.port}/feed", NOTHING)

    return asyncio.run(scenario())


def test_a_self_signed_certificate_is_a_tls_failure(certificate: tuple[Path, Path]) -> None:
    with pytest.raises(FetchError) as caught:
        over_tls(certificate, "localhost")
    assert caught.value.kind == "tls"
    assert "certificate" in str(caught.value)


def test_a_trusted_certificate_is_taken_for_its_own_host_only(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    assert isinstance(over_tls(certificate, "localhost"), Retrieved)
    with pytest.raises(FetchError) as caught:
        over_tls(certificate, "127.0.0.1")
    assert caught.value.kind == "tls"


def test_plain_http_where_tls_is_spoken_is_a_tls_failure() -> None:
    async def not_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer(b"not TLS"))
        await writer.drain()
        writer.close()

    async def scenario() -> None:
        server = await asyncio.start_server(not_tls, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, fetching() as fetcher:
            await fetcher.feed(f"https://127.0.0.1:{port}/feed", NOTHING)

    with pytest.raises(FetchError) as caught:
        asyncio.run(scenario())
    assert caught.value.kind == "tls"


SHORT = replace(HERE, timeout=timedelta(seconds=0.4))


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


def test_redirects_share_one_deadline() -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> None:
        await fetcher.feed(f"{site.origin}/1", NOTHING)

    def pause(location: str) -> Answer:
        async def write(writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.25)
            writer.write(redirect(location))
            await writer.drain()

        return write

    answers: dict[str, bytes | Answer] = {
        "/1": pause("/2"),
        "/2": pause("/3"),
        "/3": pause("/4"),
        "/4": answer(b"x"),
    }
    with pytest.raises(FetchError) as caught:
        fetched(answers, ask, SHORT)
    assert caught.value.kind == "timeout"


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("404 Not Found", "404"),
        ("410 Gone", "gone for good"),
        ("401 Unauthorized", "password"),
        ("500 Internal Server Error", "server's"),
        ("204 No Content", "204"),
        ("301 Moved Permanently", "301"),
    ],
)
def test_a_status_without_a_feed_is_told(status: str, says: str) -> None:
    error = failure_of(answer(status=status))
    assert error.kind == "http_status"
    assert error.status == int(status[:3])
    assert says in str(error)
    assert error.retry_after is None


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    def asked_to_wait(value: str) -> float | None:
        return failure_of(answer(status="429 Too Many Requests", retry_after=value)).retry_after

    assert asked_to_wait("120") == 120
    assert asked_to_wait(" 0 ") == 0
    tomorrow = format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)
    assert asked_to_wait(tomorrow) == pytest.approx(86_400, abs=60)
    assert asked_to_wait("Wed, 28 Jul 2010 21:05:25 GMT") == 0
    for nonsense in ("soon", "-5", "1.5", "²", "Wed, 28 Jul 2021 21:05:25 +9999999999999"):
        assert asked_to_wait(nonsense) is None


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


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=3000), st.integers(1, 50), st.sampled_from(["gzip", "deflate", "raw"]))
def test_however_an_answer_is_cut_up_it_is_unpacked_whole(
    text: bytes, size: int, packing: str
) -> None:
    packer = zlib.compressobj(wbits={"gzip": 31, "deflate": 15, "raw": -15}[packing])
    packed = packer.compress(text) + packer.flush()
    decoder = Decoder("gzip" if packing == "gzip" else "deflate")
    parts = [packed[start : start + size] for start in range(0, len(packed), size)]
    assert b"".join(piece for part in parts for piece in decoder.decode(part)) == text
    decoder.finish()


@pytest.mark.parametrize("wbits", [31, 15, -15])
@pytest.mark.parametrize("over", [-1, 0, 1, 257, 258, 259])
def test_no_piece_is_larger_than_it_may_be_and_none_is_left_behind(wbits: int, over: int) -> None:
    for times in (1, 2, 5):
        text = bytes(times * PIECE + over)
        packer = zlib.compressobj(9, wbits=wbits)
        packed = packer.compress(text) + packer.flush()
        decoder = Decoder("gzip" if wbits == 31 else "deflate")
        pieces = list(decoder.decode(packed))
        decoder.finish()
        assert max(map(len, pieces)) <= PIECE
        assert b"".join(pieces) == text


@pytest.mark.parametrize(
    "broken",
    [
        answer(gzip.compress(TEXT)[:-20], content_encoding="gzip"),
        answer(b"<rss/>", content_encoding="gzip"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nContent-Length : 7\r\n\r\n<rss>",
        slowly(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<rss>"),
        slowly(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<rss>\r\n"),
        slowly(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n<rss>\r\n"),
        slowly(b"\x00\xff garbage\r\n\r\n"),
        slowly(b"SSH-2.0-OpenSSH_9.2\r\n"),
        slowly(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 300_000),
        slowly(b"HTTP/1.1 999999 Odd\r\n\r\n"),
        slowly(b""),
    ],
)
def test_cut_and_garbled_answers_are_protocol_failures(broken: bytes | Answer) -> None:
    error = failure_of(broken)
    assert error.kind == "protocol"
    assert not str(error).endswith(": ")


# --- addresses ---------------------------------------------------------------------------------

PUBLIC_ONLY = replace(HERE, allow_private=())


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254"),
        *("0.0.0.0", "100.64.0.1", "224.0.0.1", "255.255.255.255", "2130706433", "127.1"),
        *("[::1]", "[::]", "[fe80::1]", "[fc00::1]", "[::ffff:127.0.0.1]", "[::ffff:a00:1]"),
        *("[2002:7f00:1::]", "[64:ff9b::7f00:1]", "[64:ff9b::a00:1]", "[ff02::1]"),
    ],
)
def test_addresses_that_are_not_public_are_not_asked(host: str) -> None:
    error = failure_at(f"http://{host}/feed", PUBLIC_ONLY)
    assert error.kind == "blocked_address"
    assert "allow_private" in str(error)


def test_a_redirect_to_an_address_that_is_not_public_is_not_followed() -> None:
    async def scenario() -> None:
        async with Loopback({"/secret": answer(b"secret")}) as inside:
            to_inside = redirect(f"http://localhost:{inside.port}/secret", "302 Found")
            async with Loopback({"/feed": to_inside}) as outside:
                config = replace(HERE, allow_private=(f"127.0.0.1:{outside.port}",))
                async with fetching(config) as fetcher:
                    with pytest.raises(FetchError) as caught:
                        await fetcher.feed(f"{outside.origin}/feed", NOTHING)
                assert caught.value.kind == "blocked_address"
                assert outside.targets == ["/feed"]
            assert inside.asked == []

    asyncio.run(scenario())


def test_what_the_user_lists_is_allowed() -> None:
    allowed = Allowed(("10.0.0.0/8", "192.168.1.7", "nas.local:8080", "fd00::/8"), ())
    assert allowed("nas", 80, "10.1.2.3")
    assert allowed("nas", 80, "::ffff:10.1.2.3")
    assert allowed("nas", 80, "192.168.1.7")
    assert allowed("nas.local", 8080, "192.168.9.9")
    assert allowed("nas", 80, "fd00::1")
    assert allowed("example.org", 443, "93.184.216.34")
    assert allowed("example.org", 443, "2606:2800:220:1::1")
    assert not allowed("nas.local", 80, "192.168.9.9")
    assert not allowed("nas", 80, "192.168.1.8")
    assert not allowed("nas", 80, "127.0.0.1")


def test_the_resolver_map_keeps_the_real_host_in_the_request_and_in_the_urls() -> None:
    async def scenario() -> None:
        async with Loopback({"/rss": redirect("/feed"), "/feed": answer(b"x")}) as site:
            config = replace(PUBLIC_ONLY, resolve={"News.example.ORG": site.origin})
            async with fetching(config) as fetcher:
                got = await fetcher.feed("https://news.example.org/rss", NOTHING)
            assert got.url == got.permanent_url == "https://news.example.org/feed"
            assert [asked.headers["host"] for asked in site.asked] == [b"news.example.org"] * 2

    asyncio.run(scenario())


# --- turns -------------------------------------------------------------------------------------


def test_a_host_is_asked_only_so_often_at_once() -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> None:
        await asyncio.gather(*(fetcher.page(f"{site.origin}/{n}") for n in range(12)))

    async def pause(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.02)
        writer.write(answer(b"x"))
        await writer.drain()

    _, site = fetched({f"/{n}": pause for n in range(12)}, ask, replace(HERE, per_host=3))
    assert len(site.asked) == 12
    assert site.at_once == 3


def test_a_host_that_many_are_redirected_to_is_asked_only_so_often_at_once() -> None:
    async def pause(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)
        writer.write(answer(b"x"))
        await writer.drain()

    async def scenario() -> None:
        async with Loopback({"/feed": pause}) as main:
            to_main = redirect("http://main.example/feed", "302 Found")
            async with Loopback({"/feed": to_main}) as mirrors:
                names = [f"mirror{n}.example" for n in range(8)]
                resolve = dict.fromkeys(names, mirrors.origin) | {"main.example": main.origin}
                async with fetching(replace(HERE, per_host=2, resolve=resolve)) as fetcher:
                    await asyncio.gather(
                        *(fetcher.feed(f"http://{name}/feed", NOTHING) for name in names)
                    )
            assert len(main.asked) == 8
            assert main.at_once == 2

    asyncio.run(scenario())


def test_waiting_for_a_turn_does_not_count_as_the_servers_delay() -> None:
    async def pause(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        writer.write(answer(b"x"))
        await writer.drain()

    async def ask(fetcher: Fetcher, site: Loopback) -> None:
        await asyncio.gather(*(fetcher.page(f"{site.origin}/{n}") for n in range(6)))

    _, site = fetched({f"/{n}": pause for n in range(6)}, ask, replace(SHORT, per_host=1))
    assert len(site.asked) == 6


def test_a_cancelled_request_gives_its_turn_back() -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> Retrieved:
        hanging = [asyncio.create_task(fetcher.page(f"{site.origin}/hang")) for _ in range(5)]
        await asyncio.sleep(0.1)
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
        return await fetcher.page(f"{site.origin}/page")

    config = replace(HERE, per_host=2, concurrency=2)
    got, _ = fetched({"/hang": slowly(b"", every=60), "/page": answer(b"x")}, ask, config)
    assert got.body == b"x"


# --- URLs of every kind ------------------------------------------------------------------------


def test_credentials_are_used_and_never_shown() -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> tuple[Retrieved | NotModified, FetchError]:
        base = f"http://ann:s3cret@127.0.0.1:{site.port}"
        with pytest.raises(FetchError) as caught:
            await fetcher.feed(f"{base}/gone", NOTHING)
        return await fetcher.feed(f"{base}/old", NOTHING), caught.value

    (got, error), site = fetched({"/old": redirect("/feed"), "/feed": answer(b"x")}, ask)
    assert site.asked[-1].headers["authorization"] == b"Basic YW5uOnMzY3JldA=="
    assert got.url == got.permanent_url == f"{site.origin}/feed"
    assert "s3cret" not in str(error)
    for url in ("http://ann:s3cret@[::1/", "http://ann:s3cret@no.invalid:x/", "//a:s3cret@/"):
        assert "s3cret" not in str(failure_at(url))
        assert "s3cret" not in shown(url)


def test_an_at_sign_in_a_path_is_no_credential() -> None:
    assert shown("https://example.org/@ann/feed") == "https://example.org/@ann/feed"
    assert shown("https://example.org?to=a@b") == "https://example.org?to=a@b"


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            " ",
            "feed",
            "//",
            "http://",
            "http:///feed",
            "https://:80/",
            "http://[::1",
            "http://]",
        ),
        *("http://exa mple.org/", "http://a..b/", "http://.../", "http://塔利班.invalid/新闻"),
        *("ftp://example.org/", "ws://example.org/", "file:///etc/passwd", "javascript:alert(1)"),
        *("http://example.org:99999/", "http://example.org:-1/", "http://example.org:abc/"),
        *("http://" + "a" * 300 + ".invalid/", "http://\udc80/", "http://a\x00b/", "http://a\nb/"),
        *("http://example.invalid/\udc80", "http://1.2.3.4.5/", "http://0x7f.1/", "http://%31/"),
        "http://example.invalid/" + "x" * 70_000,
    ],
)
def test_malformed_urls_are_fetch_failures(url: str) -> None:
    assert failure_at(url, PUBLIC_ONLY).kind in ("protocol", "dns", "blocked_address")


ODD = st.text("aA0.:/@[]%?#\\ \t\n-_é塔\u3002\x00\udc80", max_size=12)


@settings(max_examples=100, deadline=None)
@example("[::1")
@example("a]@b")
@given(st.one_of(ODD, st.text(max_size=20)))
def test_no_text_after_the_scheme_gives_anything_but_a_fetch_failure(odd: str) -> None:
    # a name with two dots together is not even looked up
    places = (f"{odd}..invalid/", f"{odd}@a..b/", f"[{odd}", f"a..b:{odd}", f"127.0.0.1:1/{odd}")
    failures_at([odd, *(f"http://{place}" for place in places)], PUBLIC_ONLY)


@settings(max_examples=20, deadline=None)
@given(st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=30))
def test_no_location_gives_anything_but_a_fetch_failure(location: str) -> None:
    for target in (f"/{location}", f"http:{location}", f"http://a..b{location}", f"?{location}"):
        failure_of(redirect(target, "302 Found"))
