"""Under which key an entry is known, where guids change, repeat, or only name a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, event, select

from aggregator.core.identity import KEY_LIMIT, article_id
from aggregator.core.model import Decision, Entry
from aggregator.store import polls, retention, rulings
from aggregator.store.naming import READ
from aggregator.store.tables import ARTICLES, ENTRIES
from tests.publisher import paragraphs
from tests.store.making import FEEDX, GUANCHA, HOUR, NOW, Newsroom, composed, entry

DAY = 24 * HOUR


def story(name: str, guid: str = "", text: str = "", title: str = "") -> Entry:
    """An article of its own, under this guid."""
    title = title or f"{name}：{paragraphs(f'题{name}', 1)[10:30]}"
    made = entry(name, text or paragraphs(name), title=title)
    return replace(made, key=guid or made.key)


def notice(guid: str, text: str = "短讯一则。", after: timedelta = timedelta(0)) -> Entry:
    """Without a link, of a date so long after the others'."""
    made = entry(guid, text, url="", title="快讯")
    date = made.published + after
    return replace(made, published=date, date_given=f"{date:%a, %d %b %Y %H:%M:%S} GMT")


def undated(one: Entry) -> Entry:
    return replace(one, date_given="", published=one.first_seen)


def polled(room: Newsroom, *documents: Sequence[Entry]) -> list[Decision]:
    """One poll an hour for each document."""
    found = []
    for hour, document in enumerate(documents):
        now = NOW + hour * HOUR
        seen = [
            replace(one, first_seen=now, published=now if not one.date_given else one.published)
            for one in document
        ]
        found.append(room.poll(*seen, now=now))
    return found


def titles(room: Newsroom) -> dict[str, list[str]]:
    """Of each article the titles of its entries."""
    rows = room.read(
        lambda connection: connection.execute(
            select(ENTRIES.c.article_id, ENTRIES.c.title).order_by(ENTRIES.c.key)
        ).all()
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.article_id, []).append(row.title)
    return found


def number_of_articles(room: Newsroom) -> int:
    return len(room.read(lambda connection: connection.execute(select(ARTICLES.c.id)).all()))


def each_by_itself(room: Newsroom, stories: Sequence[Entry]) -> None:
    assert titles(room) == {one.article_id: [one.title] for one in stories}
    assert number_of_articles(room) == len(stories)


# --- guids that name a place ---------------------------------------------------------------------


def placed(stories: Sequence[Entry]) -> list[Entry]:
    return [replace(one, key=f"item-{place}") for place, one in enumerate(stories, start=1)]


@pytest.mark.parametrize("step", [1, 2, 3, 5])
def test_where_guids_name_places_every_article_comes_once_under_its_own_id(
    room: Newsroom, step: int
) -> None:
    stories = [story(f"a{number}") for number in range(3 + 5 * step)]
    documents = [placed(stories[n * step : n * step + 3][::-1]) for n in range(6)]
    decisions = polled(room, *documents)
    assert [len(one.new) for one in decisions] == [3] + [min(step, 3)] * 5
    assert [one.revised for one in decisions] == [()] * 6
    shown = {one.article_id for document in documents for one in document}
    each_by_itself(room, [one for one in stories if one.article_id in shown])


def alike(number: int, guid: str = "") -> Entry:
    """One of many that are made from one template."""
    text = f"{paragraphs('央行今日开展逆回购操作')}<p>第{number}次</p>"
    return story(f"a{number}", guid, text, f"早报第{number}期")


@pytest.mark.parametrize("step", [1, 2])
def test_places_are_told_though_texts_are_made_from_one_template(room: Newsroom, step: int) -> None:
    stories = [alike(number) for number in range(3 + 2 * step)]
    documents = [placed(stories[n * step : n * step + 3][::-1]) for n in range(3)]
    decisions = polled(room, *documents)
    assert [len(one.new) for one in decisions] == [3, step, step]
    assert [one.revised for one in decisions] == [()] * 3
    each_by_itself(room, stories)


def test_where_an_item_goes_on_under_another_guid_its_guid_is_another_items(room: Newsroom) -> None:
    decisions = polled(room, [alike(1, "top")], [alike(2, "top"), alike(1, "second")])
    assert [len(one.new) for one in decisions] == [1, 1]
    each_by_itself(room, [alike(1), alike(2)])


