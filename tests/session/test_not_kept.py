"""What cannot be kept is not begun; what was kept is found again, and what was damaged is said."""

from __future__ import annotations

import asyncio
from pathlib import Path

from claude_ls.workspace.database import NAME
from harness.connection import Connection, connected

SCRIPT = "-- claude --\n>>> edit_file\npath: a.py\nedits.0.old_text: x = 1\nedits.0.new_text: x = 2\n"
TEXT = "x = 1\n"


def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "a.py").write_text(TEXT)
    return folder


async def settle(connection: Connection) -> None:
    for _ in range(10):
        await asyncio.sleep(0.01)
        await connection.server.session.finished()


async def change(connection: Connection, folder: Path) -> str:
    uri = (folder / "a.py").as_uri()
    connection.editor.open(uri, "python", (folder / "a.py").read_text())
    place = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
    job = await connection.job("claude.edit", uri=uri, range=place, instruction="go")
    return str(job.get("error") or job["state"])


def test_without_a_checkpoint_nothing_is_changed(tmp_path: Path) -> None:
    folder = project(tmp_path)
    (tmp_path / "state").write_text("in the way")

    async def main() -> None:
        async with connected(tmp_path, SCRIPT, root=folder.as_uri()) as connection:
            error = await change(connection, folder)
            assert error.startswith("A change did not land: no checkpoint could be made first: ")
            assert "state" in error
            assert connection.editor.buffers[(folder / "a.py").as_uri()].text == TEXT
            assert (await connection.execute("claude.hunks", {}))["hunks"] == []

    asyncio.run(main())


def test_a_damaged_database_is_set_aside_and_said_once(tmp_path: Path) -> None:
    folder = project(tmp_path)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / NAME).write_bytes(b"no database" * 1000)

    async def main() -> None:
        async with connected(tmp_path, SCRIPT, root=folder.as_uri()) as connection:
            assert await change(connection, folder) == "done"
            told = [line for line in connection.editor.transcript if "is set aside as" in line]
            assert len(told) == 1
            assert (tmp_path / "state" / NAME).exists()

    asyncio.run(main())


def test_the_undo_of_a_change_by_an_earlier_server(tmp_path: Path) -> None:
    folder = project(tmp_path)

    async def main() -> None:
        async with connected(tmp_path, SCRIPT, root=folder.as_uri()) as connection:
            assert await change(connection, folder) == "done"
            (folder / "a.py").write_text("x = 2\n")
        async with connected(tmp_path, SCRIPT, root=folder.as_uri(), first=100) as connection:
            uri = (folder / "a.py").as_uri()
            connection.editor.open(uri, "python", "x = 2\n")
            await settle(connection)
            (hunk,) = (await connection.execute("claude.hunks", {}))["hunks"]
            assert (hunk["job"], hunk["title"], hunk["newText"]) == ("job1", "go", "x = 2\n")
            answer = await connection.execute("claude.undo", {"job": "job1"})
            assert answer == {"undone": "job1", "kept": []}
            await settle(connection)
            assert connection.editor.buffers[uri].text == TEXT

    asyncio.run(main())


def test_what_was_not_saved_when_the_server_ended_is_carried_over(tmp_path: Path) -> None:
    """The editor went on without us: what somebody typed meanwhile is theirs."""
    folder = project(tmp_path)

    async def main() -> None:
        async with connected(tmp_path, SCRIPT, root=folder.as_uri()) as connection:
            assert await change(connection, folder) == "done"
        async with connected(tmp_path, SCRIPT, root=folder.as_uri(), first=100) as connection:
            uri = (folder / "a.py").as_uri()
            connection.editor.open(uri, "python", "# mine\nx = 2\n# too\n")
            await settle(connection)
            await connection.execute("claude.reject", {})
            await settle(connection)
            assert connection.editor.buffers[uri].text == "# mine\nx = 1\n# too\n"

    asyncio.run(main())
