"""What is known about a family of sources, as data."""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.core.clean import NO_RULES as NOTHING_TO_CLEAN
from aggregator.core.clean import CleanRules
from aggregator.core.extract import NO_RULES as NO_PAGE_KNOWN
from aggregator.core.extract import PageRules
from aggregator.core.identity import UrlRule
from aggregator.core.model import FullText
from aggregator.core.titles import NO_RULES as NO_TITLE_KNOWN
from aggregator.core.titles import TitleRules


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
    descriptions: tuple[str, ...] = ()
    """Regular expressions, ignoring case: how its feeds describe themselves."""
    url_rules: tuple[UrlRule, ...] = ()
    """Make the many addresses of one article one, whichever feed carried them."""
    clean: CleanRules = NOTHING_TO_CLEAN
    page: PageRules = NO_PAGE_KNOWN
    full_text: FullText = "auto"
    """Where the whole text is, unless the feed's own settings say."""
    whole_urls: tuple[UrlRule, ...] = ()
    """From the address of an article's page to that of its whole text: on one page, for print."""
    titles: TitleRules = NO_TITLE_KNOWN
    timezone: str = ""
    """IANA name: the zone of dates that name none, in its articles and feeds; empty: not known."""
    mislabelled: str = ""
    """IANA name of a zone whose local time its feeds, or those made from it, may call GMT."""
    own_names: tuple[str, ...] = ()
    """What its pages and feeds give as an author where they mean themselves."""
    mirror: bool = False
    """Its feeds republish other outlets' articles."""


GENERIC = Family("generic")
"""A source of no family."""
