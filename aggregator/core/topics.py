"""Topics: which of them take a document, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aggregator.core.model import Match, TopicSpec
from aggregator.core.query import Answer, Document, Query, parse_query
from aggregator.errors import QueryError


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic whose query has been read."""

    id: str
    query: Query


def compile_topics(
    specs: tuple[TopicSpec, ...], aliases: tuple[tuple[str, tuple[str, ...]], ...]
) -> tuple[Topic, ...]:
    """Read the queries of the topics, with aliases as pairs of a name and its other spellings.

    Raises QueryError, naming the topic, for the first query that cannot be read.
    """
    spellings = dict(aliases)
    return tuple(Topic(spec.id, _read(spec, spellings)) for spec in specs)


def _read(spec: TopicSpec, aliases: dict[str, tuple[str, ...]]) -> Query:
    try:
        return parse_query(spec.query, aliases)
    except QueryError as error:
        what = f"topic {spec.id}: {error.what}"
        raise QueryError(what, error.text, error.column, error.hint) from None


def match_topics(topics: Iterable[Topic], document: Document) -> tuple[Match, ...]:
    """The topics that take the document, with their reasons, in the order of `topics`.

    A topic whose query is still unknown for a partial document is not among them.
    """
    verdicts = ((topic.id, topic.query.judge(document)) for topic in topics)
    return tuple(
        Match(topic_id, verdict.reasons)
        for topic_id, verdict in verdicts
        if verdict.answer is Answer.YES
    )
