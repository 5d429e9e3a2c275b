"""The in-flight edits of one document: events go in, commands come out, and nothing else happens.

Rules, in the order in which they win over each other:

1. The person wins. What they change in lines that Claude is replacing is merged with what Claude writes there; where
   both changed the same lines theirs stay, and what Claude wrote is taken back.
2. Only the text that `didChange` reports is true. An answer `applied: true` is a promise, `false` may be one too.
3. One edit is in flight at a time, against the newest confirmed version.
4. An edit that the editor refused is planned anew from where its text stands now, never sent again as it was.
5. Whoever undoes an edit of ours means it: the hunk is over, and the rest of it is taken back as well.

Theory. `document` is what the editor last reported. While an edit is in flight there is also `expected`: that text
with the edit in it. A report that equals `expected` is the echo. Any other report has two readings: the edit is in and
somebody typed as well, or somebody typed and the edit is still out. Whichever leaves less to explain is taken; the
person's part is then the difference, and is carried into everything we still plan to do. Ranges in a report are never
trusted, only texts are compared: editors send diffs, whole texts and coarse replacements, as they please.

A hunk is sent in one step when its text is whole, or in several as it grows. Every step is a merge: from what our own
steps have made of the place (`stands`) to what the next one wants (`goal`), over what the person made of it.

Time does not pass in here. Every event says when it happened; where waiting is needed a `SetTimer` or a `Pause` goes
out, and a `TimerFired` or a `PauseOver` comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from claude_ls.editing.hunk import ENDS, KEPT_STANDS, LOST_SIGHT_OF, Hunk, HunkState, Label, Landed
from claude_ls.editing.progress import Alignment
from claude_ls.text.diff import changes, distance, minimal_patch
from claude_ls.text.document import Document
from claude_ls.text.merge import merge, with_insertions
from claude_ls.text.patch import Patch, Span, TextEdit, apply
from claude_ls.text.rebase import carry_span, cover, sequential, split

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
"""How long to wait after a refusal if nothing is reported: it may be about typing that was not told yet."""
DECLINED_SECONDS = 2.0
"""A refusal that took so long, with nothing reported meanwhile, is a person's: their editor asked them."""
MAX_REFUSALS = 3
"""Refusals without any change in between after which the editor is taken at its word."""


@dataclass(frozen=True)
class HunkClaimed:
    """Claude is going to replace `span` of the document as it is now."""

    hunk: str
    label: Label
    span: Span


@dataclass(frozen=True)
class HunkGrew:
    """`text`, whole lines, is what Claude has written of the hunk so far."""

    hunk: str
    text: str


@dataclass(frozen=True)
class HunksWritten:
    """The texts of these hunks are whole; they go out together."""

    texts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class HunksDropped:
    """These hunks will not be finished. One that is already on its way may still land."""

    hunks: tuple[str, ...]


@dataclass(frozen=True)
class DocumentChanged:
    document: Document


@dataclass(frozen=True)
class EditAnswered:
    request: int
    applied: bool
    reason: str = ""


@dataclass(frozen=True)
class TimerFired:
    request: int


@dataclass(frozen=True)
class PauseOver:
    pass


@dataclass(frozen=True)
class DocumentClosed:
    pass


@dataclass(frozen=True)
class DocumentReopened:
    """The editor shows the document again, with whatever text it has now."""

    document: Document


Event = (
    HunkClaimed
    | HunkGrew
    | HunksWritten
    | HunksDropped
    | DocumentChanged
    | EditAnswered
    | TimerFired
    | PauseOver
    | DocumentClosed
    | DocumentReopened
)


@dataclass(frozen=True)
class SendEdit:
    """Ask the editor to make `patch` to `document`, exactly at its version."""

    request: int
    document: Document
    patch: Patch
    label: Label


@dataclass(frozen=True)
class SetTimer:
    request: int
    seconds: float


@dataclass(frozen=True)
class Pause:
    """Come back with `PauseOver` after so many seconds."""

    seconds: float


