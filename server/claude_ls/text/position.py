"""Turns offsets into lines and columns, and back, in the three encodings an editor may speak.

Rules:

* A line ends at ``\\n``, ``\\r\\n`` or ``\\r`` and at nothing else (LSP 3.17, "Text Documents"). Form feeds, U+0085,
  U+2028 and their like are ordinary characters, whatever ``str.splitlines`` thinks.
* An offset counts code points from the start of the text. A column counts code units of the negotiated encoding.
* A position past the end of a line means the end of that line, before its line break; a position past the last line
  means the end of the text; a position inside a surrogate pair or a UTF-8 sequence means its beginning.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from claude_ls.text.line_starts import LineStarts

Encoding = Literal["utf-8", "utf-16", "utf-32"]

_BREAK = re.compile(r"\r\n?|\n")


class Position(NamedTuple):
    """A place as editors name it: zero-based line, zero-based column in units of some encoding."""

    line: int
    column: int


class LineIndex(NamedTuple):
    """Where each line of one text starts, in code points; the first entry is always 0."""

    starts: LineStarts

    @classmethod
    def of(cls, text: str) -> LineIndex:
        return cls(LineStarts.of([0, *line_starts(text, 0, len(text))]))

    def spliced(self, text: str, start: int, end: int, inserted: int) -> LineIndex:
        """The index of `text`, which is the indexed text after `inserted` code points replaced `start..end`.

        Only the lines around the splice are read again; the later ones move by the difference.
        """
        # One line back, and one character on: a `\r` next to the splice may have gained or lost its `\n`.
        first = max(0, self.line_of(start) - 1)
        last = self.line_of(end + 1) + 1
        delta = inserted - (end - start)
        scan_from = self.starts[first]
        scan_to = self.starts[last] + delta if last < len(self.starts) else len(text)
        fresh = line_starts(text, scan_from, scan_to)
        if last < len(self.starts) and fresh and fresh[-1] == scan_to:
            fresh.pop()
        return LineIndex(self.starts.replaced(first + 1, last, fresh, delta))

    def line_of(self, offset: int) -> int:
        return self.starts.line_of(offset)


def line_starts(text: str, start: int, end: int) -> list[int]:
    """Offsets just behind each line break that begins in `start..end`."""
    return [match.end() for match in _BREAK.finditer(text, start, end)]


def this_line_start(text: str, offset: int) -> int:
    """The offset just behind the last line break before `offset`, or 0. Looks no further back than that."""
    start = text.rfind("\n", 0, offset) + 1
    return max(start, text.rfind("\r", start, offset) + 1)


def next_line_start(text: str, offset: int) -> int:
    """The offset just behind the first line break at or after `offset`, or the end of the text."""
    match = _BREAK.search(text, offset)
    return match.end() if match else len(text)


def line_end(text: str, lines: LineIndex, line: int) -> int:
    """Offset of the end of `line`, before its line break."""
    if line + 1 >= len(lines.starts):
        return len(text)
    end = lines.starts[line + 1]
    if end >= 2 and text[end - 1] == "\n" and text[end - 2] == "\r" and end - 2 >= lines.starts[line]:
        return end - 2
    return end - 1


def offset_at(text: str, lines: LineIndex, position: Position, encoding: Encoding) -> int:
    """The offset an editor means by `position`, clamped into the text as the rules above say."""
    line, column = position
    if line < 0:
        return 0
    if line >= len(lines.starts):
        return len(text)
    start = lines.starts[line]
    end = line_end(text, lines, line)
    if column <= 0:
        return start
    if encoding == "utf-32":
        return min(start + column, end)
    # Code points never need more room than code units, so what lies further right cannot matter.
    segment = text[start : min(end, start + column)]
    if segment.isascii():
        return start + len(segment)
    return start + _characters(segment, column, encoding)


def position_at(text: str, lines: LineIndex, offset: int, encoding: Encoding) -> Position:
    """Line and column of `offset`; an offset between ``\\r`` and ``\\n`` counts as the end of the line."""
    offset = max(0, min(offset, len(text)))
    line = lines.line_of(offset)
    start = lines.starts[line]
    if offset == start:
        return Position(line, 0)
    segment = text[start : min(offset, line_end(text, lines, line))]
    return Position(line, _units(segment, encoding))


def _units(segment: str, encoding: Encoding) -> int:
    if encoding == "utf-32" or segment.isascii():
        return len(segment)
    if encoding == "utf-16":
        return len(segment.encode("utf-16-le", "surrogatepass")) // 2
    return len(segment.encode("utf-8", "surrogatepass"))


def _characters(segment: str, units: int, encoding: Encoding) -> int:
    """How many whole characters of `segment` lie before column `units`."""
    if encoding == "utf-16":
        data = segment.encode("utf-16-le", "surrogatepass")
        cut = min(units * 2, len(data))
        if 0 < cut < len(data) and 0xDC <= data[cut + 1] <= 0xDF and 0xD8 <= data[cut - 1] <= 0xDB:
            cut -= 2
        return len(data[:cut].decode("utf-16-le", "surrogatepass"))
    data = segment.encode("utf-8", "surrogatepass")
    cut = min(units, len(data))
    while cut < len(data) and data[cut] & 0xC0 == 0x80:
        cut -= 1
    return len(data[:cut].decode("utf-8", "surrogatepass"))
