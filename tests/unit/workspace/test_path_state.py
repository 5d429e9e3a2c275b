"""What stands at a path, and putting it back: byte for byte, or not at all."""

from __future__ import annotations

import itertools
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
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


PAIRS = list(itertools.permutations(STATES, 2))


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


@pytest.mark.parametrize("link", ["./x//y/", "../z", "a\nb", os.fsdecode(b"\xff"), "/"])
def test_a_link_leads_where_it_did_to_the_letter(tmp_path: Path, link: str) -> None:
    path = tmp_path / "it"
    os.symlink(link, path)  # noqa: PTH211 (a Path would tidy it up)
    state = look(path)
    assert state.link == link
    path.unlink()
    put_back(path, state, ABSENT)
    assert os.readlink(path) == link  # noqa: PTH115


@pytest.mark.parametrize("then", ["absent", "file", "other mode", "link"])
def test_no_link_on_the_way_is_followed(tmp_path: Path, then: str) -> None:
    """The folder was moved away, and a link to a place of somebody else put in its place."""
    theirs, folder = tmp_path / "theirs", tmp_path / "folder"
    theirs.mkdir()
    make(theirs / "it", STATES["other bytes"])
    folder.symlink_to("theirs")
    with pytest.raises(FileProblem, match="'folder' on the way to it is a link"):
        put_back(folder / "it", STATES[then], STATES["other bytes"])
    with pytest.raises(FileProblem, match="'folder' on the way to it is a link"):
        put_back(folder / "deep" / "new", FILE, ABSENT)
    assert look(theirs / "it") == STATES["other bytes"]
    assert [path.name for path in theirs.iterdir()] == ["it"]


def test_other_names_of_the_file_keep_naming_it(tmp_path: Path) -> None:
    path, other = tmp_path / "it", tmp_path / "other"
    for then in (FILE, PathState("file", 0o600, b"longer than it was before" * 1000), PathState("file", 0o755, b"")):
        if not path.exists():
            path.write_bytes(b"new")
            os.link(path, other)
        put_back(path, then, look(path))
        assert look(path) == look(other) == then
        assert path.stat().st_ino == other.stat().st_ino
    assert sorted(left.name for left in tmp_path.iterdir()) == ["it", "other"]


