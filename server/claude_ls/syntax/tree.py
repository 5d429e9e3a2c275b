"""Parses documents, a slice at a time where it takes long, and again at the cost of what changed.

tree-sitter counts UTF-8 bytes and knows only ``\\n`` as the end of a row; documents count code points and know more.
The translation is here and in `byte_index`. A lone half of a surrogate pair is parsed as U+FFFD.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

from claude_ls.syntax.byte_index import ByteIndex, encoded
from claude_ls.syntax.languages import LANGUAGES, Language
from claude_ls.syntax.more_languages import MORE_LANGUAGES, candidates
from claude_ls.text.document import Document
from claude_ls.text.patch import Span, TextEdit
from claude_ls.text.regions import Region, changed_regions

if TYPE_CHECKING:
    from tree_sitter import Language as Grammar
    from tree_sitter import Node, Parser, Tree

_READ = 32_768
"""So many bytes are read at once: few enough that the text of one node costs little."""


class SyntaxTree:
    """One parse of one document; never changes. Offsets are the document's, translated on demand."""

    def __init__(self, language: Language, document: Document, tree: Tree, source: bytes, places: ByteIndex) -> None:
        self.language: Final = language
        self.document: Final = document
        self.tree: Final = tree
        self.source: Final = source
        self.places: Final = places

    @property
    def root(self) -> Node:
        return self.tree.root_node

    @property
    def has_errors(self) -> bool:
        return self.tree.root_node.has_error

    def byte(self, offset: int) -> int:
        """The byte at which the code point `offset` begins."""
        return self.places.byte(offset)

    def offset(self, byte: int) -> int:
        """The code point that begins at `byte`."""
        return self.places.offset(byte)

    def span(self, node: Node) -> Span:
        return Span(self.offset(node.start_byte), self.offset(node.end_byte))

    def text(self, node: Node) -> str:
        return self.source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def node_at(self, span: Span) -> Node:
        """The smallest named node that covers `span`."""
        found = self.root.named_descendant_for_byte_range(self.byte(span.start), self.byte(span.end))
        return found or self.root


class Parsing:
    """A parse that can be laid down at any time and taken up again.

    tree-sitter goes on with what was halted when the same parser is asked for the same once more (seen in 0.25 and
    0.26: a parse that is halted raises a ValueError). So each parse has a parser of its own.

    Sound code has one tree, however often it was laid down. For broken code tree-sitter looks for the cheapest of
    several ways on, and the one that it finds may depend on where it was halted: other ERROR nodes, the same text.
    """

    def __init__(
        self,
        language: Language,
        document: Document,
        before: SyntaxTree | None = None,
        regions: Sequence[Region] = (),
    ) -> None:
        """Of `document`; with `before`, only where `regions` say that it differs from the document of that tree."""
        from tree_sitter import Parser

        grammar = _grammar(language.package, language.function)
        assert grammar is not None, "whoever makes a Parsing has looked whether there is a grammar"
        self.document: Final = document
        self.steps = 0
        """How often there was occasion to pause: a measure of work that is the same on every machine."""
        self._language = language
        self._parser = Parser(grammar)
        self._old: Tree | None = None
        if before is not None and len(before.document.text) + sum(map(_growth, regions)) == len(document.text):
            self._old, self._source = _edited(before, document, regions)
            self._places = before.places.edited(document.text, self._source, regions)
        else:
            # Whoever lost an edit on the way still gets the tree of what the document says.
            self._source = encoded(document.text)
            self._places = ByteIndex(document.text, self._source)
        self._read = _reader(self._source)

    def advance(self, pause: Callable[[], bool] = lambda: False) -> SyntaxTree | None:
        """Go on until the tree is there, or until `pause` wants it; it is asked every some ten microseconds."""
        paused = False

        def progress(_byte: int, _has_error: bool) -> bool:
            nonlocal paused
            self.steps += 1
            paused = pause()
            return paused

        try:
            if self._old is None:
                tree = self._parser.parse(self._read, progress_callback=progress)
            else:
                tree = self._parser.parse(self._read, self._old, progress_callback=progress)
        except ValueError:
            if not paused:
                raise
            return None
        return SyntaxTree(self._language, self.document, tree, self._source, self._places)


def parsable(document: Document) -> Language | None:
    """The language of `document`; None where it has no grammar here."""
    found = candidates(document.language_id, document.uri)
    return next((language for language in found if _grammar(language.package, language.function)), None)


