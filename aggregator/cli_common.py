"""What the commands share: where things are, and how a command says what it did."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aggregator.console import Table, print_error, print_json, print_tables

if TYPE_CHECKING:
    from aggregator.config import Config
    from aggregator.store import Store

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON document instead.")


@dataclass(frozen=True)
class Setting:
    """Where the configuration is, and the state; None: where it is by default."""

    config_path: Path
    state_option: Path | None

    @property
    def state(self) -> Path:
        from aggregator.daemon import state_folder

        return self.state_option or state_folder(os.environ)

    def config(self) -> Config:
        """Raises ConfigError."""
        from aggregator.config import load_config
        from aggregator.sources import NAMES

        return load_config(self.config_path, NAMES)

    @contextlib.contextmanager
    def store(self, config: Config) -> Iterator[Store]:
        """Raises StoreError."""
        from aggregator.daemon import store_url
        from aggregator.store import Store

        with contextlib.closing(Store.open(store_url(config, self.state))) as store:
            yield store


def require_known(given: str, what: str, known: Sequence[str]) -> None:
    """Raises click.UsageError for an id that the configuration does not have."""
    if given not in known:
        from difflib import get_close_matches

        near = get_close_matches(given, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise click.UsageError(f"no such {what} in the configuration: {given}{hint}")


def show(report: object, tables: Sequence[Table], as_json: bool) -> None:
    """What a command has found: for machines, or for people."""
    if as_json:
        print_json(report)
    else:
        print_tables(tables)


def end(problems: Sequence[str], failed: bool = False) -> None:
    """Says what went wrong, and ends with status 1 if anything did."""
    for problem in problems:
        print_error(problem)
    if problems or failed:
        sys.exit(1)


def span(since: str) -> timedelta:
    """The length of time that `--since` says, in the words of config.toml."""
    from aggregator.config.values import Wrong, duration

    try:
        return duration(since)
    except Wrong as error:
        raise click.BadParameter(error.what, param_hint="--since") from error
