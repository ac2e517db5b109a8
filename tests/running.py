"""The program as a person runs it: processes of its own, on a configuration and a state folder."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

SECONDS = 60.0
"""The longest anything is waited for: a machine may be slow."""


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def wait_until(what: str, holds: Callable[[], object], seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.1)


@dataclass
class Installation:
    """A folder with a configuration and a state."""

    folder: Path
    port: int = field(default_factory=free_port)

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def database(self) -> Path:
        return self.state / "aggregator.db"

    def configure(self, text: str) -> None:
        """Takes the configuration without its `listen`."""
        self.config.write_text(f'[server]\nlisten = "127.0.0.1:{self.port}"\n{text}')

    def command(self, *arguments: str) -> list[str]:
        where = ("--config", str(self.config), "--state", str(self.state))
        return [sys.executable, "-m", "aggregator", *where, *arguments]

    def do(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        prefix: tuple[str, ...] = (),
    ) -> subprocess.CompletedProcess[str]:
        """Runs one command to its end."""
        return subprocess.run(
            [*prefix, *self.command(*arguments)],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env={**os.environ, **(env or {})},
            check=False,
        )

    def told(self, *arguments: str) -> Any:
        """The JSON document that a command prints."""
        return json.loads(self.do(*arguments, "--json").stdout)

    @contextmanager
    def daemon(self, env: Mapping[str, str] | None = None) -> Iterator[Daemon]:
        """The daemon, once it serves; ended, if it still runs, when the context ends."""
        with self.starting(env) as daemon:
            wait_until(f"it serves\n{daemon.log}", daemon.serves)
            yield daemon

    @contextmanager
    def starting(self, env: Mapping[str, str] | None = None) -> Iterator[Daemon]:
        process = subprocess.Popen(
            self.command("run"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **(env or {})},
        )
        daemon = Daemon(process, f"http://127.0.0.1:{self.port}")
        try:
            yield daemon
        finally:
            process.kill()
            process.wait()
            daemon.reader.join()


class Daemon:
    """A running `aggregator run`, and what it has logged so far."""

    def __init__(self, process: subprocess.Popen[str], site: str) -> None:
        self.process = process
        self.site = site
        self.lines: list[str] = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as log:
            self.lines.extend(iter(log.readline, ""))

    @property
    def log(self) -> str:
        return "".join(list(self.lines))

    def says(self, text: str, times: int = 1) -> None:
        """Waits for a text in the log."""
        wait_until(f"{text!r} in the log:\n{self.log}", lambda: self.log.count(text) >= times)

    def serves(self) -> bool:
        assert self.process.poll() is None, self.log
        return self.status("/healthz") == 200

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body; status 0 where nobody answers."""
        try:
            with urlopen(self.site + path, timeout=10) as answer:
                return answer.status, answer.read()
        except HTTPError as error:
            return error.code, error.read()
        except OSError:
            return 0, b""

    def status(self, path: str) -> int:
        return self.get(path)[0]

    def titles(self, path: str) -> list[str]:
        """Of the articles in a published JSON feed."""
        status, body = self.get(path)
        return [item["title"] for item in json.loads(body)["items"]] if status == 200 else []

    def reload(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self, seconds: float = 10) -> int:
        """SIGTERM; gives the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=seconds)


@contextmanager
def silent_server() -> Iterator[int]:
    """A port that takes every connection and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(100)
        yield listener.getsockname()[1]
