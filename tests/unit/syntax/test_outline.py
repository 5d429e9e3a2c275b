"""What encloses a place and what is selected. `¦` is the cursor, or the two rims of a selection."""

import pytest

from claude_ls.syntax import outline
from claude_ls.syntax.tree import SyntaxTree, parse
from claude_ls.text.document import Document
from claude_ls.text.patch import Span


def marked(language_id: str, text: str) -> tuple[SyntaxTree, Span]:
    first, *_ = parts = text.split("¦")
    start = len(first)
    end = start + (len(parts[1]) if len(parts) == 3 else 0)
    tree = parse(Document.opened("file:///x", language_id, 1, "".join(parts)))
    assert tree is not None
    return tree, Span(start, end)


DEFINITIONS = [
    ("python", "def f(a):\n    retu¦rn 1\n", "function f"),
    ("python", "class A:\n    def f(self):\n        retur¦n 1\n", "method f"),
    ("python", "class A:\n    x = 1¦\n", "class A"),
    ("python", "class A:\n¦    def f(self):\n        return 1\n", "method f"),
    ("python", "@cache\n@¦other\ndef f():\n    pass\n", "function f"),
    ("python", "async def f():  # no¦te\n    pass\n", "function f"),
    ("python", "def f():\n    x = 1\n    ¦\n\ny = 2\n", "function f"),
    ("python", "def f():\n    x = 1\n\n¦\n\ny = 2\n", None),
    ("python", "def f():\n    def g():\n        pass\n    # of ¦f\n", "function f"),
    ("python", "x = ¦1\n", None),
    ("python", "¦", None),
    ("python", "def f():\n    x = (1 +\n    y = ¦2\n", "function f"),
    ("javascript", "function f() { ret¦urn 1 }\n", "function f"),
    ("javascript", "export const¦ f = () => 1;\n", "function f"),
    ("javascript", "const C = class { ¦x = 1 };\n", "class C"),
    ("javascript", "const a = ¦1;\n", None),
    ("javascript", "module.exports.f = function () { ¦ };\n", "function module.exports.f"),
    ("javascript", "const o = { f: () => ¦1 };\n", "function f"),
    ("typescript", "class A { g = () => { ¦h(); }; }\n", "method g"),
    ("typescript", "export default interface A { a:¦ number }\n", "interface A"),
    ("typescript", "namespace N { func¦tion f() {} }\n", "function f"),
    ("typescript", "class A {\n  @d¦ec()\n  f(): void {}\n}\n", "method f"),
    ("typescriptreact", "const A = () => <div>{¦x}</div>;\n", "function A"),
    ("go", "package a\nfunc (s *S) f() {\n\t¦g()\n}\n", "method f"),
    ("go", "package a\ntype (\n\tA struct{}\n\tB i¦nt\n)\n", "type B"),
    ("go", "package a\nty¦pe A struct{}\n", "type A"),
    ("rust", "impl A {\n  #[te¦st]\n  fn f() {}\n}\n", "method f"),
    ("rust", "impl T for A { ¦ }\n", "implementation T for A"),
    ("java", "class A {\n  int f() {\n    return ¦1;\n  }\n}\n", "method f"),
    ("java", "record R(int a) { R { ¦ } }\n", "constructor R"),
    ("c", "static char *f(int a) {\n  return ¦0;\n}\n", "function f"),
    ("c", "struct p ¦x;\n", None),
    ("c", "typedef struct { int ¦y; } q;\n", "type q"),
    ("cpp", "int& A::f() {\n  return ¦x;\n}\n", "function A::f"),
    ("cpp", "template <class¦ T>\nclass A {};\n", "class A"),
    ("cpp", "class A { ~A() { ¦ } };\n", "method ~A"),
    ("csharp", "namespace N { class A { int F() { return ¦1; } } }\n", "method F"),
    ("ruby", "class A\n  def f\n    1¦\n  end\nend\n", "method f"),
    ("php", "<?php\nclass A { function f() { return ¦1; } }\n", "method f"),
    ("shellscript", "f() {\n  echo ¦a\n}\n", "function f"),
    ("lua", "local function f()\n  return ¦1\nend\n", "function f"),
    ("lua", "M.g = function(x) return ¦x end\n", "function M.g"),
    ("json", '{"a": {"b": ¦1}}\n', "entry b"),
    ("yaml", "a:\n  b: ¦1\n", "entry b"),
    ("toml", "[a.b]\nx = ¦1\n", "entry x"),
    ("toml", "[a¦.b]\nx = 1\n", "table a.b"),
    ("html", "<div>\n  <p>¦x</p>\n</div>\n", "element p"),
    ("css", ".a, .b { color: ¦red; }\n", "rule .a, .b"),
    ("markdown", "# A\n\n## B c\n\nte¦xt\n", "section B c"),
    ("markdown", "te¦xt without a heading\n", None),
]


