"""Whose words and whose body an article has that several outlets, sections and mirrors carried."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.compose import Rules, compose, given_up
from aggregator.core.composed import Composed
from aggregator.core.model import (
    Entry,
    Extracted,
    FeedSpec,
    Material,
    PageWanted,
    Retrieved,
    TopicSpec,
    Validators,
)
from tests.publisher import NOW, paragraphs, summary

NO_RULES = Rules((), ())
OUTLETS = {"a": "甲报", "b": "乙报", "c": "丙报", "mirror": "镜像"}
FEEDS = {
    name: FeedSpec(name, (f"https://{name}.test/rss",), outlet=OUTLETS[name]) for name in "abc"
}
FEEDS["mirror"] = FeedSpec("mirror", ("https://feedx.net/rss/x.xml",), outlet="镜像")
CUT = paragraphs("会谈", 5) + "<p>阅读全文</p>"


def entry(feed_id: str, body: str, minute: int, host: str = "", **changes: str) -> Entry:
    """The feed's entry of its own site, or another's, first seen in that minute."""
    name = host or feed_id
    made = Entry(
        feed_id=feed_id, key="1", digest="d", article_id="x", url=f"https://{name}.test/1",
        link=f"http://{name}.test/1?from=rss", title=f"{OUTLETS[feed_id]}的题",
        author=f"{name}记者",
        outlet=OUTLETS[feed_id], published=NOW - timedelta(hours=9 - minute), date_given="",
        first_seen=NOW + timedelta(minutes=minute), summary="", content=body,
        base=f"http://{name}.test/",
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type] # the tests name its fields


def material(*entries: Entry, extracted: Extracted | None = None) -> Material:
    return Material("x", entries, FEEDS, extracted=extracted)


def on_page(name: str, body: str, url: str = "") -> Extracted:
    return Extracted(url or f"http://{name}.test/1?from=rss", "页题", "", None, body)


def answered(name: str, body: str) -> Retrieved:
    html = f"<html><body><article>{body}</article></body></html>".encode()
    headers = {"content-type": "text/html; charset=utf-8"}
    return Retrieved(f"http://{name}.test/1", 200, headers, html, Validators(), 0.1)


def made(given: Material) -> Composed:
    """The article, for which no page is asked."""
    composed = compose(given, NO_RULES)
    assert isinstance(composed, Composed)
    return composed


def spoken(composed: Composed) -> tuple[str, str, str]:
    """Whose title, outlet and URL it has, and whose body."""
    [speaker] = [name for name in OUTLETS if composed.outlet == OUTLETS[name]]
    assert composed.title == f"{OUTLETS[speaker]}的题"
    return speaker, composed.url.split("/")[2].removesuffix(".test"), composed.body_from


def test_an_outlets_full_text_speaks_before_anothers_excerpt_that_was_seen_first() -> None:
    excerpt, full = entry("a", summary("会谈"), 1), entry("b", paragraphs("会谈"), 2)
    composed = made(material(excerpt, full))
    assert spoken(composed) == ("b", "b", "b")
    assert composed.author == "b记者"
    assert composed.published == full.published
    assert "第6段" in composed.body


def test_of_two_full_texts_the_one_seen_first_speaks() -> None:
    first, second = entry("b", paragraphs("会谈"), 1), entry("a", paragraphs("会谈") * 2, 2)
    assert spoken(made(material(second, first))) == ("b", "b", "b")


def test_a_text_that_only_looks_cut_is_no_excerpt_and_another_has_its_body() -> None:
    looks_cut, full = entry("a", CUT, 1), entry("b", paragraphs("会谈"), 2)
    assert spoken(made(material(looks_cut, full))) == ("a", "a", "b")
    half = entry("a", paragraphs("会谈", 3) + "<p>阅读全文</p>", 1)
    assert spoken(made(material(half, full))) == ("b", "b", "b")


def test_an_entry_whose_page_was_read_has_the_text_and_its_own_body() -> None:
    first, second = entry("a", summary("会谈"), 1), entry("b", paragraphs("会谈", 7), 2)
    read = on_page("a", paragraphs("会谈"))
    composed = made(material(second, first, extracted=read))
    assert spoken(composed) == ("a", "a", read.url)
    assert composed.extracted == read


@pytest.mark.parametrize(
    "url", ["https://b.test/1", "http://b.test/1?from=rss", "https://www.b.test/moved/1"]
)
def test_a_page_is_its_owners_by_link_canonical_url_or_host(url: str) -> None:
    entries = entry("a", summary("会谈"), 1), entry("b", summary("会谈"), 2)
    read = on_page("b", paragraphs("会谈"), url)
    assert spoken(made(material(*entries, extracted=read))) == ("b", "b", url)


def test_a_page_that_a_redirect_led_elsewhere_is_of_the_entry_seen_first() -> None:
    entries = entry("a", summary("会谈"), 1), entry("b", summary("会谈"), 2)
    read = on_page("", paragraphs("会谈"), "https://cdn.test/1")
    assert spoken(made(material(*entries, extracted=read))) == ("a", "a", read.url)


def test_a_page_that_shows_little_makes_no_text_of_an_excerpt() -> None:
    entries = entry("a", summary("会谈"), 1), entry("b", paragraphs("会谈"), 2)
    wall = on_page("a", summary("请登录后阅读"))
    assert spoken(made(material(*entries, extracted=wall))) == ("b", "b", "b")


def test_an_outlets_own_excerpt_speaks_before_a_mirror_which_lends_its_body() -> None:
    own = entry("a", summary("会谈"), 2)
    carried = entry("mirror", paragraphs("会谈"), 1, host="c")
    assert spoken(made(material(carried, own))) == ("a", "a", "mirror")


def test_entries_of_one_url_are_one_source() -> None:
    section, main = entry("a", summary("会谈"), 1), entry("b", paragraphs("会谈"), 2, host="a")
    # the section was seen first and the body is whole: so another outlet's is not needed
    assert spoken(made(material(section, main, entry("c", paragraphs("会谈"), 3)))) == (
        "a",
        "a",
        "b",
    )
    carried = entry("mirror", paragraphs("会谈"), 0, host="a")
    assert spoken(made(material(carried, section))) == ("a", "a", "mirror")


def test_where_nobody_has_the_text_the_canonical_entrys_page_is_asked_for() -> None:
    entries = entry("b", summary("会谈"), 2), entry("a", summary("会谈"), 1)
    wanted = compose(material(*entries), NO_RULES)
    assert isinstance(wanted, PageWanted)
    assert wanted.url == "http://a.test/1?from=rss"
    longer = entry("b", paragraphs("会谈", 3) + "<p>阅读全文</p>", 2)
    wanted = compose(material(entries[1], longer), NO_RULES)
    assert isinstance(wanted, PageWanted)
    assert wanted.url == "http://b.test/1?from=rss"


def test_only_bodies_of_its_own_url_are_held_against_a_page() -> None:
    entries = entry("a", CUT, 1), entry("b", CUT, 2)
    given = replace(material(*entries), pages=(answered("a", paragraphs("会谈", 9)),))
    composed = made(given)
    assert spoken(composed) == ("a", "a", "http://a.test/1")
    assert composed.compared == (("a", False),)
    assert not composed.page_owed


def test_without_a_page_the_longest_body_serves() -> None:
    entries = entry("a", CUT, 1), entry("b", paragraphs("会谈", 6) + "<p>阅读全文</p>", 2)
    failed = made(replace(material(*entries), page_failed=True))
    assert (spoken(failed), failed.page_owed) == (("a", "a", "b"), True)
    never = made(material(*entries, extracted=given_up(entries[0].link)))
    assert (spoken(never), never.page_owed) == (("a", "a", "b"), False)


def test_an_entry_that_changed_keeps_its_word_while_its_page_is_asked_for_again() -> None:
    entries = entry("a", summary("会谈"), 1), entry("b", paragraphs("会谈"), 2)
    changed = replace(material(*entries), earlier=on_page("a", paragraphs("会谈")))
    wanted = compose(changed, NO_RULES)
    assert isinstance(wanted, PageWanted)
    assert wanted.url == entries[0].link
    unchanged = made(replace(changed, extracted=changed.earlier))
    assert spoken(unchanged) == ("a", "a", wanted.url)
    failed = made(replace(changed, page_failed=True))
    assert (spoken(failed), failed.page_owed) == (("a", "a", "b"), True)
    emptied = made(replace(changed, pages=(answered("a", paragraphs("会谈", 2)),)))
    assert spoken(emptied) == ("b", "b", "b")
    # it is kept, so that it is not asked for again
    assert emptied.extracted is not None
    assert spoken(made(material(*entries, extracted=emptied.extracted))) == ("b", "b", "b")


def test_an_outlets_name_is_nobodys_author() -> None:
    first, second = entry("a", paragraphs("会谈"), 1), entry("b", paragraphs("会谈"), 2)
    entries = replace(first, author=""), replace(second, author="乙报")
    assert made(material(*entries)).author == ""


@pytest.mark.parametrize(
    "query", ["title:旧题 outlet:甲报", "title:新题 outlet:乙报", "feed:a feed:b"]
)
def test_who_joins_an_article_takes_it_out_of_no_topic(query: str) -> None:
    excerpt = entry("a", summary("会谈"), 1, title="旧题")
    whole = entry("b", paragraphs("会谈", 9), 2, title="新题")
    rules = Rules((TopicSpec("t", "话题", query),), ())
    found = compose(material(excerpt, whole), rules)
    assert isinstance(found, Composed)
    assert found.title == "新题"
    assert [match.topic_id for match in found.matches] == ["t"]


BODIES = st.sampled_from(["", summary("会谈"), CUT, paragraphs("会谈"), paragraphs("会谈", 9)])
ENTRIES = st.lists(
    st.builds(
        lambda feed_id, body, minute, host, key: entry(feed_id, body, minute, host, key=key),
        st.sampled_from(sorted(OUTLETS)),
        BODIES,
        st.integers(0, 2),
        st.sampled_from(["", "a", "c"]),
        st.sampled_from(["1", "2"]),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda made: (made.feed_id, made.key),
)
PAGES = st.none() | st.builds(on_page, st.sampled_from("ac"), BODIES)


@settings(max_examples=60, deadline=None)
@given(ENTRIES, PAGES, PAGES, st.booleans(), st.randoms(use_true_random=False))
def test_the_order_of_entries_does_not_matter(
    entries: list[Entry],
    extracted: Extracted | None,
    earlier: Extracted | None,
    failed: bool,
    chance: Random,
) -> None:
    given = replace(material(*entries, extracted=extracted), earlier=earlier, page_failed=failed)
    shuffled = list(entries)
    chance.shuffle(shuffled)
    assert compose(given, NO_RULES) == compose(replace(given, entries=tuple(shuffled)), NO_RULES)
