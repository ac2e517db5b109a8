"""HTTP/2 frames that bring nothing end their connection; those of a busy one do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import FetchError
from aggregator.fetch.frames import Frames

DATA, HEADERS, SETTINGS, PING, WINDOW_UPDATE, UNKNOWN = 0x0, 0x1, 0x4, 0x6, 0x8, 0x77
PADDED = 0x8


def frame(kind: int, length: int = 0, flags: int = 0) -> bytes:
    return length.to_bytes(3, "big") + bytes([kind, flags]) + bytes(4) + bytes(length)


def taken(frames: Frames, one: bytes, most: int) -> int:
    """How many of them are let through."""
    for n in range(most):
        try:
            frames.count(one)
        except FetchError:
            return n
    return most


@pytest.mark.parametrize(
    "one",
    [
        *(frame(DATA), frame(DATA, 1), frame(DATA, 32), frame(SETTINGS), frame(PING, 8)),
        *(frame(WINDOW_UPDATE, 4), frame(UNKNOWN), frame(HEADERS, 3), frame(HEADERS, 4_000)),
        *(frame(DATA, 8, PADDED), frame(DATA, 255, PADDED), frame(0x9, 1)),
    ],
)
def test_no_more_than_some_thousands_are_taken_that_bring_nothing(one: bytes) -> None:
    frames = Frames()
    taken(frames, frame(DATA, 16_384), 1_000)  # what was brought before buys no more of them
    assert taken(frames, one, 100_000) < 20_000


def test_a_large_answer_in_frames_of_any_sensible_size_is_taken() -> None:
    for size, times in ((100, 300_000), (1_000, 30_000), (16_384, 2_000)):
        assert taken(Frames(), frame(DATA, size), times) == times


def test_a_connection_may_say_for_ever_that_nothing_is_new() -> None:
    frames = Frames()
    answer = frame(HEADERS, 400) + frame(DATA, 0, 1) + frame(PING, 8) + frame(WINDOW_UPDATE, 4)
    for _ in range(20_000):
        frames.ask()
        frames.count(answer)


def test_asking_buys_few_frames() -> None:
    frames = Frames()
    for _ in range(1_000):
        frames.ask()
    taken(frames, frame(PING, 8), 100_000)
    frames.ask()
    assert taken(frames, frame(PING, 8), 100_000) < 2_000


@given(
    st.lists(st.tuples(st.sampled_from([DATA, HEADERS, PING]), st.integers(0, 300)), max_size=9),
    st.lists(st.integers(1, 40), max_size=99),
)
def test_where_the_wire_is_cut_does_not_matter(
    kinds: list[tuple[int, int]], cuts: list[int]
) -> None:
    whole, cut = Frames(), Frames()
    sent = b"".join(frame(kind, length) for kind, length in kinds)
    whole.count(sent)
    at = 0
    for size in (*cuts, len(sent)):
        cut.count(sent[at : at + size])
        at += size
    empty = frame(PING)
    assert taken(cut, empty, 100_000) == taken(whole, empty, 100_000)