@pytest.mark.parametrize(("language_id", "text", "expected"), DEFINITIONS)
def test_enclosing_definition(language_id: str, text: str, expected: str | None) -> None:
    found = outline.enclosing_definition(*marked(language_id, text))
    assert (f"{found.noun} {found.name}" if found else None) == expected


@pytest.mark.parametrize(
    ("language_id", "text", "span", "whole"),
    [
        ("python", "# doc\n@d\ndef f():\n    ¦pass\n\n", "def f():\n    pass", "@d\ndef f():\n    pass"),
        ("javascript", "export const f = () => ¦1;\n", "f = () => 1", "export const f = () => 1;"),
        ("javascript", "const a = 1, f = () => ¦1, g = () => 2;\n", "f = () => 1", "f = () => 1"),
        ("rust", "/// doc\n#[a]\n#[b]\nfn f() {¦}\n", "fn f() {}", "#[a]\n#[b]\nfn f() {}"),
        ("c", "struct p {\n  int ¦x;\n};\n", "struct p {\n  int x;\n}", "struct p {\n  int x;\n};"),
        ("go", "package a\ntype A stru¦ct{}\n", "A struct{}", "type A struct{}"),
        ("go", "package a\ntype (\n\tA ¦int\n\tB int\n)\n", "A int", "A int"),
        ("python", "s = '😀é'\n@d\ndef f():\n    ¦pass\n", "def f():\n    pass", "@d\ndef f():\n    pass"),
    ],
)
def test_extent_of_a_definition(language_id: str, text: str, span: str, whole: str) -> None:
    tree, place = marked(language_id, text)
    found = outline.enclosing_definition(tree, place)
    assert found is not None
    assert (found.span.of(tree.document.text), found.whole.of(tree.document.text)) == (span, whole)


@pytest.mark.parametrize(
    ("language_id", "text", "expected"),
    [
        ("python", "@d\ndef f():\n    ¦pass\n", True),
        ("python", "class A:\n    def f(self):\n        ¦pass\n", False),
        ("python", "if x:\n    def f():\n        ¦pass\n", False),
        ("python", "x = ¦1\n", False),
        ("typescript", "export const f = () => ¦1;\n", True),
        ("typescript", "describe(() => { function f() { ¦ } });\n", False),
        ("csharp", "namespace N { class A { ¦ } }\n", True),
        ("csharp", "namespace N { class A { void F() { ¦ } } }\n", False),
        ("cpp", "namespace n { template <class T> class A { ¦ }; }\n", True),
        ("c", "#ifndef X\nint f(void) { ¦ }\n#endif\n", True),
        ("cpp", 'extern "C" { void h() { ¦ } }\n', True),
    ],
)
def test_top_level(language_id: str, text: str, expected: bool) -> None:
    assert outline.top_level(*marked(language_id, text)) is expected


