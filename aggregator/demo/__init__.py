"""The demo: a newsroom on loopback that replays seeds/, and the real daemon on it.

The feeds have the outlets' real addresses; only where they lead to, a map of host
names says ([fetch.resolve]). State is kept apart from a real installation's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from aggregator.config import Config, parse_config
from aggregator.daemon import Daemon, clock, editions_folder, open_pipeline
from aggregator.demo.newsroom import Newsroom, find_seeds, serve
from aggregator.engines.round import CycleReport, Progress, Round
from aggregator.pipeline import edition_path
from aggregator.reports import cycle_report
from aggregator.store import editions

CONFIG = """
[server]
listen = "{listen}"

[output]
title = "聚合演示"

[fetch]
pace = "0s"

[aliases]
"塔利班" = ["塔里班", "Taliban", "طالبان"]

[[topics]]
id = "afghanistan"
title = "阿富汗"
query = "阿富汗 OR 塔利班"
"""


def demo_config(newsroom: Newsroom, origin: str, listen: str) -> Config:
    """The demo's configuration. Raises ConfigError if `listen` is no address."""
    config = parse_config(CONFIG.format(listen=listen), "the demo's configuration")
    resolve = dict.fromkeys(newsroom.hosts, origin)
    return replace(config, feeds=newsroom.feeds, fetch=replace(config.fetch, resolve=resolve))


async def run_once(
    state: Path, listen: str, progress: Progress
) -> tuple[CycleReport, dict[str, object]]:
    """One cycle on the newsroom; gives how it went and the summary."""
    newsroom = Newsroom(find_seeds())
    with serve(newsroom) as origin:
        config = demo_config(newsroom, origin, listen)
        async with open_pipeline(config, state) as pipeline:
            before = await pipeline.store.read(editions.counts)
            report = await Round(pipeline, clock).cycle(progress=progress)
            after = await pipeline.store.read(editions.counts)
    return report, cycle_report(report, before, after, config, editions_folder(config, state))


async def run(state: Path, listen: str, say: Callable[[str], object]) -> None:
    """The daemon on the newsroom, until SIGTERM or Ctrl-C."""
    newsroom = Newsroom(find_seeds())
    with serve(newsroom) as origin:
        config = demo_config(newsroom, origin, listen)
        site = config.server.public_url
        say(f"Open         {site}/")
        for topic in config.topics:
            for suffix in ("atom", "rss", "json"):
                say(f"Subscribe to {site}/{edition_path(topic.id)}.{suffix}")
        say("Ctrl-C ends it.")
        await Daemon(config, lambda: config, state).run()
