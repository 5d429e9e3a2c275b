"""Languages whose grammar is not ours to bring: used where it is installed, and no trouble where it is not."""

from __future__ import annotations

import pytest

from claude_ls.syntax import outline
from claude_ls.syntax.languages import LANGUAGES, Language
from claude_ls.syntax.more_languages import MORE_LANGUAGES, candidates
from claude_ls.syntax.tree import SyntaxTree, missing_grammars, more_grammars, parse, parser_of
from claude_ls.text.document import Document
from claude_ls.text.patch import Span


def parsed(language_id: str, text: str) -> SyntaxTree:
    (row,) = (row for row in MORE_LANGUAGES if language_id in row.ids)
    if parser_of(row) is None:
        pytest.skip(f"{row.package} is not installed")
    tree = parse(Document.opened("file:///x", language_id, 1, text))
    assert tree is not None and tree.language is row
    return tree


@pytest.mark.parametrize(
    ("language_id", "uri", "names"),
    [
        ("kotlin", "file:///a.kt", ["Kotlin", "Kotlin"]),
        ("", "file:///a.kt", ["Kotlin"]),
        # A header is Objective-C where the editor says so and the grammar is there, and else C.
        ("objective-c", "file:///a.h", ["Objective-C", "C"]),
        ("python", "file:///a.py", ["Python"]),
        ("plaintext", "file:///a.txt", []),
    ],
)
def test_candidates(language_id: str, uri: str, names: list[str]) -> None:
    assert [row.name for row in candidates(language_id, uri)] == names


def test_no_id_and_no_ending_belongs_to_two_languages() -> None:
    rows = (*LANGUAGES, *MORE_LANGUAGES)
    for keys in ([key for row in rows for key in row.ids], [key for row in rows for key in row.suffixes]):
        assert len(keys) == len(set(keys))


def test_nobody_misses_them() -> None:
    assert missing_grammars() == []
    assert set(more_grammars()) <= {row.name for row in MORE_LANGUAGES}


def test_a_document_whose_grammar_is_missing_has_no_tree() -> None:
    for row in MORE_LANGUAGES:
        tree = parse(Document.opened("file:///x", row.ids[0], 1, ""))
        assert (tree is None) == (parser_of(row) is None)


@pytest.mark.parametrize("row", MORE_LANGUAGES, ids=lambda row: row.name)
def test_every_node_type_of_a_row_is_one_of_its_grammar(row: Language) -> None:
    grammar = parsed(row.ids[0], "").tree.language
    known = {grammar.node_kind_for_id(number) for number in range(grammar.node_kind_count)}
    named = set(row.definitions) | row.blocks | row.members | row.expressions | set(row.needs)
    assert (named | frozenset().union(*row.needs.values())) - known == set()


DEFINITIONS = [
    ("kotlin", "class A {\n    fun f(a: Int): Int {\n        return ¦a\n    }\n}\n", "method f"),
    ("kotlin", "object O {\n    val x = ¦1\n}\n", "object O"),
    ("swift", "class A {\n    func f(_ a: Int) -> Int {\n        return ¦a\n    }\n}\n", "method f"),
    ("swift", "protocol P {\n    var x: Int { ¦get }\n}\n", "protocol P"),
    ("scala", "class A(x: Int) {\n  def f(a: Int): Int = {\n    a + ¦1\n  }\n}\n", "method f"),
    ("scala", "object O {\n  val g = ¦2\n}\n", "object O"),
    ("groovy", "class A {\n  int f(int a) {\n    return ¦a\n  }\n}\n", "method f"),
    ("dart", "class A {\n  int y = ¦1;\n}\n", "class A"),
    ("objective-c", "@implementation A\n- (int)f:(int)a {\n  return ¦a;\n}\n@end\n", "method f"),
    ("objective-c", "int top(int a) { return ¦a; }\n", "function top"),
    ("zig", "pub fn f(a: i32) i32 {\n    return ¦a;\n}\n", "function f"),
    ("zig", "const S = struct {\n    x: ¦i32,\n};\n", "struct S"),
    ("haskell", "module A where\n\nf :: Int -> Int\nf a = a + ¦1\n", "function f"),
    ("haskell", "data T = X | ¦Y\n", "type T"),
    ("ocaml", "let f a =\n  a + ¦1\n", "function f"),
    ("ocaml", "module M = struct\n  let g x = ¦x\nend\n", "function g"),
    ("julia", "function f(a)\n    a + ¦1\nend\n", "function f"),
    ("julia", "module M\nstruct S\n    x::¦Int\nend\nend\n", "struct S"),
    ("elixir", "defmodule A do\n  def f(a), do: ¦a\nend\n", None),
    ("powershell", "function Get-A($a) {\n  return ¦$a\n}\n", "function Get-A"),
    ("sql", "CREATE TABLE a (\n  id ¦INT\n);\n", "table a"),
    ("terraform", 'resource "a" "b" {\n  x = ¦1\n}\n', "block resource"),
    ("nix", "{ x = ¦1; }\n", "binding x"),
    ("makefile", "all: a\n\tcc ¦a\n", "rule all"),
]


@pytest.mark.parametrize(("language_id", "marked", "expected"), DEFINITIONS)
def test_enclosing_definition(language_id: str, marked: str, expected: str | None) -> None:
    at = marked.index("¦")
    tree = parsed(language_id, marked.replace("¦", ""))
    found = outline.enclosing_definition(tree, Span(at, at))
    assert (f"{found.noun} {found.name}" if found else None) == expected


def test_every_language_is_asked_for_a_definition() -> None:
    asked = {language_id for language_id, _, _ in DEFINITIONS}
    assert [row.name for row in MORE_LANGUAGES if not asked.intersection(row.ids)] == []


@pytest.mark.parametrize("row", MORE_LANGUAGES, ids=lambda row: row.name)
def test_an_instruction_in_a_comment(row: Language) -> None:
    closer = {"(*": " *)"}.get(row.comment, "")
    tree = parsed(row.ids[0], f"{row.comment} claude: make it shorter{closer}\n")
    found = outline.instruction_at(tree, tree.document, 8)
    assert found is not None and found.text == "make it shorter"


@pytest.mark.parametrize(
    ("language_id", "comment"),
    [
        ("kotlin", "/* claude: go */"),
        ("swift", "/* claude: go */"),
        ("scala", "/* claude: go */"),
        ("dart", "/// claude: go"),
        ("haskell", "{- claude: go -}"),
        ("ocaml", "(** claude: go *)"),
        ("sql", "/* claude: go */"),
    ],
)
def test_other_comments(language_id: str, comment: str) -> None:
    tree = parsed(language_id, comment + "\n")
    found = outline.instruction_at(tree, tree.document, 8)
    assert found is not None and found.text == "go"
