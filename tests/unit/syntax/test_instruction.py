"""Comments that speak to Claude. `¦` is the cursor; the target is given as the text of its lines."""

import pytest

from claude_ls.syntax.languages import LANGUAGES, Language
from claude_ls.syntax.outline import Instruction, instruction_at
from claude_ls.syntax.tree import parse
from claude_ls.text.document import Document


def found(language_id: str, marked: str) -> tuple[Instruction | None, str]:
    text = marked.replace("¦", "")
    document = Document.opened("file:///x", language_id, 1, text)
    return instruction_at(parse(document), document, marked.index("¦")), text


PY_BODY = "def f():\n    # claude: go\n    return 1"
TARGETS = [
    # Behind code: the statement.
    ("python", "a = 1\nx = 1  # cla¦ude: rename to total\n", "rename to total", "x = 1  # claude: rename to total"),
    ("python", "f(\n    1,\n)  # ¦claude: go\ny\n", "go", "f(\n    1,\n)  # claude: go"),
    ("python", "def f(a):  # claude¦: go\n    pass\n\nx\n", "go", "def f(a):  # claude: go\n    pass"),
    # Above a sibling, with one blank line at most between.
    ("python", "# ¦claude: go\nx = 1\ny = 2\n", "go", "# claude: go\nx = 1"),
    ("python", "# ¦claude: go\n\nx = 1\ny = 2\n", "go", "# claude: go\n\nx = 1"),
    ("python", "# ¦claude: go\n\n\nx = 1\n", "go", "# claude: go"),
    ("python", "# ¦claude: go\n@d\ndef f():\n    pass\n\nx\n", "go", "# claude: go\n@d\ndef f():\n    pass"),
    ("python", "class A:\n    # ¦claude: go\n    def f(self):\n        pass\n    y = 1\n", "go",
     "    # claude: go\n    def f(self):\n        pass"),
    ("python", "def f():\n    x = 1\n    # ¦claude: go\n    y = 2\n    z = 3\n", "go", "    # claude: go\n    y = 2"),
    # First in a function's body, or all of it, or last in it: the function.
    ("python", PY_BODY.replace("claude", "¦claude") + "\n\nx\n", "go", PY_BODY),
    ("python", "def f():\n    # ¦claude: go\n\nx = 1\n", "go", "def f():\n    # claude: go"),
    ("python", "def f(a):\n    # ¦claude: go\n", "go", "def f(a):\n    # claude: go"),
    ("python", "def f():\n    x = 1\n    # ¦claude: go\ny = 2\n", "go", "def f():\n    x = 1\n    # claude: go"),
    ("python", "x = 1\n# ¦claude: go\n", "go", "# claude: go"),
    # Runs of lines.
    ("python", "# claude: a\n#   - b\n# c¦\nx = 1\n", "a\n  - b\nc", "# claude: a\n#   - b\n# c\nx = 1"),
    ("python", "# not this\n# ¦claude: a\nx = 1\n", "a", "# claude: a\nx = 1"),
    ("python", "# ¦claude: a\n# claude: b\nx = 1\n", "a", "# claude: a\n# claude: b\nx = 1"),
    ("python", "# claude: a\n# cl¦aude? b\nx = 1\n", "b", "# claude? b\nx = 1"),
    ("python", "# ¦claude: a\n  # other column\n", "a", "# claude: a"),
    ("python", "#claude :¦ a\nx = 1\n", "a", "#claude : a\nx = 1"),
    ("python", "# ¦CLAUDE: use [[x]] */\nx = 1\n", "use [[x]] */", "# CLAUDE: use [[x]] */\nx = 1"),
    # Every language.
    ("javascript", "// ¦claude: go\nexport const f = () => 1;\ng();\n", "go",
     "// claude: go\nexport const f = () => 1;"),
    ("javascript", "function f() {\n  // ¦claude: go\n  g();\n}\nh();\n", "go",
     "function f() {\n  // claude: go\n  g();\n}"),
    ("typescript", "/*\n * claude: a\n *   b¦\n */\nclass A {}\n", "a\n  b",
     "/*\n * claude: a\n *   b\n */\nclass A {}"),
    ("typescript", "/** claude: a¦ **/\nf();\n", "a", "/** claude: a **/\nf();"),
    ("typescript", "class A {\n  // ¦claude: go\n  @d()\n  f() {}\n  g() {}\n}\n", "go",
     "  // claude: go\n  @d()\n  f() {}"),
    ("typescriptreact", "const A = () => (\n  <b>\n    {/* claude: go¦ */}\n  </b>\n);\nf();\n", "go",
     "const A = () => (\n  <b>\n    {/* claude: go */}\n  </b>\n);"),
    ("go", "package a\n\nfunc f() {\n\t// ¦claude: go\n\tg()\n}\n", "go", "func f() {\n\t// claude: go\n\tg()\n}"),
    ("go", "package a\n\nfunc f() {\n\tg()\n\t// ¦claude: go\n\th()\n\ti()\n}\n", "go", "\t// claude: go\n\th()"),
    ("rust", "// ¦claude: go\n/// doc\n#[test]\nfn f() {}\nfn g() {}\n", "go",
     "// claude: go\n/// doc\n#[test]\nfn f() {}"),
    ("rust", "/// ¦claude: go\nfn f() {}\nfn g() {}\n", "go", "/// claude: go\nfn f() {}"),
    ("java", "class A {\n  // ¦claude: go\n  int f() { return 1; }\n  int b;\n}\n", "go",
     "  // claude: go\n  int f() { return 1; }"),
    ("c", "int f(void) {\n  g();\n  // ¦claude: go\n}\n", "go", "int f(void) {\n  g();\n  // claude: go\n}"),
    ("cpp", "class A {\n  int a; // ¦claude: go\n  int b;\n};\n", "go", "  int a; // claude: go"),
    ("csharp", "class A {\n  // ¦claude: go\n  [X]\n  int F() { return 1; }\n}\n", "go",
     "  // claude: go\n  [X]\n  int F() { return 1; }"),
    ("ruby", "class A\n  # ¦claude: go\n  def f\n    1\n  end\n  def g; end\nend\n", "go",
     "  # claude: go\n  def f\n    1\n  end"),
    ("ruby", "def f\n  # ¦claude: go\nend\nx\n", "go", "def f\n  # claude: go\nend"),
    ("ruby", "=begin\nclaude: go¦\n=end\nx\ny\n", "go", "=begin\nclaude: go\n=end\nx"),
    ("php", "<?php\n# ¦claude: go\nf();\ng();\n", "go", "# claude: go\nf();"),
    ("shellscript", "f() {\n  # ¦claude: go\n  echo a\n}\n", "go", "f() {\n  # claude: go\n  echo a\n}"),
    ("lua", "--[==[ claude: a\n  b¦ ]==]\nlocal x = 1\n", "a\nb", "--[==[ claude: a\n  b ]==]\nlocal x = 1"),
    ("lua", "local function f()\n  -- ¦claude: go\n  return 1\nend\n", "go",
     "local function f()\n  -- claude: go\n  return 1\nend"),
    ("json", '{\n  // ¦claude: go\n  "a": 1,\n  "b": 2\n}\n', "go", '  // claude: go\n  "a": 1,'),
    ("yaml", "a:\n  # ¦claude: go\n  b: 1\n  c: 2\n", "go", "  # claude: go\n  b: 1"),
    ("yaml", "# ¦claude: go\na:\n  b: 1\nc: 2\n", "go", "# claude: go\na:\n  b: 1"),
    ("toml", "[a]\nx = 1\n\n# ¦claude: go\n[b]\ny = 2\n", "go", "# claude: go\n[b]\ny = 2"),
    ("html", "<!-- ¦claude: go -->\n<div>\n  <p>x</p>\n</div>\n<b></b>\n", "go",
     "<!-- claude: go -->\n<div>\n  <p>x</p>\n</div>"),
    ("html", "<!-- claude: a\n     b¦ -->\n<p>x</p>\n", "a\nb", "<!-- claude: a\n     b -->\n<p>x</p>"),
    ("css", "/* ¦claude: go */\n.a { color: red }\n.b {}\n", "go", "/* claude: go */\n.a { color: red }"),
    ("markdown", "# A\n\n<!-- ¦claude: go -->\n\npara\ngraph\n\nmore\n", "go", "<!-- claude: go -->\n\npara\ngraph"),
    ("markdown", "a\n\n<!-- ¦claude: go -->\n## B\n\ntext\n", "go", "<!-- claude: go -->\n## B\n\ntext"),
    # Broken code.
    ("python", "x = (\n\n\ndef f():\n    # ¦claude: go\n    return 1\n", "go", None),
    ("typescript", "function f( {\n// ¦claude: go\ng();\n", "go", None),
    ("python", "# ¦claude: go\n) + 1\n\n(y = 2\n", "go", "# claude: go\n) + 1"),
    # What stands below in another block is not meant.
    ("c", "int f() {\n  switch (a) {\n  case 1:\n    g();\n    // ¦claude: go\n  case 2:\n    h();\n  }\n}\n\n", "go",
     "int f() {\n  switch (a) {\n  case 1:\n    g();\n    // claude: go\n  case 2:\n    h();\n  }\n}"),
    # Awkward text.
    ("python", "s = '😀'\r\n# ¦claude: é\r\n# 😀\r\nx = 1\r\n", "é\n😀", "# claude: é\r\n# 😀\r\nx = 1"),
    ("python", "\ufeff# ¦claude: go\nx = 1\n", "go", "\ufeff# claude: go\nx = 1"),
    # No grammar: by the look of the line.
    ("vim", '" ¦claude: go\nset nu\n\nset x\n', "go", '" claude: go\nset nu'),
    ("latex", "a\n% ¦claude: a\n% b\ntext\n\nmore\n", "a\nb", "% claude: a\n% b\ntext"),
    ("ada", "select 1 -- ¦claude: go\nfrom x\n", "go", "select 1 -- claude: go"),
    ("clojure", "(f) ;; ¦claude: go\n(g)\n", "go", "(f) ;; claude: go"),
    ("dart", "/* claude: a\n * b¦\n */\nf();\n", "a\nb", "/* claude: a\n * b\n */\nf();"),
    ("vue", "<!-- ¦claude: go -->\n<p/>\n", "go", "<!-- claude: go -->\n<p/>"),
    # What the grammar takes for plain text.
    ("markdown", "a\ntext <!-- ¦claude: go --> more\n\nb\n", "go", "a\ntext <!-- claude: go --> more"),
    ("markdown", "é <!-- ¦claude: a\n  b -->\n\n- c\n", "a\nb", "é <!-- claude: a\n  b -->"),
    ("c", "#define X 1 // ¦claude: go\nint y;\n", "go", "#define X 1 // claude: go"),
    # Parts of lists and of types.
    ("javascript", "const a = {\n  // ¦claude: go\n  b: 1,\n  c: 2,\n};\n", "go", "  // claude: go\n  b: 1,"),
    ("rust", "struct A {\n  // ¦claude: go\n  b: u8,\n  c: u8,\n}\n", "go", "  // claude: go\n  b: u8,"),
    ("go", "package a\n\ntype A struct {\n\t// ¦claude: go\n\tb int\n\tc int\n}\n", "go", "\t// claude: go\n\tb int"),
    ("html", "<div>\n  <!-- ¦claude: go -->\n  <p>x</p>\n  <b/>\n</div>\n", "go",
     "  <!-- claude: go -->\n  <p>x</p>"),
    ("css", ".a {\n  /* ¦claude: go */\n  color: red;\n  top: 0;\n}\n", "go", "  /* claude: go */\n  color: red;"),
    ("toml", "a = 1 # ¦claude: go\nb = 2\n", "go", "a = 1 # claude: go"),
    ("yaml", "a:\n  - b\n  # ¦claude: go\n  - c\n  - d\n", "go", "  # claude: go\n  - c"),
    ("python", "if a:\n    f()\n    # ¦claude: go\nelse:\n    g()\n", "go", "    # claude: go"),
    ("python", "x = 1\n\f\n# ¦claude: go\ndef f():\n    pass\n", "go", "# claude: go\ndef f():\n    pass"),
    ("python", "\ud800 = '😀'\n# ¦claude: go\ndef f():\n    pass\nx\n", "go", "# claude: go\ndef f():\n    pass"),
]  # fmt: skip


