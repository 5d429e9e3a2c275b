"""Facts about the code around a place: what encloses it, what is selected, what a comment there asks for.

Nothing here walks a whole tree: each answer is found from the place upwards, by steps that cost the same in any file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from textwrap import dedent
from typing import TYPE_CHECKING, Literal

from claude_ls.syntax.tree import SyntaxTree
from claude_ls.text.document import Document
from claude_ls.text.patch import Span

if TYPE_CHECKING:
    from tree_sitter import Node

_TYPES = frozenset({"class", "struct", "union", "record", "enum", "interface", "trait", "implementation"})
_FUNCTIONS = frozenset({"function", "method", "constructor"})
# These end in `_expression` and have no value that could be handed back.
_NO_VALUE = frozenset(
    {
        "assignment_expression",
        "augmented_assignment_expression",
        "compound_assignment_expr",
        "type_expression",
        "return_expression",
        "break_expression",
        "continue_expression",
        "jsx_expression",
    }
)
# Something is put into their children, or they are done away with: the value they have now does not matter.
_ASSIGNING = frozenset(
    {
        "pattern_list",
        "tuple_pattern",
        "list_pattern",
        "list_splat_pattern",
        "array_pattern",
        "pair_pattern",
        "rest_pattern",
        "as_pattern_target",
        "left_assignment_list",
        "variable_list",
        "list_literal",
        "update_expression",
        "inc_statement",
        "dec_statement",
        "delete_statement",
        "unset_statement",
    }
)
_GROUPING = frozenset({"expression_list", "tuple_expression", "argument", "parenthesized_expression", "pair"})
# Blocks that are statements as well, where they stand among statements.
_BARE_BLOCKS = frozenset(
    {
        "block",
        "statement_block",
        "compound_statement",
        "subshell",
        "if_statement",
        "begin",
        "preproc_if",
        "preproc_ifdef",
    }
)
# Children of a block that are no statements: what a `case` compares with, the condition of an `if`, its `else`.
_COMMENTS = frozenset(
    {
        *("comment", "line_comment", "block_comment", "js_comment"),
        *("multiline_comment", "documentation_comment", "marginalia", "haddock"),
    }
)
_HEADS = ("value", "name", "condition", "alternative")
_CLAUSES = ("rescue", "switch_label", "when_clause", "php_tag", "package_clause")
# What a grammar takes for plain text although comments may stand there, and how they begin.
_UNPARSED = {"inline": "<!--", "pipe_table_cell": "<!--", "preproc_arg": "//"}
_PLAIN_STRING_PARTS = ("string_", "escape_", "interpreted_string_", "raw_string_")
_LONGEST_NAME = 60
_LINES_LOOKED_UP = 200
_COMMENTS_TRIMMED = 40
_BLOCK_COMMENT_REACH = 5000

_LINE_OPENER = re.compile(r"#+|//[/!]*|--+|;+|%+|\"")
_OPENER = re.compile(r"/\*[*!]*|\(\*+|\{-+|<!--+|--\[=*\[|=begin\b|#+|//[/!]*|--+|;+|%+|\"")
_CLOSERS = {"/*": "*/", "(*": "*)", "{-": "-}", "<!--": "-->", "--[": "]", "=begin": "=end"}
_WORD = re.compile(r"claude[ \t]*(?P<kind>[:?])", re.IGNORECASE)
# Without a tree, a comment behind code must stand apart from it; `"` opens one (in Vim script) only before all else.
_PLAIN = re.compile(
    r"(?:^[ \t]*(?P<first>#+|//+|--+|;+|%+|\")|(?:^|(?<=[ \t]))(?P<later>#+|//+|--+|;+|%+|/\*+|<!--+))"
    r"[ \t]*(?=claude[ \t]*[:?])",
    re.IGNORECASE,
)
_IN_TEXT = re.compile(r"(?:<!--+|//+)[ \t]*(?=claude[ \t]*[:?])", re.IGNORECASE)
_BREAK = re.compile(r"\r\n?|\n")


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
    """A comment that speaks to Claude: `text` without the markers, and whether it `asks` (`claude?`) or orders.

    `runs` says that it ended in `!`, which is not part of the text: it wants to be done without being chosen.

    `span` is the comment. `target` holds the whole lines that it is about: the statement it stands behind; the function
    whose body it opens; the sibling right below it; else the definition around it; else itself.
    """

    text: str
    asks: bool
    span: Span
    target: Span
    runs: bool = False


def enclosing_definition(tree: SyntaxTree, span: Span) -> Definition | None:
    """The innermost definition around `span`; a cursor anywhere on its first line counts as inside."""
    node = _enclosing(tree, span)
    return _definition(tree, node) if node else None


def top_level(tree: SyntaxTree, span: Span) -> bool:
    """Whether the definition around `span` stands in nothing but the file, a namespace or an `#ifdef`."""
    node = _enclosing(tree, span)
    if node is None:
        return False
    outer = _wrapped(tree, node).parent
    while outer is not None and outer.parent is not None:
        nouns = (tree.language.definitions.get(holder.type) for holder in (outer, outer.parent))
        conditional = outer.type.startswith(("preproc_", "linkage_")) or outer.parent.type.startswith("linkage_")
        if "namespace" not in nouns and outer.type not in tree.language.wrappers and not conditional:
            return False
        outer = outer.parent
    return True


def definitions_around(tree: SyntaxTree, span: Span) -> Iterator[Definition]:
    """All definitions around `span`, the innermost first."""
    node = _enclosing(tree, span)
    while node is not None:
        yield _definition(tree, node)
        node = next((outer for outer in _upwards(node.parent) if _is_definition(tree, outer)), None)


def has_body(tree: SyntaxTree, span: Span) -> bool:
    """Whether the definition around `span` does anything itself: an abstract method and a mere signature do not."""
    node = _enclosing(tree, span)
    if node is None:
        return False
    if _body(node) is not None or node.child_by_field_name("value") is not None:
        return True
    # Lua's `M.f = function() … end` has its function in a list.
    lists = (child for child in islice(_children(node), 4) if child.type == "expression_list")
    return any(_body(value) is not None for values in lists for value in islice(_children(values), 1))


def selected_code(tree: SyntaxTree, span: Span) -> Selection | None:
    """What is selected, if it is whole: blanks and comments at its rims do not count."""
    place = _without_comments(tree, span)
    if place.start == place.end or not tree.language.is_code:
        return None
    around = list(_upwards(tree.node_at(place)))
    same = [node for node in around if _tight(tree, node) == place]
    if any(_is_statement(tree, node) for node in same):
        return Selection("statements", place)
    if any(_is_expression(tree, node) for node in same):
        return Selection("expression", place)
    run = _run_in(tree, around[0], place) if around[0].type in tree.language.blocks else None
    if run and all(_is_statement(tree, node) for node in run) and _tight(tree, run[0]).start == place.start:
        end = _tight(tree, run[1]).end
        if end <= place.end and not tree.document.text[end : place.end].strip(" \t\r\n;"):
            return Selection("statements", place)
    return None


def whole_statements(tree: SyntaxTree, span: Span) -> Span:
    """`span` grown to the smallest run of sibling statements that covers it."""
    place = _probe(tree.document, span)
    grown = span
    for node in _upwards(tree.node_at(place)) if place.start != place.end else ():
        if node.type in tree.language.blocks or node.type in tree.language.members:
            run = _run_in(tree, node, place)
            if run:
                statements = Span(_tight(tree, run[0]).start, _tight(tree, run[1]).end)
                if statements.covers(place):
                    return statements
                grown = _around(statements, place)
    return grown


def has_code(tree: SyntaxTree, span: Span) -> bool:
    """Whether the lines of `span` hold anything but blanks."""
    return bool(tree.document.whole_lines(span).of(tree.document.text).strip())


def instruction_at(tree: SyntaxTree | None, document: Document, offset: int) -> Instruction | None:
    """The instruction comment that `offset` stands on, in whichever of its lines."""
    line = document.line_of(offset)
    comment = _block_comment(tree, document, line) or _line_comments(tree, document, line)
    if comment is None:
        return None
    text = _words(comment.of(document.text))
    match = _WORD.match(text)
    if match is None:
        return None
    target = document.whole_lines(_target(tree, document, comment))
    words = text[match.end() :].strip()
    runs = words.endswith("!")
    return Instruction(words.removesuffix("!").rstrip(), match["kind"] == "?", comment, target, runs)


def documentation_of(tree: SyntaxTree, definition: Definition) -> bool:
    """Whether `definition` has a docstring or a documentation comment right above it."""
    document, language = tree.document, tree.language
    if language.docstrings:
        for node in _upwards(tree.node_at(definition.span)):
            body = _body(node) if _is_definition(tree, node) else None
            if body is not None:
                first = next((child for child in islice(_children(body), 8) if not _is_comment(tree, child)), None)
                inner = first.named_child(0) if first and first.type == "expression_statement" else first
                return inner is not None and inner.type == "string"
        return False
    line = document.line_of(definition.whole.start) - 1
    if line < 0:
        return False
    place = _line(document, line)
    comment = _comment_at(tree, place.end - 1) if place.start != place.end else None
    if comment is None or comment.start > place.start:
        return False
    words = comment.of(document.text)
    return not _WORD.match(_words(words)) and words.startswith(language.documentation or "")


# Definitions


def _enclosing(tree: SyntaxTree, span: Span) -> Node | None:
    place = _probe(tree.document, span)
    if span.start == span.end or _comment_at(tree, place.start):
        by_layout = _by_layout(tree, span)
        if by_layout is not None:
            return by_layout
    if span.start == span.end and place.start != place.end and _comment_at(tree, place.start):
        # Behind the `def` line's code a comment may be nobody's child; the code is not.
        line = _line(tree.document, tree.document.line_of(place.start))
        place = Span(line.start, line.start + 1)
    for node in _upwards(tree.node_at(Span(place.start, min(place.start + 1, place.end)))):
        if node.type in tree.language.prefixes:
            found = _after_prefixes(tree, node)
            if found is not None and _definition(tree, found).whole.covers(place):
                return found
    return next((found for node in _upwards(tree.node_at(place)) if (found := _definition_in(tree, node))), None)


def _by_layout(tree: SyntaxTree, span: Span) -> Node | None:
    """The definition that a blank or comment line belongs to by its column, where the tree does not tell."""
    document = tree.document
    if not tree.language.by_layout:
        return None
    line = document.line_of(span.start)
    here = _line(document, line)
    if here.start != here.end:
        found = _comment_at(tree, here.start)
        if found is None or found.start != here.start:
            return None
        column = here.start - document.lines.starts[line]
    else:
        column = span.start - document.lines.starts[line]
    if column == 0:
        return None
    for above in range(line - 1, max(-1, line - _LINES_LOOKED_UP), -1):
        place = _line(document, above)
        if place.start == place.end or document.text.startswith(tree.language.comment, place.start):
            continue
        for node in _upwards(tree.node_at(Span(place.start, place.start + 1))):
            found_node = _definition_in(tree, node)
            if found_node is not None and _column(document, tree.offset(found_node.start_byte)) < column:
                return found_node
        return None
    return None


def _definition(tree: SyntaxTree, node: Node) -> Definition:
    outer = first = _wrapped(tree, node)
    while (sibling := first.prev_named_sibling) is not None and sibling.type in tree.language.prefixes:
        first = sibling
    end = outer
    if (sibling := outer.next_sibling) is not None and sibling.type == ";":
        end = sibling
    span = _tight(tree, node)
    whole = Span(_tight(tree, first).start, max(span.end, _tight(tree, end).end))
    noun = tree.language.definitions[node.type]
    if noun == "function" and any(child.type == "class" for child in islice(_children(node), 4)):
        noun = "class"
    if noun == "function" and _is_member(tree, node):
        noun = "method"
    return Definition(noun, _name(tree, node), span, whole)


def _is_definition(tree: SyntaxTree, node: Node) -> bool:
    if node.type not in tree.language.definitions:
        return False
    if node.type.endswith("_specifier") and node.child_by_field_name("name") is None:
        return False  # `typedef struct { … } point;`: the name is the typedef's.
    needed = tree.language.needs.get(node.type)
    return needed is None or any(
        child.type in needed
        or (child.type == "expression_list" and any(value.type in needed for value in islice(_children(child), 1)))
        for child in islice(_children(node), 4)
    )


def _definition_in(tree: SyntaxTree, node: Node) -> Node | None:
    """`node` if it is a definition, or the only one that it wraps: a decorator belongs to what it decorates."""
    if _is_definition(tree, node):
        return node
    if node.type not in tree.language.wrappers:
        return None
    found = [inner for child in _children(node) if (inner := _definition_in(tree, child))]
    return found[0] if len(found) == 1 else None


def _wrapped(tree: SyntaxTree, node: Node) -> Node:
    """`node` with `export`, `const` and the like around it, but for those that hold other definitions as well."""
    outer = node
    while (parent := outer.parent) is not None and _definition_in(tree, parent) == node:
        outer = parent
    return outer


def _after_prefixes(tree: SyntaxTree, node: Node) -> Node | None:
    """The definition that a row of attributes or decorators stands before."""
    following = node.next_named_sibling
    while following is not None and (following.type in tree.language.prefixes or _is_comment(tree, following)):
        following = following.next_named_sibling
    return _definition_in(tree, following) if following else None


def _is_member(tree: SyntaxTree, node: Node) -> bool:
    holder = next((outer for outer in _upwards(node.parent) if _is_definition(tree, outer)), None)
    return holder is not None and tree.language.definitions[holder.type] in _TYPES


def _body(node: Node) -> Node | None:
    value = node.child_by_field_name("value") or node.child_by_field_name("right") or node
    return value.child_by_field_name("body")


def _name(tree: SyntaxTree, node: Node) -> str:
    """What a person calls it: the last plain name of its declarator."""
    if tree.language.names:
        found = _first_named(node, tree.language.names)
    else:
        found = node.child_by_field_name("name") or node.child_by_field_name("key") or node.child_by_field_name("type")
    if node.type == "impl_item" and found is not None:
        trait = node.child_by_field_name("trait")
        return f"{tree.text(trait)} for {tree.text(found)}" if trait else tree.text(found)
    declarator = node.child_by_field_name("declarator")
    while declarator is not None:
        found = declarator
        declarator = found.child_by_field_name("declarator")
        if declarator is None and found.type in ("reference_declarator", "parenthesized_declarator"):
            declarator = found.named_child(0)
    if found is None and node.named_child_count:
        found = node.named_child(0)
        if found.type in ("start_tag", "self_closing_tag") and found.named_child_count:
            found = found.named_child(0)
        elif node.type == "section":
            found = found.child_by_field_name("heading_content")
        elif found.type in tree.language.blocks | tree.language.members:
            found = None
    words = " ".join(tree.text(found).split()) if found else ""
    return words.strip("\"'") if len(words) <= _LONGEST_NAME else ""


def _first_named(node: Node, types: frozenset[str], steps: int = 4) -> Node | None:
    """The first node of one of `types` that is not far inside of `node`."""
    for child in islice(_children(node), 6) if steps else ():
        found = child if child.type in types else _first_named(child, types, steps - 1)
        if found is not None:
            return found
    return None


# Statements and expressions


def _is_statement(tree: SyntaxTree, node: Node) -> bool:
    parent = node.parent
    return (
        parent is not None
        and node.is_named
        and parent.type in tree.language.blocks
        and (node.type not in tree.language.blocks or node.type in _BARE_BLOCKS)
        and not node.type.endswith(("_pattern", *_CLAUSES))
        and all(parent.child_by_field_name(head) != node for head in _HEADS)
        # The condition of Bash's `elif` is nobody's field.
        and not (parent.type == "elif_clause" and parent.named_child(0) == node)
        and not _is_comment(tree, node)
    )


def _is_expression(tree: SyntaxTree, node: Node) -> bool:
    listed = node.type in tree.language.expressions
    if node.type in _NO_VALUE or not (listed or node.type.endswith(("_expression", "_operator"))):
        return False
    if node.named_child_count == 0 and not listed:
        return False
    if "string" in node.type and all(part.type.startswith(_PLAIN_STRING_PARTS) for part in _children(node)):
        return False
    holder = node.parent.type if node.parent else ""
    return holder not in ("type", "type_annotation", "preproc_if", "preproc_elif") and not _is_assigned(node)


def _is_assigned(node: Node) -> bool:
    """Whether `node` names a place that something is put into, not a value: `a.b` in `a.b, c = 1, 2` and `a.b++`."""
    parent = node.parent
    while parent is not None and parent.type in _GROUPING:
        node, parent = parent, parent.parent
    if parent is None:
        return False
    kind = parent.type
    if kind in _ASSIGNING:
        return True
    if kind.endswith("unary_expression"):
        return any(child.type in ("++", "--", "delete") for child in parent.children)
    if kind == "for":
        return parent.child_by_field_name("pattern") == node
    if "assignment" in kind or kind.startswith("for") or kind == "range_clause":
        # PHP's `foreach` gives its parts no names.
        unnamed = kind == "foreach_statement" and parent.child_by_field_name("right") is None
        return parent.named_child(1) == node if unnamed else parent.child_by_field_name("left") == node
    return False


def _run_in(tree: SyntaxTree, block: Node, span: Span) -> tuple[Node, Node] | None:
    """The first and the last child of `block` that `span` touches."""
    first = _child_from(block, tree.byte(span.start))
    if first is None or tree.offset(first.start_byte) >= span.end:
        return None
    last = _child_from(block, tree.byte(span.end) - 1) or block.named_child(block.named_child_count - 1)
    while last != first and tree.offset(last.start_byte) >= span.end and (before := last.prev_named_sibling):
        last = before
    return first, last


# Instruction comments


def _block_comment(tree: SyntaxTree | None, document: Document, line: int) -> Span | None:
    """The comment on `line` that is no row of line comments: it stands behind code, or has an end of its own."""
    span = document.line_span(line)
    here = _trimmed(document.text, span)
    if here.start == here.end:
        return None
    if tree is None:
        return _plain_comment(document, line)
    named = (span.start + match.start() for match in _WORD.finditer(span.of(document.text)))
    places = (here.start, here.end - 1, *named)
    for place in places:
        found = _comment_at(tree, place)
        if found is not None and (found.start != here.start or not _is_line_comment(document, found)):
            return found
    return _comment_in_text(tree, span)


def _comment_in_text(tree: SyntaxTree, line: Span) -> Span | None:
    """The comment in what the grammar takes for plain text: a paragraph of Markdown, the value of a macro in C."""
    text = tree.document.text
    for match in _IN_TEXT.finditer(text, line.start, line.end):
        node = tree.node_at(Span(match.start(), match.start() + 1))
        before = text[line.start : match.start()]
        opener = _UNPARSED.get(node.type)
        if opener is None or not match[0].startswith(opener) or before.count("`") % 2 or before.count('"') % 2:
            continue
        closer = _closer(opener)
        if closer is None:
            return Span(match.start(), match.start() + len(text[match.start() : line.end].rstrip()))
        end = text.find(closer, match.end(), tree.offset(node.end_byte))
        if end >= 0:
            return Span(match.start(), end + len(closer))
    return None


def _plain_comment(document: Document, line: int) -> Span | None:
    """Without a tree: a comment behind code, or a block comment around `line`."""
    text, span = document.text, document.line_span(line)
    words = span.of(text)
    match = _PLAIN.search(words)
    if match is not None:
        opener = match["first"] or match["later"]
        start = span.start + match.start("first" if match["first"] else "later")
        closer = _closer(opener)
        if closer is not None:
            end = text.find(closer, start, start + _BLOCK_COMMENT_REACH)
            return Span(start, end + len(closer)) if end >= 0 else None
        return Span(start, span.start + len(words.rstrip())) if text[span.start : start].strip() else None
    for opener in ("/*", "<!--"):
        closer = _CLOSERS[opener]
        start = text.rfind(opener, max(0, span.start - _BLOCK_COMMENT_REACH), span.end)
        end = text.find(closer, start, start + _BLOCK_COMMENT_REACH) if start >= 0 else -1
        if end >= span.start:
            return Span(start, end + len(closer))
    return None


def _line_comments(tree: SyntaxTree | None, document: Document, line: int) -> Span | None:
    """The row of line comments around `line` that begins with an instruction: one column, no gap, no second one."""
    own = _own_line(document, line)
    if own is None:
        return None
    column, marker = own
    head = line
    # Upwards by the look of the lines only: most comments are no instructions, and some are very long.
    while not _speaks(document, head):
        head -= 1
        if head < 0 or line - head > _LINES_LOOKED_UP or _own_line(document, head) != (column, marker):
            return None
    last = head
    while last == head or (_own_line(document, last) == (column, marker) and not _speaks(document, last)):
        start = _line(document, last).start
        found = _comment_at(tree, start) if tree else Span(start, start)
        if found is None or found.start != start:
            break
        last += 1
        if last == len(document.lines.starts):
            break
    if not head <= line < last:
        return None
    return Span(_line(document, head).start, _line(document, last - 1).end)


def _own_line(document: Document, line: int) -> tuple[int, str] | None:
    """Column and marker of what looks like a line comment with a line to itself."""
    if line >= len(document.lines.starts):
        return None
    here = _line(document, line)
    match = _LINE_OPENER.match(document.text, here.start, here.end)
    return (_column(document, here.start), match[0]) if match else None


def _speaks(document: Document, line: int) -> bool:
    here = _line(document, line)
    match = _LINE_OPENER.match(document.text, here.start, here.end)
    return match is not None and _WORD.match(document.text[match.end() : here.end].lstrip()) is not None


def _is_line_comment(document: Document, comment: Span) -> bool:
    match = _OPENER.match(comment.of(document.text))
    return match is not None and _closer(match[0]) is None


def _closer(opener: str) -> str | None:
    """What ends a comment that `opener` begins; None for one that the line ends."""
    return next((end for begin, end in _CLOSERS.items() if opener.startswith(begin)), None)


def _words(comment: str) -> str:
    """What a comment says, without what makes it one."""
    match = _OPENER.match(comment)
    if match is None:
        return ""
    closer = _closer(match[0])
    if closer is None:
        lines = [line.strip() for line in _BREAK.split(comment)]
        return "\n".join(_LINE_OPENER.sub("", line, count=1).removeprefix(" ") for line in lines).strip()
    end = comment.rfind(closer, match.end())
    inner = comment[match.end() : end if end >= 0 else len(comment)]
    # `**/` and `]==]` end comments as well.
    first, *others = _BREAK.split(inner.rstrip(" \t").rstrip({"*/": "*", "]": "=]"}.get(closer, "")))
    if match[0].startswith("/*") and all(re.match(r"\s*(\*|$)", other) for other in others):
        others = [re.sub(r"^\s*\*? ?", "", other) for other in others]
    return "\n".join((first.strip(), *dedent("\n".join(others)).split("\n"))).strip()


def _target(tree: SyntaxTree | None, document: Document, comment: Span) -> Span:
    """What an instruction is about: see `Instruction`."""
    code = Span(min(_line(document, document.line_of(comment.start)).start, comment.start), comment.start)
    if code.start != code.end:
        return _around(whole_statements(tree, code) if tree else code, comment)
    if tree is None:
        return _next_paragraph(document, comment)
    inside = _enclosing(tree, comment)
    definition = _definition(tree, inside) if inside else None
    if inside and definition and definition.noun in _FUNCTIONS and _opens_body(tree, inside, comment):
        return _around(definition.whole, comment)
    end = _end_of_next(tree, comment)
    if end is not None:
        return Span(comment.start, end)
    return _around(definition.whole, comment) if definition else comment


def _opens_body(tree: SyntaxTree, function: Node, comment: Span) -> bool:
    """Whether `comment` is the first thing in the body of `function`, or all of it."""
    body = _body(function)
    if body is None:
        return True
    start = tree.offset(body.start_byte)
    above = tree.document.text[start : comment.start].strip()
    return start >= comment.start or above in ("", "{") or body.child_count == 0


def _end_of_next(tree: SyntaxTree, comment: Span) -> int | None:
    """Where the sibling below `comment` ends; a blank line may stand between, and other comments."""
    document, language = tree.document, tree.language
    reached = comment
    while True:
        rest = document.text[reached.end : reached.end + 1000]
        start = reached.end + len(rest) - len(rest.lstrip())
        if start >= len(document.text) or document.line_of(start) - document.line_of(reached.end) > 2:
            return None
        found = _comment_at(tree, start)
        if found is None:
            break
        reached = found
    leaf = tree.node_at(Span(start, start + 1))
    chain = [node for node in _upwards(leaf) if tree.offset(node.start_byte) == start]
    if not chain:
        return None
    parent = chain[-1].parent
    indent = _column(document, start) - _column(document, comment.start)
    # What stands further left is another block's, whatever the tree says: C gives the end of a `case` to the `switch`.
    if indent < 0:
        return None
    if language.by_layout:
        if indent:
            return None
    elif parent is None or parent != _comment_node(tree, comment.start).parent:
        return None
    following = next(
        (node for node in reversed(chain) if _definition_in(tree, node) or node.type not in language.blocks), chain[-1]
    )
    if following.is_error:
        return document.line_span(document.line_of(start)).end
    while following.type in language.prefixes and (sibling := following.next_named_sibling) is not None:
        following = sibling
    return _tight(tree, following).end


def _next_paragraph(document: Document, comment: Span) -> Span:
    """Without a grammar: the comment and the lines below it, up to the next blank one."""
    last = document.line_of(comment.end)
    while last + 1 < len(document.lines.starts) and document.line_span(last + 1).of(document.text).strip():
        last += 1
    return Span(comment.start, max(comment.end, document.line_span(last).end))


def _comment_at(tree: SyntaxTree, offset: int) -> Span | None:
    """The comment that holds the character at `offset`, without the line break that some grammars end it with."""
    node = next((node for node in _upwards(tree.node_at(Span(offset, offset + 1))) if _is_comment(tree, node)), None)
    return _tight(tree, node) if node else None


def _comment_node(tree: SyntaxTree, offset: int) -> Node:
    leaf = tree.node_at(Span(offset, offset + 1))
    return next((node for node in _upwards(leaf) if _is_comment(tree, node)), leaf)


def _is_comment(tree: SyntaxTree, node: Node) -> bool:
    if node.type == "html_block":
        return tree.text(node).lstrip().startswith("<!--")
    if node.parent is not None and node.parent.type in ("quoted_attribute_value", "start_tag", "self_closing_tag"):
        return False  # HTML has no comments inside of a tag, but its grammar has.
    return node.type in _COMMENTS


# Places


def _upwards(node: Node | None) -> Iterator[Node]:
    while node is not None:
        yield node
        node = node.parent


def _children(node: Node) -> Iterator[Node]:
    """The named children one by one: asking a long list for its first costs as little as asking a short one."""
    child = node.named_child(0) if node.named_child_count else None
    while child is not None:
        yield child
        child = child.next_named_sibling


def _child_from(block: Node, byte: int) -> Node | None:
    """The first named child of `block` that ends behind `byte`.

    py-tree-sitter 0.26.1 has `first_named_child_for_byte` for this, but where there is no such child that returns a
    null node instead of None, and the process dies as soon as somebody looks at it. Cursors do not have this bug.
    """
    cursor = block.walk()
    if cursor.goto_first_child_for_byte(byte) is None:
        return None
    while (node := cursor.node) is not None and not node.is_named:
        if not cursor.goto_next_sibling():
            return None
    return node


def _tight(tree: SyntaxTree, node: Node) -> Span:
    """Where `node` stands without the blanks that some grammars count to it."""
    return _trimmed(tree.document.text, tree.span(node))


def _line(document: Document, line: int) -> Span:
    """What stands on `line`, without the blanks at its rims; a byte order mark counts as one."""
    span = document.line_span(line)
    marked = line == 0 and document.text.startswith("\ufeff")
    return _trimmed(document.text, Span(span.start + marked, span.end))


def _column(document: Document, offset: int) -> int:
    line = document.line_of(offset)
    marked = line == 0 and document.text.startswith("\ufeff")
    return offset - document.lines.starts[line] - marked


def _around(span: Span, other: Span) -> Span:
    return Span(min(span.start, other.start), max(span.end, other.end))


def _without_comments(tree: SyntaxTree, span: Span) -> Span:
    """`span` without the blanks and the comments at its rims."""
    text = tree.document.text
    place = _trimmed(text, span)
    # Few comments stand at a rim. Where more do, the selection is looked at as it is, which is slow for nobody.
    for _ in range(_COMMENTS_TRIMMED):
        found = _comment_at(tree, place.start) if place.start != place.end else None
        if found is None:
            break
        place = _trimmed(text, Span(min(found.end, place.end), place.end))
    for _ in range(_COMMENTS_TRIMMED):
        found = _comment_at(tree, place.end - 1) if place.start != place.end else None
        if found is None:
            break
        place = _trimmed(text, Span(place.start, max(found.start, place.start)))
    return place


def _probe(document: Document, span: Span) -> Span:
    """`span` without blanks; for a cursor the one character that it most plainly stands on."""
    trimmed = _trimmed(document.text, span)
    if trimmed.start != trimmed.end:
        return trimmed
    line = _line(document, document.line_of(span.start))
    if line.start == line.end:
        return Span(span.start, span.start)
    at = max(line.start, min(span.start, line.end - 1))
    return Span(at, at + 1)


def _trimmed(text: str, span: Span) -> Span:
    if span.start < span.end <= len(text) and not text[span.start].isspace() and not text[span.end - 1].isspace():
        return span
    words = span.of(text)
    start = span.start + len(words) - len(words.lstrip())
    return Span(start, start + len(words.strip()))
