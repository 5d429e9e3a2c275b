"""Which parts of a text a row of edits has changed, told in the text before them and in the text behind them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from claude_ls.text.patch import Span, TextEdit

MOST = 32
"""Where more places were changed, those nearest to each other count as one."""


class Region(NamedTuple):
    """What stood at `before` in the old text reads in the new one as it does at `after`."""

    before: Span
    after: Span


def changed_regions(edits: Iterable[TextEdit]) -> Sequence[Region]:
    """What `edits`, one behind the other, have changed: ascending, apart from each other."""
    regions: Sequence[Region] = ()
    for edit in edits:
        regions = with_edit(regions, edit)
    return regions


def with_edit(regions: Sequence[Region], edit: TextEdit) -> Sequence[Region]:
    """What was changed after one edit more, which counts in the text behind all the others."""
    first = bisect_left(regions, edit.start, key=lambda region: region.after.end)
    last = bisect_right(regions, edit.end, key=lambda region: region.after.start)
    touched = regions[first:last]
    if touched:
        (head, tail), span = (touched[0], touched[-1]), edit.span
        after = Span(min(span.start, head.after.start), max(span.end, tail.after.end))
        before = Span(
            head.before.start - (head.after.start - after.start), tail.before.end + (after.end - tail.after.end)
        )
    else:
        moved = regions[first - 1].before.end - regions[first - 1].after.end if first else 0
        after, before = edit.span, Span(edit.start + moved, edit.end + moved)
    merged = Region(before, Span(after.start, after.end + edit.delta))
    later = [
        Region(region.before, Span(region.after.start + edit.delta, region.after.end + edit.delta))
        for region in regions[last:]
    ]
    result = [*regions[:first], merged, *later]
    return _with_one_less(result) if len(result) > MOST else result


def _with_one_less(regions: list[Region]) -> list[Region]:
    gaps = [right.before.start - left.before.end for left, right in pairwise(regions)]
    at = gaps.index(min(gaps))
    left, right = regions[at], regions[at + 1]
    joined = Region(Span(left.before.start, right.before.end), Span(left.after.start, right.after.end))
    return [*regions[:at], joined, *regions[at + 2 :]]
