"""Worker processes: what they give and raise, and what happens when one hangs, dies or grows."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.errors import ConfigError, FetchError, QueryError, WorkerError
from aggregator.workers import GREW, HEAVY, Workers
from tests import worker_tasks as tasks

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def shared_workers() -> Iterator[Workers]:
    """One process, at most 2 s for a task: what a test does to it the next one must survive."""
    made = Workers(count=1, seconds=2, megabytes=512)
    yield made
    made.close()


@pytest.fixture
def workers(shared_workers: Workers) -> Iterator[Workers]:
    yield shared_workers
    assert asyncio.run(shared_workers.run(tasks.double, 21))[0] == 42, "the next task works"


def test_a_task_runs_in_another_process(workers: Workers) -> None:
    number, process = asyncio.run(workers.run(tasks.double, 4, plus=1))
    assert number == 9
    assert process != os.getpid()


def test_tasks_may_wait_together(workers: Workers) -> None:
    async def many() -> list[tuple[int, int]]:
        return await asyncio.gather(*(workers.run(tasks.double, n) for n in range(50)))

    assert [number for number, _ in asyncio.run(many())] == [2 * n for n in range(50)]


def test_errors_of_the_tree_arrive_as_they_were_raised(workers: Workers) -> None:
    with pytest.raises(FetchError) as fetch:
        asyncio.run(workers.run(tasks.fail_in_words))
    assert (fetch.value.kind, fetch.value.status, fetch.value.retry_after) == (
        "http_status",
        429,
        60.0,
    )
    with pytest.raises(QueryError) as query:
        asyncio.run(workers.run(tasks.fail_in_a_query))
    assert str(query.value) == "column 6: a word is missing (close it)"
    with pytest.raises(ConfigError) as config:
        asyncio.run(workers.run(tasks.fail_in_the_config))
    assert config.value.problems[0].line == 3


def test_a_bug_arrives_as_itself(workers: Workers) -> None:
    with pytest.raises(KeyError, match="no such key"):
        asyncio.run(workers.run(tasks.fail_as_a_bug))


def test_an_exception_that_cannot_travel_arrives_in_words(workers: Workers) -> None:
    with pytest.raises(RuntimeError, match="Untravelled: odd trouble"):
        asyncio.run(workers.run(tasks.fail_untravelled))


def test_a_task_that_exits_does_not_end_the_parent(workers: Workers) -> None:
    with pytest.raises(RuntimeError, match="SystemExit"):
        asyncio.run(workers.run(tasks.system_exit))


def test_a_result_that_cannot_travel_fails_only_its_task(workers: Workers) -> None:
    with pytest.raises(WorkerError):
        asyncio.run(workers.run(tasks.give_what_cannot_travel))


def test_a_task_that_hangs_is_ended_at_the_limit(workers: Workers) -> None:
    asyncio.run(workers.run(tasks.double, 1))
    started = time.monotonic()
    with pytest.raises(WorkerError, match="longer than 2 s"):
        asyncio.run(workers.run(tasks.hang))
    assert 1.9 < time.monotonic() - started < 19, "it did not wait to be found stuck"


def test_a_task_that_is_stuck_without_working_is_ended_too() -> None:
    workers = Workers(count=1, seconds=0.05)
    try:
        with pytest.raises(WorkerError, match="stuck for 3 s"):
            asyncio.run(workers.run(tasks.be_stuck))
        assert asyncio.run(workers.run(tasks.double, 2))[0] == 4
    finally:
        workers.close()


def test_a_task_that_waits_for_another_is_not_stuck() -> None:
    workers = Workers(count=1, seconds=0.05)

    async def scenario() -> None:
        stuck = asyncio.create_task(workers.run(tasks.be_stuck))
        await asyncio.sleep(0.5)
        waits = asyncio.create_task(workers.run(tasks.double, 2))
        with pytest.raises(WorkerError, match="stuck for 3 s"):
            await stuck
        assert (await waits)[0] == 4

    try:
        asyncio.run(scenario())
    finally:
        workers.close()


IN_FAST_TIME = """
import asyncio, time
from aggregator.workers import Workers
from tests import worker_tasks as tasks

if __name__ == "__main__":
    workers = Workers(count=1, seconds=0.1)
    began = time.time()
    asyncio.run(workers.run(tasks.be_stuck))  # ten minutes: two seconds and a half
    assert time.time() - began > 590, "the clock is fast"
    workers.close()
