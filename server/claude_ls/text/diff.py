"""What leads from one text to another, as small as can be, so that what did not change is not touched."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence

from claude_ls.text.patch import Patch, Span, TextEdit
from claude_ls.text.position import line_starts, next_line_start, this_line_start
from claude_ls.text.rebase import sequential

MAX_COMPARED_PRODUCT = 25_000_000
"""Two differing stretches of 5,000 characters each: a few milliseconds."""
MAX_COMPARED_CHARACTERS = 200_000
"""Product of the lengths of two texts up to which they are compared character by character."""
COMPARED_AT_ONCE = 65_536
"""Characters that are copied and compared together: few enough to stay in the processor's cache."""
MAX_COMPARED_LINES = 4000
"""Beyond this, difflib's quadratic worst case would be felt; the changed middle is then replaced as one block."""


def lines_with_breaks(text: str) -> list[str]:
    """The lines of `text`, each with its line break; a text that ends in a break has no empty last line."""
    starts = [0, *line_starts(text, 0, len(text))]
    ends = [*starts[1:], len(text)]
    lines = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    return lines[:-1] if lines[-1] == "" else lines


def bare_lines(text: str) -> list[str]:
    """The lines of `text` without their line breaks; a text that ends in a break has no empty last line."""
    if "\r" in text:
        return [line.rstrip("\r\n") for line in lines_with_breaks(text)]
    return text.removesuffix("\n").split("\n") if text else []


def minimal_patch(old: str, new: str) -> Patch:
    """Edits of `old` that give `new`: whole unchanged lines are left alone, changed ones trimmed to what differs."""
    around = _differing_lines(old, new)
    if around is None:
        return ()
    start, end, delta = around
    old_lines, new_lines = lines_with_breaks(old[start:end]), lines_with_breaks(new[start : end + delta])
    head = _common(old_lines, new_lines)
    tail = _common(old_lines[head:][::-1], new_lines[head:][::-1])
    old_middle = old_lines[head : len(old_lines) - tail]
    new_middle = new_lines[head : len(new_lines) - tail]
    offset = start + sum(map(len, old_lines[:head]))
    blocks: Sequence[tuple[str, int, int, int, int]] = [("replace", 0, len(old_middle), 0, len(new_middle))]
    if len(old_middle) + len(new_middle) <= MAX_COMPARED_LINES:
        blocks = difflib.SequenceMatcher(None, old_middle, new_middle, autojunk=False).get_opcodes()
    edits: list[TextEdit] = []
    for tag, old_from, old_to, new_from, new_to in blocks:
        removed = "".join(old_middle[old_from:old_to])
        if tag != "equal":
            # Line by line where the counts agree: a changed word on ten lines is ten small edits, not one block.
            if tag == "replace" and old_to - old_from == new_to - new_from:
                pairs = list(zip(old_middle[old_from:old_to], new_middle[new_from:new_to], strict=True))
            else:
                pairs = [(removed, "".join(new_middle[new_from:new_to]))]
            at = offset
            for before, after in pairs:
                edit = _trimmed(at, before, after)
                if edit.start != edit.end or edit.text:
                    edits.append(edit)
                at += len(before)
        offset += len(removed)
    return tuple(edits)


def unified_diff(path: str, old: str, new: str) -> str:
    """The changes in the form that every tool reads. Line breaks are shown as `\\n`, whatever they are."""
    shown = difflib.unified_diff(bare_lines(old), bare_lines(new), f"a/{path}", f"b/{path}", lineterm="")
    return "".join(f"{line}\n" for line in shown)


def line_counts(old: str, new: str) -> tuple[int, int]:
    """How many lines came and how many went, as a list of changes counts them."""
    around = _differing_lines(old, new)
    if around is None:
        return 0, 0
    start, end, delta = around
    old_lines, new_lines = lines_with_breaks(old[start:end]), lines_with_breaks(new[start : end + delta])
    if len(old_lines) + len(new_lines) > MAX_COMPARED_LINES:
        return len(new_lines), len(old_lines)
    blocks = difflib.SequenceMatcher(None, old_lines, new_lines, autojunk=False).get_opcodes()
    changed = [block for block in blocks if block[0] != "equal"]
    return sum(block[4] - block[3] for block in changed), sum(block[2] - block[1] for block in changed)


