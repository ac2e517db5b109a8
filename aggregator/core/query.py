"""The query language: what topics, `keep` and `drop`, search and `topic test` ask of an article.

    (阿富汗 OR 塔利班 OR @kabul) -体育 title:美国 lang:zh after:2021-08-01 /塔利班.{0,6}谈判/

    text --parse_query--> Query --judge(Document)--> Verdict: yes, no or unknown, and why

A word, "phrase", prefix* or /regex/ without a field is looked for in title, lead, body
and categories. Chinese is found anywhere, a word of an alphabetic script as a whole word.
A bare word that is an alias, or one of its spellings, stands for all of them; in quotes it
stands for itself. A field before parentheses holds for all in them. `feed:` wants the id,
`url:` any part of the address, `lang:zh` takes zh-TW too. `after:` counts the day (or
month, or year) it names, `before:` does not; both are in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Literal

import re2
from lark import Token, Tree

from aggregator.core.model import Reason
from aggregator.core.query_grammar import QUOTES, parse_tree
from aggregator.core.query_tree import (
    And,
    Answer,
    Date,
    Document,
    Node,
    Not,
    Or,
    Regex,
    Term,
    matched,
)
from aggregator.core.text import fold, joined
from aggregator.errors import QueryError

__all__ = ["FIELDS", "Answer", "Document", "Query", "Verdict", "parse_query"]

_TEXT_FIELDS = ("title", "lead", "body", "author", "category", "outlet")
FIELDS = (*_TEXT_FIELDS, "feed", "lang", "url", "after", "before")

_NO_ALIASES: Mapping[str, tuple[str, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a query says of a document. There are reasons for a yes only."""

    answer: Answer
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """A query, read. `str()` gives a text that is read as the same query."""

    root: Node

    def __str__(self) -> str:
        return str(self.root)

    def judge(self, document: Document) -> Verdict:
        """Whether the query takes the document, and which of its terms were found where.

        UNKNOWN comes only for a document without its body; yes and no are final.
        """
        answer = self.root.judge(document)
        if answer is not Answer.YES:
            return Verdict(answer)
        by_term: dict[str, Reason] = {}
        for reason in matched(self.root, document):
            by_term.setdefault(reason.term, reason)
        return Verdict(answer, tuple(by_term.values()))


def parse_query(text: str, aliases: Mapping[str, tuple[str, ...]] = _NO_ALIASES) -> Query:
    """Read a query. `aliases` maps the name of each alias to its other spellings.

    Raises QueryError with the column of the first mistake.
    """
    tree = parse_tree(text)
    return Query(_Reading(text, _Aliases.of(aliases)).node(tree, ""))


# --- aliases -----------------------------------------------------------------------------------


def _needle(text: str) -> str:
    return joined(fold(text))


@dataclass(frozen=True, slots=True)
class _Aliases:
    by_name: Mapping[str, tuple[str, ...]]
    by_spelling: Mapping[str, tuple[str, ...]]
    names: tuple[str, ...]

    @classmethod
    def of(cls, aliases: Mapping[str, tuple[str, ...]]) -> _Aliases:
        by_name: dict[str, tuple[str, ...]] = {}
        by_spelling: dict[str, tuple[str, ...]] = {}
        for name, others in aliases.items():
            needles = _distinct(_needle(spelling) for spelling in (name, *others))
            by_name[_needle(name)] = needles
            for needle in needles:
                # a spelling of two aliases stands for both
                by_spelling[needle] = _distinct((*by_spelling.get(needle, ()), *needles))
        return cls(by_name, by_spelling, tuple(aliases))


def _distinct(needles: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(needle for needle in needles if needle))


