"""One version of one open document, as a value."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from claude_ls.text.patch import Span, TextEdit
from claude_ls.text.position import Encoding, LineIndex, Position, line_end, offset_at, position_at

_BREAK = re.compile(r"\r\n?|\n")


@dataclass(frozen=True)
class Document:
    """What the editor shows: `text` at `version`. Offsets are code points; positions need the encoding agreed on."""

    uri: str
    language_id: str
    version: int
    text: str
    lines: LineIndex

    @classmethod
    def opened(cls, uri: str, language_id: str, version: int, text: str) -> Document:
        return cls(uri, language_id, version, text, LineIndex.of(text))

    def edited(self, version: int, edits: Iterable[TextEdit]) -> Document:
        """The document after `edits`, one behind the other, each in the coordinates the one before it left."""
        text, lines = self.text, self.lines
        for edit in edits:
            text = text[: edit.start] + edit.text + text[edit.end :]
            lines = lines.spliced(text, edit.start, edit.end, len(edit.text))
        return replace(self, version=version, text=text, lines=lines)

    def offset(self, position: Position, encoding: Encoding) -> int:
        return offset_at(self.text, self.lines, position, encoding)

    def position(self, offset: int, encoding: Encoding) -> Position:
        return position_at(self.text, self.lines, offset, encoding)

    def line_of(self, offset: int) -> int:
        """Zero-based number of the line that `offset` stands on."""
        return self.lines.line_of(offset)

    def line_span(self, line: int) -> Span:
        """Where `line` stands, without its line break."""
        return Span(self.lines.starts[line], line_end(self.text, self.lines, line))

    def whole_lines(self, span: Span) -> Span:
        """`span` grown to the full lines it stands on, without the last line break.

        A span that ends at the very start of a line (as editors select whole lines) does not reach into that line.
        """
        first = self.line_of(span.start)
        last = self.line_of(span.end)
        if last > first and span.end == self.lines.starts[last]:
            last -= 1
        return Span(self.lines.starts[first], self.line_span(last).end)

    @cached_property
    def line_break(self) -> str:
        """The line break most used here; ``\\n`` in a text of one line."""
        counted = Counter(_BREAK.findall(self.text, 0, 200_000))
        return counted.most_common(1)[0][0] if counted else "\n"

    def with_own_breaks(self, text: str) -> str:
        """`text` with its line breaks turned into this document's."""
        return _BREAK.sub(self.line_break.replace("\\", "\\\\"), text)
