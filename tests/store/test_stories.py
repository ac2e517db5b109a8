"""Stories as pages and feeds ask for them, and who is found near by heavy words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, text, update

from aggregator.core.stories import NEAR, POSTINGS, STORY_HOURS, StorySize
from aggregator.core.story_view import story_view
from aggregator.store import Store, stories, story_places
from aggregator.store.group_tables import RELATIONS
from aggregator.store.statements import Listed, Statement
from aggregator.store.tables import ARTICLES
from tests.store.bureau import BY_NAME, DAWN, NEWS, Bureau, Report


@pytest.fixture
def bureau(store: Store) -> Bureau:
    return Bureau(store)


@pytest.fixture
def full(bureau: Bureau) -> Bureau:
    """All the news have arrived: those of cars in a topic, of the quake in another as well."""
    for report in NEWS:
        topics = {"cars": ["cars"], "quak": ["quakes", "japan"]}.get(report.name[:4], [])
        bureau.arrive(report, topics=topics)
    return bureau


def id_of(name: str) -> str:
    return BY_NAME[name].id


def names(story: stories.Story | None) -> list[list[str]]:
    by_id = {report.id: report.name for report in NEWS}
    assert story is not None
    return [[by_id[member.article_id] for member in one.members] for one in story.events]


def hide(bureau: Bureau, name: str, state: str = "dropped") -> None:
    chosen = update(ARTICLES).where(ARTICLES.c.id == id_of(name)).values(state=state)
    bureau.write(lambda c: c.execute(chosen))


# --- a story -------------------------------------------------------------------------------------


def test_a_story_has_its_events_with_their_articles_in_order(full: Bureau) -> None:
    story = full.read(stories.story, full.story_of("talks"))
    assert names(story) == [["talks"], ["talks-2", "talks-3"]]
    assert story is not None
    assert story.latest == BY_NAME["talks-3"].published
    assert story.came_from == ""
    (first, second) = story.events
    assert [(one.because, one.score) for one in first.members] == [("", 0.0)]
    joined = second.members[1]
    assert joined.because == id_of("talks-2")
    assert 0.75 <= joined.score <= 1
    assert second.members[0].because == id_of("talks"), "why the event is in the story"
    assert 0.63 <= second.members[0].score <= 1


def test_what_is_not_published_is_not_shown(full: Bureau) -> None:
    quake, bank = full.story_of("quake"), full.story_of("bank")
    hide(full, "quake-2")
    hide(full, "bank")
    assert names(full.read(stories.story, quake)) == [["quake", "quake-3", "quake-4"]]
    assert len(full.read(stories.view_members, quake)) == 3
    assert full.read(stories.story, bank) is None
    assert full.read(stories.view_members, bank) == ()
    assert full.read(stories.story_of, id_of("bank")) is None


def test_a_reason_that_is_no_longer_published_is_not_named(full: Bureau) -> None:
    hide(full, "talks-2", "merged")
    story = full.read(stories.story, full.story_of("talks"))
    assert story is not None
    assert [one.because for one in story.events[1].members] == [""]


def test_nothing_is_found_for_an_id_that_nothing_has(full: Bureau) -> None:
    assert full.read(stories.story, "nothing") is None
    assert full.read(stories.view_members, "nothing") == ()
    assert full.read(stories.story_of, "nothing") is None
    assert full.read(stories.topics_of, "nothing") == frozenset()
    assert full.read(stories.in_topic, "nothing", 10) == ()


def test_the_story_of_an_article_is_found(full: Bureau) -> None:
    assert full.read(stories.story_of, id_of("cars-2")) == full.story_of("cars")


def test_an_id_leads_through_all_that_it_became_part_of(full: Bureau) -> None:
    bank, empty = full.story_of("bank"), full.story_of("empty")
    full.obey(together="bank+empty")
    home = full.story_of("bank")
    assert home in (bank, empty)
    full.obey(together="bank+cars empty+cars empty+bank")
    for gone in (bank, empty):
        found = full.read(stories.story, gone)
        assert found is not None
        assert found.id == full.story_of("cars")


# --- by topic ------------------------------------------------------------------------------------


def test_a_topic_has_the_stories_of_its_articles_newest_first(full: Bureau) -> None:
    again, first, cars = (full.story_of(name) for name in ("quake-5", "quake", "cars"))
    assert full.read(stories.in_topic, "quakes", 10) == (again, first)
    assert full.read(stories.in_topic, "quakes", 1) == (again,)
    assert full.read(stories.in_topic, "quakes", 0) == ()
    assert full.read(stories.in_topic, "cars", 10) == (cars,)
    since = DAWN + timedelta(hours=500)
    assert full.read(stories.in_topic, "quakes", 10, since) == (again,)
    assert full.read(stories.in_topic, "cars", 10, since) == ()


def test_all_stories_are_given_newest_first(full: Bureau) -> None:
    told = full.read(stories.in_topic, None, 100)
    assert set(told) == {story for _, story in full.places().values()}
    found = [full.read(stories.story, one) for one in told]
    dates = [one.latest for one in found if one]
    assert dates == sorted(dates, reverse=True)
    assert full.read(stories.in_topic, None, 2) == told[:2]
    assert full.read(stories.in_topic, None, 9, DAWN + timedelta(hours=500)) == told[:1]
    full.obey(together="bank+cars")
    assert len(full.read(stories.in_topic, None, 100)) == len(told) - 1


def test_a_story_is_in_the_topics_of_all_its_articles(full: Bureau) -> None:
    full.obey(together="bank+cars")
    assert full.read(stories.topics_of, full.story_of("bank")) == {"cars"}
    assert full.read(stories.topics_of, full.story_of("quake")) == {"quakes", "japan"}
    assert full.read(stories.topics_of, full.story_of("talks")) == frozenset()


# --- what is shown -------------------------------------------------------------------------------


def test_members_are_as_a_view_takes_them(full: Bureau) -> None:
    members = full.read(stories.view_members, full.story_of("talks"))
    assert [one.article for one in members] == [id_of(f"talks{n}") for n in ("", "-2", "-3")]
    first = members[0]
    report = BY_NAME["talks"]
    assert (first.outlet, first.title, first.text) == ("talks", report.title, report.text)
    assert first.published == report.published
    assert first.print.words
    assert first.print.counts == report.draft.counts
    view = story_view(members)
    assert view.first_report == report.id
    assert view.latest == BY_NAME["talks-3"].published
    assert any(one.like == id_of("talks-2") for one in view.why)


def test_an_event_is_shown_by_itself(full: Bureau) -> None:
    members = full.read(stories.view_members, full.event_of("talks-3"))
    assert [one.article for one in members] == [id_of("talks-2"), id_of("talks-3")]


def test_an_old_story_is_shown_when_its_prints_are_forgotten(full: Bureau) -> None:
    full.write(story_places.forget_older, DAWN + timedelta(days=99), 100)
    members = full.read(stories.view_members, full.story_of("talks"))
    view = story_view(members)
    assert view.headline == BY_NAME[next(r.name for r in NEWS if r.id == view.lead)].title
    assert len(view.why) == 3


def relate(bureau: Bureau, one: str, other: str, kind: str, of_second: bool = False) -> None:
    values = {"article_id": id_of(one), "other_id": id_of(other), "kind": kind, "score": 0.9}
    values |= {"of_second": of_second, "seen_at": DAWN}
    bureau.write(lambda c: c.execute(insert(RELATIONS), values))


def test_copies_name_the_article_whose_text_they_have(full: Bureau) -> None:
    relate(full, "quake-3", "quake", "copy")  # the later is the copy, however it is kept
    relate(full, "quake", "quake-2", "copy")
    relate(full, "quake-4", "quake-3", "excerpt")
    relate(full, "quake-4", "cars", "copy")  # not in this story
    relate(full, "quake-2", "quake-4", "digest_contains")
    members = full.read(stories.view_members, full.story_of("quake"))
    copies = {one.article: one.copy_of for one in members}
    assert copies == {
        id_of("quake"): "",
        id_of("quake-2"): id_of("quake"),
        id_of("quake-3"): id_of("quake"),
        id_of("quake-4"): id_of("quake-3"),
    }


def test_an_excerpt_is_of_the_other_whichever_came_first(full: Bureau) -> None:
    relate(full, "quake-4", "quake", "excerpt", of_second=True)
    members = full.read(stories.view_members, full.story_of("quake"))
    assert {one.article: one.copy_of for one in members if one.copy_of} == {
        id_of("quake"): id_of("quake-4")
    }


# --- who is near ---------------------------------------------------------------------------------

HOUR = 500_000


def post(bureau: Bureau, *postings: tuple[int, int, dict[str, float]]) -> None:
    """Prints of nothing by number, hour and words, each in an event of its own."""

    def keep(connection: Connection) -> None:
        for number, hour, weights in postings:
            published = story_places.EPOCH + timedelta(hours=hour, minutes=59)
            story_places.keep_print(connection, number, published, number, b"", weights)
            story_places.begin_story(connection, f"s{number}", published)
            story_places.begin_event(connection, f"e{number}", f"s{number}")
            story_places.join(connection, number, f"e{number}", None, 0.0)

    bureau.write(keep)


def near(bureau: Bureau, weights: dict[str, float], but: int = 0) -> list[int]:
    found = bureau.read(story_places.near, weights, HOUR, but)
    assert all(one.event == f"e{one.number}" and one.story == f"s{one.number}" for one in found)
    assert all(one.digest == one.number for one in found)
    return [one.number for one in found]


def test_the_likest_are_near_the_later_first_among_equals(bureau: Bureau) -> None:
    post(
        bureau,
        (1, HOUR, {"a": 0.5, "b": 0.5}),
        (2, HOUR, {"a": 0.5}),
        (3, HOUR, {"a": 0.5}),
        (4, HOUR, {"c": 1.0}),
        (5, HOUR, {"b": 0.9}),
    )
    assert near(bureau, {"a": 0.5, "b": 0.5}) == [1, 5, 3, 2]
    assert near(bureau, {"a": 0.5, "b": 0.5}, but=5) == [1, 3, 2]
    assert near(bureau, {"a": 0.039}) == [], "below what counts as like"
    assert near(bureau, {"a": 0.04}) == [3, 2, 1]
    assert near(bureau, {}) == []


def test_only_the_days_around_are_near(bureau: Bureau) -> None:
    days = int(STORY_HOURS)
    hours = (HOUR - days - 1, HOUR - days, HOUR, HOUR + days, HOUR + days + 1)
    post(bureau, *((at, hour, {"a": 1.0}) for at, hour in enumerate(hours)))
    assert near(bureau, {"a": 1.0}) == [3, 2, 1]


def test_of_a_word_the_newest_articles_are_looked_at(bureau: Bureau) -> None:
    # the likest is the oldest: one more than are looked at
    many = [(n, HOUR - 1 + n // POSTINGS, {"a": 0.2}) for n in range(2, POSTINGS + 1)]
    post(bureau, (1, HOUR - 2, {"a": 1.0}), *many)
    assert near(bureau, {"a": 1.0})[0] == 1
    post(bureau, (900, HOUR - 1, {"a": 0.2}))
    found = near(bureau, {"a": 1.0})
    assert 1 not in found
    assert found == [900, *range(POSTINGS, POSTINGS - NEAR + 1, -1)], "the later first"


def test_events_stand_in_the_order_in_which_they_came_to_the_story(bureau: Bureau) -> None:
    post(bureau, *((number, HOUR, {}) for number in range(1, 6)))
    for number in (4, 2, 5):
        bureau.write(story_places.move_event, f"e{number}", "s3")
    bureau.write(story_places.move, [1], "e2", 5)
    found = bureau.read(story_places.of_story, "s3")
    assert [one.number for one in found] == [3, 4, 2, 1, 5]
    sizes = bureau.read(story_places.sizes, ["s1", "s3"])
    assert sizes == {"s3": StorySize(5, 4)}
    assert bureau.read(story_places.homes, [1, 5, 9]) == {1: "e2", 5: "e5"}


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_who_is_near_is_found_by_the_key_alone(bureau: Bureau) -> None:
    plans: list[str] = []

    def explained(connection: Connection) -> None:
        ran: list[tuple[str, Any]] = []

        def note(c: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
            ran.append((statement, parameters))

        event.listen(connection, "before_cursor_execute", note)
        story_places.near(connection, {"a": 1.0}, HOUR, 0)
        story_places.of_events(connection, ["e"])
        story_places.of_story(connection, "s")
        story_places.sizes(connection, ["s"])
        story_places.forget_older(connection, DAWN, 10)
        stories.story(connection, "s")
        stories.in_topic(connection, "kabul", 10)
        stories.in_topic(connection, None, 10)
        event.remove(connection, "before_cursor_execute", note)
        for statement, parameters in ran:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(row.detail for row in rows)

    bureau.write(explained)
    of_words = [plan for plan in plans if "story_words" in plan]
    assert len(of_words) == 12
    assert all("PRIMARY KEY (word=? AND hour>? AND hour<?)" in plan for plan in of_words)
    assert any("story_prints_hour (hour<?)" in plan for plan in plans)
    assert any("stories_latest" in plan for plan in plans)
    tables = ("members", "events", "articles", "matches", "story_prints")
    assert not [plan for plan in plans for table in tables if plan == f"SCAN {table}"]


# --- statements ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 5, 64, 1000])
def test_a_list_of_any_length_may_be_asked_for(bureau: Bureau, size: int) -> None:
    post(bureau, *((number, HOUR, {}) for number in range(1, 8)))
    asked = Listed("SELECT number FROM members WHERE number IN (:list) ORDER BY number")
    found = bureau.read(lambda c: asked.run(c, range(3, 3 + size)).scalars().all())
    assert found == [number for number in range(3, 3 + size) if number < 8]


def test_a_statement_runs_for_each_of_several_values(bureau: Bureau) -> None:
    post(bureau, (1, HOUR, {}), (2, HOUR, {}), (3, HOUR, {}))
    gone = Statement("DELETE FROM members WHERE number = :number")
    bureau.write(lambda c: gone.run(c, [{"number": 1}, {"number": 3}]) and None)
    left = text("SELECT number FROM members")
    assert bureau.read(lambda c: c.execute(left).scalars().all()) == [2]


def test_a_report_is_filed_as_it_is_told(bureau: Bureau) -> None:
    bureau.file(Report("a", "标题", "正文"))
    assert bureau.read(stories.story_of, Report("a", "", "").id) is None, "it is not placed yet"
