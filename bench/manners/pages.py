"""Pages of articles: asked once, where needed, and where robots.txt allows it (RFC 9309)."""

from __future__ import annotations

from collections.abc import Sequence

from bench.manners.content import HOUR, Paper, page, serve
from bench.manners.publisher import Answer, Asked, Exchange, Handler
from bench.manners.scenario import Rule, Run, Scenario, Verdict

EVERY = 2 * HOUR


def _newspaper(name: str, robots: Answer, whole: bool = False) -> Handler:
    """/feed with summaries, /item/N the pages, /robots.txt as given."""
    paper = Paper(name, EVERY, whole=whole, link=lambda number: f"http://{name}.test/item/{number}")
    feed = serve(paper)

    def handle(asked: Asked, before: Sequence[Exchange]) -> Answer:
        if asked.path == "/robots.txt":
            return robots
        if asked.path == "/feed":
            return feed(asked, before)
        number = int(asked.path.rpartition("/")[2])
        return Answer(200, (("Content-Type", "text/html; charset=utf-8"),), page(name, number))

    return handle


def _scenario(name: str, robots: Answer, rules: tuple[Rule, ...], whole: bool = False) -> Scenario:
    return Scenario(
        name,
        {f"{name}.test": _newspaper(name, robots, whole)},
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
    _scenario("pages401", Answer(401), (_allowed("pages401", "robots.txt 401"),)),
    _scenario(
        "pageswhole",
        Answer(404),
        (Rule("pages/none where the feed has the whole text", "must", _none_needed),),
        whole=True,
    ),
)
