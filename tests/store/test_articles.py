"""Making articles: what waits, what is published, merged, revised, dropped and put off."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from aggregator.core.model import Enclosure, Entry, Extracted, FeedSpec, Image, Reason
from aggregator.store import articles, editions, materials, polls
from aggregator.store.articles import Made
from aggregator.store.tables import EXTRACTS, REVISIONS
from tests.store.making import FEEDX, GUANCHA, HOUR, NOW, Newsroom, composed, entry, unwanted

SAME = "<p>" + "美国国务院说，美方将在卡塔尔与塔利班恢复谈判。" * 20 + "</p>"


@pytest.fixture
def topics(room: Newsroom) -> Newsroom:
    room.define("kabul", "doha")
    room.publish_all()
    return room


def revisions(room: Newsroom) -> list[tuple[str, str, str, int, int]]:
    rows = room.read(lambda c: c.execute(select(REVISIONS).order_by(REVISIONS.c.id)).all())
    return [(row.article_id, row.title, row.body, row.added, row.removed) for row in rows]


def two_of_the_same_text(room: Newsroom) -> tuple[Entry, Entry]:
    """The first is published in the topic `kabul`, the second waits."""
    first, second = entry("a"), entry("b", feed="guancha", title="另一个标题")
    room.poll(first)
    room.poll(second, spec=GUANCHA, now=NOW + HOUR)
    assert room.make(composed(first, SAME, topics=["kabul"])) == "made"
    return first, second


# --- what waits --------------------------------------------------------------------------------


def test_articles_wait_longest_waiting_first_without_the_busy_ones(room: Newsroom) -> None:
    for name, ago in (("late", 1), ("early", 3), ("middle", 2)):
        room.poll(entry(name, now=NOW - ago * HOUR), now=NOW - ago * HOUR)
    assert [m.entries[0].key for m in room.pending()] == ["early", "middle", "late"]
    early = room.pending()[0].article_id
    rest = room.read(materials.pending, NOW, 1, [early])
    assert [m.entries[0].key for m in rest.materials] == ["middle"]


def test_feeds_take_turns_so_that_no_flood_stands_before_the_others(room: Newsroom) -> None:
    flood = [entry(f"flood{n:02}", now=NOW - HOUR) for n in range(30)]
    room.poll(*flood, now=NOW - HOUR)
    others = [FeedSpec(f"other{n}", (f"https://{n}.example/",)) for n in range(3)]
    room.write(polls.sync_feeds, [FEEDX, *others], NOW)
    for spec in others:
        room.poll(*[entry(f"{spec.id}-{n}", feed=spec.id) for n in range(2)], spec=spec)
    found = room.read(materials.pending, NOW, 8)
    by_feed = Counter(m.entries[0].feed_id for m in found.materials)
    assert by_feed == {"feedx": 2, "other0": 2, "other1": 2, "other2": 2}


def test_the_next_look_begins_after_the_feed_that_had_the_last_turn(room: Newsroom) -> None:
    specs = [FeedSpec(f"feed{n}", (f"https://{n}.example/",)) for n in range(5)]
    room.write(polls.sync_feeds, specs, NOW)
    for spec in specs:
        room.poll(entry(spec.id, feed=spec.id), spec=spec)
    turns, after = [], ""
    for _ in range(4):
        found = room.read(materials.pending, NOW, 2, (), after)
        after = found.after
        turns.append([m.entries[0].key for m in found.materials])
    assert turns == [["feed0", "feed1"], ["feed2", "feed3"], ["feed4", "feed0"], ["feed1", "feed2"]]


def test_a_feed_whose_articles_wait_for_later_has_no_turn(room: Newsroom) -> None:
    room.poll(entry("a"))
    [material] = room.pending()
    room.write(articles.postpone, material.article_id, NOW + HOUR)
    room.poll(entry("b", feed="guancha"), spec=GUANCHA)
    assert [m.entries[0].key for m in room.read(materials.pending, NOW, 1).materials] == ["b"]


def test_an_article_waits_from_its_time_on(room: Newsroom) -> None:
    room.poll(entry("a"))
    assert room.pending(NOW - timedelta(microseconds=1)) == ()
    assert len(room.pending(NOW)) == 1


def test_an_article_that_cannot_be_made_is_put_off_and_in_the_end_left(room: Newsroom) -> None:
    room.poll(entry("a"))
    [material] = room.pending()
    room.write(articles.postpone, material.article_id, NOW + HOUR)
    assert room.pending(NOW) == ()
    [material] = room.pending(NOW + HOUR)
    assert material.tries == 1
    room.write(articles.postpone, material.article_id, None)
    assert room.pending(NOW + 1000 * HOUR) == ()
    assert room.store.article(material.article_id) is None


def test_an_article_whose_page_is_owed_is_published_and_made_again(room: Newsroom) -> None:
    first = entry("a")
    room.poll(first)
    room.make(composed(first), again_at=NOW + HOUR)
    assert room.store.article(first.article_id) is not None
    [material] = room.pending(NOW + HOUR)
    assert material.tries == 1
    room.make(composed(first), NOW + HOUR)


def test_what_a_page_gave_is_kept_for_the_next_making(room: Newsroom) -> None:
    first = entry("a")
    room.poll(first)
    page = Extracted("https://example.org/a", "标题", "记者", NOW, "<p>页面</p>", "i.jpg", "zh")
    room.make(replace(composed(first), extracted=page))
    room.make(replace(composed(first), extracted=replace(page, title="新")))
    room.write(editions.reprocess, NOW)
    [material] = room.pending()
    assert material.extracted == replace(page, title="新")


# --- what is published -------------------------------------------------------------------------


def test_a_composed_article_is_published_as_it_was_composed(topics: Newsroom) -> None:
    first = entry("a")
    topics.poll(first)
    made = composed(first, topics=["kabul"])
    assert topics.make(made) == "made"

    article = topics.store.article(first.article_id)
    assert article is not None
    assert (article.title, article.body, article.lead) == (made.title, made.body, made.lead)
    assert (article.published, article.updated) == (made.published, made.published)
    assert article.first_seen == NOW
    assert article.image == Image("https://example.org/a.jpg", "多哈")
    assert article.categories == ("新闻", "阿富汗")
    assert article.enclosures == (Enclosure("https://example.org/a.mp3", "audio/mpeg", 42),)
    assert [(ref.feed_id, ref.url) for ref in article.entries] == [("feedx", first.link)]
    assert article.reasons == ()
    [of_topic] = topics.store.articles("kabul", 10)
    assert of_topic == replace(article, reasons=(Reason("塔利班", "title", "…塔利班…"),))
    assert topics.store.matches(article.id) == made.matches
    assert topics.publish_all().keys() == {"all", "kabul"}


def test_an_unmade_article_is_not_published(room: Newsroom) -> None:
    room.poll(entry("a"))
    assert room.store.articles(None, 10) == ()
    assert room.store.article(entry("a").article_id) is None


def test_an_article_that_leaves_a_topic_touches_both(topics: Newsroom) -> None:
    first = entry("a")
    topics.poll(first)
    topics.make(composed(first, topics=["kabul"]))
    topics.publish_all()
    assert topics.make(composed(first, topics=["doha"])) == "same"
    assert topics.store.articles("kabul", 10) == ()
    assert len(topics.store.articles("doha", 10)) == 1
    assert topics.publish_all().keys() == {"all", "kabul", "doha"}


# --- the same text -----------------------------------------------------------------------------


def test_an_equal_text_is_merged_into_the_article_that_had_it(topics: Newsroom) -> None:
    first, second = two_of_the_same_text(topics)
    topics.publish_all()

    assert topics.make(composed(second, SAME, topics=["doha"])) == "merged"

    article = topics.store.article(second.article_id)
    assert article is not None
    assert article == topics.store.article(first.article_id)
    assert article.id == first.article_id
    assert [(ref.feed_id, ref.title) for ref in article.entries] == [
        ("feedx", first.title),
        ("guancha", second.title),
    ]
    assert len(topics.store.articles(None, 10)) == 1
    assert topics.store.articles("doha", 10) == ()
    counts = topics.store.counts()
    assert (counts.articles, counts.entries, counts.duplicates) == (1, 2, 1)
    # made again, for an entry of the merged one may be the outlet's own
    assert [m.article_id for m in topics.pending(NOW + HOUR)] == [first.article_id]
    assert topics.publish_all().keys() == {"all", "kabul"}


def test_a_published_article_that_becomes_equal_goes_and_takes_its_matches_along(
    topics: Newsroom,
) -> None:
    first, second = two_of_the_same_text(topics)
    page = Extracted("https://example.org/b", "", "", None, "<p>…</p>")
    topics.make(replace(composed(second, topics=["doha"]), extracted=page))
    topics.publish_all()

    assert topics.make(composed(second, SAME, topics=["doha"])) == "merged"

    assert topics.publish_all().keys() == {"all", "kabul", "doha"}
    assert topics.store.matches(second.article_id) == ()
    assert topics.store.counts().topics == {"kabul": 1}
    assert topics.read(lambda c: c.execute(select(EXTRACTS)).all()) == []
    assert first.article_id == topics.store.articles(None, 10)[0].id


def test_ids_of_articles_merged_in_turn_lead_to_the_last(topics: Newsroom) -> None:
    a, b, c = (entry(name) for name in "abc")
    topics.poll(a, b, c)
    other = SAME.replace("卡塔尔", "多哈")
    topics.make(composed(c, other))
    topics.make(composed(a, SAME))
    topics.make(composed(b, SAME))
    assert topics.make(composed(a, other)) == "merged"
    for gone in (a, b):
        article = topics.store.article(gone.article_id)
        assert article is not None
        assert article.id == c.article_id
        assert len(article.entries) == 3


def test_a_merged_article_that_was_still_being_made_stays_merged(topics: Newsroom) -> None:
    _, second = two_of_the_same_text(topics)
    topics.make(composed(second, SAME))
    assert topics.make(composed(second, topics=["doha"])) == "merged"
    assert len(topics.store.articles(None, 10)) == 1
    assert topics.store.articles("doha", 10) == ()


def test_equal_texts_far_apart_are_two_articles(room: Newsroom) -> None:
    first, second, third = entry("a"), entry("b"), entry("c")
    room.poll(first, second, third)
    room.make(composed(first, SAME))
    later = first.published + timedelta(days=7, seconds=1)
    assert room.make(replace(composed(second, SAME), published=later)) == "made"
    within = first.published - timedelta(days=7)
    assert room.make(replace(composed(third, SAME), published=within)) == "merged"


def test_texts_too_short_to_tell_anything_are_never_merged(room: Newsroom) -> None:
    first, second = entry("a"), entry("b")
    room.poll(first, second)
    for each in (first, second):
        made = composed(each, "<p>照片</p>", title="照片")
        assert made.fingerprint == ""
        assert room.make(made) == "made"


def test_a_dropped_article_takes_no_other_in(room: Newsroom) -> None:
    first, second = entry("a"), entry("b")
    room.poll(first, second)
    assert room.make(unwanted(composed(first, SAME))) == "dropped"
    assert room.make(composed(second, SAME)) == "made"


# --- what changed ------------------------------------------------------------------------------


def test_a_change_in_substance_keeps_what_was_said_before(topics: Newsroom) -> None:
    first = entry("a")
    topics.poll(first)
    topics.make(composed(first, "<p>某人去世</p>", topics=["kabul"]))
    topics.publish_all()
    later = NOW + HOUR

    assert topics.make(composed(first, "<p>某人逝世</p>", topics=["kabul"]), later) == "changed"
    article = topics.store.article(first.article_id)
    assert article is not None
    assert article.updated == later
    assert article.published == first.published
    assert revisions(topics) == [(first.article_id, first.title, "<p>某人去世</p>", 1, 1)]
    assert topics.publish_all().keys() == {"all", "kabul"}

    retitled = composed(first, "<p>某人逝世</p>", title="新标题")
    assert topics.make(retitled, later + HOUR) == "changed"
    assert revisions(topics)[1] == (first.article_id, first.title, "<p>某人逝世</p>", 0, 0)


def test_the_words_of_another_entry_are_no_revision(room: Newsroom) -> None:
    first = entry("a")
    room.poll(first)
    room.make(composed(first, "<p>某人去世</p>"))
    others = replace(composed(first, "<p>某人逝世</p>"), url="https://own.example/a")
    assert room.make(others, NOW + HOUR) == "changed"
    assert revisions(room) == []
    article = room.store.article(first.article_id)
    assert article is not None
    assert (article.url, article.updated) == (others.url, NOW + HOUR)


def test_a_change_of_markup_or_spelling_alone_is_no_revision(room: Newsroom) -> None:
    first = entry("a", title="塔利班谈判")
    room.poll(first)
    room.make(composed(first, "<p>美国，塔利班</p>"))
    for body in ("<div><b>美国</b>，塔利班</div>", "<p>美國,塔利班。</p>", "<p>美国 塔利班</p>"):
        assert room.make(composed(first, body), NOW + HOUR) == "same"
        article = room.store.article(first.article_id)
        assert article is not None
        assert (article.body, article.updated) == (body, first.published)
    assert room.make(composed(first, "<p>美国 塔利班</p>", title="塔利班，談判")) == "same"
    assert revisions(room) == []


def test_a_revised_article_stays_updated_when_it_is_made_again(room: Newsroom) -> None:
    first = entry("a")
    room.poll(first)
    room.make(composed(first, "<p>一</p>"))
    room.make(composed(first, "<p>二</p>"), NOW + HOUR)
    room.make(composed(first, "<p>二</p>"), NOW + 2 * HOUR)
    article = room.store.article(first.article_id)
    assert article is not None
    assert article.updated == NOW + HOUR


def test_a_better_known_date_moves_an_article_that_never_changed(room: Newsroom) -> None:
    first = entry("a")
    room.poll(first)
    room.make(composed(first))
    earlier = first.published - HOUR
    assert room.make(replace(composed(first), published=earlier)) == "same"
    article = room.store.article(first.article_id)
    assert article is not None
    assert (article.published, article.updated) == (earlier, earlier)


# --- what is turned away -----------------------------------------------------------------------


def test_a_dropped_article_leaves_its_topics_and_comes_back_when_it_is_wanted(
    topics: Newsroom,
) -> None:
    first = entry("a")
    topics.poll(first)
    topics.make(composed(first, topics=["kabul"]))
    topics.publish_all()

    assert topics.make(unwanted(composed(first, topics=["kabul"]))) == "dropped"
    assert topics.store.article(first.article_id) is None
    assert topics.store.articles("kabul", 10) == ()
    assert topics.store.articles(None, 10) == ()
    assert topics.pending(NOW + HOUR) == ()
    assert topics.publish_all().keys() == {"all", "kabul"}

    assert topics.write(editions.reprocess, NOW) == 1
    assert topics.make(composed(first, topics=["kabul"])) == "made"
    assert len(topics.store.articles("kabul", 10)) == 1


# --- what was asked for while an article was being made ----------------------------------------


def test_reprocessing_is_not_lost_on_an_article_that_is_just_being_made(room: Newsroom) -> None:
    first = entry("a")
    room.poll(first)
    room.write(editions.reprocess, NOW + HOUR)
    room.make(composed(first), NOW)
    assert len(room.pending(NOW + HOUR)) == 1
    room.make(unwanted(composed(first)), NOW)
    assert len(room.pending(NOW + HOUR)) == 1
    room.make(composed(first), NOW + HOUR)
    assert room.pending(NOW + 9 * HOUR) == ()


@pytest.mark.parametrize("change", ["revised", "joined"])
def test_an_entry_that_came_meanwhile_is_not_lost(room: Newsroom, change: str) -> None:
    first = entry("a")
    room.poll(first)
    [material] = room.pending()
    # a poll that began before the making did, and ended after its material was gathered
    if change == "revised":
        room.poll(entry("a", "新正文"), now=NOW - HOUR)
    else:
        room.poll(entry("b", feed="guancha", url=first.url), spec=GUANCHA, now=NOW - HOUR)

    room.write(room.settler.settle, [Made(composed(first), None, material.entries)], NOW)

    [again] = room.pending(NOW)
    assert again.entries != material.entries
    room.write(room.settler.settle, [Made(composed(first), None, again.entries)], NOW)
    assert room.pending(NOW + 9 * HOUR) == ()


def test_an_entry_that_came_while_its_article_was_merged_is_not_lost(room: Newsroom) -> None:
    first, second = two_of_the_same_text(room)
    [material] = [m for m in room.pending(NOW + HOUR) if m.article_id == second.article_id]
    room.poll(entry("b", "新正文", feed="guancha"), spec=GUANCHA)
    made = Made(composed(second, SAME), None, material.entries)
    assert room.write(room.settler.settle, [made], NOW + HOUR) == ("merged",)
    [again] = room.pending(NOW + HOUR)
    assert again.article_id == first.article_id
    assert [e.content for e in again.entries] == ["正文", "新正文"]


def test_articles_of_feeds_that_are_gone_are_still_made(room: Newsroom) -> None:
    room.poll(entry("a"))
    room.write(polls.sync_feeds, (GUANCHA,), NOW)
    [material] = room.pending()
    assert material.generators == {"feedx": "feedx.net"}
    room.write(polls.record_entries, "archive", [entry("b", feed="archive")], NOW)
    generators = [material.generators for material in room.pending()]
    assert sorted(generators, key=str) == [{"archive": ""}, {"feedx": "feedx.net"}]
    assert FEEDX.id not in {state.feed_id for state in room.store.feed_states()}
