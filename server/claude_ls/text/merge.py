"""Brings together what two hands made of one text.

`merge` works by whole lines: what only one side changed is taken from that side. Where both changed the same lines and
not alike, theirs (the person's) stands, and the place is named. `with_insertions` never leaves anything out, and is
for text that must not be lost whatever it looks like.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import NamedTuple

from claude_ls.text.diff import MAX_COMPARED_LINES, changes, lines_with_breaks, minimal_patch
from claude_ls.text.patch import Span, TextEdit
from claude_ls.text.rebase import cover

_BREAK = re.compile(r"\r\n?|\n")


class Merged(NamedTuple):
    """`conflicts` are the places of `text` where theirs was kept although ours had something else to say."""

    text: str
    conflicts: tuple[Span, ...]

    @property
    def clean(self) -> bool:
        return not self.conflicts


class _Block(NamedTuple):
    """One side has `lines` in the place of the lines `start..end` of the base."""

    start: int
    end: int
    lines: Sequence[str]


def merge(base: str, ours: str, theirs: str) -> Merged:
    """What `ours` and `theirs`, both made from `base`, come to together."""
    if theirs in (base, ours):
        return Merged(ours, ())
    if ours == base:
        return Merged(theirs, ())
    # With a last break, a line that was the last and no longer is one does not count as changed.
    found = _BREAK.search(base) or _BREAK.search(ours) or _BREAK.search(theirs)
    last_break = found.group() if found else "\n"
    base_lines, our_lines, their_lines = (lines_with_breaks(text + last_break) for text in (base, ours, theirs))
    our_blocks, their_blocks = _blocks(base_lines, our_lines), _blocks(base_lines, their_lines)
    parts: list[str] = []
    conflicts: list[Span] = []
    reached = at = 0
    while our_blocks or their_blocks:
        start, end, mine, yours = _next_group(our_blocks, their_blocks)
        our_part = _side(base_lines, start, end, mine)
        chosen = _side(base_lines, start, end, yours) if yours else our_part
        before = "".join(base_lines[reached:start])
        if mine and yours and chosen != our_part:
            conflicts.append(Span(at + len(before), at + len(before) + len(chosen)))
        parts += (before, chosen)
        at += len(before) + len(chosen)
        reached = end
    parts += base_lines[reached:]
    text = "".join(parts).removesuffix(last_break)
    return Merged(text, tuple(Span(min(span.start, len(text)), min(span.end, len(text))) for span in conflicts))


def with_more_lines(base: str, ours: str, theirs: str) -> str | None:
    """`ours` with the whole lines that `theirs` has more than `base`, each at about its place.

    None where `theirs` differs from `base` in any other way.
    """
    found = _BREAK.search(base) or _BREAK.search(ours) or _BREAK.search(theirs)
    last_break = found.group() if found else "\n"
    base_lines, our_lines, their_lines = (lines_with_breaks(text + last_break) for text in (base, ours, theirs))
    more = _blocks(base_lines, their_lines)
    if any(block.start != block.end for block in more):
        return None
    our_blocks = _blocks(base_lines, our_lines)
    parts: list[str] = []
    reached = 0
    for block in more:
        at = block.start
        for own in our_blocks:
            if own.end <= block.start:
                at += len(own.lines) - (own.end - own.start)
            elif own.start < block.start:
                at = at - block.start + own.start + len(own.lines)
        parts += (*our_lines[reached:at], *block.lines)
        reached = at
    return "".join([*parts, *our_lines[reached:]]).removesuffix(last_break)


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
        patch = tuple(_with(cover(own, edit), edit.text if own.start < edit.start < own.end else "") for own in patch)
    return ours


def _with(edit: TextEdit, text: str) -> TextEdit:
    return TextEdit(edit.start, edit.end, edit.text + text)


def _blocks(base: Sequence[str], side: Sequence[str]) -> list[_Block]:
    """What `side` changed, as blocks of whole lines in order."""
    head = _common(base, side)
    tail = min(_common(base[::-1], side[::-1]), len(base) - head, len(side) - head)
    old, new = base[head : len(base) - tail], side[head : len(side) - tail]
    if len(old) + len(new) > MAX_COMPARED_LINES:
        return [_Block(head, head + len(old), new)]
    blocks = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [
        _Block(head + old_from, head + old_to, new[new_from:new_to])
        for tag, old_from, old_to, new_from, new_to in blocks
        if tag != "equal"
    ]


def _next_group(ours: list[_Block], theirs: list[_Block]) -> tuple[int, int, list[_Block], list[_Block]]:
    """Take the foremost block and all that collide with it, over and over: where they are, ours and theirs."""
    queues = (ours, theirs)
    taken: tuple[list[_Block], list[_Block]] = ([], [])
    side = 0 if not theirs or (ours and (ours[0].start, ours[0].end) <= (theirs[0].start, theirs[0].end)) else 1
    first = queues[side].pop(0)
    taken[side].append(first)
    start, end = first.start, first.end
    grown = True
    while grown:
        grown = False
        for number, queue in enumerate(queues):
            while queue and _collide(start, end, queue[0]):
                block = queue.pop(0)
                taken[number].append(block)
                end = max(end, block.end)
                grown = True
    return start, end, *taken


def _collide(start: int, end: int, block: _Block) -> bool:
    """Whether `block` has lines of `start..end`, or both put lines in at one place."""
    if start == end and block.start == block.end:
        return start == block.start
    return block.start < end and start < block.end


def _side(base: Sequence[str], start: int, end: int, blocks: Sequence[_Block]) -> str:
    """What one side has in the place of the lines `start..end`."""
    parts: list[str] = []
    for block in blocks:
        parts += [*base[start : block.start], *block.lines]
        start = block.end
    return "".join([*parts, *base[start:end]])


def _common(left: Sequence[str], right: Sequence[str]) -> int:
    count = 0
    for a, b in zip(left, right, strict=False):
        if a != b:
            break
        count += 1
    return count
