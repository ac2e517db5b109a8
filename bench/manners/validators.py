"""Validators: echoed byte for byte, and only those of the last answer (RFC 9110, section 13)."""

from __future__ import annotations

from collections.abc import Sequence

from bench.manners.content import (
    RSS_TYPE,
    Paper,
    in_turn,
    is_current,
    serve,
    without,
)
from bench.manners.publisher import Answer, Asked, Exchange, Handler
from bench.manners.scenario import Rule, Run, Scenario, Verdict, plain

NEVER_PARSED = "Mon, 30 Foo 2026 25:61:00 +0000 (approx)"


def echoed(exchanges: Sequence[Exchange]) -> Verdict:
    """Whether each request named exactly the validators that hold by then.

    An answer that did not arrive (the client gave up) may be missing from what holds, now and then.
    """
    holds: tuple[str, str] = ("", "")
    before: tuple[str, str] | None = None
    wrong, right, lost = [], 0, 0
    for exchange in exchanges:
        asked, answer = exchange.asked, exchange.answer
        given = (asked.get("if-none-match"), asked.get("if-modified-since"))
        if given == _sent(holds):
            right += 1
        elif before is not None and given == _sent(before):
            lost += 1
            holds = before
        else:
            wrong.append(f"at {asked.at / 3600:.1f} h {given} instead of {_sent(holds)}")
        before = holds
        if answer.status in (200, 226):
            holds = (answer.get("etag") or "", answer.get("last-modified") or "")
        elif answer.status == 304:
            holds = (answer.get("etag") or holds[0], answer.get("last-modified") or holds[1])
    enough = len(exchanges) >= 2
    told = f"{right} of {len(exchanges)} requests as expected, {lost} as if an answer were lost"
    if not enough:
        return Verdict(False, f"asked {len(exchanges)} times only")
    return Verdict(not wrong and lost * 4 <= len(exchanges), wrong[0][:200] if wrong else told)


def _sent(holds: tuple[str, str]) -> tuple[str | None, str | None]:
    return holds[0] or None, holds[1] or None


def _echo(name: str) -> Rule:
    return Rule(f"validators/{name}", "must", lambda run: echoed(run.asked(f"{name}.test")))


def _tagged(name: str, tag: str, *more: tuple[str, str]) -> Scenario:
    """An ETag that changes every two hours, `%` in it standing for the version."""
    paper = Paper(name, every=7200)
    handler = serve(paper, lambda version: (("ETag", tag.replace("%", str(version))), *more))
    return plain(name, handler, [_echo(name)], 'interval = "1h"')


def _dropped(asked: Asked, before: Sequence[Exchange]) -> Answer:
    """Validators in the first three answers only."""
    given = (("ETag", '"once"'), ("Last-Modified", "Sun, 01 Mar 2026 22:00:00 GMT"))
    paper = Paper("dropped", every=7200)
    return Answer(200, (RSS_TYPE, *(given if len(before) < 3 else ())), paper.xml(asked.at))


def _half_dropped(asked: Asked, before: Sequence[Exchange]) -> Answer:
    """Both validators in the first three answers, afterwards Last-Modified alone."""
    given = (("ETag", '"once"'), ("Last-Modified", "Sun, 01 Mar 2026 22:00:00 GMT"))
    paper = Paper("halfdropped", every=7200)
    return Answer(200, (RSS_TYPE, *given[0 if len(before) < 3 else 1 :]), paper.xml(asked.at))


def _same_body(asked: Asked, before: Sequence[Exchange]) -> Answer:
    """The same bytes under a new ETag each time."""
    headers = (("ETag", f'"turn-{len(before)}"'),)
    return Answer(200, (RSS_TYPE, *headers), Paper("samebody").xml(0))


def _renamed(asked: Asked, before: Sequence[Exchange]) -> Answer:
    """A 304 with a new ETag each time: that is the one from then on."""
    headers = (("ETag", f'"turn-{len(before)}"'),)
    if before and asked.get("if-none-match") == before[-1].answer.get("etag"):
        return Answer(304, headers)
    return Answer(200, (RSS_TYPE, *headers), Paper("renamed").xml(0))


def _bare_304(asked: Asked, before: Sequence[Exchange]) -> Answer:
    """A 304 that names no validators: those before stay."""
    headers = (("ETag", '"kept"'), ("Last-Modified", "Sun, 01 Mar 2026 21:00:00 GMT"))
    if is_current(asked, headers):
        return Answer(304)
    return Answer(200, (RSS_TYPE, *headers), Paper("bare304").xml(0))


