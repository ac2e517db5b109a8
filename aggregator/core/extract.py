"""From a page to its article: `extract`.

    bytes → text → tree ──→ trafilatura: what text is the article?
                     │              │
                     │              ↓
                     └──→ the box of the page that holds this text, as a whole: with its images,
                          captions, links → boilerplate inside it dropped → Extracted

trafilatura is good at telling an article from what surrounds it, but gives back a thinned copy.
So its answer serves to find the place, and the page itself gives the markup.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from urllib.parse import urldefrag, urlsplit

import trafilatura
from lxml import etree, html
from lxml.html import HtmlElement

from aggregator.core.markup import (
    BLOCK_TAGS,
    absolute,
    decode,
    parse_page,
    remove,
    resolve_addresses,
    select,
)
from aggregator.core.model import Extracted
from aggregator.core.page_meta import read_meta
from aggregator.errors import ExtractError

SMALLEST = 25
"""Letters; a page on which less is found has no article."""

PIECE_LEAST = 6
"""Letters; a shorter piece of text is too common to tell where it was located."""

LINK_WEIGHT = 0.2
"""What a letter in a link weighs when it is asked how much of a box is article."""

KNOWN_SHARE = 0.4
"""What a declared container must hold of the located text to be believed…"""

KNOWN_LOCATED = 0.6
"""…or how much of its own text must have been located: readers' comments can be located too,
and be longer than the article."""

LINKED_SHARE = 0.7
"""From this share of its letters inside links on, a box is a list of links."""

PROTECTED_SHARE = 0.3
"""A box with more than this share of the located text is the article, whatever it is called."""

NAMED_SHARE = 0.1
"""A box with less than this share of the located text is not the article if its name says so."""

NEARBY = 400
"""Letters beyond the article's end within which a link to the whole text is looked for."""

_DEAD = ("script", "style", "template", "svg", "form", "button", "nav", "select", "textarea")
_PLACES = BLOCK_TAGS - {"html", "hr", "li", "thead", "tbody", "tr", "p", "dt", "dd", "figcaption"}
_TEXT_TAGS = frozenset(("p", "h2", "h3", "h4", "h5", "h6", "figcaption", "td", "th"))
_NOT_LETTERS = re.compile(r"[\W_]+")
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_BOILERPLATE = frozenset(
    (
        "ad", "ads", "adv", "advert", "advertisement", "bdsharebuttonbox", "breadcrumb",
        "breadcrumbs", "comment", "comments", "consent", "cookie", "cookies", "disqus", "login",
        "modal", "newsletter", "pager", "pagination", "popup", "print", "promo", "qrcode",
        "recommend", "recommendation", "recommendations", "recommended", "related", "respond",
        "share", "sharebox", "sharing", "sidebar", "social", "sponsor", "sponsored", "subscribe",
        "subscription", "tags", "toolbar",
    )
)  # fmt: skip
"""Words in a class or id by which pages name what is not the article."""

_WHOLE_LINKS = (
    r"(?:点击|點擊)?(?:余下|餘下|阅读|閱讀|查看|显示|顯示|浏览|在本页阅读)全文[>»…\s]*",
    r"单页阅读|全文阅读",
)
_TARGET_IN_SCRIPT = re.compile(r"location(?:\.href)?\s*=\s*['\"]([^'\"]+)['\"]")


@dataclass(frozen=True, slots=True)
class PageRules:
    """What a source family knows of its article pages."""

    containers: tuple[str, ...] = ()
    """CSS selectors of the boxes its articles stand in."""
    drop: tuple[str, ...] = ()
    """CSS selectors of what is dropped inside them."""
    whole_link: tuple[str, ...] = ()
    """Regular expressions: the whole text of a link that leads to the whole article."""
    timezone: str = "UTC"
    """IANA name: the zone of the page's dates that name none."""


NO_RULES = PageRules()


