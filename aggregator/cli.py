"""The commands. Each reads the configuration, calls one thing, and prints what it gives.

Exit status: 0 done, 1 done with failures, 2 wrong use or configuration.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from aggregator import demo as the_demo
from aggregator import reports, trial
from aggregator.config import Config, load_config, shown
from aggregator.config.values import Wrong, duration
from aggregator.console import ago, print_error, print_json, print_table, progress, start_logging
from aggregator.daemon import (
    VERSION,
    Daemon,
    clock,
    editions_folder,
    open_pipeline,
    state_folder,
    store_url,
)
from aggregator.engines.local import CycleReport, LocalEngine
from aggregator.errors import AggregatorError
from aggregator.sources import NAMES
from aggregator.sources.archives import archives_in, read_archive
from aggregator.store import Store, editions

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON document instead.")


@dataclass(frozen=True)
class Setting:
    """Where the configuration and the state are."""

    config_path: Path
    state: Path

    def config(self) -> Config:
        return load_config(self.config_path, NAMES)

    def store(self, config: Config) -> Store:
        return Store.open(store_url(config, self.state))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    default=Path("config.toml"),
    show_default=True,
    help="The configuration file.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where state lives. Default: $STATE_DIRECTORY, else the user's data folder.",
)
@click.option("-v", "--verbose", is_flag=True, help="Log every poll.")
@click.version_option(VERSION, prog_name="aggregator")
@click.pass_context
def cli(context: click.Context, config_path: Path, state: Path | None, verbose: bool) -> None:
    """Polls feeds, extracts the articles behind them, merges repeats, publishes topic feeds."""
    start_logging(logging.INFO if verbose or context.invoked_subcommand == "run" else logging.ERROR)
    context.obj = Setting(config_path, state or state_folder(os.environ))


def main() -> None:
    """The entry point: errors a person can act on become one line each."""
    try:
        cli(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except AggregatorError as error:
        print_error(str(error))
        sys.exit(error.exit_status)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - whoever read has gone: so do we
        sys.exit(1)


@cli.command()
@click.pass_obj
def run(setting: Setting) -> None:
    """The daemon: poll, make articles, publish, serve, until SIGTERM."""
    asyncio.run(_run(setting))


async def _run(setting: Setting) -> None:
    await Daemon(setting.config(), setting.config, setting.state).run()


@cli.command()
@click.argument("feeds", nargs=-1, metavar="[FEED]…")
@as_json
@click.pass_obj
def poll(setting: Setting, feeds: tuple[str, ...], as_json: bool) -> None:
    """One cycle now, whatever is due, of the named feeds or of all."""
    config = setting.config()
    unknown = sorted(set(feeds) - {spec.id for spec in config.feeds})
    if unknown:
        raise click.UsageError(f"no such feed in {setting.config_path}: {', '.join(unknown)}")
    sys.exit(asyncio.run(_poll(setting, config, feeds, as_json)))


async def _poll(setting: Setting, config: Config, feeds: tuple[str, ...], as_json: bool) -> int:
    async with open_pipeline(config, setting.state) as pipeline:
        before = await pipeline.store.read(editions.counts)
        with progress(shown=not as_json) as reporter:
            report = await LocalEngine(pipeline, clock).cycle(feeds, reporter)
        after = await pipeline.store.read(editions.counts)
    result = reports.cycle_report(
        report, before, after, config, editions_folder(config, setting.state)
    )
    if as_json:
        print_json(result)
    else:
        print_cycle(report, result)
    return 1 if report.failed else 0


def print_cycle(report: CycleReport, result: dict[str, object]) -> None:
    """How each feed's poll went, then the store in numbers."""
    print_table(
        "Feeds",
        ("feed", "status", "new", "revised", "error"),
        [(p.feed_id, p.status, p.new, p.revised, p.error) for p in report.polls],
    )
    print_table(
        "Articles",
        ("entries", "articles", "duplicates", "pending"),
        [tuple(result[name] for name in ("entries", "articles", "duplicates", "pending"))],
    )
    topics = result["topics"]
    assert isinstance(topics, dict)
    print_table(
        "Topics",
        ("topic", "articles", "feed", "file"),
        [(name, topic["articles"], topic["url"], topic["atom"]) for name, topic in topics.items()],
    )


