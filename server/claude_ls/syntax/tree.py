"""Parses documents, and parses them again at the cost of what changed.

tree-sitter counts UTF-8 bytes and knows only ``\\n`` as the end of a row; documents count code points and know more.
The translation is here. A lone half of a surrogate pair, which UTF-8 cannot hold, is parsed as U+FFFD: as long as the
three bytes that it would take.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from claude_ls.syntax.languages import LANGUAGES, Language, language_of
from claude_ls.text.document import Document
from claude_ls.text.patch import Span, TextEdit

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Tree


class SyntaxTree:
    """One parse of one document; never changes. Offsets are the document's, translated on demand."""

    def __init__(self, language: Language, document: Document, tree: Tree, source: bytes) -> None:
        self.language = language
        self.document = document
        self.tree = tree
        self._source = source
        self._ascii = len(source) == len(document.text)

    @property
    def root(self) -> Node:
        return self.tree.root_node

    @property
    def has_errors(self) -> bool:
        return self.tree.root_node.has_error

    def byte(self, offset: int) -> int:
        """The byte at which the code point `offset` begins."""
        return offset if self._ascii else len(encoded(self.document.text[:offset]))

    def offset(self, byte: int) -> int:
        """The code point that begins at `byte`."""
        return byte if self._ascii else len(self._source[:byte].decode("utf-8", "replace"))

    def span(self, node: Node) -> Span:
        return Span(self.offset(node.start_byte), self.offset(node.end_byte))

    def text(self, node: Node) -> str:
        return self._source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def node_at(self, span: Span) -> Node:
        """The smallest named node that covers `span`."""
        found = self.root.named_descendant_for_byte_range(self.byte(span.start), self.byte(span.end))
        return found or self.root


def parse(document: Document) -> SyntaxTree | None:
    """The tree of `document`; None where its language has no grammar here."""
    language = language_of(document.language_id, document.uri)
    parser = _parser(language.package, language.function) if language else None
    if language is None or parser is None:
        return None
    source = encoded(document.text)
    return SyntaxTree(language, document, parser.parse(source), source)


def reparse(tree: SyntaxTree, document: Document, edits: Sequence[TextEdit]) -> SyntaxTree:
    """The tree of `document`, to which `edits`, one behind the other, led from the document of `tree`."""
    parser = _parser(tree.language.package, tree.language.function)
    assert parser is not None, "a language that was parsed once can be parsed again"
    old = tree.tree.copy()
    source = encoded(tree.document.text)
    ascii_only = tree._ascii
    for edit in edits:
        if ascii_only:
            start, end = edit.start, edit.end
        else:
            start = _byte_of(source, edit.start)
            end = start + _byte_of(source[start:], edit.end - edit.start)
        inserted = encoded(edit.text)
        ascii_only = ascii_only and len(inserted) == len(edit.text)
        edited = source[:start] + inserted + source[end:]
        old.edit(
            start,
            end,
            start + len(inserted),
            _point(source, start),
            _point(source, end),
            _point(edited, start + len(inserted)),
        )
        source = edited
    return SyntaxTree(tree.language, document, parser.parse(source, old), source)


def new_errors(before: SyntaxTree, after: SyntaxTree, span: Span) -> list[int]:
    """Lines (from 0) of `after` inside `span` with syntax errors, where `before` had fewer errors altogether.

    Errors have no identity over edits, so they are counted: a tree with no more errors than before has no new ones.
    """
    now = list(_errors(after.root))
    if len(now) <= sum(1 for _ in _errors(before.root)):
        return []
    places = [after.offset(node.start_byte) for node in now]
    return sorted({after.document.line_of(place) for place in places if span.start <= place <= span.end})


def missing_grammars() -> list[str]:
    """The languages of the table whose grammar is not installed."""
    return [language.name for language in LANGUAGES if _parser(language.package, language.function) is None]


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


def _byte_of(source: bytes, characters: int) -> int:
    """The byte behind the first `characters` of `source`."""
    head = source[: characters * 4]
    return len(head.decode("utf-8", "ignore")[:characters].encode("utf-8"))


def _point(source: bytes, byte: int) -> tuple[int, int]:
    return source.count(b"\n", 0, byte), byte - (source.rfind(b"\n", 0, byte) + 1)


def _errors(root: Node) -> Sequence[Node]:
    """Error and missing nodes, looking only into branches that have some."""
    found: list[Node] = []
    waiting = [root] if root.has_error else []
    while waiting:
        node = waiting.pop()
        if node.is_error or node.is_missing:
            found.append(node)
        waiting += [child for child in node.children if child.has_error or child.is_missing]
    return found
