"""HTML as a tree: parsed from anything, selected from, its addresses made absolute."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import urljoin, urlsplit

from cssselect import HTMLTranslator
from lxml import etree, html
from lxml.html import HtmlElement

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

ATTRIBUTES_AT_MOST = 1000
"""A tag with more is left out."""

_LONG_TAG = re.compile(r"<[a-zA-Z][^<>]{4000,}>")
_UNREADABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


# --- in ----------------------------------------------------------------------------------------


def readable(text: str) -> str:
    """`text` without the characters neither HTML nor XML may hold: NUL, lone surrogates, …"""
    return _UNREADABLE.sub("", text)


def parse_fragment(fragment: str) -> HtmlElement:
    """A `body` holding `fragment`. Any text gives one."""
    # the fragment's own html and body tags, if any, melt into these; an end tag could end up as
    # text inside whatever the fragment leaves open
    return _parse(f"<html><body>{readable(fragment)}").find("body")


def parse_page(page: str) -> HtmlElement:
    """The `html` element of a page. Any text gives one."""
    # each attribute is compared with all others of its tag
    page = _LONG_TAG.sub(lambda tag: "" if tag[0].count("=") > ATTRIBUTES_AT_MOST else tag[0], page)
    return _parse(readable(page) or "<html><body></body></html>")


def _parse(text: str) -> HtmlElement:
    # a parser keeps state between documents, so each has its own; huge_tree lifts the depth at
    # which libxml2 drops the text from 256 to 2,048
    parser = html.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True
    )
    try:
        root = html.document_fromstring(text.encode("utf-8"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):  # nothing in it
        root = html.document_fromstring(b"<html><body></body></html>")
    if root.find("body") is None:
        etree.SubElement(root, "body")
    return root


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


def holds_block(element: HtmlElement) -> bool:
    return next(element.iterdescendants(*BLOCK_TAGS), None) is not None


# --- addresses ---------------------------------------------------------------------------------


def absolute(url: str, base: str) -> str:
    """`url` resolved against `base` (RFC 3986 section 5), "" if that is no http(s) URL."""
    url = re.sub(r"[\t\r\n]", "", url).strip()
    if not url:
        return ""
    try:
        resolved = urljoin(base, url)
        parts = urlsplit(resolved)
    except ValueError:
        return ""
    if parts.scheme.lower() not in ("http", "https") or not parts.netloc:
        return ""
    return resolved.replace(" ", "%20")


def resolve_addresses(root: HtmlElement, base: str) -> None:
    """Make links and images under `root` absolute, in place; late-loading images get their `src`.

    An image without a usable address goes; of a link with none the text stays.
    """
    for link in list(root.iter("a")):
        href = link.get("href", "").strip()
        target = href if href.startswith("mailto:") else absolute(href, base) if href else ""
        if target:
            link.set("href", target)
        else:
            link.attrib.pop("href", None)
    for image in list(root.iter("img")):
        source = image_source(image, base)
        if source:
            image.set("src", source)
            for name in (*LAZY_SOURCES, "srcset", "data-srcset"):
                image.attrib.pop(name, None)
        else:
            remove(image)
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
        for source in picture.iter("source"):
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


def append_text(element: HtmlElement, text: str) -> None:
    if len(element):
        element[-1].tail = (element[-1].tail or "") + text
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
        if element.text or not len(element):
            return
        first = element[0]
        if first.tag == "br" or not is_filled(first):
            first.drop_tree()
        elif first.tag == "img":
            return
        else:
            element = first


def trim_end(element: HtmlElement) -> None:
    for _ in range(DEEPEST):
        if not len(element):
            element.text = (element.text or "").rstrip(BLANK)
            return
        last = element[-1]
        last.tail = (last.tail or "").rstrip(BLANK) or None
        if last.tail or last.tag == "img":
            return
        if last.tag == "br" or not is_filled(last):
            last.drop_tree()
        else:
            element = last
