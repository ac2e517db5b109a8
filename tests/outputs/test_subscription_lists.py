from __future__ import annotations

from lxml import etree

from aggregator.outputs.opml import Outline, render_opml


def test_a_list_names_each_feed_with_its_page_and_categories() -> None:
    outline = Outline(
        "半岛 <新闻>", "https://example.com/a.xml?x=1&y=2", "https://example.com/", ("新闻", "a,b")
    )
    root = etree.fromstring(render_opml("来源", [outline]))
    assert root.get("version") == "2.0"
    assert root.findtext("head/title") == "来源"
    attributes = root.findall("body/outline")[0].attrib
    assert {str(name): str(value) for name, value in attributes.items()} == {
        "text": "半岛 <新闻>",
        "title": "半岛 <新闻>",
        "type": "rss",
        "xmlUrl": "https://example.com/a.xml?x=1&y=2",
        "htmlUrl": "https://example.com/",
        "category": "新闻,a b",
    }


def test_what_is_no_web_address_is_left_out_and_so_are_passwords() -> None:
    outlines = [
        Outline("file", "file:///etc/passwd"),
        Outline("", "https://me:secret@example.com/a"),
        Outline("dirt\x00\ud800", "https://example.com/b", "javascript:alert(1)"),
    ]
    body = render_opml("t\x00", outlines)
    found = etree.fromstring(body).findall("body/outline")
    assert [element.get("xmlUrl") for element in found] == [
        "https://example.com/a",
        "https://example.com/b",
    ]
    assert [element.get("text") for element in found] == ["https://example.com/a", "dirt"]
    assert b"secret" not in body
    assert found[1].get("htmlUrl") is None


def test_an_empty_list_is_a_list() -> None:
    assert etree.fromstring(render_opml("空", [])).find("body") is not None
