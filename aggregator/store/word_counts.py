"""How rare words are, as it was learnt: a snapshot each 1,000 articles, and the words since then.

The same rows always give the same counts. What is learnt already is known by its `chain`, a digest
of all words in their order: a process whose own is another one (as a transaction failed, or another
process learnt more) loads anew.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from hashlib import blake2b

from sqlalchemy import Connection, bindparam, delete, insert, select

from aggregator.core.story_counts import CountsState, WordCounts
from aggregator.store.group_tables import WORD_COUNTS, WORD_LOG
from aggregator.store.statements import Statement

SNAPSHOT_EVERY = 1000

_NEWEST = Statement("SELECT chain FROM word_log ORDER BY learnt DESC LIMIT 1")
_SNAPSHOT = select(WORD_COUNTS.c.state).order_by(WORD_COUNTS.c.learnt.desc()).limit(1)
_SINCE = (
    select(WORD_LOG.c.chain, WORD_LOG.c.words, WORD_LOG.c.learnt)
    .where(WORD_LOG.c.learnt >= bindparam("since"))
    .order_by(WORD_LOG.c.learnt)
)
_LOG = Statement("INSERT INTO word_log (learnt, chain, words) VALUES (:learnt, :chain, :words)")
_KEEP = insert(WORD_COUNTS)
_OLDER_STATES = delete(WORD_COUNTS).where(WORD_COUNTS.c.learnt < bindparam("before"))
_OLDER_WORDS = delete(WORD_LOG).where(WORD_LOG.c.learnt < bindparam("before"))


@dataclass(slots=True)
class Learnt:
    """The counts in memory, and what they were learnt from."""

    counts: WordCounts
    chain: int


def newest(connection: Connection) -> int:
    """The chain of what the store has learnt; 0 for nothing."""
    return _NEWEST.run(connection, {}).scalar() or 0


def load(connection: Connection) -> Learnt:
    """Raises ValueError for a snapshot that cannot be read."""
    state = connection.execute(_SNAPSHOT).scalar()
    counts = WordCounts(CountsState.from_bytes(state)) if state is not None else WordCounts()
    since = counts.learnt
    rows = connection.execute(_SINCE, {"since": since}).all()
    for row in rows:
        if row.learnt > since:  # that of the snapshot itself stands for the chain alone
            counts.learn(_split(row.words))
    return Learnt(counts, rows[-1].chain if rows else 0)


def append(connection: Connection, learnt: Learnt, words: Collection[str]) -> None:
    """One more article, by its words: in the store, and then in `learnt`."""
    joined = "\n".join(words)
    chain = _chain(learnt.chain, joined)
    number = learnt.counts.learnt + 1
    _LOG.run(connection, {"learnt": number, "chain": chain, "words": joined})
    learnt.counts.learn(words)
    learnt.chain = chain
    if number % SNAPSHOT_EVERY == 0:
        state = learnt.counts.state().to_bytes()
        connection.execute(_KEEP, {"learnt": number, "state": state})
        connection.execute(_OLDER_STATES, {"before": number})
        connection.execute(_OLDER_WORDS, {"before": number})


def _chain(before: int, words: str) -> int:
    digest = blake2b(words.encode(), digest_size=8, key=before.to_bytes(8, "big", signed=True))
    # 0 is nothing
    return int.from_bytes(digest.digest(), "big", signed=True) or 1


def _split(words: str) -> list[str]:
    return words.split("\n") if words else []
