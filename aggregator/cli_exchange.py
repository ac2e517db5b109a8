"""The commands for what comes in and goes out: discover, import, export."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aggregator.cli_common import Setting, as_json, end, span
from aggregator.console import print_error, print_json, print_line, progress
from aggregator.errors import AggregatorError, ArchiveError

if TYPE_CHECKING:
    from aggregator.config import Config
    from aggregator.core.model import FeedSpec
    from aggregator.discover import FoundFeed


# --- discover ----------------------------------------------------------------------------------


@click.command()
@click.argument("url")
@as_json
@click.pass_obj
def discover(setting: Setting, url: str, as_json: bool) -> None:
    """Find the feeds of the site at URL; print the [[feeds]] tables to paste."""
    config = setting.config()
    from aggregator.core.model import FeedSpec
    from aggregator.discover import discover as search
    from aggregator.feed_tables import configured, tables_text, with_ids

    with progress(shown=not as_json) as reporter:
        found = asyncio.run(search(config, url, reporter))
    known = {feed.url: configured(feed.url, config.feeds) for feed in found.feeds}
    new = [feed for feed in found.feeds if not known[feed.url]]
    specs = with_ids(
        (FeedSpec("", (feed.url,), feed.title, feed.outlet) for feed in new), _ids(config)
    )
    if as_json:
        ids = {spec.urls[0]: spec.id for spec in specs}
        rows = [
            {"id": known[feed.url] or ids[feed.url], "configured": bool(known[feed.url])}
            | asdict(feed)
            for feed in found.feeds
        ]
        print_json({"url": found.url, "feeds": rows, "notes": list(found.notes)})
    else:
        _print_notes(found.notes)
        for feed in found.feeds:
            if known[feed.url]:
                print_line(f'# {feed.url} is configured already, as "{known[feed.url]}"')
        remarks = {spec.id: _remark(feed) for spec, feed in zip(specs, new, strict=True)}
        if specs:
            print_line(tables_text(specs, remarks))
    if not found.feeds:
        end([f"{found.url}: no feeds found (the site may have none; open it in a browser)"])


def _remark(feed: FoundFeed) -> str:
    if feed.problem:
        return f"suggested ({feed.how}), not verified: {feed.problem}"
    how = {
        "itself": "this address is a feed",
        "declared": "the page declares it",
        "linked": "the page links to it",
        "guessed": "found at a usual path",
    }.get(feed.how, f"made by {feed.how}")
    newest = f", the newest of {feed.newest:%Y-%m-%d}" if feed.newest else ""
    number = "1 entry" if feed.entries == 1 else f"{feed.entries} entries"
    return f"{how}; {number}{newest}"


# --- import ------------------------------------------------------------------------------------


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@as_json
@click.pass_obj
def import_(setting: Setting, paths: tuple[Path, ...], as_json: bool) -> None:
    """Archives (Hexo posts, feedx markdown; files or folders) into the store.

    Of an OPML list of feeds, the [[feeds]] tables are printed, and nothing is stored.
    """
    config = setting.config()
    from aggregator.sources.opml import is_opml_file

    lists = [path for path in paths if is_opml_file(path)]
    if lists and len(lists) < len(paths):
        raise click.UsageError("OPML lists and archives are imported apart: one, then the other")
    if lists:
        _import_lists(config, lists, as_json)
        return
    from aggregator import once

    with progress(shown=not as_json) as reporter:
        result, problems = asyncio.run(once.import_archives(config, setting.state, paths, reporter))
    if as_json:
        print_json(result)
    else:
        print_line("{read} read: {new} new, {revised} revised, {known} known".format(**result))
    end(problems)


def _import_lists(config: Config, paths: Sequence[Path], as_json: bool) -> None:
    from aggregator.feed_tables import configured, table, tables_text, with_ids
    from aggregator.sources.archives import bytes_of
    from aggregator.sources.opml import merged, read_opml

    read: list[FeedSpec] = []
    notes: list[str] = []
    problems: list[str] = []
    for path in paths:
        try:
            found = read_opml(bytes_of(path), str(path))
        except ArchiveError as error:
            problems.append(str(error))
            continue
        read += found.feeds
        notes += [f"{path}: {note}" for note in found.notes]
    new: list[FeedSpec] = []
    for feed in merged(read):
        if known := configured(feed.urls[0], config.feeds):
            notes.append(f'{feed.urls[0]} is configured already, as "{known}"')
        else:
            new.append(feed)
    feeds = with_ids(new, _ids(config))
    if as_json:
        tables = [table(feed) for feed in feeds]
        print_json({"feeds": tables, "notes": notes, "problems": problems})
    else:
        _print_notes(notes)
        if feeds:
            print_line(tables_text(feeds))
    end(problems)


# --- export ------------------------------------------------------------------------------------


@click.command()
@click.argument("form", metavar="opml|jsonl|hexo|markdown",
                type=click.Choice(("opml", "jsonl", "hexo", "markdown")))  # fmt: skip
@click.option("--to", type=click.Path(path_type=Path), help="A file; for hexo, markdown a folder.")
@click.option("--since", default="", help="Only articles not older: 12h, 30d. Default: all.")
@as_json
@click.pass_obj
def export(setting: Setting, form: str, to: Path | None, since: str, as_json: bool) -> None:
    """The feeds as OPML; the articles as JSON lines, Hexo posts or feedx markdown.

    Without --to, opml and jsonl are written to standard output.
    """
    if form in ("hexo", "markdown") and to is None:
        raise click.UsageError(f"{form} is a folder of files: say --to DIR")
    if as_json and to is None:
        raise click.UsageError("--json is the summary of an export --to a file")
    if since and form == "opml":
        raise click.UsageError("--since is for articles: OPML lists feeds")
    length = span(since) if since else None
    config = setting.config()
    if form == "opml":
        number = _export_feeds(config, to)
    else:
        number = _export_articles(setting, config, form, to, length, shown=not as_json)
    what = "feeds" if form == "opml" else "articles"
    if as_json:
        print_json({what: number, "to": str(to)})
    elif to is not None:
        print_line(f"{number} {what} written to {to}")


def _export_feeds(config: Config, to: Path | None) -> int:
    from aggregator.export import opml, writing

    document = opml(config.output.title, config.feeds)
    if to is None:
        _print_bytes(document)
    else:
        with writing(to) as file:
            file.write(document)
    return len(config.feeds)


def _export_articles(
    setting: Setting,
    config: Config,
    form: str,
    to: Path | None,
    length: timedelta | None,
    shown: bool,
) -> int:
    """How many were written to files."""
    from aggregator.daemon import clock
    from aggregator.export import json_line, write_archive, write_json_lines
    from aggregator.sources.archives import WRITERS

    start = clock() - length if length else datetime.min.replace(tzinfo=UTC)
    with setting.store(config) as store:
        articles = store.scan(start)
        if to is None:
            for article in articles:
                _print_bytes(f"{json_line(article)}\n".encode("utf-8", "replace"))
            return 0
        total = store.counts().articles
        with progress(shown) as reporter:

            def count(number: int) -> None:
                reporter("export", number, max(number, total))

            if form == "jsonl":
                return write_json_lines(articles, to, count)
            return write_archive(articles, WRITERS[form], to, count)


# --- common to them ----------------------------------------------------------------------------


def _ids(config: Config) -> list[str]:
    return [feed.id for feed in config.feeds]


def _print_notes(notes: Sequence[str]) -> None:
    """What is no failure, beside what is to be pasted."""
    for note in notes:
        print_error(note)


def _print_bytes(data: bytes) -> None:
    """A document in its own encoding, whatever the terminal's is.

    Raises BrokenPipeError if nobody reads it any more, AggregatorError if it cannot be written.
    """
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        what = (error.strerror or str(error)).lower()
        raise AggregatorError(f"cannot be written: {what}", "standard output") from error
