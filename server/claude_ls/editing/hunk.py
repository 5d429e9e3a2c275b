"""The life of one hunk: a place of a document that Claude is going to replace, from claim to landing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from claude_ls.text.patch import Span


class HunkState(Enum):
    """Where a hunk is in its life; the last five are ends."""

    WAITING = "waiting"  # claimed, and there is nothing (more) to send
    READY = "ready"  # there is text, whole or more of it, that waits for its turn to be sent
    SENT = "sent"  # an edit with it is on its way to the editor
    LANDED = "landed"  # the editor's own report shows all of it in the buffer
    CONFLICT = "conflict"  # somebody else changed the same lines: theirs stay
    REFUSED = "refused"  # the editor would not take it
    DROPPED = "dropped"  # cancelled, undone in the middle, or never finished
    LOST = "lost"  # the document was closed under it


ENDS = frozenset({HunkState.LANDED, HunkState.CONFLICT, HunkState.REFUSED, HunkState.DROPPED, HunkState.LOST})

LOST_SIGHT_OF = ENDS - {HunkState.LANDED}
"""Ends after which nobody asks any more where the hunk is. One that landed can be undone, and is followed."""

KEPT_STANDS = 8
"""Earlier states of a hunk by which an undo of ours is recognised."""


class Label(NamedTuple):
    """What an edit is called in the editor's list of changes; edits of one `group` are one action of Claude's."""

    words: str
    group: str
    confirm: bool = False
    """Whether the person is to see the edit before it is made, in an editor that can show it."""


@dataclass(slots=True)
class Hunk:
    """Changed by the live edit that it belongs to, and by nobody else.

    `span` is where it stands in the confirmed document; `base` is the text there as it was claimed.

    `stands` is what our own edits have made of `base` so far. The document may differ from it: that is what the person
    made of it, and is merged with whatever comes next.
    """

    id: str
    label: Label
    span: Span
    base: str
    stands: str
    rest: int
    """How many characters at the end of `stands` are old text that Claude has not come to."""
    text: str = ""
    whole: bool = False
    """Whether `text` is all that Claude writes here."""
    state: HunkState = HunkState.WAITING
    earlier: tuple[str, ...] = ()
    """The last states of `stands`, oldest first."""
    held: bool = False
    """The person typed into what is still to be replaced: nothing more goes there until all is written."""
    ending: tuple[HunkState, str] | None = None
    """What was written of it is being taken back, and then it ends so."""
    abandoned: bool = False
    """Dropped while on its way: it may still land, but is not sent again."""
    gives_back: bool = False
    """Not Claude's: puts back what the person had typed where an edit of Claude's was made over it."""

    @classmethod
    def claimed(cls, name: str, label: Label, span: Span, base: str) -> Hunk:
        return cls(name, label, span, base, stands=base, rest=len(base))

    def undone_in(self, text: str) -> bool:
        """Whether `text`, which stands at the span, is what was there before an edit of ours: somebody undid it."""
        return text != self.stands and text in (self.base, *self.earlier)


@dataclass(frozen=True)
class Landed:
    """What a landed hunk did: `old` became the text at `span`, in the document right after landing."""

    span: Span
    old: str
    new: str
