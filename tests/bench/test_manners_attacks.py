"""The attacks' own parts: what is called dangerous, what is led astray, how each is judged."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

import pytest
from lxml import etree

from bench.attacks.addresses import addresses
from bench.attacks.danger import of_address, of_json, of_markup, of_text, of_xml
from bench.attacks.documents import GOOD_FEED, feed, item
from bench.attacks.markup import BODIES, markup
from bench.attacks.memory import descendants, measured
from bench.attacks.run import Seen, judged
from bench.attacks.server import Attacker
from bench.attacks.wire import Attack, Visit, fixed

HARMLESS = (
    "<p>Plain <b>text</b> with a <a href='https://a.example/x?y=1&amp;z=2'>link</a>.</p>",
    "<figure><img src='https://a.example/i.png' width='640' height='100' alt='a'></figure>",
    "<p>1 &lt; 2, and &lt;script&gt; is the name of an element</p>",
    "<p>家 e\u0301 \u200d 👩\u200d👩\u200d👧</p>",
)


@pytest.mark.parametrize("markup", HARMLESS)
def test_what_is_harmless_is_left_in_peace(markup: str) -> None:
    assert list(of_markup(markup)) == []


DANGEROUS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<a href=' java\tscript:alert(1)'>x</a>",
    "<a href='&#x6A;avascript&colon;x'>x</a>",
    "<img src='http://t.example/p' width=1 height=1>",
    "<p style='position:fixed'>x</p>",
    "<p>&#8238;turned</p>",
    "<img srcset='http://a.example/a 1x, javascript:x 2x'>",
)


@pytest.mark.parametrize("markup", DANGEROUS)
def test_what_is_dangerous_is_named(markup: str) -> None:
    assert list(of_markup(markup))


def test_most_of_what_the_attacks_send_is_dangerous_by_these_rules() -> None:
    named = [body for body in BODIES if list(of_markup(body))]

    assert len(named) > 0.8 * len(BODIES)


@pytest.mark.parametrize("text", ["a\ud800", "a\x01", "a\ufffe", "a\u202eb", "\u200b" * 9])
def test_characters_that_break_readers(text: str) -> None:
    assert list(of_text(text))


def test_addresses() -> None:
    assert not list(of_address("https://a.example/javascript:x"))
    assert list(of_address("\x01JavaScript:x"))


def test_a_feed_is_looked_through_element_by_element() -> None:
    assert not list(of_xml(GOOD_FEED))
    assert ("Bad", "<script>") in list(of_xml(feed([item("Bad", "<script>1</script>")])))
    assert list(of_xml(feed([item("Bad", link="javascript:1")])))
    assert list(of_json(b'{"items":[{"title":"Bad","content_html":"<svg onload=x>"}]}'))
    atom = "<feed xmlns='http://www.w3.org/2005/Atom'><entry><summary{}>&lt;script></summary></entry></feed>"
    assert not list(of_xml(atom.format("").encode()))
    assert list(of_xml(atom.format(" type='html'").encode()))
    with pytest.raises(etree.XMLSyntaxError):
        list(of_xml(GOOD_FEED[:-5]))


async def _asked(attacker: Attacker, address: str) -> bytes:
    reader, writer = await asyncio.open_connection(address, attacker.port)
    writer.write(b"GET /feed HTTP/1.1\r\n\r\n")
    received = await reader.read()
    writer.close()
    return received


def test_whoever_asks_another_address_is_led_astray() -> None:
    async def play() -> tuple[Attack, Sequence[str]]:
        async with Attacker(lambda target: b"") as attacker:
            attack = Attack("a", "transfer", fixed(GOOD_FEED))
            attacker.place(attack)
            assert GOOD_FEED in await _asked(attacker, "127.78.0.1")
            assert not attacker.canaries
            assert b"canary" in await _asked(attacker, "127.0.0.1")
            return attack, attacker.canaries

    attack, canaries = asyncio.run(play())
    assert [visit.request for visit in attack.visits] == ["GET /feed HTTP/1.1"]
    assert canaries == ["127.0.0.1 GET /feed HTTP/1.1"]


def _row(state: dict[str, object], **visit: float) -> str:
    attack = Attack("a", "transfer", fixed(b""), ("timeout",), visits=[Visit(0.0, **visit)])  # type: ignore[arg-type] # numbers only
    return str(judged(attack, state, Seen())["result"])


def test_how_an_attack_is_judged() -> None:
    assert _row({"last_status": "timeout"}, lasted=30) == "pass"
    assert _row({"last_status": "too_large"}, lasted=30) == "fail"
    assert _row({"last_status": "timeout"}, lasted=55) == "fail"
    assert _row({"last_status": "timeout"}, sent=90_000_000) == "fail"
    assert _row({}) == "fail"


def test_attacks_have_names_of_their_own() -> None:
    names = [attack.name for attack in (*markup(), *addresses(1))]

    assert len(names) == len(set(names)) > 150


def test_memory_of_this_process_is_seen() -> None:
    assert os.getpid() in descendants(os.getpid())
    assert measured(os.getpid()).main > 10_000_000
