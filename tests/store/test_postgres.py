"""PostgreSQL: a server that goes and comes back, and everything it may refuse."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from datetime import UTC, datetime
from signal import SIGQUIT
from threading import Event

import pytest
from sqlalchemy import Connection, text, update

from aggregator.errors import (
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreReadOnly,
)
from aggregator.store import Store
from aggregator.store.database import Database
from aggregator.store.tables import FEEDS
from aggregator.store.writer import Writer
from tests.conftest import REPO
from tests.postgres import MIGRATED, Cluster
from tests.store.making import Newsroom, entry
from tests.store.opening import migrated, told

END_MYSELF = text("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.fixture
def kind() -> str:
    return "postgresql"


@pytest.fixture
def name(postgres: Cluster) -> Iterator[str]:
    """Of an empty database whose rights and settings a test may change."""
    name = postgres.new()
    yield name
    postgres.drop(name)


@pytest.fixture
def rooms(room: Newsroom) -> Newsroom:
    """With an entry in it."""
    room.poll(entry("a"))
    return room


# --- a server that goes and comes back ---------------------------------------------------------


def test_a_session_that_the_server_ended_is_begun_anew(rooms: Newsroom, postgres: Cluster) -> None:
    for _ in range(2):
        postgres.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'aggregator'"
        )
        assert rooms.store.counts().entries >= 1
        rooms.poll(entry("a"), entry("b"))
    assert rooms.store.counts().entries == 2


def test_a_server_that_crashed_has_lost_nothing_and_work_goes_on(
    rooms: Newsroom, postgres: Cluster
) -> None:
    postgres.stop(SIGQUIT)
    try:
        with pytest.raises(StoreError, match="cannot be reached") as caught:
            rooms.poll(entry("a"), entry("b"))
        told(caught, "news")
        with pytest.raises(StoreError, match="cannot be reached"):
            rooms.store.counts()
    finally:
        postgres.start()
    assert rooms.store.counts().entries == 1
    rooms.poll(entry("a"), entry("b"))
    assert rooms.store.counts().entries == 2


def test_a_connection_lost_midway_fails_what_was_to_be_committed_and_the_next_works(
    store: Store,
) -> None:
    room = Newsroom(store)

    def begin(connection: Connection) -> None:
        connection.execute(text("INSERT INTO publications VALUES ('a', '', 0, 0)"))
        connection.execute(END_MYSELF)

    with pytest.raises(StoreError, match="ended the connection") as caught:
        room.write(begin)
    told(caught, "news")
    assert room.define() == frozenset(), "nothing of it is there"
    with pytest.raises(StoreError, match="ended the connection"):
        room.read(lambda connection: connection.execute(END_MYSELF))
    assert store.counts().entries == 0


def test_no_operation_is_taken_for_done_whose_transaction_was_lost(url: str) -> None:
    entered, go_on = Event(), Event()

    def hold(_: Connection) -> None:
        entered.set()
        assert go_on.wait(10)

    def add(name: str) -> Callable[[Connection], object]:
        return lambda c: c.execute(text(f"INSERT INTO publications VALUES ('{name}', '', 0, 0)"))

    with migrated(url) as database:
        writer = Writer(database)
        first = writer.submit(hold)
        assert entered.wait(10)
        together: list[Future[object]] = [
            writer.submit(add("a")),
            writer.submit(lambda c: c.execute(END_MYSELF)),
            writer.submit(add("b")),
        ]
        go_on.set()
        first.result(10)
        for future in together:
            with pytest.raises(StoreError, match="ended the connection"):
                future.result(10)
        writer.submit(add("c")).result(10)
        writer.close()
        with database.read() as connection:
            found = connection.execute(text("SELECT edition_id FROM publications")).scalars().all()
        assert found == ["c"]


# --- as on SQLite ------------------------------------------------------------------------------


def test_names_sort_by_code_point_whatever_the_server_has_for_its_order(store: Store) -> None:
    names = ["B", "a", "Z", "ä", "_", "-", "塔", "𠮷", "a-b", "aB", "ab"]

    def sorted_by_the_database(connection: Connection) -> list[str]:
        for name in names:
            values = {"edition_id": name, "definition": "", "changes": 0, "published": 0}
            statement = "INSERT INTO publications VALUES (:edition_id, :definition, :changes, 0)"
            connection.execute(text(statement), values)
        found = connection.execute(text("SELECT edition_id FROM publications ORDER BY 1"))
        return list(found.scalars())

    assert Newsroom(store).write(sorted_by_the_database) == sorted(names)


def test_every_column_of_text_sorts_by_code_point(store: Store) -> None:
    others = text(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
        " AND data_type IN ('text', 'character varying') AND collation_name IS DISTINCT FROM 'C'"
    )
    assert store.read_now(lambda connection: connection.execute(others).all()) == []


def test_indexes_are_the_same_to_their_conditions(
    postgres: Cluster, name: str, store: Store
) -> None:
    """alembic compares no partial index's condition."""
    declared = Database(postgres.url(name))
    with declared.write() as connection:
        FEEDS.metadata.create_all(connection)

    def indexes(connection: Connection) -> set[str]:
        rows = connection.execute(
            text("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'")
        )
        return {definition for (definition,) in rows if "alembic" not in definition}

    with declared.read() as connection:
        assert indexes(connection) == store.read_now(indexes)
    declared.close()


def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(StoreReadOnly):
        store.read_now(lambda c: c.execute(text("DELETE FROM publications")))


# --- what the server refuses -------------------------------------------------------------------