@pytest.mark.parametrize(("language_id", "marked", "words", "target"), TARGETS)
def test_words_and_target(language_id: str, marked: str, words: str, target: str | None) -> None:
    instruction, text = found(language_id, marked)
    assert instruction is not None
    assert instruction.text == words
    assert instruction.target.covers(instruction.span)
    if target is not None:
        assert instruction.target.of(text) == target


@pytest.mark.parametrize(
    ("language_id", "marked"),
    [
        ("python", "x = '# ¦claude: go'\n"),
        ("python", "x = '''\n# ¦claude: go\n'''\n"),
        ("python", "# we asked claude: ¦no\n"),
        ("python", "# claudette: ¦no\n"),
        ("python", "# above¦\n# claude: go\n"),
        ("python", "# claude: go\n\n# ¦apart\n"),
        ("python", "# claude: go\nx = ¦1\n"),
        ("typescript", "const a = `// ¦claude: go`;\n"),
        ("python", "¦"),
        ("plaintext", "Write to claude: ¦now\n"),
        ("plaintext", "see http://claude: ¦x\n"),
        ("go", "package a\nvar a = `\n// ¦claude: go\n`\n"),
        ("c", 'char *a = "// ¦claude: go";\n'),
        ("c", '#define A "// ¦claude: go"\n'),
        ("json", '{"a": "// ¦claude: go"}\n'),
        ("lua", "x = [[\n-- ¦claude: go\n]]\n"),
        ("shellscript", "cat <<E\n# ¦claude: go\nE\n"),
        ("php", "<p>\n// ¦claude: go\n</p>\n"),
        ("ruby", "__END__\n# ¦claude: go\n"),
        ("html", "<script>\n// ¦claude: go\nf()\n</script>\n"),
        ("markdown", "text `<!-- ¦claude: go -->`\n"),
        ("markdown", "text // ¦claude: go\n"),
        ("markdown", "```\n<!-- ¦claude: go -->\n```\n"),
    ],
)
def test_no_instruction(language_id: str, marked: str) -> None:
    assert found(language_id, marked)[0] is None


