"""The measurement: the daemon at real speed among attacks, with good feeds beside them.

python -m bench.attacks
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cached_property
from pathlib import Path
from string import ascii_lowercase

from lxml import etree

from bench.attacks.addresses import addresses
from bench.attacks.danger import of_json, of_xml
from bench.attacks.documents import documents, feed, item
from bench.attacks.markup import markup, pages
from bench.attacks.memory import Memory, Watch
from bench.attacks.server import GOOD, SLOW, Attacker, address
from bench.attacks.transfers import transfers
from bench.attacks.wire import Attack
from bench.manners.daemon import Daemon

SOURCE = Path(__file__).parents[2]
GOOD_FEEDS = 20
SLOW_FEEDS = 500
EVERY_S = 20.0
"""A good feed has a new item this often, and is asked every ten seconds."""

ON_TIME_S = 60.0
HEALTHY_S, LATEST_S = 0.5, 2.0
"""Of a hundred answers of /healthz one may take longer than the first, and none than the other."""

MAIN_BYTES, TOGETHER_BYTES = 300_000_000, 512_000_000
LONGEST_VISIT_S = 40.0

Row = dict[str, object]


@dataclass
class Seen:
    """What was measured while the attacks went on."""

    health: list[float] = field(default_factory=list)
    """Seconds that each answer of /healthz took."""
    unhealthy: list[str] = field(default_factory=list)
    first_seen: dict[str, float] = field(default_factory=dict)
    published: dict[str, bytes] = field(default_factory=dict)
    memory: Memory = field(default_factory=lambda: Memory(0, 0))
    died: str = ""
    seconds: float = 0.0

    @cached_property
    def everything(self) -> str:
        """All that was published, as text."""
        return b"".join(self.published.values()).decode("utf-8", "replace")


class GoodFeeds:
    """Twenty feeds at hosts of their own; item `k` of each appears at k × EVERY_S."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def newest(self) -> int:
        return int((time.monotonic() - self.began) / EVERY_S)

    def appeared(self, number: int) -> float:
        return self.began + number * EVERY_S

    def __call__(self, target: str) -> bytes:
        name = target.strip("/")
        now = time.time()
        age = time.monotonic() - self.began
        items = [
            item(f"Dispatch {name} {k}", _own_text(f"{name} {k}")).replace(
                formatdate(), formatdate(now - age + k * EVERY_S)
            )
            for k in range(self.newest(), max(self.newest() - 8, -1), -1)
        ]
        return feed(items)


def _own_text(name: str) -> str:
    """Words that no other item has: what shares its text with another is a copy of it."""
    letters = random.Random(name).choices(ascii_lowercase, k=600)
    return "<p>" + " ".join("".join(letters[at : at + 6]) for at in range(0, 600, 6)) + ".</p>"


def get(url: str, seconds: float) -> tuple[float, bytes]:
    """How long the answer took, and its body. Raises OSError."""
    began = time.monotonic()
    with urllib.request.urlopen(url, timeout=seconds) as answer:
        body: bytes = answer.read()
    return time.monotonic() - began, body


def configuration(server: Attacker, attacks: Sequence[Attack], urls: Sequence[str]) -> str:
    feeds = []
    for number, (attack, url) in enumerate(zip(attacks, urls, strict=True)):
        feeds.append(f'[[feeds]]\nid = "attack{number}"\nurl = "{url}"\n{attack.config}\n')
    for number in range(SLOW_FEEDS):
        url = f"http://{address(SLOW, number)}:{server.port}/slow"
        feeds.append(f'[[feeds]]\nid = "slow{number}"\nurl = "{url}"\n')
    for number in range(GOOD_FEEDS):
        url = f"http://{address(GOOD, number)}:{server.port}/good{number}"
        own = 'interval = "10s"\nfull_text = "feed"'
        feeds.append(f'[[feeds]]\nid = "good{number}"\nurl = "{url}"\n{own}\n')
    topics = "".join(
        f'[[topics]]\nid = "{name}"\ntitle = "{name}"\nquery = "title:{word}"\nlimit = 2000\n'
        for name, word in (("good", "Dispatch"), ("markup", "Markup"), ("pages", "Hostile"))
    )
    return (
        "[output]\nlimit = 1000\n\n[fetch]\n"
        'contact = "https://reader.example/about"\ninterval_min = "5s"\n'
        f'allow_private = ["127.78.0.0/16"]\n\n{topics}{"".join(feeds)}'
    )


