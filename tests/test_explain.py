"""What each rule did, whose date and whose body: told of the same steps that compose an article."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.compose import Rules, compose
from aggregator.core.composed import Composed
from aggregator.core.model import (
    Entry,
    FeedRules,
    FeedSpec,
    Material,
    Retrieved,
    Validators,
)
from aggregator.explain import Explained, explain, is_wanted
from aggregator.rule_results import RuleResult
from tests.publisher import NOW, paragraphs, summary

NO_RULES = Rules((), ())
LONG = paragraphs("会谈")
AD = '<div class="extra"><p>广告一则</p></div>'
OWN = FeedSpec("own", ("https://own.test/rss",), outlet="半岛电视台")
RULED = replace(
    OWN,
    rules=FeedRules(
        clean_drop=("div.extra", "div.never"),
        page_containers=("div.text",),
        page_drop=("div.share-us",),
        page_next=("下一页",),
    ),
)


def entry(body: str, feed_id: str = "own", **changes: object) -> Entry:
    made = Entry(
        feed_id=feed_id, key="1", digest="d", article_id="a", url="https://own.test/1",
        link="http://own.test/1", title="谈判重启", author="", outlet="半岛电视台",
        published=NOW - timedelta(hours=4), date_given="Fri, 20 Aug 2021 08:00:00 GMT",
        first_seen=NOW, summary="", content=body, base="http://own.test/",
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type] # the tests name its fields


def page(
    body: str, head: str = "", url: str = "http://own.test/1", encoding: str = "utf-8"
) -> Retrieved:
    html = f"<html><head>{head}</head><body>{body}<div id=f>页脚</div></body></html>"
    headers = {"content-type": f"text/html; charset={encoding}"}
    return Retrieved(url, 200, headers, html.encode(encoding), Validators(), 0.1)


def explained(
    *entries: Entry, spec: FeedSpec = OWN, pages: tuple[Retrieved, ...] = ()
) -> Explained:
    material = Material("a", entries, {spec.id: spec}, pages=pages)
    told = explain(material, NO_RULES)
    made = compose(material, NO_RULES)
    if isinstance(made, Composed):
        assert told.composed == made
    return told


def found(rules: tuple[RuleResult, ...], action: str, rule: str) -> tuple[str, int]:
    [one] = [each for each in rules if (each.action, each.rule) == (action, rule)]
    return one.owner, one.count


def test_each_rule_of_an_entry_is_told_with_its_owner_and_what_it_found() -> None:
    told = explained(entry(LONG + AD * 2), spec=RULED)
    [reading] = told.entries
    assert found(reading.rules, "drop", "div.extra") == ("feed own", 2)
    assert found(reading.rules, "drop", "div.never") == ("feed own", 0)
    assert reading.given_characters > len(reading.cleaned.text)
    assert reading.whole.whole
    assert told.body_from == "feed own"
    assert told.pages == ()


def test_what_a_mirror_adds_is_cut_by_the_rules_of_its_family() -> None:
    mirror = FeedSpec("m", ("https://feedx.net/rss/a.xml",))
    first = "<p>Wed, 28 Jul 2021 21:05:25 GMT</p>"
    told = explained(entry(first + LONG, feed_id="m"), spec=mirror)
    [reading] = told.entries
    assert (reading.family, reading.mirror) == ("feedx", True)
    assert [(rule.owner, rule.action) for rule in reading.rules if rule.count] == [
        ("feedx", "header")
    ]
    dates = {said.origin: said for said in told.dates}
    assert dates["body"].at == datetime(2021, 7, 28, 21, 5, 25, tzinfo=UTC)
    assert (dates["body"].believed, dates["feed"].believed) == (True, False)


def test_a_page_tells_what_it_was_and_where_its_article_stood() -> None:
    body = f'<div class="text main"><div class="share-us">分享到微博</div>{LONG}{AD}</div>'
    head = "<title>页题</title><meta property='article:published_time' content='2021-08-19T01:00Z'>"
    told = explained(
        entry(summary("会谈")), spec=RULED, pages=(page(body, head, encoding="gb18030"),)
    )
    [read] = told.pages
    assert read.encoding == "gb18030"
    assert read.box == "div.text.main"
    assert read.located_by == "the container div.text of feed own"
    assert found(read.rules, "containers", "div.text") == ("feed own", 1)
    assert found(read.rules, "page_drop", "div.share-us") == ("feed own", 1)
    assert found(read.rules, "drop", "div.extra") == ("feed own", 1)
    assert told.body_from == "page"
    assert not told.entries[0].whole.whole
    said = [(one.origin, one.believed) for one in told.dates]
    assert said == [("feed", True), ("page", False)]


def test_without_a_declared_container_the_text_itself_is_where_the_article_stands() -> None:
    told = explained(entry(summary("会谈")), pages=(page(f"<section id=s>{LONG}</section>"),))
    assert told.pages[0].located_by == "its text, in no declared container"
    assert told.pages[0].box == "section#s"


def test_a_text_in_a_script_is_told_as_that() -> None:
    text = LONG.replace("<p>", "").replace("</p>", "\\n")
    script = (
        '<script type="application/ld+json">{"@type": "NewsArticle", "headline": "题",'
        f' "articleBody": "{text}"}}</script>'
    )
    told = explained(entry(summary("会谈")), pages=(page("<p>请打开应用阅读。</p>", script),))
    assert (told.pages[0].located_by, told.pages[0].box) == ("a text in its scripts", "")


def test_a_page_without_an_article_says_why() -> None:
    picture = replace(page(""), body=b"\x89PNG\r\n\x1a\n", headers={"content-type": "image/png"})
    told = explained(entry(summary("会谈")), pages=(picture,))
    assert told.pages[0].found is None
    assert "image/png, not a page" in told.pages[0].error
    assert told.composed.page_owed


def test_numbered_pages_are_put_together() -> None:
    first = page(f'<div class="text">{paragraphs("甲")}<a href="/1?p=2">下一页</a></div>')
    second = page(f'<div class="text">{paragraphs("乙")}</div>', url="http://own.test/1?p=2")
    told = explained(entry(summary("会谈")), spec=RULED, pages=(first, second))
    assert [bool(read.found and read.found.next_url) for read in told.pages] == [True, False]
    assert told.body_from == "pages"
    assert "甲第6段" in told.composed.body
    assert "乙第6段" in told.composed.body


def test_a_clock_that_is_not_the_one_it_names_is_believed_all_the_same() -> None:
    beijing = FeedSpec("g", ("https://rss.test/guancha",))
    ahead = NOW + timedelta(hours=7)
    link = "https://www.guancha.cn/internation/2021_08_20_1.shtml"
    said = entry(LONG, feed_id="g", published=ahead, first_seen=NOW, url=link, link=link)
    told = explained(said, spec=beijing)
    assert [(one.origin, one.believed) for one in told.dates] == [("feed", True)]
    assert told.composed.published == NOW - timedelta(hours=1)


@pytest.mark.parametrize("mirror_first", [True, False])
def test_of_two_feeds_dates_the_articles_is_the_outlets_own(mirror_first: bool) -> None:
    mirror = FeedSpec("m", ("https://feedx.net/rss/a.xml",))
    late = NOW - timedelta(hours=1)
    entries = (entry(LONG, feed_id="m", published=late), entry(LONG))
    material = Material("a", entries if mirror_first else entries[::-1], {"m": mirror, "own": OWN})
    told = explain(material, NO_RULES)
    assert {said.where: said.believed for said in told.dates} == {"feed m": False, "feed own": True}


def test_a_date_that_was_not_believed_is_told_as_given() -> None:
    told = explained(entry(LONG, date_given="someday", published=NOW))
    assert [(one.given, one.at, one.believed) for one in told.dates] == [("someday", None, False)]


def test_an_entry_its_feed_turns_away_is_told_so() -> None:
    picky = replace(OWN, keep="天气")
    told = explained(entry(LONG), spec=picky)
    assert told.entries[0].refused
    assert not told.composed.wanted


def test_whether_a_feed_would_let_a_page_in_is_judged_by_its_text() -> None:
    told = explained(entry(LONG))
    assert is_wanted(told.composed, entry(""), replace(OWN, keep="会谈"), NO_RULES)
    assert not is_wanted(told.composed, entry(""), replace(OWN, keep="天气"), NO_RULES)
    assert not is_wanted(told.composed, entry(""), replace(OWN, drop="多哈"), NO_RULES)
