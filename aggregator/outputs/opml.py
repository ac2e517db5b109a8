"""OPML 2.0: lists of feeds, for a reader to import."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lxml import etree

from aggregator.outputs.item import one_line, web_address

OPML_MEDIA_TYPE = "text/x-opml"


@dataclass(frozen=True, slots=True)
class Outline:
    """One feed of a subscription list. `html_url` is its page, may be empty."""

    title: str
    xml_url: str
    html_url: str = ""
    categories: tuple[str, ...] = ()


def render_opml(title: str, outlines: Iterable[Outline]) -> bytes:
    """A subscription list. Outlines whose `xml_url` is no http(s) URL are left out, and so
    are passwords in URLs: the list is public.
    """
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = one_line(title)
    body = etree.SubElement(root, "body")
    for outline in outlines:
        xml_url = web_address(outline.xml_url)
        if not xml_url:
            continue
        name = one_line(outline.title) or xml_url
        element = etree.SubElement(
            body, "outline", text=name, title=name, type="rss", xmlUrl=xml_url
        )
        html_url = web_address(outline.html_url)
        if html_url:
            element.set("htmlUrl", html_url)
        if outline.categories:
            # The format's separator (OPML 2.0, "category") cannot be part of a name.
            names = (one_line(category).replace(",", " ") for category in outline.categories)
            element.set("category", ",".join(names))
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