async def watch_health(daemon: Daemon, seen: Seen, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            took, _ = await asyncio.to_thread(get, f"{site(daemon)}/healthz", 10)
            seen.health.append(took)
        except OSError as error:
            seen.health.append(10.0)
            seen.unhealthy.append(str(error))
        await asyncio.sleep(0.3)


async def watch_good(daemon: Daemon, seen: Seen, stop: asyncio.Event) -> None:
    while not stop.is_set():
        with suppress(OSError, ValueError):
            _, body = await asyncio.to_thread(get, f"{site(daemon)}/topics/good.json", 10)
            for entry in json.loads(body)["items"]:
                seen.first_seen.setdefault(entry["title"], time.monotonic())
        await asyncio.sleep(1)


def site(daemon: Daemon) -> str:
    return f"http://127.0.0.1:{daemon.port}"


async def measure(
    folder: Path, source: Path, seconds: float, only: Sequence[str]
) -> tuple[list[Row], Daemon]:
    good = GoodFeeds()
    async with Attacker(good) as server:
        attacks = every_attack(server)
        if only:
            attacks = [a for a in attacks if any(a.name.startswith(n) or a.kind == n for n in only)]
        daemon = Daemon(folder, None, source=source)
        daemon.configure(configuration(server, attacks, [server.place(a) for a in attacks]))
        seen, stop = Seen(), asyncio.Event()
        good.began = time.monotonic()
        daemon.start()
        assert daemon.process is not None
        try:
            await _until_it_serves(daemon)
            good.began = began = time.monotonic()
            memory = Watch(daemon.process.pid)
            watching = [
                asyncio.create_task(watch_health(daemon, seen, stop)),
                asyncio.create_task(watch_good(daemon, seen, stop)),
            ]
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(daemon.process.wait, seconds)
            seen.seconds = time.monotonic() - began
            stop.set()
            await asyncio.gather(*watching)
            seen.memory = memory.stop()
            if not daemon.alive():
                seen.died = f"exit status {daemon.process.poll()}"
            for path in published():
                with suppress(OSError):
                    seen.published[path] = (await asyncio.to_thread(get, site(daemon) + path, 20))[
                        1
                    ]
        finally:
            await daemon.stop()
        feeds = await daemon.feeds()
        rows = [
            *whole(server, good, seen, daemon),
            *(judged(a, feeds.get(f"attack{n}", {}), seen) for n, a in enumerate(attacks)),
        ]
    return rows, daemon


def every_attack(server: Attacker) -> list[Attack]:
    attacks = [*transfers(), *documents(), *addresses(server.port), *markup()]
    for number, (name, send) in enumerate(pages()):
        link = server.place_page(f"/page{number}", send)
        body = feed([item(f"Hostile page {number}", "<p>Short.</p>", "", link)])

        async def answer(wire, body=body):  # type: ignore[no-untyped-def] # as Send says
            await wire.answer(body)

        attacks.append(Attack(f"page: {name}", "page", answer, config='full_text = "page"'))
    return attacks


async def _until_it_serves(daemon: Daemon) -> None:
    for _ in range(300):
        if not daemon.alive():
            raise RuntimeError(f"the daemon ended:\n{daemon.log.read_text()[-3000:]}")
        with suppress(OSError):
            await asyncio.to_thread(get, f"{site(daemon)}/healthz", 5)
            return
        await asyncio.sleep(0.1)
    raise RuntimeError("the daemon does not serve")


def published() -> Iterator[str]:
    for edition in ("all", "topics/good", "topics/markup", "topics/pages"):
        for suffix in ("atom", "rss", "json"):
            yield f"/{edition}.{suffix}"


# --- the rows ------------------------------------------------------------------------------------


def row(name: str, passed: bool, seen: str, level: str = "must") -> Row:
    return {"name": name, "level": level, "result": "pass" if passed else "fail", "seen": seen}


def whole(server: Attacker, good: GoodFeeds, seen: Seen, daemon: Daemon) -> list[Row]:
    """What holds for the run as a whole."""
    log = daemon.log.read_text(errors="replace")
    bugs = re.findall(r"^.*(?:Traceback|a bug).*$", log, re.MULTILINE)
    mb = 1_000_000
    memory = seen.memory
    return [
        row("the daemon lives", not seen.died, seen.died or "to the end"),
        _healthy(seen),
        _on_time(good, seen),
        row("main process below 300 MB", memory.main <= MAIN_BYTES, f"{memory.main / mb:.0f} MB"),
        row(
            "all processes below 512 MB",
            memory.together <= TOGETHER_BYTES,
            f"{memory.together / mb:.0f} MB: "
            + " + ".join(f"{size / mb:.0f}" for size in memory.each),
        ),
        row(
            "no forbidden address touched",
            not server.canaries,
            f"{len(server.canaries)}: {server.canaries[:3]}" if server.canaries else "none",
        ),
        row(
            "slow hosts are asked too",
            server.slow_visits >= SLOW_FEEDS * 0.9,
            f"{server.slow_visits} of {SLOW_FEEDS}",
            "should",
        ),
        row(
            "no traceback in the log", not bugs, f"{len(bugs)}: {bugs[0][:150]}" if bugs else "none"
        ),
        row(
            "no password in the log",
            "user:pass" not in log and "user:password" not in log,
            "looked for",
        ),
        *(_edition(path, seen.published.get(path)) for path in published()),
    ]


def _healthy(seen: Seen) -> Row:
    took = sorted(seen.health) or [10.0]
    middle, most = took[len(took) // 2], took[-1 - len(took) // 100]
    return row(
        "/healthz answers within half a second",
        most <= HEALTHY_S and took[-1] <= LATEST_S,
        f"{middle:.2f} s, 99 of 100 within {most:.2f} s, {took[-1]:.2f} s at worst "
        f"{seen.unhealthy[:1] or ''}",
    )


def _on_time(good: GoodFeeds, seen: Seen) -> Row:
    ends = good.began + seen.seconds
    delays, missing = [], []
    for feed_number in range(GOOD_FEEDS):
        for k in range(int(seen.seconds / EVERY_S) + 1):
            title, appeared = f"Dispatch good{feed_number} {k}", good.appeared(k)
            if title in seen.first_seen:
                delays.append(seen.first_seen[title] - appeared)
            elif appeared < ends - ON_TIME_S:
                missing.append(title)
    worst = max(delays, default=0.0)
    middle = sorted(delays)[len(delays) // 2] if delays else 0.0
    return row(
        "good feeds are delivered within a minute",
        bool(delays) and not missing and worst <= ON_TIME_S,
        f"{len(delays)} items after {middle:.0f} s, {worst:.0f} s at worst; "
        f"{len(missing)} never {missing[:3] if missing else ''}",
    )


def _edition(path: str, body: bytes | None) -> Row:
    name = f"{path} is well-formed and harmless"
    if body is None:
        return row(name, False, "cannot be had")
    read: Callable[[bytes], Iterator[tuple[str, str]]] = (
        of_json if path.endswith("json") else of_xml
    )
    try:
        wrong = [f"{what} in {title[:40]!r}" for title, what in read(body)]
    except (ValueError, etree.XMLSyntaxError) as error:
        return row(name, False, f"cannot be read: {error}")
    count = len(set(wrong))
    told = f"{count}: {'; '.join(sorted(set(wrong))[:4])}" if wrong else f"{len(body)} bytes"
    return row(name, not wrong, told)


def judged(attack: Attack, state: dict[str, object], seen: Seen) -> Row:
    """Whether the feed is in a state it may be in, and the attack was ended in time."""
    status = str(state.get("last_status") or "")
    wrong = []
    if attack.statuses and status not in attack.statuses:
        wrong.append(f"not {' or '.join(attack.statuses)}")
    if not status:
        wrong.append("never finished")
    if status == "bug":
        wrong.append("blamed on the program")
    longest = max((visit.lasted for visit in attack.visits), default=0.0)
    most = max((visit.sent for visit in attack.visits), default=0)
    if longest > LONGEST_VISIT_S:
        wrong.append(f"held for {longest:.0f} s")
    if most > attack.most_bytes and attack.kind == "transfer":
        wrong.append(f"read {most / 1e6:.0f} MB")
    if attack.delivered and attack.delivered not in seen.everything:
        wrong.append(f"{attack.delivered!r} was not delivered")
    if attack.absent and attack.absent in seen.everything:
        wrong.append(f"{attack.absent!r} was published")
    error = str(state.get("error") or "")[:110]
    told = f"{'; '.join(wrong) + ': ' if wrong else ''}{status} {error}"
    return row(f"{attack.kind}/{attack.name}", not wrong, told)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.attacks", description=__doc__)
    parser.add_argument("--seconds", type=float, default=150)
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", metavar="FOLDER", help="where log and state are left")
    parser.add_argument("--source", type=Path, default=SOURCE, help="where the package is")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="attacks-") as temporary:
        folder = Path(options.keep or temporary).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        rows, _ = asyncio.run(measure(folder, options.source, options.seconds, options.only))
    if options.json:
        print(json.dumps({"attacks": rows}, ensure_ascii=False, indent=1))
    else:
        width = min(max(len(str(r["name"])) for r in rows), 70)
        for r in rows:
            print(f"{r['name']!s:{width}}  {r['level']!s:6}  {r['result']!s:4}  {r['seen']}")
        passed = sum(r["result"] == "pass" for r in rows)
        print(f"{passed} of {len(rows)}")
    return 0 if all(r["result"] == "pass" for r in rows) else 1
