"""Feeds of the newsroom, in the three hands they are written in: RSSHub's, feedx's, VOA's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from html import escape, unescape

from aggregator.demo.newsroom_pages import paragraphs
from aggregator.sources.archives import ArchivedPost

BEIJING = timezone(timedelta(hours=8))


def rsshub_feed(
    url: str, title: str, site: str, items: Sequence[tuple[ArchivedPost, datetime]]
) -> str:
    """What RSSHub answers at `url`, with each post's first paragraph for a summary.

    Items are (post, published), newest first, of which there is at least one. The dates say GMT.
    """
    built = _gmt(items[0][1])
    entries = "".join(
        f"""
<item>
<title>{_cdata(post.title)}</title>
<description>{_cdata(_first_paragraph(post))}</description>
<pubDate>{_gmt(published)}</pubDate>
<guid isPermaLink="false">{escape(post.url)}</guid>
<link>{escape(post.url)}</link>
<author>{_cdata(post.author)}</author>
</item>"""
        for post, published in items
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:atom="http://www.w3.org/2005/Atom" version="2.0">
<channel>
<title>{_cdata(title)}</title>
<link>{escape(site)}</link>
<atom:link href="{escape(url)}" rel="self" type="application/rss+xml" />
<description>{_cdata(title + " - Made with love by RSSHub")}</description>
<generator>RSSHub</generator>
<language>zh-cn</language>
<lastBuildDate>{built}</lastBuildDate>
<ttl>5</ttl>{entries}
</channel>
</rss>
"""


def feedx_feed(title: str, site: str, posts: Sequence[ArchivedPost]) -> str:
    """What feedx answers: whole texts, escaped, no guid and no author, dated when it found them.

    `published` of each post is that time.
    """
    items = "".join(
        f"<item><title>{_cdata(post.title)}</title><link>{_cdata(post.url)}</link>"
        f"<description>{escape(post.html)}</description>"
        f"<pubDate>{_beijing(post.published)}</pubDate></item>"
        for post in posts
        if post.published
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>'
        f"<title>{escape(title)}</title>"
        f"<description>{escape(title)}全文RSS。获取更多全文RSS：https://feedx.net</description>"
        f"<link>{escape(site)}</link>{items}</channel></rss>"
    )


def voa_feed(url: str, items: Sequence[tuple[ArchivedPost, datetime]]) -> str:
    """What VOA's own site answers at `url`: summaries, each with its guid and its image.

    Items are (post, published), newest first, of which there is at least one.
    """
    entries = "".join(
        f"""
    <item>
      <title>{escape(post.title)}</title>
      <description>{escape(_plain(_first_paragraph(post)))}</description>
      <link>{escape(post.url)}</link>
      <guid>{escape(post.url)}</guid>
      <pubDate>{_beijing(published)}</pubDate>{_enclosure(post.image)}
    </item>"""
        for post, published in items
    )
    return f"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">
  <channel>
    <title>美国之音</title>
    <link>https://www.voachinese.com/</link>
    <description>美国之音中文网</description>
    <language>zh-CN</language>
    <ttl>60</ttl>
    <lastBuildDate>{_beijing(items[0][1])}</lastBuildDate>
    <atom:link href="{escape(url)}" rel="self" type="application/rss+xml" />{entries}
  </channel>
</rss>
"""


def _first_paragraph(post: ArchivedPost) -> str:
    found = paragraphs(post.html)
    return found[0] if found else ""


def _plain(paragraph: str) -> str:
    # seeds' first paragraphs hold no markup of their own
    return unescape(paragraph.partition(">")[2].removesuffix("</p>")).strip()


def _enclosure(image: str) -> str:
    if not image:
        return ""
    return f'\n      <enclosure url="{escape(image)}" length="0" type="image/jpeg" />'


def _cdata(text: str) -> str:
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"


def _gmt(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


def _beijing(moment: datetime) -> str:
    return format_datetime(moment.astimezone(BEIJING))
