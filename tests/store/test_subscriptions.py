from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from aggregator.core import websub
from aggregator.core.model import FeedLinks
from aggregator.core.websub import Subscription
from aggregator.store import polls, subscriptions
from tests.store.making import FEEDX, GUANCHA, HOUR, NOW, Newsroom, entry

HUB, OTHER_HUB = "https://hub.example/", "https://other.example/"
URL = FEEDX.urls[0]
LINKS = FeedLinks((HUB,), "https://feedx.example/self.xml")
SITE = "https://news.example.org/websub/"


def known(room: Newsroom, feed_id: str = "feedx") -> Subscription:
    return room.store.subscriptions()[feed_id]


def named(room: Newsroom, links: FeedLinks = LINKS, feed_id: str = "feedx") -> Subscription:
    room.write(subscriptions.record_links, feed_id, links, URL, NOW)
    return known(room, feed_id)


def verified(room: Newsroom) -> Subscription:
    wanted = named(room)
    room.write(subscriptions.save, websub.asked(wanted, SITE + wanted.token, NOW))
    room.write(subscriptions.answer, wanted.token, "subscribe", wanted.topic, "86400", NOW)
    return known(room)


def due(room: Newsroom, public: bool = True) -> list[tuple[str, str]]:
    found = room.read(subscriptions.due, NOW + HOUR / 2, public, 10)
    return [(each.state, each.token) for each in found]


def test_what_is_stored_comes_back_as_it_was(room: Newsroom) -> None:
    full = replace(
        named(room, FeedLinks((HUB, OTHER_HUB))),
        state="denied",
        callback=SITE + "x",
        lease_until=NOW + HOUR,
        tries=3,
        last_push_at=NOW,
        announced_at=NOW - HOUR,
        missed_at=NOW - 2 * HOUR,
        pushes=5,
        ignored=6,
        error="the hub denied it",
    )
    assert room.write(subscriptions.save, full)
    assert known(room) == full
    assert room.read(subscriptions.of_token, full.token) == full
    assert room.read(subscriptions.of_feed, "feedx") == full
    assert room.read(subscriptions.of_token, "") is None
    room.write(subscriptions.drop, full.token)
    assert not room.write(subscriptions.save, full)
    assert room.store.subscriptions() == {}


def test_a_feed_that_names_the_same_hub_changes_nothing(room: Newsroom) -> None:
    first = named(room)
    assert (first.state, first.hub, first.topic) == ("wanted", HUB, LINKS.self_url)
    assert named(room) == first
    more = named(room, replace(LINKS, hubs=(OTHER_HUB, HUB)))
    assert more == replace(first, hubs=(OTHER_HUB, HUB))


@pytest.mark.parametrize(
    "links", [FeedLinks((OTHER_HUB,), LINKS.self_url), FeedLinks((HUB,), "https://new.example/")]
)
def test_with_another_hub_or_topic_the_old_ends(room: Newsroom, links: FeedLinks) -> None:
    old = verified(room)
    new = named(room, links)
    assert new.token != old.token
    assert new.secret != old.secret
    assert due(room) == [("leaving", old.token), ("wanted", new.token)]
    assert due(room, public=False) == [("leaving", old.token)]


def test_what_no_hub_holds_ends_without_a_word(room: Newsroom) -> None:
    wanted = named(room)
    room.write(subscriptions.record_links, "feedx", FeedLinks(), URL, NOW)
    assert room.read(subscriptions.of_token, wanted.token) is None


def test_the_subscriptions_of_feeds_that_went_end_and_the_others_stay(room: Newsroom) -> None:
    old, other = verified(room), named(room, feed_id="guancha")
    room.write(polls.sync_feeds, (GUANCHA,), NOW)
    room.write(subscriptions.sync, SITE, NOW)
    assert set(due(room)) == {("leaving", old.token), ("wanted", other.token)}
    assert known(room, "guancha") == other


def test_at_another_address_of_ours_it_is_wanted_anew(room: Newsroom) -> None:
    old = verified(room)
    room.write(subscriptions.sync, SITE, NOW)
    assert known(room) == old
    room.write(subscriptions.sync, "", NOW)
    new = known(room)
    assert (new.state, new.callback, new.topic) == ("wanted", "", old.topic)
    assert due(room, public=False) == [("leaving", old.token)]


def test_a_push_for_nobody_stores_nothing(room: Newsroom) -> None:
    room.write(subscriptions.record_push, "no such token", [entry("a")], NOW)
    assert room.store.counts().entries == 0


def test_a_push_leaves_the_feeds_schedule_and_validators(room: Newsroom) -> None:
    room.poll(entry("a"))
    one = verified(room)
    before = room.store.feed_states()[0]
    decision = room.write(subscriptions.record_push, one.token, [entry("a"), entry("b")], NOW)
    assert [e.key for e in decision.new] == ["b"]
    after = room.store.feed_states()[0]
    assert (after.addresses, after.next_poll_at) == (before.addresses, before.next_poll_at)
    assert after.last_status == before.last_status
    assert after.entries == 2
    assert (known(room).pushes, known(room).announced_at) == (1, None)


def test_a_push_of_nothing_invites_a_poll_once(room: Newsroom) -> None:
    room.poll(entry("a"))
    state = next(s for s in room.store.feed_states() if s.feed_id == "feedx")
    assert state.last_poll_at is not None
    one, pushed = verified(room), state.last_poll_at + timedelta(minutes=1)
    room.write(subscriptions.record_push, one.token, [], pushed)
    soon = timedelta(minutes=15)
    times = room.read(subscriptions.invited, pushed, soon)
    assert times == {"feedx": state.last_poll_at + soon}
    assert room.read(subscriptions.invited, pushed, 99 * HOUR) == {}  # it is polled before
    room.write(subscriptions.invite, times)
    assert room.read(subscriptions.invited, pushed, soon) == {}
    now = next(s for s in room.store.feed_states() if s.feed_id == "feedx")
    assert now.next_poll_at == state.last_poll_at + soon
    assert now.due_because == subscriptions.ANNOUNCEMENT
