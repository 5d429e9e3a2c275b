"""What a file defines and which names each definition uses: what an index of a whole project is made of.

Definitions are found by a query for each language (`queries/`), which looks only so deep as others can see them; the
names that they use are read from their characters. Lines are the protocol's: a lone carriage return ends one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from claude_ls.syntax.imports import Import, read_imports
from claude_ls.syntax.languages import LANGUAGES, Language
from claude_ls.syntax.tree import parser_of
from claude_ls.syntax.words import words

if TYPE_CHECKING:
    from tree_sitter import Node, Query, Tree

VERSION = 1
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
    is the file itself. `bases` is what it inherits from, `uses` are the names in it (see `words`) but for those in
    other definitions; both with blanks between.
    """

    name: str
    noun: str
    first: int
    line: int
    body: int
    last: int
    parent: int
    bases: str
    uses: str


@dataclass(frozen=True, slots=True)
class FileTags:
    """What a file defines, the file itself first, and what it imports."""

    tags: tuple[Tag, ...]
    imports: tuple[Import, ...]


def tags_of(language: Language, source: bytes, tree: Tree | None = None) -> FileTags | None:
    """The tags of a file, of which `tree` may be known; None where its grammar is not installed."""
    if b"\r" in source and _LONE_RETURN.search(source):
        # As long as before, and now the grammar counts the lines that the protocol counts.
        source, tree = _LONE_RETURN.sub(b"\n", source), None
    parser = parser_of(language)
    query = _query(language.package, language.function, language.tags)
    if parser is None or query is None:
        return None
    root = (tree or parser.parse(source)).root_node
    captures = _captures(query, root, language.depth)
    if scripts := captures.pop("script", None):
        return _scripts(source, scripts)
    found: list[_Found] = []
    bases = captures.pop("base", ())
    imports: list[Import] = []
    for node in sorted(captures.pop("import", ()), key=lambda node: node.start_byte):
        imports += read_imports(language, source[node.start_byte : node.end_byte].decode("utf-8", "replace"))
    for noun, names in captures.items():
        if "-" not in noun:  # with a hyphen: what a predicate needs
            found += [_found(language, source, noun, name) for name in names]
    found.sort(key=lambda item: (item.start, -item.end))
    last = source.count(b"\n") - (source.endswith(b"\n") and len(source) > 0)
    return FileTags(_nested(language, source, found, bases, max(0, last)), tuple(imports))


@dataclass(slots=True)
class _Found:
    """A definition before it is known what is inside of it. `start` and `end` are bytes of the whole."""

    noun: str
    name: str
    line: int
    start: int
    end: int
    first: int
    body: int
    last: int


def _found(language: Language, source: bytes, noun: str, name: Node) -> _Found:
    node = _definition(language, noun, name)
    body = node.child_by_field_name("body")
    if body is None and (value := node.child_by_field_name("value") or node.child_by_field_name("right")) is not None:
        body = value.child_by_field_name("body")
    while (outer := node.parent) is not None and outer.type in language.wrappers and outer.named_child_count <= 2:
        node = outer
    (first, _), (last, column) = node.start_point, node.end_point
    if column == 0 and last > first:
        last -= 1
    line = name.start_point[0]
    signature = body.start_point[0] if body is not None else last + 1
    start, end = name.start_byte, name.end_byte
    text = source[start:end].decode("utf-8", "replace").strip("\"'#")
    return _Found(noun, text, line, node.start_byte, node.end_byte, first, max(signature, line + 1), last)


def _definition(language: Language, noun: str, name: Node) -> Node:
    """The node that `name` names: a definition of the table, or for a variable the statement that sets it."""
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


def _nested(
    language: Language, source: bytes, found: Sequence[_Found], bases: Sequence[Node], last: int
) -> tuple[Tag, ...]:
    """The tags, each with its parent and with what is used in it alone."""
    parents = [-1]
    pieces: list[tuple[int, bytes]] = []
    around, ends, at = [0], [len(source)], 0
    for number, item in enumerate(found, 1):
        while len(around) > 1 and ends[-1] <= item.start:
            end, inner = ends.pop(), around.pop()
            if at < end:
                pieces.append((inner, source[at:end]))
                at = end
        parents.append(around[-1])
        if at < item.start:
            pieces.append((around[-1], source[at : item.start]))
            at = item.start
        around.append(number)
        ends.append(min(item.end, ends[-1]))
    while around:
        end, inner = ends.pop(), around.pop()
        if at < end:
            pieces.append((inner, source[at:end]))
            at = end
    used = words(language.words, pieces, len(found) + 1)
    inherited = _bases(source, found, bases) if bases else {}
    tags = [Tag("", "file", 0, 0, 0, last, -1, "", used[0])]
    for number, item in enumerate(found, 1):
        noun, parent = item.noun, parents[number]
        if noun == "function" and tags[parent].noun in _HOLDERS:
            noun = "method"
        base = inherited.get(number, "")
        tags.append(Tag(item.name, noun, item.first, item.line, item.body, item.last, parent, base, used[number]))
    return tuple(tags)


_HOLDERS = frozenset({"class", "struct", "interface", "trait", "implementation", "enum", "record"})


def _bases(source: bytes, found: Sequence[_Found], nodes: Sequence[Node]) -> dict[int, str]:
    """By the number of a definition, what it inherits from."""
    inherited: dict[int, str] = {}
    number = 0
    for start, end in sorted((node.start_byte, node.end_byte) for node in nodes):
        while number < len(found) and found[number].start <= start:
            number += 1
        holder = number
        while holder and found[holder - 1].end < end:
            holder -= 1
        name = _BASE.match(source, start, end)
        if holder and name:
            text = name[0].decode("utf-8", "replace").replace("::", ".").replace("\\", ".").strip(".")
            inherited[holder] = f"{inherited[holder]} {text}" if holder in inherited else text
    return inherited


def _scripts(source: bytes, nodes: Sequence[Node]) -> FileTags | None:
    """The tags of the scripts in a page: read as if there was nothing around them."""
    (language,) = (row for row in LANGUAGES if row.name == "JavaScript")
    alone = bytearray(re.sub(rb"[^\n]", b" ", source))
    for node in nodes:
        alone[node.start_byte : node.end_byte] = source[node.start_byte : node.end_byte]
    return tags_of(language, bytes(alone))


def _captures(query: Query, root: Node, depth: int) -> dict[str, list[Node]]:
    from tree_sitter import QueryCursor

    cursor = QueryCursor(query)
    cursor.set_max_start_depth(depth)
    return cursor.captures(root)


@cache
def _query(package: str, function: str, tags: str) -> Query | None:
    from tree_sitter import Language as Grammar
    from tree_sitter import Query

    try:
        grammar = Grammar(getattr(import_module(package), function)())
        text = files("claude_ls.syntax").joinpath(f"queries/{tags}.scm").read_text("utf-8")
        return Query(grammar, text)
    except (ImportError, AttributeError, ValueError):
        return None
