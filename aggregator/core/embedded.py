"""Articles that a page carries in its scripts, to be shown by them: `embedded_bodies`.

    <script> → JSON, whole or assigned to a variable → its strings, those of one list joined
             → else the long string literals of the code → escapes undone → HTML

What is found is a candidate only: whether it is the article, `core/extract` decides.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml.html import HtmlElement

from aggregator.core.layout import letters
from aggregator.core.markup import parse_fragment

SCRIPT_LIMIT = 3_000_000
"""Characters of one script; longer ones are not read, they are programs or data."""

SCRIPTS_LIMIT = 6_000_000
"""Characters of all scripts of a page that are read."""

LITERAL_LEAST = 200
"""Characters of a string that may be an article; escapes make Chinese ones six times as long."""

PROSE_LEAST = 300
"""Bytes of UTF-8 letters of the shortest article: 100 Chinese ones."""

LETTERS_PER_PAUSE = 250
"""Bytes; a text with fewer commas and full stops is no prose."""

CANDIDATES = 40
"""How many strings of a page are looked at, the longest first."""

ASSIGNMENTS = 12
"""How many places of a script are tried where an object could begin."""

DEPTH = 30

_ASSIGNED = re.compile(r"[=(]\s*(?=[{\[]\s*[\"{\[])")
_LITERAL = re.compile(
    r"(?:(?P<key>[\w$]{2,40})[\"']?\s*[:=]|[(,=:])\s*"
    r"(?:\"(?P<double>(?:[^\"\\\n]++|\\.)++)\"|'(?P<single>(?:[^'\\\n]++|\\.)++)')"
)
_BODY_KEY = re.compile(r"content|body|html|text|detail|article|paragraph", re.I)
_PAUSES = re.compile(r"[,;，、；。]|[.!?！？](?=\s|$)")


@dataclass(frozen=True, slots=True)
class Embedded:
    """A text found in a script, as HTML; `named`: what it is called there says it is a body."""

    body: str
    letters: str
    named: bool


def embedded_bodies(root: HtmlElement) -> list[Embedded]:
    """The texts in the page's scripts that could be its article, the longest first."""
    found: dict[str, str] = {}
    left = SCRIPTS_LIMIT
    for script in root.iter("script"):
        text = (script.text or "").strip()
        if LITERAL_LEAST <= len(text) <= min(SCRIPT_LIMIT, left):
            left -= len(text)
            for key, string in _strings(text):
                found.setdefault(string, key)
    longest = sorted(found, key=len, reverse=True)[:CANDIDATES]
    read = (_embedded(string, found[string]) for string in longest)
    return sorted(filter(None, read), key=lambda each: len(each.letters), reverse=True)


def _embedded(string: str, key: str) -> Embedded | None:
    markup = _unescaped(string)
    if "<" not in markup:
        lines = (html.escape(line.strip()) for line in markup.split("\n"))
        markup = "".join(f"<p>{line}</p>" for line in lines if line)
    tree = parse_fragment(markup)
    for element in list(tree.iter("script", "style")):
        element.drop_tree()
    text = tree.text_content()
    linked = sum(len(link.text_content()) for link in tree.iter("a"))
    found = letters(text)
    size = len(found.encode())
    pauses = len(_PAUSES.findall(text))
    code = sum(map(text.count, "{}=;"))
    if size < PROSE_LEAST or linked * 2 > len(text) or size > LETTERS_PER_PAUSE * pauses:
        return None
    return None if code > pauses else Embedded(markup, found, bool(_BODY_KEY.search(key)))


def _unescaped(string: str) -> str:
    """The markup in a string that may be escaped as HTML, and once more as JSON in that."""
    if string.startswith("&quot;") and string.endswith("&quot;"):
        return html.unescape(string.removeprefix("&quot;").removesuffix("&quot;"))
    for _ in range(2):
        if "<" not in string and "&" in string:
            string = html.unescape(string)
    if len(string) > 1 and string[0] == string[-1] == '"':
        inner = _loaded(string)
        string = inner if isinstance(inner, str) else string
    return string


# --- strings -----------------------------------------------------------------------------------


def _strings(script: str) -> Iterator[tuple[str, str]]:
    """The long strings of a script, each with the name it has there."""
    whole = _loaded(script.rstrip(";")) if script[0] in "{[" else None
    if whole is not None:
        yield from _walk(whole, "", DEPTH)
        return
    decoder = json.JSONDecoder(strict=False)
    end, tried = 0, 0
    for assigned in _ASSIGNED.finditer(script):
        if assigned.end() < end:
            continue
        tried += 1
        if tried > ASSIGNMENTS:
            break
        try:
            value, end = decoder.raw_decode(script, assigned.end())
        except (ValueError, RecursionError):
            continue
        yield from _walk(value, "", DEPTH)
    for literal in _LITERAL.finditer(script, end):
        escaped = literal["double"] or _requoted(literal["single"])
        value = _loaded(f'"{escaped}"')
        if isinstance(value, str):
            yield from _walk(value, literal["key"] or "", DEPTH)


def _requoted(single: str) -> str:
    """What stood in single quotes, as it would stand in double ones."""
    return re.sub(r"\\(.)|\"", lambda m: '\\"' if m[0] == '"' else _escape(m), single)


def _escape(match: re.Match[str]) -> str:
    return match[0] if match[1] in '"\\/bfnrtu' else match[1]


def _loaded(text: str) -> object:
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def _walk(value: object, key: str, depth: int) -> Iterator[tuple[str, str]]:
    """The long strings in a JSON value; those that a list has under one name are also joined."""
    if not depth:
        return
    if isinstance(value, str):
        if len(value) >= LITERAL_LEAST or (len(value.encode("utf-8", "ignore")) >= PROSE_LEAST):
            inner = _loaded(value) if value[0] in "{[" else None
            if inner is None:
                yield key, value
            else:  # JSON in a string of JSON
                yield from _walk(inner, key, depth - 1)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _walk(each, name, depth - 1)
    elif isinstance(value, list):
        yield from _joined(value, key)
        for each in value:
            yield from _walk(each, key, depth - 1)


def _joined(items: list[object], key: str) -> Iterator[tuple[str, str]]:
    """Paragraphs that stand one by one in a list, as strings or in objects alike."""
    if len(items) < 2:
        return
    columns: dict[str, list[str]] = {}
    for item in items:
        pairs = item.items() if isinstance(item, dict) else [(key, item)]
        for name, string in pairs:
            if isinstance(string, str) and (string.strip()):
                columns.setdefault(str(name), []).append(string)
    for name, strings in columns.items():
        if len(strings) >= 2 and _BODY_KEY.search(name):
            as_paragraphs = (
                each if each.lstrip().startswith("<") else f"<p>{each}</p>" for each in strings
            )
            joined = "".join(as_paragraphs)
            if len(joined) >= LITERAL_LEAST:
                yield name, joined
