"""A task over a real folder: Claude looks, changes files in the editor, is checked, and ends as it says."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from claude_ls.agent.model import Text, ToolResult
from claude_ls.agent.scripted import ScriptedModel, request_text
from claude_ls.session.indexing import Indexing
from claude_ls.workspace.checks import Checks
from harness.connection import Connection, connected

CART = """from prices import price_of


def total(items):
    return sum(price_of(item) for item in items)
"""
PRICES = """PRICES = {"tea": 3, "cake": 4}


def price_of(item):
    return PRICES[item]
"""
TEST = """import cart

assert cart.total(["tea", "cake"]) == 7
assert cart.total(["tea", "unknown"]) == 3, "what has no price is free"
print("2 passed")
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    root.mkdir()
    (root / "cart.py").write_text(CART)
    (root / "prices.py").write_text(PRICES)
    (root / "check.py").write_text(TEST)
    (tmp_path / "config.toml").write_text(f'[verify.commands]\ntest = ["{sys.executable}", "check.py"]\n')
    return root


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def text_of(path: Path) -> str:
    return path.read_text()


def play(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 90))


def answers(connection: Connection, *choices: str) -> list[str]:
    """The person's answers to what they are asked, in turn; what they were asked."""
    asked: list[str] = []
    given = list(choices)

    def answer(params: dict[str, Any]) -> str | None:
        asked.append(params["message"])
        return given.pop(0) if given else None

    connection.editor.answer = answer
    return asked


async def worked(connection: Connection, task: str, **more: Any) -> dict[str, Any]:
    return await connection.job("claude.agent", task=task, **more)


def results(connection: Connection, request: int) -> list[ToolResult]:
    """What the tools of the turn before this request said."""
    assert isinstance(connection.model, ScriptedModel)
    return [block for block in connection.model.requests[request].messages[-1].blocks if isinstance(block, ToolResult)]


LOOK = """-- claude --
I look first.
>>> search_text
pattern: price_of
>>> read_file
path: prices.py
>>> references
name: price_of
"""
WRONG = """-- claude --
>>> edit_file
path: prices.py
edits.0.old_text:
|    return PRICES[item]
edits.0.new_text:
|    return PRICES.get(item)
-- claude --
What has no price costs nothing now.
"""
RIGHT = """-- claude --
>>> edit_file
path: prices.py
edits.0.old_text:
|    return PRICES.get(item)
edits.0.new_text:
|    return PRICES.get(item, 0)
-- claude --
What has no price is free.
"""


def test_it_looks_changes_is_checked_and_corrects(root: Path, tmp_path: Path) -> None:
    async def story() -> None:
        known, checks = Indexing(None), Checks(dict(os.environ))
        script = LOOK + WRONG + RIGHT
        async with connected(
            tmp_path, script, root=root.as_uri(), surroundings=known, checks=checks, flags=frozenset({"opens files"})
        ) as connection:
            await connection.execute("claude.jobs", {})
            await known.whole()
            asked = answers(connection, "Allow for this job", "Allow for this job")
            job = await worked(connection, "what has no price is to be free")
            assert (job["state"], job.get("error")) == ("done", None)
            texts = {uri.rpartition("/")[2]: buffer.text for uri, buffer in connection.editor.buffers.items()}
            assert texts["prices.py"] == PRICES.replace("PRICES[item]", "PRICES.get(item, 0)")
            # The person's files are as they were: what is changed waits in the editor.
            assert (root / "prices.py").read_text() == PRICES
            assert names_in(root) == ["cart.py", "check.py", "prices.py"]
            edit, check = asked
            assert edit == "Claude wants to change prices.py." and "run the check test" in check
            found, read, used = results(connection, 1)
            call = "cart.py:5: return sum(price_of(item) for item in items)"
            assert call in found.text and "5\t    return PRICES[item]" in read.text
            assert used.text.splitlines() == ["cart.py:1: from prices import price_of", call]
            assert isinstance(connection.model, ScriptedModel)
            (told,) = [block for block in connection.model.requests[3].messages[-1].blocks if isinstance(block, Text)]
            assert "TypeError" in told.text and '<check name="test">' in told.text
            assert job["tokens"]["output"] > 0
            (hunk,) = (await connection.execute("claude.hunks", {}))["hunks"]
            assert hunk["checks"] == [{"name": "parses", "ok": True}, {"name": "test", "ok": True}]

    play(story())


def test_a_check_that_keeps_failing_ends_honestly(root: Path, tmp_path: Path) -> None:
    wrong = "-- claude --\nI cannot do better.\n"

    async def story() -> None:
        checks = Checks(dict(os.environ))
        async with connected(tmp_path, WRONG + wrong * 3, root=root.as_uri(), checks=checks) as connection:
            connection.editor.open((root / "prices.py").as_uri(), "python", PRICES)
            answers(connection, "Allow for this job", "Allow for this job")
            job = await worked(connection, "what has no price is to be free")
            assert job["state"] == "failed"
            assert job["error"].startswith("checks fail after 3 corrections: test: ")
            assert job["error"].endswith("(1 change landed and stays for review)")
            # It can be taken back as always.
            await connection.execute("claude.undo", {"job": job["id"]})
            assert connection.editor.buffers[(root / "prices.py").as_uri()].text == PRICES

    play(story())


