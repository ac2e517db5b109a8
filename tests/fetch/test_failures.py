"""What goes wrong, and in which words it is told."""

from __future__ import annotations

import gzip
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.fetch.asking import (
    HERE,
    failure_at,
    failure_of,
    slowly,
)
from tests.loopback import Answer, answer


def test_an_unknown_host_is_a_dns_failure() -> None:
    patient = replace(HERE, timeout=timedelta(seconds=60))
    error = failure_at("http://no-such-host.invalid/feed", patient)
    assert error.kind == "dns"
    assert "no-such-host.invalid" in str(error)


def test_a_closed_port_is_a_connect_failure() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        assert failure_at(f"http://127.0.0.1:{port}/feed").kind == "connect"


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("404 Not Found", "404"),
        ("410 Gone", "gone for good"),
        ("401 Unauthorized", "password"),
        ("500 Internal Server Error", "server's"),
        ("204 No Content", "204"),
        ("301 Moved Permanently", "301"),
    ],
)
def test_a_status_without_a_feed_is_told(status: str, says: str) -> None:
    error = failure_of(answer(status=status))
    assert error.kind == "http_status"
    assert error.status == int(status[:3])
    assert says in str(error)
    assert error.retry_after is None


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    def asked_to_wait(value: str) -> float | None:
        return failure_of(answer(status="429 Too Many Requests", retry_after=value)).retry_after

    assert asked_to_wait("120") == 120
    assert asked_to_wait(" 0 ") == 0
    tomorrow = format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)
    assert asked_to_wait(tomorrow) == pytest.approx(86_400, abs=60)
    assert asked_to_wait("Wed, 28 Jul 2010 21:05:25 GMT") == 0
    for nonsense in ("soon", "-5", "1.5", "²", "Wed, 28 Jul 2021 21:05:25 +9999999999999"):
        assert asked_to_wait(nonsense) is None


TEXT = "塔利班谈判".encode() * 200_000


@pytest.mark.parametrize(
    "broken",
    [
        answer(gzip.compress(TEXT)[:-20], content_encoding="gzip"),
        answer(b"<rss/>", content_encoding="gzip"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nContent-Length : 7\r\n\r\n<rss>",
        slowly(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<rss>"),
        slowly(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<rss>\r\n"),
        slowly(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n<rss>\r\n"),
        slowly(b"\x00\xff garbage\r\n\r\n"),
        slowly(b"SSH-2.0-OpenSSH_9.2\r\n"),
        slowly(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 300_000),
        slowly(b"HTTP/1.1 999999 Odd\r\n\r\n"),
        slowly(b""),
    ],
)
def test_cut_and_garbled_answers_are_protocol_failures(broken: bytes | Answer) -> None:
    error = failure_of(broken)
    assert error.kind == "protocol"
    assert not str(error).endswith(": ")
