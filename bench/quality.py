"""How good the product's results are, against known ones: `python -m bench.quality COMMAND`.

    extract     bodies of captured pages against their known text, peers beside us
    events      pairs of articles: do they report the same event?
    headlines   the same by headlines alone
    stream      events and stories found while the news come in
    copies      pairs of articles that share text: is one a copy of the other?
    synthetic   articles changed as mirrors change them, looked for among all
    posts       the archives of 2020: one article by address, reprints, daily notes
    train       fits the weights of stories to labels and writes them into the product

Each command asks nothing outside the machine; its data are given by path. The exit status is 0
if every floor holds, 1 if one is missed, 2 if nothing could be measured. See README.md.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__" and not __package__:
    # run by its path, Python looks for the packages beside the file rather than above it
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import copies, posts, quality_extract, stories
from bench.labelled import Files, LeftOut, Unmeasurable
from bench.quality_report import Report, as_json, as_table

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"
NEWS, POSTS = SHARED / "stories", SHARED / "captures" / "posts"
CORPUS, STREAM, EVENTS, HEADLINES = (
    "corpus.jsonl.xz", "stream_ids.json", "events.dev.jsonl", "headlines.dev.jsonl"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Task:
    name: str
    what: str
    labels: str
    """What they are called in the folder of the data."""
    ids: str
    """What the ids are for."""
    measure: Callable[[Files, LeftOut], Report]
    cross_validate: Callable[[Files, LeftOut], dict[str, object]] | None = None
    streams: bool = True
    """Looks at the articles of STREAM where no ids are given, rather than at all."""


TASKS = (
    Task(
        "events", "pairs of articles: the same event?", EVENTS,
        "the articles that teach how rare words are, beside those with labels",
        stories.events, stories.events_unseen,
    ),
    Task(
        "headlines", "pairs of headlines: the same event?", HEADLINES,
        "the articles that teach how rare words are",
        stories.headlines, stories.headlines_unseen,
    ),
    Task(
        "stream", "events and stories found while the news come in", EVENTS,
        "the articles that come in",
        stories.stream, stories.stream_unseen,
    ),
    Task(
        "copies", "pairs that share text: is one a copy of the other?", "copies.dev.tsv",
        "the articles that teach what a feed repeats, beside those with labels",
        copies.copies, copies.copies_unseen, streams=False,
    ),
    Task(
        "synthetic", "changed articles looked for among all", "neardup_base.dev.json",
        "the articles that are searched, beside those that are changed (the labels)",
        copies.synthetic, streams=False,
    ),
)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="bench.quality", description="Measures results against known ones."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    quality_extract.add_command(commands)
    for task in TASKS:
        _add_task(commands, task)
    _add_posts(commands)
    _add_train(commands)
    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options)
    except Unmeasurable as error:
        print(error, file=sys.stderr)
        return 2
    return status


Commands = argparse._SubParsersAction  # argparse has no public name for it


def _add_task(commands: Commands[argparse.ArgumentParser], task: Task) -> None:
    parser = commands.add_parser(task.name, help=task.what, description=task.what)
    _add_files(parser, task.labels, task.ids, task.streams)
    if task.cross_validate:
        parser.add_argument(
            "--cv", action="store_true", help="figures of what was not fitted to them as well"
        )
    parser.add_argument("--json", action="store_true", help="all figures as JSON")
    parser.set_defaults(run=lambda options: _run_task(task, options), cv=False)


def _add_files(parser: argparse.ArgumentParser, labels: str, ids: str, streams: bool) -> None:
    unless = f"{STREAM} beside the corpus if it is there, else all" if streams else "all"
    add = parser.add_argument
    add("--corpus", type=Path, default=NEWS / CORPUS, metavar="FILE", help="the news")
    add("--labels", type=Path, default=NEWS / labels, metavar="FILE", help=f"as {labels}")
    add("--ids", type=Path, metavar="FILE", help=f"{ids}; by default {unless}")


def _files(options: argparse.Namespace, streams: bool) -> Files:
    beside = options.corpus.parent / STREAM
    ids = options.ids or (beside if streams and beside.exists() else None)
    return Files(options.corpus, options.labels, ids)


def _run_task(task: Task, options: argparse.Namespace) -> int:
    files, left_out, begun = _files(options, task.streams), LeftOut(), time.monotonic()
    report = task.measure(files, left_out)
    figures = dict(report.figures)
    if options.cv and task.cross_validate:
        figures["cross_validated"] = task.cross_validate(files, LeftOut())
    report = Report(figures, report.floors, left_out)
    given = {"corpus": files.corpus, "labels": files.labels, "ids": files.ids}
    return _say(task.name, report, given, begun, options.json)


def _say(task: str, report: Report, files: dict[str, Path | None], begun: float, json: bool) -> int:
    for reason, number in report.left_out.items():
        print(f"left out: {number} {reason}", file=sys.stderr)
    seconds = time.monotonic() - begun
    print(as_json(task, report, files, seconds) if json else as_table(task, report))
    return 0 if report.passed else 1


def _add_posts(commands: Commands[argparse.ArgumentParser]) -> None:
    what = "the archives of 2020: one article by address, reprints, daily notes"
    parser = commands.add_parser("posts", help=what, description=what)
    parser.add_argument(
        "--corpus", type=Path, default=POSTS, metavar="FOLDER", help="the folder of the archives"
    )
    parser.add_argument("--json", action="store_true", help="all figures as JSON")
    parser.set_defaults(run=_run_posts)


def _run_posts(options: argparse.Namespace) -> int:
    begun = time.monotonic()
    report = posts.measure(posts.read_posts(options.corpus))
    return _say("posts", report, {"corpus": options.corpus}, begun, options.json)


def _add_train(commands: Commands[argparse.ArgumentParser]) -> None:
    what = "fits the weights of stories to labels and writes them into the product"
    parser = commands.add_parser("train", help=what, description=f"{what}. Needs scikit-learn.")
    _add_files(parser, EVENTS, "the articles that come in", True)
    parser.add_argument(
        "--headlines", type=Path, default=NEWS / HEADLINES, metavar="FILE", help=f"as {HEADLINES}"
    )
    parser.set_defaults(run=_run_train)


def _run_train(options: argparse.Namespace) -> int:
    written = stories.train(_files(options, True), options.headlines)
    print(f"{written}: written; run the other commands to measure", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
