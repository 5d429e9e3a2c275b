"""Files that no editor shows: changed by the editor where it will, else on disk; made, renamed, deleted if allowed."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from claude_ls.editing.events import HunkClaimed, HunksWritten
from claude_ls.editing.hunk import HunkState, Label
from claude_ls.session.buffer import Buffer
from claude_ls.session.closed_file import ClosedFile
from claude_ls.session.parsing import Turns
from claude_ls.text.document import Document
from claude_ls.text.patch import Span
from claude_ls.workspace.files import read
from harness.connection import Connection, connected

TWO = "a = 1\nb = 2\n"
EDIT = {"path": "other.py", "edits": [{"old_text": "b = 2", "new_text": "b = 20"}]}


def script(*uses: tuple[str, dict[str, Any]]) -> str:
    return "-- claude --\n" + "".join(f">>> {name}\n= {json.dumps(value)}\n" for name, value in uses)


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(main)


class Project:
    """A folder with an open file `main.py` and whatever else a test puts there."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "my project"
        self.folder.mkdir()
        (self.folder / "main.py").write_text("x = 1\n")
        self._tmp_path = tmp_path

    def file(self, name: str, data: bytes | str = TWO) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    async def job(
        self,
        *uses: tuple[str, dict[str, Any]],
        flags: str = "",
        then: Callable[[Connection], Awaitable[None]] | None = None,
        more: str = "",
        open_too: str = "",
    ) -> tuple[dict[str, Any], Connection]:
        """Play one turn that uses these tools; the job as it ended, and what the editor was told."""
        named = frozenset(filter(None, flags.split(", ")))
        text = script(*uses) + more
        async with connected(self._tmp_path, text, flags=named, root=self.folder.as_uri()) as connection:
            uri = (self.folder / "main.py").as_uri()
            connection.editor.open(uri, "python", "x = 1\n")
            if open_too:
                connection.editor.open_file((self.folder / open_too).as_uri())
            place = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
            job = await connection.job("claude.edit", uri=uri, range=place, instruction="go")
            if then:
                await then(connection)
                await connection.server.session.finished()
            return job, connection


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_an_editor_that_shows_the_file_gets_the_edit_in_its_buffer(project: Project) -> None:
    path = project.file("other.py")

    async def main() -> None:
        job, connection = await project.job(("edit_file", EDIT), flags="opens files")
        assert job["state"] == "done", job
        assert connection.editor.shown == [path.as_uri()]
        assert connection.editor.buffers[path.as_uri()].text == "a = 1\nb = 20\n"
        assert path.read_text() == TWO, "the disk is the person's to write"

    run(main())


def test_an_editor_that_only_takes_edits_opens_the_file_by_one(project: Project) -> None:
    path = project.file("other.py")

    async def main() -> None:
        job, connection = await project.job(("edit_file", EDIT), flags="no showDocument, edits closed files")
        assert job["state"] == "done", job
        assert connection.editor.buffers[path.as_uri()].text == "a = 1\nb = 20\n"
        assert path.read_text() == TWO

    run(main())


def test_where_no_editor_will_the_file_is_written_and_undone(project: Project) -> None:
    path = project.file("other.py", b"\xef\xbb\xbfa = 1\r\nb = 2")
    path.chmod(0o750)

    async def main() -> None:
        async def undo_and_redo(connection: Connection) -> None:
            assert path.read_bytes() == b"\xef\xbb\xbfa = 1\r\nb = 20"
            await connection.execute("claude.undo", {})
            await until(lambda: path.read_bytes() == b"\xef\xbb\xbfa = 1\r\nb = 2")
            await landed(connection)
            await connection.execute("claude.redo", {})
            await until(lambda: path.read_bytes() == b"\xef\xbb\xbfa = 1\r\nb = 20")

        job, _ = await project.job(("edit_file", EDIT), flags="no showDocument", then=undo_and_redo)
        assert job["state"] == "done", job
        assert path.stat().st_mode & 0o777 == 0o750
        assert project.names() == ["main.py", "other.py"], "nothing is left lying about"

    run(main())


async def landed(connection: Connection) -> None:
    """Wait until what is on disk is known to be."""
    (file,) = connection.server.session._files.values()
    buffer = file.buffer
    assert buffer is not None
    await until(lambda: all(hunk.state is not HunkState.SENT for hunk in buffer.live.hunks.values()))


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(2000):
        if holds():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it did not come to hold")


