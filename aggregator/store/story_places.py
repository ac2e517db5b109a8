"""What a story desk looks up and writes: prints and postings, members, events, stories.

Articles are numbers here, events and stories their ids. A row of an event or story without
`merged_into` has members; aggregator/story_desk.py sees to that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import (
    Connection as Connection,  # its callers hand it through
)
from sqlalchemy import (
    bindparam,
    delete,
    func,
    select,
    text,
    update,
)

from aggregator.core.stories import LEAST_LIKE, NEAR, POSTINGS, STORY_HOURS, StorySize
from aggregator.core.story_prints import LOOKED_UP, from_bytes, heaviest
from aggregator.store.columns import UtcDateTime
from aggregator.store.group_tables import (
    EVENTS,
    MEMBERS,
    STORIES,
    STORY_PRINTS,
    STORY_WORDS,
    WORD_COUNTS,
    WORD_LOG,
)
from aggregator.store.statements import Listed, Statement
from aggregator.store.tables import ARTICLES

PARTS = 10_000
"""Parts of words are kept as whole numbers, in so many of 1."""

_HOUR = timedelta(hours=1)
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def hour_of(moment: datetime) -> int:
    """Hours since 1970."""
    return (moment - EPOCH) // _HOUR


# --- prints and their postings -------------------------------------------------------------------

_KEEP_PRINT = Statement(
    "INSERT INTO story_prints (number, hour, digest, print)"
    " VALUES (:number, :hour, :digest, :print)"
)
_KEEP_WORDS = Statement(
    "INSERT INTO story_words (word, hour, number, part) VALUES (:word, :hour, :number, :part)"
)
_DROP_PRINT = delete(STORY_PRINTS).where(STORY_PRINTS.c.number == bindparam("its_number"))
_DROP_WORD = delete(STORY_WORDS).where(
    STORY_WORDS.c.word == bindparam("its_word"),
    STORY_WORDS.c.hour == bindparam("its_hour"),
    STORY_WORDS.c.number == bindparam("its_number"),
)
_DROP_WORDS = delete(STORY_WORDS).where(
    STORY_WORDS.c.hour == bindparam("its_hour"), STORY_WORDS.c.number == bindparam("its_number")
)
_OLDER = (
    select(STORY_PRINTS.c.number)
    .where(STORY_PRINTS.c.hour < bindparam("before"))
    .order_by(STORY_PRINTS.c.hour)
    .limit(bindparam("most"))
)
_PRINTS = Listed("SELECT number, hour, print FROM story_prints WHERE number IN (:list)")


def keep_print(
    connection: Connection,
    number: int,
    published: datetime,
    digest: int,
    stored: bytes,
    weights: Mapping[str, float],
) -> None:
    """An article's print, and its heaviest words with their parts."""
    hour = hour_of(published)
    _KEEP_PRINT.run(connection, {"number": number, "hour": hour, "digest": digest, "print": stored})
    if weights:
        _KEEP_WORDS.run(
            connection,
            [
                {"word": word, "hour": hour, "number": number, "part": int(part * PARTS)}
                for word, part in weights.items()
            ],
        )


def forget(connection: Connection, numbers: Sequence[int]) -> None:
    """Drops the prints of articles, and their words."""
    rows = _PRINTS.run(connection, numbers).all()
    for number, hour, stored in rows:
        key = {"its_hour": hour, "its_number": number}
        try:
            words = heaviest(from_bytes(stored))
        except ValueError:  # of an older version: its words are not known
            connection.execute(_DROP_WORDS, key)
            continue
        if words:
            connection.execute(_DROP_WORD, [{"its_word": word, **key} for word in words])
    if rows:
        connection.execute(_DROP_PRINT, [{"its_number": row.number} for row in rows])


def forget_older(connection: Connection, before: datetime, limit: int) -> int:
    """Drops the prints of articles published before then, the oldest first, at most so many
    at a time: nothing new is held against them. Their places stay. Gives how many it dropped.
    """
    older = list(connection.execute(_OLDER, {"before": hour_of(before), "most": limit}).scalars())
    if older:
        forget(connection, older)
    return len(older)


def clear(connection: Connection) -> None:
    """Forgets all of stories but what people ruled, for all articles to be placed again."""
    for table in (STORY_PRINTS, STORY_WORDS, WORD_COUNTS, WORD_LOG, EVENTS, MEMBERS, STORIES):
        connection.execute(delete(table))


def prints(connection: Connection, numbers: Sequence[int]) -> Iterable[tuple[int, bytes]]:
    return [(row[0], row[2]) for row in _PRINTS.run(connection, numbers)]


# --- who is near ---------------------------------------------------------------------------------

