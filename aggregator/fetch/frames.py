"""The frames of an HTTP/2 connection (RFC 9113 §4.1), counted as they come off the wire.

A frame of nine bytes that says nothing costs as much work as a kilobyte of an answer, and whoever
sends nothing else is within every limit of bytes for a long time.
"""

from __future__ import annotations

from aggregator.errors import FetchError

HEADER = 9
"""Bytes that every frame begins with."""

DATA = 0x0
PADDED = 0x8

BUDGET = 2**20
"""What a connection may cost beyond what it brings, in bytes; nor is it ever further ahead."""

FRAME = 128
"""What each frame costs; those that are no DATA cost their length as well."""

WORTH = 2
"""What each byte of DATA brings: frames of 64 bytes pay for themselves."""

PER_REQUEST = 128 * 1024
"""What each request may cost without bringing anything: many are answered that nothing is new."""


class Frames:
    """`count` each part that came, in order, and `ask` before the first for another request."""

    def __init__(self) -> None:
        self._budget = BUDGET
        self._header = b""
        """Of a frame of which nothing else has come."""
        self._left = 0
        """Bytes of the last frame that are still to come."""

    def ask(self) -> None:
        self._bring(PER_REQUEST)

    def count(self, received: bytes) -> None:
        """Raises FetchError once they cost more than they bring."""
        at = min(self._left, len(received))
        self._left -= at
        while at < len(received):
            header = self._header + received[at : at + HEADER - len(self._header)]
            at += len(header) - len(self._header)
            if len(header) < HEADER:
                self._header = header
                return
            self._header = b""
            length = int.from_bytes(header[:3], "big")
            self._weigh(header[3], header[4], length)
            here = min(length, len(received) - at)
            at += here
            self._left = length - here

    def _weigh(self, kind: int, flags: int, length: int) -> None:
        # padding is not told from what it is around, so all of it counts as such
        if kind == DATA and not flags & PADDED:
            self._bring(WORTH * length)
            self._budget -= FRAME
        else:
            self._budget -= FRAME + (length if kind != DATA else 0)
        if self._budget < 0:
            raise FetchError("too_large", "its HTTP/2 frames hold next to nothing")

    def _bring(self, worth: int) -> None:
        self._budget = min(BUDGET, self._budget + worth)
