"""How well copies are recognised by content: `python -m bench.copies`. See README.md.

    the labelled pairs                    precision and recall; --cv: of limits chosen without them
    --synthetic                           base articles changed, looked for among all
    --posts                               the posts of 2020, as they would have come in

The data are those of `shared/stories` and `shared/captures/posts` beside the project, or `--data`.
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, product
from pathlib import Path

from aggregator.core.copies import (
    DUPLICATE,
    LIMITS,
    CopyText,
    Evidence,
    Limits,
    Relation,
    compare,
    judge,
    relate,
)
from aggregator.core.sketch import RARE, rank, sketch
from bench.copies_data import (
    COPY,
    Item,
    Pair,
    learn_boilerplate,
    read_corpus,
    read_ids,
    read_pairs,
    read_posts,
    read_texts,
    text_of,
)
from bench.perturb import CHANGES, Source

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"
CORPUS, LABELS, IDS = "corpus.jsonl.xz", "copies.dev.tsv", "neardup_base.dev.json"
SEED = 5

Result = dict[str, object]


# --- the labelled pairs --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judged:
    """How many duplicates were found, found wrongly, and missed."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        return self.right / max(1, self.right + self.wrong)

    @property
    def recall(self) -> float:
        return self.right / max(1, self.right + self.missed)

    @property
    def f1(self) -> float:
        return 2 * self.right / max(1, 2 * self.right + self.wrong + self.missed)

    def result(self) -> Result:
        return {
            "precision": round(self.precision, 4),
            "recall": round(self.recall, 4),
            "right": self.right,
            "wrong": self.wrong,
            "missed": self.missed,
        }


Labelled = tuple[bool, Evidence]


def evidence(pairs: Iterable[Pair], items: Mapping[str, Item]) -> list[Labelled]:
    """Of each pair whether it is one of copies, and what the two have in common."""
    texts = read_texts(items.values(), learn_boilerplate(items.values()))
    return [(each.label == COPY, compare(texts[each.first], texts[each.second])) for each in pairs]


def count(pairs: Iterable[Labelled], limits: Limits = LIMITS) -> Judged:
    seen = Counter((is_copy, judge(each, limits).kind in DUPLICATE) for is_copy, each in pairs)
    return Judged(seen[True, True], seen[False, True], seen[True, False])


GRID = tuple(
    replace(LIMITS, containment=containment, head=head, numbers=numbers, least=least)
    for containment, head, numbers, least in product(
        (0.5, 0.55, 0.6, 0.65, 0.7), (0.35, 0.5, 0.6, 0.7), (0.4, 0.6, 0.75), (0.45, 0.5, 0.6)
    )
)


