"""How rare words are: kept so that a restart, or a transaction that failed, changes nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, func, select, update

from aggregator.store import Store, word_counts
from aggregator.store.group_tables import WORD_COUNTS, WORD_LOG
from aggregator.store.word_counts import Learnt
from tests.store.bureau import Bureau


@pytest.fixture
def bureau(store: Store) -> Bureau:
    return Bureau(store)


def learn(connection: Connection, since: int, until: int) -> Learnt:
    learnt = word_counts.load(connection)
    for at in range(since, until):
        word_counts.append(connection, learnt, ["塔利班", f"词{at % 7}", f"只有{at}"])
    return learnt


def same(one: Learnt, other: Learnt) -> None:
    assert one.counts.state() == other.counts.state()
    assert one.chain == other.chain


def test_of_nothing_nothing_is_learnt(bureau: Bureau) -> None:
    learnt = bureau.read(word_counts.load)
    assert (learnt.counts.learnt, learnt.chain) == (0, 0)
    assert bureau.read(word_counts.newest) == 0


def test_what_was_learnt_is_loaded_as_it_was(bureau: Bureau) -> None:
    learnt = bureau.write(learn, 0, 20)
    same(bureau.read(word_counts.load), learnt)
    assert bureau.read(word_counts.newest) == learnt.chain
    same(bureau.write(learn, 20, 30), bureau.read(word_counts.load))


@pytest.mark.parametrize("articles", [999, 1000, 1001, 2000, 2345])
def test_each_thousand_articles_leave_one_snapshot(bureau: Bureau, articles: int) -> None:
    learnt = bureau.write(learn, 0, articles)
    same(bureau.read(word_counts.load), learnt)
    assert learnt.counts.learnt == articles
    last = articles // 1000 * 1000
    snapshots = select(WORD_COUNTS.c.learnt)
    assert bureau.read(lambda c: c.execute(snapshots).scalars().all()) == [last][:last]
    logged = select(func.min(WORD_LOG.c.learnt), func.max(WORD_LOG.c.learnt))
    # that of the snapshot itself stays, for the chain
    assert bureau.read(lambda c: tuple(c.execute(logged).one())) == (last or 1, articles)


def test_the_chain_tells_what_was_learnt_in_which_order(bureau: Bureau) -> None:
    def chain_of(*articles: list[str]) -> int:
        chains = []

        def try_out(connection: Connection) -> None:
            learnt = word_counts.load(connection)
            for words in articles:
                word_counts.append(connection, learnt, words)
            chains.append(learnt.chain)
            raise KeyError

        with pytest.raises(KeyError):
            bureau.write(try_out)
        return chains[0]

    ways = [(["a"],), (["b"],), (["a"], ["b"]), (["b"], ["a"]), (["a", "b"],), ([],), ([], [])]
    assert len({chain_of(*way) for way in ways}) == len(ways)
    assert chain_of(["a"], ["b"]) == chain_of(["a"], ["b"])
    assert bureau.read(word_counts.newest) == 0


def test_an_article_without_words_counts(bureau: Bureau) -> None:
    def learn_none(connection: Connection) -> Learnt:
        learnt = word_counts.load(connection)
        word_counts.append(connection, learnt, [])
        return learnt

    learnt = bureau.write(learn_none)
    same(bureau.read(word_counts.load), learnt)
    assert learnt.counts.state().articles == 1
    assert learnt.counts.state().seen == {}


def test_a_snapshot_that_cannot_be_read_is_told(bureau: Bureau) -> None:
    bureau.write(learn, 0, 1000)
    bureau.write(lambda c: c.execute(update(WORD_COUNTS).values(state=b"garbage")))
    with pytest.raises(ValueError, match="learn them again"):
        bureau.read(word_counts.load)