@dataclass(frozen=True)
class HunkEnded:
    """The hunk reached one of its ends; `reason` is for the person, `landed` says what it did if it did."""

    hunk: str
    state: HunkState
    reason: str = ""
    landed: Landed | None = None


@dataclass(frozen=True)
class HunkUndone:
    """The person took back what this hunk had done, by their editor's own undo or by hand."""

    hunk: str


Command = SendEdit | SetTimer | Pause | HunkEnded | HunkUndone

CHANGED_MEANWHILE = "you changed the same lines while Claude wrote"
UNDONE = "you undid it"
CLOSED = "the document was closed"
LEFT = "what was written of it was changed by you, and stays"


@dataclass(frozen=True)
class _Step:
    """What one hunk gets next: `goal` is what it stands at then by our own doing, `text` the same with the person's."""

    goal: str
    text: str
    rest: int = 0
    last: bool = True


@dataclass
class _Pending:
    """The edit in flight: `patch` leads from the confirmed text to `expected`; `sent` is the patch as it went out.

    `owners` names the hunk of each edit in it. `doomed` are hunks whose lines the person changed meanwhile. An editor
    that rebases makes the edit all the same: one that carries ranges over what was typed (`patch`) swallows it, and it
    is given back; one that carries characters (`gentle`) leaves it in the middle of ours.
    """

    request: int
    sent: Patch
    patch: Patch
    owners: Sequence[str]
    expected: str
    steps: Mapping[str, _Step]
    at: float
    doomed: frozenset[str] = frozenset()
    moved: bool = False
    """Whether anything was reported since it was sent."""
    gentle: Patch | None = None
    """`patch` as an editor would make it that leaves typed characters alone; None where that is the same."""
    gentle_owners: Sequence[str] = ()
    wanted: str | None = None
    """Set where this repairs an edit that landed at a stale place: what the text should be in the end, with all that
    was typed since. The spans of hunks are then already those of this text."""
    answer: EditAnswered | None = None
    echoed: bool = False