def cross_validate(pairs: Sequence[Labelled], seed: int, folds: int = 5) -> Judged:
    """Each fifth judged by the limits that did best on the others; of equals the middle one.

    What is chosen anew are the four limits of GRID. The rules themselves, and the other limits,
    were made with all pairs in view.
    """
    shuffled = list(pairs)
    random.Random(seed).shuffle(shuffled)
    total = Judged(0, 0, 0)
    for fold in range(folds):
        rest = [each for at, each in enumerate(shuffled) if at % folds != fold]
        scores = [count(rest, limits).f1 for limits in GRID]
        best = [limits for limits, f1 in zip(GRID, scores, strict=True) if f1 == max(scores)]
        found = count(shuffled[fold::folds], best[len(best) // 2])
        total = Judged(
            total.right + found.right, total.wrong + found.wrong, total.missed + found.missed
        )
    return total


# --- looking for copies --------------------------------------------------------------------------


@dataclass(slots=True)
class Index:
    """The store's inverted index, in memory."""

    texts: dict[str, CopyText] = field(default_factory=dict)
    postings: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    sizes: dict[str, int] = field(default_factory=dict)

    def add(self, text: CopyText) -> None:
        hashes = sketch(text.body)
        for value in hashes:
            if len(self.postings[value]) < RARE:
                self.postings[value].append(text.id)
        self.texts[text.id], self.sizes[text.id] = text, len(hashes)

    def candidates(self, text: CopyText) -> tuple[str, ...]:
        hashes = sketch(text.body)
        found = {value: self.postings[value] for value in hashes if value in self.postings}
        return rank(len(hashes), found, self.sizes)

    def relations(self, text: CopyText) -> Iterator[tuple[str, Relation]]:
        for other in self.candidates(text):
            relation = relate(text, self.texts[other])
            if relation.kind != "none":
                yield other, relation

    def duplicates(self, text: CopyText) -> set[str]:
        return {other for other, relation in self.relations(text) if relation.kind in DUPLICATE}


def synthetic(
    items: Mapping[str, Item], base: Sequence[str], changes: Iterable[str] = CHANGES
) -> dict[str, Result]:
    """Of each change, how many of the base articles it left recognisable, and how many were
    taken for another of the base, all of which are distinct.

    The changed article is of another outlet and its boilerplate not known. The whole corpus is in
    the index. What is added to an article is from outside the base.
    """
    texts = read_texts(items.values(), learn_boilerplate(items.values()))
    index = Index()
    for text in texts.values():
        index.add(text)
    distinct = set(base)
    untouched = sum(bool(index.duplicates(texts[id]) & distinct - {id}) for id in base)
    results: dict[str, Result] = {"untouched": {"false": round(untouched / len(base), 4)}}
    characters = [
        each for id in base[:60] for each in items[id].text if "\u4e00" <= each <= "\u9fff"
    ]
    others = [item.text for item in items.values() if item.id not in distinct]
    source = Source(random.Random(SEED), characters, others)
    for name in changes:
        found = wrong = 0
        for id in base:
            changed = CHANGES[name](replace(items[id], outlet="a mirror"), source)
            matches = index.duplicates(replace(text_of(changed), id="changed"))
            found += id in matches
            wrong += bool(matches & distinct - {id})
        results[name] = {
            "recall": round(found / len(base), 4), "false": round(wrong / len(base), 4)
        }  # fmt: skip
    return results


# --- the posts of 2020 ---------------------------------------------------------------------------

TITLE_OF_EVERY_DAY = 3
"""Posts of one outlet that have the same title, from which on it is taken for a template's."""


def archive(posts: Sequence[Item]) -> Result:
    """What comes of the posts in the order of publication, URLs unknown."""
    texts = read_texts(posts, learn_boilerplate(posts))
    index, milliseconds, compared = Index(), [], 0
    related: dict[tuple[str, str], Relation] = {}
    for post in posts:
        text = texts[post.id]
        began = time.perf_counter()
        for other, relation in index.relations(text):
            related[other, text.id] = relation
        milliseconds.append(1000 * (time.perf_counter() - began))
        compared += len(index.candidates(text))
        index.add(text)
    by_id = {post.id: post for post in posts}
    kinds = Counter(
        f"{_between(by_id[first], by_id[second])}: {relation.kind}"
        for (first, second), relation in related.items()
    )
    merged = {pair for pair, relation in related.items() if relation.kind in DUPLICATE}
    same_url = _pairs_alike(posts, lambda post: post.url)
    templates = _pairs_alike(
        (post for post in posts if post.outlet == "RTHK"),
        lambda post: post.title,
        TITLE_OF_EVERY_DAY,
    )
    return {
        "posts": len(posts),
        "relations": dict(kinds.most_common()),
        "pairs of one URL": len(same_url),
        "of them found by content alone": len(same_url & merged),
        "pairs of one title, RTHK, three times or more": len(templates),
        "of them merged": len(templates & merged),
        "groups by size": _groups(merged),
        "compared per post": round(compared / max(1, len(posts)), 2),
        "milliseconds, median": round(statistics.median(milliseconds), 3),
        "milliseconds, mean": round(statistics.fmean(milliseconds), 3),
    }


def _between(first: Item, second: Item) -> str:
    if first.url and first.url == second.url:
        return "one URL"
    return "one outlet" if first.outlet == second.outlet else "two outlets"


def _pairs_alike(
    posts: Iterable[Item], key: Callable[[Item], str], least: int = 2
) -> set[tuple[str, str]]:
    """The pairs, earlier first, of posts of which at least so many have the same key."""
    groups: dict[str, list[str]] = defaultdict(list)
    for post in posts:
        if key(post):
            groups[key(post)].append(post.id)
    found = (sorted(ids) for ids in groups.values() if len(ids) >= least)
    return {pair for ids in found for pair in combinations(ids, 2)}


def _groups(merged: Iterable[tuple[str, str]]) -> dict[str, int]:
    """How many groups of each size the pairs join into."""
    group: dict[str, set[str]] = {}
    for first, second in merged:
        joined = group.get(first, {first}) | group.get(second, {second})
        for member in joined:
            group[member] = joined
    sizes = Counter(len(each) for each in {frozenset(each) for each in group.values()})
    return {str(size): sizes[size] for size in sorted(sizes)}


# --- the command ---------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="bench.copies", description="Measures how copies are recognised by content."
    )
    parser.add_argument("--data", type=Path, default=SHARED, help="the folder of all data")
    parser.add_argument("--corpus", type=Path, help="items, as JSON lines")
    parser.add_argument("--labels", type=Path, help="labelled pairs")
    parser.add_argument("--ids", type=Path, help="JSON: the articles to change")
    parser.add_argument("--cv", action="store_true", help="limits chosen on other pairs")
    parser.add_argument("--synthetic", action="store_true", help="changed articles looked for")
    parser.add_argument("--posts", action="store_true", help="the posts of 2020")
    parser.add_argument("--json", action="store_true", help="all figures as JSON")
    options = parser.parse_args(arguments)
    try:
        results = measure(options)
    except (OSError, ValueError, KeyError, lzma.LZMAError) as error:
        print(f"the data cannot be read: {error!r}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(results, ensure_ascii=False, indent=1))
    else:
        for name, table in results.items():
            print(f"{name}\n{_printed(table)}\n")
    return 0


def measure(options: argparse.Namespace) -> dict[str, dict[str, object]]:
    stories = options.data / "stories"
    items = read_corpus(options.corpus or stories / CORPUS)
    pairs = evidence(read_pairs(options.labels or stories / LABELS, items), items)
    results: dict[str, dict[str, object]] = {
        "labelled pairs": {"as they are": count(pairs).result()}
    }
    if options.cv:
        results["labelled pairs"] |= {
            f"cross-validated, {seed}": cross_validate(pairs, seed).result() for seed in range(3)
        }
    if options.synthetic:
        base = read_ids(options.ids or stories / IDS, items)
        results["changed articles"] = {**synthetic(items, base)}
    if options.posts:
        results["posts of 2020"] = archive(read_posts(options.data / "captures" / "posts"))
    return results


def _printed(table: Mapping[str, object]) -> str:
    lines = []
    for name, value in table.items():
        if isinstance(value, Mapping):
            value = "  ".join(f"{key} {each}" for key, each in value.items())
        lines.append(f"  {name:46} {value}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
