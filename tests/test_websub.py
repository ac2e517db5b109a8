"""The running daemon and a hub: discovered, asked, verified, pushed, after a restart as well."""

from __future__ import annotations

import hmac
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import Request, urlopen

from tests.publisher import item, paragraphs, rss
from tests.running import Daemon, Installation, wait_until

PUBLIC = "http://reader.test"
TOPIC = "http://own.test/feed.xml"
LINKS = (
    '<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="hub" href="http://hub.test/"/>'
    f'<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="self" href="{TOPIC}"/>'
)
CONFIG = """public_url = "{public}"
[fetch]
pace = "0s"
[fetch.resolve]
"own.test" = "{origin}"
"hub.test" = "{origin}"
[[feeds]]
id = "own"
url = "http://own.test/feed.xml"
full_text = "feed"
"""


def feed(*names: str) -> bytes:
    return rss(*(item(f"/{name}", name, paragraphs(name)) for name in names), more=LINKS)


class Publisher(ThreadingHTTPServer):
    """A site with a feed, and its hub, which asks back as soon as it is asked."""

    def __init__(self, reader: str) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.origin = f"http://127.0.0.1:{self.server_address[1]}"
        self.reader = reader
        self.polls = 0
        self.forms: list[dict[str, str]] = []
        self.echoed: list[bytes] = []

    def at(self, callback: str) -> str:
        assert callback.startswith(PUBLIC)
        return callback.replace(PUBLIC, self.reader, 1)

    def ask_back(self, form: dict[str, str]) -> None:
        question = {name: form[name] for name in ("hub.mode", "hub.topic")}
        question |= {"hub.challenge": "abc", "hub.lease_seconds": "864000"}
        with urlopen(f"{self.at(form['hub.callback'])}?{urlencode(question)}") as said:
            self.echoed.append(said.read())

    def push(self, body: bytes) -> int:
        form = self.forms[0]
        signature = hmac.new(form["hub.secret"].encode(), body, "sha256").hexdigest()
        headers = {"X-Hub-Signature": f"sha256={signature}", "Content-Type": "application/rss+xml"}
        with urlopen(Request(self.at(form["hub.callback"]), body, headers)) as said:
            status: int = said.status
            return status


class _Answers(BaseHTTPRequestHandler):
    server: Publisher

    def do_GET(self) -> None:
        self.server.polls += 1
        body = feed("first")
        self.send_response(200)
        self.send_header("Content-Type", "application/rss+xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        form = dict(parse_qsl(sent.decode()))
        self.server.ask_back(form)  # before it answers, as some hubs do
        self.server.forms.append(form)
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on the test's own output."""


@contextmanager
def publishing(reader: str) -> Iterator[Publisher]:
    with Publisher(reader) as publisher:
        serving = threading.Thread(target=publisher.serve_forever)
        serving.start()
        try:
            yield publisher
        finally:
            publisher.shutdown()
            serving.join()


def shows(daemon: Daemon, *names: str) -> None:
    wait_until(
        f"{names} are published\n{daemon.log}",
        lambda: set(daemon.titles("/all.json")) == set(names),
    )


def test_what_a_hub_pushes_is_published_by_the_running_daemon(tmp_path: Path) -> None:
    place = Installation(tmp_path)
    with publishing(f"http://127.0.0.1:{place.port}") as publisher:
        place.configure(CONFIG.format(public=PUBLIC, origin=publisher.origin))
        with place.daemon() as daemon:
            wait_until(f"the hub was asked\n{daemon.log}", lambda: publisher.forms)
            assert publisher.echoed == [b"abc"]
            assert publisher.push(feed("second")) == 202
            shows(daemon, "first", "second")
            assert daemon.stop() == 0
            log = daemon.log
        with place.daemon() as daemon:
            assert publisher.push(feed("third")) == 202
            shows(daemon, "first", "second", "third")
            [told] = place.told("feeds")
            assert daemon.stop() == 0
            log += daemon.log
    assert (told["push"]["state"], told["push"]["pushes"]) == ("verified", 2)
    assert (len(publisher.forms), publisher.polls) == (1, 1)
    [form] = publisher.forms
    for hidden in (form["hub.secret"], form["hub.callback"].rpartition("/")[2]):
        assert hidden not in log
        assert hidden not in str(told)
    assert "Traceback" not in log


def test_a_push_that_takes_too_long_for_the_end_is_told_so_and_is_no_bug(tmp_path: Path) -> None:
    place = Installation(tmp_path)
    with publishing(f"http://127.0.0.1:{place.port}") as publisher:
        place.configure(CONFIG.format(public=PUBLIC, origin=publisher.origin))
        with place.daemon() as daemon:
            wait_until(f"the hub was asked\n{daemon.log}", lambda: publisher.forms)
            path = urlsplit(publisher.forms[0]["hub.callback"]).path
            with socket.create_connection(("127.0.0.1", place.port), timeout=10) as hub:
                head = f"POST {path} HTTP/1.1\r\nHost: x.test\r\nContent-Length: 100\r\n\r\n"
                hub.sendall(head.encode() + b"the beginning")
                wait_until("it reads on", daemon.serves)
                assert daemon.stop() == 0
                told = hub.recv(4096)
            daemon.reader.join()
    assert told.startswith(b"HTTP/1.1 503 ")
    assert "took too long" in daemon.log
    assert "Traceback" not in daemon.log
