"""What is done once and ends: a cycle, an import, publishing, making articles again.

Each opens the pipeline, works, and gives what a command prints.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from aggregator.config import Config
from aggregator.daemon import clock, editions_folder, open_pipeline
from aggregator.engines.regrouping import forget_old, regroup
from aggregator.engines.round import CycleReport, Progress, Publication, Round
from aggregator.errors import ArchiveError
from aggregator.reports import cycle_report
from aggregator.sources.archives import ArchivedPost, archives_in, read_archive
from aggregator.store import editions, regrouping


async def cycle(
    config: Config, state: Path, feed_ids: Collection[str], progress: Progress
) -> tuple[CycleReport, dict[str, object]]:
    """One round of the feeds (all if none is named): how it went, and the summary.

    Raises StoreError and OutputError.
    """
    async with open_pipeline(config, state) as pipeline:
        before = await pipeline.store.read(editions.counts)
        report = await Round(pipeline, clock).cycle(feed_ids, progress)
        await regroup(pipeline, clock, progress)  # if a `reprocess` was cut off
        await forget_old(pipeline.store, clock())
        after = await pipeline.store.read(editions.counts)
    return report, cycle_report(report, before, after, config, editions_folder(config, state))


async def import_archives(
    config: Config, state: Path, paths: Sequence[Path], progress: Progress
) -> tuple[dict[str, object], Sequence[str]]:
    """Takes the archives at the paths in; gives how many, and the problems in words.

    Raises StoreError and OutputError.
    """
    posts: list[ArchivedPost] = []
    problems: list[str] = []
    for path in archives_in(paths):
        try:
            posts.append(read_archive(path))
        except ArchiveError as error:
            problems.append(str(error))
    async with open_pipeline(config, state) as pipeline:
        decision = await pipeline.take_in(posts, clock())
        engine = Round(pipeline, clock)
        await engine.enrich_all(progress)
        problems += (await engine.publish_all(progress)).problems
        counts = await pipeline.store.read(editions.counts)
    result: dict[str, object] = {
        "read": len(posts),
        "new": len(decision.new),
        "revised": len(decision.revised),
        "known": decision.known,
        "articles": counts.articles,
        "problems": problems,
    }
    return result, problems


async def publish(config: Config, state: Path, progress: Progress) -> Publication:
    """Writes every edition that differs from its files. Raises StoreError and OutputError."""
    async with open_pipeline(config, state) as pipeline:
        return await Round(pipeline, clock).publish_all(progress)


async def reprocess(
    config: Config, state: Path, feed_id: str, topic_id: str, progress: Progress
) -> tuple[int, tuple[str, ...]]:
    """Makes the articles (of a feed, in a topic) again, and where it is all of them groups them
    anew in the order in which they came; gives their number, and the problems.

    Raises StoreError and OutputError.
    """
    async with open_pipeline(config, state) as pipeline:
        number = await pipeline.store.write(editions.reprocess, clock(), feed_id, topic_id)
        engine = Round(pipeline, clock)
        await engine.enrich_all(progress)
        if not (feed_id or topic_id):  # the order in which they came is that of all
            await pipeline.store.write(regrouping.begin)
        await regroup(pipeline, clock, progress)
        await engine.enrich_all(progress)
        published = await engine.publish_all(progress)
    return number, published.problems
