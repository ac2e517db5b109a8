"""Pages of articles: asked once, where needed, and where robots.txt allows it (RFC 9309)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from bench.manners.content import (
    HOUR,
    RSS_TYPE,
    Paper,
    is_current,
    item,
    page,
    rss,
    serve,
)
from bench.manners.publisher import Answer, Asked, Exchange, Handler
from bench.manners.scenario import SLACK, Rule, Run, Scenario, Verdict, shown

EVERY = 2 * HOUR
CRAWL_DELAY = 50
"""A fifth of a real second."""


def _newspaper(
    name: str, robots: Answer, whole: bool = False, refused: Answer | None = None
) -> Handler:
    """/feed with summaries, /item/N the pages (or how they are refused), /robots.txt as given."""
    paper = Paper(name, EVERY, whole=whole, link=lambda number: f"http://{name}.test/item/{number}")
    feed = serve(paper)

    def handle(asked: Asked, before: Sequence[Exchange]) -> Answer:
        if asked.path == "/robots.txt":
            return robots
        if asked.path == "/feed":
            return feed(asked, before)
        if refused is not None:
            return refused
        number = int(asked.path.rpartition("/")[2])
        return Answer(200, (("Content-Type", "text/html; charset=utf-8"),), page(name, number))

    return handle


def _scenario(
    name: str,
    robots: Answer,
    rules: tuple[Rule, ...],
    whole: bool = False,
    refused: Answer | None = None,
) -> Scenario:
    return Scenario(
        name,
        {f"{name}.test": _newspaper(name, robots, whole, refused)},
        {name: f'url = "http://{name}.test/feed"\ninterval = "2h"'},
        rules,
    )


def _text(body: str) -> Answer:
    return Answer(200, (("Content-Type", "text/plain"),), body.encode())


def _pages(run: Run, name: str) -> list[Exchange]:
    return [e for e in run.asked(f"{name}.test", "") if e.asked.path.startswith("/item/")]


def _once(run: Run) -> Verdict:
    asked = [e.asked.path for e in _pages(run, "pages")]
    twice = {path for path in asked if asked.count(path) > 1}
    return Verdict(
        len(asked) >= 3 and not twice,
        f"{len(asked)} requests of {len(set(asked))} pages; twice: {sorted(twice)[:4]}",
    )


def _robots_first(run: Run) -> Verdict:
    paths = [e.asked.path for e in run.asked("pages.test", "")]
    first_page = next((n for n, path in enumerate(paths) if path.startswith("/item")), None)
    if first_page is None:
        return Verdict(False, "no page was asked for")
    return Verdict("/robots.txt" in paths[:first_page], f"asked {' '.join(paths[:5])}")


def _robots_daily(run: Run) -> Verdict:
    """Once a day, and once more after the restart at most."""
    counts = {
        name: len(run.asked(name, "/robots.txt"))
        for name in run.site.hosts
        if name.startswith("pages") and name != "pages5xx.test"
    }
    allowed = 2 + int(run.hours // 23)
    return Verdict(any(counts.values()) and all(n <= allowed for n in counts.values()), f"{counts}")


def _robots_in_trouble(run: Run) -> Verdict:
    """A server that cannot give it is not asked again and again: every other hour at most."""
    asked = len(run.asked("pages5xx.test", "/robots.txt"))
    return Verdict(0 < asked <= 2 + run.hours / 2, f"{asked} times in {run.hours:.0f} h")


def _robots_over_the_restart(run: Run) -> Verdict:
    """Also who is started again need not ask on the same day."""
    counts = [
        len(run.asked(name, "/robots.txt")) for name in ("pagesdenied.test", "pagesother.test")
    ]
    return Verdict(all(0 < n <= 1 + run.hours // 23 for n in counts), f"{counts} times")


def _hourly(name: str, most: int) -> Rule:
    """A page that is refused: an hour at least between two tries, and not for ever."""

    def check(run: Run) -> Verdict:
        by_page: dict[str, list[float]] = {}
        for exchange in _pages(run, name):
            by_page.setdefault(exchange.asked.path, []).append(exchange.asked.at)
        gaps = [b - a for times in by_page.values() for a, b in itertools.pairwise(times)]
        tries = max(map(len, by_page.values()), default=0)
        ok = 0 < tries <= most and all(gap >= HOUR - SLACK for gap in gaps)
        told = f"at most {tries} tries of a page; {shown(sorted(gaps))}"
        return Verdict(ok, told)

    return Rule(f"pages/{name}: an hour between tries, {most} at most", "must", check)


def _crawl_delay(run: Run) -> Verdict:
    times = [e.asked.at for e in run.asked("pagesslowly.test", "") if e.asked.path != "/feed"]
    gaps = [b - a for a, b in itertools.pairwise(times)]
    known = gaps[1:]  # it is known once robots.txt has come
    return Verdict(
        len(known) > 2 and min(known) >= CRAWL_DELAY * 0.8,
        f"gaps (s): {' '.join(f'{gap:.0f}' for gap in gaps[:12])}",
    )


def _held_for_pages_too(run: Run) -> Verdict:
    """A page's 429 with Retry-After is the host's word, for its feed and its pages."""
    asked = run.asked("pagesbusy.test", "")
    refused = next((e.asked.at for e in asked if e.answer.status == 429), None)
    if refused is None:
        return Verdict(False, "no page was asked for")
    soon = [e.asked.path for e in asked if refused + 5 < e.asked.at < refused + 3 * HOUR - SLACK]
    return Verdict(not soon, f"asked within three hours: {soon[:5]}")


def _revised(asked: Asked, before: Sequence[Exchange]) -> Answer:
    """One article whose summary changes after two hours, while its page stays the same."""
    if asked.path == "/robots.txt":
        return Answer(404)
    if asked.path == "/feed":
        late = " It was corrected." if asked.at > 2 * HOUR else ""
        entry = item("pagesrevised", 0, -HOUR, whole=False).replace("was written.", f"was.{late}")
        return Answer(200, (RSS_TYPE,), rss("pagesrevised", [entry]))
    tag = (("ETag", '"page"'), ("Last-Modified", "Sun, 01 Mar 2026 22:00:00 GMT"))
    if is_current(asked, tag):
        return Answer(304, tag)
    kind = ("Content-Type", "text/html; charset=utf-8")
    return Answer(200, (kind, *tag), page("pagesrevised", 0))


def _revisits_are_conditional(run: Run) -> Verdict:
    first, *again = _pages(run, "pagesrevised")
    bare = [e for e in again if e.asked.get("if-none-match") != '"page"']
    return Verdict(
        first.asked.get("if-none-match") is None and not bare and len(again) <= 2,
        f"asked {1 + len(again)} times, {len(bare)} times again without its validators",
    )


def _allowed(name: str, told: str) -> Rule:
    def check(run: Run) -> Verdict:
        asked = len(_pages(run, name))
        return Verdict(asked >= 3, f"{asked} pages were asked for")

    return Rule(f"pages/{told}: allowed", "must", check)


def _forbidden(name: str, told: str) -> Rule:
    def check(run: Run) -> Verdict:
        asked = len(_pages(run, name))
        feed = len(run.times(f"{name}.test"))
        robots = len(run.asked(f"{name}.test", "/robots.txt"))
        return Verdict(
            asked == 0 and feed > 0 and robots > 0,
            f"feed asked {feed} times, robots.txt {robots} times, pages {asked} times",
        )

    return Rule(f"pages/{told}: forbidden", "must", check)


def _still_delivered(run: Run) -> Verdict:
    found = [t for t in run.titles() if t.endswith("of pagesdenied")]
    return Verdict(len(found) >= 3, f"{len(found)} articles from the feed alone")


def _extracted(run: Run) -> Verdict:
    bodies = [
        str(a.get("body", "")) + str(a.get("body_html", "")) + str(a.get("content_html", ""))
        for a in run.articles
        if str(a.get("title", "")).endswith("of pages")
    ]
    whole = sum("pages more" in body for body in bodies)
    return Verdict(whole >= 3, f"{whole} of {len(bodies)} articles have the page's text")


def _none_needed(run: Run) -> Verdict:
    asked = len(_pages(run, "pageswhole"))
    found = len([t for t in run.titles() if t.endswith("of pageswhole")])
    return Verdict(asked == 0 and found >= 3, f"{asked} pages for {found} whole articles")


def _accepts_html(run: Run) -> Verdict:
    seen = {e.asked.get("accept") or "" for e in _pages(run, "pages")}
    return Verdict(bool(seen) and all("text/html" in a for a in seen), f"Accept: {seen}")


SCENARIOS = (
    _scenario(
        "pages",
        Answer(404),
        (
            Rule("pages/each is asked for once", "must", _once),
            Rule("pages/robots.txt is read first", "must", _robots_first),
            Rule("pages/robots.txt is asked for once a day", "must", _robots_daily),
            Rule("pages/robots.txt once a day over a restart", "should", _robots_over_the_restart),
            Rule("pages/Accept names text/html", "should", _accepts_html),
            Rule("pages/their text is in the archive", "must", _extracted),
            _allowed("pages", "robots.txt 404"),
        ),
    ),
    _scenario(
        "pagesdenied",
        _text("User-agent: *\nDisallow: /item/\n"),
        (
            _forbidden("pagesdenied", "Disallow"),
            Rule("pages/articles come without their pages", "must", _still_delivered),
        ),
    ),
    _scenario(
        "pages5xx",
        Answer(503),
        (
            _forbidden("pages5xx", "robots.txt 503"),
            Rule("pages/robots.txt 503: not asked again and again", "should", _robots_in_trouble),
        ),
    ),
    _scenario(
        "pagesown",
        _text("User-agent: *\nDisallow:\n\nUser-agent: Aggregator\nDisallow: /\n"),
        (_forbidden("pagesown", "a group of our own"),),
    ),
    _scenario(
        "pagesother",
        _text("User-agent: aggregatorbot2\nDisallow: /\n\nUser-agent: *\nAllow: /item\n"),
        (_allowed("pagesother", "another's group"),),
    ),
    _scenario(
        "pagesslowly",
        _text(f"User-agent: *\nCrawl-delay: {CRAWL_DELAY}\n"),
        (Rule("pages/Crawl-delay is kept", "must", _crawl_delay),),
    ),
    _scenario("pagesbroken", Answer(404), (_hourly("pagesbroken", 4),), refused=Answer(500)),
    _scenario("pagesmissing", Answer(404), (_hourly("pagesmissing", 2),), refused=Answer(404)),
    _scenario(
        "pagescut",
        Answer(404),
        (_hourly("pagescut", 4),),
        refused=Answer(raw=b"", hang_up=True),
    ),
    _scenario(
        "pagesbusy",
        Answer(404),
        (Rule("pages/a page's Retry-After holds for its host", "must", _held_for_pages_too),),
        refused=Answer(429, (("Retry-After", "10800"),)),
    ),
    Scenario(
        "pagesrevised",
        {"pagesrevised.test": _revised},
        {"pagesrevised": 'url = "http://pagesrevised.test/feed"\ninterval = "1h"'},
        (Rule("pages/revisits are conditional", "must", _revisits_are_conditional, 5),),
    ),
    _scenario("pages401", Answer(401), (_allowed("pages401", "robots.txt 401"),)),
    _scenario(
        "pageswhole",
        Answer(404),
        (Rule("pages/none where the feed has the whole text", "must", _none_needed),),
        whole=True,
    ),
)
