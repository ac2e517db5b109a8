"""A site on loopback that speaks HTTP/2 over TLS, well or badly."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived
from h2.exceptions import ProtocolError

Play = Callable[["Conversation", int], None]
"""Answers a stream of a conversation, in whatever way."""


@dataclass
class Conversation:
    """One connection: its state as h2 keeps it, and where to write what h2 would not."""

    h2: H2Connection
    writer: asyncio.StreamWriter

    def flush(self) -> None:
        self.writer.write(self.h2.data_to_send())


def page(body: bytes, status: int = 200, **headers: str) -> Play:
    def play(on: Conversation, stream: int) -> None:
        given = [(name.replace("_", "-"), value) for name, value in headers.items()]
        on.h2.send_headers(stream, [(":status", str(status)), *given])
        on.h2.send_data(stream, body, end_stream=True)

    return play


class H2Site:
    """`async with H2Site({"/feed": page(b"…")}, tls) as site`; others are 404."""

    def __init__(self, plays: Mapping[str, Play], tls: ssl.SSLContext) -> None:
        self.plays = dict(plays)
        self.asked: list[dict[str, str]] = []
        """The headers of each request."""
        self.connections = 0
        self._tls = tls
        self._open: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> H2Site:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.origin = f"https://localhost:{self.port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.connections += 1
        on = Conversation(H2Connection(H2Configuration(client_side=False)), writer)
        on.h2.initiate_connection()
        on.flush()
        try:
            while received := await reader.read(65_536):
                for event in on.h2.receive_data(received):
                    if isinstance(event, RequestReceived):
                        self._answer(on, event)
                if not writer.is_closing():
                    on.flush()
                    await writer.drain()
        except (OSError, ProtocolError, asyncio.CancelledError):  # ssl.SSLError is an OSError
            pass
        finally:
            self._open.discard(task)
            writer.close()

    def _answer(self, on: Conversation, event: RequestReceived) -> None:
        headers = {name.decode(): value.decode() for name, value in event.headers or ()}
        self.asked.append(headers)
        play = self.plays.get(headers[":path"], page(b"", 404))
        assert event.stream_id is not None
        play(on, event.stream_id)
