"""A store asked without an event loop around it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from aggregator.store import Store

P = ParamSpec("P")
T = TypeVar("T")


class Asked:
    def __init__(self, store: Store) -> None:
        self.store = store

    def write(
        self,
        operation: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        return asyncio.run(self.store.write(operation, *args, **kwargs))

    def read(
        self,
        operation: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        return self.store.read_now(operation, *args, **kwargs)
