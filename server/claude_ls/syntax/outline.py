"""Facts about the code around a place: what encloses it, what is selected, what a comment there asks for.

Nothing here walks a whole tree: each answer is found from the place upwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from claude_ls.syntax.tree import SyntaxTree
from claude_ls.text.document import Document
from claude_ls.text.patch import Span

if TYPE_CHECKING:
    from tree_sitter import Node

_FUNCTION_VALUES = frozenset({"arrow_function", "function_expression", "generator_function", "class"})
_BEFORE_DEFINITION = frozenset({"attribute_item", "decorator"})
_NEVER_EXTRACTED = frozenset({"parenthesized_expression", "assignment_expression", "type_expression"})

# How a comment opens, in any language: what stands behind it is the comment's text.
_OPEN = r"(?:#+|//[/!]*|--(?:\[\[)?|;+|%+|/\*[*!]*|<!--)"
_HEAD = re.compile(rf"{_OPEN}[ \t]*claude[ \t]*(?P<kind>[:?])", re.IGNORECASE)
_MARKER = re.compile(rf"^[ \t]*(?:{_OPEN}|\*(?!/))?[ \t]?")
_CLOSER = re.compile(r"[ \t]*(?:\*/|-->|\]\])[ \t]*$")
_WORD = re.compile(r"^[ \t]*claude[ \t]*[:?]", re.IGNORECASE)
_OWN_LINE = re.compile(rf"^[ \t]*(?P<comment>{_OPEN}.*)$")


@dataclass(frozen=True)
class Definition:
    """Something with a name. `span` is the thing itself, `whole` also takes in decorators, attributes, `export`."""

    noun: str
    name: str
    span: Span
    whole: Span


@dataclass(frozen=True)
class Selection:
    """Selected code that could stand alone: whole statements of one block, or one expression."""

    kind: Literal["statements", "expression"]
    span: Span


@dataclass(frozen=True)
class Instruction:
    """A comment that speaks to Claude. `span` is the comment, `target` the whole lines that it is about."""

    text: str
    asks: bool
    span: Span
    target: Span


def enclosing_definition(tree: SyntaxTree, span: Span) -> Definition | None:
    """The innermost definition around `span`; a cursor anywhere on its first line counts as inside."""
    probe = _probe(tree.document, span)
    for node in _upwards(tree.node_at(probe)):
        found = _definition_in(tree, node)
        if found is not None and tree.span(found).start <= max(probe.start, tree.span(found).start):
            return _definition(tree, found)
    return None


def selected_code(tree: SyntaxTree, span: Span) -> Selection | None:
    """What is selected, if it is whole: blanks at its rims do not count."""
    probe = _trimmed(tree.document.text, span)
    if probe.start == probe.end:
        return None
    blocks = tree.language.blocks
    covering = tree.node_at(probe)
    same = [node for node in _upwards(covering) if tree.span(node) == probe]
    if any(node.parent is not None and node.parent.type in blocks and not _is_comment(node) for node in same):
        return Selection("statements", probe)
    if any(_is_expression(tree, node) for node in same):
        return Selection("expression", probe)
    if same or covering.type not in blocks:
        return None
    run = _statements(tree, covering, probe)
    if run and all(map(_is_comment, run)):
        return None
    whole = run and Span(tree.span(run[0]).start, tree.span(run[-1]).end) == probe
    return Selection("statements", probe) if whole else None


def whole_statements(tree: SyntaxTree, span: Span) -> Span:
    """`span` grown to the whole statements that it touches."""
    probe = _trimmed(tree.document.text, span)
    if probe.start == probe.end:
        return span
    for node in _upwards(tree.node_at(probe)):
        if node.type in tree.language.blocks:
            run = _statements(tree, node, probe)
            if run:
                return Span(min(probe.start, tree.span(run[0]).start), max(probe.end, tree.span(run[-1]).end))
    return span


def instruction_at(tree: SyntaxTree | None, document: Document, offset: int) -> Instruction | None:
    """The instruction comment that `offset` stands on, in whichever of its lines."""
    line = document.line_of(offset)
    comment = _comment_on(tree, document, line)
    if comment is None:
        return None
    head, last = document.line_of(comment.start), document.line_of(comment.end)
    if head == last:
        head, last = _run(tree, document, head, comment)
        comment = _comment_on(tree, document, head) or comment
        last_comment = _comment_on(tree, document, last)
        comment = Span(comment.start, last_comment.end if last_comment else comment.end)
    words = comment.of(document.text)
    match = _HEAD.match(words)
    if match is None:
        return None
    text = "\n".join(_CLOSER.sub("", _MARKER.sub("", item, count=1)) for item in re.split(r"\r\n?|\n", words))
    text = _WORD.sub("", text, count=1).strip()
    target = document.whole_lines(_target(tree, document, comment))
    return Instruction(text, match["kind"] == "?", comment, target)


def _run(tree: SyntaxTree | None, document: Document, line: int, comment: Span) -> tuple[int, int]:
    """First and last line of the run of line comments that belongs to the instruction around `line`."""
    column = comment.start - document.lines.starts[line]

    def continues(number: int) -> bool:
        """Whether the comment on that line stands alone, in the same column."""
        if not 0 <= number < len(document.lines.starts):
            return False
        found = _comment_on(tree, document, number)
        start = document.lines.starts[number]
        return (
            found is not None
            and found.start - start == column
            and document.line_of(found.end) == number
            and not document.text[start : found.start].strip()
        )

    def speaks(number: int) -> bool:
        found = _comment_on(tree, document, number)
        return bool(found and _HEAD.match(found.of(document.text)))

    head = line
    alone = not document.text[document.lines.starts[line] : comment.start].strip()
    if alone:
        while not speaks(head) and continues(head - 1):
            head -= 1
    last = line if alone else head
    while alone and continues(last + 1) and not speaks(last + 1):
        last += 1
    return head, last


def _comment_on(tree: SyntaxTree | None, document: Document, line: int) -> Span | None:
    """The comment that ends `line` or covers it, without the line break behind it."""
    span = document.line_span(line)
    words = span.of(document.text)
    if not words.strip():
        return None
    if tree is None:
        match = _HEAD.search(words) or _OWN_LINE.match(words)
        if match is None:
            return None
        start = match.start("comment") if "comment" in match.groupdict() else match.start()
        return Span(span.start + start, span.start + len(words.rstrip()))
    last = span.start + len(words.rstrip())
    node = next((node for node in _upwards(tree.node_at(Span(last - 1, last))) if _is_comment(node)), None)
    if node is None:
        return None
    found = tree.span(node)
    return Span(found.start, found.start + len(found.of(document.text).rstrip()))


def _target(tree: SyntaxTree | None, document: Document, comment: Span) -> Span:
    """What an instruction is about: see `Instruction`."""
    first = document.line_of(comment.start)
    before = document.text[document.lines.starts[first] : comment.start]
    if before.strip():
        line = Span(document.lines.starts[first], comment.start)
        code = whole_statements(tree, line) if tree else line
        return Span(min(code.start, comment.start), max(code.end, comment.end))
    if tree is None:
        return _next_paragraph(document, comment)
    node = next((n for n in _upwards(tree.node_at(Span(comment.end - 1, comment.end))) if _is_comment(n)), None)
    parent = node.parent if node else None
    inside = _inside(tree, document, comment, len(before))
    if parent is not None and node is not None:
        opens_body = _definition_in(tree, parent) is parent or (
            parent.parent is not None
            and _is_definition(tree, parent.parent)
            and tree.span(parent).start >= comment.start
        )
        if opens_body and inside is not None:
            return _around(inside.whole, comment)
        following = node.next_named_sibling
        while following is not None and _is_comment(following):
            following = following.next_named_sibling
        if following is not None:
            found = tree.span(following)
            gap = document.line_of(found.start) - document.line_of(comment.end)
            indent = found.start - document.lines.starts[document.line_of(found.start)]
            if gap <= 2 and indent == len(before):
                return Span(comment.start, found.end)
    return _around(inside.whole, comment) if inside else comment


def _inside(tree: SyntaxTree, document: Document, comment: Span, column: int) -> Definition | None:
    """The definition whose body the comment stands in.

    Grammars that go by indentation end a block before the comments at its end, so the line above is asked as well.
    """
    found = enclosing_definition(tree, comment)
    above = document.line_of(comment.start) - 1
    while above >= 0 and not document.line_span(above).of(document.text).strip():
        above -= 1
    if above < 0 or tree.language.name != "Python":
        return found
    place = document.line_span(above)
    for node in _upwards(tree.node_at(_probe(document, Span(place.end, place.end)))):
        if _is_definition(tree, node):
            definition = _definition(tree, node)
            start = definition.span.start
            if start - document.lines.starts[document.line_of(start)] < column:
                return definition
    return found


def _next_paragraph(document: Document, comment: Span) -> Span:
    """Without a grammar: the comment and the lines below it, up to the next blank one."""
    line = last = document.line_of(comment.end)
    while last + 1 < len(document.lines.starts) and document.line_span(last + 1).of(document.text).strip():
        last += 1
    return Span(comment.start, document.line_span(last).end if last > line else comment.end)


def _around(span: Span, other: Span) -> Span:
    return Span(min(span.start, other.start), max(span.end, other.end))


def _definition(tree: SyntaxTree, node: Node) -> Definition:
    outer = node
    while outer.parent is not None and outer.parent.type in tree.language.wrappers:
        outer = outer.parent
    first = outer
    while (sibling := first.prev_named_sibling) is not None and sibling.type in _BEFORE_DEFINITION:
        first = sibling
    whole = Span(tree.span(first).start, _end_without_break(tree, outer))
    noun = tree.language.definitions[node.type]
    if noun == "function" and _is_method(tree, node):
        noun = "method"
    return Definition(noun, _name(tree, node), Span(tree.span(node).start, _end_without_break(tree, node)), whole)


def _end_without_break(tree: SyntaxTree, node: Node) -> int:
    span = tree.span(node)
    return span.start + len(span.of(tree.document.text).rstrip())


def _is_method(tree: SyntaxTree, node: Node) -> bool:
    holder = next((outer for outer in _upwards(node.parent) if _is_definition(tree, outer)), None)
    return holder is not None and tree.language.definitions[holder.type] in ("class", "trait", "implementation")


def _is_definition(tree: SyntaxTree, node: Node) -> bool:
    if node.type not in tree.language.definitions:
        return False
    if node.type == "variable_declarator":
        value = node.child_by_field_name("value")
        return value is not None and value.type in _FUNCTION_VALUES
    if node.type in ("struct_specifier", "union_specifier", "enum_specifier", "class_specifier"):
        # `struct point p;` only uses it.
        return node.child_by_field_name("body") is not None
    return True


def _definition_in(tree: SyntaxTree, node: Node) -> Node | None:
    """`node` if it is a definition, or the one that it wraps: a decorator belongs to what it decorates."""
    if _is_definition(tree, node):
        return node
    if node.type not in tree.language.wrappers:
        return None
    return next((found for child in node.named_children if (found := _definition_in(tree, child))), None)


def _name(tree: SyntaxTree, node: Node) -> str:
    """What a person calls it: the last plain name of its declarator."""
    found = node.child_by_field_name("name") or node.child_by_field_name("key") or node.child_by_field_name("type")
    if node.type == "impl_item":
        trait = node.child_by_field_name("trait")
        return f"{tree.text(trait)} for {tree.text(found)}" if trait and found else tree.text(found) if found else ""
    declarator = node.child_by_field_name("declarator")
    if declarator is not None:
        found = declarator
        while (inner := found.child_by_field_name("declarator")) is not None:
            found = inner
    if found is None and node.type == "section":
        heading = next(iter(node.named_children), None)
        found = heading.child_by_field_name("heading_content") if heading else None
    if found is None and node.named_child_count:
        found = node.named_children[0]
        if found.type in ("start_tag", "self_closing_tag") and found.named_child_count:
            found = found.named_children[0]
    words = " ".join(tree.text(found).split()) if found else ""
    return words.strip("\"'") if len(words) <= 60 else ""


def _is_comment(node: Node) -> bool:
    return "comment" in node.type or node.type == "html_block"


def _is_expression(tree: SyntaxTree, node: Node) -> bool:
    if node.type in _NEVER_EXTRACTED or (node.child_count == 0 and node.type not in tree.language.expressions):
        return False
    return (
        node.type in tree.language.expressions
        or node.type.endswith(("_expression", "_operator"))
        or node.type in ("binary_expression", "call_expression", "invocation_expression")
    )


def _statements(tree: SyntaxTree, block: Node, span: Span) -> list[Node]:
    """The children of `block` that `span` touches."""
    node = block.first_named_child_for_byte(tree.byte(span.start))
    run: list[Node] = []
    while node is not None and tree.span(node).start < span.end:
        run.append(node)
        node = node.next_named_sibling
    return run


def _upwards(node: Node | None) -> Iterator[Node]:
    while node is not None:
        yield node
        node = node.parent


def _probe(document: Document, span: Span) -> Span:
    """`span` without blanks; for a cursor the one character that it most plainly stands on."""
    trimmed = _trimmed(document.text, span)
    if trimmed.start != trimmed.end:
        return trimmed
    line = document.line_span(document.line_of(span.start))
    words = line.of(document.text)
    if not words.strip():
        return Span(span.start, span.start)
    first = line.start + len(words) - len(words.lstrip())
    last = line.start + len(words.rstrip()) - 1
    at = max(first, min(span.start, last))
    return Span(at, at + 1)


def _trimmed(text: str, span: Span) -> Span:
    words = span.of(text)
    start = span.start + len(words) - len(words.lstrip())
    return Span(start, start + len(words.strip()))
