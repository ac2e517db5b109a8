"""A new store for each test. Every kind of database there is goes through every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.store import Store, polls
from tests.postgres import Cluster
from tests.store.making import FEEDX, GUANCHA, NOW, Newsroom

KINDS = ("sqlite", "postgresql")
"""What is about one of them says `@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)`."""


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[str]:
    """Of a database without tables."""
    if kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'news.db'}"
        return
    # asked for only here, so that a run without such tests starts no server
    postgres: Cluster = request.getfixturevalue("postgres")
    name = postgres.new()
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture
def url(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[str]:
    """Of a database with nothing in it; it has its tables where these take long to make."""
    if kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'news.db'}"
        return
    postgres: Cluster = request.getfixturevalue("postgres")
    name = postgres.lend()
    yield postgres.url(name)
    postgres.take_back(name)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store.open(url)
    yield opened
    opened.close()


@pytest.fixture
def room(store: Store) -> Newsroom:
    """With the feeds `feedx` and `guancha`, and no topics yet."""
    room = Newsroom(store)
    room.write(polls.sync_feeds, (FEEDX, GUANCHA), NOW)
    room.define()
    room.publish_all()
    return room
