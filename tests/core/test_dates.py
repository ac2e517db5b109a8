from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.dates import Dated, credible, parse_date, read_date, truest

SHANGHAI = "Asia/Shanghai"
NOW = datetime(2021, 8, 1, 12, tzinfo=UTC)


def utc(
    year: int,
    month: int,
    day: int,
    hour: int = 0,
    minute: int = 0,
    second: int = 0,
    microsecond: int = 0,
) -> datetime:
    return datetime(year, month, day, hour, minute, second, microsecond, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        # RFC 822 and RFC 5322
        ("Wed, 28 Jul 2021 21:05:25 GMT", utc(2021, 7, 28, 21, 5, 25)),
        ("Wed, 28 Jul 2021 21:05:25 +0800", utc(2021, 7, 28, 13, 5, 25)),
        ("Wed, 28 Jul 2021 21:05:25 +0000 (UTC)", utc(2021, 7, 28, 21, 5, 25)),
        ("28 Jul 21 9:05 EST", utc(2021, 7, 28, 14, 5)),
        ("1 Jul 99 09:05 Z", utc(1999, 7, 1, 9, 5)),
        ("Wednesday, 28 July 2021 21:05 PDT", utc(2021, 7, 29, 4, 5)),
        ("28-Jul-2021 21:05:25", utc(2021, 7, 28, 13, 5, 25)),
        # of an unknown zone nothing is known
        ("Wed, 28 Jul 2021 21:05:25 XYZ", utc(2021, 7, 28, 13, 5, 25)),
        # ISO 8601
        ("2021-07-28T21:05:25Z", utc(2021, 7, 28, 21, 5, 25)),
        ("2021-07-28t21:05:25z", utc(2021, 7, 28, 21, 5, 25)),
        ("2021-07-28T21:05:25.123456789+08:00", utc(2021, 7, 28, 13, 5, 25, 123456)),
        ("2021-07-28T21:05:25,5-0330", utc(2021, 7, 29, 0, 35, 25, 500000)),
        ("2021-07-28T21:05:25-05", utc(2021, 7, 29, 2, 5, 25)),
        ("2021-07-28 21:05", utc(2021, 7, 28, 13, 5)),
        ("2021-07-28", utc(2021, 7, 27, 16)),
        ("2021-07-28Z", utc(2021, 7, 28)),
        ("2021-07-28-05:00", utc(2021, 7, 28, 5)),
        ("20210728T210525Z", utc(2021, 7, 28, 21, 5, 25)),
        ("20210728", utc(2021, 7, 27, 16)),
        ("2021-07-28T24:00:00Z", utc(2021, 7, 29)),
        ("2016-12-31T23:59:60Z", utc(2016, 12, 31, 23, 59, 59)),
        # since 1970
        ("1627506325", utc(2021, 7, 28, 21, 5, 25)),
        ("1627506325123", utc(2021, 7, 28, 21, 5, 25, 123000)),
        # Chinese
        ("2021年7月28日 21:05", utc(2021, 7, 28, 13, 5)),
        ("2021年 7月 28日 下午9点05分30秒", utc(2021, 7, 28, 13, 5, 30)),
        ("2021年7月28日（星期三）12:05", utc(2021, 7, 28, 4, 5)),
        ("2021年7月28日 凌晨12:05", utc(2021, 7, 27, 16, 5)),
        ("2021年7月28日 中午12:05", utc(2021, 7, 28, 4, 5)),
        ("2021/07/28", utc(2021, 7, 27, 16)),
        ("2021-7-28 9:05", utc(2021, 7, 28, 1, 5)),
        ("２０２１－０７－２８　０９：０５", utc(2021, 7, 28, 1, 5)),
        # others
        ("July 28, 2021 9:05 PM EDT", utc(2021, 7, 29, 1, 5)),
        ("Wed Jul 28 21:05:25 2021", utc(2021, 7, 28, 13, 5, 25)),
        ("Wed Jul 28 21:05:25 UTC 2021", utc(2021, 7, 28, 21, 5, 25)),
    ],
)
def test_a_date_is_read(text: str, moment: datetime) -> None:
    assert parse_date(text, SHANGHAI) == moment
    assert parse_date(f"  {text}\n", SHANGHAI) == moment


@pytest.mark.parametrize(
    "text",
    [
        "", "昨天", "19 分钟前", "2021", "12", "2021-02-30", "2021-13-01", "2021-07-28T25:00:00Z",
        "Wed, 28 Jul 2021 21:99:00 GMT", "28/07/2021", "2021-07-28T21:05:25 and more", "Jul 2021",
        "9999-12-31T23:59:59-12:00", "0000-01-01", "1" * 11, "1" * 10_000,
        "2021-07-28T21:05:25+99:00",
    ],
)  # fmt: skip
def test_what_is_no_date_is_none(text: str) -> None:
    assert parse_date(text, SHANGHAI) is None


