"""What stands at a path, and putting it back: byte for byte, or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from claude_ls.workspace.files import MAX_BYTES, FileProblem
from claude_ls.workspace.path_state import ABSENT, PathState, as_text, look, put_back

FILE = PathState("file", 0o640, b"bytes \xff\x00\r\n")
STATES: dict[str, PathState] = {
    "absent": ABSENT,
    "file": FILE,
    "other bytes": PathState("file", 0o640, b""),
    "other mode": PathState("file", 0o755, FILE.data),
    "link": PathState("link", link="somewhere/else"),
    "other link": PathState("link", link="/"),
}


def make(path: Path, state: PathState) -> None:
    if state.kind == "file":
        path.write_bytes(state.data)
        path.chmod(state.mode)
    elif state.kind == "link":
        path.symlink_to(state.link)


@pytest.mark.parametrize("then", STATES)
@pytest.mark.parametrize("now", STATES)
def test_every_state_can_be_put_in_the_place_of_every_other(tmp_path: Path, now: str, then: str) -> None:
    path = tmp_path / "it"
    make(path, STATES[now])
    assert look(path) == STATES[now]
    put_back(path, STATES[then], STATES[now])
    assert look(path) == STATES[then]
    assert [left.name for left in tmp_path.iterdir()] == (["it"] if then != "absent" else [])


@pytest.mark.parametrize("then", STATES)
@pytest.mark.parametrize("now", STATES)
def test_what_was_not_expected_is_kept(tmp_path: Path, now: str, then: str) -> None:
    path = tmp_path / "it"
    make(path, STATES[now])
    expected = PathState("file", 0o600, b"something else")
    if now == then:
        put_back(path, STATES[then], expected)
    else:
        with pytest.raises(FileProblem, match="changed meanwhile"):
            put_back(path, STATES[then], expected)
    assert look(path) == STATES[now]


@pytest.mark.parametrize("then", ["absent", "file", "link"])
@pytest.mark.parametrize(("make_it", "kind"), [(Path.mkdir, "folder"), (os.mkfifo, "other")])
def test_folders_and_pipes_are_left_alone(
    tmp_path: Path, then: str, make_it: Callable[[Path], None], kind: str
) -> None:
    path = tmp_path / "it"
    make_it(path)
    assert look(path).kind == kind
    with pytest.raises(FileProblem, match="now, and is kept"):
        put_back(path, STATES[then], look(path))
    assert look(path).kind == kind


def test_folders_that_are_missing_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "it"
    assert look(path) == ABSENT
    put_back(path, FILE, ABSENT)
    assert look(path) == FILE


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("theirs")
    path = tmp_path / "it"
    path.symlink_to("target")
    put_back(path, FILE, look(path))
    assert (look(path), target.read_text()) == (FILE, "theirs")


def test_a_file_where_a_folder_should_be_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    assert look(tmp_path / "a" / "it") == ABSENT
    with pytest.raises(FileProblem, match="cannot be brought back"):
        put_back(tmp_path / "a" / "it", FILE, ABSENT)


def test_what_is_too_large_is_said(tmp_path: Path) -> None:
    path = tmp_path / "it"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(FileProblem, match="too large"):
        look(path)


def test_the_bytes_are_written_before_the_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk is full in the middle, what was there is there still."""
    path = tmp_path / "it"
    make(path, FILE)
    calls: list[str] = []
    synced = os.fsync

    def fsync(descriptor: int) -> None:
        calls.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        synced(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    put_back(path, STATES["other bytes"], FILE)
    assert calls == ["file", "folder"]

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileProblem, match="No space left"):
        put_back(path, FILE, STATES["other bytes"])
    assert look(path) == STATES["other bytes"]
    assert [left.name for left in tmp_path.iterdir()] == ["it"]


def test_bytes_that_are_no_text_are_told_apart() -> None:
    assert as_text(b"\xff") != as_text(b"\xfe") != as_text("\ufffd".encode())
    assert as_text("äöü\r\n".encode()) == "äöü\r\n"