SELECTIONS = [
    ("python", "¦x = 1\n¦y = 2\n", "statements", "x = 1"),
    ("python", "def f():\n¦    x = 1\n    y = 2\n¦", "statements", "x = 1\n    y = 2"),
    ("python", "def f():\n    ¦x = 1¦\n    y = 2\n", "statements", "x = 1"),
    ("python", "def f():\n    ¦# why\n    x = 1  # because¦\n", "statements", "x = 1"),
    ("python", "x = ¦a + b ¦* c\n", None, ""),
    ("python", "x = (¦a + b¦) * c\n", "expression", "a + b"),
    ("python", "x = ¦f(a)¦\n", "expression", "f(a)"),
    ("python", "x = ¦name¦\n", None, ""),
    ("python", "x = ¦'text'¦\n", None, ""),
    ("python", "x = ¦f'{a}'¦\n", "expression", "f'{a}'"),
    ("python", "¦a.b¦ = 1\n", None, ""),
    ("python", "x = 1\n¦# only a comment¦\n", None, ""),
    ("python", "¦  \n\n¦x = 1\n", None, ""),
    ("python", "x¦ = 1\ny = ¦2\n", None, ""),
    ("python", "def f():\n    ¦x = 1\ny = 2¦\n", None, ""),
    ("python", "x = 1\n¦y = f(2)¦\nz = (\n", "statements", "y = f(2)"),
    ("typescript", "¦const a = 1;\nf(a);¦\n", "statements", "const a = 1;\nf(a);"),
    ("typescript", "const a = ¦b.c(1)¦;\n", "expression", "b.c(1)"),
    ("typescript", "const a = ¦`x${b}`¦;\n", "expression", "`x${b}`"),
    ("typescript", "if (a) ¦{ f(); g(); }¦\n", None, ""),
    ("typescript", "switch (a) { case ¦b.c¦: f(); }\n", "expression", "b.c"),
    ("typescript", "switch (a) { case 1: ¦f(); g();¦ }\n", "statements", "f(); g();"),
    ("typescript", "class A { ¦f() {}¦ }\n", None, ""),
    ("go", "package a\nfunc f() {\n¦\ta := 1\n\tg(a)\n¦}\n", "statements", "a := 1\n\tg(a)"),
    ("go", "package a\nfunc f() {\n\ta := ¦g(1) + 2¦\n}\n", "expression", "g(1) + 2"),
    ("go", "package a\nfunc f() {\n\t¦a¦ := 1\n}\n", None, ""),
    ("rust", "fn f() {\n    ¦let a = 1;\n    g(a);¦\n}\n", "statements", "let a = 1;\n    g(a);"),
    ("rust", "fn f() { let a = ¦g(1)?¦; }\n", "expression", "g(1)?"),
    ("rust", "fn f() { let a = if b { ¦return 1¦ } else { 2 }; }\n", "statements", "return 1"),
    ("rust", "fn f() { let ¦a = g¦(1); }\n", None, ""),
    ("java", "class A { void f() { ¦int a = 1; g(a);¦ } }\n", "statements", "int a = 1; g(a);"),
    ("java", "class A { void f() { int a = ¦g(1)¦; } }\n", "expression", "g(1)"),
    ("java", "class A { ¦int a;¦ }\n", None, ""),
    ("c", "int f(void) {\n¦  int a = 1;\n  g(a);\n¦}\n", "statements", "int a = 1;\n  g(a);"),
    ("c", "int f(void) { return ¦a + g(1)¦; }\n", "expression", "a + g(1)"),
    ("c", "int f(void) { ¦return a +¦ g(1); }\n", None, ""),
    ("ruby", "def f\n  ¦a = 1\n  g(a)¦\nend\n", "statements", "a = 1\n  g(a)"),
    ("lua", "local x = ¦f(1) + 2¦\n", "expression", "f(1) + 2"),
    ("json", '{¦"a": 1¦}\n', None, ""),
    ("typescript", "if (¦a = 1¦) f();\n", None, ""),
    ("typescript", "if (a) { ¦f(); g(); }¦\n", None, ""),
    ("rust", "fn f() { let a = ¦()¦; }\n", None, ""),
    ("c", "¦struct p { int x; };\nint y;¦\n", "statements", "struct p { int x; };\nint y;"),
    ("c", "¦int y;\nstruct p { int x; };¦\n", "statements", "int y;\nstruct p { int x; };"),
]


@pytest.mark.parametrize(("language_id", "text", "kind", "code"), SELECTIONS)
def test_selected_code(language_id: str, text: str, kind: str | None, code: str) -> None:
    tree, span = marked(language_id, text)
    found = outline.selected_code(tree, span)
    assert (found and found.kind, found.span.of(tree.document.text) if found else "") == (kind, code)


