"""What the commands report, as plain values: for `--json` as they are, else as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from aggregator.config import Config
from aggregator.core.model import Counts, FeedState
from aggregator.engines.local import CycleReport
from aggregator.outputs import FORMATS
from aggregator.pipeline import edition_path
from aggregator.steps import PagePreview
from aggregator.trial import Trial


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
    }


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


def status_report(
    counts: Counts, states: Sequence[FeedState], config: Config, folder: Path, now: datetime
) -> dict[str, object]:
    """The whole in numbers."""
    return {
        "feeds": len(states),
        "failing": sum(state.failures > 0 for state in states),
        "due": sum(state.next_poll_at <= now for state in states),
        "entries": counts.entries,
        "articles": counts.articles,
        "duplicates": counts.duplicates,
        "pending": counts.pending,
        "topics": topics_report(counts, config, folder),
    }


def feed_report(state: FeedState) -> dict[str, object]:
    """One feed's health."""
    values = asdict(state)
    del values["validators"]
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in values.items()
    }


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


def preview_report(preview: PagePreview) -> dict[str, object]:
    """What a page gives."""
    extracted, cleaned = preview.extracted, preview.cleaned
    return {
        "family": preview.family,
        "url": extracted.url,
        "title": extracted.title,
        "author": extracted.author or cleaned.author,
        "published": extracted.published.isoformat() if extracted.published else "",
        "image": cleaned.image.url if cleaned.image else extracted.image,
        "language": extracted.language,
        "whole text at": extracted.whole_url,
        "characters": len(cleaned.text),
        "body": cleaned.html,
    }
