"""Retention: what is older than articles are kept goes, and what went does not come back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from aggregator.core.composed import Composed
from aggregator.core.model import Decision, Entry, Extracted
from aggregator.engines.removal import remove_old
from aggregator.store import editions, materials, polls, quarantine, retention
from aggregator.store import subscriptions as hubs
from aggregator.store.tables import (
    ARTICLES,
    ENTRIES,
    EXTRACTS,
    MATCHES,
    QUARANTINE,
    REVISIONS,
)
from tests.store.making import FEEDX, GUANCHA, HOUR, NOW, Newsroom, composed, entry

KEEP = timedelta(days=90)
LATER = NOW + KEEP + HOUR
"""When what was first seen NOW is too old."""

SECRET = "塔利班攻占喀布尔"
"""Stands in whatever an article had."""

OLD = replace(entry("old", f"{SECRET}正文"), title=SECRET, summary=SECRET, author=SECRET)


def swept(room: Newsroom, now: Any = LATER, keep: timedelta = KEEP) -> int:
    return asyncio.run(remove_old(room.store, keep, now))


def all_of(room: Newsroom, table: Any) -> list[dict[str, Any]]:
    return room.read(lambda c: [dict(row._mapping) for row in c.execute(select(table))])


def row_of(room: Newsroom, article_id: str) -> dict[str, Any]:
    [row] = [row for row in all_of(room, ARTICLES) if row["id"] == article_id]
    return row


def made(one: Entry, *topics: str) -> Composed:
    """Of the same text as any other made here."""
    return replace(composed(one, f"<p>{SECRET * 30}</p>", topics=topics), author=SECRET)


@pytest.fixture
def full(room: Newsroom) -> Newsroom:
    """An article with all that can be known of one, another merged into it, and a new one."""
    room.define("kabul")
    twin, new = entry("twin", SECRET, feed="guancha", title=SECRET), entry("new", now=LATER)
    room.poll(OLD)
    page = Extracted("https://example.org/old", SECRET, SECRET, NOW, SECRET, "", "zh")
    room.make(replace(made(OLD, "kabul"), extracted=page))
    room.make(made(replace(OLD, title=f"{SECRET}，改了"), "kabul"))
    room.write(
        quarantine.record, quarantine.Failure("page-1", "feedx", OLD.article_id, SECRET, ""), NOW
    )
    room.poll(twin, spec=GUANCHA)
    assert room.make(made(twin, "kabul")) == "merged"
    room.make(made(OLD, "kabul"))
    room.poll(new, now=LATER)
    room.make(composed(new, topics=["kabul"]), LATER)
    assert not room.pending(LATER)
    room.publish_all()
    return room


# --- what goes ---------------------------------------------------------------------------------


def test_what_is_older_than_it_is_kept_leaves_nothing_but_its_tombstone(full: Newsroom) -> None:
    assert swept(full) == 1
    tables = (ARTICLES, ENTRIES, EXTRACTS, REVISIONS, MATCHES, QUARANTINE)
    everything = {table.name: all_of(full, table) for table in tables}
    assert SECRET not in repr(everything)
    assert not everything["extracts"]
    assert not everything["revisions"]
    assert not everything["quarantine"]
    assert [row["article_id"] for row in everything["matches"]] == [entry("new").article_id]
    tombstone = row_of(full, OLD.article_id)
    assert (tombstone["state"], tombstone["enrich_at"]) == ("removed", None)
    assert (tombstone["url"], tombstone["first_seen"]) == (OLD.url, NOW)
    assert tombstone["published"] == OLD.published
    kept = {
        (row["feed_id"], row["key"]): (row["digest"], row["article_id"], row["url"])
        for row in everything["entries"]
    }
    assert kept["feedx", "old"] == (OLD.digest, OLD.article_id, OLD.url)
    assert kept["guancha", "twin"][1:] == (OLD.article_id, entry("twin").url)
    merged = row_of(full, entry("twin").article_id)
    assert (merged["state"], merged["merged_into"]) == ("merged", OLD.article_id)


def test_what_is_new_stays_as_it_was(full: Newsroom) -> None:
    new = entry("new").article_id
    before = (full.store.article(new), full.store.matches(new))
    swept(full)
    assert (full.store.article(new), full.store.matches(new)) == before


def test_what_is_just_not_old_enough_stays(room: Newsroom) -> None:
    room.poll(OLD)
    room.make(made(OLD))
    assert swept(room, NOW + KEEP) == 0
    assert swept(room, NOW + KEEP + timedelta(microseconds=1)) == 1


def test_an_article_that_still_gets_entries_stays_until_they_are_old(room: Newsroom) -> None:
    room.poll(OLD)
    again = replace(entry("again", feed="guancha", url=OLD.url), first_seen=NOW + 30 * HOUR)
    room.poll(again, spec=GUANCHA, now=again.first_seen)
    room.make(made(OLD), again.first_seen)
    assert swept(room, LATER) == 0
    assert room.store.article(OLD.article_id)
    assert swept(room, LATER + 30 * HOUR) == 1


def test_what_was_dropped_or_never_made_goes_as_well(room: Newsroom) -> None:
    unmade = entry("unmade", SECRET)
    room.poll(OLD, unmade)
    room.make(replace(made(OLD), wanted=False))
    assert swept(room) == 2
    assert SECRET not in repr(all_of(room, ENTRIES))
    assert not room.pending(LATER)


def test_what_is_about_to_be_made_is_made_first(room: Newsroom) -> None:
    room.poll(OLD)
    room.make(made(OLD))
    room.write(editions.reprocess, LATER - HOUR)
    assert swept(room) == 0
    [material] = room.pending(LATER)
    assert material.entries[0].title == SECRET
    room.make(made(OLD), LATER)
    assert swept(room) == 1


def test_what_waits_for_a_day_to_be_made_waits_no_longer(room: Newsroom) -> None:
    room.poll(OLD)
    room.make(made(OLD))
    room.write(editions.reprocess, LATER)
    assert swept(room, LATER + timedelta(days=1)) == 0
    assert swept(room, LATER + timedelta(days=1, seconds=1)) == 1


def test_an_archives_old_posts_are_kept_from_when_they_came(room: Newsroom) -> None:
    post = replace(OLD, published=NOW - timedelta(days=7000))
    room.write(polls.record_entries, "archive", [replace(post, feed_id="archive")], NOW)
    room.make(made(post))
    assert swept(room, NOW + HOUR) == 0
    assert swept(room) == 1


@pytest.mark.parametrize("apart", [timedelta(0), timedelta(minutes=1)])
def test_those_of_one_moment_or_many_and_of_more_than_one_batch_all_go(
    room: Newsroom, caplog: pytest.LogCaptureFixture, apart: timedelta
) -> None:
    number = retention.TOGETHER + 7
    old = [replace(entry(str(n)), published=NOW - 9 * HOUR + n * apart) for n in range(number)]
    young = [entry(f"new {n}", now=LATER) for n in range(5)]
    room.poll(*old, *young)
    with caplog.at_level(logging.INFO):
        assert swept(room) == number
    states = [row["state"] for row in all_of(room, ARTICLES)]
    assert (states.count("removed"), states.count("pending")) == (number, 5)
    [line] = [r.getMessage() for r in caplog.records if "removed" in r.getMessage()]
    assert line == f"{number} articles first seen before 2021-11-24 13:00 were removed"
    assert swept(room) == 0


def test_looking_examines_a_bounded_number_and_goes_on_from_there(room: Newsroom) -> None:
    young = [entry(f"young {n}", now=LATER) for n in range(retention.VISITED)]
    room.write(polls.record_entries, "feedx", [*young, OLD], LATER)
    place: retention.Place | None = retention.Place(state=2)
    found: list[Sequence[str]] = []
    while place is not None:
        look = room.read(retention.look, place, LATER - KEEP)
        found.append(look.ids)
        place = look.then
    assert len(found) == 2
    assert [article for ids in found for article in ids] == [OLD.article_id]


def test_what_ends_it_between_batches_loses_nothing(room: Newsroom) -> None:
    number = retention.TOGETHER + 1
    room.poll(*(entry(str(n)) for n in range(number)))

    def gone() -> int:
        return [row["state"] for row in all_of(room, ARTICLES)].count("removed")

    removed = asyncio.run(remove_old(room.store, KEEP, LATER, lambda: gone() > 0))
    assert removed == gone() == retention.TOGETHER
    assert swept(room) == 1


# --- where it was ------------------------------------------------------------------------------


def test_the_editions_it_was_in_are_published_again_without_it(full: Newsroom) -> None:
    full.define("kabul", "talks")
    full.publish_all()
    swept(full)
    assert full.publish_all().keys() == {"all", "kabul"}
    for topic in (None, "kabul"):
        assert [a.id for a in full.store.articles(topic, 10)] == [entry("new").article_id]
    swept(full)
    assert not full.publish_all()


def test_what_was_in_no_edition_touches_none(room: Newsroom) -> None:
    room.poll(OLD)
    room.make(replace(made(OLD), wanted=False))
    room.publish_all()
    assert swept(room) == 1
    assert not room.publish_all()


def test_it_is_nowhere_to_be_read(full: Newsroom) -> None:
    before = full.store.counts()
    assert (before.entries, before.articles, before.duplicates) == (3, 2, 1)
    swept(full)
    after = full.store.counts()
    assert (after.entries, after.articles, after.duplicates, after.pending) == (1, 1, 0, 0)
    assert after.topics == {"kabul": 1}
    assert [a.id for a in full.store.scan(NOW - 9 * HOUR)] == [entry("new").article_id]
    assert [a.id for a in full.read(editions.articles_of_feed, "feedx", 10)] == [
        entry("new").article_id
    ]
    assert full.read(editions.members, "kabul", NOW - 9 * HOUR) == {entry("new").article_id}
    assert full.read(materials.material, OLD.article_id) is None


def test_its_address_is_known_to_be_gone_and_one_that_never_was_is_not(full: Newsroom) -> None:
    asked = (OLD.article_id, entry("twin").article_id, entry("new").article_id, "nothing")
    assert not any(full.read(retention.is_removed, one) for one in asked)
    swept(full)
    assert [full.read(retention.is_removed, one) for one in asked] == [True, True, False, False]
    assert full.store.article(OLD.article_id) is None
    assert full.store.article(entry("twin").article_id) is None


# --- what went does not come back --------------------------------------------------------------


def pushed(room: Newsroom) -> Decision:
    return room.write(polls.record_pushed, "feedx", [replace(OLD, key="pushed")], LATER)


def imported(room: Newsroom) -> Decision:
    post = replace(OLD, feed_id="archive", key="/2021/08/old.md")
    return room.write(polls.record_entries, "archive", [post], LATER)


RETURNS: dict[str, Callable[[Newsroom], Decision]] = {
    "the same entry": lambda room: room.poll(OLD, now=LATER),
    "the entry, changed": lambda room: room.poll(replace(OLD, digest="other"), now=LATER),
    "the entry, of another URL": lambda room: room.poll(
        replace(OLD, url="https://example.org/b", article_id="b", digest="other"), now=LATER
    ),
    "under another guid": lambda room: room.poll(replace(OLD, key="guid"), now=LATER),
    "in another feed": lambda room: room.poll(
        replace(OLD, feed_id="guancha"), spec=GUANCHA, now=LATER
    ),
    "several posts on its page": lambda room: room.poll(
        replace(OLD, key="#1"), replace(OLD, key="#2"), now=LATER
    ),
    "the merged one's entry": lambda room: room.poll(
        entry("twin", SECRET, feed="guancha"), spec=GUANCHA, now=LATER
    ),
    "the merged one's entry, changed": lambda room: room.poll(
        entry("twin", "改了", feed="guancha"), spec=GUANCHA, now=LATER
    ),
    "the merged one's URL": lambda room: room.poll(
        entry("other", SECRET, url=entry("twin").url), now=LATER
    ),
    "a push": pushed,
    "a push of the same": lambda room: room.write(polls.record_pushed, "feedx", [OLD], LATER),
    "an archive": imported,
}


@pytest.mark.parametrize("how", RETURNS)
def test_it_does_not_come_back_by(full: Newsroom, how: str) -> None:
    swept(full)
    full.publish_all()
    numbers, known = full.store.counts(), len(all_of(full, ARTICLES))
    for _ in range(2):
        decision = RETURNS[how](full)
        assert (decision.new, decision.revised) == ((), ())
        assert decision.known >= 1
    assert len(all_of(full, ARTICLES)) == known
    assert row_of(full, OLD.article_id)["state"] == "removed"
    assert not full.pending(LATER + 9 * HOUR)
    assert SECRET not in repr(all_of(full, ENTRIES))
    assert full.store.counts() == numbers
    assert not full.publish_all()


@pytest.mark.parametrize("how", RETURNS)
def test_the_second_time_it_is_plainly_known(full: Newsroom, how: str) -> None:
    swept(full)
    RETURNS[how](full)
    before = (all_of(full, ENTRIES), all_of(full, ARTICLES))
    RETURNS[how](full)
    assert (all_of(full, ENTRIES), all_of(full, ARTICLES)) == before


def test_the_digest_it_came_with_is_remembered(full: Newsroom) -> None:
    swept(full)
    full.poll(replace(OLD, digest="other"), now=LATER)
    assert ("old", "other") in {(row["key"], row["digest"]) for row in all_of(full, ENTRIES)}


def test_who_else_brought_it_is_remembered_even_if_its_url_changes_then(full: Newsroom) -> None:
    swept(full)
    full.poll(replace(OLD, feed_id="guancha"), spec=GUANCHA, now=LATER)
    elsewhere = "https://example.org/moved"
    moved = replace(OLD, feed_id="guancha", url=elsewhere, article_id="moved", digest="other")
    decision = full.poll(moved, spec=GUANCHA, now=LATER)
    assert (decision.new, decision.revised, decision.known) == ((), (), 1)


def test_what_comes_with_it_is_taken_in(full: Newsroom) -> None:
    swept(full)
    fresh, changed = entry("fresh", now=LATER), entry("new", "改了", now=LATER)
    decision = full.poll(replace(OLD, digest="x"), fresh, changed, now=LATER)
    assert [one.key for one in decision.new] == ["fresh"]
    assert [one.key for one in decision.revised] == ["new"]
    assert decision.known == 1
    waiting = {material.article_id for material in full.pending(LATER)}
    assert waiting == {fresh.article_id, changed.article_id}


def test_reprocessing_leaves_it_alone(full: Newsroom) -> None:
    swept(full)
    assert full.write(editions.reprocess, LATER) == 1
    assert full.write(editions.reprocess, LATER, "guancha") == 0
    full.define("kabul", "a new topic", now=LATER)
    assert [m.article_id for m in full.pending(LATER)] == [entry("new").article_id]


def test_the_same_text_elsewhere_is_not_merged_into_it(full: Newsroom) -> None:
    swept(full)
    copy = entry("copy", now=LATER)
    full.poll(copy, now=LATER)
    assert full.make(made(copy), LATER) == "made"


def test_a_poll_that_brings_only_what_was_removed_brings_nothing_new(full: Newsroom) -> None:
    swept(full)
    full.poll(replace(OLD, digest="x"), now=LATER)
    state = full.state(FEEDX)
    assert state.last_status == "nothing_new"


def test_what_is_pushed_of_it_is_no_news_of_the_hub(full: Newsroom) -> None:
    """`record_push` gives nothing where nobody has subscribed; what it stores goes the same way."""
    swept(full)
    full.write(hubs.record_push, "a token", [OLD], LATER)
    assert not full.pending(LATER)


def test_what_is_being_made_while_it_is_removed_is_removed_with_the_next(room: Newsroom) -> None:
    room.poll(OLD)
    room.make(made(OLD))
    assert swept(room) == 1
    room.make(made(OLD), LATER)
    swept(room)
    assert row_of(room, OLD.article_id)["state"] == "removed"
    assert SECRET not in repr(all_of(room, ARTICLES))


def test_tombstones_are_counted_by_nobody(full: Newsroom) -> None:
    swept(full)
    total = full.read(lambda c: c.execute(select(func.count()).select_from(ENTRIES)).scalar_one())
    assert total == 3
    assert full.store.counts().entries == 1
