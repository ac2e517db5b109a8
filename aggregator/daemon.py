"""The composition root: makes every part, wires them, runs until it is told to stop.

SIGTERM and SIGINT finish what runs within GRACE seconds and leave the rest to the
next start. SIGHUP reads the configuration again: a good one replaces the running one
whole, a bad one changes nothing and says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import uvicorn

from aggregator import heap
from aggregator.config import Config
from aggregator.engines.local import LocalEngine
from aggregator.errors import AggregatorError, ConfigError, ListenError
from aggregator.fetch import Fetcher
from aggregator.outputs.files import EditionFiles
from aggregator.pipeline import Pipeline
from aggregator.schedule import Ticks
from aggregator.store import Store
from aggregator.web import Site, create_app
from aggregator.workers import Workers

log = logging.getLogger(__name__)

VERSION = version("aggregator")

SWITCH_S = 0.0005
"""How long a thread may compute while the event loop waits for its turn, which it does after every
send and receive: Python's 5 ms would make a hundred of these take half a second."""

GRACE = 5.0
"""Seconds for what runs to finish after SIGTERM; with the rest of stopping it stays under 10."""

BACKLOG = 2048

_HINTS = {
    errno.EADDRINUSE: "another program uses it; give [server] listen another address",
    errno.EADDRNOTAVAIL: "give [server] listen an address of this machine",
    errno.EACCES: "ports below 1024 are for root; give [server] listen another port",
}


def clock() -> datetime:
    return datetime.now(UTC)


def state_folder(environ: Mapping[str, str]) -> Path:
    """Where state lives: systemd's $STATE_DIRECTORY, else the user's data folder."""
    given = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if given:
        return Path(given)
    data = environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(data) / "aggregator"


def store_url(config: Config, state: Path) -> str:
    return config.store.url or f"sqlite:///{state / 'aggregator.db'}"


def editions_folder(config: Config, state: Path) -> Path:
    return config.output.dir or state / "editions"


@asynccontextmanager
async def open_pipeline(config: Config, state: Path) -> AsyncIterator[Pipeline]:
    """The pipeline on its store, ready for the configured feeds and topics.

    Raises StoreError and OutputError in their variants.
    """
    heap.keep_little()
    store = Store.open(store_url(config, state))
    try:
        files = EditionFiles(editions_folder(config, state))
        workers = Workers(config.fetch.workers)
        pipeline = Pipeline(config, store, Fetcher(config.fetch, VERSION), workers, files)
        try:
            await pipeline.prepare(clock())
            yield pipeline
        finally:
            await pipeline.fetcher.close()
            workers.close()
    finally:
        store.close()


