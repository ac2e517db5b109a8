"""What the commands report: `…_report` as plain values, for `--json`; `…_tables` for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import cast

from aggregator.config import Config
from aggregator.console import Table
from aggregator.core.feed_state import FeedState
from aggregator.core.model import Counts
from aggregator.engines.round import CycleReport
from aggregator.outputs import FORMATS
from aggregator.pipeline import edition_path
from aggregator.trial import Trial

STORED = ("entries", "articles", "duplicates", "pending")


# --- a cycle -----------------------------------------------------------------------------------


def cycle_report(
    report: CycleReport, before: Counts, after: Counts, config: Config, folder: Path
) -> dict[str, object]:
    """How the polls of one cycle went, what the store now holds, and what of it is new."""
    return {
        "feeds": {
            "polled": len(report.polls),
            "failed": len(report.failed),
            "not_modified": len(report.not_modified),
        },
        "polls": [asdict(poll) for poll in report.polls],
        "entries": after.entries,
        "articles": after.articles,
        "duplicates": after.duplicates,
        "pending": after.pending,
        "new": {
            "entries": after.entries - before.entries,
            "articles": after.articles - before.articles,
            "duplicates": after.duplicates - before.duplicates,
        },
        "topics": topics_report(after, config, folder),
        "problems": list(report.problems),
    }


def cycle_tables(report: CycleReport, result: Mapping[str, object]) -> tuple[Table, ...]:
    """How each feed's poll went; the store in numbers, and the topics, out of `cycle_report`."""
    polls = [(p.feed_id, p.status, p.new, p.revised, p.error) for p in report.polls]
    return (
        Table(
            "Feeds",
            ("feed", "status", "new", "revised", "error"),
            polls,
            frozenset(("new", "revised")),
        ),
        Table("Articles", STORED, [[result[name] for name in STORED]], frozenset(STORED)),
        _topics_table(result["topics"]),
    )


def topics_report(counts: Counts, config: Config, folder: Path) -> dict[str, object]:
    """Each topic's number of articles, and where its editions are."""
    return {
        topic.id: {
            "articles": counts.topics.get(topic.id, 0),
            **{
                form.suffix: str(folder / f"{edition_path(topic.id)}.{form.suffix}")
                for form in FORMATS
            },
            "url": f"{config.server.public_url}/{edition_path(topic.id)}.atom",
        }
        for topic in config.topics
    }


def _topics_table(topics: object) -> Table:
    """Takes what `topics_report` gives."""
    rows = [
        (name, topic["articles"], f"{topic['url']}\n{topic['atom']}")
        for name, topic in cast(Mapping[str, Mapping[str, object]], topics).items()
    ]
    return Table("Topics", ("topic", "articles", "feed"), rows, frozenset(("articles",)))


# --- health ------------------------------------------------------------------------------------


def status_report(
    counts: Counts, states: Sequence[FeedState], config: Config, folder: Path, now: datetime
) -> dict[str, object]:
    """The whole in numbers. A configured feed that the store does not know yet is due."""
    configured = {spec.id for spec in config.feeds}
    known = [state for state in states if state.feed_id in configured]
    return {
        "feeds": len(configured),
        "failing": sum(state.failures > 0 for state in known),
        "due": len(configured) - sum(state.next_poll_at > now for state in known),
        "entries": counts.entries,
        "articles": counts.articles,
        "duplicates": counts.duplicates,
        "pending": counts.pending,
        "topics": topics_report(counts, config, folder),
    }


def status_tables(result: Mapping[str, object]) -> tuple[Table, ...]:
    """Takes what `status_report` gives."""
    numbers = [(name, value) for name, value in result.items() if name != "topics"]
    return (
        Table("Status", ("what", "number"), numbers, frozenset(("number",))),
        _topics_table(result["topics"]),
    )


# --- trials ------------------------------------------------------------------------------------


def trial_report(trial: Trial) -> dict[str, object]:
    """Which articles a query matches, and why."""
    return {
        "examined": trial.examined,
        "matched": len(trial.hits),
        "articles": [
            {
                "id": hit.article.id,
                "title": hit.article.title,
                "outlet": hit.article.outlet,
                "url": hit.article.url,
                "published": hit.article.published.isoformat(),
                "reasons": [asdict(reason) for reason in hit.reasons],
            }
            for hit in trial.hits
        ],
        "topic": trial.topic_id,
        "joined": list(trial.joined),
        "left": list(trial.left),
    }


def trial_tables(trial: Trial) -> tuple[Table, ...]:
    """Which articles a query matches, and why."""
    rows = [
        (
            f"{hit.article.published:%Y-%m-%d}",
            hit.article.outlet,
            hit.article.title,
            ", ".join(f"{reason.term} ({reason.where})" for reason in hit.reasons),
        )
        for hit in trial.hits
    ]
    title = f"{len(trial.hits)} of {trial.examined} articles match"
    return (Table(title, ("published", "outlet", "title", "because"), rows),)
