"""What the values of config.toml may be.

Each function takes a value as tomllib gave it and gives the checked one, or
raises `Wrong`, which says in plain words what was expected and what was there.
"""

from __future__ import annotations

import difflib
import ipaddress
import json
import re
import ssl
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, available_timezones

Choice = TypeVar("Choice", bound=str)

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
LONGEST = timedelta(days=36_500)
"""A duration is taken from the date of today, which has to leave a date."""
SIZES = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20}
RESERVED_TOPICS = ("all",)
"""`/all.atom` is the feed of everything."""

_DURATION = re.compile(r"([0-9]{1,9}) ?([smhdw])")
_SIZE = re.compile(r"([0-9]{1,12}) ?([kKMG]?i?B)")
_LISTEN = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/\[\]]+)):([0-9]{1,5})")
_ID = re.compile(r"[a-z0-9][a-z0-9_-]*")
_HOST = re.compile(r"(?:[^\W_](?:[\w-]*[^\W_])?\.)*[^\W_](?:[\w-]*[^\W_])?\.?")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_MAIL_ADDRESS = re.compile(
    r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[a-z\d](?:[a-z\d-]*[a-z\d])?\.)*[a-z\d](?:[a-z\d-]*[a-z\d])?",
    re.ASCII | re.IGNORECASE,
)
_STORE = re.compile(r"sqlite(?:\+\w+)?:///.+|postgresql(?:\+\w+)?://.+")
_PASSWORD = re.compile(r"(?<=://)([^/?#\s:]*):[^/?#\s]*@")
_PASSWORD_IN_ANYTHING = re.compile(r"(?<=://)([^/:]*):.*@", re.DOTALL)
_SECRET_PARAMETER = re.compile(
    r"(?<=[?&])((?:access_?|api_?|auth_?)?(?:key|token|secret|code|password|passwd|pwd))=[^&#\s]+?"
    # in a line of text a URL may be followed by a mark
    r"(?=[:;,.)]{0,3}(?:[&#\s]|$))",
    re.IGNORECASE,
)


