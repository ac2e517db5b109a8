"""How long a server says that an answer stays fresh."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.freshness import LONGEST_FRESHNESS, freshness

RECEIVED = datetime(2021, 11, 24, 12, 0, tzinfo=UTC)
NOON = "Wed, 24 Nov 2021 12:00:00 GMT"
ONE = "Wed, 24 Nov 2021 13:00:00 GMT"
HOUR = timedelta(hours=1)


def fresh(**headers: str) -> float | None:
    """In seconds; names with an underscore for the hyphen."""
    found = freshness({name.replace("_", "-"): text for name, text in headers.items()}, RECEIVED)
    return None if found is None else found.total_seconds()


@pytest.mark.parametrize(
    ("cache_control", "seconds"),
    [
        ("max-age=1800", 1800),
        ("public, max-age=1800, s-maxage=60", 1800),
        ("MAX-AGE=1800", 1800),
        ('max-age="1800"', 1800),
        (" max-age = 1800 ,must-revalidate", 1800),
        ("no-cache, max-age=1800", 1800),
        ("max-age=60, max-age=1800", 60),
        ('no-cache="set-cookie, max-age=5", max-age=1800', 1800),
        ("public; max-age=1800", 1800),
        ("max-age=0001800", 1800),
        ("max-age=99999999999999999999", LONGEST_FRESHNESS.total_seconds()),
        (f"max-age={'9' * 50_000}", LONGEST_FRESHNESS.total_seconds()),
        ("max-age=4294967296", LONGEST_FRESHNESS.total_seconds()),
        (f"max-age={'0' * 50_000}7", 7),
    ],
)
def test_max_age_is_the_servers_word(cache_control: str, seconds: float) -> None:
    assert fresh(cache_control=cache_control) == seconds


@pytest.mark.parametrize(
    "cache_control",
    [
        "",
        "no-cache",
        "no-store",
        "must-revalidate",
        "private, no-cache, no-store, must-revalidate",
        "s-maxage=3600",
        "stale-while-revalidate=3600",
        "x-max-age=3600",
        'ext="max-age=3600"',
        "max-age=0",
        "max-age=-1",
        "max-age",
        "max-age=",
        "max-age=soon",
        "max-age=3600.5",
        "max-age=1e9",
        "max-age=３６００",
        'max-age="3600',
        '"""=,=;,"\\',
    ],
)
def test_what_says_nothing_invites_to_nothing(cache_control: str) -> None:
    assert fresh(cache_control=cache_control) is None


def test_age_is_taken_off_and_what_is_stale_by_then_says_nothing() -> None:
    assert fresh(cache_control="max-age=1800", age="600") == 1200
    assert fresh(cache_control="max-age=1800", age="600, 700") == 1200
    assert fresh(cache_control="max-age=1800", age="1800") is None
    assert fresh(cache_control="max-age=1800", age="9" * 5000) is None
    assert fresh(date=NOON, expires=ONE, age="600") == 3000
    for odd in ("-5", "soon", "", "1.5"):
        assert fresh(cache_control="max-age=1800", age=odd) == 1800


@pytest.mark.parametrize(
    "expires",
    [ONE, "Wednesday, 24-Nov-21 13:00:00 GMT", "Wed Nov 24 13:00:00 2021"],
    ids=["fixdate", "rfc850", "asctime"],
)
def test_expires_counts_from_date_in_each_of_the_three_forms(expires: str) -> None:
    assert fresh(date=NOON, expires=expires) == 3600


def test_expires_counts_by_the_servers_clock_and_by_ours_where_it_has_none() -> None:
    wrong = "Wed, 24 Nov 2021 12:40:00 GMT"
    assert fresh(date=wrong, expires=ONE) == 1200
    assert fresh(expires=ONE) == 3600
    assert fresh(date="today", expires=ONE) == 3600


@pytest.mark.parametrize(
    "expires",
    ["0", "-1", "", "never", NOON, "Thu, 01 Jan 1970 00:00:00 GMT", "1700000000",
     "Wed, 99 Nov 2021 13:00:00 GMT", "Thu, 01 Jan 2024 00:00:00 +99999999999999999999"],
)  # fmt: skip
def test_what_has_expired_says_nothing(expires: str) -> None:
    assert fresh(date=NOON, expires=expires) is None


def test_max_age_wins_over_expires_even_unreadable() -> None:
    assert fresh(cache_control="max-age=60", date=NOON, expires=ONE) == 60
    assert fresh(cache_control="max-age=0", date=NOON, expires=ONE) is None
    assert fresh(cache_control="max-age=soon", date=NOON, expires=ONE) is None
    assert fresh(cache_control="public", date=NOON, expires=ONE) == 3600


@given(
    st.dictionaries(
        st.sampled_from(["cache-control", "expires", "date", "age"]),
        st.text() | st.sampled_from([NOON, ONE]) | st.from_regex(r"(max-age=?\"?-?\d*,? ?){1,3}"),
    )
)
def test_whatever_the_headers_it_is_above_zero_or_nothing(headers: dict[str, str]) -> None:
    found = freshness(headers, RECEIVED)
    assert found is None or timedelta(0) < found
