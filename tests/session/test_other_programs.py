"""What waits for review while other programs are at the files: editors without us, git, and nobody."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path

from harness.connection import Connection, connected

TEXT = "".join(f"line {number:02}\n" for number in range(1, 31))
EDITS = [
    {"old_text": "line 03", "new_text": "line three"},
    {"old_text": "line 12", "new_text": "line twelve\nand more"},
    {"old_text": "line 20\n", "new_text": ""},
]
CHANGED = TEXT.replace("line 03\n", "line three\n").replace("line 20\n", "")
CHANGED = CHANGED.replace("line 12\n", "line twelve\nand more\n")
SCRIPT = f"-- claude --\n>>> edit_file\n= {json.dumps({'path': 'it.py', 'edits': EDITS})}\n"


def project(tmp_path: Path) -> Path:
    folder = (tmp_path / "project").resolve()
    folder.mkdir()
    (folder / "main.py").write_text("x = 1\n")
    (folder / "it.py").write_text(TEXT)
    return folder


async def change(connection: Connection, folder: Path) -> None:
    uri = (folder / "main.py").as_uri()
    connection.editor.open(uri, "python", "x = 1\n")
    place = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
    job = await connection.job("claude.edit", uri=uri, range=place, instruction="go")
    assert job["state"] == "done", job


async def hunks(connection: Connection) -> list[tuple[int, str]]:
    found = (await connection.execute("claude.hunks", {}))["hunks"]
    return [(hunk["range"]["start"]["line"] + 1, hunk["newText"]) for hunk in found]


async def until(connection: Connection, expected: list[tuple[int, str]]) -> None:
    """The system tells when it likes."""
    for _ in range(2000):
        if await hunks(connection) == expected:
            return
        await asyncio.sleep(0.01)
    assert await hunks(connection) == expected


def test_what_another_program_writes_moves_what_waits(tmp_path: Path) -> None:
    folder = project(tmp_path)

    async def main() -> None:
        async with connected(tmp_path, SCRIPT, root=folder.as_uri()) as connection:
            await change(connection, folder)
            path = folder / "it.py"
            assert path.read_text() == CHANGED
            assert await hunks(connection) == [(3, "line three\n"), (12, "line twelve\nand more\n"), (21, "")]
            path.write_text("first\n" + CHANGED)
            await until(connection, [(4, "line three\n"), (13, "line twelve\nand more\n"), (22, "")])
            # One of them is taken back by hand, another one is written over.
            path.write_text("first\n" + CHANGED.replace("line three", "line 03").replace("line 19\nline 21", "nothing"))
            await until(connection, [(13, "line twelve\nand more\n")])
            await connection.execute("claude.reject", {})
            await connection.server.session.finished()
            expected = "first\n" + TEXT.replace("line 19\nline 20\nline 21", "nothing")
            assert path.read_text() == expected

    asyncio.run(main())


def git(folder: Path, *arguments: str) -> None:
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    names = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", *names, *arguments], cwd=folder, env=environ, check=True, capture_output=True)


async def commit_a_part(connection: Connection, folder: Path) -> None:
    await change(connection, folder)
    await connection.server.session.finished()
    whole = (folder / "it.py").read_text()
    # As `git add -p` does it: two of the three changes.
    (folder / "it.py").write_text(whole.replace("line twelve\nand more", "line 12"))
    git(folder, "add", "it.py")
    (folder / "it.py").write_text(whole)
    git(folder, "commit", "-m", "two of three")


def test_what_was_committed_was_looked_at(tmp_path: Path) -> None:
    folder = project(tmp_path)
    (tmp_path / "config.toml").write_text(f"trusted = [{json.dumps(str(tmp_path.resolve()))}]\n")
    git(folder, "init")
    git(folder, "add", "-A")
    git(folder, "commit", "-m", "all")

    async def main() -> None:
        async with connected(tmp_path, SCRIPT, root=folder.as_uri()) as connection:
            await commit_a_part(connection, folder)
            await until(connection, [(12, "line twelve\nand more\n")])

    asyncio.run(main())


def test_git_is_not_asked_in_a_folder_that_nobody_trusts(tmp_path: Path) -> None:
    folder = project(tmp_path)
    git(folder, "init")
    git(folder, "add", "-A")
    git(folder, "commit", "-m", "all")

    async def main() -> None:
        async with connected(tmp_path, SCRIPT, root=folder.as_uri()) as connection:
            await commit_a_part(connection, folder)
            for _ in range(50):
                await asyncio.sleep(0.01)
            assert len(await hunks(connection)) == 3

    asyncio.run(main())


def test_a_repository_of_an_attacker_runs_nothing(tmp_path: Path) -> None:
    """Whatever its configuration says is to be run, `rev-parse` and `cat-file` with our options do not run it."""
    folder = project(tmp_path)
    git(folder, "init")
    marker = tmp_path / "it ran"
    evil = tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\ntouch '{marker}'\n")
    evil.chmod(0o755)
    (folder / ".gitattributes").write_text("* filter=evil diff=evil\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-m", "all")
    for key in (
        *("core.fsmonitor", "diff.external", "filter.evil.clean", "filter.evil.smudge", "diff.evil.textconv"),
        *("core.pager", "core.editor", "core.sshCommand", "credential.helper", "alias.cat-file", "gpg.program"),
    ):
        git(folder, "config", key, str(evil))
    hooks = folder / ".git" / "hooks"
    for name in ("post-index-change", "reference-transaction", "post-checkout", "fsmonitor-watchman"):
        (hooks / name).write_text(evil.read_text())
        (hooks / name).chmod(0o755)
    # The control arm: an ordinary command does run it.
    subprocess.run(["git", "status"], cwd=folder, capture_output=True, check=False)
    assert marker.exists()
    marker.unlink()
    from claude_ls.workspace.git import find_repository

    repository = find_repository(folder)
    assert repository is not None
    assert repository.committed(folder / "it.py") == TEXT
    assert repository.committed(folder / "no such") is None
    assert not marker.exists()
