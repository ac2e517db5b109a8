"""The one writer: what waits is committed together, and a failure stays with whose it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from threading import Event, Thread

import pytest
from sqlalchemy import Connection, text

from aggregator.errors import StoreError, StoreFull
from aggregator.store import Store
from aggregator.store.database import Database
from aggregator.store.writer import TOGETHER, Writer


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url)
    with opened.write() as connection:
        connection.execute(text("CREATE TABLE notes (number INTEGER PRIMARY KEY, words TEXT)"))
    yield opened
    opened.close()


@pytest.fixture
def writer(database: Database) -> Iterator[Writer]:
    made = Writer(database)
    yield made
    made.close()


def noting(number: int, words: str = "") -> Callable[[Connection], int]:
    def note(connection: Connection) -> int:
        connection.execute(
            text("INSERT INTO notes VALUES (:number, :words)"), {"number": number, "words": words}
        )
        return number

    return note


def notes(database: Database) -> list[int]:
    with database.read() as connection:
        found = connection.execute(text("SELECT number FROM notes ORDER BY number"))
        return [row.number for row in found]


class Gate:
    """An operation that holds the writer, so that others gather behind it."""

    def __init__(self, writer: Writer) -> None:
        self._open = Event()
        entered = Event()

        def wait(_: Connection) -> None:
            entered.set()
            assert self._open.wait(10)

        self.passed = writer.submit(wait)
        assert entered.wait(10)

    def open(self) -> None:
        self._open.set()


def behind(writer: Writer, *operations: Callable[[Connection], object]) -> list[Future[object]]:
    """Submits the operations so that they are taken together."""
    gate = Gate(writer)
    futures = [writer.submit(operation) for operation in operations]
    gate.open()
    return futures


def test_a_future_is_done_once_others_can_see_the_write(writer: Writer, database: Database) -> None:
    assert writer.submit(noting(7)).result(10) == 7
    assert notes(database) == [7]


def test_operations_that_wait_are_committed_together(writer: Writer, database: Database) -> None:
    seen: list[list[int]] = []

    def look(_: Connection) -> None:
        seen.append(notes(database))  # as another connection sees it

    first, looking, second = behind(writer, noting(1), look, noting(2))
    for future in (first, looking, second):
        future.result(10)
    assert seen == [[]]
    assert notes(database) == [1, 2]


def test_one_failing_operation_takes_no_other_with_it(writer: Writer, database: Database) -> None:
    def fail(connection: Connection) -> None:
        noting(50)(connection)
        raise KeyError("a bug")

    good, clash, failing, other = behind(writer, noting(1), noting(1), fail, noting(2))
    assert good.result(10) == 1
    assert other.result(10) == 2
    with pytest.raises(Exception, match=r"(?i)unique"):
        clash.result(10)
    with pytest.raises(KeyError):
        failing.result(10)
    assert notes(database) == [1, 2]


def test_a_commit_that_fails_fails_all_and_the_next_works(
    writer: Writer, database: Database, kind: str
) -> None:
    def owe(connection: Connection) -> None:
        # a debt that is only asked for at the commit
        connection.execute(text("INSERT INTO owing VALUES (99)"))

    def prepare(connection: Connection) -> None:
        connection.execute(
            text(
                "CREATE TABLE owing (number INTEGER"
                " REFERENCES notes (number) DEFERRABLE INITIALLY DEFERRED)"
            )
        )

    def check_references(connection: Connection) -> None:
        # SQLite must be told to; the pragma works outside transactions
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    writer.submit(prepare).result(10)
    if kind == "sqlite":
        with pytest.raises(Exception, match="savepoint"):
            writer.submit(check_references).result(10)
    futures = behind(writer, noting(1), owe, noting(2))
    for future in futures:
        with pytest.raises(Exception, match=r"(?i)foreign key"):
            future.result(10)
    assert writer.submit(noting(3)).result(10) == 3
    assert notes(database) == [3]


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_a_full_disk_fails_all_that_was_to_be_committed_and_the_next_works(
    writer: Writer, database: Database
) -> None:
    def limit_pages(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")

    def unlimit(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count = 1073741823")

    writer.submit(limit_pages).result(10)
    small, large, other = behind(writer, noting(1), noting(2, "x" * 1_000_000), noting(3))
    with pytest.raises(StoreFull):
        large.result(10)
    # whatever the database did with the others, no future may say done for what is not there
    done = [future.result(10) for future in (small, other) if future.exception(10) is None]
    assert notes(database) == done

    writer.submit(unlimit).result(10)
    assert writer.submit(noting(4, "x" * 1_000_000)).result(10) == 4
    assert 4 in notes(database)


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_a_rollback_by_the_database_itself_is_never_taken_for_done(
    writer: Writer, database: Database
) -> None:
    def end_it(connection: Connection) -> None:
        # what SQLite may do by itself on a full disk or an I/O error
        connection.exec_driver_sql("INSERT OR ROLLBACK INTO notes VALUES (1, 'again')")

    writer.submit(noting(1)).result(10)
    before, ending, after = behind(writer, noting(2), end_it, noting(3))
    for future in (before, ending, after):
        with pytest.raises(Exception, match=r"(?i)unique"):
            future.result(10)
    assert notes(database) == [1]
    assert writer.submit(noting(4)).result(10) == 4
    assert notes(database) == [1, 4]


def test_a_cancelled_operation_is_not_run_and_harms_nothing(
    writer: Writer, database: Database
) -> None:
    gate = Gate(writer)
    one, two = writer.submit(noting(1)), writer.submit(noting(2))
    assert one.cancel()
    assert not gate.passed.cancel()
    gate.open()
    assert two.result(10) == 2
    with pytest.raises(CancelledError):
        one.result(10)
    assert notes(database) == [2]


def test_cancelling_who_waits_leaves_the_writer_working(store: Store) -> None:
    def slow(connection: Connection) -> None:
        Event().wait(0.01)

    async def scenario() -> None:
        for pause in range(30):
            task = asyncio.create_task(store.write(slow))
            await asyncio.sleep(pause / 1500)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await asyncio.wait_for(store.write(slow), 10)

    asyncio.run(scenario())


def test_more_than_one_transaction_takes_are_all_done(writer: Writer, database: Database) -> None:
    numbers = range(3 * TOGETHER + 7)
    futures = behind(writer, *(noting(number) for number in numbers))
    assert [future.result(30) for future in futures] == list(numbers)
    assert notes(database) == list(numbers)


def test_closing_commits_what_waits_and_takes_no_more(database: Database) -> None:
    writer = Writer(database)
    gate = Gate(writer)
    futures = [writer.submit(noting(number)) for number in range(2 * TOGETHER)]
    closing = Thread(target=writer.close)
    closing.start()
    gate.open()
    closing.join(10)
    assert [future.result(0) for future in futures] == list(range(2 * TOGETHER))
    with pytest.raises(StoreError, match="closed"):
        writer.submit(noting(1))
    writer.close()
    assert notes(database) == list(range(2 * TOGETHER))


def test_many_may_write_at_once(writer: Writer, database: Database) -> None:
    def write(start: int) -> None:
        for number in range(start, start + 50):
            writer.submit(noting(number)).result(30)

    threads = [Thread(target=write, args=(50 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert notes(database) == list(range(200))
