"""`claude-ls checkpoints` without an editor: what it says, and what it does to the files."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from claude_ls.terminal.checkpoint_list import show_checkpoints
from claude_ls.workspace import checkpoints
from claude_ls.workspace.checkpoints import Checkpoints
from claude_ls.workspace.database import NAME, Database

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
    assert " 3\n" in said
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
