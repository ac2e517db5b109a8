"""Opening a database: its shape, its pragmas, and every way in which it may not be one."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlmodel import SQLModel

from aggregator.errors import (
    AggregatorError,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreNewer,
    StoreReadOnly,
)
from aggregator.store import Store, polls
from aggregator.store.database import READERS, Database
from aggregator.store.migrations import HEAD, REVISIONS
from aggregator.store.migrations.run import configuration
from tests.store.making import FEEDX, NOW, Newsroom, entry

BOUNDED = 0.1
"""Seconds that a test waits for a lock."""


def sqlite(path: Path) -> str:
    return f"sqlite:///{path}"


@contextmanager
def migrated(url: str) -> Iterator[Database]:
    database = Database(url, busy_seconds=BOUNDED)
    try:
        database.migrate()
        yield database
    finally:
        database.close()


# --- its shape ---------------------------------------------------------------------------------


def test_the_migrated_schema_is_that_of_the_tables(url: str) -> None:
    with migrated(url) as database, database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


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


def test_the_known_revisions_are_the_scripts_there_are() -> None:
    scripts = ScriptDirectory.from_config(configuration())
    oldest_first = [script.revision for script in scripts.walk_revisions()][::-1]
    assert tuple(oldest_first) == REVISIONS
    assert scripts.get_current_head() == HEAD


def test_opening_again_changes_and_says_nothing(
    url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Store.open(url).close()
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with caplog.at_level(logging.DEBUG):
        caplog.clear()
        Store.open(url).close()
    assert caplog.messages == []
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files


def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    path = tmp_path / "one" / "two" / "news.db"
    Store.open(sqlite(path)).close()
    assert path.is_file()


# --- its pragmas -------------------------------------------------------------------------------


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


def test_a_reader_has_one_view_and_waits_for_no_writer(tmp_path: Path) -> None:
    count = text("SELECT count(*) FROM publications")
    add = text("INSERT INTO publications VALUES (:id, '', 0, 0)")
    with migrated(sqlite(tmp_path / "news.db")) as database, database.read() as reader:
        assert reader.execute(count).scalar_one() == 0
        with database.write() as writer:
            writer.execute(add, {"id": "a"})
            with database.read() as other:
                assert other.execute(count).scalar_one() == 0
        assert reader.execute(count).scalar_one() == 0
        with database.read() as later:
            assert later.execute(count).scalar_one() == 1


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with migrated(sqlite(tmp_path / "news.db")) as database:
        with suppress(KeyError), database.write() as connection:
            connection.execute(text("INSERT INTO publications VALUES ('a', '', 0, 0)"))
            raise KeyError
        with database.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM publications")).scalar() == 0


# --- what is no database, or not ours ----------------------------------------------------------


def told(error: pytest.ExceptionInfo[StoreError], where: str) -> None:
    assert where in error.value.where
    assert error.value.hint
    assert "\n" not in str(error.value)


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "news.db"
    with migrated(sqlite(path)) as database, database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreNewer, match="9999") as caught:
        Store.open(sqlite(path))
    told(caught, "news.db")
    assert caught.value.exit_status == 2


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


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "reader.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE entries (id INTEGER)")
        other.commit()
    with pytest.raises(StoreError, match="another program") as caught:
        Store.open(sqlite(path))
    told(caught, "reader.db")
    with closing(sqlite3.connect(path)) as other:
        names = other.execute("SELECT name FROM sqlite_master").fetchall()
    assert names == [("entries",)]


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


@pytest.mark.parametrize(
    "url", ["", "news.db", "sqlite://", "sqlite:///:memory:", "oracle8://x/y", "sqlite:///a\x00b"]
)
def test_what_names_no_database_is_told(url: str) -> None:
    with pytest.raises(StoreError):
        Store.open(url)


def test_a_password_in_the_url_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        Store.open("nosuch://ann:s3cret@db.example/news")
    assert "s3cret" not in str(caught.value)


def test_a_database_that_another_process_writes_to_is_told_after_a_wait(tmp_path: Path) -> None:
    path = tmp_path / "news.db"
    with migrated(sqlite(path)) as database:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreLocked) as caught, database.write():
                pass
            told(caught, "news.db")
            with database.read() as connection:
                assert connection.execute(text("SELECT count(*) FROM feeds")).scalar() == 0
            other.execute("ROLLBACK")
        with database.write() as connection:
            connection.execute(text("DELETE FROM feeds"))


def test_more_readers_than_connections_wait_and_are_told(tmp_path: Path) -> None:
    with migrated(sqlite(tmp_path / "news.db")) as database:
        open_ones = [database.read() for _ in range(READERS)]
        for reader in open_ones:
            reader.__enter__()
        with pytest.raises(StoreError, match="too many") as caught, database.read():
            pass
        told(caught, "news.db")
        for reader in open_ones:
            reader.__exit__(None, None, None)
        with database.read() as connection:
            assert connection.execute(text("SELECT 1")).scalar() == 1


# --- a full disk -------------------------------------------------------------------------------


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


def test_every_failure_of_the_store_is_of_the_error_tree() -> None:
    for kind in (StoreLocked, StoreReadOnly, StoreNewer, StoreDamaged, StoreFull):
        assert issubclass(kind, StoreError)
        assert issubclass(kind, AggregatorError)
