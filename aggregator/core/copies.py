"""Whether two articles are the same text, and which way: copies by content. Pure.

    CopyText, CopyText --compare--> Evidence --judge--> Relation

Containment is the share of the shorter text's runs of five letters that the longer one has, of both
the first 10,000 letters. Taken alone it is right on 57 of 100 pairs: market notes of every day,
digests and two reports of one event share as much. So titles, numbers and dates are asked as well.
When in doubt, nothing.

| what is seen                                         | what follows                             |
|------------------------------------------------------|------------------------------------------|
| the same canonical URL                               | revision                                 |
| fewer than 40 letters, or containment < .50          | none                                     |
| of 3 or more numbers < .60 in the longer ¹           | none: a template with other figures      |
| shorter than half; of a list or not at the beginning | digest_contains from .75, else none      |
| one outlet, short, with other figures or days ¹      | none: a template                         |
| one outlet, one title, over 12 hours, < .85 equal    | none: the next instalment of a column    |
| each title has a number that the other article lacks | none, but for ≥ 500 letters, ≥ .85 equal |
| one outlet, titles < .40 alike, text changed         | none: the next report, parts of this one |
| contained ≥ .85 either way; at another outlet ≥ .70  | copy, whatever the titles                |
|   with all its numbers, of two or more               |                                          |
| shorter's title < .50 in the longer's beginning      | none: another report of the event        |
| contained enough: .60, of excerpts .63, of one       | copy if ≥ .70 as long, else excerpt      |
|   outlet .70, under another title .70 to .80,        |                                          |
|   under the same title .50, of excerpts with all     |                                          |
|   their numbers .55                                  |                                          |

¹ Not of what is surely the same: 200 letters that came again under their title within a day (half a
day at one outlet), or ≥ .85 equal at another outlet. Numbers of a dateline do not count between
outlets: who takes a text over dates it anew. (So seven more of 4,893 pairs of 2026 that share text
were found, all copies: 市场监管总局向社会公开征求意见, 许昆林当选辽宁省人大常委会主任.)

On the labelled pairs of 2026: precision 1.00, recall .95. How the limits do on pairs that they were
not chosen by, on perturbed texts and on the posts of 2020, says `bench/README.md`. Tried and given
up: an excerpt from deep inside a longer text (a digest's items and quoted paragraphs look the same;
the one labelled copy that is missed is of this kind); a missing title taken for agreement; numbers
asked always (a live report's figures change while its text stays).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aggregator.core.copy_evidence import CopyText, Evidence, compare

Kind = Literal["copy", "excerpt", "digest_contains", "revision", "none"]

DUPLICATE: frozenset[Kind] = frozenset({"copy", "excerpt", "revision"})
"""The relations of one article. A digest and what it contains are two."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts as the same. Shares are of containment where nothing else is said."""

    letters: int = 40
    """Texts that share fewer may still be two (照片, 点击查看)."""
    least: float = 0.50
    """Under the same title and about as long: one report in two versions."""
    containment: float = 0.60
    """The least for other pairs; of two reports written separately some reach .55."""
    same_outlet: float = 0.70
    """An outlet repeats its own background paragraphs from report to report."""
    excerpt: float = 0.63
    """Of a text less than half as long: fewer runs, so chance has more part in it."""
    titled_excerpt: float = 0.55
    """Under the same title, with all its numbers."""
    other_title: float = 0.80
    """Of an excerpt whose title is not alike."""
    no_title: float = 0.70
    """Where the titles have nothing in common, or there is none."""
    whole: float = 0.85
    """Either way: the text hardly changed. Mirrors and sections retitle what they take over."""
    nearly_whole: float = 0.70
    """Either way, where all numbers are the same."""
    unchanged: float = 0.98
    """Of the longer's runs: the same to a few letters."""
    part: float = 0.75
    """Of an item in a digest: digests shorten, and nothing is merged by it."""
    head: float = 0.50
    """Of the shorter's title, in the longer's title and beginning: both are about the same."""
    head_again: float = 0.80
    """At one outlet, of a summary under another title; or of one title cut short to the other."""
    titled: float = 0.30
    """Of titles: alike for an excerpt, whose title is often cut."""
    retitled: float = 0.40
    """Of titles at one outlet: below, it is the next report rather than the same one retitled."""
    title_again: float = 0.60
    """Of titles: the same with a word more or less."""
    same_title: float = 0.80
    """Of titles: the same."""
    numbered: int = 3
    """Numbers of a text; fewer may agree or differ by chance."""
    numbers: float = 0.60
    """Of the shorter's numbers: daily notes share their sentences, not their figures."""
    few_numbers: float = 0.30
    """Of them: so few agree in no version of one text."""
    half: float = 0.50
    """Of the longer's length: below, the shorter is a part of it rather than a version."""
    versions: float = 0.40
    """Of the longer's length: one that grew while it was written may be so much shorter."""
    about_as_long: float = 0.60
    copy: float = 0.70
    """Of the longer's length: from here on a copy, below an excerpt."""
    long: int = 500
    """Letters that no template has: the longest of daily notes are of 400."""
    short: int = 200
    """Letters: a notice."""
    same_day: float = 12
    """Hours: a report again at the same outlet. By half a day on it is the next day's note."""
    next_day: float = 24
    """Hours: what another outlet takes over, it takes over by then."""
    next_note: float = 18
    """Hours from which a notice that comes again at its outlet is the next day's, even word for
    word (人民銀行將進行600億元逆回購操作)."""
    another_day: float = 36
    """Hours from which a text of less than 500 letters is, if it changed at all."""


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Relation:
    """What the first article is to the second; `score` is the containment."""

    kind: Kind
    score: float = 0.0
    of_second: bool = False
    """Of an excerpt, or of what a digest contains: it is the second that is in the first."""


