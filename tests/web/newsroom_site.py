"""A site over a real store and real files, and a client that speaks to it without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path

import httpx
from starlette.applications import Starlette

from aggregator.core.composed import Composed
from aggregator.core.dedupe import fingerprint
from aggregator.core.feed_state import FeedState, aligned, answered, failed, unanswered
from aggregator.core.model import (
    Article,
    Edition,
    Entry,
    FeedReading,
    FeedSpec,
    Match,
    Reason,
    TopicSpec,
    Validators,
)
from aggregator.core.text import plain_text
from aggregator.core.traits import read_traits
from aggregator.outputs import FORMATS
from aggregator.outputs.files import EditionFiles
from aggregator.settling import Settler
from aggregator.store import Store, articles, editions, polls
from aggregator.web import Site
from tests.outputs.samples import CONSULTATION, EDITION, TALKS

NOW = datetime(2021, 11, 24, 14, 0, tzinfo=UTC)
MERGED_ID = "5b0e4d30-7f0c-5b0e-9c55-2f7b7a7f0009"
FEEDS = (
    FeedSpec("aljazeera", ("https://rsshub.example/aljazeera?key=geheim",), "半岛新闻"),
    FeedSpec("feedx", ("https://feedx.example/a.xml",), "半岛镜像", tags=("镜像",)),
    FeedSpec("silent", ("https://me:geheim@silent.example/feed",)),
)
TOPICS = (
    TopicSpec("afghanistan", "阿富汗", "阿富汗 OR 塔利班"),
    TopicSpec("empty", "空话题", "无 <b>"),
)


class Client:
    """Each request is one run of the app; a bug is answered as a server answers it."""

    def __init__(self, app: Starlette) -> None:
        self.app = app

    def get(
        self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET"
    ) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1:8080", headers={}
            ) as client:
                client.headers.pop("Accept-Encoding", None)
                request = client.build_request(method, path, headers=headers)
                if headers is None or "Accept-Encoding" not in headers:
                    request.headers.pop("Accept-Encoding", None)
                return await client.send(request)

        return asyncio.run(ask())


def make_site(folder: Path) -> Site:
    store = Store.open(f"sqlite:///{folder / 'aggregator.db'}")
    files = EditionFiles(folder / "editions")
    asyncio.run(_fill(store))
    for edition in (EDITION, replace(EDITION, path="all", title="新闻聚合")):
        publish(files, edition)
    return Site(
        files=files,
        store=store,
        title="新闻聚合",
        public_url="https://news.example.org",
        topics=TOPICS,
        feeds=FEEDS,
        version="0.1.0",
        now=lambda: NOW,
        ready=lambda: True,
    )


def publish(files: EditionFiles, edition: Edition) -> None:
    for form in FORMATS:
        files.write(f"{edition.path}.{form.suffix}", form.render(edition), edition.updated)


async def _fill(store: Store) -> None:
    await store.write(polls.sync_feeds, FEEDS, NOW - timedelta(days=1))
    await store.write(
        editions.sync_editions, {"all": "1", "afghanistan": "1"}, NOW - timedelta(days=1)
    )
    copy = replace(TALKS, id=MERGED_ID, url="https://mirror.example/talks")
    await _poll(store, "aljazeera", (TALKS, CONSULTATION))
    await _poll(store, "feedx", (copy,))
    for article in (TALKS, CONSULTATION, copy):
        await store.write(Settler().settle, [articles.Made(composed(article))], NOW)
    told = "https://me:geheim@silent.example/feed: no answer in 30 s <x>"
    before = NOW - timedelta(minutes=5)
    silent = _state(store, "silent")
    silent = failed(silent, silent.url, "timeout", told, before)
    silent = unanswered(silent, "timeout", told, before)
    silent = replace(silent, next_poll_at=NOW + timedelta(hours=3))
    await store.write(polls.record_state, silent)


async def _poll(store: Store, feed_id: str, carried: tuple[Article, ...]) -> None:
    state = _state(store, feed_id)
    entries = tuple(_entry(feed_id, article) for article in carried)
    state = answered(state, state.url, Validators(), "", None, NOW)
    state = replace(state, next_poll_at=NOW + timedelta(hours=1))
    reading = FeedReading("", state.url, "", "zh-CN", entries)
    await store.write(polls.record_poll, state, reading, NOW)


def _state(store: Store, feed_id: str) -> FeedState:
    spec = next(spec for spec in FEEDS if spec.id == feed_id)
    states = store.read_now(polls.active_feeds)
    return aligned(next(s for s in states if s.feed_id == feed_id), spec.urls)


def _entry(feed_id: str, article: Article) -> Entry:
    return Entry(
        feed_id=feed_id,
        key=article.id,
        digest=article.id,
        article_id=article.id,
        url=article.url,
        link=article.url,
        base=article.url,
        title=article.title,
        author=article.author,
        outlet=article.outlet,
        published=article.published,
        date_given="",
        first_seen=article.first_seen,
        summary="",
        content=article.body,
    )


def composed(article: Article) -> Composed:
    reason = Reason("塔利班", "title", "与塔利班恢复<谈判>")
    body = f"{article.body}<p>{(article.title + escape(article.lead)) * 5}</p>"
    traits = read_traits(article.outlet, article.published, article.title, plain_text(body))
    return Composed(
        article_id=article.id,
        url=article.url,
        title=article.title,
        author=article.author,
        outlet=article.outlet,
        published=article.published,
        published_by="feed",
        language=article.language,
        body=body,
        lead=article.lead,
        traits=traits,
        fingerprint=fingerprint(article.title, "".join(traits.sentences)),
        image=article.image,
        categories=article.categories,
        enclosures=article.enclosures,
        matches=(Match("afghanistan", (reason,)),),
        wanted=True,
    )
