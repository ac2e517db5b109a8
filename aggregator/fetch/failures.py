"""What went wrong with a request, in the field's terms: every failure becomes a FetchError."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from aggregator.errors import FetchError
from aggregator.fetch.codings import Undecodable
from aggregator.fetch.limits import Watch
from aggregator.fetch.manners import LONGEST_HOLD
from aggregator.fetch.urls import first_value, shown

LONGEST_QUOTE = 200
"""Characters quoted of what a server sent."""

HINTS: Mapping[int, str] = {
    204: "it has nothing to give; check the address",
    206: "a part came, which nobody asked for",
    226: "changes came, which nobody asked for",
    304: "nobody asked whether anything has changed",
    401: "it asks for a password",
    403: "it does not let this client in",
    404: "the address may have changed",
    407: "the proxy asks for a password",
    410: "it is gone for good; remove it or give another URL",
    429: "it asks for fewer requests",
}


def refused(response: httpx.Response, url: str, now: datetime) -> FetchError:
    """A status that brings nothing to read."""
    status = response.status_code
    reason = quoted(response.reason_phrase)
    hint = "the fault is the server's" if status >= 500 else ""
    return FetchError(
        "http_status",
        f"the server answered {status} {reason}".rstrip(),
        shown(url),
        HINTS.get(status, hint),
        status,
        retry_after(first_value(response, b"retry-after"), now),
    )


def retry_after(value: str, now: datetime) -> float | None:
    """RFC 9110 §10.2.3: seconds or a date; gives seconds from now, at most 31 days."""
    value = value.strip()
    longest = LONGEST_HOLD.total_seconds()
    if value.isascii() and value.isdigit():
        return min(float(value), longest)
    try:
        at = parsedate_to_datetime(value)
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        return min(max(0.0, (at - now).total_seconds()), longest)
    except (ValueError, OverflowError):
        return None


def in_words(error: Exception, url: str, watch: Watch) -> FetchError:
    """Whatever came up while a request was under way."""
    where = shown(url)
    for cause in _causes(error):
        if isinstance(cause, FetchError):
            if cause.where:
                return cause
            return FetchError(
                cause.kind, cause.what, where, cause.hint, cause.status, cause.retry_after
            )
        if isinstance(cause, ssl.SSLCertVerificationError):
            return FetchError(
                "tls",
                f"its certificate is not valid: {cause.verify_message}",
                where,
                "the server has to be put right, or is another than it says",
            )
        if isinstance(cause, ssl.SSLError):
            return FetchError("tls", f"no secure connection: {cause.reason or cause}", where)
    if watch.securing:
        return FetchError("tls", "no secure connection: the handshake broke off", where)
    if isinstance(error, httpx.TimeoutException):
        return FetchError("timeout", "no connection in time", where, "the server is too slow")
    if isinstance(error, httpx.ProxyError):
        return FetchError(
            "connect", f"the proxy does not connect: {quoted(str(error))}", where, "see [fetch]"
        )
    if isinstance(error, httpx.ConnectError):
        return FetchError("connect", "cannot connect", where, "the server may be down")
    if isinstance(error, Undecodable):
        return FetchError("protocol", quoted(str(error)), where)
    told = quoted(str(error)) or type(error).__name__
    return FetchError("protocol", f"the answer broke off or is not HTTP: {told}", where)


def quoted(text: str) -> str:
    """A server's words, fit for one line of a log."""
    short = text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…"
    return "".join(c if c.isprintable() else "?" for c in short)


def _causes(error: BaseException) -> Iterable[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        if isinstance(seen, BaseExceptionGroup):
            yield from seen.exceptions
        seen = seen.__cause__ or seen.__context__
