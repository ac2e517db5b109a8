"""Making articles: whose body, whose word, which page, and once only."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.core.model import TopicSpec
from aggregator.core.page_tries import WAITS
from aggregator.engines.round import Round
from aggregator.store import editions
from aggregator.workers import Workers
from tests.loopback import Loopback, answer
from tests.publisher import (
    HOUR,
    LONG,
    MIRROR,
    OTHER,
    OWN,
    Desk,
    OnDesk,
    desk,
    feed,
    item,
    page,
    paragraphs,
    rss,
    summary,
)

BROKEN = answer(b"", status="500 Internal Server Error")


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
        d.answers["/1"] = BROKEN
        await d.cycle()
        [short] = d.published()
        assert "交换了意见" in short["content_html"]
        assert short.get("date_modified", short["date_published"]) == short["date_published"]
        for tries in range(1, 3):
            await d.cycle(after=WAITS[tries - 1] - timedelta(seconds=1))
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
        d.answers["/1"] = BROKEN
        for _ in range(8):
            await d.cycle(after=timedelta(days=2))
        assert d.asked("/1") == 4
        assert d.pipeline.store.counts().pending == 0
        # a new topic makes everything again: without asking dead pages again
        await d.reopen(topics=(TopicSpec("talks", "会谈", "会谈"),))
        await d.cycle(after=timedelta(days=2))
        assert (d.asked("/1"), len(d.published("topics/talks"))) == (4, 1)
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", summary("新的会谈"))))
        d.answers["/1"] = page("甲", LONG)
        await d.cycle(after=timedelta(days=2))
        assert d.asked("/1") == 5
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
        assert d.site.targets == ["/own.xml", "/robots.txt", "/1", "/2", "/3"]
        assert "第3段" in d.published()[0]["content_html"]

    on_desk(play)


def test_a_feeds_history_tells_whether_its_bodies_are_whole(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        # six short notices whose pages have no more; five summaries, then two leads of texts
        # that go on
        notices = {f"/n{n}": f"<p>{f'短讯{n}' * 14}：双方交换了意见。</p>" for n in range(6)}
        parts = {f"/s{n}": summary(f"摘要{n}") for n in range(5)}
        parts |= {
            f"/l{n}": f"<p>{f'导语{n}' * 9}：一。</p><p>{f'导语{n}' * 9}。</p>" for n in (5, 6)
        }
        for path, body in notices.items():
            d.answers[path] = page(path, body + "<p>版权所有</p>")
        for path in parts:
            d.answers[path] = page(path, paragraphs(path))
        for (one, its), (other, part) in zip(notices.items(), parts.items(), strict=False):
            d.answers["/own.xml"] = answer(rss(item(one, f"短讯{one}", its)))
            d.answers["/other.xml"] = answer(rss(item(other, f"导语{other}", part)))
            await d.cycle(after=HOUR)
        assert [path for path in notices if d.asked(path)] == ["/n0", "/n1", "/n2", "/n3", "/n4"]
        assert d.asked("/l5") == 1
        made = {one["url"]: d.pipeline.store.article(_id(one)) for one in d.published()}
        told, cut = made["http://own.test/n5"], made["http://own.test/l5"]
        assert told is not None
        assert cut is not None
        assert (told.body_from, cut.body_from) == ("own", "http://own.test/l5")
        assert [v.reason for v in told.verdicts] == ["5 of 5 bodies of the feed were whole"]
        assert [v.reason for v in cut.verdicts] == ["5 of 5 bodies of the feed were cut"]

    on_desk(play, OWN, OTHER)


def _id(one: dict[str, Any]) -> str:
    return str(one["id"]).removeprefix("urn:uuid:")


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
            await Round(d.pipeline, lambda: d.now).enrich_all(lambda *_: None)
            await Round(d.pipeline, lambda: d.now).publish_all(lambda *_: None)
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
