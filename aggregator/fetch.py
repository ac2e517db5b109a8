"""The one HTTP client.

A request goes through, outside in: the host's turn (`per_host` at a time), the
total deadline, redirects (followed here, one by one), then a transport: sharded by
host, since a pool that holds many connections costs time on every request; hosts of
`[fetch.resolve]` go to their origin instead; and an address that is not public is
refused when it is connected to, unless `allow_private` lists it.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import socket
import ssl
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import urlsplit

import httpcore
import httpx

from aggregator.config import FetchSettings
from aggregator.core.model import NotModified, Retrieved, Validators
from aggregator.errors import FetchError

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
            headers={"User-Agent": f"aggregator/{version}{contact}"},
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
        host = urlsplit(url).hostname or ""
        async with self._hosts.turn(host), self._slots:
            try:
                async with asyncio.timeout(self._timeout):
                    return await self._follow(url, accept, validators)
            except TimeoutError as error:
                raise FetchError(
                    "timeout", f"no whole answer within {self._timeout:g} s", shown(url)
                ) from error
            except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
                raise _in_words(error, url) from error

    async def _follow(
        self, url: str, accept: str, validators: Validators
    ) -> Retrieved | NotModified:
        started = time.monotonic()
        permanent_url, only_permanent = "", True
        request = self._client.build_request(
            "GET", url, headers={"Accept": accept} | _conditions(validators)
        )
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._client.send(request, stream=True)
            try:
                if response.status_code not in REDIRECTS or response.next_request is None:
                    return await self._answer(response, validators, started, permanent_url)
                only_permanent = only_permanent and response.status_code in PERMANENT
                request = response.next_request
                if only_permanent:
                    permanent_url = str(request.url)
            finally:
                await response.aclose()
        raise FetchError("redirect", f"more than {MAX_REDIRECTS} redirects", shown(url))

    async def _answer(
        self, response: httpx.Response, sent: Validators, started: float, permanent_url: str
    ) -> Retrieved | NotModified:
        url = str(response.url)
        given = Validators(
            response.headers.get("etag", ""), response.headers.get("last-modified", "")
        )
        if response.status_code == 304 and (sent.etag or sent.last_modified):
            kept = Validators(
                given.etag or sent.etag, given.last_modified or sent.last_modified, sent.body_hash
            )
            return NotModified(url, kept, time.monotonic() - started, permanent_url)
        if response.status_code not in (200, 203):
            raise _refused(response)
        body = await self._read(response)
        body_hash = hashlib.blake2b(body, digest_size=16).hexdigest()
        validators = Validators(given.etag, given.last_modified, body_hash)
        elapsed = time.monotonic() - started
        if body_hash == sent.body_hash:
            return NotModified(url, validators, elapsed, permanent_url)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Retrieved(
            url, response.status_code, headers, body, validators, elapsed, permanent_url
        )

    async def _read(self, response: httpx.Response) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in response.aiter_bytes():
            size += len(part)
            if size > self._max_bytes:
                raise FetchError(
                    "too_large",
                    f"the answer is larger than {self._max_bytes:,} bytes",
                    shown(str(response.url)),
                    "raise [fetch] max_bytes if that is right",
                )
            parts.append(part)
        return b"".join(parts)


def shown(url: str) -> str:
    """The URL without credentials, fit for a log."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _conditions(validators: Validators) -> dict[str, str]:
    conditions: dict[str, str] = {}
    if validators.etag:
        conditions["If-None-Match"] = validators.etag
    if validators.last_modified:
        conditions["If-Modified-Since"] = validators.last_modified
    return conditions


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
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def _in_words(error: Exception, url: str) -> FetchError:
    where = shown(url)
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return FetchError("tls", f"its certificate is not valid: {cause.verify_message}", where)
        if isinstance(cause, ssl.SSLError):
            return FetchError("tls", f"no secure connection: {cause.reason}", where)
    if isinstance(error, httpx.TimeoutException):
        return FetchError("timeout", "the server is too slow", where)
    if isinstance(error, httpx.ConnectError):
        return FetchError("connect", "cannot connect", where, "the server may be down")
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return FetchError("protocol", f"not a URL to fetch: {error}", where)
    return FetchError("protocol", f"the answer broke off or is not HTTP: {error}", where)


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
        allowed = _Allowed(settings.allow_private, self._origins)
        self._shards = [_Shard(trusted, allowed) for _ in range(SHARDS)]

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


class _Shard(httpx.AsyncHTTPTransport):
    def __init__(self, trusted: ssl.SSLContext, allowed: _Allowed) -> None:
        super().__init__(verify=trusted)
        # httpx has no way to hand in a network backend, which is where an address can be
        # checked between its resolution and its use
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=trusted,
            max_connections=100,
            max_keepalive_connections=8,
            keepalive_expiry=15,
            network_backend=_GuardedNetwork(allowed),
        )


class _Allowed:
    """Which addresses may be connected to: public ones, and those the user listed."""

    def __init__(self, listed: Iterable[str], origins: Mapping[str, httpx.URL]) -> None:
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        self._places = {(url.host, url.port or _port(url.scheme)) for url in origins.values()}
        for entry in listed:
            try:
                self._networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                parts = urlsplit(f"//{entry}")
                self._places.add((parts.hostname or "", parts.port or 80))

    def __call__(self, host: str, port: int, address: str) -> bool:
        ip = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
            ip = ip.ipv4_mapped
        if ip.is_global and not ip.is_multicast:
            return True
        listed = (host, port) in self._places or (str(ip), port) in self._places
        return listed or any(ip in network for network in self._networks)


def _port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


class _GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Resolves a name itself, and connects to nothing but the addresses it has checked."""

    def __init__(self, allowed: _Allowed) -> None:
        self._network = httpcore.AnyIOBackend()
        self._allowed = allowed

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise FetchError(
                "dns", "the host name is not known", host, "check the URL and the network"
            ) from error
        addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
        usable = [address for address in addresses if self._allowed(host, port, address)]
        if not usable:
            raise FetchError(
                "blocked_address",
                f"{host} is at {', '.join(addresses)}, which is not public",
                f"{host}:{port}",
                "list it in [fetch] allow_private if it is yours",
            )
        failure: Exception | None = None
        for address in usable:
            try:
                return await self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        assert failure is not None
        raise failure

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
