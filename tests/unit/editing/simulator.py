"""A live edit, an editor with its habits and a person who types, with everything that can happen in random order.

The person types tokens that occur nowhere else, so that every keystroke can be found again at the end. Two queues stand
for the pipes: what was sent arrives in order, but when it arrives is chance. Timers fire when nothing else can happen.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from claude_ls.editing.events import (
    Command,
    DocumentChanged,
    EditAnswered,
    Event,
    HunkClaimed,
    HunkEnded,
    HunkGrew,
    HunksDropped,
    HunksWritten,
    HunkUndone,
    Pause,
    PauseOver,
    SendEdit,
    SetTimer,
    TimerFired,
)
from claude_ls.editing.hunk import HunkState, Label
from claude_ls.editing.live import LEFT, LiveEdit
from claude_ls.editing.recording import Recorder
from claude_ls.text.diff import lines_with_breaks
from claude_ls.text.document import Document
from claude_ls.text.patch import Patch, Span, TextEdit, apply, invert

Habit = Literal["strict", "liar", "rebasing", "anchored", "piecemeal", "stale offsets", "late", "formats"]
"""`strict` refuses edits of older versions; `liar` claims to have made them; `rebasing` carries them over what was
typed since, and replaces what was typed into them as well; `anchored` (Zed) carries them over character by character,
so that what was typed into them stays; `piecemeal` is strict and reports each edit of a patch by itself; `late` is
strict and batches its reports with what is typed next; `stale offsets` makes old edits where they would have been;
`formats` is strict, indents every line that Claude puts in and breaks lines in its own way."""
HABITS: tuple[Habit, ...] = ("strict", "liar", "rebasing", "anchored", "piecemeal", "late", "stale offsets", "formats")


@dataclass
class Outcome:
    """What a run came to."""

    text: str
    mirror: str
    typed: list[str]
    ends: dict[str, HunkEnded]
    texts: dict[str, str]
    bases: dict[str, str]
    repairs: int
    undone: set[str]
    log: list[str]


@dataclass
class Simulation:
    seed: int
    habit: Habit
    cancel_at: int | None = None
    """The person cancels before the event of this number."""
    by_lines: bool = False
    """Claude's texts arrive line by line."""
    undoes: bool = False
    """The person may undo the last edit of Claude's."""
    record: Callable[[str], object] | None = None
    log: list[str] = field(default_factory=list)
    events: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(f"{self.seed} {self.habit}")
        lines = [f"line {n} {'x' * self.chance.randint(0, 6)}" for n in range(self.chance.randint(4, 14))]
        self.text = self.chance.choice(["\n", "\r\n"]).join(lines) + self.chance.choice(["", "\n"])
        self.version = 1
        self.live = LiveEdit(Document.opened("file:///a", "x", 1, self.text))
        self.recorder = Recorder(self.live.document, self.record) if self.record else None
        self.history: list[tuple[int, TextEdit]] = []
        self.to_editor: deque[SendEdit] = deque()
        self.to_server: deque[Event] = deque()
        self.unreported = False
        self.timers: list[int] = []
        self.typed: list[str] = []
        self.ends: dict[str, HunkEnded] = {}
        self.texts: dict[str, str] = {}
        self.bases: dict[str, str] = {}
        self.waiting: list[str] = []
        self.grown: dict[str, int] = {}
        self.undone: set[str] = set()
        self.seen_undone = 0
        self.hunks_of: dict[int, set[str]] = {}
        self.landed_last: set[str] = set()
        self.inverse: list[TextEdit] | None = None
        self.taking_back: set[int] = set()
        self.pausing = False
        self.now = 0.0

    def run(self) -> Outcome:
        self._claim()
        keys = self.chance.randint(0, 12)
        while True:
            choices = []
            if keys:
                choices += ["type"] * 2
            if self.waiting:
                choices += ["write"] * 2
                choices += ["drop"] if self.chance.random() < 0.02 else []
            if self.to_editor:
                choices += ["edit"] * 3
            if self.chance.random() < 0.02 and self.habit not in ("late", "liar"):
                choices += ["flush"]  # a report without a change
            if self.to_server:
                choices += ["report"] * 3
            if self.unreported:
                choices += ["flush"]
            if self.inverse is not None and self.undoes:
                choices += ["undo"] if self.chance.random() < 0.1 else []
            if self.pausing and not self.unreported:
                choices += ["pause"]
            if not choices:
                if not self.timers:
                    break
                self._step(TimerFired(self.timers.pop(0)))
                continue
            match self.chance.choice(choices):
                case "type":
                    keys -= 1
                    self._type()
                case "write":
                    self._write()
                case "drop":
                    self._step(HunksDropped((self.waiting.pop(0),)))
                case "edit":
                    self._edit(self.to_editor.popleft())
                case "report":
                    self._step(self.to_server.popleft())
                case "flush":
                    self._report()
                case "undo":
                    assert self.inverse is not None
                    self.undoes = False
                    self.undone = self.landed_last
                    self._change(self.inverse, "undo")
                case "pause":
                    self.pausing = False
                    self._step(PauseOver())
        mirror = self.live.document.text
        return Outcome(
            self.text,
            mirror,
            self.typed,
            self.ends,
            self.texts,
            self.bases,
            self.live.repairs,
            self.undone,
            self.log,
        )

    def _write(self) -> None:
        """Claude's next line, or all of a text."""
        name = self.waiting[0]
        lines = lines_with_breaks(self.texts[name])
        count = self.grown[name] = self.grown.get(name, 0) + 1
        if self.by_lines and count < len(lines):
            self._step(HunkGrew(name, "".join(lines[:count])))
        else:
            self.waiting.pop(0)
            self._step(HunksWritten(((name, self.texts[name]),)))

    def _claim(self) -> None:
        """Two regions of whole lines, with room around them."""
        document = self.live.document
        last = len(document.lines.starts) - 1
        first = self.chance.randint(0, last // 2)
        second = self.chance.randint(last // 2 + 1, last)
        for number, line in enumerate((first, second)):
            span = Span(document.lines.starts[line], document.line_span(min(line + number, last)).end)
            name = f"h{number}"
            self.bases[name] = span.of(self.text)
            words = [f"new{number} {n}" for n in range(self.chance.randint(1, 4))]
            self.texts[name] = document.line_break.join(words)
            if self.chance.random() < 0.5:
                self.texts[name] = self.bases[name][:4] + self.texts[name]
            self.waiting.append(name)
            self._step(HunkClaimed(name, Label("Claude", "job"), span))

    def _type(self) -> None:
        at = self.chance.randint(0, len(self.text))
        if self.text[at - 1 : at + 1] == "\r\n":
            at += 1
        token = chr(0xE000 + len(self.typed))  # one character, so that typing cannot cut it
        self.typed.append(token)
        self._change([TextEdit(at, at, token)], f"type {token} at {at}")

    def _change(self, edits: list[TextEdit], why: str) -> None:
        """Change the editor's text and report it, now or later, as its habit is."""
        self.version += self.chance.choice((1, 1, 1, 7))  # versions may jump
        before, self.text = self.text, apply(self.text, tuple(edits))
        self.inverse = list(invert(before, tuple(edits))) if why == "Claude" else None
        self.history += [(self.version, edit) for edit in reversed(edits)]
        self.log.append(f"editor: {why} -> v{self.version}")
        if self.habit in ("late", "liar"):
            self.unreported = True
        else:
            self._report()

    def _report(self) -> None:
        self.unreported = False
        self.to_server.append(DocumentChanged(Document.opened("file:///a", "x", self.version, self.text)))

    def _edit(self, edit: SendEdit) -> None:
        version, patch = edit.document.version, edit.patch
        if version == self.version:
            self._apply(edit.request, patch)
        elif self.habit in ("strict", "piecemeal", "late", "formats"):
            self.to_server.append(EditAnswered(edit.request, False, "stale"))
        elif self.habit == "liar":
            self.to_server.append(EditAnswered(edit.request, True))
        elif self.habit == "rebasing":
            self._apply(edit.request, tuple(self._rebased(item, version) for item in patch))
        elif self.habit == "anchored":
            self._apply(edit.request, tuple(part for item in patch for part in self._anchored(item, version)))
        elif all(item.end <= len(self.text) for item in patch):
            self._apply(edit.request, patch)
        else:
            self.to_server.append(EditAnswered(edit.request, False, "out of range"))

    def _apply(self, request: int, patch: Patch) -> None:
        first = self.chance.random() < 0.5
        if first:
            self.to_server.append(EditAnswered(request, True))
        if self.habit == "formats":
            patch = tuple(TextEdit(item.start, item.end, _formatted(item.text)) for item in patch)
        if self.habit == "piecemeal":
            for item in reversed(patch):
                self._change([item], "Claude, in part")
        else:
            self.landed_last = self.hunks_of[request]
            self._change(list(patch), "Claude, taking back" if request in self.taking_back else "Claude")
        if not first:
            self.to_server.append(EditAnswered(request, True))

    def _rebased(self, edit: TextEdit, version: int) -> TextEdit:
        start, end = edit.start, edit.end
        for number, other in self.history:
            if number > version:
                if other.end <= start and (other.start, other.end) != (start, end):
                    start, end = start + other.delta, end + other.delta
                elif other.start < end:
                    end = max(start, end + other.delta)
        return TextEdit(start, end, edit.text)

    def _anchored(self, edit: TextEdit, version: int) -> list[TextEdit]:
        """What is left of the replaced characters goes; the new text stands before the first of them."""
        pieces = [(edit.start, edit.end)]
        for number, other in self.history:
            if number > version:
                pieces = [part for piece in pieces for part in _without(piece, other)]
        first, *others = pieces
        return [TextEdit(*first, edit.text), *(TextEdit(*piece, "") for piece in others)]

    def _step(self, event: Event) -> None:
        self.events += 1
        if self.events - 1 == self.cancel_at:
            self.waiting.clear()
            self._step(HunksDropped(tuple(self.live.hunks)))
        if not isinstance(event, DocumentChanged):
            self.log.append(f"server: {event}")
        else:
            self.log.append(f"server: v{event.document.version} {event.document.text!r}")
        self.now += self.chance.choice((0.0, 0.01, 0.1))
        commands = self.live.step(event, self.now)
        if self.recorder:
            self.recorder.stepped(event, self.now, commands)
        for command in commands:
            self._do(command)

    def _do(self, command: Command) -> None:
        self.log.append(f"    {command if not isinstance(command, SendEdit) else ('send', command.patch)}")
        match command:
            case SendEdit():
                self.to_editor.append(command)
                sent = [hunk for hunk in self.live.hunks.values() if hunk.state is HunkState.SENT]
                self.hunks_of[command.request] = {hunk.id for hunk in sent}
                if any(hunk.ending or hunk.gives_back for hunk in sent):
                    self.taking_back.add(command.request)
            case Pause():
                assert not self.pausing, "two pauses at once"
                self.pausing = True
            case HunkUndone():
                self.seen_undone += 1
            case SetTimer(request):
                self.timers.append(request)
            case HunkEnded():
                assert command.hunk not in self.ends, "a hunk ended twice"
                self.ends[command.hunk] = command


def _formatted(text: str) -> str:
    """With a tab before each new line, and breaks of one kind whatever they were."""
    return "".join(f"\r\n\t{part}" if part else "\r\n" for part in text.splitlines())[2:] if "\n" in text else text


def _without(piece: tuple[int, int], other: TextEdit) -> list[tuple[int, int]]:
    """Where the characters of `piece` are after `other` was made: what it put in is none of them."""
    start, end = piece
    if other.end <= start and (start, end) != (other.start, other.end):
        return [(start + other.delta, end + other.delta)]
    if end <= other.start:
        return [piece]
    left, right = (start, max(start, other.start)), (other.start + len(other.text), max(end, other.end) + other.delta)
    return [part for part in (left, right) if part[0] < part[1]] or [left]


def problems(outcome: Outcome) -> list[str]:
    """What must never be: a key lost or doubled, a hunk that landed in part, a mirror that is off."""
    found: list[str] = []
    if outcome.mirror != outcome.text:
        found.append("the mirror is off")
    for token in outcome.typed:
        count = outcome.text.count(token)
        if count != 1:
            found.append(f"{token} is there {count} times")
    plain = outcome.text.replace("\t", "").replace("\r\n", "\n")
    for token in outcome.typed:
        plain = plain.replace(token, "")
    for name, text in outcome.texts.items():
        end = outcome.ends.get(name)
        if end is None:
            found.append(f"{name} never ended")
            continue
        if end.state is HunkState.LANDED and name in outcome.undone:
            continue  # In whole or, where it came in several steps, in part: the others are theirs to undo.
        if end.reason.endswith(LEFT):
            continue  # The person typed into what was to be taken back.
        stays = end.state is HunkState.LANDED
        text, base = text.replace("\r\n", "\n"), outcome.bases[name].replace("\r\n", "\n")
        wanted = text if stays else base
        if wanted not in plain:
            found.append(f"{name} is {end.state.value}, but {wanted!r} is not in the text")
        if not stays and text in plain and text != base:
            found.append(f"{name} is {end.state.value}, but its text is there")
    return found
