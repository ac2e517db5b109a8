"""The grammar of the query language: text -> syntax tree, or a QueryError at its column.

What the words of a query mean is in `query`; here is only how they stand together.
Full-width signs (（） ： － ＠) and Chinese and curly quotes stand for the plain ones.
"""

from __future__ import annotations

from functools import cache

from lark import Lark, Token, Tree, UnexpectedCharacters, UnexpectedToken

from aggregator.errors import QueryError

MAX_LENGTH = 10_000
"""Characters in a query."""
MAX_DEPTH = 50
"""Parentheses and negations inside each other: what works through the tree recurses."""

_GRAMMAR = r"""
?start: either
?either: both (_OR both)*
?both: part (_AND? part)*
?part: atom
    | _NOT part -> negation
?atom: value
    | FIELD value -> fielded
?value: _OPEN either _CLOSE
    | WORD -> word
    | PHRASE -> phrase
    | REGEX -> regex
    | ALIAS -> alias

_OPEN: /[(（]/
_CLOSE: /[)）]/
_OR.3: /OR(?=EDGE)/
_AND.3: /AND(?=EDGE)/
_NOT.3: /NOT(?=EDGE)|[-－](?=\S)/
FIELD.2: /[^\W\d_][\w-]*[:：]/
WORD: /(?!(?:OR|AND|NOT)(?=EDGE))[^\sSIGNS\-－\/@＠:：][^\sSIGNS]*/
PHRASE: /["＂](?:\\[\s\S]|[^\\"＂])*["＂]/
    | /[“”](?:\\[\s\S]|[^\\“”])*[“”]/
    | /「(?:\\[\s\S]|[^\\」])*」/
    | /『(?:\\[\s\S]|[^\\』])*』/
REGEX: /\/(?:\\[\s\S]|[^\\\/])+\//
ALIAS: /[@＠][^\sSIGNS]+/
%ignore /\s+/
"""
QUOTES = '"＂“”'
_SIGNS = QUOTES + "「」『』()（）"

_UNFINISHED = {"_OR": "OR", "_AND": "AND", "_NOT": "NOT", "FIELD": "the field"}


@cache
def _parser() -> Lark:
    grammar = (
        _GRAMMAR.replace("EDGE", r"[\sSIGNS]|$").replace("SIGNS", _SIGNS).replace("QUOTES", QUOTES)
    )
    return Lark(grammar, parser="lalr")


def parse_tree(text: str) -> Tree[Token]:
    """The syntax tree of a query: nodes `either both negation fielded word phrase regex alias`.

    Raises QueryError. Takes time linear in the length of the text.
    """
    if len(text) > MAX_LENGTH:
        raise QueryError(
            f"the query has {len(text)} characters",
            text,
            MAX_LENGTH + 1,
            f"{MAX_LENGTH} are allowed; a list of names can be an alias",
        )
    if not text.strip():
        raise QueryError("the query is empty", text, 1, "write at least one word to look for")
    parsing = _parser().parse_interactive(text)
    opened: list[Token] = []
    last: Token | None = None
    try:
        for token in parsing.iter_parse():
            last = token
            _note_nesting(opened, token, text)
        tree = parsing.feed_eof()  # type: ignore[no-untyped-call]  # lark left it untyped
    except UnexpectedCharacters as error:
        raise _bad_character(text, error.pos_in_stream or 0) from None
    except UnexpectedToken as error:
        raise _bad_token(text, error.token, opened, last) from None
    # a query of one term is that term's tree; lark's types allow anything here
    assert isinstance(tree, Tree)
    return tree


def _note_nesting(opened: list[Token], token: Token, text: str) -> None:
    """Keep `opened` as the parentheses and negations that the next token stands in."""
    if token.type in ("_OPEN", "_NOT"):
        opened.append(token)
        if len(opened) > MAX_DEPTH:
            raise QueryError(
                "the query nests too deep",
                text,
                _column(token),
                f"at most {MAX_DEPTH} parentheses and negations inside each other",
            )
        return
    if token.type == "_CLOSE":
        while opened and opened.pop().type != "_OPEN":
            pass
    if token.type in ("_CLOSE", "WORD", "PHRASE", "REGEX", "ALIAS"):
        while opened and opened[-1].type == "_NOT":
            opened.pop()


def _column(token: Token) -> int:
    return (token.start_pos or 0) + 1


def _bad_character(text: str, position: int) -> QueryError:
    character, column = text[position], position + 1
    if character in QUOTES:
        what, hint = "a quote that is not closed", f"close it with {character}"
    elif character in "「『":
        what, hint = "a quote that is not closed", "close it with 」 or 』, as it was opened"
    elif character in "」』":
        what, hint = f"{character} closes a quote that was not opened", "leave it out"
    elif character == "/" and text[position + 1 : position + 2] != "/":
        what, hint = "a regular expression that is not closed", 'close it with /, or quote: "/"'
    elif character == "/":
        what, hint = "an empty regular expression", 'to look for slashes, quote them: "//"'
    elif character in "-－":
        what, hint = "a - without a word", "write -word to leave a word out"
    elif character in "@＠":
        what, hint = "an @ without a name", "write @name, the name of an alias"
    else:
        what, hint = (
            f"{character} where a word is expected",
            f'quote it to look for it: "{character}"',
        )
    return QueryError(what, text, column, hint)


def _bad_token(text: str, token: Token, opened: list[Token], last: Token | None) -> QueryError:
    if last is not None and last is not token and last.type in _UNFINISHED:
        name = _UNFINISHED[last.type] if last.type != "FIELD" else str(last)
        return QueryError(
            f"nothing to look for after {name}",
            text,
            _column(last),
            f'a word, "phrase" or parentheses must follow; quote "{name}" to look for it',
        )
    if token.type == "$END":
        return QueryError("a ( that is not closed", text, _column(opened[-1]), "close it with )")
    if token.type == "_CLOSE" and last is not None and last.type == "_OPEN":
        return QueryError("nothing between ( and )", text, _column(last), "leave them out")
    if token.type == "_CLOSE" and not opened:
        return QueryError(") without a ( before it", text, _column(token), "leave it out")
    hint = f'a word, "phrase" or ( is expected here; quote "{token}" to look for it'
    return QueryError(f"{token} in the wrong place", text, _column(token), hint)
