"""Carries offsets, spans and patches over edits that somebody else made.

An offset at the very place of an insertion can go to either side of it; `Bias` says which. A span that belongs to
Claude starts with a right bias and ends with a left one, so that what a person types at its rims stays outside.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from claude_ls.text.patch import Patch, Span, TextEdit

Bias = Literal["left", "right"]


def carry_offset(offset: int, edit: TextEdit, bias: Bias) -> int:
    """Where the character at `offset` stands after `edit`; an offset that was deleted goes to a rim of the edit."""
    if offset < edit.start or (offset == edit.start and edit.end > edit.start and bias == "left"):
        return offset
    if offset > edit.end or (offset == edit.end and edit.end > edit.start and bias == "right"):
        return offset + edit.delta
    if edit.start == edit.end:
        return offset if bias == "left" else offset + len(edit.text)
    return edit.start if bias == "left" else edit.start + len(edit.text)


def carry_span(span: Span, edit: TextEdit) -> Span:
    """Where `span` stands after `edit`; text typed at its rims stays outside, what replaces text of its own inside."""
    if span.start == span.end:
        if edit.start == span.start < edit.end:
            return span  # What is replaced stands behind it, and so does what replaces it.
        offset = carry_offset(span.start, edit, "right")
        return Span(offset, offset)
    if edit.start < edit.end and span.covers(edit.span):
        return Span(span.start, span.end + edit.delta)
    start = carry_offset(span.start, edit, "right")
    end = carry_offset(span.end, edit, "left")
    return Span(start, max(start, end))


def carry_span_over(span: Span, edits: Iterable[TextEdit]) -> Span:
    """`span` after `edits` happened one behind the other, each in the coordinates the one before it left."""
    for edit in edits:
        span = carry_span(span, edit)
    return span


def sequential(patch: Patch) -> list[TextEdit]:
    """The edits of `patch` rewritten so that they can be applied one behind the other from the front."""
    moved = 0
    steps: list[TextEdit] = []
    for edit in patch:
        steps.append(TextEdit(edit.start + moved, edit.end + moved, edit.text))
        moved += edit.delta
    return steps


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


def split(own: TextEdit, edit: TextEdit) -> Patch:
    """`own` as an editor that carries every character by itself would make it after `edit`: what was typed stays."""
    covering = cover(own, edit)
    if not own.span.touches(edit.span):
        return (covering,)
    start, end = covering.start, covering.end
    left = Span(start, max(start, min(edit.start, end)))
    right = Span(max(left.end, min(edit.start + len(edit.text), end)), end)
    rest = (TextEdit(right.start, right.end, ""),) if right.start < right.end else ()
    return (TextEdit(left.start, left.end, own.text), *rest)
