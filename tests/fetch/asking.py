"""Asking a site on loopback, and what came of it."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from aggregator.config import FetchSettings
from aggregator.core.model import NotModified, Retrieved, Validators
from aggregator.errors import FetchError
from aggregator.fetch import Fetcher
from tests.loopback import Answer, Loopback

T = TypeVar("T")


HERE = FetchSettings(
    contact="editor@example.org",
    timeout=timedelta(seconds=5),
    pace=timedelta(0),
    allow_private=("127.0.0.0/8",),
)


NOTHING = Validators()


SHORT = replace(HERE, timeout=timedelta(seconds=0.4))


PUBLIC_ONLY = replace(HERE, allow_private=())


@asynccontextmanager
async def fetching(config: FetchSettings = HERE) -> AsyncIterator[Fetcher]:
    fetcher = Fetcher(config, "1.2")
    try:
        yield fetcher
    finally:
        await fetcher.close()


def fetched(
    answers: dict[str, bytes | Answer],
    ask: Callable[[Fetcher, Loopback], Awaitable[T]],
    config: FetchSettings = HERE,
) -> tuple[T, Loopback]:
    """What asking a site with these answers gave, and the site, which knows what it was asked."""

    async def scenario() -> tuple[T, Loopback]:
        async with Loopback(answers) as site, fetching(config) as fetcher:
            return await ask(fetcher, site), site

    return asyncio.run(scenario())


def feed_of(
    given: bytes | Answer, validators: Validators = NOTHING, config: FetchSettings = HERE
) -> Retrieved | NotModified:
    return fetched({"/feed": given}, lambda f, s: f.feed(f"{s.origin}/feed", validators), config)[0]


def failure_of(
    given: bytes | Answer, validators: Validators = NOTHING, config: FetchSettings = HERE
) -> FetchError:
    with pytest.raises(FetchError) as caught:
        feed_of(given, validators, config)
    return caught.value


def failures_at(urls: Iterable[str], config: FetchSettings = HERE) -> list[FetchError]:
    async def failure(fetcher: Fetcher, url: str) -> FetchError:
        with pytest.raises(FetchError) as caught:
            await fetcher.feed(url, NOTHING)
        return caught.value

    async def scenario() -> list[FetchError]:
        async with fetching(config) as fetcher:
            return [await failure(fetcher, url) for url in urls]

    return asyncio.run(scenario())


def failure_at(url: str, config: FetchSettings = HERE) -> FetchError:
    return failures_at([url], config)[0]


def slowly(*parts: bytes, every: float = 0.05) -> Answer:
    async def write(writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(every)

    return write


def served(certificate: tuple[Path, Path], *protocols: str) -> ssl.SSLContext:
    """What a server needs to show this certificate, and to offer these protocols."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate)
    if protocols:
        tls.set_alpn_protocols(list(protocols))
    return tls


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for `localhost` and `news.test` in the folder, and its key."""
    made, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,DNS:news.test"),
            *("-keyout", str(key), "-out", str(made)),
        ],
        check=True,
        capture_output=True,
    )
    return made, key
