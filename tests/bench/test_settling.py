"""What bench.settling measures, on few articles: the run, the simulated archive, and its room."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from aggregator.engines.regrouping import GROUPED
from aggregator.store.copies import era_of
from bench.labelled import Item
from bench.settling import INDEX, opened, sizes
from bench.settling_archive import Archive, Pattern, read_pattern
from bench.settling_items import Work, compose
from bench.settling_targets import SQLiteTarget
from bench.settling_watch import Figures, figures, run

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)
SUBJECTS = ("地震", "新能源汽车", "阿富汗会谈", "央行逆回购", "大雪预警", "世界杯预选赛")
COPIED = (
    "喀布尔国际机场自2月3日起重新接待国际航班，首批航班来自多哈、伊斯坦布尔和迪拜，每周共12班。"
)


def item(at: int, body: str, feed: str = "one") -> Item:
    published = NOON + timedelta(hours=at)
    return Item(f"{feed}-{at}", feed, feed, "", f"{body[:12]}：第{at}报", body, published)


ITEMS = [
    *(item(at, f"{subject}的第{at}条消息，{subject}另有{at * 37}人参加。" * (at + 2))
      for at, subject in enumerate(SUBJECTS)),
    item(20, COPIED * 2),
    item(20, COPIED * 2, "two"),
]  # fmt: skip


@pytest.fixture
def works() -> list[Work]:
    return list(compose(ITEMS).works)


@pytest.fixture
def pattern(tmp_path: Path, works: list[Work]) -> Pattern:
    with opened(f"sqlite:///{tmp_path}/pattern.db", works) as database:
        run(database, works)
        with database.read() as connection:
            return read_pattern(connection)


def test_every_article_is_timed_and_one_of_equal_text_is_merged(
    tmp_path: Path, works: list[Work]
) -> None:
    with opened(f"sqlite:///{tmp_path}/new.db", works) as database:
        done = run(database, works)
    assert done.outcomes == {"made": len(ITEMS) - 1, "merged": 1}
    parts = done.parts
    assert 0 < parts["duplicates"].mean < parts["together"].mean < parts["wall"].mean
    assert parts["wall"].mean == pytest.approx(parts["together"].mean + parts["storing"].mean)
    assert done.same is not None
    assert done.same.median > 0


def test_without_duplicates_and_stories_only_storing_is_left(
    tmp_path: Path, works: list[Work]
) -> None:
    with opened(f"sqlite:///{tmp_path}/bare.db", works) as database:
        done = run(database, works, bare=True)
        with database.read() as connection:
            kept = [
                connection.execute(text(f"SELECT count(*) FROM {table}")).scalar()
                for table in ("sketches", "members", "word_log")
            ]
    assert done.outcomes == {"made": len(ITEMS)}
    assert done.parts["together"].mean == 0
    assert kept == [0, 0, 0]


def test_the_archive_has_what_the_product_would_have_of_so_many_articles(
    tmp_path: Path, works: list[Work], pattern: Pattern
) -> None:
    file = f"{tmp_path}/archive.db"
    with opened(f"sqlite:///{file}", []):
        pass
    number = 40
    target = SQLiteTarget(file)
    Archive(pattern, number, NOON, sources=3).write(target, lambda _: None)
    target.close()
    with opened(f"sqlite:///{file}", works) as database:
        with database.read() as connection:
            counts = {
                table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar()
                for table in ("sketches", "story_prints", "members", "events", "sources")
            }
            unplaced = connection.execute(
                text(
                    "SELECT count(*) FROM members LEFT JOIN events ON events.id = event_id"
                    " LEFT JOIN stories ON stories.id = story_id WHERE stories.id IS NULL"
                )
            ).scalar()
        done = run(database, works)
        room = sizes(database, "sqlite")
    assert counts["sketches"] == counts["story_prints"] == counts["members"] == number
    assert 0 < counts["events"] <= number
    assert counts["sources"] == 3
    assert unplaced == 0
    # nothing of it is taken for what comes later
    assert done.outcomes == {"made": len(ITEMS) - 1, "merged": 1}
    assert all(room[name] > 0 for name in INDEX)


def test_of_old_articles_only_their_places_are_kept(pattern: Pattern) -> None:
    class Written:
        def __init__(self) -> None:
            self.rows: dict[str, list[tuple[object, ...]]] = {}

        def moment(self, value: datetime) -> object:
            return value

        def write(self, table: str, columns: object, rows: object) -> None:
            self.rows.setdefault(table, []).extend(tuple(row) for row in rows)

    written = Written()
    number = 60
    archive = Archive(pattern, number, NOON, sources=1, a_day=1)
    archive.write(written, lambda _: None)
    assert len(written.rows["articles"]) == len(written.rows["members"]) == number
    assert len(written.rows["story_prints"]) == GROUPED.days
    kept = sum(era_of(NOON - timedelta(days=day)) >= era_of(NOON - GROUPED) for day in range(1, 61))
    assert len(written.rows["sketches"]) == kept


def test_figures_are_of_all_values() -> None:
    assert figures([float(n) for n in range(100)]) == Figures(49.5, 95.0, 49.5)
    assert Counter(INDEX)["sketch_hashes"] == 1
