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

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urldefrag, urlsplit

from lxml import etree, html
from lxml.html import HtmlElement

from aggregator.core.boilerplate import drop_boilerplate, drop_hidden
from aggregator.core.characters import readable
from aggregator.core.embedded import Embedded, embedded_bodies
from aggregator.core.layout import SMALLEST, Layout, Witness, letters
from aggregator.core.markup import (
    BLOCK_TAGS,
    absolute,
    ancestors,
    parse_fragment,
    parse_page,
    remove_all,
    resolve_addresses,
    select,
)
from aggregator.core.model import Extracted
from aggregator.core.page_meta import read_meta
from aggregator.core.parse_bytes import decode_page
from aggregator.core.patterns import compiled
from aggregator.core.wall import wall
from aggregator.errors import ExtractError

ELEMENTS_AT_MOST = 20_000
"""Elements of a page that are looked at; what comes after is left off."""

LEVELS_AT_MOST = 250
"""Elements in each other; of what is deeper the text stays. Tags that nobody closed nest so."""

CELLS_AT_MOST = 1_000
"""Cells of one row that are looked at."""

BLOCKS_AT_MOST = 4_000
"""Blocks up to which trafilatura may ask its helpers too: jusText compares each with all others."""

TEXT_AT_MOST = 500_000
"""Characters of a page outside scripts that are looked at."""

MORE = 1.5
"""A text in a script is taken if it is longer than what the page shows by this factor."""

WITNESS_SHARE = 0.8
"""A text in a script says what the article is if it has this share of what was located."""

SAME_SHARE = 0.5
"""Two texts are one article if this share of one is in the other."""

DESCRIPTION = 30
"""Letters of the page's description that tell its article among the texts in its scripts."""

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

_DEAD = ("script", "style", "template", "svg", "button", "nav", "select", "textarea")
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

_SPAN = re.compile(r"\s*[0-9]{1,4}\s*\Z")
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
    next_link: tuple[str, ...] = ()
    """Regular expressions: the whole text of a link that leads to the article's next page."""
    whole_link: tuple[str, ...] = ()
    """Regular expressions: the whole text of a link that leads to the whole article."""
    timezone: str = "UTC"
    """IANA name: the zone of the page's dates that name none."""


NO_RULES = PageRules()

_INSTEAD = 'set full_text = "feed" if its pages have none'


def extract(
    page: bytes, headers: Mapping[str, str], url: str, rules: PageRules = NO_RULES
) -> Extracted:
    """Takes a page, its HTTP headers (names in lower case) and where it came from.

    Raises ExtractError when there is no article in it.
    """
    root = parse_page(decode_page(page, headers))
    _cut(root)
    base = _base(root, url)
    meta = read_meta(root, base, rules.timezone)
    headings = [heading.text_content() for heading in root.iter("title", "h1", "h2")]
    embedded = embedded_bodies(root)
    resolve_addresses(root, base)
    _drop_dead(root)
    drop_hidden(root)
    located = _located(root, base)
    whole_page = root.text_content()
    layout = Layout(root, (Witness(located), *_witnesses(located, embedded)))
    place = _place(layout, select(root, rules.containers))
    body = whole_url = next_url = ""
    if in_script := _in_script(embedded, layout, place, meta.description):
        body = _with_addresses(in_script.body, base)
    elif place is not None:
        whole_url = _promised(layout, place, base, rules.whole_link + _WHOLE_LINKS)
        next_url = _promised(layout, place, base, rules.next_link)
        remove_all(place, select(place, rules.drop))
        drop_boilerplate(place, layout, meta.title)
        place.tail = None
        body = html.tostring(place, encoding="unicode")
    else:
        body = _last_resort(root, base)
    text = parse_fragment(body).text_content() if body else whole_page
    if reason := wall([meta.title, *headings], text):
        raise ExtractError(f"the page is not the article: {reason}", url, _INSTEAD)
    if not body:
        raise ExtractError("no article found on the page", url, _INSTEAD)
    return Extracted(
        url=url,
        title=readable(meta.title),
        author=readable(meta.author),
        published=meta.published,
        body=readable(body),
        image=meta.image,
        language=meta.language,
        whole_url=whole_url,
        next_url=next_url,
    )


def _cut(root: HtmlElement) -> None:
    """Leave off the end of a page that is larger than any article, and flatten what is deeper."""
    for element in list(root.xpath(f"/*{'/*' * LEVELS_AT_MOST}")):
        text = element.text_content()
        for child in list(element):
            element.remove(child)
        element.text = text
    for row in root.iter("tr"):
        for cell in list(islice(row, CELLS_AT_MOST, None)):
            row.remove(cell)
    _bound_spans(root)
    size = 0
    last = None
    for number, element in enumerate(root.iter(), 1):
        if element.tag in _DEAD:
            continue
        size += len(element.text or "") + len(element.tail or "")
        if number > ELEMENTS_AT_MOST or size > TEXT_AT_MOST:
            last = element
            break
    if last is None:
        return
    last.text, last.tail = (last.text or "")[:TEXT_AT_MOST], None
    for child in list(last):
        last.remove(child)
    for element in ancestors(last):
        for after in list(element.itersiblings()):
            element.getparent().remove(after)


