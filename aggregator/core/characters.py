"""Text without the characters that break or mislead what shows it: `readable`.

What no HTML or XML may hold goes (controls, lone surrogates, noncharacters), and so does what is
not seen and does no work: of the invisible characters those stay that Persian, Indic scripts,
Hebrew beside Latin, and emoji need, as many as they need.
"""

from __future__ import annotations

import re

BIDI_DEPTH = 8
"""Levels of direction in each other; honest text has two or three."""

_BREAKS = "\x0b\x0c\x85\u2028\u2029"
_DEAD_IN_BMP = (
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u180e\u200b\u2060-\u2064\u206a-\u206f\ud800-\udfff"
    "\ufdd0-\ufdef\ufeff\ufff9-\ufffc\ufffe\uffff"
)
_DEAD = _DEAD_IN_BMP + "".join(
    f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 17)
)
_TAG_CHARACTERS = "\U000e0000-\U000e007f"
_JOINERS = "\u200c\u200d"
_MARKS = "\u061c\u200e\u200f"
_SELECTORS = "\u180b-\u180d\ufe00-\ufe0f\U000e0100-\U000e01ef"
_BIDI = "\u202a-\u202e\u2066-\u2069"
_ACCENTS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"

# one set, and one range beyond the BMP, are searched ten times as fast as what is exact
_SUSPECT = re.compile(
    f"[{_BREAKS}{_DEAD_IN_BMP}{_JOINERS}{_MARKS}\u180b-\u180d\ufe00-\ufe0f{_BIDI}{_ACCENTS}"
    "\U0001fffe-\U0010ffff]"
)
_BREAK = re.compile(f"[{_BREAKS}]")
_USELESS = re.compile(
    f"[{_DEAD}]"
    # they join or part letters of scripts that join, and emoji: nothing after these
    f"|(?:\\A|(?<=[\x00-\u024f\u2010-\u2027\u3000-\u9fff\uac00-\ud7a3\uff00-\uffef]))[{_JOINERS}]+"
    # England, Scotland and Wales have flags written with them
    f"|(?<!\U0001f3f4)(?<![{_TAG_CHARACTERS}])[{_TAG_CHARACTERS}]+"
)
_FLOOD = re.compile(
    f"(?P<first>[{_JOINERS}])[{_JOINERS}{_MARKS}]+|(?P<mark>[{_MARKS}])[{_MARKS}{_JOINERS}]+"
    f"|(?P<selector>[{_SELECTORS}])[{_SELECTORS}]+"
    f"|(?P<flag>[{_TAG_CHARACTERS}]{{8}})[{_TAG_CHARACTERS}]+"
    f"|(?P<accents>[{_ACCENTS}]{{4}})[{_ACCENTS}]+"
)
_DIRECTED = re.compile(f"[{_BIDI}]")
_RUN = re.compile(f"[^<>]*[{_BIDI}][^<>]*")

_EMBEDDINGS, _END_OF_EMBEDDING = "\u202a\u202b", "\u202c"
_OVERRIDES = "\u202d\u202e"
_ISOLATES, _END_OF_ISOLATE = "\u2066\u2067\u2068", "\u2069"


def readable(text: str) -> str:
    """Takes text or markup; gives it without what breaks or misleads, mostly as it was.

    Characters that set the direction stay where a run of text (between tags, in markup) closes
    what it opens; those that override the order of the letters go (UAX #9, UTS #55).
    """
    if _SUSPECT.search(text) is None:
        return text
    text = _USELESS.sub("", _BREAK.sub(" ", text))
    text = _FLOOD.sub(lambda flood: flood[flood.lastgroup or 0], text)
    return _RUN.sub(_balanced, text) if _DIRECTED.search(text) else text


def _balanced(run: re.Match[str]) -> str:
    """The run with only those directions that it also ends."""
    kept: dict[int, str] = {}
    opened: list[int] = []
    text = run[0]
    for found in _DIRECTED.finditer(text):
        at, character = found.start(), found[0]
        kept[at] = ""
        if character == _END_OF_ISOLATE:
            # it ends the embeddings inside it too
            while opened and text[opened[-1]] not in _ISOLATES:
                opened.pop()
        elif character != _END_OF_EMBEDDING:
            opened.append(at)
            continue
        elif opened and text[opened[-1]] in _ISOLATES:
            continue
        if opened:
            start = opened.pop()
            if text[start] not in _OVERRIDES and len(opened) < BIDI_DEPTH:
                kept[start], kept[at] = text[start], character
    return _DIRECTED.sub(lambda each: kept[each.start()], text)
