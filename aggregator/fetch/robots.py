"""robots.txt (RFC 9309): which pages a site lets this client ask for, and how often.

Each origin is asked once a day. Protego knows the rules' syntax and how they match a path;
which group is ours is decided here, by the whole product token (§2.2.1).
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
from protego import Protego

from aggregator.core.robots import KEPT_FOR, RobotsKnown
from aggregator.errors import FetchError
from aggregator.fetch.urls import shown

UNREACHABLE_FOR = timedelta(hours=1)
"""How long a site that could not say what it allows is left alone: twice as long each time, and
a day at most.
"""

GIVEN_UP_AFTER = timedelta(days=30)
"""After so long without an answer a site counts as one that has no rules (§2.3.1.4)."""

MAX_BYTES = 500 * 1024
"""What is read of a file (§2.5)."""

MAX_ORIGINS = 2_000
MAX_KEPT = 16_000_000
"""Of all origins together, in bytes: rules take many times their room once they are parsed,
so they are kept as they came."""

STEP = 16 * 1024
"""Bytes of a file read at a time: so long no other thread has its turn."""

Keep = Callable[[str, RobotsKnown], Awaitable[None]]
"""Is told the origin, and what it said."""

LONG = 20_000
"""Longer files and rules are read in a thread: half a megabyte of them takes a second."""


@dataclass(frozen=True, slots=True)
class RobotsAnswer:
    """What came of asking for /robots.txt, redirects followed."""

    status: int
    body: bytes


class Robots:
    """`await robots.allows(url)`, and then `robots.delay(url)`."""

    def __init__(
        self,
        get: Callable[[str, str], Awaitable[RobotsAnswer]],
        user_agent_token: str,
        now: Callable[[], datetime],
    ) -> None:
        """Takes what asks for a URL with a CA file, the product token of our User-Agent, and
        the clock.
        """
        self._get = get
        self._token = user_agent_token.lower()
        self._now = now
        self._known: OrderedDict[str, RobotsKnown] = OrderedDict()
        self._kept = 0
        self._asking: dict[str, asyncio.Task[RobotsKnown]] = {}
        self._keep: Keep | None = None

    def take_over(self, other: Robots) -> None:
        """Takes what another has been told."""
        self._recall(other._known)

    def keep(self, known: Mapping[str, RobotsKnown], keep: Keep) -> None:
        """Takes what was kept from an earlier run, by origin, the latest last; `keep` is awaited
        with what is learnt from now on, before that is acted upon.
        """
        self._recall(known)
        self._keep = keep

    async def close(self) -> None:
        """Ends what is being asked: that we close says nothing about a site."""
        asking = tuple(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    def _recall(self, all_known: Mapping[str, RobotsKnown]) -> None:
        for origin, known in all_known.items():
            if origin not in self._known:
                self._remember(origin, known)

    async def allows(self, url: str, ca_file: str = "") -> bool:
        """Whether the page may be asked for; `ca_file` is trusted besides where that is not known.

        Without an answer, or with 429 or 5xx, none may (§2.3.1.4); with any other status than
        2xx all may (§2.3.1.3). What is no http or https URL is no matter of robots.txt. An
        exception of `get` that is no FetchError is a bug, and comes through, as does one of `keep`.
        """
        parsed = _parsed(url)
        if parsed is None:
            return True
        known = await self._know(_origin(parsed), ca_file)
        target = parsed.raw_path.decode("ascii")
        if not known.rules:
            return True
        if len(known.rules) + len(target) > LONG:
            return await asyncio.to_thread(_matches, known.rules, target)
        return _matches(known.rules, target)

    def failure(self, url: str) -> FetchError | None:
        """Why a page may not be asked for whose site could not say what it allows."""
        parsed = _parsed(url)
        known = self._known.get(_origin(parsed)) if parsed else None
        if known is None or known.rules != NOTHING_ALLOWED or not known.kind:
            return None
        return FetchError(
            known.kind,
            f"its robots.txt could not be had: {known.failure}",
            shown(url),
            "without it no page is asked for; it is tried again later",
            known.status,
        )

    def delay(self, url: str) -> float | None:
        """Seconds between two requests, if robots.txt is known and says so (Crawl-delay)."""
        parsed = _parsed(url)
        known = self._known.get(_origin(parsed)) if parsed else None
        return known.delay if known else None

    async def _know(self, origin: str, ca_file: str) -> RobotsKnown:
        known = self._known.get(origin)
        if known is not None and known.holds(self._now()):
            self._known.move_to_end(origin)
            return known
        asking = self._asking.get(origin)
        if asking is None:
            asking = self._asking[origin] = asyncio.create_task(self._ask(origin, ca_file))
            asking.add_done_callback(lambda _: self._asking.pop(origin))
        # whoever asked first may be cancelled while others wait for the same answer
        return await asyncio.shield(asking)

    async def _ask(self, origin: str, ca_file: str) -> RobotsKnown:
        known = await self._answered(origin, ca_file)
        self._remember(origin, known)
        if self._keep is not None:
            await self._keep(origin, known)
        return known

    async def _answered(self, origin: str, ca_file: str) -> RobotsKnown:
        try:
            answer = await self._get(f"{origin}/robots.txt", ca_file)
        except FetchError as error:
            if error.kind == "busy":
                raise  # it was not asked, which says nothing about it
            return self._unreachable(origin, error)
        now = self._now()
        if 200 <= answer.status < 300:
            if len(answer.body) > LONG:
                rules, delay = await asyncio.to_thread(_read, answer.body, self._token)
            else:
                rules, delay = _read(answer.body, self._token)
            return RobotsKnown(now, rules, delay)
        if 300 <= answer.status < 500 and answer.status != 429:
            return RobotsKnown(now, "")
        told = FetchError(
            "http_status", f"the server answered {answer.status}", "", "", answer.status
        )
        return self._unreachable(origin, told)

    def _unreachable(self, origin: str, why: FetchError) -> RobotsKnown:
        now, before = self._now(), self._known.get(origin)
        if before is None or before.unreachable_since is None:
            return RobotsKnown(
                now, NOTHING_ALLOWED, None, UNREACHABLE_FOR, now, why.kind, why.what, why.status
            )
        since, kept_for = before.unreachable_since, min(2 * before.kept_for, KEPT_FOR)
        if now - since > GIVEN_UP_AFTER:
            return RobotsKnown(now, "", None, kept_for, since)
        return RobotsKnown(
            now, NOTHING_ALLOWED, None, kept_for, since, why.kind, why.what, why.status
        )

    def _remember(self, origin: str, known: RobotsKnown) -> None:
        before = self._known.pop(origin, None)
        self._known[origin] = known
        self._kept += len(known.rules) - (len(before.rules) if before else 0)
        while len(self._known) > MAX_ORIGINS or self._kept > MAX_KEPT:
            _, oldest = self._known.popitem(last=False)
            self._kept -= len(oldest.rules)


def _parsed(url: str) -> httpx.URL | None:
    """The URL as the client reads it, so that both mean the same host and path."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return None
    return parsed if parsed.scheme in ("http", "https") and parsed.raw_host else None


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