_NEAR = Statement(
    "SELECT found.number, members.event_id, events.story_id, story_prints.digest FROM ("
    "SELECT number, sum(likeness) AS likeness FROM ("
    + " UNION ALL ".join(
        f"SELECT number, part * :part{at} AS likeness FROM ("
        f"SELECT number, part FROM story_words WHERE word = :word{at}"
        " AND hour BETWEEN :since AND :until AND number <> :but"
        f" ORDER BY hour DESC, number DESC LIMIT {POSTINGS}) AS newest{at}"
        for at in range(LOOKED_UP)
    )
    + ") AS shared GROUP BY number"
    f" HAVING sum(likeness) >= {round(LEAST_LIKE * PARTS * PARTS)}"
    f" ORDER BY sum(likeness) DESC, number DESC LIMIT {NEAR}) AS found"
    " JOIN members ON members.number = found.number"
    " JOIN events ON events.id = members.event_id"
    " JOIN story_prints ON story_prints.number = found.number"
    " ORDER BY found.likeness DESC, found.number DESC"
)


class Placed(NamedTuple):
    """An article with the event and the story it is in; `digest` is that of its print, None if
    that is no longer kept.
    """

    number: int
    event: str
    story: str
    digest: int | None


def near(
    connection: Connection, weights: Mapping[str, float], hour: int, but: int
) -> Sequence[Placed]:
    """Other articles that share these words, of the days around, the likest first."""
    if not weights:
        return ()
    window = int(STORY_HOURS)
    values: dict[str, object] = {"since": hour - window, "until": hour + window, "but": but}
    filled = [*weights.items(), *[("", 0.0)] * (LOOKED_UP - len(weights))]
    for at, (word, part) in enumerate(filled):
        values[f"word{at}"] = word
        values[f"part{at}"] = int(part * PARTS)
    return [Placed(*row) for row in _NEAR.run(connection, values)]


# --- what is where -------------------------------------------------------------------------------

_PLACED = (
    "SELECT members.number, members.event_id, events.story_id, story_prints.digest FROM events"
    " JOIN members ON members.event_id = events.id"
    " LEFT JOIN story_prints ON story_prints.number = members.number"
)
_OF_EVENTS = Listed(f"{_PLACED} WHERE events.id IN (:list) ORDER BY events.id, members.position")
_OF_STORY = Statement(
    f"{_PLACED} WHERE events.story_id = :story"
    " ORDER BY events.position, events.id, members.position"
)
_HOMES = Listed("SELECT number, event_id FROM members WHERE number IN (:list)")
_SIZES = Listed(
    "SELECT events.story_id, count(*), count(DISTINCT events.id) FROM events"
    " JOIN members ON members.event_id = events.id"
    " WHERE events.story_id IN (:list) GROUP BY events.story_id"
)
_ARTICLE_ID = select(ARTICLES.c.id).where(ARTICLES.c.number == bindparam("its_number"))


def homes(connection: Connection, numbers: Sequence[int]) -> Mapping[int, str]:
    """The events that these articles are in, of those that are in one."""
    rows = _HOMES.run(connection, numbers)
    return {row.number: row.event_id for row in rows}


def of_events(connection: Connection, events: Sequence[str]) -> Sequence[Placed]:
    """The members of events, each event's in order of arrival."""
    return [Placed(*row) for row in _OF_EVENTS.run(connection, events)]


def of_story(connection: Connection, story: str) -> Sequence[Placed]:
    """The members of a story's events, in the order in which these came to it."""
    return [Placed(*row) for row in _OF_STORY.run(connection, {"story": story})]


def sizes(connection: Connection, stories: Sequence[str]) -> dict[str, StorySize]:
    rows = _SIZES.run(connection, stories)
    return {story: StorySize(articles, events) for story, articles, events in rows}


def article_id(connection: Connection, number: int) -> str:
    """The id of a numbered article. Raises NoResultFound for a number that nothing has."""
    return str(connection.execute(_ARTICLE_ID, {"its_number": number}).scalar_one())


# --- what is decided -----------------------------------------------------------------------------

