from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.config.toml_lines import KeyPath, key_lines, line_of

ROOT = Path(__file__).parents[2]

EVERY_SHAPE = r'''# comment with [a.table] and key = 1
plain = 1
"quo.ted"."in two" . parts = 'x'   # "
"esc\u0061ped" = true

[table] # comment ]
basic = "a # ] } \" , b"
literal = 'C:\'
long = """
not = "a key"
[not.a.table] \""" still in
it"""""
long_literal = \'\'\'
\'\'\'\'\'
list = [ # [
  1, "two ]",
  [3,
   4], {a = 1, b.c = [5,
   6]},
]
when = 1979-05-27 07:32:00
inline = { x = "}", "y" = 2 }

[[feeds]]
id = "first"
[feeds.extra]
deep = 1
[[feeds]]
id = "second"
[[feeds.inner]]
k = 1
[[feeds.inner]]
k = 2
'''.replace(r"\'", "'")


def paths_in(value: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    if path:
        yield path
    pairs: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    for key, inner in pairs:
        yield from paths_in(inner, (*path, key))


@pytest.mark.parametrize(
    ("path", "beginning"),
    [
        (("plain",), "plain ="),
        (("quo.ted", "in two", "parts"), '"quo.ted"'),
        (("escaped",), '"esc'),
        (("table",), "[table]"),
        (("table", "long"), "long ="),
        (("table", "list"), "list ="),
        (("table", "list", 1), '  1, "two ]"'),
        (("table", "list", 2, 1), "   4]"),
        (("table", "list", 3, "b", "c", 1), "   6]}"),
        (("table", "inline", "y"), "inline ="),
        (("feeds", 0, "extra", "deep"), "deep ="),
        (("feeds", 1, "id"), 'id = "second"'),
        (("feeds", 1, "inner", 1, "k"), "k = 2"),
    ],
)
def test_a_key_is_on_the_line_where_it_is_written(path: KeyPath, beginning: str) -> None:
    line = key_lines(EVERY_SHAPE)[path]
    assert EVERY_SHAPE.split("\n")[line - 1].startswith(beginning)


@pytest.mark.parametrize("name", ["pyproject.toml", "config.toml", "tests/data/config/bad.toml"])
def test_every_path_of_a_real_file_has_a_line_and_no_other_has(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert set(key_lines(text)) == set(paths_in(tomllib.loads(text)))


def test_every_path_of_every_shape_has_a_line_and_no_other_has() -> None:
    for text in (EVERY_SHAPE, EVERY_SHAPE.replace("\n", "\r\n")):
        assert set(key_lines(text)) == set(paths_in(tomllib.loads(text)))


def test_a_key_that_is_missing_is_looked_for_at_its_table() -> None:
    lines = key_lines('[[feeds]]\nid = "a"\n[[feeds]]\nurl = ""\n')
    assert line_of(lines, ("feeds", 1, "id")) == 3
    assert line_of(lines, ("topics", 0, "id")) == 0


VALUES = st.one_of(
    st.just("1"),
    st.just("'[#]'"),
    st.just('"\\\\"'),
    st.just('"""\n"" [[x]]\n\\"" # = """""'),
    st.just("'''\n\\''''"),
    st.just("{ a = 1, b.c = [ {} ] }"),
    st.just("1979-05-27"),
)
LISTS = st.lists(VALUES, max_size=3).map(lambda items: "[ # [\n" + ",\n\n".join(items) + "\n ]")
STATEMENTS = st.one_of(
    st.tuples(st.sampled_from(["K = ", '"k.K" . x = ', "K.'K' = "]), VALUES | LISTS).map("".join),
    st.sampled_from(["[K]", "[ t . K ] # [", "[[K]]", "# K = [", "", "  \t"]),
)


@given(st.lists(STATEMENTS, max_size=12))
def test_whatever_stands_between_a_key_is_found_on_its_own_line(statements: list[str]) -> None:
    numbered = [text.replace("K", f"key{index}") for index, text in enumerate(statements)]
    text = "\n".join(numbered)
    lines = key_lines(text)
    assert set(lines) == set(paths_in(tomllib.loads(text)))
    line = 1
    for index, statement in enumerate(numbered):
        own = [at for path, at in lines.items() if f"key{index}" in path[-1:]]
        assert all(at == line for at in own)
        line += statement.count("\n") + 1