# --- from the syntax tree to the query ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reading:
    text: str
    aliases: _Aliases

    def error(self, what: str, token: Token, hint: str) -> QueryError:
        return QueryError(what, self.text, (token.start_pos or 0) + 1, hint)

    def node(self, tree: Tree[Token], field: str) -> Node:
        """The query that a syntax tree stands for, inside `field:` if that is not empty."""
        match tree.data:
            case "either":
                return Or(self._parts(tree, field, Or))
            case "both":
                return And(self._parts(tree, field, And))
            case "negation":
                return Not(self.node(_subtree(tree, 0), field))
            case "fielded":
                name = self._field(_token(tree), field)
                return self.node(_subtree(tree, 1), name)
        token = _token(tree)
        if field in ("after", "before"):
            return self._date(tree.data, token, "after" if field == "after" else "before")
        match tree.data:
            case "word":
                return self._word(token, field)
            case "phrase":
                return self._phrase(token, field)
            case "alias":
                return self._alias(token, field)
        return self._regex(token, field)

    def _parts(self, tree: Tree[Token], field: str, kind: type[And | Or]) -> tuple[Node, ...]:
        parts: list[Node] = []
        for at in range(len(tree.children)):
            part = self.node(_subtree(tree, at), field)
            parts.extend(part.parts if isinstance(part, kind) else (part,))
        return tuple(parts)

    def _field(self, token: Token, outer: str) -> str:
        name = fold(token[:-1])
        if outer:
            raise self.error(
                f"{_shown(token)} inside {outer}:( )",
                token,
                f"close the parentheses of {outer}: first",
            )
        if name == "topic":
            raise self.error(
                "topic: is not supported in this version",
                token,
                "write out the other topic's query, or put its names into an alias",
            )
        if name not in FIELDS:
            nearest = get_close_matches(name, FIELDS, n=1)
            known = f"did you mean {nearest[0]}:" if nearest else f"known are {' '.join(FIELDS)}"
            hint = f"{known}; quote it to look for the text: {_quoted(_shown(token))}"
            raise self.error(f"unknown field {_shown(name)}:", token, hint)
        return name

    def _word(self, token: Token, field: str) -> Node:
        written = token.replace("＊", "*")
        stem = written.removesuffix("*")
        if "*" in stem or not stem:
            raise self.error(
                "* stands only at the end of a word", token, f"quote it: {_quoted(_shown(written))}"
            )
        needle = self._checked(_needle(stem), token, field)
        if stem != written:
            return Term(written, field, (needle,), prefix=True)
        if field and field not in _TEXT_FIELDS:
            return Term(written, field, (needle,))
        return Term(written, field, self.aliases.by_spelling.get(needle, (needle,)))

    def _phrase(self, token: Token, field: str) -> Node:
        content = re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL)
        needle = self._checked(_needle(content), token, field)
        return Term(_quoted(content), field, (needle,))

    def _checked(self, needle: str, token: Token, field: str) -> str:
        if not needle:
            raise self.error("nothing in it to look for", token, "write a word with letters")
        if field == "lang" and not re.fullmatch(r"[a-z]{2,8}(-[a-z0-9]{1,8})*", needle):
            raise self.error(
                f"{_shown(token)} is not a language tag",
                token,
                "write lang:zh, lang:en, lang:zh-tw",
            )
        return needle

    def _alias(self, token: Token, field: str) -> Node:
        name = _needle(token[1:])
        if field and field not in _TEXT_FIELDS:
            raise self.error(f"{field}: takes no alias", token, f"write the value after {field}:")
        if name not in self.aliases.by_name:
            nearest = get_close_matches(token[1:], self.aliases.names, n=1)
            known = f"did you mean @{nearest[0]}" if nearest else "aliases are made in [aliases]"
            raise self.error(f"unknown alias {_shown(token)}", token, known)
        return Term("@" + token[1:], field, self.aliases.by_name[name])

    def _regex(self, token: Token, field: str) -> Node:
        if field == "lang":
            raise self.error("lang: takes a language tag", token, "write lang:zh")
        return Regex(str(token), field, self._compiled(token))

    def _compiled(self, token: Token) -> Any:  # re2 ships no types
        options = re2.Options()
        options.log_errors = False
        options.case_sensitive = False
        # \C is one byte, which may be a part of a character
        if re.search(r"(?<!\\)(?:\\\\)*\\C", token):
            raise self.error("\\C is not supported", token, "write . for any character")
        try:
            compiled = re2.compile(_folded_pattern(token[1:-1]), options)
        except re2.error as error:
            reason = error.args[0].decode(errors="replace")
            hint = "the syntax is that of RE2: no look-around, no back-references"
            raise self.error(f"bad regular expression: {reason}", token, hint) from None
        if compiled.search("") is not None:
            raise self.error(
                "the regular expression matches every text", token, "let it want a character"
            )
        return compiled

    def _date(self, kind: str, token: Token, field: Literal["after", "before"]) -> Date:
        # an alias or a regular expression is not a date either
        written = fold({"word": token, "phrase": token[1:-1]}.get(kind, ""))
        parts = re.fullmatch(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?", written, re.ASCII)
        try:
            if parts is None:
                raise ValueError(written)
            year, month, day = (int(part or 1) for part in parts.groups())
            return Date(written, field, datetime(year, month, day, tzinfo=UTC))
        except ValueError:
            hint = f"write {field}:2021-08-15, {field}:2021-08 or {field}:2021"
            raise self.error(f"{_shown(token)} is not a date", token, hint) from None


def _subtree(tree: Tree[Token], at: int) -> Tree[Token]:
    child = tree.children[at]
    assert isinstance(child, Tree)
    return child


def _token(tree: Tree[Token]) -> Token:
    token = tree.children[0]
    assert isinstance(token, Token)
    return token


def _quoted(content: str) -> str:
    return '"' + re.sub(rf"([\\{QUOTES}])", r"\\\1", content) + '"'


def _shown(token: str) -> str:
    """A piece of a query as it can be shown in a message: short, and printable."""
    printable = token.encode(errors="replace").decode()
    return printable if len(printable) <= 40 else printable[:39] + "…"


def _folded_pattern(pattern: str) -> str:
    """A regular expression folded where that leaves its syntax alone.

    What folds to punctuation (（ to a parenthesis) is escaped. The case of ASCII is left
    (\\w is not \\W); the expression ignores it.
    """

    def folded(character: re.Match[str]) -> str:
        return " " if character[0].isspace() else re.escape(fold(character[0]))

    return re.sub(r"[^\x00-\x7f]", folded, pattern)