def test_cst_is_the_feeds_own_zone_if_it_is_called_so() -> None:
    text = "Wed, 28 Jul 2021 21:05:25 CST"
    assert parse_date(text, SHANGHAI) == utc(2021, 7, 28, 13, 5, 25)
    assert parse_date(text, "Europe/Paris") == utc(2021, 7, 29, 3, 5, 25)


def test_local_time_knows_summer_time() -> None:
    assert parse_date("2021-07-28 12:00", "Europe/Paris") == utc(2021, 7, 28, 10)
    assert parse_date("2021-01-28 12:00", "Europe/Paris") == utc(2021, 1, 28, 11)


@pytest.mark.parametrize("zone", ["", "No/Where", "..", "/etc/passwd", "Asia", "\0", "中国"])
def test_an_unknown_zone_counts_as_utc(zone: str) -> None:
    assert parse_date("2021-07-28 12:00", zone) == utc(2021, 7, 28, 12)


@given(st.text(max_size=120), st.text(max_size=20))
def test_any_text_gives_utc_or_none(text: str, zone: str) -> None:
    moment = parse_date(text, zone)
    assert moment is None or moment.utcoffset() == timedelta(0)


SHREDS = st.sampled_from(
    ["2021", "99", "-", ":", "28", "Jul", " ", "T", "年", "月", "日", "+", "08", "Z", "PM", "Wed, "]
)


@given(st.lists(SHREDS, max_size=20).map("".join))
def test_shreds_of_dates_give_utc_or_none(text: str) -> None:
    moment = parse_date(text, SHANGHAI)
    assert moment is None or moment.utcoffset() == timedelta(0)


# hypothesis wants its bounds without a zone
FIRST, LAST = utc(1990, 1, 2).replace(tzinfo=None), utc(2900, 1, 1).replace(tzinfo=None)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(FIRST, LAST, timezones=OFFSETS))
def test_what_python_writes_is_read_back(moment: datetime) -> None:
    assert parse_date(moment.isoformat(), SHANGHAI) == moment
    assert parse_date(format_datetime(moment), SHANGHAI) == moment.replace(microsecond=0)


@pytest.mark.parametrize(
    ("published", "believed"),
    [
        (None, None),
        (utc(2021, 7, 28), utc(2021, 7, 28)),
        (NOW, NOW),
        (NOW + timedelta(minutes=5), NOW),
        (NOW + timedelta(minutes=6), None),
        (NOW + timedelta(days=365), None),
        (utc(1989, 12, 31, 23, 59), None),
        (utc(1970, 1, 1), None),
        (utc(1990, 1, 1), utc(1990, 1, 1)),
    ],
)
def test_only_what_can_be_true_is_believed(
    published: datetime | None, believed: datetime | None
) -> None:
    assert credible(published, NOW) == believed


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("19 分钟前", utc(2021, 8, 1, 11, 41)),
        ("2小时前", utc(2021, 8, 1, 10)),
        ("半小时前", utc(2021, 8, 1, 11, 30)),
        ("3 天前", utc(2021, 7, 29, 12)),
        ("3 days ago", utc(2021, 7, 29, 12)),
        ("an hour ago", utc(2021, 8, 1, 11)),
        ("1 week ago", utc(2021, 7, 25, 12)),
        ("昨天 08:15", utc(2021, 7, 31, 0, 15)),
        ("昨天", utc(2021, 7, 30, 16)),
        ("今天 下午3:05", utc(2021, 8, 1, 7, 5)),
        ("前天 23:59", utc(2021, 7, 30, 15, 59)),
        ("yesterday 08:15", utc(2021, 7, 31, 0, 15)),
    ],
)
def test_relative_dates_are_counted_from_when_they_were_written(
    text: str, moment: datetime
) -> None:
    assert parse_date(text, SHANGHAI, NOW) == moment
    assert parse_date(text, SHANGHAI) is None


@pytest.mark.parametrize("text", ["分钟前", "9999999 天前", "昨天 25:00", "3 days", "ago", "前"])
def test_what_is_no_relative_date_is_none(text: str) -> None:
    assert parse_date(text, SHANGHAI, NOW) is None