@cli.command()
@click.option("--once", is_flag=True, help="One cycle, print the summary, end.")
@click.option("--state", type=click.Path(path_type=Path, file_okay=False), help="Another folder.")
@click.option("--listen", default="127.0.0.1:8080", show_default=True, metavar="HOST:PORT")
@as_json
@click.pass_obj
def demo(setting: Setting, once: bool, state: Path | None, listen: str, as_json: bool) -> None:
    """Replay seeds/ as real sites on loopback, and run the whole daemon on them."""
    folder = state or setting.state / "demo"
    if not once:
        logging.getLogger().setLevel(logging.INFO)
        asyncio.run(the_demo.run(folder, listen, click.echo))
        return
    with progress(shown=not as_json) as reporter:
        report, result = asyncio.run(the_demo.run_once(folder, listen, reporter))
    if as_json:
        print_json(result)
    else:
        print_cycle(report, result)


@cli.command()
@as_json
@click.pass_obj
def check(setting: Setting, as_json: bool) -> None:
    """Validate the configuration: every error at once."""
    config = setting.config()
    if as_json:
        print_json({"ok": True, "feeds": len(config.feeds), "topics": len(config.topics)})
    else:
        click.echo(
            f"{setting.config_path}: good: {len(config.feeds)} feeds, {len(config.topics)} topics"
        )


@cli.group("config")
def config_group() -> None:
    """The configuration."""


@config_group.command("show")
@as_json
@click.pass_obj
def config_show(setting: Setting, as_json: bool) -> None:
    """The effective configuration, with defaults, secrets masked."""
    values = shown(setting.config())
    if as_json:
        print_json(values)
        return
    for section, value in values.items():
        print_json({section: value})


@cli.command()
@as_json
@click.pass_obj
def feeds(setting: Setting, as_json: bool) -> None:
    """The health of each feed."""
    with _open_store(setting) as (config, store):
        states = {state.feed_id: state for state in store.feed_states()}
    configured = [states[spec.id] for spec in config.feeds if spec.id in states]
    if as_json:
        print_json([reports.feed_report(state) for state in configured])
        return
    now = clock()
    print_table(
        "Feeds",
        ("feed", "outlet", "status", "entries", "last poll", "next poll", "failures", "error"),
        [
            (
                state.feed_id,
                state.outlet,
                state.last_status or "not polled yet",
                state.entries,
                ago(state.last_poll_at, now),
                ago(state.next_poll_at, now),
                state.failures,
                state.error,
            )
            for state in configured
        ],
    )


@cli.command()
@as_json
@click.pass_obj
def status(setting: Setting, as_json: bool) -> None:
    """The health of the whole: the store in numbers, and what waits."""
    with _open_store(setting) as (config, store):
        result = reports.status_report(
            store.counts(),
            store.feed_states(),
            config,
            editions_folder(config, setting.state),
            clock(),
        )
    if as_json:
        print_json(result)
        return
    rows = [(name, value) for name, value in result.items() if name != "topics"]
    print_table("Status", ("what", "value"), rows)


@cli.group()
def topic() -> None:
    """Topics."""


@topic.command("test")
@click.argument("query")
@click.option("--since", default="30d", show_default=True, help="How far back: 12h, 30d.")
@as_json
@click.pass_obj
def topic_test(setting: Setting, query: str, since: str, as_json: bool) -> None:
    """Which stored articles match a QUERY, or the query of a topic's ID, and why."""
    try:
        span = duration(since)
    except Wrong as error:
        raise click.BadParameter(error.what, param_hint="--since") from error
    with _open_store(setting) as (config, store):
        result = trial.try_query(store, config, query, clock() - span)
    if as_json:
        print_json(reports.trial_report(result))
        return
    print_table(
        f"{len(result.hits)} of {result.examined} articles match",
        ("published", "outlet", "title", "because"),
        [
            (
                f"{hit.article.published:%Y-%m-%d}",
                hit.article.outlet,
                hit.article.title,
                ", ".join(f"{reason.term} ({reason.where})" for reason in hit.reasons),
            )
            for hit in result.hits
        ],
    )
    if result.topic_id:
        click.echo(f"topic {result.topic_id}: {len(result.joined)} join, {len(result.left)} leave")