@dataclass
class LiveEdit:
    """`step` takes one event and says what must be done about it."""

    document: Document
    hunks: dict[str, Hunk] = field(default_factory=dict)
    repairs: int = 0
    _alignments: dict[str, Alignment] = field(default_factory=dict)
    _pending: _Pending | None = None
    _requests: int = 0
    _refusals: int = 0
    _closed: bool = False
    _now: float = 0.0
    _next_part_at: float = 0.0
    _next_try_at: float = 0.0
    _pausing: bool = False

    @property
    def claimed(self) -> tuple[Span, ...]:
        """Spans that are being replaced, in today's document."""
        return tuple(hunk.span for hunk in self.hunks.values() if hunk.state not in ENDS)

    def step(self, event: Event, at: float = 0.0) -> list[Command]:
        """Take one event, which happened `at` so many seconds."""
        self._now = at
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
        in_flight = self._pending.steps if self._pending else {}
        for name in ended[: max(0, len(ended) - KEPT_HUNKS)]:
            if name not in in_flight:
                del self.hunks[name]

    def _written(self, name: str, text: str, *, whole: bool) -> list[Command]:
        hunk = self.hunks[name]
        if hunk.state in ENDS or hunk.whole or hunk.ending:
            return []
        self._set(name, text=text, whole=whole)
        if self._closed:
            return self._end(name, HunkState.LOST, CLOSED) if whole else []
        if hunk.state is HunkState.WAITING:
            self._set(name, state=HunkState.READY)
        return []

    def _dropped(self, names: Sequence[str]) -> list[Command]:
        commands: list[Command] = []
        for name in names:
            hunk = self.hunks.get(name)
            if hunk is None or hunk.gives_back or hunk.ending or hunk.state in ENDS:
                continue  # Long forgotten, or over; or the person's own text, which comes back whatever happens.
            if hunk.state is HunkState.SENT:
                self._set(name, abandoned=True)
            else:
                commands += self._take_back(name, HunkState.DROPPED)
        return commands

    def _take_back(self, name: str, state: HunkState, reason: str = "") -> list[Command]:
        """End the hunk, once what was written of it is out of the text again."""
        hunk = self.hunks[name]
        if hunk.stands == hunk.base or self._closed:
            return self._end(name, state, reason)
        self._set(name, state=HunkState.READY, ending=(state, reason))
        return []

    def _close(self) -> list[Command]:
        """Nothing can be sent any more. What is still being written may find the document open again."""
        self._closed, self._pending = True, None
        commands: list[Command] = []
        for hunk in list(self.hunks.values()):
            if hunk.state in (HunkState.READY, HunkState.SENT):
                if hunk.whole or hunk.ending or hunk.abandoned:
                    commands += self._end(hunk.id, *(hunk.ending or (HunkState.LOST, CLOSED)))
                else:
                    self._set(hunk.id, state=HunkState.WAITING)
        return commands

    def _flush(self) -> list[Command]:
        """Send everything that is ready, if nothing is in flight."""
        if self._pending or self._closed:
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
        steps: dict[str, _Step] = {}
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

    def _next_step(self, hunk: Hunk) -> _Step | None:
        """What the hunk gets next; None where it gets nothing now, or nothing any more."""
        current = hunk.span.of(self.document.text)
        if hunk.gives_back:
            return _Step(hunk.text, _given_back(hunk, current))
        if hunk.ending:
            back = merge(hunk.stands, hunk.base, current)
            return _Step(hunk.base, back.text) if back.clean else None
        if hunk.undone_in(current):
            return None
        if hunk.whole:
            goal, rest = hunk.text, 0
        elif hunk.held:
            return None
        else:
            goal, rest = self._alignment(hunk).progress(hunk.text)
        merged = merge(hunk.stands, goal, current)
        return _Step(goal, merged.text, rest, last=hunk.whole) if merged.clean else None

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
            self._set(name, stands=current)
            return [HunkUndone(name), *self._take_back(name, HunkState.DROPPED, UNDONE)]
        if hunk.whole:
            return self._take_back(name, HunkState.CONFLICT, CHANGED_MEANWHILE)
        self._set(name, state=HunkState.WAITING, held=True)
        return []

    def _send(
        self, patch: Patch, owners: Sequence[str], steps: Mapping[str, _Step], wanted: str | None = None
    ) -> list[Command]:
        self._requests += 1
        expected = apply(self.document.text, patch)
        self._pending = _Pending(self._requests, patch, patch, owners, expected, steps, self._now, wanted=wanted)
        for name in steps:
            self._set(name, state=HunkState.SENT)
        label = self.hunks[next(iter(steps))].label if steps else Label("Claude: put right", "")
        return [
            SendEdit(self._requests, self.document, patch, label),
            SetTimer(self._requests, ANSWER_SECONDS),
        ]

    def _changed(self, document: Document) -> list[Command]:
        pending = self._pending
        self._next_try_at = self._now
        if pending is None or pending.echoed:
            return self._foreign(document) + self._flush()
        text = document.text
        if text == pending.wanted or (text == pending.expected and pending.wanted is None):
            return self._echoed(document) + self._flush()
        if self._landed_in_part(pending, document):
            return []
        if pending.gentle is not None and text == apply(self.document.text, pending.gentle):
            return self._echoed(document, gently=True) + self._flush()
        if pending.wanted is not None and text == pending.expected:
            return self._repair(pending, document)
        moved = pending.sent != pending.patch and _fits(pending.sent, self.document.text)
        if moved and text == apply(self.document.text, pending.sent):
            # The editor put our edit where it belonged before the person typed: move it to where it belongs now.
            return self._repair(pending, document)
        gently = self._reads_as_in(pending, text)
        if gently is not None:
            expected = apply(self.document.text, pending.gentle) if gently and pending.gentle else pending.expected
            between = Document.opened(document.uri, document.language_id, document.version, expected)
            commands = self._echoed(between, gently=gently)
            return commands + self._foreign(document) + self._flush()
        commands = self._foreign(document)
        pending.moved, self._refusals = True, 0
        if pending.answer is not None:
            # It said true, and its next report did not show it. A last chance, then it is planned anew.
            commands.append(SetTimer(pending.request, ECHO_SECONDS))
        return commands

    def _repair(self, pending: _Pending, document: Document) -> list[Command]:
        """Lead from the stale result to the text as it should be: with the person's typing, without doomed hunks."""
        self.repairs += 1
        steps, wanted = pending.steps, pending.wanted
        commands: list[Command] = []
        if wanted is None:
            doomed = [self.hunks[name].span for name in pending.doomed]
            kept = [
                (edit, owner)
                for edit, owner in zip(pending.patch, pending.owners, strict=True)
                if not any(span.covers(edit.span) for span in doomed)
            ]
            patch, owners = tuple(edit for edit, _ in kept), [owner for _, owner in kept]
            wanted = apply(self.document.text, patch)
            self._take_rims(patch, owners)
            self._carry_own(patch, owners)
            steps = {name: step for name, step in pending.steps.items() if name not in pending.doomed}
            for name in pending.doomed:
                commands += self._not_made(name)
        self.document, self._pending = document, None
        repair = minimal_patch(document.text, wanted)
        return commands + self._send(repair, [""] * len(repair), steps, wanted)

    def _reads_as_in(self, pending: _Pending, text: str) -> bool | None:
        """None where the edit is still out; otherwise whether it was made in the way of `pending.gentle`."""
        if_out = distance(self.document.text, text)
        if_in = distance(pending.expected, text)
        if_gently = (
            len(text) * 2 if pending.gentle is None else distance(apply(self.document.text, pending.gentle), text)
        )
        best = min(if_in, if_gently)
        if best < if_out or (best == if_out and pending.answer is not None):
            return if_gently < if_in
        return None

    def _landed_in_part(self, pending: _Pending, document: Document) -> bool:
        """Whether the report shows some of our edits: editors may report each edit of a patch on its own."""
        patch, owners = pending.patch, pending.owners
        if len(patch) < 2:
            return False
        want = len(document.text) - len(self.document.text)
        for count in range(1, len(patch)):
            last = len(patch) - count
            for done, rest in ((slice(last, None), slice(last)), (slice(count), slice(count, None))):
                if (
                    sum(edit.delta for edit in patch[done]) == want
                    and apply(self.document.text, patch[done]) == document.text
                ):
                    if pending.wanted is None:
                        self._take_rims(patch[done], owners[done])
                        self._carry_own(patch[done], owners[done])
                    moved = want if patch[done][0].start < patch[rest][0].start else 0
                    pending.patch = tuple(TextEdit(e.start + moved, e.end + moved, e.text) for e in patch[rest])
                    pending.sent, pending.owners = pending.patch, owners[rest]
                    self.document = document
                    return True
        return False

    def _echoed(self, document: Document, *, gently: bool = False) -> list[Command]:
        """Our edit is in the text: its hunks are one step further, whatever the answer will say."""
        pending = self._pending
        commands: list[Command] = []
        if pending is not None:
            if gently and pending.gentle is not None:
                pending.patch, pending.owners = pending.gentle, pending.gentle_owners
            if pending.wanted is None:
                self._take_rims(pending.patch, pending.owners)
            theirs = {name: self.hunks[name].span.of(self.document.text) for name in pending.doomed}
            if pending.wanted is None:
                self._carry_own(pending.patch, pending.owners)
            pending.echoed = True
            self.document = document
            self._next_part_at = pending.at + max(PACE_SECONDS, PACE_FOR_EACH_TRIP * (self._now - pending.at))
            for name, step in pending.steps.items():
                if self.hunks[name].state is HunkState.SENT:
                    commands += self._made(name, step, theirs.get(name))
        self.document = document
        self._refusals = 0
        if pending is not None and pending.answer is not None:
            self._pending = None
        return commands

    def _made(self, name: str, step: _Step, theirs: str | None = None) -> list[Command]:
        """The hunk is one step further. `theirs` is what stood there where the step was made over what they typed."""
        hunk = self.hunks[name]
        if step.goal != hunk.stands:
            self._set(name, stands=step.goal, earlier=(*hunk.earlier, hunk.stands)[-KEPT_STANDS:])
        self._set(name, rest=step.rest)
        if theirs is not None:
            if hunk.gives_back:
                self._give_back(name, _given_back(hunk, theirs))
            else:
                merged = merge(hunk.stands, step.goal, theirs)
                if not merged.clean:
                    self._give_back(name, merge(hunk.stands, hunk.base, theirs).text)
                    return self._end(name, *(hunk.ending or (HunkState.CONFLICT, CHANGED_MEANWHILE)))
                self._give_back(name, merged.text)
        if hunk.ending:
            return self._end(name, *hunk.ending)
        if step.last:
            return self._end_landed(name)
        self._set(name, state=HunkState.WAITING)
        if hunk.abandoned:
            return self._take_back(name, HunkState.DROPPED)
        if hunk.whole or self._alignment(hunk).progress(hunk.text).text != step.goal:
            self._set(name, state=HunkState.READY)
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
        edits = changes(self.document.text, document.text)
        undone = self._undone(document.text) if edits else {}
        pending = self._pending if self._pending is not None and not self._pending.echoed else None
        seen = edits
        if pending is not None and pending.wanted is not None:
            before, undone = pending.wanted, {}
            pending.wanted = with_insertions(self.document.text, before, document.text)
            seen = changes(before, pending.wanted)
        self.document = document
        touched: dict[str, None] = dict.fromkeys(undone)
        for edit in seen:
            touched |= self._carry_foreign(edit)
        for name, span in undone.items():
            self._set(name, span=span)
        commands = [command for name in touched for command in self._touched(name)]
        if pending is not None:
            for edit in edits:
                self._carry_pending(pending, edit)
            pending.expected = apply(document.text, pending.patch)
        return commands

    def _carry_pending(self, pending: _Pending, edit: TextEdit) -> None:
        """Carry the edit in flight over `edit`, in both ways in which editors do it themselves."""
        parts = [
            (part, owner)
            for own, owner in zip(pending.gentle or pending.patch, pending.gentle_owners or pending.owners, strict=True)
            for part in split(own, edit)
        ]
        pending.patch = tuple(cover(own, edit) for own in pending.patch)
        same = tuple(part for part, _ in parts) == pending.patch
        pending.gentle = None if same else tuple(part for part, _ in parts)
        pending.gentle_owners = () if same else [owner for _, owner in parts]

    def _undone(self, text: str) -> dict[str, Span]:
        """The hunks that read in `text` as before an edit of ours, with their spans there.

        Asked of whole lines: by characters, the ends of what came back would seem to be typed beside the hunk.
        """
        if not any(hunk.earlier for hunk in self.hunks.values()):
            return {}
        old = self.document.text
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
                    self._set(hunk.id, held=True)
            self._set(hunk.id, span=carry_span(hunk.span, edit))
        return touched

    def _touched(self, name: str) -> list[Command]:
        """The person changed text of this hunk, or where it is to go."""
        hunk, pending = self.hunks[name], self._pending
        if pending is not None and name in self._in_flight:
            pending.doomed |= {name} if pending.wanted is None else frozenset()
        elif not hunk.undone_in(hunk.span.of(self.document.text)):
            pass
        elif hunk.state is HunkState.LANDED:
            return [HunkUndone(name)]
        elif hunk.state not in ENDS and not hunk.ending:
            return self._stopped(name)
        return []

    @property
    def _in_flight(self) -> Mapping[str, _Step]:
        """The hunks in the edit that is on its way and was not seen yet."""
        return self._pending.steps if self._pending is not None and not self._pending.echoed else {}

    def _take_rims(self, patch: Patch, owners: Sequence[str]) -> None:
        """Grow the hunks over what was typed between them and their own `patch`.

        Where both put something in at the rim of a hunk, what was typed counts as beside it, until ours turns out to
        stand on its other side.
        """
        for edit, owner in zip(patch, owners, strict=True):
            span = self.hunks[owner].span
            self._set(owner, span=Span(min(span.start, edit.start), max(span.end, edit.end)))

    def _carry_own(self, patch: Patch, owners: Sequence[str]) -> None:
        """Our own `patch` is in: what it wrote belongs to the hunks that own it, and moves the others."""
        in_flight = self._pending.steps if self._pending is not None else {}
        for edit, owner in zip(sequential(patch), owners, strict=True):
            for hunk in list(self.hunks.values()):
                if hunk.id == owner:
                    self._set(owner, span=Span(hunk.span.start, hunk.span.end + edit.delta))
                elif hunk.span.end >= edit.start and (hunk.state not in LOST_SIGHT_OF or hunk.id in in_flight):
                    self._set(hunk.id, span=carry_span(hunk.span, edit))

    def _answered(self, event: EditAnswered) -> list[Command]:
        pending = self._pending
        if pending is None or event.request != pending.request:
            return []
        if pending.echoed:
            self._pending = None
            return self._flush()
        if event.applied:
            pending.answer = event
            return [SetTimer(pending.request, PATIENT_SECONDS)]
        declined = not pending.moved and self._now - pending.at >= DECLINED_SECONDS
        return self._replan(event.reason, final=declined)

    def _timer(self, request: int) -> list[Command]:
        pending = self._pending
        if pending is None or pending.request != request:
            return []
        if pending.echoed:
            self._pending = None
            return self._flush()
        if pending.answer is None:
            self._pending = None
            return self._end_all(
                lambda hunk: hunk.id in pending.steps,
                HunkState.REFUSED,
                "the editor did not answer; look at the lines before you try again",
            )
        return self._replan("the editor said that it made the edit, and did not")

    def _replan(self, reason: str, *, final: bool = False) -> list[Command]:
        """The edit is known to be out. Send it anew from where its text stands, unless the editor means it."""
        self._pending = None
        self._refusals += 1
        self._next_try_at = self._now + AFTER_REFUSAL_SECONDS
        sent = [hunk.id for hunk in self.hunks.values() if hunk.state is HunkState.SENT]
        if final or self._refusals >= MAX_REFUSALS:
            self._refusals = 0
            words = f"the editor refused the edit: {reason}" if reason else "the editor refused the edit"
            return self._end_all(lambda hunk: hunk.id in sent, HunkState.REFUSED, words) + self._flush()
        return [command for name in sent for command in self._not_made(name)] + self._flush()

    def _not_made(self, name: str) -> list[Command]:
        """The step that was on its way is known to be out."""
        hunk = self.hunks[name]
        if hunk.state is HunkState.SENT and hunk.abandoned:
            return self._take_back(name, HunkState.DROPPED)
        if hunk.state is HunkState.SENT:
            self._set(name, state=HunkState.READY)
        return []

    def _set(self, name: str, **changes: object) -> None:
        self.hunks[name] = replace(self.hunks[name], **changes)  # type: ignore[arg-type]

    def _end(self, name: str, state: HunkState, reason: str = "") -> list[Command]:
        self._set(name, state=state)
        self._alignments.pop(name, None)
        return [HunkEnded(name, state, reason)]

    def _end_all(self, which: Callable[[Hunk], bool], state: HunkState, reason: str) -> list[Command]:
        names = [hunk.id for hunk in self.hunks.values() if hunk.state not in ENDS and which(hunk)]
        return [command for name in names for command in self._end(name, state, reason)]

    def _end_landed(self, name: str) -> list[Command]:
        hunk = self.hunks[name]
        self._set(name, state=HunkState.LANDED)
        self._alignments.pop(name, None)
        landed = Landed(hunk.span, hunk.base, hunk.span.of(self.document.text))
        return [HunkEnded(name, HunkState.LANDED, "", landed)]


def _given_back(hunk: Hunk, theirs: str) -> str:
    """The text that `hunk` gives back, and what was typed while it was on its way: both must be there in the end."""
    if distance(hunk.text, theirs) < distance(hunk.base, theirs):
        return theirs  # They have put it back themselves, by an undo.
    return with_insertions(hunk.base, hunk.text, theirs)


def _fits(patch: Patch, text: str) -> bool:
    return not patch or patch[-1].end <= len(text)
