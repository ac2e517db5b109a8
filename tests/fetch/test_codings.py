"""Packed answers: whole, cut up anyhow, broken, and packed to do harm."""

from __future__ import annotations

import gzip
import itertools
import random
import subprocess
import sys
import textwrap
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.fetch.codings import ACCEPTED, MAX_MEMBERS, PIECE, Decoder, Undecodable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = "塔利班谈判".encode() * 40_000
REPO = Path(__file__).parents[2]


def raw_deflate(text: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(text) + packer.flush()


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda text: brotli.compress(text, quality=4),
    "zstd": zstd.compress,
}
CODINGS = st.lists(st.sampled_from([*PACK, "identity"]), max_size=3)


def packed(codings: list[str], text: bytes) -> bytes:
    for coding in codings:
        text = PACK.get(coding, bytes)(text)
    return text


def unpacked(coding: str, *parts: bytes) -> bytes:
    decoder = Decoder(coding)
    got = b"".join(piece for part in parts for piece in decoder.decode(part))
    decoder.finish()
    return got


def cut(data: bytes, places: list[int]) -> list[bytes]:
    bounds = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in itertools.pairwise(bounds)]


# --- whole -------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=3000), CODINGS, st.lists(st.integers(0, 10**6), max_size=40))
def test_however_an_answer_is_packed_and_cut_it_is_unpacked_whole(
    text: bytes, codings: list[str], places: list[int]
) -> None:
    parts = cut(packed(codings, text), places)
    assert unpacked(", ".join(codings), *parts) == text


@pytest.mark.parametrize("coding", [*PACK, "raw"])
def test_an_answer_that_comes_byte_by_byte_is_unpacked(coding: str) -> None:
    text = random.Random(4).randbytes(700) + bytes(5000)
    data = raw_deflate(text) if coding == "raw" else PACK[coding](text)
    parts = [data[at : at + 1] for at in range(len(data))]
    assert unpacked("deflate" if coding == "raw" else coding, *parts) == text


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("GZip", gzip.compress(TEXT)),
        (" , br ,", brotli.compress(TEXT)),
        ("identity", TEXT),
        ("", TEXT),
        ("deflate", raw_deflate(TEXT)),
        ("gzip", gzip.compress(TEXT[:7]) + gzip.compress(b"") + gzip.compress(TEXT[7:])),
        ("zstd", zstd.compress(TEXT[:7]) + zstd.compress(b"") + zstd.compress(TEXT[7:])),
        ("zstd", b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc" + zstd.compress(TEXT)),
        ("gzip", gzip.compress(TEXT) + bytes(512)),
        ("deflate", zlib.compress(TEXT) + b"\r\n<!-- cached -->"),
        ("zstd", zstd.compress(TEXT) + bytes(9)),
        ("gzip, br", brotli.compress(gzip.compress(TEXT))),
        ("deflate, zstd, gzip", gzip.compress(zstd.compress(zlib.compress(TEXT)))),
    ],
)
def test_what_servers_send_is_unpacked(coding: str, data: bytes) -> None:
    assert unpacked(coding, data) == TEXT
    assert unpacked(coding, data[:-3], data[-3:]) == TEXT


def test_what_follows_padding_is_padding() -> None:
    assert unpacked("gzip", gzip.compress(TEXT), b"\0", gzip.compress(b"more")) == TEXT


@pytest.mark.parametrize("coding", [*PACK, "identity", "", "gzip, br", "zstd, deflate"])
def test_an_empty_answer_is_whole(coding: str) -> None:
    assert unpacked(coding) == b""
    assert unpacked(coding, b"", b"") == b""
    named = [name.strip() for name in coding.split(",") if name]
    assert unpacked(coding, packed(named, b"")) == b""


def test_every_coding_that_is_asked_for_is_understood() -> None:
    for coding in ACCEPTED.split(", "):
        assert unpacked(coding, PACK[coding](TEXT)) == TEXT


# --- broken ------------------------------------------------------------------------------------


@pytest.mark.parametrize("coding", ["compress", "br, lzma", "gzip, gzip, gzip, gzip", "gzip;q=1"])
def test_a_coding_that_was_not_asked_for_is_refused(coding: str) -> None:
    with pytest.raises(Undecodable, match=coding):
        Decoder(coding)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*PACK]), min_size=1, max_size=3), st.data())
def test_a_cut_answer_is_undecodable(codings: list[str], data: st.DataObject) -> None:
    text = data.draw(st.binary(min_size=1, max_size=500))
    whole = packed(codings, text)
    end = data.draw(st.integers(1, len(whole) - 1))
    with pytest.raises(Undecodable, match="broke off"):
        unpacked(", ".join(codings), whole[:end])


def unpacked_or_undecodable(coding: str, parts: list[bytes]) -> bool:
    try:
        unpacked(coding, *parts)
    except Undecodable as error:
        return bool(str(error))
    return True


@settings(max_examples=400, deadline=None)
@given(CODINGS, st.lists(st.binary(max_size=200), max_size=6))
def test_arbitrary_bytes_are_unpacked_or_undecodable(
    codings: list[str], parts: list[bytes]
) -> None:
    assert unpacked_or_undecodable(",".join(codings), parts)


