"""TLS: verified always, one handshake where one suffices, HTTP/2 where it is offered."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from aggregator.core.model import NotModified, Retrieved, Validators
from aggregator.errors import FetchError
from tests.fetch.asking import (
    HERE,
    NOTHING,
    fetching,
    self_signed,
    served,
)
from tests.loopback import Loopback, answer, redirect


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_signed(tmp_path_factory.mktemp("tls"))


def over_tls(certificate: tuple[Path, Path], host: str) -> Retrieved | NotModified:
    async def scenario() -> Retrieved | NotModified:
        tls = served(certificate)
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


def test_a_file_of_certificates_is_trusted_for_its_own_feed_alone(
    certificate: tuple[Path, Path],
) -> None:
    ca = str(certificate[0])

    async def scenario() -> None:
        elsewhere = redirect("https://news.test/feed", "302 Found")
        answers = {"/feed": answer(b"x"), "/elsewhere": elsewhere}
        async with Loopback(answers, served(certificate)) as site:
            config = replace(HERE, resolve={"news.test": f"https://localhost:{site.port}"})
            async with fetching(config) as fetcher:
                url = f"https://localhost:{site.port}"
                assert isinstance(await fetcher.feed(f"{url}/feed", NOTHING, ca), Retrieved)
                for asked, ca_file in ((f"{url}/feed", ""), (f"{url}/elsewhere", ca)):
                    with pytest.raises(FetchError) as caught:
                        await fetcher.feed(asked, NOTHING, ca_file)
                    assert caught.value.kind == "tls"

    asyncio.run(scenario())


def test_a_renewed_file_of_certificates_counts_at_once(
    certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    old, key = self_signed(tmp_path)
    ca = tmp_path / "ca.pem"
    ca.write_bytes(old.read_bytes())
    slow = asyncio.Event()

    async def wait(writer: asyncio.StreamWriter) -> None:
        await slow.wait()
        writer.write(answer(b"slow"))
        await writer.drain()

    async def scenario() -> None:
        answers = {"/feed": answer(b"x"), "/slow": wait}
        async with (
            Loopback(answers, served((old, key))) as before,
            Loopback(answers, served(certificate)) as after,
            fetching() as fetcher,
        ):

            async def ask(site: Loopback, path: str = "/feed") -> Retrieved | NotModified:
                url = f"https://localhost:{site.port}{path}"
                return await fetcher.feed(url, NOTHING, str(ca))

            await ask(before)
            with pytest.raises(FetchError, match="certificate"):
                await ask(after)
            running = asyncio.create_task(ask(before, "/slow"))
            await asyncio.sleep(0.1)
            ca.write_bytes(certificate[0].read_bytes())
            assert isinstance(await ask(after), Retrieved)
            with pytest.raises(FetchError, match="certificate"):
                await ask(before)  # though there is a connection
            slow.set()
            answered = await running
            assert isinstance(answered, Retrieved)
            assert answered.body == b"slow", "what was under way goes on"
            ca.unlink()
            with pytest.raises(FetchError, match="cannot be read"):
                await ask(after)
            ca.write_bytes(certificate[0].read_bytes())
            await ask(after)

    asyncio.run(scenario())


@pytest.mark.parametrize("text", [None, "no certificate"])
def test_a_file_without_certificates_is_named(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "ca.pem"
    if text is not None:
        path.write_text(text)

    async def scenario() -> FetchError:
        async with fetching() as fetcher:
            with pytest.raises(FetchError) as caught:
                await fetcher.feed("https://127.0.0.1:9/", NOTHING, str(path))
            return caught.value

    error = asyncio.run(scenario())
    assert error.kind == "tls"
    assert str(path) in str(error)


def test_one_handshake_serves_one_request_after_another(certificate: tuple[Path, Path]) -> None:
    ca = str(certificate[0])

    async def scenario() -> None:
        answers = {
            "/old": answer(b"moved", status="301 Moved Permanently", location="/feed"),
            "/feed": answer(b"x"),
            "/same": answer(status="304 Not Modified"),
        }
        async with Loopback(answers, served(certificate)) as site, fetching() as fetcher:
            url = f"https://localhost:{site.port}"
            await fetcher.feed(f"{url}/old", NOTHING, ca)
            await fetcher.feed(f"{url}/same", Validators('"a"'), ca)
            with pytest.raises(FetchError, match="404"):
                await fetcher.feed(f"{url}/gone", NOTHING, ca)
            await fetcher.feed(f"{url}/feed", NOTHING, ca)
            assert site.targets == ["/old", "/feed", "/same", "/gone", "/feed"]
            assert site.connections == 1

    asyncio.run(scenario())


def test_a_redirect_from_https_to_http_is_refused(certificate: tuple[Path, Path]) -> None:
    async def scenario() -> None:
        async with Loopback({"/feed": answer(b"x")}) as plain:
            answers = {"/feed": redirect(f"{plain.origin}/feed")}
            async with Loopback(answers, served(certificate)) as site, fetching() as fetcher:
                with pytest.raises(FetchError) as caught:
                    await fetcher.feed(
                        f"https://localhost:{site.port}/feed", NOTHING, str(certificate[0])
                    )
            assert caught.value.kind == "redirect"
            assert "https to http" in caught.value.what
            assert plain.asked == []

    asyncio.run(scenario())


def test_a_handshake_that_breaks_off_is_a_tls_failure() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async def scenario() -> FetchError:
        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, fetching() as fetcher:
            with pytest.raises(FetchError) as caught:
                await fetcher.feed(f"https://127.0.0.1:{port}/feed", NOTHING)
            return caught.value

    assert asyncio.run(scenario()).kind == "tls"