def test_one_job_changes_open_and_closed_files(project: Project) -> None:
    project.file("other.py")
    project.file("sub/third.py")
    third = {"path": "sub/third.py", "edits": [{"old_text": "a = 1", "new_text": "a = 10"}]}

    async def main() -> None:
        uses = (("rewrite_region", {"new_text": "x = 2"}), ("edit_file", EDIT), ("edit_file", third))
        job, connection = await project.job(*uses, flags="no showDocument")
        assert job["state"] == "done", job
        assert connection.editor.buffers[(project.folder / "main.py").as_uri()].text == "x = 2\n"
        assert (project.folder / "other.py").read_text() == "a = 1\nb = 20\n"
        assert (project.folder / "sub/third.py").read_text() == "a = 10\nb = 2\n"

    run(main())


@pytest.mark.parametrize(
    ("by_others", "result"),
    [("a = 5\nb = 2\n", "a = 5\nb = 20\n"), ("a = 1\nb = 3\n", "a = 1\nb = 3\n")],
    ids=["another line", "the same line"],
)
def test_what_another_program_writes_meanwhile_is_kept(project: Project, by_others: str, result: str) -> None:
    path = project.file("other.py")

    async def main() -> None:
        async with connected(project.folder, flags=frozenset({"no showDocument"})) as connection:
            file = ClosedFile(path, read(path), connection.server.client)
            loop = asyncio.get_running_loop()
            document = Document.opened(path.as_uri(), "", 0, file.known.text)
            buffer = file.buffer = Buffer(document, file, loop.call_later, loop.time, Turns(loop.time))
            buffer.step(HunkClaimed("h", Label("Claude", "job"), Span(6, 11)))
            path.write_text(by_others)
            buffer.step(HunksWritten((("h", "b = 20"),)))
            await buffer.end_of("h")
            assert path.read_text() == buffer.document.text == result

    run(main())


def test_a_file_is_read_again_for_the_next_job(project: Project) -> None:
    path = project.file("other.py")

    async def main() -> None:
        async def change_and_again(connection: Connection) -> None:
            path.write_text("b = 2\nmine\n")
            place = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
            uri = (project.folder / "main.py").as_uri()
            job = await connection.job("claude.edit", uri=uri, range=place, instruction="again")
            assert job["state"] == "done", job

        first = {"path": "other.py", "edits": [{"old_text": "a = 1", "new_text": "a = 10"}]}
        second = ("edit_file", EDIT)
        await project.job(("edit_file", first), flags="no showDocument", then=change_and_again, more=script(second))
        assert path.read_text() == "b = 20\nmine\n"

    run(main())


def outside(project: Project) -> None:
    (project.folder.parent / "secret.py").write_text(TWO)
    (project.folder / "other.py").symlink_to(project.folder.parent / "secret.py")


def fifo(project: Project) -> None:
    os.mkfifo(project.folder / "other.py")


REFUSED: list[tuple[str, Callable[[Project], object], str]] = [
    ("not UTF-8", lambda project: project.file("other.py", b"b = 2\xff\n"), "not UTF-8"),
    ("a link out of the workspace", outside, "outside of the workspace"),
    ("a pipe", fifo, "not a regular file"),
    ("a folder", lambda project: (project.folder / "other.py").mkdir(), "cannot be read"),
    ("not there", lambda project: None, "cannot be read"),
    ("too large", lambda project: project.file("other.py", b"x" * 8_000_001), "too large"),
    ("a long line", lambda project: project.file("other.py", b"b = 2 #" + b"x" * 200_000), "line of over"),
]


