"""The life of one hunk: a place of a document that Claude is going to replace, from claim to landing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from claude_ls.text.patch import Span


class HunkState(Enum):
    """Where a hunk is in its life; the last five are ends."""

    WAITING = "waiting"  # claimed, and Claude has not finished its text
    READY = "ready"  # the text is whole and waits for its turn to be sent
    SENT = "sent"  # an edit with it is on its way to the editor
    LANDED = "landed"  # the editor's own report shows it in the buffer
    CONFLICT = "conflict"  # somebody else changed the same place: theirs stays
    REFUSED = "refused"  # the editor would not take it
    DROPPED = "dropped"  # cancelled, or never finished
    LOST = "lost"  # the document was closed under it


ENDS = frozenset({HunkState.LANDED, HunkState.CONFLICT, HunkState.REFUSED, HunkState.DROPPED, HunkState.LOST})

LOST_SIGHT_OF = ENDS - {HunkState.LANDED}
"""Ends after which nobody asks any more where the hunk is. One that landed can be undone, and is followed."""


class Label(NamedTuple):
    """What an edit is called in the editor's list of changes; edits of one `group` are one action of Claude's."""

    words: str
    group: str


@dataclass(frozen=True)
class Hunk:
    """`span` is where the replaced text stands in the confirmed document; `base` is that text as it was claimed."""

    id: str
    label: Label
    span: Span
    base: str
    text: str = ""
    state: HunkState = HunkState.WAITING
    abandoned: bool = False
    """Dropped while on its way: it may still land, but is not sent again."""
    gives_back: bool = False
    """Not Claude's: puts back what the person had typed where an edit of Claude's was made over it."""


@dataclass(frozen=True)
class Landed:
    """What a landed hunk did: `old` became the text at `span`, in the document right after landing."""

    span: Span
    old: str
    new: str
