"""The copy is what the folder would be, whatever either was before, and the folder itself stays as it is."""

from __future__ import annotations

import hashlib
import os
import socket
import stat
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_ls.workspace.folder_copy import CopyProblem, FolderCopy, Limits
from claude_ls.workspace.scratch import remove_tree

MARK = b"\xef\xbb\xbf"
NOBODY = 65534


@pytest.fixture(autouse=True)
def no_list_of_the_persons_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> FolderCopy:
    (tmp_path / "place").mkdir()
    return FolderCopy(folder, tmp_path / "place")


def make(root: Path, files: Mapping[str, str | bytes]) -> None:
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data if isinstance(data, bytes) else data.encode())


def tree(root: Path) -> dict[str, object]:
    """All that is in a folder: files with mode and bytes, links with where they say they lead; not what is a folder."""
    found: dict[str, object] = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            mode = path.lstat().st_mode
            key = path.relative_to(root).as_posix()
            if stat.S_ISLNK(mode):
                found[key] = str(path.readlink())
            elif stat.S_ISREG(mode):
                found[key] = (oct(mode), path.read_bytes())
            elif not stat.S_ISDIR(mode):
                found[key] = oct(mode)
    return found


def digest(root: Path) -> str:
    """Tells a tree from one that is different in anything but the time of the last access."""
    whole = hashlib.sha256()
    for path in sorted(root.rglob("*"), key=os.fspath):
        found = path.lstat()
        whole.update(f"{path} {found.st_mode} {found.st_mtime_ns} {found.st_ino}".encode())
        if stat.S_ISREG(found.st_mode):
            whole.update(path.read_bytes())
        elif stat.S_ISLNK(found.st_mode):
            whole.update(os.fsencode(path.readlink()))
    return whole.hexdigest()


def texts_of(copy: FolderCopy) -> dict[str, str]:
    return {path: path_.read_text() for path in tree(copy.root) if (path_ := copy.root / path).is_file()}


def test_it_holds_what_git_shows_with_modes_and_what_the_editor_has(folder: Path, copy: FolderCopy) -> None:
    make(folder, {"a.py": "a", "in/run.sh": "#!", "x.log": "log", ".gitignore": "*.log\n", ".git/config": "secret"})
    make(folder, {"module/.git": "gitdir: ../.git/modules/module"})
    (folder / "in/run.sh").chmod(0o755)
    (folder / "a.py").chmod(0o444)
    was = digest(folder)
    assert copy.update({"a.py": "A", "in/new/b.py": "b"}) == ()
    assert tree(copy.root) == {
        ".gitignore": ("0o100644", b"*.log\n"),
        "a.py": ("0o100444", b"A"),
        "in/run.sh": ("0o100755", b"#!"),
        "in/new/b.py": ("0o100644", b"b"),
    }
    assert copy.root.name == "project"
    copy.update({"a.py": None, "in": None})
    assert list(tree(copy.root)) == [".gitignore"]
    copy.update({})
    assert texts_of(copy) == {".gitignore": "*.log\n", "a.py": "a", "in/run.sh": "#!"}
    assert digest(folder) == was


def test_texts_are_written_byte_for_byte_and_a_mark_that_the_file_has_stays(folder: Path, copy: FolderCopy) -> None:
    make(folder, {"marked.cs": MARK + b"old\r\n", "plain.txt": "old", "latin.txt": b"\xe9\xff"})
    copy.update({"marked.cs": "neü\r\n\r\x0c\u2028", "plain.txt": "\ufeffnew", "new.txt": "\ufeff\r\n"})
    assert (copy.root / "marked.cs").read_bytes() == MARK + "neü\r\n\r\x0c\u2028".encode()
    assert (copy.root / "plain.txt").read_bytes() == MARK + b"new"
    assert (copy.root / "new.txt").read_bytes() == MARK + b"\r\n"
    assert (copy.root / "latin.txt").read_bytes() == b"\xe9\xff"
    copy.update({"marked.cs": "\ufeffonce"})
    assert (copy.root / "marked.cs").read_bytes() == MARK + b"once"