def extract(
    page: bytes, headers: Mapping[str, str], url: str, rules: PageRules = NO_RULES
) -> Extracted:
    """Takes a page, its HTTP headers (names in lower case) and where it came from.

    Raises ExtractError when there is no article in it.
    """
    root = parse_page(decode(page, headers.get("content-type", "")))
    base = _base(root, url)
    meta = read_meta(root, base, rules.timezone)
    resolve_addresses(root, base)
    for element in list(root.iter(*_DEAD)):
        if element.tag != "form" or not _holds_most(element, root):
            remove(element)
    located = _located(root, base)
    plan = _Plan(root, located)
    place = _place(plan, select(root, rules.containers))
    if place is None:
        body = _last_resort(root, base)
        whole_url = ""
    else:
        whole_url = _whole_url(plan, place, base, rules)
        for element in select(place, rules.drop):
            remove(element)
        _drop_boilerplate(place, plan, meta.title)
        place.tail = None
        body = html.tostring(place, encoding="unicode")
    if not body:
        raise ExtractError(
            "no article found on the page", url, 'set full_text = "feed" if its pages have none'
        )
    return Extracted(
        url=url,
        title=meta.title,
        author=meta.author,
        published=meta.published,
        body=body,
        image=meta.image,
        language=meta.language,
        whole_url=whole_url,
    )


def _base(root: HtmlElement, url: str) -> str:
    declared = next(root.iter("base"), None)
    return (absolute(declared.get("href", ""), url) if declared is not None else "") or url


def _holds_most(element: HtmlElement, root: HtmlElement) -> bool:
    # some server frameworks put the whole page into one form
    return len(element.text_content()) * 2 > len(root.text_content())


# --- where the article is ----------------------------------------------------------------------


def _located(root: HtmlElement, url: str) -> str:
    """The article's text, as trafilatura sees it."""
    # a parsed tree is copied by trafilatura, and its cache of duplicates stays off
    document = trafilatura.bare_extraction(
        root, url=url, include_comments=False, include_formatting=False, deduplicate=False
    )
    return getattr(document, "text", None) or ""


class _Plan:
    """The page's letters in one row, where each element stands in it, what of it was located."""

    def __init__(self, root: HtmlElement, located: str) -> None:
        self.spans: dict[HtmlElement, tuple[int, int]] = {}
        pieces: list[str] = []
        found: list[tuple[int, int]] = []
        linked: list[tuple[int, int]] = []
        sought = _letters(located)
        at = 0
        for event, element in etree.iterwalk(root, events=("start", "end")):
            if event == "start":
                self.spans[element] = (at, at)
                piece = element.text
            else:
                start = self.spans[element][0]
                self.spans[element] = (start, at)
                if element.tag == "a":
                    linked.append((start, at))
                piece = element.tail
            if piece and (letters := _letters(piece)):
                pieces.append(letters)
                # trafilatura joins and thins lines, but leaves a text node's words together
                if len(letters) >= PIECE_LEAST and letters in sought:
                    found.append((at, at + len(letters)))
                at += len(letters)
        self.letters = "".join(pieces)
        in_links = _covered(linked, at)
        was_located = _covered(_without_gaps(found), at)
        self._linked = [0, *accumulate(in_links)]
        self._located = [0, *accumulate(was_located)]
        running = [yes and not link for yes, link in zip(was_located, in_links, strict=True)]
        self._running = [0, *accumulate(running)]
        self.total = self._running[-1]

    def length(self, element: HtmlElement) -> int:
        start, end = self.spans[element]
        return end - start

    def linked(self, element: HtmlElement) -> int:
        """How many of its letters are in links."""
        start, end = self.spans[element]
        return self._linked[end] - self._linked[start]

    def located(self, element: HtmlElement) -> int:
        start, end = self.spans[element]
        return self._located[end] - self._located[start]

    def running(self, element: HtmlElement) -> int:
        """How many of its letters were located and are in no link."""
        start, end = self.spans[element]
        return self._running[end] - self._running[start]


def _covered(spans: list[tuple[int, int]], length: int) -> bytearray:
    covered = bytearray(length)
    for start, end in spans:
        covered[start:end] = b"\x01" * (end - start)
    return covered


