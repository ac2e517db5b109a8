"""Entries of feedx feeds, each kept as a markdown file:

    <!--epoch milliseconds-->
    [title](url)
    ------

    HTML, as it was in the feed

Jekyll sites made from such files have a front matter before it.
"""

from __future__ import annotations

import re
from pathlib import Path

from aggregator.core.dates import parse_date
from aggregator.errors import ArchiveError
from aggregator.sources.archived_post import LOCAL_ZONE, ArchivedPost, outlet_of_url, web_url
from aggregator.sources.front_matter import FrontMatter, FrontMatterError, split_front_matter

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
    title = head["title"].strip() or front_matter.text("title")
    body = front_matter.rest[head.end() :].strip()
    url = web_url(head["url"]) or web_url(front_matter.text("from"))
    if not title:
        raise ArchiveError("the link has no text, so there is no title", str(path))
    if not body:
        raise ArchiveError("nothing follows the line of dashes", str(path))
    author = front_matter.text("author")
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