def test_names_may_be_anything(folder: Path, copy: FolderCopy) -> None:
    names = ["new\nline.py", "astral 𝒳.py", " ", "a\\b", "-rf", "é", "e\u0301", "'\"$(x)`", "tab\t", "x" * 255]
    make(folder, dict.fromkeys(names, "old"))
    odd = os.fsdecode(b"no\xffutf8")
    make(folder, {odd: "bytes"})
    copy.update({"new\nline.py": "new", "deep 𝒴/\x1b[31m": "red"})
    assert texts_of(copy) == dict.fromkeys(names, "old") | {
        "new\nline.py": "new",
        "deep 𝒴/\x1b[31m": "red",
        odd: "bytes",
    }


def test_links_lead_to_the_copy_or_are_left_out(folder: Path, copy: FolderCopy, tmp_path: Path) -> None:
    make(folder, {"in/a.py": "a", "b/c/d": "d"})
    make(tmp_path, {"secret/key": "secret"})
    links = {
        "inner": "in/a.py",
        "absolute": str(folder / "in"),
        "b/up": "../in",
        "b/c/chain": "../up/a.py",
        "dangling": "in/none",
        "outer": str(tmp_path / "secret"),
        "outer_file": "../secret/key",
        "through": "outer/key",
        "roundabout": f"../{folder.name}/in/a.py",
        "loop": "loop",
        "host": "/etc/hostname",
    }
    for path, target in links.items():
        (folder / path).symlink_to(target)
    copy.update({})
    found = {path: value for path, value in tree(copy.root).items() if isinstance(value, str)}
    assert found == {
        "inner": "in/a.py",
        "absolute": "in",
        "b/up": "../in",
        "b/c/chain": "../../in/a.py",
        "dangling": "in/none",
        "roundabout": "in/a.py",
    }
    assert (copy.root / "absolute/a.py").read_text() == "a"
    (folder / "absolute").unlink()
    (folder / "absolute").write_text("a file by now")
    copy.update({"b/up/new.py": "through a link"})
    assert (copy.root / "absolute").read_text() == "a file by now"
    assert (copy.root / "in/new.py").read_text() == "through a link"
    assert not (folder / "in/new.py").exists()


def test_pipes_and_sockets_are_left_out(folder: Path, copy: FolderCopy, monkeypatch: pytest.MonkeyPatch) -> None:
    make(folder, {"a": "a"})
    os.mkfifo(folder / "pipe")
    monkeypatch.chdir(folder)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        assert copy.update({}) == ()
    assert texts_of(copy) == {"a": "a"}
    assert list(tree(copy.root)) == ["a"]
    copy.update({"pipe": "a text where the pipe is"})
    assert (copy.root / "pipe").read_text() == "a text where the pipe is"


