"""HTML as a tree: parsed from anything, selected from, its addresses made absolute."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from urllib.parse import quote, urljoin, urlsplit

from cssselect import HTMLTranslator
from lxml import etree, html
from lxml.html import HtmlElement

from aggregator.core.characters import readable

BLOCK_TAGS = frozenset(
    (
        "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dialog",
        "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2",
        "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "html", "li", "main", "menu", "nav",
        "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead",
        "tr", "ul",
    )
)  # fmt: skip

LAZY_SOURCES = (
    "data-src", "data-original", "data-lazy-src", "data-actualsrc", "data-original-src",
    "data-lazy", "data-url", "data-echo",
)  # fmt: skip
"""Where pages that load their images late keep the address."""

BLANK = " \t\r\n\f\u00a0\u3000"
"""White space, and what Chinese and careless pages indent with."""

DEEPEST = 120
"""Levels of nesting that are looked into."""

NESTED_AT_MOST = 100
"""Levels of tags that are read; of what is deeper the text stays, and paragraphs."""

ATTRIBUTES_AT_MOST = 100
"""A tag with more is left out."""

LONG_TAG = 400
"""Characters; a shorter tag has not so many attributes."""

FEW_TAGS, SHORT = 100, 10_000
"""So many tags, or characters, can neither nest deep nor have too many attributes."""

SOURCES_AT_MOST = 30
"""Sources of one picture that are looked at."""

_ATTRIBUTE = (
    r"[\s/]*+[^\s/>][^\s/>=]*+"
    r"(?:\s*+=\s*+(?:\"[^\"]*+\"?|'[^']*+'?|(?![\"'])[^\s>]*+))?+"
)
_TAG = re.compile(rf"<(?:!--|(/?)([a-zA-Z][^\s/>]*+)(?:{_ATTRIBUTE})*+[\s/]*+>?)")
_TOO_MANY = re.compile(rf"<[^\s/>]*+(?:{_ATTRIBUTE}){{{ATTRIBUTES_AT_MOST + 1}}}")
_RAW_TAGS = frozenset(
    ("iframe", "noembed", "noframes", "script", "style", "textarea", "title", "xmp")
)
"""What they hold is no markup."""

_NEVER_DEEP = frozenset(
    (
        "area", "base", "body", "br", "col", "dd", "dt", "embed", "head", "hr", "html", "img",
        "input", "li", "link", "meta", "option", "p", "param", "plaintext", "source", "tbody",
        "td", "tfoot", "th", "thead", "tr", "track", "wbr",
    )
)  # fmt: skip
"""Hold nothing, or end where the next one begins."""

_TABS = re.compile(r"[\t\r\n]")
_UNSEEN = re.compile(
    r"[\x00-\x20\x7f-\xa0\u00ad\u034f\u061c\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000"
    r"\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\ufff9-\uffff\U000e0000-\U0010ffff]"
)
"""What may not stand in an address as it is: percent-encoded it does no harm there."""

_GONE = "gone"


# --- in ----------------------------------------------------------------------------------------


def parse_fragment(fragment: str) -> HtmlElement:
    """A `body` holding `fragment`. Any text gives one."""
    # the fragment's own html and body tags, if any, melt into these; an end tag could end up as
    # text inside whatever the fragment leaves open
    return _parse(f"<html><body>{readable(fragment)}").find("body")


def parse_page(page: str) -> HtmlElement:
    """The `html` element of a page. Any text gives one."""
    return _parse(readable(page) or "<html><body></body></html>")


def _parse(text: str) -> HtmlElement:
    # a parser keeps state between documents, so each has its own
    parser = html.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True
    )
    try:
        root = html.document_fromstring(_bounded(text).encode("utf-8"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):  # nothing in it
        root = html.document_fromstring(b"<html><body></body></html>")
    if root.find("body") is None:
        etree.SubElement(root, "body")
    _resolve_characters(root)
    return root


def _bounded(text: str) -> str:
    """Without the tags that libxml2 would take long for, or lose the text of.

    It compares each attribute with all others of its tag, and drops what is 2,048 levels deep.
    """
    if len(text) < SHORT and text.count("<") < FEW_TAGS:
        return text
    kept: list[str] = []
    at = start = 0
    opened: list[str] = []
    dropped: Counter[str] = Counter()
    endless: set[str] = set()
    while tag := _TAG.search(text, at):
        at = tag.end()
        name = (tag[2] or "").lower()
        if not name:
            at = _end_of(text, at, "-->", endless)
        elif _is_dropped(tag, name, opened, dropped):
            kept.append(text[start : tag.start()])
            start = at
        elif name in _RAW_TAGS and not tag[1]:
            at = _end_of(text, at, f"</{name}", endless)
    return "".join(kept) + text[start:] if kept else text


def _is_dropped(tag: re.Match[str], name: str, opened: list[str], dropped: Counter[str]) -> bool:
    """Keeps the account of what is open, and of the end tags that are to go with their tags."""
    if not tag[1]:
        if tag.end() - tag.start() > LONG_TAG and _TOO_MANY.match(tag[0]):
            return True
        if name not in _NEVER_DEEP and name not in _RAW_TAGS:
            if len(opened) >= NESTED_AT_MOST:
                dropped[name] += 1
                return True
            opened.append(name)
    elif dropped[name]:
        dropped[name] -= 1
        return True
    elif name in opened:
        while opened.pop() != name:
            pass
        dropped.clear()
    return False


def _end_of(text: str, at: int, end: str, endless: set[str]) -> int:
    """Where it ends; where it began, if it never does: this is looked for once."""
    if end in endless:
        return at
    found = re.compile(re.escape(end), re.I).search(text, at)
    if found is None:
        endless.add(end)
        return at
    return found.start()


def _resolve_characters(root: HtmlElement) -> None:
    """Do with characters that came as references what was done with the others."""
    text = root.text_content()
    if readable(text) is text:
        return
    for element in root.iter():
        if element.text and (better := readable(element.text)) is not element.text:
            element.text = better
        if element.tail and (better := readable(element.tail)) is not element.tail:
            element.tail = better


# --- selecting ---------------------------------------------------------------------------------


def select(root: HtmlElement, selectors: tuple[str, ...]) -> list[HtmlElement]:
    """The elements under `root` that match any of the CSS selectors, in document order.

    Raises cssselect.SelectorError for what is no selector.
    """
    if not selectors:
        return []
    found = _xpath(selectors)(root)
    assert isinstance(found, list)  # an XPath of location paths gives nothing else
    return [element for element in found if element is not root]


@lru_cache(maxsize=256)
def _xpath(selectors: tuple[str, ...]) -> etree.XPath:
    translator = HTMLTranslator()
    return etree.XPath("|".join(translator.css_to_xpath(selector) for selector in selectors))


def ancestors(element: HtmlElement) -> Iterator[HtmlElement]:
    """The element itself, then what holds it, up to the root."""
    current: HtmlElement | None = element
    while current is not None:
        yield current
        current = current.getparent()


def remove(element: HtmlElement) -> None:
    """Take the element out of its tree, with all it holds; the text after it stays."""
    if element.getparent() is not None:
        element.drop_tree()


def remove_all(root: HtmlElement, elements: Iterable[HtmlElement]) -> None:
    """`remove` for many under one root: each by itself joins the text around it once more."""
    for element in elements:
        element.tag = _GONE
    etree.strip_elements(root, _GONE, with_tail=False)


def unwrap_all(root: HtmlElement, elements: Iterable[HtmlElement]) -> None:
    """Leave of each of the elements under `root` what it holds."""
    for element in elements:
        element.tag = _GONE
    etree.strip_tags(root, _GONE)


def holds_block(element: HtmlElement) -> bool:
    return next(element.iterdescendants(*BLOCK_TAGS), None) is not None


# --- addresses ---------------------------------------------------------------------------------


def absolute(url: str, base: str) -> str:
    """`url` resolved against `base` (RFC 3986 section 5), "" if that is no http(s) URL."""
    url = _TABS.sub("", url).strip()
    if not url:
        return ""
    try:
        resolved = urljoin(base, url)
        parts = urlsplit(resolved)
    except ValueError:
        return ""
    if parts.scheme.lower() not in ("http", "https") or not parts.netloc:
        return ""
    return _escaped(resolved)


def _escaped(url: str) -> str:
    return _UNSEEN.sub(lambda character: quote(character[0], errors="ignore"), url)


def resolve_addresses(root: HtmlElement, base: str) -> None:
    """Make links and images under `root` absolute, in place; late-loading images get their `src`.

    An image without a usable address goes; of a link with none the text stays.
    """
    for link in list(root.iter("a")):
        href = link.get("href", "").strip()
        if href.startswith("mailto:"):
            target = _escaped(href)
        else:
            target = absolute(href, base) if href else ""
        if target:
            link.set("href", target)
        else:
            link.attrib.pop("href", None)
    without: list[HtmlElement] = []
    for image in root.iter("img"):
        if source := image_source(image, base):
            image.set("src", source)
            for name in (*LAZY_SOURCES, "srcset", "data-srcset"):
                image.attrib.pop(name, None)
        else:
            without.append(image)
    remove_all(root, without)
    for embedded in root.iter("iframe", "video", "audio", "source", "embed"):
        if embedded.get("src") or embedded.get("data-src"):
            source = absolute(embedded.get("src") or embedded.get("data-src", ""), base)
            embedded.set("src", source)


def image_source(image: HtmlElement, base: str) -> str:
    """An image's address, absolute; "" if it has none.

    Where an image is loaded late, its `src` is a placeholder: so the late one comes first.
    """
    for name in LAZY_SOURCES:
        given = image.get(name, "").strip()
        if ("/" in given or "." in given) and (late := absolute(given, base)):
            return late
    if at_once := absolute(image.get("src", ""), base):
        return at_once
    sets = [image.get("srcset", ""), image.get("data-srcset", "")]
    # an ancestor at any depth: to libxml2 the `source` before it is not empty, and holds it
    for picture in image.iterancestors("picture"):
        for source in islice(picture.iter("source"), SOURCES_AT_MOST):
            sets += [source.get("srcset", ""), source.get("data-srcset", "")]
    for candidates in sets:
        if largest := absolute(_largest(candidates), base):
            return largest
    return ""


def _largest(srcset: str) -> str:
    """The candidate with the largest descriptor (HTML section 4.8.4.2.1)."""
    best, best_size = "", -1.0
    # a comma ends a candidate only where white space follows: addresses hold commas too
    for candidate in re.split(r",\s+", srcset.strip().rstrip(",")):
        address, _, descriptor = candidate.strip().partition(" ")
        number = re.match(r"\d+(?:\.\d+)?", descriptor.strip())
        size = float(number[0]) if number else 1.0
        if address and size > best_size:
            best, best_size = address, size
    return best


# --- text ----------------------------------------------------------------------------------------


def is_blank(text: str | None) -> bool:
    return not text or not text.strip(BLANK)


def is_filled(element: HtmlElement) -> bool:
    return not is_blank(element.text_content()) or next(element.iter("img"), None) is not None


def last_child(element: HtmlElement) -> HtmlElement | None:
    """The same as `element[-1]`, without counting the others, as `len` does."""
    return next(element.iterchildren(reversed=True), None)


def append_text(element: HtmlElement, text: str) -> None:
    if (last := last_child(element)) is not None:
        last.tail = (last.tail or "") + text
    else:
        element.text = (element.text or "") + text


def move_content(source: HtmlElement, target: HtmlElement) -> None:
    if source.text:
        append_text(target, source.text)
    for child in list(source):
        target.append(child)


def trim_start(element: HtmlElement) -> None:
    for _ in range(DEEPEST):
        element.text = (element.text or "").lstrip(BLANK) or None
        first = next(element.iterchildren(), None)
        if element.text or first is None:
            return
        if first.tag == "br" or not is_filled(first):
            first.drop_tree()
        elif first.tag == "img":
            return
        else:
            element = first


def trim_end(element: HtmlElement) -> None:
    for _ in range(DEEPEST):
        last = last_child(element)
        if last is None:
            element.text = (element.text or "").rstrip(BLANK)
            return
        last.tail = (last.tail or "").rstrip(BLANK) or None
        if last.tail or last.tag == "img":
            return
        if last.tag == "br" or not is_filled(last):
            last.drop_tree()
        else:
            element = last
