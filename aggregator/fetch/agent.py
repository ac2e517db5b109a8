"""Who asks: the headers by which every request says so (RFC 9110 §10.1.2, §10.1.5)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from aggregator.config import FetchSettings

PRODUCT = "aggregator"

_MAIL_ADDRESS = re.compile(r"[^\s@<>()]+@[^\s@<>()]+")


def introduction(settings: FetchSettings, version: str) -> Mapping[bytes, bytes]:
    """User-Agent, and From where there is a mail address to write to."""
    headers = {b"User-Agent": _user_agent(settings, version).encode()}
    contact = settings.contact if _MAIL_ADDRESS.fullmatch(settings.contact) else ""
    if sender := settings.sender or contact:
        headers[b"From"] = sender.encode()
    return headers


def _user_agent(settings: FetchSettings, version: str) -> str:
    """Name, version, and how to reach us: by a URL where one is known."""
    site = "" if "://" in settings.contact else settings.site
    contact = "; ".join(way for way in (site, settings.contact) if way)
    return f"{PRODUCT}/{version} (+{contact})" if contact else f"{PRODUCT}/{version}"
