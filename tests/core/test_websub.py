from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core import websub
from aggregator.core.model import FeedLinks
from aggregator.core.websub import (
    LEASE,
    LONGEST_LEASE,
    LONGEST_WAIT,
    SHORTEST_LEASE,
    Subscription,
    is_signed,
)

NOW = datetime(2021, 8, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TOPIC = "https://a.example.org/feed"
HUBS = ("https://one.example.org/", "https://two.example.org/", "https://three.example.org/")
WANTED = Subscription("t0ken", "a", TOPIC, HUBS[0], HUBS[:1], "s3cret", act_at=NOW)
CALLBACK = "https://news.example.org/websub/t0ken"
ASKED = websub.asked(WANTED, CALLBACK, NOW)
VERIFIED = websub.verified(ASKED, "86400", NOW)
LEAVING = replace(VERIFIED, state="leaving", act_at=NOW)


# --- signatures --------------------------------------------------------------------------------


def test_a_signature_as_the_recommendation_shows_it() -> None:
    # RFC 2202 section 3, case 2, and RFC 4231, case 2
    body = b"what do ya want for nothing?"
    assert is_signed("Jefe", "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", body)
    sha256 = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert is_signed("Jefe", f"sha256={sha256}", body)
    assert is_signed("Jefe", f" sha256={sha256.upper()} ", body)
    assert not is_signed("jefe", f"sha256={sha256}", body)
    assert not is_signed("Jefe", f"sha512={sha256}", body)
    assert not is_signed("Jefe", f"sha1={sha256}", body)
    assert not is_signed("Jefe", sha256, body)


@given(st.binary(max_size=200), st.text(min_size=1, max_size=50), st.text(max_size=80))
def test_nothing_but_the_signature_passes(body: bytes, secret: str, other: str) -> None:
    for name in ("sha1", "sha256", "sha384", "sha512"):
        made = hmac.new(secret.encode(), body, name).hexdigest()
        assert is_signed(secret, f"{name}={made}", body)
        assert not is_signed(secret, f"{name}={made}", body + b"x")
        assert not is_signed(secret, f"{name}={made[:-1]}", body)
        assert not is_signed(secret, f"{name}=" + hashlib.new(name, body).hexdigest(), body)
    assert not is_signed(secret, other, body)


@pytest.mark.parametrize("name", ["md5", "sha224", "sha3_256", "SHA256", ""])
def test_other_algorithms_sign_nothing(name: str) -> None:
    made = hmac.new(b"k", b"body", name.lower() or "sha1").hexdigest()
    assert not is_signed("k", f"{name}={made}", b"body")


# --- leases ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "lease"),
    [("86400", timedelta(days=1)), (" 86400 ", timedelta(days=1)), ("1", SHORTEST_LEASE),
     ("999999999999", LONGEST_LEASE), ("9" * 5000, LEASE), ("", LEASE), ("0", LEASE),
     ("-5", LEASE), ("1e9", LEASE), ("forever", LEASE)],
)  # fmt: skip
def test_a_lease_is_what_the_hub_says_within_bounds(said: str, lease: timedelta) -> None:
    verified = websub.verified(ASKED, said, NOW)
    assert (verified.state, verified.lease_until) == ("verified", NOW + lease)


@given(st.text(max_size=20) | st.integers().map(str))
def test_it_is_renewed_before_any_lease_ends(said: str) -> None:
    verified = websub.verified(ASKED, said, NOW)
    assert verified.act_at is not None
    assert verified.lease_until is not None
    assert NOW + SHORTEST_LEASE / 2 < verified.act_at < verified.lease_until


def test_a_renewal_keeps_what_is_until_it_is_verified() -> None:
    assert VERIFIED.act_at is not None
    renewing = websub.asked(VERIFIED, CALLBACK, VERIFIED.act_at)
    assert (renewing.state, renewing.lease_until) == ("verified", VERIFIED.lease_until)
    assert renewing.holds(VERIFIED.act_at)
    failed = websub.refused(renewing, "down", VERIFIED.act_at)
    assert failed.holds(VERIFIED.act_at)
    assert failed.act_at == VERIFIED.act_at + HOUR
    assert websub.asked(VERIFIED, CALLBACK, NOW + timedelta(days=2)).state == "asked"


# --- asking ------------------------------------------------------------------------------------


def test_waits_grow_to_a_day_and_no_further() -> None:
    known, waits = WANTED, []
    now = NOW
    for _ in range(2000):
        known = websub.refused(websub.asked(known, CALLBACK, now), "down", now)
        assert known.act_at is not None
        waits.append((known.act_at - now) / HOUR)
        now = known.act_at
    assert waits[:6] == [1, 2, 4, 8, 16, 24]
    assert set(waits[5:]) == {24}


def test_each_hub_is_tried_before_any_wait() -> None:
    known, now, tried = replace(WANTED, hubs=HUBS), NOW, []
    for _ in range(9):
        known = websub.asked(known, CALLBACK, now)
        tried.append((known.hub, now))
        known = websub.refused(known, "down", now)
        assert known.act_at is not None
        now = known.act_at
    later = [NOW, NOW + HOUR, NOW + 3 * HOUR]
    assert tried == [(hub, at) for at in later for hub in HUBS]


