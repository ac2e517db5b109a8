"""半岛电视台 (Al Jazeera), Chinese and the other languages."""

from __future__ import annotations

from aggregator.core.extract import PageRules
from aggregator.sources.family import Family

ALJAZEERA = Family(
    name="aljazeera",
    feed_hosts=("aljazeera.net", "aljazeera.com"),
    page_hosts=("aljazeera.net", "aljazeera.com"),
    own_names=("Aljazeera 半岛网", "半岛网", "半岛电视台", "Al Jazeera"),
    page=PageRules(containers=("div.wysiwyg",)),
)
