"""What slow hosts cost the fast ones: 500 fast feeds alone, and the same beside 500 that drip.

    python -m bench.fairness [--feeds 500] [--rounds 3] [--json]

The daemon's engine, with its ticks and default limits, polls feeds that were never polled, until
every fast one is stored. The slow hosts answer at once and then send a byte a second. Each run is
a process of its own on an empty folder, alone and beside in turns; the ratio of the medians is
what counts, and 1.2 is what it may be.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection, select

from aggregator.config import Config, parse_config
from aggregator.daemon import clock, open_pipeline
from aggregator.engines.local import LocalEngine
from aggregator.schedule import Ticks
from aggregator.store.tables import FEEDS
from bench.publisher import feed_url

AT_MOST = 1.2
ITEMS = 5
LOOK_EVERY_S = 0.05
GIVE_UP_S = 300.0

DRIP_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nContent-Length: 100000\r\n\r\n"
)


def slow_url(number: int, port: int) -> str:
    """A host of its own for each, in 127.200.0.0/16."""
    return f"http://127.200.{number // 250}.{1 + number % 250}:{port}/feed.xml"


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers a request a byte a second, until the client has had enough."""
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(DRIP_HEAD)
        while not reader.at_eof():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(1)
    writer.close()


def config(fast: list[str], slow: list[str]) -> Config:
    """Fast and slow take turns, as far as there are both."""
    lines = ['[fetch]\nallow_private = ["127.0.0.0/8"]\n']
    for number, url in enumerate(fast):
        lines.append(f'[[feeds]]\nid = "fast{number}"\nurl = "{url}"\n')
        if number < len(slow):
            lines.append(f'[[feeds]]\nid = "slow{number}"\nurl = "{slow[number]}"\n')
    return parse_config("".join(lines), "the benchmark's configuration")


def fast_statuses(connection: Connection) -> set[str]:
    """How the fast feeds' last polls ended, "" where there was none yet."""
    chosen = select(FEEDS.c.last_status).where(FEEDS.c.id.startswith("fast")).distinct()
    return set(connection.execute(chosen).scalars())


async def polled(fast: list[str], slow: list[str], folder: Path) -> float:
    """Seconds from the first tick until every fast feed is stored."""
    async with open_pipeline(config(fast, slow), folder) as pipeline:
        engine = LocalEngine(pipeline, clock)
        ticks = Ticks((engine.poll_due,))
        began = time.monotonic()
        await engine.poll_due()
        ticks.start()
        try:
            while time.monotonic() - began < GIVE_UP_S:
                status = await pipeline.store.read(fast_statuses)
                if "" not in status:
                    if status != {"new"}:
                        raise SystemExit(f"not all fast feeds could be polled: {status}")
                    return time.monotonic() - began
                await asyncio.sleep(LOOK_EVERY_S)
            raise SystemExit(f"not all fast feeds were polled within {GIVE_UP_S:g} s")
        finally:
            ticks.stop()
            await engine.close(0)


async def one_run(feeds: int, port: int, slow: int) -> float:
    server = await asyncio.start_server(drip, "0.0.0.0", 0, backlog=4096)
    slow_port = server.sockets[0].getsockname()[1]
    fast_urls = [feed_url(number, port) for number in range(feeds)]
    slow_urls = [slow_url(number, slow_port) for number in range(slow)]
    with tempfile.TemporaryDirectory() as folder:
        seconds = await polled(fast_urls, slow_urls, Path(folder))
    server.close()
    return seconds


def measured(feeds: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of each run, alone and beside the slow ones."""
    publisher = subprocess.Popen(
        [sys.executable, "-m", "bench.publisher", "--feeds", str(feeds), "--items", str(ITEMS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert publisher.stdin
    assert publisher.stdout
    try:
        port = json.loads(publisher.stdout.readline())["port"]
        found: dict[str, list[float]] = {"alone": [], "beside": []}
        for number in range(rounds):
            # in turns, and each as often first
            order = (("alone", 0), ("beside", feeds))
            for name, slow in order if number % 2 == 0 else order[::-1]:
                run = [sys.executable, "-m", "bench.fairness", "--feeds", str(feeds)]
                run += ["--port", str(port), "--slow", str(slow)]
                done = subprocess.run(run, check=True, stdout=subprocess.PIPE)
                found[name].append(float(done.stdout))
        return found
    finally:
        publisher.stdin.close()
        publisher.wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.fairness", description=__doc__)
    parser.add_argument("--feeds", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--slow", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.port:
        print(asyncio.run(one_run(options.feeds, options.port, options.slow)))
        return 0
    found = measured(options.feeds, options.rounds)
    medians = {name: statistics.median(seconds) for name, seconds in found.items()}
    ratio = medians["beside"] / medians["alone"]
    if options.json:
        print(json.dumps({"seconds": found, "medians": medians, "ratio": ratio}))
    else:
        for name, seconds in found.items():
            print(f"{name:8}{medians[name]:6.2f} s   of {', '.join(f'{s:.2f}' for s in seconds)}")
        print(f"ratio   {ratio:6.2f}     at most {AT_MOST}")
    return ratio > AT_MOST


if __name__ == "__main__":
    sys.exit(main())
