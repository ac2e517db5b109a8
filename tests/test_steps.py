"""The steps in the workers, without workers: feeds read, articles composed, editions rendered."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.compose import Rules, compose, given_up
from aggregator.core.composed import Composed
from aggregator.core.model import (
    Article,
    Entry,
    EntryRef,
    Extracted,
    FeedRules,
    FeedSpec,
    Material,
    PageWanted,
    Retrieved,
    TopicSpec,
    Validators,
)
from aggregator.core.query import Answer, parse_query
from aggregator.errors import NotAFeed
from aggregator.sources.archives import ArchivedPost, read_archive
from aggregator.steps import (
    ARCHIVE,
    Unmade,
    archived_entry,
    compose_many,
    judge_article,
    read_feed,
)
from tests.publisher import NOW, item, paragraphs, rss, summary
from tests.reading import read, seed_blocks, seeds

OWN = FeedSpec("own", ("https://own.test/rss",), outlet="半岛电视台")
MIRROR = FeedSpec("mirror", ("https://feedx.net/rss/a.xml",), outlet="镜像站")
OTHER = FeedSpec("other", ("https://other.test/rss",), outlet="观察者网")
NO_RULES = Rules((), ())
LONG = paragraphs("会谈")


def entry(feed_id: str = "own", body: str = LONG, **changes: object) -> Entry:
    outlet = {"own": "半岛电视台", "mirror": "镜像站", "other": "观察者网"}[feed_id]
    made = Entry(
        feed_id=feed_id,
        key="1",
        digest="d",
        article_id="a",
        url="https://own.test/1",
        link="http://own.test/1?utm_source=rss",
        title="谈判重启",
        author="",
        outlet=outlet,
        published=NOW - timedelta(hours=4),
        date_given="Fri, 20 Aug 2021 08:00:00 GMT",
        first_seen=NOW,
        summary="",
        content=body,
        base="http://own.test/",
    )
    return replace(made, **changes)  # type: ignore[arg-type] # the tests name its fields


def material(*entries: Entry, feeds: tuple[FeedSpec, ...] = (OWN, MIRROR, OTHER)) -> Material:
    return Material("a", entries, {spec.id: spec for spec in feeds})


def page(body: str, url: str = "http://own.test/1?utm_source=rss", head: str = "") -> Retrieved:
    html = f"<html><head>{head}</head><body><article>{body}</article></body></html>"
    headers = {"content-type": "text/html; charset=utf-8"}
    return Retrieved(url, 200, headers, html.encode(), Validators(), 0.1)


def made(given: Material, rules: Rules = NO_RULES) -> Composed:
    composed = compose(given, rules)
    assert isinstance(composed, Composed)
    return composed


# --- read_feed ---------------------------------------------------------------------------------


def answered(body: bytes) -> Retrieved:
    return Retrieved("https://own.test/rss", 200, {}, body, Validators(), 0.1)


def test_an_entry_is_named_by_the_feeds_settings_before_the_feeds_own_title() -> None:
    body = answered(rss(item("/1", "甲", LONG), title="Some Feed"))
    assert read_feed(body, OWN, NOW).entries[0].outlet == "半岛电视台"
    assert read_feed(body, replace(OWN, outlet=""), NOW).entries[0].outlet == "Some Feed"


def test_a_date_without_a_zone_is_in_the_feeds_and_stays_as_given_beside() -> None:
    body = answered(rss(item("/1", "甲", LONG, date="2021-08-20 16:00:00")))
    [read] = read_feed(body, replace(OWN, timezone="Asia/Shanghai"), NOW).entries
    assert read.published == datetime(2021, 8, 20, 8, tzinfo=UTC)
    assert read.date_given == "2021-08-20 16:00:00"


def test_the_same_url_gives_the_same_article_in_any_feed() -> None:
    first = read_feed(answered(rss(item("/1?utm_source=rss", "甲"))), OWN, NOW)
    second = read_feed(answered(rss(item("/1", "乙"))), OTHER, NOW + timedelta(days=9))
    assert first.entries[0].article_id == second.entries[0].article_id


def test_what_is_no_feed_is_refused() -> None:
    with pytest.raises(NotAFeed):
        read_feed(answered(b"<html><body>Welcome</body></html>"), OWN, NOW)


# --- compose: whose words, whose body ----------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.permutations(["own", "mirror", "other"]), st.integers(0, 7))
def test_a_mirror_never_speaks_for_an_outlet_in_whatever_order_entries_come(
    order: list[str], wholes: int
) -> None:
    bodies = {
        feed_id: paragraphs(feed_id) if wholes >> place & 1 else summary(feed_id)
        for place, feed_id in enumerate(("own", "mirror", "other"))
    }
    entries = [
        entry(feed_id, bodies[feed_id], title=feed_id, first_seen=NOW + timedelta(minutes=minute))
        for minute, feed_id in enumerate(order)
    ]
    composed = compose(replace(material(*entries), page_failed=True), NO_RULES)
    assert isinstance(composed, Composed)
    first = next(feed_id for feed_id in order if feed_id != "mirror")
    assert composed.title == first
    assert composed.outlet in ("半岛电视台", "观察者网")
    whole = [f for f in (*(o for o in order if o != "mirror"), "mirror") if "第6段" in bodies[f]]
    # feedx bodies are whole by what is known of the family, summaries or not
    assert (whole or ["mirror"])[0] in composed.body
    assert composed.page_owed is False


def test_the_outlets_own_date_is_believed_before_that_inside_a_mirrors_body() -> None:
    carried = entry("mirror", "<div><i>Fri, 20 Aug 2021 07:00:00 GMT</i></div>" + LONG)
    own = entry(body=summary("会谈"))
    assert made(material(carried)).published == datetime(2021, 8, 20, 7, tzinfo=UTC)
    assert made(material(carried, own)).published == own.published


def test_what_the_first_entry_lacks_the_others_give() -> None:
    own = entry(title="", body=LONG)
    later = NOW + timedelta(hours=1)
    other = entry("other", title="有题", author="王晓", categories=("新闻",), first_seen=later)
    composed = made(material(own, other))
    assert (composed.title, composed.author) == ("有题", "王晓")
    assert (composed.outlet, composed.categories) == ("半岛电视台", ("新闻",))


def test_an_article_is_linked_without_tracking_on_the_scheme_the_feed_gave() -> None:
    assert made(material(entry())).url == "http://own.test/1"
    assert made(material(entry(link="https://own.test/1"))).url == "https://own.test/1"
    assert made(material(entry(url="", link=""))).url == ""


def test_the_outlets_name_is_no_author() -> None:
    assert made(material(entry(author="半岛电视台"))).author == ""


def test_the_same_material_gives_the_same_article_much_later() -> None:
    undated = entry(published=NOW, content=LONG)
    assert made(material(undated)).published == NOW


# --- compose: pages ----------------------------------------------------------------------------


def test_a_page_is_wanted_by_the_link_the_feed_gave_and_only_where_there_is_one() -> None:
    wanted = compose(material(entry(body=summary("会谈"))), NO_RULES)
    assert isinstance(wanted, PageWanted)
    assert wanted.url == "http://own.test/1?utm_source=rss"
    assert wanted.reason
    alone = made(material(entry(body=summary("会谈"), url="", link="")))
    assert alone.page_owed is False


def test_where_the_first_entry_has_no_link_another_ones_page_is_read() -> None:
    unlinked = entry(body=summary("甲"), url="", link="")
    linked = entry("other", summary("乙"))
    wanted = compose(material(unlinked, linked), NO_RULES)
    assert isinstance(wanted, PageWanted)


def test_a_page_read_before_is_not_wanted_again() -> None:
    extracted = Extracted("http://own.test/1", "甲", "", None, LONG)
    composed = made(replace(material(entry(body=summary("会谈"))), extracted=extracted))
    assert "第6段" in composed.body
    assert composed.extracted == extracted


def test_a_page_given_up_is_asked_for_again_only_at_another_address() -> None:
    short = entry(body=summary("会谈"))
    known = replace(material(short), extracted=given_up(short.link))
    composed = made(known)
    assert composed.page_owed is False
    moved = replace(known, entries=(replace(short, link="http://own.test/moved"),))
    assert isinstance(compose(moved, NO_RULES), PageWanted)


def test_a_longer_markup_with_less_text_is_not_taken_for_the_whole_page() -> None:
    tables = "".join(f'<p class="{"x" * 900}">{n}</p>' for n in range(9)) + paragraphs("会谈", 2)
    short = material(entry(body=summary("会谈")))
    folded = page(tables + '<p><a href="http://own.test/2">余下全文</a></p>')
    whole = page(LONG, "http://own.test/2")
    for pages in ((folded, whole), (folded, replace(whole, url="http://own.test/3"))):
        composed = compose(replace(short, pages=pages), NO_RULES)
        assert isinstance(composed, Composed)
        assert "第6段" in composed.body


def test_a_whole_page_that_cannot_be_read_leaves_the_part_and_is_owed() -> None:
    folded = page(paragraphs("会谈", 3) + '<p><a href="http://own.test/2">余下全文</a></p>')
    broken = replace(page("", "http://own.test/2"), body=b"%PDF-1.7")
    composed = made(replace(material(entry(body=summary("会谈"))), pages=(folded, broken)))
    assert "第3段" in composed.body
    assert (composed.page_owed, composed.extracted) == (True, None)


def test_a_whole_page_that_leads_back_is_not_asked_for_again() -> None:
    folded = page(paragraphs("会谈", 3) + '<p><a href="http://own.test/2">余下全文</a></p>')
    composed = compose(
        replace(material(entry(body=summary("会谈"))), pages=(folded,) * 2), NO_RULES
    )
    assert isinstance(composed, Composed)
    assert "第3段" in composed.body


# --- compose: keep and drop, topics ------------------------------------------------------------


@pytest.mark.parametrize(
    ("keep", "drop", "wanted"),
    [
        ("谈判", "", True),
        ("title:火星", "", False),
        ("火星", "", False),
        ("", "多哈", False),
        ("", "火星", True),
        ("lang:zh", "", True),
        ("lang:en", "", False),
        ("谈判", "title:谈判", False),
    ],
)
def test_keep_and_drop_judge_the_whole_text(keep: str, drop: str, wanted: bool) -> None:
    spec = replace(OWN, keep=keep, drop=drop)
    composed = made(material(entry(), feeds=(spec,)), Rules((TopicSpec("t", "", "会谈"),), ()))
    assert composed.wanted is wanted
    assert bool(composed.matches) is wanted


def test_a_language_that_only_the_text_tells_does_not_refuse_a_page_unread() -> None:
    spec = replace(OWN, keep="lang:zh")
    short = material(entry(title="", body="<p>AFP</p>"), feeds=(spec,))
    assert isinstance(compose(short, NO_RULES), PageWanted)


def test_an_entry_refused_by_its_feed_has_no_part_in_the_article() -> None:
    spec = replace(OWN, drop="谈判")
    composed = made(material(entry(), entry("other", title="别的题"), feeds=(spec, OTHER)))
    assert (composed.wanted, composed.outlet, composed.title) == (True, "观察者网", "别的题")


def test_a_topic_finds_the_same_in_an_article_just_made_and_in_the_store() -> None:
    queries = (
        "author:王晓",
        "图说",
        "lang:zh",
        "url:own.test",
        "会谈 多哈",
        "category:新闻",
        "火星",
    )
    topics = tuple(TopicSpec(str(n), "", query) for n, query in enumerate(queries))
    body = LONG + '<figure><img src="/a.jpg"><figcaption>图说</figcaption></figure>'
    composed = made(
        material(entry(body=body, author="王晓", categories=("新闻",))), Rules(topics, ())
    )
    stored = Article(
        id="a", url=composed.url, title=composed.title, author=composed.author,
        outlet=composed.outlet, published=composed.published, updated=composed.published,
        first_seen=NOW, language=composed.language, body=composed.body, lead=composed.lead,
        categories=composed.categories, entries=(EntryRef("own", "半岛电视台", "谈判重启", ""),),
    )  # fmt: skip
    again = {
        str(n)
        for n, query in enumerate(queries)
        if judge_article(parse_query(query), stored).answer is Answer.YES
    }
    assert {match.topic_id for match in composed.matches} == again == set("012345")


# --- compose_many ------------------------------------------------------------------------------


class Page(bytes):
    """A page for whose text there is no memory."""

    def decode(self, *_: object) -> str:
        raise MemoryError


def test_an_article_that_needs_too_much_memory_says_so_and_is_no_bug() -> None:
    page = Retrieved("https://own.test/a", 200, {}, Page(b"<p>x</p>"), Validators(), 0.0)
    large = replace(material(entry(body="<p>x</p>")), pages=(page,))
    first, second = compose_many((large, material(entry())), NO_RULES)
    assert first == Unmade(large.article_id, "needed more memory than a worker may have")
    assert isinstance(second, Composed)


def test_a_fault_in_one_article_is_told_with_its_traceback_and_leaves_the_others() -> None:
    impossible = material(entry())
    impossible = replace(impossible, entries=())
    first, second = compose_many((impossible, material(entry())), NO_RULES)
    assert isinstance(first, Unmade)
    assert "IndexError" in first.error
    assert "Traceback" in first.traceback
    assert isinstance(second, Composed)


def test_no_body_makes_a_step_raise() -> None:
    chance = random.Random(7)
    alphabet = [*"<>/&;\"'=!-[]?\x00\ud800abp 会谈", "<p>", "<table>", "<![CDATA[", "</p>"]
    bodies = ["".join(chance.choices(alphabet, k=200)) for _ in range(200)]
    for body in bodies:
        for kind in ("own", "mirror"):
            [result] = compose_many(
                [replace(material(entry(kind, body)), page_failed=True)], NO_RULES
            )
            assert isinstance(result, Composed), (body, result)


# --- archives ----------------------------------------------------------------------------------


def test_an_archived_post_is_the_entry_that_a_feed_would_have_given() -> None:
    post = ArchivedPost(
        title="谈判重启", url="http://own.test/1?utm_source=rss", author="半岛电视台",
        outlet="半岛电视台", categories=("新闻",), published=NOW, date_given="", image="",
        html=LONG, path=Path("a.txt"),
    )  # fmt: skip
    [polled] = read_feed(answered(rss(item("/1", "谈判重启", LONG))), OWN, NOW).entries
    stored = archived_entry(post, NOW)
    assert stored.article_id == polled.article_id
    assert stored.author == ""
    nameless = [
        archived_entry(replace(post, url="", path=Path(name)), NOW).article_id for name in "ab"
    ]
    assert nameless[0] != nameless[1]


@pytest.mark.parametrize("seed", seeds(), ids=lambda seed: seed.stem)
def test_an_archived_post_becomes_what_its_feed_would_have_given(seed: Path) -> None:
    archived = archived_entry(read_archive(seed), datetime(2022, 1, 1, tzinfo=UTC))
    assert read(made(material(archived, feeds=(ARCHIVE,))).body) == seed_blocks(seed)


def test_the_pages_of_one_article_become_one_text() -> None:
    spec = FeedSpec(
        "own",
        ("https://paged.example/feed",),
        full_text="page",
        rules=FeedRules(page_next=("下一页",)),
    )
    site = "https://paged.example/a"
    texts = [paragraphs(f"第{number}部分") for number in range(1, 4)]
    links = [f'<p><a href="/a_{number}">下一页</a></p>' for number in (2, 3)] + [""]
    pages = tuple(
        Retrieved(
            site if number == 1 else f"{site}_{number}",
            200,
            {"content-type": "text/html; charset=utf-8"},
            f"<html><body><article>{text}{link}</article></body></html>".encode(),
            Validators(),
            0.1,
        )
        for number, (text, link) in enumerate(zip(texts, links, strict=True), start=1)
    )
    given = material(entry("own", summary("甲"), url=site, link=site), feeds=(spec,))
    asked = []
    answer = compose(given, NO_RULES)
    for one in pages:
        assert isinstance(answer, PageWanted)
        asked.append(answer.url)
        given = replace(given, pages=(*given.pages, one))
        answer = compose(given, NO_RULES)
    assert asked == [site, f"{site}_2", f"{site}_3"]
    assert isinstance(answer, Composed)
    assert [text for _, text in read(answer.body)] == [t for x in texts for _, t in read(x)]
