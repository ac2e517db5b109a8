"""PostgreSQL, by psycopg: sessions, one writer of all processes, errors in words.

psycopg is an extra of the package, so it is imported only where such a database is asked for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL

from aggregator.errors import (
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreReadOnly,
)
from aggregator.store.values import to_json

if TYPE_CHECKING:
    import psycopg
    from psycopg.abc import Buffer, Dumper

DRIVER = "postgresql+psycopg"

CONNECT_SECONDS = 10
"""How long a server may take to answer; the connection's own default is for ever."""

SILENT_SECONDS = 60
"""After so long without a sign of life a connection counts as lost."""

ONE_WRITER = 0x6E657773
"""The advisory lock that who writes holds, of all programs that use this database: what SQLite
has for itself. Two that wrote at once could both add the same article.
"""


def engine(url: URL, writes: bool, connections: int, busy_seconds: float) -> Engine:
    """Takes how many connections there may be at once, and how long one waits for others.

    Raises StoreError where the driver is missing.
    """
    try:
        from psycopg.pq import TransactionStatus  # noqa: F401 - fails if libpq is missing, too
    except ImportError as error:
        raise StoreError(
            f"PostgreSQL needs its driver: {error}".partition("\n")[0],
            "[store] url",
            'pip install "aggregator[postgres]"',
        ) from error
    if url.drivername not in ("postgresql", DRIVER):
        raise StoreError(
            f"PostgreSQL is used by psycopg 3, not by {url.get_driver_name()}",
            "[store] url",
            'use "postgresql://USER@HOST/NAME"',
        )
    made = create_engine(
        url.set(drivername=DRIVER),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=busy_seconds,
        pool_pre_ping=True,  # a server that was restarted is met with new connections
        json_serializer=to_json,
        connect_args=_session(url, busy_seconds),
        execution_options=(
            {} if writes else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        ),
    )

    @event.listens_for(made, "connect")
    def configure(connection: psycopg.Connection, _record: object) -> None:
        connection.adapters.register_dumper(str, _text_dumper())

    if writes:

        @event.listens_for(made, "begin")
        def start(connection: Connection) -> None:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ONE_WRITER})")

    return made


def _session(url: URL, busy_seconds: float) -> dict[str, str | int]:
    """What each connection begins with. What the URL says comes before that."""
    ours: dict[str, str | int] = {
        "application_name": "aggregator",
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": SILENT_SECONDS // 2,
        "keepalives_interval": SILENT_SECONDS // 6,
        "keepalives_count": 3,
        "tcp_user_timeout": SILENT_SECONDS * 1000,
    }
    options = url.query.get("options", "")
    given = options if isinstance(options, str) else " ".join(options)
    session = {name: value for name, value in ours.items() if name not in url.query}
    # in UTC, for a year 1 or 9999 has no other zone's time; and text comes as it went
    settings = f"-c timezone=UTC -c client_encoding=UTF8 -c lock_timeout={busy_seconds * 1000:.0f}"
    return session | {"options": f"{settings} {given}".strip()}


def _text_dumper() -> type[Dumper]:
    from psycopg.types.string import StrDumperUnknown

    class WithoutNul(StrDumperUnknown):
        """PostgreSQL's text has no NUL; feeds and pages have lost theirs when they were parsed."""

        def dump(self, obj: str) -> Buffer | None:
            return super().dump(obj.replace("\0", ""))

    return WithoutNul


def ended(driver: psycopg.Connection) -> bool:
    """After an error the transaction is there to be rolled back to a savepoint, unless the server
    ended the session.
    """
    from psycopg.pq import TransactionStatus

    within = (TransactionStatus.INTRANS, TransactionStatus.INERROR)
    return driver.closed or driver.info.transaction_status not in within


# --- errors ------------------------------------------------------------------------------------

_ADVICE: tuple[tuple[tuple[str, ...], type[StoreError], str, str], ...] = (
    (
        ("55P03", "40001", "40P01"),
        StoreLocked,
        "another process is writing to it",
        "stop the other process; the work is tried again",
    ),
    (
        ("25006",),
        StoreReadOnly,
        "it cannot be written",
        "it may be a standby, or default_transaction_read_only is on; give [store] url the primary",
    ),
    (
        ("42501",),
        StoreReadOnly,
        "its user may not do this",
        "make the user its owner: ALTER DATABASE … OWNER TO …",
    ),
    (
        ("53100",),
        StoreFull,
        "the server's disk is full",
        "free some space; the work is tried again",
    ),
    (
        ("53300",),
        StoreError,
        "the server has no connection left",
        "end other sessions, or raise max_connections",
    ),
    (
        ("53",),
        StoreError,
        "the server is out of memory or of another resource",
        "look into the server's log; the work is tried again",
    ),
    (
        ("XX001", "XX002"),
        StoreDamaged,
        "the server says that its data are damaged",
        "put back a backup, or start anew with another database",
    ),
    (
        ("58030",),
        StoreError,
        "the server's disk failed while reading or writing",
        "check the disk and the server's log",
    ),
    (
        ("57014",),
        StoreError,
        "the server ended a statement that took too long",
        "raise statement_timeout; the work is tried again",
    ),
    (
        ("57P", "08", "25P03", "25P04"),
        StoreError,
        "the server ended the connection",
        "see that it runs; the work is tried again",
    ),
)
"""By how the SQLSTATE begins (PostgreSQL's manual, appendix A)."""

_REFUSALS: tuple[tuple[str, str, str], ...] = (
    (
        "too many",
        "the server has no connection left",
        "end other sessions, or raise max_connections or the user's limit",
    ),
    (
        "password authentication|no password",
        "the server refused the user or the password",
        "check both in [store] url; special characters are written as %XX there",
    ),
    (
        "authentication",
        "the server refused the user",
        "check the user in [store] url, and the server's pg_hba.conf",
    ),
    (
        "pg_hba.conf",
        "the server does not let this user in from here",
        "add a line for the user, the database and this host to the server's pg_hba.conf",
    ),
    (
        "permission denied",
        "its user may not connect to it",
        "make the user its owner: ALTER DATABASE … OWNER TO …",
    ),
    (
        "role .* does not exist",
        "the server knows no such user",
        "create it: createuser --pwprompt USER",
    ),
    (
        "database .* does not exist",
        "there is no such database",
        "create it: createdb --owner=USER NAME",
    ),
)
"""Of a connection that does not come about the driver gives no SQLSTATE, only words: the
server's own stand after FATAL, in its language.
"""


def in_words(error: psycopg.Error, where: str) -> StoreError | None:
    """The StoreError that the driver's error means; None if it is a bug."""
    state = error.sqlstate or ""
    for states, made, what, hint in _ADVICE:
        if state.startswith(states):
            return made(what, where, hint)
    if state:
        return None
    from psycopg import OperationalError

    return _unreached(str(error), where) if isinstance(error, OperationalError) else None


def _unreached(message: str, where: str) -> StoreError:
    lines = message.strip().splitlines() or [""]
    by_server = [line for line in lines if "FATAL:" in line]
    said = by_server[-1].rpartition("FATAL:")[2].strip() if by_server else lines[0]
    reason = re.sub(r"^connection (failed|is bad): ", "", said)
    for words, what, hint in _REFUSALS:
        if re.search(words, reason):
            return StoreError(what, where, hint)
    return StoreError(
        f"the server cannot be reached: {reason}",
        where,
        "see that it runs, and check host and port in [store] url; the work is tried again",
    )
