"""The live edit against editors of all habits, with a person who types at every moment."""

from __future__ import annotations

import os

import pytest

from unit.editing.simulator import CHECKING, Habit, Simulation, problems

RUNS = int(os.environ.get("CLAUDE_LS_INTERLEAVINGS", "2000"))
"""For all habits together; `make soak-edits` runs the full count."""


@pytest.mark.parametrize("habit", CHECKING)
def test_no_key_is_lost_and_no_hunk_lands_in_part(habit: Habit) -> None:
    for seed in range(RUNS // len(CHECKING)):
        outcome = Simulation(seed, habit).run()
        found = problems(outcome)
        assert not found, f"seed {seed}, {habit}: {found}\n" + "\n".join(outcome.log) + f"\n{outcome.text!r}"


@pytest.mark.parametrize("habit", CHECKING)
def test_cancel_at_every_event_leaves_whole_hunks_or_none(habit: Habit) -> None:
    for seed in range(10):
        whole = Simulation(seed, habit)
        whole.run()
        for moment in range(2, whole.events):
            outcome = Simulation(seed, habit, cancel_at=moment).run()
            found = problems(outcome)
            assert not found, f"seed {seed}, {habit}, at {moment}: {found}\n" + "\n".join(outcome.log)
