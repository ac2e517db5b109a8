"""A plain reading of article HTML, independent of the cleaner: what a person sees, in order."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

SEEDS = Path(__file__).parents[1] / "seeds"

PROXY = "https://images.weserv.nl?url="

Block = tuple[str, str]
"""What it is (`p`, `h3`, `img`, `caption`…), and its text or the image's address."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[Block] = []
        self._text = ""
        self._kind = "p"
        self._in_figure = self._is_small = self._is_centred = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "img":
            self._flush()
            self.blocks.append(("img", (given["src"] or "").replace(PROXY, "https://")))
        elif tag in ("p", "div", "h2", "h3", "h4", "figure", "figcaption", "hr"):
            self._flush()
            self._kind = tag if tag.startswith("h") else "p"
            self._in_figure = self._in_figure or tag == "figure"
            self._is_centred = tag == "p" and given.get("align") == "center"
        elif tag == "small":
            self._is_small = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("p", "div", "h2", "h3", "h4", "figure", "figcaption"):
            self._flush()
            self._kind = "p"
            self._in_figure = self._in_figure and tag != "figure"

    def handle_data(self, data: str) -> None:
        self._text += data

    def _flush(self) -> None:
        text, self._text = " ".join(self._text.split()), ""
        after_image = bool(self.blocks) and self.blocks[-1][0] == "img"
        is_caption = after_image and (self._in_figure or self._is_small or self._is_centred)
        if text:
            self.blocks.append(("caption" if is_caption else self._kind, text))
        self._is_small = False

    def close(self) -> None:
        super().close()
        self._flush()


def read(html: str) -> list[Block]:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.blocks


def seeds() -> list[Path]:
    return sorted(SEEDS.glob("*.txt"))


def seed_body(seed: Path) -> str:
    """The HTML behind the front matter, or behind the head of a feedx entry."""
    text = seed.read_text(encoding="utf-8")
    if text.startswith("<!--"):
        return text.split("------\n", 1)[1]
    return text.split("\n---\n", 2)[2]


def seed_blocks(seed: Path) -> list[Block]:
    """What its body says, without the mirror's date line and footer."""
    blocks = read(seed_body(seed))
    if blocks[0] == ("p", "Wed, 28 Jul 2021 21:05:25 GMT"):
        del blocks[0]
    return [block for block in blocks if "获取更多RSS" not in block[1]]
