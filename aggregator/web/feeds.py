"""The published feeds, as they lie on disk, and the subscription lists.

None of this asks the store: the feeds go on when the database cannot be read.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from aggregator.config.values import masked
from aggregator.outputs import FORMATS
from aggregator.outputs.opml import OPML_MEDIA_TYPE, Outline, render_opml
from aggregator.web.responses import cacheable, made_now, published
from aggregator.web.site import Site, site_of

FEED_MAX_AGE = 300
"""Seconds. Readers ask each quarter of an hour at most; a new article may wait this long."""
LIST_MAX_AGE = 3600
NOT_YET = "120"
"""Seconds after which a feed that is configured but not published may be asked for again."""


async def all_feed(request: Request) -> Response:
    return await _feed(request, "all")


async def topic_feed(request: Request) -> Response:
    topic = site_of(request).topic(request.path_params["topic_id"])
    if topic is None:
        raise HTTPException(404)
    return await _feed(request, f"topics/{topic.id}")


async def feed_list(request: Request) -> Response:
    """What is polled, without the feeds whose URLs hold a secret: the list is public."""
    site = site_of(request)
    outlines = tuple(
        Outline(feed.title or feed.outlet or feed.id, feed.urls[0], categories=feed.tags)
        for feed in site.feeds
        if masked(feed.urls[0]) == feed.urls[0]
    )
    return _list(request, f"{site.title}：来源", outlines)


async def topic_list(request: Request) -> Response:
    """What is published."""
    site = site_of(request)
    everything = Outline(site.title, f"{site.public_url}/all.atom", f"{site.public_url}/")
    topics = (_topic_outline(site, topic.id, topic.title) for topic in site.topics)
    return _list(request, f"{site.title}：话题", (everything, *topics))


async def _feed(request: Request, path: str) -> Response:
    suffix = request.path_params["suffix"]
    if all(form.suffix != suffix for form in FORMATS):
        raise HTTPException(404)
    file = await run_in_threadpool(site_of(request).files.read, f"{path}.{suffix}")
    if file is None:
        raise HTTPException(503, headers={"Retry-After": NOT_YET})
    return published(request, file, FEED_MAX_AGE)


def _topic_outline(site: Site, topic_id: str, title: str) -> Outline:
    page = f"{site.public_url}/topics/{topic_id}"
    return Outline(title, f"{page}.atom", page)


def _list(request: Request, title: str, outlines: tuple[Outline, ...]) -> Response:
    forms = made_now(render_opml(title, outlines))
    return cacheable(request, forms, f"{OPML_MEDIA_TYPE}; charset=utf-8", LIST_MAX_AGE)
