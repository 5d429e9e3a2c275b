"""The in-flight edits of one document: events go in, commands come out, and nothing else happens.

Rules, in the order in which they win over each other:

1. The person wins. Whoever touches text that is still to be replaced ends that hunk; their text stays.
2. Only the text that `didChange` reports is true. An answer `applied: true` is a promise, `false` may be one too.
3. One edit is in flight at a time, against the newest confirmed version.
4. An edit that the editor refused is planned anew from where its text stands now, never sent again as it was.

Theory. `document` is what the editor last reported. While an edit is in flight there is also `expected`: that text
with the edit in it. A report that equals `expected` is the echo. Any other report has two readings: the edit is in and
somebody typed as well, or somebody typed and the edit is still out. Whichever leaves less to explain is taken; the
person's part is then the difference, and is carried into everything we still plan to do. Ranges in a report are never
trusted, only texts are compared: editors send diffs, whole texts and coarse replacements, as they please.

Time does not exist here. Where waiting is needed a `SetTimer` goes out and a `TimerFired` comes back.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from claude_ls.editing.hunk import ENDS, LOST_SIGHT_OF, Hunk, HunkState, Label, Landed
from claude_ls.text.diff import distance, minimal_patch
from claude_ls.text.document import Document
from claude_ls.text.patch import Patch, Span, TextEdit, apply
from claude_ls.text.rebase import carry_span, carry_span_over, sequential

ECHO_SECONDS = 1.5
"""How long a `true` may stay without its echo once the text has moved on: editors batch their reports."""
PATIENT_SECONDS = 5.0
"""The same where nothing was reported since: an editor busy with typing has been seen to take 2.6 s."""
ANSWER_SECONDS = 60.0
"""How long an editor may take to answer at all: it may be asking the person."""
MAX_COMPARED_CHARACTERS = 200_000
"""Product of the lengths of two texts up to which they are compared character by character."""
KEPT_HUNKS = 500
"""Ended hunks that are still followed through the text, so that they can be undone."""
MAX_REFUSALS = 3
"""Refusals without any change in between after which the editor is taken at its word."""


@dataclass(frozen=True)
class HunkClaimed:
    """Claude is going to replace `span` of the document as it is now."""

    hunk: str
    label: Label
    span: Span


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
class DocumentClosed:
    pass


Event = HunkClaimed | HunksWritten | HunksDropped | DocumentChanged | EditAnswered | TimerFired | DocumentClosed


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
class HunkEnded:
    """The hunk reached one of its ends; `reason` is for the person, `landed` says what it did if it did."""

    hunk: str
    state: HunkState
    reason: str = ""
    landed: Landed | None = None


Command = SendEdit | SetTimer | HunkEnded


@dataclass
class _Pending:
    """The edit in flight: `patch` leads from the confirmed text to `expected`; `sent` is the patch as it went out.

    `doomed` are hunks whose lines the person changed meanwhile. An editor that rebases will make the edit all the same,
    and swallow what was typed: then it is given back.
    """

    request: int
    sent: Patch
    patch: Patch
    expected: str
    hunks: frozenset[str]
    doomed: frozenset[str] = frozenset()
    repairing: bool = False
    """Moves an edit that landed at a stale place. The spans of hunks are then already those of `expected`."""
    answer: EditAnswered | None = None
    echoed: bool = False


class LiveEdit:
    """`step` takes one event and says what must be done about it."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.hunks: dict[str, Hunk] = {}
        self.repairs = 0
        self._pending: _Pending | None = None
        self._requests = 0
        self._refusals = 0
        self._closed = False

    @property
    def claimed(self) -> tuple[Span, ...]:
        """Spans that are being replaced, in today's document."""
        return tuple(hunk.span for hunk in self.hunks.values() if hunk.state not in ENDS)

    def step(self, event: Event) -> list[Command]:
        match event:
            case HunkClaimed():
                base = event.span.of(self.document.text)
                self._forget()
                self.hunks[event.hunk] = Hunk(event.hunk, event.label, event.span, base)
                return self._end(event.hunk, HunkState.LOST, "the document was closed") if self._closed else []
            case HunksWritten():
                for name, text in event.texts:
                    if self.hunks[name].state is HunkState.WAITING:
                        self._set(name, state=HunkState.READY, text=text)
                return self._flush()
            case HunksDropped():
                return self._dropped(event.hunks)
            case DocumentChanged():
                return self._changed(event.document)
            case EditAnswered():
                return self._answered(event)
            case TimerFired():
                return self._timer(event.request)
            case DocumentClosed():
                self._closed, self._pending = True, None
                return self._end_all(lambda hunk: True, HunkState.LOST, "the document was closed")

    def _forget(self) -> None:
        """Keep no more ended hunks than somebody may want to take back."""
        ended = [hunk.id for hunk in self.hunks.values() if hunk.state in ENDS]
        in_flight = self._pending.hunks if self._pending else frozenset()
        for name in ended[: max(0, len(ended) - KEPT_HUNKS)]:
            if name not in in_flight:
                del self.hunks[name]

    def _dropped(self, names: Sequence[str]) -> list[Command]:
        commands: list[Command] = []
        for name in names:
            hunk = self.hunks.get(name)
            if hunk is None or hunk.gives_back:
                continue  # Long forgotten; or the person's own text, which comes back whatever becomes of the job.
            if hunk.state is HunkState.SENT:
                self._set(name, abandoned=True)
            elif hunk.state not in ENDS:
                commands += self._end(name, HunkState.DROPPED)
        return commands

    def _flush(self) -> list[Command]:
        """Send everything that is ready, if nothing is in flight."""
        if self._pending or self._closed:
            return []
        commands: list[Command] = []
        edits: list[TextEdit] = []
        sent: list[str] = []
        for hunk in sorted(self.hunks.values(), key=lambda hunk: hunk.span):
            if hunk.state is not HunkState.READY:
                continue
            if hunk.span.of(self.document.text) != hunk.base:
                commands += self._end(hunk.id, HunkState.CONFLICT, "its text was changed meanwhile")
                continue
            patch = minimal_patch(hunk.base, hunk.text)
            if not patch:
                commands += self._end_landed(hunk.id)
                continue
            moved = hunk.span.start
            edits += [TextEdit(edit.start + moved, edit.end + moved, edit.text) for edit in patch]
            sent.append(hunk.id)
        return commands + (self._send(tuple(edits), sent) if edits else [])

    def _send(self, patch: Patch, hunks: Sequence[str], *, repairing: bool = False) -> list[Command]:
        self._requests += 1
        expected = apply(self.document.text, patch)
        self._pending = _Pending(self._requests, patch, patch, expected, frozenset(hunks), repairing=repairing)
        for name in hunks:
            self._set(name, state=HunkState.SENT)
        label = self.hunks[hunks[0]].label if hunks else Label("Claude: put right", "")
        return [
            SendEdit(self._requests, self.document, patch, label),
            SetTimer(self._requests, ANSWER_SECONDS),
        ]

    def _changed(self, document: Document) -> list[Command]:
        pending = self._pending
        if pending is None or pending.echoed:
            return self._foreign(document) + self._flush()
        text = document.text
        if text == pending.expected:
            return self._echoed(document) + self._flush()
        if self._landed_in_part(pending, document):
            return []
        moved = pending.sent != pending.patch and _fits(pending.sent, self.document.text)
        if moved and text == apply(self.document.text, pending.sent):
            # The editor put our edit where it belonged before the person typed: move it to where it belongs now.
            return self._repair(pending, document)
        if self._reads_as_in(pending, text):
            between = Document.opened(document.uri, document.language_id, document.version, pending.expected)
            commands = self._echoed(between)
            return commands + self._foreign(document) + self._flush()
        commands = self._foreign(document)
        self._refusals = 0
        if pending.answer is not None:
            # It said true, and its next report did not show it. A last chance, then it is planned anew.
            commands.append(SetTimer(pending.request, ECHO_SECONDS))
        return commands

    def _repair(self, pending: _Pending, document: Document) -> list[Command]:
        """Lead from the stale result to the text as it should be: with the person's typing, without doomed hunks."""
        self.repairs += 1
        doomed = [self.hunks[name].span for name in pending.doomed]
        wanted = tuple(edit for edit in pending.patch if not any(span.covers(edit.span) for span in doomed))
        expected = apply(self.document.text, wanted)
        for edit in sequential(wanted):
            self._carry_own(edit)
        self.document, self._pending = document, None
        repair = minimal_patch(document.text, expected)
        return self._send(repair, sorted(pending.hunks - pending.doomed), repairing=True)

    def _reads_as_in(self, pending: _Pending, text: str) -> bool:
        if_in = distance(pending.expected, text)
        if_out = distance(self.document.text, text)
        return if_in < if_out or (if_in == if_out and pending.answer is not None)

    def _landed_in_part(self, pending: _Pending, document: Document) -> bool:
        """Whether the report shows some of our edits: editors may report each edit of a patch on its own."""
        patch = pending.patch
        if len(patch) < 2:
            return False
        want = len(document.text) - len(self.document.text)
        for count in range(1, len(patch)):
            for done, rest in ((patch[-count:], patch[:-count]), (patch[:count], patch[count:])):
                if sum(edit.delta for edit in done) == want and apply(self.document.text, done) == document.text:
                    for edit in sequential(done):
                        self._carry_own(edit)
                    moved = sum(edit.delta for edit in done) if done[0].start < rest[0].start else 0
                    pending.patch = tuple(TextEdit(e.start + moved, e.end + moved, e.text) for e in rest)
                    pending.sent = pending.patch
                    self.document = document
                    return True
        return False

    def _echoed(self, document: Document) -> list[Command]:
        """Our edit is in the text: its hunks have landed, whatever the answer will say."""
        pending = self._pending
        commands: list[Command] = []
        if pending is not None:
            kept = {name: self.hunks[name].span.of(self.document.text) for name in pending.doomed}
            for edit in sequential(pending.patch) if not pending.repairing else ():
                self._carry_own(edit)
            pending.echoed = True
            self.document = document
            for name in sorted(pending.hunks):
                if self.hunks[name].state is HunkState.SENT:
                    commands += self._end_landed(name)
            for name, text in kept.items():
                self._give_back(name, text)
        self.document = document
        self._refusals = 0
        if pending is not None and pending.answer is not None:
            self._pending = None
        return commands

    def _give_back(self, name: str, text: str) -> None:
        """Put `text`, the person's, back where the doomed hunk was made over it."""
        self.repairs += 1
        hunk = self.hunks[name]
        identity = f"{name} given back {self.repairs}"
        base = hunk.span.of(self.document.text)
        if hunk.gives_back:
            # They typed into our text while theirs was being given back: both must be there in the end.
            text = with_insertions(hunk.base, hunk.text, text)
        label = Label("Claude: give back what you typed", identity)
        self.hunks[identity] = Hunk(identity, label, hunk.span, base, text, HunkState.READY, gives_back=True)

    def _foreign(self, document: Document) -> list[Command]:
        """Somebody else changed the text: carry all plans over it, and end those that it touched."""
        edits = changes(self.document.text, document.text)
        self.document = document
        commands: list[Command] = []
        pending = self._pending
        repairing = pending.patch if pending is not None and pending.repairing and not pending.echoed else ()
        for edit in edits:
            seen = carry_span_over(edit.span, sequential(repairing))
            commands += self._carry_foreign(TextEdit(seen.start, seen.end, edit.text))
        if pending is not None and not pending.echoed:
            for edit in edits:
                pending.patch = tuple(cover(own, edit) for own in pending.patch)
            pending.expected = apply(document.text, pending.patch)
        return commands

    def _carry_foreign(self, edit: TextEdit) -> list[Command]:
        pending = self._pending
        in_flight = pending.hunks if pending is not None and not pending.echoed else frozenset()
        commands: list[Command] = []
        for hunk in list(self.hunks.values()):
            if hunk.span.end < edit.start:
                continue
            touched = hunk.span.touches(edit.span)
            if hunk.state not in ENDS and touched:
                commands += self._end(hunk.id, HunkState.CONFLICT, "you changed the same lines while Claude wrote")
                if pending is not None and hunk.id in in_flight:
                    pending.doomed |= {hunk.id}
            if hunk.state not in LOST_SIGHT_OF or hunk.id in in_flight:
                self._set(hunk.id, span=carry_span(hunk.span, edit))
        return commands

    def _carry_own(self, edit: TextEdit) -> None:
        pending = self._pending
        in_flight = pending.hunks if pending is not None else frozenset()
        for hunk in list(self.hunks.values()):
            if hunk.span.end < edit.start:
                continue
            if hunk.id in in_flight and hunk.span.covers(edit.span):
                self._set(hunk.id, span=Span(hunk.span.start, hunk.span.end + edit.delta))
            elif hunk.state not in LOST_SIGHT_OF or hunk.id in in_flight:
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
        return self._replan(event.reason)

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
                lambda hunk: hunk.id in pending.hunks,
                HunkState.REFUSED,
                "the editor did not answer; look at the lines before you try again",
            )
        return self._replan("the editor said that it made the edit, and did not")

    def _replan(self, reason: str) -> list[Command]:
        """The edit is known to be out. Send it anew from where its text stands, unless the editor means it."""
        pending, self._pending = self._pending, None
        self._refusals += 1
        sent = [hunk for hunk in self.hunks.values() if hunk.state is HunkState.SENT]
        if pending is not None and self._refusals >= MAX_REFUSALS:
            self._refusals = 0
            words = f"the editor refused the edit: {reason}" if reason else "the editor refused the edit"
            return self._end_all(lambda hunk: hunk in sent, HunkState.REFUSED, words) + self._flush()
        commands: list[Command] = []
        for hunk in sent:
            if hunk.abandoned:
                commands += self._end(hunk.id, HunkState.DROPPED)
            else:
                self._set(hunk.id, state=HunkState.READY)
        return commands + self._flush()

    def _set(self, name: str, **changes: object) -> None:
        self.hunks[name] = replace(self.hunks[name], **changes)  # type: ignore[arg-type]

    def _end(self, name: str, state: HunkState, reason: str = "") -> list[Command]:
        self._set(name, state=state)
        return [HunkEnded(name, state, reason)]

    def _end_all(self, which: Callable[[Hunk], bool], state: HunkState, reason: str) -> list[Command]:
        names = [hunk.id for hunk in self.hunks.values() if hunk.state not in ENDS and which(hunk)]
        return [command for name in names for command in self._end(name, state, reason)]

    def _end_landed(self, name: str) -> list[Command]:
        hunk = self.hunks[name]
        self._set(name, state=HunkState.LANDED)
        landed = Landed(hunk.span, hunk.base, hunk.span.of(self.document.text))
        return [HunkEnded(name, HunkState.LANDED, "", landed)]


