"""Processes for CPU work: reading feeds and pages, where hostile bytes can hang or grow.

Each task has a limit of processor time, kept by the kernel, each worker one of memory; a
worker that hangs, dies or grows is replaced (pebble), and only its task fails. Tasks that are
given much may take all workers but one: the others' tasks have it for themselves.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import multiprocessing
import os
import pickle
import resource
import signal
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from typing import ParamSpec, TypeVar

from pebble import ProcessExpired, ProcessPool

from aggregator import heap
from aggregator.errors import WorkerError, WorkersGone
from aggregator.real_time import ticks

P = ParamSpec("P")
T = TypeVar("T")

SECONDS = 20.0
"""The most of a processor's time a task may take; the clock would blame it for others' work."""

PATIENCE = 60
"""So many times its seconds a task may take in real time, before it counts as stuck. None waits
for anything, so that hardly happens; but a machine may be busy."""

MEGABYTES = 400
"""The address space of one worker. Its libraries take 227 of it, 76 of them resident; reading the
largest feed that may be takes 100 more. Main process and two workers stay under 512 so."""

NICE = 3
"""Workers let the main process go first, which has everybody waiting."""

HEAVY = 256 * 1024
"""A task that is given more bytes than this takes time and memory."""

PRELOADED = (
    "aggregator.steps",
    "aggregator.compose",
    "trafilatura",
    "feedparser",
    "opencc",
    "rjieba",
)
"""What workers have imported before they begin."""

GREW = 8 * 1024 * 1024
"""A worker that has so many bytes more after a task than before it gives back what it can."""

LOOK_EVERY = 2.0
"""How often, in seconds, whoever waits for a task looks whether there is still a pool to do it,
and whether it is stuck.
"""

PR_SET_PDEATHSIG = 1


class Workers:
    """`await workers.run(function, …)` runs a module-level function in another process."""

    def __init__(self, count: int = 0, seconds: float = SECONDS, megabytes: int = MEGABYTES):
        """Takes how many processes (0: one per core), and the limits of a task and of a worker."""
        self._seconds = seconds
        self._count = count or os.cpu_count() or 1
        self._megabytes = megabytes
        self._closed = False
        self._heavy = asyncio.Semaphore(max(self._count - 1, 1))
        self._pool = self._new_pool()

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Gives what the function gives, raises what it raises.

        Raises WorkerError when the task took too long, needed too much memory, or
        took its process down with it, and WorkersGone when there is no process to do it.
        """
        return await self.run_within(self._seconds, function, *args, **kwargs)

    async def run_within(
        self, seconds: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """`run` for a task that may take so many seconds of a processor's time, if that is less
        than any task may.
        """
        seconds = min(seconds, self._seconds)
        turn = self._heavy if _is_heavy((args, kwargs)) else nullcontext()
        try:
            async with turn:
                try:
                    return await self._run(seconds, function, args, kwargs)
                except BrokenProcessPool:  # some other process's fault: see `_renewed`
                    return await self._run(seconds, function, args, kwargs)
        except TimeoutError as error:
            raise WorkerError(f"was stuck for {seconds * PATIENCE:g} s") from error
        except MemoryError as error:
            raise WorkerError("needed more memory than a worker may have") from error
        except ProcessExpired as error:
            if error.exitcode == -signal.SIGPROF:
                raise WorkerError(f"took longer than {seconds:g} s") from error
            raise WorkerError(f"its process died ({_cause(error.exitcode)})") from error
        except BrokenProcessPool as error:
            raise WorkersGone("the worker processes cannot be started") from error

    async def _run(
        self,
        seconds: float,
        function: Callable[..., T],
        args: Sequence[object],
        kwargs: Mapping[str, object],
    ) -> T:
        if self._closed:
            raise WorkersGone("the worker processes are closed")
        pool = self._pool if self._pool.active else await self._renewed()
        task: Future[T] = pool.schedule(_call, args=(seconds, function, list(args), kwargs))
        result = asyncio.wrap_future(task)
        began: float | None = None
        try:
            while not result.done():
                await asyncio.wait([result], timeout=LOOK_EVERY)
                if began is None and task.running():
                    began = ticks()  # pebble's own limit would go by a clock that may be fast
                if began is not None and ticks() - began > seconds * PATIENCE:
                    raise TimeoutError
                if not result.done() and not pool.active:
                    # a broken pool never says so to the tasks it has not yet handed out
                    raise BrokenProcessPool("the task was lost")
            return result.result()
        finally:
            result.cancel()

    async def _renewed(self) -> ProcessPool:
        """pebble gives a pool up when one of its processes is killed while it has no task."""
        broken, self._pool = self._pool, self._new_pool()
        await asyncio.to_thread(_end, broken)
        return self._pool

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(
            max_workers=self._count,
            initializer=_start,
            initargs=(self._megabytes, os.getpid()),
            context=_context(),
        )

    def close(self) -> None:
        """Ends the processes, and what they are doing."""
        self._closed = True
        _end(self._pool)


def _context() -> ForkServerContext:
    """Workers are forked from a process that has only imported what they need: they begin at once,
    and share its memory.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    return context


def _end(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call] # pebble leaves it untyped
    pool.join()


def _call(
    seconds: float,
    function: Callable[..., T],
    args: list[object],
    kwargs: Mapping[str, object],
) -> T:
    """In the worker: an exception that cannot travel is put in words, for it ends the pool."""
    before = _resident()
    given = tuple(args)
    args.clear()  # pebble keeps them until there is another task
    # when it runs out, SIGPROF ends the process, whatever code in C it hangs in
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        return function(*given, **kwargs)
    except Exception as error:
        if not _travels(error):
            raise RuntimeError(f"{type(error).__name__}: {error}") from None
        raise
    except BaseException as error:  # noqa: BLE001 - SystemExit would end the parent
        raise RuntimeError(f"the task ended its process: {error!r}") from None
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        del given
        if _resident() - before > GREW:
            # feedparser's trees are circles of references. Looking for those takes a tenth of a
            # second, too much after every task
            gc.collect()
            heap.give_back()


def _resident() -> int:
    """Bytes of memory that this process takes."""
    with open("/proc/self/statm", "rb") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


class _Scale:
    """A file for a pickler that is full soon."""

    def __init__(self) -> None:
        self.bytes = 0

    def write(self, data: bytes) -> int:
        self.bytes += len(data)
        if self.bytes > HEAVY:
            raise OverflowError
        return len(data)


def _is_heavy(given: object) -> bool:
    try:
        pickle.dump(given, _Scale())
    except OverflowError:
        return True
    except Exception:  # noqa: BLE001 - what cannot travel is told by whoever sends it
        return False
    return False


def _travels(error: Exception) -> bool:
    try:
        return type(pickle.loads(pickle.dumps(error))) is type(error)
    except Exception:  # noqa: BLE001 - whatever it is, it does not travel
        return False


def _cause(exitcode: int | None) -> str:
    if exitcode is None:
        return "no exit status"
    if exitcode < 0:
        names = {known.value: known.name for known in signal.Signals}
        return f"killed by {names.get(-exitcode, f'signal {-exitcode}')}"
    return f"exit status {exitcode}"


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _start(megabytes: int, parent: int) -> None:
    """In each new worker: its limits, and an end with its parent's."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # what this was forked from ends when nobody holds this end of a pipe; with it, this ends too
    os.close(forkserver._forkserver._forkserver_alive_fd)  # type: ignore[attr-defined] # private
    if not _lives(parent):  # it was gone before the line above
        os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    heap.keep_little()
    os.nice(NICE)
    size = megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
