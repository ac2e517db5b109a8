"""The one HTTP client.

A request goes through redirects (followed here, one by one), and for each of them
through the host's turn (`per_host` at a time) and what is left of the total deadline,
then through a transport: sharded by host, since a pool that holds many connections
costs time on every request; hosts of `[fetch.resolve]` go to their origin instead;
and an address that is not public is refused when it is connected to, unless
`allow_private` lists it. What comes is decompressed here, so far as it may be large.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import ssl
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpcore
import httpx

from aggregator.config import FetchSettings
from aggregator.core.model import NotModified, Retrieved, Validators
from aggregator.errors import FetchError
from aggregator.fetch.codings import ACCEPTED, Decoder, Undecodable
from aggregator.fetch.network import Allowed, GuardedNetwork

FEED_TYPES = (
    "application/atom+xml, application/rss+xml, application/feed+json, "
    "application/rdf+xml;q=0.9, application/xml;q=0.9, text/xml;q=0.9, "
    "application/json;q=0.8, */*;q=0.1"
)
PAGE_TYPES = "text/html, application/xhtml+xml, */*;q=0.1"

MAX_REDIRECTS = 5
PERMANENT = (301, 308)
REDIRECTS = (301, 302, 303, 307, 308)
SHARDS = 16


class Fetcher:
    """`await fetcher.feed(url, validators)` and `await fetcher.page(url)`."""

    def __init__(self, settings: FetchSettings, version: str) -> None:
        self._timeout = settings.timeout.total_seconds()
        self._max_bytes = settings.max_bytes
        self._hosts = _HostTurns(settings.per_host)
        self._slots = asyncio.Semaphore(settings.concurrency)
        contact = f" (+{settings.contact})" if settings.contact else ""
        self._client = httpx.AsyncClient(
            transport=_Transport(settings),
            headers=[
                (b"User-Agent", f"aggregator/{version}{contact}".encode()),
                (b"Accept-Encoding", ACCEPTED.encode()),
            ],
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            timeout=httpx.Timeout(self._timeout, connect=min(10.0, self._timeout)),
            trust_env=False,
        )

    async def feed(self, url: str, validators: Validators) -> Retrieved | NotModified:
        """Asks for a feed, conditionally where the server gave something to ask with.

        Raises FetchError.
        """
        return await self._get(url, FEED_TYPES, validators)

    async def page(self, url: str) -> Retrieved:
        """Asks for an article's page. Raises FetchError."""
        answer = await self._get(url, PAGE_TYPES, Validators())
        assert isinstance(answer, Retrieved)  # nothing was asked conditionally
        return answer

    async def close(self) -> None:
        await self._client.aclose()

    async def _get(self, url: str, accept: str, validators: Validators) -> Retrieved | NotModified:
        started = time.monotonic()
        left = self._timeout
        permanent_url, only_permanent = "", True
        request = self._request(url, accept, validators)
        for _ in range(MAX_REDIRECTS + 1):
            asked = str(request.url)
            async with self._hosts.turn(request.url.host), self._slots:
                turn = time.monotonic()
                answer = await self._ask(request, validators, left)
                left -= time.monotonic() - turn  # waiting for a turn is not the server's fault
            if not isinstance(answer, _Redirect):
                elapsed = time.monotonic() - started
                return replace(answer, elapsed=elapsed, permanent_url=shown(permanent_url))
            only_permanent = only_permanent and answer.permanent
            request = answer.request
            _check(request.url, shown(asked))
            if only_permanent:
                permanent_url = str(request.url)
        raise FetchError("redirect", f"more than {MAX_REDIRECTS} redirects", shown(url))

    def _request(self, url: str, accept: str, validators: Validators) -> httpx.Request:
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, ValueError) as error:
            raise FetchError("protocol", NO_URL, shown(url), "check the address") from error
        _check(parsed, shown(url))
        headers = [(b"Accept", accept.encode()), *_conditions(validators)]
        return self._client.build_request("GET", parsed, headers=headers)

    async def _ask(
        self, request: httpx.Request, validators: Validators, seconds: float
    ) -> Retrieved | NotModified | _Redirect:
        """One request, and its answer to the last byte."""
        try:
            async with asyncio.timeout(seconds):
                response = await self._client.send(request, stream=True)
                try:
                    if response.status_code in REDIRECTS and response.next_request is not None:
                        permanent = response.status_code in PERMANENT
                        return _Redirect(response.next_request, permanent)
                    return await self._answer(response, validators)
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise FetchError(
                "timeout", f"no whole answer within {self._timeout:g} s", shown(str(request.url))
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, Undecodable) as error:
            raise _in_words(error, str(request.url)) from error

    async def _answer(self, response: httpx.Response, sent: Validators) -> Retrieved | NotModified:
        url = shown(str(response.url))
        given = Validators(_as_given(response, b"etag"), _as_given(response, b"last-modified"))
        if response.status_code == 304 and (sent.etag or sent.last_modified):
            kept = Validators(
                given.etag or sent.etag, given.last_modified or sent.last_modified, sent.body_hash
            )
            return NotModified(url, kept, elapsed=0)
        if response.status_code not in (200, 203):
            raise _refused(response)
        body = await self._read(response)
        body_hash = hashlib.blake2b(body, digest_size=16).hexdigest()
        validators = Validators(given.etag, given.last_modified, body_hash)
        if body_hash == sent.body_hash:
            return NotModified(url, validators, elapsed=0)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Retrieved(url, response.status_code, headers, body, validators, elapsed=0)

    async def _read(self, response: httpx.Response) -> bytes:
        decoder = Decoder(response.headers.get("content-encoding", ""))
        parts: list[bytes] = []
        size = 0
        async for received in response.aiter_raw():
            for part in decoder.decode(received):
                size += len(part)
                if size > self._max_bytes:
                    raise FetchError(
                        "too_large",
                        f"the answer is larger than {self._max_bytes:,} bytes",
                        shown(str(response.url)),
                        "raise [fetch] max_bytes if that is right",
                    )
                parts.append(part)
        decoder.finish()
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class _Redirect:
    request: httpx.Request
    permanent: bool


