"""What is wrong with a feed, and what is said to be done about it."""

from __future__ import annotations

from typing import get_args

import pytest

from aggregator.core.faults import HINTS, SET_ASIDE, UNKNOWN_FAULT_HINT, fault_of, hint_for
from aggregator.errors import FetchError, NotAFeed, Quarantined, WorkerError, WorkersGone
from aggregator.store.quarantine import Part


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (401, "http_401"),
        (403, "http_403"),
        (404, "http_404"),
        (410, "http_410"),
        (429, "http_429"),
        (500, "http_5xx"),
        (503, "http_5xx"),
        (599, "http_5xx"),
        (418, "http_status"),
        (300, "http_status"),
    ],
)
def test_http_statuses_are_told_apart(status: int, fault: str) -> None:
    error = FetchError(
        "http_status", f"the server answered {status} Oh", "https://a.example/404", "", status
    )
    assert fault_of(error.kind, str(error)) == fault


def test_a_status_is_not_read_out_of_an_address() -> None:
    assert fault_of("http_status", "https://a.example/404?answered=404: strange") == "http_status"
    assert fault_of("timeout", "https://a.example: the server answered 404") == "timeout"


def test_an_address_that_is_gone_is_as_after_a_410() -> None:
    assert fault_of("gone", "") == "http_410"


def test_every_kind_of_error_has_its_own_hint() -> None:
    documented = "dns connect tls timeout too_large redirect protocol blocked_address robots held"
    shell = (NotAFeed.kind, WorkerError.kind, WorkersGone.kind, Quarantined.kind, "bug", "behind")
    kinds = [*documented.split(), "busy", *shell]
    hints = [hint_for(kind, "") for kind in kinds]
    assert UNKNOWN_FAULT_HINT not in hints
    assert len(set(hints)) == len(kinds)
    assert len(set(HINTS.values())) == len(HINTS)


def test_all_that_is_set_aside_has_its_own_hint() -> None:
    assert SET_ASIDE.keys() == {*get_args(Part)}
    assert len(set(SET_ASIDE.values())) == len(SET_ASIDE)


def test_an_error_of_an_unknown_kind_leads_to_the_log() -> None:
    assert hint_for("new_kind", "strange") == UNKNOWN_FAULT_HINT
