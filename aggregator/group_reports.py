"""What `article` and `story` print: `…_report` in plain values, for `--json`; `…_lines` to read.

The words that stand for what was found out about a text (`Why.line`) are Chinese, as pages are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from aggregator.body_text import printable
from aggregator.console import Table, ago
from aggregator.core.model import Entry
from aggregator.core.story_view import StoryView, Why, story_view
from aggregator.store import Connection, about, stories
from aggregator.store.about import About
from aggregator.store.copies import Related
from aggregator.store.stories import Story

KINDS = {
    "copy": ("the same text as", "the same text as"),
    "excerpt": ("an excerpt of", "in full what is an excerpt in"),
    "digest_contains": ("one of the items of", "a digest with"),
    "revision": ("another version of", "another version of"),
}
"""What it is to the other, and what where it is the other that is the part."""

RULES = {"together": "one with", "apart": "not one with"}


@dataclass(frozen=True, slots=True)
class StoryShown:
    story: Story
    view: StoryView
    topics: tuple[str, ...]
    titles: Mapping[str, tuple[str, str]]
    """Outlet and title of each article."""
    asked_for: str = ""
    """The id by which it was asked for, if it has become part of this one."""


@dataclass(frozen=True, slots=True)
class ArticleShown:
    about: About
    titles: Mapping[str, tuple[str, str]]
    """Of the other articles that are named, outlet and title."""
    story: StoryShown | None

    @property
    def canonical(self) -> int:
        """The number of the entry whose words the article has; 0 if none has its URL."""
        its = self.about
        fits = [
            (e.url == its.url, e.outlet == its.outlet, e.title == its.title) for e in its.entries
        ]
        best = max(range(len(fits)), key=lambda at: (fits[at], -at), default=None)
        return best + 1 if best is not None and fits[best][0] else 0

    @property
    def why(self) -> Why | None:
        """Why it is in its story."""
        found = self.story.view.why if self.story else ()
        return next((one for one in found if one.article == self.about.id), None)


# --- what is read --------------------------------------------------------------------------------


def read_article(connection: Connection, article_id: str) -> ArticleShown | None:
    """None if there is no such article."""
    found = about.article(connection, article_id)
    if found is None:
        return None
    others = {one.other_id for one in found.ruled} - {""}
    others |= {id_ for one in found.relations for id_ in (one.article_id, one.other_id)}
    story = read_story(connection, found.story_id) if found.story_id else None
    return ArticleShown(found, about.titles(connection, sorted(others)), story)


def read_story(connection: Connection, story_id: str) -> StoryShown | None:
    """None if there is no such story, or nothing in it is published."""
    story = stories.story(connection, story_id)
    members = stories.view_members(connection, story.id) if story else ()
    if story is None or not members:
        return None
    return StoryShown(
        story,
        story_view(members),
        tuple(sorted(stories.topics_of(connection, story.id))),
        {one.article: (one.outlet, one.title) for one in members},
        story_id if story_id != story.id else "",
    )


def read_stories(
    connection: Connection, topic_id: str | None, since: datetime | None, limit: int
) -> tuple[StoryShown, ...]:
    """Newest first."""
    ids = stories.in_topic(connection, topic_id, limit, since)
    found = (read_story(connection, id_) for id_ in ids)
    return tuple(one for one in found if one)


# --- an article ----------------------------------------------------------------------------------


def article_report(shown: ArticleShown) -> dict[str, object]:
    its, why = shown.about, shown.why
    return {
        "id": its.id,
        "state": its.state,
        "number": its.number,
        "title": its.title,
        "outlet": its.outlet,
        "url": its.url,
        "published": its.published.isoformat(),
        "updated": its.updated.isoformat(),
        "made_again_at": its.enrich_at.isoformat() if its.enrich_at else None,
        "topics": [asdict(match) for match in its.matches],
        "entries": [
            {
                "number": number,
                "feed": entry.feed_id,
                "outlet": entry.outlet,
                "title": entry.title,
                "url": entry.url,
                "link": entry.link,
                "key": entry.key,
                "first_seen": entry.first_seen.isoformat(),
                "canonical": number == shown.canonical,
            }
            for number, entry in enumerate(its.entries, start=1)
        ],
        "revisions": [asdict(one) | {"seen_at": one.seen_at.isoformat()} for one in its.revisions],
        "relations": [
            {
                "kind": one.kind,
                "score": one.score,
                "article": its.id,
                "other": other,
                "of_other": of_other,
                "what": _relation(one.kind, of_other),
            }
            for one, other, of_other in _relations(shown)
        ],
        "rulings": [asdict(one) | {"ruled_at": one.ruled_at.isoformat()} for one in its.ruled],
        "story": {
            "id": shown.story.story.id,
            "headline": shown.story.view.headline,
            "why": why.line if why else "",
        }
        if shown.story
        else None,
    }


def _relations(shown: ArticleShown) -> Iterator[tuple[Related, str, bool]]:
    """Each with the other article, and whether it is that which is the part."""
    for one in shown.about.relations:
        if one.article_id == shown.about.id:
            yield one, one.other_id, one.of_second
        else:
            yield one, one.article_id, not one.of_second


def _relation(kind: str, of_other: bool) -> str:
    return KINDS.get(kind, (kind, kind))[of_other]


def article_lines(shown: ArticleShown, now: datetime) -> Iterator[str]:
    its = shown.about
    for name, value in _article_heads(shown, now):
        if value:
            yield _line(f"{name}: {value}")
    yield ""
    yield _number(len(its.entries), "entry", "entries")
    for number, entry in enumerate(its.entries, start=1):
        yield from _entry_lines(number, entry, number == shown.canonical)
    if its.revisions:
        yield ""
        yield "Revisions"
        for one in its.revisions:
            change = f"{one.added} letters came, {one.removed} went"
            yield _line(f"- {_moment(one.seen_at)}: {change}; before: {one.title}")
    relations = list(_relations(shown))
    if relations:
        yield ""
        yield "Relations"
        for relation, other, of_other in relations:
            what = _relation(relation.kind, of_other)
            yield _line(f"- {what} {_named(other, shown.titles)} ({relation.score:.2f})")
    if its.ruled:
        yield ""
        yield "Rulings"
        for said in its.ruled:
            who = _named(said.other_id, shown.titles) if said.other_id else ""
            what = f"{RULES[said.rule]} {who}" if who else "its entries were put together"
            yield _line(f"- {what}, {_moment(said.ruled_at)}")
    if shown.story:
        yield ""
        yield _line(f"Story {shown.story.story.id}: {shown.story.view.headline}")
        if why := shown.why:
            yield _line(f"- {why.line}")


def _article_heads(shown: ArticleShown, now: datetime) -> Iterator[tuple[str, str]]:
    its = shown.about
    yield "title", its.title
    yield "id", its.id
    yield "outlet", its.outlet
    yield "url", its.url
    yield "published", _moment(its.published)
    yield "updated", _moment(its.updated) if its.updated != its.published else ""
    number = f", number {its.number}" if its.number else ""
    waits = f", to be made again {ago(its.enrich_at, now)}" if its.enrich_at else ""
    yield "state", f"{its.state}{number}{waits}"
    for match in its.matches:
        reasons = ", ".join(f"{reason.term} ({reason.where})" for reason in match.reasons)
        yield "topic", f"{match.topic_id}: {reasons}"


def _entry_lines(number: int, entry: Entry, canonical: bool) -> Iterator[str]:
    mark = " (the article's)" if canonical else ""
    yield _line(f"{number}. {entry.feed_id}: {entry.outlet}: {entry.title}{mark}")
    yield _line(f"   {entry.url or entry.link or 'no link'}")
    if entry.key not in (entry.url, entry.link):
        yield _line(f"   key {entry.key}")


# --- stories -------------------------------------------------------------------------------------


def stories_report(found: Sequence[StoryShown]) -> list[dict[str, object]]:
    return [_story_head(one) for one in found]


def stories_tables(found: Sequence[StoryShown], now: datetime) -> tuple[Table, ...]:
    rows = [
        (
            one.story.id[:8],
            one.view.headline,
            ", ".join(reports.outlet for reports in one.view.outlets),
            len(one.view.why),
            len(one.story.events),
            _moment(one.view.began),
            ago(one.view.latest, now),
        )
        for one in found
    ]
    columns = ("story", "headline", "outlets", "articles", "events", "began", "last reported")
    return (Table("Stories", columns, rows, frozenset(("articles", "events"))),)


def _story_head(shown: StoryShown) -> dict[str, object]:
    story, view = shown.story, shown.view
    return {
        "id": story.id,
        "headline": view.headline,
        "outlets": [reports.outlet for reports in view.outlets],
        "articles": len(view.why),
        "events": len(story.events),
        "began": view.began.isoformat(),
        "latest": view.latest.isoformat(),
    }


def story_report(shown: StoryShown) -> dict[str, object]:
    story, view = shown.story, shown.view
    return {
        **_story_head(shown),
        "topics": list(shown.topics),
        "came_from": story.came_from,
        "asked_for": shown.asked_for,
        "lead": view.lead,
        "first_report": view.first_report,
        "outlets": [
            {
                "outlet": reports.outlet,
                "first": reports.first.isoformat(),
                "articles": [_told(shown, one) for one in reports.articles],
            }
            for reports in view.outlets
        ],
        "wire_copies": [asdict(one) for one in view.wire_copies],
        "only_here": [asdict(one) for one in view.only_here],
        "why": [
            {
                "article": one.article,
                "like": one.like,
                "words": list(one.words),
                "numbers": list(one.numbers),
                "apart_seconds": one.apart.total_seconds(),
                "copy": one.copy,
                "line": one.line,
            }
            for one in view.why
        ],
        "events": [
            {
                "id": event.id,
                "came_from": event.came_from,
                "articles": [asdict(member) for member in event.members],
            }
            for event in story.events
        ],
    }


def story_lines(shown: StoryShown) -> Iterator[str]:
    story, view = shown.story, shown.view
    name = _naming(shown.titles)
    yield _line(view.headline)
    yield f"id: {story.id}"
    if shown.asked_for:
        yield _line(f"story {shown.asked_for} has become part of it")
    if story.came_from:
        yield f"came from story {story.came_from}"
    if shown.topics:
        yield _line(f"topics: {', '.join(shown.topics)}")
    yield f"from {_moment(view.began)} to {_moment(view.latest)}"
    yield _line(f"lead: {name(view.lead)}")
    yield _line(f"first report: {name(view.first_report)}")
    yield ""
    yield _number(len(view.outlets), "outlet", "outlets")
    for reports in view.outlets:
        yield _line(f"- {reports.outlet}, from {_moment(reports.first)}")
        for article in reports.articles:
            yield _line(f"  {article[:8]} {shown.titles[article][1]}")
    yield ""
    yield _number(len(story.events), "event", "events")
    whys = {one.article: one.line for one in view.why}
    for number, event in enumerate(story.events, start=1):
        origin = f", came from event {event.came_from[:8]}" if event.came_from else ""
        yield _line(f"{number}. event {event.id[:8]}{origin}")
        for member in event.members:
            yield _line(f"   {name(member.article_id)}")
            yield _line(f"     {whys.get(member.article_id, '')}")
    if view.wire_copies:
        yield ""
        yield "With the text of an agency or of another article"
        for copy in view.wire_copies:
            whose = [copy.agency] if copy.agency else []
            whose += [name(copy.copy_of)] if copy.copy_of else []
            yield _line(f"- {name(copy.article)}: {'; '.join(whose)}")
    if view.only_here:
        yield ""
        yield "What only one outlet has"
        for here in view.only_here:
            found = [*here.names, *here.numbers, *(f"“{quote}”" for quote in here.quotes)]
            yield _line(f"- {here.outlet}: {'; '.join(found)}")


def _told(shown: StoryShown, article: str) -> dict[str, str]:
    return {"id": article, "title": shown.titles[article][1]}


# --- small steps ---------------------------------------------------------------------------------


def _naming(titles: Mapping[str, tuple[str, str]]) -> Callable[[str], str]:
    return lambda article: _named(article, titles)


def _named(article: str, titles: Mapping[str, tuple[str, str]]) -> str:
    if article not in titles:
        return f"{article[:8]}, which is not stored"
    outlet, title = titles[article]
    return f"{article[:8]} {outlet}: {title}"


def _number(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _line(text: str) -> str:
    """One line, without what could command a terminal."""
    indent = len(text) - len(text.lstrip(" "))
    return " " * indent + printable(" ".join(text.split()))


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
