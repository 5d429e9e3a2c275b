"""The in-flight edits of one document: events go in, commands come out, and nothing else happens.

Rules, in the order in which they win over each other:

1. The person wins. What they change in lines that Claude is replacing is merged with what Claude writes there; where
   both changed the same lines theirs stay, and what Claude wrote is taken back.
2. Only the text that `didChange` reports is true. An answer `applied: true` is a promise, `false` may be one too.
3. One edit is in flight at a time, against the newest confirmed version.
4. An edit that the editor refused is planned anew from where its text stands now, never sent again as it was.
5. Whoever undoes an edit of ours means it: the hunk is over, and the rest of it is taken back as well.

Theory. `document` is what the editor last reported. While an edit is in flight, a report is read (`flight.py`): our
edit is in, or it is out, and what differs is the person's, which is carried into everything we still plan to do. Ranges
in a report are never trusted, only texts are compared: editors send diffs, whole texts and coarse replacements.

A hunk is sent in one step when its text is whole, or in several as it grows. Every step is a merge: from what our own
steps have made of the place (`stands`) to what the next one wants (`goal`), over what the person made of it.

Time does not pass in here. Every event says when it happened; where waiting is needed a `SetTimer` or a `Pause` goes
out, and a `TimerFired` or a `PauseOver` comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from claude_ls.editing.events import (
    Command,
    DocumentChanged,
    DocumentClosed,
    DocumentReopened,
    EditAnswered,
    Event,
    HunkClaimed,
    HunkEnded,
    HunkGrew,
    HunksDropped,
    HunksWritten,
    HunkUndone,
    OwnedEdit,
    Pause,
    PauseOver,
    SendEdit,
    SetTimer,
    TimerFired,
)
from claude_ls.editing.flight import Flight, Reading, Step
from claude_ls.editing.hunk import ENDS, KEPT_STANDS, LOST_SIGHT_OF, Hunk, HunkState, Label, Landed
from claude_ls.editing.progress import Alignment
from claude_ls.text.diff import changes, distance, minimal_patch
from claude_ls.text.document import Document
from claude_ls.text.merge import merge, with_insertions
from claude_ls.text.patch import Patch, Span, TextEdit, apply
from claude_ls.text.rebase import carry_span, sequential

ECHO_SECONDS = 1.5
"""How long a `true` may stay without its echo once the text has moved on: editors batch their reports."""
PATIENT_SECONDS = 5.0
"""The same where nothing was reported since: an editor busy with typing has been seen to take 2.6 s."""
ANSWER_SECONDS = 60.0
"""How long an editor may take to answer at all: it may be asking the person."""
PACE_SECONDS = 0.06
"""Shortest time between two parts of a growing hunk: more often than an eye follows is only work for the editor."""
PACE_FOR_EACH_TRIP = 1.5
"""The same as a multiple of the last round trip, so that a slow editor gets time for its own things."""
KEPT_HUNKS = 500
"""Ended hunks that are still followed through the text, so that they can be undone."""
AFTER_REFUSAL_SECONDS = 0.3
"""How much longer to wait after each refusal if nothing is reported: it is about typing that was not told yet, most
likely. eglot refuses every edit while somebody types, and tells what they typed half a second after their last key."""
DECLINED_SECONDS = 2.0
"""A refusal that took so long, with nothing reported meanwhile, is a person's: their editor asked them."""
MAX_REFUSALS = 8
"""Refusals without any change in between after which the editor is taken at its word: after some eight seconds."""


CHANGED_MEANWHILE = "you changed the same lines while Claude wrote"
UNDONE = "you undid it"
CLOSED = "the document was closed"
LEFT = "what was written of it was changed by you, and stays"


