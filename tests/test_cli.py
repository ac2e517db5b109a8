"""The commands as a person or a script runs them: arguments, output, exit status."""

from __future__ import annotations

import json
import os
import pty
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aggregator.demo.newsroom import Newsroom, find_seeds, serve
from tests.conftest import REPO
from tests.running import Installation, free_port

SEEDS = str(REPO / "seeds")
TOPIC = """
[[topics]]
id = "afghanistan"
title = "阿富汗"
query = "阿富汗 OR 塔利班"
"""
COMMANDS = {
    "run": ("run",),
    "poll": ("poll",),
    "demo": ("demo",),
    "check": ("check",),
    "config show": ("config", "show"),
    "feeds": ("feeds",),
    "status": ("status",),
    "topic test": ("topic", "test"),
    "import": ("import",),
    "publish": ("publish",),
    "preview": ("preview",),
    "reprocess": ("reprocess",),
}
ON_ANYTHING = (
    ("poll",),
    ("check",),
    ("config", "show"),
    ("feeds",),
    ("status",),
    ("topic", "test", "阿富汗"),
    ("topic", "test", "afghanistan"),
    ("import", SEEDS),
    ("publish",),
    ("reprocess",),
    ("reprocess", "--topic", "afghanistan"),
    ("reprocess", "--feed", "nobody"),
)
"""Commands that are right on a store that has nothing in it."""


def nobody(port: int) -> str:
    """A feed whose host does not answer."""
    return (
        f'[fetch.resolve]\n"nobody.example" = "http://127.0.0.1:{port}"\n'
        '[[feeds]]\nid = "nobody"\nurl = "https://nobody.example/rss"\n'
    )


@pytest.fixture
def place(tmp_path: Path) -> Installation:
    made = Installation(tmp_path)
    made.configure(nobody(free_port()) + TOPIC)
    return made


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """All that a command said of its failure."""
    [line] = done.stderr.splitlines()
    return line


# --- every command -----------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_each_command_has_help(place: Installation, arguments: tuple[str, ...]) -> None:
    done = place.do(*arguments, "--help")
    assert done.returncode == 0
    assert "Usage:" in done.stdout
    assert done.stderr == ""


def test_help_imports_little(place: Installation) -> None:
    done = place.do("--help", env={"PYTHONPROFILEIMPORTTIME": "1"})
    for heavy in ("httpx", "sqlalchemy", "trafilatura", "rich", "uvicorn", "pydantic"):
        assert f" {heavy}\n" not in done.stderr


@pytest.mark.parametrize("arguments", ON_ANYTHING, ids=" ".join)
def test_on_an_empty_store_each_command_works(
    place: Installation, arguments: tuple[str, ...]
) -> None:
    done = place.do(*arguments)
    assert done.returncode == (1 if arguments == ("poll",) else 0), done.stderr
    assert done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", ON_ANYTHING, ids=" ".join)
