"""One cycle on the newsroom over each kind of database: the same articles to the byte."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from aggregator.config import StoreSettings
from aggregator.daemon import open_pipeline
from aggregator.demo import demo_config
from aggregator.demo.newsroom import Newsroom, find_seeds, serve
from aggregator.engines.round import Round
from aggregator.store import editions
from tests.postgres import Cluster

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def published(state: Path, url: str) -> dict[str, bytes]:
    """The files of every edition after a cycle, and after another that finds nothing new."""
    newsroom = Newsroom(find_seeds())

    async def cycles(origin: str) -> None:
        config = demo_config(newsroom, origin, "127.0.0.1:8080")
        config = replace(config, store=StoreSettings(url=url))
        async with open_pipeline(config, state) as pipeline:
            for _ in range(2):
                await Round(pipeline, lambda: NOW).cycle()
                counts = await pipeline.store.read(editions.counts)
                assert (counts.entries, counts.articles, counts.pending) == (6, 5, 0)

    with serve(newsroom) as origin:
        asyncio.run(cycles(origin))
    folder = state / "editions"
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_what_is_published_is_the_same_on_both(tmp_path: Path, postgres: Cluster) -> None:
    name = postgres.lend()
    on_postgresql = published(tmp_path / "postgresql", postgres.url(name))
    postgres.take_back(name)
    on_sqlite = published(tmp_path / "sqlite", f"sqlite:///{tmp_path / 'news.db'}")
    assert {"all.atom", "topics/afghanistan.json"} <= on_sqlite.keys()
    assert on_postgresql == on_sqlite
    assert not list((tmp_path / "postgresql").glob("*.db"))