_TO_EVENT = "CAST(:to_event AS VARCHAR)"  # PostgreSQL wants to know what stands twice
_TO_STORY = "CAST(:to_story AS VARCHAR)"
_NEXT_MEMBER = (
    "(SELECT coalesce(max(position), -1) + 1 FROM members AS others"
    f" WHERE others.event_id = {_TO_EVENT})"
)
_NEXT_EVENT = (
    "(SELECT coalesce(max(position), -1) + 1 FROM events AS others"
    f" WHERE others.story_id = {_TO_STORY})"
)
_BEGIN_EVENT = Statement(
    "INSERT INTO events (id, story_id, position, came_from, merged_into)"
    f" VALUES (:id, {_TO_STORY}, {_NEXT_EVENT}, :came_from, '')"
    " ON CONFLICT (id) DO UPDATE SET story_id = excluded.story_id, position = excluded.position,"
    " came_from = excluded.came_from, merged_into = '' WHERE events.merged_into <> ''"
)
_BEGIN_STORY = text(
    "INSERT INTO stories (id, came_from, merged_into, latest)"
    " VALUES (:id, :came_from, '', :latest)"
    " ON CONFLICT (id) DO UPDATE SET came_from = excluded.came_from, merged_into = '',"
    " latest = excluded.latest WHERE stories.merged_into <> ''"
).bindparams(bindparam("latest", type_=UtcDateTime()))
_JOIN = Statement(
    "INSERT INTO members (number, event_id, position, because, score)"
    f" VALUES (:number, {_TO_EVENT}, {_NEXT_MEMBER}, :because, :score)"
)
_EXPLAIN = (
    update(MEMBERS)
    .where(MEMBERS.c.number == bindparam("its_number"))
    .values(because=bindparam("because"), score=bindparam("score"))
)
_MOVE = Statement(
    f"UPDATE members SET event_id = {_TO_EVENT}, position = {_NEXT_MEMBER},"
    " because = coalesce(:because, because) WHERE number = :number"
)
_LEAVE = delete(MEMBERS).where(MEMBERS.c.number == bindparam("its_number"))
_MOVE_EVENT = Statement(
    f"UPDATE events SET story_id = {_TO_STORY}, position = {_NEXT_EVENT} WHERE id = :id"
)
_REPORTED = (
    update(STORIES)
    .where(STORIES.c.id == bindparam("its_id"), STORIES.c.latest < bindparam("published"))
    .values(latest=bindparam("published", type_=UtcDateTime()))
)
_LATEST_OF = (
    select(func.count(MEMBERS.c.number), func.max(ARTICLES.c.published))
    .select_from(EVENTS)
    .join(MEMBERS, MEMBERS.c.event_id == EVENTS.c.id)
    .outerjoin(ARTICLES, ARTICLES.c.number == MEMBERS.c.number)
    .where(EVENTS.c.story_id == bindparam("story"))
)
_SET_LATEST = (
    update(STORIES)
    .where(STORIES.c.id == bindparam("its_id"))
    .values(latest=bindparam("published", type_=UtcDateTime()))
)


def begin_event(connection: Connection, id_: str, story: str, came_from: str = "") -> bool:
    """A new event, or one revived that was emptied; False if there is one of that id."""
    values = {"id": id_, "to_story": story, "came_from": came_from}
    return _BEGIN_EVENT.run(connection, values).rowcount == 1


def begin_story(connection: Connection, id_: str, latest: datetime, came_from: str = "") -> bool:
    """A new story, or one revived that was emptied; False if there is one of that id."""
    values = {"id": id_, "came_from": came_from, "latest": latest}
    return connection.execute(_BEGIN_STORY, values).rowcount == 1


def join(
    connection: Connection, number: int, event: str, because: int | None, score: float
) -> None:
    values = {"number": number, "to_event": event, "because": because, "score": score}
    _JOIN.run(connection, values)


def explain(connection: Connection, number: int, because: int | None, score: float) -> None:
    """Why a member is where it is."""
    connection.execute(_EXPLAIN, {"its_number": number, "because": because, "score": score})


def move(connection: Connection, numbers: Sequence[int], event: str, because: int | None) -> None:
    """To another event, because of an article there; None leaves the reason as it was."""
    values = {"to_event": event, "because": because}
    _MOVE.run(connection, [{"number": number, **values} for number in numbers])


def leave(connection: Connection, number: int) -> None:
    connection.execute(_LEAVE, {"its_number": number})


def move_event(connection: Connection, event: str, story: str) -> None:
    _MOVE_EVENT.run(connection, {"id": event, "to_story": story})


def end_event(connection: Connection, event: str, heir: str) -> None:
    """It has no members any more; `heir` is where the last went, empty for nowhere."""
    chosen = (EVENTS.c.id == event,)
    if heir:
        connection.execute(update(EVENTS).where(*chosen).values(merged_into=heir))
    else:
        connection.execute(delete(EVENTS).where(*chosen))


def end_story(connection: Connection, story: str, heir: str) -> None:
    """It has no events any more; `heir` is where the last went, empty for nowhere."""
    chosen = (STORIES.c.id == story,)
    if heir:
        connection.execute(update(STORIES).where(*chosen).values(merged_into=heir))
    else:
        connection.execute(delete(STORIES).where(*chosen))


def reported(connection: Connection, story: str, published: datetime) -> None:
    """The story has an article of that moment."""
    connection.execute(_REPORTED, {"its_id": story, "published": published})


def date_again(connection: Connection, story: str) -> bool:
    """Sets when the newest of its articles was published; False if it has no articles."""
    members, latest = connection.execute(_LATEST_OF, {"story": story}).one()
    if latest is not None:
        connection.execute(_SET_LATEST, {"its_id": story, "published": latest})
    return bool(members)
