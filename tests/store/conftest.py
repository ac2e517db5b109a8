"""A new store for each test. Every kind of database there is goes through every test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aggregator.store import Store, polls
from tests.store.making import FEEDX, GUANCHA, NOW, Newsroom


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'news.db'}"


KINDS: tuple[Callable[[Path], str], ...] = (sqlite_url,)
"""Each gives the URL of a database that does not exist yet."""


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    kind: Callable[[Path], str] = request.param
    return kind(tmp_path)


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