def lines_around(text: str, span: Span, count: int = 3) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The lines before and behind `span`, which is of whole lines: up to `count` of each, without their breaks."""
    start = span.start
    for _ in range(count):
        at = max(0, start - 2) if text[max(0, start - 2) : start] == "\r\n" else max(0, start - 1)
        start = this_line_start(text, at)
    end = span.end
    for _ in range(count):
        end = next_line_start(text, end)
    return tuple(bare_lines(text[start : span.start])), tuple(bare_lines(text[span.end : end]))


def distance(old: str, new: str) -> int:
    """How many characters at least must be removed and inserted to get from `old` to `new`.

    By the length of their longest common subsequence, all of a row at once in the bits of one integer (Hyyrö, 2004).
    Texts too different in too many places are counted by whole changed lines.
    """
    patch = minimal_patch(old, new)
    if not patch:
        return 0
    start, end = patch[0].start, patch[-1].end
    left, right = old[start:end], new[start : end + len(new) - len(old)]
    if len(left) * len(right) > MAX_COMPARED_PRODUCT:
        return sum(edit.end - edit.start + len(edit.text) for edit in patch)
    places: dict[str, int] = {}
    for index, character in enumerate(left):
        places[character] = places.get(character, 0) | 1 << index
    every = (1 << len(left)) - 1
    row = every
    for character in right:
        matches = row & places.get(character, 0)
        row = ((row + matches) | (row - matches)) & every
    common = len(left) - row.bit_count()
    return len(left) + len(right) - 2 * common


def difference(old: str, new: str) -> TextEdit | None:
    """The one edit that leads from `old` to `new`, as short as one edit can be; None where they are equal."""
    if old == new:
        return None
    limit = min(len(old), len(new))
    head = _common_length(limit, lambda start, end: old[start:end] == new[start:end])
    last_old, last_new = len(old), len(new)
    tail = _common_length(
        limit - head,
        lambda start, end: old[last_old - end : last_old - start] == new[last_new - end : last_new - start],
    )
    return TextEdit(head, len(old) - tail, new[head : len(new) - tail])


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


def _differing_lines(old: str, new: str) -> tuple[int, int, int] | None:
    """Where the whole lines of `old` stand that hold all that differs, and by how much longer they are in `new`.

    Found without a look at the other lines, of which there can be a hundred thousand.
    """
    block = difference(old, new)
    if block is None:
        return None
    start, end = block.start, block.end
    if start and old[start - 1] == "\r":
        start -= 1  # Its `\n` may be among what differs.
    start = this_line_start(old, start)
    return start, next_line_start(old, end), block.delta


def _common_length(limit: int, equal: Callable[[int, int], bool]) -> int:
    """The largest length up to `limit` over which two texts are equal; `equal` compares a stretch of them.

    By stretches and then by halving, so that the comparing is done by memcmp.
    """
    low, size = 0, COMPARED_AT_ONCE
    while low < limit and equal(low, min(low + size, limit)):
        low = min(low + size, limit)
    high = min(low + size, limit)
    while low < high:
        middle = (low + high + 1) // 2
        if equal(low, middle):
            low = middle
        else:
            high = middle - 1
    return low


def _common(left: list[str], right: list[str]) -> int:
    count = 0
    for a, b in zip(left, right, strict=False):
        if a != b:
            break
        count += 1
    return count


def _trimmed(offset: int, before: str, after: str) -> TextEdit:
    """One edit for `before` -> `after` without their common ends, never cutting ``\\r\\n`` in two."""
    limit = min(len(before), len(after))
    head = 0
    while head < limit and before[head] == after[head]:
        head += 1
    if head and before[head - 1] == "\r":
        head -= 1
    tail = 0
    while tail < limit - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    if tail and before[len(before) - tail] == "\n" and (_cut(before, tail) or _cut(after, tail)):
        tail -= 1
    return TextEdit(offset + head, offset + len(before) - tail, after[head : len(after) - tail])


def _cut(text: str, tail: int) -> bool:
    return len(text) > tail and text[len(text) - tail - 1] == "\r"
