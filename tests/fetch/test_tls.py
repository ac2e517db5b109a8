"""TLS: verified always, one handshake where one suffices, HTTP/2 where it is offered."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from pathlib import Path

import pytest

from aggregator.core.model import NotModified, Retrieved
from aggregator.errors import FetchError
from tests.fetch.asking import (
    NOTHING,
    fetching,
)
from tests.loopback import Loopback, answer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for `localhost`, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    made, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(key), "-out", str(made)),
        ],
        check=True,
        capture_output=True,
    )
    return made, key


def over_tls(certificate: tuple[Path, Path], host: str) -> Retrieved | NotModified:
    async def scenario() -> Retrieved | NotModified:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*certificate)
        async with Loopback({"/feed": answer(b"x")}, tls) as site, fetching() as fetcher:
            return await fetcher.feed(f"https://{host}:{site.port}/feed", NOTHING)

    return asyncio.run(scenario())


def test_a_self_signed_certificate_is_a_tls_failure(certificate: tuple[Path, Path]) -> None:
    with pytest.raises(FetchError) as caught:
        over_tls(certificate, "localhost")
    assert caught.value.kind == "tls"
    assert "certificate" in str(caught.value)


def test_a_trusted_certificate_is_taken_for_its_own_host_only(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    assert isinstance(over_tls(certificate, "localhost"), Retrieved)
    with pytest.raises(FetchError) as caught:
        over_tls(certificate, "127.0.0.1")
    assert caught.value.kind == "tls"


def test_plain_http_where_tls_is_spoken_is_a_tls_failure() -> None:
    async def not_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer(b"not TLS"))
        await writer.drain()
        writer.close()

    async def scenario() -> None:
        server = await asyncio.start_server(not_tls, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, fetching() as fetcher:
            await fetcher.feed(f"https://127.0.0.1:{port}/feed", NOTHING)

    with pytest.raises(FetchError) as caught:
        asyncio.run(scenario())
    assert caught.value.kind == "tls"
