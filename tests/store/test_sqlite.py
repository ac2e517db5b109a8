"""SQLite: its file, its pragmas, and every way in which it may be no database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlmodel import SQLModel

from aggregator.errors import StoreDamaged, StoreError, StoreFull, StoreReadOnly
from aggregator.store import Store, polls
from aggregator.store.database import Database
from tests.store.making import FEEDX, NOW, Newsroom, entry
from tests.store.opening import migrated, told


def sqlite(path: Path) -> str:
    return f"sqlite:///{path}"


def test_indexes_are_the_same_to_their_conditions(tmp_path: Path) -> None:
    """alembic compares no partial index's condition."""
    path = tmp_path / "news.db"
    with migrated(sqlite(path)):
        pass
    declared = Database(sqlite(tmp_path / "declared.db"))
    with declared.write() as connection:
        SQLModel.metadata.create_all(connection)
    declared.close()

    def indexes(file: Path) -> set[str]:
        with closing(sqlite3.connect(file)) as connection:
            rows = connection.execute(
                "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
            )
            return {sql for (sql,) in rows if "alembic" not in sql}

    assert indexes(path) == indexes(tmp_path / "declared.db")
    assert len(indexes(path)) >= 8


def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    path = tmp_path / "one" / "two" / "news.db"
    Store.open(sqlite(path)).close()
    assert path.is_file()


def test_every_connection_writes_ahead_and_through_to_the_disk(tmp_path: Path) -> None:
    def pragmas(connection: Connection) -> tuple[object, object]:
        return (
            connection.exec_driver_sql("PRAGMA journal_mode").scalar_one(),
            connection.exec_driver_sql("PRAGMA synchronous").scalar_one(),
        )

    with migrated(sqlite(tmp_path / "news.db")) as database:
        with database.write() as connection:
            assert pragmas(connection) == ("wal", 2)
        with database.read() as one, database.read() as two:
            assert pragmas(one) == pragmas(two) == ("wal", 2)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "news.db"
    garbage = b"This is a shopping list. " * 400
    path.write_bytes(garbage)
    with pytest.raises(StoreDamaged) as caught:
        Store.open(sqlite(path))
    told(caught, "news.db")
    assert path.read_bytes() == garbage


def test_a_damaged_database_is_told_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "news.db"
    with migrated(sqlite(path)) as database, database.write() as connection:
        for number in range(500):
            connection.execute(
                text("INSERT INTO publications VALUES (:id, :long, 0, 0)"),
                {"id": str(number), "long": "x" * 500},
            )
    whole = path.read_bytes()
    path.write_bytes(whole[: 4096 * 2] + b"\xa5" * (len(whole) - 4096 * 2))
    database = Database(sqlite(path))
    with pytest.raises(StoreDamaged), database.read() as connection:
        connection.execute(text("SELECT * FROM publications")).all()
    database.close()


def test_a_database_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    path = tmp_path / "news.db"
    Store.open(sqlite(path)).close()
    store = Store.open(f"sqlite:///file:{path}?mode=ro&uri=true")
    assert store.counts().entries == 0
    with pytest.raises(StoreReadOnly) as caught:
        Newsroom(store).write(polls.sync_feeds, [FEEDX], NOW)
    told(caught, "news.db")
    store.close()


def test_an_empty_database_that_may_not_be_written_cannot_be_opened(tmp_path: Path) -> None:
    path = tmp_path / "news.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode = WAL")
    with pytest.raises(StoreReadOnly) as caught:
        Store.open(f"sqlite:///file:{path}?mode=ro&uri=true")
    told(caught, "news.db")


def test_a_folder_where_the_file_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "news.db").mkdir()
    with pytest.raises(StoreError, match="cannot be opened") as caught:
        Store.open(sqlite(tmp_path / "news.db"))
    told(caught, "news.db")


def test_a_file_where_the_folder_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    with pytest.raises(StoreError, match="cannot make the folder") as caught:
        Store.open(sqlite(tmp_path / "var" / "news.db"))
    told(caught, "var")


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_a_full_disk_is_told_and_everything_goes_on_afterwards(room: Newsroom) -> None:
    def limit(connection: Connection, spare: int) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + spare}")

    room.poll(entry("a"))
    before = room.store.counts(), room.store.feed_states()
    room.write(limit, 1)
    for _ in range(2):
        with pytest.raises(StoreFull) as caught:
            room.poll(*(entry(f"large {n}", "塔" * 20_000) for n in range(20)))
        told(caught, "news.db")
        assert (room.store.counts(), room.store.feed_states()) == before
    room.write(limit, 1_000_000)
    room.poll(*(entry(f"large {n}", "塔" * 20_000) for n in range(20)))
    assert room.store.counts().entries == 21


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    url = sqlite(tmp_path / "news.db")
    Store.open(url).close()
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    Store.open(url).close()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files
