"""`aggregator article` and `aggregator story` as a person runs them."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aggregator.demo.newsroom import Newsroom, find_seeds, serve
from tests.running import Installation
from tests.test_cli import TOPIC, of_newsroom, one_line

VOA = "中国敦促阿富汗塔利班切断与所有恐怖分子的联系"
ENVOY = "美国特使前往卡塔尔敦促塔利班停止进攻"
TALKS = "中俄塔利班都参加了阿富汗问题磋商，美国仍缺席"


@pytest.fixture(scope="module")
def newsroom() -> Iterator[tuple[Newsroom, str]]:
    rooms = Newsroom(find_seeds())
    with serve(rooms) as origin:
        yield rooms, origin


@pytest.fixture(scope="module")
def polled(tmp_path_factory: pytest.TempPathFactory, newsroom: tuple[Newsroom, str]) -> Path:
    """A state folder: all feeds of the newsroom were polled; VOA's is there at two addresses."""
    made = Installation(tmp_path_factory.mktemp("polled"))
    made.configure(of_newsroom(newsroom))
    made.do("poll")
    return made.state


@pytest.fixture
def place(tmp_path: Path, newsroom: tuple[Newsroom, str], polled: Path) -> Installation:
    made = Installation(tmp_path)
    made.configure(of_newsroom(newsroom))
    shutil.copytree(polled, made.state)
    return made


@pytest.fixture
def urls(newsroom: tuple[Newsroom, str]) -> dict[str, str]:
    return {post.title: post.url for post in newsroom[0].posts}


def shown(place: Installation, url: str) -> Any:
    return place.told("article", "show", url)


def titles(place: Installation) -> list[str]:
    """What is published of the topic, by title."""
    folder = place.state / "editions" / "topics"
    items = json.loads((folder / "afghanistan.json").read_text())["items"]
    return sorted(item["title"] for item in items)


def said(done: subprocess.CompletedProcess[str], status: int) -> str:
    """All that was said of a failure."""
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr if status == 2 else one_line(done)


# --- articles ----------------------------------------------------------------------------------


def test_an_article_is_shown_by_its_url_id_and_beginning(
    place: Installation, urls: dict[str, str]
) -> None:
    told = shown(place, urls[VOA])
    assert (told["title"], told["outlet"], told["state"]) == (VOA, "美国之音", "ready")
    assert [entry["feed"] for entry in told["entries"]] == ["feedx-voa", "voa"]
    assert [entry["number"] for entry in told["entries"] if entry["canonical"]] == [1]
    assert told["topics"][0]["topic_id"] == "afghanistan"
    assert told["topics"][0]["reasons"]
    assert told["story"]["why"]
    for name in (told["id"], told["id"][:8], f"urn:uuid:{told['id']}"):
        assert shown(place, name) == told
    done = place.do("article", "show", told["id"][:8])
    assert done.returncode == 0
    for line in (
        f"title: {VOA}",
        "state: ready, number ",
        "topic: afghanistan: 阿富汗 (title)",
        f"1. feedx-voa: 美国之音: {VOA} (the article's)",
        f"2. voa: 美国之音: {VOA}",
        f"Story {told['story']['id']}: ",
    ):
        assert f"\n{line}" in f"\n{done.stdout}"


def test_a_missed_merge_is_mended_and_mended_back_for_good(
    place: Installation, urls: dict[str, str]
) -> None:
    kept, gone = shown(place, urls[TALKS]), shown(place, urls[ENVOY])
    [told] = place.told("article", "merge", urls[TALKS], gone["id"][:8])["articles"]
    assert told["id"] == kept["id"]
    assert {entry["title"] for entry in told["entries"]} == {TALKS, ENVOY}
    assert len(titles(place)) == 4
    place.do("reprocess")
    assert shown(place, gone["id"])["id"] == kept["id"]
    assert "its entries were put together" in place.do("article", "show", kept["id"]).stdout

    parted = place.told("article", "split", kept["id"], urls[ENVOY])["articles"]
    assert [one["id"] for one in parted] == [kept["id"], gone["id"]]
    assert [one["title"] for one in parted] == [TALKS, ENVOY]
    assert [one["state"] for one in parted] == ["ready", "ready"]
    assert {TALKS, ENVOY} <= set(titles(place))
    assert "not one with" in place.do("article", "show", gone["id"]).stdout
    for again in ("poll", "reprocess"):
        place.do(again)
        assert [shown(place, one["id"])["id"] for one in parted] == [kept["id"], gone["id"]]
    assert [one["other_id"] for one in shown(place, kept["id"])["rulings"]] == [gone["id"]]