def _bound_spans(root: HtmlElement) -> None:
    """trafilatura makes a cell for each place in a table that a cell spans."""
    spanning = [cell for cell in root.iter("td", "th") if _spans(cell) != 1]
    if sum(map(_spans, spanning)) > ELEMENTS_AT_MOST:
        for cell in spanning:
            cell.attrib.pop("colspan", None)
            cell.attrib.pop("rowspan", None)


def _spans(cell: HtmlElement) -> int:
    spans = (_SPAN.match(cell.get(name, "1")) for name in ("colspan", "rowspan"))
    return math.prod(int(span[0]) if span else ELEMENTS_AT_MOST + 1 for span in spans)


def _base(root: HtmlElement, url: str) -> str:
    declared = next(root.iter("base"), None)
    return (absolute(declared.get("href", ""), url) if declared is not None else "") or url


def _drop_dead(root: HtmlElement) -> None:
    etree.strip_elements(root, *_DEAD, with_tail=False)
    # some server frameworks put the whole page into one form
    most = len(root.text_content()) / 2
    remove_all(root, [form for form in root.iter("form") if len(form.text_content()) <= most])


# --- where the article is ----------------------------------------------------------------------


def _located(root: HtmlElement, url: str) -> str:
    """The article's text, as trafilatura sees it."""
    import trafilatura  # takes 20 MB and a third of a second: only workers need it

    # a parsed tree is copied by trafilatura, and its cache of duplicates stays off
    document = trafilatura.bare_extraction(
        root, url=url, include_comments=False, include_formatting=False, deduplicate=False,
        fast=_has_many_blocks(root),
    )  # fmt: skip
    return getattr(document, "text", None) or ""


def _has_many_blocks(root: HtmlElement) -> bool:
    blocks = root.iter(*BLOCK_TAGS, "br")
    return next(islice(blocks, BLOCKS_AT_MOST, None), None) is not None


def _witnesses(located: str, embedded: list[Embedded]) -> list[Witness]:
    """The texts in scripts that are the article that was located, or more of it."""
    lines = [found for line in located.split("\n") if (found := letters(line))]
    agreeing = [each for each in embedded if each.named and _share(lines, each) >= WITNESS_SHARE]
    return [Witness(agreeing[0].letters)] if agreeing else []


def _share(lines: list[str], embedded: Embedded) -> float:
    """How much of the lines is in the embedded text."""
    within = sum(len(line) for line in lines if line in embedded.letters)
    return within / max(sum(map(len, lines)), 1)


def _in_script(
    embedded: list[Embedded], layout: Layout, place: HtmlElement | None, description: str
) -> Embedded | None:
    """A text in a script, if the page shows no article, or only the beginning of this one."""
    shown = 0.0 if place is None else layout.length(place) - layout.linked(place)
    lines = [] if place is None else layout.lines(place)
    start = letters(description)[:DESCRIPTION]
    for each in embedded:
        if len(each.letters) <= MORE * shown:
            break
        described = len(start) >= SMALLEST / 2 and start in each.letters
        if described or (lines and _share(lines, each) >= SAME_SHARE) or (not lines and each.named):
            return each
    return None


def _with_addresses(body: str, base: str) -> str:
    tree = parse_fragment(body)
    resolve_addresses(tree, base)
    markup: str = html.tostring(tree, encoding="unicode")
    return markup


def _place(layout: Layout, known: list[HtmlElement]) -> HtmlElement | None:
    """The box the article stands in: a known one if there is any sense in it, else the smallest
    that holds the located text and little else.
    """
    total = layout.total
    found = layout.place()
    declared = max(known, key=lambda box: layout.length(box) - layout.linked(box), default=None)
    if declared is None or layout.length(declared) == 0:
        return found
    own = layout.length(declared) - layout.linked(declared)
    fits = layout.running(declared) >= min(KNOWN_SHARE * total, max(KNOWN_LOCATED * own, SMALLEST))
    return declared if found is None or fits else found


def _last_resort(root: HtmlElement, url: str) -> str:
    """trafilatura's own copy of the article; "" if that is no article either."""
    import trafilatura

    copy = trafilatura.extract(
        root, url=url, output_format="html", include_comments=False, include_images=True,
        include_links=True, include_formatting=True, deduplicate=False,
        fast=_has_many_blocks(root),
    )  # fmt: skip
    if not copy:
        return ""
    body = parse_page(copy).find("body")
    if body is None or len(letters(body.text_content())) < SMALLEST:
        return ""
    markup: str = html.tostring(body, encoding="unicode")
    return markup


# --- where the whole of it is ------------------------------------------------------------------


def _promised(layout: Layout, place: HtmlElement, url: str, patterns: Sequence[str]) -> str:
    """The target of a link in or right after the article with one of these texts."""
    start, end = layout.extent(place)
    for link in [element for element in layout.spans if element.tag == "a"]:
        at = layout.extent(link)[0]
        text = link.text_content().strip()
        if not start <= at <= end + NEARBY or len(text) > 40:
            continue
        if any(compiled(pattern).fullmatch(text) for pattern in patterns):
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
