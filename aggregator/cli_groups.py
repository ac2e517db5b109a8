"""The commands that show what was grouped, and mend it: copies in articles, articles in stories."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import click

from aggregator.cli_common import Setting, as_json, end, require_known, span
from aggregator.console import print_json, print_line, print_tables, progress
from aggregator.errors import AggregatorError

if TYPE_CHECKING:
    from aggregator.by_hand import Rule
    from aggregator.config import Config
    from aggregator.group_reports import ArticleShown, StoryShown
    from aggregator.store import Store

T = TypeVar("T")

ARTICLE_HELP = "the id of a stored article, 8 digits or more of its beginning, or its URL"


@click.group()
def article() -> None:
    """Articles: what each was made of, and mending a wrong merge or a missed one.

    An ARTICLE is named by its id, by 8 digits or more of its beginning, or by its URL.
    """


@article.command("show")
@click.argument("what", metavar="ARTICLE")
@as_json
@click.pass_obj
def article_show(setting: Setting, what: str, as_json: bool) -> None:
    """What an article was made of, what it said before, and what it is to others."""
    config = setting.config()
    with _existing(setting, config, f"article {what}") as store:
        shown = _read_article(store, _article(store, config, what))
    _show_article(shown, as_json)


@article.command("split")
@click.argument("what", metavar="ARTICLE")
@click.argument("entries", nargs=-1, required=True, metavar="ENTRY…")
@as_json
@click.pass_obj
def article_split(setting: Setting, what: str, entries: tuple[str, ...], as_json: bool) -> None:
    """These entries leave together for an article of their own, for good.

    An ENTRY is its number, as `article show` has it, or its URL.
    """
    config = setting.config()
    from aggregator import by_hand

    with _existing(setting, config, f"article {what}") as store:
        shown = _read_article(store, _article(store, config, what))
    chosen = _entries(config, shown, entries)
    done, problems = _carry_out(
        setting, config, by_hand.split_article(shown.about.id, chosen), as_json
    )
    _show_articles(setting, config, (shown.about.id, done), as_json)
    end(problems)


@article.command("merge")
@click.argument("what", metavar="ARTICLE")
@click.argument("others", nargs=-1, required=True, metavar="OTHER…")
@as_json
@click.pass_obj
def article_merge(setting: Setting, what: str, others: tuple[str, ...], as_json: bool) -> None:
    """The OTHERs become part of ARTICLE, for good, however their texts differ."""
    config = setting.config()
    from aggregator import by_hand

    with _existing(setting, config, f"article {what}") as store:
        kept, *gone = (_article(store, config, one) for one in (what, *others))
    done, problems = _carry_out(setting, config, by_hand.merge_articles(kept, gone), as_json)
    _show_articles(setting, config, (done,), as_json)
    end(problems)


@click.group()
def story() -> None:
    """Stories: events with the articles that tell of them, and mending what is in which.

    A STORY is named by its id or the beginning of it, or by one of its articles.
    """


@story.command("list")
@click.option("--topic", "topic_id", default="", help="Only those with an article in this topic.")
@click.option("--since", default="", help="Only what was reported since then: 12h, 7d.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True)
@as_json
@click.pass_obj
def story_list(setting: Setting, topic_id: str, since: str, limit: int, as_json: bool) -> None:
    """The stories, newest first."""
    length = span(since) if since else None
    config = setting.config()
    if topic_id:
        require_known(topic_id, "topic", [spec.id for spec in config.topics])
    from aggregator import group_reports
    from aggregator.daemon import clock
    from aggregator.preview import existing_store

    begin = clock() - length if length else None
    with existing_store(config, setting.state) as store:
        found = (
            store.read_now(group_reports.read_stories, topic_id or None, begin, limit)
            if store
            else ()
        )
    if as_json:
        print_json(group_reports.stories_report(found))
    else:
        print_tables(group_reports.stories_tables(found, clock()))


@story.command("show")
@click.argument("what", metavar="STORY")
@as_json
@click.pass_obj
def story_show(setting: Setting, what: str, as_json: bool) -> None:
    """Who told of it in which order, what only one outlet has, and why each article belongs."""
    config = setting.config()
    with _existing(setting, config, f"story {what}") as store:
        shown = _story(store, config, what)
    _show_story(shown, as_json)


@story.command("split")
@click.argument("what", metavar="STORY")
@click.argument("articles", nargs=-1, required=True, metavar="ARTICLE…")
@as_json
@click.pass_obj
def story_split(setting: Setting, what: str, articles: tuple[str, ...], as_json: bool) -> None:
    """These articles leave their events for one of their own, for good.

    A story is a thread of events: the new event stays in it as long as it follows from the others.
    """
    config = setting.config()
    from aggregator import by_hand

    with _existing(setting, config, f"story {what}") as store:
        shown = _story(store, config, what)
        chosen = [_article(store, config, one) for one in articles]
    rule = by_hand.split_story(shown.story.id, chosen)
    _, problems = _carry_out(setting, config, rule, as_json)
    _show_stories(setting, config, (shown.view.lead, *chosen), as_json)
    end(problems)


@story.command("merge")
@click.argument("what", metavar="STORY")
@click.argument("other", metavar="OTHER")
@as_json
@click.pass_obj
def story_merge(setting: Setting, what: str, other: str, as_json: bool) -> None:
    """The first events of both become one, for good, and their other events follow."""
    config = setting.config()
    from aggregator import by_hand

    with _existing(setting, config, f"story {what}") as store:
        kept, gone = _story(store, config, what), _story(store, config, other)
    rule = by_hand.merge_stories(kept.story.id, gone.story.id)
    _, problems = _carry_out(setting, config, rule, as_json)
    _show_stories(setting, config, (kept.view.lead,), as_json)
    end(problems)


# --- what is meant -----------------------------------------------------------------------------


@contextmanager
def _existing(setting: Setting, config: Config, where: str) -> Iterator[Store]:
    """The store; raises AggregatorError where none was made yet, which holds nothing of `where`."""
    from aggregator.preview import existing_store

    with existing_store(config, setting.state) as store:
        if store is None:
            raise AggregatorError("nothing is stored yet", where, "poll first")
        yield store


def _article(store: Store, config: Config, given: str) -> str:
    """The id of the article that is meant.

    Raises click.UsageError for what names none or several, AggregatorError if it is not stored.
    """
    from aggregator.preview import candidates, read_target

    target = read_target(given)
    if target is None:
        raise click.UsageError(f"not {ARTICLE_HELP}: {given}")
    found = candidates(store, config, target)
    if len(found) > 1:
        _ask_back("articles", [f"{one.id}  {' '.join(one.title.split())}" for one in found])
    if not found:
        raise AggregatorError(
            "no such article is stored", f"article {given}", "published feeds and pages name ids"
        )
    return found[0].id


def _story(store: Store, config: Config, given: str) -> StoryShown:
    """The story of that id, or that the article is in. Raises as `_article` does."""
    from aggregator import group_reports
    from aggregator.preview import read_target
    from aggregator.store import about

    target = read_target(given)
    if target is None:
        raise click.UsageError(f"not the id of a story, nor {ARTICLE_HELP}: {given}")
    ids = store.read_now(about.find_stories, target.beginning) if target.beginning else ()
    if not ids:
        shown = _read_article(store, _article(store, config, given))
        if shown.story is None:
            raise AggregatorError(
                "it is in no story", f"article {shown.about.id}", f"it is {shown.about.state}"
            )
        return shown.story
    found = [store.read_now(group_reports.read_story, id_) for id_ in ids]
    known = {one.story.id: one for one in found if one}
    if len(known) > 1:
        _ask_back("stories", [f"{one.story.id}  {one.view.headline}" for one in known.values()])
    if not known:
        raise AggregatorError("nothing in it is published", f"story {ids[0]}", "see story list")
    return next(iter(known.values()))


def _ask_back(what: str, lines: Iterable[str]) -> None:
    listed = "".join(f"\n  {line}" for line in lines)
    raise click.UsageError(f"several {what} are meant; say which:{listed}")


def _entries(
    config: Config, shown: ArticleShown, given: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    """The entries that are meant, by feed and key. Raises click.UsageError."""
    from aggregator.core.identity import canonical_url
    from aggregator.sources import URL_RULES, url_rules_of

    entries = shown.about.entries
    rules = [URL_RULES, *(url_rules_of(spec) for spec in config.feeds)]
    chosen = []
    for one in given:
        if one.isdecimal():
            if not 1 <= int(one) <= len(entries):
                raise click.UsageError(f"the article has entries 1 to {len(entries)}, and no {one}")
            meant = [entries[int(one) - 1]]
        else:
            urls = {one, *(canonical_url(one, rule) for rule in rules)} - {""}
            meant = [entry for entry in entries if {entry.url, entry.link} & urls]
            if not meant:
                raise click.UsageError(
                    f"neither the number nor the URL of one of its entries: {one}"
                )
        chosen += [(entry.feed_id, entry.key) for entry in meant]
    return tuple(chosen)


# --- what is done and shown ----------------------------------------------------------------------


def _carry_out(
    setting: Setting, config: Config, rule: Rule[T], as_json: bool
) -> tuple[T, tuple[str, ...]]:
    from aggregator import by_hand

    with progress(shown=not as_json) as reporter:
        return asyncio.run(by_hand.carry_out(config, setting.state, rule, reporter))


def _read_article(store: Store, article_id: str) -> ArticleShown:
    from aggregator import group_reports

    shown = store.read_now(group_reports.read_article, article_id)
    if shown is None:
        raise AggregatorError("it is gone", f"article {article_id}", "it went just now: try again")
    return shown


def _show_article(shown: ArticleShown, as_json: bool) -> None:
    from aggregator import group_reports
    from aggregator.daemon import clock

    if as_json:
        print_json(group_reports.article_report(shown))
    else:
        print_line("\n".join(group_reports.article_lines(shown, clock())))


def _show_articles(setting: Setting, config: Config, ids: Iterable[str], as_json: bool) -> None:
    """What is so now; of several articles, one after the other."""
    from aggregator import group_reports

    with setting.store(config) as store:
        shown = [_read_article(store, one) for one in ids]
    if as_json:
        print_json({"articles": [group_reports.article_report(one) for one in shown]})
        return
    for number, one in enumerate(shown):
        if number:
            print_line("")
        _show_article(one, as_json=False)


def _show_story(shown: StoryShown, as_json: bool) -> None:
    from aggregator import group_reports

    if as_json:
        print_json(group_reports.story_report(shown))
    else:
        print_line("\n".join(group_reports.story_lines(shown)))


def _show_stories(setting: Setting, config: Config, articles: Iterable[str], as_json: bool) -> None:
    """The stories that these articles are in now."""
    from aggregator import group_reports

    with setting.store(config) as store:
        found = [_read_article(store, one).story for one in articles]
    shown = {one.story.id: one for one in found if one}
    if as_json:
        print_json({"stories": [group_reports.story_report(one) for one in shown.values()]})
        return
    for number, one in enumerate(shown.values()):
        if number:
            print_line("")
        _show_story(one, as_json=False)
