"""What people ruled holds, whatever comes after it: other copies, changes, grouping made anew,
another store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import pytest
from sqlalchemy import delete, select

from aggregator import ruled_stories
from aggregator.core.model import Entry
from aggregator.errors import RulingError
from aggregator.settling import Settler
from aggregator.steps import read_again
from aggregator.store import Store, editions, regrouping, rulings, splitting, stories
from aggregator.store.group_tables import RELATIONS, RULINGS
from aggregator.store.tables import ARTICLES, ENTRIES, EXTRACTS, MATCHES, REVISIONS
from tests.store.bureau import BY_NAME, NEWS, Bureau
from tests.store.making import FEEDX, GUANCHA, HOUR, NOW, Newsroom, composed, entry, unwanted

SAME = "<p>" + "美国国务院说，美方将在卡塔尔与塔利班恢复谈判。" * 20 + "</p>"
LATER = NOW + 2 * HOUR

FIRST = entry("a")
SECOND = entry("b", feed="guancha", title="另一个标题")
THIRD = entry("c", feed="guancha", title="第三个标题")
THREE = (FIRST, SECOND, THIRD)
OWN = entry("own", "喀布尔机场恢复了国际航班，乘客说等了三个月。" * 9, title="喀布尔机场恢复航班")


def come(room: Newsroom, *entries: Entry, body: str = SAME) -> None:
    """They are polled and made, one after the other."""
    for one in entries:
        room.poll(one, spec=FEEDX if one.feed_id == FEEDX.id else GUANCHA)
        make(room, body)


def make(room: Newsroom, body: str = SAME) -> None:
    """All that waits is made: of the words of its first entry, and this body unless it is OWN."""
    while waiting := room.pending(LATER):
        for material in waiting:
            first = replace(material.entries[0], article_id=material.article_id)
            text = "" if first.key == "own" else body
            room.make(composed(first, text), LATER)


def parts(room: Newsroom) -> set[frozenset[str]]:
    """Which entries are one article; each of these is published."""
    asked = select(ENTRIES.c.key, ENTRIES.c.article_id)
    found: dict[str, set[str]] = {}
    for row in room.read(lambda c: c.execute(asked).all()):
        assert room.store.article(row.article_id) is not None
        found.setdefault(row.article_id, set()).add(row.key)
    return {frozenset(keys) for keys in found.values()}


def home(room: Newsroom, one: Entry) -> str:
    asked = select(ENTRIES.c.article_id).where(ENTRIES.c.key == one.key)
    return str(room.read(lambda c: c.execute(asked).scalar_one()))


def split(room: Newsroom, *leaving: Entry) -> str:
    keys = [(one.feed_id, one.key) for one in leaving]
    return room.write(splitting.split, home(room, leaving[0]), keys, LATER)


def merge(room: Newsroom, kept: Entry, gone: Entry) -> None:
    room.write(room.settler.merge, home(room, kept), home(room, gone), LATER)


def regroup(room: Newsroom) -> None:
    """All settle again, by a process that remembers nothing."""
    room.write(regrouping.begin)
    stored = room.read(regrouping.stored, 0, 100)
    room.settler = Settler()
    room.write(room.settler.regroup, 0, list(zip(stored, read_again(stored), strict=True)), LATER)


def lose_all_but_rulings(room: Newsroom) -> None:
    """As if they were put into an empty store."""
    for table in (ENTRIES, ARTICLES, EXTRACTS, MATCHES, REVISIONS, RELATIONS):
        room.write(lambda c, table=table: c.execute(delete(table)))  # type: ignore[misc] # a loop's
    room.write(regrouping.begin)
    room.write(regrouping.record, None)
    room.settler = Settler()


def groups(*names: str) -> set[frozenset[str]]:
    """`ab c`: two of them, of which the first has the entries a and b."""
    return {frozenset(one) for one in names}


@pytest.fixture
def one(room: Newsroom) -> Newsroom:
    """Three entries of the same text in one article."""
    come(room, *THREE)
    assert parts(room) == groups("abc")
    return room


# --- parted --------------------------------------------------------------------------------------


@pytest.mark.parametrize("leaving", ["a", "b", "ab", "bc"])
def test_what_was_parted_stays_so_with_the_same_text(one: Newsroom, leaving: str) -> None:
    split(one, *[entry_ for entry_ in THREE if entry_.key in leaving])
    apart = groups(leaving, "".join(sorted(set("abc") - set(leaving))))
    make(one)
    assert parts(one) == apart
    for _ in range(2):
        one.write(editions.reprocess, LATER)
        make(one)
        assert parts(one) == apart
        regroup(one)
        assert parts(one) == apart


def test_two_of_one_url_that_were_parted_stay_so(room: Newsroom) -> None:
    come(room, FIRST)
    come(room, replace(entry("b", feed="guancha", url=FIRST.url), title="另一个标题"))
    assert parts(room) == groups("ab")
    split(room, entry("b", feed="guancha"))
    for _ in range(2):
        make(room)
        assert parts(room) == groups("a", "b")
        regroup(room)
        room.write(editions.reprocess, LATER)


def test_a_third_copy_joins_one_of_them_and_the_two_stay_apart(one: Newsroom) -> None:
    split(one, SECOND)
    make(one)
    come(one, entry("d", title="第四个标题"))
    assert parts(one) in (groups("acd", "b"), groups("ac", "bd"))
    before = parts(one)
    one.write(editions.reprocess, LATER)
    make(one)
    regroup(one)
    assert parts(one) == before


def test_what_one_of_them_becomes_part_of_is_apart_from_the_other_too(one: Newsroom) -> None:
    split(one, SECOND)
    make(one)
    come(one, OWN)
    merge(one, OWN, FIRST)
    make(one)
    assert parts(one) == {frozenset({"own", "a", "c"}), frozenset({"b"})}
    # the text of the other by now
    one.make(composed(replace(OWN, article_id=home(one, OWN)), SAME), LATER + HOUR)
    make(one)
    one.write(editions.reprocess, LATER)
    make(one)
    regroup(one)
    assert parts(one) == {frozenset({"own", "a", "c"}), frozenset({"b"})}


def test_an_earlier_article_that_takes_one_in_does_not_take_the_other(one: Newsroom) -> None:
    """What is older swallows by its change what is younger."""
    split(one, SECOND)
    old = entry("old", "很久以前的事情，没有人记得了。" * 20)
    one.poll(old)
    split(one, THIRD)
    make(one)
    one.make(composed(replace(old, article_id=home(one, old)), SAME), LATER + HOUR)
    make(one)
    own = {"a", "b", "c"}
    assert all(len(part & own) <= 1 for part in parts(one))


@pytest.mark.parametrize(
    "order", list(permutations(THREE)), ids=lambda o: "".join(e.key for e in o)
)
def test_what_was_parted_is_so_in_another_store_in_whatever_order(
    one: Newsroom, order: Sequence[Entry]
) -> None:
    for leaving, apart in ((SECOND, groups("ac", "b")), (FIRST, groups("a", "c", "b"))):
        split(one, leaving)
        lose_all_but_rulings(one)
        come(one, *order)
        assert parts(one) == apart
        lose_all_but_rulings(one)
        come(one, *order)
        regroup(one)
        assert parts(one) == apart


# --- merged --------------------------------------------------------------------------------------


def test_what_was_merged_stays_so_however_the_texts_differ(one: Newsroom) -> None:
    come(one, OWN)
    one.publish_all()
    merge(one, OWN, FIRST)
    assert editions.ALL in one.read(editions.unpublished)
    make(one)
    all_ = {frozenset({"own", "a", "b", "c"})}
    assert parts(one) == all_
    assert home(one, FIRST) == OWN.article_id
    one.write(editions.reprocess, LATER)
    make(one)
    regroup(one)
    assert parts(one) == all_


@pytest.mark.parametrize("order", [(OWN, *THREE), (*THREE, OWN), (FIRST, OWN, THIRD, SECOND)])
def test_what_was_merged_is_so_in_another_store(one: Newsroom, order: Sequence[Entry]) -> None:
    come(one, OWN)
    merge(one, OWN, FIRST)
    lose_all_but_rulings(one)
    come(one, *order)
    assert parts(one) == {frozenset({"own", "a", "b", "c"})}


def test_of_two_rulings_the_last_counts(one: Newsroom) -> None:
    split(one, SECOND)
    make(one)
    merge(one, FIRST, SECOND)
    make(one)
    assert parts(one) == groups("abc")
    lose_all_but_rulings(one)
    come(one, SECOND, FIRST, THIRD)
    assert parts(one) == groups("abc")
    split(one, FIRST)
    make(one)
    assert parts(one) == groups("a", "bc")
    one.write(editions.reprocess, LATER)
    make(one)
    assert parts(one) == groups("a", "bc")


def test_a_part_that_was_merged_by_hand_is_parted_and_the_rest_stays(one: Newsroom) -> None:
    come(one, OWN)
    merge(one, OWN, FIRST)
    make(one)
    split(one, SECOND)
    make(one)
    expected = {frozenset({"own", "a", "c"}), frozenset({"b"})}
    assert parts(one) == expected
    lose_all_but_rulings(one)
    come(one, OWN, *THREE)
    assert parts(one) == expected


def test_what_waits_to_be_made_can_be_merged(one: Newsroom) -> None:
    one.poll(OWN)
    merge(one, FIRST, OWN)
    make(one)
    assert parts(one) == {frozenset({"own", "a", "b", "c"})}


def test_what_cannot_be_merged_is_said(one: Newsroom) -> None:
    come(one, OWN)
    for kept, gone, said in (
        (FIRST.article_id, FIRST.article_id, "twice"),
        (FIRST.article_id, SECOND.article_id, "merged into another"),
        (FIRST.article_id, "nothing", "no such article"),
        ("nothing", FIRST.article_id, "no such article"),
    ):
        with pytest.raises(RulingError, match=said) as error:
            one.write(one.settler.merge, kept, gone, LATER)
        assert error.value.where
        assert error.value.hint
    one.make(unwanted(composed(OWN)))
    with pytest.raises(RulingError, match="not published"):
        one.write(one.settler.merge, FIRST.article_id, OWN.article_id, LATER)
    assert not one.read(rulings.any_of, "article")


# --- stories -------------------------------------------------------------------------------------


@pytest.fixture
def full(store: Store) -> Bureau:
    bureau = Bureau(store)
    bureau.arrive(*NEWS)
    return bureau


def ids(*names: str) -> list[str]:
    return [BY_NAME[name].id for name in names]


def pair(one: str, other: str) -> tuple[str, str]:
    return BY_NAME[one].id, BY_NAME[other].id


def anew(bureau: Bureau) -> None:
    """All is placed again, by what people ruled."""
    bureau.write(regrouping.begin)
    said = bureau.read(rulings.of_stories)
    for report in NEWS:
        bureau.arrive(report, rulings=said)


def test_articles_are_ruled_apart_and_together_for_good(full: Bureau) -> None:
    settler = Settler()
    assert full.event_of("quake") == full.event_of("quake-2")
    changed = full.write(settler.rule_stories, {pair("quake", "quake-2"): "apart"}, NOW)
    assert full.story_of("quake") in changed
    assert full.event_of("quake") != full.event_of("quake-2")
    full.write(settler.rule_stories, {pair("bank", "cars"): "together"}, NOW)
    assert full.event_of("bank") == full.event_of("cars")
    anew(full)
    assert full.event_of("quake") != full.event_of("quake-2")
    assert full.event_of("bank") == full.event_of("cars")


def test_two_articles_that_are_no_pair_are_refused(full: Bureau) -> None:
    full.file(late := replace(BY_NAME["bank"], name="late"))
    for other, said in ((BY_NAME["cars"].id, "twice"), (late.id, "no story"), ("none", "no such")):
        with pytest.raises(RulingError, match=said):
            full.write(Settler().rule_stories, {(BY_NAME["cars"].id, other): "apart"}, NOW)
    assert not full.read(rulings.any_of, "story")


def test_articles_leave_a_story_s_event_together(full: Bureau) -> None:
    quakes = {"quake", "quake-2", "quake-3", "quake-4"}
    assert quakes in full.events()
    story = full.story_of("quake")
    full.write(ruled_stories.split, Settler(), story, ids("quake-2", "quake-4"), NOW)
    for _ in range(2):
        assert {"quake-2", "quake-4"} in full.events()
        assert {"quake", "quake-3"} in full.events()
        anew(full)


def test_the_first_of_an_event_leaves_and_the_others_stay_together(full: Bureau) -> None:
    full.write(ruled_stories.split, Settler(), full.story_of("quake"), ids("quake"), NOW)
    for _ in range(2):
        assert {"quake"} in full.events()
        assert {"quake-2", "quake-3", "quake-4"} in full.events()
        anew(full)


def test_two_stories_become_one_with_all_their_events(full: Bureau) -> None:
    kept, gone = full.story_of("talks"), full.story_of("quake")
    both = {name for name, (_, story) in full.places().items() if story in (kept, gone)}
    assert len(both) > 5
    home = full.write(ruled_stories.merge, Settler(), kept, gone, NOW)
    assert both in full.stories()
    assert full.story_of("talks") == home
    for led in (kept, gone):
        story = full.read(stories.story, led)
        assert story is not None
        assert story.id == home
        assert story.latest == max(BY_NAME[name].published for name in both)
    first = {"talks", "quake", "quake-2", "quake-3", "quake-4"}
    assert first in full.events()
    anew(full)
    assert first in full.events()


def test_what_was_parted_from_a_story_is_put_back(full: Bureau) -> None:
    settler = Settler()
    before = full.events()
    story = full.story_of("quake")
    full.write(ruled_stories.split, settler, story, ids("quake-2"), NOW)
    assert full.events() != before
    full.write(settler.rule_stories, {pair("quake", "quake-2"): "together"}, NOW)
    assert full.events() == before
    said = full.read(lambda c: c.execute(select(RULINGS.c.rule)).scalars().all())
    assert said == ["together"]


def test_what_was_said_before_does_not_stand_against_it(full: Bureau) -> None:
    settler = Settler()
    full.write(settler.rule_stories, {pair("quake-2", "quake-3"): "together"}, NOW)
    full.write(ruled_stories.split, settler, full.story_of("quake"), ids("quake-2"), NOW)
    assert {"quake-2"} in full.events()
    full.write(settler.rule_stories, {pair("quake-3", "cars"): "apart"}, NOW)
    full.write(ruled_stories.merge, settler, full.story_of("quake"), full.story_of("cars"), NOW)
    assert {"quake", "quake-3", "quake-4", "cars", "cars-2"} in full.events()


def test_the_smaller_first_event_comes_whole(full: Bureau) -> None:
    kept, gone = full.story_of("cars"), full.story_of("quake")
    full.write(ruled_stories.merge, Settler(), kept, gone, NOW)
    quakes = {"quake", "quake-2", "quake-3", "quake-4"}
    assert quakes | {"cars", "cars-2"} in full.events()


def test_what_was_said_of_the_event_of_a_part_holds_in_another_store(one: Newsroom) -> None:
    split(one, FIRST)
    come(one, OWN)
    one.write(one.settler.rule_stories, {(home(one, FIRST), home(one, OWN)): "together"}, LATER)
    lose_all_but_rulings(one)
    come(one, SECOND, FIRST, OWN)
    story = one.read(stories.story_of, home(one, FIRST))
    assert story == one.read(stories.story_of, home(one, OWN))


def test_stories_that_cannot_be_so_are_said(full: Bureau) -> None:
    story, other = full.story_of("bank"), full.story_of("cars")
    for articles, said in ((ids("bank"), "all its"), ([], "no article"), (ids("cars"), "not in")):
        with pytest.raises(RulingError, match=said) as error:
            full.write(ruled_stories.split, Settler(), story, articles, NOW)
        assert error.value.hint
    for kept, gone, said in (
        (story, story, "twice"),
        (story, "none", "no such"),
        ("", other, "no"),
    ):
        with pytest.raises(RulingError, match=said):
            full.write(ruled_stories.merge, Settler(), kept, gone, NOW)
    assert not full.read(rulings.any_of, "story")
