"""What a thing is called by: canonical URLs, the keys of entries, the ids of articles, digests.

A published id never changes, so neither may what is computed here: a rebuilt
database has to arrive at the same ids.
"""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from urllib.parse import SplitResult, urlsplit
from uuid import NAMESPACE_URL, uuid5

from aggregator.core.model import Entry, ParsedEntry
from aggregator.core.passing import lasting_text
from aggregator.core.patterns import compiled
from aggregator.core.text import letters

KEY_LIMIT = 500
"""Characters; a longer guid or link is replaced by its hash."""

RULE_ROUNDS = 20
"""How often rules are applied, to what they made, before they are taken to settle never."""

TRACKING_PREFIXES = ("utm_", "at_", "ns_", "wt_mc")
TRACKING_NAMES = frozenset(
    (
        "_ga", "_gl", "dclid", "fbclid", "gbraid", "gclid", "hmsr", "igshid", "isappinstalled",
        "maca", "mc_cid", "mc_eid", "msclkid", "scm", "spm", "traffic_source", "twclid", "wbraid",
        "wt.mc_id", "yclid",
    )
)  # fmt: skip
TRACKING_PAIRS = frozenset(
    f"{name}={value}"
    for name in ("from", "ref", "source", "src")
    for value in (
        "rss", "feed", "rssfeed", "timeline", "groupmessage", "singlemessage", "weibo", "wechat",
    )
)  # fmt: skip
"""Names that elsewhere carry meaning (`from=2020`): dropped with these values only."""

_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\Z")
_IPV6 = re.compile(r"[0-9a-f:.]+\Z")
_ESCAPE_OR_FOREIGN = re.compile(r"%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~!$&'()*+,;=:@/?\[\]]")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SLASHES = re.compile(r"/{2,}")
_SPACES = re.compile(r"\s+")


# --- URLs --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UrlRule:
    """Declared by a source family: `pattern`, a regular expression, is replaced in the whole URL
    by `replacement`, as by `re.sub`. It meets the URL with scheme and host in lower case, first
    with the path's doubled slashes, then without.
    """

    pattern: str
    replacement: str


def canonical_url(url: str, rules: tuple[UrlRule, ...] = ()) -> str:
    """The one spelling of a URL by which it is compared: not for fetching.

    Normalised as RFC 3986 section 6.2.2 says; and http counts as https, and fragment (but for
    `#!`), credentials, tracking parameters, an empty query and doubled slashes are dropped. What
    is not http(s), or malformed, gives "". Idempotent where the rules settle; raises
    nothing.
    """
    if not rules:
        return _normal(url)
    current = _normal(url, collapse=False)
    for _ in range(RULE_ROUNDS):
        changed = current
        for rule in rules:
            changed = compiled(rule.pattern).sub(rule.replacement, changed)
        changed = _normal(changed)
        if changed == current:
            break
        current = changed
    return current


def _normal(url: str, collapse: bool = True) -> str:
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return ""
    host = _host(parts.hostname or "")
    if parts.scheme not in ("http", "https") or not host:
        return ""
    place = host if port is None or _is_default(port, parts) else f"{host}:{port}"
    path = _without_dots(_escaped(parts.path), collapse)
    query = _query(parts.query)
    fragment = f"#{_escaped(parts.fragment)}" if parts.fragment.startswith("!") else ""
    return f"https://{place}{path}{query}{fragment}"


def _is_default(port: int, parts: SplitResult) -> bool:
    # http is about to become https, so https' own port is as good as none
    return port == 443 or (port == 80 and parts.scheme == "http")


def _host(host: str) -> str:
    """In lower case and punycode; "" if it can be no host."""
    if ":" in host:
        return f"[{host}]" if _IPV6.match(host) else ""
    host = host.rstrip(".")
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii").lower().rstrip(".")
        except UnicodeError:
            return ""
    return host if _HOST.match(host) and ".." not in host else ""


def _escaped(text: str) -> str:
    """Percent-encoding with one spelling (RFC 3986 sections 6.2.2.1 and 6.2.2.2)."""
    return _ESCAPE_OR_FOREIGN.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    found = match.group()
    if len(found) == 3:
        character = chr(int(found[1:], 16))
        return character if character in _UNRESERVED else found.upper()
    return "".join(f"%{byte:02X}" for byte in found.encode("utf-8", "replace"))


def _without_dots(path: str, collapse: bool) -> str:
    """The path with `.` and `..` resolved (RFC 3986 section 5.2.4), never empty."""
    if collapse:
        path = _SLASHES.sub("/", path)
    if "/." not in path:
        return path or "/"
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    resolved = "/" + "/".join(kept)
    return _SLASHES.sub("/", resolved) if collapse else resolved


