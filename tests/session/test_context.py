"""What Claude gets to see of a real folder: unsaved text before what is on disk, nothing hidden, all of it told."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from claude_ls.agent.scripted import ScriptedModel, request_text
from claude_ls.index.folder_index import FolderIndex
from claude_ls.index.one_file import read_file
from claude_ls.session.indexing import Indexing
from claude_ls.workspace.tree_watcher import TreeWatcher
from harness.connection import Connection, connected

ASK = "-- claude --\nwords\n"
USE = "from prices import price_of\n\n\ndef total(items):\n    return sum(price_of(item) for item in items)\n"
PRICES = "def price_of(item, currency='EUR'):\n    secret_body = item\n    return secret_body\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    root.mkdir()
    (root / "use.py").write_text(USE)
    (root / "prices.py").write_text(PRICES)
    return root


class Blind(TreeWatcher):
    """Watches where the system cannot tell of changes."""

    def start(self) -> str:
        return "not here"


def play(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


def whole(line: int = 4) -> dict[str, Any]:
    return {"start": {"line": line, "character": 0}, "end": {"line": line, "character": 0}}


async def read(connection: Connection, known: Indexing) -> None:
    """Wait until all that was there at the start has been read."""
    await connection.execute("claude.jobs", {})  # whoever answers this has heard of the folders
    await known.whole()


async def asked(connection: Connection, path: Path, text: str) -> str:
    """What Claude was sent that was asked about a line of `path`."""
    connection.editor.open(path.as_uri(), "python", text)
    await connection.job("claude.explain", uri=path.as_uri(), range=whole())
    assert isinstance(connection.model, ScriptedModel)
    return request_text(connection.model.requests[-1])


def test_the_signatures_of_what_the_code_names_are_sent(root: Path, tmp_path: Path) -> None:
    async def story() -> None:
        known = Indexing(tmp_path / "state")
        async with connected(tmp_path, ASK, root=root.as_uri(), surroundings=known) as connection:
            await read(connection, known)
            text = await asked(connection, root / "use.py", USE)
            assert "<related path=\"prices.py\">\ndef price_of(item, currency='EUR'):\n⋮\n</related>" in text
            assert "secret_body" not in text
            assert 0 < text.index("<map>\nprices.py") < text.index("<file path") < text.index("<related path")

    play(story())


def test_unsaved_text_comes_first_and_what_is_ignored_never(root: Path, tmp_path: Path) -> None:
    (root / ".gitignore").write_text("hidden.py\n")
    (root / ".claudeignore").write_text("quiet.py\n")
    (root / "hidden.py").write_text("def hidden_thing(): pass\n")
    (root / "quiet.py").write_text("def quiet_thing(): pass\n")
    use = "from hidden import hidden_thing\nfrom quiet import quiet_thing\n" + USE.replace(
        "items)", "items, hidden_thing, quiet_thing)"
    )

    async def story() -> None:
        known = Indexing(None)
        async with connected(tmp_path, ASK, root=root.as_uri(), surroundings=known) as connection:
            await read(connection, known)
            connection.editor.open(
                (root / "prices.py").as_uri(), "python", PRICES.replace("currency", "typed_just_now")
            )
            connection.editor.open((root / "hidden.py").as_uri(), "python", "def hidden_thing(x): pass\n")
            text = await asked(connection, root / "use.py", use)
            assert "def price_of(item, typed_just_now='EUR'):" in text
            assert "def hidden_thing" not in text and "def quiet_thing" not in text

    play(story())


def test_rules_are_sent_where_the_folder_is_trusted_and_ones_own_always(root: Path, tmp_path: Path) -> None:
    (root / "CLAUDE.md").write_text("Rule of the folder\n")
    own = tmp_path / "CLAUDE.md"
    own.write_text("Rule of my own\n")

    async def story(trusted: bool) -> None:
        (tmp_path / "config.toml").write_text(f"trusted = ['{root}']\n" if trusted else "")
        async with connected(tmp_path, ASK, root=root.as_uri(), own_rules=own) as connection:
            text = await asked(connection, root / "use.py", USE)
            assert "Rule of my own" in text
            assert ("Rule of the folder" in text) == trusted
            (root / "CLAUDE.md").write_text("Another rule of the folder\n")

    play(story(trusted=False))
    (root / "CLAUDE.md").write_text("Rule of the folder\n")
    play(story(trusted=True))


def test_claude_context_shows_what_is_then_sent_and_sends_nothing(root: Path, tmp_path: Path) -> None:
    async def story() -> None:
        known = Indexing(None)
        async with connected(tmp_path, ASK, root=root.as_uri(), surroundings=known) as connection:
            await read(connection, known)
            connection.editor.open((root / "use.py").as_uri(), "python", USE)
            here = {"uri": (root / "use.py").as_uri(), "range": whole()}
            answer = await connection.execute("claude.context", {**here, "action": "explain"})
            assert isinstance(connection.model, ScriptedModel)
            assert connection.model.requests == []
            titles = [block["title"] for block in answer["blocks"]]
            assert titles == ["system prompt", "map", "file use.py", "related prices.py", "request"]
            assert answer["tokens"] == sum(block["tokens"] for block in answer["blocks"]) > 0
            assert answer["cost"] > 0
            await connection.job("claude.explain", **here)
            sent = request_text(connection.model.requests[-1])
            for block in answer["blocks"]:
                assert block["text"] in sent
            edit = await connection.execute("claude.context", {**here, "action": "edit", "instruction": "shorter"})
            assert edit["blocks"][0]["title"] == "tools" and "shorter" in edit["blocks"][-1]["text"]
            for wrong in ({"action": "fix"}, {"action": "nothing"}, {}):
                with pytest.raises(Exception, match="action"):
                    await connection.execute("claude.context", {**here, **wrong})

    play(story())


async def settled(known: Indexing, root: Path) -> None:
    """Wait until the index is what one made now would be."""
    fresh = FolderIndex(root, None)
    fresh.add([read_file(root, file) for file in fresh.stale()])
    expected = fresh.dump()
    deadline = asyncio.get_running_loop().time() + 10
    while known._folders[root].index.dump() != expected:
        assert asyncio.get_running_loop().time() < deadline, "the index does not follow"
        await asyncio.sleep(0.02)
    await known.whole()


@pytest.mark.parametrize("watched", [True, False], ids=["watched", "told by the editor"])
def test_the_index_follows_whatever_happens_to_files(watched: bool, root: Path, tmp_path: Path) -> None:
    git = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}

    def run_git(*words: str) -> None:
        identity = ["-c", "user.name=x", "-c", "user.email=x@x"]
        subprocess.run(["git", *identity, *words], cwd=root, env=git, check=True, capture_output=True)

    async def story() -> None:
        known = Indexing(None, tell=told.append, watch=TreeWatcher if watched else Blind)
        known.follow([root])
        await known.whole()

        async def step(*names: str) -> None:
            if not watched:
                known.changed([root / name for name in names])
            await settled(known, root)

        (root / "prices.py").write_text("def other():\n    pass\n")
        await step("prices.py")
        (root / "new").mkdir()
        (root / "new" / "made.py").write_text("def made(): pass\n")
        await step("new/made.py")
        (root / "new").rename(root / "newer")
        await step("new", "newer", "newer/made.py")
        for number in range(30):
            (root / f"generated_{number}.py").write_text(f"def generated_{number}(): pass\n")
        await step(*(f"generated_{number}.py" for number in range(30)))
        (root / "generated_3.py").unlink()
        await step("generated_3.py")
        (root / ".gitignore").write_text("generated_*\n")
        await step(".gitignore")
        run_git("init", "-q", "-b", "main")
        run_git("add", "-A")
        run_git("commit", "-qm", "one")
        run_git("checkout", "-qb", "branch")
        (root / "prices.py").write_text("def on_the_branch(): pass\n")
        (root / "use.py").unlink()
        run_git("commit", "-qam", "two")
        run_git("checkout", "-q", "main")
        await step("prices.py", "use.py")
        assert known._folders[root].index.dump().keys() == {"prices.py", "use.py", "newer/made.py"}
        await known.aclose()

    told: list[str] = []
    play(story())
    assert len(told) == (0 if watched else 1)


def test_a_folder_that_nobody_tells_of_is_looked_through_when_it_is_asked_about(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claude_ls.session.indexing.LOOK_SECONDS", 0.0)

    async def story() -> None:
        known = Indexing(None, watch=Blind)
        known.follow([root])
        await known.whole()
        (root / "prices.py").write_text("def price_of(changed_on_disk): pass\n")
        (shown,) = await known.context(root / "use.py", (4, 4), 4_000, {}, whole=True)
        assert "changed_on_disk" in shown.text
        await known.aclose()

    play(story())


def test_folders_come_and_go(root: Path, tmp_path: Path) -> None:
    async def story() -> None:
        other = tmp_path / "other"
        other.mkdir()
        (other / "x.py").write_text("def price_of(): pass\n")
        known = Indexing(None)
        known.follow([root, other, tmp_path / "gone"])
        await known.whole()
        assert await known.context(tmp_path / "elsewhere.py", (0, 0), 4_000, {}) == []
        (shown,) = await known.context(root / "use.py", (4, 4), 4_000, {}, whole=True)
        assert shown.path == "prices.py", "what another folder calls so is not meant"
        known.follow([other])
        assert await known.context(root / "use.py", (4, 4), 4_000, {}) == []
        await known.aclose()

    play(story())


def test_to_leave_in_the_middle_of_reading_is_to_leave(root: Path, tmp_path: Path) -> None:
    for number in range(2_000):
        (root / f"f{number}.py").write_text(f"def f{number}(): pass\n" * 20)

    async def story() -> None:
        known = Indexing(tmp_path / "state")
        known.follow([root])
        await asyncio.sleep(0.3)
        await known.aclose()

    play(story())


def test_nothing_is_offered_or_sent_of_a_file_that_is_ignored(root: Path, tmp_path: Path) -> None:
    (root / ".claudeignore").write_text("quiet.py\n")
    (root / "quiet.py").write_text(PRICES)

    async def story() -> None:
        known = Indexing(None)
        async with connected(tmp_path, ASK, root=root.as_uri(), surroundings=known) as connection:
            await read(connection, known)
            uri = (root / "quiet.py").as_uri()
            connection.editor.open(uri, "python", PRICES)
            await connection.server.session.finished()
            params = {"textDocument": {"uri": uri}, "range": whole(0), "context": {"diagnostics": []}}
            actions = await connection.editor.request("textDocument/codeAction", params)
            assert actions and all(".claudeignore" in action["disabled"]["reason"] for action in actions)
            for command, more in (("claude.explain", {}), ("claude.context", {"action": "explain"})):
                with pytest.raises(RuntimeError, match="claudeignore"):
                    await connection.execute(command, {"uri": uri, "range": whole(0), **more})
            # Once it is off the list it is a file like any other.
            (root / ".claudeignore").unlink()
            changed = [{"uri": (root / ".claudeignore").as_uri(), "type": 3}]
            connection.editor.notify("workspace/didChangeWatchedFiles", {"changes": changed})
            await connection.execute("claude.jobs", {})
            await known.whole()
            connection.editor.notify("workspace/didChangeWatchedFiles", {"changes": changed})
            await connection.execute("claude.jobs", {})
            await connection.server.session.finished()
            assert "secret_body" in await explained(connection, uri)

    play(story())


def test_a_job_finds_out_by_itself_that_its_file_is_ignored(root: Path, tmp_path: Path) -> None:
    async def story() -> None:
        known = Indexing(None)
        async with connected(tmp_path, ASK, root=root.as_uri(), surroundings=known) as connection:
            await read(connection, known)
            connection.editor.open((root / "use.py").as_uri(), "python", USE)
            await connection.server.session.finished()
            # Nobody tells the session of this one; the index hears of it.
            (root / ".gitignore").write_text("use.py\n")
            known.changed([root / ".gitignore"])
            await known.whole()
            job = await connection.job("claude.explain", uri=(root / "use.py").as_uri(), range=whole())
            assert job["state"] == "failed" and ".gitignore" in job["error"]
            assert isinstance(connection.model, ScriptedModel) and not connection.model.requests

    play(story())


async def explained(connection: Connection, uri: str) -> str:
    await connection.job("claude.explain", uri=uri, range=whole(0))
    assert isinstance(connection.model, ScriptedModel)
    return request_text(connection.model.requests[-1])


def test_what_the_editor_tells_about_the_lines_at_hand_is_sent(root: Path, tmp_path: Path) -> None:
    def told(line: int, message: str) -> dict[str, Any]:
        return {"range": whole(line), "message": message, "severity": 2, "source": "lint", "code": "E1"}

    async def story() -> None:
        async with connected(tmp_path, ASK * 2, root=root.as_uri()) as connection:
            uri = (root / "use.py").as_uri()
            connection.editor.open(uri, "python", USE)
            notes = {"uri": uri, "version": 1, "diagnostics": [told(3, "no type"), told(0, "import order")]}
            connection.editor.notify("claude/diagnostics", notes)
            # It follows the lines as they move, and what is about another version is not taken.
            connection.editor.type(uri, 0, 0, "# typed\n")
            connection.editor.notify("claude/diagnostics", {**notes, "diagnostics": [told(4, "stale")]})
            await connection.job("claude.explain", uri=uri, range=whole(5))
            assert isinstance(connection.model, ScriptedModel)
            text = request_text(connection.model.requests[-1])
            assert "<diagnostics>\nline 5: warning: no type (lint E1)\n</diagnostics>" in text
            connection.editor.close_document(uri)
            connection.editor.notify("claude/diagnostics", notes)
            connection.editor.open(uri, "python", USE)
            assert "<diagnostics>\n" not in await explained(connection, uri)

    play(story())
