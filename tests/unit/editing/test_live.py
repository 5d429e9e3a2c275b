"""The live edit against editors of all habits, with a person who types at every moment."""

from __future__ import annotations

import os

import pytest

from unit.editing.simulator import HABITS, Habit, Simulation, problems

RUNS = int(os.environ.get("CLAUDE_LS_INTERLEAVINGS", "2000"))
"""For all habits together; `make soak-edits` runs the full count."""


STREAMING = pytest.mark.parametrize("by_lines", [False, True], ids=["whole", "by lines"])


@STREAMING
@pytest.mark.parametrize("habit", HABITS)
def test_no_key_is_lost_and_no_hunk_lands_in_part(habit: Habit, by_lines: bool) -> None:
    for seed in range(RUNS // len(HABITS) // 2):
        # Where an undo of the person's crosses an edit that the editor makes all the same, nobody can tell what was
        # meant; where it is reported together with typing at the same place, only that no key may be lost.
        undoes = seed % 2 == 1 and habit not in ("rebasing", "anchored", "stale offsets")
        outcome = Simulation(seed, habit, by_lines=by_lines, undoes=undoes).run()
        found = problems(outcome)
        if habit == "stale offsets" or (undoes and habit in ("liar", "late")):
            # Edits that were made somewhere are put right; at worst a hunk does not end as it says, but no key is lost.
            found = [problem for problem in found if "times" in problem or "mirror" in problem]
        assert not found, f"seed {seed}, {habit}: {found}\n" + "\n".join(outcome.log) + f"\n{outcome.text!r}"


@STREAMING
@pytest.mark.parametrize("habit", HABITS)
def test_cancel_at_every_event_leaves_whole_hunks_or_none(habit: Habit, by_lines: bool) -> None:
    for seed in range(10):
        whole = Simulation(seed, habit, by_lines=by_lines)
        whole.run()
        for moment in range(2, whole.events):
            outcome = Simulation(seed, habit, cancel_at=moment, by_lines=by_lines).run()
            found = problems(outcome)
            assert not found, f"seed {seed}, {habit}, at {moment}: {found}\n" + "\n".join(outcome.log)
