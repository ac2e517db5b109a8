"""The measurement: the publisher, the daemon at 240 times speed, and a row for every rule.

python -m bench.manners --hours 12
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.manners import (
    cadence,
    connections,
    delta,
    failures,
    health,
    pages,
    redirects,
    validators,
    websub,
)
from bench.manners import requests as request_rules
from bench.manners.daemon import Daemon
from bench.manners.publisher import SPEED, Clock, Host, Publisher
from bench.manners.requests import CONTACT_MAIL, CONTACT_URL
from bench.manners.scenario import Rule, Run, Scenario
from bench.manners.tls import Authority

SUBJECTS = (
    request_rules,
    validators,
    cadence,
    failures,
    redirects,
    connections,
    pages,
    delta,
    websub,
    health,
)
SCENARIOS: tuple[Scenario, ...] = tuple(s for subject in SUBJECTS for s in subject.SCENARIOS)

SOURCE = Path(__file__).parents[2]

Row = dict[str, object]


def configuration(scenarios: Sequence[Scenario], site: Publisher, contact: str) -> str:
    resolve = "".join(f'"{h.name}" = "{h.origin}"\n' for h in site.hosts.values())
    feeds = "".join(
        f'\n[[feeds]]\nid = "{feed_id}"\n{text}\n'
        for scenario in scenarios
        for feed_id, text in scenario.feeds.items()
    )
    return (
        f'[output]\nlimit = 1000\n\n[fetch]\ncontact = "{contact}"\n'
        f"\n[fetch.resolve]\n{resolve}{feeds}"
    )


async def measure(
    scenarios: Sequence[Scenario], hours: float, folder: Path, source: Path = SOURCE
) -> Run:
    """Runs the daemon for so many virtual hours, with a reload at a third and a restart at half."""
    authority = Authority.made(folder)
    clock = Clock(SPEED)
    async with Publisher(clock, authority.server_context) as site:
        for scenario in scenarios:
            for name, handler in scenario.hosts.items():
                way, _, bare = name.rpartition(":")
                await site.add(Host(bare, handler, tls=way != "", http2=way == "h2"))
        daemon = Daemon(folder, clock, {"SSL_CERT_FILE": str(authority.file)}, source)
        daemon.configure(configuration(scenarios, site, CONTACT_URL))
        run = Run(site, hours)
        where = f"http://127.0.0.1:{daemon.port}"
        players = [asyncio.create_task(s.play(site, where)) for s in scenarios if s.play]
        try:
            clock.restart()
            daemon.start()
            await _until(clock, daemon, hours / 3)
            daemon.configure(configuration(scenarios, site, CONTACT_MAIL))
            run.reloaded_at = clock.seconds()
            daemon.send(signal.SIGHUP)
            await _until(clock, daemon, hours / 2)
            run.restarted_at = clock.seconds()
            await daemon.stop()
            run.down_until = clock.seconds()
            daemon.start()
            await _until(clock, daemon, hours)
            run.hours = clock.seconds() / 3600
        finally:
            await daemon.stop()
            for player in players:
                player.cancel()
            ended = await asyncio.gather(*players, return_exceptions=True)
            site.bugs += [f"a player: {e!r}" for e in ended if isinstance(e, Exception)]
        run.feeds = await daemon.feeds()
        run.articles = await daemon.articles()
        run.lines = daemon.log.read_text(errors="replace").splitlines()
    return run


async def _until(clock: Clock, daemon: Daemon, hours: float) -> None:
    while clock.seconds() < hours * 3600:
        if not daemon.alive():
            raise RuntimeError(f"the daemon ended:\n{daemon.log.read_text()[-3000:]}")
        await asyncio.sleep(0.1)


def judged(scenarios: Sequence[Scenario], run: Run) -> list[Row]:
    rows: list[Row] = []
    for rule in (rule for scenario in scenarios for rule in scenario.rules):
        rows.append({"name": rule.name, "level": rule.level, **_judged(rule, run)})
    return rows


def _judged(rule: Rule, run: Run) -> Row:
    if run.hours < rule.needs:
        return {"result": "not judged", "seen": f"takes {rule.needs:g} virtual hours"}
    try:
        verdict = rule.check(run)
    except (KeyError, IndexError, ValueError) as error:
        return {"result": "fail", "seen": f"cannot be judged: {error!r}"}
    return {"result": "pass" if verdict.passed else "fail", "seen": verdict.seen}


def chosen(only: Sequence[str]) -> tuple[Scenario, ...]:
    """The scenarios named, or having a rule whose name begins so; all if none is named."""
    if not only:
        return SCENARIOS
    return tuple(
        scenario
        for scenario in SCENARIOS
        if any(
            scenario.name == name or any(rule.name.startswith(name) for rule in scenario.rules)
            for name in only
        )
    )


def total(rows: Sequence[Row], level: str) -> str:
    of_level = [row for row in rows if row["level"] == level and row["result"] != "not judged"]
    passed = sum(row["result"] == "pass" for row in of_level)
    return f"{passed} of {len(of_level)} {level}s"


def print_rows(rows: Sequence[Row]) -> None:
    width = max((len(str(row["name"])) for row in rows), default=0)
    for row in rows:
        print(f"{row['name']!s:{width}}  {row['level']!s:6}  {row['result']!s:10}  {row['seen']}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.manners", description=__doc__)
    parser.add_argument("--hours", type=float, default=12, help="virtual; 12 are three minutes")
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", metavar="FOLDER", help="where log and state are left")
    parser.add_argument("--source", type=Path, default=SOURCE, help="where the package is")
    options = parser.parse_args()
    scenarios = chosen(options.only)
    if not scenarios:
        parser.error(f"no rule or scenario is called {', '.join(options.only)}")
    with tempfile.TemporaryDirectory(prefix="manners-") as temporary:
        folder = Path(options.keep or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        folder = folder.absolute()
        run = asyncio.run(measure(scenarios, options.hours, folder, options.source))
    rows = judged(scenarios, run)
    if options.json:
        print(json.dumps({"hours": run.hours, "rules": rows}, ensure_ascii=False, indent=1))
    else:
        print_rows(rows)
        print(f"{total(rows, 'must')}, {total(rows, 'should')}, in {run.hours:.1f} virtual hours")
    for bug in run.site.bugs:
        print(f"a bug of the publisher: {bug}", file=sys.stderr)
    return 1 if any(row["result"] == "fail" for row in rows) else 0
