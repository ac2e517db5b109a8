"""The whole dance with a hub: a loopback site is the hub, the real web application its callback."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from aggregator.config import ServerSettings
from aggregator.fetch import Fetcher
from aggregator.store import polls
from tests.loopback import answer
from tests.publisher import HOUR, OTHER, OWN, Desk, OnDesk
from tests.websub_dance import (
    ATOM_NS,
    CHALLENGE,
    DAY,
    HUB,
    MINUTE,
    TOPIC,
    Dance,
    Dancing,
    dance,
    feed_answer,
    links,
    own,
)

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
