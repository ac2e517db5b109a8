"""What every request looks like: its method, its headers, who asks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bench.manners.content import RSS_TYPE, Paper, is_current
from bench.manners.publisher import Answer, Asked, Exchange
from bench.manners.scenario import Rule, Run, Scenario, Verdict, plain

CONTACT_URL = "https://reader.example/about"
CONTACT_MAIL = "editor@reader.example"


def _gets(run: Run) -> Iterable[Exchange]:
    return (e for e in run.site.everything() if e.asked.method != "POST")


def _none_has(run: Run, *names: str) -> Verdict:
    found = [
        f"{e.asked.host}{e.asked.target}: {name}: {value}"
        for e in run.site.everything()
        for name in names
        if (value := e.asked.get(name)) is not None
    ]
    return Verdict(not found, f"{len(found)} times, {found[0]}" if found else "none")


def _only_get(run: Run) -> Verdict:
    others = [
        f"{e.asked.method} {e.asked.host}"
        for e in run.site.everything()
        if e.asked.method != "GET" and not e.asked.path.startswith("/hub")
    ]
    return Verdict(not others, f"{len(others)}: {others[0]}" if others else "only GET")


def _no_query(run: Run) -> Verdict:
    """What was not in an address is not in the request."""
    added = [
        f"{e.asked.host}{e.asked.target}"
        for e in _gets(run)
        if "?" in e.asked.target and e.asked.host != "query.test"
    ]
    kept = {e.asked.target for e in run.asked("query.test", "/feed")}
    ok = kept == {"/feed?b=2&a=%7e1&a="}
    return Verdict(not added and ok, f"added: {added[:2]}" if added else f"asked {sorted(kept)}")


def _accept(run: Run) -> Verdict:
    bad = set()
    for e in _gets(run):
        if e.asked.path == "/feed":
            accept = e.asked.get("accept") or ""
            if not ("application/rss+xml" in accept and "application/atom+xml" in accept):
                bad.add(accept)
    return Verdict(not bad, f"Accept: {bad.pop()!r}" if bad else "feed types named")


def _encodings(*wanted: str) -> Rule:
    def check(run: Run) -> Verdict:
        seen = {e.asked.get("accept-encoding") or "" for e in _gets(run)}
        ok = bool(seen) and all(w in value for w in wanted for value in seen)
        return Verdict(ok, f"Accept-Encoding: {' | '.join(sorted(seen))}")

    level = "must" if wanted == ("gzip",) else "should"
    return Rule(f"requests/accepts {' and '.join(wanted)}", level, check, needs=0)


def _agent(run: Run) -> Verdict:
    seen = {e.asked.get("user-agent") or "" for e in _gets(run)}
    pattern = re.compile(r"[\w-]+/\d[\w.]* .*(https?://|[^\s@]+@).*")
    bad = [value for value in seen if not pattern.fullmatch(value)]
    return Verdict(bool(seen) and not bad, f"User-Agent: {' | '.join(sorted(seen))}")


def _from(run: Run) -> Verdict:
    """The contact becomes a mail address with the reload in the middle."""
    after = [e for e in _gets(run) if e.asked.at > run.reloaded_at + 600]
    given = {e.asked.get("from") for e in after}
    return Verdict(bool(after) and given == {CONTACT_MAIL}, f"From after the reload: {given}")


def _from_before(run: Run) -> Verdict:
    before = [e for e in _gets(run) if e.asked.at < run.reloaded_at]
    given = {e.asked.get("from") for e in before} - {None}
    return Verdict(not given, f"From while the contact is a URL: {given or 'none'}")


def _host(run: Run) -> Verdict:
    wrong = [
        f"{e.asked.said_host} at {e.asked.host}"
        for e in run.site.everything()
        if e.asked.said_host != e.asked.host
    ]
    return Verdict(not wrong, f"{len(wrong)}: {wrong[0]}" if wrong else "right")


def _nothing_else(run: Run) -> Verdict:
    """No favicon, no front page, no look for other feeds."""
    asked = [
        f"{e.asked.host}{e.asked.path}"
        for e in _gets(run)
        if e.asked.path in ("/", "/favicon.ico", "/apple-touch-icon.png", "/index.html")
        or e.asked.path.startswith("/.well-known")
    ]
    return Verdict(not asked, f"{len(asked)}: {asked[0]}" if asked else "none")


def _no_robots_for_feeds(run: Run) -> Verdict:
    asked = [
        name
        for name, host in run.site.hosts.items()
        if not name.startswith("pages")
        and any(e.asked.path == "/robots.txt" for e in host.exchanges)
    ]
    return Verdict(not asked, f"asked of {', '.join(asked[:5])}" if asked else "none")


def _cookie(asked: Asked, before: Sequence[Exchange]) -> Answer:
    headers = (
        ("ETag", '"c"'),
        ("Set-Cookie", "id=1; Path=/; Max-Age=99999"),
        ("Set-Cookie", "other=2; Domain=cookies.test"),
    )
    if is_current(asked, headers):
        return Answer(304, headers)
    return Answer(200, (RSS_TYPE, *headers), Paper("cookies").xml(0))


def _query(asked: Asked, before: Sequence[Exchange]) -> Answer:
    return Answer(200, (RSS_TYPE, ("ETag", '"q"')), Paper("query").xml(0))


SCENARIOS = (
    Scenario(
        "requests",
        {},
        {},
        (
            Rule("requests/only GET", "must", _only_get, needs=0),
            Rule("requests/no Referer", "must", lambda run: _none_has(run, "referer"), needs=0),
            Rule("requests/no Cookie", "must", lambda run: _none_has(run, "cookie"), needs=0),
            Rule(
                "requests/no no-cache",
                "must",
                lambda run: _none_has(run, "cache-control", "pragma"),
                needs=0,
            ),
            Rule("requests/Accept names the feed types", "must", _accept, needs=0),
            _encodings("gzip"),
            _encodings("br", "zstd"),
            Rule("requests/User-Agent with version and contact", "must", _agent, needs=0),
            Rule("requests/From where the contact is a mail address", "should", _from),
            Rule("requests/no From otherwise", "should", _from_before, needs=0),
            Rule("requests/Host is the one of the address", "must", _host, needs=0),
            Rule("requests/no favicon or front page", "must", _nothing_else, needs=0),
            Rule("requests/no robots.txt for feeds", "should", _no_robots_for_feeds, needs=0),
        ),
    ),
    plain("cookies", _cookie, [], 'interval = "1h"'),
    Scenario(
        "query",
        {"query.test": _query},
        {"query": 'url = "http://query.test/feed?b=2&a=%7e1&a="\nfull_text = "feed"'},
        (Rule("requests/the query of the address as it is", "must", _no_query, needs=0),),
    ),
)
