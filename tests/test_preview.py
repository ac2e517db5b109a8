"""Articles shown as they are made: what is meant, what is fetched, what would differ."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from aggregator.config import Config
from aggregator.core.identity import article_id
from aggregator.core.model import FeedRules, FeedSpec, TopicSpec
from aggregator.errors import AggregatorError, FetchError
from aggregator.preview import (
    Preview,
    Stored,
    Target,
    candidates,
    existing_store,
    feeds_of_page,
    preview_article,
    preview_page,
    read_stored,
    read_target,
)
from aggregator.preview_report import preview_lines, preview_report
from aggregator.store import materials
from aggregator.store.tables import ARTICLES, ENTRIES, EXTRACTS, FEEDS
from aggregator.workers import Workers
from tests.loopback import answer
from tests.publisher import (
    HOUR,
    LONG,
    MIRROR,
    NOW,
    OTHER,
    OWN,
    Desk,
    desk,
    item,
    page,
    paragraphs,
    rss,
    summary,
)

ID = "6f6a2a49-9b1d-5b44-8a3c-0f7f3b0f6f10"
TOPIC = TopicSpec("talks", "会谈", "会谈")


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    pool = Workers(1)
    yield pool
    pool.close()


def play(
    folder: Path, workers: Workers, scenario: Callable[[Desk], Awaitable[None]], *feeds: FeedSpec
) -> None:
    async def scene() -> None:
        async with desk(folder / "desk", workers, feeds or (OWN,), (TOPIC,)) as made:
            await scenario(made)

    asyncio.run(scene())


def stored(d: Desk, target: str) -> Stored:
    meant = read_target(target)
    assert meant is not None
    [found] = candidates(d.pipeline.store, d.config, meant)
    return read_stored(d.pipeline.store, d.config, found, meant)


def text_of(preview: Preview) -> str:
    return "\n".join(preview_lines(preview))


def everything(d: Desk) -> list[tuple[object, ...]]:
    """All rows of all tables."""

    def read(connection: Connection) -> list[tuple[object, ...]]:
        tables = (ARTICLES, ENTRIES, EXTRACTS, FEEDS)
        return [tuple(row) for table in tables for row in connection.execute(table.select())]

    return d.pipeline.store.read_now(read)


# --- what is meant -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (ID, Target(ID)),
        (f"urn:uuid:{ID}", Target(ID)),
        (f" URN:UUID:{ID.upper()} ", Target(ID)),
        (ID.replace("-", ""), Target(ID)),
        ("6f6a2a49", Target("6f6a2a49")),
        ("6F6A2A499b1", Target("6f6a2a49-9b1")),
        ("6f6a2a49-9b1d-5b44-8a3c-0", Target("6f6a2a49-9b1d-5b44-8a3c-0")),
        ("http://own.test/1", Target(url="http://own.test/1")),
        ("HTTPS://own.test/1", Target(url="HTTPS://own.test/1")),
        ("6f6a2a4", None),
        ("6f6a2a4g", None),
        ("own.test/1", None),
        ("ftp://own.test/1", None),
        ("", None),
    ],
)
def test_an_id_its_beginning_or_a_url_is_meant(given: str, meant: Target | None) -> None:
    assert read_target(given) == meant


@given(st.text(max_size=50))
def test_any_text_means_something_or_nothing(given_text: str) -> None:
    meant = read_target(given_text)
    assert meant is None or bool(meant.url) != bool(meant.beginning)


def test_an_article_is_found_by_its_id_and_by_every_spelling_of_its_url(
    tmp_path: Path, workers: Workers
) -> None:
    async def scenario(d: Desk) -> None:
        d.answers["/own.xml"] = answer(
            rss(item("/1?utm_source=rss", "甲", LONG), item("/2", "乙", paragraphs("乙")))
        )
        await d.cycle()
        by_url = stored(d, "https://own.test/1#top")
        assert by_url.material.entries[0].title == "甲"
        assert stored(d, "http://own.test/1?utm_source=rss").id == by_url.id
        assert stored(d, by_url.id[:8]).id == by_url.id
        nothing = Target(url="https://own.test/3")
        assert candidates(d.pipeline.store, d.config, nothing) == ()

    play(tmp_path, workers, scenario)


def test_an_article_that_was_merged_is_shown_as_the_one_it_is_part_of(
    tmp_path: Path, workers: Workers
) -> None:
    async def scenario(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", LONG)))
        await d.cycle()
        d.answers["/other.xml"] = answer(rss(item("/9", "甲", LONG, host="other.test")))
        await d.reopen((OWN, OTHER))
        await d.cycle(after=HOUR)
        first, second = stored(d, "http://own.test/1"), stored(d, "http://other.test/9")
        assert first.id == second.id
        assert len(first.material.entries) == 2
        gone = stored(d, article_id("https://other.test/9", "", ""))
        assert (gone.id, gone.merged) == (first.id, True)
        shown = await preview_article(d.config, gone, offline=True)
        assert "was merged into it" in text_of(shown)

    play(tmp_path, workers, scenario)


def test_to_look_makes_no_store(tmp_path: Path, workers: Workers) -> None:
    async def scenario(d: Desk) -> None:
        with existing_store(d.config, tmp_path / "elsewhere") as store:
            assert store is None
        assert not (tmp_path / "elsewhere").exists()
        with existing_store(d.config, tmp_path / "desk") as store:
            assert store is not None

    play(tmp_path, workers, scenario)


# --- stored articles ---------------------------------------------------------------------------


def test_a_stored_article_is_shown_with_its_entries_its_page_and_nothing_is_fetched_or_written(
    tmp_path: Path, workers: Workers
) -> None:
    async def scenario(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", summary("会谈"))))
        d.answers["/mirror.xml"] = answer(rss(item("/1", "甲", summary("会谈"))))
        d.answers["/1"] = page("甲", LONG)
        await d.cycle()
        before, asked = everything(d), len(d.site.targets)
        shown = await preview_article(d.config, stored(d, "http://own.test/1"), offline=False)
        assert (everything(d), len(d.site.targets)) == (before, asked)
        assert shown.differences == shown.problems == ()
        told = text_of(shown)
        for part in (
            "Entry of feed own", "Entry of feed mirror", "family: feedx, a mirror",
            "date: Fri, 20 Aug 2021 08:00:00 GMT, taken as 2021-08-20T08:00:00+00:00",
            "whole text: no: ", "kept from an earlier fetch", "today's rules give the same",
            "topics: talks: 会谈", "body: of page", "会谈第6段",
        ):  # fmt: skip
            assert part in told, part
        report = preview_report(shown)
        assert report["id"] == shown.article_id
        assert report["title"] == "甲"

    play(tmp_path, workers, scenario, OWN, replace(MIRROR, full_text="page"))


def test_what_todays_rules_change_is_told_line_by_line(tmp_path: Path, workers: Workers) -> None:
    async def scenario(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", f"{LONG}<p>编辑：某人</p>")))
        await d.cycle()
        rules = FeedRules(clean_drop_text=("编辑：.*",))
        topics = (replace(TOPIC, query="天气"),)
        config = replace(d.config, feeds=(replace(OWN, rules=rules),), topics=topics)
        shown = await preview_article(config, stored_under(d, config), offline=True)
        assert [one.field for one in shown.differences] == ["body", "topics"]
        told = text_of(shown)
        assert "- 编辑：某人" in told
        assert "rule drop_text 编辑：.* (feed own): 1 found" in told
        assert "- topics: talks" in told

    play(tmp_path, workers, scenario)


def stored_under(d: Desk, config: Config) -> Stored:
    """The article as read under another configuration than the one it was made under."""
    target = Target(url="http://own.test/1")
    [found] = candidates(d.pipeline.store, config, target)
    return read_stored(d.pipeline.store, config, found, target)


def test_an_article_that_is_turned_away_or_would_be_is_told(
    tmp_path: Path, workers: Workers
) -> None:
    async def scenario(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", LONG)))
        await d.cycle()
        dropped = stored(d, "http://own.test/1")
        assert (dropped.state, dropped.article) == ("dropped", None)
        shown = await preview_article(d.config, dropped, offline=True)
        assert shown.differences == ()
        assert "turned away" in text_of(shown)
        free = replace(d.config, feeds=(OWN,))
        shown = await preview_article(free, stored_under(d, free), offline=True)
        assert [(one.field, one.stored, one.now) for one in shown.differences] == [
            ("state", "dropped", "ready")
        ]

    play(tmp_path, workers, scenario, replace(OWN, keep="天气"))


def test_a_page_that_is_not_stored_is_fetched_unless_offline(
    tmp_path: Path, workers: Workers
) -> None:
    async def scenario(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", summary("会谈"))))
        await d.cycle()  # the page is not to be had
        one = stored(d, "http://own.test/1")
        failed = await preview_article(d.config, one, offline=False)
        assert "404" in failed.problems[0]
        asked = d.asked("/1")
        offline = await preview_article(d.config, one, offline=True)
        assert d.asked("/1") == asked
        assert offline.problems == ()
        assert "was not fetched: --offline" in text_of(offline)
        d.answers["/1"] = page("甲", LONG)
        shown = await preview_article(d.config, one, offline=False)
        assert [one.field for one in shown.differences] == ["body"]
        assert "answer: 200, text/html in utf-8" in text_of(shown)

    play(tmp_path, workers, scenario)


def test_an_article_that_went_away_is_no_bug(tmp_path: Path, workers: Workers) -> None:
    async def scenario(d: Desk) -> None:
        with pytest.raises(AggregatorError, match="try again"):
            read_stored(d.pipeline.store, d.config, materials.Found(ID, "ready", ""), Target(ID))

    play(tmp_path, workers, scenario)


def test_a_removed_article_is_told_as_such(tmp_path: Path, workers: Workers) -> None:
    async def scenario(d: Desk) -> None:
        gone = materials.Found(ID, "removed", "")
        with pytest.raises(AggregatorError, match=r"not kept any more .*keep"):
            read_stored(d.pipeline.store, d.config, gone, Target(ID))

    play(tmp_path, workers, scenario)


# --- pages -------------------------------------------------------------------------------------


def test_a_page_is_read_by_its_familys_rules_and_by_its_feeds(
    tmp_path: Path, workers: Workers
) -> None:
    ruled = replace(OWN, rules=FeedRules(clean_drop_text=("本栏目的按语.*",)), keep="天气")

    async def scenario(d: Desk) -> None:
        d.answers["/1"] = page(
            "甲", f"{LONG}<p>本栏目的按语每篇都有，与正文无关。</p>{paragraphs('谈判')}"
        )
        alone = await preview_page(d.config, "http://own.test/1", None, NOW)
        assert alone.feed_id == "own"  # the only feed of the site
        assert alone.explained.composed.matches  # what the feed turns away is shown all the same
        assert "按语" not in alone.explained.composed.body
        assert not alone.wanted
        both = replace(d.config, feeds=(ruled, replace(ruled, id="second")))
        plain = await preview_page(both, "http://own.test/1", None, NOW)
        assert (plain.feed_id, plain.feeds) == ("", ("own", "second"))
        assert "按语" in plain.explained.composed.body
        assert plain.wanted
        chosen = await preview_page(both, "http://own.test/1", both.feeds[1], NOW)
        assert "rule drop_text 本栏目的按语.* (feed second): 1 found" in text_of(chosen)

    play(tmp_path, workers, scenario, ruled)


def test_the_links_to_more_of_a_page_are_followed(tmp_path: Path, workers: Workers) -> None:
    async def scenario(d: Desk) -> None:
        d.answers["/1"] = page("甲", f'{paragraphs("会谈", 3)}<p><a href="/1/all">余下全文</a></p>')
        d.answers["/1/all"] = page("甲", LONG)
        shown = await preview_page(d.config, "http://own.test/1", None, NOW)
        assert [one.url for one in shown.asked] == ["http://own.test/1", "http://own.test/1/all"]
        told = text_of(shown)
        assert "whole text at: http://own.test/1/all" in told
        assert "asked for: the page shows a part of the text" in told
        assert "会谈第6段" in told

    play(tmp_path, workers, scenario)


def test_a_page_that_is_not_to_be_had_is_an_error_and_one_without_an_article_a_problem(
    tmp_path: Path, workers: Workers
) -> None:
    async def scenario(d: Desk) -> None:
        with pytest.raises(FetchError, match="404"):
            await preview_page(d.config, "http://own.test/1", None, NOW)
        d.answers["/1"] = answer(b"\x89PNG\r\n\x1a\n", content_type="image/png")
        shown = await preview_page(d.config, "http://own.test/1", None, NOW)
        assert "not a page" in shown.problems[0]
        assert "answer: 200, image/png" in text_of(shown)

    play(tmp_path, workers, scenario)


def test_the_feeds_of_a_page_are_those_of_its_family_or_site(
    tmp_path: Path, workers: Workers
) -> None:
    async def scenario(d: Desk) -> None:
        def of(url: str) -> list[str]:
            return [spec.id for spec in feeds_of_page(d.config, url)]

        assert of("https://www.own.test/1") == ["own"]
        assert of("https://www.guancha.cn/1.shtml") == ["g"]
        assert of("https://elsewhere.test/") == []

    play(tmp_path, workers, scenario, OWN, OTHER, FeedSpec("g", OTHER.urls, source="guancha"))


def test_what_a_page_says_commands_no_terminal(tmp_path: Path, workers: Workers) -> None:
    async def scenario(d: Desk) -> None:
        d.answers["/1"] = page("甲\x1b]0;x\x07乙\u202e", LONG.replace("会谈", "会\x1b[2J谈"))
        shown = await preview_page(d.config, "http://own.test/1", None, NOW)
        assert all(line.isprintable() for line in preview_lines(shown))
        assert all(line.isprintable() for line in preview_lines(shown, as_html=True))

    play(tmp_path, workers, scenario)
