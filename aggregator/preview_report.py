"""What `preview` prints: `preview_report` for machines, `preview_lines` for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from difflib import unified_diff

from aggregator.body_text import printable, readable_lines
from aggregator.core.composed import Composed
from aggregator.core.model import Article, Extracted
from aggregator.explain import DateSaid, EntryReading
from aggregator.fetch import shown
from aggregator.preview import Asked, Difference, Preview
from aggregator.rule_results import PageReading, RuleResult, media_type

DIFFERENCE_LINES = 20
"""How much of a body's difference is shown."""


# --- for machines ------------------------------------------------------------------------------


def preview_report(preview: Preview) -> dict[str, object]:
    """The result, then each step to it, as plain values."""
    explained, composed = preview.explained, preview.explained.composed
    stored = preview.stored
    return {
        "id": preview.article_id,
        "url": shown(preview.url),
        **_result(composed),
        "body_from": explained.body_from,
        "wanted": preview.wanted,
        "feed": preview.feed_id,
        "feeds": list(preview.feeds),
        "entries": [_entry(reading) for reading in explained.entries] if stored else [],
        "asked": [{**asdict(asked), "url": shown(asked.url)} for asked in preview.asked],
        "pages": [_page(page) for page in explained.pages],
        "dates": [_date(said) for said in explained.dates],
        "stored": {
            "state": stored.state,
            "topics": list(stored.topics),
            "article": _result(stored.article) if stored.article else None,
        }
        if stored
        else None,
        "differences": [asdict(difference) for difference in preview.differences],
        "notes": list(preview.notes),
        "problems": list(preview.problems),
    }


def _result(article: Composed | Article) -> dict[str, object]:
    result: dict[str, object] = {
        "title": article.title,
        "author": article.author,
        "outlet": article.outlet,
        "published": article.published.isoformat(),
        "published_by": article.published_by,
        "image": article.image.url if article.image else "",
        "language": article.language,
        "categories": list(article.categories),
        "text": list(readable_lines(article.body)),
        "body": article.body,
    }
    if isinstance(article, Composed):
        result["topics"] = [asdict(match) for match in article.matches]
    return result


def _entry(reading: EntryReading) -> dict[str, object]:
    entry = reading.entry
    return {
        "feed": entry.feed_id,
        "configured": reading.configured,
        "family": reading.family,
        "site": reading.site,
        "mirror": reading.mirror,
        "outlet": entry.outlet,
        "key": entry.key,
        "link": shown(entry.link),
        "url": entry.url,
        "date_given": entry.date_given,
        "published": entry.published.isoformat(),
        "first_seen": entry.first_seen.isoformat(),
        "title_given": entry.title,
        "title": reading.title.title,
        "title_outlet": reading.title.outlet,
        "author": entry.author,
        "characters_given": reading.given_characters,
        "characters": len(reading.cleaned.text),
        "whole": asdict(reading.whole),
        "refused": reading.refused,
        "rules": [asdict(rule) for rule in reading.rules],
        "body": reading.cleaned.html,
    }


def _page(page: PageReading) -> dict[str, object]:
    answer = page.fetched
    found = asdict(page.found) if page.found else None
    if found and page.found:
        found["published"] = _moment(page.found.published)
    return {
        "url": shown(page.url),
        "family": page.family,
        "kept": answer is None,
        "answer": {
            "status": answer.status,
            "type": media_type(answer.headers),
            "encoding": page.encoding,
            "bytes": len(answer.body),
            "seconds": round(answer.elapsed, 3),
        }
        if answer
        else None,
        "located_by": page.located_by,
        "box": page.box,
        "extracted": found,
        "characters": len(page.cleaned.text) if page.cleaned else 0,
        "whole": asdict(page.whole) if page.whole else None,
        "rules": [asdict(rule) for rule in page.rules],
        "error": page.error,
    }


def _date(said: DateSaid) -> dict[str, object]:
    return {
        "origin": said.origin,
        "where": said.where,
        "given": said.given,
        "at": _moment(said.at),
        "believed": said.believed,
    }


