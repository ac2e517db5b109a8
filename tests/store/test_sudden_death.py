"""A process that is killed in the middle of its writing: what it said is done is done, wholly."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import Connection, select

from aggregator.store import Store
from aggregator.store.tables import ARTICLES, ENTRIES
from tests.store.making import Newsroom

ROOT = Path(__file__).parents[2]


def killed_while_polling(url: str, polls: int, pause: float) -> int:
    """Runs `polling.py` for some polls and a bit; gives the last that it said was done."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.store.polling", url]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            for _ in range(polls):
                assert process.stdout.readline(), "it ended by itself"
            time.sleep(pause)
        finally:
            process.kill()
        return max((int(line) for line in process.stdout.read().split()), default=0)


def keys_and_first_text(connection: Connection) -> tuple[set[str], str]:
    rows = connection.execute(select(ENTRIES.c.key, ENTRIES.c.content)).all()
    return {row.key for row in rows}, next(row.content for row in rows if row.key == "first")


def test_validators_and_entries_are_never_apart(url: str, kind: str) -> None:
    for polls, pause in ((3, 0.0), (8, 0.003), (5, 0.007), (9, 0.011)):
        told = killed_while_polling(url, polls, pause)
        store = Store.open(url)
        room = Newsroom(store)
        room.write(lambda _: None)  # a server first ends what it was given to do
        number = int(store.feed_states()[0].validators.etag)
        assert number >= told
        keys, first_text = room.read(keys_and_first_text)
        assert keys == {"first", *(str(n) for n in range(1, number + 1))}
        assert first_text == f"第{number}版"
        assert len(room.read(lambda c: c.execute(select(ARTICLES.c.id)).all())) == len(keys)
        if kind == "sqlite":
            integrity = room.read(lambda c: c.exec_driver_sql("PRAGMA integrity_check").scalar())
            assert integrity == "ok"
        store.close()
