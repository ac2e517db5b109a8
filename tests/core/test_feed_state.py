"""Which address of a feed is asked, and what each answer makes of the feed's state."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.feed_state import (
    LONGEST_WAIT,
    QUIET_AT_LEAST,
    RHYTHM_LENGTH,
    Address,
    FeedState,
    aligned,
    answered,
    candidates,
    doubtful,
    failed,
    may_know_more,
    unanswered,
    with_rhythm,
)
from aggregator.core.model import Validators

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
A, B, C = "https://a.example/feed", "https://b.example/feed", "https://c.example/feed"
GIVEN = Validators('"1"', "yesterday", "hash")


def state(*urls: str) -> FeedState:
    return aligned(FeedState("feed", "", "", A, (), "", NOW), urls or (A, B))


def urls(addresses: tuple[Address, ...]) -> list[str]:
    return [address.url for address in addresses]


def worked(
    before: FeedState, url: str, newest: datetime | None = None, now: datetime = NOW
) -> FeedState:
    return answered(before, url, GIVEN, "", newest, now)


def test_addresses_are_those_configured_and_keep_what_is_known_of_them() -> None:
    before = worked(state(A, B), B, NOW)
    after = aligned(before, (C, B))
    assert urls(after.addresses) == [C, B]
    assert after.address(B) == before.address(B)
    assert after.url == B
    assert aligned(before, (C,)).url == C
    assert aligned(before, (C,)).validators == Validators()


def test_all_are_asked_in_order_but_those_that_failed_of_late() -> None:
    one = failed(state(A, B, C), B, "timeout", "too slow", NOW)
    assert urls(candidates(one, NOW)) == [A, C]
    assert urls(candidates(one, NOW + HOUR)) == [A, B, C]


def test_where_all_failed_of_late_all_are_asked_the_soonest_due_first() -> None:
    both = failed(failed(state(), A, "dns", "…", NOW), B, "dns", "…", NOW - HOUR / 2)
    assert urls(candidates(both, NOW)) == [B, A]


def test_one_that_is_gone_is_asked_only_where_all_are() -> None:
    one = failed(state(), A, "http_status", "410", NOW, gone=True)
    assert urls(candidates(one, NOW + 90 * DAY)) == [B]
    both = failed(one, B, "http_status", "410", NOW, gone=True)
    assert urls(candidates(both, NOW + 90 * DAY)) == [A, B]


def test_a_failure_keeps_validators_and_waits_longer_each_time_up_to_a_day() -> None:
    one = worked(state(), A)
    waits = []
    for _ in range(8):
        one = failed(one, A, "http_status", "500", NOW)
        again = one.address(A).again_at
        assert again is not None
        waits.append((again - NOW) / HOUR)
    assert waits == [1, 2, 4, 8, 16, 24, 24, 24]
    assert one.address(A).validators == GIVEN
    assert one.errors["http_status"].count == 8
    assert worked(one, A).address(A).failures == 0


def test_what_the_server_asks_for_makes_it_longer_never_shorter() -> None:
    asked = failed(state(), A, "http_status", "429", NOW, wait=3 * DAY)
    assert asked.address(A).again_at == NOW + 3 * DAY
    short = failed(state(), A, "http_status", "429", NOW, wait=timedelta(seconds=5))
    assert short.address(A).again_at == NOW + HOUR


def test_a_permanent_move_is_followed_once_it_has_answered_and_given_up_where_it_fails() -> None:
    moved = answered(state(), A, GIVEN, C, None, NOW)
    assert (moved.address(A).url, moved.address(A).asked) == (A, C)
    assert worked(moved, A).address(A).asked == C
    back = answered(moved, A, GIVEN, A, None, NOW)
    assert back.address(A).asked == A
    for failures in (1, 2):
        moved = failed(moved, A, "http_status", "404", NOW)
        assert moved.address(A).asked == C, failures
    assert failed(moved, A, "http_status", "404", NOW).address(A).asked == A


def test_old_news_beside_the_others_gives_way_to_them() -> None:
    before = worked(state(), B, NOW - HOUR)
    late = worked(before, A, NOW - DAY, NOW + HOUR)
    assert late.address(A).status == "behind"
    assert doubtful(late, NOW + HOUR)
    assert may_know_more(late, late.address(B), NOW + HOUR)
    both = worked(late, B, NOW, NOW + HOUR)
    assert both.url == B
    assert not doubtful(both, NOW + HOUR)
    assert urls(candidates(both, NOW + 2 * HOUR)) == [B]


def test_mirrors_that_crawl_at_different_times_are_not_behind() -> None:
    before = worked(state(), B, NOW - HOUR)
    assert not doubtful(worked(before, A, NOW - 3 * HOUR, NOW), NOW)


def test_an_unchanged_answer_is_as_recent_as_the_last_one_was() -> None:
    before = worked(worked(state(), A, NOW - DAY), B, NOW)
    unchanged = worked(before, A, None, NOW + HOUR)
    assert unchanged.address(A).newest == NOW - DAY
    assert doubtful(unchanged, NOW + HOUR)


def test_a_feed_is_quiet_after_four_of_its_longest_gaps_and_a_day_at_least() -> None:
    hourly = with_rhythm(worked(state(), A, NOW), [NOW - n * HOUR for n in range(5)])
    hourly = replace(hourly, last_new_at=NOW)
    assert not doubtful(hourly, NOW + DAY)
    assert doubtful(hourly, NOW + DAY + HOUR)
    weekly = with_rhythm(worked(state(), A, NOW), [NOW - n * 7 * DAY for n in range(5)])
    weekly = replace(weekly, last_new_at=NOW)
    assert not doubtful(weekly, NOW + 28 * DAY)
    assert doubtful(weekly, NOW + 29 * DAY)
    asked = replace(weekly.address(B), asked_at=NOW + 29 * DAY)
    assert may_know_more(weekly, weekly.address(B), NOW + 29 * DAY)
    assert not may_know_more(weekly, asked, NOW + 29 * DAY + QUIET_AT_LEAST / 2)


def test_a_feed_with_one_address_is_never_doubted() -> None:
    alone = replace(state(A), last_new_at=NOW, rhythm=(NOW, NOW - HOUR, NOW - 2 * HOUR))
    assert not doubtful(worked(alone, A, NOW - 900 * DAY), NOW + 900 * DAY)


def test_a_poll_without_any_answer_counts_and_tells_its_error() -> None:
    once = unanswered(worked(state(), A), "dns", "unknown", NOW + HOUR)
    assert (once.failures, once.error, once.last_status) == (1, "unknown", "dns")
    assert once.last_success_at == NOW
    again = worked(once, A, now=NOW + DAY)
    assert (again.failures, again.error) == (0, "")


@given(st.lists(st.datetimes(timezones=st.just(UTC)), max_size=200))
def test_a_rhythm_is_the_latest_times_newest_first(times: list[datetime]) -> None:
    got = with_rhythm(state(), times).rhythm
    assert list(got) == sorted(set(times), reverse=True)[:RHYTHM_LENGTH]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([A, B, C]),
            st.one_of(st.none(), st.integers(0, 1000)),
            st.booleans(),
        ),
        max_size=30,
    )
)
def test_whatever_happens_some_address_is_asked_and_none_rests_over_a_day(
    history: list[tuple[str, int | None, bool]],
) -> None:
    now, one = NOW, state(A, B, C)
    for url, hours, works in history:
        now += HOUR
        newest = None if hours is None else NOW - hours * HOUR
        one = worked(one, url, newest, now) if works else failed(one, url, "dns", "…", now)
        assert one.url in (A, B, C)
        assert candidates(one, now)
        assert len(candidates(one, now + LONGEST_WAIT)) == 3