@pytest.mark.parametrize(("mark", "asks"), [(":", False), ("?", True)])
def test_asking_is_not_ordering(mark: str, asks: bool) -> None:
    instruction, _ = found("go", f"package a\n\n// claude{mark} ¦why\nvar x = 1\n")
    assert instruction is not None and instruction.asks is asks


@pytest.mark.parametrize(
    ("language_id", "marked", "span"),
    [
        ("python", "if a:\n    # claude: a\n    # b¦\n    x = 1\n", "# claude: a\n    # b"),
        ("python", "¦x = 1  # claude: a  \n", "# claude: a"),
        ("rust", "/// claude: a¦\nfn f() {}\n", "/// claude: a"),
        ("typescript", "f(/* claude: a */ ¦1);\n", "/* claude: a */"),
        ("markdown", "<!-- claude: a¦ -->\n\ntext\n", "<!-- claude: a -->"),
    ],
)
def test_the_span_is_the_comment(language_id: str, marked: str, span: str) -> None:
    instruction, text = found(language_id, marked)
    assert instruction is not None and instruction.span.of(text) == span


# How a line comment begins, and a function with two statements in its body.
FUNCTIONS = {
    "python": ("#", "async def f(a):", "  g(a)", "  h(a)", ""),
    "javascript": ("//", "function f(a) {", "  g(a);", "  h(a);", "}"),
    "typescript": ("//", "export async function f(a: B): C {", "  g(a);", "  h(a);", "}"),
    "typescriptreact": ("//", "const f = (a) => {", "  g(a);", "  h(a);", "}"),
    "go": ("//", "func f(a B) {", "  g(a)", "  h(a)", "}"),
    "rust": ("//", "pub fn f(a: B) -> C {", "  g(a);", "  h(a);", "}"),
    "java": ("//", "public int f(int a) {", "  g(a);", "  h(a);", "}"),
    "c": ("//", "static int f(int a) {", "  g(a);", "  h(a);", "}"),
    "cpp": ("//", "int A::f(int a) {", "  g(a);", "  h(a);", "}"),
    "csharp": ("//", "public int f(int a) {", "  g(a);", "  h(a);", "}"),
    "ruby": ("#", "def f(a)", "  g(a)", "  h(a)", "end"),
    "php": ("//", "function f($a) {", "  g($a);", "  h($a);", "}"),
    "shellscript": ("#", "f() {", "  g a", "  h a", "}"),
    "lua": ("--", "function f(a)", "  g(a)", "  h(a)", "end"),
}


