"""What the web knows of the rest of the program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from urllib.parse import urlsplit

from starlette.requests import Request

from aggregator.core.model import FeedSpec, TopicSpec
from aggregator.outputs.files import EditionFiles
from aggregator.store import Store
from aggregator.websub import WebSub


@dataclass(frozen=True)
class Site:
    """`public_url` has no slash at its end; `ready` says whether the daemon does its work."""

    files: EditionFiles
    store: Store
    title: str
    public_url: str
    topics: tuple[TopicSpec, ...]
    feeds: tuple[FeedSpec, ...]
    version: str
    now: Callable[[], datetime]
    ready: Callable[[], bool]
    websub: WebSub | None = None
    """Who takes what hubs say; None where nobody does."""

    @property
    def root(self) -> str:
        """What the site's own links begin with: the path of `public_url`, mostly empty."""
        return urlsplit(self.public_url).path.rstrip("/")

    def topic(self, topic_id: str) -> TopicSpec | None:
        return next((topic for topic in self.topics if topic.id == topic_id), None)

    def feed(self, feed_id: str) -> FeedSpec | None:
        return next((feed for feed in self.feeds if feed.id == feed_id), None)


def site_of(request: Request) -> Site:
    """The site as it is configured now: a reload may have changed it since the last request."""
    current = cast(Callable[[], Site], request.app.state.current)
    return current()
