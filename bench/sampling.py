"""In which part of the program CPU time goes: a sampler over all threads of a process.

Every few milliseconds each thread's CPU clock is read, and what it used since the last
time is put down to the part its innermost known frame belongs to. Nothing is
instrumented, so nothing is slower for being called often.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import defaultdict
from types import CodeType, FrameType

SECONDS = 0.003

PARTS: tuple[tuple[str, str], ...] = (
    ("/aggregator/fetch", "our fetch"),
    ("/aggregator/store/", "our store"),
    ("/aggregator/", "the rest of ours"),
    ("/httpx/", "httpx"),
    ("/httpcore/", "httpcore, h11"),
    ("/h11/", "httpcore, h11"),
    ("/anyio/", "anyio"),
    ("/sqlalchemy/engine/default.py:do_", "sqlite"),
    ("/sqlalchemy/", "sqlalchemy"),
    ("/pebble/", "pebble, pickling"),
    ("/multiprocessing/", "pebble, pickling"),
    ("/asyncio/", "asyncio"),
    ("/bench/", "the benchmark"),
)
"""Where a function is (`file:name`), and what that is called; the first that fits."""

OTHER = "other"


class Sampler:
    """`with Sampler() as sampler: …`, then `sampler.parts()`."""

    def __init__(self) -> None:
        self.seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="sampler", daemon=True)
        self._parts: dict[CodeType, str] = {}

    def __enter__(self) -> Sampler:
        # the default, 5 ms, would let samples be taken only where a thread waits by itself
        self._interval = sys.getswitchinterval()
        sys.setswitchinterval(SECONDS / 10)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
        sys.setswitchinterval(self._interval)

    def parts(self) -> list[tuple[str, str, float]]:
        """Thread, part and seconds of CPU, the most first."""
        parts = [(*key, seconds) for key, seconds in self.seconds.items()]
        return sorted(parts, key=lambda part: -part[2])

    def _work(self) -> None:
        before: dict[int, float] = {}  # by native id
        while not self._ending.wait(SECONDS):
            frames = sys._current_frames()
            for thread in threading.enumerate():
                if thread is self._thread or thread.native_id is None:
                    continue
                try:
                    now = time.clock_gettime(_cpu_clock(thread))
                except OSError:  # it has just ended
                    continue
                used = now - before.get(thread.native_id, now)
                before[thread.native_id] = now
                if used > 0:
                    part = self._part(frames.get(thread.ident or 0))
                    self.seconds[_kind(thread.name), part] += used

    def _part(self, frame: FrameType | None) -> str:
        while frame is not None:
            code = frame.f_code
            part = self._parts.get(code)
            if part is None:
                place = f"{code.co_filename}:{code.co_name}"
                part = next((called for where, called in PARTS if where in place), "")
                self._parts[code] = part
            if part:
                return part
            frame = frame.f_back
        return OTHER


def _cpu_clock(thread: threading.Thread) -> int:
    """What pthread_getcpuclockid gives on Linux; unlike that, no crash if the thread has ended."""
    assert thread.native_id is not None
    return (~thread.native_id << 3) | 6


def _kind(thread: str) -> str:
    """The threads of one pool are one."""
    if thread == "MainThread":
        return "event loop"
    if thread == "store-writer":
        return "store writer"
    return "reading threads" if thread.startswith("asyncio_") else "other threads"
