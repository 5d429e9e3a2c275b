"""What Claude gets to see of the code: live buffer text, cut to a budget, with the place that matters in it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from claude_ls.agent.usage import CHARACTERS_PER_TOKEN, estimated_tokens
from claude_ls.text.document import Document
from claude_ls.text.patch import Span

Severity = Literal["error", "warning", "information", "hint"]

HEAD_LINES = 40
"""Lines from the top that are shown of a file too long to show whole: imports and the like stand there."""
# Whatever a lenient reader could take for a closing tag: with blanks, invisible characters or anything behind the name.
_CLOSING = re.compile(r"<[^\w<>/]*/[^\w<>/]*([\w-]+)")
_UNSAFE = re.compile(r'["<>\x00-\x1f\x7f-\x9f\u2028\u2029]')


@dataclass(frozen=True)
class Diagnostic:
    """What another tool says about a place."""

    span: Span
    message: str
    severity: Severity = "error"
    source: str = ""
    code: str = ""


@dataclass(frozen=True)
class ContextBlock:
    """One piece of the request: `tag` says what it is, `attributes` which, `text` is shown as it stands."""

    tag: str
    text: str
    attributes: tuple[tuple[str, str], ...] = ()
    lasting: Literal["folder", "file", "place"] = "file"
    """For what it stays the same: all requests of a folder, of a file, or of a place in it."""

    def rendered(self) -> str:
        """The block between tags that its text cannot close, however they are written in it."""
        closed = {name.casefold() for name in _CLOSING.findall(self.text)}
        tag, number = self.tag, 1
        while tag in closed:
            number += 1
            tag = f"{self.tag}-{number}"
        # Only what could end the attribute is escaped: Claude writes paths back as it read them.
        shown = [(name, _UNSAFE.sub(lambda found: f"&#{ord(found[0])};", value)) for name, value in self.attributes]
        attributes = "".join(f' {name}="{value}"' for name, value in shown)
        return f"<{tag}{attributes}>\n{self.text}\n</{tag}>"


def diagnostics_block(document: Document, diagnostics: Iterable[Diagnostic]) -> ContextBlock | None:
    """What other tools say about the document; None where they say nothing."""
    told = "\n".join(
        f"line {document.line_of(item.span.start) + 1}: {item.severity}: {item.message}"
        + (f" ({' '.join(filter(None, (item.source, item.code)))})" if item.source or item.code else "")
        for item in diagnostics
    )
    return ContextBlock("diagnostics", told, lasting="place") if told else None


def file_blocks(document: Document, path: str, span: Span, tokens: int) -> Iterable[ContextBlock]:
    """The whole file where it fits; else the lines of `span`, fit or not, and what of the rest fits beside them."""
    if estimated_tokens(document.text) <= tokens:
        yield ContextBlock("file", document.text, (("path", path),))
        return
    starts = (*document.lines.starts, len(document.text))
    first, last = document.line_of(span.start), document.line_of(span.end)
    # In characters, which are exact: estimates of many short lines would add up to more than that of their text.
    room = int(tokens * CHARACTERS_PER_TOKEN) - (starts[last + 1] - starts[first])
    # However long its lines, the head leaves half to the lines around the place, which tell Claude more.
    head = min(HEAD_LINES, first, max(0, bisect_right(starts, room // 2) - 1))
    room -= starts[head]
    grown = True
    while grown:
        grown = False
        for line in (first - 1, last + 1):
            if head <= line < len(starts) - 1 and (cost := starts[line + 1] - starts[line]) <= room:
                first, last, room, grown = min(first, line), max(last, line), room - cost, True
    if head and first == head:
        first = head = 0
    if head:
        yield _lines_block(document, path, 0, head - 1)
    yield _lines_block(document, path, first, last)


def _lines_block(document: Document, path: str, first: int, last: int) -> ContextBlock:
    text = document.text[document.lines.starts[first] : document.line_span(last).end]
    shown = f"{first + 1}-{last + 1} of {len(document.lines.starts)}"
    return ContextBlock("file", text, (("path", path), ("lines", shown)))
