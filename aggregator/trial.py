"""Trying things out before they are relied on: a query on the past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.config import Config
from aggregator.core.model import Article, Reason
from aggregator.core.query import Answer, parse_query
from aggregator.steps import judge_article
from aggregator.store import Store, editions


@dataclass(frozen=True, slots=True)
class Hit:
    article: Article
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """A query tried on the past. For a topic: which articles would join it, and which leave."""

    examined: int
    hits: tuple[Hit, ...]
    topic_id: str = ""
    joined: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def try_query(store: Store, config: Config, query: str, since: datetime) -> Trial:
    """Judges every article published since; `query` may be the id of a topic.

    Raises QueryError and StoreError.
    """
    topic = next((spec for spec in config.topics if spec.id == query), None)
    parsed = parse_query(topic.query if topic else query, config.aliases)
    examined = 0
    hits: list[Hit] = []
    for article in store.scan(since):
        examined += 1
        verdict = judge_article(parsed, article)
        if verdict.answer is Answer.YES:
            hits.append(Hit(article, verdict.reasons))
    if topic is None:
        return Trial(examined, tuple(hits))
    saved = store.read_now(editions.members, topic.id, since)
    found = {hit.article.id for hit in hits}
    return Trial(
        examined, tuple(hits), topic.id, tuple(sorted(found - saved)), tuple(sorted(saved - found))
    )