class Wrong(ValueError):
    """A value that cannot be used. Takes what is wrong with it, and what to do about it."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what, hint)
        self.what = what
        self.hint = hint


def expected(wanted: str, value: object, hint: str = "") -> Wrong:
    return Wrong(f"expected {wanted}, got {described(value)}", hint)


def described(value: object) -> str:
    """A value as a person would write or name it, short and without a password."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        shown = _PASSWORD_IN_ANYTHING.sub(r"\1:***@", _without_secret_parameters(value))
        return json.dumps(shown if len(shown) <= 80 else shown[:79] + "…", ensure_ascii=False)
    if isinstance(value, int):
        # more digits than this Python does not print
        return str(value) if abs(value) < 10**18 else "a very large number"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a table"
    return str(value)


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint: the known word most like `word`; all of them where none is."""
    names = sorted(known)
    close = difflib.get_close_matches(word[:64], names, n=1)
    if close:
        return f'did you mean "{close[0]}"?'
    return "known: " + ", ".join(names)


def masked(url: str) -> str:
    """A URL without the secrets people put in them: a password, an access key in the query."""
    return _without_secret_parameters(_PASSWORD.sub(r"\1:***@", url))


def _without_secret_parameters(url: str) -> str:
    return _SECRET_PARAMETER.sub(r"\1=***", url)


# --- texts and numbers -------------------------------------------------------------------------


def text(value: object) -> str:
    if not isinstance(value, str):
        raise expected("a text in quotes", value)
    return value


def line(value: object) -> str:
    """One line of text, not empty."""
    content = text(value)
    if not content.strip() or not content.isprintable():
        raise expected("one line of text", value)
    return content


def label(value: object) -> str:
    """One line of text, or nothing."""
    return line(value) if value != "" else ""


def file_path(value: object) -> str:
    """A path; empty for none."""
    path = label(value)
    if path.startswith("~"):
        raise Wrong("~ is not known to a service", "write the whole path")
    return path


def certificates(path: Path) -> str:
    """The path of a file that has at least one certificate, in PEM form."""
    trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        trusted.load_verify_locations(path)
    except ssl.SSLError:
        pass
    except FileNotFoundError:
        hint = "a relative path begins at the folder of this file"
        raise Wrong(f'there is no file "{path}"', hint) from None
    except OSError as error:
        what = f'"{path}" cannot be read: {error.strerror or error}'
        raise Wrong(what) from None
    if not trusted.cert_store_stats()["x509"]:
        raise Wrong(f'"{path}" has no certificate', "it needs them in PEM form: -----BEGIN …")
    return str(path)


def header_text(value: object) -> str:
    """A text that can stand in an HTTP header; may be empty."""
    content = text(value)
    if not (content.isascii() and content.isprintable()):
        raise expected("one line of ASCII, as it goes into an HTTP header", value)
    return content


def mail_address(value: object) -> str:
    """One mail address in ASCII, as in `From` (RFC 9110 §10.1.2), without a name; may be empty."""
    address = text(value)
    if address and not _MAIL_ADDRESS.fullmatch(address):
        raise expected('a mail address like "editor@example.org"', value)
    return address


def yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise expected("true or false", value)
    return value


def whole_number(least: int, most: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise expected(f"a whole number from {least:,} to {most:,}", value)
        return value

    return check


def one_of(*choices: Choice) -> Callable[[object], Choice]:
    wanted = ", ".join(f'"{choice}"' for choice in choices[:-1]) + f' or "{choices[-1]}"'

    def check(value: object) -> Choice:
        for choice in choices:
            if value == choice:
                return choice
        raise expected(wanted, value)

    return check


def duration(value: object) -> timedelta:
    """`90s`, `15m`, `1h`, `2d`, `1w`; at least a second."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise expected('a duration like "15m"', value, "a number and one of s, m, h, d, w")
    seconds = int(found[1]) * UNITS[found[2]]
    if not 1 <= seconds <= LONGEST.total_seconds():
        raise expected('a duration from "1s" to "36500d"', value)
    return timedelta(seconds=seconds)


def pause(value: object) -> timedelta:
    """A duration of at most an hour, or `0s` for none."""
    if value == "0s":
        return timedelta(0)
    length = duration(value)
    if length > timedelta(hours=1):
        raise expected('a duration from "0s" to "1h"', value)
    return length


def duration_or_forever(value: object) -> timedelta | None:
    """`forever` is None."""
    if value == "forever":
        return None
    try:
        return duration(value)
    except Wrong as wrong:
        raise expected('a duration like "90d", or "forever"', value, wrong.hint) from None


def duration_text(length: timedelta) -> str:
    """As `duration` reads it, in the largest unit that fits, weeks aside: 90s, 15m, 2d."""
    seconds = int(length.total_seconds())
    unit = next(unit for unit in "dhms" if seconds % UNITS[unit] == 0) if seconds else "s"
    return f"{seconds // UNITS[unit]}{unit}"


def size(value: object) -> int:
    """Bytes, from `20MB`, `512KiB` or a number of bytes; at least 1,000."""
    number = value if isinstance(value, int) and not isinstance(value, bool) else None
    found = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if found and found[2] in SIZES:
        number = int(found[1]) * SIZES[found[2]]
    if number is None:
        raise expected('a size like "20MB", or a number of bytes', value)
    if not 1_000 <= number <= 10**10:
        raise expected('a size from "1kB" to "10GB"', value)
    return number


def language(value: object) -> str:
    if not isinstance(value, str) or not _LANGUAGE.fullmatch(value):
        raise expected('a language tag like "zh-CN"', value)
    return value