def test_what_failed_before_in_the_same_way_is_not_claudes_doing(root: Path, tmp_path: Path) -> None:
    script = """-- claude --
>>> edit_file
path: cart.py
edits.0.old_text:
|def total(items):
edits.0.new_text:
|def total(items: list[str]) -> int:
-- claude --
Typed.
"""

    async def story() -> None:
        async with connected(tmp_path, script, root=root.as_uri(), checks=Checks(dict(os.environ))) as connection:
            connection.editor.open((root / "cart.py").as_uri(), "python", CART)
            answers(connection, "Allow once", "Allow once")
            job = await worked(connection, "add types")
            assert job["state"] == "done"
            assert "parses · test fails as before" in "\n".join(connection.editor.transcript)

    play(story())


def test_nothing_is_changed_or_run_without_a_yes(root: Path, tmp_path: Path) -> None:
    script = WRONG.partition("-- claude --\nWhat")[0] + "-- claude --\nThen not.\n"

    async def story() -> None:
        async with connected(tmp_path, script, root=root.as_uri(), checks=Checks(dict(os.environ))) as connection:
            connection.editor.open((root / "prices.py").as_uri(), "python", PRICES)
            asked = answers(connection)
            job = await worked(connection, "what has no price is to be free")
            assert (job["state"], job["phase"]) == ("done", "nothing changed")
            assert connection.editor.buffers[(root / "prices.py").as_uri()].text == PRICES
            (denied,) = results(connection, 1)
            assert denied.failed and "did not allow" in denied.text and len(asked) == 1
            assert "info: Claude: Then not." in connection.editor.transcript

    play(story())


def test_edits_land_at_once_where_the_mode_says_so(root: Path, tmp_path: Path) -> None:
    async def story() -> None:
        (tmp_path / "config.toml").write_text("")
        async with connected(tmp_path, WRONG, root=root.as_uri()) as connection:
            connection.editor.open((root / "prices.py").as_uri(), "python", PRICES)
            asked = answers(connection)
            job = await worked(connection, "free", mode="acceptEdits")
            assert job["state"] == "done" and not asked
            assert "PRICES.get(item)" in connection.editor.buffers[(root / "prices.py").as_uri()].text

    play(story())


def test_a_plan_is_a_document_that_can_be_carried_out(root: Path, tmp_path: Path) -> None:
    plan = "-- claude --\n>>> read_file\npath: prices.py\n-- claude --\n# Free things\n\n## Steps\n\n1. `prices.py`\n"

    async def story() -> None:
        (tmp_path / "config.toml").write_text("")
        async with connected(tmp_path, plan + WRONG, root=root.as_uri()) as connection:
            job = await worked(connection, "what has no price is to be free", mode="plan")
            assert (job["state"], job["phase"]) == ("done", "planned")
            (shown,) = connection.editor.shown
            path = Path(shown.removeprefix("file://"))
            planned = text_of(path)
            assert planned == "# Free things\n\n## Steps\n\n1. `prices.py`\n"
            # No tool that changes anything was there to be used.
            assert isinstance(connection.model, ScriptedModel)
            names = {tool.name for tool in connection.model.requests[0].tools}
            assert "read_file" in names and not names & {"edit_file", "write_file", "delete_file", "run_check"}
            # The person changes the plan, and has it carried out.
            connection.editor.open(shown, "markdown", planned + "2. No tests.\n")
            place = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
            params = {"textDocument": {"uri": shown}, "range": place, "context": {"diagnostics": []}}
            (action,) = await connection.editor.request("textDocument/codeAction", params)
            assert (action["title"], action["kind"]) == ("Claude: carry out this plan", "source.claude.plan")
            connection.editor.open((root / "prices.py").as_uri(), "python", PRICES)
            answers(connection, "Allow once")
            argument = action["command"]["arguments"][0]
            carried = await connection.job(action["command"]["command"], **argument)
            assert carried["state"] == "done"
            asked = request_text(connection.model.requests[2])
            assert "<plan>\n# Free things" in asked and "2. No tests." in asked and "Carry out the plan." in asked

    play(story())