@pytest.mark.parametrize(
    ("text", "precision"),
    [
        ("2021-07-28T21:05:25Z", timedelta(0)),
        ("2021-07-28 21:05", timedelta(minutes=1)),
        ("2021年 7月 28日", timedelta(days=1)),
        ("1627506325", timedelta(0)),
        ("19 分钟前", timedelta(minutes=1)),
        ("2小时前", timedelta(hours=1)),
        ("昨天", timedelta(days=1)),
    ],
)
def test_a_date_says_how_exact_it_is(text: str, precision: timedelta) -> None:
    assert read_date(text, "UTC", "body", NOW) == Dated(
        parse_date(text, "UTC", NOW) or NOW, "body", precision
    )


# --- which date is the true one ----------------------------------------------------------------


def feed(*moment: int) -> Dated:
    return Dated(utc(*moment), "feed")


def body(*moment: int, precision: timedelta = timedelta(0)) -> Dated:
    return Dated(utc(*moment), "body", precision)


def page(*moment: int) -> Dated:
    return Dated(utc(*moment), "page")


def test_the_feed_is_believed_before_body_and_page() -> None:
    candidates = [page(2021, 7, 1), body(2021, 7, 2), feed(2021, 7, 3)]
    assert truest(candidates, NOW) == feed(2021, 7, 3)
    assert truest(candidates[:2], NOW) == body(2021, 7, 2)
    assert truest(candidates[:1], NOW) == page(2021, 7, 1)
    assert truest([], NOW) == Dated(NOW, "seen")


def test_what_cannot_be_true_is_passed_over() -> None:
    assert truest([feed(2031, 1, 1), page(2021, 7, 1)], NOW) == page(2021, 7, 1)
    assert truest([feed(1970, 1, 1)], NOW) == Dated(NOW, "seen")


def test_when_a_mirror_came_by_loses_to_the_date_in_the_body() -> None:
    # feedx: 20 minutes late
    candidates = [feed(2021, 7, 28, 21, 25), body(2021, 7, 28, 21, 5, 25), page(2021, 7, 28, 21)]
    assert truest(candidates, NOW, crawled=True) == body(2021, 7, 28, 21, 5, 25)
    assert truest(candidates[:1], NOW, crawled=True) == feed(2021, 7, 28, 21, 25)


def test_a_day_in_the_body_leaves_the_mirrors_hour_of_that_day() -> None:
    day = body(2021, 7, 28, precision=timedelta(days=1))
    assert truest([feed(2021, 7, 28, 21), day], NOW, crawled=True) == feed(2021, 7, 28, 21)
    assert truest([feed(2021, 7, 30, 21), day], NOW, crawled=True) == day


def test_a_mislabelled_clock_is_put_right_where_another_date_shows_it() -> None:
    # guancha: 21:05 in Beijing, labelled GMT
    said, true = feed(2021, 7, 28, 21, 5), feed(2021, 7, 28, 13, 5)
    for other in (page(2021, 7, 28, 13, 5, 30), body(2021, 7, 28, 12, 50)):
        assert truest([said, other], NOW, mislabelled=SHANGHAI) == true
        assert truest([said, other], NOW) == said


def test_a_clock_that_is_right_stays_though_it_may_be_mislabelled() -> None:
    said = feed(2021, 7, 28, 13, 5)
    assert truest([said, page(2021, 7, 28, 13, 4)], NOW, mislabelled=SHANGHAI) == said
    assert truest([said, page(2021, 7, 28)], NOW, mislabelled=SHANGHAI) == said
    assert truest([said], NOW, mislabelled=SHANGHAI) == said
    day = body(2021, 7, 28, precision=timedelta(days=1))
    assert truest([said, day], NOW, mislabelled=SHANGHAI) == said


def test_a_mislabelled_clock_that_runs_ahead_of_us_needs_no_other_date() -> None:
    assert truest([feed(2021, 8, 1, 19)], NOW, mislabelled=SHANGHAI) == feed(2021, 8, 1, 11)
    # not even the other clock makes this true
    assert truest([feed(2021, 8, 3)], NOW, mislabelled=SHANGHAI) == Dated(NOW, "seen")


moments = st.datetimes(datetime(1980, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


@given(
    st.lists(st.builds(Dated, moments, st.sampled_from(["feed", "body", "page"]))),
    st.booleans(),
    st.sampled_from(["", SHANGHAI]),
)
def test_the_truest_date_is_never_after_it_was_seen_nor_before_the_web(
    candidates: list[Dated], crawled: bool, mislabelled: str
) -> None:
    found = truest(candidates, NOW, crawled, mislabelled)
    assert utc(1989, 12, 31) < found.at <= NOW
