"""The story desk on the store: places as the reference in memory finds them, whatever happens."""

from __future__ import annotations

import json
import lzma
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest
from sqlalchemy import Connection, func, select, update

from aggregator.core.stories import Overrides
from aggregator.store import Store, stories, story_places
from aggregator.store.group_tables import EVENTS, MEMBERS, STORIES, STORY_PRINTS
from aggregator.store.tables import ARTICLES
from aggregator.story_desk import StoryDesk
from bench.labelled import Item
from bench.story_desk import Desk
from tests.conftest import SHARED
from tests.store.bureau import BY_NAME, DAWN, NEWS, Bureau, Report, groups, made_up

NEWS_FOLDER = SHARED / "stories"
beside = pytest.mark.parametrize(
    "folder", [NEWS_FOLDER] if (NEWS_FOLDER / "stream_ids.json").exists() else []
)


@pytest.fixture
def bureau(store: Store) -> Bureau:
    return Bureau(store)


@pytest.fixture
def full(bureau: Bureau) -> Bureau:
    """All the news have arrived."""
    bureau.arrive(*NEWS)
    return bureau


def reference(reports: Sequence[Report]) -> Desk:
    desk = Desk()
    for one in reports:
        desk.add(Item(one.name, one.feed, "", "", one.title, one.text, one.published))
    return desk


def same_as(desk: Desk, bureau: Bureau) -> None:
    names = desk.event_of
    assert bureau.events() == groups(desk.event_of)
    assert bureau.stories() == groups({name: desk.story_of(name) for name in names})


def coherent(bureau: Bureau) -> None:
    """What is live has members; what is not leads to something that is."""

    def check(connection: Connection) -> None:
        with_members = set(connection.execute(select(MEMBERS.c.event_id)).scalars())
        events = {row.id: row for row in connection.execute(select(EVENTS))}
        live = {id_ for id_, row in events.items() if not row.merged_into}
        assert live == with_members
        told = {row.id: row for row in connection.execute(select(STORIES))}
        live_stories = {id_ for id_, row in told.items() if not row.merged_into}
        assert live_stories == {events[id_].story_id for id_ in live}
        for id_ in told:
            found = stories.story(connection, id_)
            assert found is not None
            assert found.id in live_stories
            published = [member.published for member in stories.view_members(connection, found.id)]
            assert found.latest == max(published)

    bureau.read(check)


# --- as the reference ----------------------------------------------------------------------------


def test_the_sample_is_placed_as_by_the_reference(full: Bureau) -> None:
    same_as(reference(NEWS), full)
    assert frozenset({"quake", "quake-2", "quake-3", "quake-4"}) in full.events()
    assert frozenset({"quake-5"}) in full.stories(), "weeks later it is another quake"
    assert frozenset({"talks"}) in full.events()
    assert frozenset({"talks", "talks-2", "talks-3"}) in full.stories()
    coherent(full)


def for_later_ones(connection: Connection) -> int:
    """How many are where they are because of an article that came later."""
    later = select(func.count()).where(MEMBERS.c.because > MEMBERS.c.number)
    return connection.execute(later).scalar_one()


MADE_UP = ((2, 3, 7), (3, 3, 5), (2, 6, 9))
MOVES = {"comes", "leaves", "divided", "story comes", "story leaves"}


def test_what_is_mended_is_mended_as_by_the_reference(bureau: Bureau) -> None:
    moves = set()
    for seed, in_title, around in MADE_UP:
        bureau.write(story_places.clear)
        reports = [
            replace(one, name=f"{one.name} {in_title}")
            for one in made_up(seed, 150, in_title, around)
        ]
        bureau.arrive(*reports)
        desk = reference(reports)
        same_as(desk, bureau)
        coherent(bureau)
        moves |= set(desk.moves)
        # what came to a newcomer's event is there because of it
        assert (bureau.read(for_later_ones) > 0) is (desk.moves["comes"] > 0)
    assert moves == MOVES, "all kinds of moves are held against the reference"


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_all_ids_lead_somewhere(bureau: Bureau, seed: int) -> None:
    dice = random.Random(seed)
    reports = made_up(seed, 120, 3, 7)
    texts = made_up(seed + 100, 120, 3, 7)
    there: list[Report] = []
    for report, other in zip(reports, texts, strict=True):
        bureau.arrive(report)
        there.append(report)
        some = dice.choice(there)
        match dice.randrange(12):
            case 0 | 1:
                bureau.change(replace(some, title=other.title, text=other.text))
            case 2 if len(there) > 2:
                there.remove(some)
                bureau.leave(some.name, dice.choice(there).name)
            case 3:
                bureau.obey(together=f"{some.name}+{report.name}" if some != report else "")
            case 4:
                bureau.obey(apart=f"{some.name}+{report.name}" if some != report else "")
    assert set(bureau.places()) == {one.name for one in there}
    coherent(bureau)


