"""What the rules of families and feeds found, on pages and in bodies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace

from lxml.html import HtmlElement

from aggregator.core.clean import Cleaned, CleanRules, clean_body
from aggregator.core.markup import parse_fragment, parse_page, remove, select
from aggregator.core.model import NO_FEED_RULES, Extracted, FeedRules, Retrieved
from aggregator.core.parse_bytes import decode_page
from aggregator.core.text import fold, letters, plain_text
from aggregator.core.whole import Whole, judge_whole
from aggregator.errors import ExtractError
from aggregator.page_text import read_page
from aggregator.sources import family_of_page
from aggregator.sources.family import GENERIC, Family

ENCODINGS = ("utf-8", "gb18030", "big5", "shift_jis", "euc-kr", "utf-16", "windows-1252")
"""What a page may turn out to be in, whatever it says; asked in this order."""

SHOWN_SHARE = 0.5
"""A text of which a page shows less than this share comes from the page's scripts."""

ALIKE = 200
"""Boxes of one name that are looked into: on hostile pages each holds all the others."""

_ASIDE = "image_sizes"
"""Rules that only serve to compare: they change nothing by themselves."""

_UNSEEN = ("script", "style", "template", "noscript")


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one declared rule did to one body or page.

    `owner` is `feed ID` for the rules of a feed's settings, else the name of the family, or
    `always` for what every body goes through. `action` is the name of the setting's field.
    """

    owner: str
    action: str
    rule: str
    count: int


@dataclass(frozen=True, slots=True)
class PageReading:
    """One page, and what was found in it. Of one that was kept only what it gave is known."""

    url: str
    family: str
    fetched: Retrieved | None
    encoding: str
    found: Extracted | None
    """None: there is no article in it; `error` says why."""
    cleaned: Cleaned | None
    whole: Whole | None
    box: str
    """The element that the article stood in, as a CSS selector; empty if there is none."""
    located_by: str
    rules: tuple[RuleResult, ...]
    error: str = ""


# --- pages -------------------------------------------------------------------------------------


def kept_page(found: Extracted, feed_id: str, own: FeedRules) -> PageReading:
    site = family_of_page(found.url)
    cleaned = clean_body(found.body, found.url, family_of_page(found.url, own).clean)
    return PageReading(
        url=found.url,
        family=site.name,
        fetched=None,
        encoding="",
        found=found,
        cleaned=cleaned,
        whole=judge_whole(cleaned.html, cleaned.text, "auto"),
        box=_selector(_outermost(found.body)),
        located_by="kept from an earlier fetch",
        rules=clean_results(cleaned, owners(feed_id, own, site)),
    )


def fetched_page(page: Retrieved, feed_id: str, own: FeedRules) -> PageReading:
    site = family_of_page(page.url)
    nothing = PageReading(
        page.url, site.name, page, _encoding(page), None, None, None, "", "nothing", ()
    )
    try:
        found = read_page(page, own)
    except ExtractError as error:
        return replace(nothing, error=str(error))
    declaring = owners(feed_id, own, site)
    cleaned = clean_body(found.body, found.url, family_of_page(found.url, own).clean)
    root = parse_page(decode_page(page.body, page.headers))
    box = _box(_outermost(found.body), root)
    return replace(
        nothing,
        found=found,
        cleaned=cleaned,
        whole=judge_whole(cleaned.html, cleaned.text, "auto"),
        box=_selector(box),
        located_by=_located_by(found, box, root, declaring),
        rules=(*_page_results(box, root, declaring), *clean_results(cleaned, declaring)),
    )


def _encoding(page: Retrieved) -> str:
    """What the page was read in: the encoding in which its bytes give the text that was read."""
    text = decode_page(page.body, page.headers)
    for name in ENCODINGS:
        if page.body.decode(name, "replace").lstrip("\ufeff") == text.lstrip("\ufeff"):
            return name
    return ""


def _outermost(body: str) -> HtmlElement | None:
    """The box that an extracted body stands in; None if it stands in none of its own."""
    if body.startswith("<body"):
        return None
    elements = [child for child in parse_fragment(body) if isinstance(child.tag, str)]
    return elements[0] if len(elements) == 1 else None


def _box(extracted: HtmlElement | None, root: HtmlElement) -> HtmlElement | None:
    """The same box on the page, before anything in it was dropped."""
    if extracted is None:
        return None
    name = (extracted.tag, extracted.get("id"), extracted.get("class"))
    like = [e for e in root.iter(extracted.tag) if (e.tag, e.get("id"), e.get("class")) == name]
    start = letters(fold(extracted.text_content()))[:60]
    holding = [e for e in like[:ALIKE] if start in letters(fold(e.text_content()))]
    return min(holding or like, key=lambda e: len(e.text_content()), default=None)


def _located_by(
    found: Extracted,
    box: HtmlElement | None,
    root: HtmlElement,
    declaring: Sequence[tuple[str, Family]],
) -> str:
    for owner, family in declaring:
        for container in family.page.containers:
            if box is not None and box in select(root, (container,)):
                return f"the container {container} of {owner}"
    if box is not None:
        return "its text, in no declared container"
    return "a text in its scripts" if _is_hidden(found.body, root) else "the page as a whole"


def _is_hidden(body: str, root: HtmlElement) -> bool:
    for element in list(root.iter(*_UNSEEN)):
        remove(element)
    shown = letters(fold(root.text_content()))
    lines = [letters(fold(line)) for line in plain_text(body).split("\n")]
    seen = sum(len(line) for line in lines if line in shown)
    return seen < SHOWN_SHARE * sum(map(len, lines))


def _selector(box: HtmlElement | None) -> str:
    if box is None:
        return ""
    named = f"#{box.get('id')}" if box.get("id") else ""
    return f"{box.tag}{named}{''.join(f'.{name}' for name in box.get('class', '').split())}"


# --- rules -------------------------------------------------------------------------------------


def owners(feed_id: str, own: FeedRules, *families: Family) -> tuple[tuple[str, Family], ...]:
    """Who declares rules: the feed's own settings, then each family once."""
    named = {family.name: family for family in families}
    mine = family_of_page("", own) if own != NO_FEED_RULES else GENERIC
    return ((f"feed {feed_id}", mine), *named.items())


