"""Publishing, and a configuration that changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aggregator.config import OutputSettings
from aggregator.core.model import TopicSpec
from aggregator.engines.round import Round
from aggregator.errors import OutputError
from aggregator.store import editions
from tests.loopback import answer
from tests.publisher import (
    HOUR,
    LONG,
    OTHER,
    OWN,
    Desk,
    OnDesk,
    item,
    page,
    paragraphs,
    rss,
    summary,
)


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
        await Round(d.pipeline, lambda: d.now).enrich_all(lambda *_: None)
        changed = await d.pipeline.store.read(editions.unpublished)
        assert set(changed) == {"all"}
        await d.reopen()  # a start renders each once more: the same bytes
        d.pipeline.files.remove("topics/af.rss")
        await Round(d.pipeline, lambda: d.now).publish_all(lambda *_: None)
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
        await Round(d.pipeline, lambda: d.now).publish_all(lambda *_: None)
        assert len(d.published("topics/talks")) == len(d.published()) == 1

    on_desk(play, topics=(TopicSpec("talks", "会谈", "会谈"),))


def test_an_edition_taken_away_by_a_reload_is_not_written(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        assert await d.pipeline.publish("gone", 1) is False
        assert d.pipeline.files.read("topics/gone.atom") is None

    on_desk(play)


# --- a configuration that changes ---


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
