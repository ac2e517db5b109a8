"""The contestants, each run in a process of its own on an empty folder.

    python -m bench.contestants NAME --port 8000 --feeds 1000 --folder DIR

gets ready (imports, opens its database, takes the list of feeds) and prints an empty
JSON object. Each line on its standard input then is one cycle over all feeds,
answered with how long it took and what is in the database. `--profile` adds where the
CPU time of this process went, part by part.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from pathlib import Path

from bench.publisher import feed_url
from bench.sampling import Sampler

Counts = dict[str, int]
Cycle = Callable[[], Awaitable[Counts]]
Contestant = Callable[[list[str], Path], AbstractAsyncContextManager[Cycle]]
"""Takes the feeds' URLs and an empty folder; gets ready, and gives what does one cycle over all
feeds. That gives the numbers of entries and of failed feeds, and of what else there is."""

CONTESTANTS = ("ours, polling", "ours, everything", "reader, 1 worker", "reader, 10 workers")


def contestant(name: str) -> Contestant:
    """One of CONTESTANTS. Only what it needs is imported, and not by the worker processes of ours,
    which import this module anew because it is the main one.
    """
    if name.startswith("ours"):
        from bench import ours

        return ours.everything if name == "ours, everything" else ours.polling
    from bench import peer

    return partial(peer.polling, workers=1 if name == "reader, 1 worker" else 10)


async def run(name: str, urls: list[str], folder: Path, profile: bool) -> None:
    async with contestant(name)(urls, folder) as cycle:
        print("{}", flush=True)
        while sys.stdin.readline():
            with Sampler() if profile else nullcontext() as sampler:
                began = time.perf_counter()
                counts = await cycle()
                seconds = time.perf_counter() - began
            parts = sampler.parts() if sampler else []
            print(json.dumps({"seconds": seconds, "counts": counts, "parts": parts}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.contestants", description=__doc__)
    parser.add_argument("name", choices=CONTESTANTS)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--feeds", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL)  # what fails is counted
    urls = [feed_url(number, options.port) for number in range(options.feeds)]
    asyncio.run(run(options.name, urls, options.folder, options.profile))


if __name__ == "__main__":
    main()
