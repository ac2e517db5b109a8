"""RSSHub: feeds made from sites that have none; what stands in them is the sites' own."""

from __future__ import annotations

from aggregator.sources.family import Family

RSSHUB = Family(
    name="rsshub",
    feed_hosts=("rsshub.app",),
    # instances have any host: the feeds say themselves who made them
    generators=(r"\bRSSHub\b",),
    descriptions=(r"Made with love by RSSHub",),
)
