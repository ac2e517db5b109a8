"""Where a newcomer belongs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.stories import (
    EVENT_HOURS,
    EVENT_JOIN,
    EVENT_SIZE,
    MOST_EVENTS,
    STORY_HOURS,
    STORY_SIZE,
    Event,
    Near,
    Overrides,
    StorySize,
    membership,
    place,
)
from aggregator.core.story_pairs import PairOdds

LIKELY, UNLIKELY = 6.0, -6.0
ONE = Event("e1", "s1", ("a", "b"))
TWO = Event("e2", "s2", ("c",))
EVENTS = {"e1": ONE, "e2": TWO}
SIZES = {"s1": StorySize(2, 1), "s2": StorySize(1, 1)}


def near(
    article: str, event: Event, odds: float, story_odds: float | None = None, hours: float = 1
) -> Near:
    of_story = odds if story_odds is None else story_odds
    return Near(article, event.id, event.story, hours, PairOdds(odds, of_story))


def test_a_newcomer_joins_the_event_that_it_is_like() -> None:
    ones = [near("c", TWO, UNLIKELY), near("a", ONE, LIKELY), near("b", ONE, LIKELY + 1)]
    placed = place("new", ones, EVENTS, SIZES)
    assert (placed.event, placed.story, placed.because) == ("e1", "s1", "b")
    assert placed.event_score > 0.99
    assert not placed.ruled


def test_what_is_like_nothing_is_new() -> None:
    placed = place("new", [near("a", ONE, UNLIKELY)], EVENTS, SIZES)
    assert (placed.event, placed.story, placed.because) == (None, None, None)
    assert place("new", [], {}, {}).event is None


def test_a_new_event_joins_a_story() -> None:
    ones = [near("c", TWO, UNLIKELY, LIKELY), near("a", ONE, UNLIKELY, 0)]
    placed = place("new", ones, EVENTS, SIZES)
    assert (placed.event, placed.story, placed.because) == (None, "s2", "c")


def test_one_member_of_many_is_not_enough() -> None:
    many = Event("e3", "s3", tuple("defghi"))
    placed = place("new", [near("d", many, LIKELY)], {"e3": many}, {"s3": StorySize(6, 1)})
    assert placed.event is None
    ones = [near(name, many, LIKELY) for name in "def"]
    assert place("new", ones, {"e3": many}, {"s3": StorySize(6, 1)}).event == "e3"


def test_what_is_long_past_takes_nothing() -> None:
    assert place("n", [near("c", TWO, LIKELY, hours=EVENT_HOURS)], EVENTS, SIZES).event == "e2"
    late = place("n", [near("c", TWO, LIKELY, hours=EVENT_HOURS + 1)], EVENTS, SIZES)
    assert (late.event, late.story) == (None, "s2")
    later = place("n", [near("c", TWO, LIKELY, hours=STORY_HOURS + 1)], EVENTS, SIZES)
    assert (later.event, later.story) == (None, None)


def test_only_the_nearest_events_are_looked_at() -> None:
    events = [Event(f"e{at}", f"s{at}", (f"a{at}",)) for at in range(MOST_EVENTS + 1)]
    ones = [near(e.members[0], e, UNLIKELY) for e in events[:-1]]
    ones.append(near(events[-1].members[0], events[-1], LIKELY, UNLIKELY))
    sizes = {e.story: StorySize(1, 1) for e in events}
    assert place("n", ones, {e.id: e for e in events}, sizes).event is None
    assert place("n", ones[1:], {e.id: e for e in events}, sizes).event == events[-1].id


@pytest.mark.parametrize("over", [0, 1])
def test_what_is_full_takes_nothing_more(over: int) -> None:
    full = Event("e", "s", tuple(f"a{at}" for at in range(EVENT_SIZE - 1 + over)))
    ones = [near(name, full, LIKELY) for name in full.members[:9]]
    placed = place("n", ones, {"e": full}, {"s": StorySize(STORY_SIZE - 1 + over, 3)})
    assert (placed.event, placed.story) == ((None, None) if over else ("e", "s"))


# --- what people said ----------------------------------------------------------------------------


def test_what_must_be_together_is_together() -> None:
    said = Overrides(together=frozenset({("new", "c")}))
    placed = place("new", [near("a", ONE, LIKELY)], EVENTS, SIZES, said)
    assert (placed.event, placed.story, placed.because, placed.ruled) == ("e2", "s2", "c", True)
    full = Event("e2", "s2", (*(f"x{at}" for at in range(EVENT_SIZE)), "c"))
    assert place("new", [], {"e2": full}, SIZES, said).event == "e2"


def test_what_must_be_apart_is_apart() -> None:
    said = Overrides(apart=frozenset({("b", "new")}))
    ones = [near("a", ONE, LIKELY), near("c", TWO, 2)]
    assert place("new", ones, EVENTS, SIZES, said).event == "e2"
    assert place("new", ones[:1], EVENTS, SIZES, said).event is None


def test_apart_goes_before_together() -> None:
    both = Overrides(
        together=frozenset({("new", "a"), ("c", "a")}), apart=frozenset({("a", "new")})
    )
    assert both.together == {("a", "c")}
    assert place("new", [near("a", ONE, LIKELY)], EVENTS, SIZES, both).event is None
    indirect = Overrides(together=frozenset({("new", "a")}), apart=frozenset({("b", "new")}))
    assert place("new", [near("a", ONE, LIKELY)], EVENTS, SIZES, indirect).event is None


def test_nobody_is_apart_from_himself() -> None:
    said = Overrides(apart=frozenset({("a", "a")}))
    assert not said.keeps_apart("a", ["a"])


def test_members_that_were_not_looked_at_count_as_unlikely() -> None:
    unseen = 1 / (1 + math.exp(3))
    assert membership([0.0], 1) == pytest.approx(0.5)
    assert membership([0.0], 3) == pytest.approx(0.6 * 0.5 + 0.4 * (0.5 + 2 * unseen) / 3)
    assert membership([], 2) == pytest.approx(unseen)
    assert membership([], 0) == 0


# --- laws ----------------------------------------------------------------------------------------

ODDS = st.floats(-40, 40)


@given(st.lists(ODDS, max_size=12), st.integers(0, 60))
def test_membership_is_a_share_whatever_the_order(odds: list[float], more: int) -> None:
    size = len(odds) + more
    score = membership(odds, size)
    assert 0 <= score <= 1
    assert membership(odds[::-1], size) == pytest.approx(score)
    assert score <= membership([*odds, 40], size + 1) + 1e-9 if odds else True


def some_near() -> st.SearchStrategy[list[Near]]:
    articles = ["a", "b", "c"]
    home = {"a": ONE, "b": ONE, "c": TWO}
    return st.lists(
        st.builds(
            lambda article, event, story, hours: near(article, home[article], event, story, hours),
            st.sampled_from(articles),
            ODDS,
            ODDS,
            st.floats(0, 400),
        ),
        max_size=6,
        unique_by=lambda one: one.article,
    )


@given(some_near(), st.sampled_from(["a", "b", "c"]))
def test_a_placement_is_near_and_not_where_it_must_not_be(ones: Sequence[Near], foe: str) -> None:
    said = Overrides(apart=frozenset({("new", foe)}))
    placed = place("new", ones, EVENTS, SIZES, said)
    assert placed == place("new", ones, EVENTS, SIZES, said)
    if placed.event is not None:
        assert foe not in EVENTS[placed.event].members
        assert placed.event_score >= EVENT_JOIN
        assert placed.story == EVENTS[placed.event].story
    if placed.because is not None:
        assert placed.because in {one.article for one in ones}
        assert placed.story in {one.story for one in ones}


def test_an_event_whose_story_is_full_takes_nothing_more() -> None:
    small = Event("e", "s", ("a", "b"))
    ones = [near(name, small, LIKELY) for name in small.members]
    for articles, expected in ((STORY_SIZE - 1, "e"), (STORY_SIZE, None)):
        placed = place("n", ones, {"e": small}, {"s": StorySize(articles, 9)})
        assert placed.event == expected
