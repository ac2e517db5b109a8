"""What an answer's head says, as it is kept and as it is understood."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from aggregator.core.model import NotModified, Validators
from aggregator.fetch.urls import first_value

LONGEST_VALIDATOR = 4_096
"""Characters: many servers take no longer header, and would refuse what they gave themselves."""


def validators_given(response: httpx.Response) -> tuple[str, str]:
    """Its ETag and its Last-Modified, each empty where there is none that can be sent back."""
    etag, last_modified = (
        value if len(value) <= LONGEST_VALIDATOR else ""
        for value in (first_value(response, b"etag"), first_value(response, b"last-modified"))
    )
    return etag, last_modified


def headers_of(response: httpx.Response) -> Mapping[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def unchanged(response: httpx.Response, url: httpx.URL, sent: Validators) -> NotModified:
    """A 304, which may bring new validators (RFC 9110 §15.4.5)."""
    etag, last_modified = validators_given(response)
    kept = Validators(
        etag or sent.etag, last_modified or sent.last_modified, sent.body_hash, str(url)
    )
    return NotModified(str(url), kept, elapsed=0, headers=headers_of(response))


def is_feed_delta(response: httpx.Response) -> bool:
    """Whether it was made from the whole as we asked for (RFC 3229 §10.5.2), and no other way."""
    made = first_value(response, b"im").lower()
    return made in ("", "feed")
