"""feedx: mirrors of many outlets in full text, each entry with its outlet's own first line."""

from __future__ import annotations

from aggregator.core.clean import CleanRules
from aggregator.sources.family import Family

FEEDX = Family(
    name="feedx",
    feed_hosts=(
        "feedx.net", "feedx.site", "feedx.top", "feedx.fun", "feedx.xyz", "feedx.best", "feedx.co",
    ),
    clean=CleanRules(
        drop=(
            # BBC: "Image caption", "图片版权", whose image it is
            "span.off-screen",
            "span.story-image-copyright",
            # Reuters: what it says below each article about itself
            "div.StandardArticleBody_trustBadgeContainer",
            # RFI, FT and Zaobao: places for what is loaded late
            "div.m-interstitial",
            "div.o-self-promo",
            "div.o-ads",
            "div[id^='dfp-ad']",
            "section#imu",
        ),
        drop_text=(
            r"点击查看本文英文版。?",
            r"©\s*\d{4}\s*AFP",
            r"©\s*\d{4}\s*年\s*德国之声版权声明：[\s\S]*",
            r"德国之声致力于为您提供客观中立的新闻报道[\s\S]*",
            r"（欢迎点击此处订阅[^）]{0,200}）",
            r"Feed enhanced by Better Feed from\s+Ozh",
            r"[（(]本文仅代表作者本人观点[，,]\s*责编：?[\s\S]{0,60}[)）]",
        ),
        header=(
            # VOA
            r"(?P<date>[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d(?::\d\d)? GMT)",
            # RFI
            r"(?P<date>\d\d/\d\d/\d{4} - \d\d:\d\d)",
            # Reuters, Deutsche Welle and the New York Times, the last two with authors above it
            r"(?:(?P<author>[^\n]{1,120})\n)?"
            r"(?P<date>\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?Z?)",
            # BBC
            r"(?P<date>\d{4}\s*年\s*\d{1,2}\s*月\s*\d{1,2}\s*日)",
            r"\d{1,3}\s*(?:分钟|小时|天)前",
        ),
        footer=(r"获取更多(?:全文)?\s*RSS[：:]",),
        image_proxies=(r"https?://images\.weserv\.nl/?\?url=([^&]+).*",),
    ),
    full_text="feed",
    mirror=True,
)  # fmt: skip
