"""Cadence: when feeds are asked again, by default, by what they say, and by what the user says."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from email.utils import format_datetime

from bench.manners.content import HOUR, RSS_TYPE, Paper, item, rss, serve, strong, without
from bench.manners.publisher import Answer, Asked, Exchange, Handler, moment
from bench.manners.scenario import (
    Rule,
    Run,
    Scenario,
    Verdict,
    about_every,
    plain,
    shown,
)

MINUTE = 60.0
DAY = 24 * HOUR


def _every(name: str, least: float, most: float, needs: float = 3) -> Rule:
    told = f"cadence/{name}: {least / MINUTE:g} to {most / MINUTE:g} min"
    return Rule(told, "must", lambda run: about_every(run, f"{name}.test", least, most), needs)


def _said(
    name: str,
    least: float,
    most: float,
    *,
    channel: str = "",
    headers: Sequence[tuple[str, str]] = (),
    every: float = HOUR / 3,
    interval: str = "",
) -> Scenario:
    """A lively feed, so that its rhythm invites to come soon, and what it says besides."""
    handler = serve(Paper(name, every=every, channel=channel), extra=headers)
    return plain(name, handler, [_every(name, least, most)], interval)


def _expires(seconds: float) -> Handler:
    """Expires and Date so far apart, by the time of the answer."""
    paper = Paper("expires", every=HOUR / 3)
    validators = strong("expires")

    def handle(asked: Asked, before: Sequence[Exchange]) -> Answer:
        at = asked.at
        extra = (
            ("Date", format_datetime(moment(at), usegmt=True)),
            ("Expires", format_datetime(moment(at + seconds), usegmt=True)),
        )
        return serve(paper, validators, extra)(asked, before)

    return handle


def _on_304(asked: Asked, before: Sequence[Exchange]) -> Answer:
    """Nothing is said but on a 304, which asks for three hours."""
    if asked.get("if-none-match") == '"same"':
        return Answer(304, (("Cache-Control", "max-age=10800"), ("ETag", '"same"')))
    return Answer(200, (RSS_TYPE, ("ETag", '"same"')), Paper("on304", every=HOUR / 3).xml(0))


def _on_304_rule(run: Run) -> Verdict:
    asked = run.asked("on304.test")
    after = [
        later.asked.at - sooner.asked.at
        for sooner, later in itertools.pairwise(asked)
        if sooner.answer.status == 304
    ]
    seen_304 = any(e.answer.status == 304 for e in asked)
    return Verdict(
        seen_304 and all(gap >= 3 * HOUR - MINUTE for gap in after), f"after a 304: {shown(after)}"
    )


def _skip_hours(run: Run) -> Verdict:
    hours = [int(at // HOUR % 24) for at in run.times("skiphours.test")[1:]]
    wrong = [hour for hour in hours if hour in (2, 3, 4, 5)]
    return Verdict(bool(hours) and not wrong, f"asked in the hours {hours}")


def _skip_days(run: Run) -> Verdict:
    times = run.times("skipdays.test")[1:]
    wrong = [at for at in times if moment(at).strftime("%A") in ("Monday", "Wednesday")]
    told = f"asked at {[f'{moment(at):%a %H:%M}' for at in times[:6]]}"
    due = run.end < 26 * HOUR or bool(times)
    return Verdict(due and not wrong, told)


def _once_at_first(run: Run) -> Verdict:
    """No feed address is asked twice within 14 minutes of its first answer."""
    twice = []
    for name, host in run.site.hosts.items():
        for path in {e.asked.path for e in host.exchanges if e.asked.path.startswith("/feed")}:
            times = run.times(name, path)
            if len(times) > 1 and times[1] - times[0] < 14 * MINUTE:
                twice.append(f"{name}{path}")
    return Verdict(not twice, f"twice: {', '.join(twice[:5])}" if twice else "once each")


def _all_fetched_at_first(run: Run) -> Verdict:
    late = [
        name
        for name, host in run.site.hosts.items()
        if any(h.startswith("/feed") for h in [e.asked.path for e in host.exchanges])
        and host.exchanges[0].asked.at > 30 * MINUTE
    ]
    return Verdict(not late, f"later than half an hour: {', '.join(late[:6])}" if late else "all")


def _no_second_poll(around: str) -> Rule:
    """Nothing is asked sooner for a restart or a reload: within 15 minutes of the poll before."""

    def check(run: Run) -> Verdict:
        at = run.restarted_at if around == "restart" else run.reloaded_at
        soon = []
        for name in run.site.hosts:
            times = run.times(name)
            for sooner, later in itertools.pairwise(times):
                if sooner < at <= later and later - sooner < 14 * MINUTE:
                    soon.append(f"{name} after {(later - sooner) / 60:.0f} min")
        return Verdict(not soon, ", ".join(soon[:4]) or "none")

    return Rule(f"cadence/no second poll by a {around}", "must", check)


def _interval_min(run: Run) -> Verdict:
    """No feed address twice within interval_min, whatever happened."""
    soon = []
    for name in run.site.hosts.keys() - {"loop.test"}:
        gaps = run.gaps(name)
        if gaps and min(gaps) < 15 * MINUTE - 30:
            soon.append(f"{name} {min(gaps) / 60:.1f} min")
    return Verdict(not soon, ", ".join(soon[:5]) or "never")


def _spread(run: Run) -> Verdict:
    """The third polls of sixteen feeds that began together do not fall into ten minutes."""
    times = [
        times[2]
        for name in run.site.hosts
        if name.startswith("spread") and len(times := run.times(name)) > 2
    ]
    if len(times) < 10:
        return Verdict(False, f"only {len(times)} feeds were asked three times")
    width = max(times) - min(times)
    busiest = max(sum(at <= other < at + 60 for other in times) for at in times)
    return Verdict(
        width >= 6 * MINUTE and busiest <= len(times) / 2,
        f"over {width / 60:.0f} min, at most {busiest} of {len(times)} in a minute",
    )


def _rare(run: Run) -> Verdict:
    """A feed that brings one item a day, last at 23:00, is not asked every hour."""
    asked = len(run.times("daily.test"))
    return Verdict(0 < asked <= run.hours / 2 + 1, f"{asked} times in {run.hours:.0f} h")


def _daily(asked: Asked, before: Sequence[Exchange]) -> Answer:
    """An item a day at 23:00, the last one an hour before it is first asked."""
    newest = int((asked.at + HOUR) // DAY)
    items = [item("daily", day + 20, day * DAY - HOUR) for day in range(newest, -12, -1)]
    return Answer(200, (RSS_TYPE, ("ETag", f'"day{newest}"')), rss("daily", items))


SCENARIOS = (
    plain(
        "default",
        serve(Paper("default", every=HOUR / 3)),
        [_every("default", HOUR, 80 * MINUTE)],
    ),
    plain(
        "novalidators",
        serve(Paper("novalidators", every=HOUR / 3), without),
        [_every("novalidators", 23 * HOUR, 24 * HOUR)],
    ),
    plain(
        "novalidatorsasked",
        serve(Paper("novalidatorsasked", every=HOUR / 3), without),
        [_every("novalidatorsasked", 30 * MINUTE, 45 * MINUTE)],
        'interval = "30m"',
    ),
    plain(
        "asked",
        serve(Paper("asked", every=HOUR / 3)),
        [_every("asked", 20 * MINUTE, 32 * MINUTE)],
        'interval = "20m"',
    ),
    _said(
        "maxage20m", 20 * MINUTE, 45 * MINUTE, headers=[("Cache-Control", "public, max-age=1200")]
    ),
    _said("maxage60s", 15 * MINUTE, 80 * MINUTE, headers=[("Cache-Control", "max-age=60")]),
    _said("maxage3h", 3 * HOUR, 3.6 * HOUR, headers=[("Cache-Control", 'max-age="10800"')]),
    _said(
        "age",
        HOUR,
        1.7 * HOUR,
        headers=[("Cache-Control", "max-age=10800"), ("Age", "7200")],
    ),
    plain("expires", _expires(3 * HOUR), [_every("expires", 3 * HOUR, 3.6 * HOUR)]),
    plain(
        "on304",
        _on_304,
        [Rule("cadence/max-age on a 304 counts", "must", _on_304_rule)],
    ),
    _said("ttl180", 3 * HOUR, 3.6 * HOUR, channel="<ttl>180</ttl>"),
    _said("ttl30", 30 * MINUTE, 65 * MINUTE, channel="<ttl>30</ttl>"),
    _said(
        "sydaily",
        24 * HOUR,
        25 * HOUR,
        channel="<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>1</sy:updateFrequency>",
    ),
    _said(
        "sy6aday",
        4 * HOUR,
        4.8 * HOUR,
        channel="<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>6</sy:updateFrequency>",
    ),
    _said(
        "absurd",
        23 * HOUR,
        48 * HOUR,
        headers=[("Cache-Control", "max-age=99999999999999999999")],
        channel="<ttl>99999999</ttl>",
    ),
    _said(
        "absurdlow",
        HOUR,
        80 * MINUTE,
        headers=[("Cache-Control", "max-age=0, no-cache"), ("Expires", "0")],
        channel="<ttl>-5</ttl><sy:updatePeriod>secondly</sy:updatePeriod>",
    ),
    plain(
        "skiphours",
        serve(
            Paper(
                "skiphours",
                every=HOUR / 3,
                channel="<skipHours><hour>2</hour><hour>3</hour><hour>4</hour><hour>5</hour>"
                "</skipHours>",
            )
        ),
        [Rule("cadence/skipHours, in GMT", "must", _skip_hours)],
    ),
    plain(
        "skipdays",
        serve(
            Paper(
                "skipdays",
                every=HOUR / 3,
                channel="<skipDays><day>Monday</day><day>wednesday</day></skipDays>",
            )
        ),
        [Rule("cadence/skipDays, in GMT", "must", _skip_days)],
    ),
    plain(
        "daily",
        _daily,
        [Rule("cadence/its own rhythm makes polls rarer", "should", _rare)],
    ),
    *(plain(f"spread{n}", serve(Paper(f"spread{n}", every=HOUR / 2)), []) for n in range(16)),
    Scenario(
        "cadence",
        {},
        {},
        (
            Rule("cadence/one request at subscription", "must", _once_at_first, needs=0),
            Rule("cadence/all are asked at subscription", "must", _all_fetched_at_first, needs=0),
            Rule("cadence/never below interval_min", "must", _interval_min),
            _no_second_poll("restart"),
            _no_second_poll("reload"),
            Rule("cadence/feeds that began together spread", "must", _spread),
        ),
    ),
)
