"""The publisher that judges manners: a good client passes its rules, a rude one does not."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

import pytest

from bench.manners import cadence, delta, failures, pages, redirects, validators, websub
from bench.manners import requests as request_rules
from bench.manners.content import HOUR, Paper, serve
from bench.manners.publisher import Answer, Asked, Clock, Exchange, Handler, Host, Publisher
from bench.manners.run import SCENARIOS, chosen, judged, total
from bench.manners.scenario import Rule, Run, Scenario, Verdict

FEED = {"Accept": "application/rss+xml, application/atom+xml", "Accept-Encoding": "gzip, br, zstd"}


def asked(at: float, path: str = "/feed", **headers: str) -> Asked:
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Asked(at, "x.test", "GET", path, named, 1)


def play(handler: Handler, times: Sequence[float], conditional: bool = True) -> list[Exchange]:
    """A client that asks one path at these times, with the validators it was given last."""
    exchanges: list[Exchange] = []
    known: dict[str, str] = {}
    for at in times:
        request = asked(at, **(known if conditional else {}))
        answer = handler(request, exchanges)
        exchanges.append(Exchange(request, answer))
        if answer.status in (200, 304):
            given = {
                "If_None_Match": answer.get("etag"),
                "If_Modified_Since": answer.get("last-modified"),
            }
            fresh = {name: value for name, value in given.items() if value}
            known = fresh if answer.status == 200 else known | fresh
    return exchanges


def run_of(hosts: Mapping[str, Sequence[Exchange]], hours: float = 12, **more: Any) -> Run:
    site = Publisher(Clock(), lambda protocols: pytest.fail("nobody speaks TLS"))
    for name, exchanges in hosts.items():
        site.hosts[name] = Host(name, lambda request, before: Answer(), exchanges=list(exchanges))
    return Run(site, hours, **more)


def rule(scenarios: Sequence[Scenario], name: str) -> Rule:
    return next(r for scenario in scenarios for r in scenario.rules if r.name.startswith(name))


def handler(scenarios: Sequence[Scenario], name: str) -> Handler:
    return next(s.hosts[f"{name}.test"] for s in scenarios if f"{name}.test" in s.hosts)


def hourly(count: int = 6, gap: float = 1.05 * HOUR) -> list[float]:
    return [number * gap for number in range(count)]


# --- validators ----------------------------------------------------------------------------------

ECHOED = (
    *("strong", "weak", "unquoted", "odd", "quotesonly", "long", "both", "modified"),
    *("oddmodified", "blank", "nothing", "dropped", "samebody", "renamed", "bare304"),
)


@pytest.mark.parametrize("name", ECHOED)
def test_a_client_that_echoes_what_it_was_given_passes(name: str) -> None:
    exchanges = play(handler(validators.SCENARIOS, name), hourly())

    assert validators.echoed(exchanges).passed, validators.echoed(exchanges).seen


@pytest.mark.parametrize("name", [name for name in ECHOED if name not in ("blank", "nothing")])
def test_a_client_that_never_asks_conditionally_does_not(name: str) -> None:
    exchanges = play(handler(validators.SCENARIOS, name), hourly(), conditional=False)

    assert not validators.echoed(exchanges).passed


def test_a_client_that_requotes_an_etag_does_not_pass() -> None:
    [first, *_] = play(handler(validators.SCENARIOS, "unquoted"), [0])
    requoted = asked(HOUR, If_None_Match=f'"{first.answer.get("etag")}"')

    assert not validators.echoed([first, Exchange(requoted, Answer(200))]).passed


def test_a_client_that_invents_a_date_does_not_pass() -> None:
    invented = asked(HOUR, If_Modified_Since="Mon, 02 Mar 2026 00:00:00 GMT")
    run = run_of({"x.test": [Exchange(asked(0), Answer(200)), Exchange(invented, Answer(200))]})

    assert not rule(validators.SCENARIOS, "validators/never invented").check(run).passed


def test_an_unchanged_feed_is_not_sent_again_to_who_asks_conditionally() -> None:
    exchanges = play(serve(Paper("x", every=100 * HOUR)), hourly(3))

    assert [e.answer.status for e in exchanges] == [200, 304, 304]


# --- cadence and failures ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gap", "passes"), [(HOUR, True), (1.2 * HOUR, True), (0.5 * HOUR, False), (3 * HOUR, False)]
)
def test_the_default_is_an_hour(gap: float, passes: bool) -> None:
    exchanges = play(
        handler(cadence.SCENARIOS, "default"), [n * gap for n in range(int(12 * HOUR / gap) + 1)]
    )
    verdict = rule(cadence.SCENARIOS, "cadence/default").check(run_of({"default.test": exchanges}))

    assert verdict.passed == passes, verdict.seen


def test_a_feed_that_is_never_asked_passes_no_rule_of_cadence() -> None:
    run = run_of({"default.test": [], "skiphours.test": [], "on304.test": []})

    for name in ("cadence/default", "cadence/skipHours", "cadence/max-age on a 304"):
        assert not rule(cadence.SCENARIOS, name).check(run).passed


@pytest.mark.parametrize(("hour", "passes"), [(6, True), (3, False)])
def test_skipped_hours(hour: int, passes: bool) -> None:
    exchanges = play(handler(cadence.SCENARIOS, "skiphours"), [0, hour * HOUR + 60])
    run = run_of({"skiphours.test": exchanges})

    assert rule(cadence.SCENARIOS, "cadence/skipHours").check(run).passed == passes


@pytest.mark.parametrize(
    ("gaps", "passes"),
    [((0.3, 1, 2, 4), True), ((0.3, 1, 1, 1), False), ((0.3, 0.3, 0.3, 0.3), False)],
)
def test_failures_are_followed_by_an_hour_and_more(gaps: Sequence[float], passes: bool) -> None:
    times = [sum(gaps[:number]) * HOUR for number in range(len(gaps) + 1)]
    exchanges = play(handler(failures.SCENARIOS, "status500"), times)
    run = run_of({"status500.test": exchanges})

    assert rule(failures.SCENARIOS, "failures/status500").check(run).passed == passes


@pytest.mark.parametrize(("after", "passes"), [(3.1, True), (1.0, False)])
def test_retry_after_as_a_date(after: float, passes: bool) -> None:
    exchanges = play(handler(failures.SCENARIOS, "retrydate"), [0, HOUR, (1 + after) * HOUR])
    run = run_of({"retrydate.test": exchanges})

    assert rule(failures.SCENARIOS, "failures/retrydate").check(run).passed == passes


def test_what_is_gone_is_asked_once_more_by_the_rude_only() -> None:
    gone = rule(failures.SCENARIOS, "failures/410")
    said = {"gone": {"error": "gone for good (410)"}}
    once, twice = (
        run_of({"gone.test": play(handler(failures.SCENARIOS, "gone"), hourly(n))}, feeds=said)
        for n in (2, 3)
    )

    assert gone.check(once).passed
    assert not gone.check(twice).passed


# --- redirects -----------------------------------------------------------------------------------


def walk(*polls: Sequence[str]) -> list[Exchange]:
    return [
        Exchange(asked(number * HOUR + place, path), Answer())
        for number, poll in enumerate(polls)
        for place, path in enumerate(poll)
    ]


FOLLOWED = ("/feed", "/b")


@pytest.mark.parametrize(
    ("name", "polls", "passes"),
    [
        ("moved301", (FOLLOWED, ("/b",), ("/b",)), True),
        ("moved301", (FOLLOWED, FOLLOWED, FOLLOWED), False),
        ("moved302", (FOLLOWED, FOLLOWED, FOLLOWED), True),
        ("moved302", (FOLLOWED, ("/b",), ("/b",)), False),
        ("moved302", (("/feed",), FOLLOWED, FOLLOWED), True),
        ("moved302", (("/feed",), ("/feed",)), False),
    ],
)
def test_what_is_kept_of_a_redirect(
    name: str, polls: Sequence[Sequence[str]], passes: bool
) -> None:
    verdict = rule(redirects.SCENARIOS, f"redirects/{name}").check(
        run_of({f"{name}.test": walk(*polls)})
    )

    assert verdict.passed == passes, verdict.seen


# --- pages, deltas, pushes -----------------------------------------------------------------------


def test_a_page_asked_twice_is_noticed() -> None:
    once = walk(["/item/1", "/item/2", "/item/3"])
    check = rule(pages.SCENARIOS, "pages/each").check

    assert check(run_of({"pages.test": once})).passed
    assert not check(run_of({"pages.test": [*once, once[0]]})).passed


def test_a_delta_holds_only_what_is_new() -> None:
    paper = handler(delta.SCENARIOS, "delta")
    [whole] = play(paper, [0])
    part = paper(asked(2.5 * HOUR, If_None_Match=whole.answer.get("etag") or "", A_IM="feed"), [])

    assert part.status == 226
    assert len(ElementTree.fromstring(part.body).findall("channel/item")) == 2


def test_a_subscriber_that_stores_a_forgery_does_not_pass() -> None:
    notes = [{"kind": "push", "at": 0.0, "status": 202, "body": b""}] * 2
    check = rule(websub.SCENARIOS, "websub/pushes").check

    for titles, passes in (((1010, 1020), True), ((1010, 1011), False), ((), False)):
        run = run_of({}, articles=[{"title": f"Report {n} of websub"} for n in titles])
        run.site.notes["websub"] = list(notes)
        assert check(run).passed == passes


# --- the server, over the wire -------------------------------------------------------------------


async def exchanged(host: Host, *requests: bytes) -> bytes:
    """What the host answers to requests over one connection."""
    async with Publisher(Clock(), lambda protocols: pytest.fail("nobody speaks TLS")) as site:
        await site.add(host)
        reader, writer = await asyncio.open_connection(host.address, host.port)
        received = b""
        for request in requests:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            received += head + await reader.readexactly(length)
        writer.close()
    return received


def test_requests_are_recorded_as_they_came() -> None:
    host = Host("x.test", serve(Paper("x")))
    first = b'GET /feed HTTP/1.1\r\nHost: x.test\r\nIf-None-Match: "a,  b"\r\n\r\n'
    second = b"POST /hub HTTP/1.1\r\nHost: y.test\r\nContent-Length: 4\r\n\r\na=b&"
    answer = asyncio.run(exchanged(host, first, second))

    assert answer.startswith(b"HTTP/1.1 200")
    one, two = (e.asked for e in host.exchanges)
    assert (one.get("if-none-match"), one.said_host) == ('"a,  b"', "x.test")
    assert (two.method, two.body, two.said_host) == ("POST", b"a=b&", "y.test")
    assert one.connection == two.connection == 1


def test_the_rules_on_requests_notice_a_rude_client() -> None:
    good = asked(0, **{**FEED, "User-Agent": "aggregator/1.0 (+https://reader.example/about)"})
    rude = asked(
        0,
        **{"User-Agent": "python", "Referer": "http://a/", "Cookie": "id=1", "Pragma": "no-cache"},
    )
    names = ("User-Agent", "no Referer", "no Cookie", "no no-cache", "Accept names", "accepts gzip")
    for name in names:
        check = rule(request_rules.SCENARIOS, f"requests/{name}").check
        assert check(run_of({"x.test": [Exchange(good, Answer())]})).passed, name
        assert not check(run_of({"x.test": [Exchange(rude, Answer())]})).passed, name


# --- the table -----------------------------------------------------------------------------------


def test_every_rule_has_a_name_of_its_own() -> None:
    names = [r.name for scenario in SCENARIOS for r in scenario.rules]

    assert len(names) == len(set(names)) > 100


def test_a_rule_without_enough_hours_is_not_judged() -> None:
    late = Rule("late", "must", lambda run: Verdict(False, ""), needs=20)
    rows = judged([Scenario("s", {}, {}, (late,))], run_of({}, hours=12))

    assert rows[0]["result"] == "not judged"
    assert total(rows, "must") == "0 of 0 musts"


def test_scenarios_are_chosen_by_name_or_rule() -> None:
    assert [s.name for s in chosen(["weak"])] == ["weak"]
    assert "websub" in {s.name for s in chosen(["websub/echoes"])}
    assert chosen([]) == SCENARIOS
