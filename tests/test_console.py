"""What a person reads: tables, spans of time, TOML."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.console import Table, ago, print_json, print_tables
from aggregator.toml_text import toml_text

NOW = datetime(2021, 8, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (None, "never"),
        (NOW, "now"),
        (NOW - timedelta(seconds=40), "40 s ago"),
        (NOW - timedelta(minutes=5), "5 min ago"),
        (NOW + timedelta(hours=2), "in 2 h"),
        (NOW + timedelta(days=3), "in 3 d"),
    ],
)
def test_a_moment_is_told_by_its_distance(moment: datetime | None, words: str) -> None:
    assert ago(moment, NOW) == words


def test_a_piped_table_is_lines_of_tabs(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("x\ty\nz", 1), ("\x1b[31mred\x07", "[bold]")]
    print_tables([Table("T", ("a", "b"), rows)])
    assert capsys.readouterr().out == "a\tb\nx y z\t1\n[31mred\t[bold]\n"


def test_json_keeps_every_text(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"title": "塔利班 \u2028 \x1b", "moment": NOW}
    print_json(value)
    assert json.loads(capsys.readouterr().out) == {**value, "moment": str(NOW)}


plain = st.text(st.characters(blacklist_categories=("Cs",)))
simple = plain | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.lists(plain)
table = st.dictionaries(plain, simple | st.dictionaries(plain, simple), max_size=4)


@given(st.dictionaries(plain, table | st.lists(table, min_size=1), max_size=4))
def test_toml_that_is_written_reads_back_the_same(values: dict[str, object]) -> None:
    assert tomllib.loads(toml_text(values)) == values
