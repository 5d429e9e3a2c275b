"""`claude-ls checkpoints` without an editor: what it says, and what it does to the files."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from claude_ls.terminal import checkpoint_list
from claude_ls.terminal.checkpoint_list import show_checkpoints
from claude_ls.workspace import checkpoints
from claude_ls.workspace.checkpoints import Checkpoints
from claude_ls.workspace.database import NAME, Database
from claude_ls.workspace.files import MAX_BYTES
from claude_ls.workspace.path_state import PathState, look

OLD = "a\nb\nc\n"
NEW = "a\nB\nc\n"


class State:
    """A state folder, a project, and a checkpoint `job1` of an edited, a made and a deleted file."""

    def __init__(self, tmp_path: Path) -> None:
        self.root = tmp_path / "state"
        self.it, self.made, self.gone = (tmp_path / name for name in ("it.py", "made.py", "gone.bin"))
        self.it.write_text(OLD)
        self.gone.write_bytes(b"\xff\x00")
        database = Database(self.root, {"checkpoints": checkpoints.TABLES})
        store = Checkpoints(database, lambda: datetime(2026, 1, 1, tzinfo=UTC))
        for path in (self.it, self.made, self.gone):
            store.keep("job1", "job1", "do \x1b[31mit", path, OLD if path == self.it else None)
        self.it.write_text(NEW)
        self.made.write_text("made\n")
        self.gone.unlink()
        store.came_of("job1", self.it, NEW, OLD)
        store.came_of("job1", self.made, "made\n", "")
        database.close()

    def run(self, action: str, identity: str | None = None, *, exact: bool = False) -> tuple[int, str]:
        out = io.StringIO()
        console = Console(file=out, width=200, highlight=False)
        return show_checkpoints(self.root, action, identity, exact=exact, console=console), out.getvalue()


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path)


def test_the_list_names_them(state: State) -> None:
    code, said = state.run("list")
    assert code == 0
    assert "job1" in said
    assert said.splitlines()[1].split()[-3:] == ["3", "8", "B"]
    assert "\x1b" not in said


def test_show_says_what_would_change_and_changes_nothing(state: State) -> None:
    code, said = state.run("show", "job1")
    assert code == 0
    assert "-B\n" in said
    assert "+b\n" in said
    assert "made.py: is deleted" in said
    assert "gone.bin: comes back" in said
    assert (state.it.read_text(), state.made.exists(), state.gone.exists()) == (NEW, True, False)


def test_restore_brings_back_all_of_it_and_can_be_undone(state: State) -> None:
    code, said = state.run("restore", "jo")
    assert code == 0
    assert (state.it.read_text(), state.made.exists(), state.gone.read_bytes()) == (OLD, False, b"\xff\x00")
    undo = said.strip().rpartition(" ")[2]
    assert state.run("restore", undo)[0] == 0
    assert (state.it.read_text(), state.made.read_text(), state.gone.exists()) == (NEW, "made\n", False)
    assert "Nothing to do" in state.run("restore", undo)[1]


def test_what_was_written_since_stays(state: State) -> None:
    state.it.write_text("mine\n" + NEW)
    state.made.write_text("made\nmine\n")
    code, said = state.run("restore", "job1")
    assert code == 1
    assert (state.it.read_text(), state.made.read_text()) == ("mine\n" + OLD, "made\nmine\n")
    assert "made.py holds what was written since; add --exact" in said
    assert state.run("restore", "job1", exact=True)[0] == 0
    assert not state.made.exists()


def test_lines_that_both_have_changed_stay_unless_told_otherwise(state: State) -> None:
    state.it.write_text("a\nmine\nc\n")
    assert state.run("show", "job1")[0] == 1
    assert state.run("restore", "job1")[0] == 1
    assert state.it.read_text() == "a\nmine\nc\n"
    assert state.run("restore", "job1", exact=True)[0] == 0
    assert state.it.read_text() == OLD


def test_what_became_a_folder_is_left_alone(state: State) -> None:
    state.it.unlink()
    state.it.mkdir()
    code, said = state.run("restore", "job1", exact=True)
    assert code == 1
    assert "is a folder now, and is kept" in said
    assert state.it.is_dir()


@pytest.mark.parametrize("identity", ["no such", None])
def test_what_is_not_there_is_said(state: State, identity: str | None) -> None:
    code, said = state.run("restore", identity)
    assert code == 2
    assert "claude-ls checkpoints" in said


def test_before_anything_was_kept_nothing_is_made(tmp_path: Path) -> None:
    out = io.StringIO()
    assert show_checkpoints(tmp_path, "list", None, exact=False, console=Console(file=out)) == 0
    assert "Nothing was kept" in out.getvalue()
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_database_is_set_aside_and_said(state: State) -> None:
    (state.root / NAME).write_bytes(b"not a database at all" * 100)
    _, said = state.run("list")
    assert "is set aside" in said
    assert any(".damaged-" in path.name for path in state.root.iterdir())


MINE = "# mine\n"
TOUCHED = {
    "create": "new.py",
    "edit": "it.py",
    "delete": "it.py",
    "rename": "that.py",
    "mode": "tool.sh",
    "link": "link",
}
SINCE = ("nothing", "written", "gone", "folder", "link")


class Project:
    """A folder, what a job did in it, and all that became of it since; the editor is gone."""

    def __init__(self, folder: Path, what: str) -> None:
        self.root, self.folder = folder / "state", folder / "project"
        self.folder.mkdir()
        self.path = self.folder / TOUCHED[what]
        for name, mode in (("it.py", 0o640), ("tool.sh", 0o755), ("theirs.py", 0o600)):
            (self.folder / name).write_text(OLD)
            (self.folder / name).chmod(mode)
        (self.folder / "link").symlink_to("./theirs.py")
        self.before = self.snapshot()
        database = Database(self.root, {"checkpoints": checkpoints.TABLES})
        store = Checkpoints(database, lambda: datetime(2026, 1, 1, tzinfo=UTC))
        it = self.folder / "it.py"
        for path in {self.path, it} if what == "rename" else {self.path}:
            store.keep("job1", "job1", "do it", path, OLD if what == "edit" else None)
        if what == "create":
            self.path.write_text(NEW)
            store.came_of("job1", self.path, NEW, "")
        elif what == "edit":
            self.path.write_text(NEW)
            store.came_of("job1", self.path, NEW, OLD)
        elif what == "rename":
            it.rename(self.path)
            store.came_of("job1", self.path, OLD, "")
        else:
            self.path.unlink()
        database.close()
        self.done = self.snapshot()

    def since(self, since: str) -> None:
        if since == "written":
            self.path.write_text(MINE + (self.path.read_text() if self.path.exists() else ""))
            if (before := self.before.get(self.path.name)) and before.kind == "file":
                self.path.chmod(before.mode)
        elif since != "nothing":
            self.path.unlink(missing_ok=True)
            if since == "folder":
                self.path.mkdir()
            elif since == "link":
                self.path.symlink_to("theirs.py")

    def snapshot(self) -> dict[str, PathState]:
        return {path.name: look(path) for path in self.folder.iterdir()}

    def restore(self, identity: str = "job1", *, exact: bool = False) -> tuple[int, str]:
        out = io.StringIO()
        console = Console(file=out, width=300, highlight=False)
        return show_checkpoints(self.root, "restore", identity, exact=exact, console=console), out.getvalue()


@pytest.mark.parametrize("since", SINCE)
@pytest.mark.parametrize("what", TOUCHED)
def test_every_change_goes_back_whatever_became_of_it(tmp_path: Path, what: str, since: str) -> None:
    project = Project(tmp_path, what)
    project.since(since)
    then, name = project.snapshot(), project.path.name
    code, said = project.restore()
    wanted = dict(project.before)
    kept = since in ("folder", "link") or (since == "written" and what != "edit")
    if kept:
        wanted[name] = then[name]
    elif since == "written":
        wanted[name] = PathState("file", 0o640, (MINE + OLD).encode())
    assert (project.snapshot(), code) == (wanted, 1 if kept else 0), said
    if kept:
        assert f"{name} holds what was written since; add --exact to do it all the same" in said
    # And with what the person says, all is as it was.
    code, said = project.restore(exact=True)
    if since == "folder":
        wanted = {**project.before, name: PathState("folder")}
    elif since != "written" or what != "edit":
        wanted = project.before
    assert (project.snapshot(), code) == (wanted, 1 if since == "folder" else 0), said


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("since", ["nothing", "written", "gone"])
@pytest.mark.parametrize("what", TOUCHED)
def test_going_back_can_be_undone(tmp_path: Path, what: str, since: str, exact: bool) -> None:
    project = Project(tmp_path, what)
    project.since(since)
    then = project.snapshot()
    _, said = project.restore(exact=exact)
    if "To undo this" in said:
        code, said = project.restore(said.strip().rpartition(" ")[2], exact=exact)
        assert code == 0, said
    assert project.snapshot() == then


@pytest.fixture
def folder() -> Iterator[Path]:
    """For somebody who is not root, even if it is root."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize("what", TOUCHED)
