"""URLs as they are asked for, and as they may be shown."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable

import httpx

from aggregator.core.model import FeedSpec
from aggregator.errors import FetchError

NO_URL = "not a URL that can be fetched"

_CREDENTIALS = re.compile(r"(?<=//)[^/?#]*@")


def shown(url: str) -> str:
    """The URL without credentials, fit for a log. Takes any text."""
    return _CREDENTIALS.sub("", url, count=1)


def read_url(url: str) -> tuple[httpx.URL, bytes]:
    """The URL without its credentials, and the `Authorization` they make (RFC 7617), or nothing.

    Raises FetchError for what is no http or https URL with a host and a possible port.
    """
    try:
        parsed = httpx.URL(url)
        bare = parsed.copy_with(userinfo=b"", fragment=None)
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchError("protocol", NO_URL, shown(url), "check the address") from error
    check(bare, shown(url))
    if not parsed.userinfo:
        return bare, b""
    given = f"{parsed.username}:{parsed.password}".encode()
    return bare, b"Basic " + b64encode(given)


def target(url: httpx.URL, response: httpx.Response) -> httpx.URL:
    """Where a redirect leads. Credentials that a server gives are left out.

    Raises FetchError if that is nowhere, or from https to http.
    """
    location = first_value(response, b"location")
    try:
        led = url.join(location.encode("latin-1").decode("utf-8", "replace"))
        if led.scheme and not led.raw_host:
            led = led.copy_with(host=host_of(url))
        led = led.copy_with(userinfo=b"", fragment=None)
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchError("redirect", "it leads to what is no URL", str(url)) from error
    where = f"{url} → {shown(str(led))[:500]}"
    if led.scheme not in ("http", "https"):
        raise FetchError("redirect", "it leads to what is neither http nor https", where)
    check(led, where)
    if url.scheme == "https" and led.scheme == "http":
        raise FetchError(
            "redirect", "it leads from https to http", where, "ask the site to put that right"
        )
    return led


def check(url: httpx.URL, where: str) -> None:
    """Raises FetchError for what is no http or https URL with a host and a possible port."""
    if url.scheme not in ("http", "https") or not url.raw_host or (url.port or 0) > 65_535:
        raise FetchError("protocol", NO_URL, where, "it needs http:// or https://, and a host")


def host_of(url: httpx.URL) -> str:
    """The host as it is written: in Unicode where its first label is IDNA (RFC 5891).

    Where it only looks like that, or is an older name that IDNA does not allow any more, it
    stays as it is looked up: there are hosts with such names.
    """
    try:
        return url.host
    except ValueError:
        return url.raw_host.decode("ascii")


def same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """RFC 6454 §5; or the same host by https where http was asked for, both at their own port."""
    upgraded = (one.scheme, other.scheme) == ("http", "https") and not (one.port or other.port)
    same = (one.scheme, port_of(one)) == (other.scheme, port_of(other))
    return one.raw_host == other.raw_host and (same or upgraded)


def with_credentials_of(configured: str, url: str) -> str:
    """The URL with the credentials of the configured one, where both are of one origin."""
    try:
        own, asked = httpx.URL(configured), httpx.URL(url)
        if asked.userinfo or not own.userinfo or not same_origin(own, asked):
            return url
        return str(asked.copy_with(userinfo=own.userinfo))
    except (httpx.InvalidURL, ValueError):
        return url


def ca_file_for(url: str, feeds: Iterable[FeedSpec]) -> str:
    """The CA file of a feed that is on the URL's host; empty if none of them has one."""
    host = _host(url)
    return next(
        (f.ca_file for f in feeds if f.ca_file and any(_host(own) == host for own in f.urls)), ""
    )


def _host(url: str) -> str:
    try:
        return host_of(httpx.URL(url)).rstrip(".")
    except httpx.InvalidURL:
        return ""


def port_of(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def first_value(response: httpx.Response, name: bytes) -> str:
    """A header's first value, a character for each byte, so that it can be sent back unchanged.

    One that could not stand in a header again counts as not given.
    """
    found = (value for key, value in response.headers.raw if key.lower() == name)
    value = next(found, b"").strip(b" \t")
    odd = any((byte < 0x20 and byte != 0x09) or byte == 0x7F for byte in value)
    return "" if odd else value.decode("latin-1")