def test_a_hub_that_never_asks_back_gives_its_place_to_the_next() -> None:
    first = websub.asked(replace(WANTED, hubs=HUBS[:2]), CALLBACK, NOW)
    assert first.hub == HUBS[0]
    assert websub.asked(first, CALLBACK, NOW + HOUR).hub == HUBS[1]


def test_a_long_retry_after_is_kept_within_a_month() -> None:
    def wait(asked_for: timedelta) -> timedelta:
        after = websub.refused(ASKED, "later", NOW, asked_for)
        assert after.act_at is not None
        return after.act_at - NOW

    assert wait(timedelta(minutes=1)) == HOUR
    assert wait(timedelta(days=3)) == timedelta(days=3)
    assert wait(timedelta(days=9999)) == timedelta(days=31)


def test_a_goodbye_carries_no_secret_and_is_given_up() -> None:
    assert websub.form(LEAVING) == {
        "hub.mode": "unsubscribe", "hub.topic": TOPIC, "hub.callback": CALLBACK,
    }  # fmt: skip
    assert not websub.given_up(LEAVING, NOW)
    assert websub.given_up(LEAVING, NOW + timedelta(days=1))
    assert websub.given_up(replace(LEAVING, tries=3), NOW)
    assert not websub.given_up(replace(VERIFIED, tries=3), NOW)
    failed = websub.refused(websub.asked(replace(LEAVING, hubs=HUBS), CALLBACK, NOW), "down", NOW)
    assert (failed.state, failed.hub) == ("leaving", HUBS[0])


# --- intent ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "subscribe", "unsubscribe"),
    [(WANTED, False, False), (ASKED, True, False), (VERIFIED, True, False),
     (websub.denied(ASKED, "", NOW), False, False), (LEAVING, False, True)],
)  # fmt: skip
def test_we_mean_what_was_asked_for_and_no_more(
    known: Subscription, subscribe: bool, unsubscribe: bool
) -> None:
    assert websub.intends(known, "subscribe", TOPIC) == subscribe
    assert websub.intends(known, "unsubscribe", TOPIC) == unsubscribe
    for mode in ("subscribe", "unsubscribe", "denied", "publish", ""):
        assert not websub.intends(known, mode, TOPIC + "/")
    assert not websub.intends(known, "Subscribe", TOPIC)


def test_a_denial_says_why_without_our_secrets() -> None:
    denied = websub.denied(VERIFIED, f"no\n {CALLBACK}" + "x" * 5000, NOW)
    assert (denied.state, denied.holds(NOW)) == ("denied", False)
    assert denied.act_at == NOW + LONGEST_WAIT
    assert denied.error.startswith("the hub denied it: no https://news.example.org/websub/…x")
    assert len(denied.error) <= 300


# --- what a feed offers ------------------------------------------------------------------------


def test_the_topic_is_where_the_feed_says_it_is() -> None:
    assert websub.topic_of(FeedLinks(HUBS, TOPIC), "https://b.example.org/") == TOPIC
    assert websub.topic_of(FeedLinks(HUBS), TOPIC) == TOPIC
    assert websub.serves(WANTED, FeedLinks(HUBS), TOPIC)
    assert not websub.serves(WANTED, FeedLinks(HUBS[1:]), TOPIC)
    assert not websub.serves(WANTED, FeedLinks(HUBS, TOPIC + "2"), TOPIC)
    assert websub.can_be_had(FeedLinks(HUBS), TOPIC)
    assert not websub.can_be_had(FeedLinks((), TOPIC), TOPIC)
    assert not websub.can_be_had(FeedLinks(HUBS, TOPIC + "x" * 5000), TOPIC)


# --- do pushes arrive? -------------------------------------------------------------------------


def test_pushes_arrive_from_the_first_until_a_poll_finds_what_was_kept_back() -> None:
    assert not websub.arriving(VERIFIED, NOW)
    pushed = websub.pushed(VERIFIED, NOW + HOUR, announced=False)
    assert (pushed.pushes, pushed.last_push_at, pushed.announced_at) == (1, NOW + HOUR, None)
    assert websub.arriving(pushed, NOW + 2 * HOUR)
    assert not websub.arriving(pushed, NOW + timedelta(days=1))  # the lease is over
    missed = replace(pushed, missed_at=NOW + 3 * HOUR)
    assert not websub.arriving(missed, NOW + 4 * HOUR)
    assert websub.arriving(websub.pushed(missed, NOW + 4 * HOUR, True), NOW + 5 * HOUR)
    for state in ("denied", "leaving", "asked"):
        assert not websub.arriving(replace(pushed, state=state), NOW + 2 * HOUR)


def test_a_push_since_the_poll_before_stands_for_all_that_is_new() -> None:
    pushed = websub.pushed(VERIFIED, NOW, announced=True)
    assert pushed.announced_at == NOW
    assert not websub.misses(pushed, NOW - HOUR)
    assert websub.misses(pushed, NOW + HOUR)
    assert websub.misses(pushed, None)
    assert not websub.misses(VERIFIED, NOW - HOUR)
