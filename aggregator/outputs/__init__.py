"""The published feeds: an edition in, the bytes of a feed out.

    Edition → item.items → atom | rss | jsonfeed → bytes → files → any web server

item      what every format says of an article, decided once
atom, rss the XML formats, made with feedgen; xml puts right what feedgen does not
jsonfeed  JSON Feed 1.1
opml      subscription lists
files     the bytes on disk, written atomically and read back with their validators
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aggregator.core.model import Edition
from aggregator.outputs.atom import render_atom
from aggregator.outputs.jsonfeed import render_jsonfeed
from aggregator.outputs.rss import render_rss


@dataclass(frozen=True, slots=True)
class Format:
    """A way to publish an edition. `suffix` ends the path: `topics/afghanistan.atom`."""

    name: str
    suffix: str
    media_type: str
    render: Callable[[Edition], bytes]


FORMATS: tuple[Format, ...] = (
    Format("Atom", "atom", "application/atom+xml", render_atom),
    Format("RSS", "rss", "application/rss+xml", render_rss),
    Format("JSON Feed", "json", "application/feed+json", render_jsonfeed),
)