@pytest.mark.parametrize("line_break", ["\n", "\r\n"], ids=ascii)
@pytest.mark.parametrize("block", [False, True], ids=["line", "block"])
@pytest.mark.parametrize("language_id", FUNCTIONS)
def test_places_in_and_around_a_function(language_id: str, block: bool, line_break: str) -> None:
    opener, head, first, second, end = FUNCTIONS[language_id]
    comment = f"{opener} cla¦ude: do it"
    if block and opener != "//":
        return
    if block:
        comment = "/* cla¦ude: do it */"
    run = ["/**", " * Claude: do", " *  it¦", " */"] if block else [f"{opener} claude: do", f"{opener}  it¦"]
    body, rest = [head, first, second, *filter(None, [end])], [*filter(None, [end])]
    other = ["", *(line.replace("f(", "z(") for line in body), ""]
    inner = "  " + comment
    places = [
        # Above the function, with and without a blank line between.
        ([], [comment, *body]),
        ([], [comment, "", *body]),
        ([], [*run, *body]),
        # First and last in its body, and between two statements; behind one of them.
        ([], [head, inner, first, second, *rest]),
        ([], [head, "", inner, "", first, second, *rest]),
        ([], [head, first, second, inner, *rest]),
        ([head, first], [inner, second]),
        ([head], [first + inner]),
    ]
    for before, target in places:
        after = body[-1:] if before and end else []
        lines = [*{"go": ["package a"], "php": ["<?php"]}.get(language_id, []), *before, *target, *after, *other]
        instruction, text = found(language_id, line_break.join(lines))
        assert instruction is not None, target
        assert instruction.text.split() == ["do", "it"]
        assert instruction.target.of(text) == line_break.join(target).replace("¦", "")


