"""The daemon as a service manager and its readers see it: a process, its signals, its log."""

from __future__ import annotations

import json
import re
import resource
import socket
import sqlite3
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar
from urllib.parse import urlsplit

import pytest

from aggregator.demo.newsroom import Newsroom, find_seeds, serve
from tests.conftest import REPO
from tests.running import Daemon, Installation, free_port, silent_server, wait_until

TOPIC = """
[[topics]]
id = "afghanistan"
title = "阿富汗"
query = "阿富汗 OR 塔利班"
"""
DOHA = """
[[topics]]
id = "qatar"
title = "卡塔尔"
query = "卡塔尔"
"""
ALL = "/all.json"


@pytest.fixture
def place(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


class Sites:
    """The newsroom, and what was asked of it."""

    def __init__(self, newsroom: Newsroom, origin: str) -> None:
        self.newsroom = newsroom
        self.resolve = "[fetch.resolve]\n" + "".join(
            f'"{host}" = "{origin}"\n' for host in newsroom.hosts
        )
        self.feeds = "".join(
            f'[[feeds]]\nid = "{spec.id}"\nurl = "{spec.urls[0]}"\noutlet = "{spec.outlet}"\n'
            f'timezone = "{spec.timezone}"\nsource = "{spec.source}"\n'
            for spec in newsroom.feeds
        )

    def config(self, *more: str) -> str:
        return "\n".join((self.resolve, self.feeds, *more))

    def polls(self) -> dict[str, int]:
        """How often each feed was asked for."""
        addresses = {
            (urlsplit(spec.urls[0]).hostname, urlsplit(spec.urls[0]).path): spec.id
            for spec in self.newsroom.feeds
        }
        counted = dict.fromkeys(addresses.values(), 0)
        for asked in list(self.newsroom.requests):
            if (asked.host, asked.path) in addresses:
                counted[addresses[asked.host, asked.path]] += 1
        return counted


@pytest.fixture
def sites() -> Iterator[Sites]:
    newsroom = Newsroom(find_seeds())
    with serve(newsroom) as origin:
        yield Sites(newsroom, origin)


def once(sites: Sites) -> dict[str, int]:
    return dict.fromkeys((spec.id for spec in sites.newsroom.feeds), 1)


def filled(daemon: Daemon, articles: int = 5) -> None:
    wait_until(
        f"{articles} articles are published\n{daemon.log}",
        lambda: len(daemon.titles(ALL)) == articles,
    )


def no_bug(daemon: Daemon) -> None:
    assert "Traceback" not in daemon.log
    assert "a bug" not in daemon.log
    assert "never retrieved" not in daemon.log


# --- without a network -------------------------------------------------------------------------


def defaults_without_network(port: int) -> str:
    """The project's own configuration, with nobody behind its feeds' hosts."""
    text = (REPO / "config.toml").read_text(encoding="utf-8")
    urls = [
        url
        for feed in tomllib.loads(text)["feeds"]
        for url in feed.get("urls", [feed.get("url", "")])
    ]
    hosts = sorted({urlsplit(url).hostname or "" for url in urls})
    nowhere = "".join(f'"{host}" = "http://127.0.0.1:{port}"\n' for host in hosts)
    return text.replace("[server]", "").replace("[fetch.resolve]", f"[fetch.resolve]\n{nowhere}")


def test_without_a_network_it_serves_what_it_has_and_waits(place: Installation) -> None:
    place.configure(defaults_without_network(free_port()))
    assert place.do("import", str(REPO / "seeds")).returncode == 0
    with place.daemon() as daemon:
        wait_until("every feed was tried", lambda: all(f["error"] for f in place.told("feeds")))
        feeds = place.told("feeds")
        assert len(feeds) == 14
        now = datetime.now(UTC).isoformat()
        for feed in feeds:
            assert feed["last_status"] == "connect"
            assert "cannot connect" in feed["error"]
            assert feed["failures"] == 1
            assert feed["next_poll_at"] > now
        assert daemon.status("/healthz") == 200
        assert len(daemon.titles("/topics/afghanistan.json")) == 5
        time.sleep(3)
        assert [feed["failures"] for feed in place.told("feeds")] == [1] * 14
        assert daemon.stop() == 0
        no_bug(daemon)


def test_sigterm_ends_it_in_time_while_requests_hang(place: Installation) -> None:
    with silent_server() as port:
        place.configure(defaults_without_network(port))
        with place.daemon() as daemon:
            time.sleep(3)
            started = time.monotonic()
            assert daemon.stop() == 0
            assert time.monotonic() - started < 10
            daemon.reader.join()
            assert "left for the next start" in daemon.log
            no_bug(daemon)
        states = place.told("feeds")
        assert [state["last_status"] for state in states] == [""] * 14


# --- ended and started again -------------------------------------------------------------------


def test_killed_and_started_again_it_polls_nothing_early(place: Installation, sites: Sites) -> None:
    place.configure(sites.config(TOPIC))
    with place.daemon() as daemon:
        filled(daemon)
        wait_until("each was polled", lambda: sites.polls() == once(sites))
        wait_until(
            "each poll is stored", lambda: all(f["last_status"] for f in place.told("feeds"))
        )
        daemon.kill()
    with place.daemon() as daemon:
        time.sleep(4)
        assert sites.polls() == once(sites)
        assert len(daemon.titles(ALL)) == 5
        assert daemon.stop() == 0
        no_bug(daemon)


def test_killed_while_articles_wait_it_makes_them_after_the_next_start(
    place: Installation, sites: Sites
) -> None:
    with silent_server() as port:
        silent = sites.resolve
        for host in ("chinese.aljazeera.net", "www.guancha.cn"):
            silent = re.sub(rf'("{host}" = ).*', rf'\1"http://127.0.0.1:{port}"', silent)
        place.configure("\n".join((silent, sites.feeds, TOPIC)))
        with place.daemon() as daemon:
            wait_until("four articles wait", lambda: place.told("status")["pending"] >= 4)
            daemon.kill()
    assert place.told("status")["pending"] >= 4
    place.configure(sites.config(TOPIC))
    with place.daemon() as daemon:
        filled(daemon)
        assert max(sites.polls().values()) == 1
        assert daemon.stop() == 0


# --- a new configuration -----------------------------------------------------------------------


def test_a_new_topic_fills_from_what_is_stored_and_a_removed_one_goes(
    place: Installation, sites: Sites
) -> None:
    place.configure(sites.config(TOPIC))
    with place.daemon() as daemon:
        filled(daemon)
        assert daemon.status("/topics/qatar.atom") == 404
        place.configure(sites.config(DOHA))
        daemon.reload()
        wait_until("it fills", lambda: len(daemon.titles("/topics/qatar.json")) >= 2)
        assert all("卡塔尔" in title for title in daemon.titles("/topics/qatar.json")[:1])
        for suffix in ("atom", "rss", "json"):
            assert daemon.status(f"/topics/afghanistan.{suffix}") == 404
            assert not (place.state / f"editions/topics/afghanistan.{suffix}").exists()
        assert sites.polls() == once(sites)
        assert daemon.stop() == 0
        no_bug(daemon)


def test_a_changed_title_is_published(place: Installation, sites: Sites) -> None:
    place.configure(sites.config(TOPIC))
    with place.daemon() as daemon:
        filled(daemon)
        place.configure(sites.config(TOPIC.replace('"阿富汗"', '"阿富汗局势"')))
        daemon.reload()
        wait_until(
            "the title is new",
            lambda: json.loads(daemon.get("/topics/afghanistan.json")[1])["title"] == "阿富汗局势",
        )
        assert daemon.stop() == 0


def test_a_bad_configuration_is_refused_with_its_reasons(place: Installation, sites: Sites) -> None:
    place.configure(sites.config(TOPIC))
    with place.daemon() as daemon:
        filled(daemon)
        place.configure(sites.config(TOPIC.replace("OR", "OR OR"), "[[topics]]\nid = 3"))
        daemon.reload()
        daemon.says("the configuration was not taken")
        daemon.says(f"{place.config}:")
        assert len(daemon.titles("/topics/afghanistan.json")) == 5
        place.configure(sites.config(TOPIC, DOHA))
        daemon.reload()
        wait_until("it fills", lambda: len(daemon.titles("/topics/qatar.json")) >= 2)
        assert daemon.stop() == 0
        no_bug(daemon)


def test_what_needs_a_restart_is_told_and_kept(place: Installation, sites: Sites) -> None:
    place.configure(sites.config(TOPIC))
    with place.daemon() as daemon:
        filled(daemon)
        text = sites.config(
            TOPIC, DOHA, '[store]\nurl = "sqlite:///other.db"', '[output]\ndir = "out"'
        )
        port = free_port()
        place.config.write_text(f'[server]\nlisten = "127.0.0.1:{port}"\n{text}')
        daemon.reload()
        daemon.says(
            "[server] listen, [store] url, [output] dir: changed, and taken at the next start"
        )
        wait_until("the rest is taken", lambda: len(daemon.titles("/topics/qatar.json")) >= 2)
        home = json.loads(daemon.get(ALL)[1])["home_page_url"]
        assert f":{place.port}/" in home
        assert not (place.folder / "other.db").exists()
        assert daemon.stop() == 0


def test_a_reload_with_other_fetch_settings_lets_running_requests_end(
    place: Installation, sites: Sites
) -> None:
    place.configure(sites.config(TOPIC))
    with place.daemon() as daemon:
        for seconds in (11, 12, 13):
            place.configure(f'[fetch]\ntimeout = "{seconds}s"\n' + sites.config(TOPIC))
            daemon.reload()
            daemon.says("the configuration was taken", times=seconds - 10)
        filled(daemon)
        assert {feed["last_status"] for feed in place.told("feeds")} == {"new", "http_status"}
        assert daemon.stop() == 0
        no_bug(daemon)


class Hosts(BaseHTTPRequestHandler):
    """Two hosts: `open.test` has feeds that lead to pages, `busy.test` wants an hour of peace."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        host = self.headers["Host"]
        self.asked.append(host + self.path)
        self.send_response(429 if host == "busy.test" else 200)
        if host == "busy.test":
            self.send_header("Retry-After", "3600")
        body = b"" if self.path == "/robots.txt" else self._feed()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _feed(self) -> bytes:
        link = f"http://open.test/page?{self.path}"
        entry = f"<item><title>{self.path}</title><link>{link}</link></item>"
        return f"<rss version='2.0'><channel><title>x</title>{entry}</channel></rss>".encode()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def hosts() -> Iterator[str]:
    """The origin that `Hosts` is at."""
    Hosts.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Hosts) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_reload_with_other_fetch_settings_keeps_what_hosts_have_said(
    place: Installation, hosts: str
) -> None:
    def feeds(*names: str) -> str:
        return "".join(
            f'[[feeds]]\nid = "{name}"\nurl = "http://{host}.test/{name}.xml"\n'
            for host, name in (each.split("/") for each in names)
        )

    resolve = f'[fetch.resolve]\n"open.test" = "{hosts}"\n"busy.test" = "{hosts}"\n'
    place.configure(resolve + feeds("open/first", "busy/held"))
    with place.daemon() as daemon:
        daemon.says("feed held: http://busy.test/held.xml: the server answered 429")
        wait_until("its page", lambda: "open.test/page?/first.xml" in Hosts.asked)
        # the store would tell it to any client: this is about what the clients tell each other
        with closing(sqlite3.connect(place.database)) as other:
            other.executescript("DELETE FROM robots; DELETE FROM holds")
        place.configure(
            '[fetch]\ntimeout = "11s"\n'
            + resolve
            + feeds("open/first", "busy/held", "open/second", "busy/also")
        )
        daemon.reload()
        daemon.says("the configuration was taken")
        wait_until("its page", lambda: "open.test/page?/second.xml" in Hosts.asked)
        daemon.says("feed also: busy.test: the host asked not to be asked")
        assert Hosts.asked.count("open.test/robots.txt") == 1
        assert [one for one in Hosts.asked if "busy" in one] == ["busy.test/held.xml"]
        assert daemon.stop() == 0
        no_bug(daemon)


# --- what fails in mid-flight ------------------------------------------------------------------


@contextmanager
def locked(place: Installation, daemon: Daemon) -> Iterator[None]:
    """Another process writes to the database, for longer than a write waits."""
    with closing(sqlite3.connect(place.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def full(place: Installation, daemon: Daemon) -> Iterator[None]:
    """The daemon can write no file beyond one page."""
    pid, unlimited = daemon.process.pid, resource.RLIM_INFINITY
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, unlimited))
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))


def make_due(place: Installation) -> None:
    with closing(sqlite3.connect(place.database)) as other:
        other.execute("UPDATE feeds SET next_poll_at = '2020-01-01 00:00:00.000000'")
        other.commit()


@pytest.mark.parametrize("trouble", [locked, full])
def test_while_the_store_fails_it_serves_and_polls_no_more(
    place: Installation,
    sites: Sites,
    trouble: Callable[[Installation, Daemon], AbstractContextManager[None]],
) -> None:
    place.configure(sites.config(TOPIC))
    with place.daemon() as daemon:
        filled(daemon)
        wait_until(
            "each poll is stored", lambda: all(f["last_status"] for f in place.told("feeds"))
        )
        make_due(place)
        with trouble(place, daemon):
            daemon.says("everything waits until the store works again")
            daemon.says("the store still fails")
            assert len(daemon.titles("/topics/afghanistan.json")) == 5
            assert daemon.status("/") == 200
            assert daemon.status("/healthz") == 200
            assert max(sites.polls().values()) == 1, "nothing is asked that cannot be kept"
        daemon.says("the store works again")
        wait_until(
            "each poll is stored",
            lambda: all(f["next_poll_at"] > "2021" for f in place.told("feeds")),
        )
        assert max(sites.polls().values()) <= 3
        assert daemon.stop() == 0
        no_bug(daemon)


def test_an_edition_that_cannot_be_written_hinders_no_other_and_is_tried_again(
    place: Installation, sites: Sites
) -> None:
    in_the_way = place.state / "editions" / "topics"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.touch()
    place.configure(sites.config(TOPIC))
    with place.daemon() as daemon:
        filled(daemon)
        daemon.says("edition afghanistan: ")
        time.sleep(4)
        assert daemon.log.count("edition afghanistan: ") == 1
        in_the_way.unlink()
        wait_until("it is tried again", lambda: len(daemon.titles("/topics/afghanistan.json")) == 5)
        assert daemon.stop() == 0
        no_bug(daemon)


# --- starting ----------------------------------------------------------------------------------


def test_an_address_in_use_is_named(place: Installation) -> None:
    place.configure("")
    with socket.socket() as other:
        other.bind(("127.0.0.1", place.port))
        other.listen()
        done = place.do("run")
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert f"127.0.0.1:{place.port}: cannot listen there: address already in use" in line


def test_a_second_daemon_on_the_same_address_does_not_start(place: Installation) -> None:
    place.configure("")
    with place.daemon() as daemon:
        done = place.do("run")
        assert done.returncode == 2
        assert "address already in use" in done.stderr
        assert daemon.status("/healthz") == 200
        assert daemon.stop() == 0


@pytest.mark.parametrize("abstract", [False, True])
def test_it_tells_systemd_when_it_is_ready_and_when_it_stops(
    place: Installation, abstract: bool
) -> None:
    place.configure("")
    name = f"@{place.folder}/notify" if abstract else str(place.folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0" + name[1:] if abstract else name)
        systemd.settimeout(60)
        with place.starting({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "5000000"}) as daemon:
            assert systemd.recv(100) == b"READY=1"
            assert daemon.status("/healthz") == 200
            assert systemd.recv(100) == b"WATCHDOG=1"
            assert daemon.stop() == 0
        told = set()
        systemd.settimeout(1)
        while b"STOPPING=1" not in told:
            told.add(systemd.recv(100))
        assert told <= {b"WATCHDOG=1", b"STOPPING=1"}


def test_a_notify_socket_that_is_not_there_hinders_nothing(place: Installation) -> None:
    place.configure("")
    with place.daemon({"NOTIFY_SOCKET": str(place.folder / "gone")}) as daemon:
        daemon.says("cannot be told READY=1")
        assert daemon.stop() == 0
        no_bug(daemon)
