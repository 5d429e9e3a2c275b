"""What was used can be asked for, whatever became of the jobs; and is estimated and counted before."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from claude_ls.agent.scripted import ScriptedModel, request_text
from claude_ls.agent.usage import estimated_tokens
from claude_ls.workspace.database import NAME
from claude_ls.workspace.usage_store import Turn
from harness.connection import Connection, connected
from harness.run import stores

URI = "file:///project/a.py"
RANGE = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
HERE = {"uri": URI, "range": RANGE}
TWO = "-- claude --\n>>> rewrite_region\nnew_text: x = 2\n-- claude --\nwords\n"


def play(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


def told(connection: Connection) -> str:
    return "\n".join(connection.editor.transcript)


def test_what_two_jobs_used_by_action_model_and_day(tmp_path: Path) -> None:
    async def story() -> None:
        options = {"models": {"explain": "claude-haiku-5-5"}}
        async with connected(tmp_path, TWO, options=options) as connection:
            assert (await connection.execute("claude.usage", {})) == {
                **{"turns": 0, "tokens": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0}, "cost": 0.0},
                **{"cacheHitRate": None, "unpriced": [], "days": [], "actions": [], "models": []},
            }
            connection.editor.open(URI, "python", "x = 1\n")
            jobs = [await connection.job("claude.edit", **HERE, instruction="two")]
            jobs.append(await connection.job("claude.explain", **HERE))
            used = await connection.execute("claude.usage", {"since": "today"})
            for kind in ("input", "output", "cacheRead", "cacheWrite"):
                assert used["tokens"][kind] == sum(job["tokens"][kind] for job in jobs)
            assert used["cost"] == pytest.approx(sum(job["cost"] for job in jobs), abs=2e-6) and used["cost"] > 0
            assert (used["turns"], used["cacheHitRate"], used["unpriced"]) == (2, 0.0, [])
            assert {item["action"]: item["tokens"] for item in used["actions"]} == {
                "edit": jobs[0]["tokens"],
                "explain": jobs[1]["tokens"],
            }
            assert [item["model"] for item in used["models"]] == ["claude-sonnet-5-5", "claude-haiku-5-5"]
            assert [item["cost"] for item in used["models"]] == [job["cost"] for job in jobs]
            assert [item["turns"] for item in used["days"]] == [2]
            tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
            assert (await connection.execute("claude.usage", {"since": tomorrow}))["turns"] == 0
        # Another server knows it too.
        async with connected(tmp_path, TWO) as connection:
            assert (await connection.execute("claude.usage", {})) == used

    play(story())


@pytest.mark.parametrize(
    ("since", "words"),
    [
        ("yesteryear", "'since' must be \"today\", a date"),
        ("2026-13-01", "'since' must be"),
        ("0001-01-01T00:00+14:00", "'since' must be"),
        ("", "'since' must be"),
        (3, "'since' must be a string"),
    ],
)
def test_a_time_that_is_none_is_refused_by_name(tmp_path: Path, since: Any, words: str) -> None:
    async def story() -> None:
        async with connected(tmp_path) as connection:
            with pytest.raises(RuntimeError, match="-32602") as refused:
                await connection.execute("claude.usage", {"since": since})
            assert words in str(refused.value)

    play(story())


def test_what_a_cancelled_and_a_failed_job_used_is_kept(tmp_path: Path) -> None:
    reached = asyncio.Event()

    async def pace(streamed: int) -> None:
        if streamed >= 200:
            reached.set()
            await asyncio.Event().wait()

    async def story() -> None:
        script = f"-- claude --\n~ {'a long thought ' * 40}\nwords\n-- claude --\nHalf\n!cut\n"
        async with connected(tmp_path, script, pace=pace) as connection:
            connection.editor.open(URI, "python", "x = 1\n")
            answer = await connection.execute("claude.edit", {**HERE, "instruction": "two"})
            await reached.wait()
            await connection.execute("claude.cancel", {"job": answer["job"]})
            await connection.server.session.finished()
            used = await connection.execute("claude.usage", {})
            # What had been streamed is billed, though nobody had counted it yet.
            assert (used["turns"], used["tokens"]["output"]) == (1, estimated_tokens("x" * 200))
            assert used["tokens"]["input"] > 0 and used["cost"] > 0
            failed = await connection.job("claude.explain", **HERE)
            assert failed["state"] == "failed"
            again = await connection.execute("claude.usage", {})
            assert again["turns"] == 2 and again["cost"] > used["cost"]

    play(story())


def test_the_folder_and_the_job_of_a_turn_are_kept(tmp_path: Path) -> None:
    folder = tmp_path.resolve()
    root = folder / "shop"
    (root / "in").mkdir(parents=True)

    async def story() -> None:
        async with connected(tmp_path, TWO, root=root.as_uri()) as connection:
            inside, outside = (root / "in" / "a.py").as_uri(), (folder / "b.py").as_uri()
            for uri in (inside, outside):
                connection.editor.open(uri, "python", "x = 1\n")
            await connection.job("claude.edit", uri=inside, range=RANGE, instruction="two")
            await connection.job("claude.explain", uri=outside, range=RANGE)
        with stores(tmp_path / "state").database.transaction() as database:
            kept = database.execute("SELECT job, action, folder FROM usage_turns ORDER BY number").fetchall()
        assert [(job, action, os.fsdecode(path)) for job, action, path in kept] == [
            ("job1", "edit", str(root)),
            ("job2", "explain", str(folder)),
        ]

    play(story())


def test_the_estimate_stands_in_the_progress_until_claude_answers(tmp_path: Path) -> None:
    seen: list[str] = []

    async def story() -> None:
        async with connected(tmp_path, TWO, pace=pace) as connection:
            held.append(connection)
            connection.editor.open(URI, "python", "x = 1\n")
            await connection.job("claude.edit", **HERE, instruction="two")

    held: list[Connection] = []

    async def pace(streamed: int) -> None:
        if not streamed and not seen:
            (job,) = (await held[0].execute("claude.jobs", {}))["jobs"]
            seen.append(job["phase"])

    play(story())
    assert seen and seen[0].startswith("asking Claude (~") and " tokens, ~$0.01" in seen[0]


def test_what_cannot_be_kept_is_said_once_and_a_budget_then_allows_nothing(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / NAME).mkdir()

    async def story(budget: dict[str, float], turns_left: int) -> None:
        async with connected(tmp_path, "-- claude --\nwords\n", options=budget) as connection:
            connection.editor.open(URI, "python", "x = 1\n")
            job = await connection.job("claude.explain", **HERE)
            assert isinstance(connection.model, ScriptedModel)
            assert connection.model.turns_left == turns_left
            if budget:
                assert "cannot be read, so nothing was sent" in job["error"]
                assert "`budget.day`" in job["error"]
            else:
                assert told(connection).count("warning: Claude: ") == 1
            with pytest.raises(RuntimeError, match="cannot be used"):
                await connection.execute("claude.usage", {})

    play(story({}, 0))
    play(story({"budget.day": 100.0}, 1))


def test_claude_context_counts_only_where_it_may(tmp_path: Path) -> None:
    counted: list[str] = []

    class Counting(ScriptedModel):
        async def count(self, request: Any) -> int | None:
            counted.append(request_text(request))
            return 1_234 if len(counted) == 1 else None

    async def story() -> None:
        for allowed in (False, True):
            model = Counting(turns=())
            async with connected(tmp_path, model=model, options={"context": {"count": allowed}}) as connection:
                connection.editor.open(URI, "python", "x = 1\n")
                answer = await connection.execute("claude.context", {**HERE, "action": "explain"})
                estimated = sum(block["tokens"] for block in answer["blocks"])
                if not allowed:
                    assert "counted" not in answer and answer["tokens"] == estimated
                    assert counted == []
                    continue
                assert (answer["counted"], answer["tokens"]) == (True, 1_234)
                assert answer["cost"] == pytest.approx(1_234 * 2 / 1_000_000)
                assert all(block["text"] in counted[0] for block in answer["blocks"])
                # The second time nobody knows.
                answer = await connection.execute("claude.context", {**HERE, "action": "explain"})
                assert "counted" not in answer and answer["tokens"] == estimated
                assert model.requests == []

    play(story())


def test_what_is_older_than_two_years_is_forgotten(tmp_path: Path) -> None:
    kept = stores(tmp_path / "state").usage
    now = datetime.now(UTC)
    turn = Turn(now - timedelta(days=800), "old", "edit", "claude-sonnet-5-5", tmp_path, 1, 1, 0, 0, 1.0)
    kept.add(turn)
    kept.add(replace(turn, time=now - timedelta(days=600)))

    async def story() -> None:
        async with connected(tmp_path) as connection:
            await connection.execute("claude.jobs", {})
            await connection.server.session.finished()
            assert (await connection.execute("claude.usage", {}))["turns"] == 1

    play(story())