def _after_errors() -> Handler:
    paper = Paper("aftererrors", every=40_000)
    good = serve(paper)
    return in_turn([good, Answer(500, (("ETag", '"of the error"'),)), good, Answer(503)], good)


def _unasked_304() -> Handler:
    """A 304 to a request without validators brings nothing."""
    return in_turn([Answer(304, (("ETag", '"unasked"'),))], serve(Paper("unasked304")))


def _unasked_304_rule(run: Run) -> Verdict:
    asked = run.asked("unasked304.test")
    ok = len(asked) >= 2 and asked[1].asked.get("if-none-match") is None
    found = bool(run.titles() & {"Report 3 of unasked304"})
    return Verdict(
        ok and found, f"{len(asked)} requests, delivered after it: {'yes' if found else 'no'}"
    )


def _survives(run: Run) -> Verdict:
    """The first request of each feed after the restart is as conditional as the one before."""
    bare, seen = [], 0
    for name in ("strong", "weak", "both", "modified"):
        exchanges = run.asked(f"{name}.test")
        after = [e for e in exchanges if e.asked.at > run.restarted_at]
        if after:
            seen += 1
            if not (after[0].asked.get("if-none-match") or after[0].asked.get("if-modified-since")):
                bare.append(name)
    told = f"unconditional: {', '.join(bare)}" if bare else f"{seen} feeds, all conditional"
    return Verdict(seen > 0 and not bare, told)


def _never_invented(run: Run) -> Verdict:
    """No validator in any request that the server did not send before."""
    invented = []
    for host in run.site.hosts.values():
        sent: set[str] = set()
        for exchange in host.exchanges:
            for name in ("if-none-match", "if-modified-since"):
                given = exchange.asked.get(name)
                if given is not None and given not in sent:
                    invented.append(f"{host.name}: {name}: {given}")
            sent |= {v for n, v in exchange.answer.headers if n in ("ETag", "Last-Modified")}
    return Verdict(not invented, "; ".join(invented[:3]) or "none")


def _no_parse(run: Run) -> Verdict:
    status = str(run.feeds.get("samebody", {}).get("last_status"))
    return Verdict(status == "not_modified", f"its status is {status}")


BOTH = ("Last-Modified", "Sun, 01 Mar 2026 20:00:00 GMT")

SCENARIOS = (
    _tagged("strong", '"v%"'),
    _tagged("weak", 'W/"v%"'),
    _tagged("unquoted", "v%-5f3a"),
    _tagged("odd", 'W/"a, b\\"c;=%é~" x'),
    _tagged("quotesonly", '""'),
    _tagged("long", '"' + "x" * 2000 + '%"'),
    _tagged("both", '"b%"', BOTH),
    plain(
        "modified",
        serve(
            Paper("modified", every=7200),
            lambda version: (("Last-Modified", f"Sun, 01 Mar 2026 {version + 8:02}:00:00 GMT"),),
        ),
        [_echo("modified")],
        'interval = "1h"',
    ),
    plain(
        "oddmodified",
        serve(Paper("oddmodified"), lambda _: (("Last-Modified", NEVER_PARSED),)),
        [_echo("oddmodified")],
        'interval = "1h"',
    ),
    plain(
        "blank",
        serve(Paper("blank"), lambda _: (("ETag", ""), ("Last-Modified", ""))),
        [_echo("blank")],
        'interval = "1h"',
    ),
    plain("nothing", serve(Paper("nothing"), without), [_echo("nothing")], 'interval = "1h"'),
    plain("dropped", _dropped, [_echo("dropped")], 'interval = "1h"'),
    plain("halfdropped", _half_dropped, [_echo("halfdropped")], 'interval = "1h"'),
    plain(
        "samebody",
        _same_body,
        [_echo("samebody"), Rule("validators/samebody: not modified", "should", _no_parse)],
        'interval = "1h"',
    ),
    plain("renamed", _renamed, [_echo("renamed")], 'interval = "1h"'),
    plain("bare304", _bare_304, [_echo("bare304")], 'interval = "1h"'),
    plain("aftererrors", _after_errors(), [_echo("aftererrors")], 'interval = "1h"'),
    plain(
        "unasked304",
        _unasked_304(),
        [Rule("validators/unasked304 brings nothing", "must", _unasked_304_rule)],
        'interval = "1h"',
    ),
    Scenario(
        "validators",
        {},
        {},
        (
            Rule("validators/kept over a restart", "must", _survives),
            Rule("validators/never invented", "must", _never_invented),
        ),
    ),
)