NONE = Relation("none")


def relate(first: CopyText, second: CopyText) -> Relation:
    """What the first article is to the second."""
    return judge(compare(first, second))


def judge(seen: Evidence, limits: Limits = LIMITS) -> Relation:
    """What two articles with so much in common are to each other: the table above, from its top."""
    score = round(seen.containment, 3)
    if seen.same_url:
        return Relation("revision", score)
    if seen.length < limits.letters or seen.containment < limits.least:
        return NONE
    surely = _is_surely_same(seen, limits)
    if _has_other_figures(seen, limits) and not surely:
        return NONE
    if _is_part(seen, limits):
        found = seen.containment >= limits.part
        return Relation("digest_contains", score, seen.swapped) if found else NONE
    if seen.same_outlet and _is_next_notice(seen, limits) and not surely:
        return NONE
    if seen.same_outlet and _is_next_instalment(seen, limits):
        return NONE
    if _has_other_subject(seen, limits):
        return NONE
    if seen.same_outlet and not _is_same_report(seen, limits):
        return NONE
    if seen.both >= limits.whole or _is_same_in_all_figures(seen, limits):
        return Relation("copy", score)
    if seen.head < limits.head or seen.containment < _enough(seen, limits):
        return NONE
    if seen.ratio >= limits.copy:
        return Relation("copy", score)
    return Relation("excerpt", score, seen.swapped)


def _has_other_figures(seen: Evidence, limits: Limits) -> bool:
    """The sentences of a note that comes every day, with the figures of another day."""
    return seen.numbered >= limits.numbered and seen.numbers < limits.numbers


def _is_surely_same(seen: Evidence, limits: Limits) -> bool:
    """No notice but a text of some length, that came under its title again within a day or is
    hardly changed at another outlet: its figures may have been brought up to date.
    """
    if seen.numbers < limits.few_numbers or seen.length < limits.short:
        return False
    if not seen.same_outlet and seen.both >= limits.whole:
        return True
    return (
        seen.containment >= limits.containment
        and seen.titles >= limits.title_again
        and seen.ratio >= limits.versions
        and seen.hours <= (limits.same_day if seen.same_outlet else limits.next_day)
    )


def _is_next_notice(seen: Evidence, limits: Limits) -> bool:
    """Of one outlet: it differs from an earlier one in the day, a few figures or names."""
    if seen.hours >= limits.next_note and seen.length < limits.short:
        return True
    if (
        seen.hours >= limits.another_day
        and seen.length < limits.long
        and seen.back < limits.unchanged
    ):
        return True
    if (
        seen.hours <= limits.same_day
        and seen.titles >= limits.same_title
        and seen.containment >= limits.part
    ):
        return False
    changed = seen.numbers < 1 and seen.back_numbers < 1
    return changed and seen.length < limits.long and seen.ratio >= limits.half


def _is_next_instalment(seen: Evidence, limits: Limits) -> bool:
    """Of a column: each day under its title, with its introduction, and what is new that day."""
    again = seen.titles >= limits.same_title and seen.hours > limits.same_day
    return again and seen.both < limits.whole and seen.ratio >= limits.half


def _has_other_subject(seen: Evidence, limits: Limits) -> bool:
    """Page 3 and page 4, the first and the second quarter; but a headline may count anew."""
    hardly_changed = seen.both >= limits.whole and seen.length >= limits.long
    return seen.conflict and not hardly_changed


def _is_same_in_all_figures(seen: Evidence, limits: Limits) -> bool:
    """Nearly all of a text, with every number, at another outlet: under whatever title."""
    agree = seen.numbered >= 2 and seen.numbers == seen.back_numbers == 1
    return not seen.same_outlet and agree and seen.both >= limits.nearly_whole


def _is_part(seen: Evidence, limits: Limits) -> bool:
    """The longer text is about more than the shorter: a digest, or a report that quotes it."""
    listed = seen.listing and seen.titles < limits.same_title
    return seen.ratio < limits.half and (listed or seen.head < limits.head)


def _is_same_report(seen: Evidence, limits: Limits) -> bool:
    """Of one outlet: the same text under another title, not the next report with parts of it."""
    if max(seen.titles, seen.head) < limits.head:
        return False
    return (
        seen.titles >= limits.retitled
        or seen.both >= limits.whole
        or (
            seen.containment >= limits.other_title
            and max(seen.head, seen.title_part) >= limits.head_again
        )
    )


def _enough(seen: Evidence, limits: Limits) -> float:
    """The containment that makes it the same text."""
    if seen.titles >= limits.same_title and seen.ratio >= limits.about_as_long:
        return limits.least
    if seen.titles >= limits.same_title and seen.numbered >= 2 and seen.numbers == 1:
        return limits.titled_excerpt
    enough = limits.containment
    if seen.same_outlet and seen.titles < limits.title_again:
        enough = max(enough, limits.same_outlet)
    if seen.titles < 0.1:
        enough = max(enough, limits.no_title)
    if seen.ratio < limits.half:
        titled = seen.titles >= limits.titled
        enough = max(enough, limits.excerpt if titled else limits.other_title)
    return enough
