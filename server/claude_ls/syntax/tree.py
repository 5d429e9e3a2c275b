"""Parses documents, and parses them again at the cost of what changed.

tree-sitter counts UTF-8 bytes and knows only ``\\n`` as the end of a row; documents count code points and know more.
The translation is here. A lone half of a surrogate pair, which UTF-8 cannot hold, is parsed as U+FFFD: as long as the
three bytes that it would take.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Final

from claude_ls.syntax.languages import LANGUAGES, Language, language_of
from claude_ls.text.document import Document
from claude_ls.text.patch import Span, TextEdit

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Tree

_MARK = 1024
"""So many code points apart are the places whose bytes are remembered."""


class SyntaxTree:
    """One parse of one document; never changes. Offsets are the document's, translated on demand."""

    def __init__(self, language: Language, document: Document, tree: Tree, source: bytes) -> None:
        self.language: Final = language
        self.document: Final = document
        self.tree: Final = tree
        self._source: Final = source
        self._ascii: Final = len(source) == len(document.text)

    @property
    def root(self) -> Node:
        return self.tree.root_node

    @property
    def has_errors(self) -> bool:
        return self.tree.root_node.has_error

    def byte(self, offset: int) -> int:
        """The byte at which the code point `offset` begins."""
        if self._ascii:
            return offset
        mark = offset // _MARK
        return self._marks[mark] + len(encoded(self.document.text[mark * _MARK : offset]))

    def offset(self, byte: int) -> int:
        """The code point that begins at `byte`."""
        if self._ascii:
            return byte
        mark = bisect_right(self._marks, byte) - 1
        return mark * _MARK + len(self._source[self._marks[mark] : byte].decode("utf-8", "replace"))

    def span(self, node: Node) -> Span:
        return Span(self.offset(node.start_byte), self.offset(node.end_byte))

    def text(self, node: Node) -> str:
        return self._source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def node_at(self, span: Span) -> Node:
        """The smallest named node that covers `span`."""
        found = self.root.named_descendant_for_byte_range(self.byte(span.start), self.byte(span.end))
        return found or self.root

    @cached_property
    def _marks(self) -> Sequence[int]:
        """The bytes at which every so many code points begin, so that no translation reads the text from its start."""
        marks = [0]
        text = self.document.text
        for end in range(_MARK, len(text) + 1, _MARK):
            marks.append(marks[-1] + len(encoded(text[end - _MARK : end])))
        return marks


def parse(document: Document) -> SyntaxTree | None:
    """The tree of `document`; None where its language has no grammar here."""
    language = language_of(document.language_id, document.uri)
    parser = parser_of(language) if language else None
    if language is None or parser is None:
        return None
    source = encoded(document.text)
    return SyntaxTree(language, document, parser.parse(source), source)


def reparse(tree: SyntaxTree, document: Document, edits: Sequence[TextEdit]) -> SyntaxTree:
    """The tree of `document`, to which `edits`, one behind the other, led from the document of `tree`."""
    parser = parser_of(tree.language)
    assert parser is not None, "a language that was parsed once can be parsed again"
    old = tree.tree.copy()
    text, source = tree.document.text, tree._source
    for number, edit in enumerate(edits):
        # The tree's own translation is quick; it holds for the text before any edit.
        start = len(encoded(text[: edit.start])) if number else tree.byte(edit.start)
        end = start + len(encoded(text[edit.start : edit.end]))
        inserted = encoded(edit.text)
        edited = source[:start] + inserted + source[end:]
        new_end = start + len(inserted)
        old.edit(start, end, new_end, _point(source, start), _point(source, end), _point(edited, new_end))
        text = text[: edit.start] + edit.text + text[edit.end :]
        source = edited
    if text != document.text:
        # Whoever lost an edit on the way still gets the tree of what the document says.
        source = encoded(document.text)
        return SyntaxTree(tree.language, document, parser.parse(source), source)
    return SyntaxTree(tree.language, document, parser.parse(source, old), source)


def new_errors(before: SyntaxTree, after: SyntaxTree, span: Span) -> list[int]:
    """Lines (from 0) of `after` on which `span` has syntax errors that `before` did not have.

    Errors have no identity over edits. One that begins in text both documents share, at their head or tail, is known by
    its place there. In what changed between them errors are counted: as many as stood there before are not new.
    """
    old, new = before.document.text, after.document.text
    head = _common_head(old, new)
    tail = _common_tail(old, new, min(len(old), len(new)) - head)
    moved = len(new) - len(old)
    known: set[tuple[str, int]] = set()
    in_changed = 0
    for node in _errors(before.root):
        start = before.offset(node.start_byte)
        if start < head:
            known.add((node.type, start))
        elif start >= len(old) - tail:
            known.add((node.type, start + moved))
        else:
            in_changed += 1
    fresh = [node for node in _errors(after.root) if (node.type, after.offset(node.start_byte)) not in known]
    if len(fresh) <= in_changed:
        return []
    places = [after.span(node) for node in fresh]
    touched = [place for place in places if place.start <= span.end and span.start <= place.end]
    return sorted({after.document.line_of(max(place.start, span.start)) for place in touched})


def missing_grammars() -> list[str]:
    """The languages of the table whose grammar is not installed."""
    return [language.name for language in LANGUAGES if parser_of(language) is None]


def parser_of(language: Language) -> Parser | None:
    """What parses `language`; None where its grammar is not installed. To be used from one thread at a time."""
    return _parser(language.package, language.function)


def encoded(text: str) -> bytes:
    if text.isascii():
        return text.encode("ascii")
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text).encode("utf-8")


@cache
def _parser(package: str, function: str) -> Parser | None:
    from tree_sitter import Language as Grammar
    from tree_sitter import Parser

    try:
        return Parser(Grammar(getattr(import_module(package), function)()))
    except (ImportError, AttributeError, ValueError):
        return None


def _point(source: bytes, byte: int) -> tuple[int, int]:
    return source.count(b"\n", 0, byte), byte - (source.rfind(b"\n", 0, byte) + 1)


def _common_head(left: str, right: str) -> int:
    """How many characters both begin with, by halving: comparing slices is much quicker than characters."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _common_tail(left: str, right: str, limit: int) -> int:
    """How many characters both end with, at most `limit`."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if left[len(left) - middle : len(left) - low] == right[len(right) - middle : len(right) - low]:
            low = middle
        else:
            high = middle - 1
    return low


def _errors(root: Node) -> Iterator[Node]:
    """Error and missing nodes, looking only into branches that have some."""
    waiting = [root] if root.has_error else []
    while waiting:
        node = waiting.pop()
        if node.is_error or node.is_missing:
            yield node
        waiting += [child for child in node.children if child.has_error]
