"""Plain values as the text of a TOML file, in the form that config.toml has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import cast


def toml_text(tables: Mapping[str, object]) -> str:
    """Takes tables, and lists of tables, by name; None is left out. Gives TOML 1.0."""
    return "\n".join(_tables("", tables)).strip()


def _tables(prefix: str, values: Mapping[str, object]) -> Iterator[str]:
    for name, value in values.items():
        if _is_table(value):
            yield from ("", f"[{prefix}{_key(name)}]")
            yield from _table(f"{prefix}{_key(name)}.", cast(Mapping[str, object], value))
        elif isinstance(value, list) and value and all(_is_table(table) for table in value):
            for table in value:
                yield from ("", f"[[{prefix}{_key(name)}]]")
                yield from _table(f"{prefix}{_key(name)}.", table)


def _table(prefix: str, values: Mapping[str, object]) -> Iterator[str]:
    for name, value in values.items():
        if value is not None and not _is_table(value):
            yield f"{_key(name)} = {_value(value)}"
    yield from _tables(prefix, {name: value for name, value in values.items() if _is_table(value)})


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping)


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if bare else _value(name)


def _value(value: object) -> str:
    # JSON's strings, numbers, booleans and arrays are TOML's, but for this one control character
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
