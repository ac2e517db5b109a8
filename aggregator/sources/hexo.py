"""Hexo posts that were made from RSSHub feeds: front matter, then one `<div>` of HTML."""

from __future__ import annotations

import html
from pathlib import Path
from urllib.parse import urlsplit

from aggregator.core.dates import parse_date
from aggregator.core.images import unwrap
from aggregator.core.model import Article
from aggregator.errors import ArchiveError
from aggregator.sources.archived_post import (
    LOCAL_ZONE,
    OUTLET_NAMES,
    ArchivedPost,
    date_text,
    kept,
    kept_id,
    web_url,
)
from aggregator.sources.front_matter import (
    FrontMatterError,
    format_front_matter,
    split_front_matter,
)
from aggregator.sources.images import PLACEHOLDER_HOSTS, PROXIES


def read_hexo(text: str, path: Path) -> ArchivedPost:
    """The post in `text`. Its format keeps no URL: but in files of ours, `url` is empty.

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
    article_id = kept_id(front_matter)
    if not title and not article_id:
        raise ArchiveError("the front matter has no title", str(path))
    if not body.startswith("<"):
        raise ArchiveError("no HTML after the front matter", str(path))
    categories = front_matter.items("categories")
    author = front_matter.text("author")
    date_given = front_matter.text("date")
    return ArchivedPost(
        title=title,
        url=web_url(front_matter.text("link")) if article_id else "",
        author=author,
        outlet=front_matter.text("outlet") if article_id else _outlet(categories, author),
        categories=categories,
        published=parse_date(date_given, LOCAL_ZONE),
        date_given=date_given,
        image=_image(front_matter.text("headimg")) or _image(front_matter.text("thumbnail")),
        html=body,
        path=path,
        id=article_id,
    )


def write_hexo(article: Article) -> str:
    """The article as such a post, for `read_hexo` and for Hexo: braces, which Hexo would take for
    a template's, stand as entities.
    """
    image = article.image.url if article.image else ""
    front_matter = format_front_matter(
        {
            "title": _without_braces(_title(article.title)),
            "categories": article.categories,
            "headimg": image,
            "author": article.author or article.outlet,
            "comments": False,
            "date": date_text(article.published),
            "thumbnail": image,
            **kept(article),
        }
    )
    return f"\n{front_matter}\n<div>\n{_without_braces(article.body)}\n</div>\n"


def _title(title: str) -> str:
    # the reader takes what looks like an entity for one
    return title.replace("&", "&amp;") if html.unescape(title) != title else title


def _without_braces(text: str) -> str:
    return text.replace("{", "&#123;").replace("}", "&#125;")


def _outlet(categories: tuple[str, ...], author: str) -> str:
    # section, outlet, channel
    name = categories[1] if len(categories) == 3 else author
    return OUTLET_NAMES.get(name, name)


def _image(given: str) -> str:
    image = web_url(unwrap(given, PROXIES)[0])
    return "" if urlsplit(image).hostname in PLACEHOLDER_HOSTS else image
