"""The tables by which articles are grouped: copies into one article, reports into events, events
into stories. An article is named by its `number` here, as rows are many and small.

sketches       how large an article's sketch is, and in which era it stands
sketch_hashes  which articles have a hash in their sketch, by era
sentences      in how many articles of a source a sentence stood: what is boilerplate
sources        how many articles of a source were counted for that
relations      what articles are to each other: copy, excerpt, digest_contains, revision
rulings        what people said: two articles are one, or are not; of one story, or not

story_prints   what an article is held against others by
story_words    by which heavy words it is found
word_counts    in how many articles each word is, as it was some articles ago
word_log       the words of the articles since then
events         what happened
members        which article belongs to which event, and why
stories        the threads of events

regrouping     how far all of it has been made anew, while it is
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, LargeBinary, text
from sqlmodel import Field, SQLModel

from aggregator.store.columns import long_text, time_column
from aggregator.store.tables import table_of

# SQLite: the primary key is the table, rather than an index beside it
_KEY_ONLY = {"sqlite_with_rowid": False}


def _ended(name: str) -> Index:
    """What became part of others: few of all."""
    led = text("merged_into <> ''")
    return Index(name, "merged_into", sqlite_where=led, postgresql_where=led)


class SketchRow(SQLModel, table=True):
    __tablename__ = "sketches"
    __table_args__ = (Index("sketches_era", "era"),)

    number: int = Field(primary_key=True)
    era: int
    """The week it was published in, since 1970."""
    size: int


class SketchHashRow(SQLModel, table=True):
    __tablename__ = "sketch_hashes"
    __table_args__ = (_KEY_ONLY,)

    era: int = Field(primary_key=True)
    hash: int = Field(primary_key=True)
    """32 bits, signed."""
    number: int = Field(primary_key=True)


class SentenceRow(SQLModel, table=True):
    __tablename__ = "sentences"
    __table_args__ = (_KEY_ONLY,)

    source: str = Field(primary_key=True)
    """The feed that gave the body, or the host of the page that did."""
    hash: int = Field(primary_key=True)
    """32 bits, signed."""
    times: int
    days: str
    """The first three days it stood there, since 1970."""


class SourceRow(SQLModel, table=True):
    __tablename__ = "sources"

    source: str = Field(primary_key=True)
    articles: int


class RelationRow(SQLModel, table=True):
    __tablename__ = "relations"
    __table_args__ = (Index("relations_other", "other_id"),)

    article_id: str = Field(primary_key=True)
    other_id: str = Field(primary_key=True)
    kind: str
    score: float
    of_second: bool
    """It is the other that is an excerpt, or contained."""
    seen_at: datetime = time_column()


class RulingRow(SQLModel, table=True):
    __tablename__ = "rulings"
    __table_args__ = (Index("rulings_second", "scope", "second_id"),)

    scope: str = Field(primary_key=True)
    """`article`: whether they are one; `story`: whether they are of one event."""
    first_id: str = Field(primary_key=True)
    """The lesser id of the two, as entries by themselves would give their article."""
    second_id: str = Field(primary_key=True)
    rule: str
    """`together` or `apart`."""
    ruled_at: datetime = time_column()


class StoryPrintRow(SQLModel, table=True):
    __tablename__ = "story_prints"
    __table_args__ = (Index("story_prints_hour", "hour"),)

    number: int = Field(primary_key=True)
    hour: int
    """When it was published, in hours since 1970."""
    digest: int = Field(sa_type=BigInteger)
    """Of the print: by it a print that was read before is known."""
    print: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class StoryWordRow(SQLModel, table=True):
    __tablename__ = "story_words"
    __table_args__ = (_KEY_ONLY,)

    word: str = Field(primary_key=True)
    hour: int = Field(primary_key=True)
    number: int = Field(primary_key=True)
    part: int
    """Of the word in the print, in ten-thousandths: whole numbers add up the same everywhere."""


class WordCountsRow(SQLModel, table=True):
    __tablename__ = "word_counts"

    learnt: int = Field(primary_key=True)
    """So many articles."""
    state: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class WordLogRow(SQLModel, table=True):
    __tablename__ = "word_log"

    learnt: int = Field(primary_key=True)
    """So many articles with this one."""
    chain: int = Field(sa_type=BigInteger)
    """A digest of these words and of the row before: whoever has it has learnt the same."""
    words: str = long_text()


class EventRow(SQLModel, table=True):
    __tablename__ = "events"
    __table_args__ = (Index("events_story", "story_id", "position"), _ended("events_ended"))

    id: str = Field(primary_key=True)
    story_id: str
    position: int
    """Its place among the events of its story."""
    came_from: str
    """The event that it left, if any."""
    merged_into: str
    """Where its last article went; empty while it has any. One whose last article is gone has no
    row."""


class MemberRow(SQLModel, table=True):
    __tablename__ = "members"
    __table_args__ = (Index("members_event", "event_id", "position"),)

    number: int = Field(primary_key=True)
    event_id: str
    position: int
    """Its place among the members of its event, in order of arrival."""
    because: int | None
    """The number of the article that it joined for."""
    score: float


class StoryRow(SQLModel, table=True):
    __tablename__ = "stories"
    __table_args__ = (Index("stories_latest", "latest"), _ended("stories_ended"))

    id: str = Field(primary_key=True)
    came_from: str
    merged_into: str
    latest: datetime = time_column()
    """When the newest of its articles was published."""


class RegroupingRow(SQLModel, table=True):
    __tablename__ = "regrouping"

    after: int = Field(primary_key=True)
    """The number of the last article that was settled again."""


SKETCHES = table_of(SketchRow)
SKETCH_HASHES = table_of(SketchHashRow)
SENTENCES = table_of(SentenceRow)
SOURCES = table_of(SourceRow)
RELATIONS = table_of(RelationRow)
RULINGS = table_of(RulingRow)
STORY_PRINTS = table_of(StoryPrintRow)
STORY_WORDS = table_of(StoryWordRow)
WORD_COUNTS = table_of(WordCountsRow)
WORD_LOG = table_of(WordLogRow)
EVENTS = table_of(EventRow)
MEMBERS = table_of(MemberRow)
STORIES = table_of(StoryRow)
REGROUPING = table_of(RegroupingRow)
