"""The tree of a query, and how it is judged on a document.

    Query = And | Or | Not of terms, regular expressions and dates

A document whose body has not been fetched is partial, and so a term may be neither
found nor known to be missing. The answers combine as in Kleene's three-valued logic: what
is unknown stays so unless the rest decides, and a yes or no is final.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Literal, NamedTuple

from aggregator.core.model import Reason
from aggregator.core.text import fold, is_spaced, joined

BARE_FIELDS = ("title", "lead", "body", "category")
"""Where a term without a field is looked for."""

_SNIPPET_MARGIN = 20


class Answer(Enum):
    """Whether a query takes a document; UNKNOWN as long as its body decides."""

    NO = 0
    UNKNOWN = 1
    YES = 2

    def __invert__(self) -> Answer:
        return Answer(2 - self.value)


# --- what is judged ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    """A text in the two forms it is searched in, beside the one people read."""

    original: str
    folded: str
    joined: str

    @classmethod
    def of(cls, original: str) -> Text:
        folded = fold(original)
        return cls(original, folded, joined(folded))


@dataclass(frozen=True, slots=True)
class Document:
    """What of an article, or of an entry before it, is looked at by queries."""

    texts: Mapping[str, tuple[Text, ...]]
    """By the name of the field; no text where there is none."""
    published: datetime | None
    partial: bool
    """The body is not fetched yet, and what has no text may still get one."""

    @classmethod
    def of(
        cls,
        *,
        title: str = "",
        lead: str = "",
        body: str | None = None,
        author: str = "",
        categories: tuple[str, ...] = (),
        outlet: str = "",
        feeds: tuple[str, ...] = (),
        language: str = "",
        url: str = "",
        published: datetime | None = None,
        other_titles: tuple[str, ...] = (),
        other_outlets: tuple[str, ...] = (),
    ) -> Document:
        """A document from texts as people read them; `plain_text` makes HTML into such.

        `body=None` says that the body is not fetched yet: then a field left empty is
        taken as not known yet either, and a field that is given as final. `feeds` are
        the ids of the feeds that carried it, `language` a BCP 47 tag, `published` aware;
        `other_titles` and `other_outlets` are those of other entries of it.
        """
        given = {
            "title": (title, *other_titles),
            "lead": (lead,),
            "body": (body or "",),
            "author": (author,),
            "category": categories,
            "outlet": (outlet, *other_outlets),
            "feed": feeds,
            "lang": (language.replace("_", "-"),),
            "url": (url,),
        }
        texts = {
            name: tuple(text for text in map(Text.of, originals) if text.folded)
            for name, originals in given.items()
        }
        return cls(texts, published, partial=body is None)

    def answer(self, found: object, field: str) -> Answer:
        """The answer of a term of `field` (empty: a bare one), from what was found of it."""
        if found is not None:
            return Answer.YES
        if self.partial and not all(self.texts[name] for name in _searched(field)):
            return Answer.UNKNOWN
        return Answer.NO


def _searched(field: str) -> tuple[str, ...]:
    return (field,) if field else BARE_FIELDS


class Place(NamedTuple):
    """Where something was found: at `start` to `end` of `form(original)`."""

    where: str
    original: str
    start: int
    end: int
    form: Callable[[str], str]

    def snippet(self) -> str:
        """The original text there, with some characters either side, on one line."""

        def length(stop: int) -> int:
            return len(self.form(self.original[:stop]))

        stops = range(len(self.original) + 1)
        first = bisect_right(stops, self.start, key=length) - 1
        last = bisect_left(stops, self.end, key=length)
        begin, end = max(0, first - _SNIPPET_MARGIN), last + _SNIPPET_MARGIN
        snippet = " ".join(self.original[begin:end].split())
        return f"{'…' if begin else ''}{snippet}{'…' if end < len(self.original) else ''}"


# --- the leaves of the tree --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Term:
    """A word, "phrase", prefix* or @alias: found if one of its needles is.

    `written` is how it is written, without its field; `needles` are folded and joined.
    """

    written: str
    field: str
    needles: tuple[str, ...]
    prefix: bool = False

    def __str__(self) -> str:
        return _with_field(self.field, self.written)

    def find(self, document: Document) -> Place | None:
        search = _SEARCHES.get(self.field, _find_words)
        for where in _searched(self.field):
            for text in document.texts[where]:
                for needle in self.needles:
                    start = search(needle, text.joined, self.prefix)
                    if start >= 0:
                        end = start + len(needle)
                        return Place(where, text.original, start, end, _joined_and_folded)
        return None

    def judge(self, document: Document) -> Answer:
        return document.answer(self.find(document), self.field)


def _joined_and_folded(original: str) -> str:
    return joined(fold(original))


def _with_field(field: str, written: str) -> str:
    return f"{field}:{written}" if field else written


def _find_words(needle: str, text: str, prefix: bool) -> int:
    """Where the needle stands in the text and cuts no word of an alphabetic script; else -1."""
    begins_word = is_spaced(needle[0])
    ends_word = is_spaced(needle[-1]) and not prefix
    start = text.find(needle)
    while start >= 0:
        end = start + len(needle)
        cut_before = begins_word and start > 0 and is_spaced(text[start - 1])
        cut_after = ends_word and end < len(text) and is_spaced(text[end])
        if not cut_before and not cut_after:
            return start
        start = text.find(needle, start + 1)
    return -1


def _find_anywhere(needle: str, text: str, prefix: bool) -> int:
    return text.find(needle)


def _find_whole(needle: str, text: str, prefix: bool) -> int:
    return 0 if text == needle or (prefix and text.startswith(needle)) else -1


def _find_language(needle: str, text: str, prefix: bool) -> int:
    """A language tag takes in those that begin with its subtags (RFC 4647 3.3.1)."""
    return 0 if f"{text}-".startswith(f"{needle}-") else -1


_SEARCHES: Mapping[str, Callable[[str, str, bool], int]] = {
    "feed": _find_whole,
    "lang": _find_language,
    "url": _find_anywhere,
}


@dataclass(frozen=True, slots=True)
class Regex:
    """A /regular expression/, searched in the folded text."""

    written: str
    field: str
    compiled: Any = dataclasses.field(compare=False, repr=False)  # re2 ships no types

    def __str__(self) -> str:
        return _with_field(self.field, self.written)

    def find(self, document: Document) -> Place | None:
        for where in _searched(self.field):
            for text in document.texts[where]:
                found = self.compiled.search(text.folded)
                if found is not None:
                    return Place(where, text.original, found.start(), found.end(), fold)
        return None

    def judge(self, document: Document) -> Answer:
        return document.answer(self.find(document), self.field)


@dataclass(frozen=True, slots=True)
class Date:
    """Published from `moment` on (after) or earlier than it (before)."""

    written: str
    field: Literal["after", "before"]
    moment: datetime

    def __str__(self) -> str:
        return _with_field(self.field, self.written)

    def find(self, document: Document) -> Place | None:
        published = document.published
        if published is None or (published >= self.moment) != (self.field == "after"):
            return None
        shown = published.isoformat(timespec="minutes")
        return Place("published", shown, 0, len(shown), str)

    def judge(self, document: Document) -> Answer:
        if document.published is None:
            return Answer.UNKNOWN if document.partial else Answer.NO
        return Answer.NO if self.find(document) is None else Answer.YES


# --- what joins them ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Not:
    part: Node

    def __str__(self) -> str:
        return f"-({self.part})" if isinstance(self.part, And | Or) else f"-{self.part}"

    def judge(self, document: Document) -> Answer:
        return ~self.part.judge(document)


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return " ".join(f"({part})" if isinstance(part, Or) else str(part) for part in self.parts)

    def judge(self, document: Document) -> Answer:
        return _combine(self.parts, document, decided_by=Answer.NO)


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return " OR ".join(map(str, self.parts))

    def judge(self, document: Document) -> Answer:
        return _combine(self.parts, document, decided_by=Answer.YES)


def _combine(parts: tuple[Node, ...], document: Document, decided_by: Answer) -> Answer:
    answer = ~decided_by
    for part in parts:
        match part.judge(document):
            case Answer.UNKNOWN:
                answer = Answer.UNKNOWN
            case decided if decided is decided_by:
                return decided
    return answer


Leaf = Term | Regex | Date
Node = Leaf | Not | And | Or


def matched(node: Node, document: Document, wanted: Answer = Answer.YES) -> Iterator[Reason]:
    """The leaves that made the node answer `wanted`, and that did so by being found."""
    if node.judge(document) is not wanted:
        return
    if isinstance(node, Not):
        yield from matched(node.part, document, ~wanted)
    elif isinstance(node, And | Or):
        for part in node.parts:
            yield from matched(part, document, wanted)
    elif wanted is Answer.YES and (place := node.find(document)) is not None:
        yield Reason(str(node), place.where, place.snippet())
