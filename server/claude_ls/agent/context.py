"""What Claude gets to see of the code: live buffer text, cut to a budget, with the place that matters in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from claude_ls.agent.usage import estimated_tokens
from claude_ls.text.document import Document
from claude_ls.text.patch import Span

Severity = Literal["error", "warning", "information", "hint"]

HEAD_LINES = 40
"""Lines from the top that are shown of a file too long to show whole: imports and the like stand there."""


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

    def rendered(self) -> str:
        """The block between tags that occur nowhere in its text, so that the text cannot close them."""
        tag, number = self.tag, 1
        while f"</{tag}>" in self.text:
            number += 1
            tag = f"{self.tag}-{number}"
        attributes = "".join(f' {name}="{value}"' for name, value in self.attributes)
        return f"<{tag}{attributes}>\n{self.text}\n</{tag}>"


def gather(
    document: Document, path: str, span: Span, diagnostics: Iterable[Diagnostic], tokens: int
) -> tuple[ContextBlock, ...]:
    """The file around `span` in at most about `tokens`, then what other tools say about it.

    The file comes first and does not depend on the request, so that a second request finds it in the prompt cache.
    """
    blocks = list(file_blocks(document, path, span, tokens))
    told = "\n".join(
        f"line {document.line_of(item.span.start) + 1}: {item.severity}: {item.message}"
        + (f" ({' '.join(filter(None, (item.source, item.code)))})" if item.source or item.code else "")
        for item in diagnostics
    )
    if told:
        blocks.append(ContextBlock("diagnostics", told))
    return tuple(blocks)


def file_blocks(document: Document, path: str, span: Span, tokens: int) -> Iterable[ContextBlock]:
    text = document.text
    if estimated_tokens(text) <= tokens:
        yield ContextBlock("file", text, (("path", path),))
        return
    first, last = document.line_of(span.start), document.line_of(span.end)
    head = document.line_span(min(HEAD_LINES, len(document.lines.starts)) - 1).end
    left = tokens - estimated_tokens(text[:head])
    first, last = _window(document, first, last, left)
    around = Span(document.lines.starts[first], document.line_span(last).end)
    if around.start <= head:
        yield _lines_block(document, path, 0, last)
    else:
        yield _lines_block(document, path, 0, HEAD_LINES - 1)
        yield _lines_block(document, path, first, last)


def _window(document: Document, first: int, last: int, tokens: int) -> tuple[int, int]:
    """Grow the lines `first..last` on both sides, as far as `tokens` go."""
    starts = document.lines.starts
    cost = estimated_tokens(document.text[starts[first] : document.line_span(last).end])
    grown = True
    while grown:
        grown = False
        for line in (first - 1, last + 1):
            if 0 <= line < len(starts):
                price = estimated_tokens(document.line_span(line).of(document.text))
                if cost + price <= tokens:
                    first, last, cost, grown = min(first, line), max(last, line), cost + price, True
    return first, last


def _lines_block(document: Document, path: str, first: int, last: int) -> ContextBlock:
    text = document.text[document.lines.starts[first] : document.line_span(last).end]
    shown = f"{first + 1}-{last + 1} of {len(document.lines.starts)}"
    return ContextBlock("file", text, (("path", path), ("lines", shown)))
