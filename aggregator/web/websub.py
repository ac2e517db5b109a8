"""Where hubs ask back and push to: `/websub/TOKEN` (W3C WebSub, sections 5.3 and 7).

A push is answered before it is taken in: to the hub it is delivered, whatever becomes of it. The
path has a secret in it, so nothing here is logged with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast
from urllib.parse import parse_qsl

from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from aggregator.core.websub import Subscription
from aggregator.errors import AggregatorError
from aggregator.fetch.limits import missing
from aggregator.real_time import ticks
from aggregator.web.responses import answer, plain
from aggregator.web.site import Site, site_of
from aggregator.websub import WebSub

log = logging.getLogger(__name__)

PUSHES_AT_ONCE = 32
BODIES_AT_ONCE = 2
"""Pushes that are being read and taken in, and how many of the largest size they may be worth."""

OF_ONE_AT_ONCE = 3
"""Those of one subscription, which may be worth one of the largest size: so that a hub that is
slow, or means ill, keeps no other from pushing.
"""

READ_SECONDS = 30.0
"""The longest that a hub may take to send a body."""

FIELDS_AT_MOST = 50


class Room:
    """How much of pushes is in memory: altogether, and by the token of their subscription."""

    def __init__(self) -> None:
        self._pushes: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()

    def enter(self, token: str) -> bool:
        """One more of it begins, if there is room for it; `leave` ends it."""
        if self._pushes.total() >= PUSHES_AT_ONCE or self._pushes[token] >= OF_ONE_AT_ONCE:
            return False
        self._pushes[token] += 1
        return True

    def grow(self, token: str, size: int, most: int) -> bool:
        """So many bytes more; whether there is room for them where a body has `most` at most."""
        self._bytes[token] += size
        return self._bytes[token] <= most and self._bytes.total() <= BODIES_AT_ONCE * most

    def leave(self, token: str, size: int) -> None:
        """One with so many bytes has ended."""
        self._pushes -= Counter({token: 1})
        self._bytes -= Counter({token: size})


class _Refused(Exception):
    def __init__(self, status: int, why: str) -> None:
        self.status = status
        self.why = why


async def confirm(request: Request) -> Response:
    """The hub asks whether we mean it, or says that it will not."""
    site = site_of(request)
    token, asked = request.path_params["token"], _fields(request)
    mode, topic = asked.get("hub.mode", b""), asked.get("hub.topic", b"").decode(errors="replace")
    challenge = asked.get("hub.challenge", b"")
    try:
        if site.websub is None:
            meant = False
        elif mode == b"denied":
            reason = asked.get("hub.reason", b"").decode(errors="replace")
            meant = await site.websub.denied(token, topic, reason, site.now())
            challenge = b""
        else:
            lease = asked.get("hub.lease_seconds", b"").decode("latin-1")
            meant = bool(challenge) and await site.websub.confirm(
                token, mode.decode("latin-1"), topic, lease, site.now()
            )
    except AggregatorError as error:
        return _unavailable(request, error)
    if not meant:
        return plain(request, "not asked for", 404)
    headers = {"Cache-Control": "no-store"}
    return answer(request, challenge, "text/plain; charset=utf-8", 200, headers)


async def receive(request: Request) -> Response:
    """A push: 202 whether it is signed or not, for who sends it need not know."""
    site = site_of(request)
    try:
        known = await _subscription(site, request.path_params["token"])
        if known is None:
            return plain(request, "not asked for", 404)
        if known.state == "leaving":
            return plain(request, "no longer wanted", 410)
        assert site.websub is not None
        return await _received(request, site, site.websub, known)
    except _Refused as refused:
        return plain(request, refused.why, refused.status)
    except AggregatorError as error:
        return _unavailable(request, error)


async def _subscription(site: Site, token: str) -> Subscription | None:
    return None if site.websub is None else await site.websub.subscription(token)


async def _received(request: Request, site: Site, websub: WebSub, known: Subscription) -> Response:
    room, most = cast(Room, request.app.state.push_room), websub.config.fetch.max_bytes
    if not room.enter(known.token):
        return _busy(request)
    body = bytearray()

    async def take() -> None:
        try:
            await websub.take(known, signature, content_type, bytes(body), site.now())
        finally:
            room.leave(known.token, len(body))

    signature = request.headers.get("X-Hub-Signature", "")
    content_type = request.headers.get("Content-Type", "")
    try:
        await _read(request, body, lambda size: room.grow(known.token, size, most), most)
    except BaseException:
        room.leave(known.token, len(body))
        raise
    response = plain(request, "taken", 202)
    response.background = BackgroundTask(take)
    return response


async def _read(request: Request, body: bytearray, grow: Callable[[int], bool], most: int) -> None:
    """Reads the request's body into `body`, while there is room for it. Raises _Refused."""
    declared = request.headers.get("Content-Length", "")
    if declared.isdecimal() and int(declared[:12]) > most:
        raise _Refused(413, "too large")
    try:
        async with _within(READ_SECONDS):
            async for piece in request.stream():
                body += piece
                has_room = grow(len(piece))
                if len(body) > most:
                    raise _Refused(413, "too large")
                if not has_room:
                    raise _Refused(503, "busy")
    except TimeoutError:
        raise _Refused(408, "too slow") from None
    except ClientDisconnect:
        raise _Refused(400, "cut off") from None


@asynccontextmanager
async def _within(seconds: float) -> AsyncIterator[None]:
    """Raises TimeoutError after so many seconds, not at once where the clock runs fast."""
    loop, began = asyncio.get_running_loop(), ticks()
    async with asyncio.timeout(None) as scope:
        timer: asyncio.TimerHandle

        def look_in(wait: float) -> None:
            nonlocal timer
            timer = loop.call_later(wait, look)

        def look() -> None:
            left = missing(began, seconds)
            if left > 0:
                look_in(max(left, 1.0))
            else:
                scope.reschedule(loop.time())

        look_in(seconds)
        try:
            yield
        finally:
            timer.cancel()


def _fields(request: Request) -> dict[str, bytes]:
    """The fields of the query, the first of each name, byte for byte: the challenge is echoed."""
    query = bytes(request.scope["query_string"]).decode("latin-1")
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, encoding="latin-1", max_num_fields=FIELDS_AT_MOST
        )
    except ValueError:
        return {}
    return {name: value.encode("latin-1") for name, value in reversed(pairs)}


def _busy(request: Request) -> Response:
    response = plain(request, "busy", 503)
    response.headers["Retry-After"] = "60"
    return response


def _unavailable(request: Request, error: AggregatorError) -> Response:
    log.warning("a hub could not be answered: %s", error)
    return _busy(request)
