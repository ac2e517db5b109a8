"""The one writer: operations from everywhere, committed together.

A commit waits for the disk (synchronous=FULL), so what is waiting when one begins
goes into it: each operation in a savepoint of its own, all in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from aggregator.errors import StoreError
from aggregator.store.database import Database, ended, in_words

T = TypeVar("T")

TOGETHER = 100
"""How many operations one transaction takes at most."""


class _Job(Generic[T]):
    def __init__(self, operation: Callable[[Connection], T]) -> None:
        self.operation = operation
        self.future: Future[T] = Future()
        self._result: T
        self._error: BaseException | None = None

    def run(self, connection: Connection, where: str) -> None:
        """Keeps the result or the error. Raises only what ended the whole transaction."""
        savepoint = connection.begin_nested()
        try:
            self._result = self.operation(connection)
            savepoint.commit()
        except Exception as error:
            if ended(connection):
                raise
            savepoint.rollback()
            self._error = in_words(error, where) if isinstance(error, DBAPIError) else error

    def resolve(self, failure: BaseException | None = None) -> None:
        error = failure or self._error
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(self._result)


class Writer:
    """A thread that owns the writing connection."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._jobs: SimpleQueue[_Job[Any] | None] = SimpleQueue()
        self._closing = Lock()
        self._closed = False
        self._thread = Thread(target=self._work, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, operation: Callable[[Connection], T]) -> Future[T]:
        """Takes an operation that leaves the commit to us. The future is done once it is on disk.

        The future raises what the operation raised, or the StoreError of the commit. Cancelled
        before its turn, the operation is not run. Raises StoreError after `close`.
        """
        job = _Job(operation)
        with self._closing:  # nothing may stand in the queue behind its end
            if self._closed:
                raise StoreError("the store is closed")
            self._jobs.put(job)
        return job.future

    def close(self) -> None:
        """Commits what is waiting, then ends."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        open_ = True
        while open_:
            waiting, open_ = self._next_jobs()
            # from here on a job cannot be cancelled any more
            jobs = [job for job in waiting if job.future.set_running_or_notify_cancel()]
            if not jobs:
                continue
            failure: BaseException | None = None
            try:
                with self._database.write() as connection:
                    for job in jobs:
                        job.run(connection, self._database.where)
            except Exception as error:  # noqa: BLE001 - handed to whoever asked
                failure = error
            for job in jobs:
                job.resolve(failure)

    def _next_jobs(self) -> tuple[list[_Job[Any]], bool]:
        jobs: list[_Job[Any]] = []
        job = self._jobs.get()
        while job is not None:
            jobs.append(job)
            if len(jobs) == TOGETHER:
                return jobs, True
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return jobs, True
        return jobs, False