NO_URL = "not a URL that can be fetched"


def _check(url: httpx.URL, where: str) -> None:
    """Raises FetchError for what is no http or https URL with a host and a possible port."""
    if url.scheme not in ("http", "https") or not url.host or (url.port or 0) > 65_535:
        raise FetchError("protocol", NO_URL, where, "it needs http:// or https://, and a host")


_CREDENTIALS = re.compile(r"(?<=//)[^/?#]*@")


def shown(url: str) -> str:
    """The URL without credentials, fit for a log. Takes any text."""
    return _CREDENTIALS.sub("", url, count=1)


def _as_given(response: httpx.Response, name: bytes) -> str:
    """A header's first value, a character for each byte, so that it can be sent back unchanged."""
    found = (value for key, value in response.headers.raw if key.lower() == name)
    return next(found, b"").decode("latin-1")


def _conditions(validators: Validators) -> Iterable[tuple[bytes, bytes]]:
    if validators.etag:
        yield b"If-None-Match", validators.etag.encode("latin-1", "replace")
    if validators.last_modified:
        yield b"If-Modified-Since", validators.last_modified.encode("latin-1", "replace")


def _refused(response: httpx.Response) -> FetchError:
    status = response.status_code
    hints = {
        401: "it asks for a password",
        403: "it does not let this client in",
        404: "the address may have changed",
        410: "it is gone for good; remove it or give another URL",
        429: "it asks for fewer requests",
    }
    return FetchError(
        "http_status",
        f"the server answered {status} {response.reason_phrase}".rstrip(),
        shown(str(response.url)),
        hints.get(status, "the fault is the server's" if status >= 500 else ""),
        status,
        _retry_after(response.headers.get("retry-after", "")),
    )


def _retry_after(value: str) -> float | None:
    """RFC 9110 §10.2.3: seconds or a date; gives seconds from now."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        at = parsedate_to_datetime(value)
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        return max(0.0, (at - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None


def _in_words(error: Exception, url: str) -> FetchError:
    where = shown(url)
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return FetchError("tls", f"its certificate is not valid: {cause.verify_message}", where)
        if isinstance(cause, ssl.SSLError):
            return FetchError("tls", f"no secure connection: {cause.reason or cause}", where)
    if isinstance(error, httpx.TimeoutException):
        return FetchError("timeout", "the server is too slow", where)
    if isinstance(error, httpx.ConnectError):
        return FetchError("connect", "cannot connect", where, "the server may be down")
    if isinstance(error, Undecodable):
        return FetchError("protocol", str(error), where)
    told = str(error) or type(error).__name__
    return FetchError("protocol", f"the answer broke off or is not HTTP: {told}", where)


def _causes(error: BaseException) -> Iterable[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        if isinstance(seen, BaseExceptionGroup):
            yield from seen.exceptions
        seen = seen.__cause__ or seen.__context__


class _HostTurns:
    """At most so many requests at a time to one host; a host nobody asks takes no room."""

    def __init__(self, per_host: int) -> None:
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(per_host)
        )
        self._waiting: Counter[str] = Counter()

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        self._waiting[host] += 1
        try:
            async with self._turns[host]:
                yield
        finally:
            self._waiting[host] -= 1
            if not self._waiting[host]:
                del self._waiting[host], self._turns[host]


class _Transport(httpx.AsyncBaseTransport):
    """Many small pools, chosen by host, behind the resolver map."""

    def __init__(self, settings: FetchSettings) -> None:
        self._origins = {
            host.lower(): httpx.URL(origin) for host, origin in settings.resolve.items()
        }
        trusted = ssl.create_default_context()
        places = [(origin.host, _port(origin)) for origin in self._origins.values()]
        allowed = Allowed(settings.allow_private, places)
        # look-ups wait in threads of their own: a dead name server must not take those
        # that the rest of the program works with
        self._look_ups = ThreadPoolExecutor(settings.concurrency, "look-up")
        network = GuardedNetwork(allowed, self._look_ups)
        self._shards = [_Shard(trusted, network) for _ in range(SHARDS)]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        origin = self._origins.get(request.url.host)
        if origin is not None:
            request = httpx.Request(
                request.method,
                request.url.copy_with(scheme=origin.scheme, host=origin.host, port=origin.port),
                headers=request.headers,  # with the Host that was asked for
                stream=request.stream,
                extensions=request.extensions,
            )
        shard = self._shards[zlib.crc32(request.url.raw_host) % SHARDS]
        return await shard.handle_async_request(request)

    async def aclose(self) -> None:
        for shard in self._shards:
            await shard.aclose()
        self._look_ups.shutdown(wait=False, cancel_futures=True)


class _Shard(httpx.AsyncHTTPTransport):
    def __init__(self, trusted: ssl.SSLContext, network: GuardedNetwork) -> None:
        super().__init__(verify=trusted)
        # httpx has no way to hand in a network backend, which is where an address can be
        # checked between its resolution and its use
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=trusted,
            max_connections=100,
            max_keepalive_connections=8,
            keepalive_expiry=15,
            network_backend=network,
        )


def _port(origin: httpx.URL) -> int:
    return origin.port or (443 if origin.scheme == "https" else 80)