def clean_results(
    cleaned: Cleaned, declaring: Sequence[tuple[str, Family]]
) -> tuple[RuleResult, ...]:
    """Each rule for cleaning, whether it found something or not; and what always happens."""
    counts = Counter({(e.action, str(e.rule)): e.count for e in cleaned.trace})
    results: dict[tuple[str, str], RuleResult] = {}
    for owner, family in declaring:
        for action, rule in _declared(family.clean):
            results.setdefault(
                (action, rule), RuleResult(owner, action, rule, counts[action, rule])
            )
    always = [
        RuleResult("always", *named, count)
        for named, count in counts.items()
        if named not in results
    ]
    return (*results.values(), *always)


def _declared(rules: CleanRules) -> Iterator[tuple[str, str]]:
    for field in fields(CleanRules):
        if field.name == _ASIDE:
            continue
        for rule in getattr(rules, field.name):
            yield field.name, rule.attribute if field.name == "scrambled" else str(rule)


def _page_results(
    box: HtmlElement | None, root: HtmlElement, declaring: Sequence[tuple[str, Family]]
) -> Iterator[RuleResult]:
    """What the selectors for pages find: containers on the page, the others inside the box."""
    for owner, family in declaring:
        for selector in family.page.containers:
            yield RuleResult(owner, "containers", selector, len(select(root, (selector,))))
        for selector in family.page.drop:
            found = len(select(box, (selector,))) if box is not None else 0
            yield RuleResult(owner, "page_drop", selector, found)


def media_type(headers: Mapping[str, str]) -> str:
    """Of an answer's headers, names in lower case; without its parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()