def test_with_json_each_command_prints_one_document(
    place: Installation, arguments: tuple[str, ...]
) -> None:
    done = place.do(*arguments, "--json")
    json.loads(done.stdout)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("poll", "zz"), "no such feed in the configuration: zz"),
        (("poll", "nobodi"), "did you mean nobody?"),
        (("reprocess", "--topic", "zz"), "no such topic in the configuration: zz"),
        (("reprocess", "--feed", "zz"), "no such feed in the configuration: zz"),
        (("topic", "test", "x", "--since", "3q"), '"3q"'),
        (("feeds", "--bad"), "--bad"),
        (("feeds", "more"), "more"),
        (("nope",), "nope"),
        (("import",), "PATHS"),
        (("import", "/there/is/no/such"), "/there/is/no/such"),
        (("demo", "--json"), "--once"),
        (("demo", "--once", "--listen", "x"), "server.listen"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_use_ends_with_2(place: Installation, arguments: tuple[str, ...], words: str) -> None:
    done = place.do(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_bad_query_is_shown_with_its_column(place: Installation) -> None:
    done = place.do("topic", "test", "阿富汗 (塔利班")
    assert done.returncode == 2
    said, query, mark = done.stderr.splitlines()
    assert said.startswith("aggregator: column 5: ")
    assert query == "  阿富汗 (塔利班"
    assert mark == "  " + " " * len("aabbcc ") + "^"


# --- the configuration -------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [("check",), ("run",), ("poll",), ("feeds",)], ids=" ".join)
def test_every_mistake_of_the_configuration_is_told_and_nothing_is_started(
    place: Installation, arguments: tuple[str, ...]
) -> None:
    place.configure('nmae = 1\n[[topics]]\nid = "a"\ntitle = "A"\nquery = "("\n')
    done = place.do(*arguments)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert lines[0].removeprefix("aggregator: ").startswith(f"{place.config}:3: ")
    assert lines[1].startswith(f"{place.config}:7: ")
    assert not place.state.exists()


def test_check_tells_the_problems_as_json(place: Installation) -> None:
    place.configure("nmae = 1\n")
    done = place.do("check", "--json")
    assert done.returncode == 2
    told = json.loads(done.stdout)
    assert told["ok"] is False
    assert [(problem["line"], problem["key"]) for problem in told["problems"]] == [
        (3, "server.nmae")
    ]


def test_a_configuration_that_is_not_there_is_told(place: Installation) -> None:
    place.config.unlink()
    done = place.do("run")
    assert done.returncode == 2
    assert one_line(done).startswith(f"aggregator: {place.config}: there is no such file")


def test_the_configuration_that_is_shown_can_be_used_and_says_the_same(
    place: Installation, tmp_path: Path
) -> None:
    place.config.write_text((REPO / "config.toml").read_text(encoding="utf-8"))
    shown = place.do("config", "show").stdout
    values = place.told("config", "show")
    place.config.write_text(shown)
    assert place.told("config", "show") == values


# --- the store ---------------------------------------------------------------------------------


def a_file_for_a_folder(place: Installation) -> Path:
    place.state.touch()
    return place.state


def no_database(place: Installation) -> Path:
    place.state.mkdir()
    place.database.write_text("some text that is no database, and long enough to be read " * 99)
    return place.database


def damaged(place: Installation) -> Path:
    place.do("feeds")
    sound = place.database.read_bytes()
    place.database.write_bytes(sound[:8192] + b"\x55" * (len(sound) - 8192))
    return place.database


def newer(place: Installation) -> Path:
    place.do("feeds")
    with sqlite3.connect(place.database) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    return place.database


@pytest.mark.parametrize(
    ("trouble", "status"),
    [(a_file_for_a_folder, 2), (no_database, 1), (damaged, 1), (newer, 2)],
)
@pytest.mark.parametrize("command", ["feeds", "run", "poll"])
def test_a_store_that_cannot_be_used_is_named(
    place: Installation,
    trouble: Callable[[Installation], Path],
    status: int,
    command: str,
) -> None:
    where = trouble(place)
    done = place.do(command)
    assert done.returncode == status
    assert str(where) in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_state_folder_from_the_environment_that_cannot_be_made_is_named(
    place: Installation, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    command = place.command("feeds")
    at = command.index("--state")
    del command[at : at + 2]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "STATE_DIRECTORY": str(tmp_path / "file" / "state")},
    )
    assert done.returncode == 1
    assert f"{tmp_path}/file/state: cannot make the folder" in one_line(done)


def test_a_full_disk_is_told(place: Installation) -> None:
    done = place.do("import", SEEDS, prefix=("prlimit", "--fsize=200000"))
    assert done.returncode == 1
    assert str(place.state) in one_line(done)


def test_reading_commands_work_while_the_daemon_runs(place: Installation) -> None:
    with place.daemon() as daemon:
        assert place.do("import", SEEDS).returncode == 0
        for arguments in (("feeds",), ("status",), ("topic", "test", "阿富汗")):
            assert place.do(*arguments).returncode == 0
        assert daemon.stop() == 0


# --- import, poll ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def newsroom() -> Iterator[tuple[Newsroom, str]]:
    rooms = Newsroom(find_seeds())
    with serve(rooms) as origin:
        yield rooms, origin


def of_newsroom(newsroom: tuple[Newsroom, str]) -> str:
    rooms, origin = newsroom
    resolve = "".join(f'"{host}" = "{origin}"\n' for host in rooms.hosts)
    feeds = "".join(
        f'[[feeds]]\nid = "{spec.id}"\nurl = "{spec.urls[0]}"\noutlet = "{spec.outlet}"\n'
        f'timezone = "{spec.timezone}"\nsource = "{spec.source}"\n'
        for spec in rooms.feeds
    )
    return f"[fetch.resolve]\n{resolve}{feeds}{TOPIC}"


def test_an_import_again_is_known_and_a_poll_of_the_same_articles_merges(
    place: Installation, newsroom: tuple[Newsroom, str]
) -> None:
    place.configure(of_newsroom(newsroom))
    first = place.told("import", SEEDS)
    assert (first["read"], first["new"], first["known"]) == (5, 5, 0)
    second = place.told("import", SEEDS)
    assert (second["read"], second["new"], second["known"]) == (5, 0, 5)
    assert place.told("status")["topics"]["afghanistan"]["articles"] == 5
    cycle = place.told("poll")
    assert cycle["entries"] == 11
    titles = [item["title"] for item in published(cycle, "afghanistan")]
    assert len(titles) == len(set(titles)) == 5
    assert cycle["articles"] == 5


def published(report: dict[str, Any], topic: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(Path(report["topics"][topic]["json"]).read_bytes())[
        "items"
    ]
    return items


def test_a_file_that_is_no_archive_hinders_no_other(place: Installation, tmp_path: Path) -> None:
    (tmp_path / "note.md").write_text("just a note")
    done = place.do("import", SEEDS, str(tmp_path / "note.md"), "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert (told["new"], len(told["problems"])) == (5, 1)
    assert str(tmp_path / "note.md") in one_line(done)


def test_a_poll_of_named_feeds_polls_these(
    place: Installation, newsroom: tuple[Newsroom, str]
) -> None:
    place.configure(of_newsroom(newsroom))
    told = place.told("poll", "voa", "rfi")
    assert [(poll["feed_id"], poll["status"]) for poll in told["polls"]] == [
        ("rfi", "http_status"),
        ("voa", "new"),
    ]
    assert told["feeds"] == {"polled": 2, "failed": 1, "not_modified": 0}
    assert place.do("poll", "voa").returncode == 0


def test_topic_test_says_which_and_why_and_what_would_change(place: Installation) -> None:
    place.do("import", SEEDS)
    told = place.told("topic", "test", "塔利班 谈判", "--since", "9000d")
    assert 0 < told["matched"] < told["examined"] == 5
    assert all(article["reasons"] for article in told["articles"])
    by_id = place.told("topic", "test", "afghanistan", "--since", "9000d")
    assert (by_id["topic"], by_id["matched"], by_id["joined"]) == ("afghanistan", 5, [])
    place.configure(TOPIC.replace("阿富汗 OR 塔利班", "塔利班 谈判"))
    changed = place.told("topic", "test", "afghanistan", "--since", "9000d")
    assert len(changed["left"]) == 5 - told["matched"]


# --- where it prints ---------------------------------------------------------------------------


def test_who_stops_reading_hears_no_complaint(place: Installation) -> None:
    for arguments in (("config", "show"), ("feeds",), ("--help",)):
        with subprocess.Popen(
            place.command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            assert process.stderr.read() == b""


@pytest.mark.parametrize("arguments", [("feeds",), ("--help",), ("check", "--json")], ids=" ".join)
def test_output_that_cannot_be_written_is_told(
    place: Installation, arguments: tuple[str, ...]
) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            place.command(*arguments), stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert "standard output: cannot be written: no space left" in one_line(done)


def test_without_any_output_it_does_its_work(place: Installation) -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *place.command("import", SEEDS)], check=False
    )
    assert done.returncode == 0
    assert place.told("status")["articles"] == 5


def test_a_terminal_that_lacks_the_letters_gets_their_codes(place: Installation) -> None:
    place.do("import", SEEDS)
    in_ascii = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = place.do("topic", "test", "afghanistan", "--since", "9000d", env=in_ascii)
    assert done.returncode == 0
    assert "\\u" in done.stdout
    asked = ("topic", "test", "afghanistan", "--since", "9000d", "--json")
    assert json.loads(place.do(*asked, env=in_ascii).stdout) == json.loads(place.do(*asked).stdout)


def test_on_a_terminal_there_are_tables_and_progress(place: Installation) -> None:
    shown = on_a_terminal(place.command("poll"))
    assert "polling feeds" in shown
    assert "1/1" in shown
    assert "Feeds" in shown
    assert "│" in shown
    assert "Traceback" not in shown


def on_a_terminal(command: list[str]) -> str:
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        command,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(leader)
    process.wait(timeout=60)
    return shown.decode()
