"""What can be wrong with a feed, told apart by what is to be done about it.

fault_of   the kind and words of an error → its fault
HINTS      each fault → what to do, in English; the pages say it in Chinese
"""

from __future__ import annotations

import re
from collections.abc import Mapping

HINTS: Mapping[str, str] = {
    "dns": "check the host name in the feed's url, and this machine's DNS",
    "connect": "the site may be down, or a firewall or proxy here keeps it off; try its url from "
    "this machine",
    "tls": "check this machine's clock; else the site has to renew its certificate",
    "timeout": "it is tried again; if the site is always slow, raise [fetch] timeout",
    "http_401": "it asks for a password: write it into the url, or take the feed's private url",
    "http_403": "it does not let this program in: set [fetch] contact, ask the site, or add a "
    "mirror to urls",
    "http_404": "the feed may have moved: find it with `aggregator discover` and change its url",
    "http_410": "it is gone for good: remove it from the config or give another url",
    "http_429": "it is asked too often: raise the feed's interval",
    "http_5xx": "the fault is the server's: wait, or add a mirror to urls",
    "http_status": "the server refuses this request: open the url in a browser to see why",
    "too_large": "if its size is right, raise [fetch] max_bytes",
    "not_a_feed": "there is no feed at this url any more: find it with `aggregator discover`",
    "blocked_address": "if this private address is yours, list it in [fetch] allow_private",
    "robots": "the site's robots.txt forbids it: ask the site, or take another url",
    "held": "the host asked for a pause and gets it; it is asked again by itself",
    "redirect": "open the url in a browser and write where it ends into the config",
    "protocol": "check the url; if it is right, the server's answer is broken: wait, or add a "
    "mirror to urls",
    "quarantine": "nothing: what took a worker down twice is set aside until it changes; please "
    "report the feed",
    "workers": "no worker process can be started: see the log, and whether this machine has memory "
    "and processes left",
    "busy": "nothing: its host is asked for other things first, and it gets its turn",
    "worker": "reading it took too long or too much memory; if that goes on, report the feed",
    "bug": "a fault of this program: its traceback is in the log; please report it",
    "behind": "nothing: the next address serves, and this one is asked again later",
}
"""By fault, what to do about it."""

UNKNOWN_FAULT_HINT = "see the log"

SET_ASIDE: Mapping[str, str] = {
    "feed": "it is read again as soon as it changes; please report the feed",
    "changing": "its bytes differ each time: it is read once a day until it can be; please report "
    "the feed",
    "text": "the article is made without it, until the feed changes it; please report the feed",
    "page": "the article has what its feed gives, until that changes; please report the page",
}
"""By what is set aside (store/quarantine.py), what that means and what to do about it."""

_STATUS = re.compile(r"\bthe server answered ([1-5][0-9]{2})\b")
_GONE = "gone"


def fault_of(kind: str, error: str) -> str:
    """The fault behind an error's kind and words, as FeedState and Address keep them.

    HTTP statuses are told apart: `http_404`, `http_5xx`. A kind that is not known stays as it is.
    """
    if kind == _GONE:
        return "http_410"
    if kind != "http_status":
        return kind
    status = http_status(error)
    fault = "http_5xx" if status.startswith("5") else f"http_{status}"
    return fault if fault in HINTS else "http_status"


def http_status(error: str) -> str:
    """The status that an error's words name; empty if they name none."""
    answered = _STATUS.search(error)
    return answered[1] if answered else ""


def hint_for(kind: str, error: str) -> str:
    """What to do about an error of a feed or of one of its addresses, in English."""
    return HINTS.get(fault_of(kind, error), UNKNOWN_FAULT_HINT)
