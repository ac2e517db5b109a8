"""The codings an answer is packed in (RFC 9110 §8.4), undone a piece at a time.

A kilobyte can stand for a gigabyte, so whoever reads decides after each piece whether
to go on. Only codings whose decoder can be told to stop are accepted.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import brotli  # type: ignore[import-untyped]  # it ships no types

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ACCEPTED = "gzip, deflate, br, zstd"

PIECE = 256 * 1024
"""The most that is decoded at once, in bytes."""

MAX_LAYERS = 3
"""An answer packed more often than this is an attack."""

MAX_MEMBERS = 10_000
"""As many gzip members or zstd frames may follow each other: each costs something to open."""

SLACK = 4 * PIECE
"""What may lie between two codings beyond what came out of the second, in bytes."""

GZIP = zlib.MAX_WBITS | 16
ZLIB = zlib.MAX_WBITS
RAW_DEFLATE = -zlib.MAX_WBITS

ZSTD_WINDOW: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 23}
"""8 MB: what an HTTP client must take, and need not exceed (RFC 9659 §3)."""

BROTLI_STEP = 64 * 1024
"""Brotli stops at the end of the block in which it reaches its limit: before PIECE."""


class Undecodable(Exception):
    """The bytes are not what Content-Encoding says, or it says something unknown."""


class Decoder:
    """Takes an answer's Content-Encoding; `decode` each part received, then `finish`.

    All of them raise Undecodable. Of several codings the last one listed is undone first.
    """

    def __init__(self, content_encoding: str) -> None:
        names = [name.strip().lower().removeprefix("x-") for name in content_encoding.split(",")]
        codings = [name for name in names if name not in ("", "identity")]
        if len(codings) > MAX_LAYERS or any(name not in _CODINGS for name in codings):
            raise Undecodable(f"the answer is packed in an unknown way: {content_encoding}")
        self._layers = [_Layer(name) for name in reversed(codings)]

    def decode(self, received: bytes) -> Iterator[bytes]:
        """Gives what the part stands for, in pieces of at most PIECE bytes if it was packed."""
        return self._through(self._layers, received)

    def finish(self) -> None:
        """Raises Undecodable if the answer was cut. An empty one counts as whole."""
        for layer in self._layers:
            layer.finish()

    def _through(self, layers: list[_Layer], received: bytes) -> Iterator[bytes]:
        if not layers:
            yield received
            return
        first, *others = layers
        for piece in first.decode(received):
            if others:
                # what is sent is limited by whoever reads, and so is what comes out, but what
                # lies between would be endless if it stood for nothing
                others[0].check_worth(len(piece))
            yield from self._through(others, piece)


class _Stream(Protocol):
    """One gzip member, zlib, deflate or brotli stream, or zstd frame."""

    more: bool
    """Whether `take(b"")` may give something before anything else has come."""

    ended: bool

    rest: bytes
    """What followed the end."""

    def take(self, data: bytes) -> bytes:
        """At most PIECE bytes of what `data` stands for."""


class _Layer:
    """One of the codings."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._open, self._begins_another = _CODINGS[coding]
        self._stream: _Stream | None = None
        self._members = 0
        self._only_padding = False
        self._taken = self._given = 0

    def decode(self, received: bytes) -> Iterator[bytes]:
        while received and not self._only_padding:
            if self._stream is None and self._members and not self._begins_another(received):
                self._only_padding = True
                return
            stream = self._stream or self._next(received)
            piece = self._take(stream, received)
            yield from self._given_on(piece)
            while stream.more and not stream.ended:
                yield from self._given_on(self._take(stream, b""))
            received = b""
            if stream.ended:
                self._stream, received = None, stream.rest

    def finish(self) -> None:
        if self._stream is not None:
            raise Undecodable(f"the answer broke off in the middle of its {self._coding}")

    def check_worth(self, size: int) -> None:
        """Counts what another coding hands to this one."""
        self._taken += size
        if self._taken > 2 * self._given + SLACK:
            raise Undecodable(f"the {self._coding} inside the answer is larger than what is in it")

    def _given_on(self, piece: bytes) -> Iterator[bytes]:
        if piece:
            self._given += len(piece)
            yield piece

    def _next(self, received: bytes) -> _Stream:
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise Undecodable(f"the answer is more than {MAX_MEMBERS:,} pieces of {self._coding}")
        self._stream = self._open(received)
        return self._stream

    def _take(self, stream: _Stream, data: bytes) -> bytes:
        try:
            return stream.take(data)
        except (zlib.error, brotli.error, zstd.ZstdError) as error:
            raise Undecodable(f"the answer is not sound {self._coding}: {error}") from error


class _Zlib:
    def __init__(self, wbits: int) -> None:
        self._inflater = zlib.decompressobj(wbits)
        self.more = self.ended = False
        self.rest = b""

    def take(self, data: bytes) -> bytes:
        inflater = self._inflater
        piece = inflater.decompress(inflater.unconsumed_tail or data, PIECE)
        # a full piece may leave something behind inside, though all was consumed
        self.more = bool(inflater.unconsumed_tail) or len(piece) == PIECE
        self.ended, self.rest = inflater.eof, inflater.unused_data
        return piece


class _Brotli:
    """Whatever follows a brotli stream is an error of it, since its end is not told."""

    def __init__(self) -> None:
        self._decompressor = brotli.Decompressor()
        self.more = self.ended = False
        self.rest = b""

    def take(self, data: bytes) -> bytes:
        piece: bytes = self._decompressor.process(data, output_buffer_limit=BROTLI_STEP)
        # it says that it can accept more even when more than its limit waits inside
        self.more = bool(piece) or not self._decompressor.can_accept_more_data()
        self.ended = self._decompressor.is_finished()
        return piece


class _Zstd:
    def __init__(self) -> None:
        self._decompressor = zstd.ZstdDecompressor(options=ZSTD_WINDOW)
        self.more = self.ended = False
        self.rest = b""

    def take(self, data: bytes) -> bytes:
        piece = self._decompressor.decompress(data, PIECE)
        self.more = not self._decompressor.needs_input
        self.ended, self.rest = self._decompressor.eof, self._decompressor.unused_data
        return piece


def _open_gzip(_: bytes) -> _Stream:
    return _Zlib(GZIP)


def _open_deflate(received: bytes) -> _Stream:
    # some servers leave out the zlib header (RFC 1950 §2.2: its low four bits are 8)
    return _Zlib(ZLIB if received[0] & 0x0F == 8 else RAW_DEFLATE)


def _open_brotli(_: bytes) -> _Stream:
    return _Brotli()


def _open_zstd(_: bytes) -> _Stream:
    return _Zstd()


def _another_gzip(rest: bytes) -> bool:
    """Whether another member follows (RFC 1952 §2.2), or padding to leave out."""
    return rest[0] == 0x1F


def _another_zstd(rest: bytes) -> bool:
    """The same for another frame, or one to be skipped (RFC 8878 §3.1)."""
    return rest[0] == 0x28 or 0x50 <= rest[0] <= 0x5F


def _another_deflate(_: bytes) -> bool:
    return False


def _another_brotli(_: bytes) -> bool:
    raise Undecodable("the answer goes on after the end of its br")


_CODINGS: dict[str, tuple[Callable[[bytes], _Stream], Callable[[bytes], bool]]] = {
    "gzip": (_open_gzip, _another_gzip),
    "deflate": (_open_deflate, _another_deflate),
    "br": (_open_brotli, _another_brotli),
    "zstd": (_open_zstd, _another_zstd),
}
"""How a stream of each coding begins, given its first bytes, and whether bytes begin another."""
