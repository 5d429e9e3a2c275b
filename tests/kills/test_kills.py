"""A server may be killed at any call that changes a file: nothing is lost, and a new one goes back to before the job.

By default a few calls of each scenario are tried. `CLAUDE_LS_KILLS=all` tries them all, `CLAUDE_LS_KILLS="fsync 2"`
that one (with `-k` and the name of a scenario), `CLAUDE_LS_KILLS_SEED` the same few again. Where the kernel does not
let us stop a process the tests are skipped, unless `CLAUDE_LS_REQUIRE_KILLS` is set.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import sys
import traceback
from pathlib import Path

import pytest

from kills.kills import Call, NoGate, Point, Remains, Run, check_order, look_after, play
from kills.scenarios import SCENARIOS, Scenario

CHOSEN = os.environ.get("CLAUDE_LS_KILLS", "few")
SEED = int(os.environ.get("CLAUDE_LS_KILLS_SEED") or secrets.randbelow(10**6))
FEW = 3
AT_ONCE = max(2, os.cpu_count() or 1)


@pytest.mark.timeout(7200 if CHOSEN == "all" else 120)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_nothing_is_lost(scenario: Scenario, tmp_path: Path) -> None:
    try:
        asyncio.run(kill_at_all(scenario, tmp_path))
    except NoGate as reason:
        if os.environ.get("CLAUDE_LS_REQUIRE_KILLS"):
            raise
        pytest.skip(str(reason))


async def kill_at_all(scenario: Scenario, folder: Path) -> None:
    whole = await play(scenario, folder / "whole")
    assert whole.exit_code == 0
    assert whole.client.document.text == scenario.shown_after
    assert whole.ground.look() == (scenario.steps[-1], [])
    check_order(whole)
    await look_after(whole)
    points = choose(scenario, whole)
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, point: Point) -> Remains | str | None:
        async with turn:
            return await kill(scenario, folder / str(number), point)

    found = await asyncio.gather(*(one(number, point) for number, point in enumerate(points)))
    remains = [item for item in found if isinstance(item, Remains)]
    sys.stdout.write(
        f"{scenario.name}: {len(whole.gate.calls)} calls, killed at {len(remains)}, {found.count(None)} not reached; "
        f"{sum(item.temporary for item in remains)} temporary files, {sum(item.questions for item in remains)} asked\n"
    )
    problems = [item for item in found if isinstance(item, str)]
    assert not problems, f"{len(problems)} of {len(points)} (seed {SEED}):\n" + "\n".join(problems)


def choose(scenario: Scenario, whole: Run) -> list[Point]:
    """All calls, the one that was asked for, or a few: one that touches the project, the others over all the rest."""
    if CHOSEN not in ("all", "few"):
        name, _, number = CHOSEN.partition(" ")
        return [(name, int(number))]
    calls = whole.gate.calls
    if CHOSEN == "few":
        sys.stdout.write(f"CLAUDE_LS_KILLS_SEED={SEED}\n")
        chance = random.Random(f"{SEED} {scenario.name}")
        project = [call for call in calls if touches(call, whole.ground.project)]
        others = [call for call in calls if call not in project]
        few = chance.sample(project, 1) if project else []
        parts = FEW - len(few)
        size = len(others) / parts
        calls = few + [others[int(size * (part + chance.random()))] for part in range(parts)]
    return [(call.name, call.number) for call in calls]


def touches(call: Call, folder: Path) -> bool:
    return any(path.startswith(str(folder)) for path in call.paths)


async def kill(scenario: Scenario, folder: Path, point: Point) -> Remains | str | None:
    """What remained after a kill there, what was wrong, or None where the server ended before it came to that."""
    where = f"{scenario.name}: {point[0]} {point[1]}"
    try:
        run = await play(scenario, folder, point)
        where = f"{scenario.name}: {run.gate.killed_at or where}"
        remains = await look_after(run)
    except Exception:
        return f"{where}: {traceback.format_exc(limit=-3)}"
    return remains if run.gate.killed_at else None
