"""Back to a checkpoint, whatever Claude did to a file and whatever became of it since; nothing typed is lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.connection import Connection, connected

OLD = "a = 1\nb = 2\nc = 3\n"
NEW = "a = 1\nb = 20\nc = 3\n"
MINE = "# mine\n"
WHAT: dict[str, tuple[str, dict[str, Any]]] = {
    "create": ("write_file", {"path": "new.py", "content": "n = 1\n"}),
    "edit": ("edit_file", {"path": "it.py", "edits": [{"old_text": "b = 2", "new_text": "b = 20"}]}),
    "delete": ("delete_file", {"path": "it.py"}),
    "rename": ("rename_file", {"old_path": "it.py", "new_path": "that.py"}),
    "mode": ("delete_file", {"path": "tool.sh"}),
    "link": ("edit_file", {"path": "link.py", "edits": [{"old_text": "b = 2", "new_text": "b = 20"}]}),
}
SINCE = ("nothing", "typed", "saved", "gone", "closed", "restarted")


class Project:
    """A folder with files; `it.py` is open in the editor, `main.py` is where the person asks."""

    def __init__(self, tmp_path: Path) -> None:
        self.tmp_path = tmp_path
        self.folder = tmp_path / "project"
        self.folder.mkdir()
        for name, text in (("main.py", "x = 1\n"), ("it.py", OLD), ("target.py", OLD), ("tool.sh", "echo\n")):
            (self.folder / name).write_text(text)
        (self.folder / "tool.sh").chmod(0o755)
        (self.folder / "link.py").symlink_to("target.py")

    def uri(self, name: str) -> str:
        return (self.folder / name).as_uri()

    def snapshot(self) -> dict[str, tuple[str, int, str]]:
        """All that is in the folder: content, mode and link of each name."""
        found = {}
        for path in sorted(self.folder.iterdir()):
            link = str(path.readlink()) if path.is_symlink() else ""
            found[path.name] = (path.read_text(), path.lstat().st_mode, link)
        return found

    @asynccontextmanager
    async def server(self, script: str, first: int = 1, answers: str = "Allow once") -> AsyncIterator[Connection]:
        flags = frozenset({f"answers {answers}", "says nothing"})
        async with connected(self.tmp_path, script, flags=flags, root=self.folder.as_uri(), first=first) as connection:
            yield connection


async def settle(connection: Connection) -> None:
    await connection.server.session.finished()
    for _ in range(20):
        await asyncio.sleep(0)
    await connection.server.session.finished()


async def do_it(connection: Connection, project: Project, what: str) -> None:
    connection.editor.open(project.uri("main.py"), "python", "x = 1\n")
    if what == "edit":
        connection.editor.open_file(project.uri("it.py"))
    place = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
    uri = project.uri("main.py")
    job = await connection.job("claude.edit", uri=uri, range=place, instruction="go")
    assert job["state"] == "done", job


@pytest.mark.parametrize("since", SINCE)
@pytest.mark.parametrize("what", WHAT)
def test_every_change_goes_back_whatever_happened_since(tmp_path: Path, what: str, since: str) -> None:
    project = Project(tmp_path)
    before = project.snapshot()
    tool, value = WHAT[what]
    script = f"-- claude --\n>>> {tool}\n= {json.dumps(value)}\n"
    touched = {"create": "new.py", "rename": "that.py", "mode": "tool.sh", "link": "link.py"}.get(what, "it.py")

    async def main() -> None:
        async with project.server(script) as connection:
            editor = connection.editor
            await do_it(connection, project, what)
            assert project.snapshot() != before or what == "edit"
            uri = project.uri(touched)
            path = project.folder / touched
            if since in ("typed", "saved", "closed") and path.exists() and uri not in editor.buffers:
                editor.open_file(uri)
            if since in ("typed", "saved") and uri in editor.buffers:
                editor.type(uri, 0, 0, MINE)
            if since == "saved" and uri in editor.buffers:
                path.write_text(editor.buffers[uri].text)
            if since == "closed" and uri in editor.buffers:
                editor.close_document(uri)
            if since == "gone" and path.exists():
                if uri in editor.buffers:
                    editor.close_document(uri)
                path.unlink()
            await settle(connection)
            if since != "restarted":
                await rewind(connection, project, what, since, before)
        if since == "restarted":
            async with project.server("-- claude --\nx\n", first=100) as connection:
                await settle(connection)
                if what == "edit":
                    # The editor was never told to save: it still shows what Claude wrote.
                    connection.editor.open(project.uri("it.py"), "python", NEW)
                await rewind(connection, project, what, since, before)

    asyncio.run(main())


async def rewind(connection: Connection, project: Project, what: str, since: str, before: dict[str, Any]) -> None:
    editor = connection.editor
    (checkpoint,) = (await connection.execute("claude.checkpoints", {}))["checkpoints"]
    answer = await connection.execute("claude.rewind", {"checkpoint": checkpoint["id"]})
    await settle(connection)
    now = project.snapshot()
    uri = project.uri("it.py")
    typed = MINE if since in ("typed", "saved") else ""
    if what == "edit":
        shown = editor.buffers[uri].text if uri in editor.buffers else now["it.py"][0]
        assert shown == typed + OLD
        if since == "saved":
            now["it.py"] = (OLD, *now["it.py"][1:])
    elif what == "link" and typed:
        assert editor.buffers[project.uri("link.py")].text == typed + OLD
        for name in ("target.py", "link.py"):
            now[name] = (OLD, *now[name][1:])
    elif what in ("create", "rename") and typed:
        # It holds what the person has written: it stays, as nobody has said that it may go.
        name = {"create": "new.py", "rename": "that.py"}[what]
        assert editor.buffers[project.uri(name)].text.startswith(MINE)
        del now[name]
    elif what == "link" and since == "gone":
        # Only the target was changed. That somebody has removed the link is not for us to undo.
        assert now["target.py"][0] == OLD
        now["link.py"] = before["link.py"]
    assert now == before
    assert answer["checkpoint"].startswith("rewind-")


def test_a_file_of_claudes_with_lines_of_the_persons_is_not_deleted_unasked(tmp_path: Path) -> None:
    """Even if a second job has changed it since, and left those lines as they were."""
    project = Project(tmp_path)
    made = {"path": "new.py", "content": "n = 1\nm = 1\n"}
    changed = {"path": "new.py", "edits": [{"old_text": "n = 1", "new_text": "n = 2"}]}
    script = "".join(
        f"-- claude --\n>>> {name}\n= {json.dumps(value)}\n"
        for name, value in (("write_file", made), ("edit_file", changed))
    )

    async def main() -> None:
        async with project.server(script) as connection:
            await do_it(connection, project, "create")
            path = project.folder / "new.py"
            path.write_text(MINE + path.read_text())
            place = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
            uri = project.uri("main.py")
            job = await connection.job("claude.edit", uri=uri, range=place, instruction="go")
            assert job["state"] == "done", job
            assert path.read_text() == MINE + "n = 2\nm = 1\n"
            await connection.execute("claude.rewind", {"checkpoint": "job1"})
            await settle(connection)
            assert any("holds what you have written since" in line for line in connection.editor.transcript)
            assert MINE in path.read_text()

    asyncio.run(main())


def test_what_was_deleted_comes_back_with_its_bytes(tmp_path: Path) -> None:
    project = Project(tmp_path)
    data = bytes(range(256)) * 10
    (project.folder / "it.bin").write_bytes(data)
    script = '-- claude --\n>>> delete_file\n= {"path": "it.bin"}\n'

    async def main() -> None:
        async with project.server(script) as connection:
            await do_it(connection, project, "create")
            assert not (project.folder / "it.bin").exists()
            await connection.execute("claude.rewind", {"checkpoint": "job1"})
            await settle(connection)
            assert (project.folder / "it.bin").read_bytes() == data
            # And away again.
            await connection.execute("claude.rewind", {"checkpoint": "rewind-job2"})
            await settle(connection)
            assert not (project.folder / "it.bin").exists()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: (path.unlink(), path.mkdir()), "is a folder now"),
        (lambda path: (path.unlink(), path.symlink_to("main.py")), "not"),
    ],
)
def test_what_became_something_else_is_left_alone_and_told(
    tmp_path: Path, spoil: Callable[[Path], object], words: str
) -> None:
    project = Project(tmp_path)
    script = (
        '-- claude --\n>>> edit_file\n= {"path": "target.py", "edits": [{"old_text": "b = 2", "new_text": "b = 9"}]}\n'
    )

    async def main() -> None:
        async with project.server(script) as connection:
            await do_it(connection, project, "create")
            path = project.folder / "target.py"
            spoil(path)
            before = (path.is_dir(), path.is_symlink(), (project.folder / "main.py").read_text())
            try:
                await connection.execute("claude.rewind", {"checkpoint": "job1"})
            except RuntimeError as refused:
                assert words in str(refused)
            await settle(connection)
            assert (path.is_dir(), path.is_symlink(), (project.folder / "main.py").read_text()) == before

    asyncio.run(main())