"""

FAKETIME = [
    library
    for folder in Path("/usr/lib").glob("*-linux-gnu/faketime")
    for library in folder.glob("libfaketimeMT.so.1")
]


@pytest.mark.parametrize("library", FAKETIME, ids=lambda library: library.name)
def test_a_fast_clock_makes_no_task_stuck(tmp_path: Path, library: Path) -> None:
    script = tmp_path / "fast.py"
    script.write_text(IN_FAST_TIME)
    done = subprocess.run(
        [sys.executable, str(script)],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "LD_PRELOAD": str(library),
            "FAKETIME": "@2026-03-01 00:00:00 x240",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_tasks_one_after_another_each_have_the_whole_time() -> None:
    workers = Workers(count=1, seconds=0.5)
    try:
        for _ in range(4):
            asyncio.run(workers.run(tasks.work, 0.3))
    finally:
        workers.close()


def test_a_worker_that_exits_fails_only_its_task(workers: Workers) -> None:
    with pytest.raises(WorkerError, match="exit status 7"):
        asyncio.run(workers.run(tasks.exit_now, 7))


def test_a_worker_that_is_killed_fails_only_its_task(workers: Workers) -> None:
    with pytest.raises(WorkerError, match="SIGKILL"):
        asyncio.run(workers.run(tasks.kill_itself))


def test_a_worker_killed_while_it_has_nothing_to_do_is_replaced(workers: Workers) -> None:
    for pause in (0.0, 0.5):
        _, process = asyncio.run(workers.run(tasks.double, 1))
        os.kill(process, signal.SIGKILL)
        time.sleep(pause)
        number, other = asyncio.run(workers.run(tasks.double, 5))
        assert number == 10
        assert other != process


def test_a_task_that_needs_too_much_memory_is_ended(workers: Workers) -> None:
    with pytest.raises(WorkerError, match="memory"):
        asyncio.run(workers.run(tasks.grow, 600))
    assert asyncio.run(workers.run(tasks.grow, 10)) == 10 * 1024 * 1024


def test_what_a_task_leaves_behind_is_given_back(workers: Workers) -> None:
    before = asyncio.run(workers.run(tasks.resident))
    asyncio.run(workers.run(tasks.grow_in_circles, 200))
    assert asyncio.run(workers.run(tasks.resident)) < before + 2 * GREW


def test_a_worker_that_is_large_anyway_looks_for_nothing_to_give_back() -> None:
    workers = Workers(count=1, seconds=2)  # what others left in theirs would be too much with this
    try:
        collected = asyncio.run(workers.run(tasks.keep_much, 150))
        for _ in range(3):
            assert asyncio.run(workers.run(tasks.collections)) == collected + 1, "after it grew"
    finally:
        workers.close()


def test_tasks_that_are_given_much_leave_one_worker_to_the_others(tmp_path: Path) -> None:
    go = tmp_path / "go"
    workers = Workers(count=2, seconds=20)

    async def scenario() -> list[int]:
        given = b"x" * (HEAVY + 1)
        heavy = [asyncio.create_task(workers.run(tasks.wait_for, go, given)) for _ in range(3)]
        await asyncio.sleep(0)  # they stand before all others
        async with asyncio.timeout(60):  # in which a worker starts
            for number in range(4):
                assert (await workers.run(tasks.double, number))[0] == 2 * number
        assert not any(task.done() for task in heavy)
        go.touch()
        return await asyncio.gather(*heavy)

    try:
        assert asyncio.run(scenario()) == [HEAVY + 1] * 3
    finally:
        workers.close()


def test_a_cancelled_task_gives_its_worker_back(workers: Workers, tmp_path: Path) -> None:
    started = tmp_path / "started"

    async def scenario() -> tuple[int, int]:
        hanging = asyncio.create_task(workers.run(tasks.hang, started))
        while not started.exists():  # noqa: ASYNC110 - it is another process that makes it
            await asyncio.sleep(0.02)
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging
        return await workers.run(tasks.double, 3)

    assert asyncio.run(scenario())[0] == 6


def test_closed_workers_take_no_more_tasks() -> None:
    workers = Workers(count=1, seconds=5)
    assert asyncio.run(workers.run(tasks.double, 1))[0] == 2
    workers.close()
    with pytest.raises(WorkerError, match="closed"):
        asyncio.run(workers.run(tasks.double, 1))


def test_workers_that_were_never_asked_close() -> None:
    Workers(count=1).close()


PARENT = """
import asyncio, sys
from pathlib import Path
from aggregator.workers import Workers
from tests import worker_tasks as tasks

async def main(folder):
    workers = Workers(count=2, seconds=600)
    await asyncio.gather(*(workers.run(tasks.hang, folder / str(n)) for n in range(2)))

if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
"""


def test_workers_do_not_outlive_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, str(script), str(tmp_path)], env=environment) as parent:
        try:
            children = [_process_in(tmp_path / str(n)) for n in range(2)]
        finally:
            parent.kill()
    assert len({parent.pid, *children}) == 3
    deadline = time.monotonic() + 5
    while any(_runs(child) for child in children):
        assert time.monotonic() < deadline, "a worker outlived its parent"
        time.sleep(0.05)


def _process_in(file: Path) -> int:
    deadline = time.monotonic() + 30
    while not (file.exists() and file.read_text()):
        assert time.monotonic() < deadline, "the worker did not start"
        time.sleep(0.05)
    return int(file.read_text())


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
