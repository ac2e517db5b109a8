"""Publishing to files: whole or not at all, and only what has changed."""

from __future__ import annotations

import fcntl
import gzip
import os
import resource
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.errors import OutputError
from aggregator.outputs.files import EditionFiles

WHEN = datetime(2021, 11, 24, 13, 5, tzinfo=UTC)
PATH = "topics/afghanistan.atom"


@pytest.fixture
def files(tmp_path: Path) -> EditionFiles:
    return EditionFiles(tmp_path / "published")


def test_what_is_written_is_read_with_its_validators(files: EditionFiles) -> None:
    assert files.write(PATH, b"<feed/>", WHEN)
    published = files.read(PATH)
    assert published is not None
    assert published.body == b"<feed/>"
    assert gzip.decompress(published.gzipped) == b"<feed/>"
    assert published.last_modified == WHEN
    assert published.media_type == "application/atom+xml"
    assert published.etag.startswith('"')
    assert published.etag.endswith('"')


def test_other_web_servers_can_read_both_forms(files: EditionFiles) -> None:
    files.write(PATH, b"<feed/>", WHEN)
    plain = files.folder / PATH
    compressed = files.folder / f"{PATH}.gz"
    assert gzip.decompress(compressed.read_bytes()) == plain.read_bytes() == b"<feed/>"
    for file in (plain, compressed):
        assert file.stat().st_mtime == WHEN.timestamp()
        assert stat.S_IMODE(file.stat().st_mode) & 0o400
    assert sorted(f.name for f in plain.parent.iterdir()) == [
        "afghanistan.atom",
        "afghanistan.atom.gz",
    ]


def test_the_same_bytes_are_not_written_again(files: EditionFiles) -> None:
    files.write(PATH, b"<feed/>", WHEN)
    before = (files.folder / PATH).stat()
    assert not files.write(PATH, b"<feed/>", WHEN + timedelta(hours=1))
    after = (files.folder / PATH).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_other_bytes_have_another_tag_and_a_later_time(files: EditionFiles) -> None:
    files.write(PATH, b"one", WHEN)
    first = files.read(PATH)
    assert files.write(PATH, b"two", WHEN)
    second = files.read(PATH)
    assert first is not None
    assert second is not None
    assert second.body == b"two"
    assert gzip.decompress(second.gzipped) == b"two"
    assert first.etag != second.etag
    assert first.last_modified < second.last_modified


def test_the_same_bytes_have_the_same_forms_everywhere(tmp_path: Path) -> None:
    one, two = EditionFiles(tmp_path / "one"), EditionFiles(tmp_path / "two")
    for files in (one, two):
        files.write(PATH, b"<feed/>" * 100, WHEN)
    assert one.read(PATH) == two.read(PATH)


def test_a_file_changed_by_another_process_is_read_anew(files: EditionFiles) -> None:
    files.write(PATH, b"one", WHEN)
    assert files.read(PATH) is not None
    EditionFiles(files.folder).write(PATH, b"two", WHEN)
    published = files.read(PATH)
    assert published is not None
    assert published.body == b"two"


def test_an_unchanged_file_is_read_from_memory(files: EditionFiles) -> None:
    files.write(PATH, b"one", WHEN)
    assert files.read(PATH) is files.read(PATH)


@pytest.mark.parametrize("wrong", [b"", b"no gzip", gzip.compress(b"other"), b"\x1f\x8b\x08\x00"])
def test_a_gzip_form_that_does_not_belong_to_the_file_is_not_served(
    files: EditionFiles, wrong: bytes
) -> None:
    files.write(PATH, b"<feed/>", WHEN)
    (files.folder / f"{PATH}.gz").write_bytes(wrong)
    published = EditionFiles(files.folder).read(PATH)
    assert published is not None
    assert gzip.decompress(published.gzipped) == b"<feed/>"
    assert not files.write(PATH, b"<feed/>", WHEN)
    assert gzip.decompress((files.folder / f"{PATH}.gz").read_bytes()) == b"<feed/>"


