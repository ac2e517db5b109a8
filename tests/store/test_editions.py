"""Editions: what is in each, in which order, and which are to be published again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.core.model import BodyHistory
from aggregator.store import Store, editions, polls
from tests.store.making import FEEDX, GUANCHA, HOUR, NOW, Newsroom, composed, entry


def published(room: Newsroom, name: str, *topics: str, hours_ago: int = 0) -> str:
    """Polls and makes an article; gives its id."""
    one = entry(name)
    room.poll(one)
    at = NOW - hours_ago * HOUR
    room.make(replace(composed(one, topics=topics), published=at))
    return one.article_id


def test_a_new_topic_has_every_article_made_again(room: Newsroom) -> None:
    published(room, "a")
    assert room.define("kabul", now=NOW + HOUR) == frozenset()
    assert len(room.pending(NOW + HOUR)) == 1
    assert room.publish_all().keys() == {"all", "kabul"}


def test_an_unchanged_topic_asks_for_nothing(room: Newsroom) -> None:
    room.define("kabul")
    published(room, "a", "kabul")
    room.publish_all()
    room.define("kabul", now=NOW + HOUR)
    assert room.pending(NOW + HOUR) == ()
    assert room.publish_all() == {}


def test_a_topic_made_by_something_else_has_every_article_made_again(room: Newsroom) -> None:
    room.define("kabul", "doha")
    published(room, "a", "kabul")
    room.publish_all()
    definitions = {editions.ALL: "", "kabul": "2", "doha": "1"}
    room.write(editions.sync_editions, definitions, NOW + HOUR)
    assert len(room.pending(NOW + HOUR)) == 1
    assert room.publish_all().keys() == {"kabul"}
    assert len(room.store.articles("kabul", 10)) == 1, "until it is made again"


def test_a_removed_topic_is_gone_with_its_matches(room: Newsroom) -> None:
    room.define("kabul", "doha")
    article_id = published(room, "a", "kabul", "doha")
    assert room.define("doha") == {"kabul"}
    assert [match.topic_id for match in room.store.matches(article_id)] == ["doha"]
    assert room.store.counts().topics == {"doha": 1}
    assert room.pending(NOW + HOUR) == ()
    assert room.define("doha") == frozenset()


def test_an_edition_that_changed_while_it_was_published_is_published_again(room: Newsroom) -> None:
    room.define("kabul")
    room.publish_all()
    published(room, "a", "kabul")
    before = room.read(editions.unpublished)["kabul"]
    published(room, "b", "kabul")  # after the edition was gathered
    room.write(editions.record_published, "kabul", before)
    after = room.read(editions.unpublished)["kabul"]
    assert after > before
    room.write(editions.record_published, "kabul", after)
    assert "kabul" not in room.read(editions.unpublished)


STEPS = st.lists(st.sampled_from(["touch", "gather", "record"]), max_size=30)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(STEPS)
def test_however_publishing_interleaves_no_change_is_lost(store: Store, steps: list[str]) -> None:
    room = Newsroom(store)
    room.define()
    room.publish_all()
    changes = shown = 0  # what changed, and what of that the last written edition shows
    gathered: list[tuple[int, int]] = []
    for step in steps:
        if step == "touch":
            room.write(editions.touch, [editions.ALL])
            changes += 1
        elif step == "gather" and (waiting := room.read(editions.unpublished)):
            gathered.append((waiting[editions.ALL], changes))
        elif step == "record" and gathered:
            count, shown = gathered.pop(0)
            room.write(editions.record_published, editions.ALL, count)
        if shown != changes:
            assert editions.ALL in room.read(editions.unpublished)


def test_articles_come_newest_first_and_no_more_than_asked_for(room: Newsroom) -> None:
    room.define("kabul")
    ids = [published(room, str(n), "kabul", hours_ago=n) for n in (3, 1, 2)]
    newest_first = [ids[1], ids[2], ids[0]]
    for topic in (None, "kabul"):
        assert [a.id for a in room.store.articles(topic, 10)] == newest_first
        assert [a.id for a in room.store.articles(topic, 2)] == newest_first[:2]
    assert room.store.articles("doha", 10) == ()


def test_articles_of_one_moment_always_come_in_one_order(room: Newsroom) -> None:
    room.define("kabul")
    ids = [published(room, str(n), "kabul") for n in range(9)]
    for topic in (None, "kabul"):
        assert [a.id for a in room.store.articles(topic, 10)] == sorted(ids)


def test_a_scan_gives_every_article_since_newest_first(room: Newsroom) -> None:
    entries = [entry(str(n)) for n in range(450)]
    room.poll(*entries)
    at = {e.article_id: NOW - timedelta(minutes=n) for n, e in enumerate(entries)}
    for e in entries:
        room.make(replace(composed(e), published=at[e.article_id]))
    since = NOW - timedelta(minutes=429)
    scanned = list(room.store.scan(since))
    assert [article.id for article in scanned] == list(at)[:430]
    assert all(len(article.entries) == 1 for article in scanned)


def test_an_abandoned_scan_gives_its_connection_back(room: Newsroom) -> None:
    published(room, "a")
    for _ in range(20):
        next(room.store.scan(NOW - HOUR))
    assert room.store.counts().articles == 1


def test_members_are_the_articles_of_a_topic_since(room: Newsroom) -> None:
    room.define("kabul")
    new = published(room, "new", "kabul", hours_ago=1)
    published(room, "old", "kabul", hours_ago=9)
    published(room, "other", hours_ago=1)
    assert room.read(editions.members, "kabul", NOW - 2 * HOUR) == {new}


def test_a_feeds_articles_come_newest_first_each_once_and_no_others(room: Newsroom) -> None:
    ids = []
    for hours in (3, 1, 2):
        one = replace(entry(f"h{hours}"), published=NOW - hours * HOUR)
        room.poll(one)
        room.make(replace(composed(one), published=one.published))
        ids.append(one.article_id)
    again = replace(entry("again", url=entry("h2").url), published=NOW)
    room.poll(again, replace(entry("h2"), published=NOW - 2 * HOUR))
    other = entry("c", feed="guancha")
    room.poll(other, spec=GUANCHA)
    room.make(composed(other))
    room.poll(replace(entry("not yet made"), published=NOW))

    found = room.read(editions.articles_of_feed, "feedx", 10)
    assert [article.id for article in found] == [ids[1], ids[2], ids[0]]
    assert [len(article.entries) for article in found] == [1, 2, 1]
    two = room.read(editions.articles_of_feed, "feedx", 2)
    assert [article.id for article in two] == [ids[1], ids[2]]
    assert room.read(editions.articles_of_feed, "feedx", 0) == ()
    assert room.read(editions.articles_of_feed, "nobody", 10) == ()


def test_a_feeds_bodies_are_remembered_by_what_their_pages_showed(room: Newsroom) -> None:
    one, two = entry("a"), entry("b")
    room.poll(one, two)
    room.make(replace(composed(one), compared=(("feedx", True),)))
    room.make(replace(composed(two), compared=(("feedx", False),)))
    assert room.read(editions.body_history, "feedx") == BodyHistory(whole=1, cut=1)
    assert room.read(editions.body_history, "nobody") == BodyHistory()


def test_one_feeds_state_is_what_the_list_of_all_says(room: Newsroom) -> None:
    room.poll(entry("a"), entry("b"))
    for state in room.store.feed_states():
        assert room.read(editions.feed_state, state.feed_id) == state
    assert room.read(editions.feed_state, "nobody") is None
    room.write(polls.sync_feeds, (GUANCHA,), NOW)
    assert room.read(editions.feed_state, FEEDX.id) is None, "no longer configured"


def test_reprocessing_can_be_of_a_feed_or_of_a_topic(room: Newsroom) -> None:
    room.define("kabul")
    published(room, "a", "kabul")
    published(room, "b")
    other = entry("c", feed="guancha")
    room.poll(other, spec=GUANCHA)
    room.make(composed(other))

    assert room.write(editions.reprocess, NOW, topic_id="kabul") == 1
    assert [m.entries[0].key for m in room.pending()] == ["a"]
    assert room.write(editions.reprocess, NOW, feed_id="guancha") == 1
    assert room.write(editions.reprocess, NOW, feed_id="guancha", topic_id="kabul") == 0
    assert room.write(editions.reprocess, NOW) == 3


def test_the_store_counts_what_is_in_it(room: Newsroom) -> None:
    room.define("kabul", "doha")
    published(room, "a", "kabul", "doha")
    published(room, "b", "kabul")
    room.poll(entry("a"), entry("c"), entry("d", url=entry("a").url))
    counts = room.store.counts()
    assert (counts.entries, counts.articles, counts.duplicates) == (4, 2, 1)
    assert counts.pending == 2
    assert counts.topics == {"kabul": 2, "doha": 1}
    assert [(s.feed_id, s.entries) for s in room.store.feed_states()] == [
        (FEEDX.id, 4),
        (GUANCHA.id, 0),
    ]


def test_an_empty_store_counts_nothing(store: Store) -> None:
    counts = store.counts()
    assert (counts.entries, counts.articles, counts.duplicates, counts.pending) == (0, 0, 0, 0)
    assert counts.topics == {}


def test_probing_changes_nothing(room: Newsroom) -> None:
    room.define("kabul")
    before = room.read(editions.unpublished)
    room.write(editions.probe)
    assert room.read(editions.unpublished) == before


def test_an_unknown_article_is_none(room: Newsroom) -> None:
    assert room.store.article("nothing") is None
    assert room.store.matches("nothing") == ()
