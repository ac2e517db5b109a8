"""The front matter of Hexo and Jekyll posts, in the one shape that archiving tools write:
read by `split_front_matter`, written by `format_front_matter`.

    ---
    title: 'text'          quoted with ' or ", or plain
    categories:            a block list, or [a, b]
     - text
    ---

The tools paste titles between quotes without escaping them, so some of these
files are not YAML: a quoted value ends at the last quote of its line, not at the first.
What is written here is YAML 1.2 as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

FENCE = "---"

_KEY = re.compile(r"([A-Za-z_][\w-]*):(?:\s+(.*))?\Z")
_BLOCK_ITEM = re.compile(r"\s*-\s+(.*)\Z")
_FLOW_ITEM = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^,]*?)\s*(?:,|\Z)""")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
_PLAIN = re.compile(r"[A-Za-z][\w-]*\Z", re.ASCII)
_YAML_WORDS = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n"))
_UNQUOTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
"""What YAML has only as an escape (YAML 1.2 section 5.1), or what ends a line for some."""


class FrontMatterError(ValueError):
    """Says what is wrong, and in which line of the text."""


@dataclass(frozen=True, slots=True)
class FrontMatter:
    values: Mapping[str, str]
    lists: Mapping[str, tuple[str, ...]]
    rest: str
    """What follows the front matter, as given."""

    def text(self, key: str) -> str:
        return self.values.get(key, "").strip()

    def items(self, key: str) -> tuple[str, ...]:
        """The list under `key`; of a single value, a list of one."""
        if key in self.lists:
            return self.lists[key]
        return (self.text(key),) if self.text(key) else ()


def split_front_matter(text: str) -> FrontMatter | None:
    """The front matter `text` begins with and what follows it; None if it begins with none.

    Raises FrontMatterError where it begins but does not end, or has a line of another shape.
    """
    lines = text.split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    if first == len(lines) or lines[first].rstrip() != FENCE:
        return None
    last = next(
        (number for number in range(first + 1, len(lines)) if lines[number].rstrip() == FENCE), None
    )
    if last is None:
        raise FrontMatterError(f"line {first + 1}: the front matter has no end")
    values: dict[str, str] = {}
    lists: dict[str, tuple[str, ...]] = {}
    key = ""
    for number in range(first + 1, last):
        line = lines[number].rstrip()
        if not line:
            continue
        if (item := _BLOCK_ITEM.match(line)) and key and not values.get(key):
            values.pop(key, None)
            lists[key] = (*lists.get(key, ()), _scalar(item[1], number + 1))
        elif pair := _KEY.match(line):
            key, value = pair[1], (pair[2] or "").strip()
            if value.startswith("[") and value.endswith("]"):
                lists[key] = _flow_list(value[1:-1], number + 1)
            else:
                values[key] = _scalar(value, number + 1)
        else:
            raise FrontMatterError(f"line {number + 1}: neither `key: value` nor `- item`")
    return FrontMatter(values, lists, "\n".join(lines[last + 1 :]))


def _scalar(text: str, line: int) -> str:
    text = text.strip()
    quote = text[:1]
    if quote not in ("'", '"'):
        return text
    if len(text) < 2 or not text.endswith(quote):
        raise FrontMatterError(f"line {line}: a value in quotes does not end on its line")
    inner = text[1:-1]
    return inner.replace("''", "'") if quote == "'" else _ESCAPE.sub(_unescape, inner)


def _unescape(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return _ESCAPED.get(match[2], match[2])


def _flow_list(text: str, line: int) -> tuple[str, ...]:
    return tuple(_scalar(item, line) for item in _FLOW_ITEM.findall(text) if item)


def format_front_matter(values: Mapping[str, str | bool | tuple[str, ...]]) -> str:
    """The front matter with `values` in their order, from fence to fence, each on its line.

    A text comes back from `split_front_matter` as it was, but for blanks around it; so does a
    tuple, as a block list. A bool is YAML's. Empty lists are left out.
    """
    lines = [FENCE]
    for key, value in values.items():
        if isinstance(value, bool):
            lines.append(f"{key}: {str(value).lower()}")
        elif isinstance(value, str):
            lines.append(f"{key}: {_quoted(value)}")
        elif value:
            lines.append(f"{key}: ")
            lines += (f" - {_quoted(item)}" for item in value)
    lines.append(FENCE)
    return "".join(f"{line}\n" for line in lines)


def _quoted(text: str) -> str:
    if _PLAIN.match(text) and text.lower() not in _YAML_WORDS:
        return text
    if not _UNQUOTABLE.search(text):
        doubled = text.replace("'", "''")
        return f"'{doubled}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + _UNQUOTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", escaped) + '"'
