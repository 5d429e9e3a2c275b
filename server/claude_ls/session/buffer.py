"""One document of the editor: its text, its tree, and the live edit that is going on in it."""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from claude_ls.editing.events import (
    DocumentChanged,
    DocumentClosed,
    DocumentReopened,
    EditAnswered,
    Event,
    HunkClaimed,
    HunkEnded,
    HunkUndone,
    Pause,
    PauseOver,
    SendEdit,
    SetTimer,
    TimerFired,
)
from claude_ls.editing.hunk import ENDS
from claude_ls.editing.live import LiveEdit
from claude_ls.editing.recording import Recorder
from claude_ls.editing.review import PendingHunk, ReviewLog
from claude_ls.session.client import Edits
from claude_ls.session.parsing import LiveTree, Turns
from claude_ls.syntax.tree import SyntaxTree
from claude_ls.text.diff import changes
from claude_ls.text.document import Document
from claude_ls.text.patch import Span, TextEdit
from claude_ls.text.rebase import carry_span_over

MAX_CHARACTERS = 2_000_000
MAX_LINE = 100_000
KEPT_VERSIONS = 32

Later = Callable[[float, Callable[[], None]], object]
"""Calls back after so many seconds."""
Clock = Callable[[], float]
"""Seconds, from whenever it likes."""
Record = Callable[[str], Callable[[str], object] | None]
"""What takes the lines of a recording of the document with this uri; None where none is wanted."""
Keep = Callable[[Document], Awaitable[str | None]]
"""Stores the document before it is changed; why that cannot be, or None."""


class Anchor:
    """A span that stays where it is while the text around it changes."""

    def __init__(self, span: Span) -> None:
        self.span = span


