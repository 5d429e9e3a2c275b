"""What a server does with commands, cancellation and bad input, over the protocol but in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from claude_ls.agent.scripted import at_once
from claude_ls.lsp import announced
from claude_ls.lsp.commands import COMMANDS
from harness.connection import Connection, connected

URI = "file:///project/a.py"
RANGE = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
REWRITE = "-- claude --\n>>> rewrite_region\nnew_text: x = 2\n"


async def never(streamed: int) -> None:
    """The pace of a model that stops in the middle of its answer."""
    if streamed:
        await asyncio.Event().wait()


def test_what_is_announced_is_what_there_is() -> None:
    assert set(announced.COMMANDS) == set(COMMANDS)


@pytest.mark.parametrize(
    ("command", "argument", "words"),
    [
        ("claude.nothing", {}, "-32602: claude-ls has no command 'claude.nothing'"),
        ("claude.edit", {"uri": URI, "range": RANGE}, "-32602: claude.edit needs 'instruction'"),
        ("claude.edit", {"uri": URI, "range": RANGE, "instruction": " "}, "'instruction' must not be empty"),
        ("claude.edit", {"uri": URI, "range": RANGE, "instruction": "a", "colour": 1}, "does not take 'colour'"),
        ("claude.edit", {"uri": URI, "range": 3, "instruction": "a"}, "'range' must be an object"),
        (
            "claude.edit",
            {"uri": URI, "range": {"start": {"line": -1, "character": 0}, "end": RANGE["end"]}, "instruction": "a"},
            "'range.start' must not be negative",
        ),
        ("claude.edit", [1, 2], "-32602: claude.edit takes one object"),
        ("claude.refactor", {"uri": URI, "range": RANGE, "refactoring": "explode"}, "'refactoring' must be one of"),
        ("claude.fix", {"uri": URI, "diagnostics": []}, "at least one diagnostic"),
        ("claude.fix", {"uri": URI, "diagnostics": [{"range": RANGE}]}, "with a 'message'"),
        ("claude.cancel", {"job": "nobody"}, "-32803: There is no job 'nobody'"),
        ("claude.explain", {"uri": "file:///project/b.py", "range": RANGE}, "-32803: b.py is not open in the editor"),
        ("claude.explain", {"uri": "untitled:1", "range": RANGE}, "-32803: claude-ls works on files"),
        (
            "claude.edit",
            {"uri": URI, "range": RANGE, "instruction": "a", "version": 7},
            "-32803: The range is for version 7 of the document",
        ),
    ],
)
def test_bad_arguments_are_refused_by_name(tmp_path: Path, command: str, argument: Any, words: str) -> None:
    async def run() -> None:
        async with connected(tmp_path) as connection:
            connection.editor.open(URI, "python", "x = 1\n")
            with pytest.raises(RuntimeError, match="-32") as refused:
                await connection.execute(command, argument)
            assert words in str(refused.value)
            assert (await connection.execute("claude.jobs", None)) == {"jobs": []}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x" * 100_001, "a line of over 100,000 characters"),
        ("x = 1\n" * 400_000, "too large"),
        ("x = '\ud83d'\n", "half of a surrogate pair in line 1"),
    ],
)
def test_a_text_that_cannot_be_worked_on_is_refused_and_the_menu_says_why(
    tmp_path: Path, text: str, words: str
) -> None:
    async def run() -> None:
        async with connected(tmp_path) as connection:
            connection.editor.open(URI, "python", text)
            with pytest.raises(RuntimeError, match=words):
                await connection.execute("claude.explain", {"uri": URI, "range": RANGE})
            params = {"textDocument": {"uri": URI}, "range": RANGE, "context": {"diagnostics": []}}
            assert await connection.editor.request("textDocument/codeAction", params) == []

    asyncio.run(run())


def test_a_selection_too_long_to_send_is_refused(tmp_path: Path) -> None:
    async def run() -> None:
        async with connected(tmp_path) as connection:
            connection.editor.open(URI, "python", "x = 1\n" * 50_000)
            everything = {"start": RANGE["start"], "end": {"line": 50_000, "character": 0}}
            with pytest.raises(RuntimeError, match=r"too much at once: about .* Select fewer lines"):
                await connection.execute("claude.explain", {"uri": URI, "range": everything})

    asyncio.run(run())


def test_a_range_outside_of_the_document_is_clamped(tmp_path: Path) -> None:
    async def run() -> None:
        async with connected(tmp_path, REWRITE) as connection:
            connection.editor.open(URI, "python", "y = 1\nx = 1")
            far = {"start": {"line": 90, "character": 9}, "end": {"line": 95, "character": 0}}
            job = await connection.job("claude.edit", uri=URI, range=far, instruction="raise it")
            assert job["state"] == "done", job
            assert connection.editor.buffers[URI].text == "y = 1\nx = 2"

    asyncio.run(run())


async def by_command(connection: Connection, job: str) -> None:
    assert await connection.execute("claude.cancel", {"job": job}) == {"cancelled": [job]}


async def by_progress(connection: Connection, job: str) -> None:
    connection.editor.notify("window/workDoneProgress/cancel", {"token": f"claude-{job}"})


async def by_own_token(connection: Connection, job: str) -> None:
    connection.editor.notify("window/workDoneProgress/cancel", {"token": "mine"})


async def by_request(connection: Connection, job: str) -> None:
    # The harness numbers its requests from 1: `initialize`, then the command.
    connection.editor.notify("$/cancelRequest", {"id": 2})


@pytest.mark.parametrize("cancel", [by_command, by_progress, by_own_token, by_request])
def test_every_way_to_cancel_stops_the_job(
    tmp_path: Path, cancel: Callable[[Connection, str], Awaitable[None]]
) -> None:
    async def run() -> None:
        async with connected(tmp_path, REWRITE, pace=never) as connection:
            connection.editor.open(URI, "python", "x = 1\n")
            argument = {"uri": URI, "range": RANGE, "instruction": "raise it"}
            token = {"workDoneToken": "mine"} if cancel is by_own_token else {}
            job = (await connection.execute("claude.edit", argument, **token))["job"]
            for _ in range(20):
                await asyncio.sleep(0)
            await cancel(connection, job)
            await connection.server.session.finished()
            await asyncio.sleep(0)
            (told,) = (await connection.execute("claude.jobs", {}))["jobs"]
            assert told["state"] == "cancelled"
            assert connection.editor.buffers[URI].text == "x = 1\n"
            assert connection.editor.ended == ({"mine"} if token else {f"claude-{job}"})

    asyncio.run(run())


def test_a_range_of_an_older_version_is_carried_to_where_its_lines_are_now(tmp_path: Path) -> None:
    async def run() -> None:
        async with connected(tmp_path, REWRITE) as connection:
            connection.editor.open(URI, "python", "a = 0\nx = 1\n")
            line = {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 5}}
            connection.editor.type(URI, 0, 0, "# new\n")
            job = await connection.job("claude.edit", uri=URI, range=line, instruction="raise it", version=1)
            assert job["state"] == "done", job
            assert connection.editor.buffers[URI].text == "# new\na = 0\nx = 2\n"

    asyncio.run(run())


def test_a_job_tells_its_tokens_and_cost(tmp_path: Path) -> None:
    async def run() -> None:
        async with connected(tmp_path, REWRITE) as connection:
            connection.editor.open(URI, "python", "x = 1\n")
            job = await connection.job("claude.edit", uri=URI, range=RANGE, instruction="raise it")
            assert job["tokens"]["input"] > 100
            assert job["tokens"]["output"] > 1
            dollars = (job["tokens"]["input"] * 2 + job["tokens"]["output"] * 10) / 1_000_000
            assert job["cost"] == pytest.approx(dollars)

    asyncio.run(run())


def test_settings_are_checked_and_what_is_wrong_is_told_once(tmp_path: Path) -> None:
    async def run() -> None:
        async with connected(tmp_path) as connection:
            for _ in range(2):
                wrong = {"claude": {"efort": "low", "effort": "huge", "endpoint": "http://evil.example"}}
                connection.editor.notify("workspace/didChangeConfiguration", {"settings": wrong})
                for _ in range(10):
                    await asyncio.sleep(0)
            told = [line for line in connection.editor.transcript if line.startswith("warning")]
            assert len(told) == 3
            assert "does not know the setting 'efort'" in told[0]
            assert "must be one of low, medium" in told[1]
            assert "counts only in your own config.toml" in told[2]

    asyncio.run(run())


def test_a_job_on_the_same_lines_is_queued_and_goes_on_when_the_first_is_cancelled(tmp_path: Path) -> None:
    script = REWRITE + REWRITE.replace("x = 2", "x = 3")

    async def run() -> None:
        paces = iter([never, at_once])
        pace = next(paces)

        async def current(streamed: int) -> None:
            await pace(streamed)

        async with connected(tmp_path, script, pace=current) as connection:
            connection.editor.open(URI, "python", "x = 1\ny = 1\n")
            argument = {"uri": URI, "range": RANGE, "instruction": "raise it"}
            first = (await connection.execute("claude.edit", argument))["job"]
            second = (await connection.execute("claude.edit", argument))["job"]
            for _ in range(20):
                await asyncio.sleep(0)
            jobs = (await connection.execute("claude.jobs", {}))["jobs"]
            assert [job["state"] for job in jobs] == ["running", "queued"]
            assert jobs[1]["phase"] == "waiting for “raise it”, which works on the same lines"
            pace = next(paces)
            await connection.execute("claude.cancel", {"job": first})
            await connection.server.session.finished()
            jobs = (await connection.execute("claude.jobs", {}))["jobs"]
            assert [(job["id"], job["state"]) for job in jobs] == [(first, "cancelled"), (second, "done")]
            assert connection.editor.buffers[URI].text == "x = 3\ny = 1\n"

    asyncio.run(run())


def test_a_queued_job_can_be_cancelled_and_one_whose_document_is_closed_says_so(tmp_path: Path) -> None:
    async def run() -> None:
        async with connected(tmp_path, REWRITE, pace=never) as connection:
            connection.editor.open(URI, "python", "x = 1\n")
            argument = {"uri": URI, "range": RANGE, "instruction": "raise it"}
            running, queued, last = [(await connection.execute("claude.edit", argument))["job"] for _ in range(3)]
            for _ in range(20):
                await asyncio.sleep(0)
            assert (await connection.execute("claude.cancel", {"job": queued}))["cancelled"] == [queued]
            connection.editor.close_document(URI)
            await connection.execute("claude.cancel", {"job": running})
            await connection.server.session.finished()
            jobs = {job["id"]: job for job in (await connection.execute("claude.jobs", {}))["jobs"]}
            assert [jobs[job]["state"] for job in (running, queued, last)] == ["cancelled", "cancelled", "failed"]
            assert jobs[last]["error"] == "Stopped: the document was closed."

    asyncio.run(run())
