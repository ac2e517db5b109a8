"""The one HTTP client.

    client      a request, through its redirects, to an answer in words of our own
    ├─ robots     pages only: does the site allow it?
    ├─ manners    the host's turn: few at a time, one a second, none while it is on hold
    ├─ lanes      room: quick requests do not wait for slow ones
    ├─ limits     time at each stage, bytes off the wire
    ├─ transport  pools of connections, the resolver map, the proxy
    │  ├─ network   addresses checked as they are connected to, or as a proxy is asked for them
    │  │  └─ names    looked up, in threads
    │  └─ frames    HTTP/2's, which have to bring something
    ├─ bodies     what comes is read within its limits
    │  └─ codings   and unpacked, so far as it may be large
    ├─ answers    what an answer's head says
    └─ failures   whatever went wrong, as a FetchError

Redirects are followed by the client, one by one, so that every step is a request like any
other: with its host's turn, its check of the address, and what is left of the time.
"""

from __future__ import annotations

from aggregator.fetch.client import Fetcher
from aggregator.fetch.urls import ca_file_for, shown, with_credentials_of

__all__ = ["Fetcher", "ca_file_for", "shown", "with_credentials_of"]
