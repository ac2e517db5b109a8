"""`bench.quality extract`: bodies of captured pages against their known text.

The score of a page is the F1 of the character 4-grams, each as often as it occurs, of what was
extracted and of what is known, both without white space. A page on which a contestant fails
scores 0 for it.

Ours is what the product publishes: extracted, then cleaned, and the plain text of that. The rules
of a source family apply where the truth names the page's address, as they do in the product.
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import trafilatura

from aggregator.core.clean import clean_body
from aggregator.core.extract import extract
from aggregator.core.parse_bytes import decode_page
from aggregator.core.text import detect_language, plain_text
from aggregator.errors import ExtractError
from aggregator.sources import family_of_page

UNKNOWN_URL = "https://news.example.org/2021/article.html"
"""For a page whose address the truth does not name: a host of no family."""

GRAM = 4
"""Characters."""


@dataclass(frozen=True, slots=True)
class Page:
    """A captured page, where it is from ("" if unknown), and the text of its article."""

    name: str
    body: bytes
    url: str
    truth: str


def grams(text: str) -> Counter[str]:
    """How often each run of 4 characters occurs in `text` without its white space."""
    dense = "".join(text.split())
    return Counter(dense[at : at + GRAM] for at in range(len(dense) - GRAM + 1))


def f1(given: str, known: str) -> float:
    """From 0 (nothing in common) to 1 (the same)."""
    ours, theirs = grams(given), grams(known)
    return 2 * (ours & theirs).total() / max(ours.total() + theirs.total(), 1)


# --- the pages and what is known of them --------------------------------------------------------


def read_pages(folder: Path, truth: Path) -> Iterator[Page]:
    """The pages `truth` knows the text of; of each there must be a file in `folder`.

    Two formats of truth are known by their keys: by file name with `body`, and by the name of
    the file without `.html.gz` with `articleBody` and `url`. Raises ValueError for another one,
    FileNotFoundError for a page that is missing.
    """
    known = json.loads(truth.read_text("utf-8"))
    if not isinstance(known, dict) or not known:
        raise ValueError(f"{truth}: no JSON object of pages")
    for name, row in known.items():
        if "articleBody" in row:
            packed = (folder / f"{name}.html.gz").read_bytes()
            yield Page(name, gzip.decompress(packed), row.get("url", ""), row["articleBody"])
        elif "body" in row:
            yield Page(name, (folder / name).read_bytes(), row.get("url", ""), row["body"])
        else:
            raise ValueError(f"{truth}: {name} has neither body nor articleBody")


# --- the contestants ----------------------------------------------------------------------------


def ours(page: Page) -> str:
    url = page.url or UNKNOWN_URL
    family = family_of_page(url)
    try:
        extracted = extract(page.body, {}, url, family.page)
    except ExtractError:
        return ""
    return plain_text(clean_body(extracted.body, extracted.url, family.clean).html)


def with_trafilatura(page: Page) -> str:
    return trafilatura.extract(decode_page(page.body, {})) or ""


def with_readability(page: Page) -> str:
    import readability  # peers are not among the requirements

    return plain_text(readability.Document(decode_page(page.body, {})).summary())


def with_newspaper(page: Page) -> str:
    import newspaper

    # it wants an address, and to be told of Chinese; other languages it finds by itself
    told = {"language": "zh"} if detect_language(page.truth).startswith("zh") else {}
    article = newspaper.Article(page.url or UNKNOWN_URL, fetch_images=False, **told)
    article.download(input_html=decode_page(page.body, {}))
    article.parse()
    return article.text or ""


CONTESTANTS: Mapping[str, Callable[[Page], str]] = {
    "ours": ours,
    "trafilatura": with_trafilatura,
    "readability": with_readability,
    "newspaper4k": with_newspaper,
}


def measure(pages: Iterator[Page], contestants: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """The score of each page, by contestant."""
    scores: dict[str, dict[str, float]] = {name: {} for name in contestants}
    for page in pages:
        for name in contestants:
            scores[name][page.name] = f1(_text(name, page), page.truth)
    return scores


def _text(contestant: str, page: Page) -> str:
    try:
        return CONTESTANTS[contestant](page)
    except Exception as error:
        if contestant == "ours":
            raise  # a bug is not a low score
        print(f"{contestant} fails on {page.name}: {error!r}", file=sys.stderr)
        return ""


# --- the command --------------------------------------------------------------------------------


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("extract", help="bodies of captured pages against known text")
    parser.add_argument("--pages", type=Path, required=True, help="the folder of the pages")
    parser.add_argument("--truth", type=Path, required=True, help="JSON: the text of each page")
    parser.add_argument("--only", choices=tuple(CONTESTANTS), help="one contestant alone")
    parser.add_argument("--json", action="store_true", help="all scores as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    logging.disable(logging.WARNING)  # peers note much that they then work around
    contestants = (options.only,) if options.only else tuple(CONTESTANTS)
    try:
        scores = measure(read_pages(options.pages, options.truth), contestants)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        logging.disable(logging.NOTSET)
    means = {name: statistics.fmean(pages.values()) for name, pages in scores.items()}
    if options.json:
        result = {name: {"mean": means[name], "pages": scores[name]} for name in contestants}
        print(json.dumps(result, ensure_ascii=False, indent=1))
    else:
        _print_table(scores, means)
    return 0


def _print_table(scores: Mapping[str, Mapping[str, float]], means: Mapping[str, float]) -> None:
    print(" ".join([f"{'page':32}", *(f"{name:>12}" for name in scores)]))
    for page in next(iter(scores.values())):
        row = (f"{scores[name][page]:12.4f}" for name in scores)
        print(" ".join([f"{page[:32]:32}", *row]))
    print(" ".join([f"{'mean':32}", *(f"{means[name]:12.4f}" for name in scores)]))
