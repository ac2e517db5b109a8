"""Attacks by the bytes on the wire: lengths, cuts, drips, codings, statuses, headers."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import brotli

from bench.attacks.documents import GOOD_FEED, zstd
from bench.attacks.wire import Attack, Send, Wire, fixed, raw

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n"
LENGTH = len(GOOD_FEED)
TOO_LARGE = ("too_large",)
TIMEOUT = ("timeout",)
BROKEN = ("protocol", "connect", "read", "network", "cut_off", "incomplete", "not_a_feed", "http")


def _zeros(compress: Callable[[bytes], bytes], megabytes: int) -> bytes:
    return compress(bytes(megabytes * 1_000_000))


def _gzip_bomb(megabytes: int) -> bytes:
    """Made piece by piece: so much is never in memory."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = b" " * 1_000_000
    return b"".join([*(packer.compress(piece) for _ in range(megabytes)), packer.flush()])


def _coded(body: bytes, *codings: str) -> Send:
    return fixed(body, "200 OK", *(f"Content-Encoding: {coding}" for coding in codings))


def _begun(head: bytes, piece: bytes, pause: float = 0.0) -> Send:
    """A beginning, and then the same piece without end."""

    async def send(wire: Wire) -> None:
        await wire.send(head)
        await wire.forever(piece, pause)

    return send


def _cut(data: bytes) -> Send:
    async def send(wire: Wire) -> None:
        await wire.send(data)
        wire.reset()

    return send


def _endless_gzip() -> Send:
    async def send(wire: Wire) -> None:
        await wire.send(OK + b"Content-Encoding: gzip\r\n\r\n")
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        while True:
            await wire.send(packer.compress(b"<item/>" * 100_000) + packer.flush(zlib.Z_SYNC_FLUSH))

    return send


def _silent(seconds: float) -> Send:
    async def send(wire: Wire) -> None:
        await wire.forever(b"", seconds)

    return send


def _attack(name: str, send: Send, statuses: tuple[str, ...] = (), **more: str) -> Attack:
    return Attack(name, "transfer", send, statuses, **more)  # type: ignore[arg-type] # texts only


def endless() -> list[Attack]:
    item = b"<item><title>x</title></item>"
    return [
        _attack("endless body", _begun(OK + b"\r\n", b"x" * 65_536), TOO_LARGE),
        _attack("endless items", _begun(OK + b"\r\n<rss><channel>", item * 2000), TOO_LARGE),
        _attack("endless gzip", _endless_gzip(), TOO_LARGE),
        _attack(
            "endless chunks",
            _begun(
                OK + b"Transfer-Encoding: chunked\r\n\r\n", b"8000\r\n" + b"y" * 32_768 + b"\r\n"
            ),
            TOO_LARGE,
        ),
        _attack(
            "endless tiny chunks",
            _begun(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\ny\r\n" * 10_000),
            (*TOO_LARGE, *TIMEOUT),
        ),
        _attack("endless headers", _begun(OK, b"X-A: b\r\n" * 5000)),
        _attack("endless header line", _begun(OK + b"X-A: ", b"b" * 65_536)),
        _attack("endless status line", _begun(b"HTTP/1.1 200 ", b"O" * 65_536)),
        _attack(
            "endless chunk extension",
            _begun(OK + b"Transfer-Encoding: chunked\r\n\r\n5;", b"e" * 65_536),
        ),
        _attack(
            "endless trailers",
            _begun(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"T: x\r\n" * 5000),
        ),
        _attack("endless 100", _begun(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 500)),
        _attack(
            "endless 103", _begun(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 500)
        ),
        _attack("dripped 100", _begun(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 2), TIMEOUT),
        _attack("dripped body", _begun(OK + b"\r\n<rss>", b" ", 1), TIMEOUT),
        _attack(
            "dripped body of a length",
            _begun(OK + b"Content-Length: 9999\r\n\r\n", b" ", 2),
            TIMEOUT,
        ),
        _attack("dripped headers", _begun(OK, b"X: y\r\n", 2), TIMEOUT),
        _attack("dripped status", _begun(b"HTTP/1.1 200 ", b"O", 1), TIMEOUT),
        _attack(
            "dripped gzip",
            _begun(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"")[:10], b"\0", 2),
        ),
        _attack("no answer", _silent(30), TIMEOUT),
        _attack("no body", _begun(OK + b"Content-Length: 5000\r\n\r\n", b"", 30), TIMEOUT),
        _attack("garbage", _begun(b"", bytes(range(256)) * 64)),
    ]


