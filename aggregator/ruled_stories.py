"""What people rule of stories, in rulings about articles: of one event, or not.

    split  articles of a story become one event of their own, which stays in the story's thread
    merge  the first events of two stories become one; the other events of both follow

What was said before and contradicts it is withdrawn. Each works in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from aggregator.core.story_view import lead_of
from aggregator.errors import RulingError
from aggregator.settling import Settler
from aggregator.store import Connection, rulings, stories, story_places
from aggregator.store.rulings import Rule
from aggregator.store.stories import Story


def split(
    connection: Connection, settler: Settler, story_id: str, articles: Sequence[str], now: datetime
) -> None:
    """These articles leave the events of the story that they are in, for one of their own.

    Raises RulingError if there is no such story, for articles that are not in it, and unless some
    are chosen and some are not.
    """
    story = _story(connection, story_id)
    leaving = list(dict.fromkeys(articles))
    staying = [one for one in _articles(story) if one not in leaving]
    where = f"story {story.id}"
    if strangers := set(leaving) - set(_articles(story)):
        raise RulingError(f"article {min(strangers)} is not in it", where, "see story show")
    if not leaving:
        raise RulingError("no article was chosen that is to leave", where, "name at least one")
    if not staying:
        raise RulingError("all its articles were chosen", where, "at least one has to stay")
    lead = lead_of(stories.view_members(connection, story.id))
    said = _together(leaving)
    for event in story.events:
        members = [member.article_id for member in event.members]
        rest = [one for one in members if one in staying]
        going = [one for one in members if one in leaving]
        if not rest or not going:
            continue
        anchor = lead if lead in rest else rest[0]
        said |= {(one, anchor): "apart" for one in going}
        if members[0] in going:
            said |= _together([anchor, *rest])  # else each would leave the first by itself
    if lead in staying:
        said |= {(one, lead): "apart" for one in leaving}
    _withdraw(connection, leaving, staying)
    _withdraw(connection, leaving, leaving)
    settler.rule_stories(connection, said, now)


def merge(
    connection: Connection, settler: Settler, kept_id: str, gone_id: str, now: datetime
) -> str:
    """What the first event of each tells of is one event, and its other events follow it. Gives
    the id of the story that they now are.

    Raises RulingError if there is no such story, or if it is the same one twice.
    """
    kept, gone = _story(connection, kept_id), _story(connection, gone_id)
    if kept.id == gone.id:
        raise RulingError("it is the same story twice", f"story {kept.id}", "name another one")
    firsts = [[member.article_id for member in story.events[0].members] for story in (kept, gone)]
    _withdraw(connection, *firsts)
    settler.rule_stories(connection, _together([*firsts[0], *firsts[1]]), now)
    home = stories.story_of(connection, firsts[0][0]) or kept.id
    for story in (kept, gone):
        if story.id != home:
            _follow(connection, story.id, home)
    story_places.date_again(connection, home)
    return home


def _follow(connection: Connection, gone: str, home: str) -> None:
    """What is left of a story joins another one."""
    placed = story_places.of_story(connection, gone)
    for event in dict.fromkeys(one.event for one in placed):
        story_places.move_event(connection, event, home)
    story_places.end_story(connection, gone, home)


# --- small steps ---------------------------------------------------------------------------------


def _story(connection: Connection, story_id: str) -> Story:
    story = stories.story(connection, story_id)
    if story is None:
        raise RulingError("no such story is stored", f"story {story_id}", "see story list")
    return story


def _articles(story: Story) -> list[str]:
    return [member.article_id for event in story.events for member in event.members]


def _together(ones: Iterable[str]) -> dict[tuple[str, str], Rule]:
    """All of them with the first."""
    first, *others = dict.fromkeys(ones)
    return {(first, other): "together" for other in others}


def _withdraw(connection: Connection, ones: Collection[str], others: Collection[str]) -> None:
    """What was said of any of these and any of those, by whatever name."""
    first, second = (
        {name for one in group for name in _names(connection, one)} for group in (ones, others)
    )
    rulings.withdraw(connection, first, second, scope="story")


def _names(connection: Connection, article: str) -> frozenset[str]:
    return rulings.names_of(connection, article) | {article}
