"""Texts that break programs, and reports no editor should send: what lands is exact, what is odd is logged once."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from harness.connection import Connection, connected

URI = "file:///project/a.py"
PLACE = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
EDIT = {"path": "a.py", "edits": [{"old_text": "target", "new_text": "changed\nmore"}]}
SCRIPT = f"-- claude --\n>>> edit_file\n= {json.dumps(EDIT)}\n"

TEXTS = {
    "a form feed": "a\x0cb\ntarget\nz\n",
    "line and paragraph separators": "a\u2028b\u2029c\x85d\x0be\ntarget\nz\n",
    "carriage returns alone": "a\rb\rtarget\rz\r",
    "all breaks at once": "a\rb\nc\r\n\r\rtarget\nz\r\n",
    "a byte order mark": "\ufeffa\ntarget\nz\n",
    "a byte order mark before the place": "\ufefftarget\nz\n",
    "NUL": "a\0b\ntarget\nz\n",
    "nothing but the place": "target",
    "no last break": "a\ntarget",
    "astral characters": "𝒳𝒳\ntarget 👩‍👩‍👧\n𝒳",
    "combining marks": "e\u0301\u0301\ntarget\u0301\nz",
    "right to left": "\u05d0\u05d1\u202e\ntarget\nz",
}


@pytest.mark.parametrize("streaming", ["line", "hunk", "final"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_the_edit_lands_where_it_belongs(tmp_path: Path, text: str, encoding: str, streaming: str) -> None:
    async def main() -> None:
        async with connected(tmp_path, SCRIPT, encoding=encoding, options={"streaming": streaming}) as connection:
            connection.editor.open(URI, "python", text)
            job = await connection.job("claude.edit", uri=URI, range=PLACE, instruction="go")
            assert job["state"] == "done", job
            after = connection.editor.buffers[URI].text
            breaks = [after.split("changed")[1][: len(kind)] for kind in ("\r\n", "\r", "\n")]
            line_break = next(found for found in breaks if found in ("\r\n", "\r", "\n"))
            assert after == text.replace("target", f"changed{line_break}more")
            assert line_break in text or line_break == "\n"
            await connection.execute("claude.undo", {})
            await settled(connection)
            assert connection.editor.buffers[URI].text == text

    asyncio.run(main())


async def settled(connection: Connection) -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def changed(connection: Connection, version: int, *changes: Any) -> str:
    """Report `changes`; the server's text afterwards."""
    identifier = {"uri": URI, "version": version}
    connection.editor.notify("textDocument/didChange", {"textDocument": identifier, "contentChanges": list(changes)})
    document = connection.server.session.document(URI)
    assert document is not None
    return document.text


def replaced(start: tuple[int, int], end: tuple[int, int], text: str) -> dict[str, Any]:
    first, last = ({"line": line, "character": character} for line, character in (start, end))
    return {"range": {"start": first, "end": last}, "text": text}


ODD = {
    "a range that ends before it starts": (replaced((1, 1), (0, 1), "-"), "a-😀\r\nz", True),
    "the middle of a surrogate pair": (replaced((1, 2), (1, 2), "-"), "a😀\r\nb-😀\r\nz", True),
    "beyond the end of the line": (replaced((0, 99), (0, 99), "-"), "a😀-\r\nb😀\r\nz", False),
    "beyond the end of the text": (replaced((99, 0), (99, 9), "-"), "a😀\r\nb😀\r\nz-", False),
    "the whole of it": ({"text": "new"}, "new", False),
}


@pytest.mark.parametrize(("change", "after", "logged"), ODD.values(), ids=ODD.keys())
def test_odd_places_mean_what_the_specification_says(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, change: Any, after: str, logged: bool
) -> None:
    caplog.set_level(logging.WARNING)

    async def main() -> None:
        async with connected(tmp_path) as connection:
            text = "a😀\r\nb😀\r\nz"
            connection.editor.open(URI, "python", text)
            assert changed(connection, 2, change) == after
            changed(connection, 3, {"text": text})
            changed(connection, 4, change)
            assert len([record for record in caplog.records if "as the specification says" in record.message]) == logged

    asyncio.run(main())


def test_versions_that_go_back_are_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)

    async def main() -> None:
        async with connected(tmp_path) as connection:
            connection.editor.open(URI, "python", "a")
            assert changed(connection, 7, {"text": "b"}) == "b"
            assert changed(connection, 3, {"text": "c"}) == "c"
            assert changed(connection, -1, {"text": "d"}) == "d"
            assert changed(connection, -1) == "d"
            messages = [record.message for record in caplog.records]
            assert len(messages) == 1 and "version" in messages[0]

    asyncio.run(main())


def test_large_documents_take_edits_and_typing(tmp_path: Path) -> None:
    text = "".join(f"line {number}\n" for number in range(50_000)) + "target\n"

    async def main() -> None:
        async with connected(tmp_path, SCRIPT, options={"context": {"tokens": 100_000}}) as connection:
            connection.editor.open(URI, "plaintext", text)
            job = await connection.job("claude.edit", uri=URI, range=PLACE, instruction="go")
            assert job["state"] == "done", job
            assert connection.editor.buffers[URI].text == text.replace("target", "changed\nmore")

    asyncio.run(main())


def test_a_line_of_a_megabyte_is_left_alone_with_the_reason(tmp_path: Path) -> None:
    async def main() -> None:
        async with connected(tmp_path) as connection:
            connection.editor.open(URI, "json", "[" + "1," * 500_000 + "1]")
            assert changed(connection, 2, replaced((0, 1), (0, 1), "2,"))[:5] == "[2,1,"
            with pytest.raises(RuntimeError, match="a line of over 100,000 characters"):
                await connection.execute("claude.edit", {"uri": URI, "range": PLACE, "instruction": "go"})

    asyncio.run(main())
