from __future__ import annotations

from datetime import UTC, datetime

import pytest

from aggregator.web.negotiation import accepts_gzip, matching_tag, unchanged_since

WHEN = datetime(2021, 11, 24, 13, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "gzip"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("gzip, deflate, br", True),
        ("br", False),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*;q=0", False),
        ("gzip;q=0.5", True),
        ("gzip;q=0.5, identity;q=0.8", False),
        ("gzip;q=0.8, identity;q=0.8", True),
        ("identity", False),
        ("gzip;q=abc", False),
        (";;,,q=1", False),
    ],
)
def test_the_gzip_form_goes_to_who_prefers_it(header: str, gzip: bool) -> None:
    assert accepts_gzip(header) is gzip


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ('"a"', '"a"'),
        ('W/"a"', '"a"'),
        ('"x", "b"', '"b"'),
        ('"b","a"', '"a"'),
        ("*", '"a"'),
        ('"A"', None),
        ("a", None),
        ('"a', None),
        ('"ab"', None),
        ("", None),
    ],
)
def test_tags_are_compared_weakly_and_whole(header: str, found: str | None) -> None:
    assert matching_tag(header, ('"a"', '"b"')) == found


@pytest.mark.parametrize(
    ("header", "unchanged"),
    [
        ("Wed, 24 Nov 2021 13:05:00 GMT", True),
        ("Wed, 24 Nov 2021 13:05:01 GMT", True),
        ("Wed, 24 Nov 2021 13:04:59 GMT", False),
        ("Wed, 24 Nov 2021 13:05:00", True),
        ("yesterday", False),
        ("", False),
        ("Wed, 99 Nov 99999 13:05:00 GMT", False),
    ],
)
def test_a_date_is_compared_by_the_second(header: str, unchanged: bool) -> None:
    assert unchanged_since(header, WHEN) is unchanged