def parse(document: Document) -> SyntaxTree | None:
    """The tree of `document`; None where its language has no grammar here."""
    language = parsable(document)
    return Parsing(language, document).advance() if language else None


def reparse(tree: SyntaxTree, document: Document, edits: Sequence[TextEdit]) -> SyntaxTree:
    """The tree of `document`, to which `edits`, one behind the other, led from the document of `tree`."""
    fresh = Parsing(tree.language, document, tree, changed_regions(edits)).advance()
    assert fresh is not None, "nobody asked for a pause"
    return fresh


def new_errors(before: SyntaxTree, after: SyntaxTree, span: Span) -> list[int]:
    """Lines (from 0) of `after` on which `span` has syntax errors that `before` did not have.

    Errors have no identity over edits. One that begins in text both documents share, at their head or tail, is known by
    its place there. In what changed between them errors are counted: as many as stood there before are not new. Where
    much is broken already, two trees may differ by more than the edit between them: see `Parsing`.
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


def more_grammars() -> list[str]:
    """The languages whose grammar does not come with us, and is here all the same."""
    return [language.name for language in MORE_LANGUAGES if parser_of(language) is not None]


def parser_of(language: Language) -> Parser | None:
    """What parses `language`; None where its grammar is not installed. To be used from one thread at a time."""
    return _parser(language.package, language.function)


def _reader(source: bytes) -> Callable[[int, object], bytes]:
    """What reads `source` for tree-sitter. The tree keeps it, so it must keep nothing else.

    Only `bytes` will do: py-tree-sitter (issue 435), asked for the text of a node, takes all else for bytes as well.
    """

    def read(byte: int, _point: object) -> bytes:
        return source[byte : byte + _READ]

    return read


@cache
def _grammar(package: str, function: str) -> Grammar | None:
    from tree_sitter import Language as Grammar

    try:
        return Grammar(getattr(import_module(package), function)())
    except (ImportError, AttributeError, ValueError):
        return None


@cache
def _parser(package: str, function: str) -> Parser | None:
    from tree_sitter import Parser

    grammar = _grammar(package, function)
    return Parser(grammar) if grammar else None


def _edited(before: SyntaxTree, document: Document, regions: Sequence[Region]) -> tuple[Tree, bytes]:
    """What can be used again of the tree before, and the text today."""
    tree, old, text = before.tree.copy(), before.source, document.text
    parts: list[bytes] = []
    edits: list[tuple[int, int, bytes]] = []
    reached = 0
    for was, now in map(_trimmed_to(before.document.text, text), regions):
        if was.start == was.end and now.start == now.end:
            continue  # Somebody has taken back what they had typed.
        start, end, inserted = before.byte(was.start), before.byte(was.end), encoded(now.of(text))
        parts += (old[reached:start], inserted)
        edits.append((start, end, inserted))
        reached = end
    # The last one first, so that those before it stand where the old text has them.
    for start, end, inserted in reversed(edits):
        first = _point(before, start)
        last = _point(before, end) if end != start else first
        broken = inserted.rfind(b"\n") + 1
        column = len(inserted) - broken + (0 if broken else first[1])
        new_last = (first[0] + inserted.count(b"\n"), column)
        tree.edit(start, end, start + len(inserted), first, last, new_last)
    return tree, b"".join((*parts, old[reached:]))


def _growth(region: Region) -> int:
    return region.after.end - region.after.start - (region.before.end - region.before.start)


def _trimmed_to(old: str, new: str) -> Callable[[Region], Region]:
    """Some editors send the whole text for each key: what is the same at both rims was not changed."""

    def trimmed(region: Region) -> Region:
        (start, end), (new_start, new_end) = region
        was, now = old[start:end], new[new_start:new_end]
        head = _common_head(was, now)
        tail = _common_tail(was, now, min(len(was), len(now)) - head)
        return Region(Span(start + head, end - tail), Span(new_start + head, new_end - tail))

    return trimmed


def _point(tree: SyntaxTree, byte: int) -> tuple[int, int]:
    document, source = tree.document, tree.source
    column = byte - (source.rfind(b"\n", 0, byte) + 1)
    if "\r" in document.text:
        return source.count(b"\n", 0, byte), column
    # Without it our lines are tree-sitter's rows, and need not be counted.
    return document.line_of(tree.offset(byte)), column


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
