"""Scripts whose tags a mirror took away: their statements stand in the body as if they were text.

People's Daily through feedx: under the last paragraph `document.write("");`, `var x = …` and two
functions, the same 800 characters in each of 100 articles of a week. In 6,553 articles of that week
nothing else is taken for one.
"""

from __future__ import annotations

import re

from lxml.html import HtmlElement

from aggregator.core.text import count_unspaced

DENSE = 0.08
"""Of what is no space the marks of code: these scripts have .15, prose that quotes code .03."""

LEAST = 5
"""Ends of statements in all; fewer may be what an article quotes."""

_BEGINS = re.compile(
    r"(?<!\S)(?=(?:var|let|const|function)\s+[\w$]+\s*[=(]"
    r"|(?:document|window|location|navigator|console)\.[\w.]+\s*[(=]|(?:\$|jQuery|\(function ?)\()"
)
_CODE_MARK = re.compile(r"[(){}\[\];=<>+*/\\|&!'\"$]")
_ENDS_STATEMENT = re.compile(r"[;{}]")
_SPACES = re.compile(r"\s+")
_CODE_TAGS = ("pre", "code", "kbd", "samp")


def cut_scripts(tree: HtmlElement) -> None:
    """Cut them out of a body, in place: from where one begins to the end of its piece of text, and
    later pieces that go on with it. Nothing with Chinese in it, nothing where it is a statement or
    two, and nothing of a body that shows code as such.
    """
    if not _BEGINS.search(tree.text_content()) or next(tree.iter(*_CODE_TAGS), None) is not None:
        return
    found: list[tuple[HtmlElement, str, int]] = []
    statements = 0
    for element in tree.iter():
        for place in ("text", "tail"):
            text = getattr(element, place) or ""
            begin = _script_begins(text, goes_on=bool(found))
            if isinstance(element.tag, str) and begin is not None:
                found.append((element, place, begin))
                statements += len(_ENDS_STATEMENT.findall(text, begin))
    for element, place, begin in found if statements >= LEAST else ():
        setattr(element, place, getattr(element, place)[:begin])


def _script_begins(text: str, goes_on: bool) -> int | None:
    if goes_on and _is_script(text):
        return 0
    begin = _BEGINS.search(text)
    return begin.start() if begin and _is_script(text[begin.start() :]) else None


def _is_script(text: str) -> bool:
    if not _ENDS_STATEMENT.search(text) or count_unspaced(text):
        return False
    return len(_CODE_MARK.findall(text)) >= DENSE * len(_SPACES.sub("", text))