@pytest.mark.parametrize(("make", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_files_that_are_left_alone(project: Project, make: Callable[[Project], object], words: str) -> None:
    make(project)

    async def main() -> None:
        job, _ = await project.job(("edit_file", EDIT), flags="no showDocument")
        assert job["state"] == "failed"
        assert words in job["error"], job

    run(main())


@pytest.mark.parametrize("name", ["../secret.py", "/etc/passwd", ".git/hooks/pre-commit", "sub/../../x", "", "a\nb.py"])
def test_names_that_are_refused(project: Project, name: str) -> None:
    project.file(".git/hooks/pre-commit")

    async def main() -> None:
        for use in (
            ("edit_file", {**EDIT, "path": name}),
            ("write_file", {"path": name, "content": "x"}),
            ("delete_file", {"path": name}),
            ("rename_file", {"old_path": "main.py", "new_path": name}),
        ):
            job, connection = await project.job(use, flags="no showDocument, says yes")
            assert job["state"] == "failed", (use, job)
            assert not [line for line in connection.editor.transcript if line.startswith("asked")]

    run(main())


NEW = ("write_file", {"path": "sub/new.py", "content": "n = 1\n"})


def test_a_file_is_made_when_the_person_allows_it(project: Project) -> None:
    path = project.folder / "sub" / "new.py"
    project.folder.chmod(0o750)

    async def main() -> None:
        async def undo_and_redo(connection: Connection) -> None:
            assert path.read_text() == "n = 1\n"
            assert path.stat().st_mode & 0o777 == 0o640, "as open to others as the folder it is in"
            await connection.execute("claude.undo", {})
            await connection.server.session.finished()
            assert not path.exists()
            await connection.execute("claude.redo", {})
            await connection.server.session.finished()
            assert path.read_text() == "n = 1\n"
            path.write_text("mine\n")
            await connection.execute("claude.undo", {})

        job, connection = await project.job(NEW, flags="says yes", then=undo_and_redo)
        assert job["state"] == "done", job
        assert "asked: Claude wants to make the file sub/new.py (1 line)." in connection.editor.transcript
        assert path.read_text() == "mine\n", "what was changed since is kept"
        assert "was changed meanwhile, and is kept" in connection.editor.transcript[-1]

    run(main())


@pytest.mark.parametrize(
    "use",
    [
        NEW,
        ("delete_file", {"path": "other.py"}),
        ("rename_file", {"old_path": "other.py", "new_path": "new.py"}),
    ],
)
def test_nothing_happens_to_files_without_a_yes(project: Project, use: tuple[str, dict[str, Any]]) -> None:
    project.file("other.py")

    async def main() -> None:
        job, connection = await project.job(use)
        assert job["state"] == "failed" and "did not allow" in job["error"]
        assert sum(line.startswith("asked: Claude wants to") for line in connection.editor.transcript) == 1
        assert project.names() == ["main.py", "other.py"]

    run(main())


@pytest.mark.parametrize("flags", ["says yes", "says yes, moves files"])
def test_renaming_and_deleting(project: Project, flags: str) -> None:
    other, third = project.file("other.py"), project.file("third.py", "t\n")
    new = project.folder / "sub" / "new.py"
    new.parent.mkdir()

    async def main() -> None:
        async def undo_and_redo(connection: Connection) -> None:
            assert not other.exists() and not third.exists() and new.read_text() == TWO
            await connection.execute("claude.undo", {})
            await connection.server.session.finished()
            assert other.read_text() == TWO and third.read_text() == "t\n" and not new.exists()
            await connection.execute("claude.redo", {})
            await connection.server.session.finished()
            assert not other.exists() and not third.exists() and new.read_text() == TWO

        rename = ("rename_file", {"old_path": "other.py", "new_path": "sub/new.py"})
        job, _ = await project.job(rename, ("delete_file", {"path": "third.py"}), flags=flags, then=undo_and_redo)
        assert job["state"] == "done", job

    run(main())


def test_a_file_that_is_open_is_renamed_by_its_editor_or_not_at_all(project: Project) -> None:
    path = project.file("other.py")
    use = ("rename_file", {"old_path": "other.py", "new_path": "new.py"})

    async def main() -> None:
        job, _ = await project.job(use, flags="says yes", open_too="other.py")
        assert job["state"] == "failed" and "is open in the editor" in job["error"]
        assert path.exists()
        job, _ = await project.job(use, flags="says yes, moves files", open_too="other.py")
        assert job["state"] == "done"
        assert not path.exists() and (project.folder / "new.py").read_text() == TWO

    run(main())


def test_names_that_are_taken_stay_what_they_are(project: Project) -> None:
    project.file("other.py")
    project.file("third.py", "t\n")

    async def main() -> None:
        use = ("rename_file", {"old_path": "other.py", "new_path": "third.py"})
        job, _ = await project.job(use, flags="says yes, moves files")
        assert job["state"] == "failed" and "exists already" in job["error"]
        assert (project.folder / "third.py").read_text() == "t\n"

    run(main())


def test_writing_a_file_that_exists_touches_only_what_differs(project: Project) -> None:
    path = project.file("other.py")

    async def main() -> None:
        use = ("write_file", {"path": "other.py", "content": "a = 1\nb = 2\nc = 3\n"})
        job, connection = await project.job(use, flags="opens files")
        assert job["state"] == "done", job
        assert connection.editor.buffers[path.as_uri()].text == "a = 1\nb = 2\nc = 3\n"
        (edit,) = [line for line in connection.editor.transcript if line.startswith("edit")]
        assert edit == "edit other.py v1 3:1-3:1 'c = 3\\n'"

    run(main())


def test_a_file_that_is_open_by_another_name_is_changed_in_its_buffer(project: Project) -> None:
    path = project.file("real/other.py")
    (project.folder / "link").symlink_to(path.parent)

    async def main() -> None:
        use = ("edit_file", {**EDIT, "path": "real/other.py"})
        job, connection = await project.job(use, flags="no showDocument", open_too="link/other.py")
        assert job["state"] == "done", job
        assert connection.editor.buffers[(project.folder / "link/other.py").as_uri()].text == "a = 1\nb = 20\n"
        assert path.read_text() == TWO

    run(main())
