"""Requests that the end of the daemon cuts off: no bug, whose traceback would be logged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aggregator.web.responses import plain

log = logging.getLogger(__name__)


class CutOff:
    """ASGI middleware. `ending` tells whether the daemon is: then what is cancelled just ends,
    with a 503 where nothing has been answered.
    """

    def __init__(self, app: ASGIApp, ending: Callable[[], bool]) -> None:
        self._app = app
        self._ending = ending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answered = False

        async def sent(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except asyncio.CancelledError:
            if not self._ending():
                raise
            log.info("a request took too long to wait for its end")
            if not answered:
                await plain(Request(scope), "ending", 503)(scope, receive, send)