def lengths() -> list[Attack]:
    chunked = OK + b"Transfer-Encoding: chunked\r\n"

    def of(*lines: bytes) -> Send:
        return raw(OK + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + GOOD_FEED)

    return [
        _attack("length too long", of(b"Content-Length: %d" % (LENGTH + 50)), BROKEN),
        _attack("length too short", of(b"Content-Length: %d" % (LENGTH - 50))),
        _attack("length zero", of(b"Content-Length: 0")),
        _attack("length negative", of(b"Content-Length: -1")),
        _attack("length no number", of(b"Content-Length: many")),
        _attack("length beyond 64 bits", of(b"Content-Length: 99999999999999999999999")),
        _attack("length of 19 GB", of(b"Content-Length: 19000000000")),
        _attack("two lengths", of(b"Content-Length: 5", b"Content-Length: %d" % LENGTH)),
        _attack(
            "length and chunks", of(b"Content-Length: %d" % LENGTH, b"Transfer-Encoding: chunked")
        ),
        _attack("chunk size no number", raw(chunked + b"\r\nzz\r\n" + GOOD_FEED)),
        _attack("chunk size negative", raw(chunked + b"\r\n-5\r\n" + GOOD_FEED)),
        _attack(
            "chunk size beyond 64 bits", raw(chunked + b"\r\n" + b"F" * 30 + b"\r\n" + GOOD_FEED)
        ),
        _attack("chunks without end", raw(chunked + b"\r\n5\r\n<rss>\r\n"), BROKEN),
        _attack("unknown transfer coding", raw(OK + b"Transfer-Encoding: foo\r\n\r\n" + GOOD_FEED)),
        _attack("cut at once", _cut(b"")),
        _attack("cut in the status", _cut(b"HTTP/1.")),
        _attack("cut in the headers", _cut(OK)),
        _attack("cut after the headers", _cut(OK + b"Content-Length: 500\r\n\r\n")),
        _attack(
            "cut in the body", _cut(OK + b"Content-Length: %d\r\n\r\n" % LENGTH + GOOD_FEED[:300])
        ),
        _attack("cut in a chunk", _cut(chunked + b"\r\nfff\r\n" + GOOD_FEED[:300])),
        _attack(
            "cut in gzip",
            raw(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(GOOD_FEED)[:200]),
        ),
        _attack("two answers at once", raw(_whole(b"1") + _whole(b"2"))),
        _attack("HTTP/0.9", raw(GOOD_FEED)),
        _attack("HTTP/9.9", raw(b"HTTP/9.9 200 OK\r\n\r\n" + GOOD_FEED)),
        _attack("bare newlines", raw(b"HTTP/1.1 200 OK\nContent-Length: 5\n\n<rss>")),
        _attack("header without a colon", of(b"X nothing")),
        _attack("header folded", of(b"X-A: b", b" c", b"Content-Length: %d" % LENGTH)),
        _attack("header with NUL", of(b"X-A: \0")),
        _attack("speaks TLS", raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200))),
        _attack("speaks HTTP/2", raw(b"\0\0\x12\x04" + bytes(50))),
    ]


def _whole(name: bytes) -> bytes:
    return OK + b"Content-Length: %d\r\nX-N: %s\r\n\r\n" % (LENGTH, name) + GOOD_FEED


