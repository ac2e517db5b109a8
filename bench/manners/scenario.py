"""A scenario: hosts, the feeds that are configured, and the rules it is judged by."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from bench.manners.publisher import START, Exchange, Handler, Publisher

Level = Literal["must", "should"]

SLACK = 60.0
"""Virtual seconds by which a gap may seem shorter than it is: a quarter of a real second."""


@dataclass
class Run:
    """What a run left to be judged."""

    site: Publisher
    hours: float
    restarted_at: float = 0.0
    down_until: float = 0.0
    reloaded_at: float = 0.0
    articles: Sequence[Mapping[str, Any]] = ()
    feeds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    lines: Sequence[str] = ()

    def asked(self, host: str, path: str = "/feed") -> list[Exchange]:
        """What one path of a host was asked, in order; "" for all its paths."""
        found = self.site.hosts[host].exchanges
        return [e for e in found if path in ("", e.asked.path)]

    def times(self, host: str, path: str = "/feed") -> list[float]:
        return [e.asked.at for e in self.asked(host, path)]

    def gaps(self, host: str, path: str = "/feed") -> list[float]:
        times = self.times(host, path)
        return [later - sooner for sooner, later in itertools.pairwise(times)]

    @property
    def end(self) -> float:
        return self.hours * 3600

    def failed(self, feed_id: str) -> list[float]:
        """When a poll of the feed failed, by the log: in virtual seconds."""
        found = []
        for line in self.lines:
            if f" WARNING feed {feed_id}: " in line:
                at = datetime.fromisoformat(line[:19]).replace(tzinfo=UTC)
                found.append((at - START).total_seconds())
        return found

    def titles(self) -> set[str]:
        return {str(article.get("title", "")) for article in self.articles}


@dataclass(frozen=True, slots=True)
class Verdict:
    passed: bool
    seen: str


@dataclass(frozen=True, slots=True)
class Rule:
    """`needs` virtual hours before it can be judged."""

    name: str
    level: Level
    check: Callable[[Run], Verdict]
    needs: float = 3


@dataclass(frozen=True)
class Scenario:
    """`hosts` by name (`https:` before it for TLS, `h2:` for HTTP/2 over it), `feeds` as bodies
    of `[[feeds]]` by id; `play` is what happens besides: it is given where the daemon listens.
    """

    name: str
    hosts: Mapping[str, Handler]
    feeds: Mapping[str, str]
    rules: tuple[Rule, ...]
    play: Callable[[Publisher, str], Awaitable[None]] | None = None


def plain(name: str, handler: Handler, rules: Sequence[Rule], more: str = "") -> Scenario:
    """One host `NAME.test` with one feed at /feed."""
    url = f'url = "http://{name}.test/feed"\nfull_text = "feed"\n{more}'
    return Scenario(name, {f"{name}.test": handler}, {name: url}, tuple(rules))


def minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min"


def shown(gaps: Sequence[float]) -> str:
    """Gaps in minutes, shortened."""
    told = " ".join(f"{gap / 60:.0f}" for gap in gaps[:14])
    return f"gaps (min): {told or 'none'}{' …' if len(gaps) > 14 else ''}"


def no_sooner_than(run: Run, host: str, seconds: float, path: str = "/feed") -> Verdict:
    """At least one request, and no gap below that."""
    gaps = run.gaps(host, path)
    asked = len(run.times(host, path))
    return Verdict(asked > 0 and all(gap >= seconds - SLACK for gap in gaps), shown(gaps))


def about_every(run: Run, host: str, least: float, most: float, path: str = "/feed") -> Verdict:
    """Gaps within these bounds.

    Above, the one in which the daemon was down is excepted, and those after a poll that failed.
    """
    times = run.times(host, path)
    failed = run.failed(host.partition(".")[0])
    if not times:
        return Verdict(False, "never asked")
    wrong = []
    for sooner, later in zip(times, [*times[1:], run.end], strict=True):
        last = later == run.end
        over_restart = sooner <= run.down_until and later >= run.restarted_at > 0
        allowed = most + (1800 if over_restart else SLACK)
        if any(sooner - SLACK < at < later for at in failed):
            allowed = run.end
        if later - sooner > allowed or (not last and later - sooner < least - SLACK):
            wrong.append(f"{sooner / 3600:.2f}→{later / 3600:.2f} h")
    told = shown(run.gaps(host, path)) + (f"; {len(failed)} polls failed" if failed else "")
    if len(failed) >= len(times):
        wrong.append("every poll failed")
    return Verdict(not wrong, f"{told}; off: {', '.join(wrong)}" if wrong else told)
