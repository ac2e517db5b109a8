"""Failures: nothing again within an hour, what Retry-After asks for, and a good recovery."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from email.utils import format_datetime

from bench.manners.content import HOUR, RSS_TYPE, Paper, in_turn, serve
from bench.manners.publisher import Answer, Asked, Exchange, Handler, moment
from bench.manners.scenario import (
    SLACK,
    Rule,
    Run,
    Scenario,
    Verdict,
    plain,
    shown,
)
from bench.manners.validators import echoed

INTERVAL = 'full_text = "feed"\ninterval = "15m"'
ASKED = 'interval = "15m"'
"""What tempts to come again too soon."""


def _good(name: str) -> Handler:
    return serve(Paper(name, every=HOUR / 3))


def _backs_off(name: str, answer: Answer) -> Scenario:
    """A feed that was good once and then always answers so."""

    def check(run: Run) -> Verdict:
        asked = run.asked(f"{name}.test")
        gaps = [
            later.asked.at - sooner.asked.at
            for sooner, later in itertools.pairwise(asked)
            if sooner.answer.get("etag") is None
        ]
        hourly = all(gap >= HOUR - SLACK for gap in gaps)
        growing = all(b >= a * 1.3 for a, b in itertools.pairwise(gaps) if a < 20 * HOUR)
        failed = len(asked) >= 2
        return Verdict(failed and hourly and growing, f"after failures, {shown(gaps)}")

    rule = Rule(f"failures/{name}: an hour at least, then longer", "must", check)
    return plain(name, in_turn([_good(name)], lambda *_: answer), [rule], ASKED)


def _retry_after(name: str, status: int, least: float, value: str = "") -> Scenario:
    """Retry-After of `least` seconds, as a date if no value is given, in the second answer."""

    def refuse(asked: Asked, before: Sequence[Exchange]) -> Answer:
        date = format_datetime(moment(asked.at + least), usegmt=True)
        return Answer(status, (("Retry-After", value or date),))

    def check(run: Run) -> Verdict:
        asked = run.asked(f"{name}.test")
        refused = next((e.asked.at for e in asked if e.answer.status == status), None)
        if refused is None:
            return Verdict(False, f"asked {len(asked)} times, never refused")
        after = [e.asked.at - refused for e in asked if e.asked.at > refused]
        wait = max(least, HOUR)
        due = refused + wait * 1.5 + HOUR < run.end
        ok = (bool(after) or not due) and all(gap >= wait - SLACK for gap in after)
        return Verdict(ok, f"asked again after {after[0] / 60:.0f} min" if after else "not again")

    told = value if value else "a date"
    rule = Rule(f"failures/{name}: {status}, Retry-After {told}", "must", check)
    handler = in_turn([_good(name), refuse], _good(name))
    return plain(name, handler, [rule], ASKED)


# --- a whole host --------------------------------------------------------------------------------


def _whole(asked: Asked, before: Sequence[Exchange]) -> Answer:
    """/feed0 is refused with Retry-After from its second request on, for three hours."""
    name = f"wholehost{asked.path[-1]}"
    if asked.path == "/feed0" and len(before) == 1:
        return Answer(429, (("Retry-After", "10800"),))
    return _good(name)(asked, before)


def _whole_rule(run: Run) -> Verdict:
    asked = run.asked("wholehost.test", "")
    refused = next((e.asked.at for e in asked if e.answer.status == 429), None)
    if refused is None:
        return Verdict(False, f"asked {len(asked)} times, never refused")
    soon = [
        e.asked.path for e in asked if refused + SLACK < e.asked.at < refused + 3 * HOUR - SLACK
    ]
    return Verdict(not soon, f"asked within: {soon}" if soon else "none asked for three hours")


# --- recovery, gone ------------------------------------------------------------------------------


def _recovers(run: Run) -> Verdict:
    asked = run.asked("recovers.test")
    verdict = echoed(asked)
    after = [e.asked.at for e in asked[3:]]
    gaps = [b - a for a, b in itertools.pairwise(after)]
    usual = bool(gaps) and all(gap < 1.5 * HOUR for gap in gaps)
    return Verdict(verdict.passed and usual, f"{verdict.seen}; afterwards, {shown(gaps)}")


def _gone(run: Run) -> Verdict:
    asked = [e.answer.status for e in run.asked("gone.test")]
    told = str(run.feeds.get("gone", {}))
    says = "gone" in told.lower() or "410" in told
    return Verdict(
        asked.count(410) == 1 and says,
        f"statuses {asked}; `feeds` {'says so' if says else 'does not say so'}",
    )


def _alarm(status: int) -> Rule:
    def check(run: Run) -> Verdict:
        row = run.feeds.get(f"status{status}", {})
        told = str(row.get("error") or row)
        return Verdict(str(status) in told, f"`feeds`: {told[:90]}")

    return Rule(f"failures/status{status}: `feeds` names it", "must", check)


NOT_A_FEED = Answer(
    200,
    (("Content-Type", "text/html"),),
    b"<!doctype html><title>Welcome</title><p>This domain is for sale.",
)

SCENARIOS = (
    _backs_off("status500", Answer(500)),
    _backs_off("status404", Answer(404)),
    _backs_off("status403", Answer(403)),
    _backs_off("status429", Answer(429)),
    _backs_off("notafeed", NOT_A_FEED),
    _backs_off("hangup", Answer(raw=b"", hang_up=True)),
    _backs_off("halfway", Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Le", hang_up=True)),
    _backs_off("status451", Answer(451)),
    _backs_off("status503", Answer(503)),
    _backs_off("status204", Answer(204)),
    _backs_off("part206", Answer(206, (RSS_TYPE,), Paper("part206").xml(0))),
    _backs_off("empty200", Answer(200, (RSS_TYPE,))),
    _backs_off("json", Answer(200, (("Content-Type", "application/json"),), b'{"error": "no"}')),
    _backs_off("image", Answer(200, (("Content-Type", "image/gif"),), b"GIF89a" + bytes(40))),
    _backs_off(
        "cutshort",
        Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n<rss><channel>", hang_up=True),
    ),
    _backs_off("nothttp", Answer(raw=b"220 ready\r\n\r\n", hang_up=True)),
    _backs_off("toodeep", Answer(302, (("Location", "http://user:pw@:99999/"),))),
    _retry_after("retry500", 500, 3 * HOUR, "10800"),
    _retry_after("retry403", 403, 3 * HOUR, "10800"),
    _retry_after("retry3h", 429, 3 * HOUR, "10800"),
    _retry_after("retrydate", 503, 3 * HOUR),
    _retry_after("retryshort", 429, 5, "5"),
    _retry_after("retryodd", 503, 0, "soon"),
    _retry_after("retrynegative", 429, 0, "-100"),
    _retry_after("retryyears", 503, 31 * 24 * HOUR, "999999999999"),
    _retry_after("retry404", 404, 4 * HOUR, "14400"),
    Scenario(
        "wholehost",
        {"wholehost.test": _whole},
        {f"wholehost{n}": f'url = "http://wholehost.test/feed{n}"\n{INTERVAL}' for n in range(3)},
        (Rule("failures/Retry-After of 429 holds for the whole host", "must", _whole_rule),),
    ),
    plain(
        "recovers",
        in_turn([_good("recovers"), Answer(500), Answer(502)], _good("recovers")),
        [Rule("failures/recovery is conditional and at the usual pace", "must", _recovers, 8)],
        'interval = "1h"',
    ),
    plain(
        "gone",
        in_turn([_good("gone")], lambda *_: Answer(410)),
        [Rule("failures/410 stops for good, and says so", "must", _gone)],
        ASKED,
    ),
    Scenario("alarms", {}, {}, (_alarm(404), _alarm(403), _alarm(500))),
)
