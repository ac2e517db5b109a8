"""HTTP/2 for the publisher's hosts, as little of it as feeds need."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, RequestReceived

from bench.manners.publisher import Answer

Respond = Callable[[str, str, tuple[tuple[str, str], ...], str], Awaitable[Answer]]
"""Takes method, target, headers and authority of a request."""

FRAME = 16_000


async def serve_http2(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, respond: Respond
) -> None:
    """Answers until the client ends the connection. Bodies are below the first flow window."""
    connection = H2Connection(H2Configuration(client_side=False, header_encoding="latin-1"))
    connection.initiate_connection()
    writer.write(connection.data_to_send())
    while received := await reader.read(65_536):
        for event in connection.receive_data(received):
            if isinstance(event, ConnectionTerminated):
                return
            if isinstance(event, RequestReceived):
                await _answer(connection, event, respond)
        writer.write(connection.data_to_send())
        await writer.drain()


async def _answer(connection: H2Connection, event: RequestReceived, respond: Respond) -> None:
    headers = tuple((str(name), str(value)) for name, value in event.headers or ())
    given = dict(headers)
    fields = tuple((name, value) for name, value in headers if not name.startswith(":"))
    answer = await respond(given[":method"], given[":path"], fields, given.get(":authority", ""))
    sent = [(":status", str(answer.status)), *((n.lower(), v) for n, v in answer.headers)]
    stream = event.stream_id
    assert stream is not None
    connection.send_headers(stream, sent, end_stream=not answer.body)
    for start in range(0, len(answer.body), FRAME):
        part = answer.body[start : start + FRAME]
        connection.send_data(stream, part, end_stream=start + FRAME >= len(answer.body))
