"""The peer as a contestant: lemon24's reader, with its own settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from reader import Reader, make_reader

from bench.contestants import Counts, Cycle


@asynccontextmanager
async def polling(urls: list[str], folder: Path, workers: int) -> AsyncIterator[Cycle]:
    """`workers` is how many threads ask for feeds."""
    with make_reader(str(folder / "reader.db")) as reader:
        for url in urls:
            reader.add_feed(url)

        async def cycle() -> Counts:
            reader.update_feeds(scheduled=False, workers=workers)
            return counted(reader)

        yield cycle


def counted(reader: Reader) -> Counts:
    return {
        "entries": reader.get_entry_counts().total or 0,
        "failed": reader.get_feed_counts().broken or 0,
    }