def test_an_article_is_revised_wherever_it_stands(room: Newsroom) -> None:
    a, b, c = story("a"), story("b"), story("c")
    longer = story("a", text=f"{a.content}<p>又及</p>", title=a.title)
    *_, last = polled(room, placed([b, a]), placed([c, b]), placed([c, longer]))
    [revised] = last.revised
    assert (revised.key, revised.content) == ("item-2", longer.content)
    each_by_itself(room, [a, b, c])


def test_a_feed_of_one_item_with_one_guid_brings_each_article(room: Newsroom) -> None:
    stories = [story(name, "latest") for name in "abc"]
    a, b, c = ([one] for one in stories)
    decisions = polled(room, a, b, b, c, a, c)
    assert [len(one.new) for one in decisions] == [1, 1, 0, 1, 0, 0]
    assert [one.revised for one in decisions] == [()] * 6
    each_by_itself(room, stories)


def test_short_posts_at_places_are_told_by_their_titles(room: Newsroom) -> None:
    first = story("a", "item-1", "点击查看", "喀布尔机场附近发生爆炸")
    second = story("b", "item-1", "点击查看", "世界卫生组织呼吁提供援助")
    decisions = polled(room, [first], [second])
    assert [len(one.new) for one in decisions] == [1, 1]
    each_by_itself(room, [first, second])


def test_posts_without_titles_at_places_are_told_by_their_texts(room: Newsroom) -> None:
    a, b = (replace(story(name, "item-1"), title="") for name in "ab")
    decisions = polled(room, [a], [b])
    assert [len(one.new) for one in decisions] == [1, 1]
    each_by_itself(room, [a, b])


def test_an_article_with_a_very_long_url_is_known_again(room: Newsroom) -> None:
    def long(name: str) -> Entry:
        url = f"https://example.org/{name * 900}"
        made = entry("latest", paragraphs(name), url=url, title=paragraphs(f"题{name}", 1)[10:30])
        return replace(made, article_id=article_id(url, "feedx", "latest"))

    decisions = polled(room, [long("a")], [long("b")], [long("b")], [long("a")])
    assert [len(one.new) for one in decisions] == [1, 1, 0, 0]
    assert all(len(one.key) <= KEY_LIMIT for each in decisions for one in each.new)


@pytest.mark.parametrize("stays", [True, False])
def test_a_key_made_from_a_url_is_no_other_entrys(room: Newsroom, stays: bool) -> None:
    squatter = story("x", story("b").url)
    beside = [squatter] if stays else []
    a, b = story("a", "latest"), story("b", "latest")
    decisions = polled(room, [squatter, a], [*beside, b], [*beside, b])
    assert [len(one.new) for one in decisions] == [2, 1, 0]
    assert [one.revised for one in decisions] == [()] * 3
    each_by_itself(room, [squatter, story("a"), story("b")])


def test_posts_of_one_page_with_one_title_stay_several(room: Newsroom) -> None:
    def posts(day: int, *numbers: int) -> list[Entry]:
        url = f"https://example.org/live/{day}"
        return [
            entry(f"item-{place}", paragraphs(f"{day}-{n}"), url=url, title=f"第{day}日")
            for place, n in enumerate(numbers)
        ]

    decisions = polled(room, posts(1, 1, 2), posts(22, 1, 2), posts(22, 1, 2))
    assert [len(one.new) for one in decisions] == [2, 2, 0]
    assert [one.revised for one in decisions] == [()] * 3


def test_posts_of_one_page_at_places_stay_several(room: Newsroom) -> None:
    def posts(day: int, *numbers: int) -> list[Entry]:
        page = f"https://example.org/live/{day}"
        return [
            replace(story(f"{day}-{n}"), key=f"item-{place}", url=page,
                    article_id=article_id(page, "feedx", ""))
            for place, n in enumerate(numbers)
        ]  # fmt: skip

    decisions = polled(room, posts(1, 1, 2), posts(2, 1, 2), posts(2, 2, 1), posts(2, 2, 1))
    assert [len(one.new) for one in decisions] == [2, 2, 0, 0]
    assert [one.revised for one in decisions] == [()] * 4
    assert sorted(map(len, titles(room).values())) == [2, 2]


