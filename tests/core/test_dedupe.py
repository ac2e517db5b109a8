from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.dedupe import decide, fingerprint
from aggregator.core.model import Entry

NOW = datetime(2021, 8, 1, tzinfo=UTC)


def entry(key: str, digest: str = "d", title: str = "") -> Entry:
    return Entry(
        feed_id="f", key=key, digest=digest, article_id="", url="", link="", base="", title=title,
        author="", outlet="", published=NOW, date_given="", first_seen=NOW, summary="", content="",
    )  # fmt: skip


def test_entries_are_new_revised_or_known() -> None:
    new, revised, known = entry("new"), entry("revised", "after"), entry("known", "same")
    decision = decide([new, revised, known], {"revised": "before", "known": "same", "gone": "x"})
    assert decision.new == (new,)
    assert decision.revised == (revised,)
    assert decision.known == 1


def test_of_one_entry_twice_the_first_counts() -> None:
    first, second = entry("a", "1", "first"), entry("a", "2", "second")
    assert decide([first, second], {}).new == (first,)
    assert decide([first, second], {"a": "1"}).revised == ()
    assert decide([first, second], {"a": "1"}).known == 1


KEYS = st.sampled_from("abc")
DIGESTS = st.sampled_from("12")


@given(st.lists(st.builds(entry, KEYS, DIGESTS)), st.dictionaries(KEYS, DIGESTS))
def test_every_key_is_counted_once_and_a_second_poll_brings_nothing(
    entries: list[Entry], known: dict[str, str]
) -> None:
    decision = decide(entries, known)
    total = len(decision.new) + len(decision.revised) + decision.known
    assert total == len({each.key for each in entries})
    stored = known | {each.key: each.digest for each in decision.new + decision.revised}
    again = decide(entries, stored)
    assert again.new == again.revised == ()


LONG = "塔利班代表团在天津会见了中方官员" * 20
SHORT = "塔利班代表团在天津会见了中方官员" * 3


def test_equal_texts_have_equal_fingerprints_whatever_the_title() -> None:
    assert fingerprint("一", LONG) == fingerprint("二", LONG) != fingerprint("一", LONG + "完")
    assert len(fingerprint("一", LONG)) == 32


def test_short_texts_are_told_apart_by_their_titles() -> None:
    assert fingerprint("台股初段 7月28日", SHORT) != fingerprint("台股初段 7月29日", SHORT)
    assert fingerprint("台 股，初段", SHORT) == fingerprint("台股初段", SHORT)


def test_a_text_too_short_to_tell_anything_has_none() -> None:
    assert fingerprint("标题", LONG[:39]) == ""
    assert fingerprint("标题", LONG[:40]) != ""
    assert fingerprint("标题", "") == ""


def test_the_title_stops_counting_at_200_letters() -> None:
    assert fingerprint("一", LONG[:199]) != fingerprint("二", LONG[:199])
    assert fingerprint("一", LONG[:200]) == fingerprint("二", LONG[:200])
