"""WebSub: a hub that verifies, pushes, forges, and watches what the subscriber does."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qs, urlencode

from bench.manners.content import HOUR, Paper, item, rss, serve
from bench.manners.publisher import Answer, Asked, Exchange, Publisher
from bench.manners.scenario import Rule, Run, Scenario, Verdict

TOPIC = "http://websub.test/feed"
HUB = "http://hub.test/hub"
READER = "http://reader.test"
LEASE = 3 * 3600
LINKS = (
    f'<atom:link rel="hub" href="{HUB}"/>'
    f'<atom:link rel="self" type="application/rss+xml" href="{TOPIC}"/>'
)
PAPER = Paper("websub", every=HOUR / 3, channel=LINKS)


def _hub(asked: Asked, before: Sequence[Exchange]) -> Answer:
    return Answer(202) if asked.method == "POST" else Answer(405)


def _form(exchange: Exchange) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(exchange.asked.body.decode()).items()}


def _http(
    url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[object, bytes]:
    """Status and body, whatever the status; in words if there is none."""
    request = urllib.request.Request(url, data=body, headers=dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError as error:
        return repr(error), b""


async def play(site: Publisher, reader: str) -> None:
    """Verifies each request to subscribe, tries the callback, and pushes once an hour."""
    notes = site.notes.setdefault("websub", [])
    hub, done, pushed_at, number = site.hosts["hub.test"], 0, 0.0, 1000
    callback = secret = ""

    async def ask(kind: str, url: str, body: bytes | None = None, **headers: str) -> object:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        status, text = await asyncio.to_thread(_http, url, body, named)
        notes.append({"kind": kind, "at": site.clock.seconds(), "status": status, "body": text})
        return status

    while True:
        await asyncio.sleep(0.05)
        posts = [e for e in hub.exchanges if e.asked.method == "POST"]
        for exchange in posts[done:]:
            done += 1
            form = _form(exchange)
            if not form.get("hub.callback", "").startswith(READER):
                continue
            callback = form["hub.callback"].replace(READER, reader, 1)
            secret = form.get("hub.secret", "")
            joint = "&" if "?" in callback else "?"
            for kind, topic in (("stranger", TOPIC + "x"), ("verify", TOPIC)):
                query = {
                    "hub.mode": form.get("hub.mode", ""),
                    "hub.topic": topic,
                    "hub.challenge": "ch4llenge",
                    "hub.lease_seconds": str(LEASE),
                }
                await ask(kind, callback + joint + urlencode(query))
        if callback and site.clock.seconds() > pushed_at + HOUR:
            pushed_at = site.clock.seconds()
            number += 10
            for offset, kind in enumerate(("push", "forged", "unsigned")):
                entry = item("websub", number + offset, pushed_at - 60)
                body = rss("websub", [entry], LINKS)
                key = secret if kind == "push" else "guess"
                signature = "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
                signed = {} if kind == "unsigned" else {"X_Hub_Signature": signature}
                link = f'<{TOPIC}>; rel="self", <{HUB}>; rel="hub"'
                await ask(
                    kind, callback, body, Content_Type="application/rss+xml", Link=link, **signed
                )


# --- the rules -----------------------------------------------------------------------------------


def _subscriptions(run: Run) -> list[Exchange]:
    return [e for e in run.asked("hub.test", "/hub") if e.asked.method == "POST"]


def _notes(run: Run, kind: str) -> list[Mapping[str, object]]:
    return [note for note in run.site.notes.get("websub", []) if note["kind"] == kind]


def _subscribes(run: Run) -> Verdict:
    found = _subscriptions(run)
    if not found:
        return Verdict(False, "the hub was never asked")
    form = _form(found[0])
    ok = (
        form.get("hub.mode") == "subscribe"
        and form.get("hub.topic") == TOPIC
        and form.get("hub.callback", "").startswith(READER)
        and found[0].asked.at < HOUR
    )
    return Verdict(ok, f"at {found[0].asked.at / 60:.0f} min: {form}")


def _secret(run: Run) -> Verdict:
    forms = [_form(e) for e in _subscriptions(run)]
    sizes = [len(form.get("hub.secret", "").encode()) for form in forms]
    callbacks = [form.get("hub.callback", "").rpartition("/")[2] for form in forms]
    ok = bool(sizes) and all(16 <= size < 200 for size in sizes)
    random = all(len(callback) >= 16 for callback in callbacks)
    return Verdict(ok and random, f"secrets of {sizes[:3]} bytes, callbacks {callbacks[:2]}")


def _answered(
    kind: str, lowest: int, highest: int, body: bytes | None = None
) -> Callable[[Run], Verdict]:
    def check(run: Run) -> Verdict:
        notes = _notes(run, kind)
        running = [note for note in notes if isinstance(note["status"], int)]
        wrong = [
            note["status"]
            for note in running
            if not lowest <= int(str(note["status"])) <= highest
            or (body is not None and note["body"] != body)
        ]
        return Verdict(
            bool(running) and not wrong,
            f"statuses {[note['status'] for note in notes][:6]}",
        )

    return check


def _ingested(run: Run) -> Verdict:
    titles = run.titles()
    pushed = [n for n in _notes(run, "push") if isinstance(n["status"], int)]
    found = {t for t in titles if t.endswith("of websub") and int(t.split()[1]) >= 1000}
    forged = {t for t in found if int(t.split()[1]) % 10}
    ok = bool(pushed) and len(found) >= len(pushed) - 1 and not forged
    return Verdict(ok, f"{len(pushed)} pushes, {len(found)} of them stored, {len(forged)} forged")


def _rarely_polled(run: Run) -> Verdict:
    asked = len(run.times("websub.test"))
    pushes = len(_notes(run, "push"))
    return Verdict(
        pushes > 0 and 0 < asked <= 3 + run.hours / 4, f"{asked} polls beside {pushes} pushes"
    )


def _renews(run: Run) -> Verdict:
    times = [e.asked.at for e in _subscriptions(run)]
    verified = _notes(run, "verify")
    gaps = [b - a for a, b in zip(times, [*times[1:], run.end], strict=False)]
    ok = len(times) >= 2 and bool(verified) and all(gap <= LEASE for gap in gaps)
    return Verdict(ok, f"asked at {[f'{at / HOUR:.1f} h' for at in times[:8]]}")


SCENARIOS = (
    Scenario(
        "websub",
        {"websub.test": serve(PAPER), "hub.test": _hub},
        {"websub": f'url = "{TOPIC}"\nfull_text = "feed"'},
        (
            Rule("websub/subscribes to rel=self at rel=hub", "must", _subscribes, 2),
            Rule("websub/a secret below 200 bytes, a random callback", "must", _secret, 2),
            Rule(
                "websub/echoes the challenge", "must", _answered("verify", 200, 299, b"ch4llenge")
            ),
            Rule("websub/404 for a topic not asked for", "must", _answered("stranger", 404, 404)),
            Rule("websub/2xx for a signed push", "must", _answered("push", 200, 299)),
            Rule("websub/2xx for a forged push", "must", _answered("forged", 200, 299)),
            Rule("websub/2xx for an unsigned push", "must", _answered("unsigned", 200, 299)),
            Rule("websub/pushes are stored, forged ones are not", "must", _ingested),
            Rule("websub/polled rarely while pushes arrive", "must", _rarely_polled, 5),
            Rule("websub/renewed before the lease ends", "must", _renews, 6),
        ),
        play,
    ),
)
