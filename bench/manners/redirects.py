"""Redirects: what is permanent is kept once it has worked, what is not is not."""

from __future__ import annotations

from bench.manners.content import HOUR, Paper, in_turn, moved, serve
from bench.manners.publisher import Answer, Handler, paths
from bench.manners.scenario import Rule, Run, Scenario, Verdict
from bench.manners.validators import echoed

INTERVAL = 'full_text = "feed"\ninterval = "1h"'


def _served(name: str) -> Handler:
    return serve(Paper(name, every=2 * HOUR))


def _always(answer: Answer) -> Handler:
    return lambda *_: answer


def _walk(run: Run, name: str) -> list[str]:
    """The paths asked, in order; those of one poll come together."""
    return [e.asked.path for e in run.asked(f"{name}.test", "")]


def _at_one_host(name: str, handlers: dict[str, Handler], rules: tuple[Rule, ...]) -> Scenario:
    return Scenario(
        name,
        {f"{name}.test": paths(handlers)},
        {name: f'url = "http://{name}.test/feed"\n{INTERVAL}'},
        rules,
    )


def _polls(run: Run, name: str) -> list[tuple[str, ...]]:
    """The paths asked, poll by poll."""
    polls: list[list[str]] = []
    last = -3600.0
    for exchange in run.asked(f"{name}.test", ""):
        if exchange.asked.at - last > 600:
            polls.append([])
        polls[-1].append(exchange.asked.path)
        last = exchange.asked.at
    return [tuple(poll) for poll in polls]


def _kept(name: str, first: tuple[str, ...], then: tuple[str, ...], note: str) -> Rule:
    """The first poll asks for `first`, those after that for `then`.

    One that was broken off, since the client gave up, has only the beginning, or comes once more.
    """

    def check(run: Run) -> Verdict:
        polls = _polls(run, name)
        begun = 0
        while begun < len(polls) and polls[begun] == first[: len(polls[begun])]:
            begun += 1
        rest = polls[begun:]
        if first == then:
            ok = not rest and polls.count(first) >= 2
        else:
            followed = 1 <= begun <= 3 and first in polls
            ok = followed and then in rest and all(poll == then[: len(poll)] for poll in rest)
        told = " | ".join(" ".join(poll) for poll in polls[:5])
        return Verdict(ok, f"asked {told}{' …' if len(polls) > 5 else ''}")

    return Rule(f"redirects/{name}: {note}", "must", check)


def _own_validators(name: str, path: str) -> Rule:
    def check(run: Run) -> Verdict:
        verdict = echoed(run.asked(f"{name}.test", path))
        stray = [
            e.asked.path
            for e in run.asked(f"{name}.test", "")
            if e.asked.path != path and e.asked.get("if-none-match")
        ]
        told = f"sent to {stray[0]} as well; {verdict.seen}" if stray else verdict.seen
        return Verdict(verdict.passed and not stray, told)

    return Rule(f"redirects/{name}: the target's own validators", "must", check)


def _bounded(name: str) -> Rule:
    def check(run: Run) -> Verdict:
        times = [e.asked.at for e in run.asked(f"{name}.test", "")]
        first = [at for at in times if at < times[0] + 900] if times else []
        return Verdict(0 < len(first) <= 11, f"{len(first)} requests in the first poll")

    return Rule(f"redirects/{name}: given up soon", "must", check)


# --- to another host -----------------------------------------------------------------------------


def _secret(run: Run) -> Verdict:
    own = {e.asked.get("authorization") for e in run.asked("secret.test")}
    other = {e.asked.get("authorization") for e in run.asked("secrettarget.test")}
    logged = [line for line in run.lines if "pa55word" in line]
    told = f"to its host {own}, to the other {other}, in the log {len(logged)} times"
    return Verdict(own == {"Basic dXNlcjpwYTU1d29yZA=="} and other == {None} and not logged, told)


def _downgrade(run: Run) -> Verdict:
    secure = len(run.times("downgrade.test"))
    asked = len(run.times("downgraded.test"))
    return Verdict(secure > 0 and asked == 0, f"https asked {secure} times, http {asked} times")


def _upgrade(run: Run) -> Verdict:
    plain = len(run.times("upgrade.test"))
    secure = len(run.times("upgraded.test"))
    return Verdict(
        1 <= plain <= 3 and secure >= plain + 2, f"http asked {plain} times, https {secure} times"
    )


def _new_feed_url(run: Run) -> Verdict:
    walk = _walk(run, "newfeedurl")
    return Verdict(
        walk[:1] == ["/feed"] and len(walk) > 2 and set(walk[2:]) == {"/new"},
        f"asked {' '.join(walk[:8])}",
    )


def _self_moved(run: Run) -> Verdict:
    walk = _walk(run, "selfmoved")
    told = f"asked {' '.join(walk[:8])}"
    return Verdict(len(walk) > 2 and set(walk[2:]) == {"/new"}, told)


def _self_dead(run: Run) -> Verdict:
    walk = _walk(run, "selfdead")
    return Verdict(walk.count("/feed") >= 2 and walk.count("/dead") <= 2, f"asked {walk[:8]}")


NEW = "<itunes:new-feed-url>http://newfeedurl.test/new</itunes:new-feed-url>"


def _self(name: str, path: str) -> str:
    return f'<atom:link rel="self" type="application/rss+xml" href="http://{name}.test{path}"/>'


