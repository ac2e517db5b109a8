"""What the publisher serves: feeds whose items come with virtual time, and answers around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import format_datetime

from bench.manners.publisher import Answer, Asked, Exchange, Handler, moment

HOUR = 3600.0
RSS_TYPE = ("Content-Type", "application/rss+xml; charset=utf-8")
NAMESPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" '
    'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" '
    'xmlns:atom="http://www.w3.org/2005/Atom" '
    'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"'
)
WORDS = (
    *("harbour", "council", "school", "winter", "energy", "bridge", "market", "doctor", "farmer"),
    *("library", "railway", "river", "election", "museum", "weather", "budget", "teacher"),
    *("island", "company", "hospital", "garden", "minister", "festival"),
)


def title(name: str, number: int) -> str:
    return f"Report {number} of {name}"


def text(name: str, number: int) -> str:
    """Three paragraphs that no other item has."""
    seed = sum(map(ord, name)) + 7 * number
    picked = [WORDS[(seed * (k + 3) + k * k) % len(WORDS)] for k in range(60)]
    tag = f"{name} {number}"
    return "".join(
        f"<p>On item {tag}, part {part}: the {' and the '.join(picked[part * 20 :][:12])} "
        f"were spoken of in a session that lasted {number % 50 + part} hours, people said. "
        f"Nobody in {tag} had expected the {' or the '.join(picked[part * 20 + 12 :][:8])}.</p>"
        for part in range(3)
    )


def item(name: str, number: int, at: float, link: str = "", whole: bool = True) -> str:
    link = link or f"http://{name}.test/item/{number}"
    body = f"<content:encoded><![CDATA[{text(name, number)}]]></content:encoded>" if whole else ""
    return (
        f"<item><title>{title(name, number)}</title><link>{link}</link>"
        f'<guid isPermaLink="false">{name}:{number}</guid>'
        f"<pubDate>{format_datetime(moment(at))}</pubDate>"
        f"<description>In short, {title(name, number)} was written.</description>{body}</item>"
    )


def rss(name: str, items: Sequence[str], channel: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" {NAMESPACES}><channel>'
        f"<title>Feed {name}</title><link>http://{name}.test/</link>"
        f"<description>Synthetic</description>{channel}{''.join(items)}</channel></rss>"
    ).encode()


@dataclass(frozen=True)
class Paper:
    """A feed that brings an item every so many seconds, three of them before it is first asked.

    `channel` is put into the channel, `link` makes an item's link of its number.
    """

    name: str
    every: float = HOUR
    channel: str = ""
    keep: int = 30
    whole: bool = True
    link: Callable[[int], str] | None = None

    def version(self, at: float) -> int:
        """The number of the newest item; it only grows."""
        return int(at // self.every) + 3

    def items(self, at: float) -> list[str]:
        newest = self.version(at)
        return [
            item(
                self.name,
                number,
                (number - 3) * self.every,
                self.link(number) if self.link else "",
                self.whole,
            )
            for number in range(newest, max(newest - self.keep, 0), -1)
        ]

    def xml(self, at: float) -> bytes:
        return rss(self.name, self.items(at), self.channel)


Validators = Callable[[int], tuple[tuple[str, str], ...]]
"""The validators' headers of a version."""


def strong(name: str) -> Validators:
    return lambda version: (("ETag", f'"{name}-{version}"'),)


def is_current(asked: Asked, headers: Sequence[tuple[str, str]]) -> bool:
    """Whether the client named these very validators, ETag before date (RFC 9110 §13.2.2)."""
    given = {name.lower(): value for name, value in headers}
    if asked.get("if-none-match") is not None:
        return bool(given.get("etag")) and asked.get("if-none-match") == given.get("etag")
    since = asked.get("if-modified-since")
    return since is not None and since == given.get("last-modified")


def serve(
    paper: Paper, validators: Validators | None = None, extra: Sequence[tuple[str, str]] = ()
) -> Handler:
    """The paper, with validators (a strong ETag of its own by default) and 304s that keep them."""
    made = validators or strong(paper.name)

    def handle(asked: Asked, before: Sequence[Exchange]) -> Answer:
        headers = (*made(paper.version(asked.at)), *extra)
        if is_current(asked, headers):
            return Answer(304, headers)
        return Answer(200, (RSS_TYPE, *headers), paper.xml(asked.at))

    return handle


def without(_: int) -> tuple[tuple[str, str], ...]:
    """No validators at all."""
    return ()


def in_turn(first: Sequence[Answer | Handler], then: Handler) -> Handler:
    """One answer for each of the first requests of a path, and then another's."""

    def handle(asked: Asked, before: Sequence[Exchange]) -> Answer:
        if len(before) >= len(first):
            return then(asked, before)
        answer = first[len(before)]
        return answer if isinstance(answer, Answer) else answer(asked, before)

    return handle


def moved(status: int, to: str) -> Answer:
    return Answer(status, (("Location", to),))


def page(name: str, number: int) -> bytes:
    return (
        f"<!doctype html><html><head><title>{title(name, number)}</title></head><body><article>"
        f"<h1>{title(name, number)}</h1>{text(name, number)}{text(name + ' more', number)}"
        "</article></body></html>"
    ).encode()
