"""Comments that run by themselves: never those that came from disk while the file was open."""

from __future__ import annotations

import asyncio
from pathlib import Path

from claude_ls.session.auto_running import QUIET_SECONDS
from harness.connection import Connection, connected

SCRIPT = "-- claude --\n>>> rewrite_region\nnew_text:\n|x = 2\n"
COMMENT = "# claude: make it two!\n"


async def looked(connection: Connection) -> None:
    """Wait until what was typed has been looked at, and nothing is left to do."""
    await connection.execute("claude.jobs", {})  # whoever answers this has heard of it
    await asyncio.sleep(QUIET_SECONDS)  # timers of one loop fire in their order, and ours was set later
    await connection.server.session.finished()


async def story(tmp_path: Path, *, read_again: bool) -> list[str]:
    """The jobs after the comment has come into the text: by another program and the editor's reading, or by hand."""
    path = tmp_path / "a.py"
    path.write_text("x = 1\ny = 1\n")
    async with connected(tmp_path, SCRIPT, root=tmp_path.as_uri(), options={"autoRun": True}) as connection:
        editor, uri = connection.editor, path.as_uri()
        editor.open(uri, "python", path.read_text())
        if read_again:
            path.write_text(COMMENT + path.read_text())
        editor.type(uri, 0, 0, COMMENT)
        await looked(connection)
        editor.type(uri, len(editor.buffers[uri].text), len(editor.buffers[uri].text), "z = 1\n")
        await looked(connection)
        editor.save(uri)
        await looked(connection)
        return [job["title"] for job in (await connection.execute("claude.jobs", {}))["jobs"]]


def test_what_another_program_wrote_does_not_run(tmp_path: Path) -> None:
    assert asyncio.run(asyncio.wait_for(story(tmp_path, read_again=True), 60)) == []


def test_what_was_typed_does(tmp_path: Path) -> None:
    assert asyncio.run(asyncio.wait_for(story(tmp_path, read_again=False), 60)) == ["make it two"]
