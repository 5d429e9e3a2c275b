"""What is listed is what git lists, and never anything that is not a file of the folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from claude_ls.workspace import listing
from claude_ls.workspace.listing import Listing


@pytest.fixture(autouse=True)
def no_list_of_the_persons_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def listed(root: Path) -> list[str]:
    return sorted(file.path for file in Listing(root).walk())


def make(root: Path, *paths: str, **texts: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(texts.get(path, ""))


def test_ignore_files_hold_for_their_folder_and_the_inner_ones_win(tmp_path: Path) -> None:
    make(tmp_path, "a.py", "b.log", "in/c.log", "in/d.py", "in/deep/e.log", "out/f.py", "keep.log")
    (tmp_path / ".gitignore").write_text("*.log\n!keep.log\n/out/\n")
    (tmp_path / "in" / ".gitignore").write_text("!c.log\nd.py\n")
    assert listed(tmp_path) == [".gitignore", "a.py", "in/.gitignore", "in/c.log", "keep.log"]


def test_claudeignore_hides_what_git_shows(tmp_path: Path) -> None:
    make(tmp_path, "a.py", "secret/b.py", "c.pem")
    (tmp_path / ".claudeignore").write_text("secret/\n*.pem\n")
    assert listed(tmp_path) == [".claudeignore", "a.py"]
    assert not Listing(tmp_path).shows("secret/b.py")
    assert not Listing(tmp_path).shows("secret/new.py"), "one that is not there yet"
    assert Listing(tmp_path).shows("new.py")


def test_the_lists_of_git_itself_and_of_the_person_count(tmp_path: Path) -> None:
    root = tmp_path / "root"
    make(root, "a.py", "b.tmp", "c.bak", ".git/info/exclude")
    (root / ".git" / "info" / "exclude").write_text("*.tmp\n")
    make(tmp_path, "config/git/ignore")
    (tmp_path / "config/git/ignore").write_text("*.bak\n")
    assert listed(root) == ["a.py"]


def test_neither_links_nor_pipes_nor_the_folders_of_tools_are_listed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    make(root, "a.py", ".git/config", "node_modules/x.js", "sub/.git/y.py")
    make(tmp_path, "outside.py")
    (root / "link.py").symlink_to(tmp_path / "outside.py")
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "pipe.py")
    assert listed(root) == ["a.py"]
    assert Listing(root).look("link.py") is None
    assert Listing(root).look("loop/a.py") is None
    assert Listing(root).look("pipe.py") is None
    assert Listing(root).look("gone.py") is None
    found = Listing(root).look("a.py")
    assert found is not None and found.size == 0


def test_rules_that_are_none_and_folders_that_cannot_be_read_cost_nothing_else(tmp_path: Path) -> None:
    make(tmp_path, "a.py", "b.log", "no/c.py")
    (tmp_path / ".gitignore").write_bytes(b"!\n\xff\xfe\n\\\n[\n*.log\n")
    (tmp_path / "no").chmod(0)
    try:
        assert "a.py" in listed(tmp_path)
        assert "b.log" not in listed(tmp_path)
    finally:
        (tmp_path / "no").chmod(0o700)


def test_no_more_files_than_anybody_could_want(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, *(f"{number}.py" for number in range(20)))
    monkeypatch.setattr(listing, "MAX_FILES", 7)
    found = Listing(tmp_path)
    assert len(list(found.walk())) == 7
    assert found.truncated


def test_a_stamp_changes_with_the_file(tmp_path: Path) -> None:
    make(tmp_path, "a.py")
    (before,) = Listing(tmp_path).walk()
    assert list(Listing(tmp_path).walk()) == [before]
    times = (tmp_path / "a.py").stat()
    (tmp_path / "a.py").write_text("x")
    os.utime(tmp_path / "a.py", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert Listing(tmp_path).look("a.py") != before, "also where its time was put back"


_NAMES = st.sampled_from(["a", "b", "ab", "a.log", "b.py", "build", "x"])
# Rules that end in `**/`, and those that show a folder again, the library reads a little differently from git.
_RULES = st.lists(
    st.tuples(
        st.sampled_from(["", "/", "**/", "a/", "b/"]),
        st.sampled_from(["a", "*.log", "*", "a*", "?", "build", "b.py", "[ab]", "a/**"]),
        st.sampled_from(["", "/"]),
    )
    .map("".join)
    .filter(lambda rule: not rule.endswith("**/"))
    | st.sampled_from(["!*.log", "!a.log", "!b.py", "!**/b.py"]),
    max_size=4,
)


@pytest.mark.skipif(shutil.which("git") is None, reason="compares with git")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    paths=st.sets(st.lists(_NAMES, min_size=1, max_size=3).map("/".join), min_size=1, max_size=8),
    outer=_RULES,
    inner=_RULES,
)
@example(paths={"a.log/a/a"}, outer=["a/", "!*.log"], inner=[])
def test_the_same_as_git(paths: set[str], outer: list[str], inner: list[str], tmp_path_factory: pytest.TempPathFactory):
    root = tmp_path_factory.mktemp("root")
    for path in sorted(paths, key=len):
        try:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).touch()
        except OSError:
            continue  # a file is in the way of a folder
    (root / ".gitignore").write_text("\n".join(outer))
    if (root / "a").is_dir():
        (root / "a" / ".gitignore").write_text("\n".join(inner))
    environ = {"PATH": os.environ["PATH"], "HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "init", "-q"], cwd=root, env=environ, check=True)
    told = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=root, env=environ, check=True, capture_output=True
    )
    assert listed(root) == sorted(filter(None, told.stdout.decode().split("\0")))


def test_the_file_that_leads_from_a_worktree_to_its_repository_is_not_listed(tmp_path: Path) -> None:
    make(tmp_path, "a.py", ".git", "module/.git", "module/b.py")
    assert listed(tmp_path) == ["a.py", "module/b.py"]
    assert Listing(tmp_path).look("module/.git") is None
    assert sorted(file.path for file in Listing(tmp_path).walk(any_kind=True)) == ["a.py", "module/b.py"]


def test_what_is_no_file_is_listed_where_it_is_asked_for(tmp_path: Path) -> None:
    make(tmp_path, "a.py", "in/b.py")
    (tmp_path / "link").symlink_to("in")
    os.mkfifo(tmp_path / "in/pipe")
    found = {file.path: file.mode for file in Listing(tmp_path).walk(any_kind=True)}
    assert list(found) == ["a.py", "link", "in/b.py", "in/pipe"]
    assert all(found[path] == (tmp_path / path).lstat().st_mode for path in found)