def difference(old: str, new: str) -> TextEdit | None:
    """The one edit that leads from `old` to `new`, as short as one edit can be; None where they are equal."""
    if old == new:
        return None
    limit = min(len(old), len(new))
    head = _common_length(limit, lambda size: old[:size] == new[:size])
    tail = _common_length(limit - head, lambda size: old[len(old) - size :] == new[len(new) - size :])
    return TextEdit(head, len(old) - tail, new[head : len(new) - tail])


def _common_length(limit: int, equal: Callable[[int], bool]) -> int:
    """The largest size up to `limit` for which `equal` holds: by halving, so that the comparing is done by memcmp."""
    low, high = 0, limit
    if equal(high):
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if equal(middle):
            low = middle
        else:
            high = middle
    return low


def changes(old: str, new: str) -> list[TextEdit]:
    """What leads from `old` to `new`, edit by edit, each in the coordinates that the one before it left.

    Mostly a keystroke, and one edit. Where more was reported at once, it is taken apart by lines and by characters, so
    that two words typed far from each other do not seem to touch everything in between.
    """
    block = difference(old, new)
    if block is None:
        return []
    removed = old[block.start : block.end]
    if not removed or not block.text:
        return [block]
    parts = [piece for part in minimal_patch(removed, block.text) for piece in _by_characters(removed, part)]
    return sequential(tuple(TextEdit(e.start + block.start, e.end + block.start, e.text) for e in parts))