def _moment(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


# --- for people --------------------------------------------------------------------------------


def preview_lines(preview: Preview, as_html: bool = False) -> list[str]:
    """Each step, then the result with its body, as text or as HTML; fit for any terminal."""
    return [printable(line) for line in _lines(preview, as_html)]


def _lines(preview: Preview, as_html: bool) -> Iterator[str]:
    explained, composed = preview.explained, preview.explained.composed
    if preview.stored:
        for reading in explained.entries:
            yield from _section(f"Entry of feed {reading.entry.feed_id}", _entry_lines(reading))
    else:
        yield from _section("Feed", [_feed_line(preview)])
    asked = [one for one in preview.asked if not one.error]
    for number, page in enumerate(explained.pages):
        about = asked[number] if page.fetched and number < len(asked) else None
        yield from _section(f"Page {shown(page.url)}", _page_lines(page, about))
    for failed in (one for one in preview.asked if one.error):
        yield from _section(f"Page {shown(failed.url)}", [f"not to be had: {failed.error}"])
    if explained.dates:
        dates = [_date_line(said, composed) for said in explained.dates]
        yield from _section("Dates", dates)
    if preview.stored:
        yield from _section("Stored", _stored_lines(preview))
    yield "Result"
    yield from _result_lines(preview)
    yield ""
    yield from composed.body.split("\n") if as_html else readable_lines(composed.body)


def _section(title: str, lines: Sequence[str] | Iterator[str]) -> Iterator[str]:
    yield _flat(title)
    yield from (f"  {line}" for line in lines)
    yield ""


def _flat(text: object) -> str:
    return " ".join(str(text).split())


def _feed_line(preview: Preview) -> str:
    others = ", ".join(feed for feed in preview.feeds if feed != preview.feed_id)
    if preview.feed_id:
        return f"read by the rules of feed {preview.feed_id}, and of the page's family"
    if others:
        return f"none; --feed ID adds the rules of one of this site's: {others}"
    return "none is known to lead to this site; --feed ID adds the rules of one"


def _entry_lines(reading: EntryReading) -> Iterator[str]:
    entry, title = reading.entry, reading.title
    gone = "" if reading.configured else ", which is no longer in the configuration"
    mirror = ", a mirror" if reading.mirror else ""
    site = f"; of the site: {reading.site}" if reading.site != reading.family else ""
    yield _flat(f"family: {reading.family}{mirror}{site}{gone}")
    yield _flat(f"outlet: {entry.outlet}")
    if entry.key != entry.link:
        yield _flat(f"key: {entry.key}")
    yield _flat(f"{'key and link' if entry.key == entry.link else 'link'}: {shown(entry.link)}")
    if entry.url and entry.url != entry.link:
        yield _flat(f"canonical: {entry.url}")
    given = entry.date_given or "none"
    yield _flat(f"date: {given}, taken as {_moment(entry.published)}")
    yield _flat(f"title: {entry.title}")
    if title.title != entry.title:
        outlet = f", of {title.outlet}" if title.outlet else ""
        yield _flat(f"title as read: {title.title}{outlet}")
    clean = len(reading.cleaned.text)
    yield f"body: {reading.given_characters:,} characters as given, {clean:,} clean"
    yield _flat(f"whole text: {'yes' if reading.whole.whole else 'no'}: {reading.whole.reason}")
    if reading.refused:
        yield "turned away by its feed's keep or drop"
    yield from _rule_lines(reading.rules)


def _page_lines(page: PageReading, asked: Asked | None) -> Iterator[str]:
    if asked:
        yield _flat(f"asked for: {asked.reason}")
        if shown(asked.url) != shown(page.url):
            yield _flat(f"redirected from: {shown(asked.url)}")
    if answer := page.fetched:
        kind = media_type(answer.headers) or "no type"
        encoding = f" in {page.encoding}" if page.encoding else ""
        size = f"{len(answer.body):,} bytes, {answer.elapsed:.1f} s"
        yield _flat(f"answer: {answer.status}, {kind}{encoding}, {size}")
    yield f"family: {page.family}"
    if page.error:
        yield _flat(f"no article: {page.error}")
        return
    within = f": {page.box}" if page.box else ""
    yield _flat(f"article found by: {page.located_by}{within}")
    if page.found:
        yield from _found_lines(page.found)
    if page.cleaned and page.whole:
        yield f"text: {len(page.cleaned.text):,} characters clean"
        yield _flat(f"whole text: {'yes' if page.whole.whole else 'no'}: {page.whole.reason}")
    yield from _rule_lines(page.rules)


def _found_lines(found: Extracted) -> Iterator[str]:
    said = {
        "title": found.title,
        "author": found.author,
        "published": _moment(found.published),
        "image": found.image,
        "language": found.language,
        "whole text at": found.whole_url,
        "goes on at": found.next_url,
    }
    for name, value in said.items():
        if value:
            yield _flat(f"{name}: {value}")


def _rule_lines(rules: Sequence[RuleResult]) -> Iterator[str]:
    """Those that found something, and all of a feed's own: whoever wrote them wants to know."""
    told = [rule for rule in rules if rule.count or rule.owner.startswith("feed ")]
    for rule in told:
        found = f"{rule.count} found" if rule.count else "found nothing"
        yield _flat(f"rule {rule.action} {rule.rule} ({rule.owner}): {found}")
    if others := len(rules) - len(told):
        yield f"{others} {'more rules' if told else 'rules'} found nothing"


def _date_line(said: DateSaid, composed: Composed) -> str:
    who = {"feed": said.where, "body": f"body in {said.where}"}.get(said.origin, said.origin)
    given = f"{said.given} = " if said.given else ""
    taken = "" if said.at == composed.published else f", taken as {_moment(composed.published)}"
    chosen = f", the article's{taken}" if said.believed else ""
    return _flat(f"{who}: {given}{_moment(said.at) or 'not believed'}{chosen}")


def _stored_lines(preview: Preview) -> Iterator[str]:
    stored = preview.stored
    assert stored is not None  # it is asked first
    yield f"id: urn:uuid:{stored.id}"
    yield f"state: {stored.state}"
    if not preview.differences:
        yield "today's rules give the same"
        return
    yield f"today's rules give another: {', '.join(one.field for one in preview.differences)}"
    for difference in preview.differences:
        yield from _difference_lines(difference)


def _difference_lines(difference: Difference) -> Iterator[str]:
    if difference.field != "body":
        yield _flat(f"- {difference.field}: {difference.stored}")
        yield _flat(f"+ {difference.field}: {difference.now}")
        return
    before, after = readable_lines(difference.stored), readable_lines(difference.now)
    changed = [
        line
        for line in list(unified_diff(before, after, lineterm="", n=0))[2:]
        if not line.startswith("@@") and line[1:].strip()
    ]
    if not changed:
        yield "only the markup of the body differs"
    yield from (f"{line[0]} {line[1:]}" for line in changed[:DIFFERENCE_LINES])
    if len(changed) > DIFFERENCE_LINES:
        yield f"and {len(changed) - DIFFERENCE_LINES:,} lines more"


def _result_lines(preview: Preview) -> Iterator[str]:
    explained, composed = preview.explained, preview.explained.composed
    said = {
        "title": composed.title,
        "url": shown(preview.url),
        "outlet": composed.outlet,
        "author": composed.author,
        "published": f"{_moment(composed.published)}, by {composed.published_by}",
        "language": composed.language,
        "image": composed.image.url if composed.image else "",
        "body": explained.body_from and f"of {shown(explained.body_from)}",
        "topics": "; ".join(
            f"{match.topic_id}: {', '.join(f'{r.term} ({r.where})' for r in match.reasons)}"
            for match in composed.matches
        ),
    }
    for name, value in said.items():
        if value:
            yield _flat(f"{name}: {value}")
    if not preview.wanted:
        yield "not wanted: a feed's keep or drop turns it away"
    for note in preview.notes:
        yield _flat(f"note: {note}")