def _query(query: str) -> str:
    pairs = (_escaped(pair) for pair in query.split("&"))
    kept = "&".join(pair for pair in pairs if pair and not _is_tracking(pair.lower()))
    return f"?{kept}" if kept else ""


def _is_tracking(pair: str) -> bool:
    name = pair.partition("=")[0]
    return name in TRACKING_NAMES or name.startswith(TRACKING_PREFIXES) or pair in TRACKING_PAIRS


# --- entries and articles ----------------------------------------------------------------------


def entry_keys(entries: Sequence[ParsedEntry]) -> tuple[str, ...]:
    """A key for each entry of one feed document, in their order, at most 500 characters long.

    The guid; where there is none, or other entries share it, the canonical link; where that
    tells nothing apart either, a hash of title and date, and of the text if need be. An item
    that stands in the document twice has the same key twice: entries that are equal, or that
    share guid, link and title (RFC 4287 section 4.1.1 calls those one entry). The order of
    the entries changes no key.
    """
    namings: tuple[Callable[[ParsedEntry], str], ...] = (
        lambda entry: entry.guid.strip() or canonical_url(entry.url),
        lambda entry: canonical_url(entry.url),
        lambda entry: _hash(entry.title, entry.date_given) if entry.title else "",
    )
    keys: dict[int, str] = {}
    for naming in namings:
        taken = set(keys.values())
        groups: dict[str, list[int]] = defaultdict(list)
        for place, entry in enumerate(entries):
            if place not in keys:
                groups[_bounded(naming(entry))].append(place)
        for key, places in groups.items():
            if key and key not in taken and _are_one(entries[place] for place in places):
                keys.update(dict.fromkeys(places, key))
    return tuple(
        keys.get(place)
        or _hash(
            entry.title, entry.date_given, entry.content or entry.summary, entry.url, entry.guid
        )
        for place, entry in enumerate(entries)
    )


def _are_one(entries: Iterable[ParsedEntry]) -> bool:
    items = list(entries)
    versions = {(item.guid, item.title, item.url) for item in items}
    if len(versions) == 1 and items[0].guid and items[0].title:
        return True
    texts = {(item.title, item.url, item.date_given, item.summary, item.content) for item in items}
    return len(texts) == 1


def keys_without_guid(entry: Entry, alone: bool) -> tuple[str, ...]:
    """What an entry may be known by whose guid tells nothing, the shortest first: its canonical
    URL, if it is `alone` on its page; hashes with title and date, and with the text.
    """
    known = entry.url, entry.title, entry.date_given
    hashes = _hash(*known), _hash(*known, entry.digest)
    return (_bounded(entry.url), *hashes) if alone else hashes


def entry_url(entry: ParsedEntry, rules: tuple[UrlRule, ...] = ()) -> str:
    """The canonical URL of what an entry is about, "" if it has none.

    Where the guid is the link with a fragment, there are several posts on one page, and the
    fragment is part of the URL: without it they would be one article.
    """
    url = canonical_url(entry.url, rules)
    fragment = entry.url.partition("#")[2]
    if not url or "#" in url or "=" in fragment or not entry.guid.endswith(f"#{fragment}"):
        return url
    return f"{url}#{_escaped(fragment)}" if fragment and entry.guid in entry.url else url


def article_id(url: str, feed_id: str, key: str) -> str:
    """The id of the article an entry is about, 36 characters: a UUID of version 5 (RFC 9562).

    From `url`, its canonical URL; where that is "" from the feed's id and the entry's `key`.
    """
    return str(uuid5(NAMESPACE_URL, _sound(url or f"{feed_id}\n{key}")))


def entry_digest(title: str, html_text: str) -> str:
    """16 hex digits that change when the letters or digits of title or text do, and stay when
    only markup, white space, punctuation, or anything inside a tag does, or what moves by itself
    (core/passing): dates of publication, editors, how often it was read.

    It is computed for every entry at every poll, so markup is cut out without being parsed.
    """
    return _hash(letters(html.unescape(title)), letters(lasting_text(html_text)), size=8)


def _hash(*parts: str, size: int = 16) -> str:
    hashed = blake2b(digest_size=size)
    for part in parts:
        # the length before each part, so that ("ab", "c") and ("a", "bc") differ
        data = _sound(part).encode()
        hashed.update(b"%d:" % len(data))
        hashed.update(data)
    return hashed.hexdigest()


def _bounded(key: str) -> str:
    key = _SPACES.sub(" ", _sound(key)).strip()
    return key if len(key) <= KEY_LIMIT else _hash(key)


def _sound(text: str) -> str:
    """Without lone surrogates, which no encoding can write."""
    return text.encode("utf-8", "replace").decode("utf-8")
