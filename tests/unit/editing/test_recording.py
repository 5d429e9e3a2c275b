"""What is recorded of a live edit plays again as it was, also the recordings that were kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from claude_ls.editing.events import DocumentChanged, DocumentClosed, DocumentReopened
from claude_ls.editing.live import LiveEdit
from claude_ls.editing.recording import BadRecording, Recorder, replay
from claude_ls.text.document import Document
from unit.editing.simulator import HABITS, Habit, Simulation

RECORDINGS = Path(__file__).parents[3] / "fixtures" / "recordings"


@pytest.mark.parametrize("habit", HABITS)
def test_a_recording_plays_again_as_it_was(habit: Habit) -> None:
    for seed in range(30):
        lines: list[str] = []
        outcome = Simulation(seed, habit, by_lines=seed % 2 == 0, undoes=True, record=lines.append).run()
        played = list(replay(lines))
        assert len(played) == len(lines) - 1
        for step in played:
            assert step.now == step.then, f"seed {seed}, line {step.line}: {step.event}"
        *_, last = (step.event for step in played if isinstance(step.event, DocumentChanged))
        assert last.document.text == outcome.mirror


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*.jsonl")), ids=lambda path: path.stem)
def test_recordings_that_were_kept(path: Path) -> None:
    played = list(replay(path.read_text(encoding="utf-8").splitlines()))
    assert played
    for step in played:
        assert step.now == step.then, f"line {step.line}: {step.event}"


def test_closing_opening_and_odd_characters_are_kept() -> None:
    lines: list[str] = []
    document = Document.opened("file:///a", "x", 1, "a\ud83d\r\nb\u2028\x0c\n")
    live, recorder = LiveEdit(document), Recorder(document, lines.append)
    after = Document.opened("file:///a", "x", 7, "a\ud83d\rb\u2028\U0001f600")
    for event in (DocumentClosed(), DocumentReopened(after), DocumentChanged(after)):
        recorder.stepped(event, 0.5, live.step(event, 0.5))
    assert all(line.isascii() and line.endswith("\n") and line.count("\n") == 1 for line in lines)
    events = [step.event for step in replay(lines)]
    assert events[0] == DocumentClosed()
    reopened = events[1]
    assert isinstance(reopened, DocumentReopened)
    assert (reopened.document.version, reopened.document.text) == (7, after.text)
    assert list(reopened.document.lines.starts) == list(after.lines.starts)


def test_what_is_no_recording_is_told_by_its_line() -> None:
    lines: list[str] = []
    Simulation(1, "strict", record=lines.append).run()
    first = json.loads(lines[0])
    for number, broken in [
        (1, "{}"),
        (1, json.dumps({**first, "format": 2})),
        (1, json.dumps({**first, "text": 5})),
        (2, "not JSON"),
        (2, "[]"),
        (2, '{"at": 0, "event": {"kind": "Nothing"}, "commands": []}'),
        (2, '{"at": 0, "event": {"kind": "TimerFired", "wrong": 1}, "commands": []}'),
    ]:
        text = [*lines[: number - 1], broken]
        with pytest.raises(BadRecording, match=f"line {number}: "):
            list(replay(text))
