"""A hub on loopback, and the daemon's web beside it: what WebSub is danced with."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qs

import httpx

from aggregator.core.websub import Subscription
from aggregator.store import subscriptions
from aggregator.web import Site, create_app
from tests.loopback import Asked, answer
from tests.publisher import DATE, Desk, item, paragraphs, rss

HUB = "http://mirror.test/hub"
TOPIC = "http://own.test/canonical.xml"
ATOM_NS = 'xmlns:atom="http://www.w3.org/2005/Atom"'
CHALLENGE = "1x-%_ äß"
DAY = timedelta(days=1)
NO_DATES: Mapping[str, str] = {}
MINUTE = timedelta(minutes=1)


def links(hub: str = HUB, topic: str = TOPIC) -> str:
    return (
        f'<atom:link {ATOM_NS} rel="hub" href="{hub}"/>'
        f'<atom:link {ATOM_NS} rel="self" href="{topic}"/>'
    )


def own(*names: str, more: str | None = None, dates: Mapping[str, str] = NO_DATES) -> bytes:
    """A feed with an article of each name."""
    items = (item(f"/{name}", name, paragraphs(name), date=dates.get(name, DATE)) for name in names)
    return rss(*items, more=links() if more is None else more)


def feed_answer(body: bytes, **headers: str) -> bytes:
    return answer(body, content_type="application/rss+xml", etag='"1"', **headers)


ATOM_PUSH = (
    '<feed xmlns="http://www.w3.org/2005/Atom"><title>半岛电视台</title><id>urn:x</id>'
    '<entry><id>http://own.test/atom</id><title>atom</title><link href="/atom"/>'
    f'<content type="html">{paragraphs("atom").replace("<", "&lt;")}</content></entry></feed>'
).encode()


@dataclass
class Dance:
    """A desk whose feed names a hub, and the client that the hub is."""

    desk: Desk
    client: httpx.AsyncClient

    @property
    def forms(self) -> list[dict[str, str]]:
        """What the hub was sent, in order."""
        return [form_of(asked) for asked in self.desk.site.asked if asked.method == "POST"]

    async def known(self) -> Subscription:
        found = await self.desk.pipeline.store.read(subscriptions.of_feed, "own")
        assert found is not None
        return found

    async def ask(self, after: timedelta = timedelta(0)) -> dict[str, str]:
        """What the hub is sent when the tick comes, so long after; empty if nothing is."""
        self.desk.now += after
        before = len(self.forms)
        await self.desk.pipeline.websub.ask_due(self.desk.now)
        assert len(self.forms) <= before + 1
        return self.forms[-1] if len(self.forms) > before else {}

    async def asks_back(self, form: dict[str, str], **changed: str) -> httpx.Response:
        """The hub asks for our intent; `lease_seconds="…"` and the like change what it says."""
        given = {
            "hub.mode": form["hub.mode"],
            "hub.topic": form["hub.topic"],
            "hub.challenge": CHALLENGE,
            "hub.lease_seconds": "86400",
        } | {f"hub.{name}": value for name, value in changed.items()}
        return await self.client.get(form["hub.callback"], params=given)

    async def subscribed(self, **changed: str) -> dict[str, str]:
        """From the first poll to a verified subscription: the form that made it."""
        await self.desk.refresh("own")
        form = await self.ask()
        assert (await self.asks_back(form, **changed)).status_code == 200
        return form

    async def push(
        self,
        form: dict[str, str],
        body: bytes,
        algorithm: str = "sha256",
        secret: str = "",
        signed: bool = True,
    ) -> int:
        key = (secret or form["hub.secret"]).encode()
        signature = f"{algorithm}={hmac.new(key, body, algorithm).hexdigest()}"
        headers = {"Content-Type": "application/rss+xml"}
        if signed:
            headers["X-Hub-Signature"] = signature
        pushed = await self.client.post(form["hub.callback"], content=body, headers=headers)
        return pushed.status_code

    async def titles(self) -> set[str]:
        return {entry.title for entry in await self.desk.entries()}

    async def wait(self) -> timedelta:
        """From now until the feed is polled."""
        return (await self.desk.state("own")).next_poll_at - self.desk.now


def form_of(asked: Asked) -> dict[str, str]:
    fields = parse_qs(asked.body.decode(), strict_parsing=True)
    assert all(len(values) == 1 for values in fields.values())
    return {name: values[0] for name, values in fields.items()}


@asynccontextmanager
async def dance(desk: Desk) -> AsyncIterator[Dance]:
    desk.answers.setdefault("/own.xml", feed_answer(own("first")))
    desk.answers.setdefault("/hub", answer(status="202 Accepted"))

    def site() -> Site:
        return Site(
            files=desk.pipeline.files,
            store=desk.pipeline.store,
            title="新闻",
            public_url=desk.config.server.public_url,
            topics=(),
            feeds=desk.config.feeds,
            version="1.2",
            now=lambda: desk.now,
            ready=lambda: True,
            websub=desk.pipeline.websub,
        )

    transport = httpx.ASGITransport(app=create_app(site))
    async with httpx.AsyncClient(transport=transport) as client:
        yield Dance(desk, client)


Dancing = Callable[[Callable[[Dance], Awaitable[None]]], None]