def _without_gaps(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order; a word in bold between two that were located was located with them."""
    filled: list[tuple[int, int]] = []
    for start, end in spans:
        near = filled and start - filled[-1][1] < PIECE_LEAST * 2
        filled.append((filled[-1][1], end) if near else (start, end))
    return filled


def _letters(text: str) -> str:
    return _NOT_LETTERS.sub("", text)


def _place(plan: _Plan, known: list[HtmlElement]) -> HtmlElement | None:
    """The box the article stands in: a known one if there is any sense in it, else the smallest
    that holds the located text and little else.
    """
    total = plan.total
    boxes = [box for box in plan.spans if box.tag in _PLACES]
    found = max(boxes, key=lambda box: _fitness(box, plan, total), default=None)
    if found is None or plan.running(found) < SMALLEST:
        found = None
    declared = max(known, key=lambda box: plan.length(box) - plan.linked(box), default=None)
    if declared is None or plan.length(declared) == 0:
        return found
    own = plan.length(declared) - plan.linked(declared)
    fits = plan.running(declared) >= min(KNOWN_SHARE * total, max(KNOWN_LOCATED * own, SMALLEST))
    return declared if found is None or fits else found


def _fitness(box: HtmlElement, plan: _Plan, total: int) -> float:
    """The harmonic mean of the share of the located text that is in the box, and the share of
    the box that was located. Letters in links count little, for lists of links are dropped. A
    box with less than half of the located text has no fitness.
    """
    running = plan.running(box)
    if not running or running * 2 < total:
        return 0.0
    linked = plan.linked(box)
    recall = running / total
    precision = running / (plan.length(box) - linked + linked * LINK_WEIGHT)
    # of boxes in each other with the same text the innermost
    depth = sum(1 for _ in box.iterancestors()) * 1e-6
    return 2 * recall * precision / (recall + precision) + depth


def _last_resort(root: HtmlElement, url: str) -> str:
    """trafilatura's own copy of the article; "" if that is no article either."""
    copy = trafilatura.extract(
        root, url=url, output_format="html", include_comments=False, include_images=True,
        include_links=True, include_formatting=True, deduplicate=False,
    )  # fmt: skip
    if not copy:
        return ""
    body = parse_page(copy).find("body")
    if body is None or len(_letters(body.text_content())) < SMALLEST:
        return ""
    markup: str = html.tostring(body, encoding="unicode")
    return markup


# --- what is not the article -------------------------------------------------------------------


def _drop_boilerplate(place: HtmlElement, plan: _Plan, title: str) -> None:
    protected = PROTECTED_SHARE * max(plan.running(place), 1)
    title_letters = _letters(title)
    for element in list(place.iterdescendants()):
        if element not in plan.spans or element.getparent() is None:
            continue
        is_title = element.tag == "h1" and _letters(element.text_content()) == title_letters
        is_protected = plan.running(element) > protected
        if is_title or (not is_protected and _is_boilerplate(element, plan, plan.total)):
            remove(element)


def _is_boilerplate(element: HtmlElement, plan: _Plan, total: int) -> bool:
    if element.tag not in BLOCK_TAGS and element.tag not in ("iframe", "ins"):
        return False
    length, located, linked = plan.length(element), plan.located(element), plan.linked(element)
    was_located = located * 2 > max(length, 1)
    is_text = element.tag in _TEXT_TAGS
    if _is_called_boilerplate(element):
        # trafilatura may be wrong about a small box, and the page about a paragraph's name
        return not was_located or (not is_text and located <= NAMED_SHARE * total)
    links = sum(1 for _ in element.iter("a"))
    return (
        not was_located and not is_text and links >= 2 and linked >= LINKED_SHARE * max(length, 1)
    )


def _is_called_boilerplate(element: HtmlElement) -> bool:
    names = f"{element.get('class', '')} {element.get('id', '')}"
    return element.tag == "aside" or any(
        word.lower() in _BOILERPLATE for word in _WORDS.findall(names)
    )


# --- where the whole of it is ------------------------------------------------------------------


def _whole_url(plan: _Plan, place: HtmlElement, url: str, rules: PageRules) -> str:
    """The target of a link in or right after the article that promises its whole text."""
    patterns = rules.whole_link + _WHOLE_LINKS
    start, end = plan.spans[place]
    for link in [element for element in plan.spans if element.tag == "a"]:
        at = plan.spans[link][0]
        text = link.text_content().strip()
        if not start <= at <= end + NEARBY or len(text) > 40:
            continue
        if any(re.fullmatch(pattern, text) for pattern in patterns):
            target = _target(link, url)
            if target and _is_same_site(target, url) and urldefrag(target)[0] != url:
                return target
    return ""


def _target(link: HtmlElement, url: str) -> str:
    if href := link.get("href", ""):
        return absolute(href, url)
    script = _TARGET_IN_SCRIPT.search(link.get("onclick", ""))
    return absolute(script[1], url) if script else ""


def _is_same_site(target: str, url: str) -> bool:
    """The same registrable domain, taken as the last two labels of the host."""
    hosts = [(urlsplit(address).hostname or "").split(".")[-2:] for address in (target, url)]
    return hosts[0] == hosts[1]
