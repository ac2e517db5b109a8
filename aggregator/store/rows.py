"""Between rows and the types that travel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, astuple
from typing import Any

from sqlalchemy import Row

from aggregator.core.composed import Composed
from aggregator.core.model import (
    Article,
    BodyVerdict,
    Enclosure,
    Entry,
    EntryRef,
    Extracted,
    Image,
    Reason,
    Validators,
)


def entry_values(entry: Entry) -> dict[str, Any]:
    """The columns of `entries`."""
    return {
        "feed_id": entry.feed_id,
        "key": entry.key,
        "digest": entry.digest,
        "article_id": entry.article_id,
        "url": entry.url,
        "link": entry.link,
        "base": entry.base,
        "author": entry.author,
        "outlet": entry.outlet,
        "published": entry.published,
        "date_given": entry.date_given,
        "first_seen": entry.first_seen,
        "language": entry.language,
        "title": entry.title,
        "categories": list(entry.categories),
        "enclosures": [asdict(enclosure) for enclosure in entry.enclosures],
        "summary": entry.summary,
        "content": entry.content,
    }


def entry_of(row: Row[Any]) -> Entry:
    return Entry(
        feed_id=row.feed_id,
        key=row.key,
        digest=row.digest,
        article_id=row.article_id,
        url=row.url,
        link=row.link,
        base=row.base,
        title=row.title,
        author=row.author,
        outlet=row.outlet,
        published=row.published,
        date_given=row.date_given,
        first_seen=row.first_seen,
        summary=row.summary,
        content=row.content,
        language=row.language,
        categories=tuple(row.categories),
        enclosures=enclosures_of(row.enclosures),
    )


def pending_values(entry: Entry) -> dict[str, Any]:
    """The columns of `articles` for one that is only known by this entry yet."""
    return {
        "id": entry.article_id,
        "state": "pending",
        "number": None,
        "merged_into": "",
        "brought_by": entry.feed_id,
        "enrich_at": entry.first_seen,
        "enrich_tries": 0,
        "fingerprint": "",
        "url": entry.url,
        "outlet": entry.outlet,
        "author": entry.author,
        "published": entry.published,
        "published_by": "feed",
        "updated": entry.published,
        "first_seen": entry.first_seen,
        "language": entry.language,
        "image_url": "",
        "image_alt": "",
        "title": entry.title,
        "lead": "",
        "categories": [],
        "enclosures": [],
        "verdicts": [],
        "body_from": "",
        "body": "",
    }


def composed_values(composed: Composed) -> dict[str, Any]:
    """The columns of `articles` that composing decides."""
    return {
        "fingerprint": composed.fingerprint,
        "url": composed.url,
        "outlet": composed.outlet,
        "author": composed.author,
        "published": composed.published,
        "published_by": composed.published_by,
        "language": composed.language,
        "image_url": composed.image.url if composed.image else "",
        "image_alt": composed.image.alt if composed.image else "",
        "title": composed.title,
        "lead": composed.lead,
        "categories": list(composed.categories),
        "enclosures": [asdict(enclosure) for enclosure in composed.enclosures],
        "verdicts": [list(astuple(verdict)) for verdict in composed.verdicts],
        "body_from": composed.body_from,
        "body": composed.body,
    }


def extract_values(article_id: str, extracted: Extracted) -> dict[str, Any]:
    return {
        "article_id": article_id,
        "url": extracted.url,
        "validators": asdict(extracted.validators),
        "author": extracted.author,
        "published": extracted.published,
        "image": extracted.image,
        "language": extracted.language,
        "title": extracted.title,
        "body": extracted.body,
    }


def extracted_of(row: Row[Any]) -> Extracted:
    return Extracted(
        url=row.url,
        title=row.title,
        author=row.author,
        published=row.published,
        body=row.body,
        image=row.image,
        language=row.language,
        validators=Validators(**row.validators),
    )


def article_of(
    row: Row[Any], entries: Sequence[EntryRef], reasons: Sequence[dict[str, str]] = ()
) -> Article:
    return Article(
        id=row.id,
        url=row.url,
        title=row.title,
        author=row.author,
        outlet=row.outlet,
        published=row.published,
        updated=row.updated,
        first_seen=row.first_seen,
        language=row.language,
        body=row.body,
        lead=row.lead,
        image=Image(row.image_url, row.image_alt) if row.image_url else None,
        categories=tuple(row.categories),
        enclosures=enclosures_of(row.enclosures),
        published_by=row.published_by,
        entries=tuple(entries),
        verdicts=tuple(BodyVerdict(*values) for values in row.verdicts),
        body_from=row.body_from,
        reasons=reasons_of(reasons),
    )


def enclosures_of(values: Sequence[dict[str, Any]]) -> tuple[Enclosure, ...]:
    return tuple(Enclosure(**value) for value in values)


def reasons_of(values: Sequence[dict[str, str]]) -> tuple[Reason, ...]:
    return tuple(Reason(**value) for value in values)
