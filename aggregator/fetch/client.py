"""One request after another, from the question to the answer in words of our own."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import overload
from urllib.parse import urlencode

import httpx

from aggregator.config import FetchSettings
from aggregator.core.model import NotModified, Retrieved, Validators
from aggregator.core.robots import RobotsKnown
from aggregator.errors import FetchError
from aggregator.fetch.agent import PRODUCT, introduction
from aggregator.fetch.answers import headers_of, is_feed_delta, unchanged, validators_given
from aggregator.fetch.bodies import Bodies, drain
from aggregator.fetch.codings import ACCEPTED
from aggregator.fetch.failures import in_words, refused
from aggregator.fetch.lanes import Lanes
from aggregator.fetch.limits import Limits, Watch
from aggregator.fetch.manners import Manners
from aggregator.fetch.robots import MAX_BYTES as ROBOTS_BYTES
from aggregator.fetch.robots import Keep, Robots, RobotsAnswer
from aggregator.fetch.transport import Transport
from aggregator.fetch.urls import first_value, host_of, read_url, same_origin, shown, target

FEED_TYPES = (
    "application/atom+xml, application/rss+xml, application/feed+json, "
    "application/rdf+xml;q=0.9, application/xml;q=0.9, text/xml;q=0.9, "
    "application/json;q=0.8, */*;q=0.1"
)
PAGE_TYPES = "text/html, application/xhtml+xml, */*;q=0.1"
ROBOTS_TYPES = "text/plain, */*;q=0.1"

MAX_REDIRECTS = 5
PERMANENT = (301, 308)
REDIRECTS = (301, 302, 303, 307, 308)
HOST_HELD = (429, 503)
"""Statuses whose Retry-After speaks for the whole host."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class Fetcher:
    """`await fetcher.feed(url, validators)` and `await fetcher.page(url)`."""

    def __init__(
        self, settings: FetchSettings, version: str, now: Callable[[], datetime] = utc_now
    ) -> None:
        """Takes our version, and the clock that dates are measured by."""
        self._now = now
        self._limits = Limits.within(settings.timeout.total_seconds())
        self._max_bytes = settings.max_bytes
        self._manners = Manners(settings.per_host, settings.pace, now)
        self._politeness = (settings.per_host, settings.pace)
        self._lanes = Lanes(settings.concurrency)
        self._bodies = Bodies(settings.max_bytes)
        self._transport = Transport(settings)
        self._robots = Robots(self._robots_txt, PRODUCT, now)
        self._headers = {
            **introduction(settings, version),
            b"Accept-Encoding": ACCEPTED.encode(),
        }

    # --- what can be asked for -------------------------------------------------------------

    async def feed(
        self,
        url: str,
        validators: Validators,
        ca_file: str = "",
        begun: Callable[[], Awaitable[None]] | None = None,
        patience: float | None = None,
    ) -> Retrieved | NotModified:
        """Asks for a feed, conditionally where the server gave something to ask with.

        A 226 holds only what is new (RFC 3229). `ca_file` is trusted for the feed's own host,
        besides the system's trust store. `begun` is awaited once the host's turn has come, as
        the first request begins. Raises FetchError, with `patience` one of kind `busy` as `page`
        does, and what `begun` raises.
        """
        wanted = _Wanted(
            FEED_TYPES, validators, is_feed=True, ca_file=ca_file, patience=patience, begun=begun
        )
        return await self._get(url, wanted)

    @overload
    async def page(
        self, url: str, validators: None = None, patience: float | None = None, ca_file: str = ""
    ) -> Retrieved: ...
    @overload
    async def page(
        self, url: str, validators: Validators, patience: float | None = None, ca_file: str = ""
    ) -> Retrieved | NotModified: ...
    async def page(
        self,
        url: str,
        validators: Validators | None = None,
        patience: float | None = None,
        ca_file: str = "",
    ) -> Retrieved | NotModified:
        """Asks for an article's page if robots.txt allows it.

        NotModified comes only where it was asked with validators. `ca_file` is trusted for the
        page's own host, besides the system's trust store. Raises FetchError; with
        `patience` one of kind `busy` where the host's turn is more than so many seconds away,
        whose `retry_after` says when it will come.
        """
        known = validators or Validators()
        wanted = _Wanted(PAGE_TYPES, known, robots=True, patience=patience, ca_file=ca_file)
        return await self._get(url, wanted)

    async def post(self, url: str, form: Mapping[str, str]) -> int:
        """Sends a form, follows nothing, and gives the status. Raises FetchError."""
        bare, authorization = read_url(url)
        headers = {b"Host": bare.netloc, **self._headers}
        headers[b"Content-Type"] = b"application/x-www-form-urlencoded"
        if authorization:
            headers[b"Authorization"] = authorization
        request = httpx.Request(
            "POST", bare, headers=list(headers.items()), content=urlencode(form).encode()
        )
        async with self._turn(host_of(bare)):
            watch = Watch(self._limits, self._limits.total, self._max_bytes)
            async with self._sent(request, watch, "") as response:
                await drain(response)
                self._heed(response, bare)
                return response.status_code

    # --- hosts on hold, and room -----------------------------------------------------------

    def hold(self, host: str, until: datetime) -> None:
        """Leaves the host in peace until then: a request to it fails as `held`, at once."""
        self._manners.hold(host, until)

    def held(self) -> Mapping[str, datetime]:
        """The hosts that are left in peace, and until when."""
        return self._manners.held()

    def take_over(self, old: Fetcher) -> None:
        """Takes what another client knows of hosts, whose place it takes: who is to be left in
        peace, what robots.txt says, and, at the same pace, whose turn it is.
        """
        self._robots.take_over(old._robots)
        if self._politeness == old._politeness:
            self._manners = old._manners
        for host, until in old.held().items():
            self.hold(host, until)

    def room(self) -> int:
        """How many more requests may be begun now: what is in flight altogether has an end."""
        return self._lanes.room()

    def keep_robots(self, known: Mapping[str, RobotsKnown], keep: Keep) -> None:
        """Takes what sites' robots.txt said in an earlier run, by origin; `keep` is awaited with
        what is learnt from now on, and what it raises comes out of `page`.
        """
        self._robots.keep(known, keep)

    async def close(self) -> None:
        await self._robots.close()
        await self._transport.aclose()

    # --- redirects -------------------------------------------------------------------------

    async def _get(self, url: str, wanted: _Wanted) -> Retrieved | NotModified:
        at, authorization = read_url(url)
        first, left = at, self._limits.total
        permanent_url, only_permanent = "", True
        seen = [str(at)]
        while True:
            ca_file = wanted.ca_file if at.raw_host == first.raw_host else ""
            if wanted.robots:
                await self._ask_robots(at, ca_file)
            credentials = authorization if same_origin(first, at) else b""
            request = self._request(at, wanted, credentials)
            try:
                async with self._turn(host_of(at), wanted.patience if at is first else None):
                    if wanted.begun and at is first:
                        await wanted.begun()
                    watch = Watch(self._limits, left, self._max_bytes)
                    async with self._sent(request, watch, ca_file) as response:
                        answer = await self._answer(response, at, wanted, watch)
                    left = watch.left
            except FetchError as error:
                error.led_away = at is not first
                raise
            if not isinstance(answer, _Redirect):
                return replace(
                    answer, elapsed=self._limits.total - left, permanent_url=permanent_url
                )
            at = answer.to
            only_permanent = only_permanent and answer.permanent
            if only_permanent:
                permanent_url = str(at)
            seen.append(str(at))
            if seen[-1] in seen[:-1]:
                way = " → ".join(step[:200] for step in seen)
                raise FetchError("redirect", f"it leads round in a circle: {way}", shown(url))
            if len(seen) > MAX_REDIRECTS + 1:
                raise FetchError("redirect", f"more than {MAX_REDIRECTS} redirects", shown(url))

    def _request(self, url: httpx.URL, wanted: _Wanted, authorization: bytes) -> httpx.Request:
        # without a Host, httpx makes one, and trips over what only looks like IDNA
        headers = {b"Host": url.netloc, **self._headers, b"Accept": wanted.accept.encode()}
        if authorization:
            headers[b"Authorization"] = authorization
        validators = wanted.validators_for(url)
        if validators.etag:
            headers[b"If-None-Match"] = validators.etag.encode("latin-1", "replace")
            if wanted.is_feed:
                headers[b"A-IM"] = b"feed"
        if validators.last_modified:
            headers[b"If-Modified-Since"] = validators.last_modified.encode("latin-1", "replace")
        return httpx.Request("GET", url, headers=list(headers.items()))

    # --- one request -----------------------------------------------------------------------

    @asynccontextmanager
    async def _turn(self, host: str, patience: float | None = None) -> AsyncIterator[None]:
        """The host's turn, and room for one more. Waiting for them is not the server's fault."""
        async with self._manners.place(host, patience) as pace:
            while True:
                await pace.due()  # not in a lane, where others would have to wait as well
                async with self._lanes.lane(host):
                    self._manners.check(host)
                    if pace.take():
                        yield
                        return

    @asynccontextmanager
    async def _sent(
        self, request: httpx.Request, watch: Watch, ca_file: str
    ) -> AsyncIterator[httpx.Response]:
        """The answer, as long as it is read. Raises FetchError for all that goes wrong inside."""
        request.extensions["trace"] = watch.trace
        url, whole = request.url, False
        try:
            async with watch.watching(shown(str(url))):
                try:
                    response = await self._head(request, watch, ca_file)
                    try:
                        yield response
                    finally:
                        whole = response.is_closed  # which it is once it is read to its end
                        await response.aclose()
                except FetchError as error:
                    if error.where:
                        raise
                    raise in_words(error, str(url), watch) from error
                # whatever it is: httpcore lets through what h2, hpack, ssl and anyio raise
                except Exception as error:
                    raise in_words(error, str(url), watch) from error
        finally:
            if not whole and watch.shared:
                await self._transport.drop(url, ca_file)

    async def _head(self, request: httpx.Request, watch: Watch, ca_file: str) -> httpx.Response:
        try:
            response = await self._transport.send(request, ca_file)
        except httpx.TransportError:
            stale = watch.reused and (watch.shared or not watch.reads)
            if not stale:
                raise
            # the server closed what was kept open, or had left something behind in it:
            # the request was not looked at, and is made once more (RFC 9112 §9.3.1)
            await self._transport.drop(request.url, ca_file)
            response = await self._transport.send(request, ca_file)
        watch.answered()
        return response

    async def _answer(
        self, response: httpx.Response, url: httpx.URL, wanted: _Wanted, watch: Watch
    ) -> Retrieved | NotModified | _Redirect:
        status = response.status_code
        sent = wanted.validators_for(url)
        if status in REDIRECTS and first_value(response, b"location"):
            await drain(response)
            return _Redirect(target(url, response), status in PERMANENT)
        if status == 304 and (sent.etag or sent.last_modified):
            await drain(response)
            return unchanged(response, url, sent)
        if status == 226 and wanted.is_feed and sent.etag and is_feed_delta(response):
            return await self._retrieved(response, url, wanted, watch)
        if status not in (200, 203):
            await drain(response)
            self._heed(response, url)
            raise refused(response, str(url), self._now())
        return await self._retrieved(response, url, wanted, watch)

    async def _retrieved(
        self, response: httpx.Response, url: httpx.URL, wanted: _Wanted, watch: Watch
    ) -> Retrieved | NotModified:
        status = response.status_code
        body = await self._bodies.read(response, watch, wanted.cut_at)
        if not body and not wanted.cut_at:
            kind = "not_a_feed" if wanted.is_feed else "protocol"
            raise FetchError(kind, "the answer is empty", shown(str(url)), "", status)
        # a part of the feed is like no other answer
        body_hash = "" if status == 226 else hashlib.blake2b(body, digest_size=16).hexdigest()
        etag, last_modified = validators_given(response)
        validators = Validators(etag, last_modified, body_hash, str(url))
        headers = headers_of(response)
        if body_hash and body_hash == wanted.validators.body_hash:
            return NotModified(str(url), validators, elapsed=0, headers=headers)
        return Retrieved(str(url), status, headers, body, validators, elapsed=0)

    def _heed(self, response: httpx.Response, url: httpx.URL) -> None:
        """A host that asks for peace gets it."""
        if response.status_code in HOST_HELD:
            asked = refused(response, str(url), self._now()).retry_after
            if asked:
                self._manners.hold(host_of(url), self._now() + timedelta(seconds=asked))

    # --- robots.txt ------------------------------------------------------------------------

    async def _ask_robots(self, url: httpx.URL, ca_file: str) -> None:
        """Raises FetchError if robots.txt does not allow the page or could not be had, or the
        host is on hold.
        """
        self._manners.check(host_of(url))
        allowed = await self._robots.allows(str(url), ca_file)
        delay = self._robots.delay(str(url))
        if delay:
            self._manners.slow_down(host_of(url), delay)
        if not allowed:
            raise self._robots.failure(str(url)) or FetchError(
                "robots",
                "robots.txt does not allow it",
                shown(str(url)),
                "only what the feed itself carries can be used",
            )

    async def _robots_txt(self, url: str, ca_file: str) -> RobotsAnswer:
        wanted = _Wanted(ROBOTS_TYPES, Validators(), cut_at=ROBOTS_BYTES + 1, ca_file=ca_file)
        try:
            answer = await self._get(url, wanted)
        except FetchError as error:
            if error.kind == "redirect":
                # one that leads nowhere counts as none (RFC 9309 §2.3.1.2)
                return RobotsAnswer(404, b"")
            if not error.status:
                raise
            return RobotsAnswer(error.status, b"")
        assert isinstance(answer, Retrieved)  # nothing was asked conditionally
        return RobotsAnswer(answer.status, answer.body)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is asked for, and how."""

    accept: str
    validators: Validators
    is_feed: bool = False
    robots: bool = False
    cut_at: int = 0
    """Of a text that is read so far, and may be empty."""
    ca_file: str = ""
    patience: float | None = None
    begun: Callable[[], Awaitable[None]] | None = None

    def validators_for(self, url: httpx.URL) -> Validators:
        """They hold for the URL that gave them, wherever the way to it begins."""
        if self.validators.url in ("", str(url)):
            return self.validators
        return Validators()


@dataclass(frozen=True, slots=True)
class _Redirect:
    to: httpx.URL
    permanent: bool
