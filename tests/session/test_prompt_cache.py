"""Ten edits in a row: what each request shares with the one before is read from the service's cache."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

import claude_ls
from claude_ls.agent.claude import ClaudeModel
from claude_ls.agent.replay import ReplayServer, serve
from claude_ls.agent.scripted import read_script
from claude_ls.session.indexing import Indexing
from harness.connection import Connection, connected

SHARE = 0.8
# A real project of some 20,000 lines: our own. Ten functions in three files, as somebody would go through them.
PLACES = [
    ("agent/loop.py", "async def run("),
    ("agent/wire_request.py", "def wire_request("),
    ("agent/wire_request.py", "def _wire_tool("),
    ("agent/wire_request.py", "def _wire_messages("),
    ("agent/wire_request.py", "def _wire_block("),
    ("agent/wire_request.py", "def _sendable("),
    ("agent/credentials.py", "def credential_source("),
    ("agent/credentials.py", "def has_credentials("),
    ("agent/credentials.py", "def needs_no_key("),
    ("agent/wire_request.py", "def _wire_tool("),
]


def edit(name: str, definition: str, text: str) -> str:
    """A turn that says the first line of the body once more, as a comment, so that the file is another afterwards."""
    at = text.index(definition)
    line = text[text.rindex("\n", 0, at) + 1 : text.index("\n", at)]
    change = {"path": name, "edits": [{"old_text": line, "new_text": f"# Looked at.\n{line}"}]}
    return f"-- claude --\n>>> edit_file\n={json.dumps(change)}\n"


async def ten_edits(connection: Connection, root: Path) -> None:
    texts: dict[str, str] = {}
    for name, definition in PLACES:
        uri = (root / name).as_uri()
        if name not in texts:
            texts[name] = (root / name).read_text()
            connection.editor.open(uri, "python", texts[name])
        text = connection.editor.buffers[uri].text
        start = connection.editor.position(text, text.index(definition))
        job = await connection.job(
            "claude.edit", uri=uri, range={"start": start, "end": start}, instruction="say that it was looked at"
        )
        assert job["state"] == "done", job


def cached(server: ReplayServer) -> tuple[int, int]:
    """Tokens read from the cache, and tokens of all requests behind the first."""
    return sum(item.read for item in server.counted[1:]), sum(sum(item) for item in server.counted[1:])


def test_ten_edits_in_a_row_share_what_they_begin_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = Path(claude_ls.__file__).parent
    turns = [edit(name, definition, (root / name).read_text()) for name, definition in PLACES]

    async def story() -> tuple[int, int]:
        server = await serve(read_script("".join(turns)))
        model = ClaudeModel(environ={"ANTHROPIC_API_KEY": "none"}, endpoint=server.url)
        known = Indexing(None)
        try:
            async with connected(tmp_path, model=model, root=root.as_uri(), surroundings=known) as connection:
                await connection.execute("claude.jobs", {})
                await known.whole()
                await ten_edits(connection, root)
        finally:
            await server.close()
        assert len(server.counted) == len(PLACES)
        return cached(server)

    read, asked = asyncio.run(asyncio.wait_for(story(), 100))
    with capsys.disabled():
        sys.stdout.write(
            f"\n  of {asked:,} tokens behind the first request, {read:,} came from the cache: {read / asked:.0%}\n"
        )
    assert read / asked >= SHARE
