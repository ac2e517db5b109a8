"""Connections: what is read and written, in the open and inside TLS, and how they end."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpcore
import pytest

from aggregator.fetch.streams import AT_ONCE, MAX_WAITING, Stream, connect

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


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


def server_side(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def client_side(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=certificate[0])
    context.set_alpn_protocols(["http/1.1", "h2"])
    return context


@asynccontextmanager
async def serving(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    async def contained(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(contained, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def connected(
    serve: Serve, certificate: tuple[Path, Path] | None = None
) -> AsyncIterator[Stream]:
    async with serving(serve, server_side(certificate) if certificate else None) as port:
        stream = await connect("127.0.0.1", port)
        try:
            if certificate:
                stream = await stream.start_tls(client_side(certificate), "localhost", 10)
            yield stream
        finally:
            await stream.aclose()


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await scenario()

    asyncio.run(bounded())


async def all_of(stream: Stream) -> bytes:
    parts = []
    while part := await stream.read(65_536, 10):
        assert len(part) <= 65_536
        parts.append(part)
    return b"".join(parts)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


LARGE = bytes(range(256)) * 40_000


@pytest.mark.parametrize("tls", [False, True])
def test_what_is_written_arrives_and_what_is_sent_is_read(
    certificate: tuple[Path, Path], tls: bool
) -> None:
    async def scenario() -> None:
        async with connected(echo, certificate if tls else None) as stream:

            async def read() -> bytes:
                got = bytearray()
                while len(got) < len(LARGE):
                    got += await stream.read(10_000, 10)
                return bytes(got)

            _, got = await asyncio.gather(stream.write(LARGE, 10), read())
            assert got == LARGE

    run(scenario)


def test_between_two_reads_of_what_is_there_already_others_have_their_turn() -> None:
    async def talkative(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * 10 * AT_ONCE)
        await writer.drain()
        await asyncio.sleep(60)

    async def scenario() -> None:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async with connected(talkative) as stream:
            got = [await stream.read(1, 10)]
            await asyncio.sleep(0.2)  # by now all of it has come
            counting = asyncio.create_task(count())
            while sum(map(len, got)) < 10 * AT_ONCE:
                got.append(await stream.read(10 * AT_ONCE, 10))
                assert len(got[-1]) <= AT_ONCE
            counting.cancel()
        assert turns >= len(got) - 1 >= 10

    run(scenario)


@pytest.mark.parametrize("tls", [False, True])
def test_who_does_not_read_makes_the_other_side_wait(
    certificate: tuple[Path, Path], tls: bool
) -> None:
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        for _ in range(1000):
            writer.write(bytes(65_536))
            await writer.drain()
            sent += 65_536
        writer.close()
        await writer.wait_closed()

    async def scenario() -> None:
        async with connected(flood, certificate if tls else None) as stream:
            await stream.read(1, 10)
            await asyncio.sleep(0.3)
            stopped_at = sent
            assert len(stream._wire.waiting) <= 2 * MAX_WAITING
            assert stopped_at < 60_000_000
            await asyncio.sleep(0.2)
            assert sent == stopped_at
            assert 1 + len(await all_of(stream)) == 65_536_000

    run(scenario)


def test_the_end_is_an_empty_read_and_a_broken_connection_an_error() -> None:
    async def ends(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"last words")
        writer.close()
        await writer.wait_closed()

    async def breaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # what was not read when a socket closes is answered by a reset
        await asyncio.sleep(0.1)

    async def scenario() -> None:
        async with connected(ends) as stream:
            assert await all_of(stream) == b"last words"
            assert await stream.read(1) == b""
            with pytest.raises(httpcore.WriteError):
                await stream.write(b"x")
        async with connected(breaks) as stream:
            await stream.write(bytes(1_000_000), 10)
            with pytest.raises(httpcore.ReadError):
                await stream.read(1, 10)

    run(scenario)


async def write_on(stream: Stream, seconds: float) -> None:
    for _ in range(100):
        await stream.write(bytes(300_000), seconds)


@pytest.mark.parametrize("tls", [False, True])
def test_each_read_and_write_has_its_limit_of_time(
    certificate: tuple[Path, Path], tls: bool
) -> None:
    async def answers_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.3)
        writer.write(b"late")
        await writer.drain()
        await asyncio.sleep(60)

    async def scenario() -> None:
        async with connected(answers_late, certificate if tls else None) as stream:
            with pytest.raises(httpcore.ReadTimeout):
                await stream.read(10, 0.05)
            assert await stream.read(10, 10) == b"late"
            with pytest.raises(httpcore.WriteTimeout):
                await write_on(stream, 0.2)

    run(scenario)


def test_a_connection_at_rest_knows_that_it_is_over() -> None:
    async def ends(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)

    async def scenario() -> None:
        async with connected(echo) as stream:
            assert stream.get_extra_info("is_readable") is False
            await stream.write(b"x")
            await asyncio.sleep(0.1)
            assert stream.get_extra_info("is_readable") is True
        async with connected(ends) as stream:
            await asyncio.sleep(0.2)
            assert stream.get_extra_info("is_readable") is True

    run(scenario)


def test_tls_tells_what_was_agreed_on(certificate: tuple[Path, Path]) -> None:
    async def scenario() -> None:
        async with connected(silent, certificate) as stream:
            agreed = stream.get_extra_info("ssl_object")
            assert isinstance(agreed, ssl.SSLObject)
            assert agreed.selected_alpn_protocol() in ("h2", "http/1.1")
        async with connected(silent) as stream:
            assert stream.get_extra_info("ssl_object") is None

    run(scenario)


async def handshake(port: int, trusted: ssl.SSLContext, name: str, seconds: float = 10) -> None:
    stream = await connect("127.0.0.1", port)
    await stream.start_tls(trusted, name, seconds)


def test_a_certificate_is_verified_and_for_its_name(certificate: tuple[Path, Path]) -> None:
    async def scenario() -> None:
        async with serving(silent, server_side(certificate)) as port:
            for trusted, name in (
                (ssl.create_default_context(), "localhost"),
                (client_side(certificate), "other.example"),
            ):
                with pytest.raises(httpcore.ConnectError) as caught:
                    await handshake(port, trusted, name)
                assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)

    run(scenario)


async def greets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
    await writer.drain()
    await asyncio.sleep(60)


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)


@pytest.mark.parametrize("serve", [greets, hangs_up])
def test_what_is_no_handshake_is_a_failure(serve: Serve, certificate: tuple[Path, Path]) -> None:
    async def scenario() -> None:
        async with serving(serve) as port:
            with pytest.raises(httpcore.ConnectError):
                await handshake(port, client_side(certificate), "localhost")

    run(scenario)


def test_what_came_in_the_open_is_never_read_as_if_it_came_inside(
    certificate: tuple[Path, Path],
) -> None:
    async def scenario() -> None:
        async with serving(greets) as port:
            stream = await connect("127.0.0.1", port)
            await asyncio.sleep(0.1)
            with pytest.raises(httpcore.ConnectError) as caught:
                await stream.start_tls(client_side(certificate), "localhost", 10)
            assert isinstance(caught.value.__cause__, ssl.SSLError)

    run(scenario)


def test_a_handshake_has_its_limit_of_time(certificate: tuple[Path, Path]) -> None:
    async def scenario() -> None:
        async with serving(silent) as port:
            with pytest.raises(httpcore.ConnectTimeout):
                await handshake(port, client_side(certificate), "localhost", 0.2)

    run(scenario)


def test_a_closed_port_is_a_connect_error() -> None:
    async def scenario() -> None:
        async with serving(silent) as port:
            pass
        with pytest.raises(httpcore.ConnectError):
            await connect("127.0.0.1", port)

    run(scenario)


def test_closing_ends_the_connection_at_once_even_inside_tls(
    certificate: tuple[Path, Path],
) -> None:
    ended = asyncio.Event()

    async def until_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
        finally:
            ended.set()

    async def scenario() -> None:
        async with connected(until_the_end, certificate) as stream:
            await stream.write(b"x")
            await stream.aclose()
            await stream.aclose()
            await asyncio.wait_for(ended.wait(), 3)
            assert await stream.read(1) == b""
            with pytest.raises(httpcore.WriteError):
                await stream.write(b"x")

    run(scenario)


def test_a_cancelled_read_loses_nothing() -> None:
    async def later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"kept")
        await writer.drain()
        await asyncio.sleep(60)

    async def scenario() -> None:
        async with connected(later) as stream:
            reading = asyncio.create_task(stream.read(10))
            await asyncio.sleep(0.02)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await stream.write(b"x")
            assert await stream.read(10, 5) == b"kept"

    run(scenario)