def test_a_missing_gzip_form_is_made(files: EditionFiles) -> None:
    files.write(PATH, b"<feed/>", WHEN)
    (files.folder / f"{PATH}.gz").unlink()
    published = files.read(PATH)
    assert published is not None
    assert gzip.decompress(published.gzipped) == b"<feed/>"


def test_what_is_not_there_is_none(files: EditionFiles) -> None:
    assert files.read("all.atom") is None
    (files.folder / "topics").mkdir()
    assert files.read("topics/x.atom") is None


@pytest.mark.parametrize(
    "path",
    [
        "../secret.atom",
        "topics/../../secret.atom",
        "/etc/passwd",
        "topics//x.atom",
        ".hidden",
        "",
        ".",
        "..",
        "topics/..",
        "a\x00b",
        "a\\..\\b",
        "topics/x.atom\n",
        "all.atom.gz",
    ],
)
def test_no_path_leads_out_of_the_folder(files: EditionFiles, path: str) -> None:
    (files.folder.parent / "secret.atom").write_bytes(b"secret")
    assert files.read(path) is None
    with pytest.raises(OutputError, match="not a path"):
        files.write(path, b"x", WHEN)
    with pytest.raises(OutputError, match="not a path"):
        files.remove(path)
    assert (files.folder.parent / "secret.atom").read_bytes() == b"secret"


def test_a_removed_file_is_gone_in_both_forms(files: EditionFiles) -> None:
    files.write(PATH, b"<feed/>", WHEN)
    files.read(PATH)
    assert files.paths() == (PATH,)
    assert files.remove(PATH)
    assert not files.remove(PATH)
    assert files.read(PATH) is None
    assert files.paths() == ()
    assert list((files.folder / "topics").iterdir()) == []


def test_what_a_killed_process_left_is_cleared_away_at_start(files: EditionFiles) -> None:
    files.write(PATH, b"<feed/>", WHEN)
    leftover = files.folder / "topics" / ".afghanistan.atom.0123abcd.tmp"
    leftover.write_bytes(b"<fe")
    in_use = files.folder / ".all.atom.0123abcd.tmp"
    foreign = files.folder / ".note.tmp"
    foreign.write_bytes(b"somebody's")
    with in_use.open("wb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        EditionFiles(files.folder)
        assert in_use.exists()
    assert not leftover.exists()
    assert foreign.exists()
    assert files.paths() == (PATH,)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(files: EditionFiles) -> None:
    """The limit on file sizes stands for a full disk: the write itself fails half-way."""
    files.write(PATH, b"old", WHEN)
    program = (
        "import resource, signal, sys\n"
        "from datetime import UTC, datetime\n"
        "from pathlib import Path\n"
        "from aggregator.errors import OutputError\n"
        "from aggregator.outputs.files import EditionFiles\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "files = EditionFiles(Path(sys.argv[1]))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "try:\n"
        "    files.write(sys.argv[2], b'new' * 100_000, datetime.now(UTC))\n"
        "except OutputError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(files.folder), PATH],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert "afghanistan.atom: file too large" in done.stdout
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 20_000
    published = files.read(PATH)
    assert published is not None
    assert published.body == b"old"
    assert gzip.decompress(published.gzipped) == b"old"
    assert not list(files.folder.rglob("*.tmp"))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError) as caught:
        EditionFiles(tmp_path / "file" / "published")
    assert str(tmp_path / "file" / "published") in str(caught.value)
    assert caught.value.hint


def test_a_folder_where_the_file_should_be_is_an_output_error(files: EditionFiles) -> None:
    (files.folder / PATH).mkdir(parents=True)
    with pytest.raises(OutputError, match=r"afghanistan\.atom"):
        files.write(PATH, b"x", WHEN)
    with pytest.raises(OutputError, match=r"afghanistan\.atom"):
        files.read(PATH)
