"""feedgen's faults, put right in one place, on the tree of what it made.

feedgen 1.0.0
- Atom: an entry's links lose their `rel`, so that enclosures turn into further
  alternates; `<source>` has no id and no updated time.
- RSS: without a description the content moves into its place; dates are written
  by switching the whole process's locale to C and back, which threads that run
  at the same time may not survive.

So an entry's links and source in Atom, its content and date in RSS, are written
here.
"""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime

from feedgen.feed import FeedGenerator
from lxml import etree

from aggregator.outputs.item import Item

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
MEDIA = "http://search.yahoo.com/mrss/"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def finished_atom(feed: FeedGenerator, items: tuple[Item, ...], language: str) -> bytes:
    """The bytes of the Atom feed that `feed` describes. Its entries are `items`, in order."""
    root = _tree(feed.atom_str())
    for entry, item in zip(root.findall(f"{{{ATOM}}}entry"), items, strict=True):
        if item.language and item.language != language:
            entry.set(XML_LANG, item.language)
        _atom_links(entry, item)
        if item.outlet:
            _atom_source(entry, item)
    return _bytes(root)


def finished_rss(feed: FeedGenerator, items: tuple[Item, ...], updated: datetime) -> bytes:
    """The bytes of the RSS feed that `feed` describes. Its items are `items`, in order."""
    # feedgen fills the build date with the clock's time, and its way to print one
    # changes the locale: it has no other switch to leave it out.
    feed._FeedGenerator__rss_lastBuildDate = None
    root = _tree(feed.rss_str())
    channel = root[0]
    build_date = etree.Element("lastBuildDate")
    build_date.text = format_datetime(updated)
    first_item = next((i for i, child in enumerate(channel) if child.tag == "item"), len(channel))
    channel.insert(first_item, build_date)
    for element, item in zip(channel.findall("item"), items, strict=True):
        _add(element, "pubDate", format_datetime(item.published))
        if item.content:
            _add(element, f"{{{CONTENT}}}encoded", item.content)
        for enclosure in item.enclosures[1:]:
            _add(
                element,
                f"{{{MEDIA}}}content",
                url=enclosure.url,
                type=enclosure.media_type,
                **({"fileSize": str(enclosure.length)} if enclosure.length else {}),
            )
    return _bytes(root)


def _atom_links(entry: etree._Element, item: Item) -> None:
    for link in entry.findall(f"{{{ATOM}}}link"):
        entry.remove(link)
    _add(entry, f"{{{ATOM}}}link", rel="alternate", type="text/html", href=item.link)
    if item.page != item.link:
        _add(entry, f"{{{ATOM}}}link", rel="related", type="text/html", href=item.page)
    for enclosure in item.enclosures:
        _add(
            entry,
            f"{{{ATOM}}}link",
            rel="enclosure",
            type=enclosure.media_type,
            href=enclosure.url,
            **({"length": str(enclosure.length)} if enclosure.length else {}),
        )


def _atom_source(entry: etree._Element, item: Item) -> None:
    source = _add(entry, f"{{{ATOM}}}source")
    _add(source, f"{{{ATOM}}}id", item.outlet_id)
    _add(source, f"{{{ATOM}}}title", item.outlet)
    _add(source, f"{{{ATOM}}}updated", item.updated.isoformat())
    _add(source, f"{{{ATOM}}}link", rel="alternate", type="text/html", href=item.outlet_url)


def _add(parent: etree._Element, tag: str, text: str = "", **attributes: str) -> etree._Element:
    element = etree.SubElement(parent, tag)
    for name, value in attributes.items():
        element.set(name, value)
    if text:
        element.text = text
    return element


def _tree(document: bytes) -> etree._Element:
    # huge_tree: one text of more than 10 MB is no reason to publish nothing.
    parser = etree.XMLParser(huge_tree=True, resolve_entities=False, no_network=True)
    return etree.fromstring(document, parser)


def _bytes(root: etree._Element) -> bytes:
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
