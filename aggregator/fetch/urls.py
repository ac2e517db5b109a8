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
        if led.scheme and not led.host:
            led = led.copy_with(host=url.host)
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
    if url.scheme not in ("http", "https") or not url.host or (url.port or 0) > 65_535:
        raise FetchError("protocol", NO_URL, where, "it needs http:// or https://, and a host")


def same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """RFC 6454 §5; or the same host by https where http was asked for, both at their own port."""
    upgraded = (one.scheme, other.scheme) == ("http", "https") and not (one.port or other.port)
    same = (one.scheme, port_of(one)) == (other.scheme, port_of(other))
    return one.host == other.host and (same or upgraded)


def ca_file_for(url: str, feeds: Iterable[FeedSpec]) -> str:
    """The CA file of a feed that is on the URL's host; empty if none of them has one."""
    host = _host(url)
    return next(
        (f.ca_file for f in feeds if f.ca_file and any(_host(own) == host for own in f.urls)), ""
    )


def _host(url: str) -> str:
    try:
        return httpx.URL(url).host.rstrip(".")
    except (httpx.InvalidURL, ValueError):
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