def test_a_file_with_other_names_is_whole_after_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, other = tmp_path / "it", tmp_path / "other"
    make(path, FILE)
    os.link(path, other)
    write = os.pwrite

    def pwrite(descriptor: int, data: bytes, offset: int) -> int:
        if offset >= len(FILE.data):
            raise OSError(28, "No space left on device")
        return write(descriptor, data[:4], offset)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", pwrite)
        with pytest.raises(FileProblem, match="No space left"):
            put_back(path, PathState("file", 0o600, b"x" * 100), FILE)
    assert look(path) == look(other) == FILE

    def fsync(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(FileProblem, match="Input/output error"):
        put_back(path, PathState("file", 0o600, b"x"), FILE)
    assert look(path) == look(other) == FILE


@pytest.mark.parametrize("name", ["字" * 85, "x" * 255, "\U0001f600" * 63, os.fsdecode(b"\xff" * 255)])
@pytest.mark.parametrize("then", ["file", "link"])
def test_a_name_may_be_as_long_as_names_can_be(tmp_path: Path, name: str, then: str) -> None:
    path = tmp_path / name
    make(path, STATES["other bytes"])
    put_back(path, STATES[then], STATES["other bytes"])
    assert look(path) == STATES[then]


@pytest.mark.parametrize("call", ["open", "fchmod", "fsync", "rename", "link", "symlink", "unlink", "mkdir"])
@pytest.mark.parametrize(("now", "then"), PAIRS)
def test_it_is_old_or_new_whatever_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: str, then: str, call: str
) -> None:
    path = tmp_path / "a" / "it"
    if now != "absent":
        path.parent.mkdir()
    make(path, STATES[now])
    before = sorted(tmp_path.rglob("*"))
    real = getattr(os, call)

    def fails(name: object, *values: object, **more: object) -> object:
        """Fails wherever something would be changed, but not where what was begun is cleared away."""
        changes = call not in ("open", "unlink") or (call == "open" and values[:1] and int(str(values[0])) & os.O_CREAT)
        if call == "unlink":
            changes = name == "it"
        if call == "fsync" and isinstance(name, int):
            changes = stat.S_ISREG(os.fstat(name).st_mode)
        if changes:
            raise OSError(28, "No space left on device")
        return real(name, *values, **more)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fails)
        try:
            put_back(path, STATES[then], STATES[now])
        except FileProblem as problem:
            assert "No space left" in str(problem)
            wanted = STATES[now]
        else:
            wanted = STATES[then]
    found = look(path)
    # Whether the mode alone has reached the disk is the one thing that cannot be taken back, and need not.
    assert found == wanted or (call == "fsync" and found == STATES[then] and found.data == STATES[now].data)
    if wanted == STATES[now]:
        assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_cannot_be_synced_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(22, "Invalid argument")
        synced(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    put_back(tmp_path / "it", FILE, ABSENT)
    assert look(tmp_path / "it") == FILE


@pytest.mark.parametrize(("now", "then"), PAIRS)
def test_what_is_written_in_the_last_moment_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: str, then: str
) -> None:
    """Somebody saves between the first look and the end."""
    path = tmp_path / "it"
    make(path, STATES[now])
    opened = os.open
    saved: list[bool] = []

    def save_first(name: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if name == "." and not saved:
            saved.append(True)
            path.unlink(missing_ok=True)
            path.write_bytes(b"saved")
        return opened(name, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", save_first)
    with pytest.raises(FileProblem, match="changed meanwhile"):
        put_back(path, STATES[then], STATES[now])
    assert path.read_bytes() == b"saved"
    assert [left.name for left in tmp_path.iterdir()] == ["it"]


def test_a_name_that_is_taken_in_the_last_moment_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "it"
    linked = os.link

    def link(*values: str, **more: int) -> None:
        path.write_bytes(b"saved")
        linked(*values, **more)

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(FileProblem, match="changed meanwhile"):
        put_back(path, FILE, ABSENT)
    assert path.read_bytes() == b"saved"
    assert [left.name for left in tmp_path.iterdir()] == ["it"]


def test_what_becomes_a_pipe_while_we_look_does_not_hold_us_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "it"
    make(path, FILE)
    opened = os.open

    def open_late(name: str, flags: int, *, dir_fd: int | None = None) -> int:
        path.unlink()
        os.mkfifo(path)
        return opened(name, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", open_late)
    assert look(path).kind == "other"


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """A folder in which nothing can be made by whoever runs this: even root is somebody else in it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for state in STATES:
            make(folder / state, STATES[state])
            if STATES[state].kind == "file":
                (folder / state).chmod(STATES[state].mode | 0o444)
        folder.chmod(0o555)
        was = os.geteuid()
        if was == 0:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if was == 0:
                os.seteuid(0)
            folder.chmod(0o755)


@pytest.mark.parametrize(("now", "then"), [pair for pair in PAIRS if set(pair) != {"file", "other mode"}])
def test_where_nothing_may_be_written_nothing_is(closed_folder: Path, now: str, then: str) -> None:
    path = closed_folder / now
    before, names = look(path), sorted(closed_folder.iterdir())
    with pytest.raises(FileProblem, match="cannot be brought back"):
        put_back(path, STATES[then], before)
    assert (look(path), sorted(closed_folder.iterdir())) == (before, names)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_a_file_keeps_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "it"
    make(path, FILE)
    os.chown(path, 1234, 2345)
    put_back(path, PathState("file", 0o4755, b"old"), look(path))
    assert look(path) == PathState("file", 0o4755, b"old")
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 2345)


def test_a_folder_that_is_made_is_as_open_as_the_one_above(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    put_back(tmp_path / "a" / "b" / "it", FILE, ABSENT)
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (tmp_path / "a", tmp_path / "a" / "b")} == {0o750}


@pytest.mark.parametrize("kind", ["folder", "other"])
def test_what_was_no_file_then_is_said(tmp_path: Path, kind: str) -> None:
    assert kind in ("folder", "other")
    state = PathState("folder") if kind == "folder" else PathState("other")
    with pytest.raises(FileProblem, match="then"):
        put_back(tmp_path / "it", state, ABSENT)
    assert list(tmp_path.iterdir()) == []
