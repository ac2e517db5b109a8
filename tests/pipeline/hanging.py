"""Workers that hang where nobody has foreseen it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

from aggregator.steps import compose_many, read_feed
from aggregator.workers import Workers
from tests.worker_tasks import hang_at

P = ParamSpec("P")
T = TypeVar("T")

UNFORESEEN = "what nobody has foreseen"


class HangingWorkers(Workers):
    """Real workers that hang where an article holding `UNFORESEEN` is made (or a feed read),
    until their limit ends them: no input is known that takes the real task so long."""

    begun = 0
    """How often that was begun."""

    hanging: Callable[..., object] = staticmethod(compose_many)

    async def run_within(
        self, seconds: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        if function is self.hanging:
            self.begun += 1
            function = partial(hang_at, UNFORESEEN, function)
        return await super().run_within(seconds, function, *args, **kwargs)


class HangingReaders(HangingWorkers):
    hanging = staticmethod(read_feed)
