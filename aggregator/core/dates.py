"""Dates as feeds and pages write them, read into aware UTC."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

Origin = Literal["feed", "body", "page", "seen"]
"""Who says it: the feed, a line inside the body, the page; or when the entry was first seen."""

LONGEST = 100
"""Characters; a longer text is no date."""

SKEW = timedelta(minutes=5)
"""How far a publisher's clock may be ahead of ours before its dates are no longer believed."""

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Before the web: a zero, a default or a two-digit year gone wrong."""

SAME_MOMENT = timedelta(hours=1)
"""Within this two dates mean one publication: a page is dated when it is written, a feed later."""

DAY = timedelta(days=1)

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

ZONE_HOURS = {
    "ut": 0, "utc": 0, "gmt": 0, "z": 0, "wet": 0,
    "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
    "bst": 1, "west": 1, "cet": 1, "mez": 1, "cest": 2, "mesz": 2, "eet": 2, "eest": 3, "msk": 3,
    "hkt": 8, "sgt": 8, "awst": 8, "jst": 9, "kst": 9, "aest": 10, "aedt": 11, "nzst": 12,
    "nzdt": 13, "akst": -9, "akdt": -8, "hst": -10,
}  # fmt: skip
"""RFC 822 section 5.1, and those that are common and mean one thing. The military letters are
not here: RFC 5322 section 4.3 has them carry no information."""

_COMMENT = re.compile(r"\([^()]*\)")
_CHINESE_WEEKDAY = re.compile(r"(?:星期|周|週|礼拜|禮拜)[一二三四五六日天]")
_EPOCH = re.compile(r"(\d{10})(?:\.\d+)?\Z|(\d{13})\Z")
_MONTH = rf"(?P<name>{'|'.join(MONTHS)})[a-z]*\.?"
_CALENDARS = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        r"(?P<year>\d{4})\s*[-/.年]\s*(?P<month>\d{1,2})\s*[-/.月]\s*(?P<day>\d{1,2})(?!\d)\s*日?",
        r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)(?:(?!\d)|(?=\d{4}(?:\d\d)?\b))",
        rf"(?:[a-z]+[.,]?\s*)?(?P<day>\d{{1,2}})[-\s.]\s*{_MONTH}[-\s,]\s*(?P<year>\d{{2,4}})(?!\d)",
        rf"(?:[a-z]+[.,]?\s*)?{_MONTH}\s*(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}})",
        rf"(?:[a-z]+[.,]?\s*)?{_MONTH}\s+(?P<day>\d{{1,2}})(?=\s+[\d:]+\s+(?:[a-z]+\s+)?\d{{4}}\Z)",
    )
)
_CLOCK = re.compile(
    r"(?:[\sT,·|]|-(?!\d))*(?P<half>上午|早上|凌晨|中午|下午|傍晚|晚上)?\s*"
    r"(?:(?P<hour>\d{1,2})(?:\s*[:.时時点點]\s*|(?=\d{4}))(?P<minute>\d{1,2})"
    r"(?:\s*[:.分]?\s*(?P<second>\d{2})(?:[.,](?P<fraction>\d+))?)?\s*[分秒]?"
    r"\s*(?P<meridiem>[ap]\.?m\b\.?)?)?"
    r"\s*(?:(?P<zone>[a-z]{1,5})?\s*(?P<offset>[+-]\d{1,2}(?::?\d{2})?)?)?"
    r"(?:\s+(?P<year>\d{4}))?\s*",
    re.I,
)


_AGO = re.compile(
    r"(?P<count>\d{1,4}|an?|半)\s*个?\s*(?:"
    r"(?P<second>秒钟?|sec(?:ond)?s?)|(?P<minute>分钟|分鐘|min(?:ute)?s?)"
    r"|(?P<hour>小时|小時|钟头|h(?:ou)?rs?|hours?)|(?P<day>天|days?)|(?P<week>周|週|星期|weeks?)"
    r")\s*(?:之?前|ago)",
    re.I,
)
_AGO_UNITS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": DAY,
    "week": timedelta(weeks=1),
}
_DAYS_BACK = {
    "今天": 0, "今日": 0, "today": 0, "昨天": 1, "昨日": 1, "yesterday": 1, "前天": 2, "前日": 2,
}  # fmt: skip
_DAY_BACK = re.compile(rf"(?P<day>{'|'.join(_DAYS_BACK)})", re.I)


@dataclass(frozen=True, slots=True)
class Dated:
    """A date and whose word it is. It means some moment from `at` on, before `at + precision`:
    "3 hours ago" is said for an hour, a date without a time for a day.
    """

    at: datetime
    origin: Origin
    precision: timedelta = timedelta(0)


def parse_date(text: str, timezone: str, now: datetime | None = None) -> datetime | None:
    """The moment a text names, None if it cannot be read. As `read_date`, without the precision."""
    dated = read_date(text, timezone, "feed", now)
    return dated.at if dated else None


def read_date(
    text: str, timezone: str, origin: Origin, now: datetime | None = None
) -> Dated | None:
    """The moment a text names, None if it cannot be read.

    Takes RFC 822 dates (with RFC 5322's obsolete forms), ISO 8601, `date`'s and the Chinese
    forms, with English month names, and seconds or milliseconds since 1970. Where the text has
    no zone, or an unknown one, it is local time in `timezone`, an IANA name (an unknown name
    counts as UTC). A date without a time is the beginning of that day.

    With `now`, when the text was written, also relative dates: `19 分钟前`, `昨天 08:15`,
    `3 days ago`.
    """
    text = unicodedata.normalize("NFKC", text[: LONGEST + 1]).strip()
    if not text or len(text) > LONGEST:
        return None
    text = _CHINESE_WEEKDAY.sub("", _COMMENT.sub("", text)).strip()
    local = _zone_info(timezone)
    try:
        if moment := _epoch(text):
            return Dated(moment, origin)
        return _calendar(text, local, origin) or (
            _relative(text, local, origin, now) if now else None
        )
    except (ValueError, OverflowError):
        return None


def credible(published: datetime | None, now: datetime) -> datetime | None:
    """`published`, never later than `now`; None where it cannot be true: before 1990, or more
    than 5 minutes ahead, which is more than clocks differ by.
    """
    if published is None or published < EARLIEST or published > now + SKEW:
        return None
    return min(published, now)


def truest(
    candidates: Iterable[Dated], seen: datetime, crawled: bool = False, mislabelled: str = ""
) -> Dated:
    """Of what feed, body and page say, when the article was published; never after `seen`, when
    its entry was seen first, which is the answer where nobody can be believed.

    The feed is believed first. With `crawled` its date is when a mirror came by, so that what
    stands in the body, then on the page, goes before; a date of a whole day only, if the feed's
    lies in that day, leaves it as it is. `mislabelled` is an IANA zone whose local time the feed
    may call GMT: its date is taken as local time if another says so, or if it would otherwise
    lie in the future.
    """
    said = {dated.origin: dated for dated in candidates}
    others = [
        dated
        for origin in ("body", "page")
        if (dated := said.get(origin)) and credible(dated.at, seen)
    ]
    feed = said.get("feed")
    if feed and mislabelled:
        feed = _relabelled(feed, others, seen, mislabelled)
    if feed and not credible(feed.at, seen):
        feed = None
    order = [*others, feed] if crawled else [feed, *others]
    best = next((dated for dated in order if dated), None)
    if best is None:
        return Dated(seen, "seen")
    if feed and best.at <= feed.at < best.at + best.precision:
        best = feed
    return Dated(min(best.at, seen), best.origin, best.precision)


def _relabelled(feed: Dated, others: list[Dated], seen: datetime, zone: str) -> Dated:
    """The feed's date with its clock read as local time in `zone`, if that is what it shows."""
    clock = feed.at.astimezone(UTC).replace(tzinfo=_zone_info(zone))
    local = Dated(clock.astimezone(UTC), feed.origin, feed.precision)
    for other in others:
        if other.precision >= DAY:
            continue  # both clocks may lie in that day
        if abs(other.at - feed.at) <= abs(other.at - local.at):
            return feed
        return local if abs(other.at - local.at) <= SAME_MOMENT else feed
    ahead = feed.at > seen + SKEW
    return local if ahead and credible(local.at, seen) else feed


def _epoch(text: str) -> datetime | None:
    match = _EPOCH.match(text)
    if not match:
        return None
    seconds, milliseconds = match.groups()
    since = (
        timedelta(seconds=int(seconds)) if seconds else timedelta(milliseconds=int(milliseconds))
    )
    return datetime(1970, 1, 1, tzinfo=UTC) + since


def _relative(text: str, local: tzinfo, origin: Origin, now: datetime) -> Dated | None:
    if ago := _AGO.fullmatch(text):
        unit = next(unit for unit in _AGO_UNITS if ago[unit])
        length = _AGO_UNITS[unit]
        count = ago["count"].lower()
        back = length / 2 if count == "半" else length * (int(count) if count.isdigit() else 1)
        return Dated(now - back, origin, length)
    if not (day := _DAY_BACK.match(text)) or not (clock := _CLOCK.fullmatch(text, day.end())):
        return None
    midnight = now.astimezone(local).replace(
        hour=0, minute=0, second=0, microsecond=0, tzinfo=None
    ) - timedelta(days=_DAYS_BACK[day["day"].lower()])
    return Dated(_at(midnight, clock, local), origin, _precision(clock))


def _precision(clock: re.Match[str]) -> timedelta:
    if clock["hour"] is None:
        return DAY
    return timedelta(0) if clock["second"] else timedelta(minutes=1)


def _calendar(text: str, local: tzinfo, origin: Origin) -> Dated | None:
    for calendar in _CALENDARS:
        if not (date := calendar.match(text)):
            continue
        parts = date.groupdict()
        month = (
            MONTHS.index(parts["name"].lower()) + 1 if parts.get("name") else int(parts["month"])
        )
        clock = _CLOCK.fullmatch(text, date.end())
        year = parts.get("year") or (clock and clock["year"])
        if not clock or not year:
            continue
        day = datetime(_full_year(year), month, int(parts["day"]))  # noqa: DTZ001 the zone follows
        return Dated(_at(day, clock, local), origin, _precision(clock))
    return None


def _full_year(text: str) -> int:
    """RFC 5322 section 4.3: 00 to 49 is this century, other short years count from 1900."""
    year = int(text)
    if len(text) == 4:
        return year
    return year + 2000 if len(text) == 2 and year < 50 else year + 1900


def _at(day: datetime, clock: re.Match[str], local: tzinfo) -> datetime:
    time = timedelta(
        hours=_hour(clock),
        minutes=_below(int(clock["minute"] or 0), 60),
        seconds=min(_below(int(clock["second"] or 0), 61), 59),  # :60 is a leap second
        microseconds=int((clock["fraction"] or "")[:6].ljust(6, "0")),
    )
    moment = day + time
    return moment.replace(tzinfo=_zone(clock, moment, local)).astimezone(UTC)


def _hour(clock: re.Match[str]) -> int:
    hour = _below(int(clock["hour"] or 0), 25)
    half, meridiem = clock["half"] or "", (clock["meridiem"] or "").lower()
    if hour < 12 and (half in ("下午", "傍晚", "晚上") or meridiem.startswith("p")):
        return hour + 12
    if half == "中午" and hour < 3:
        return hour + 12
    if hour == 12 and (half in ("凌晨", "早上", "上午") or meridiem.startswith("a")):
        return 0
    return hour


def _below(number: int, limit: int) -> int:
    if number >= limit:
        raise ValueError(f"{number} is no part of a time")
    return number


def _zone(clock: re.Match[str], moment: datetime, local: tzinfo) -> tzinfo:
    name, offset = (clock["zone"] or "").lower(), clock["offset"]
    if offset:
        digits = offset[1:].replace(":", "")
        hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")
        since = timedelta(hours=int(hours), minutes=_below(int(minutes), 60))
        return timezone(-since if offset[0] == "-" else since)
    # the feed's own zone first: CST is Chicago's in RFC 822, and Shanghai's in Shanghai
    if name == (moment.replace(tzinfo=local).tzname() or "").lower() or name not in ZONE_HOURS:
        return local
    return timezone(timedelta(hours=ZONE_HOURS[name]))


def _zone_info(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, not a name, a folder of names
        return UTC