def timezone(value: object) -> str:
    """A name of the IANA time zone database."""
    name = text(value)
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # unknown, not a name, or the name of a folder
        close = difflib.get_close_matches(name[:64], available_timezones(), n=1)
        hint = f'did you mean "{close[0]}"?' if close else 'for example "Asia/Shanghai"'
        raise expected("a time zone", value, hint) from None
    return name


# --- names -------------------------------------------------------------------------------------


def identifier(value: object) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        hint = "small letters a-z, digits, - and _, beginning with a letter or digit"
        raise expected('an id like "voa-china"', value, hint)
    return value


def topic_identifier(value: object) -> str:
    topic = identifier(value)
    if topic in RESERVED_TOPICS:
        raise Wrong(f'"{topic}" is taken: it is the feed of everything', "choose another id")
    return topic


# --- addresses ---------------------------------------------------------------------------------


def web_address(value: object) -> str:
    """An http or https URL with a host."""
    if not isinstance(value, str) or _web_parts(value) is None:
        bare = isinstance(value, str) and "://" not in value
        hint = 'it begins with "https://" or "http://"' if bare else ""
        raise expected('an address like "https://example.org/feed.xml"', value, hint)
    return value


def site_address(value: object) -> str:
    """The address of a site, without a slash at its end."""
    parts = _web_parts(value)
    if parts is None or parts.query or parts.fragment:
        raise expected('the address of a site like "https://news.example.org"', value)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def is_private_site(url: str) -> bool:
    """Whether only this machine or its network can reach the site."""
    host = urlsplit(url).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def origin(value: object) -> str:
    """Scheme, host and port alone: `http://127.0.0.1:9000`."""
    parts = _web_parts(value)
    if parts is None or parts.path.strip("/") or parts.query or parts.fragment:
        raise expected('an origin like "http://127.0.0.1:9000"', value, "without a path")
    return f"{parts.scheme}://{parts.netloc}"


def proxy_address(value: object) -> str:
    """An origin of an HTTP proxy, or nothing."""
    return origin(value) if value != "" else ""


def _web_parts(value: object) -> SplitResult | None:
    if not isinstance(value, str) or not value.isprintable() or set(value) & set(" \\"):
        return None
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or port == 0 or not (_is_ip(host) or _is_host(host)):
        return None
    return parts


def host_name(value: object) -> str:
    """A host as it stands in URLs, in small letters."""
    if not isinstance(value, str) or not _is_host(value):
        raise expected('a host name like "www.example.org"', value)
    return value.lower()


def private_place(value: object) -> str:
    """What may be asked although it is not public: an IP address, a network, or host:port."""
    place = value if isinstance(value, str) else ""
    try:
        network = ipaddress.ip_network(place, strict=False)
    except ValueError:
        parts = _web_parts(f"http://{place}")
        if parts is None or parts.netloc != place or "@" in place:
            wanted = 'a network like "192.168.0.0/16" or a host like "nas.local:8080"'
            raise expected(wanted, value) from None
        return place.lower()
    return str(network) if "/" in place else place


def listen(value: object) -> tuple[str, int]:
    """`127.0.0.1:8080` or `[::1]:8080`: the host without brackets, and the port."""
    found = _LISTEN.fullmatch(value) if isinstance(value, str) else None
    if found is None or (found[1] and not _is_ip(found[1])) or int(found[3]) > 65_535:
        hint = 'for every address of the machine: "0.0.0.0:8080"'
        raise expected('a host and a port like "127.0.0.1:8080"', value, hint)
    return found[1] or found[2], int(found[3])


def store_address(value: object) -> str:
    """Where the database is; empty for a file in the state folder."""
    address = text(value)
    if address and not _STORE.fullmatch(address):
        raise expected('"sqlite:///FILE" or "postgresql://USER@HOST/NAME"', value)
    return address


def _is_host(name: str) -> bool:
    return len(name) <= 253 and bool(_HOST.fullmatch(name))


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