@pytest.mark.parametrize("opener", ["#", "//", "--", ";", "%"])
def test_without_a_grammar_a_comment_is_what_looks_like_one(opener: str) -> None:
    for text, target in [
        (f"a\n{opener} ¦Claude: go\n\nb\n", f"{opener} Claude: go"),
        (f"a\n{opener} ¦claude: go\nb\n\nc\n", f"{opener} claude: go\nb"),
        (f"a b {opener} claude:¦ go\nc\n", f"a b {opener} claude: go"),
        (f"a\n\n{opener} claude: go¦", f"{opener} claude: go"),
    ]:
        instruction, own = found("plaintext", text)
        assert instruction is not None
        assert (instruction.text, instruction.target.of(own)) == ("go", target)


COMMENTS = {"JSON": "// {}", "YAML": "# {}", "TOML": "# {}", "HTML": "<!-- {} -->", "CSS": "/* {} */",
            "Markdown": "<!-- {} -->", "PHP": "<?php\n// {}", "Go": "package a\n\n// {}"}  # fmt: skip
STRINGS = {"Python": 'x = "{}"', "JavaScript": "x = '{}';", "TypeScript": "x = '{}';", "TSX": "x = '{}';",
           "Go": 'package a\n\nvar x = "{}"', "Rust": 'const X: &str = "{}";', "Java": 'class A {{ String x = "{}"; }}',
           "C": 'char *x = "{}";', "C++": 'auto x = "{}";', "C#": 'class A {{ string x = "{}"; }}', "Ruby": 'x = "{}"',
           "PHP": '<?php\n$x = "{}";', "Bash": 'x="{}"', "Lua": 'x = "{}"', "JSON": '{{"x": "{}"}}', "YAML": 'x: "{}"',
           "TOML": 'x = "{}"', "HTML": '<p title="{}">x</p>', "CSS": '.a::before {{ content: "{}"; }}',
           "Markdown": "`{}`"}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)
def test_every_language_has_instructions_that_do_ask_and_run(language: Language) -> None:
    comment = COMMENTS.get(language.name, f"{language.comment} {{}}")
    for words, expected in (
        ("claude: go on", ("go on", False, False)),
        ("claude? why so", ("why so", True, False)),
        ("claude: go on!", ("go on", False, True)),
        ("claude? why so !", ("why so", True, True)),
        ("claude: go! on", ("go! on", False, False)),
    ):
        line = comment.format(words)
        text = f"{line}\n"
        document = Document.opened("file:///x", language.ids[0], 1, text)
        instruction = instruction_at(parse(document), document, text.index("laude"))
        assert instruction is not None
        assert (instruction.text, instruction.asks, instruction.runs) == expected


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)
def test_what_stands_in_a_string_is_no_instruction_in_any_language(language: Language) -> None:
    comment = COMMENTS.get(language.name, f"{language.comment} {{}}").split("\n")[-1].format("claude: go on!")
    text = STRINGS[language.name].format(comment) + "\n"
    document = Document.opened("file:///x", language.ids[0], 1, text)
    assert parse(document) is not None
    assert instruction_at(parse(document), document, text.index("laude")) is None
