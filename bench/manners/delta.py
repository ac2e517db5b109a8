"""RFC 3229 with `feed`: only what is new is sent to whoever can merge it."""

from __future__ import annotations

from collections.abc import Sequence

from bench.manners.content import HOUR, RSS_TYPE, Paper, rss
from bench.manners.publisher import Answer, Asked, Exchange
from bench.manners.scenario import Rule, Run, Verdict, plain
from bench.manners.validators import echoed

PAPER = Paper("delta", every=HOUR)


def _served(asked: Asked, before: Sequence[Exchange]) -> Answer:
    now = PAPER.version(asked.at)
    headers = (("ETag", f'"{now}"'), ("Vary", "A-IM, If-None-Match"))
    known = (asked.get("if-none-match") or "").strip('"')
    if known == str(now):
        return Answer(304, headers)
    manipulations = [part.strip() for part in (asked.get("a-im") or "").split(",")]
    if known.isdigit() and "feed" in manipulations:
        new = PAPER.items(asked.at)[: now - int(known)]
        return Answer(226, (RSS_TYPE, *headers, ("IM", "feed")), rss("delta", new))
    return Answer(200, (RSS_TYPE, *headers), PAPER.xml(asked.at))


def _sent(run: Run) -> Verdict:
    later = [e.asked.get("a-im") for e in run.asked("delta.test")[1:]]
    return Verdict(bool(later) and set(later) == {"feed"}, f"A-IM: {later[:4]}")


def _merged(run: Run) -> Verdict:
    exchanges = run.asked("delta.test")
    parts = [e for e in exchanges if e.answer.status == 226]
    if not parts:
        return Verdict(False, "no 226 was ever asked for")
    newest = PAPER.version(parts[-1].asked.at)
    wanted = {f"Report {number} of delta" for number in range(1, newest + 1)}
    missing = wanted - run.titles()
    verdict = echoed(exchanges)
    return Verdict(
        not missing and verdict.passed,
        f"{len(parts)} parts, {len(missing)} of {newest} items missing; {verdict.seen}",
    )


def _no_alarm(run: Run) -> Verdict:
    told = [line for line in run.lines if "feed delta:" in line and "WARNING" in line]
    return Verdict(not told, told[0][:140] if told else "none")


SCENARIOS = (
    plain(
        "delta",
        _served,
        [
            Rule("delta/A-IM: feed is sent", "should", _sent),
            Rule("delta/226 is merged", "should", _merged),
            Rule("delta/a part is not taken for a loss", "should", _no_alarm),
        ],
        'interval = "1h"',
    ),
)