class Daemon:
    """`await Daemon(config, reload, state).run()` serves until a signal ends it.

    `reload` reads the configuration again; it may raise ConfigError.
    """

    def __init__(self, config: Config, reload: Callable[[], Config], state: Path) -> None:
        self._config = config
        self._reload = reload
        self._state = state
        self._stopping = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._reloads: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Raises ListenError, StoreError, OutputError before it serves; nothing afterwards."""
        sys.setswitchinterval(SWITCH_S)
        server = self._config.server
        with contextlib.closing(listen(server.host, server.port)) as bound:
            async with open_pipeline(self._config, self._state) as pipeline:
                engine = LocalEngine(pipeline, clock)
                try:
                    await self._work(engine, bound)
                finally:
                    await engine.pipeline.fetcher.close()

    async def _work(self, engine: LocalEngine, bound: socket.socket) -> None:
        server = _Server(create_app(lambda: self._site(engine)))
        serving = asyncio.create_task(server.serve(sockets=[bound]))
        told_to_stop = asyncio.create_task(self._stopping.wait())
        ticks = Ticks(
            (
                engine.poll_due,
                engine.enrich_due,
                engine.publish_due,
                engine.subscribe_due,
                *_watchdog(),
            ),
            hourly=(engine.remove_due, engine.group_due),
        )
        self._listen_to_signals(engine)
        ticks.start()
        log.info("serving %s, state in %s", self._config.server.public_url, self._state)
        notify("READY=1")
        await asyncio.wait((serving, told_to_stop), return_when=asyncio.FIRST_COMPLETED)
        self._stopping.set()
        notify("STOPPING=1")
        ticks.stop()
        server.should_exit = True
        for reload in self._reloads:
            reload.cancel()
        await engine.close(GRACE)
        await asyncio.gather(*self._reloads, return_exceptions=True)
        await serving

    def _listen_to_signals(self, engine: LocalEngine) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._begin_reload, engine)

    def _begin_reload(self, engine: LocalEngine) -> None:
        task = asyncio.create_task(self._take_new_config(engine))
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    async def _take_new_config(self, engine: LocalEngine) -> None:
        async with self._reloading:
            old = engine.pipeline
            try:
                config = _with_what_is_fixed(old.config, self._reload())
            except ConfigError as error:
                log.error("the configuration was not taken, the old one goes on:\n%s", error)
                return
            fetcher = old.fetcher
            if config.fetch != old.config.fetch:
                fetcher = Fetcher(config.fetch, VERSION)
                fetcher.take_over(old.fetcher)
            try:
                await engine.adopt(replace(old, config=config, fetcher=fetcher))
                fetcher.take_over(old.fetcher)  # what its last requests were told
                log.info("the configuration was taken")
            except AggregatorError as error:
                log.error("the configuration was not taken, the old one goes on: %s", error)
            finally:
                if engine.pipeline is old and fetcher is not old.fetcher:
                    await fetcher.close()

    def _site(self, engine: LocalEngine) -> Site:
        pipeline = engine.pipeline
        return Site(
            files=pipeline.files,
            store=pipeline.store,
            title=pipeline.config.output.title,
            public_url=pipeline.config.server.public_url,
            topics=pipeline.config.topics,
            feeds=pipeline.config.feeds,
            websub=pipeline.websub,
            version=VERSION,
            now=clock,
            ready=lambda: not self._stopping.is_set(),
        )


class _Server(uvicorn.Server):
    """uvicorn in our event loop, leaving the signals to the daemon."""

    def __init__(self, app: object) -> None:
        super().__init__(
            uvicorn.Config(
                app,  # type: ignore[arg-type] # Starlette is an ASGI application
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                timeout_graceful_shutdown=2,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def] # as uvicorn declares it
        yield


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to the address. Raises ListenError."""
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        what = getattr(error, "strerror", None) or str(error)
        raise ListenError(
            f"cannot listen there: {what}", where, "give [server] listen an address of this machine"
        ) from error
    bound = socket.socket(family, kind)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        # only who listens has the port: two programs may have bound it
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        what = (error.strerror or str(error)).lower()
        raise ListenError(
            f"cannot listen there: {what}", where, _HINTS.get(error.errno or 0, "")
        ) from error
    bound.setblocking(False)
    return bound


def notify(message: str) -> None:
    """Tells systemd (sd_notify) where it asks to be told."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    name = "\0" + address[1:] if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.sendto(message.encode(), name)
    except OSError as error:
        log.warning("$NOTIFY_SOCKET %s cannot be told %s: %s", address, message, error)


def _watchdog() -> tuple[Callable[[], Awaitable[None]], ...]:
    """A tick for systemd's watchdog, if it asks: it comes only if event loop and ticks move."""

    async def alive() -> None:
        notify("WATCHDOG=1")

    return (alive,) if os.environ.get("WATCHDOG_USEC") else ()


def _with_what_is_fixed(old: Config, new: Config) -> Config:
    """The new configuration, with the old one's settings where a restart is needed to change."""
    config, kept = new, []
    if (old.server.host, old.server.port) != (new.server.host, new.server.port):
        kept.append("[server] listen")
        # the public URL may follow from it
        config = replace(config, server=old.server)
    if old.store.url != new.store.url:
        kept.append("[store] url")
        config = replace(config, store=replace(config.store, url=old.store.url))
    if old.output.dir != new.output.dir:
        kept.append("[output] dir")
        config = replace(config, output=replace(config.output, dir=old.output.dir))
    if old.fetch.workers != new.fetch.workers:
        kept.append("[fetch] workers")
        config = replace(config, fetch=replace(config.fetch, workers=old.fetch.workers))
    if kept:
        log.warning("%s: changed, and taken at the next start only", ", ".join(kept))
    return config