def codings() -> list[Attack]:
    nested = gzip.compress(gzip.compress(_gzip_bomb(500)))
    deflated = zlib.compressobj(9, zlib.DEFLATED, -15)
    bare = deflated.compress(GOOD_FEED) + deflated.flush()
    big = 300
    return [
        _attack("gzip bomb of 2 GB", _coded(_gzip_bomb(2000), "gzip"), TOO_LARGE),
        _attack("gzip bomb twice", _coded(nested[:], "gzip, gzip, gzip")),
        _attack("deflate bomb", _coded(_zeros(zlib.compress, big), "deflate"), TOO_LARGE),
        _attack(
            "br bomb", _coded(_zeros(lambda b: brotli.compress(b, quality=5), big), "br"), TOO_LARGE
        ),
        _attack("zstd bomb", _coded(_zeros(zstd.compress, big), "zstd"), TOO_LARGE),
        _attack(
            "zstd window of 2 GB",
            _coded(b"\x28\xb5\x2f\xfd\x00\xa8" + b"\x01\x00\x00" * 10, "zstd"),
        ),
        _attack("gzip members without number", _coded(gzip.compress(b" " * 10_000) * 5000, "gzip")),
        _attack(
            "gzip in br in zstd",
            _coded(zstd.compress(brotli.compress(_gzip_bomb(200))), "gzip, br, zstd"),
        ),
        _attack("twenty codings", _coded(gzip.compress(GOOD_FEED), ", ".join(["gzip"] * 20))),
        _attack("ten thousand codings", _coded(GOOD_FEED, ", ".join(["gzip"] * 10_000))),
        _attack("unknown coding", _coded(GOOD_FEED, "rot13")),
        _attack("gzip that is none", _coded(GOOD_FEED, "gzip")),
        _attack("br that is none", _coded(GOOD_FEED, "br")),
        _attack("zstd that is none", _coded(GOOD_FEED, "zstd")),
        _attack("gzip with a tail", _coded(gzip.compress(GOOD_FEED) + b"tail" * 100, "gzip")),
        _attack("gzip with a wrong sum", _coded(gzip.compress(GOOD_FEED)[:-8] + bytes(8), "gzip")),
        _attack("bare deflate", _coded(bare, "deflate")),
        _attack("gzip of nothing", _coded(gzip.compress(b""), "gzip")),
        _attack("gzip of zero bytes", _coded(b"", "gzip")),
    ]


def statuses() -> list[Attack]:
    given = {
        "204 No Content": b"",
        "205 Reset": b"",
        "206 Partial Content": GOOD_FEED,
        "226 IM Used": GOOD_FEED,
        "300 Multiple Choices": GOOD_FEED,
        "304 Not Modified": b"",
        "305 Use Proxy": GOOD_FEED,
        "306 Unused": GOOD_FEED,
        "407 Proxy Authentication Required": b"",
        "418 Teapot": GOOD_FEED,
        "451 Unavailable": b"",
        "599 Whatever": GOOD_FEED,
        "999 Request denied": GOOD_FEED,
    }
    odd = ("000 Zero", "099 Low", "1000 High", "abc Letters", "-200 Minus", "2OO Letters")
    found = [
        _attack(f"status {status.split()[0]}", fixed(body, status))
        for status, body in given.items()
    ]
    found += [
        _attack(f"status {s.split()[0]}", raw(f"HTTP/1.1 {s}\r\n\r\n".encode() + GOOD_FEED))
        for s in odd
    ]
    found += [
        _attack(
            "status 101", raw(b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n" + GOOD_FEED)
        ),
        _attack("100 and nothing", _begun(b"HTTP/1.1 100 Continue\r\n\r\n", b"", 30), TIMEOUT),
    ]
    return found


def headers() -> list[Attack]:
    long = "x" * 60_000
    retries = ("1e999", "-1", "99999999999999999999999", "Mon, 99 Foo 99999 99:99:99 GMT", long)
    return [
        *(
            _attack(f"Retry-After {retry[:20]}", fixed(b"", "429 No", f"Retry-After: {retry}"))
            for retry in retries
        ),
        *(
            _attack(f"{name.partition(':')[0]} odd", fixed(GOOD_FEED, "200 OK", name))
            for name in (
                f"ETag: {long}",
                'ETag: \xff\xfe"\x01',
                f"Last-Modified: {long}",
                f"Cache-Control: max-age={'9' * 5000}",
                'Cache-Control: max-age=""", =,,;;',
                f"Age: {'9' * 5000}",
                "Expires: 99999999999",
                f"Content-Type: text/xml; charset={long}",
                "Content-Type: text/xml; charset=zlib_codec",
                "Content-Type: text/xml; charset=idna",
                "Content-Type: text/xml; charset=../../etc/passwd",
                "Content-Location: http://127.0.0.1/",
                f"Link: {'<a>; rel=hub, ' * 4000}",
                f"Set-Cookie: {long}",
                f"X-Many: 1{chr(13)}{chr(10)}" + f"{chr(13)}{chr(10)}".join(["A: b"] * 90),
            )
        ),
    ]


def transfers() -> list[Attack]:
    return [*endless(), *lengths(), *codings(), *statuses(), *headers()]