@dataclass
class LiveEdit:
    """`step` takes one event and says what must be done about it."""

    document: Document
    hunks: dict[str, Hunk] = field(default_factory=dict)
    repairs: int = 0
    seen: list[OwnedEdit] = field(default_factory=list)
    """What the last step learnt: edits one behind the other, which lead from the `text` before it to the one since."""
    _alignments: dict[str, Alignment] = field(default_factory=dict)
    _flight: Flight | None = None
    _requests: int = 0
    _refusals: int = 0
    _closed: bool = False
    _now: float = 0.0
    _next_part_at: float = 0.0
    _next_try_at: float = 0.0
    _pausing: bool = False

    @property
    def text(self) -> str:
        """The document's text, or what it will be again once an edit that went astray is put right."""
        flight = self._flight
        return self.document.text if flight is None or flight.echoed or flight.wanted is None else flight.wanted

    @property
    def claimed(self) -> tuple[Span, ...]:
        """Spans that are being replaced, in today's document."""
        return tuple(hunk.span for hunk in self.hunks.values() if hunk.state not in ENDS)

    def step(self, event: Event, at: float = 0.0) -> list[Command]:
        """Take one event, which happened `at` so many seconds."""
        self._now = at
        self.seen = []
        match event:
            case HunkClaimed(name, label, span):
                self._forget()
                self.hunks[name] = Hunk.claimed(name, label, span, span.of(self.document.text))
                return self._end(name, HunkState.LOST, CLOSED) if self._closed else []
            case HunkGrew(name, text):
                return self._written(name, text, whole=False) + self._flush()
            case HunksWritten(texts):
                commands = [command for name, text in texts for command in self._written(name, text, whole=True)]
                return commands + self._flush()
            case HunksDropped(names):
                return self._dropped(names) + self._flush()
            case DocumentChanged(document):
                return self._changed(document)
            case EditAnswered():
                return self._answered(event)
            case TimerFired(request):
                return self._timer(request)
            case PauseOver():
                self._pausing, self._next_part_at, self._next_try_at = False, at, at
                return self._flush()
            case DocumentClosed():
                return self._close()
            case DocumentReopened(document):
                self._closed = False
                return self._changed(document)

    def _forget(self) -> None:
        """Keep no more ended hunks than somebody may want to take back."""
        ended = [hunk.id for hunk in self.hunks.values() if hunk.state in ENDS]
        in_flight = self._flight.steps if self._flight else {}
        for name in ended[: max(0, len(ended) - KEPT_HUNKS)]:
            if name not in in_flight:
                del self.hunks[name]

    def _written(self, name: str, text: str, *, whole: bool) -> list[Command]:
        hunk = self.hunks[name]
        if hunk.state in ENDS or hunk.whole or hunk.ending:
            return []
        hunk.text, hunk.whole = text, whole
        if self._closed:
            return self._end(name, HunkState.LOST, CLOSED) if whole else []
        if hunk.state is HunkState.WAITING:
            hunk.state = HunkState.READY
        return []

    def _dropped(self, names: Sequence[str]) -> list[Command]:
        commands: list[Command] = []
        for name in names:
            hunk = self.hunks.get(name)
            if hunk is None or hunk.gives_back or hunk.ending or hunk.state in ENDS:
                continue  # Long forgotten, or over; or the person's own text, which comes back whatever happens.
            if hunk.state is HunkState.SENT:
                hunk.abandoned = True
            else:
                commands += self._take_back(name, HunkState.DROPPED)
        return commands

    def _take_back(self, name: str, state: HunkState, reason: str = "") -> list[Command]:
        """End the hunk, once what was written of it is out of the text again."""
        hunk = self.hunks[name]
        if hunk.stands == hunk.base or self._closed:
            return self._end(name, state, reason)
        hunk.state, hunk.ending = HunkState.READY, (state, reason)
        return []

    def _close(self) -> list[Command]:
        """Nothing can be sent any more. What is still being written may find the document open again."""
        self._closed, self._flight = True, None
        commands: list[Command] = []
        for hunk in list(self.hunks.values()):
            if hunk.state in (HunkState.READY, HunkState.SENT):
                if hunk.whole or hunk.ending or hunk.abandoned:
                    commands += self._end(hunk.id, *(hunk.ending or (HunkState.LOST, CLOSED)))
                else:
                    hunk.state = HunkState.WAITING
        return commands

    def _flush(self) -> list[Command]:
        """Send everything that is ready, if nothing is in flight."""
        if self._flight or self._closed:
            return []
        ready = [hunk for hunk in self.hunks.values() if hunk.state is HunkState.READY]
        only_parts = not any(hunk.whole or hunk.ending for hunk in ready)
        not_before = max(self._next_try_at, self._next_part_at if only_parts else 0.0)
        if self._now < not_before:
            if not ready or self._pausing:
                return []
            self._pausing = True
            return [Pause(not_before - self._now)]
        commands: list[Command] = []
        edits: list[TextEdit] = []
        owners: list[str] = []
        steps: dict[str, Step] = {}
        reached = -1
        # What is given back goes first: the hunk over which it was typed may still be growing at the same place.
        for hunk in sorted(ready, key=lambda hunk: (hunk.span, not hunk.gives_back)):
            if hunk.span.start < reached:
                continue  # Two hunks of one place: one after the other.
            step = None
            while step is None and self.hunks[hunk.id].state is HunkState.READY:
                step = self._next_step(self.hunks[hunk.id])
                commands += self._stopped(hunk.id) if step is None else []
            if step is None:
                continue
            current = hunk.span.of(self.document.text)
            patch = minimal_patch(current, step.text)
            if not patch:
                commands += self._made(hunk.id, step)
                continue
            moved = hunk.span.start
            edits += [TextEdit(edit.start + moved, edit.end + moved, edit.text) for edit in patch]
            owners += [hunk.id] * len(patch)
            steps[hunk.id] = step
            reached = hunk.span.end
        return commands + (self._send(tuple(edits), owners, steps) if edits else [])

    def _next_step(self, hunk: Hunk) -> Step | None:
        """What the hunk gets next; None where it gets nothing now, or nothing any more."""
        current = hunk.span.of(self.document.text)
        if hunk.gives_back:
            return Step(hunk.text, _given_back(hunk, current))
        if hunk.ending:
            back = merge(hunk.stands, hunk.base, current)
            return Step(hunk.base, back.text) if back.clean else None
        if hunk.undone_in(current):
            return None
        if hunk.whole:
            goal, rest = hunk.text, 0
        elif hunk.held:
            return None
        else:
            goal, rest = self._alignment(hunk).progress(hunk.text)
        merged = merge(hunk.stands, goal, current)
        return Step(goal, merged.text, rest, last=hunk.whole) if merged.clean else None

    def _alignment(self, hunk: Hunk) -> Alignment:
        if hunk.id not in self._alignments:
            self._alignments[hunk.id] = Alignment(hunk.base, self.document.line_break)
        return self._alignments[hunk.id]

    def _stopped(self, name: str) -> list[Command]:
        """The hunk cannot go on over what the person made of its lines."""
        hunk = self.hunks[name]
        if hunk.ending:
            state, reason = hunk.ending
            return self._end(name, state, f"{reason}; {LEFT}" if reason else LEFT)
        current = hunk.span.of(self.document.text)
        if hunk.undone_in(current):
            hunk.stands = current
            return [HunkUndone(name), *self._take_back(name, HunkState.DROPPED, UNDONE)]
        if hunk.whole:
            return self._take_back(name, HunkState.CONFLICT, CHANGED_MEANWHILE)
        hunk.state, hunk.held = HunkState.WAITING, True
        return []

    def _send(
        self, patch: Patch, owners: Sequence[str], steps: Mapping[str, Step], wanted: str | None = None
    ) -> list[Command]:
        self._requests += 1
        expected = apply(self.document.text, patch)
        self._flight = Flight(self._requests, patch, patch, owners, expected, steps, self._now, wanted=wanted)
        for name in steps:
            self.hunks[name].state = HunkState.SENT
        label = self.hunks[next(iter(steps))].label if steps else Label("Claude: put right", "")
        return [
            SendEdit(self._requests, self.document, patch, label),
            SetTimer(self._requests, ANSWER_SECONDS),
        ]

    def _changed(self, document: Document) -> list[Command]:
        flight = self._flight
        self._next_try_at, self._refusals = self._now, 0
        if flight is None or flight.echoed:
            return self._foreign(document) + self._flush()
        reading = flight.read(self.document.text, document.text)
        match reading.kind:
            case "in" if reading.text == document.text:
                return self._echoed(document, reading) + self._flush()
            case "in" if flight.wanted is not None:
                self._want(flight, with_insertions(reading.text, flight.wanted, document.text))
                return self._repair(flight, document)
            case "in":
                between = Document.opened(document.uri, document.language_id, document.version, reading.text)
                return self._echoed(between, reading) + self._foreign(document) + self._flush()
            case "part":
                if flight.wanted is None:
                    self._carry_own(reading)
                flight.take_out(reading.patch)
                self.document = document
                return []
            case "astray":
                return self._repair(flight, document)
            case _:
                commands = self._foreign(document)
                flight.moved = True
                if flight.answer is not None:
                    # It said true, and its next report did not show it. A last chance, then it is planned anew.
                    commands.append(SetTimer(flight.request, ECHO_SECONDS))
                return commands

    def _repair(self, flight: Flight, document: Document) -> list[Command]:
        """Lead from the stray result to the text as it should be: with the person's typing, without doomed hunks."""
        self.repairs += 1
        steps, wanted = flight.steps, flight.wanted
        commands: list[Command] = []
        if wanted is None:
            doomed = [self.hunks[name].span for name in flight.doomed]
            kept = [
                (edit, owner)
                for edit, owner in zip(flight.patch, flight.owners, strict=True)
                if not any(span.covers(edit.span) for span in doomed)
            ]
            patch = tuple(edit for edit, _ in kept)
            wanted = apply(self.document.text, patch)
            self._carry_own(Reading("in", patch, [owner for _, owner in kept], wanted))
            steps = {name: step for name, step in flight.steps.items() if name not in flight.doomed}
            for name in flight.doomed:
                commands += self._not_made(name)
        self.document, self._flight = document, None
        repair = minimal_patch(document.text, wanted)
        if not repair:
            self._flight, flight.steps, flight.wanted = flight, steps, wanted
            return commands + self._echoed(document, Reading("in")) + self._flush()
        return commands + self._send(repair, [""] * len(repair), steps, wanted)

    def _want(self, flight: Flight, wanted: str) -> None:
        """Somebody typed while an edit is put right: that is to be in the text as well. The hunks it touched."""
        for edit in changes(flight.wanted or "", wanted):
            self._carry_foreign(edit)
        flight.wanted = wanted

    def _echoed(self, document: Document, reading: Reading) -> list[Command]:
        """Our edit is in the text: its hunks are one step further, whatever the answer will say."""
        flight = self._flight
        assert flight is not None
        theirs: dict[str, str] = {}
        if flight.wanted is None:
            self._take_rims(reading)
            theirs = {name: self.hunks[name].span.of(self.document.text) for name in flight.doomed}
            self._carry_own(reading)
        self.document = document
        flight.echoed = True
        self._next_part_at = flight.at + max(PACE_SECONDS, PACE_FOR_EACH_TRIP * (self._now - flight.at))
        self._refusals = 0
        commands: list[Command] = []
        for name, step in flight.steps.items():
            if self.hunks[name].state is HunkState.SENT:
                commands += self._made(name, step, theirs.get(name))
        if flight.answer is not None:
            self._flight = None
        return commands

    def _made(self, name: str, step: Step, theirs: str | None = None) -> list[Command]:
        """The hunk is one step further. `theirs` is what stood there where the step was made over what they typed."""
        hunk = self.hunks[name]
        stood = hunk.stands
        if step.goal != stood:
            hunk.stands, hunk.earlier = step.goal, (*hunk.earlier, stood)[-KEPT_STANDS:]
        hunk.rest = step.rest
        if theirs is not None:
            if hunk.gives_back:
                self._give_back(name, _given_back(hunk, theirs))
            else:
                merged = merge(stood, step.goal, theirs)
                if not merged.clean:
                    self._give_back(name, merge(stood, hunk.base, theirs).text)
                    return self._end(name, *(hunk.ending or (HunkState.CONFLICT, CHANGED_MEANWHILE)))
                self._give_back(name, merged.text)
        if hunk.ending:
            return self._end(name, *hunk.ending)
        if step.last:
            return self._end_landed(name)
        hunk.state = HunkState.WAITING
        if hunk.abandoned:
            return self._take_back(name, HunkState.DROPPED)
        if hunk.whole or self._alignment(hunk).progress(hunk.text).text != step.goal:
            hunk.state = HunkState.READY
        return []

    def _give_back(self, name: str, text: str) -> None:
        """Put `text`, which holds what the person typed, where a step of the hunk was made over it."""
        hunk = self.hunks[name]
        base = hunk.span.of(self.document.text)
        if base == text:
            return
        self.repairs += 1
        identity = f"{name} given back {self.repairs}"
        label = Label("Claude: give back what you typed", identity)
        back = Hunk.claimed(identity, label, hunk.span, base)
        self.hunks[identity] = replace(back, text=text, whole=True, state=HunkState.READY, gives_back=True)

    def _foreign(self, document: Document) -> list[Command]:
        """Somebody else changed the text: carry all plans over it, and see what it means for what it touched."""
        flight = self._flight if self._flight is not None and not self._flight.echoed else None
        before = self.document.text
        edits = changes(before, document.text)
        touched: dict[str, None] = {}
        if flight is not None and flight.wanted is not None:
            self._want(flight, with_insertions(before, flight.wanted, document.text))
        else:
            undone = self._undone(document.text) if edits else {}
            touched |= dict.fromkeys(undone)
            for edit in edits:
                touched |= self._carry_foreign(edit)
            for name, span in undone.items():
                self.hunks[name].span = span
        self.document = document
        commands = [command for name in touched for command in self._touched(name)]
        if flight is not None:
            for edit in edits:
                flight.carry(edit)
            flight.expected = apply(document.text, flight.patch)
        return commands

    def _undone(self, text: str) -> dict[str, Span]:
        """The hunks that read in `text` as before an edit of ours, with their spans there.

        Where one hunk was undone and nothing else, the whole text says so. Otherwise whole lines are asked: by
        characters, the ends of what came back would seem to be typed beside the hunk.
        """
        if not any(hunk.earlier for hunk in self.hunks.values()):
            return {}
        old = self.document.text
        for hunk in self.hunks.values():
            start, end = hunk.span
            for was in (hunk.base, *hunk.earlier) if hunk.earlier and hunk.state not in LOST_SIGHT_OF else ():
                back = start + len(was)
                if was == hunk.stands or len(text) - len(old) != back - end or not text.startswith(was, start):
                    continue
                if text[:start] == old[:start] and text[back:] == old[end:]:
                    return {hunk.id: Span(start, back)}
        parts = minimal_patch(old, text)
        found: dict[str, Span] = {}
        for hunk in self.hunks.values():
            if hunk.state in LOST_SIGHT_OF or not hunk.earlier or hunk.span.end < parts[0].start:
                continue
            inside = [part for part in parts if hunk.span.covers(part.span)]
            if not inside or any(part.span.touches(hunk.span) for part in parts if part not in inside):
                continue
            start = hunk.span.start
            here = apply(hunk.span.of(old), tuple(TextEdit(e.start - start, e.end - start, e.text) for e in inside))
            if hunk.undone_in(here):
                start += sum(part.delta for part in parts if part.start < inside[0].start)
                found[hunk.id] = Span(start, start + len(here))
        return found

    def _carry_foreign(self, edit: TextEdit) -> dict[str, None]:
        """Carry all spans over `edit`; the hunks that it touches."""
        self.seen.append(OwnedEdit(edit, ""))
        in_flight = self._in_flight
        touched: dict[str, None] = {}
        for hunk in list(self.hunks.values()):
            if hunk.span.end < edit.start:
                continue
            if hunk.state in LOST_SIGHT_OF and hunk.id not in in_flight:
                continue
            if hunk.span.touches(edit.span):
                touched[hunk.id] = None
                # What was written already may be typed into: the next lines go below.
                if edit.end > hunk.span.end - hunk.rest:
                    hunk.held = True
            hunk.span = carry_span(hunk.span, edit)
        return touched

    def _touched(self, name: str) -> list[Command]:
        """The person changed text of this hunk, or where it is to go."""
        hunk, flight = self.hunks[name], self._flight
        if flight is not None and name in self._in_flight:
            flight.doomed |= {name}
        elif not hunk.undone_in(hunk.span.of(self.document.text)):
            pass
        elif hunk.state is HunkState.LANDED:
            return [HunkUndone(name)]
        elif hunk.state not in ENDS and not hunk.ending:
            return self._stopped(name)
        return []

    @property
    def _in_flight(self) -> Mapping[str, Step]:
        """The hunks in the edit that is on its way and was not seen yet."""
        return self._flight.steps if self._flight is not None and not self._flight.echoed else {}

    def _take_rims(self, reading: Reading) -> None:
        """Grow the hunks over what was typed between them and their own edits.

        Where both put something in at the rim of a hunk, what was typed counts as beside it, until ours turns out to
        stand on its other side.
        """
        for edit, owner in zip(reading.patch, reading.owners, strict=True):
            hunk = self.hunks[owner]
            hunk.span = Span(min(hunk.span.start, edit.start), max(hunk.span.end, edit.end))

    def _carry_own(self, reading: Reading) -> None:
        """Our own edits are in: what they wrote belongs to the hunks that own them, and moves the others."""
        self._take_rims(reading)
        in_flight = self._flight.steps if self._flight is not None else {}
        for edit, owner in zip(sequential(reading.patch), reading.owners, strict=True):
            self.seen.append(OwnedEdit(edit, owner))
            for hunk in list(self.hunks.values()):
                if hunk.id == owner:
                    hunk.span = Span(hunk.span.start, hunk.span.end + edit.delta)
                elif hunk.span.end >= edit.start and (hunk.state not in LOST_SIGHT_OF or hunk.id in in_flight):
                    hunk.span = carry_span(hunk.span, edit)

    def _answered(self, event: EditAnswered) -> list[Command]:
        flight = self._flight
        if flight is None or event.request != flight.request:
            return []
        if flight.echoed:
            self._flight = None
            return self._flush()
        if event.applied:
            flight.answer = event
            return [SetTimer(flight.request, PATIENT_SECONDS)]
        declined = not flight.moved and self._now - flight.at >= DECLINED_SECONDS
        words = f"the editor refused the edit: {event.reason}" if event.reason else "the editor refused the edit"
        return self._replan(event.reason if event.unsent else words, final=event.final or declined)

    def _timer(self, request: int) -> list[Command]:
        flight = self._flight
        if flight is None or flight.request != request:
            return []
        if flight.echoed:
            self._flight = None
            return self._flush()
        if flight.answer is None:
            self._flight = None
            return (
                self._end_all(
                    lambda hunk: hunk.id in flight.steps,
                    HunkState.REFUSED,
                    "the editor did not answer; look at the lines before you try again",
                )
                + self._flush()
            )
        return self._replan("the editor refused the edit: the editor said that it made the edit, and did not")

    def _replan(self, reason: str, *, final: bool = False) -> list[Command]:
        """The edit is known to be out. Send it anew from where its text stands, unless the editor means it."""
        flight, self._flight = self._flight, None
        self._refusals += 1
        self._next_try_at = self._now + AFTER_REFUSAL_SECONDS * self._refusals
        sent = [hunk.id for hunk in self.hunks.values() if hunk.state is HunkState.SENT]
        if final or self._refusals >= MAX_REFUSALS:
            self._refusals = 0
            return self._end_all(lambda hunk: hunk.id in sent, HunkState.REFUSED, reason) + self._flush()
        if flight is not None and flight.wanted is not None:
            # What went astray is still in the text, and has to be put right before anything else.
            repair = minimal_patch(self.document.text, flight.wanted)
            return self._send(repair, [""] * len(repair), flight.steps, flight.wanted)
        return [command for name in sent for command in self._not_made(name)] + self._flush()

    def _not_made(self, name: str) -> list[Command]:
        """The step that was on its way is known to be out."""
        hunk = self.hunks[name]
        if hunk.state is HunkState.SENT and hunk.abandoned:
            return self._take_back(name, HunkState.DROPPED)
        if hunk.state is HunkState.SENT:
            hunk.state = HunkState.READY
        return []

    def _end(self, name: str, state: HunkState, reason: str = "") -> list[Command]:
        self.hunks[name].state = state
        self._alignments.pop(name, None)
        return [HunkEnded(name, state, reason)]

    def _end_all(self, which: Callable[[Hunk], bool], state: HunkState, reason: str) -> list[Command]:
        names = [hunk.id for hunk in self.hunks.values() if hunk.state not in ENDS and which(hunk)]
        return [command for name in names for command in self._end(name, state, reason)]

    def _end_landed(self, name: str) -> list[Command]:
        hunk = self.hunks[name]
        hunk.state = HunkState.LANDED
        self._alignments.pop(name, None)
        landed = Landed(hunk.span, hunk.base, hunk.span.of(self.document.text))
        return [HunkEnded(name, HunkState.LANDED, "", landed)]


def _given_back(hunk: Hunk, theirs: str) -> str:
    """The text that `hunk` gives back, and what was typed while it was on its way: both must be there in the end."""
    if distance(hunk.text, theirs) < distance(hunk.base, theirs):
        return theirs  # They have put it back themselves, by an undo.
    return with_insertions(hunk.base, hunk.text, theirs)