def stream(folder: Path, most: int) -> list[Report]:
    wanted = set(json.loads((folder / "stream_ids.json").read_text("utf-8")))
    with lzma.open(folder / "corpus.jsonl.xz", "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["id"] in wanted]
    rows.sort(key=lambda row: (row["pub"], row["id"]))
    return [
        Report(
            row["id"], row["title"], row["text"], row["feed"], datetime.fromisoformat(row["pub"])
        )
        for row in rows[:most]
    ]


@beside
def test_real_news_are_placed_as_by_the_reference(bureau: Bureau, folder: Path) -> None:
    reports = stream(folder, 600)
    for at in range(0, len(reports), 50):
        bureau.arrive(*reports[at : at + 50])
    desk = reference(reports)
    same_as(desk, bureau)
    assert sum(desk.moves.values()) > 0, "something was mended"
    coherent(bureau)


# --- whatever happens to process and transaction -------------------------------------------------


def test_a_restart_changes_nothing(store: Store, full: Bureau) -> None:
    expected = full.kept()
    full.write(story_places.clear)
    for report in NEWS:
        full.desk = StoryDesk()
        full.arrive(report)
    assert full.kept() == expected


def test_all_made_anew_gives_the_same_ids(full: Bureau) -> None:
    expected = full.kept()
    full.write(story_places.clear)
    assert not any(full.kept().values())
    full.arrive(*NEWS)
    assert full.kept() == expected


def failing(bureau: Bureau, *reports: Report, changed: Sequence[Report] = ()) -> None:
    """A transaction in which these arrived and those changed, and that failed in the end."""

    def fail(connection: Connection) -> None:
        bureau.place(connection, reports)
        for one in changed:
            bureau.desk.change(connection, bureau.numbers[one.name], one.id, one.draft)
        raise KeyError

    with pytest.raises(KeyError):
        bureau.write(fail)


def test_a_transaction_that_failed_leaves_nothing_behind(full: Bureau) -> None:
    expected = full.kept()
    full.write(story_places.clear)
    full.desk = StoryDesk()  # one that does not remember the odds of all pairs
    full.arrive(*NEWS[:4])
    # as many articles as then arrive, but others; and texts that were never stored
    failing(full, *reversed(NEWS[4:]))
    another = Report("quake", "央行开展逆回购操作", "中国人民银行开展1000亿元逆回购操作。")
    failing(full, changed=[another])
    full.arrive(*NEWS[4:])
    assert full.kept() == expected


def test_desks_take_turns_on_one_store(full: Bureau) -> None:
    """As several processes do on PostgreSQL."""
    expected = full.kept()
    full.write(story_places.clear)
    desks = StoryDesk(), StoryDesk(), StoryDesk()
    for at, report in enumerate(NEWS):
        full.desk = desks[at % 3]
        full.arrive(report)
    assert full.kept() == expected


# --- what people rule ----------------------------------------------------------------------------


def row_of(bureau: Bureau, event: str) -> tuple[str, str]:
    chosen = select(EVENTS.c.came_from, EVENTS.c.merged_into).where(EVENTS.c.id == event)
    return tuple(bureau.read(lambda c: c.execute(chosen).one()))


def test_what_leaves_is_named_after_what_it_left(full: Bureau) -> None:
    before = full.event_of("quake")
    changed = full.obey(apart="quake+quake-3")
    assert changed == {full.story_of("quake")}
    assert full.event_of("quake") == full.event_of("quake-2") == before
    after = full.event_of("quake-3")
    assert after == str(uuid5(UUID(before), BY_NAME["quake-3"].id))
    assert row_of(full, after) == (before, "")
    assert full.obey(apart="quake+quake-3") == frozenset()
    coherent(full)


def test_what_was_emptied_leads_to_where_its_articles_went(full: Bureau) -> None:
    event, story = full.event_of("bank"), full.story_of("bank")
    changed = full.obey(together="bank+cars")
    assert changed == {story, full.story_of("cars")}
    assert row_of(full, event) == ("", full.event_of("cars"))
    found = full.read(stories.story, story)
    assert found is not None
    assert found.id == full.story_of("cars")
    assert len(full.read(stories.view_members, event)) == 3
    coherent(full)


def test_what_was_emptied_is_revived_by_its_id(full: Bureau) -> None:
    full.obey(apart="quake+quake-3")
    parted = full.kept()
    full.obey(together="quake+quake-3")
    assert full.event_of("quake") == full.event_of("quake-3")
    full.obey(apart="quake+quake-3")
    assert {name: full.kept()[name] for name in parted if "events" not in name} == {
        name: rows for name, rows in parted.items() if "events" not in name
    }
    coherent(full)


def test_an_id_that_is_in_use_is_given_to_nothing_else(full: Bureau) -> None:
    """The article that gave the event its name left, and founds one of its own."""
    event = full.event_of("quake")
    full.leave("quake")
    full.numbers["quake"] = 99  # as one that is published anew
    lone = Report("quake", "图集", "").later(2000)
    full.write(full.place, [lone])
    assert full.event_of("quake-2") == event
    assert full.event_of("quake") not in (event, full.event_of("bank"))
    assert full.story_of("quake") != full.story_of("quake-2")


def test_people_are_obeyed_from_the_beginning(bureau: Bureau) -> None:
    quakes = [report for report in NEWS if report.name.startswith("quake")][:4]
    bureau.file(*quakes, BY_NAME["bank"])
    said = bureau.rulings(together="quake+bank", apart="quake+quake-2")
    bureau.arrive(*quakes, BY_NAME["bank"], rulings=said)
    assert bureau.event_of("bank") == bureau.event_of("quake")
    assert bureau.event_of("quake-2") != bureau.event_of("quake")
    coherent(bureau)


def test_a_newcomer_that_must_be_with_two_brings_them_together(full: Bureau) -> None:
    late = Report("late", "图集二", "").later(2000)
    full.file(late)
    full.arrive(late, rulings=full.rulings(together="late+bank late+cars"))
    assert full.event_of("late") == full.event_of("bank") == full.event_of("cars")
    coherent(full)


# --- what changes, what goes ---------------------------------------------------------------------


def test_what_is_alone_is_placed_anew_by_its_new_text(full: Bureau) -> None:
    event, story = full.event_of("bank"), full.story_of("bank")
    cars = BY_NAME["cars-2"]
    told = Report("bank", cars.title, cars.text, "bank", BY_NAME["bank"].published)
    changed = full.change(told)
    assert full.event_of("bank") == full.event_of("cars")
    assert changed == {story, full.story_of("cars")}
    assert row_of(full, event) == ("", full.event_of("cars"))
    coherent(full)


def test_what_stays_alone_keeps_its_ids(full: Bureau) -> None:
    before = full.places()
    told = Report("bank", "央行：利率不变", "央行公布利率不变。", "bank", BY_NAME["bank"].published)
    assert full.change(told) == {full.story_of("bank")}
    assert full.places() == before
    coherent(full)


def test_what_is_among_others_stays_and_is_found_by_its_new_text(full: Bureau) -> None:
    before = full.places()
    told = Report("cars-2", "巴黎奥运会闭幕", "巴黎奥运会闭幕式在法兰西体育场举行。").later(3)
    assert full.change(told) == {full.story_of("cars-2")}
    assert full.places() == before
    alike = Report("games", "巴黎奥运会闭幕", "巴黎奥运会闭幕式在法兰西体育场举行。").later(4)
    full.arrive(alike)
    number = full.numbers["cars-2"]
    because = select(MEMBERS.c.because).where(MEMBERS.c.number == full.numbers["games"])
    assert full.read(lambda c: c.execute(because).scalar()) == number
    coherent(full)


def test_words_are_learnt_once(full: Bureau) -> None:
    learnt = [rows for name, rows in full.kept().items() if "word_log" in name]
    full.change(BY_NAME["bank"])
    full.leave("cars")
    assert [rows for name, rows in full.kept().items() if "word_log" in name] == learnt


def test_when_a_story_was_last_told_follows_its_articles(full: Bureau) -> None:
    def latest() -> datetime:
        found = full.read(stories.story, full.story_of("cars"))
        assert found is not None
        return found.latest

    assert latest() == BY_NAME["cars-2"].published
    later = BY_NAME["cars-2"].later(7)
    dated = update(ARTICLES).where(ARTICLES.c.id == later.id).values(published=later.published)
    full.write(lambda c: c.execute(dated))
    full.change(later)
    assert latest() == later.published
    full.leave("cars-2")
    assert latest() == BY_NAME["cars"].published


def test_what_was_merged_leads_to_the_other(full: Bureau) -> None:
    event, story = full.event_of("bank"), full.story_of("bank")
    changed = full.leave("bank", to="cars")
    assert changed == {story, full.story_of("cars")}
    assert "bank" not in full.places()
    assert row_of(full, event) == ("", full.event_of("cars"))
    found = full.read(stories.story, story)
    assert found is not None
    assert found.id == full.story_of("cars")
    coherent(full)


def test_what_was_removed_is_gone_and_found_no_more(full: Bureau) -> None:
    story = full.story_of("bank")
    assert full.leave("bank") == {story}
    assert full.read(stories.story, story) is None
    twin = Report("twin", BY_NAME["bank"].title, BY_NAME["bank"].text).later(6)
    full.arrive(twin)
    assert frozenset({"twin"}) in full.stories()
    assert full.leave("twin", to="twin") == {str(uuid5_story(twin))}
    assert full.leave("bank") == frozenset(), "it has left before"
    coherent(full)


def uuid5_story(report: Report) -> UUID:
    return uuid5(NAMESPACE_URL, f"story of {report.id}")


def test_what_has_left_may_come_back(full: Bureau) -> None:
    before = full.places()
    full.leave("quake-2")
    full.leave("bank")
    full.change(BY_NAME["bank"])
    full.change(BY_NAME["quake-2"])
    assert full.places() == before


def test_others_stay_when_one_leaves(full: Bureau) -> None:
    event = full.event_of("quake")
    assert full.leave("quake", to="cars") == {full.story_of("quake-2")}
    assert full.event_of("quake-2") == event
    assert row_of(full, event) == ("", "")
    coherent(full)


# --- what is old ---------------------------------------------------------------------------------


def test_what_is_forgotten_is_held_against_nothing_new(full: Bureau) -> None:
    before = full.places()
    until = DAWN + timedelta(hours=500)
    assert full.write(story_places.forget_older, until, 5) == 5
    oldest = full.read(lambda c: set(c.execute(select(STORY_PRINTS.c.number)).scalars()))
    assert oldest == set(range(6, len(NEWS) + 1)), "the oldest go first"
    assert full.write(story_places.forget_older, until, 100) == len(NEWS) - 1 - 5
    assert full.write(story_places.forget_older, until, 100) == 0
    assert full.places() == before
    again = Report("again", BY_NAME["quake"].title, BY_NAME["quake"].text).later(5)
    full.arrive(again)
    assert frozenset({"again"}) in full.stories()
    [left] = [rows for name, rows in full.kept().items() if "story_words" in name]
    assert {row[2] for row in left} == {full.numbers["quake-5"], full.numbers["again"]}
    coherent(full)


def test_what_comes_late_is_not_the_newest(full: Bureau) -> None:
    late = Report("late", BY_NAME["cars"].title, BY_NAME["cars"].text).later(-5)
    full.arrive(late)
    assert full.event_of("late") == full.event_of("cars")
    coherent(full)


def test_a_print_of_another_version_is_as_one_that_is_not_kept(full: Bureau) -> None:
    broken = update(STORY_PRINTS).values(print=b"of another version", digest=1)
    full.write(lambda c: c.execute(broken))
    full.desk = StoryDesk()
    twin = Report("twin", BY_NAME["bank"].title, BY_NAME["bank"].text).later(6)
    full.arrive(twin)
    assert frozenset({"twin"}) in full.stories()
    full.change(BY_NAME["bank"])
    assert full.event_of("bank") == full.event_of("twin")
    assert full.leave("cars") == {full.story_of("cars-2")}
    coherent(full)


def test_rules_about_what_never_came_do_nothing(full: Bureau) -> None:
    assert full.write(full.desk.obey, Overrides(frozenset({("98", "99")}))) == frozenset()
