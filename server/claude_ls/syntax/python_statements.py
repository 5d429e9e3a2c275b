"""Finds what a Python file defines by looking at its statements, one after the other, which takes half as long as the
query: that looks at every node.

What is found is what `queries/python.scm` finds, which says it in fewer words. The query is for files with errors too,
where a definition can be anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tree_sitter import Language as Grammar
    from tree_sitter import Node

_OWN = (
    *("function_definition", "class_definition", "decorated_definition", "block"),
    *("expression_statement", "type_alias_statement"),
)
_IMPORTS = ("import_statement", "import_from_statement")
_PLAIN = ("if_statement", "try_statement", "with_statement", "for_statement", "while_statement")
"""Statements with a block; where such a one stands at the top, what is set in its block are variables of the file."""
_HOLDING = ("elif_clause", "else_clause", "except_clause", "finally_clause", "match_statement", "case_clause")
"""Others that hold statements."""
_BASES = ("identifier", "attribute", "subscript")
Definition = tuple[str, "Node", "Node", "Node", "Node | None"]
"""What a definition is, the node of its name, its own, that with what belongs to it around, and its body."""
Variables = Literal["none", "single", "all"]
"""Which variables are looked for: those that are set together with others count where they stand at the top."""


@dataclass(slots=True)
class Statements:
    """The definitions up to `depth` below the root, what classes inherit from, and the statements that import."""

    grammar: Grammar
    source: bytes
    depth: int
    definitions: list[Definition] = field(default_factory=list)
    bases: list[Node] = field(default_factory=list)
    imports: list[Node] = field(default_factory=list)

    def look_through(self, root: Node) -> None:
        self._look(root, 1, "all")

    def _look(self, parent: Node, depth: int, variables: Variables) -> None:
        """`depth` is that of what is in `parent`."""
        kinds = _kinds(self.grammar)
        for node in parent.children:
            kind = kinds.get(node.kind_id)
            if kind is None:
                continue
            if kind == "expression_statement":
                if variables != "none":
                    self._variable(node, variables)
            elif depth > self.depth:
                continue
            elif kind == "function_definition":
                self._function(node, node, depth)
            elif kind == "class_definition":
                self._class(node, node, depth)
            elif kind == "import":
                self.imports.append(node)
            elif kind == "decorated_definition":
                inner = node.child_by_field_name("definition")
                if inner is not None and depth < self.depth:
                    (self._class if inner.type == "class_definition" else self._function)(inner, node, depth + 1)
            elif kind == "block":
                self._look(node, depth + 1, variables)
            elif kind == "type_alias_statement":
                if variables == "all" and (alias := node.child_by_field_name("left")) is not None:
                    names = [child for child in alias.children if child.type == "identifier"]
                    self.definitions += [("variable", name, node, node, None) for name in names]
            else:
                self._look(node, depth + 1, "single" if kind == "plain" and depth == 1 else "none")

    def _class(self, node: Node, outer: Node, depth: int) -> None:
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is None or body is None:
            return
        self.definitions.append(("class", name, node, outer, body))
        if (above := node.child_by_field_name("superclasses")) is not None:
            self.bases += [child for child in above.children if child.type in _BASES]
        self._look(body, depth + 2, "single")

    def _function(self, node: Node, outer: Node, depth: int) -> None:
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is None or body is None:
            return
        self.definitions.append(("function", name, node, outer, body))
        if depth + 2 <= self.depth:
            source, start, end = self.source, body.start_byte, body.end_byte
            # To look for these words is quicker than to look at each statement.
            if (
                source.find(b"import ", start, end) >= 0
                or source.find(b"def ", start, end) >= 0
                or source.find(b"class ", start, end) >= 0
            ):
                self._look(body, depth + 2, "none")

    def _variable(self, statement: Node, variables: Variables) -> None:
        """A statement may set a variable, or several at once."""
        assignment = statement.child(0)
        if assignment is None or assignment.type != "assignment":
            return
        target = assignment.child_by_field_name("left")
        if target is None:
            return
        if target.type == "identifier":
            self.definitions.append(("variable", target, statement, statement, None))
        elif target.type == "pattern_list" and variables == "all":
            names = [child for child in target.children if child.type == "identifier"]
            self.definitions += [("variable", name, statement, statement, None) for name in names]


@cache
def _kinds(grammar: Grammar) -> Mapping[int, str]:
    """By the number of a kind of node, what it is here: nodes say their number sooner than their name."""
    own = {name: name for name in _OWN} | dict.fromkeys(_IMPORTS, "import")
    own |= dict.fromkeys(_PLAIN, "plain") | dict.fromkeys(_HOLDING, "holding")
    names = ((number, grammar.node_kind_for_id(number) or "") for number in range(grammar.node_kind_count))
    return {number: own[name] for number, name in names if name in own and grammar.node_kind_is_named(number)}