@cli.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@as_json
@click.pass_obj
def import_(setting: Setting, paths: tuple[Path, ...], as_json: bool) -> None:
    """Archives (Hexo posts, feedx markdown; files or folders) into the store."""
    config = setting.config()
    sys.exit(asyncio.run(_import(setting, config, paths, as_json)))


async def _import(setting: Setting, config: Config, paths: tuple[Path, ...], as_json: bool) -> int:
    posts, problems = [], []
    for path in archives_in(paths):
        try:
            posts.append(read_archive(path))
        except AggregatorError as error:
            problems.append(str(error))
    async with open_pipeline(config, setting.state) as pipeline:
        decision = await pipeline.take_in(posts, clock())
        engine = LocalEngine(pipeline, clock)
        with progress(shown=not as_json) as reporter:
            await engine.enrich_all(reporter)
            await engine.publish_all(reporter)
        counts = await pipeline.store.read(editions.counts)
    result = {
        "read": len(posts),
        "new": len(decision.new),
        "revised": len(decision.revised),
        "known": decision.known,
        "articles": counts.articles,
        "problems": problems,
    }
    if as_json:
        print_json(result)
    else:
        click.echo("{read} read: {new} new, {revised} revised, {known} known".format(**result))
        for problem in problems:
            print_error(problem)
    return 1 if problems else 0


@cli.command()
@as_json
@click.pass_obj
def publish(setting: Setting, as_json: bool) -> None:
    """Write every edition that has changed to the output folder."""
    config = setting.config()
    written = asyncio.run(_publish(setting, config))
    if as_json:
        print_json({"written": written, "folder": str(editions_folder(config, setting.state))})
    else:
        click.echo(f"{written} editions written to {editions_folder(config, setting.state)}")


async def _publish(setting: Setting, config: Config) -> int:
    async with open_pipeline(config, setting.state) as pipeline:
        changed = await pipeline.store.read(editions.unpublished)
        written = [await pipeline.publish(name, changes) for name, changes in changed.items()]
    return sum(written)


@cli.command()
@click.argument("url")
@as_json
@click.pass_obj
def preview(setting: Setting, url: str, as_json: bool) -> None:
    """What would be extracted from a page."""
    result = reports.preview_report(asyncio.run(trial.preview(setting.config(), url)))
    if as_json:
        print_json(result)
        return
    for name, value in result.items():
        click.echo(f"{name}: {value}" if name != "body" else f"\n{value}")


@cli.command()
@click.option("--topic", "topic_id", help="Only the articles that are in this topic.")
@click.option("--feed", "feed_id", help="Only the articles of this feed.")
@as_json
@click.pass_obj
def reprocess(setting: Setting, topic_id: str, feed_id: str, as_json: bool) -> None:
    """Apply today's rules to stored articles."""
    number = asyncio.run(_reprocess(setting, setting.config(), topic_id or "", feed_id or ""))
    if as_json:
        print_json({"articles": number})
    else:
        click.echo(f"{number} articles made again")


async def _reprocess(setting: Setting, config: Config, topic_id: str, feed_id: str) -> int:
    async with open_pipeline(config, setting.state) as pipeline:
        number = await pipeline.store.write(editions.reprocess, clock(), feed_id, topic_id)
        engine = LocalEngine(pipeline, clock)
        with progress(shown=True) as reporter:
            await engine.enrich_all(reporter)
            await engine.publish_all(reporter)
    return number


@contextlib.contextmanager
def _open_store(setting: Setting) -> Iterator[tuple[Config, Store]]:
    config = setting.config()
    store = setting.store(config)
    try:
        yield config, store
    finally:
        store.close()