def test_a_folder_that_cannot_be_written_is_said_and_nothing_changes(folder: Path, what: str) -> None:
    project = Project(folder, what)
    was = os.geteuid()
    for path in (project.root, *project.root.iterdir(), *project.folder.iterdir()):
        if was == 0:
            os.chown(path, 65534, 65534, follow_symlinks=False)
    then = project.snapshot()
    project.folder.chmod(0o555)
    if was == 0:
        os.seteuid(65534)
    try:
        code, said = project.restore()
    finally:
        if was == 0:
            os.seteuid(0)
        project.folder.chmod(0o755)
    assert (code, project.snapshot()) == (1, then)
    assert "cannot be brought back: Permission denied" in said
    assert "To undo" not in said
    # That it has failed once is not held against what is written then.
    if what == "edit":
        project.since("written")
        then = {**project.before, "it.py": PathState("file", 0o640, (MINE + OLD).encode())}
    assert project.restore()[0] == 0
    assert project.snapshot() == (then if what == "edit" else project.before)


@pytest.mark.parametrize("again", [False, True])
def test_a_file_in_which_somebody_typed_while_claude_wrote_is_not_claudes_alone(tmp_path: Path, again: bool) -> None:
    """The newest job left just what is there now. Nor does a restore that failed make it Claude's."""
    project = Project(tmp_path, "create")
    database = Database(project.root, {"checkpoints": checkpoints.TABLES})
    store = Checkpoints(database, lambda: datetime(2026, 1, 2, tzinfo=UTC))
    store.keep("job2", "job2", "", project.path, NEW)
    project.path.write_text(MINE + NEW + "claude\n")
    store.came_of("job2", project.path, MINE + NEW + "claude\n", MINE + NEW)
    if again:
        store.keep("restore-1", "restore-1", "", project.path, None)
        store.came_of("restore-1", project.path, MINE + NEW + "claude\n", MINE + NEW + "claude\n")
    database.close()
    then = project.snapshot()
    code, said = project.restore()
    assert (code, project.snapshot()) == (1, then)
    assert "new.py holds what was written since" in said


