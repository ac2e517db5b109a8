"""The whole dance with a hub: a loopback site is the hub, the real web application its callback."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from aggregator.config import ServerSettings
from aggregator.core.websub import Subscription
from aggregator.fetch import Fetcher
from aggregator.fetch.limits import AT_LEAST
from aggregator.real_time import ticks
from aggregator.store import polls, quarantine, subscriptions
from aggregator.web import Site, create_app
from aggregator.web.websub import PUSHES_AT_ONCE, READ_SECONDS, Room
from aggregator.workers import Workers
from tests.fast_clock import SPEED, run_fast
from tests.loopback import Asked, answer
from tests.pipeline.hanging import UNFORESEEN, HangingReaders
from tests.publisher import DATE, HOUR, OTHER, OWN, Desk, OnDesk, desk, item, paragraphs, rss

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


@pytest.fixture
def dancing(on_desk: OnDesk) -> Callable[..., None]:
    """Plays a scenario: `dancing(play)`; `interval` is an hour, so that nothing is set."""

    def run(play: Callable[[Dance], Awaitable[None]]) -> None:
        async def scenario(desk: Desk) -> None:
            async with dance(desk) as made:
                await play(made)

        on_desk(scenario, OWN, interval=HOUR)

    return run


Dancing = Callable[[Callable[[Dance], Awaitable[None]]], None]


# --- subscribing -------------------------------------------------------------------------------


def test_the_hub_is_asked_with_what_the_recommendation_names(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        await d.desk.refresh("own")
        form = await d.ask()
        assert form.keys() == {
            "hub.callback", "hub.mode", "hub.topic", "hub.secret", "hub.lease_seconds",
        }  # fmt: skip
        assert (form["hub.mode"], form["hub.topic"]) == ("subscribe", TOPIC)
        assert form["hub.lease_seconds"] == "864000"
        assert form["hub.callback"].startswith("https://news.example.org/websub/")
        asked = d.desk.site.asked[-1]
        assert asked.headers["content-type"] == b"application/x-www-form-urlencoded"
        assert asked.headers["host"] == b"mirror.test"
        assert await d.ask() == {}  # once

    dancing(play)


def test_token_and_secret_cannot_be_guessed(on_desk: OnDesk) -> None:
    async def play(desk: Desk) -> None:
        desk.answers["/other.xml"] = feed_answer(own("other"))
        async with dance(desk) as d:
            await desk.refresh("own")
            await desk.refresh("other")
            await desk.pipeline.websub.ask_due(desk.now)
            tokens = {form["hub.callback"].rpartition("/")[2] for form in d.forms}
            secrets = {form["hub.secret"] for form in d.forms}
        assert len(tokens) == len(secrets) == 2
        assert tokens.isdisjoint(secrets)
        assert all(22 <= len(token) < 200 for token in tokens)  # 128 bits in base64
        assert all(22 <= len(secret.encode()) < 200 for secret in secrets)

    on_desk(play, OWN, OTHER)


def test_the_challenge_is_echoed_and_nothing_else(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        await d.desk.refresh("own")
        form = await d.ask()
        echoed = await d.asks_back(form)
        assert (echoed.status_code, echoed.content) == (200, CHALLENGE.encode())
        assert echoed.headers["content-type"].startswith("text/plain")
        raw = f"{form['hub.callback']}?hub.mode=subscribe&hub.topic={TOPIC}&hub.challenge=%FF%00<b>"
        assert (await d.client.get(raw)).content == b"\xff\x00<b>"
        known = await d.known()
        assert (known.state, known.lease_until) == ("verified", d.desk.now + 10 * DAY)

    dancing(play)


@pytest.mark.parametrize(
    "changed",
    [{"topic": TOPIC + "x"}, {"topic": ""}, {"mode": "unsubscribe"}, {"mode": "publish"},
     {"mode": ""}, {"challenge": ""}, {"mode": "denied", "topic": "http://own.test/else"}],
    ids=str,
)  # fmt: skip
def test_what_was_not_asked_for_is_404(dancing: Dancing, changed: dict[str, str]) -> None:
    async def play(d: Dance) -> None:
        await d.desk.refresh("own")
        form = await d.ask()
        assert (await d.asks_back(form, **changed)).status_code == 404
        assert (await d.known()).state == "asked"

    dancing(play)


def test_a_callback_that_nobody_was_given_is_404(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        await d.desk.refresh("own")
        token = (await d.known()).token  # wanted, but no hub was asked yet
        early = {
            "hub.mode": "subscribe",
            "hub.topic": TOPIC,
            "hub.callback": f"https://news.example.org/websub/{token}",
        }
        assert (await d.asks_back(early)).status_code == 404
        stranger = early | {"hub.callback": "https://news.example.org/websub/x", "hub.secret": "s"}
        assert (await d.asks_back(stranger)).status_code == 404
        assert await d.push(stranger, own("strange")) == 404
        assert (await d.client.put(early["hub.callback"])).status_code == 405
        assert await d.titles() == {"first"}

    dancing(play)


def test_link_headers_name_hub_and_topic(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        header = f'<{HUB}>; rel="hub", <http://own.test/head.xml>; rel="self"'
        d.desk.answers["/own.xml"] = feed_answer(
            own("first", more=links("http://no.test/")), link=header
        )
        await d.desk.refresh("own")
        assert (await d.ask())["hub.topic"] == "http://own.test/head.xml"

    dancing(play)


def test_without_rel_self_the_topic_is_where_the_feed_came_from(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        more = f'<atom:link {ATOM_NS} rel="hub" href="{HUB}"/>'
        d.desk.answers["/own.xml"] = feed_answer(own("first", more=more))
        await d.desk.refresh("own")
        assert (await d.ask())["hub.topic"] == "http://own.test/own.xml"

    dancing(play)


@pytest.mark.parametrize("public_url", ["http://127.0.0.1:8080", "http://localhost:9000"])
def test_where_nobody_can_reach_us_no_hub_is_asked(dancing: Dancing, public_url: str) -> None:
    async def play(d: Dance) -> None:
        d.desk.config = replace(d.desk.config, server=ServerSettings(public_url=public_url))
        await d.desk.reopen()
        await d.desk.refresh("own")
        assert await d.ask() == {}
        assert (await d.known()).state == "wanted"

    dancing(play)


# --- a hub that will not, or cannot ------------------------------------------------------------


@pytest.mark.parametrize(
    "status", ["307 Temporary Redirect", "308 Permanent Redirect", "400 Bad Request",
               "404 Not Found", "500 Oops", "503 Later"],
)  # fmt: skip
def test_a_hub_that_does_not_take_it_is_asked_later_and_less(dancing: Dancing, status: str) -> None:
    async def play(d: Dance) -> None:
        d.desk.answers["/hub"] = answer(status=status, location="/elsewhere")
        await d.desk.refresh("own")
        assert await d.ask()
        assert status[:3] in (await d.known()).error
        assert await d.ask(after=HOUR - MINUTE) == {}
        assert await d.ask(after=MINUTE)
        assert await d.ask(after=2 * HOUR - MINUTE) == {}
        assert await d.ask(after=MINUTE)
        state = await d.desk.refresh("own")
        assert (state.failures, state.error) == (0, "")
        d.desk.answers["/hub"] = answer(status="202 Accepted")
        form = await d.ask(after=DAY)
        assert (await d.asks_back(form)).status_code == 200
        assert (await d.known()).error == ""

    dancing(play)


def test_a_hub_that_is_down_is_not_the_feeds_failure(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        d.desk.answers["/own.xml"] = feed_answer(own("first", more=links("http://nobody.test/hub")))
        state = await d.desk.refresh("own")
        await d.ask()
        assert "nobody.test" in (await d.known()).error
        assert (await d.desk.state("own")) == state

    dancing(play)


@pytest.mark.parametrize("host", ["xn--a", "a..test", "[::1", "٠.test"])
def test_an_odd_host_is_its_hubs_failure_alone(dancing: Dancing, host: str) -> None:
    async def play(d: Dance) -> None:
        more = links(f"http://{host}/hub") + links()
        d.desk.answers["/own.xml"] = feed_answer(own("first", more=more))
        await d.desk.refresh("own")
        if (await d.known()).hub != HUB:  # others are no address of a hub at all
            assert await d.ask() == {}
            assert (await d.known()).error
        form = await d.ask()
        assert (await d.asks_back(form)).status_code == 200

    dancing(play)


class TrippingFetcher(Fetcher):
    """Trips over one of the hubs, as a library may over what nobody has thought of."""

    async def post(self, url: str, form: Mapping[str, str]) -> int:
        if "odd" in url:
            raise UnicodeError("label empty or too long")
        return await super().post(url, form)


def test_whatever_a_hub_makes_us_trip_over_is_noted_and_the_next_one_asked(
    dancing: Dancing, caplog: pytest.LogCaptureFixture
) -> None:
    async def play(d: Dance) -> None:
        fetcher = TrippingFetcher(d.desk.config.fetch, "1.2")
        websub = replace(d.desk.pipeline.websub, fetcher=fetcher)
        d.desk.answers["/own.xml"] = feed_answer(
            own("first", more=links("http://odd.test/hub") + links())
        )
        await d.desk.refresh("own")
        await websub.ask_due(d.desk.now)
        known = await d.known()
        assert (known.error, known.hub) == ("a bug: UnicodeError", HUB)
        assert "a bug in asking hub http://odd.test/hub" in caplog.text
        await websub.ask_due(d.desk.now)
        assert (await d.asks_back(d.forms[-1])).status_code == 200
        await fetcher.close()

    dancing(play)


def test_a_hub_that_asks_for_peace_gets_it(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        d.desk.answers["/hub"] = answer(status="503 Later", retry_after=str(5 * 3600))
        await d.desk.refresh("own")
        assert await d.ask()
        assert await d.ask(after=2 * HOUR) == {}
        assert "peace" in (await d.known()).error
        assert await d.ask(after=2 * HOUR) == {}
        assert await d.ask(after=HOUR + MINUTE)

    dancing(play)


def test_a_hub_that_takes_it_and_never_asks_back_is_asked_again(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        await d.desk.refresh("own")
        first = await d.ask()
        assert await d.ask(after=HOUR - MINUTE) == {}
        assert await d.ask(after=MINUTE) == first
        assert await d.ask(after=HOUR) == {}
        assert await d.ask(after=HOUR) == first

    dancing(play)


def test_of_several_hubs_the_first_that_works_is_used(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        more = links("http://nobody.test/hub") + links()
        d.desk.answers["/own.xml"] = feed_answer(own("first", more=more))
        await d.desk.refresh("own")
        assert await d.ask() == {}  # nobody there
        form = await d.ask()
        assert (await d.asks_back(form)).status_code == 200
        assert (await d.known()).hub == HUB

    dancing(play)


def test_a_denial_is_noted_and_respected(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        form = await d.subscribed()
        token = form["hub.callback"].rpartition("/")[2]
        told = await d.asks_back(form, mode="denied", reason=f"no such topic {token}")
        assert told.status_code == 200
        known = await d.known()
        assert (known.state, known.error) == ("denied", "the hub denied it: no such topic …")
        assert await d.ask(after=DAY - MINUTE) == {}
        assert (await d.ask(after=MINUTE))["hub.mode"] == "subscribe"

    dancing(play)


def test_a_hub_at_a_private_address_is_not_asked(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        hub = "http://10.1.2.3/hub"
        d.desk.answers["/own.xml"] = feed_answer(own("first", more=links(hub)))
        await d.desk.refresh("own")
        assert await d.ask() == {}
        assert "allow_private" in (await d.known()).error

    dancing(play)


# --- leases ------------------------------------------------------------------------------------


def test_it_is_renewed_before_the_lease_ends(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        first = await d.subscribed(lease_seconds="10000")
        assert await d.ask(after=timedelta(seconds=7999)) == {}
        again = await d.ask(after=timedelta(seconds=1))
        assert again == first
        assert (await d.known()).state == "verified"
        assert (await d.asks_back(again, lease_seconds="20000")).status_code == 200
        assert (await d.known()).lease_until == d.desk.now + timedelta(seconds=20000)
        assert await d.ask(after=timedelta(seconds=15999)) == {}
        assert await d.ask(after=timedelta(seconds=1)) == first

    dancing(play)


def test_a_restart_asks_nothing_again(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        form = await d.subscribed()
        await d.desk.reopen()
        assert await d.ask(after=HOUR) == {}
        assert await d.push(form, own("later")) == 202
        assert "later" in await d.titles()

    dancing(play)


# --- no longer wanted --------------------------------------------------------------------------


async def leaves(d: Dance, first: dict[str, str]) -> None:
    """The hub is told, and may ask back once."""
    await d.desk.pipeline.websub.ask_due(d.desk.now)
    told = [form for form in d.forms if form["hub.mode"] == "unsubscribe"]
    assert told == [
        {"hub.mode": "unsubscribe", "hub.topic": TOPIC, "hub.callback": first["hub.callback"]}
    ]
    assert (await d.asks_back(first)).status_code == 404
    assert await d.push(first, own("too late")) == 410
    assert (await d.asks_back(told[0])).content == CHALLENGE.encode()
    assert (await d.asks_back(told[0])).status_code == 404
    assert await d.push(first, own("too late")) == 404
    assert "too late" not in await d.titles()


def test_the_subscription_of_a_removed_feed_ends(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        first = await d.subscribed()
        await d.desk.reopen(feeds=(OTHER,))
        await leaves(d, first)
        assert len(d.forms) == 2

    dancing(play)


def test_a_feed_that_names_another_hub_or_address_is_subscribed_there(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        first = await d.subscribed()
        new = links(topic="http://own.test/new.xml")
        d.desk.answers["/own.xml"] = feed_answer(own("first", "second", more=new))
        d.desk.now += HOUR
        await d.desk.refresh("own")
        await leaves(d, first)
        subscribed = [form for form in d.forms if form["hub.mode"] == "subscribe"]
        assert [form["hub.topic"] for form in subscribed] == [TOPIC, "http://own.test/new.xml"]
        assert subscribed[0]["hub.callback"] != subscribed[1]["hub.callback"]

    dancing(play)


def test_a_feed_that_names_no_hub_any_more_is_unsubscribed(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        first = await d.subscribed()
        d.desk.answers["/own.xml"] = feed_answer(own("first", "second", more=""))
        await d.desk.refresh("own")
        await leaves(d, first)

    dancing(play)


def test_a_part_of_a_feed_that_names_no_hub_says_nothing(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        await d.subscribed()
        part = answer(own("second", more=""), status="226 IM Used", im="feed", etag='"2"')
        d.desk.answers["/own.xml"] = part
        d.desk.now += HOUR
        await d.desk.refresh("own")
        assert await d.titles() == {"first", "second"}
        assert (await d.known()).state == "verified"

    dancing(play)


def test_a_mirror_that_is_asked_besides_says_nothing(on_desk: OnDesk) -> None:
    async def play(desk: Desk) -> None:
        desk.answers["/mirror.xml"] = feed_answer(own("first", "mirrored", more=""))
        async with dance(desk) as d:
            first = await d.subscribed()
            # the first is older than what it ever was: the mirror is asked as well
            state = await desk.state("own")
            past = tuple(desk.now - n * HOUR for n in range(1, 9))
            quiet = replace(state, rhythm=past, last_new_at=desk.now)
            await desk.pipeline.store.write(polls.record_state, quiet)
            desk.now += 3 * DAY
            desk.answers["/own.xml"] = feed_answer(own("first") + b" ")
            await desk.refresh("own")
            assert desk.asked("/mirror.xml") == 1
            assert "mirrored" in await d.titles()
            assert (await d.known()).callback == first["hub.callback"]

    on_desk(play, replace(OWN, urls=("http://own.test/own.xml", "http://mirror.test/mirror.xml")))


def test_with_another_public_url_the_hub_gets_the_new_callback(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        first = await d.subscribed()
        server = ServerSettings(public_url="https://other.example.org/news")
        d.desk.config = replace(d.desk.config, server=server)
        await d.desk.reopen()
        await leaves(d, first)
        callbacks = [f["hub.callback"] for f in d.forms if f["hub.mode"] == "subscribe"]
        assert urlsplit(callbacks[1])[:2] == ("https", "other.example.org")
        assert callbacks[1].startswith("https://other.example.org/news/websub/")

    dancing(play)


@pytest.mark.parametrize("status", ["500 Oops", "202 Accepted"])
def test_a_hub_that_does_not_answer_a_goodbye_is_left_alone(dancing: Dancing, status: str) -> None:
    async def play(d: Dance) -> None:
        await d.subscribed(lease_seconds=str(30 * 86400))
        d.desk.answers["/hub"] = answer(status=status)
        await d.desk.reopen(feeds=(OTHER,))
        asked = 0
        for _ in range(20):
            asked += bool(await d.ask(after=6 * HOUR))
        assert asked == 3

    dancing(play)


# --- pushes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
def test_a_signed_push_is_taken_in_at_once(dancing: Dancing, algorithm: str) -> None:
    async def play(d: Dance) -> None:
        form = await d.subscribed()
        before = await d.desk.state("own")
        d.desk.now += MINUTE
        dates = {"pushed": "Fri, 20 Aug 2021 11:00:00 GMT"}
        assert await d.push(form, own("pushed", dates=dates), algorithm) == 202
        assert await d.titles() == {"first", "pushed"}
        after = await d.desk.state("own")
        assert after.validators == before.validators
        assert after.next_poll_at == before.next_poll_at
        assert after.last_new_at == d.desk.now
        assert after.rhythm[0] == datetime(2021, 8, 20, 11, tzinfo=UTC)
        assert d.desk.asked("/own.xml") == 1

    dancing(play)


def test_an_atom_push_to_an_rss_feed(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        form = await d.subscribed()
        assert await d.push(form, ATOM_PUSH) == 202
        [entry] = [e for e in await d.desk.entries() if e.title == "atom"]
        assert entry.link == "http://own.test/atom"  # relative to the topic

    dancing(play)


def test_what_is_pushed_is_published(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        form = await d.subscribed()
        await d.push(form, own("pushed"))
        d.desk.answers["/own.xml"] = answer(status="500 Oops")
        await d.desk.cycle(after=MINUTE)
        assert {i["title"] for i in d.desk.published()} == {"first", "pushed"}

    dancing(play)


def test_a_push_adds_and_takes_nothing_away(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        d.desk.answers["/own.xml"] = feed_answer(own("first", "second"))
        form = await d.subscribed()
        await d.push(form, own("first", "third", more=""))
        assert await d.titles() == {"first", "second", "third"}
        assert len(await d.desk.entries()) == 3
        assert (await d.known()).state == "verified"  # its links say nothing

    dancing(play)


@pytest.mark.parametrize("how", ["forged", "unsigned", "md5", "nonsense"])
def test_what_the_hub_has_not_signed_is_ignored(
    dancing: Dancing, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def play(d: Dance) -> None:
        form = await d.subscribed()
        body = own("forged")
        if how == "forged":
            assert await d.push(form, body, secret="guess") == 202
        elif how == "unsigned":
            assert await d.push(form, body, signed=False) == 202
        elif how == "md5":
            assert await d.push(form, body, "md5") == 202
        else:
            made = hmac.new(form["hub.secret"].encode(), body, hashlib.sha256).hexdigest()
            for bad in (
                "",
                "sha256=",
                made,
                f"sha256={made}00",
                f"sha256={made[:-2]}",
                "sha256=\xff",
            ):
                sent = await d.client.post(
                    form["hub.callback"],
                    content=body,
                    headers=[(b"X-Hub-Signature", bad.encode("latin-1"))],
                )
                assert sent.status_code == 202
        known = await d.known()
        assert (known.pushes, known.last_push_at) == (0, None)
        assert known.ignored == (6 if how == "nonsense" else 1)
        assert await d.titles() == {"first"}
        assert "a push was ignored" in caplog.text
        assert form["hub.secret"] not in caplog.text
        assert known.token not in caplog.text
        assert known.token not in repr(known)
        assert known.secret not in repr(known)

    with caplog.at_level(logging.DEBUG, "aggregator"):
        dancing(play)


def test_a_push_that_is_too_large_is_refused_unread(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        fetch = replace(d.desk.config.fetch, max_bytes=10_000)
        d.desk.config = replace(d.desk.config, fetch=fetch)
        await d.desk.reopen()
        form = await d.subscribed()
        assert await d.push(form, own("big") + b" " * 10_000) == 413

        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            while sent < 1_000_000:
                sent += 1000
                yield b"x" * 1000

        chunked = await d.client.post(form["hub.callback"], content=endless())
        assert chunked.status_code == 413
        assert 0 < sent < 20_000
        sent = 0
        declared = await d.client.post(
            form["hub.callback"], content=endless(), headers={"Content-Length": "1000000"}
        )
        assert (declared.status_code, sent) == (413, 0)
        assert await d.push(form, own("small")) == 202
        assert await d.titles() == {"first", "small"}

    dancing(play)


def test_more_pushes_than_there_is_room_for_come_again_later(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        form = await d.subscribed()
        go = asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield b"<rss>"
            await go.wait()

        held = [
            asyncio.create_task(d.client.post(form["hub.callback"], content=slow()))
            for _ in range(40)
        ]
        done = asyncio.as_completed(held)
        async with asyncio.timeout(20):
            refused = [await next(done) for _ in range(37)]
        assert {answer.status_code for answer in refused} == {503}
        assert all(answer.headers["retry-after"] for answer in refused)
        go.set()
        assert {answer.status_code for answer in await asyncio.gather(*held)} == {202, 503}
        assert await d.push(form, own("after")) == 202
        assert "after" in await d.titles()

    dancing(play)


async def of_another_feed(d: Dance) -> dict[str, str]:
    """The form that made the subscription of the other feed, at the same hub."""
    topic = "http://other.test/canonical.xml"
    more = links(topic=topic)
    d.desk.answers["/other.xml"] = feed_answer(rss(item("/1", "one", paragraphs("one")), more=more))
    await d.desk.refresh("other")
    form = await d.ask()
    assert form["hub.topic"] == topic
    assert (await d.asks_back(form)).status_code == 200
    return form


def test_a_slow_hub_keeps_no_other_from_pushing(on_desk: OnDesk) -> None:
    async def play(desk: Desk) -> None:
        desk.config = replace(desk.config, fetch=replace(desk.config.fetch, max_bytes=10_000))
        await desk.reopen()
        async with dance(desk) as d:
            slow_one = await d.subscribed()
            honest = await of_another_feed(d)
            go = asyncio.Event()

            async def slow() -> AsyncIterator[bytes]:
                yield b"x" * 3_000
                await go.wait()

            held = [
                asyncio.create_task(d.client.post(slow_one["hub.callback"], content=slow()))
                for _ in range(40)
            ]
            done = asyncio.as_completed(held)
            async with asyncio.timeout(20):
                assert [(await next(done)).status_code for _ in range(37)] == [503] * 37
            assert await d.push(honest, own("large") + b" " * 8_000) == 202
            go.set()
            await asyncio.gather(*held)

    on_desk(play, OWN, OTHER, interval=HOUR)


def test_large_pushes_at_once_are_bounded_of_each_and_together() -> None:
    room = Room()
    assert all(room.enter(token) for token in "aabc")
    assert room.grow("a", 9, most=10)
    assert not room.grow("a", 9, most=10), "more than one of the largest size"
    room.leave("a", 9)
    assert room.grow("b", 10, most=10)
    assert not room.grow("c", 2, most=10), "more than two together"
    room.leave("b", 10)
    assert room.grow("c", 8, most=10)


def test_there_is_room_for_so_many_pushes_and_for_none_that_has_not_ended() -> None:
    room = Room()
    assert sum(room.enter(str(number % 20)) for number in range(100)) == PUSHES_AT_ONCE
    room.leave("3", 0)
    assert [room.enter("3"), room.enter("3")] == [True, False]


def test_a_push_that_comes_in_drops_has_an_end_and_not_at_once_where_the_clock_runs_fast(
    tmp_path: Path, workers: Workers
) -> None:
    async def scenario() -> tuple[int, int, float]:
        async with (
            desk(tmp_path / "desk", workers, (OWN,), interval=HOUR) as made,
            dance(made) as d,
        ):
            form = await d.subscribed()
            sent = 0

            async def drops() -> AsyncIterator[bytes]:
                nonlocal sent
                while True:
                    sent += 1
                    yield b" "
                    await asyncio.sleep(1)

            began = ticks()
            answered = await d.client.post(form["hub.callback"], content=drops())
            lasted = ticks() - began
            assert await d.push(form, own("after")) == 202
            return answered.status_code, sent, lasted

    status, sent, lasted = run_fast(scenario())
    assert status == 408
    assert sent > READ_SECONDS
    assert READ_SECONDS / SPEED < AT_LEAST - 0.1 < lasted < 3 * AT_LEAST


@pytest.mark.parametrize("body", [b"", b"http://own.test/canonical.xml", b"<html>no</html>"])
def test_a_push_without_a_feed_makes_the_feed_due(dancing: Dancing, body: bytes) -> None:
    async def play(d: Dance) -> None:
        form = await d.subscribed()
        began = d.desk.now
        d.desk.now += MINUTE
        assert await d.push(form, body) == 202
        await d.ask()
        state = await d.desk.state("own")
        assert state.next_poll_at == began + timedelta(minutes=15)  # interval_min
        d.desk.now = state.next_poll_at + 10 * MINUTE
        d.desk.answers["/own.xml"] = feed_answer(own("first", "second"))
        await d.desk.refresh("own")
        assert await d.wait() > 5 * HOUR  # it was announced: pushes arrive
        await d.ask()
        assert await d.wait() > 5 * HOUR  # and is not announced twice
        d.desk.now += MINUTE
        assert await d.push(form, body) == 202
        await d.ask()
        assert await d.wait() == timedelta(minutes=14)

    dancing(play)


def test_a_push_that_takes_a_worker_down_twice_is_not_read_a_third_time(
    on_desk: OnDesk, caplog: pytest.LogCaptureFixture
) -> None:
    hostile = own(UNFORESEEN)

    async def play(desk: Desk) -> None:
        async with dance(desk) as d:
            form = await d.subscribed()
            for times in (1, 2, 2):
                assert await d.push(form, hostile) == 202
                assert slow.begun == times + 1  # with the poll's
            [aside] = await desk.pipeline.store.read(quarantine.listed)
            assert (aside.failure.feed_id, aside.failure.part, aside.tries) == ("own", "feed", 2)
            assert (aside.failure.url, aside.failure.error) == (TOPIC, "took longer than 1.5 s")
            assert "is set aside as" in caplog.messages[-2]
            desk.answers["/own.xml"] = feed_answer(hostile)
            assert (await desk.refresh("own")).last_status == "quarantine", "it is the same"
            assert slow.begun == 3
            assert await d.push(form, own("third")) == 202
            assert await d.titles() == {"first", "third"}

    slow = HangingReaders(1, seconds=1.5)
    try:
        on_desk(play, OWN, interval=HOUR, own_workers=slow)
    finally:
        slow.close()


def test_a_push_that_cannot_be_read_leaves_it_to_a_poll(on_desk: OnDesk) -> None:
    async def play(desk: Desk) -> None:
        async with dance(desk) as d:
            form = await d.subscribed()
            began = desk.now
            desk.now += MINUTE
            assert await d.push(form, own(UNFORESEEN)) == 202
            await d.ask()
            assert (await desk.state("own")).next_poll_at == began + timedelta(minutes=15)

    slow = HangingReaders(1, seconds=1.5)
    try:
        on_desk(play, OWN, interval=HOUR, own_workers=slow)
    finally:
        slow.close()


def test_a_push_makes_no_failing_feed_due(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        form = await d.subscribed()
        d.desk.answers["/own.xml"] = answer(status="500 Oops")
        d.desk.now += HOUR
        failing = await d.desk.refresh("own")
        d.desk.now += MINUTE
        assert await d.push(form, b"") == 202
        await d.ask()
        assert (await d.desk.state("own")).next_poll_at == failing.next_poll_at

    dancing(play)


# --- polls beside pushes -----------------------------------------------------------------------


async def polls_within(
    d: Dance, time: timedelta, each: Callable[[datetime], Awaitable[None]]
) -> int:
    """How often the feed is polled within a time; `each` is done every half an hour."""
    end, polls = d.desk.now + time, 0
    while d.desk.now < end:
        await each(d.desk.now)
        if await d.wait() <= timedelta(0):
            await d.desk.refresh("own")
            polls += 1
        d.desk.now += HOUR / 2
    return polls


def test_while_pushes_arrive_polls_are_rare_and_come_back_when_they_stop(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        form = await d.subscribed(lease_seconds=str(20 * 86400))
        names, dates = ["first"], {}

        async def more(now: datetime, pushed: bool) -> None:
            name = f"{now:%d-%H-%M}"
            names.append(name)
            dates[name] = format_datetime(now, usegmt=True)
            d.desk.answers["/own.xml"] = feed_answer(own(*names[-20:], dates=dates)).replace(
                b'"1"', name.encode()
            )
            if pushed:
                assert await d.push(form, own(name, dates=dates)) == 202

        assert await polls_within(d, DAY, lambda now: more(now, pushed=True)) <= 6
        # they stop: found out with the next poll, and then it is as it was
        assert await polls_within(d, DAY, lambda now: more(now, pushed=False)) >= 10
        assert not (await d.known()).error
        # and they come back
        await polls_within(d, 2 * HOUR, lambda now: more(now, pushed=True))
        assert await polls_within(d, DAY, lambda now: more(now, pushed=True)) <= 6

    dancing(play)


def test_a_feed_in_which_nothing_happens_needs_no_pushes(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        form = await d.subscribed(lease_seconds=str(20 * 86400))
        await d.push(form, own("pushed"))

        async def nothing(_: datetime) -> None:
            pass

        assert 3 <= await polls_within(d, DAY, nothing) <= 6

    dancing(play)


def test_when_the_lease_ends_polls_are_as_before(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        form = await d.subscribed(lease_seconds="7200")
        await d.push(form, own("pushed"))
        d.desk.now += HOUR
        await d.desk.refresh("own")
        assert await d.wait() > 5 * HOUR
        d.desk.now += 2 * HOUR
        await d.desk.refresh("own")
        assert await d.wait() < 2 * HOUR

    dancing(play)
