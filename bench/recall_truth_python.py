"""What the functions of a Python project refer to, as jedi resolves it: run by an interpreter that has jedi.

`python recall_truth_python.py ROOT` prints a JSON list of functions with their items. Every name in a function is asked
for by `goto`. Annotations are asked for once more from the end of the module, unquoted, since jedi resolves them where
they stand: neither names that are defined further down nor those in quotes would be found there.
"""

from __future__ import annotations

import ast
import io
import json
import keyword
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jedi

FEWEST_LINES = 3
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(node: ast.AST) -> Iterator[Function]:
    """Those that stand in no other function, without overloads, which nobody would edit for their body."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, Function):
            yield from functions(child)
        elif not any(ast.unparse(decorator).endswith("overload") for decorator in child.decorator_list):
            yield child


def first_line(function: Function) -> int:
    return min(node.lineno for node in (function, *function.decorator_list))


def types(function: Function) -> Iterator[str]:
    """The types that are written in a function, on one line each, without quotes."""
    for node in ast.walk(function):
        written: ast.expr | None = None
        if isinstance(node, ast.arg | ast.AnnAssign):
            written = node.annotation
        elif isinstance(node, Function):
            written = node.returns
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("cast") and node.args:
            written = node.args[0]
        if written:
            yield unquoted(written)


def unquoted(written: ast.expr) -> str:
    class Unquote(ast.NodeTransformer):
        def visit_Constant(self, node: ast.Constant) -> ast.expr:
            try:
                return ast.parse(node.value, mode="eval").body if isinstance(node.value, str) else node
            except SyntaxError:
                return node

        def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
            return node if ast.unparse(node.value).endswith("Literal") else self.generic_visit(node)

    return ast.unparse(Unquote().visit(written))


def names(source: str) -> Iterator[tuple[int, int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME and not keyword.iskeyword(token.string):
            yield *token.start, token.string


def items(script: jedi.Script, line: int, column: int, root: Path) -> Iterator[tuple[str, int, str]]:
    for found in script.goto(line, column, follow_imports=True, follow_builtin_imports=False):
        path = found.module_path
        if path is None or found.line is None or not path.is_relative_to(root):
            continue
        kept = found.type in ("function", "class", "property")
        if kept or (found.type == "statement" and found.parent().type in ("module", "class")):
            yield path.relative_to(root).as_posix(), found.line, found.name


def truth(root: Path, path: Path) -> Iterator[dict[str, Any]]:
    source = path.read_text()
    module = path.relative_to(root).as_posix()
    drawn = list(functions(ast.parse(source)))
    end = source.count("\n") + 1
    last = end
    written: dict[int, list[int]] = {}
    """The lines behind the module's end that hold the types of the function that starts at a line."""
    behind: list[str] = []
    for function in drawn:
        added = list(types(function))
        written[function.lineno] = list(range(last + 1, last + 1 + len(added)))
        behind += added
        last += len(added)
    longer = source + "\n" + "\n".join(behind) + "\n"
    project = jedi.Project(root)
    script = jedi.Script(longer, path=path, project=project)
    at: dict[int, list[tuple[int, str]]] = {}
    for line, column, name in names(longer):
        at.setdefault(line, []).append((column, name))
    for function in drawn:
        first, final = first_line(function), function.end_lineno or function.lineno
        if final - first + 1 < FEWEST_LINES:
            continue
        found: set[tuple[str, int, str]] = set()
        identifiers: set[str] = set()
        for line in (*range(first, final + 1), *written[function.lineno]):
            for column, name in at.get(line, ()):
                identifiers.add(name)
                found.update(items(script, line, column, root))
        yield {
            "path": module,
            "name": function.name,
            "first": first,
            "last": final,
            "identifiers": sorted(identifiers),
            "items": sorted(item for item in found if item[0] != module or not first <= item[1] <= final),
        }


def main() -> None:
    root = Path(sys.argv[1]).resolve()
    found = [function for path in sorted(root.rglob("*.py")) for function in truth(root, path)]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