def test_entries_are_named_by_their_numbers(place: Installation, urls: dict[str, str]) -> None:
    """Here two feeds have the very same article: it is parted all the same, if a person says so."""
    done = place.do("article", "split", urls[VOA], "2")
    assert done.returncode == 0
    assert done.stdout.count(f"title: {VOA}\n") == 2
    assert titles(place).count(VOA) == 2
    place.do("reprocess")
    assert titles(place).count(VOA) == 2


def test_what_changed_is_shown_with_what_it_was(place: Installation, urls: dict[str, str]) -> None:
    place.do("article", "merge", urls[ENVOY], urls[TALKS])
    [before] = {one["title"] for one in shown(place, urls[ENVOY])["revisions"]} or {""}
    done = place.do("article", "show", urls[ENVOY])
    assert ("\nRevisions\n" in done.stdout) == bool(before)
    assert before in done.stdout


def test_it_works_beside_the_daemon(place: Installation, urls: dict[str, str]) -> None:
    with place.daemon() as daemon:
        done = place.do("article", "split", urls[VOA], "2")
        assert done.returncode == 0, done.stderr
        assert daemon.titles("/topics/afghanistan.json").count(VOA) in (1, 2)
        assert place.do("article", "merge", urls[ENVOY], urls[TALKS]).returncode == 0
        assert daemon.stop() == 0
    assert titles(place).count(VOA) == 2
    assert len(shown(place, urls[ENVOY])["entries"]) == 2


# --- stories -----------------------------------------------------------------------------------


def test_stories_are_listed_newest_first(place: Installation) -> None:
    told = place.told("story", "list")
    assert sum(one["articles"] for one in told) == 5
    latest = [one["latest"] for one in told]
    assert latest == sorted(latest, reverse=True)
    assert place.told("story", "list", "--topic", "afghanistan") == told
    assert place.told("story", "list", "--limit", "1") == told[:1]
    assert place.told("story", "list", "--since", "7d") == []
    assert place.told("story", "list", "--since", "9000d") == told
    done = place.do("story", "list")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].split("\t")[:3] == ["story", "headline", "outlets"]
    assert done.stdout.splitlines()[1].split("\t")[:2] == [told[0]["id"][:8], told[0]["headline"]]


def test_a_story_is_shown_by_its_id_and_by_its_articles(
    place: Installation, urls: dict[str, str]
) -> None:
    listed = next(one for one in place.told("story", "list") if one["articles"] > 1)
    told = place.told("story", "show", listed["id"][:8])
    assert told["headline"] == listed["headline"]
    articles = [one["article"] for one in told["why"]]
    assert len(articles) == listed["articles"]
    assert [one["outlet"] for one in told["outlets"]] == listed["outlets"]
    assert sorted(m["article_id"] for e in told["events"] for m in e["articles"]) == sorted(
        articles
    )
    assert told["topics"] == ["afghanistan"]
    assert place.told("story", "show", articles[1]) == told
    assert place.told("story", "show", urls[VOA])["id"] == listed["id"]
    done = place.do("story", "show", urls[VOA])
    assert done.returncode == 0
    for line in (
        listed["headline"],
        f"id: {told['id']}",
        f"{len(told['events'])} events",
        "What only one outlet has",
        "     主报道",
        *(f"     {one['line']}" for one in told["why"]),
        *(f"- {outlet}, from " for outlet in listed["outlets"]),
    ):
        assert f"\n{line}" in f"\n{done.stdout}"


