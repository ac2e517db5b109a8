"""The command that shows how an article comes out: of a page, or of what is stored."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from aggregator.cli_common import Setting, as_json, end, require_known
from aggregator.console import print_json, print_line
from aggregator.errors import AggregatorError

if TYPE_CHECKING:
    from aggregator.config import Config
    from aggregator.preview import Preview, Stored, Target


@click.command()
@click.argument("what", metavar="URL|ENTRY")
@click.option("--feed", "feed_id", default="", help="Fetch the page; read it by this feed's rules.")
@click.option("--page", "as_page", is_flag=True, help="Fetch the page, whatever is stored of it.")
@click.option("--offline", is_flag=True, help="Fetch nothing: only what is stored.")
@click.option("--html", "as_html", is_flag=True, help="The body as HTML.")
@as_json
@click.pass_obj
def preview(
    setting: Setting,
    what: str,
    feed_id: str,
    as_page: bool,
    offline: bool,
    as_html: bool,
    as_json: bool,
) -> None:
    """The page, what each rule did, and the article that comes out.

    ENTRY is the id of a stored article, or 8 digits or more of its beginning; a URL of which
    entries are stored is shown with them. Nothing is written to the store.
    """
    config = setting.config()
    if feed_id:
        require_known(feed_id, "feed", [spec.id for spec in config.feeds])
    if offline and (as_page or feed_id):
        raise click.UsageError("--page and --feed fetch the page, and --offline fetches nothing")
    from aggregator import preview_report
    from aggregator.preview import preview_article, read_target

    target = read_target(what)
    if target is None:
        raise click.UsageError(
            f"neither a URL (https://…) nor an article's id (8 hex digits or more): {what}"
        )
    as_page = as_page or bool(feed_id)
    stored = None if target.url and as_page else _stored(setting, config, target, offline)
    if stored is None or as_page:
        result = _of_page(config, target.url, stored, feed_id)
    else:
        result = asyncio.run(preview_article(config, stored, offline))
    if as_json:
        print_json(preview_report.preview_report(result))
    else:
        print_line("\n".join(preview_report.preview_lines(result, as_html)))
    end(result.problems)


def _stored(setting: Setting, config: Config, target: Target, offline: bool) -> Stored | None:
    """The stored article that is meant; None for a URL that is not stored and may be fetched.

    Raises click.UsageError if several may be meant, AggregatorError if there is none.
    """
    from aggregator.preview import candidates, existing_store, read_stored

    with existing_store(config, setting.state) as store:
        found = candidates(store, config, target) if store else ()
        if len(found) > 1:
            listed = "".join(f"\n  {one.id}  {' '.join(one.title.split())}" for one in found)
            raise click.UsageError(f"several articles are meant; say which:{listed}")
        if store and found:
            return read_stored(store, config, found[0], target)
    if target.beginning:
        raise AggregatorError(
            "no such article is stored",
            f"article {target.beginning}",
            "published feeds and the pages name ids; or give the URL of its page",
        )
    if offline:
        raise AggregatorError("no entry of it is stored", target.url, "leave out --offline")
    return None


def _of_page(config: Config, url: str, stored: Stored | None, feed_id: str) -> Preview:
    """The page at `url`, or that of a stored article as its feed leads to it."""
    from aggregator.daemon import clock
    from aggregator.preview import preview_page

    specs = {spec.id: spec for spec in config.feeds}
    spec = specs.get(feed_id)
    if stored is not None:
        entry = next((entry for entry in stored.material.entries if entry.url), None)
        if entry is None:
            raise AggregatorError("none of its entries has a link", f"article {stored.id}")
        url, spec = entry.link, spec or specs.get(entry.feed_id)
    return asyncio.run(preview_page(config, url, spec, clock()))
