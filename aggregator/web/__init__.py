"""The web: the published feeds, pages for people, and what operations asks. All of it read-only.

app          the routes, and what is answered when something is wrong
cut_off      requests that the end of the daemon cuts off
site         what the web knows of the rest of the program
feeds        the published feeds and the subscription lists, as they lie on disk
pages        HTML, from the store, made with templates/ and static/
negotiation  what a request's headers ask for (RFC 9110)
responses    the headers every answer carries
"""

from __future__ import annotations

from aggregator.web.app import create_app
from aggregator.web.site import Site

__all__ = ["Site", "create_app"]
