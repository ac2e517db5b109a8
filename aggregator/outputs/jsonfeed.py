"""JSON Feed 1.1 (jsonfeed.org/version/1.1), with what RSS has no place for in `_aggregator`."""

from __future__ import annotations

import json

from aggregator.core.model import Edition, Enclosure
from aggregator.outputs.item import (
    Item,
    items,
    language_tag,
    one_line,
    web_address,
    whole_seconds,
)


def render_jsonfeed(edition: Edition) -> bytes:
    """The edition as a JSON Feed: the same edition gives the same bytes."""
    feed: dict[str, object] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": one_line(edition.title) or edition.path,
        "home_page_url": web_address(edition.page_url),
        "feed_url": web_address(edition.url("json")),
        "language": language_tag(edition.language),
        "_aggregator": {
            "id": f"urn:uuid:{edition.id}",
            "updated": whole_seconds(edition.updated).isoformat(),
        },
        "items": [_item(item) for item in items(edition)],
    }
    return json.dumps(_given(feed), ensure_ascii=False, indent=1).encode() + b"\n"


def _item(item: Item) -> dict[str, object]:
    return _given(
        {
            "id": item.id,
            "url": item.link,
            "title": item.title,
            "content_html": item.content,
            # An item must have a content: without its HTML, the lead is one.
            "content_text": "" if item.content else item.lead or item.title,
            "summary": item.lead,
            "image": item.image.url if item.image else "",
            "date_published": item.published.isoformat(),
            "date_modified": item.updated.isoformat(),
            "authors": [{"name": item.byline}] if item.byline else [],
            "tags": list(item.categories),
            "language": item.language,
            "attachments": [_attachment(enclosure) for enclosure in item.enclosures],
            "_aggregator": _given(
                {
                    "page": item.page,
                    "outlet": item.outlet,
                    "author": item.author,
                    "entries": [
                        _given(
                            {
                                "feed": entry.feed_id,
                                "outlet": entry.outlet,
                                "title": entry.title,
                                "url": entry.url,
                            }
                        )
                        for entry in item.entries
                    ],
                    "reasons": [
                        _given(
                            {
                                "term": reason.term,
                                "where": reason.where,
                                "snippet": reason.snippet,
                            }
                        )
                        for reason in item.reasons
                    ],
                }
            ),
        }
    )


def _attachment(enclosure: Enclosure) -> dict[str, object]:
    return _given(
        {
            "url": enclosure.url,
            "mime_type": enclosure.media_type,
            "size_in_bytes": enclosure.length,
        }
    )


def _given(members: dict[str, object]) -> dict[str, object]:
    """Without the members that say nothing, which JSON Feed wants left out."""
    return {name: value for name, value in members.items() if value or name == "items"}