class Buffer:
    """Owns the document's state; `step` feeds the live edit and does what it commands."""

    def __init__(
        self,
        document: Document,
        editor: Edits,
        later: Later,
        clock: Clock,
        turns: Turns,
        record: Record = lambda uri: None,
    ) -> None:
        self.live = LiveEdit(document)
        self.open = True
        self._document = document
        self.editor = editor
        """Who makes the edits: another one once a file that was not open is shown, or the other way round."""
        self._later = later
        self._clock = clock
        self._record = record
        self._recorder: Recorder | None = None
        self._turns = turns
        self.syntax = LiveTree(document, turns)
        self._judged: Document | None = None
        self._refusal: str | None = None
        self._writable = False
        """Whether the text is known to be one that can be written as UTF-8."""
        self._history: deque[tuple[int, Sequence[TextEdit]]] = deque(maxlen=KEPT_VERSIONS)
        self._ends: dict[str, asyncio.Future[HunkEnded]] = {}
        self._when_undone: dict[str, Callable[[], None]] = {}
        self.review = ReviewLog(document.text)
        """What waits for review. Whoever changes it by hand calls `reviewed`."""
        self.reviewed: Callable[[], None] = lambda: None
        """Called when something else waits for review than before, or at another place."""
        self._authors: dict[str, str] = {}
        """By live hunk, the job whose work it is, where that is to be reviewed."""
        self._unkept: dict[str, Keep] = {}
        self._changes: dict[str, ReviewLog] = {}
        """By group of edits, what it has changed here."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._anchors: weakref.WeakSet[Anchor] = weakref.WeakSet()

    @property
    def document(self) -> Document:
        return self._document

    @property
    def tree(self) -> SyntaxTree | None:
        """The tree of today's text; None where there is none, or none in a moment: then one goes by lines."""
        self.syntax.at_once()
        return self.syntax.fresh

    @property
    def refusal(self) -> str | None:
        """Why Claude should keep off this text; None where it need not."""
        if self._judged is not self._document:
            self._judged, self._refusal = self._document, _refusal(self._document, self._writable)
            self._writable = self._refusal is None
        return self._refusal

    def changed(self, document: Document, edits: Sequence[TextEdit]) -> None:
        """The editor reports `edits`, one behind the other, which led to `document`."""
        self._document = document
        self._history.append((document.version, edits))
        self._writable = self._writable and not any(_half(edit.text) for edit in edits)
        self.syntax.changed(document, edits)
        self._carry_anchors(edits)
        self.step(DocumentChanged(self._document))

    def closed(self) -> None:
        self.open = False
        self.step(DocumentClosed())

    def reopened(self, document: Document) -> None:
        """The editor shows it again: what was going on in it goes on."""
        edits = changes(self._document.text, document.text)
        self._carry_anchors(edits)
        if document.language_id == self._document.language_id:
            self.syntax.changed(document, edits)
        else:
            self.syntax = LiveTree(document, self._turns)
        self._document, self.open = document, True
        self._history.clear()
        self._writable = False
        self.step(DocumentReopened(document))

    def follow(self, span: Span) -> Anchor:
        """An anchor at `span`, followed for as long as somebody holds it."""
        anchor = Anchor(span)
        self._anchors.add(anchor)
        return anchor

    def carried(self, span: Span, version: int) -> Span | None:
        """Where `span` of an older version stands today; None for a version that is not known (any more)."""
        if version == self._document.version:
            return span
        newer = [(number, edits) for number, edits in self._history if number > version]
        if version > self._document.version or not newer or len(newer) == self._history.maxlen:
            return None
        for _, edits in newer:
            span = carry_span_over(span, edits)
        return span

    def end_of(self, hunk: str) -> asyncio.Future[HunkEnded]:
        """A future of how the hunk ends."""
        if hunk not in self._ends:
            self._ends[hunk] = asyncio.get_running_loop().create_future()
        return self._ends[hunk]

    def ended(self, hunk: str) -> bool:
        return self.live.hunks[hunk].state in ENDS

    def when_undone(self, hunk: str, callback: Callable[[], None]) -> None:
        """Call back where the person takes the hunk out of the text again."""
        self._when_undone[hunk] = callback

    @property
    def pending(self) -> list[PendingHunk]:
        """What waits for review, without what is still being written."""
        writing, claimed = set(self._authors.values()), self.live.claimed
        return [
            hunk
            for hunk in self.review.pending
            if hunk.job not in writing or not any(span.touches(hunk.span) or span.covers(hunk.span) for span in claimed)
        ]

    def to_be_reviewed(self, hunk: str, job: str) -> None:
        """What the live hunk changes is the work of `job`, and waits for review."""
        self._authors[hunk] = job

    def keep_first(self, group: str, keep: Keep) -> None:
        """Have the document stored before the first edit of `group` goes out."""
        if group not in self._changes:
            self._unkept[group] = keep
            self._changes[group] = ReviewLog(self.live.text)

    def changes_of(self, group: str) -> ReviewLog | None:
        """What `group` has changed here, reviewed or not; None where nothing of it was sent so far."""
        return None if group in self._unkept else self._changes.get(group)

    def forget_changes_of(self, group: str) -> None:
        self._changes.pop(group, None)
        self._unkept.pop(group, None)

    def step(self, event: Event) -> None:
        if self._recorder is None and isinstance(event, HunkClaimed):
            # Before Claude has been here there is nothing to record.
            write = self._record(self._document.uri)
            self._recorder = Recorder(self.live.document, write) if write else None
        at = self._clock()
        commands = self.live.step(event, at)
        if self._recorder:
            self._recorder.stepped(event, at, commands)
        self._attribute()
        for command in commands:
            match command:
                case SendEdit() if self._unkept:
                    task = asyncio.get_running_loop().create_task(self._keep_and_send(command))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
                case SendEdit():
                    self._send(command)
                case SetTimer(request, seconds):
                    self._later(seconds, lambda request=request: self.step(TimerFired(request)))  # type: ignore[misc]
                case Pause(seconds):
                    self._later(seconds, lambda: self.step(PauseOver()))
                case HunkUndone(hunk):
                    if hunk in self._when_undone:
                        self._when_undone[hunk]()
                case HunkEnded():
                    self._tidy(command)
                    future = self.end_of(command.hunk)
                    if not future.done():
                        future.set_result(command)

    def _send(self, edit: SendEdit) -> None:
        self.editor.send_edit(edit.document, edit.patch, edit.label, partial(self._answered, edit.request))

    async def _keep_and_send(self, edit: SendEdit) -> None:
        """Send the edit once its document is safe; otherwise it is as if the editor had refused it."""
        for group, keep in list(self._unkept.items()):
            if problem := await keep(edit.document):
                self.step(EditAnswered(edit.request, applied=False, reason=problem, final=True, unsent=True))
                return
            self._unkept.pop(group, None)
        self._send(edit)

    def _attribute(self) -> None:
        """Tell the logs who has changed what."""
        seen, after = self.live.seen, self.live.text
        for group, log in self._changes.items():
            log.step([(edit, group if hunk and self._group(hunk) == group else "") for edit, hunk in seen], after)
        if self.review.step([(edit, self._authors.get(hunk, "")) for edit, hunk in seen], after):
            self.reviewed()

    def _group(self, hunk: str) -> str:
        known = self.live.hunks.get(hunk)
        return known.label.group if known else ""

    def _tidy(self, ended: HunkEnded) -> None:
        if job := self._authors.pop(ended.hunk, None):
            self.review.tidy(job)
            self.reviewed()

    def _answered(self, request: int, applied: bool, reason: str, *, final: bool = False) -> None:
        self.step(EditAnswered(request, applied, reason, final))

    def _carry_anchors(self, edits: Sequence[TextEdit]) -> None:
        for anchor in self._anchors:
            anchor.span = carry_span_over(anchor.span, edits)


def _refusal(document: Document, writable: bool) -> str | None:
    text = document.text
    if len(text) > MAX_CHARACTERS:
        return f"the file is too large (over {MAX_CHARACTERS // 1_000_000} million characters)"
    if document.lines.starts.longest(len(text)) > MAX_LINE:
        return f"the file has a line of over {MAX_LINE:,} characters"
    if not writable and (half := _half(text)):
        line = document.line_of(half.start) + 1
        return f"the text cannot be written as UTF-8 (half of a surrogate pair in line {line})"
    return None


def _half(text: str) -> UnicodeEncodeError | None:
    """The first half of a surrogate pair in `text`."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            return error
    return None
