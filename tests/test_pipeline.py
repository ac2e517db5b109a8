"""The pipeline from end to end: a scripted publisher, a real store, real workers, real files."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing import active_children
from pathlib import Path

import pytest

from aggregator.config import OutputSettings
from aggregator.core.cadence import next_page_try, next_poll, next_try
from aggregator.core.model import FeedSpec, TopicSpec
from aggregator.engines.local import LocalEngine
from aggregator.errors import OutputError
from aggregator.store import articles, editions
from aggregator.workers import Workers
from tests.loopback import Loopback, answer
from tests.publisher import (
    NOBODY,
    NOW,
    OUTPUT,
    Desk,
    desk,
    feed,
    item,
    page,
    paragraphs,
    rss,
    summary,
)

OWN = feed("/own.xml", outlet="半岛电视台")
MIRROR = feed("/mirror.xml", host="mirror.test", outlet="镜像站", source="feedx")
OTHER = feed("/other.xml", host="other.test", outlet="观察者网")
HOUR = timedelta(hours=1)
INTERVAL = timedelta(minutes=30)
LONG = paragraphs("会谈")


@pytest.fixture(scope="session")
def workers() -> Iterator[Workers]:
    pool = Workers(2)
    yield pool
    pool.close()


Play = Callable[[Desk], Awaitable[None]]
OnDesk = Callable[..., None]


@pytest.fixture
def on_desk(tmp_path: Path, workers: Workers) -> OnDesk:
    """Plays a scenario on a desk for some feeds: `on_desk(play, OWN, topics=(…))`."""

    def run(
        play: Play,
        *feeds: FeedSpec,
        topics: tuple[TopicSpec, ...] = (),
        output: OutputSettings = OUTPUT,
        own_workers: Workers | None = None,
        aliases: dict[str, tuple[str, ...]] | None = None,
    ) -> None:
        async def scenario() -> None:
            async with desk(
                tmp_path / "desk",
                own_workers or workers,
                feeds or (OWN,),
                topics,
                output=output,
                aliases=aliases,
            ) as made:
                await play(made)

        asyncio.run(scenario())

    return run


# --- refresh -----------------------------------------------------------------------------------


def test_a_first_poll_stores_the_entries_and_comes_again_after_the_interval(
    on_desk: OnDesk,
) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", LONG), item("/2", "乙")), etag='"a"')
        state = await d.refresh("own")
        assert (state.last_status, state.failures, state.error) == ("new", 0, "")
        assert state.validators.etag == '"a"'
        assert state.next_poll_at == next_poll("own", NOW, INTERVAL)
        assert {entry.title for entry in await d.entries()} == {"甲", "乙"}

    on_desk(play)


def test_a_304_changes_nothing_but_the_time(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", LONG)), etag='"a"')
        await d.cycle()
        before = d.bytes_published()
        d.answers["/own.xml"] = answer(status="304 Not Modified")
        report = await d.cycle(after=HOUR)
        assert [poll.status for poll in report.polls] == ["not_modified"]
        assert d.site.asked[-1].headers["if-none-match"] == b'"a"'
        state = await d.state("own")
        assert state.last_poll_at == NOW + HOUR
        assert state.next_poll_at == next_poll("own", NOW + HOUR, INTERVAL)
        assert d.bytes_published() == before

    on_desk(play)


def test_the_same_bytes_under_a_new_etag_are_not_modified(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        body = rss(item("/1", "甲", LONG))
        d.answers["/own.xml"] = answer(body, etag='"a"')
        await d.refresh("own")
        d.answers["/own.xml"] = answer(body, etag='"b"')
        state = await d.refresh("own")
        assert state.last_status == "not_modified"
        assert state.validators.etag == '"b"'

    on_desk(play)


def test_a_retitled_entry_is_the_same_article_changed_now(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "前总统去世", LONG)))
        await d.cycle()
        [before] = d.published()
        d.answers["/own.xml"] = answer(rss(item("/1", "前总统逝世", LONG)))
        report = await d.cycle(after=HOUR)
        assert [(poll.new, poll.revised) for poll in report.polls] == [(0, 1)]
        [after] = d.published()
        assert (after["id"], after["title"]) == (before["id"], "前总统逝世")
        assert after["date_published"] == before["date_published"]
        assert datetime.fromisoformat(after["date_modified"]) == NOW + HOUR

    on_desk(play)


def test_markup_that_changes_at_every_poll_is_no_revision(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        for hour in range(3):
            counted = LONG + f'<img src="http://own.test/count.gif?n={hour}" width="1">'
            d.answers["/own.xml"] = answer(
                rss(item("/1", "甲", counted), more=f"<pubDate>{hour}</pubDate>")
            )
            report = await d.cycle(after=HOUR)
            assert report.polls[0].revised == 0
            assert report.polls[0].status == ("nothing_new" if hour else "new")
        [only] = d.published()
        assert only.get("date_modified", only["date_published"]) == only["date_published"]

    on_desk(play)


def test_entries_that_lack_almost_everything_are_told_apart_and_kept(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        body = rss(
            item("/1", "无日期", LONG, date=""),
            item("", "无链接", paragraphs("无链接")),
            item("/3", "", paragraphs("无题")),
            item("", "", paragraphs("只有正文"), date=""),
            item("/5", "同一标识", paragraphs("五"), guid="same"),
            item("/6", "同一标识", paragraphs("六"), guid="same"),
        )
        d.answers["/own.xml"] = answer(body)
        await d.cycle()
        first = d.published()
        assert len(first) == 6
        assert len({one["id"] for one in first}) == 6
        assert all(one["title"] for one in first)
        # they are known when they come again, in another order and among others
        again = rss(item("/7", "新的", paragraphs("七")), *_items(body)[::-1])
        d.answers["/own.xml"] = answer(again)
        report = await d.cycle(after=HOUR)
        assert [(poll.new, poll.revised) for poll in report.polls] == [(1, 0)]
        assert {one["id"] for one in first} < {one["id"] for one in d.published()}

    on_desk(play)


def _items(body: bytes) -> list[str]:
    return [
        f"<item>{part.partition('</item>')[0]}</item>" for part in body.decode().split("<item>")
    ][1:]


@pytest.mark.parametrize(
    "date", ["Fri, 20 Aug 2038 08:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "昨天", ""]
)
def test_a_date_nobody_can_believe_is_replaced_by_when_it_was_seen(
    on_desk: OnDesk, date: str
) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", LONG, date=date)))
        await d.cycle()
        [entry] = d.pipeline.store.articles(None, 9)
        assert entry.published == entry.updated == NOW
        # and it stays there, however late it is made again
        await d.pipeline.store.write(editions.reprocess, NOW + timedelta(days=9000))
        await d.cycle(after=timedelta(days=9000))
        [entry] = d.pipeline.store.articles(None, 9)
        assert entry.published == NOW

    on_desk(play)


def test_an_entry_without_a_date_takes_that_of_its_page(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", summary("会谈"), date="")))
        d.answers["/1"] = answer(
            b'<html><head><meta property="article:published_time" '
            b'content="2021-08-19T03:00:00Z"></head><body><article>'
            + LONG.encode()
            + b"</article></body></html>",
            content_type="text/html; charset=utf-8",
        )
        await d.cycle()
        [article] = d.pipeline.store.articles(None, 9)
        assert article.published == datetime(2021, 8, 19, 3, tzinfo=UTC)

    on_desk(play)


FAILURES: dict[str, tuple[bytes, str]] = {
    "a web page": (answer(b"<html><body><p>Welcome</p></body></html>"), "not_a_feed"),
    "no bytes": (answer(b""), "not_a_feed"),
    "garbage": (answer(bytes(range(256)) * 9), "not_a_feed"),
    "404": (answer(status="404 Not Found"), "http_status"),
    "410": (answer(status="410 Gone"), "http_status"),
    "429": (answer(status="429 Too Many Requests", retry_after="90000"), "http_status"),
    "500": (answer(status="500 Internal Server Error"), "http_status"),
    "not HTTP": (b"SSH-2.0-OpenSSH\r\n\r\n", "protocol"),
}


@pytest.mark.parametrize("what", FAILURES)
def test_a_failure_is_told_keeps_what_is_known_and_waits_longer_each_time(
    on_desk: OnDesk, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", LONG)), etag='"a"')
        d.answers["/other.xml"] = answer(rss(item("/2", "乙", paragraphs("乙"))))
        await d.cycle()
        before = d.bytes_published()
        given, kind = FAILURES[what]
        asked_for = timedelta(seconds=90000) if what == "429" else None
        d.answers["/own.xml"] = given
        for failures in range(3):
            report = await d.cycle(after=HOUR)
            [failed] = report.failed
            assert (failed.feed_id, failed.status) == ("own", kind)
            state = await d.state("own")
            due = next_try("own", d.now, INTERVAL, failures, asked_for)
            assert (state.failures, state.next_poll_at) == (failures + 1, due)
            assert state.error == failed.error != ""
            assert state.validators.etag == '"a"'
            told = caplog.messages[-1] if len(report.polls) == 1 else " ".join(caplog.messages)
            assert "feed own: " in told
            assert due.isoformat(" ", "minutes") in told
        assert d.bytes_published() == before
        assert (await d.state("other")).failures == 0
        d.answers["/own.xml"] = answer(rss(item("/3", "丙", paragraphs("丙"))))
        await d.cycle(after=HOUR)
        state = await d.state("own")
        assert (state.failures, state.error) == (0, "")
        assert len(d.published()) == 3

    on_desk(play, OWN, OTHER)


def test_an_empty_feed_is_no_failure(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss())
        assert (await d.refresh("own")).last_status == "nothing_new"

    on_desk(play)


def test_a_refused_connection_fails_one_feed_and_not_the_others(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", LONG)))
        report = await d.cycle()
        assert [(poll.feed_id, poll.status) for poll in report.failed] == [("gone", "connect")]
        assert len(d.published()) == 1

    on_desk(play, OWN, feed("/gone.xml", host=NOBODY))


def test_malformed_xml_gives_the_entries_that_are_still_in_it(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        whole = rss(
            item("/1", "甲 & 乙", LONG), item("/2", "丙", paragraphs("丙")), item("/3", "丁")
        )
        d.answers["/own.xml"] = answer(whole.replace(b"&amp;", b"&")[:-60])
        state = await d.refresh("own")
        assert state.last_status == "new"
        assert {entry.title for entry in await d.entries()} >= {"甲 & 乙", "丙"}

    on_desk(play)


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "utf-16"])
def test_a_feed_in_another_encoding_is_read(on_desk: OnDesk, encoding: str) -> None:
    async def play(d: Desk) -> None:
        text = rss(item("/1", "多哈會談", paragraphs("會談"))).decode()
        # Big5 has no simplified letters
        text = "".join(c for c in text if c.isascii() or _writable(c, encoding))
        declared = f'<?xml version="1.0" encoding="{encoding}"?>{text}'
        d.answers["/own.xml"] = answer(declared.encode(encoding), content_type="text/xml")
        await d.cycle()
        [only] = d.published()
        assert only["title"] == "多哈會談"
        assert "\ufffd" not in only["content_html"]

    on_desk(play)


def _writable(character: str, encoding: str) -> bool:
    with suppress(UnicodeEncodeError):
        return bool(character.encode(encoding))
    return False


@pytest.mark.parametrize(
    "broken",
    [answer(status="503 Service Unavailable"), answer(b"<html><body>For sale</body></html>")],
    ids=["an error", "a parked domain"],
)
def test_where_the_first_url_fails_the_next_is_asked_and_entries_stay_the_same(
    on_desk: OnDesk, broken: bytes
) -> None:
    async def play(d: Desk) -> None:
        body = rss(item("/1", "甲", LONG), item("/2", "乙", paragraphs("乙")))
        d.answers["/a.xml"], d.answers["/b.xml"] = (
            answer(body, etag='"a"'),
            answer(body, etag='"b"'),
        )
        await d.cycle()
        before = d.bytes_published()
        d.answers["/a.xml"] = broken
        report = await d.cycle(after=HOUR)
        assert [(poll.status, poll.new) for poll in report.polls] == [("nothing_new", 0)]
        state = await d.state("both")
        assert (state.url, state.validators.etag) == ("http://other.test/b.xml", '"b"')
        # the validators of one are not for the other; the first is asked first again
        d.site.asked.clear()
        d.answers["/b.xml"] = answer(status="304 Not Modified")
        await d.cycle(after=HOUR)
        [to_a, to_b] = d.site.asked
        assert (to_a.target, to_a.headers.get("if-none-match")) == ("/a.xml", None)
        assert (to_b.target, to_b.headers.get("if-none-match")) == ("/b.xml", b'"b"')
        assert d.bytes_published() == before

    both = FeedSpec("both", ("http://mirror.test/a.xml", "http://other.test/b.xml"))
    on_desk(play, both)


def test_where_every_url_fails_the_first_failure_is_told(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/a.xml"] = answer(status="410 Gone")
        state = await d.refresh("both")
        assert "410" in state.error
        assert d.asked("/b.xml") == 1

    on_desk(play, FeedSpec("both", ("http://mirror.test/a.xml", "http://other.test/b.xml")))


# --- enrich ------------------------------------------------------------------------------------


def test_a_full_text_feed_costs_no_page_request(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(
            rss(item("/1", "甲", LONG), item("/2", "乙", paragraphs("乙")))
        )
        await d.cycle()
        assert len(d.published()) == 2
        assert d.site.targets == ["/own.xml"]

    on_desk(play)


def test_the_page_behind_a_summary_is_fetched_once(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", summary("会谈"))))
        d.answers["/1"] = page("甲", LONG)
        await d.cycle()
        assert "第6段" in d.published()[0]["content_html"]
        await d.cycle(after=HOUR)
        await d.pipeline.store.write(editions.reprocess, d.now)
        await d.cycle(after=timedelta(days=2))
        assert d.asked("/1") == 1

    on_desk(play)


def test_an_article_whose_page_fails_is_out_at_once_and_whole_later_under_the_same_id(
    on_desk: OnDesk,
) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", summary("会谈"))))
        await d.cycle()
        [short] = d.published()
        assert "交换了意见" in short["content_html"]
        assert short.get("date_modified", short["date_published"]) == short["date_published"]
        for tries in range(1, 3):
            due = next_page_try(d.now, tries - 1)
            assert due is not None
            await d.cycle(after=due - d.now - timedelta(seconds=1))
            assert d.asked("/1") == tries
            if tries == 2:
                d.answers["/1"] = page("甲", LONG)
            await d.cycle(after=timedelta(seconds=1))
            assert d.asked("/1") == tries + 1
        [whole] = d.published()
        assert whole["id"] == short["id"]
        assert "第6段" in whole["content_html"]
        # readers are told once that there is more to read, and that is all
        assert datetime.fromisoformat(whole["date_modified"]) == d.now
        before = d.bytes_published()
        await d.cycle(after=timedelta(days=3))
        assert (d.asked("/1"), d.bytes_published()) == (3, before)

    on_desk(play)


def test_a_page_that_always_fails_is_given_up_until_the_entry_changes(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", summary("会谈"))))
        for _ in range(8):
            await d.cycle(after=timedelta(days=2))
        assert d.asked("/1") == 5
        assert d.pipeline.store.counts().pending == 0
        # a new topic makes everything again: without asking dead pages again
        await d.reopen(topics=(TopicSpec("talks", "会谈", "会谈"),))
        await d.cycle(after=timedelta(days=2))
        assert (d.asked("/1"), len(d.published("topics/talks"))) == (5, 1)
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", summary("新的会谈"))))
        d.answers["/1"] = page("甲", LONG)
        await d.cycle(after=timedelta(days=2))
        assert d.asked("/1") == 6
        assert "第6段" in d.published()[0]["content_html"]

    on_desk(play)


@pytest.mark.parametrize(
    "given",
    [
        answer(b"\x89PNG\r\n\x1a\n" + "几个汉字".encode("gb18030") * 99),
        answer(b"%PDF-1.4 " + LONG.encode()),
        answer(LONG.encode(), content_type="application/pdf"),
        answer(b""),
        page("验证码", "<p>请输入验证码</p>"),
    ],
    ids=["a picture", "a document", "what is called a document", "nothing", "a captcha"],
)
def test_a_page_without_an_article_leaves_the_feeds_body(on_desk: OnDesk, given: bytes) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", summary("会谈"))))
        d.answers["/1"] = given
        await d.cycle()
        assert "交换了意见" in d.published()[0]["content_html"]
        d.answers["/1"] = page("甲", LONG)
        await d.cycle(after=HOUR)
        assert "第6段" in d.published()[0]["content_html"]

    on_desk(play)


def test_a_page_that_never_answers_does_not_hold_up_the_others(on_desk: OnDesk) -> None:
    async def silent(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(
            rss(item("/1", "甲", summary("甲")), item("/2", "乙", paragraphs("乙")))
        )
        d.answers["/1"] = silent
        started = time.monotonic()
        await d.cycle()
        assert time.monotonic() - started < 10
        assert {one["title"] for one in d.published()} == {"甲", "乙"}

    on_desk(play)


def test_a_folded_page_leads_to_the_whole_one(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1.shtml", "甲", summary("会谈"))))
        fold = '<p><a href="/1_s.shtml">余下全文</a></p>'
        d.answers["/1.shtml"] = page("甲", paragraphs("会谈", 3) + fold)
        d.answers["/1_s.shtml"] = page("甲", LONG)
        await d.cycle()
        assert "第6段" in d.published()[0]["content_html"]
        await d.cycle(after=timedelta(days=2))
        assert d.site.targets.count("/1.shtml") == d.site.targets.count("/1_s.shtml") == 1

    on_desk(play)


def test_where_the_whole_page_fails_the_part_is_published_and_both_are_tried_again(
    on_desk: OnDesk,
) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1.shtml", "甲", summary("会谈"))))
        fold = '<p><a href="/1_s.shtml">余下全文</a></p>'
        d.answers["/1.shtml"] = page("甲", paragraphs("会谈", 3) + fold)
        await d.cycle()
        assert "第3段" in d.published()[0]["content_html"]
        d.answers["/1_s.shtml"] = page("甲", LONG)
        await d.cycle(after=HOUR)
        assert "第6段" in d.published()[0]["content_html"]

    on_desk(play)


def test_pages_that_lead_to_each_other_for_ever_are_left(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", summary("会谈"))))
        for number in range(1, 9):
            more = f'<p><a href="/{number + 1}">余下全文</a></p>'
            d.answers[f"/{number}"] = page("甲", paragraphs("会谈", 3) + more)
        await d.cycle()
        assert d.site.targets == ["/own.xml", "/1", "/2", "/3"]
        assert "第3段" in d.published()[0]["content_html"]

    on_desk(play)


def test_a_page_that_gives_less_than_the_feed_is_not_used(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        cut = paragraphs("会谈", 5) + "<p>阅读全文</p>"
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", cut)))
        d.answers["/1"] = page("甲", paragraphs("会谈", 2))
        await d.cycle()
        assert "第5段" in d.published()[0]["content_html"]
        await d.cycle(after=timedelta(days=2))
        assert d.asked("/1") == 1

    on_desk(play)


@pytest.mark.parametrize("own_body", [LONG, summary("会谈")], ids=["whole", "summary"])
def test_an_article_in_a_mirror_and_in_its_own_feed_is_one_whichever_came_first(
    tmp_path: Path, workers: Workers, own_body: str
) -> None:
    own = rss(item("/1", "谈判重启", own_body, more="<category>新闻</category>"))
    carried = "<div><i>Fri, 20 Aug 2021 07:00:00 GMT</i></div>" + LONG
    mirrored = rss(item("/1", "谈判重启", carried, date="Fri, 20 Aug 2021 08:20:00 GMT"))

    async def scenario(site: Loopback, folder: str, order: tuple[str, ...]) -> dict[str, bytes]:
        async with desk(tmp_path / folder, workers, (OWN, MIRROR), site=site) as d:
            for feed_id in order:
                await d.refresh(feed_id)
            await LocalEngine(d.pipeline, lambda: d.now).enrich_all(lambda *_: None)
            await LocalEngine(d.pipeline, lambda: d.now).publish_all(lambda *_: None)
            [only] = d.published()
            assert only["authors"][0]["name"] == "半岛电视台"
            assert only["date_published"].startswith("2021-08-20T08:00:00")
            assert "第6段" in only["content_html"]
            assert "GMT" not in only["content_html"]
            return dict(d.bytes_published())

    async def both() -> None:
        answers = {"/own.xml": answer(own), "/mirror.xml": answer(mirrored)}
        async with Loopback(answers) as site:
            first = await scenario(site, "a", ("own", "mirror"))
            second = await scenario(site, "b", ("mirror", "own"))
            assert first == second
            assert "/1" not in site.targets

    asyncio.run(both())


def test_an_outlets_own_entry_that_comes_a_cycle_later_gives_the_same_article(
    tmp_path: Path, workers: Workers
) -> None:
    own = answer(rss(item("/1", "谈判重启", LONG)))
    mirrored = answer(rss(item("/1", "谈判重启", LONG, date="Fri, 20 Aug 2021 08:20:00 GMT")))

    async def scenario(folder: str, order: tuple[str, str]) -> list[object]:
        answers = {"own": own, "mirror": mirrored}
        async with desk(tmp_path / folder, workers, (OWN, MIRROR)) as d:
            for feed_id in order:
                d.answers[f"/{feed_id}.xml"] = answers[feed_id]
                await d.cycle(after=HOUR)
            items = d.published()
            for one in items:
                one.pop("_entries", None)
            return [
                {
                    k: v
                    for k, v in one.items()
                    if k
                    in (
                        "id",
                        "title",
                        "content_html",
                        "authors",
                        "date_published",
                        "date_modified",
                        "url",
                    )
                }
                for one in items
            ]

    first = asyncio.run(scenario("a", ("own", "mirror")))
    assert len(first) == 1
    assert first == asyncio.run(scenario("b", ("mirror", "own")))


def test_the_same_text_under_two_urls_is_one_article(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "谈判重启", LONG)))
        await d.cycle()
        [before] = d.published()
        d.answers["/other.xml"] = answer(rss(item("/9", "美塔谈判", LONG, host="other.test")))
        await d.cycle(after=HOUR)
        [after] = d.published()
        assert after["id"] == before["id"]
        assert d.pipeline.store.counts().duplicates == 1
        # an entry of the merged URL in a third feed joins it too
        d.answers["/third.xml"] = answer(rss(item("/9", "转载", LONG, host="other.test")))
        await d.cycle(after=HOUR)
        assert [one["id"] for one in d.published()] == [before["id"]]
        assert len(d.pipeline.store.articles(None, 9)[0].entries) == 3

    on_desk(play, OWN, OTHER, feed("/third.xml", host="mirror.test"))


def test_a_refusal_that_is_certain_saves_the_page_request(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(
            rss(
                item("/1", "体育：决赛", summary("决赛")),
                item("/2", "阿富汗局势", summary("局势")),
            )
        )
        d.answers["/1"], d.answers["/2"] = page("决赛", LONG), page("局势", paragraphs("局势"))
        await d.cycle()
        assert [one["title"] for one in d.published()] == ["阿富汗局势"]
        assert (d.asked("/1"), d.asked("/2")) == (0, 1)

    on_desk(play, replace(OWN, drop="title:体育"))


def test_where_only_the_body_can_tell_the_page_is_read_before_it_is_refused(
    on_desk: OnDesk,
) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(
            rss(item("/1", "甲", summary("甲")), item("/2", "乙", summary("乙")))
        )
        d.answers["/1"], d.answers["/2"] = page("甲", LONG), page("乙", paragraphs("球赛"))
        await d.cycle()
        assert [one["title"] for one in d.published()] == ["甲"]

    on_desk(play, replace(OWN, keep="会谈的代表"))


def test_one_feeds_refusal_is_not_anothers(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = d.answers["/other.xml"] = answer(rss(item("/1", "甲", LONG)))
        await d.cycle()
        [only] = d.published()
        assert only["authors"][0]["name"] == "观察者网"

    on_desk(play, replace(OWN, drop="甲"), OTHER)


def test_an_article_no_longer_wanted_leaves_the_editions_and_may_come_back(
    on_desk: OnDesk,
) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(
            rss(item("/1", "甲", LONG), item("/2", "乙", paragraphs("乙")))
        )
        await d.cycle()
        before = {one["id"] for one in d.published()}
        await d.reopen(feeds=(replace(OWN, drop="title:甲"),))
        await d.cycle()
        assert [one["title"] for one in d.published()] == ["乙"]
        assert len(d.published("topics/talks")) == 1
        await d.reopen(feeds=(OWN,))
        await d.cycle()
        assert {one["id"] for one in d.published()} == before

    on_desk(play, topics=(TopicSpec("talks", "会谈", "会谈 OR 代表"),))


HOSTILE = page("甲", "<table><tr><td>" * 4000 + LONG)
"""Takes a worker more than ten seconds, where the limit is three."""


def test_a_page_that_hangs_its_worker_leaves_its_article_and_the_others(
    on_desk: OnDesk, caplog: pytest.LogCaptureFixture
) -> None:
    async def play(d: Desk) -> None:
        others = [item(f"/{n}", f"第{n}篇", paragraphs(f"第{n}篇")) for n in range(2, 9)]
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", summary("会谈")), *others))
        d.answers["/1"] = HOSTILE
        await d.cycle()
        assert len(d.published()) == 8
        short = next(one for one in d.published() if one["title"] == "甲")
        assert "交换了意见" in short["content_html"]
        assert any("/1" in line and "longer than" in line for line in caplog.messages)
        d.answers["/1"] = page("甲", LONG)
        await d.cycle(after=HOUR)
        assert sum("第6段" in one["content_html"] for one in d.published()) == 8

    slow = Workers(1, seconds=3)
    try:
        on_desk(play, own_workers=slow)
    finally:
        slow.close()


def test_a_body_that_hangs_its_worker_is_tried_again_and_holds_nothing_up(
    on_desk: OnDesk, caplog: pytest.LogCaptureFixture
) -> None:
    async def play(d: Desk) -> None:
        hanging = "".join(f"<a href='/x{n}'>链接{n}</a> " for n in range(40_000))
        d.answers["/own.xml"] = answer(
            rss(item("/1", "甲", hanging), item("/2", "乙", paragraphs("乙")))
        )
        await d.cycle()
        assert [one["title"] for one in d.published()] == ["乙"]
        assert any("cannot be made" in line for line in caplog.messages)
        assert d.pipeline.store.counts().pending == 1
        assert await d.entries() == ()
        d.now += timedelta(days=1)
        [entry] = await d.entries()
        for _ in range(6):  # it is never given up
            await d.pipeline.store.write(articles.postpone, entry.article_id, d.now)
        await d.cycle()
        assert d.pipeline.store.counts().pending == 1
        d.answers["/own.xml"] = answer(
            rss(item("/1", "甲", LONG), item("/2", "乙", paragraphs("乙")))
        )
        await d.cycle(after=timedelta(minutes=1))
        assert len(d.published()) == 2

    slow = Workers(1, seconds=3)
    try:
        on_desk(play, own_workers=slow)
    finally:
        slow.close()


def test_killed_workers_cost_nothing(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        body = [item(f"/{n}", f"第{n}篇", paragraphs(f"第{n}篇")) for n in range(40)]
        d.answers["/own.xml"] = answer(rss(*body))
        cycle = asyncio.create_task(d.cycle())
        for _ in range(3):
            await asyncio.sleep(0.2)
            for process in set(active_children()) - others:
                process.kill()
        await cycle
        for _ in range(3):
            await d.cycle(after=HOUR)
        assert len(d.published()) == 40

    others = set(active_children())
    mortal = Workers(2)
    try:
        on_desk(play, own_workers=mortal)
    finally:
        mortal.close()


# --- publish -----------------------------------------------------------------------------------


def test_editions_are_rendered_only_when_they_changed_and_the_same_bytes_again(
    on_desk: OnDesk,
) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "阿富汗", LONG)))
        await d.cycle()
        before = d.bytes_published()
        assert {path for path in before if path.startswith("topics/")} == {
            f"topics/{name}.{form}" for name in ("af", "none") for form in ("atom", "rss", "json")
        }
        assert await d.pipeline.store.read(editions.unpublished) == {}
        d.answers["/own.xml"] = answer(rss(item("/2", "其他", paragraphs("其他"))))
        await d.refresh("own")
        await LocalEngine(d.pipeline, lambda: d.now).enrich_all(lambda *_: None)
        changed = await d.pipeline.store.read(editions.unpublished)
        assert set(changed) == {"all"}
        await d.reopen()  # a start renders each once more: the same bytes
        d.pipeline.files.remove("topics/af.rss")
        await LocalEngine(d.pipeline, lambda: d.now).publish_all(lambda *_: None)
        after = d.bytes_published()
        topics = {path: body for path, body in before.items() if path.startswith("topics/")}
        assert topics.items() <= after.items()
        assert d.published("topics/none") == []

    on_desk(play, topics=(TopicSpec("af", "阿富汗", "阿富汗"), TopicSpec("none", "无", "火星人")))


def test_a_topic_keeps_to_its_limit_and_to_summaries(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        dates = [f"Fri, 20 Aug 2021 0{n}:00:00 GMT" for n in range(5)]
        d.answers["/own.xml"] = answer(
            rss(
                *(
                    item(f"/{n}", f"会谈{n}", paragraphs(f"会谈{n}"), date=dates[n])
                    for n in range(5)
                )
            )
        )
        await d.cycle()
        assert [one["title"] for one in d.published("topics/few")] == [
            "会谈4 - 半岛电视台",
            "会谈3 - 半岛电视台",
        ]
        assert all("第6段" not in str(one) for one in d.published("topics/few"))
        assert len(d.published()) == 4

    few = TopicSpec("few", "会谈", "会谈", content="summary", limit=2)
    on_desk(play, topics=(few,), output=OutputSettings(outlet_in="both", limit=4))


def test_an_edition_that_cannot_be_written_is_reported_and_written_later(
    on_desk: OnDesk,
) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "会谈", LONG)))
        blocked = d.folder / "editions" / "topics"
        blocked.write_text("in the way")
        with pytest.raises(OutputError, match="topics"):
            await d.pipeline.publish("talks", 1)
        report = await d.cycle()
        assert [problem for problem in report.problems if "topics" in problem]
        assert len(d.published()) == 1
        waiting = await d.pipeline.store.read(editions.unpublished)
        assert "talks" in waiting
        blocked.unlink()
        await LocalEngine(d.pipeline, lambda: d.now).publish_all(lambda *_: None)
        assert len(d.published("topics/talks")) == len(d.published()) == 1

    on_desk(play, topics=(TopicSpec("talks", "会谈", "会谈"),))


def test_an_edition_taken_away_by_a_reload_is_not_written(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        assert await d.pipeline.publish("gone", 1) is False
        assert d.pipeline.files.read("topics/gone.atom") is None

    on_desk(play)


# --- prepare -----------------------------------------------------------------------------------


def test_a_new_topic_is_filled_from_what_is_stored_and_a_removed_one_goes(
    on_desk: OnDesk,
) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "阿富汗", summary("会谈"))))
        d.answers["/1"] = page("阿富汗", LONG)
        await d.cycle()
        await d.reopen(topics=(TopicSpec("af", "阿富汗", "阿富汗 多哈"),))
        d.answers["/own.xml"] = answer(status="304 Not Modified")
        await d.cycle()
        [only] = d.published("topics/af")
        assert "第6段" in only["content_html"]
        assert d.asked("/1") == 1
        await d.reopen(topics=())
        assert not [path for path in d.pipeline.files.paths() if path.startswith("topics/")]

    on_desk(play)


def test_a_changed_alias_matches_anew_and_an_unchanged_config_makes_nothing(
    on_desk: OnDesk,
) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "塔里班进城", LONG)))
        await d.cycle()
        assert d.published("topics/t") == []
        await d.reopen()
        assert await d.entries() == ()
        d.config = replace(d.config, aliases={"塔利班": ("塔里班",)})
        await d.reopen()
        await d.cycle()
        assert len(d.published("topics/t")) == 1
        await d.reopen()
        assert await d.entries() == ()

    on_desk(play, topics=(TopicSpec("t", "塔利班", "塔利班"),))


def test_a_removed_feed_keeps_its_articles_and_a_renamed_one_doubles_none(
    on_desk: OnDesk,
) -> None:
    async def play(d: Desk) -> None:
        body = rss(item("/1", "甲", LONG), item("", "无链接", paragraphs("无链接")))
        d.answers["/own.xml"] = answer(body)
        await d.cycle()
        before = {one["id"] for one in d.published()}
        await d.reopen(feeds=(OTHER,), topics=(TopicSpec("t", "会谈", "会谈 OR 代表"),))
        await d.cycle()
        assert {one["id"] for one in d.published()} == before
        assert len(d.published("topics/t")) == 2
        await d.reopen(feeds=(replace(OWN, id="renamed"),))
        await d.cycle(after=HOUR)
        assert {one["id"] for one in d.published()} == before
        assert d.asked("/own.xml") == 2

    on_desk(play)


# --- crashes -----------------------------------------------------------------------------------


def test_cancelled_anywhere_and_begun_again_the_result_is_that_of_an_uninterrupted_run(
    tmp_path: Path, workers: Workers
) -> None:
    chance = random.Random(20210820)
    topics = (TopicSpec("talks", "会谈", "会谈 OR 局势"),)
    feeds = (OWN, MIRROR, OTHER)
    answers = {
        "/own.xml": answer(
            rss(
                item("/1", "谈判重启", summary("会谈")),
                item("/2", "局势", paragraphs("局势")),
                item("/3", "无页", summary("无页")),
            ),
            etag='"1"',
        ),
        "/mirror.xml": answer(
            rss(item("/2", "局势", paragraphs("局势")), item("/4", "另一篇", paragraphs("另"))),
            etag='"2"',
        ),
        "/other.xml": answer(rss(item("/5", "折页", summary("折页")))),
        "/1": page("谈判重启", LONG),
        "/5": page("折页", paragraphs("折页", 3) + '<p><a href="/5_s">余下全文</a></p>'),
        "/5_s": page("折页", paragraphs("折页")),
    }

    async def play() -> None:
        async with Loopback(answers) as site:
            async with desk(tmp_path / "whole", workers, feeds, topics, site=site) as whole:
                await whole.cycle()
                expected, counts = whole.bytes_published(), whole.pipeline.store.counts()
            assert counts.articles == 5
            for number in range(15):
                folder = tmp_path / str(number)
                async with desk(folder, workers, feeds, topics, site=site) as d:
                    for _ in range(3):
                        cycle = asyncio.create_task(d.cycle())
                        await asyncio.sleep(chance.uniform(0, 0.25))
                        cycle.cancel()
                        await asyncio.gather(cycle, return_exceptions=True)
                        await d.reopen()
                    await d.cycle()
                    assert d.bytes_published() == expected, number
                    assert d.pipeline.store.counts() == counts

    asyncio.run(play())


# --- size --------------------------------------------------------------------------------------


def test_very_large_things_take_bounded_time_and_leave_other_feeds_alone(
    on_desk: OnDesk,
) -> None:
    async def play(d: Desk) -> None:
        many = [item(f"/m{n}", f"第{n}条", paragraphs(f"第{n}条", 4)) for n in range(1000)]
        large = [
            item("/large", "大文", paragraphs("大文", 6) * 2400),
            item("/title", "长" * 1_000_000, paragraphs("长题")),
            item("/deep", "深", "<div>" * 3000 + paragraphs("深") + "</div>" * 3000),
        ]
        d.answers["/own.xml"] = answer(rss(*many))
        d.answers["/mirror.xml"] = answer(rss(*large))
        d.answers["/other.xml"] = answer(rss(item("/1", "其他", paragraphs("其他"))))
        started = time.monotonic()
        report = await d.cycle()
        assert time.monotonic() - started < 60
        assert {poll.feed_id: poll.new for poll in report.polls} == {
            "own": 1000,
            "mirror": 3,
            "other": 1,
        }
        assert d.pipeline.store.counts().articles == 1004

    on_desk(play, OWN, MIRROR, OTHER, output=OutputSettings(limit=2000))