def test_what_was_renamed_is_back_before_its_new_name_goes(tmp_path: Path) -> None:
    said = Project(tmp_path, "rename").restore()[1]
    assert said.index("it.py is back") < said.index("that.py is gone")


def test_the_mode_comes_back_with_what_is_exact_and_else_stays_theirs(tmp_path: Path) -> None:
    project = Project(tmp_path, "mode")
    project.path.write_text(MINE)
    assert project.restore(exact=True)[0] == 0
    assert project.snapshot() == project.before
    (tmp_path / "other").mkdir()
    project = Project(tmp_path / "other", "edit")
    project.path.chmod(0o755)
    assert project.restore()[0] == 0
    assert look(project.path) == PathState("file", 0o755, OLD.encode())
    assert "Nothing to do" in project.restore()[1]


def test_all_is_kept_before_any_of_it_is_touched(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def put_back(path: Path, wanted: PathState, now: PathState) -> None:
        database = Database(state.root, {"checkpoints": checkpoints.TABLES})
        seen.append(Checkpoints(database, lambda: datetime.now(UTC)).all()[0].files)
        database.close()

    monkeypatch.setattr(checkpoint_list, "put_back", put_back)
    state.run("restore", "job1")
    assert seen == [3, 3, 3]


def test_one_that_cannot_be_read_does_not_keep_the_others(state: State) -> None:
    os.truncate(state.it, MAX_BYTES + 1)
    assert state.run("show", "job1")[0] == 1
    code, said = state.run("restore", "job1")
    assert code == 1
    assert "it.py' is too large" in said
    assert (state.made.exists(), state.gone.read_bytes()) == (False, b"\xff\x00")


def test_what_was_never_saved_comes_back_only_on_purpose(tmp_path: Path) -> None:
    """The editor ended without saving: the disk has what it had, and we have what the editor showed."""
    state = State(tmp_path)
    database = Database(state.root, {"checkpoints": checkpoints.TABLES})
    store = Checkpoints(database, lambda: datetime(2026, 1, 1, tzinfo=UTC))
    path = tmp_path / "draft.py"
    path.write_text("saved\n")
    store.keep("job2", "job2", "", path, "saved\nnot saved\n")
    store.came_of("job2", path, "saved\nnot saved\nclaude\n", "saved\nnot saved\n")
    database.close()
    assert "+not saved" in state.run("show", "job2")[1]
    code, said = state.run("restore", "job2")
    assert (code, path.read_text()) == (1, "saved\n")
    assert "had changes in the editor then that were never saved; add --exact" in said
    assert (state.run("restore", "job2", exact=True)[0], path.read_text()) == (0, "saved\nnot saved\n")


def test_a_byte_order_mark_stays_where_it_was_and_does_not_hinder_the_undo(tmp_path: Path) -> None:
    state = State(tmp_path)
    database = Database(state.root, {"checkpoints": checkpoints.TABLES})
    store = Checkpoints(database, lambda: datetime(2026, 1, 1, tzinfo=UTC))
    path = tmp_path / "marked.py"
    path.write_text("a\nb\n", "utf-8-sig")
    store.keep("job2", "job2", "", path, "a\nb\n")
    path.write_text("A\nb\n", "utf-8-sig")
    store.came_of("job2", path, "A\nb\n", "a\nb\n")
    database.close()
    said = state.run("restore", "job2")[1]
    assert path.read_bytes() == b"\xef\xbb\xbfa\nb\n"
    path.write_text("a\nb\nmine\n", "utf-8-sig")
    assert state.run("restore", said.strip().rpartition(" ")[2])[0] == 0
    assert path.read_bytes() == b"\xef\xbb\xbfA\nb\nmine\n"


def test_show_says_what_cannot_be_shown_as_lines(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    names = ("script", "link", "odd\x1b[31m", "binary")
    script, link, odd, binary = (folder / name for name in names)
    script.write_bytes(b"\xff")
    script.chmod(0o755)
    link.symlink_to("script")
    odd.write_text("a\x0bb\u2028c\x1b[31m\n")
    binary.write_bytes(b"\xfe\x00\x00")
    database = Database(tmp_path / "state", {"checkpoints": checkpoints.TABLES})
    store = Checkpoints(database, lambda: datetime(2026, 1, 1, tzinfo=UTC))
    for path in (script, link, odd, binary):
        store.keep("job1", "job1", "", path, None)
    database.close()
    script.chmod(0o644)
    link.unlink()
    odd.unlink()
    binary.write_bytes(b"\xfd")
    out = io.StringIO()
    show_checkpoints(tmp_path / "state", "show", "job1", exact=False, console=Console(file=out, width=200))
    said = out.getvalue()
    assert f"{script}: gets the mode 0755 again, but it holds what was written since (only with --exact)\n" in said
    assert f"{link}: becomes a link to script again\n" in said
    assert "\n+a␋b" in said
    assert "1 bytes become 3, not all of them text\n" in said
    assert "\x1b" not in said


@pytest.mark.parametrize(("count", "words"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2_340_000, "2.3 MB")])
def test_sizes_are_said_shortly(tmp_path: Path, count: int, words: str) -> None:
    path = tmp_path / "it"
    path.write_bytes(b"x" * count)
    database = Database(tmp_path, {"checkpoints": checkpoints.TABLES})
    Checkpoints(database, lambda: datetime(2026, 1, 1, tzinfo=UTC)).keep("job1", "job1", "", path, None)
    database.close()
    out = io.StringIO()
    show_checkpoints(tmp_path, "list", None, exact=False, console=Console(file=out, width=200))
    assert out.getvalue().splitlines()[1].endswith(f" {words}")


def test_a_beginning_that_fits_several_is_refused(state: State) -> None:
    said = state.run("restore", "job1")[1]
    identity = said.strip().rpartition(" ")[2]
    assert state.run("restore", identity, exact=True)[0] == 0
    code, said = state.run("show", "restore-")
    assert code == 2
    assert "More than one checkpoint begins with 'restore-'" in said
