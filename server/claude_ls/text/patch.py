"""Edits of text as values: what replaces what, applied at once, and turned back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Span(NamedTuple):
    """A range of offsets: code points, the end excluded."""

    start: int
    end: int

    def touches(self, other: Span) -> bool:
        """Whether the two share a character, or one is an empty span strictly inside the other."""
        if self.start == self.end:
            return other.start < self.start < other.end
        if other.start == other.end:
            return self.start < other.start < self.end
        return self.start < other.end and other.start < self.end

    def covers(self, other: Span) -> bool:
        return self.start <= other.start and other.end <= self.end

    def of(self, text: str) -> str:
        return text[self.start : self.end]


class TextEdit(NamedTuple):
    """Put `text` in the place of `start..end`."""

    start: int
    end: int
    text: str

    @property
    def span(self) -> Span:
        return Span(self.start, self.end)

    @property
    def delta(self) -> int:
        """By how much the text behind the edit moves."""
        return len(self.text) - (self.end - self.start)


Patch = tuple[TextEdit, ...]
"""Edits of one text, all in the coordinates of the text before any of them: ascending, not overlapping."""


def patch(edits: Iterable[TextEdit]) -> Patch:
    """The edits as a Patch; `ValueError` if two of them overlap or a range is turned around."""
    ordered = tuple(sorted(edits, key=lambda edit: (edit.start, edit.end)))
    reached = 0
    for edit in ordered:
        if edit.start < reached or edit.end < edit.start:
            raise ValueError(f"the edit {edit!r} overlaps the one before it or is turned around")
        reached = edit.end
    return ordered


def apply(text: str, patch: Patch) -> str:
    """`text` after `patch`."""
    parts: list[str] = []
    reached = 0
    for start, end, replacement in patch:
        parts += (text[reached:start], replacement)
        reached = end
    parts.append(text[reached:])
    return "".join(parts)


def invert(text: str, patch: Patch) -> Patch:
    """The patch that leads from `apply(text, patch)` back to `text`."""
    back: list[TextEdit] = []
    moved = 0
    for edit in patch:
        start = edit.start + moved
        back.append(TextEdit(start, start + len(edit.text), text[edit.start : edit.end]))
        moved += edit.delta
    return tuple(back)
