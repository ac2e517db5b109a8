"""What a person rules, carried out: one transaction, then what it owes is made and published.

Each opens the pipeline, works, and ends; a daemon on the same store may run meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from aggregator import ruled_stories
from aggregator.config import Config
from aggregator.daemon import clock, open_pipeline
from aggregator.engines.round import Progress, Round
from aggregator.settling import Settler
from aggregator.store import Connection, splitting

T = TypeVar("T")
Rule = Callable[[Connection, Settler, datetime], T]


async def carry_out(
    config: Config, state: Path, rule: Rule[T], progress: Progress
) -> tuple[T, tuple[str, ...]]:
    """Gives what `rule` gives, and the problems of publishing.

    Raises RulingError, StoreError and OutputError.
    """
    async with open_pipeline(config, state) as pipeline:
        done = await pipeline.store.write(rule, pipeline.settler, clock())
        one_round = Round(pipeline, clock)
        await one_round.enrich_all(progress)
        published = await one_round.publish_all(progress)
    return done, published.problems


def split_article(article_id: str, entries: Sequence[tuple[str, str]]) -> Rule[str]:
    """Gives the id of the new article."""

    def rule(connection: Connection, _settler: Settler, now: datetime) -> str:
        return splitting.split(connection, article_id, entries, now)

    return rule


def merge_articles(kept: str, others: Sequence[str]) -> Rule[str]:
    """Gives the id of the article that all are part of."""

    def rule(connection: Connection, settler: Settler, now: datetime) -> str:
        for gone in others:
            settler.merge(connection, kept, gone, now)
        return kept

    return rule


def split_story(story_id: str, articles: Sequence[str]) -> Rule[str]:
    """Gives the id of the story."""

    def rule(connection: Connection, settler: Settler, now: datetime) -> str:
        ruled_stories.split(connection, settler, story_id, articles, now)
        return story_id

    return rule


def merge_stories(kept: str, gone: str) -> Rule[str]:
    """Gives the id of the story that both are."""

    def rule(connection: Connection, settler: Settler, now: datetime) -> str:
        return ruled_stories.merge(connection, settler, kept, gone, now)

    return rule
