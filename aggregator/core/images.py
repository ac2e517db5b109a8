"""Addresses of images: the original behind a proxy, and what two sizes of one image share."""

from __future__ import annotations

import re
from urllib.parse import unquote

from aggregator.core.identity import canonical_url
from aggregator.core.markup import absolute
from aggregator.core.patterns import compiled

PROXIES_IN_A_ROW = 3
"""How many proxies one address may have been sent through."""

_SCHEME = re.compile(r"[a-z][a-z\d+.-]*://", re.I)

SIZE_PARAMETERS = frozenset(
    (
        "auto", "crop", "dpr", "fit", "h", "height", "q", "quality", "resize", "rw", "size",
        "ssl", "strip", "w", "width", "zoom",
    )
)  # fmt: skip
"""What image servers are told in the query about how to give an image, not which."""


def unwrap(url: str, proxies: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The address of the original, and the patterns of the proxies it went through.

    A proxy is a pattern of which group 1 holds the original's address, percent-encoded or not,
    with or without a scheme.
    """
    through: list[str] = []
    for _ in range(PROXIES_IN_A_ROW):
        for proxy in proxies:
            match = compiled(proxy).fullmatch(url)
            if match and match[1] and (original := _original(match[1])):
                url = original
                through.append(proxy)
                break
        else:
            break
    return url, tuple(through)


def _original(given: str) -> str:
    """ "" if it is no address of the web."""
    # an address that has its scheme is percent-encoded only where its colon is
    original = given if _SCHEME.match(given) else unquote(given, errors="replace")
    original = original if _SCHEME.match(original) else "https://" + original.lstrip("/")
    return absolute(original, "")


def image_key(url: str, sizes: tuple[str, ...] = ()) -> str:
    """What all sizes of one image have in common: for comparing, not for fetching.

    `sizes` are patterns of what in an address tells nothing but a size.
    """
    for size in sizes:
        url = compiled(size).sub("", url)
    address, _, query = canonical_url(url).partition("?")
    kept = [pair for pair in query.split("&") if pair.partition("=")[0] not in SIZE_PARAMETERS]
    return "?".join(filter(None, (address, "&".join(filter(None, kept)))))
