"""Files of well-known projects with awkward text: an edit in them changes what it should, and not a byte besides."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from harness.connection import connected

FILES = Path(__file__).parent.parent.parent / "fixtures" / "workspaces"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
@pytest.mark.parametrize(
    ("name", "language", "old", "new"),
    [
        ("python/iterators.py", "python", "    print(tab + msg.get_content_type(), end='', file=fp)", "    pass"),
        ("python/unicode_identifiers.py", "python", "        𝔘𝔫𝔦𝔠𝔬𝔡𝔢 = 1", "        𝔘𝔫𝔦𝔠𝔬𝔡𝔢 = 2"),
        ("javascript/to-batch-syntax.js", "javascript", "    pairs[split[0]] = split[1]", "    pairs[split[0]] = 1"),
    ],
)
def test_an_edit_of_a_real_file(tmp_path: Path, name: str, language: str, old: str, new: str, encoding: str) -> None:
    before = (FILES / name).read_bytes().decode("utf-8")
    assert before.count(old) == 1
    script = (
        f"-- claude --\n>>> edit_file\npath: {Path(name).name}\nedits.0.old_text:\n|{old}\nedits.0.new_text:\n|{new}\n"
    )
    uri = f"file:///project/{Path(name).name}"

    async def run() -> str:
        async with connected(tmp_path, script, encoding=encoding) as connection:
            editor = connection.editor
            editor.open(uri, language, before)
            at = editor.position(before, before.index(old))
            editor.type(uri, 0, 0, "𝒳")
            job = await connection.job("claude.edit", uri=uri, range={"start": at, "end": at}, instruction="change it")
            assert job["state"] == "done", job
            return editor.buffers[uri].text

    assert asyncio.run(run()) == "𝒳" + before.replace(old, new)