def _by_characters(old: str, edit: TextEdit) -> list[TextEdit]:
    """The edit of `old` taken apart into the characters that differ, where that is not too much work."""
    removed = edit.span.of(old)
    if not removed or not edit.text or len(removed) * len(edit.text) > MAX_COMPARED_CHARACTERS:
        return [edit]
    blocks = difflib.SequenceMatcher(None, removed, edit.text, autojunk=False).get_opcodes()
    return [
        TextEdit(edit.start + old_from, edit.start + old_to, edit.text[new_from:new_to])
        for tag, old_from, old_to, new_from, new_to in blocks
        if tag != "equal"
    ]


def with_insertions(base: str, ours: str, theirs: str) -> str:
    """`ours` with whatever `theirs` has that `base` had not, each at about its place."""
    patch = minimal_patch(base, ours)
    for edit in changes(base, theirs):
        at = edit.start
        moved = 0
        for own in patch:
            if own.end <= at:
                moved += own.delta
            elif own.start < at:
                at, moved = own.start, moved + len(own.text)
        place = max(0, min(at + moved, len(ours)))
        ours = ours[:place] + edit.text + ours[place:]
        patch = tuple(cover(own, edit) for own in patch)
    return ours


def cover(own: TextEdit, edit: TextEdit) -> TextEdit:
    """`own` as an editor that rebases would make it after `edit`: what was typed into its range is replaced with it."""
    if own.start == own.end == edit.start == edit.end:
        return own  # Both insert at one place: ours was first, and stays in front.
    if not own.span.touches(edit.span):
        span = carry_span(own.span, edit)
        return TextEdit(span.start, span.end, own.text)
    start = own.start if own.start <= edit.start else edit.start + len(edit.text)
    end = max(start, own.end + edit.delta if own.end >= edit.end else edit.start)
    return TextEdit(start, end, own.text)


def _fits(patch: Patch, text: str) -> bool:
    return not patch or patch[-1].end <= len(text)