def test_stories_are_made_one_and_parted_for_good(
    place: Installation, urls: dict[str, str]
) -> None:
    one, other = (place.told("story", "show", urls[title])["id"] for title in (VOA, TALKS))
    assert one != other
    [told] = place.told("story", "merge", one, other)["stories"]
    articles = {shown(place, urls[title])["id"] for title in (VOA, TALKS)}
    assert articles <= {member["article_id"] for member in told["events"][0]["articles"]}
    assert {place.told("story", "show", id_)["id"] for id_ in (one, other)} == {told["id"]}
    place.do("reprocess")
    assert place.told("story", "show", urls[VOA]) == place.told("story", "show", urls[TALKS])

    assert place.do("story", "split", urls[VOA], urls[TALKS]).returncode == 0
    for _ in range(2):
        events = place.told("story", "show", urls[TALKS])["events"]
        together = [{one["article_id"] for one in event["articles"]} for event in events]
        assert {shown(place, urls[TALKS])["id"]} in together
        place.do("reprocess")


# --- what cannot be ----------------------------------------------------------------------------


def test_what_is_not_stored_or_cannot_be_ends_with_1(
    place: Installation, urls: dict[str, str]
) -> None:
    told = shown(place, urls[VOA])
    story = told["story"]["id"]
    for arguments, words in (
        (("article", "show", "deadbeef"), "no such article is stored"),
        (("article", "merge", urls[VOA], "https://example.org/x"), "no such article is stored"),
        (("article", "merge", urls[VOA], told["id"]), "the same article twice"),
        (("article", "split", told["id"], "1", "2"), "all its entries were chosen"),
        (("story", "show", "deadbeef"), "no such article is stored"),
        (("story", "split", story, urls[TALKS]), "is not in it"),
        (("story", "merge", story, urls[VOA]), "the same story twice"),
    ):
        line = said(place.do(*arguments), 1)
        assert words in line
        assert line.endswith(")"), "what to do"
    assert shown(place, urls[VOA]) == told


def test_wrong_use_ends_with_2(place: Installation, urls: dict[str, str]) -> None:
    for arguments, words in (
        (("article", "show", "x"), "not the id of a stored article"),
        (("article", "split", urls[VOA], "3"), "entries 1 to 2, and no 3"),
        (("article", "split", urls[VOA], "0"), "entries 1 to 2, and no 0"),
        (("article", "split", urls[VOA], urls[TALKS]), "neither the number nor the URL"),
        (("article", "split", urls[VOA]), "ENTRY"),
        (("article", "merge", urls[VOA]), "OTHER"),
        (("story", "show", "x"), "not the id of a story"),
        (("story", "list", "--topic", "afganistan"), "did you mean afghanistan?"),
        (("story", "list", "--since", "3q"), "--since"),
        (("story", "list", "--limit", "0"), "--limit"),
    ):
        assert words in said(place.do(*arguments), 2)


def test_where_nothing_is_stored_nothing_is_made(tmp_path: Path) -> None:
    empty = Installation(tmp_path)
    empty.configure(TOPIC)
    assert "nothing is stored yet" in said(empty.do("article", "show", "deadbeef"), 1)
    assert "nothing is stored yet" in said(empty.do("story", "merge", "deadbeef", "deadbeee"), 1)
    assert empty.told("story", "list") == []
    assert not empty.state.exists()


@pytest.mark.parametrize("group", ["article", "story"])
def test_each_command_has_help(tmp_path: Path, group: str) -> None:
    place = Installation(tmp_path)
    for command in ("", "show", "split", "merge", *(["list"] if group == "story" else [])):
        done = place.do(group, *([command] if command else []), "--help")
        assert (done.returncode, done.stderr) == (0, "")
        assert "Usage:" in done.stdout