@pytest.mark.parametrize(
    ("language_id", "text", "code"),
    [
        ("python", "x = f(¦a, b¦)\ny = 2\n", "x = f(a, b)"),
        ("python", "def f():\n    x = ¦1\n    y =¦ 2\n    z = 3\n", "x = 1\n    y = 2"),
        ("python", "def f():\n    x = 1¦\n    y = 2\n", "x = 1"),
        ("python", "if a:\n    x = ¦1\ny¦ = 2\n", "if a:\n    x = 1\ny = 2"),
        ("typescript", "if (a) ¦{ f(); }¦\n", "if (a) { f(); }"),
        ("java", "class A { int a; int ¦b; }\n", "int b;"),
        ("json", '{"a": 1, "b": [¦1, 2]}\n', "1"),
        ("python", "¦", ""),
    ],
)
def test_whole_statements(language_id: str, text: str, code: str) -> None:
    tree, span = marked(language_id, text)
    assert outline.whole_statements(tree, span).of(tree.document.text) == code


@pytest.mark.parametrize(
    ("text", "expected"), [("x = ¦1\n", True), ("x\n ¦ \ny", False), ("¦", False), ("¦\n\nx¦\n", True)]
)
def test_has_code(text: str, expected: bool) -> None:
    assert outline.has_code(*marked("python", text)) is expected


@pytest.mark.parametrize(
    ("language_id", "text", "expected"),
    [
        ("python", 'def f():\n    """Doc."""\n    ¦pass\n', True),
        ("python", 'def f():\n    # why\n    """Doc."""\n    ¦pass\n', True),
        ("python", "# no docstring\ndef f():\n    ¦pass\n", False),
        ("python", "class A:\n    '''Doc.'''\n    ¦x = 1\n", True),
        ("javascript", "/** Doc. */\nexport function f() { ¦ }\n", True),
        ("javascript", "// eslint\nfunction f() { ¦ }\n", False),
        ("rust", "/// Doc.\n#[test]\nfn f() { ¦ }\n", True),
        ("go", "package a\n\n// f does.\nfunc f() { ¦ }\n", True),
        ("go", "package a\n\n// claude: document\nfunc f() { ¦ }\n", False),
        ("go", "package a\n\n// far\n\nfunc f() { ¦ }\n", False),
        ("c", "int x; // trailing\nint f(void) { ¦ }\n", False),
    ],
)
def test_documentation_of(language_id: str, text: str, expected: bool) -> None:
    tree, span = marked(language_id, text)
    definition = outline.enclosing_definition(tree, span)
    assert definition is not None
    assert outline.documentation_of(tree, definition) is expected


SNIPPETS = sorted({(language_id, text.replace("¦", "")) for language_id, text, *_ in DEFINITIONS + SELECTIONS})


@pytest.mark.parametrize("language_id", sorted({language_id for language_id, _ in SNIPPETS}))
def test_every_place_of_every_half_written_text_has_answers(language_id: str) -> None:
    """A null node of the binding would end the process here, and did: see `_child_from`."""
    for text in (text for own, text in SNIPPETS if own == language_id):
        for cut in range(0, len(text) + 1, 3):
            tree, _ = marked(language_id, text[:cut] + " # é\n // claude: go ¦")
            size = len(tree.document.text)
            for start in range(0, size + 1, 4):
                for end in {start, start + 1, start + 9, size}:
                    span = Span(start, min(end, size))
                    definition = outline.enclosing_definition(tree, span)
                    assert definition is None or definition.whole.covers(definition.span)
                    assert definition is None or outline.documentation_of(tree, definition) in (True, False)
                    selection = outline.selected_code(tree, span)
                    assert selection is None or span.covers(selection.span)
                    statements = outline.whole_statements(tree, span)
                    assert 0 <= statements.start <= statements.end <= size
                    outline.top_level(tree, span)
                instruction = outline.instruction_at(tree, tree.document, start)
                assert instruction is None or instruction.target.covers(instruction.span)
