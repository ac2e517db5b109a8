"""Titles without what a source adds to them: its own name behind, another outlet's before."""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.core.entry_text import is_comment_count
from aggregator.core.patterns import compiled


@dataclass(frozen=True, slots=True)
class TitleRules:
    """What a source family does to titles. A rule that matches nothing does nothing."""

    drop: tuple[str, ...] = ()
    """Regular expressions: what one of these matches is cut out."""
    reprint: tuple[str, ...] = ()
    """Regular expressions, matched as a whole: the groups `outlet`, who wrote the article, and
    `title`."""


NO_RULES = TitleRules()


@dataclass(frozen=True, slots=True)
class ReadTitle:
    title: str
    outlet: str = ""
    """Who wrote the article, where the title says it is another; empty where it does not."""


def read_title(title: str, rules: TitleRules) -> ReadTitle:
    """The title proper. Never empty unless `title` is, or is a scraped count of comments: a rule
    that would leave nothing is not applied.
    """
    if is_comment_count(title):
        return ReadTitle("")
    for rule in rules.drop:
        title = compiled(rule).sub("", title).strip() or title
    for rule in rules.reprint:
        match = compiled(rule).fullmatch(title)
        if match and match["title"].strip() and match["outlet"].strip():
            return ReadTitle(match["title"].strip(), match["outlet"].strip())
    return ReadTitle(title)
