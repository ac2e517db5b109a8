"""A PostgreSQL server of the tests' own: in a temporary folder, on a Unix socket alone."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from aggregator.store import Store

DEBIAN = Path("/usr/lib/postgresql")
MISSING = (
    "the server programs of PostgreSQL are needed to test the store: apt-get install postgresql"
)
MIGRATED = "migrated"

_SHAPE = """
    SELECT table_name, column_name, data_type, (SELECT version_num FROM alembic_version)
    FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2
"""
_RESTART = "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'"

START_SECONDS = 60

# waits for a line; should the tests end without one, killed perhaps, the server ends as well
_GUARD = """
    folder=$1; shift
    "$@" &
    if read -r _; then wait $!; else kill -INT $!; wait $!; rm -rf "$folder"; fi
"""

SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "30",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "logging_collector": "off",
}


def server_programs() -> Path | None:
    """The folder of initdb and postgres, of the newest version there is."""
    found = shutil.which("postgres")
    if found and shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = [path for path in DEBIAN.glob("*/bin") if (path / "initdb").exists()]
    return max(versions, key=lambda path: int(path.parent.name), default=None)


class Cluster:
    """A server and its databases. As root it runs as another user, for it refuses to be root."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self.user = _unprivileged()
        self.folder = Path(tempfile.mkdtemp(prefix="news-pg-"))
        self._data = self.folder / "data"
        self._log = (self.folder / "log").open("wb")
        self._guard: subprocess.Popen[bytes] | None = None
        self._admin: psycopg.Connection | None = None
        self._numbers = count(1)
        self._emptied: list[str] = []
        self._shape: list[tuple[object, ...]] = []
        self._tables: list[str] = []
        try:
            shutil.chown(self.folder, self.user)
            self._run("initdb", "--no-sync", "--auth=trust", "--username=news", "--encoding=UTF8",
                      "--pgdata", str(self._data), *self._order())  # fmt: skip
            (self._data / "pg_hba.conf").write_text(
                "local all careful scram-sha-256\nlocal all stranger reject\nlocal all all trust\n"
            )
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        self._guard = subprocess.Popen(
            ["sh", "-c", _GUARD, "sh", str(self.folder), str(self._programs / "postgres"),
             "-D", str(self._data), "-k", str(self.folder), *settings],
            start_new_session=True, **{**self._as_user(), "stdin": subprocess.PIPE},
        )  # fmt: skip
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                self._admin = psycopg.connect(self.url("postgres"), autocommit=True)
                return
            except psycopg.OperationalError:
                if time.monotonic() > end:
                    raise RuntimeError(f"PostgreSQL did not start:\n{self._said()}") from None
                time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Ends it and waits. SIGINT: at once but in order; SIGQUIT: as if it had crashed."""
        if self._admin is not None:
            self._admin.close()
        if self._guard is None:
            return
        pid_file = self._data / "postmaster.pid"
        if pid_file.exists():
            os.kill(int(pid_file.read_text().split()[0]), how)
            self._guard.communicate(b"\n", START_SECONDS)
        else:  # it did not start
            self._guard.communicate(timeout=START_SECONDS)
        self._guard = None

    def close(self) -> None:
        self.stop()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str, user: str = "news") -> str:
        return f"postgresql://{user}@/{database}?host={quote(str(self.folder), safe='')}"

    def new(self) -> str:
        """The name of a new database, without tables."""
        return self._create("template1")

    def lend(self) -> str:
        """The name of a database that has today's tables and nothing in them."""
        return self._emptied.pop() if self._emptied else self._create(MIGRATED)

    def take_back(self, name: str) -> None:
        """Empties what was lent, for another: that takes a tenth of the time of a new one."""
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            same = connection.execute(_SHAPE).fetchall() == self._shape
            if same:
                connection.execute("; ".join(f'DELETE FROM "{table}"' for table in self._tables))
                connection.execute(_RESTART)
        if same:
            self._emptied.append(name)
        else:
            self.drop(name)

    def drop(self, name: str) -> None:
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def prepare(self) -> None:
        """Makes the database that others are copied from."""
        self.run(f"CREATE DATABASE {MIGRATED}")
        Store.open(self.url(MIGRATED)).close()
        with psycopg.connect(self.url(MIGRATED)) as connection:
            self._shape = connection.execute(_SHAPE).fetchall()
        self._tables = sorted({str(table) for table, *_ in self._shape} - {"alembic_version"})

    def _create(self, template: str) -> str:
        name = f"news{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def run(self, statement: str) -> list[tuple[object, ...]]:
        """Runs a statement as the server's superuser."""
        assert self._admin is not None
        done = self._admin.execute(statement.encode())
        return done.fetchall() if done.description else []

    def _order(self) -> tuple[str, ...]:
        """Where it can be had: text sorts otherwise than in SQLite, as on most servers."""
        said = subprocess.run(
            [str(self._programs / "initdb"), "--version"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        version = int(re.findall(r"\d+", said)[0])
        by_rules = ("--locale-provider=icu", "--icu-locale=en-US") if version >= 15 else ()
        return ("--locale=C.UTF-8", *by_rules)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        if subprocess.run(command, **self._as_user(), check=False).returncode:
            raise RuntimeError(f"{program} failed:\n{self._said()}")

    def _as_user(self) -> dict[str, object]:
        shared: dict[str, object] = {
            "stdin": subprocess.DEVNULL, "stdout": self._log, "stderr": subprocess.STDOUT,
            "cwd": self.folder,
        }  # fmt: skip
        if os.getuid() == 0:
            its_group = pwd.getpwnam(self.user).pw_gid
            shared |= {"user": self.user, "group": its_group, "extra_groups": []}
        return shared

    def _said(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-2000:]


def _unprivileged() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid()).pw_name
    return "postgres" if "postgres" in names else "nobody"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """One server for all tests of a process; each test has databases of its own."""
    programs = server_programs()
    if programs is None:
        pytest.fail(MISSING, pytrace=False)
    cluster = Cluster(programs)
    try:
        cluster.prepare()
        yield cluster
    finally:
        cluster.close()
