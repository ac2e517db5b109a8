"""Everything that can go wrong and that a person can do something about.

AggregatorError               what, where, what to do
├── ConfigError               config.toml: every problem of the file at once
├── QueryError                a query: what was expected, at which column
├── ArchiveError              an archive file that is in no known format
├── FetchError                the network: dns, connect, tls, timeout, http_status, too_large …
├── NotAFeed                  the answer came, but no entries can be read from it
├── ExtractError              a page from which no article can be read
├── WorkerError               a worker process that hung, died or grew
│   └── WorkersGone             there is none to do the work
├── Quarantined               bytes that took a worker down twice, and are set aside
├── StoreError                the database
│   ├── StoreLocked             another process writes to it
│   ├── StoreReadOnly           it cannot be written
│   ├── StoreNewer              a newer version of the program made it
│   ├── StoreDamaged            it is not a sound database
│   └── StoreFull               the disk is full
├── RulingError               what a person said of articles cannot be so
├── OutputError               an edition could not be written
└── ListenError               the address to serve on cannot be used

These are shown as one line and never with a traceback. Anything else that is
raised is a bug. Each is made from positional values only, so that it can
travel between processes.
"""

from __future__ import annotations

from dataclasses import dataclass


class AggregatorError(Exception):
    """A failure a person can act on.

    Takes `what` happened, `where` (a feed, key, file or URL; may be empty) and
    a `hint`, what to do about it (may be empty). `str()` gives one line.
    """

    kind = "error"
    """One word for counts and metrics, in the field's terms."""

    exit_status = 1

    def __init__(self, what: str, where: str = "", hint: str = "") -> None:
        super().__init__(what, where, hint)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        line = f"{self.where}: {self.what}" if self.where else self.what
        return f"{line} ({self.hint})" if self.hint else line


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file: `file:line: key: what; hint`. Line 0: the whole file."""

    file: str
    line: int
    key: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        parts = [place, self.key, self.what] if self.key else [place, self.what]
        line = ": ".join(parts)
        return f"{line} ({self.hint})" if self.hint else line


class ConfigError(AggregatorError):
    """Takes every problem of the file. `str()` gives a line each."""

    kind = "config"
    exit_status = 2

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        Exception.__init__(self, problems)
        self.problems = problems
        self.what = "\n".join(str(problem) for problem in problems)
        self.where = self.hint = ""

    def __str__(self) -> str:
        return self.what


class QueryError(AggregatorError):
    """Takes the query's `text`, the `column` (1-based) of the mistake, and what is wrong there."""

    kind = "query"
    exit_status = 2

    def __init__(self, what: str, text: str, column: int, hint: str = "") -> None:
        Exception.__init__(self, what, text, column, hint)
        self.what = what
        self.text = text
        self.column = column
        self.where = f"column {column}"
        self.hint = hint


class ArchiveError(AggregatorError):
    kind = "archive"


class FetchError(AggregatorError):
    """A request that brought nothing. `kind` is one of `dns connect tls timeout http_status
    too_large redirect protocol blocked_address`; `status` is the HTTP status, 0 where none came;
    `retry_after` the seconds the server asked for, None where it did not.
    """

    def __init__(
        self,
        kind: str,
        what: str,
        where: str = "",
        hint: str = "",
        status: int = 0,
        retry_after: float | None = None,
    ) -> None:
        Exception.__init__(self, kind, what, where, hint, status, retry_after)
        self.kind = kind
        self.what = what
        self.where = where
        self.hint = hint
        self.status = status
        self.retry_after = retry_after
        self.led_away = False
        """Whether a redirect led to who gave it."""


class NotAFeed(AggregatorError):
    kind = "not_a_feed"


class ExtractError(AggregatorError):
    kind = "extract"


class WorkerError(AggregatorError):
    kind = "worker"


class WorkersGone(WorkerError):
    kind = "workers"


class Quarantined(AggregatorError):
    kind = "quarantine"


class StoreError(AggregatorError):
    kind = "store"


class StoreLocked(StoreError):
    kind = "store_locked"


class StoreReadOnly(StoreError):
    kind = "store_read_only"


class StoreNewer(StoreError):
    kind = "store_newer"
    exit_status = 2


class StoreDamaged(StoreError):
    kind = "store_damaged"


class StoreFull(StoreError):
    kind = "disk_full"


class RulingError(AggregatorError):
    kind = "ruling"


class OutputError(AggregatorError):
    kind = "output"


class ListenError(AggregatorError):
    kind = "listen"
    exit_status = 2
