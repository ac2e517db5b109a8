"""The mistakes of a config.toml, found and put into plain words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Protocol

from pydantic_core import ErrorDetails

from aggregator.config import values
from aggregator.config.toml_lines import KeyPath, line_of

Mistake = tuple[KeyPath, str, str]
"""The key, what is wrong with it, and what to do about it."""


class Intervals(Protocol):
    """The defaults of the intervals of `[fetch]`."""

    @property
    def interval(self) -> timedelta: ...
    @property
    def interval_min(self) -> timedelta: ...
    @property
    def interval_max(self) -> timedelta: ...


def dotted(path: KeyPath) -> str:
    """A key as it is written in TOML, without the indexes: its line tells which one it is."""
    names = [part for part in path if isinstance(part, str)]
    return ".".join(
        name if re.fullmatch(r"[\w-]+", name) else values.described(name) for name in names
    )


# --- keys that are right by themselves and wrong together --------------------------------------


def contradictions(
    document: Mapping[str, object], lines: Mapping[KeyPath, int], defaults: Intervals
) -> Iterator[Mistake]:
    """What no single key can tell, in a file whose single keys may be wrong as well."""
    yield from _repeated_ids(document, "feeds", lines)
    yield from _repeated_ids(document, "topics", lines)
    yield from _feeds_without_one_address(document)
    yield from _intervals_out_of_order(document, defaults)


def _repeated_ids(
    document: Mapping[str, object], kind: str, lines: Mapping[KeyPath, int]
) -> Iterator[Mistake]:
    first_with: dict[str, int] = {}
    for index, table in _tables(document, kind):
        name = table.get("id")
        if not isinstance(name, str):
            continue
        first = first_with.setdefault(name.casefold(), index)
        if first != index:
            line = line_of(lines, (kind, first))
            what = f"{values.described(name)} is already the id of the table on line {line}"
            yield (kind, index), what, "choose another id"


def _feeds_without_one_address(document: Mapping[str, object]) -> Iterator[Mistake]:
    for index, feed in _tables(document, "feeds"):
        if "url" in feed and "urls" in feed:
            yield ("feeds", index, "urls"), "both url and urls are given", "keep one of them"
        elif "url" not in feed and "urls" not in feed:
            yield ("feeds", index, "url"), "missing", "add url, or urls = [first, second]"


def _intervals_out_of_order(
    document: Mapping[str, object], defaults: Intervals
) -> Iterator[Mistake]:
    fetch = document.get("fetch")
    if not isinstance(fetch, dict):
        return
    lengths = {
        "interval_min": defaults.interval_min,
        "interval": defaults.interval,
        "interval_max": defaults.interval_max,
    }
    for name in lengths:
        try:
            lengths[name] = values.duration(fetch[name]) if name in fetch else lengths[name]
        except values.Wrong:
            return  # reported where it stands
    for shorter, longer in (("interval_min", "interval"), ("interval", "interval_max")):
        if lengths[shorter] <= lengths[longer]:
            continue
        key, other = (longer, shorter) if longer in fetch else (shorter, longer)
        relation = "shorter" if key == longer else "longer"
        length, limit = values.duration_text(lengths[key]), values.duration_text(lengths[other])
        default = "" if other in fetch else ", its default"
        what = f'"{length}" is {relation} than {other}, "{limit}"{default}'
        yield ("fetch", key), what, "interval_min <= interval <= interval_max"


def _tables(document: Mapping[str, object], kind: str) -> Iterator[tuple[int, dict[str, object]]]:
    tables = document.get(kind)
    for index, table in enumerate(tables if isinstance(tables, list) else ()):
        if isinstance(table, dict):
            yield index, table


# --- what the tables' models found -------------------------------------------------------------


def in_plain_words(details: ErrorDetails, known: Mapping[str, tuple[str, ...]]) -> Mistake:
    """One of pydantic's errors; `known` has the keys of every table, of the file under ""."""
    loc = details["loc"]
    path = loc[:-1] if loc[-1:] == ("[key]",) else loc
    value = details["input"]
    got = values.described(value)
    match details["type"]:
        case "value_error":
            error = details["ctx"]["error"]
            if isinstance(error, values.Wrong):
                return path, error.what, error.hint
        case "missing":
            return path, "missing", ""
        case "extra_forbidden":
            return _unknown_key(path, value, known)
        case "model_type" | "dict_type" if path[:1] in (("feeds",), ("topics",)) and len(path) < 3:
            return path, f"expected [[{dotted(path)}]] tables, got {got}", ""
        case "model_type" | "dict_type":
            hint = "one pair of brackets, not two" if isinstance(value, list) else ""
            return path, f"expected a [{dotted(path)}] table, got {got}", hint
        case "tuple_type" if path in (("feeds",), ("topics",)):
            hint = "two pairs of brackets, not one" if isinstance(value, dict) else ""
            return path, f"expected [[{dotted(path)}]] tables, got {got}", hint
        case "too_short":
            return path, "the list is empty", "it needs one at least"
        case "tuple_type":
            return path, f"expected a list in brackets, got {got}", ""
    return path, details["msg"], ""


def _unknown_key(path: KeyPath, value: object, known: Mapping[str, tuple[str, ...]]) -> Mistake:
    *above, name = (part for part in path if isinstance(part, str))
    here = known[".".join(above)]
    homes = [table for table, keys in known.items() if table and name in keys]
    if homes and not difflib.get_close_matches(name[:64], here, n=1):
        hint = f"it belongs into [{homes[0]}]"
    else:
        hint = values.nearest(name, here)
    return path, "unknown table" if isinstance(value, dict) else "unknown key", hint