@settings(max_examples=400, deadline=None)
@given(CODINGS, st.integers(0, 10**6), st.integers(0, 255), st.binary(max_size=20))
def test_damaged_answers_are_unpacked_or_undecodable(
    codings: list[str], at: int, byte: int, rest: bytes
) -> None:
    damaged = bytearray(packed(codings, TEXT[:600]))
    damaged[at % len(damaged)] = byte
    assert unpacked_or_undecodable(",".join(codings), [bytes(damaged), rest])


@pytest.mark.parametrize("parts", [[b"<rss/>"], [b"\x1f\x8b\x08" + b"\xff" * 40]])
@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_what_was_never_packed_is_undecodable(coding: str, parts: list[bytes]) -> None:
    with pytest.raises(Undecodable, match=coding):
        unpacked(coding, *parts)


@pytest.mark.parametrize("apart", [True, False])
def test_what_follows_brotli_is_refused_however_it_is_cut(apart: bool) -> None:
    data, rest = brotli.compress(TEXT), b"more"
    with pytest.raises(Undecodable):
        unpacked("br", *([data, rest] if apart else [data + rest]))


def test_a_zstd_window_over_8_mb_is_refused() -> None:
    def windowed(log: int) -> bytes:
        packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: log})
        return packer.compress(bytes(1000)) + packer.flush()

    assert unpacked("zstd", windowed(23)) == bytes(1000)
    with pytest.raises(Undecodable, match="memory"):
        unpacked("zstd", windowed(24))


# --- packed to do harm -------------------------------------------------------------------------


@pytest.mark.parametrize("coding", [*PACK, "raw", "gzip, br", "zstd, gzip", "br, deflate, zstd"])
@pytest.mark.parametrize("over", [-1, 0, 1, 257, 258, 259])
def test_no_piece_is_larger_than_it_may_be_and_none_is_left_behind(coding: str, over: int) -> None:
    for times in (1, 2, 5):
        text = bytes(times * PIECE + over)
        data = raw_deflate(text) if coding == "raw" else packed(coding.split(", "), text)
        decoder = Decoder("deflate" if coding == "raw" else coding)
        pieces = list(decoder.decode(data))
        decoder.finish()
        assert max(map(len, pieces)) <= PIECE
        assert b"".join(pieces) == text


BOMBS = """
    import resource, sys, zlib, gzip, brotli
    from aggregator.fetch.codings import Decoder, zstd

    BLOCK = bytes(10_000_000)

    def deflate(wbits):
        packer = zlib.compressobj(9, wbits=wbits)
        first = packer.compress(BLOCK) + packer.flush(zlib.Z_FULL_FLUSH)
        again = packer.compress(BLOCK) + packer.flush(zlib.Z_FULL_FLUSH)
        return first + again * 99  # each block stands for itself after a full flush

    def br(given, times=1):
        packer = brotli.Compressor(quality=2)
        return b"".join(packer.process(given) for _ in range(times)) + packer.finish()

    def zst(given, times=1):
        packer = zstd.ZstdCompressor(level=1)
        return b"".join(packer.compress(given) for _ in range(times)) + packer.flush()

    BOMBS = {
        "gzip": deflate(31), "deflate": deflate(15), "br": br(BLOCK, 100), "zstd": zst(BLOCK, 100)
    }
    BOMBS["gzip, gzip"] = gzip.compress(BOMBS["gzip"], mtime=0)
    BOMBS["gzip, br"] = br(BOMBS["gzip"])
    BOMBS["br, zstd"] = zst(BOMBS["br"])
    BOMBS["deflate, zstd, br"] = br(zst(BOMBS["deflate"]))

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for coding, bomb in BOMBS.items():
        decoder, size = Decoder(coding), 0
        parts = (bomb[at : at + 65_536] for at in range(0, len(bomb), 65_536))
        for piece in (piece for part in parts for piece in decoder.decode(part)):
            size += len(piece)
            if size > 20_000_000:
                break
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(coding, size, len(bomb), grown, sep=";")
"""


def test_a_gigabyte_of_nothing_takes_no_room_whatever_it_is_packed_in() -> None:
    told = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(BOMBS)],
        capture_output=True,
        text=True,
        check=True,
        cwd=REPO,
        timeout=120,
    ).stdout.splitlines()
    assert len(told) == 8
    for line in told:
        coding, size, sent, grown_kb = line.split(";")
        assert 20_000_000 < int(size) <= 20_000_000 + PIECE, coding
        assert int(sent) < 2_000_000, coding
        assert int(grown_kb) < 40_000, line


def empty_members() -> Iterator[bytes]:
    """20 MB that stand for nothing, in gzip."""
    many = gzip.compress(b"", mtime=0) * 1000
    return (many for _ in range(1000))


@pytest.mark.parametrize("outer", ["gzip", "br", "zstd"])
def test_nothing_packed_in_a_bomb_stops_although_nothing_comes_out(outer: str) -> None:
    padding = gzip.compress(b"x") + bytes(50_000_000)
    with pytest.raises(Undecodable, match="larger than what is in it"):
        unpacked(f"gzip, {outer}", PACK[outer](padding))
    with pytest.raises(Undecodable):
        unpacked(f"gzip, {outer}", PACK[outer](b"".join(empty_members())))


def test_members_without_end_are_refused() -> None:
    decoder = Decoder("gzip")
    parts = empty_members()
    for _ in range(MAX_MEMBERS // 1000):
        assert list(decoder.decode(next(parts))) == []
    with pytest.raises(Undecodable, match="pieces of gzip"):
        list(decoder.decode(next(parts)))