def test_a_file_that_may_not_be_read_is_left_out_and_named() -> None:
    was = os.geteuid()
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        make(base, {"project/a": "a", "project/secret": "s", "place/x": ""})
        (base / "place/x").unlink()
        (base / "project/secret").chmod(0)
        if was == 0:
            for path in (base, *base.rglob("*")):
                os.chown(path, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            copy = FolderCopy(base / "project", base / "place")
            assert copy.update({}) == ("secret",)
            assert texts_of(copy) == {"a": "a"}
            assert copy.update({"secret": "in the editor"}) == ()
            assert (base / "project/secret").chmod(0o600) is None
            assert copy.update({}) == ()
            assert texts_of(copy) == {"a": "a", "secret": "s"}
            copy.root.chmod(0o500)
            assert copy.update({"b": "b"}) == (), "what a check did to the folder itself is mended"
        finally:
            if was == 0:
                os.seteuid(0)


def test_what_was_not_changed_is_not_written_again(folder: Path, copy: FolderCopy) -> None:
    make(folder, {f"f{number}": "x" for number in range(20)})
    copy.update({"t": "text"})
    stamps = {path: (copy.root / path).stat().st_ctime_ns for path in tree(copy.root)}
    make(folder, {"f3": "y"})
    copy.update({"t": "text", "f4": "z"})
    changed = {path for path, stamp in stamps.items() if (copy.root / path).stat().st_ctime_ns != stamp}
    assert changed == {"f3", "f4"}


def test_each_version_of_a_file_is_a_whole_second_newer_than_the_one_before(folder: Path, copy: FolderCopy) -> None:
    make(folder, {"a.py": "x = 1"})
    os.utime(folder / "a.py", (1, 1))
    times = []
    for text in ("x = 2", None, "x = 3", "x = 4"):
        copy.update({} if text is None else {"a.py": text})
        times.append(int((copy.root / "a.py").stat().st_mtime))
    assert times == sorted(set(times))
    copy.update({"a.py": None})
    copy.update({})
    assert int((copy.root / "a.py").stat().st_mtime) > times[-1]


def test_files_keep_their_times_at_first_and_what_changes_later_is_new(folder: Path, copy: FolderCopy) -> None:
    """As make sees it: what was built in the person's folder is done, what was built from something else is not."""
    make(folder, {"a.py": "a", "b.py": "b", ".venv/pyvenv.cfg": "", ".venv/ready": ""})
    for path, time in (("a.py", 1_000), ("b.py", 2_000), (".venv/ready", 3_000)):
        os.utime(folder / path, (time, time))
    asked = iter([False])
    with pytest.raises(CopyProblem, match="stopped"):
        copy.update({}, lambda: next(asked, True))
    copy.update({"b.py": "B"})
    assert (copy.root / "a.py").stat().st_mtime == 1_000
    assert (copy.root / "b.py").stat().st_mtime > (copy.root / ".venv/ready").stat().st_mtime == 3_000
    make(copy.root, {"built": "from B"})
    built = (copy.root / "built").stat().st_mtime
    make(folder, {"new.py": "from an archive"})
    os.utime(folder / "new.py", (1_500, 1_500))
    copy.update({})
    assert (copy.root / "b.py").read_text() == "b"
    assert min((copy.root / name).stat().st_mtime for name in ("b.py", "new.py")) >= built


def test_what_a_check_did_to_the_copy_is_undone_and_its_caches_stay(folder: Path, copy: FolderCopy) -> None:
    make(folder, {"a.py": "a", "in/b.py": "b", "in/deep/c.py": "c", ".gitignore": "cache/\n"})
    was = digest(folder)
    copy.update({"t.py": "text"})
    root = copy.root
    make(root, {"a.py": "spoilt", "stray/test_x.py": "", "cache/kept": "1", "node_modules/.cache/x": "2"})
    (root / "t.py").unlink()
    (root / "in/b.py").unlink()
    (root / "in/b.py").mkdir()
    make(root, {"in/b.py/inner": ""})
    remove_tree(root / "in/deep")
    (root / "in/deep").symlink_to(folder / "in/deep")
    copy.update({"t.py": "text"})
    assert texts_of(copy) == {
        ".gitignore": "cache/\n",
        "a.py": "a",
        "in/b.py": "b",
        "in/deep/c.py": "c",
        "t.py": "text",
        "cache/kept": "1",
        "node_modules/.cache/x": "2",
    }
    remove_tree(root)
    root.symlink_to(folder)
    copy.update({})
    assert not root.is_symlink()
    assert (root / "a.py").read_text() == "a"
    assert digest(folder) == was, "nothing was written through a link that a check had made"


def test_a_link_that_a_check_made_where_nobody_looks_is_not_written_through(folder: Path, copy: FolderCopy) -> None:
    make(folder, {".gitignore": "build\n", "build/out.py": "theirs"})
    copy.update({"build/out.py": "ours"})
    remove_tree(copy.root / "build")
    (copy.root / "build").symlink_to(folder / "build")
    for text in ("ours", "ours again", None):
        copy.update({"build/out.py": text})
        assert (folder / "build/out.py").read_text() == "theirs"
    assert list(tree(copy.root)) == [".gitignore"]


def test_what_git_ignores_can_be_asked_for(folder: Path, copy: FolderCopy) -> None:
    make(folder, {".gitignore": "_version.py\n*.log\n", ".ignore": "!_version.py\n", "_version.py": "1", "x.log": ""})
    copy.update({})
    assert set(texts_of(copy)) == {".gitignore", ".ignore", "_version.py"}


def test_a_rule_of_the_editor_hides_nothing_from_the_copy_that_is_wanted(folder: Path, copy: FolderCopy) -> None:
    make(folder, {"src/a.py": "a", "src/b.py": "b"})
    for _ in range(2):
        copy.update({".gitignore": "src/\n", "src/a.py": "A"})
        assert texts_of(copy) == {".gitignore": "src/\n", "src/a.py": "A", "src/b.py": "b"}
    stamp = (copy.root / "src/b.py").stat().st_ctime_ns
    copy.update({".gitignore": "src/\n"})
    assert (copy.root / "src/b.py").stat().st_ctime_ns == stamp
    assert (copy.root / "src/a.py").read_text() == "a"


def test_what_is_too_large_is_refused_with_words_about_it(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    make(folder, {f"f{number}": "xx" for number in range(11)})
    with pytest.raises(CopyProblem, match="over 10 files"):
        FolderCopy(folder, tmp_path / "place", Limits(files=10)).update({})
    with pytest.raises(CopyProblem, match="open a smaller folder"):
        FolderCopy(folder, tmp_path / "place", Limits(bytes=21)).update({})
    assert not tree(tmp_path / "place")
    FolderCopy(folder, tmp_path / "place", Limits(files=11, bytes=22)).update({})


def test_a_folder_that_holds_its_own_copy_or_is_gone_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "tmp").mkdir()
    with pytest.raises(CopyProblem, match="TMPDIR"):
        FolderCopy(folder, folder / "tmp").update({})
    with pytest.raises(CopyProblem, match="no folder any more"):
        FolderCopy(tmp_path / "gone", folder).update({})


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../x", "a/../b", "a//b", ".", "a/./b", ".git/hooks/x", "in/.GIT/x", "x\0"]
)
def test_a_text_can_only_be_put_into_the_copy(folder: Path, copy: FolderCopy, name: str) -> None:
    with pytest.raises(CopyProblem, match="not the path of a file"):
        copy.update({name: "x"})


