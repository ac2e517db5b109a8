"""Entries of feedx feeds, each kept as a markdown file:

    <!--epoch milliseconds-->
    [title](url)
    ------

    HTML, as it was in the feed

Jekyll sites made from such files have a front matter before it, and so have the files we write.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aggregator.core.dates import parse_date
from aggregator.core.model import Article
from aggregator.errors import ArchiveError
from aggregator.sources.archived_post import (
    LOCAL_ZONE,
    ArchivedPost,
    date_text,
    kept,
    kept_id,
    outlet_of_url,
    web_url,
)
from aggregator.sources.front_matter import (
    FrontMatter,
    FrontMatterError,
    format_front_matter,
    split_front_matter,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# titles may hold brackets: the link is what stands in the last pair
_HEAD = re.compile(
    r"\s*<!--\s*(?P<epoch>\d+)\s*-->[ \t\r]*\n"
    r"\[(?P<title>[^\n]*)\]\((?P<url>[^\s]*)\)[ \t\r]*\n"
    r"-{3,}[ \t\r]*(?:\n|\Z)"
)


def read_feedx_markdown(text: str, path: Path) -> ArchivedPost:
    """The post in `text`. `published` is when feedx found it; the date of the article itself is
    the first line of the HTML, which is left as it was. Raises ArchiveError if it is no such post.
    """
    try:
        front_matter = split_front_matter(text) or FrontMatter({}, {}, text)
    except FrontMatterError as error:
        raise ArchiveError(str(error), str(path)) from error
    head = _HEAD.match(front_matter.rest)
    if head is None:
        raise ArchiveError("no line of epoch milliseconds, link and dashes", str(path))
    body = front_matter.rest[head.end() :].strip()
    if not body:
        raise ArchiveError("nothing follows the line of dashes", str(path))
    author = front_matter.text("author")
    article_id = kept_id(front_matter)
    if article_id:
        return ArchivedPost(
            title=front_matter.text("title"),
            url=web_url(front_matter.text("link")),
            author=author,
            outlet=front_matter.text("outlet"),
            categories=front_matter.items("categories"),
            published=parse_date(front_matter.text("date"), LOCAL_ZONE),
            date_given=front_matter.text("date"),
            image="",
            html=body,
            path=path,
            id=article_id,
        )
    title = head["title"].strip() or front_matter.text("title")
    url = web_url(head["url"]) or web_url(front_matter.text("from"))
    if not title:
        raise ArchiveError("the link has no text, so there is no title", str(path))
    return ArchivedPost(
        title=title,
        url=url,
        author=author,
        outlet=author or outlet_of_url(url),
        categories=front_matter.items("categories"),
        published=parse_date(head["epoch"], LOCAL_ZONE),
        date_given=head["epoch"],
        image="",
        html=body,
        path=path,
    )


def write_feedx_markdown(article: Article) -> str:
    """The article as such a file, for `read_feedx_markdown`. The front matter says all of it
    exactly; the link below it, for other tools, has the title and the URL on one line.
    """
    front_matter = format_front_matter(
        {
            "title": article.title,
            "date": date_text(article.published),
            "author": article.author or article.outlet,
            "categories": article.categories,
            **kept(article),
        }
    )
    milliseconds = max(0, (article.published - EPOCH) // timedelta(milliseconds=1))
    title = " ".join(article.title.split())
    url = "".join(article.url.split())
    # a text has to follow the dashes
    body = article.body.strip() or "<p></p>"
    return f"{front_matter}<!--{milliseconds}-->\n[{title}]({url})\n------\n\n{body}\n"
