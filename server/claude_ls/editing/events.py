"""What can happen to the live edit of a document, and what it can command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from claude_ls.editing.hunk import HunkState, Label, Landed
from claude_ls.text.document import Document
from claude_ls.text.patch import Patch, Span, TextEdit


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
    """The editor's answer; `final` where it can never make such an edit, `unsent` where it was never asked."""

    request: int
    applied: bool
    reason: str = ""
    final: bool = False
    unsent: bool = False


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


class OwnedEdit(NamedTuple):
    """One edit that was seen in the text, and the hunk whose it is; none for what somebody else did."""

    edit: TextEdit
    hunk: str


Command = SendEdit | SetTimer | Pause | HunkEnded | HunkUndone
