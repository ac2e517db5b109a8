"""Hexo posts that were made from RSSHub feeds: front matter, then one `<div>` of HTML."""

from __future__ import annotations

import html
from pathlib import Path
from urllib.parse import urlsplit

from aggregator.core.dates import parse_date
from aggregator.core.images import unwrap
from aggregator.errors import ArchiveError
from aggregator.sources.archived_post import LOCAL_ZONE, OUTLET_NAMES, ArchivedPost, web_url
from aggregator.sources.front_matter import FrontMatterError, split_front_matter
from aggregator.sources.images import PLACEHOLDER_HOSTS, PROXIES


def read_hexo(text: str, path: Path) -> ArchivedPost:
    """The post in `text`. Its format keeps no URL: `url` is empty.

    The characters that the tool wrote as `_` in the title stay so, as nothing tells which they
    were. A date without a zone is Chinese local time. Raises ArchiveError if it is not such a post.
    """
    try:
        front_matter = split_front_matter(text)
    except FrontMatterError as error:
        raise ArchiveError(str(error), str(path)) from error
    if front_matter is None:
        raise ArchiveError("no front matter", str(path))
    title = html.unescape(front_matter.text("title")).strip()
    body = front_matter.rest.strip()
    if not title:
        raise ArchiveError("the front matter has no title", str(path))
    if not body.startswith("<"):
        raise ArchiveError("no HTML after the front matter", str(path))
    categories = front_matter.items("categories")
    author = front_matter.text("author")
    date_given = front_matter.text("date")
    return ArchivedPost(
        title=title,
        url="",
        author=author,
        outlet=_outlet(categories, author),
        categories=categories,
        published=parse_date(date_given, LOCAL_ZONE),
        date_given=date_given,
        image=_image(front_matter.text("headimg")) or _image(front_matter.text("thumbnail")),
        html=body,
        path=path,
    )


def _outlet(categories: tuple[str, ...], author: str) -> str:
    # section, outlet, channel
    name = categories[1] if len(categories) == 3 else author
    return OUTLET_NAMES.get(name, name)


def _image(given: str) -> str:
    image = web_url(unwrap(given, PROXIES)[0])
    return "" if urlsplit(image).hostname in PLACEHOLDER_HOSTS else image
