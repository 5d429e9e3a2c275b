"""Where the lines of a text start, so that an edit moves the lines behind it at once, not one by one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import sub
from typing import Final, overload

_ROW = 128
"""So many lines stand together, and count their starts from that of the first of them."""


class LineStarts(Sequence[int]):
    """Ascending offsets, the first of which is 0. Never changes: an edited one shares the rows that stayed the same."""

    def __init__(self, rows: list[list[int]], firsts: list[int], widest: list[int]) -> None:
        """`firsts` are the offsets at which the rows begin, `widest` what is between two neighbours in them at most."""
        self._rows: Final = rows
        self._firsts: Final = firsts
        self._widest: Final = widest
        # The number of the first line of each row, and behind them that of all lines.
        self._lines: Final = [0, *accumulate(map(len, rows))]

    @classmethod
    def of(cls, starts: Sequence[int]) -> LineStarts:
        return cls(*_in_rows(starts))

    def __len__(self) -> int:
        return self._lines[-1]

    def __iter__(self) -> Iterator[int]:
        for first, row in zip(self._firsts, self._rows, strict=True):
            for start in row:
                yield first + start

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(index)
        row = bisect_right(self._lines, index) - 1
        return self._firsts[row] + self._rows[row][index - self._lines[row]]

    def line_of(self, offset: int) -> int:
        """The last line that starts at `offset` or before."""
        if offset < 0:
            return -1
        row = bisect_right(self._firsts, offset) - 1
        return self._lines[row] + bisect_right(self._rows[row], offset - self._firsts[row]) - 1

    def longest(self, end: int) -> int:
        """The length of the longest line, with its break, where the text ends at `end`."""
        ends = [*self._firsts[1:], end]
        last = (end - first - row[-1] for first, row, end in zip(self._firsts, self._rows, ends, strict=True))
        return max(max(self._widest), *last)

    def replaced(self, first: int, last: int, fresh: Sequence[int], moved: int) -> LineStarts:
        """With `fresh` in the place of the lines from `first` to before `last`, and those behind them `moved`."""
        low = min(bisect_right(self._lines, first) - 1, len(self._rows) - 1)
        high = min(bisect_right(self._lines, last) - 1, len(self._rows) - 1)
        head, tail = self._rows[low][: first - self._lines[low]], self._rows[high][last - self._lines[high] :]
        offset = self._firsts[high] + moved
        between = [*map(self._firsts[low].__add__, head), *fresh, *map(offset.__add__, tail)]
        if len(between) < _ROW // 2 and high + 1 < len(self._rows):
            # Else many small deletions would leave nothing but small rows.
            high += 1
            offset = self._firsts[high] + moved
            between += map(offset.__add__, self._rows[high])
        rows, firsts, widest = _in_rows(between)
        later = self._firsts[high + 1 :]
        return LineStarts(
            self._rows[:low] + rows + self._rows[high + 1 :],
            self._firsts[:low] + firsts + (list(map(moved.__add__, later)) if moved else later),
            self._widest[:low] + widest + self._widest[high + 1 :],
        )


def _in_rows(starts: Sequence[int]) -> tuple[list[list[int]], list[int], list[int]]:
    firsts = list(starts[::_ROW])
    rows = [[start - first for start in starts[at * _ROW : (at + 1) * _ROW]] for at, first in enumerate(firsts)]
    return rows, firsts, [max(map(sub, row[1:], row), default=0) for row in rows]
