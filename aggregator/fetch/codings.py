"""The codings an answer is packed in (RFC 9110 §8.4), undone a piece at a time.

A kilobyte can stand for a gigabyte, so whoever reads decides after each piece whether
to go on. Only codings whose decoder can be told to stop are accepted: zlib's.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

ACCEPTED = "gzip, deflate"

PIECE = 256 * 1024
"""The most that is decoded at once, in bytes."""

GZIP = zlib.MAX_WBITS | 16
ZLIB = zlib.MAX_WBITS
RAW_DEFLATE = -zlib.MAX_WBITS


class Undecodable(Exception):
    """The bytes are not what Content-Encoding says, or it says something unknown."""


class Decoder:
    """Takes an answer's Content-Encoding; `decode` each part received, then `finish`.

    All of them raise Undecodable.
    """

    def __init__(self, content_encoding: str) -> None:
        names = [name.strip().lower() for name in content_encoding.split(",")]
        codings = [name.removeprefix("x-") for name in names if name not in ("", "identity")]
        if len(codings) > 1 or any(name not in ("gzip", "deflate") for name in codings):
            raise Undecodable(f"the answer is packed in an unknown way: {content_encoding}")
        self._coding = codings[0] if codings else ""
        self._inflater: zlib._Decompress | None = None
        self._whole = False

    def decode(self, received: bytes) -> Iterator[bytes]:
        """Gives what the part stands for, in pieces of at most PIECE bytes if it was packed."""
        if not self._coding:
            yield received
            return
        more = bool(received)
        while more:
            if self._inflater is None and self._whole and not self._another(received):
                return
            inflater = self._inflater or self._begin(received)
            try:
                piece = inflater.decompress(received, PIECE)
            except zlib.error as error:
                raise Undecodable(f"the answer is not sound {self._coding}: {error}") from error
            if piece:
                yield piece
            received = inflater.unconsumed_tail
            more = bool(received) or len(piece) == PIECE
            if inflater.eof:
                self._inflater, self._whole = None, True
                received = inflater.unused_data
                more = bool(received)

    def finish(self) -> None:
        """Raises Undecodable if the answer was cut. An empty one counts as whole."""
        if self._inflater is not None:
            raise Undecodable(f"the answer broke off in the middle of its {self._coding}")

    def _begin(self, received: bytes) -> zlib._Decompress:
        wbits = GZIP
        if self._coding == "deflate":
            # some servers leave out the zlib header (RFC 1950 §2.2: its low four bits are 8)
            wbits = ZLIB if received[0] & 0x0F == 8 else RAW_DEFLATE
        self._inflater = zlib.decompressobj(wbits)
        return self._inflater

    def _another(self, rest: bytes) -> bool:
        """Whether another gzip member follows (RFC 1952 §2.2), or padding to leave out."""
        return self._coding == "gzip" and rest.startswith(b"\x1f")
