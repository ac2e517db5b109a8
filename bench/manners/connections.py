"""Connections: kept open, few at a time, at a walking pace, compressed, HTTP/2 where offered."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import brotli

from bench.manners.content import HOUR, Paper, is_current, serve, strong
from bench.manners.publisher import Answer, Handler
from bench.manners.scenario import (
    Rule,
    Run,
    Scenario,
    Verdict,
    no_sooner_than,
    plain,
)

try:
    from compression import zstd
except ImportError:
    from backports import zstd

MANY = 20
TAKES = 0.02
"""Real seconds each answer of the busy host takes: five virtual ones."""


def _delayed(handler: Handler, seconds: float) -> Handler:
    def handle(asked, before):  # type: ignore[no-untyped-def] # as Handler says
        answer = handler(asked, before)
        return Answer(answer.status, answer.headers, answer.body, delay=seconds)

    return handle


def _by_number(name: str, seconds: float = 0.0) -> Handler:
    """/feed0, /feed1 …, a paper each."""

    def handle(asked, before):  # type: ignore[no-untyped-def] # as Handler says
        return serve(Paper(f"{name}{asked.path.removeprefix('/feed')}", every=2 * HOUR))(
            asked, before
        )

    return _delayed(handle, seconds)


def _several(name: str, count: int, rules: tuple[Rule, ...], seconds: float, way: str) -> Scenario:
    scheme = "https" if way else "http"
    feeds = {
        f"{name}{n}": f'url = "{scheme}://{name}.test/feed{n}"\nfull_text = "feed"'
        for n in range(count)
    }
    return Scenario(name, {f"{way}{name}.test": _by_number(name, seconds)}, feeds, rules)


def _two_at_most(run: Run) -> Verdict:
    most = max((e.asked.beside + 1 for e in run.asked("manyfeeds.test", "")), default=0)
    asked = len(run.asked("manyfeeds.test", ""))
    return Verdict(0 < most <= 2, f"up to {most} at once, {asked} requests")


def _no_host_crowded(run: Run) -> Verdict:
    crowded = {
        name: most
        for name, host in run.site.hosts.items()
        if (most := max((e.asked.beside + 1 for e in host.exchanges), default=0)) > 2
    }
    return Verdict(not crowded, f"{crowded}" if crowded else "at most two everywhere")


def _walking_pace(run: Run) -> Verdict:
    """In any stretch of 20 virtual seconds or more, one request a second and a burst of six."""
    worst, told = 0.0, "never"
    for name in run.site.hosts:
        times = sorted(run.times(name, ""))
        for first in range(len(times)):
            for last in range(first + 8, min(first + 60, len(times))):
                width = max(times[last] - times[first], 1.0)
                over = (last - first + 1) - (width + 6)
                if over > worst:
                    worst, told = over, f"{name}: {last - first + 1} within {width:.0f} s"
    return Verdict(worst <= 0, told)


def _kept_open(name: str, count: int, most: int) -> Callable[[Run], Verdict]:
    def check(run: Run) -> Verdict:
        host = run.site.hosts[name]
        first = [e for e in host.exchanges if e.asked.at < 45 * 60]
        used = len({e.asked.connection for e in first})
        enough = len(first) >= count
        return Verdict(enough and used <= most, f"{used} connections for {len(first)} requests")

    return check


def _http2(run: Run) -> Verdict:
    spoken = run.site.hosts["http2.test"].protocols
    return Verdict(bool(spoken) and set(spoken) == {"h2"}, f"spoken: {spoken}")


def _handshakes(run: Run) -> Verdict:
    host = run.site.hosts["http2.test"]
    first = [e for e in host.exchanges if e.asked.at < 45 * 60]
    used = len({e.asked.connection for e in first})
    return Verdict(
        len(first) >= 4 and used <= 2, f"{used} handshakes for {len(first)} requests over HTTP/2"
    )


def _compressed(name: str, compress: Callable[[bytes], bytes]) -> Scenario:
    """A feed that has no other form: whoever accepted the coding has to read it."""
    paper, validators = Paper(name, every=HOUR), strong(name)

    def handle(asked, before):  # type: ignore[no-untyped-def] # as Handler says
        headers = validators(paper.version(asked.at))
        if is_current(asked, headers):
            return Answer(304, headers)
        if name not in (asked.get("accept-encoding") or ""):
            return Answer(406)
        type_ = ("Content-Type", "application/rss+xml")
        coded = (type_, *headers, ("Content-Encoding", name), ("Vary", "Accept-Encoding"))
        return Answer(200, coded, compress(paper.xml(asked.at)))

    def read(run: Run) -> Verdict:
        found = sorted(t for t in run.titles() if t.endswith(f"of {name}"))
        return Verdict(len(found) >= 3, f"{len(found)} articles came of it")

    rule = Rule(f"connections/{name} is read", "must" if name == "gzip" else "should", read, 1)
    return plain(name, handle, [rule])


def _slow(run: Run) -> Verdict:
    verdict = no_sooner_than(run, "slow.test", HOUR)
    told = str(run.feeds.get("slow", {}).get("last_status"))
    return Verdict(verdict.passed and told == "timeout", f"status {told}, {verdict.seen}")


def _others_go_on(run: Run) -> Verdict:
    """Feeds configured after the slow ones are asked as soon as those before."""
    first = [times[0] for name in run.site.hosts if (times := run.times(name))]
    late = [at for at in first if at > 40 * 60]
    return Verdict(bool(first) and not late, f"the last first request came at {max(first):.0f} s")


SCENARIOS = (
    _several(
        "manyfeeds",
        MANY,
        (
            Rule("connections/two at a time to a host", "must", _two_at_most),
            Rule(
                "connections/kept open for 20 feeds of a host",
                "must",
                _kept_open("manyfeeds.test", MANY, 3),
            ),
        ),
        TAKES,
        "",
    ),
    _several(
        "tlshost",
        4,
        (
            Rule(
                "connections/two TLS handshakes for 4 feeds at most",
                "must",
                _kept_open("tlshost.test", 4, 2),
            ),
        ),
        0,
        "https:",
    ),
    _several(
        "http2",
        4,
        (
            Rule("connections/HTTP/2 where offered", "should", _http2),
            Rule("connections/few handshakes over HTTP/2", "should", _handshakes),
        ),
        0,
        "h2:",
    ),
    _compressed("gzip", gzip.compress),
    _compressed("br", brotli.compress),
    _compressed("zstd", zstd.compress),
    plain(
        "slow",
        _delayed(serve(Paper("slow")), 6.0),
        [Rule("connections/a slow host: timeout, then an hour", "must", _slow)],
        'interval = "15m"',
    ),
    Scenario(
        "connections",
        {},
        {},
        (
            Rule("connections/two at a time to any host", "must", _no_host_crowded),
            Rule("connections/one a second on average to a host", "must", _walking_pace),
            Rule("connections/a slow host delays no other", "must", _others_go_on),
        ),
    ),
)
