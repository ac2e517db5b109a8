"""Entries leave an article for one of their own: what goes along, what is owed, what follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from aggregator.core.identity import article_id
from aggregator.core.model import Entry, Extracted
from aggregator.errors import RulingError
from aggregator.store import articles, editions, retention, rulings, splitting
from aggregator.store.articles import Made
from aggregator.store.tables import ARTICLES, ENTRIES, EXTRACTS
from tests.store.making import FEEDX, GUANCHA, HOUR, NOW, Newsroom, composed, entry, unwanted

SAME = "<p>" + "美国国务院说，美方将在卡塔尔与塔利班恢复谈判。" * 20 + "</p>"
LATER = NOW + 2 * HOUR

FIRST = entry("a")
SECOND = entry("b", feed="guancha", title="另一个标题")
THIRD = entry("c", feed="guancha", title="第三个标题")


def key(one: Entry) -> tuple[str, str]:
    return (one.feed_id, one.key)


def by_itself(one: Entry) -> str:
    """The id of an article whose first entry shares its URL with one that stays."""
    return article_id("", one.feed_id, one.key)


@pytest.fixture
def merged(room: Newsroom) -> Newsroom:
    """Three entries in one article, by the id of the first, and nothing is owed."""
    room.define("doha")
    room.poll(FIRST)
    room.poll(SECOND, THIRD, spec=GUANCHA)
    outcomes = [room.make(composed(one, SAME, topics=["doha"])) for one in (FIRST, SECOND, THIRD)]
    assert outcomes == ["made", "merged", "merged"]
    assert room.make(composed(FIRST, SAME, topics=["doha"])) == "same"
    assert room.pending(LATER) == ()
    room.publish_all()
    return room


def split(room: Newsroom, *leaving: Entry, of: Entry = FIRST) -> str:
    return room.write(splitting.split, of.article_id, [key(one) for one in leaving], LATER)


def homes(room: Newsroom) -> dict[str, str]:
    """Which entry is in which article."""
    return {
        row.key: row.article_id
        for row in room.read(lambda c: c.execute(select(ENTRIES.c.key, ENTRIES.c.article_id)).all())
    }


def leads(room: Newsroom, id_: str) -> tuple[str, str]:
    row = room.read(articles.row_of, id_)
    return row.state, row.merged_into


def extracts(room: Newsroom) -> dict[str, str]:
    rows = room.read(lambda c: c.execute(select(EXTRACTS.c.article_id, EXTRACTS.c.url)).all())
    return {row.article_id: row.url for row in rows}


def page(url: str) -> Extracted:
    return Extracted(url, "标题", "记者", NOW, "<p>页面</p>", "", "zh")


def bring_again(room: Newsroom, one: Entry, name: str) -> None:
    """Another feed carries it as well."""
    spec = GUANCHA if one.feed_id == FEEDX.id else FEEDX
    room.poll(entry(name, feed=spec.id, url=one.url, now=LATER), spec=spec, now=LATER)


def refused(room: Newsroom, of: str, leaving: Sequence[tuple[str, str]]) -> str:
    before = homes(room)
    with pytest.raises(RulingError) as error:
        room.write(splitting.split, of, leaving, LATER)
    assert of in error.value.where
    assert error.value.hint
    assert homes(room) == before
    return error.value.what


# --- which article is which ----------------------------------------------------------------------


def test_what_leaves_has_the_id_that_it_once_had_and_its_number(merged: Newsroom) -> None:
    chosen = update(ARTICLES).where(ARTICLES.c.id == SECOND.article_id).values(number=77)
    merged.write(lambda c: c.execute(chosen))
    assert split(merged, SECOND) == SECOND.article_id
    row = merged.read(articles.row_of, SECOND.article_id)
    assert (row.state, row.number, row.merged_into, row.title) == ("pending", 77, "", SECOND.title)
    assert homes(merged) == {
        "a": FIRST.article_id, "b": SECOND.article_id, "c": FIRST.article_id,
    }  # fmt: skip
    assert leads(merged, THIRD.article_id) == ("merged", FIRST.article_id)


def test_several_leave_together_and_what_led_to_the_article_leads_to_theirs(
    merged: Newsroom,
) -> None:
    assert split(merged, THIRD, SECOND) == THIRD.article_id
    assert homes(merged)["b"] == homes(merged)["c"] == THIRD.article_id
    assert leads(merged, SECOND.article_id) == ("merged", THIRD.article_id)
    assert merged.store.article(FIRST.article_id) is not None


def test_the_article_keeps_its_id_though_the_entry_that_gave_it_leaves(merged: Newsroom) -> None:
    new = split(merged, FIRST)
    assert new == by_itself(FIRST)
    assert homes(merged) == {"a": new, "b": FIRST.article_id, "c": FIRST.article_id}
    assert leads(merged, SECOND.article_id) == ("merged", FIRST.article_id)
    assert leads(merged, FIRST.article_id)[0] == "ready"


def test_two_of_one_url_are_parted_by_their_keys(room: Newsroom) -> None:
    other = replace(entry("b", feed="guancha", url=FIRST.url), published=FIRST.published)
    room.poll(FIRST)
    room.poll(other, spec=GUANCHA)
    assert split(room, other) == by_itself(other)
    assert homes(room) == {"a": FIRST.article_id, "b": by_itself(other)}


def test_what_was_parted_can_be_parted_again_and_again(merged: Newsroom) -> None:
    both = split(merged, FIRST, SECOND)
    assert both == by_itself(FIRST)
    again = merged.write(splitting.split, both, [key(FIRST)], LATER)
    assert len({again, both, FIRST.article_id}) == 3
    assert homes(merged) == {"a": again, "b": both, "c": FIRST.article_id}


# --- what is owed --------------------------------------------------------------------------------


def test_both_are_to_be_made_again_and_the_editions_published(merged: Newsroom) -> None:
    new = split(merged, SECOND)
    assert merged.pending(NOW) == ()
    waiting = {one.article_id: [e.key for e in one.entries] for one in merged.pending(LATER)}
    assert waiting == {FIRST.article_id: ["a", "c"], new: ["b"]}
    assert set(merged.read(editions.unpublished)) == {editions.ALL, "doha"}


def test_a_page_goes_along_with_its_entry(merged: Newsroom) -> None:
    kept = replace(composed(FIRST, SAME), extracted=page(SECOND.link))
    merged.make(kept)
    new = split(merged, SECOND)
    assert extracts(merged) == {new: SECOND.link}


def test_a_page_stays_with_its_entry(merged: Newsroom) -> None:
    merged.make(replace(composed(FIRST, SAME), extracted=page(FIRST.link)))
    split(merged, SECOND)
    assert extracts(merged) == {FIRST.article_id: FIRST.link}


def test_a_page_of_which_nobody_knows_whose_it_is_is_fetched_again(merged: Newsroom) -> None:
    merged.make(replace(composed(FIRST, SAME), extracted=page("https://example.org/moved")))
    split(merged, SECOND)
    assert extracts(merged) == {}


def test_what_was_under_way_meanwhile_is_not_published(merged: Newsroom) -> None:
    merged.write(editions.reprocess, NOW)
    [material] = merged.pending()
    new = split(merged, SECOND)
    # of the text that leaves; it began later than the ruling's time says
    wrong = composed(replace(FIRST, title=SECOND.title), "<p>全文是另一篇的。</p>" * 30)
    made = Made(wrong, made_from=material.entries)
    assert merged.write(merged.settler.settle, [made], LATER + HOUR) == ("same",)
    article = merged.store.article(FIRST.article_id)
    assert article is not None
    assert article.title == FIRST.title
    assert {one.article_id for one in merged.pending(LATER)} == {FIRST.article_id, new}


# --- what comes later ----------------------------------------------------------------------------


@pytest.mark.parametrize("leaving", [FIRST, SECOND], ids=["its first", "another"])
def test_what_brings_the_url_again_is_of_the_article_that_has_it(
    merged: Newsroom, leaving: Entry
) -> None:
    """Also where the article that stays has the id which that URL gives."""
    new = split(merged, leaving)
    bring_again(merged, leaving, "again")
    assert homes(merged)["again"] == new
    bring_again(merged, SECOND if leaving == FIRST else FIRST, "other")
    assert homes(merged)["other"] == FIRST.article_id


def test_an_entry_under_a_new_guid_is_the_one_that_left(merged: Newsroom) -> None:
    new = split(merged, FIRST)
    renamed = replace(FIRST, key="guid-2")
    assert merged.poll(renamed, now=LATER).known == 1
    assert homes(merged)["a"] == new
    assert "guid-2" not in homes(merged)


def test_a_change_of_what_left_is_made_where_it_is(merged: Newsroom) -> None:
    new = split(merged, FIRST)
    for one in (FIRST, SECOND):
        merged.make(replace(composed(one, SAME), article_id=homes(merged)[one.key]), LATER)
    merged.poll(entry("a", "改了的正文"), now=LATER + HOUR)
    assert [one.article_id for one in merged.pending(LATER + HOUR)] == [new]


def test_what_left_and_was_removed_is_kept_out(merged: Newsroom) -> None:
    new = split(merged, FIRST)
    merged.make(replace(composed(FIRST, SAME), article_id=new), LATER)
    assert merged.write(retention.remove, [new], LATER + HOUR, LATER + HOUR) == 1
    bring_again(merged, FIRST, "again")
    assert homes(merged)["again"] == new
    assert new not in {one.article_id for one in merged.pending(LATER + HOUR)}


# --- what is refused -----------------------------------------------------------------------------


def test_what_cannot_be_is_said_and_changes_nothing(merged: Newsroom) -> None:
    id_ = FIRST.article_id
    assert "no such article" in refused(merged, by_itself(THIRD), [key(THIRD)])
    assert "merged into another" in refused(merged, SECOND.article_id, [key(SECOND)])
    assert "all its entries" in refused(merged, id_, [key(one) for one in (FIRST, SECOND, THIRD)])
    assert "no entry was chosen" in refused(merged, id_, [])
    assert "no entry zzz of feed feedx" in refused(merged, id_, [key(SECOND), ("feedx", "zzz")])
    assert not merged.read(rulings.any_of, "article")


def test_what_is_not_published_is_not_parted(merged: Newsroom) -> None:
    merged.make(unwanted(composed(FIRST)))
    assert "not published" in refused(merged, FIRST.article_id, [key(SECOND)])
    merged.write(retention.remove, [FIRST.article_id], NOW + HOUR, NOW)
    assert "not kept" in refused(merged, FIRST.article_id, [key(SECOND)])


def test_an_article_that_was_never_made_can_be_parted(room: Newsroom) -> None:
    other = entry("b", feed="guancha", url=FIRST.url)
    room.poll(FIRST)
    room.poll(other, spec=GUANCHA)
    assert room.write(splitting.split, FIRST.article_id, [key(other)], LATER) == by_itself(other)
    assert len(room.pending(LATER)) == 2
