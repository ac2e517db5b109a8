"""`aggregator run` at a multiple of real speed, on a configuration and state folder of its own."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.manners.publisher import Clock, moment

LIBRARIES = ("libfaketimeMT.so.1", "libfaketime.so.1")
FOLDERS = ("/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime")
STOP_S = 20.0


def library() -> Path:
    """libfaketime as Debian installs it. Raises FileNotFoundError."""
    for folder in FOLDERS:
        for name in LIBRARIES:
            if (path := Path(folder, name)).exists():
                return path
    raise FileNotFoundError("libfaketime is not installed: Debian's package `faketime` has it")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@dataclass
class Daemon:
    """`clock` None: at real speed and date. `env` is added to the environment; `source` is the
    folder that has the package."""

    folder: Path
    clock: Clock | None
    env: Mapping[str, str] = field(default_factory=dict)
    source: Path = Path(__file__).parents[2]
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        """Takes a copy of the program, so that what is edited during the run does not matter."""
        copy = self.folder / "program"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(
            self.source / "aggregator",
            copy / "aggregator",
            ignore=shutil.ignore_patterns("__pycache__"),
        )

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def configure(self, text: str) -> None:
        """Takes the configuration without `[server]`."""
        server = (
            f'[server]\nlisten = "127.0.0.1:{self.port}"\npublic_url = "http://reader.test"\n\n'
        )
        self.config.write_text(server + text)

    def start(self) -> None:
        env = {**self._environment(), "TZ": "UTC"}
        if self.clock is not None:
            now = moment(self.clock.seconds())
            env |= {
                "LD_PRELOAD": str(library()),
                "FAKETIME": f"@{now:%Y-%m-%d %H:%M:%S} x{self.clock.speed:g}",
            }
        program = self.folder / "program"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self._command(), "-v", "run"],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=program,
            )

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self.env, "PYTHONPATH": str(self.folder / "program")}

    def _command(self) -> list[str]:
        state = str(self.folder.absolute() / "state")
        where = ["--config", str(self.config.absolute()), "--state", state]
        return [sys.executable, "-m", "aggregator", *where]

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        if self.process is not None and self.alive():
            self.process.send_signal(number)

    async def stop(self) -> int | None:
        """SIGTERM, and SIGKILL if that does not do; gives the exit status."""
        if self.process is None:
            return None
        self.send(signal.SIGTERM)
        try:
            return await asyncio.to_thread(self.process.wait, STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return await asyncio.to_thread(self.process.wait)

    async def told(self, *arguments: str) -> str:
        """What a command of the program prints, at real speed."""
        process = await asyncio.create_subprocess_exec(
            *(*self._command(), *arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._environment(),
            cwd=self.folder / "program",
        )
        out, error = await process.communicate()
        return out.decode() or error.decode()

    async def articles(self) -> list[dict[str, Any]]:
        """Everything in the archive."""
        lines = (await self.told("export", "jsonl")).splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    async def feeds(self) -> dict[str, dict[str, Any]]:
        """The health of each feed, by its id."""
        told = json.loads(await self.told("feeds", "--json"))
        rows = told["feeds"] if isinstance(told, dict) else told
        return {row["feed_id"]: row for row in rows}
