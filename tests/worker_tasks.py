"""What the tests of the workers have them do: harmless, slow, greedy and fatal things."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from aggregator.errors import ConfigError, FetchError, Problem, QueryError

P = ParamSpec("P")
T = TypeVar("T")


def double(number: int, plus: int = 0) -> tuple[int, int]:
    """Gives twice the number, and which process found it."""
    return 2 * number + plus, os.getpid()


def hang(started: Path | None = None) -> None:
    """Works for ever."""
    if started is not None:
        started.write_text(str(os.getpid()))
    while True:
        pass


def work(seconds: float) -> None:
    """Takes so much of a processor's time."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def be_stuck() -> None:
    """Waits for what never comes."""
    time.sleep(600)


def hang_at(mark: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Does the task, unless something it was given holds the mark: then it hangs."""
    if mark.encode() in pickle.dumps((args, kwargs)):
        hang()
    return function(*args, **kwargs)


def exit_now(status: int) -> None:
    os._exit(status)


def kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def system_exit() -> None:
    sys.exit(3)


def grow(megabytes: int) -> int:
    return len(bytearray(megabytes * 1024 * 1024))


def grow_in_circles(megabytes: int) -> None:
    """Leaves so much behind in circles of references, as feedparser does."""
    for _ in range(megabytes):
        circle: list[object] = [bytearray(8 * 1024) for _ in range(128)]
        circle.append(circle)


_KEPT: list[bytes] = []


def keep_much(megabytes: int) -> int:
    """Leaves this worker larger for good; gives how often all garbage was looked for by now."""
    _KEPT.append(b"x" * (megabytes * 1024 * 1024))
    return collections()


def collections() -> int:
    """Gives how often this worker has looked for all garbage."""
    return gc.get_stats()[2]["collections"]


def resident() -> int:
    """Gives the bytes that this worker has in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def wait_for(path: Path, given: bytes = b"") -> int:
    """Works until there is a file; gives how many bytes it was given."""
    while not path.exists():
        time.sleep(0.01)
    return len(given)


def fail_in_words() -> None:
    raise FetchError("http_status", "the server answered 429", "https://x.example", "", 429, 60.0)


def fail_in_a_query() -> None:
    raise QueryError("a word is missing", "(a OR", 6, "close it")


def fail_in_the_config() -> None:
    raise ConfigError((Problem("config.toml", 3, "feeds", "is missing"),))


def fail_as_a_bug() -> None:
    raise KeyError("no such key")


class Untravelled(Exception):
    """Can be pickled, and not unpickled."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


def fail_untravelled() -> None:
    raise Untravelled("odd", "trouble")


def give_what_cannot_travel() -> object:
    return lambda: None
