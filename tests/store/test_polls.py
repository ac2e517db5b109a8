"""What a poll leaves behind: the feeds' schedules, their entries, and articles to be made."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import func, select

from aggregator.core.feed_state import ErrorCount, answered
from aggregator.core.model import Enclosure, Extracted, Validators
from aggregator.store import polls
from aggregator.store.tables import ARTICLES, ENTRIES
from tests.store.making import (
    FEEDX,
    GIVEN,
    GUANCHA,
    HOUR,
    NOW,
    Newsroom,
    composed,
    entry,
)


def due(room: Newsroom, *busy: str) -> list[str]:
    return [state.feed_id for state in room.read(polls.due_feeds, NOW, 10, busy)]


def test_new_feeds_are_due_at_once(room: Newsroom) -> None:
    assert sorted(due(room)) == ["feedx", "guancha"]
    state = room.store.feed_states()[0]
    assert (state.url, state.validators, state.last_status) == (FEEDX.urls[0], Validators(), "")


def test_due_feeds_come_longest_overdue_first_without_the_busy_ones(room: Newsroom) -> None:
    third = replace(FEEDX, id="third")
    room.write(polls.sync_feeds, (FEEDX, GUANCHA, third), NOW)
    feeds = {spec.id: spec for spec in (FEEDX, GUANCHA, third)}
    for feed_id, ago in (("feedx", 1), ("guancha", 3), ("third", 2)):
        room.fail("dns", "…", NOW, NOW - ago * HOUR, feeds[feed_id])
    assert due(room) == ["guancha", "third", "feedx"]
    assert due(room, "guancha") == ["third", "feedx"]
    assert [s.feed_id for s in room.read(polls.due_feeds, NOW, 1)] == ["guancha"]


def test_known_feeds_keep_their_schedule_and_validators(room: Newsroom) -> None:
    room.poll(entry("a"))
    before = room.store.feed_states()
    room.write(polls.sync_feeds, (FEEDX, GUANCHA), NOW + HOUR)
    assert room.store.feed_states() == before
    assert due(room) == ["guancha"]


def test_removed_feeds_rest_and_come_back_as_they_were(room: Newsroom) -> None:
    room.poll(entry("a"))
    before = room.store.feed_states()
    room.write(polls.sync_feeds, (GUANCHA,), NOW)
    assert [state.feed_id for state in room.store.feed_states()] == ["guancha"]
    assert [state.feed_id for state in room.read(polls.active_feeds)] == ["guancha"]
    assert room.read(polls.due_feeds, NOW + 9 * HOUR, 10)[0].feed_id == "guancha"
    room.write(polls.sync_feeds, (FEEDX, GUANCHA), NOW)
    assert room.store.feed_states() == before


def test_a_feed_whose_url_is_no_longer_configured_starts_over(room: Newsroom) -> None:
    room.poll(entry("a"))
    room.fail("dns", "unknown host", NOW, NOW + HOUR)
    moved = replace(FEEDX, urls=("https://new.example/voa.xml",), title="新名字")
    room.write(polls.sync_feeds, (moved, GUANCHA), NOW)
    state = room.store.feed_states()[0]
    assert (state.url, state.validators, state.title) == (moved.urls[0], Validators(), "新名字")
    assert (state.next_poll_at, state.failures, state.error) == (NOW, 0, "")
    assert state.entries == 1


def test_a_mirror_that_answered_is_remembered_with_its_validators(room: Newsroom) -> None:
    second = GUANCHA.urls[1]
    room.poll(spec=GUANCHA, url=second, validators=Validators('"of b"'))
    room.write(polls.sync_feeds, (FEEDX, GUANCHA), NOW)
    state = room.store.feed_states()[1]
    assert (state.url, state.validators.etag) == (second, '"of b"')


def test_a_poll_tells_new_from_revised_from_known(room: Newsroom) -> None:
    first = room.poll(entry("a"), entry("b"))
    assert [e.key for e in first.new] == ["a", "b"]
    again = room.poll(entry("a"), entry("b", "另一个正文"), entry("c"), entry("c"))
    assert [e.key for e in again.new] == ["c"]
    assert [e.key for e in again.revised] == ["b"]
    assert again.known == 1
    state = room.store.feed_states()[0]
    assert (state.last_status, state.entries, state.title) == ("new", 3, "美国之音中文网")
    assert (state.generator, state.validators.etag) == ("feedx.net", '"1"')
    assert (state.last_success_at, state.next_poll_at) == (NOW, NOW + HOUR)


def test_the_same_feed_twice_adds_nothing(room: Newsroom) -> None:
    room.poll(entry("a"), entry("b"))
    for material in room.pending():
        room.make(composed(material.entries[0]))
    counts = room.store.counts()
    again = room.poll(entry("a"), entry("b"), now=NOW + HOUR)
    assert (again.new, again.revised, again.known) == ((), (), 2)
    assert room.store.feed_states()[0].last_status == "nothing_new"
    assert room.store.counts() == counts
    assert room.pending(NOW + 9 * HOUR) == ()


def test_keys_are_those_of_one_feed(room: Newsroom) -> None:
    room.poll(entry("a"))
    other = room.poll(entry("a", feed="guancha", url="https://b.example/a"), spec=GUANCHA)
    assert len(other.new) == 1
    assert room.store.counts().entries == 2


def test_entries_of_two_feeds_with_one_canonical_url_are_one_article(room: Newsroom) -> None:
    url = "https://example.org/talks"
    room.poll(entry("a", url=url))
    [material] = room.pending()
    room.make(composed(material.entries[0]))
    room.poll(entry("b", url=url, feed="guancha", now=NOW + HOUR), spec=GUANCHA, now=NOW + HOUR)

    [material] = room.pending(NOW + HOUR)
    assert [(e.feed_id, e.key) for e in material.entries] == [("feedx", "a"), ("guancha", "b")]
    counts = room.store.counts()
    assert (counts.entries, counts.articles, counts.duplicates) == (2, 1, 1)


def test_two_new_entries_of_one_poll_with_one_url_are_one_article(room: Newsroom) -> None:
    room.poll(entry("a", url="https://example.org/x"), entry("b", url="https://example.org/x"))
    assert [len(material.entries) for material in room.pending()] == [2]


def test_entries_without_a_url_are_articles_of_their_own(room: Newsroom) -> None:
    room.poll(entry("a", url=""), entry("b", url=""))
    assert len(room.pending()) == 2


def test_an_entry_is_kept_as_it_was_given(room: Newsroom) -> None:
    given = entry("a", "<p>塔利班 &amp; 𠮷</p>")
    room.poll(given)
    [material] = room.pending()
    assert material.entries == (given,)
    assert material.generators == {"feedx": "feedx.net"}


def test_a_character_that_the_database_cannot_hold_costs_no_entry(room: Newsroom) -> None:
    room.poll(entry("a", "<p>塔\x00利班</p>", title="标\x00题"))
    room.poll(entry("a", "<p>塔\x00利班 2</p>", title="标\x00题"))
    [material] = room.pending()
    [stored] = material.entries
    assert stored.content.replace("\x00", "") == "<p>塔利班 2</p>"
    assert stored.title.replace("\x00", "") == "标题"


def test_a_revised_entry_brings_its_text_and_makes_its_article_anew(room: Newsroom) -> None:
    room.poll(entry("a"))
    [material] = room.pending()
    page = Extracted("https://example.org/a", "标题", "", None, "<p>页面</p>")
    room.make(replace(composed(material.entries[0]), extracted=page))
    assert room.pending(NOW + 9 * HOUR) == ()

    revised = replace(
        entry("a", "新正文", title="新标题"),
        author="另一记者",
        base="https://example.org/new/",
        categories=("国际",),
        enclosures=(Enclosure("https://example.org/b.mp3"),),
        published=NOW,
        first_seen=NOW + HOUR,
    )
    room.poll(revised, now=NOW + HOUR)

    assert room.pending(NOW) == ()
    [material] = room.pending(NOW + HOUR)
    assert material.extracted is None, "the page will have changed too"
    first = entry("a")
    assert material.entries == (
        replace(revised, published=first.published, first_seen=first.first_seen),
    )


def test_a_feed_larger_than_one_statement_may_be_is_taken(room: Newsroom) -> None:
    many = [entry(str(n)) for n in range(1203)]
    assert len(room.poll(*many).new) == 1203
    assert room.poll(*many).known == 1203
    assert len(room.poll(*(entry(str(n), "改了") for n in range(1203))).revised) == 1203
    number = room.read(lambda c: c.execute(select(func.count()).select_from(ENTRIES)).scalar_one())
    assert number == 1203


def test_an_unchanged_feed_takes_the_new_validators(room: Newsroom) -> None:
    room.poll(entry("a"))
    room.fail("dns", "unknown host", NOW, NOW + HOUR)
    later, given = NOW + HOUR, Validators('"2"', "today", "hash")
    unchanged = answered(room.state(), FEEDX.urls[0], given, "", None, later)
    unchanged = replace(unchanged, last_status="not_modified", next_poll_at=later + HOUR)
    room.write(polls.record_state, unchanged)
    state = room.store.feed_states()[0]
    assert state.validators == given
    assert (state.last_status, state.failures, state.error) == ("not_modified", 0, "")
    assert (state.last_poll_at, state.last_success_at) == (later, later)
    assert state.next_poll_at == later + HOUR


def test_a_failed_poll_keeps_all_that_is_known(room: Newsroom) -> None:
    room.poll(entry("a"))
    before = room.store.feed_states()[0]
    later = NOW + HOUR
    for _ in range(2):
        room.fail("timeout", "too slow", later, later + HOUR)
    after = room.store.feed_states()[0]
    assert after.validators == before.validators == GIVEN
    assert after.errors == {"timeout": ErrorCount(2, later)}
    assert after == replace(
        before,
        addresses=after.addresses,
        errors=after.errors,
        failures=2,
        error="too slow",
        last_status="timeout",
        last_poll_at=later,
        next_poll_at=later + HOUR,
    )
    room.poll(now=later)
    assert room.store.feed_states()[0].failures == 0


def test_entries_of_a_merged_article_go_to_the_one_that_was_kept(room: Newsroom) -> None:
    kept, gone = entry("a"), entry("b", feed="guancha")
    same = "<p>" + "塔利班与美国恢复谈判" * 10 + "</p>"
    room.poll(kept)
    room.poll(gone, spec=GUANCHA)
    room.make(composed(kept, same))
    assert room.make(composed(gone, same, title=kept.title)) == "merged"

    room.poll(entry("c", url=gone.url, now=NOW + HOUR), now=NOW + HOUR)

    [material] = room.pending(NOW + HOUR)
    assert material.article_id == kept.article_id
    assert [e.key for e in material.entries] == ["a", "b", "c"]
    states = room.read(lambda c: c.execute(select(ARTICLES.c.state)).scalars().all())
    assert sorted(states) == ["merged", "ready"]


def test_a_poll_that_fails_midway_leaves_nothing(room: Newsroom) -> None:
    broken = replace(entry("b"), title="\udc80")  # no encoding can write it
    with pytest.raises(UnicodeEncodeError):
        room.poll(entry("a"), broken)
    assert room.store.counts().entries == 0
    assert room.store.feed_states()[0].validators == Validators()
    assert room.store.counts().pending == 0


def times(room: Newsroom) -> dict[str, datetime]:
    return {state.feed_id: state.next_poll_at for state in room.store.feed_states()}


def test_where_the_clock_is_set_what_remained_of_each_wait_remains(room: Newsroom) -> None:
    room.poll(entry("a"))
    before = times(room)
    room.write(polls.shift_schedule, 48 * HOUR)
    assert times(room) == {feed_id: at + 48 * HOUR for feed_id, at in before.items()}
    room.write(polls.shift_schedule, -48 * HOUR)
    assert times(room) == before


def test_a_feed_polled_in_the_future_waits_from_now_on(room: Newsroom) -> None:
    room.poll(entry("a"), now=NOW + 900 * HOUR)
    room.write(polls.mend_schedule, NOW)
    assert times(room)["feedx"] == NOW + HOUR
    room.write(polls.mend_schedule, NOW + 901 * HOUR)
    assert times(room)["feedx"] == NOW + HOUR, "what is past was not wrong"


def test_of_late_feeds_few_come_at_once_and_hold_up_no_other(room: Newsroom) -> None:
    specs = [replace(FEEDX, id=f"f{n}") for n in range(6)]
    room.write(polls.sync_feeds, (*specs, GUANCHA), NOW)
    for number, spec in enumerate(specs[:5]):
        room.fail("dns", "…", NOW - 9 * HOUR, NOW - (6 - number) * HOUR, spec)
    room.fail("dns", "…", NOW - 9 * HOUR, NOW - HOUR / 60, specs[5])
    assert room.read(polls.late_feeds, NOW - HOUR / 6) == 5
    states = room.read(polls.due_feeds, NOW, 10, (), NOW - HOUR / 6, 2)
    assert [state.feed_id for state in states] == ["f0", "f1", "f5", "guancha"]
    assert len(room.read(polls.due_feeds, NOW, 1, (), NOW - HOUR / 6, 2)) == 1


# --- guids that change ---------------------------------------------------------------------------


def test_a_feed_that_changes_its_guids_brings_nothing_twice(room: Newsroom) -> None:
    first = [replace(entry(name), key=f"1-{name}") for name in "abc"]
    assert len(room.poll(*first).new) == 3
    for poll in range(2, 5):
        again = [replace(one, key=f"{poll}-{one.key}") for one in first]
        decision = room.poll(*again, now=NOW + poll * HOUR)
        assert (decision.new, decision.revised, decision.known) == ((), (), 3)
    changed = replace(entry("a", "新的正文"), key="other")
    decision = room.poll(changed, now=NOW + 9 * HOUR)
    assert [one.key for one in decision.revised] == ["1-a"]


def test_several_posts_on_one_page_are_several(room: Newsroom) -> None:
    page = "https://example.org/live"
    posts = [entry(f"live{n}", f"第{n}条", url=page) for n in range(4)]
    assert len(room.poll(*posts[:3]).new) == 3
    decision = room.poll(*posts[1:], now=NOW + HOUR)
    assert [one.key for one in decision.new] == ["live3"]
    assert decision.revised == ()


def test_two_new_guids_on_one_page_replace_none(room: Newsroom) -> None:
    page = "https://example.org/live"
    room.poll(entry("old", url=page))
    decision = room.poll(
        entry("new1", "甲", url=page), entry("new2", "乙", url=page), now=NOW + HOUR
    )
    assert {one.key for one in decision.new} == {"new1", "new2"}
