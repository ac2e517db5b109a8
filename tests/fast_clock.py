"""An event loop whose clock runs fast, as all clocks do under libfaketime."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")

SPEED = 240


class FastSelector(selectors.DefaultSelector):
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(None if timeout is None else timeout / SPEED)


class FastLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        super().__init__(FastSelector())

    def time(self) -> float:
        return time.monotonic() * SPEED


def run_fast(scenario: Coroutine[None, None, T]) -> T:
    with asyncio.Runner(loop_factory=FastLoop) as runner:
        return runner.run(scenario)