def test_what_came_back_after_retention_stays_out_and_what_is_new_comes(room: Newsroom) -> None:
    old = story("a", "latest")
    room.poll(old)
    room.make(composed(old))
    later = NOW + 400 * DAY
    room.write(retention.remove, [old.article_id], later - DAY, later)
    changed = replace(story("b", "latest", text="改了"), published=old.published, first_seen=later)
    assert room.poll(changed, now=later).new == ()
    fresh = replace(story("c", "latest"), published=later - HOUR, first_seen=later)
    assert len(room.poll(fresh, now=later).new) == 1


# --- items that moved ----------------------------------------------------------------------------


def moved(one: Entry, text: str = "", title: str = "") -> Entry:
    made = story(f"{one.key}-new", one.key, text or one.content, title or one.title)
    return replace(made, link=f"{made.url}?from=2021")


RETITLED = "塔利班代表团抵达多哈举行会谈"


@pytest.mark.parametrize(
    ("text", "title"),
    [("", RETITLED), (paragraphs("另一个"), ""), (f"{paragraphs('a')}<p>又及。</p>", RETITLED)],
)
def test_an_article_that_is_retitled_under_a_new_url_is_revised(
    room: Newsroom, text: str, title: str
) -> None:
    before = story("a")
    room.poll(before, story("b"))
    after = moved(before, text, title)
    decision = room.poll(after, story("b"), now=NOW + HOUR)
    assert ([one.key for one in decision.revised], decision.new) == (["a"], ())
    [material] = [one for one in room.pending(NOW + HOUR) if one.article_id == before.article_id]
    [kept] = material.entries
    assert (kept.url, kept.link, kept.title) == (after.url, after.link, after.title)
    assert number_of_articles(room) == 2
    again = room.poll(after, story("b"), now=NOW + 2 * HOUR)
    assert (again.new, again.revised) == ((), ())


def test_a_short_text_under_a_similar_title_is_revised(room: Newsroom) -> None:
    before = story("a", text="快讯。", title="喀布尔机场附近发生爆炸")
    room.poll(before)
    decision = room.poll(moved(before, "快讯。", "喀布尔机场附近发生两起爆炸"), now=NOW + HOUR)
    assert len(decision.revised) == 1


def test_a_short_text_that_goes_on_under_a_new_title_is_revised(room: Newsroom) -> None:
    short = "喀布尔机场附近发生爆炸，数人受伤。"
    before = story("a", text=short, title="快讯")
    room.poll(before)
    after = moved(before, f"{short}{paragraphs('后来')}", "现场报道")
    assert len(room.poll(after, now=NOW + HOUR).revised) == 1


def test_of_very_many_that_moved_only_the_titles_are_compared(room: Newsroom) -> None:
    before = [story(f"a{number}") for number in range(READ + 3)]
    room.poll(*before)
    after = [
        moved(one, f"{one.content}<p>又及</p>", paragraphs(f"改{one.key}", 1)[10:30])
        for one in before
    ]
    decision = room.poll(*after, now=NOW + HOUR)
    assert (len(decision.revised), len(decision.new)) == (READ, 3)


def test_an_unchanged_text_under_another_url_is_known(room: Newsroom) -> None:
    room.poll(story("a"))
    decision = room.poll(moved(story("a")), now=NOW + HOUR)
    assert (decision.new, decision.revised, decision.known) == ((), (), 1)


def test_an_article_that_something_was_said_of_keeps_its_url(room: Newsroom) -> None:
    """For what was said names it by that."""
    before, other = story("a"), story("b")
    room.poll(before, other)
    room.write(rulings.rule, "article", before.article_id, other.article_id, "apart", NOW)
    room.poll(moved(before, title=RETITLED), other, now=NOW + HOUR)
    assert room.read(rulings.of_article, before.article_id, [other.article_id]) == {
        other.article_id: "apart"
    }
    [material] = [one for one in room.pending(NOW + HOUR) if one.article_id == before.article_id]
    assert (material.entries[0].url, material.entries[0].title) == (before.url, RETITLED)


# --- guids that change ---------------------------------------------------------------------------