def test_a_text_beyond_a_link_to_outside_stays_in_the_copy(folder: Path, copy: FolderCopy, tmp_path: Path) -> None:
    make(tmp_path, {"elsewhere/a": "theirs"})
    (folder / "out").symlink_to(tmp_path / "elsewhere")
    copy.update({"out/a": "ours"})
    assert texts_of(copy) == {"out/a": "ours"}
    assert (tmp_path / "elsewhere/a").read_text() == "theirs"


def test_half_a_character_is_refused(folder: Path, copy: FolderCopy) -> None:
    with pytest.raises(CopyProblem, match="half a character"):
        copy.update({"a": "\ud800"})


def test_installed_packages_are_linked_and_not_written_to(folder: Path, copy: FolderCopy) -> None:
    make(folder, {"package.json": "{}", "node_modules/x/index.js": "x", ".venv/pyvenv.cfg": "home = /usr"})
    make(folder, {"packages/own/index.js": "own"})
    (folder / "node_modules/own").symlink_to("../packages/own")
    was = digest(folder)
    left_out = copy.update({"node_modules/x/index.js": "changed", ".venv/y": "changed", "packages/own/index.js": "new"})
    assert set(left_out) == {"node_modules/x/index.js", ".venv/y"}
    assert (copy.root / "node_modules/x/index.js").read_text() == "x"
    assert (copy.root / "node_modules/own/index.js").read_text() == "new", "the project's own packages are the copy's"
    assert (copy.root / ".venv/pyvenv.cfg").is_file()
    make(copy.root, {"node_modules/.cache/c": ""})
    remove_tree(folder / "node_modules/x")
    make(folder, {"node_modules/y/index.js": "y"})
    (copy.root / ".venv").unlink()
    copy.update({})
    assert sorted(path.name for path in (copy.root / "node_modules").iterdir()) == [".cache", "own", "y"]
    assert (copy.root / ".venv").is_symlink()
    remove_tree(folder / "node_modules/y")
    assert digest(folder) != was


def test_a_file_that_is_written_while_it_is_copied_is_whole_in_the_end(folder: Path, copy: FolderCopy) -> None:
    """Another thread writes and removes all the time; no update fails, and the first one in quiet has it all."""
    quiet = threading.Event()
    begun = threading.Event()
    names = [f"f{number}" for number in range(40)]
    make(folder, dict.fromkeys(names, "0"))

    def disturb() -> None:
        turn = 0
        while not quiet.is_set():
            turn += 1
            for name in names[:: 1 + turn % 3]:
                path = folder / name
                if turn % 5 == 1:
                    path.unlink(missing_ok=True)
                elif turn % 5 == 2:
                    remove_tree(path)
                    path.mkdir()
                else:
                    remove_tree(path)
                    path.write_text(f"{turn} " * 2000)
            begun.set()

    disturbing = threading.Thread(target=disturb)
    disturbing.start()
    try:
        assert begun.wait(60)
        for _ in range(30):
            copy.update({"t": "text"})
    finally:
        quiet.set()
        disturbing.join()
    copy.update({"t": "text"})
    found = texts_of(copy)
    assert found.pop("t") == "text"
    assert found == {name: (folder / name).read_text() for name in names if (folder / name).is_file()}