def test_a_database_that_may_only_be_read_is_opened_and_read(postgres: Cluster, name: str) -> None:
    Store.open(postgres.url(name)).close()
    postgres.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with closing(Store.open(postgres.url(name))) as store:
        assert store.counts().entries == 0
        with pytest.raises(StoreReadOnly) as caught:
            Newsroom(store).define()
        told(caught, "news")


def test_an_empty_database_that_may_only_be_read_cannot_be_opened(
    postgres: Cluster, name: str
) -> None:
    postgres.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with pytest.raises(StoreReadOnly) as caught:
        Store.open(postgres.url(name))
    told(caught, "news")


def test_a_user_without_rights_is_told(postgres: Cluster, name: str) -> None:
    postgres.run("CREATE ROLE guest LOGIN")
    try:
        with pytest.raises(StoreReadOnly, match="may not do this") as caught:
            Store.open(postgres.url(name, "guest"))
        told(caught, "news")
    finally:
        postgres.run("DROP ROLE guest")


@pytest.mark.parametrize(
    ("who", "database", "what"),
    [
        ("news", "nosuch", "there is no such database"),
        ("nosuch", "NAME", "the server knows no such user"),
        ("careful", "NAME", "refused the user or the password"),
        ("careful:wrong", "NAME", "refused the user or the password"),
        ("stranger", "NAME", "does not let this user in"),
        ("crowded", "NAME", "no connection left"),
        ("outside", "NAME", "may not connect"),
    ],
)
def test_a_refused_connection_is_told(
    postgres: Cluster, name: str, who: str, database: str, what: str
) -> None:
    roles = {
        "careful": "PASSWORD 's3cret'",
        "stranger": "",
        "crowded": "CONNECTION LIMIT 0",
        "outside": "",
    }
    role = who.partition(":")[0]
    if role in roles:
        postgres.run(f"CREATE ROLE {role} LOGIN {roles[role]}")
    if who == "outside":
        postgres.run(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")
    try:
        with pytest.raises(StoreError, match=what) as caught:
            Store.open(postgres.url(database.replace("NAME", name), who))
        told(caught, "?host=")
        assert "wrong" not in str(caught.value)
    finally:
        if role in roles:
            postgres.run(f"DROP ROLE {role}")


def test_the_right_password_lets_in(postgres: Cluster) -> None:
    postgres.run("CREATE ROLE careful LOGIN PASSWORD 's3 @/cret'")
    postgres.run("GRANT pg_read_all_data TO careful")
    try:
        Store.open(postgres.url(MIGRATED, "careful:s3%20%40%2Fcret")).close()
    finally:
        postgres.run("DROP ROLE careful")


@pytest.mark.parametrize("server", ["@/news?host=/nowhere", "@127.0.0.1:1/news"])
def test_a_server_that_is_not_there_is_told(server: str) -> None:
    with pytest.raises(StoreError, match=r"cannot be reached: \S") as caught:
        Store.open(f"postgresql://news{server}")
    told(caught, "news")


@pytest.mark.parametrize(
    ("state", "error", "what"),
    [
        ("53100", StoreFull, "disk is full"),
        ("40001", StoreLocked, "another process"),
        ("40P01", StoreLocked, "another process"),
        ("55P03", StoreLocked, "another process"),
        ("25006", StoreReadOnly, "cannot be written"),
        ("53200", StoreError, "memory"),
        ("53300", StoreError, "no connection left"),
        ("57014", StoreError, "too long"),
        ("57P03", StoreError, "ended the connection"),
        ("58030", StoreError, "disk failed"),
        ("XX001", StoreDamaged, "damaged"),
        ("XX002", StoreDamaged, "damaged"),
    ],
)
def test_a_failure_of_the_server_is_told_and_the_next_write_works(
    rooms: Newsroom, state: str, error: type[StoreError], what: str
) -> None:
    def fail(connection: Connection) -> None:
        connection.execute(text("INSERT INTO publications VALUES ('a', '', 0, 0)"))
        raising = f"RAISE EXCEPTION 'no' USING ERRCODE = '{state}'"
        connection.exec_driver_sql(f"DO $$ BEGIN {raising}; END $$")

    with pytest.raises(StoreError, match=what) as caught:
        rooms.write(fail)
    assert type(caught.value) is error
    told(caught, "news")
    rooms.write(lambda c: c.execute(text("INSERT INTO publications VALUES ('a', '', 0, 0)")))


def test_what_is_a_bug_stays_one(store: Store) -> None:
    with pytest.raises(Exception, match="nosuch") as caught:
        store.read_now(lambda c: c.execute(text("SELECT * FROM nosuch")))
    assert not isinstance(caught.value, StoreError)


def test_a_missing_driver_is_told_with_what_to_install() -> None:
    program = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from aggregator.errors import StoreError\n"
        "from aggregator.store import Store\n"
        "try: Store.open('postgresql://news@/news')\n"
        "except StoreError as error: print(error)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=REPO, capture_output=True, text=True, check=True
    )
    assert 'pip install "aggregator[postgres]"' in ran.stdout
    assert ran.stdout.count("\n") == 1


def test_times_are_kept_to_the_microsecond_from_the_first_year_to_the_last(
    room: Newsroom,
) -> None:
    first = datetime.min.replace(tzinfo=UTC)
    middle = datetime(1899, 12, 31, 23, 59, 59, 123456, tzinfo=UTC)
    for moment in (first, middle, datetime.max.replace(tzinfo=UTC)):
        values = update(FEEDS).values(next_poll_at=moment)
        room.write(lambda c, values=values: c.execute(values))
        assert {state.next_poll_at for state in room.store.feed_states()} == {moment}