def test_a_feed_that_changes_all_its_guids_once_brings_nothing_twice(room: Newsroom) -> None:
    first = [*(story(name) for name in "abc"), notice("n")]
    second = [replace(one, key=f"https://example.org/?p={one.key}") for one in first]
    decisions = polled(room, first, second, second)
    assert [(len(one.new), one.revised, one.known) for one in decisions] == [
        (4, (), 0), (0, (), 4), (0, (), 4),
    ]  # fmt: skip


def test_guids_that_change_at_every_poll_bring_nothing_twice(room: Newsroom) -> None:
    items = [story("a"), notice("n"), notice("o", "另一则。"), undated(notice("u", "无日期。"))]
    documents = [[replace(one, key=f"{n}-{one.key}") for one in items] for n in range(4)]
    decisions = polled(room, *documents)
    assert [(len(one.new), one.revised) for one in decisions] == [(4, ())] + [(0, ())] * 3
    assert number_of_articles(room) == 4


def test_a_notice_that_is_repeated_day_by_day_is_new_each_day(room: Newsroom) -> None:
    first = notice("r0")
    decisions = polled(
        room,
        [first],
        [notice("r1", after=DAY)],
        [notice("r2", after=2 * DAY), notice("r3", after=DAY)],
    )
    assert [[one.key for one in each.new] for each in decisions] == [["r0"], ["r1"], ["r2"]]


def test_two_alike_without_urls_stay_two(room: Newsroom) -> None:
    decisions = polled(
        room,
        [notice("0-a")],
        [notice("1-a"), notice("1-b")],
        [notice("2-a"), notice("2-b")],
        [notice("0-a"), notice("3-b"), notice("3-c")],
    )
    assert [len(one.new) for one in decisions] == [1, 1, 0, 1]


def test_an_undated_notice_again_is_new_where_guids_hold(room: Newsroom) -> None:
    lasting = undated(notice("m", "常驻说明。"))
    decisions = polled(
        room, [lasting, undated(notice("n1"))], [lasting], [lasting, undated(notice("n2"))]
    )
    assert [len(one.new) for one in decisions] == [2, 0, 1]


@pytest.mark.parametrize("with_date", [True, False])
def test_a_notice_with_a_url_is_not_taken_for_one_without(room: Newsroom, with_date: bool) -> None:
    linked, bare = (one if with_date else undated(one) for one in (notice("n1"), notice("n2")))
    url = "https://example.org/n1"
    linked = replace(linked, url=url, link=url, article_id=article_id(url, "feedx", "n1"))
    assert [len(one.new) for one in polled(room, [linked], [bare])] == [1, 1]


def test_a_mirrors_other_guids_bring_nothing_twice(room: Newsroom) -> None:
    def at(mirror: int) -> list[Entry]:
        items = [story("a"), notice("n")]
        return [replace(one, feed_id="guancha", key=f"m{mirror}-{one.key}") for one in items]

    news = [
        len(room.poll(*at(n % 2), spec=GUANCHA, now=NOW + n * HOUR, url=GUANCHA.urls[n % 2]).new)
        for n in range(4)
    ]
    assert news == [2, 0, 0, 0]


def test_another_feeds_entries_are_not_asked_for(room: Newsroom) -> None:
    room.poll(notice("n1"))
    other = replace(notice("n2"), feed_id="guancha", article_id=article_id("", "guancha", "n2"))
    assert len(room.poll(other, spec=GUANCHA).new) == 1


# --- what it costs -------------------------------------------------------------------------------


def test_a_poll_without_anything_odd_asks_nothing_more(room: Newsroom) -> None:
    document = [story("a"), story("b"), notice("n")]
    room.poll(*document)
    revised = [replace(document[0], digest="other"), *document[1:]]

    def statements(entries: Sequence[Entry]) -> int:
        asked: list[str] = []

        def record(connection: Connection) -> None:
            def count(_: Connection, __: object, statement: str, *rest: object) -> None:
                asked.append(statement)

            event.listen(connection, "before_cursor_execute", count)
            polls.record_entries(connection, FEEDX.id, entries, NOW)
            event.remove(connection, "before_cursor_execute", count)

        room.write(record)
        return len(asked)

    assert statements(document) == 2, "which are known, and whether anything was ruled"
    assert statements([moved(document[0]), *document[1:]]) == 2, "with the same text"
    assert statements(revised) == 6, "whose it is; entry, extract and article"
