"""The daemon itself at this speed: what it says went wrong though nothing did, what it lost."""

from __future__ import annotations

import re

from bench.manners.content import HOUR
from bench.manners.scenario import Rule, Run, Scenario, Verdict

TOO_SLOW = re.compile(r"in time|too slow|timeout|timed out", re.IGNORECASE)
SLOW_HOSTS = ("feed slow:",)
DELIVERED = ("strong", "both", "renamed", "default", "maxage20m", "spread3", "gzip", "br", "zstd")


def _timeouts(run: Run) -> Verdict:
    """No feed of a host that answers at once may be called too slow."""
    told = [
        line
        for line in run.lines
        if TOO_SLOW.search(line) and "WARNING" in line and not any(s in line for s in SLOW_HOSTS)
    ]
    return Verdict(not told, f"{len(told)} times, first: {told[0][:150]}" if told else "none")


def _workers(run: Run) -> Verdict:
    told = [line for line in run.lines if re.search(r"was stuck|took longer|process died", line)]
    return Verdict(not told, f"{len(told)} times, first: {told[0][:150]}" if told else "none")


def _bugs(run: Run) -> Verdict:
    told = [line for line in run.lines if "Traceback" in line or "a bug" in line]
    return Verdict(not told, f"{len(told)}: {told[0][:150]}" if told else "none")


def _delivered(run: Run) -> Verdict:
    """Every title that was served in an answer is in the archive, an hour before the end."""
    titles = run.titles()
    missing = []
    for name in DELIVERED:
        host = run.site.hosts.get(f"{name}.test")
        for exchange in host.exchanges if host else ():
            if exchange.answer.status != 200 or exchange.asked.at > run.end - HOUR:
                continue
            if exchange.answer.get("content-encoding"):
                continue
            found = re.findall(rb"<item><title>([^<]+)", exchange.answer.body)
            missing += [t.decode() for t in found if t.decode() not in titles]
    missing = sorted(set(missing))
    told = (
        f"{len(missing)} missing: {', '.join(missing[:4])}" if missing else f"{len(titles)} there"
    )
    return Verdict(bool(titles) and not missing, told)


SCENARIOS = (
    Scenario(
        "health",
        {},
        {},
        (
            Rule("health/no quick host is called slow", "must", _timeouts, needs=0),
            Rule("health/no worker is ended", "must", _workers, needs=0),
            Rule("health/no traceback in the log", "must", _bugs, needs=0),
            Rule("health/what was served is in the archive", "must", _delivered, needs=2),
        ),
    ),
)
