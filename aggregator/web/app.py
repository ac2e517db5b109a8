"""The routes, and what is answered when something is wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aggregator.errors import AggregatorError
from aggregator.web import feeds, pages, websub
from aggregator.web.cut_off import CutOff
from aggregator.web.responses import plain
from aggregator.web.site import Site, site_of

log = logging.getLogger(__name__)


def create_app(current: Callable[[], Site]) -> Starlette:
    """The web application. `current` gives the site as it is configured at the moment: it is
    asked at each request, so that a reloaded configuration shows at once.
    """
    app = Starlette(
        routes=[
            Route("/", pages.index),
            Route("/all.{suffix}", feeds.all_feed),
            Route("/topics/{topic_id}.{suffix}", feeds.topic_feed),
            Route("/topics/{topic_id}", pages.topic),
            Route("/articles/{article_id}", pages.article),
            Route("/feeds", pages.feeds),
            Route("/feeds/{feed_id}", pages.feed),
            Route("/feeds.opml", feeds.feed_list),
            Route("/topics.opml", feeds.topic_list),
            Route("/static/style.css", pages.style),
            Route("/websub/{token}", websub.confirm, methods=["GET"]),
            Route("/websub/{token}", websub.receive, methods=["POST"]),
            Route("/healthz", _healthz),
            Route("/readyz", _readyz),
        ],
        exception_handlers={
            HTTPException: _http_mistake,
            AggregatorError: _unavailable,
            Exception: _bug,
        },
        middleware=[Middleware(CutOff, ending=lambda: not current().ready())],
    )
    app.state.current = current
    app.state.store_readers = pages.store_readers()
    app.state.push_room = websub.Room()
    return app


async def _healthz(request: Request) -> Response:
    """The process answers."""
    return plain(request, "ok")


async def _readyz(request: Request) -> Response:
    """The daemon does its work."""
    ready = site_of(request).ready()
    return plain(request, "ready" if ready else "not ready", 200 if ready else 503)


async def _http_mistake(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return pages.mistake(request, error.status_code, dict(error.headers or {}))


async def _unavailable(request: Request, error: Exception) -> Response:
    log.warning("%s: %s", request.url.path, error)
    return pages.mistake(request, 503, {"Retry-After": "60"})


async def _bug(request: Request, _: Exception) -> Response:
    # Starlette raises it again after the answer, and the server logs its traceback.
    return pages.mistake(request, 500)
