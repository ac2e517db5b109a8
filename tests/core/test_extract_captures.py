"""Captured Chinese pages with their bodies cut by each site's own selector; collected only where
the captures lie beside the project."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from aggregator.core.clean import clean_body
from aggregator.core.extract import extract
from tests.conftest import SHARED

PAGES = SHARED / "captures" / "pages" / "gne"
TRUTH = PAGES / "DERIVED_bodies.json"
BODIES: dict[str, dict[str, str]] = json.loads(TRUTH.read_text("utf-8")) if TRUTH.exists() else {}


def grams(text: str) -> Counter[str]:
    letters = re.sub(r"\W+", "", text)
    return Counter(letters[at : at + 4] for at in range(len(letters) - 3))


def f1(given: str, expected: str) -> float:
    ours, theirs = grams(given), grams(expected)
    return 2 * (ours & theirs).total() / max(ours.total() + theirs.total(), 1)


@pytest.mark.parametrize("name", sorted(BODIES))
def test_a_captured_page_gives_its_body_without_rules_for_its_site(name: str) -> None:
    extracted = extract((PAGES / name).read_bytes(), {}, "https://news.example.org/a.html")
    cleaned = clean_body(extracted.body, extracted.url)
    assert f1(cleaned.text + cleaned.captions, BODIES[name]["body"]) > 0.84
    assert extracted.title
