"""`[fetch]`: how feeds and pages are asked for, and within what limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Annotated

from pydantic import Field, PlainValidator

from aggregator.config import values
from aggregator.config.tables import Table


@dataclass(frozen=True)
class FetchSettings:
    contact: str = ""
    """For the User-Agent header; a mail address stands in `From` as well."""
    sender: str = ""
    """The mail address in `From`, whatever `contact` is: the key `from`."""
    site: str = ""
    """The site whose readers it is for, where others can reach it: of `[server]`, no key of its
    own. For the User-Agent header where `contact` is no URL.
    """
    interval: timedelta = timedelta(hours=1)
    interval_min: timedelta = timedelta(minutes=15)
    interval_max: timedelta = timedelta(hours=24)
    concurrency: int = 64
    """Requests at once that have only just begun: those that take longer make room for others."""
    per_host: int = 2
    pace: timedelta = timedelta(seconds=1)
    """The time between two requests to one host, on average; zero: as fast as they come."""
    timeout: timedelta = timedelta(seconds=30)
    """For a whole request, from the name look-up to the last byte."""
    max_bytes: int = 20_000_000
    """The most that is read of one answer, on the wire and after decompression."""
    proxy: str = ""
    """The origin of an HTTP proxy, with credentials if it wants them."""
    allow_private: tuple[str, ...] = ()
    """IP addresses, networks and host:port that may be asked although they are not public."""
    resolve: Mapping[str, str] = field(default_factory=dict)
    """The origin to ask in place of a host; links and the Host header stay the real ones."""
    workers: int = 0
    """Processes for the work on texts; 0 is one for each core."""


Duration = Annotated[timedelta, PlainValidator(values.duration)]


class FetchTable(Table):
    contact: Annotated[str, PlainValidator(values.header_text)] = FetchSettings.contact
    sender: Annotated[str, PlainValidator(values.mail_address)] = Field(
        default=FetchSettings.sender, alias="from"
    )
    interval: Duration = FetchSettings.interval
    interval_min: Duration = FetchSettings.interval_min
    interval_max: Duration = FetchSettings.interval_max
    concurrency: Annotated[int, PlainValidator(values.whole_number(1, 10_000))] = (
        FetchSettings.concurrency
    )
    per_host: Annotated[int, PlainValidator(values.whole_number(1, 100))] = FetchSettings.per_host
    pace: Annotated[timedelta, PlainValidator(values.pause)] = FetchSettings.pace
    timeout: Duration = FetchSettings.timeout
    max_bytes: Annotated[int, PlainValidator(values.size)] = FetchSettings.max_bytes
    proxy: Annotated[str, PlainValidator(values.proxy_address)] = FetchSettings.proxy
    allow_private: tuple[Annotated[str, PlainValidator(values.private_place)], ...] = ()
    resolve: dict[
        Annotated[str, PlainValidator(values.host_name)],
        Annotated[str, PlainValidator(values.origin)],
    ] = Field(default_factory=dict)
    workers: Annotated[int, PlainValidator(values.whole_number(0, 1_024))] = FetchSettings.workers


def shown_fetch(fetch: FetchSettings) -> dict[str, object]:
    """As JSON can carry it, in the file's words, secrets masked."""
    settings = asdict(fetch)
    del settings["site"]
    durations = ("interval", "interval_min", "interval_max", "pace", "timeout")
    return (
        settings
        | {"from": settings.pop("sender")}
        | {name: values.duration_text(getattr(fetch, name)) for name in durations}
        | {
            "proxy": values.masked(fetch.proxy),
            "allow_private": list(fetch.allow_private),
            "resolve": {host: values.masked(to) for host, to in fetch.resolve.items()},
        }
    )
