"""Polling: what a scripted publisher answers, and what the store holds after."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.core.cadence import NEVER, Heard, Wishes, after_failure, after_poll
from aggregator.core.model import FeedSpec
from aggregator.store import editions, polls
from tests.fetch.asking import self_signed, served
from tests.loopback import Answer, Loopback, answer
from tests.publisher import (
    HOUR,
    INTERVAL,
    LONG,
    NOBODY,
    NOW,
    OTHER,
    OWN,
    Desk,
    OnDesk,
    feed,
    item,
    page,
    paragraphs,
    rss,
    summary,
)


def test_a_first_poll_stores_the_entries_and_comes_again_after_the_interval(
    on_desk: OnDesk,
) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", LONG), item("/2", "乙")), etag='"a"')
        state = await d.refresh("own")
        assert (state.last_status, state.failures, state.error) == ("new", 0, "")
        assert state.validators.etag == '"a"'
        assert state.next_poll_at == after_poll("own", NOW, WISHES, Heard(True)).at
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
        assert state.next_poll_at == after_poll("own", NOW + HOUR, WISHES, Heard(True)).at
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
    "429": (answer(status="429 Too Many Requests"), "http_status"),
    "500": (answer(status="500 Internal Server Error"), "http_status"),
    "not HTTP": (b"SSH-2.0-OpenSSH\r\n\r\n", "protocol"),
}

WISHES = Wishes(INTERVAL)


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
        d.answers["/own.xml"] = given
        for failures in range(3):
            report = await d.cycle(after=HOUR)
            [failed] = report.failed
            assert (failed.feed_id, failed.status) == ("own", kind)
            state = await d.state("own")
            due = after_failure(
                "own", d.now, WISHES, failures, status=410 if what == "410" else 0
            ).at
            assert (state.failures, state.next_poll_at) == (failures + 1, due)
            assert state.error == failed.error != ""
            assert state.validators.etag == '"a"'
            told = caplog.messages[-1] if len(report.polls) == 1 else " ".join(caplog.messages)
            assert "feed own: " in told
            assert ("never" if due == NEVER else due.isoformat(" ", "minutes")) in told
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
    [
        answer(status="503 Service Unavailable"),
        answer(b"<html><body>For sale</body></html>"),
        answer(rss()),
    ],
    ids=["an error", "a parked domain", "a feed gone empty"],
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
        # each keeps the validators it gave; the first is asked first again
        d.site.asked.clear()
        d.answers["/b.xml"] = answer(status="304 Not Modified")
        await d.cycle(after=HOUR)
        [to_a, to_b] = d.site.asked
        assert (to_a.target, to_a.headers.get("if-none-match")) == ("/a.xml", b'"a"')
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


MIRRORS = FeedSpec("both", ("http://mirror.test/a.xml", "http://other.test/b.xml"))


def dated(path: str, day: int, hour: int = 8) -> str:
    """An item of its own text, published on that day of August 2021."""
    date = f"{day:02} Aug 2021 {hour:02}:00:00 GMT"
    return item(path, f"报道{path}", paragraphs(path), date=date)


def test_an_address_that_is_left_behind_by_the_others_gives_way_to_them(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        old, new = dated("/1", 10), dated("/2", 20)
        d.answers["/a.xml"] = answer(status="503 Service Unavailable")
        d.answers["/b.xml"] = answer(rss(new, old))
        await d.cycle()
        d.answers["/a.xml"] = answer(rss(old))  # it works again, and knows nothing recent
        d.answers["/b.xml"] = answer(rss(dated("/3", 20, 11), new, old))
        report = await d.cycle(after=2 * HOUR)
        assert [(poll.status, poll.new) for poll in report.polls] == [("new", 1)]
        state = await d.state("both")
        assert state.url == "http://other.test/b.xml"
        assert [address.status for address in state.addresses] == ["behind", ""]
        d.site.asked.clear()
        await d.cycle(after=HOUR)
        assert d.site.targets == ["/b.xml"], "for a while it is not asked"
        d.answers["/a.xml"] = answer(rss(dated("/4", 20, 15), old))
        await d.cycle(after=12 * HOUR)
        assert (await d.state("both")).url == "http://mirror.test/a.xml", "it has caught up"

    on_desk(play, MIRRORS)


def test_where_a_feed_falls_silent_another_address_is_asked_once_a_day(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        known = [dated(f"/{day}", day) for day in (17, 18, 19, 20)]
        d.answers["/a.xml"] = answer(rss(*known), etag='"a"')
        d.answers["/b.xml"] = answer(rss(*known))
        await d.cycle()
        d.answers["/a.xml"] = answer(status="304 Not Modified")
        await d.cycle(after=24 * HOUR)
        assert d.asked("/b.xml") == 0, "a day is nothing to a feed of one entry a day"
        await d.cycle(after=96 * HOUR)
        await d.cycle(after=HOUR)
        assert d.asked("/b.xml") == 1
        assert (await d.state("both")).url == "http://mirror.test/a.xml"
        d.answers["/b.xml"] = answer(rss(dated("/24", 24), *known))
        report = await d.cycle(after=24 * HOUR)
        assert [(poll.status, poll.new) for poll in report.polls] == [("new", 1)]
        assert (await d.state("both")).url == "http://other.test/b.xml"

    on_desk(play, MIRRORS)


def test_entries_keep_their_identity_where_a_mirror_gives_them_other_guids(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/a.xml"] = answer(rss(item("/1", "甲", LONG, guid="a-1")))
        d.answers["/b.xml"] = answer(rss(item("/1", "甲", LONG, guid="b-1")))
        await d.cycle()
        d.answers["/a.xml"] = answer(status="500 Internal Server Error")
        report = await d.cycle(after=HOUR)
        assert [(poll.status, poll.new) for poll in report.polls] == [("nothing_new", 0)]
        assert (await d.state("both")).url == "http://other.test/b.xml"
        assert d.pipeline.store.counts().entries == 1

    on_desk(play, MIRRORS)


def test_an_address_that_failed_is_left_alone_longer_each_time(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/a.xml"] = answer(status="500 Internal Server Error")
        d.answers["/b.xml"] = answer(rss(item("/1", "甲", LONG)))
        for _ in range(8):
            await d.cycle(after=HOUR)
        # after one hour, then two, then four
        assert d.asked("/a.xml") == 4
        assert d.asked("/b.xml") == 8
        [first, second] = (await d.state("both")).addresses
        assert (first.status, first.failures, second.status) == ("http_status", 4, "")
        assert (await d.state("both")).errors["http_status"].count == 4

    on_desk(play, MIRRORS)


def test_where_one_address_is_gone_for_good_it_is_never_asked_again(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/a.xml"] = answer(status="410 Gone")
        d.answers["/b.xml"] = answer(rss(item("/1", "甲", LONG)))
        for _ in range(3):
            await d.cycle(after=48 * HOUR)
        assert (d.asked("/a.xml"), d.asked("/b.xml")) == (1, 3)

    on_desk(play, MIRRORS)


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
def test_a_host_that_asks_for_peace_is_left_in_peace_over_restarts(
    on_desk: OnDesk, status: str
) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(status=status, retry_after="90000")
        d.answers["/two.xml"] = d.answers["/other.xml"] = answer(rss(item("/1", "甲", LONG)))
        state = await d.refresh("own")
        assert (state.last_status, state.failures) == ("http_status", 1)
        assert NOW + 25 * HOUR <= state.next_poll_at < NOW + 26 * HOUR
        await d.reopen()
        d.now += HOUR
        d.site.asked.clear()
        state = await d.refresh("two")
        assert (state.last_status, state.failures, d.site.asked) == ("held", 0, [])
        assert NOW + 25 * HOUR <= state.next_poll_at < NOW + 26 * HOUR
        assert (await d.refresh("other")).last_status == "new", "it is on another host"
        d.now += 25 * HOUR
        d.answers["/own.xml"] = d.answers["/two.xml"]
        assert (await d.refresh("two")).last_status == "new"
        assert (await d.refresh("own")).failures == 0

    on_desk(play, OWN, feed("/two.xml"), OTHER)


def test_a_feed_that_is_gone_for_good_is_not_asked_again_until_its_address_changes(
    on_desk: OnDesk,
) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(status="410 Gone")
        assert (await d.refresh("own")).next_poll_at == NEVER
        later = NOW + 9000 * HOUR
        assert await d.pipeline.store.read(polls.due_feeds, later, 10) == ()
        await d.reopen(feeds=(feed("/new.xml", id="own"),))
        [due] = await d.pipeline.store.read(polls.due_feeds, later, 10)
        assert due.feed_id == "own"

    on_desk(play, OWN)


def test_what_the_server_says_of_freshness_counts_also_with_a_304(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        body = rss(item("/1", "甲", LONG, date=""), more="<ttl>90</ttl>")
        d.answers["/own.xml"] = answer(body, etag='"a"', cache_control="max-age=7200")
        state = await d.refresh("own")
        assert NOW + 2 * HOUR <= state.next_poll_at < NOW + 2.2 * HOUR
        assert state.due_because == "fresh for 2 h by its server"
        d.answers["/own.xml"] = answer(
            status="304 Not Modified", cache_control="max-age=18000", age="3600"
        )
        state = await d.refresh("own")
        assert NOW + 4 * HOUR <= state.next_poll_at < NOW + 4.4 * HOUR
        d.answers["/own.xml"] = answer(status="304 Not Modified")
        assert (await d.refresh("own")).due_because == "ttl 90", "what the feed said is remembered"

    on_desk(play, OWN, interval=HOUR)


def test_the_certificates_of_a_feeds_own_file_are_trusted_for_it_alone(
    on_desk: OnDesk, tmp_path: Path
) -> None:
    certificate = self_signed(tmp_path)

    async def play(d: Desk) -> None:
        fetch = replace(d.config.fetch, allow_private=("127.0.0.0/8",))
        d.config = replace(d.config, fetch=fetch)
        answers: dict[str, bytes | Answer] = {"/1": page("甲", LONG)}
        site = Loopback(answers, served(certificate))
        async with site:
            origin = f"https://localhost:{site.port}"
            entries = rss(item("/1", "甲", summary("甲")))
            answers["/a"] = answer(entries.replace(b"http://own.test", origin.encode()))
            trusting = FeedSpec("trusting", (f"{origin}/a",), ca_file=str(certificate[0]))
            await d.reopen(feeds=(FeedSpec("other", (f"{origin}/a",)), trusting))
            assert (await d.refresh("other")).last_status == "tls"
            await d.cycle()
            assert (await d.state("trusting")).last_status == "new"
            [article] = d.published()
            assert "第6段" in article["content_html"], "its pages are asked for with them"

    on_desk(play)
