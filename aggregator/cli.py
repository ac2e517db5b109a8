"""The commands. Each reads the configuration, calls one thing, and prints what it gives.

Exit status: 0 done, 1 done with failures, 2 wrong use or configuration.

What a command works with is imported inside it: all of it together takes a second to
import, and `--help` or a mistake in the configuration needs none of it.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import sys
from dataclasses import asdict
from pathlib import Path

import click

from aggregator.cli_common import Setting, as_json, end, require_known, show, span
from aggregator.cli_exchange import discover, export, import_
from aggregator.cli_groups import article, story
from aggregator.cli_preview import preview
from aggregator.console import (
    abandon_output,
    prepare_streams,
    print_error,
    print_failure,
    print_json,
    print_line,
    progress,
    start_logging,
)
from aggregator.errors import AggregatorError, ConfigError


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
@click.version_option(package_name="aggregator", prog_name="aggregator")
@click.pass_context
def cli(context: click.Context, config_path: Path, state: Path | None, verbose: bool) -> None:
    """Polls feeds, extracts the articles behind them, merges repeats, publishes topic feeds."""
    start_logging(logging.INFO if verbose or context.invoked_subcommand == "run" else logging.ERROR)
    context.obj = Setting(config_path, state)


def main() -> None:
    """The entry point: errors a person can act on become one line each.

    That whoever read the output has gone is for click to bear in silence, which it does.
    """
    prepare_streams()
    try:
        cli(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except AggregatorError as error:
        print_failure(error)
        abandon_output()
        sys.exit(error.exit_status)
    except OSError as error:
        # click writes help and usage itself; what we write is in words already
        if error.errno != errno.ENOSPC:
            raise
        print_error("standard output: cannot be written: no space left on device")
        abandon_output()
        sys.exit(1)


# --- the daemon --------------------------------------------------------------------------------


@cli.command()
@click.pass_obj
def run(setting: Setting) -> None:
    """The daemon: poll, make articles, publish, serve, until SIGTERM."""
    config = setting.config()
    from aggregator.daemon import Daemon

    async def serve() -> None:
        await Daemon(config, setting.config, setting.state).run()

    asyncio.run(serve())


@cli.command()
@click.argument("feeds", nargs=-1, metavar="[FEED]…")
@as_json
@click.pass_obj
def poll(setting: Setting, feeds: tuple[str, ...], as_json: bool) -> None:
    """One cycle now, whatever is due, of the named feeds or of all."""
    config = setting.config()
    for feed_id in feeds:
        require_known(feed_id, "feed", [spec.id for spec in config.feeds])
    from aggregator import once, reports

    with progress(shown=not as_json) as reporter:
        report, result = asyncio.run(once.cycle(config, setting.state, feeds, reporter))
    show(result, reports.cycle_tables(report, result), as_json)
    end(report.problems, failed=bool(report.failed))


@cli.command()
@click.option("--once", is_flag=True, help="One cycle, print the summary, end.")
@click.option("--state", type=click.Path(path_type=Path, file_okay=False), help="Another folder.")
@click.option("--listen", default="127.0.0.1:8080", show_default=True, metavar="HOST:PORT")
@as_json
@click.pass_obj
def demo(setting: Setting, once: bool, state: Path | None, listen: str, as_json: bool) -> None:
    """Replay seeds/ as real sites on loopback, and run the whole daemon on them."""
    if as_json and not once:
        raise click.UsageError("--json is for --once: the daemon has no summary")
    from aggregator import demo as the_demo
    from aggregator import reports

    folder = state or setting.state / "demo"
    if not once:
        logging.getLogger().setLevel(logging.INFO)
        asyncio.run(the_demo.run(folder, listen, print_line))
        return
    with progress(shown=not as_json) as reporter:
        report, result = asyncio.run(the_demo.run_once(folder, listen, reporter))
    show(result, reports.cycle_tables(report, result), as_json)
    # one of its sites always fails, and that is no failure of the demo
    end(report.problems)


# --- the configuration -------------------------------------------------------------------------


@cli.command()
@as_json
@click.pass_obj
def check(setting: Setting, as_json: bool) -> None:
    """Validate the configuration: every error at once."""
    try:
        config = setting.config()
    except ConfigError as error:
        if not as_json:
            raise
        print_json({"ok": False, "problems": [asdict(problem) for problem in error.problems]})
        sys.exit(error.exit_status)
    feeds, topics = len(config.feeds), len(config.topics)
    if as_json:
        print_json({"ok": True, "feeds": feeds, "topics": topics, "problems": []})
    else:
        print_line(f"{setting.config_path}: good: {feeds} feeds, {topics} topics")


@cli.group("config")
def config_group() -> None:
    """The configuration."""


@config_group.command("show")
@as_json
@click.pass_obj
def config_show(setting: Setting, as_json: bool) -> None:
    """The effective configuration, with defaults, secrets masked."""
    config = setting.config()
    from aggregator.config import shown
    from aggregator.toml_text import toml_text

    values = shown(config)
    if as_json:
        print_json(values)
    else:
        path = values.pop("path")
        print_line(f"# {path}, with every default\n\n{toml_text(values)}")


# --- what the store knows ----------------------------------------------------------------------


@cli.command()
@as_json
@click.pass_obj
def feeds(setting: Setting, as_json: bool) -> None:
    """The health of each feed."""
    config = setting.config()
    from aggregator import feed_reports
    from aggregator.daemon import clock

    with setting.store(config) as store:
        states = {state.feed_id: state for state in store.feed_states()}
        hubs, aside = store.subscriptions(), store.set_aside()
    show(
        feed_reports.feeds_report(config.feeds, states, hubs, aside),
        feed_reports.feeds_tables(config.feeds, states, clock(), hubs, aside),
        as_json,
    )


@cli.command()
@as_json
@click.pass_obj
def status(setting: Setting, as_json: bool) -> None:
    """The health of the whole: the store in numbers, and what waits."""
    config = setting.config()
    from aggregator import reports
    from aggregator.daemon import clock, editions_folder

    folder = editions_folder(config, setting.state)
    with setting.store(config) as store:
        counts, states = store.counts(), store.feed_states()
    result = reports.status_report(counts, states, config, folder, clock())
    show(result, reports.status_tables(result), as_json)


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
    length = span(since)
    config = setting.config()
    from aggregator import reports, trial
    from aggregator.daemon import clock

    with setting.store(config) as store:
        result = trial.try_query(store, config, query, clock() - length)
    show(reports.trial_report(result), reports.trial_tables(result), as_json)
    if result.topic_id and not as_json:
        print_line(f"topic {result.topic_id}: {len(result.joined)} join, {len(result.left)} leave")


# --- work on the store -------------------------------------------------------------------------


@cli.command()
@as_json
@click.pass_obj
def publish(setting: Setting, as_json: bool) -> None:
    """Write every edition that has changed to the output folder."""
    config = setting.config()
    from aggregator import once
    from aggregator.daemon import editions_folder

    folder = editions_folder(config, setting.state)
    with progress(shown=not as_json) as reporter:
        done = asyncio.run(once.publish(config, setting.state, reporter))
    if as_json:
        print_json({"written": done.written, "folder": str(folder), "problems": done.problems})
    else:
        print_line(f"{done.written} editions written to {folder}")
    end(done.problems)


@cli.command()
@click.option("--topic", "topic_id", default="", help="Only the articles that are in this topic.")
@click.option("--feed", "feed_id", default="", help="Only the articles of this feed.")
@as_json
@click.pass_obj
def reprocess(setting: Setting, topic_id: str, feed_id: str, as_json: bool) -> None:
    """Apply today's rules to stored articles."""
    config = setting.config()
    from aggregator import once
    from aggregator.steps import ARCHIVE

    if topic_id:
        require_known(topic_id, "topic", [spec.id for spec in config.topics])
    if feed_id:
        require_known(feed_id, "feed", [ARCHIVE.id, *(spec.id for spec in config.feeds)])
    with progress(shown=not as_json) as reporter:
        number, problems = asyncio.run(
            once.reprocess(config, setting.state, feed_id, topic_id, reporter)
        )
    if as_json:
        print_json({"articles": number, "problems": problems})
    else:
        print_line(f"{number} articles made again")
    end(problems)


cli.add_command(preview)
cli.add_command(article)
cli.add_command(story)


# --- what comes in and goes out ----------------------------------------------------------------

cli.add_command(discover)
cli.add_command(import_)
cli.add_command(export)
