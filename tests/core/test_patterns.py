from __future__ import annotations

import pickle
import time

import pytest

from aggregator.core.identity import UrlRule, canonical_url
from aggregator.core.patterns import BadPattern, Linear, compiled, linear


def test_a_users_pattern_takes_time_in_proportion_to_the_text() -> None:
    started = time.perf_counter()
    assert compiled(Linear(r"(a+)+b")).fullmatch("a" * 5_000) is None
    assert time.perf_counter() - started < 1


def test_a_pattern_of_a_user_stays_one_on_its_way_to_another_process() -> None:
    pattern = pickle.loads(pickle.dumps(Linear("(a+)+b")))
    assert isinstance(pattern, Linear)
    # the same letters as our own pattern are another pattern, whichever was compiled first
    assert type(compiled("(a+)+b")) is not type(compiled(pattern))


def test_what_is_no_pattern_is_told() -> None:
    with pytest.raises(BadPattern, match="missing"):
        linear("责编(")


def test_a_users_address_rule_works_as_ours_do() -> None:
    rule = UrlRule(Linear(r"^https://m\.x\.org/(?P<id>\d+)"), r"https://x.org/\g<id>")
    assert canonical_url("http://m.x.org/12?utm_source=a", (rule,)) == "https://x.org/12"
