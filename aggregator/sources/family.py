"""What is known about a family of sources, as data."""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.core.clean import NO_RULES as NOTHING_TO_CLEAN
from aggregator.core.clean import CleanRules
from aggregator.core.extract import NO_RULES as NO_PAGE_KNOWN
from aggregator.core.extract import PageRules
from aggregator.core.identity import UrlRule
from aggregator.core.model import FullText


@dataclass(frozen=True, slots=True)
class Family:
    """A family of feeds, of the pages behind them, or of both.

    A host stands for itself and for all hosts below it.
    """

    name: str
    """What a feed's `source` says in config.toml."""
    feed_hosts: tuple[str, ...] = ()
    """Where its feeds are."""
    page_hosts: tuple[str, ...] = ()
    """Where its articles' pages are."""
    generators: tuple[str, ...] = ()
    """Regular expressions, ignoring case: what its feeds name as their generator."""
    url_rules: tuple[UrlRule, ...] = ()
    """Make the many addresses of one article one, whichever feed carried them."""
    clean: CleanRules = NOTHING_TO_CLEAN
    page: PageRules = NO_PAGE_KNOWN
    full_text: FullText = "auto"
    """Where the whole text is, unless the feed's own settings say."""
    own_names: tuple[str, ...] = ()
    """What its pages and feeds give as an author where they mean themselves."""
    mirror: bool = False
    """Its feeds republish other outlets' articles."""


GENERIC = Family("generic")
"""A source of no family."""
