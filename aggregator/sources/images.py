"""Image proxies, and what in the addresses of images tells their size: the same for all sources."""

from __future__ import annotations

PROXIES = (
    r"https?://(?:images\.weserv\.nl|wsrv\.nl)/?\?(?:[^#]*&)?url=([^&]+).*",
    # WordPress' own: the original's host is the first part of the path
    r"https?://i[0-3]\.wp\.com/([^?]+)(?:\?.*)?",
    # proxies that add the headers of CORS: the original's address follows as it is
    r"https?://cors[\w.-]*\.[a-z]{2,10}/\??(?:url=)?(https?(?::|%3A).+)",
    r"https?://[\w.-]*\.workers\.dev/\??(?:url=)?(https?(?::|%3A).+)",
    r"https?://api\.allorigins\.win/raw\?url=(https?(?::|%3A)[^&]+).*",
)

PLACEHOLDER_HOSTS = frozenset(("picsum.photos", "source.unsplash.com", "via.placeholder.com"))
"""Random or empty pictures, put in where an article has none."""

PLACEHOLDERS = tuple(f"img[src*='//{host}/']" for host in sorted(PLACEHOLDER_HOSTS))

SIZES = (
    r"_(?:r\d+_)?(?:[a-z]_)?w\d{2,4}(?:_r\d+)?(?:_[a-z])?(?=\.\w+$)",  # VOA
    r"/w:\d+(?:/h:\d+)?/p:\d+x\d+(?=/)",  # RFI
    r"(?<=ichef\.bbci\.co\.uk/)(?:news|ace/standard|ace/ws)/\d+(?=/)",  # BBC
    r"-\d{2,4}x\d{2,4}(?=\.\w+$)",  # WordPress
)
