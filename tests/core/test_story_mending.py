"""What a join makes right, and that published names are stable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.stories import EVENT_SIZE, NO_OVERRIDES, Event, Near, Overrides, StorySize
from aggregator.core.story_mending import (
    NEIGHBOURS,
    Move,
    Odds,
    StoryMove,
    divided,
    mend,
    mend_story,
    neighbours,
    obey,
)
from aggregator.core.story_pairs import PairOdds

LIKELY, UNLIKELY = 5.0, -5.0


def odds_of(likely: Iterable[str]) -> Odds:
    """Articles are letters; those in one string are likely of one event, others not."""
    pairs = {frozenset(pair) for group in likely for pair in combinations(group, 2)}
    return lambda a, b: LIKELY if frozenset((a, b)) in pairs else UNLIKELY


def event(name: str, members: str, story: str = "s") -> Event:
    return Event(name, story, tuple(members))


def said(together: str = "", apart: str = "") -> Overrides:
    """Pairs of letters: `ab cd`."""

    def pairs(text: str) -> frozenset[tuple[str, str]]:
        return frozenset((a, b) for a, b in text.split())

    return Overrides(pairs(together), pairs(apart))


# --- events --------------------------------------------------------------------------------------


def test_nothing_moves_where_all_is_right() -> None:
    assert mend(event("e", "abcd"), [("x", event("f", "x"))], odds_of(["abcd"])) == ()


def test_a_small_event_that_rather_belongs_here_comes() -> None:
    around = [("x", event("f", "x")), ("x", event("f", "x"))]
    moves = mend(event("e", "abc"), around, odds_of(["abcx"]))
    assert moves == (Move(("x",), "f", "e"),)


def test_of_a_larger_event_or_a_better_one_nothing_comes() -> None:
    assert mend(event("e", "abc"), [("x", event("f", "xyz"))], odds_of(["abcx"])) == ()
    assert mend(event("e", "abc"), [("x", event("f", "xy"))], odds_of(["abcx", "xy"])) == ()


def test_a_member_that_no_longer_belongs_leaves_with_a_new_name() -> None:
    assert mend(event("e", "abcd"), [], odds_of(["abd"])) == (Move(("c",), "e", None),)


def test_the_first_member_and_one_of_two_never_leave() -> None:
    assert mend(event("e", "abc"), [], odds_of(["bc"])) == ()
    assert mend(event("e", "ab"), [], odds_of([])) == ()


def test_an_event_that_has_become_two_is_divided_and_the_larger_part_keeps_the_name() -> None:
    assert mend(event("e", "abcde"), [], odds_of(["abc", "de"])) == (Move(("d", "e"), "e", None),)
    assert mend(event("e", "abcde"), [], odds_of(["ab", "cde"])) == (Move(("a", "b"), "e", None),)


def test_of_equal_parts_that_of_the_first_member_keeps_the_name() -> None:
    assert divided("abcd", odds_of(["ac", "bd"])) == ("b", "d")
    assert divided("abcdef", odds_of(["ace", "bdf"])) == ("b", "d", "f")


def test_one_bridge_between_two_parts_does_not_hold_them() -> None:
    assert divided("abcdef", odds_of(["abc", "def", "cd"])) == ("d", "e", "f")


def test_members_change_sides_until_the_parts_are_the_best() -> None:
    odds = odds_of(["ab", "bc", "def"])
    special = {frozenset("ac"): 0.0, frozenset("cd"): 0.4, frozenset("ad"): -9.0}
    assert divided("abcdef", lambda a, b: special.get(frozenset((a, b)), odds(a, b))) == (
        "d",
        "e",
        "f",
    )


def test_parts_that_are_hardly_closer_than_the_whole_are_not_divided() -> None:
    near, far = odds_of(["abc", "def"]), {LIKELY: -0.8, UNLIKELY: -1.4}
    assert divided("abcdef", lambda a, b: far[near(a, b) or 0.0]) == ()


def test_what_is_one_or_too_small_or_loose_is_not_divided() -> None:
    assert divided("abcde", odds_of(["abcde"])) == ()
    assert divided("abc", odds_of(["ab"])) == ()
    assert divided("abcd", odds_of([])) == ()
    assert divided("abcde", odds_of(["abcd"])) == ()


def test_a_pair_that_is_no_longer_kept_counts_as_unlikely() -> None:
    assert mend(event("e", "abc"), [], lambda a, b: None if "c" in a + b else LIKELY) == (
        Move(("c",), "e", None),
    )


def test_neighbours_are_likely_near_and_few() -> None:
    def near(article: str, home: str, odds: float, hours: float = 1) -> Near:
        return Near(article, home, "s", hours, PairOdds(odds, 0))

    ones = [near("a", "e", LIKELY), near("b", "f", LIKELY), near("c", "f", 0)]
    ones += [near("d", "f", LIKELY, 99), *(near(name, "g", LIKELY) for name in "hijklm")]
    found = [one.article for one in neighbours(ones, "e", 72)]
    assert found == ["b", "h", "i", "j", "k"]
    assert len(found) == NEIGHBOURS


# --- what people said ----------------------------------------------------------------------------


def test_what_must_be_apart_does_not_come_and_what_must_be_together_does_not_leave() -> None:
    around = [("x", event("f", "x"))]
    assert mend(event("e", "abc"), around, odds_of(["abcx"]), said(apart="xb")) == ()
    assert mend(event("e", "abcd"), [], odds_of(["abd"]), said(together="ca")) == ()
    around = [("x", event("f", "xy"))]
    assert mend(event("e", "abc"), around, odds_of(["abcx"]), said(together="xy")) == ()


def test_an_event_is_divided_only_between_those_that_may_be_apart() -> None:
    bound = said(together="ad")
    assert divided("abcde", odds_of(["abc", "de"]), bound) in ((), ("e",))
    assert divided("abcd", odds_of(["ab", "cd"]), said("ab bc cd")) == ()


def test_what_people_ruled_is_obeyed() -> None:
    assert obey([event("e", "abc")], said(apart="ab")) == (Move(("b",), "e", None),)
    assert obey([event("e", "abc")], said("bc", "ab")) == (Move(("b", "c"), "e", None),)
    e, f = event("e", "abc"), event("f", "xy")
    assert obey([e, f], said("ax")) == (Move(("x",), "f", "e"),)
    assert obey([e, f], said("ax xy")) == (Move(("x", "y"), "f", "e"),)
    assert obey([e, f], said("ax", "bx")) == ()
    assert obey([e, f], NO_OVERRIDES) == ()


# --- laws ----------------------------------------------------------------------------------------

NAMES = "abcdefgh"
PAIRS = st.frozensets(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda one: one[0] < one[1]),
    max_size=4,
)
SOME_ODDS = st.dictionaries(
    st.sampled_from([frozenset(pair) for pair in combinations(NAMES, 2)]),
    st.floats(-8, 8),
    max_size=28,
)


def applied(events: Sequence[Event], moves: Iterable[Move]) -> dict[str, Event]:
    now = {one.id: one for one in events}
    for at, move in enumerate(moves):
        origin = now[move.origin]
        assert set(move.articles) <= set(origin.members)
        left = tuple(m for m in origin.members if m not in move.articles)
        now[move.origin] = replace(origin, members=left)
        to = move.to or f"{move.origin}/{at}/{move.articles[0]}"
        there = now.get(to, Event(to, origin.story, ()))
        now[to] = replace(there, members=there.members + move.articles)
    return now


@given(st.permutations(NAMES), st.integers(1, 8), SOME_ODDS, PAIRS, PAIRS)
def test_mending_loses_nothing_and_keeps_to_the_rules(
    order: Sequence[str],
    size: int,
    odds: Mapping[frozenset[str], float],
    together: frozenset[tuple[str, str]],
    apart: frozenset[tuple[str, str]],
) -> None:
    rules = Overrides(together, apart)
    home = Event("e", "s", tuple(order[:size]))
    around = [(one, Event(f"of {one}", "s", (one,))) for one in order[size:]]
    before = {one.id: one for one in [home, *(other for _, other in around)]}
    moves = mend(home, around, lambda a, b: odds.get(frozenset((a, b))), rules)
    again = mend(home, around, lambda a, b: odds.get(frozenset((a, b))), rules)
    assert moves == again
    after = applied(list(before.values()), moves)
    assert sorted(m for one in after.values() for m in one.members) == sorted(NAMES)
    assert len(after["e"].members) <= EVENT_SIZE
    assert after["e"].members  # the name stays with somebody
    where = {m: one.id for one in after.values() for m in one.members}
    was = {m: one.id for one in before.values() for m in one.members}
    for a, b in rules.apart:
        assert where[a] != where[b] or was[a] == was[b]
    for a, b in rules.together:
        assert where[a] == where[b] or was[a] != was[b]
    for move in moves:
        if move.to is None and len(move.articles) > 1:
            assert len(move.articles) <= len(after["e"].members)


@given(st.permutations(NAMES), st.integers(0, 8), PAIRS, PAIRS)
def test_what_people_ruled_is_obeyed_in_the_end(
    order: Sequence[str],
    size: int,
    together: frozenset[tuple[str, str]],
    apart: frozenset[tuple[str, str]],
) -> None:
    rules = Overrides(together, apart)
    events = [Event("e", "s", tuple(order[:size])), Event("f", "s", tuple(order[size:]))]
    for _ in range(50):
        moves = obey(events, rules)
        if not moves:
            break
        events = [one for one in applied(events, moves).values() if one.members]
    assert not moves
    where = {m: one.id for one in events for m in one.members}
    assert all(where[a] != where[b] for a, b in rules.apart)
    if not rules.apart:
        assert all(where[a] == where[b] for a, b in rules.together)


def test_the_size_of_an_event_is_bounded() -> None:
    full = Event("e", "s", tuple(f"a{at}" for at in range(EVENT_SIZE)))
    assert mend(full, [("x", event("f", "x"))], lambda a, b: LIKELY) == ()
    nearly = replace(full, members=full.members[1:])
    around = [("x", event("f", "x")), ("y", event("g", "y"))]
    assert mend(nearly, around, lambda a, b: LIKELY) == (Move(("x",), "f", "e"),)


# --- stories -------------------------------------------------------------------------------------


def near_story(article: str, home: Event, odds: float) -> Near:
    return Near(article, home.id, home.story, 1, PairOdds(UNLIKELY, odds))


def test_an_event_alone_joins_a_story_and_the_larger_keeps_its_name() -> None:
    one, two = event("e", "ab", "s"), event("f", "c", "t")
    near = [near_story("c", two, LIKELY)]
    several = {"s": StorySize(2, 1), "t": StorySize(9, 3)}
    many = [near_story(name, two, LIKELY) for name in "cdefg"]
    assert mend_story(one, [], many, several, odds_of([])) == (StoryMove(("e",), "s", "t"),)
    single = {"s": StorySize(2, 1), "t": StorySize(1, 1)}
    assert mend_story(one, [], near, single, odds_of([])) == (StoryMove(("f",), "t", "s"),)
    larger = {"s": StorySize(2, 1), "t": StorySize(3, 1)}
    assert mend_story(one, [], many, larger, odds_of([])) == (StoryMove(("e",), "s", "t"),)
    assert mend_story(one, [], [near_story("c", two, 0)], single, odds_of([])) == ()


def test_an_event_that_no_longer_belongs_to_its_story_leaves() -> None:
    one, rest = event("e", "ab"), [event("f", "cde")]
    sizes = {"s": StorySize(5, 2)}
    assert mend_story(one, rest, [], sizes, odds_of(["ac", "be"])) == ()
    assert mend_story(one, rest, [], sizes, odds_of([])) == (StoryMove(("e",), "s", None),)
    small = [event("f", "c")]
    assert mend_story(one, small, [], sizes, odds_of([])) == (StoryMove(("f",), "s", None),)


def test_an_event_goes_to_a_story_that_suits_it_better() -> None:
    one, rest, other = event("e", "ab"), [event("f", "cde")], event("g", "x", "t")
    sizes = {"s": StorySize(5, 2), "t": StorySize(1, 1)}
    near = [near_story("x", other, LIKELY)]
    assert mend_story(one, rest, near, sizes, odds_of([])) == (StoryMove(("e",), "s", "t"),)
    assert mend_story(one, rest, near, sizes, odds_of(["abcde"])) == ()


@pytest.mark.parametrize("articles", [398, 399])
def test_the_size_of_a_story_is_bounded(articles: int) -> None:
    one, other = event("e", "ab"), event("g", "x", "t")
    sizes = {"s": StorySize(2, 1), "t": StorySize(articles, 9)}
    near = [near_story(name, other, LIKELY) for name in "vwxyz"]
    moved = mend_story(one, [], near, sizes, odds_of([]))
    assert bool(moved) == (articles == 398)
