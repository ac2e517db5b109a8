"""The rules a user declares for a feed: its `clean`, `pages` and `canonical` tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from cssselect import HTMLTranslator, SelectorError
from pydantic import AfterValidator, BeforeValidator, PlainValidator

from aggregator.config import values
from aggregator.config.tables import Table
from aggregator.core.model import FeedRules
from aggregator.core.patterns import BadPattern, linear

HEADER_GROUPS = frozenset(("date", "year", "month", "day", "time", "author"))
"""What a pattern for the first lines may name."""

_REFERENCE = re.compile(r"\\(?:(\d{1,2})|g<(\w+)>)")


def selector(value: object) -> str:
    """A CSS selector."""
    given = values.line(value)
    try:
        HTMLTranslator().css_to_xpath(given)
    except SelectorError as error:
        hint = 'for example "div.share, p.ad"'
        raise values.Wrong(f"no CSS selector: {error}", hint) from None
    return given


def pattern(value: object) -> str:
    """A regular expression."""
    given = values.line(value)
    _groups(given)
    return given


def header(value: object) -> str:
    """A regular expression whose named groups are known."""
    given = values.line(value)
    for name in _groups(given):
        if name not in HEADER_GROUPS:
            raise values.Wrong(f'unknown group "{name}"', values.nearest(name, HEADER_GROUPS))
    return given


def with_known_groups(table: dict[str, str]) -> dict[str, str]:
    """Patterns and replacements, of which the replacements name only groups of their pattern."""
    for given, replacement in table.items():
        compiled = linear(given)
        for number, name in _REFERENCE.findall(replacement):
            index = number or name
            if name not in compiled.groupindex and not (
                index.isdecimal() and int(index) <= compiled.groups
            ):
                what = f"{values.described(replacement)} names a group that its pattern has not"
                raise values.Wrong(what, "groups are the parentheses of the pattern")
    return table


def _groups(given: str) -> Mapping[str, int]:
    try:
        return linear(given).groupindex
    except BadPattern as error:
        hint = "quote it as '…', and a sign that is meant as it is with \\ before it"
        raise values.Wrong(f"no regular expression: {error}", hint) from None


def _one_or_several(value: object) -> object:
    return [value] if isinstance(value, str) else value


Selectors = Annotated[
    tuple[Annotated[str, PlainValidator(selector)], ...], BeforeValidator(_one_or_several)
]
Patterns = Annotated[
    tuple[Annotated[str, PlainValidator(pattern)], ...], BeforeValidator(_one_or_several)
]
Headers = Annotated[
    tuple[Annotated[str, PlainValidator(header)], ...], BeforeValidator(_one_or_several)
]
CanonicalTable = Annotated[
    dict[Annotated[str, PlainValidator(pattern)], Annotated[str, PlainValidator(values.text)]],
    AfterValidator(with_known_groups),
]


class CleanTable(Table):
    drop: Selectors = ()
    lift: Selectors = ()
    drop_text: Patterns = ()
    header: Headers = ()
    footer: Patterns = ()
    unwrap_images: Annotated[bool, PlainValidator(values.yes_or_no)] = False


class PagesTable(Table):
    containers: Selectors = ()
    drop: Selectors = ()
    next: Patterns = ()
    whole: Patterns = ()


def feed_rules(clean: CleanTable, pages: PagesTable, canonical: Mapping[str, str]) -> FeedRules:
    """What the three tables of a feed say, as the sources take it."""
    return FeedRules(
        clean_drop=clean.drop,
        clean_lift=clean.lift,
        clean_drop_text=clean.drop_text,
        clean_header=clean.header,
        clean_footer=clean.footer,
        unwrap_images=clean.unwrap_images,
        canonical=tuple(canonical.items()),
        page_containers=pages.containers,
        page_drop=pages.drop,
        page_next=pages.next,
        page_whole=pages.whole,
    )


def shown_rules(rules: FeedRules) -> dict[str, object]:
    """The tables that give `rules`, without what is not set."""
    clean = {
        "drop": list(rules.clean_drop),
        "lift": list(rules.clean_lift),
        "drop_text": list(rules.clean_drop_text),
        "header": list(rules.clean_header),
        "footer": list(rules.clean_footer),
        "unwrap_images": rules.unwrap_images,
    }
    pages = {
        "containers": list(rules.page_containers),
        "drop": list(rules.page_drop),
        "next": list(rules.page_next),
        "whole": list(rules.page_whole),
    }
    tables: dict[str, dict[str, object]] = {
        "clean": {name: value for name, value in clean.items() if value},
        "pages": {name: value for name, value in pages.items() if value},
        "canonical": dict(rules.canonical),
    }
    return {name: table for name, table in tables.items() if table}
