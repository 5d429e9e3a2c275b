"""What a file defines and which names each definition uses: what an index of a whole project is made of.

Definitions are found by a query for each language (`queries/`), which looks only so deep as others can see them; the
names that they use are read from their characters, once somebody asks: of most definitions nobody ever does. Lines are
the protocol's: a lone carriage return ends one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from claude_ls.syntax.imports import Import, read_imports
from claude_ls.syntax.languages import LANGUAGES, Language
from claude_ls.syntax.python_statements import Statements
from claude_ls.syntax.tree import parser_of
from claude_ls.syntax.words import single_words, words

if TYPE_CHECKING:
    from tree_sitter import Node, Query, Tree

VERSION = 2
"""To be raised when the same file would give other tags than before."""
_LONE_RETURN = re.compile(rb"\r(?!\n)")
_BASE = re.compile(rb"[\w.:$\\]+")
_MEMBERS = ("_signature", "_elem")
"""What the nodes of members are called that stand in no block of the table."""
_CLIMB = 12
"""How far above its name the node of a definition can be."""


class Tag(NamedTuple):
    """A definition. Lines count from 0: `first` to `last` with what belongs to it around (decorators, `export`), `line`
    of its name, and `body`, the first line that its signature does not need.

    `parent` is the place of the definition around it among those of the file, of which the first, with an empty name,
    is the file itself. `bases` is what it inherits from, with blanks between. `start` and `end` are bytes of the code.
    """

    name: str
    noun: str
    first: int
    line: int
    body: int
    last: int
    parent: int
    bases: str
    start: int
    end: int


@dataclass(frozen=True)
class FileTags:
    """What a file defines, the file itself first, and its statements that import, as they are written. `language` is
    that of its code: of a page, that of its scripts."""

    language: Language
    tags: tuple[Tag, ...]
    statements: tuple[str, ...]

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        return tuple(item for statement in self.statements for item in read_imports(self.language, statement))


@dataclass(frozen=True, slots=True)
class Code:
    """What of a file is code, with as many lines and bytes before it as in the file."""

    language: Language
    source: bytes


def code_of(language: Language, source: bytes) -> Code:
    """The code of a file: all of it, but for pages, of which it is the scripts where there are any."""
    if b"\r" in source and _LONE_RETURN.search(source):
        # As long as before, and now the grammar counts the lines that the protocol counts.
        source = _LONE_RETURN.sub(b"\n", source)
    if language.tags == "html" and b"<script" in source.lower() and (scripts := _scripts(language, source)):
        (language,) = (row for row in LANGUAGES if row.name == "JavaScript")
        alone = bytearray(re.sub(rb"[^\n]", b" ", source))
        for start, end in scripts:
            alone[start:end] = source[start:end]
        source = bytes(alone)
    return Code(language, source)


def tags_of(language: Language, source: bytes, tree: Tree | None = None) -> FileTags | None:
    """The tags of a file, of which `tree` may be known; None where its grammar is not installed."""
    code = code_of(language, source)
    return tags_in(code, tree if code.source is source else None)


def tags_in(code: Code, tree: Tree | None = None) -> FileTags | None:
    """The same of its code."""
    language, source = code.language, code.source
    last = max(0, source.count(b"\n") - source.endswith(b"\n"))
    whole = Tag("", "file", 0, 0, 0, last, -1, "", 0, len(source))
    if not source:
        return FileTags(language, (whole,), ())
    parser = parser_of(language)
    if parser is None:
        return None
    root = (tree or parser.parse(source)).root_node
    if language.tags == "python" and not root.has_error:
        found, bases, imports = _by_statements(language, source, root)
    elif (query := _query(language)) is not None:
        found, bases, imports = _by_query(query, language, source, root)
    else:
        return None
    statements = [source[start:end].decode("utf-8", "replace") for start, end in _places(imports)]
    return FileTags(language, _nested(source, whole, sorted(found), _places(bases)), tuple(statements))


def uses_in(code: Code, tags: Sequence[Tag], number: int) -> str:
    """The names in one of the definitions of some code (see `words`) but for those in other definitions, with blanks
    between."""
    tag = tags[number]
    pieces: list[bytes] = []
    at = tag.start
    for index in range(number + 1, len(tags)):
        inner = tags[index]
        if inner.start >= tag.end:
            break
        if inner.parent == number:
            if at < inner.start:
                pieces.append(code.source[at : inner.start])
            at = max(at, inner.end)
    if at < tag.end:
        pieces.append(code.source[at : tag.end])
    return words(code.language.words, pieces)


def words_in(code: Code) -> str:
    """All names in some code, each once and without what they are asked of, with blanks between."""
    return single_words(code.language.words, code.source)


_Found = tuple[int, int, int, str, str, int, int, int, int]
"""A definition before it is known what is inside of it, so that they sort as they stand in the file: its first byte,
its last below zero, the first of its name; what it is, its name; and its lines: the first, that of its name, where its
body begins, the last."""


def _by_query(
    query: Query, language: Language, source: bytes, root: Node
) -> tuple[Iterable[_Found], list[Node], list[Node]]:
    """The definitions, what they inherit from, and the statements that import."""
    found: dict[tuple[int, str], _Found] = {}
    bases: list[Node] = []
    imports: list[Node] = []
    wrappers: dict[int, Node] = {}
    for nodes in _matches(query, root, language.depth):
        if (wrapper := nodes.pop("wrapper", None)) is not None:
            wrappers[nodes["wrapped"][0].start_byte] = wrapper[0]
            continue
        definition = nodes.pop("definition", None)
        for noun, names in nodes.items():
            if noun == "base":
                bases += names
            elif noun == "import":
                imports += names
            elif "-" not in noun:  # with a hyphen: what a predicate needs
                for name in names:
                    if definition is None:
                        node, outer = _wrapped(language, _definition(language, noun, name))
                    else:
                        node = definition[0]
                        outer = wrappers.get(node.start_byte, node)
                    found[name.start_byte, noun] = _found(source, noun, name, node, outer)
    return found.values(), bases, imports


def _by_statements(language: Language, source: bytes, root: Node) -> tuple[Iterable[_Found], list[Node], list[Node]]:
    """The same for Python."""
    parser = parser_of(language)
    assert parser is not None and parser.language is not None
    statements = Statements(parser.language, source, language.depth)
    statements.look_through(root)
    found = [_found(source, *definition) for definition in statements.definitions]
    return found, statements.bases, statements.imports


def _found(source: bytes, noun: str, name: Node, node: Node, outer: Node, inside: Node | None = None) -> _Found:
    """`node` is what `name` names, `outer` the same with what belongs to it around, and `inside` the body if known."""
    at, line = name.start_byte, name.start_point[0]
    first = outer.start_point[0]
    last, column = outer.end_point
    if column == 0 and last > first:
        last -= 1
    body = last + 1
    if last > line:
        inside = inside or node.child_by_field_name("body")
        if inside is None and (value := node.child_by_field_name("value") or node.child_by_field_name("right")):
            inside = value.child_by_field_name("body")
        if inside is not None:
            body = inside.start_point[0]
    text = source[at : name.end_byte].decode("utf-8", "replace").strip("\"'#")
    if "\n" in text:
        text = text.replace("\n", " ")
    return outer.start_byte, -outer.end_byte, at, noun, text, first, line, max(body, line + 1), last


def _wrapped(language: Language, node: Node) -> tuple[Node, Node]:
    """A definition, and the same with what belongs to it around."""
    outer = node
    while (above := outer.parent) is not None and above.type in language.wrappers and above.named_child_count <= 2:
        outer = above
    return node, outer


def _definition(language: Language, noun: str, name: Node) -> Node:
    """The node that `name` names, where the query does not say: a definition of the table, or for a variable the
    statement that sets it."""
    node = name
    for _ in range(_CLIMB):
        parent = node.parent
        if parent is None or parent.parent is None:
            return node
        if noun != "variable" and (
            parent.type in language.definitions or parent.type.endswith(("_definition", "_declaration", "_item"))
        ):
            return parent
        if parent.type in language.blocks or parent.type in language.members or node.type.endswith(_MEMBERS):
            return node
        node = parent
    return node


def _nested(source: bytes, whole: Tag, found: Sequence[_Found], bases: Sequence[tuple[int, int]]) -> tuple[Tag, ...]:
    """The tags, each with its parent, and none with more of the code than that."""
    inherited = _bases(source, found, bases) if bases else {}
    tags = [whole]
    around, holders, ends = [0], [whole.noun], [whole.end]
    for number, (start, minus_end, _, noun, name, first, line, body, last) in enumerate(found, 1):
        while ends[-1] <= start and len(ends) > 1:
            around.pop()
            holders.pop()
            ends.pop()
        end = -minus_end
        if end > ends[-1]:
            end = ends[-1]
        if noun == "function" and holders[-1] in _HOLDERS:
            noun = "method"
        base = inherited.get(number, "") if inherited else ""
        tags.append(Tag(name, noun, first, line, body, last, around[-1], base, start, end))
        around.append(number)
        holders.append(noun)
        ends.append(end)
    return tuple(tags)


_HOLDERS = frozenset({"class", "struct", "interface", "trait", "implementation", "enum", "record"})


def _bases(source: bytes, found: Sequence[_Found], places: Sequence[tuple[int, int]]) -> dict[int, str]:
    """By the number of a definition, what it inherits from."""
    inherited: dict[int, str] = {}
    number = 0
    for start, end in places:
        while number < len(found) and found[number][0] <= start:
            number += 1
        holder = number
        while holder and -found[holder - 1][1] < end:
            holder -= 1
        name = _BASE.match(source, start, end)
        if holder and name:
            text = name[0].decode("utf-8", "replace").replace("::", ".").replace("\\", ".").strip(".")
            inherited[holder] = f"{inherited[holder]} {text}" if holder in inherited else text
    return inherited


def _places(nodes: Iterable[Node]) -> list[tuple[int, int]]:
    """The first and the last byte of some nodes, as they stand in the file and each once."""
    return sorted({(node.start_byte, node.end_byte) for node in nodes})


def _scripts(language: Language, source: bytes) -> list[tuple[int, int]]:
    parser, query = parser_of(language), _query(language)
    if parser is None or query is None:
        return []
    found = _matches(query, parser.parse(source).root_node, language.depth)
    return _places(node for nodes in found for node in nodes.get("script", ()))


def _matches(query: Query, root: Node, depth: int) -> Iterable[dict[str, list[Node]]]:
    from tree_sitter import QueryCursor

    cursor = QueryCursor(query)
    cursor.set_max_start_depth(depth)
    return [nodes for _, nodes in cursor.matches(root)]


def _query(language: Language) -> Query | None:
    return _compiled(language.package, language.function, language.tags)


@cache
def _compiled(package: str, function: str, tags: str) -> Query | None:
    from tree_sitter import Language as Grammar
    from tree_sitter import Query

    try:
        grammar = Grammar(getattr(import_module(package), function)())
        return Query(grammar, Path(__file__).with_name("queries").joinpath(f"{tags}.scm").read_text("utf-8"))
    except (ImportError, AttributeError, ValueError):
        return None
