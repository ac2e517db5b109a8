"""Processes for CPU work: reading feeds and pages, where hostile bytes can hang or grow.

Each task has a time limit, each worker a memory limit; a worker that hangs, dies
or grows is replaced (pebble), and only its task fails.
"""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from pebble import ProcessExpired, ProcessPool

from aggregator.errors import WorkerError

P = ParamSpec("P")
T = TypeVar("T")

SECONDS = 20.0
"""The longest a task may take."""

MEGABYTES = 1024
"""The address space of one worker."""

PR_SET_PDEATHSIG = 1


class Workers:
    """`await workers.run(function, …)` runs a module-level function in another process."""

    def __init__(self, count: int = 0, seconds: float = SECONDS, megabytes: int = MEGABYTES):
        """Takes how many processes (0: one per core), and the limits of a task and of a worker."""
        self._seconds = seconds
        self._pool = ProcessPool(
            max_workers=count or os.cpu_count() or 1,
            initializer=_start,
            initargs=(megabytes, os.getpid()),
            context=multiprocessing.get_context("spawn"),
        )

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Gives what the function gives, raises what it raises.

        Raises WorkerError when the task took too long, needed too much memory, or
        took its process down with it.
        """
        task = self._pool.schedule(function, args=args, kwargs=kwargs, timeout=self._seconds)
        try:
            return await asyncio.wrap_future(task)
        except TimeoutError as error:
            raise WorkerError(f"took longer than {self._seconds:g} s") from error
        except MemoryError as error:
            raise WorkerError("needed more memory than a worker may have") from error
        except ProcessExpired as error:
            raise WorkerError(f"its process died ({_cause(error.exitcode)})") from error

    def close(self) -> None:
        """Ends the processes, and what they are doing."""
        self._pool.stop()  # type: ignore[no-untyped-call] # pebble leaves it untyped
        self._pool.join()


def _cause(exitcode: int | None) -> str:
    if exitcode is None:
        return "no exit status"
    if exitcode < 0:
        return f"killed by {signal.Signals(-exitcode).name}"
    return f"exit status {exitcode}"


def _start(megabytes: int, parent: int) -> None:
    """In each new worker: its limits, and an end with its parent's."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was gone before the line above
        os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    size = megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