SCENARIOS = (
    _at_one_host(
        "moved301",
        {"/feed": _always(moved(301, "/b")), "/b": _served("moved301")},
        (
            _kept("moved301", ("/feed", "/b"), ("/b",), "a 301 is kept"),
            _own_validators("moved301", "/b"),
        ),
    ),
    _at_one_host(
        "moved308",
        {
            "/feed": _always(moved(308, "http://moved308.test/b")),
            "/b": _always(moved(301, "//moved308.test/c")),
            "/c": _served("moved308"),
        },
        (_kept("moved308", ("/feed", "/b", "/c"), ("/c",), "308→301 is kept"),),
    ),
    _at_one_host(
        "moved302",
        {"/feed": _always(moved(302, "/b")), "/b": _served("moved302")},
        (
            _kept("moved302", ("/feed", "/b"), ("/feed", "/b"), "a 302 is never kept"),
            _own_validators("moved302", "/b"),
        ),
    ),
    _at_one_host(
        "movedtag",
        {
            "/feed": _always(Answer(302, (("Location", "/b"), ("ETag", '"of the redirect"')))),
            "/b": _served("movedtag"),
        },
        (_own_validators("movedtag", "/b"),),
    ),
    _at_one_host(
        "moved307",
        {"/feed": _always(moved(307, "b")), "/b": _served("moved307")},
        (_kept("moved307", ("/feed", "/b"), ("/feed", "/b"), "a 307 is never kept"),),
    ),
    _at_one_host(
        "moved303",
        {"/feed": _always(moved(303, "b")), "/b": _served("moved303")},
        (_kept("moved303", ("/feed", "/b"), ("/feed", "/b"), "a 303 is never kept"),),
    ),
    _at_one_host(
        "mixed",
        {
            "/feed": _always(moved(301, "/b")),
            "/b": _always(moved(302, "/c")),
            "/c": _served("mixed"),
        },
        (_kept("mixed", ("/feed", "/b", "/c"), ("/b", "/c"), "of 301→302 the 301 is kept"),),
    ),
    _at_one_host(
        "mixed2",
        {
            "/feed": _always(moved(302, "/b")),
            "/b": _always(moved(301, "/c")),
            "/c": _served("mixed2"),
        },
        (_kept("mixed2", ("/feed", "/b", "/c"), ("/feed", "/b", "/c"), "of 302→301 nothing is"),),
    ),
    _at_one_host(
        "todead",
        {"/feed": _always(moved(301, "/gone")), "/gone": _always(Answer(404))},
        (_kept("todead", ("/feed", "/gone"), ("/feed", "/gone"), "301→404 keeps the old URL"),),
    ),
    _at_one_host(
        "tohtml",
        {
            "/feed": _always(moved(301, "/home")),
            "/home": _always(Answer(200, (("Content-Type", "text/html"),), b"<html><p>Home</p>")),
        },
        (_kept("tohtml", ("/feed", "/home"), ("/feed", "/home"), "301→page keeps the old URL"),),
    ),
    _at_one_host(
        "loop",
        {"/feed": _always(moved(301, "/b")), "/b": _always(moved(301, "/feed"))},
        (_bounded("loop"),),
    ),
    Scenario(
        "chain",
        {"chain.test": lambda asked, _: moved(302, f"{asked.path}x")},
        {"chain": f'url = "http://chain.test/feed"\n{INTERVAL}'},
        (_bounded("chain"),),
    ),
    Scenario(
        "secret",
        {
            "secret.test": _always(moved(302, "http://secrettarget.test/feed")),
            "secrettarget.test": _served("secret"),
        },
        {"secret": f'url = "http://user:pa55word@secret.test/feed"\n{INTERVAL}'},
        (Rule("redirects/credentials stay at their host", "must", _secret),),
    ),
    Scenario(
        "downgrade",
        {
            "https:downgrade.test": _always(moved(301, "http://downgraded.test/feed")),
            "downgraded.test": _served("downgrade"),
        },
        {"downgrade": f'url = "https://downgrade.test/feed"\n{INTERVAL}'},
        (Rule("redirects/https to http is refused", "must", _downgrade),),
    ),
    Scenario(
        "upgrade",
        {
            "upgrade.test": _always(moved(301, "https://upgraded.test/feed")),
            "https:upgraded.test": _served("upgrade"),
        },
        {"upgrade": f'url = "http://upgrade.test/feed"\n{INTERVAL}'},
        (Rule("redirects/http to https is kept", "must", _upgrade),),
    ),
    _at_one_host(
        "newfeedurl",
        {
            "/feed": serve(Paper("newfeedurl", every=2 * HOUR, channel=NEW)),
            "/new": serve(Paper("newfeedurl", every=2 * HOUR)),
        },
        (Rule("redirects/itunes:new-feed-url is followed", "must", _new_feed_url),),
    ),
    _at_one_host(
        "selfmoved",
        {
            "/feed": serve(Paper("selfmoved", every=2 * HOUR, channel=_self("selfmoved", "/new"))),
            "/new": serve(Paper("selfmoved", every=2 * HOUR, channel=_self("selfmoved", "/new"))),
        },
        (Rule("redirects/a rel=self elsewhere is followed", "should", _self_moved),),
    ),
    _at_one_host(
        "selfdead",
        {
            "/feed": serve(Paper("selfdead", every=2 * HOUR, channel=_self("selfdead", "/dead"))),
            "/dead": in_turn([], _always(Answer(404))),
        },
        (Rule("redirects/a rel=self that is dead changes nothing", "must", _self_dead),),
    ),
)
