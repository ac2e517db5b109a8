"""What `aggregator feeds` says of each feed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

from aggregator.core.cadence import Wishes, after_failure
from aggregator.core.faults import HINTS, SET_ASIDE
from aggregator.core.feed_state import (
    Address,
    FeedState,
    answered,
    failed,
    left_in_peace,
    unanswered,
)
from aggregator.core.model import FeedSpec, Validators
from aggregator.core.websub import State, Subscription
from aggregator.demo.newsroom import Newsroom, find_seeds, serve
from aggregator.feed_reports import PARTS, PUSH_STATES, feeds_report, feeds_tables
from aggregator.store import Store
from aggregator.store.quarantine import Failure, Part, SetAside, record
from tests.running import Installation

NOW = datetime(2021, 11, 24, 14, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
URLS = tuple(f"https://{name}.example/rss?key=geheim" for name in "abcd")
MIRRORED = FeedSpec("mirrored", URLS, "多镜像", outlet="半岛电视台")
SINGLE = FeedSpec("single", ("https://me:geheim@single.example/rss",))
GONE = FeedSpec("gone", ("https://gone.example/rss",))
ADDED = FeedSpec("added", ("https://added.example/rss",))
SPECS = (MIRRORED, SINGLE, GONE, ADDED)


def fresh(spec: FeedSpec) -> FeedState:
    addresses = tuple(Address(url) for url in spec.urls)
    return FeedState(spec.id, spec.title, spec.outlet, spec.urls[0], addresses, "", NOW)


def mirrored() -> FeedState:
    """Of its addresses the first fails, the second is behind, the third serves."""
    a, b, c, _ = URLS
    state = failed(fresh(MIRRORED), a, "dns", f"{a}: the host name is not known", NOW - 2 * HOUR)
    state = failed(state, a, "dns", f"{a}: the host name is not known", NOW)
    state = answered(state, b, Validators(), "", NOW - 30 * HOUR, NOW)
    state = answered(state, c, Validators(), f"{c}&new", NOW - HOUR, NOW)
    state = answered(state, b, Validators(), "", NOW - 30 * HOUR, NOW)
    return replace(
        state,
        last_status="new",
        last_new_at=NOW,
        next_poll_at=NOW + HOUR,
        due_because="ttl 60",
        entries=7,
    )


def failing(spec: FeedSpec, kind: str, error: str, status: int = 0) -> FeedState:
    state = failed(fresh(spec), spec.urls[0], kind, error, NOW, gone=status == 410)
    due = after_failure(spec.id, NOW, Wishes(), 0, status=status)
    state = unanswered(state, kind, error, NOW)
    return replace(state, next_poll_at=due.at, due_because=due.reason)


@pytest.fixture
def states() -> Mapping[str, FeedState]:
    return {
        "mirrored": mirrored(),
        "single": failing(SINGLE, "timeout", f"{SINGLE.urls[0]}: no answer in 30 s"),
        "gone": failing(GONE, "http_status", "gone.example: the server answered 410 Gone", 410),
    }


def reported(states: Mapping[str, FeedState], feed_id: str) -> dict[str, Any]:
    [report] = [r for r in feeds_report(SPECS, states) if r["feed_id"] == feed_id]
    return report


# --- as JSON -----------------------------------------------------------------------------------


def test_a_report_can_be_written_as_json_and_has_no_secrets(
    states: Mapping[str, FeedState],
) -> None:
    assert "geheim" not in json.dumps(feeds_report(SPECS, states))


def test_it_says_when_and_why_the_feed_is_due_and_when_something_new_came(
    states: Mapping[str, FeedState],
) -> None:
    report = reported(states, "mirrored")
    assert report["next_poll_at"] == "2021-11-24T15:00:00+00:00"
    assert report["due_because"] == "ttl 60"
    assert report["last_new_at"] == "2021-11-24T14:00:00+00:00"
    assert report["what_to_do"] == ""
    assert reported(states, "gone")["due_because"] == "gone for good (410)"


def test_it_tells_every_address_in_order_and_which_serves(
    states: Mapping[str, FeedState],
) -> None:
    a, b, c, d = reported(states, "mirrored")["addresses"]
    assert [address["serves"] for address in (a, b, c, d)] == [False, False, True, False]
    assert (a["status"], b["status"], c["status"], d["status"]) == ("dns", "behind", "", "")
    assert a["url"] == "https://a.example/rss?key=***"
    assert (a["failures"], a["again_at"]) == (2, "2021-11-24T16:00:00+00:00")
    assert a["error"] == "https://a.example/rss?key=***: the host name is not known"
    assert c["moved_to"] == "https://c.example/rss?key=***&new"
    assert c["newest"] == "2021-11-24T13:00:00+00:00"
    assert (d["asked_at"], d["worked_at"], d["newest"]) == (None, None, None)


def test_it_counts_errors_by_kind_with_the_time_of_the_last(
    states: Mapping[str, FeedState],
) -> None:
    errors = reported(states, "mirrored")["errors"]
    assert errors == {"dns": {"count": 2, "last_at": "2021-11-24T14:00:00+00:00"}}


def test_a_failing_feed_has_what_to_do_by_its_fault(states: Mapping[str, FeedState]) -> None:
    assert reported(states, "single")["what_to_do"] == HINTS["timeout"]
    assert reported(states, "single")["addresses"][0]["serves"] is False
    assert reported(states, "gone")["what_to_do"] == HINTS["http_410"]


def test_a_feed_that_the_store_does_not_know_has_the_same_keys(
    states: Mapping[str, FeedState],
) -> None:
    report = reported(states, "added")
    assert report.keys() == reported(states, "mirrored").keys()
    assert report["addresses"][0]["url"] == ADDED.urls[0]
    assert (report["errors"], report["due_because"], report["last_new_at"]) == ({}, "", None)


# --- for people --------------------------------------------------------------------------------


def test_the_tables_say_why_what_to_do_and_which_address_serves(
    states: Mapping[str, FeedState],
) -> None:
    health, failures, addresses = feeds_tables(SPECS, states, NOW)
    assert [row[-1] for row in health.rows] == [
        "ttl 60",
        "1st failure in a row",
        "gone for good (410)",
        "",
    ]
    assert [row[4] for row in health.rows][1:] == ["in 1 h", "never", "now"]
    assert [(row[0], row[2]) for row in failures.rows] == [
        ("single", HINTS["timeout"]),
        ("gone", HINTS["http_410"]),
    ]
    assert list(addresses.rows) == [
        ("mirrored", "https://a.example/rss?key=***", "dns", "", "never", "in 2 h"),
        ("mirrored", "https://b.example/rss?key=***", "behind", "1 d ago", "now", "in 6 h"),
        ("mirrored", "https://c.example/rss?key=***", "serves", "1 h ago", "now", ""),
        ("mirrored", "https://d.example/rss?key=***", "not used yet", "", "never", ""),
    ]
    assert "geheim" not in str((health, failures, addresses))


def test_a_feed_whose_host_asked_for_peace_waits_and_does_not_fail() -> None:
    told = "single.example: the host asked not to be asked before 2021-11-24 17:00:00 UTC"
    state = left_in_peace(fresh(SINGLE), SINGLE.urls[0], told, NOW, 3 * HOUR)
    state = replace(unanswered(state, "held", told, NOW), next_poll_at=NOW + 3 * HOUR)
    _, waiting = feeds_tables((SINGLE,), {"single": state}, NOW)
    assert waiting.title == "Waiting"
    assert list(waiting.rows) == [("single", "2021-11-24 17:00 UTC, in 3 h", told)]


def test_a_feed_that_failed_before_its_host_asked_for_peace_fails() -> None:
    state = failing(SINGLE, "timeout", "no answer")
    _, failures = feeds_tables(
        (SINGLE,), {"single": unanswered(state, "held", "the host asked", NOW)}, NOW
    )
    assert failures.title == "Failing"


def test_with_single_addresses_that_work_there_is_one_table() -> None:
    state = answered(fresh(SINGLE), SINGLE.urls[0], Validators(), "", None, NOW)
    [health] = feeds_tables((SINGLE, ADDED), {"single": replace(state, last_status="new")}, NOW)
    assert all(len(row) == len(health.columns) for row in health.rows)


# --- from the wire to the terminal -------------------------------------------------------------


@pytest.fixture
def newsroom() -> Iterator[tuple[Newsroom, str]]:
    rooms = Newsroom(find_seeds())
    with serve(rooms) as origin:
        yield rooms, origin


def test_what_a_server_answered_leads_to_the_right_advice(
    tmp_path: Path, newsroom: tuple[Newsroom, str]
) -> None:
    rooms, origin = newsroom
    voa, rfi = (next(spec for spec in rooms.feeds if spec.id == name) for name in ("voa", "rfi"))
    place = Installation(tmp_path)
    place.configure(
        "[fetch.resolve]\n"
        + "".join(f'"{host}" = "{origin}"\n' for host in rooms.hosts)
        + f'[[feeds]]\nid = "broken"\nurl = "{rfi.urls[0]}"\n'
        + f'[[feeds]]\nid = "mirrored"\nurls = ["{voa.urls[0]}-not", "{voa.urls[0]}"]\n'
    )
    assert place.do("poll").returncode == 1
    told = json.loads(place.do("feeds", "--json").stdout)
    broken, served = told
    assert broken["what_to_do"] == HINTS["http_5xx"], broken
    assert [address["serves"] for address in served["addresses"]] == [False, True], served
    shown = place.do("feeds").stdout
    assert HINTS["http_5xx"] in shown
    assert f"{voa.urls[0]}\tserves" in shown


# --- pushes ------------------------------------------------------------------------------------

HUB = Subscription(
    token="verysecret-token",
    feed_id="single",
    topic="https://single.example/feed",
    hub="https://hub.example/?key=geheim",
    hubs=("https://hub.example/?key=geheim",),
    secret="verysecret-secret",
    state="verified",
    callback="https://news.example.org/websub/verysecret-token",
    lease_until=NOW + timedelta(days=9),
    last_push_at=NOW - timedelta(hours=2),
    pushes=3,
    ignored=1,
    error="https://hub.example/?key=geheim: no answer in 30 s",
)


def test_it_says_what_a_feed_has_with_its_hub_and_none_of_its_secrets(
    states: Mapping[str, FeedState],
) -> None:
    by_id = {report["feed_id"]: report for report in feeds_report(SPECS, states, {"single": HUB})}
    assert by_id["mirrored"]["push"] is None
    assert by_id["single"]["push"] == {
        "hub": "https://hub.example/?key=***",
        "topic": "https://single.example/feed",
        "state": "verified",
        "until": "2021-12-03T14:00:00+00:00",
        "last_push_at": "2021-11-24T12:00:00+00:00",
        "pushes": 3,
        "ignored": 1,
        "error": "https://hub.example/?key=***: no answer in 30 s",
    }
    pushes = feeds_tables(SPECS, states, NOW, {"single": HUB})[-1]
    assert pushes.title == "Pushes"
    assert list(pushes.rows) == [
        (
            "single",
            "https://hub.example/?key=***",
            "subscribed",
            "in 9 d",
            "2 h ago",
            "https://hub.example/?key=***: no answer in 30 s",
        )
    ]
    told = json.dumps(by_id) + str(pushes)
    assert "verysecret" not in told
    assert "geheim" not in told


def test_every_state_of_a_subscription_has_its_words(states: Mapping[str, FeedState]) -> None:
    assert {*get_args(State), "refused"} == PUSH_STATES.keys()
    refused = replace(HUB, state="wanted")
    assert (
        feeds_tables(SPECS, states, NOW, {"single": refused})[-1].rows[0][2]
        == (PUSH_STATES["refused"])
    )


# --- what is set aside -------------------------------------------------------------------------

PAGE = SetAside(
    Failure(
        "page-0a1b2c3d-00ff00ff",
        "single",
        "0a1b2c3d-article",
        "https://single.example/1?key=geheim",
        "took longer than 5 s",
    ),
    3,
    NOW - 2 * HOUR,
)
WHOLE = SetAside(
    Failure("feed-gone-00ff00ff", "gone", "", GONE.urls[0], "its process died"), 2, NOW - HOUR
)


def test_it_says_what_is_set_aside_and_what_to_do(states: Mapping[str, FeedState]) -> None:
    reports = feeds_report(SPECS, states, aside=(WHOLE, PAGE))
    by_id = {report["feed_id"]: report["quarantine"] for report in reports}
    assert by_id["single"] == [
        {
            "name": "page-0a1b2c3d-00ff00ff",
            "part": "page",
            "article_id": "0a1b2c3d-article",
            "url": "https://single.example/1?key=***",
            "tries": 3,
            "last_at": "2021-11-24T12:00:00+00:00",
            "error": "took longer than 5 s",
            "what_to_do": SET_ASIDE["page"],
        }
    ]
    assert [one["part"] for one in by_id["gone"]] == ["feed"]  # type: ignore[attr-defined] # a list
    assert by_id["mirrored"] == by_id["added"] == []
    aside = feeds_tables(SPECS, states, NOW, aside=(WHOLE, PAGE))[-1]
    assert aside.title == "Set aside"
    assert [row[:6] for row in aside.rows] == [
        ("gone", "feed-gone-00ff00ff", "the feed", GONE.urls[0], 2, "1 h ago"),
        ("single", "page-0a1b2c3d-00ff00ff", "an article's page",
         "https://single.example/1?key=***", 3, "2 h ago"),
    ]  # fmt: skip
    assert [row[6:] for row in aside.rows] == [
        ("its process died", SET_ASIDE["feed"]),
        ("took longer than 5 s", SET_ASIDE["page"]),
    ]


def test_a_feed_that_is_set_aside_fails_with_its_own_advice() -> None:
    state = failing(SINGLE, "quarantine", "it took a worker down 2 times")
    _, failures = feeds_tables((SINGLE,), {"single": state}, NOW)
    assert failures.rows[0][2] == HINTS["quarantine"]


@pytest.mark.parametrize(
    ("name", "article_id", "part"),
    [("feed-own-1", "", "feed"), ("feed-0a-1", "0a", "text"), ("page-0a-1", "0a", "page"),
     ("feed-page-1", "", "feed"), ("feed-own", "", "changing"), ("feed-own", "0a", "text")],
)  # fmt: skip
def test_what_is_set_aside_is_told_by_its_name(name: str, article_id: str, part: Part) -> None:
    assert Failure(name, "own", article_id, "", "").part == part
    assert {*get_args(Part)} == PARTS.keys()


def test_what_was_met_often_enough_is_told_by_the_command(tmp_path: Path) -> None:
    place = Installation(tmp_path)
    place.configure('[[feeds]]\nid = "single"\nurl = "http://127.0.0.1:9/rss"\n')
    place.state.mkdir()
    store = Store.open(f"sqlite:///{place.database}")
    for failure in (PAGE.failure, PAGE.failure, WHOLE.failure):
        asyncio.run(store.write(record, failure, NOW))
    store.close()
    [told] = place.told("feeds")
    assert [(one["name"], one["tries"]) for one in told["quarantine"]] == [(PAGE.failure.name, 2)]
    shown = place.do("feeds").stdout
    assert SET_ASIDE["page"] in shown
    assert WHOLE.failure.name not in shown, "once is not yet enough"
    assert "geheim" not in shown