def test_what_must_not_be_seen_or_reached_is_refused(root: Path, tmp_path: Path) -> None:
    (root / ".claudeignore").write_text("secret.py\n")
    (root / "secret.py").write_text("KEY = 'canary'\n")
    (tmp_path / "outside.py").write_text("KEY = 'canary'\n")
    (root / "link.py").symlink_to(tmp_path / "outside.py")
    script = """-- claude --
>>> read_file
path: secret.py
>>> read_file
path: ../outside.py
>>> read_file
path: link.py
>>> search_text
pattern: canary
>>> list_files
>>> read_file
path: nowhere.py
>>> no_such_tool
x: 1
>>> read_file
=["path"]
-- claude --
I see.
"""

    async def story() -> None:
        known = Indexing(None)
        async with connected(tmp_path, script, root=root.as_uri(), surroundings=known) as connection:
            await connection.execute("claude.jobs", {})
            await known.whole()
            job = await worked(connection, "look around")
            assert job["state"] == "done"
            said = results(connection, 1)
            assert "canary" not in "".join(item.text for item in said)
            assert [item.failed for item in said] == [True, True, True, False, False, True, True, True]
            assert "ignored" in said[0].text and "outside" in said[1].text and "outside" in said[2].text
            assert said[4].text.splitlines() == [".claudeignore", "cart.py", "check.py", "prices.py"]

    play(story())


@pytest.mark.parametrize("after", range(0, 84, 4))
def test_cancelled_anywhere_nothing_lands_afterwards(root: Path, tmp_path: Path, after: int) -> None:
    """In each phase: while Claude looks, writes, is checked, corrects."""
    done = asyncio.Event()

    async def story() -> None:
        written = 0

        async def pace(streamed: int) -> None:
            nonlocal written
            written += 1
            if written == after + 1 and not done.is_set():
                done.set()
                before.append(connection.server.session.cancel())
                before.append({uri: buffer.text for uri, buffer in connection.editor.buffers.items()})
            await asyncio.sleep(0)

        before: list[Any] = []
        checks = Checks(dict(os.environ))
        async with connected(tmp_path, WRONG + RIGHT, pace=pace, root=root.as_uri(), checks=checks) as connection:
            connection.editor.open((root / "prices.py").as_uri(), "python", PRICES)
            answers(connection, "Allow for this job", "Allow for this job")
            job = await worked(connection, "free")
            if not done.is_set():
                assert job["state"] == "done"
                return
            assert job["state"] == "cancelled" and before[0] == [job["id"]]
            assert {uri: buffer.text for uri, buffer in connection.editor.buffers.items()} == before[1]
            assert all(known["state"] == "cancelled" for known in (await connection.execute("claude.jobs", {}))["jobs"])

    play(story())


def test_it_can_be_gone_on_with(root: Path, tmp_path: Path) -> None:
    async def story() -> None:
        (tmp_path / "config.toml").write_text("")
        script = "-- claude --\nThere are two prices.\n-- claude --\nTea and cake.\n-- claude --\nAgain.\n"
        async with connected(tmp_path, script, root=root.as_uri()) as connection:
            first = await worked(connection, "how many prices are there?")
            second = await connection.job("claude.followUp", job=first["id"], instruction="which?")
            assert second["state"] == "done"
            assert isinstance(connection.model, ScriptedModel)
            messages = connection.model.requests[1].messages
            assert [message.role for message in messages] == ["user", "assistant", "user"]
            assert messages[:1] == connection.model.requests[0].messages and "which?" in str(messages[-1])
            assert (await connection.job("claude.retry", job=first["id"]))["state"] == "done"
            assert connection.model.requests[2].messages == connection.model.requests[0].messages

    play(story())


def test_time_and_tools_run_out_in_words(root: Path, tmp_path: Path) -> None:
    async def story(settings: str, script: str, words: str) -> None:
        (tmp_path / "config.toml").write_text(settings)
        never = asyncio.Event()

        async def pace(streamed: int) -> None:
            if "minutes" in settings:
                await never.wait()

        async with connected(tmp_path, script, pace=pace, root=root.as_uri()) as connection:
            job = await worked(connection, "look")
            assert job["state"] == "failed" and words in job["error"]

    use = "-- claude --\n>>> list_files\nfolder: {}\n"
    play(story("agent.minutes = 0.001\n", "-- claude --\nwords\n", "(setting `agent.minutes`)"))
    play(story("agent.turns = 2\n", use.format("a") + use.format("b"), "within 2 turns"))
    play(story("agent.toolUses = 1\n", use.format("a"), "1 times"))
    play(story("", use.format("a") * 3, "same step 3 times"))


def test_without_a_folder_there_is_nothing_to_work_in(tmp_path: Path) -> None:
    async def story() -> None:
        async with connected(tmp_path) as connection:
            connection.editor.notify(
                "workspace/didChangeWorkspaceFolders",
                {"event": {"added": [], "removed": [{"uri": "file:///project", "name": "project"}]}},
            )
            with pytest.raises(RuntimeError, match="open one in your editor"):
                await connection.execute("claude.agent", {"task": "anything"})
            for argument, words in (
                ({}, "needs 'task'"),
                ({"task": " "}, "must not be empty"),
                ({"task": "x", "mode": "yolo"}, "must be one of plan, ask, acceptEdits"),
                ({"task": "x", "uri": "file:///project/a.py"}, "is not open"),
            ):
                with pytest.raises(RuntimeError, match=words):
                    await connection.execute("claude.agent", argument)

    play(story())