def test_it_can_be_stopped_in_the_middle_and_taken_up_again(folder: Path, copy: FolderCopy) -> None:
    make(folder, {f"f{number}": "x" for number in range(50)})
    asked = iter([False] * 20)
    with pytest.raises(CopyProblem, match="stopped"):
        copy.update({}, lambda: next(asked, True))
    assert len(tree(copy.root)) == 20
    copy.update({})
    assert len(tree(copy.root)) == 50


# Random trees. Paths are few, so that files, folders and links get into each other's way.
NAMES = st.sampled_from(["a", "b", "é\n", "𝒳 y"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
TARGETS = st.one_of(
    PATHS, PATHS.map(lambda path: f"../{path}"), st.sampled_from([".", "..", "/", "../../outside", "a/.."])
)
CHANGES = st.one_of(
    st.tuples(st.just("write"), PATHS, st.binary(max_size=6), st.sampled_from([0o644, 0o600, 0o755, 0o444])),
    st.tuples(st.just("remove"), PATHS),
    st.tuples(st.just("link"), PATHS, TARGETS),
    st.tuples(st.just("pipe"), PATHS),
)
TEXTS = st.dictionaries(PATHS, st.none() | st.text(st.characters(codec="utf-8"), max_size=4), max_size=3)
ROUNDS = st.lists(
    st.tuples(st.lists(CHANGES, max_size=6), st.lists(CHANGES, max_size=3), TEXTS), min_size=1, max_size=4
)


def change(root: Path, what: str, path: str, *more: object) -> None:
    """Do it, whatever is in the way; but never through a link."""
    place = root
    for part in path.split("/")[:-1]:
        place = place / part
        if place.is_symlink() or not place.is_dir():
            remove_tree(place)
            place.mkdir()
    place = root / path
    remove_tree(place)
    match what, more:
        case "write", (bytes() as data, int() as mode):
            place.write_bytes(data)
            place.chmod(mode)
        case "link", (str() as target,):
            place.symlink_to(target)
        case "pipe", ():
            os.mkfifo(place)


def expected(folder: Path, texts: Mapping[str, str | None]) -> dict[str, object]:
    """What the copy of `folder` with `texts` in it is, found the slow way."""
    found: dict[str, object] = {}
    for path, value in tree(folder).items():
        if isinstance(value, tuple):
            found[path] = value
        elif isinstance(value, str) and (folder / path).is_symlink():
            end = Path(os.path.realpath(folder / path))
            if end.is_relative_to(folder) and end != folder / path:
                found[path] = os.path.relpath(end, (folder / path).parent)
    for name, text in texts.items():
        end = Path(os.path.realpath(folder / name))
        path = end.relative_to(folder).as_posix() if folder in end.parents else name
        found = {other: value for other, value in found.items() if other != path and not other.startswith(f"{path}/")}
        if text is None:
            continue
        found = {other: value for other, value in found.items() if not path.startswith(f"{other}/")}
        known = folder / path
        regular = not known.is_symlink() and known.is_file()
        data = text.encode()
        if regular and known.read_bytes().startswith(MARK) and not data.startswith(MARK):
            data = MARK + data
        found[path] = (oct(known.stat().st_mode) if regular else "0o100644", data)
    return found


@settings(max_examples=300, deadline=None)
@given(ROUNDS)
def test_whatever_happened_to_both_the_copy_is_what_it_should_be(rounds: list[tuple[list, list, dict]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        base = Path(os.path.realpath(name))
        make(base, {"outside/secret": "secret", "project/x": "", "place/x": ""})
        (base / "place/x").unlink()
        folder = base / "project"
        copy = FolderCopy(folder, base / "place")
        for at_source, at_copy, texts in rounds:
            for step in at_source:
                change(folder, *step)
            if copy.root.exists():
                for step in at_copy:
                    change(copy.root, *step)
            was = digest(folder)
            assert copy.update(texts) == ()
            assert tree(copy.root) == expected(folder, texts)
            assert digest(folder) == was
        assert (base / "outside/secret").read_text() == "secret"