NOTHING_ALLOWED = "user-agent: *\ndisallow: /\n"

_AGENT = re.compile(r"user(?:-|\s*)agent(?:\s*:\s*|\s+|$)(.*)", re.IGNORECASE)
_PRODUCT = re.compile(r"[a-z_-]*", re.IGNORECASE)
_RULE = re.compile(r"(?:allow|dis{1,2}al{1,2}[oa]w|diasllow|crawl[- ]delay)\b", re.IGNORECASE)
_BOM = b"\xef\xbb\xbf"
_ODD = {
    byte: f"%{byte:02X}" for byte in range(256) if not 0x20 <= byte < 0x7F and byte not in b"\t\n\r"
}


def _read(body: bytes, token: str) -> tuple[str, float | None]:
    """Our rules, and the delay they ask for."""
    rules = _ours(body, token)
    return rules, _delay(rules)


def _ours(body: bytes, token: str) -> str:
    """The rules of all groups that name the token, or else of all that name `*`.

    Empty if there are none. Takes any bytes; those that are not ASCII are percent-encoded,
    as they are compared (§2.2.2), whatever encoding they are in.
    """
    groups: dict[str, list[str]] = {}
    named: set[str] = set()
    after_rule = False
    for line in _lines(body):
        if (agent := _AGENT.match(line)) is not None:
            if after_rule:
                named, after_rule = set(), False
            product = _product(agent[1])
            if product in ("*", token):
                named.add(product)
                groups.setdefault(product, [])
        elif _RULE.match(line):
            after_rule = True
            for product in named:
                groups[product].append(line)
    rules = groups.get(token, groups.get("*", []))
    return "\n".join(["user-agent: *", *rules, ""]) if rules else ""


def _lines(body: bytes) -> list[str]:
    read, over = body[:MAX_BYTES], body[MAX_BYTES:]
    text = "".join(
        read[at : at + STEP].decode("latin-1").translate(_ODD)
        for at in range(len(_BOM) if read.startswith(_BOM) else 0, len(read), STEP)
    )
    lines = re.split(r"\r\n|\r|\n", text)
    # half a path means more than was written
    whole = lines[:-1] if over and over[:1] not in b"\r\n" else lines
    return [line.partition("#")[0].strip() for line in whole]


def _product(value: str) -> str:
    """`*`, or the product token without its version, in lower case; any other is empty."""
    if value.split() and value.split()[0] == "*":
        return "*"
    found = _PRODUCT.match(value)
    return found[0].lower() if found else ""


def _matches(rules: str, target: str) -> bool:
    return Protego.parse(rules).can_fetch(f"http://origin{target}", "*")


def _delay(rules: str) -> float | None:
    return Protego.parse(rules).crawl_delay("*")
