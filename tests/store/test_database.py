"""Opening a database of any kind: its shape, its transactions, and where it is not ours."""

from __future__ import annotations

import logging
from contextlib import suppress
from threading import Event, Thread

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
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
from aggregator.store import Store
from aggregator.store.database import READERS, Database
from aggregator.store.migrations import HEAD, REVISIONS
from aggregator.store.migrations.run import configuration
from tests.store.opening import migrated, told

# --- its shape ---------------------------------------------------------------------------------


def test_the_migrated_schema_is_that_of_the_tables(empty_url: str) -> None:
    with migrated(empty_url) as database, database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_the_known_revisions_are_the_scripts_there_are() -> None:
    scripts = ScriptDirectory.from_config(configuration())
    oldest_first = [script.revision for script in scripts.walk_revisions()][::-1]
    assert tuple(oldest_first) == REVISIONS
    assert scripts.get_current_head() == HEAD


def test_opening_again_says_nothing(url: str, caplog: pytest.LogCaptureFixture) -> None:
    Store.open(url).close()
    with caplog.at_level(logging.DEBUG):
        caplog.clear()
        Store.open(url).close()
    assert caplog.messages == []


# --- its transactions --------------------------------------------------------------------------


def test_a_reader_has_one_view_and_waits_for_no_writer(url: str) -> None:
    count = text("SELECT count(*) FROM publications")
    add = text("INSERT INTO publications VALUES (:id, '', 0, 0)")
    with migrated(url) as database, database.read() as reader:
        assert reader.execute(count).scalar_one() == 0
        with database.write() as writer:
            writer.execute(add, {"id": "a"})
            with database.read() as other:
                assert other.execute(count).scalar_one() == 0
        assert reader.execute(count).scalar_one() == 0
        with database.read() as later:
            assert later.execute(count).scalar_one() == 1


def test_a_transaction_that_fails_leaves_nothing(url: str) -> None:
    with migrated(url) as database:
        with suppress(KeyError), database.write() as connection:
            connection.execute(text("INSERT INTO publications VALUES ('a', '', 0, 0)"))
            raise KeyError
        with database.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM publications")).scalar() == 0


# --- what is no database, or not ours ----------------------------------------------------------


def test_a_newer_schema_is_refused(url: str) -> None:
    with migrated(url) as database, database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreNewer, match="9999") as caught:
        Store.open(url)
    told(caught, "news")
    assert caught.value.exit_status == 2


def test_another_programs_database_is_refused_and_left_alone(empty_url: str) -> None:
    other = Database(empty_url)
    with other.write() as connection:
        connection.execute(text("CREATE TABLE entries (id INTEGER)"))
    with pytest.raises(StoreError, match="another program") as caught:
        Store.open(empty_url)
    told(caught, "news")
    with other.read() as connection:
        assert inspect(connection).get_table_names() == ["entries"]
    other.close()


@pytest.mark.parametrize(
    "url", ["", "news.db", "sqlite://", "sqlite:///:memory:", "oracle8://x/y", "sqlite:///a\x00b"]
)
def test_what_names_no_database_is_told(url: str) -> None:
    with pytest.raises(StoreError):
        Store.open(url)


@pytest.mark.parametrize(
    "url",
    [
        "nosuch://ann:s3cret@db.example/news",
        "postgresql+pg8000://ann:s3cret@db.example/news",
        "postgresql://ann:s3cret@/news?host=/nowhere",
        "postgresql:///news?host=/nowhere&password=s3cret",
    ],
)
def test_a_password_in_the_url_is_not_shown(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        Store.open(url)
    assert "s3cret" not in str(caught.value)


def test_a_database_that_another_process_writes_to_is_told_after_a_wait(url: str) -> None:
    with migrated(url) as database:
        with migrated(url) as other, other.write():
            with pytest.raises(StoreLocked) as caught, database.write():
                pass
            told(caught, "news")
            with database.read() as connection:
                assert connection.execute(text("SELECT count(*) FROM feeds")).scalar() == 0
        with database.write() as connection:
            connection.execute(text("DELETE FROM feeds"))


def test_who_writes_waits_for_another_and_sees_what_it_wrote(url: str) -> None:
    writing = Event()

    def other_writes() -> None:
        with migrated(url) as other, other.write() as connection:
            connection.execute(text("INSERT INTO publications VALUES ('a', '', 0, 0)"))
            writing.set()
            Event().wait(0.05)

    Store.open(url).close()
    database = Database(url)
    thread = Thread(target=other_writes)
    thread.start()
    assert writing.wait(10)
    with database.write() as connection:
        assert connection.execute(text("SELECT edition_id FROM publications")).scalar() == "a"
    thread.join(10)
    database.close()


def test_more_readers_than_connections_wait_and_are_told(url: str) -> None:
    with migrated(url) as database:
        open_ones = [database.read() for _ in range(READERS)]
        for reader in open_ones:
            reader.__enter__()
        with pytest.raises(StoreError, match="too many") as caught, database.read():
            pass
        told(caught, "news")
        for reader in open_ones:
            reader.__exit__(None, None, None)
        with database.read() as connection:
            assert connection.execute(text("SELECT 1")).scalar() == 1


def test_every_failure_of_the_store_is_of_the_error_tree() -> None:
    for kind in (StoreLocked, StoreReadOnly, StoreNewer, StoreDamaged, StoreFull):
        assert issubclass(kind, StoreError)
        assert issubclass(kind, AggregatorError)
