"""The composition root: makes every part, wires them, runs until it is told to stop.

SIGTERM and SIGINT finish what runs within GRACE seconds and leave the rest to the
next start. SIGHUP reads the configuration again: a good one replaces the running one
whole, a bad one changes nothing and says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import uvicorn

from aggregator.config import Config
from aggregator.engines.local import LocalEngine
from aggregator.errors import ConfigError, ListenError, StoreError
from aggregator.fetch import Fetcher
from aggregator.outputs.files import EditionFiles
from aggregator.pipeline import Pipeline
from aggregator.schedule import Ticks
from aggregator.store import Store
from aggregator.web import Site, create_app
from aggregator.workers import Workers

log = logging.getLogger(__name__)

VERSION = version("aggregator")

GRACE = 8.0
"""Seconds for what runs to finish after SIGTERM; with the rest of stopping it stays under 10."""


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
        with contextlib.closing(
            listen(self._config.server.host, self._config.server.port)
        ) as bound:
            async with open_pipeline(self._config, self._state) as pipeline:
                engine = LocalEngine(pipeline, clock)
                server = _Server(create_app(lambda: self._site(engine)))
                serving = asyncio.create_task(server.serve(sockets=[bound]))
                ticks = Ticks((engine.poll_due, engine.enrich_due, engine.publish_due))
                self._listen_to_signals(engine)
                ticks.start()
                log.info("serving %s, state in %s", self._config.server.public_url, self._state)
                notify("READY=1")
                try:
                    await self._stopping.wait()
                finally:
                    notify("STOPPING=1")
                    ticks.stop()
                    server.should_exit = True
                    await engine.close(GRACE)
                    await serving
                    for late in self._reloads:
                        late.cancel()
                    await engine.pipeline.fetcher.close()

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
            try:
                config = self._reload()
            except ConfigError as error:
                log.error("the configuration was not taken, the old one goes on:\n%s", error)
                return
            old = engine.pipeline
            if fixed := _needs_restart(old.config, config):
                log.warning("%s: changed, and taken at the next start only", ", ".join(fixed))
                config = replace(
                    config,
                    server=replace(
                        config.server, host=old.config.server.host, port=old.config.server.port
                    ),
                    store=old.config.store,
                    output=replace(config.output, dir=old.config.output.dir),
                )
            fetcher = old.fetcher
            if config.fetch != old.config.fetch:
                fetcher = Fetcher(config.fetch, VERSION)
            pipeline = replace(old, config=config, fetcher=fetcher)
            try:
                await pipeline.prepare(clock())
            except StoreError as error:
                log.error("the configuration was not taken, the old one goes on: %s", error)
                return
            engine.pipeline = pipeline
            log.info("the configuration was taken")
        if fetcher is not old.fetcher:
            await asyncio.sleep(old.config.fetch.timeout.total_seconds())  # its last requests
            await old.fetcher.close()

    def _site(self, engine: LocalEngine) -> Site:
        pipeline = engine.pipeline
        return Site(
            files=pipeline.files,
            store=pipeline.store,
            title=pipeline.config.output.title,
            public_url=pipeline.config.server.public_url,
            topics=pipeline.config.topics,
            feeds=pipeline.config.feeds,
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
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        raise ListenError(
            f"cannot listen there: {error.strerror or error}",
            f"{host}:{port}",
            "another program may use it; give [server] listen another address",
        ) from error
    bound.setblocking(False)
    return bound


def notify(message: str) -> None:
    """Tells systemd (sd_notify) where it asks to be told."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.sendto(message.encode(), address)


def _needs_restart(old: Config, new: Config) -> list[str]:
    fixed = {
        "[server] listen": (old.server.host, old.server.port) != (new.server.host, new.server.port),
        "[store]": old.store != new.store,
        "[output] dir": old.output.dir != new.output.dir,
    }
    return [key for key, changed in fixed.items() if changed]
