"""What each language's query finds, and that nothing in a file can make it fail."""

from __future__ import annotations

from pathlib import Path

import pytest

import claude_ls
from claude_ls.syntax import tags
from claude_ls.syntax.imports import Import
from claude_ls.syntax.languages import LANGUAGES, Language
from claude_ls.syntax.tags import Code, FileTags, code_of, tags_of, uses_in
from claude_ls.syntax.tree import parse, parser_of
from claude_ls.text.document import Document

# By language: a file, its definitions with their lines from 0 (first to last, of the name, where the body begins), and
# its imports.
FILES: dict[str, tuple[str, list[str], list[tuple[str, str, str]]]] = {
    "Python": (
        "import os\n"
        "from .a import (b as c,  # why\n"
        "    d)\n"
        "\n"
        "LIMIT: int = 3\n"
        "\n"
        "\n"
        "@deco\n"
        "class Shop(Base, m.Other):\n"
        "    size = 1\n"
        "\n"
        "    @property\n"
        "    def total(\n"
        "        self,\n"
        "    ) -> int:\n"
        "        def inner():\n"
        "            pass\n"
        "        return c(self.size)\n"
        "\n"
        "\n"
        "async def run(): pass\n"
        "\n"
        "if os:\n"
        "    FALLBACK = 1\n"
        "    def late(): pass\n",
        [
            "variable LIMIT 4-4 line 4 body 5",
            "class Shop(Base m.Other) 7-17 line 8 body 9",
            "  variable size 9-9 line 9 body 10",
            "  method total 11-17 line 12 body 15",
            "function run 20-20 line 20 body 21",
            "variable FALLBACK 23-23 line 23 body 24",
            "function late 24-24 line 24 body 25",
        ],
        [("os", "os", ""), ("c", ".a", "b"), ("d", ".a", "d")],
    ),
    "JavaScript": (
        'import def, { a as b } from "./m";\n'
        "export const LIMIT = 3;\n"
        "export class Shop extends Base {\n"
        "  size = 1;\n"
        "  total(x) {\n"
        "    return b(this.size);\n"
        "  }\n"
        "}\n"
        "const run = (x) => {\n"
        "  return x;\n"
        "};\n"
        "function* gen() {}\n"
        "module.exports.late = function () {};\n",
        [
            "variable LIMIT 1-1 line 1 body 2",
            "class Shop(Base) 2-7 line 2 body 3",
            "  variable size 3-3 line 3 body 4",
            "  method total 4-6 line 4 body 5",
            "variable run 8-10 line 8 body 11",
            "function gen 11-11 line 11 body 12",
            "variable late 12-12 line 12 body 13",
        ],
        [("b", "./m", "a"), ("def", "./m", "default")],
    ),
    "TypeScript": (
        'import type { A } from "./m";\n'
        'export * from "./n";\n'
        "export interface Shape extends A {\n"
        "  side: number;\n"
        "  area(): number;\n"
        "}\n"
        "export type Pair = { left: number };\n"
        "export enum Kind { One }\n"
        "namespace deep {\n"
        "  export function inner(): void {}\n"
        "}\n"
        "export abstract class Shop extends Base<A> implements Shape {\n"
        "  side = 1;\n"
        "  constructor(private x: A) { super(); }\n"
        "  abstract area(): number;\n"
        "}\n"
        "export const run = async (x: A): Promise<void> => {};\n"
        "export function over(x: string): void;\n"
        "export function over(x: unknown): void {}\n",
        [
            "interface Shape(A) 2-5 line 2 body 3",
            "  variable side 3-3 line 3 body 4",
            "  method area 4-4 line 4 body 5",
            "type Pair 6-6 line 6 body 7",
            "  variable left 6-6 line 6 body 7",
            "enum Kind 7-7 line 7 body 8",
            "namespace deep 8-10 line 8 body 9",
            "  function inner 9-9 line 9 body 10",
            "class Shop(Base Shape) 11-15 line 11 body 12",
            "  variable side 12-12 line 12 body 13",
            "  method constructor 13-13 line 13 body 14",
            "  method area 14-14 line 14 body 15",
            "variable run 16-16 line 16 body 17",
            "function over 17-17 line 17 body 18",
            "function over 18-18 line 18 body 19",
        ],
        [("A", "./m", "A"), ("*", "./n", "")],
    ),
    "TSX": (
        "export const View = (props: Props) => {\n  return <div>{props.title}</div>;\n};\n",
        [
            "variable View 0-2 line 0 body 3",
        ],
        [],
    ),
    "Go": (
        "package shop\n"
        "\n"
        "import (\n"
        '\tm "a/b"\n'
        '\t"fmt"\n'
        ")\n"
        "\n"
        "const Limit = 3\n"
        "\n"
        "type Shop struct {\n"
        "\tsize int\n"
        "}\n"
        "\n"
        "type Holder interface {\n"
        "\tTotal() int\n"
        "}\n"
        "\n"
        "func (s *Shop) Total() int {\n"
        "\treturn m.Sum(s.size)\n"
        "}\n"
        "\n"
        "func run() { fmt.Println() }\n",
        [
            "variable Limit 7-7 line 7 body 8",
            "type Shop 9-11 line 9 body 12",
            "type Holder 13-15 line 13 body 16",
            "  method Total 14-14 line 14 body 15",
            "method Total 17-19 line 17 body 18",
            "function run 21-21 line 21 body 22",
        ],
        [("m", "a/b", ""), ("fmt", "fmt", "")],
    ),
    "Rust": (
        "use crate::a::{B, c::D};\n"
        "\n"
        "pub const LIMIT: u8 = 3;\n"
        "\n"
        "#[derive(Debug)]\n"
        "pub struct Shop {\n"
        "    size: u8,\n"
        "}\n"
        "\n"
        "impl Holder for Shop {\n"
        "    fn total(&self) -> u8 {\n"
        "        B::sum(self.size)\n"
        "    }\n"
        "}\n"
        "\n"
        "mod inner {\n"
        "    pub fn deep() {}\n"
        "}\n"
        "\n"
        "macro_rules! say { () => {} }\n",
        [
            "variable LIMIT 2-2 line 2 body 3",
            "struct Shop 5-7 line 5 body 6",
            "implementation Shop(Holder) 9-13 line 9 body 10",
            "  method total 10-12 line 10 body 11",
            "module inner 15-17 line 15 body 16",
            "  function deep 16-16 line 16 body 17",
            "macro say 19-19 line 19 body 20",
        ],
        [("B", "crate::a::B", "B"), ("D", "crate::a::c::D", "D")],
    ),
    "Java": (
        "import a.b.C;\n"
        "\n"
        "@Deco\n"
        "public class Shop extends Base implements Holder {\n"
        "    private int size = 1;\n"
        "\n"
        "    public Shop() {}\n"
        "\n"
        "    @Override\n"
        "    public int total() {\n"
        "        return C.sum(size);\n"
        "    }\n"
        "\n"
        "    enum Kind { ONE }\n"
        "}\n",
        [
            "class Shop(Base Holder) 2-14 line 3 body 4",
            "  variable size 4-4 line 4 body 5",
            "  constructor Shop 6-6 line 6 body 7",
            "  method total 8-11 line 9 body 10",
            "  enum Kind 13-13 line 13 body 14",
            "    variable ONE 13-13 line 13 body 14",
        ],
        [("C", "a.b.C", "C")],
    ),
    "C": (
        '#include "own.h"\n'
        "#define LIMIT 3\n"
        "\n"
        "struct shop {\n"
        "  int size;\n"
        "};\n"
        "\n"
        "typedef struct shop shop_t;\n"
        "\n"
        "int total(struct shop *s);\n"
        "\n"
        "static int *run(shop_t *s)\n"
        "{\n"
        "  return own_sum(s->size);\n"
        "}\n",
        [
            "variable LIMIT 1-1 line 1 body 2",
            "struct shop 3-5 line 3 body 4",
            "type shop_t 7-7 line 7 body 8",
            "variable total 9-9 line 9 body 10",
            "function run 11-14 line 11 body 12",
        ],
        [("own", "own.h", "own")],
    ),
    "C++": (
        "#include <own.hpp>\n"
        "\n"
        "namespace shop {\n"
        "class Shop : public Base {\n"
        " public:\n"
        "  int total() const;\n"
        "  int quick() { return size_; }\n"
        "\n"
        " private:\n"
        "  int size_ = 1;\n"
        "};\n"
        "\n"
        "int Shop::total() const {\n"
        "  return own::sum(size_);\n"
        "}\n"
        "}\n"
        "\n"
        "template <typename T>\n"
        "T run(T x) { return x; }\n",
        [
            "namespace shop 2-15 line 2 body 3",
            "  class Shop(Base) 3-10 line 3 body 4",
            "    variable total 5-5 line 5 body 6",
            "    method quick 6-6 line 6 body 7",
            "    variable size_ 9-9 line 9 body 10",
            "  function total 12-14 line 12 body 13",
            "function run 17-18 line 18 body 19",
        ],
        [("own", "own.hpp", "own")],
    ),
    "C#": (
        "using A.B;\n"
        "\n"
        "namespace Shops {\n"
        "  public class Shop : Base, IHolder {\n"
        "    private int size = 1;\n"
        "    public int Size { get; set; }\n"
        "    public int Total() {\n"
        "      return B.Sum(size);\n"
        "    }\n"
        "  }\n"
        "  enum Kind { One }\n"
        "}\n",
        [
            "namespace Shops 2-11 line 2 body 3",
            "  class Shop(Base IHolder) 3-9 line 3 body 4",
            "    variable size 4-4 line 4 body 5",
            "    property Size 5-5 line 5 body 6",
            "    method Total 6-8 line 6 body 7",
            "  enum Kind 10-10 line 10 body 11",
            "    variable One 10-10 line 10 body 11",
        ],
        [("B", "A.B", "B")],
    ),
    "Ruby": (
        'require_relative "a/b"\n'
        "\n"
        "module Shops\n"
        "  LIMIT = 3\n"
        "\n"
        "  class Shop < Base\n"
        "    def total\n"
        "      B.sum(@size)\n"
        "    end\n"
        "\n"
        "    def self.make = new\n"
        "  end\n"
        "end\n",
        [
            "module Shops 2-12 line 2 body 3",
            "  variable LIMIT 3-3 line 3 body 4",
            "  class Shop(Base) 5-11 line 5 body 6",
            "    method total 6-8 line 6 body 7",
            "    method make 10-10 line 10 body 11",
        ],
        [("b", "a/b", "b")],
    ),
    "PHP": (
        "<?php\n"
        "use A\\B;\n"
        "\n"
        "const LIMIT = 3;\n"
        "\n"
        "class Shop extends Base implements Holder {\n"
        "    private int $size = 1;\n"
        "\n"
        "    public function total(): int {\n"
        "        return B::sum($this->size);\n"
        "    }\n"
        "}\n"
        "\n"
        "function run() {}\n",
        [
            "variable LIMIT 3-3 line 3 body 4",
            "class Shop(Base Holder) 5-11 line 5 body 6",
            "  variable size 6-6 line 6 body 7",
            "  method total 8-10 line 8 body 9",
            "function run 13-13 line 13 body 14",
        ],
        [("B", "A\\B", "B")],
    ),
    "Bash": (
        'source ./lib.sh\n\nLIMIT=3\n\ntotal() {\n  sum "$1"\n}\n\nfunction run { total; }\n',
        [
            "variable LIMIT 2-2 line 2 body 3",
            "function total 4-6 line 4 body 5",
            "function run 8-8 line 8 body 9",
        ],
        [("lib", "/lib.sh", "lib")],
    ),
    "Lua": (
        'local m = require("a.b")\n'
        "\n"
        "local Shop = {}\n"
        "\n"
        "function Shop:total()\n"
        "  return m.sum(self.size)\n"
        "end\n"
        "\n"
        "local function run() end\n",
        [
            "variable m 0-0 line 0 body 1",
            "variable Shop 2-2 line 2 body 3",
            "method total 4-6 line 4 body 5",
            "function run 8-8 line 8 body 9",
        ],
        [("m", "a.b", "")],
    ),
    "JSON": (
        '{"name": 1, "in": {"deep": 2}}\n',
        [
            "entry name 0-0 line 0 body 1",
            "entry in 0-0 line 0 body 1",
        ],
        [],
    ),
    "YAML": (
        "name: 1\nin:\n  deep: 2\n",
        [
            "entry name 0-0 line 0 body 1",
            "entry in 1-2 line 1 body 3",
        ],
        [],
    ),
    "TOML": (
        "name = 1\n\n[in.side]\ndeep = 2\n",
        [
            "entry name 0-0 line 0 body 1",
            "table in.side 2-3 line 2 body 4",
        ],
        [],
    ),
    "HTML": (
        '<p id="x"></p>\n<script>\nfunction run() {\n  go();\n}\n</script>\n',
        [
            "function run 2-4 line 2 body 3",
        ],
        [],
    ),
    "CSS": (
        ".shop { color: red; }\n@keyframes spin { from {} }\n",
        [
            "rule .shop 0-0 line 0 body 1",
            "rule spin 1-1 line 1 body 2",
        ],
        [],
    ),
    "Markdown": (
        "# Top\n\nText\n\n## Inner\n\nMore\n",
        [
            "section Top 0-6 line 0 body 7",
            "  section Inner 4-6 line 4 body 7",
        ],
        [],
    ),
}


def outline(file: FileTags) -> list[str]:
    lines = []
    for tag in file.tags[1:]:
        depth, parent = 0, tag.parent
        while parent > 0:
            depth, parent = depth + 1, file.tags[parent].parent
        name = f"{tag.name}({tag.bases})" if tag.bases else tag.name
        lines.append(f"{'  ' * depth}{tag.noun} {name} {tag.first}-{tag.last} line {tag.line} body {tag.body}")
    return lines


def read(language: Language, source: bytes) -> FileTags:
    found = tags_of(language, source)
    assert found is not None
    return found


@pytest.fixture(params=LANGUAGES, ids=lambda language: language.name)
def language(request: pytest.FixtureRequest) -> Language:
    return request.param


def test_what_a_file_defines_and_imports(language: Language) -> None:
    source, expected, imports = FILES[language.name]
    found = read(language, source.encode())
    assert outline(found) == expected
    assert list(found.imports) == [Import(*item) for item in imports]


@pytest.mark.parametrize("end", ["\r\n", "\r"], ids=["CRLF", "CR"])
def test_lines_are_those_of_the_protocol(language: Language, end: str) -> None:
    source, expected, _ = FILES[language.name]
    assert outline(read(language, source.replace("\n", end).encode())) == expected


def test_the_tree_of_a_document_gives_the_same(language: Language) -> None:
    source = FILES[language.name][0]
    tree = parse(Document.opened(f"file:///x{language.suffixes[0]}", language.ids[0], 1, source))
    assert tree is not None
    assert tags_of(language, source.encode(), tree.tree) == read(language, source.encode())


@pytest.mark.parametrize("seed", range(4))
def test_a_file_in_the_middle_of_being_written_still_makes_sense(language: Language, seed: int) -> None:
    source = FILES[language.name][0].encode()
    for end in range(seed, len(source) + 1, 4):
        for odd in (source[:end], source[end:], source[:end] + b"\x00\xff\x01" + source[end:]):
            found = read(language, odd).tags
            last = odd.count(b"\n")
            for number, tag in enumerate(found[1:], 1):
                assert 0 <= tag.first <= tag.line < tag.body, (odd, tag)
                assert tag.line <= tag.last <= last, (odd, tag)
                assert 0 <= tag.parent < number
            places = [(tag.name, tag.line, tag.noun) for tag in found]
            assert len(places) == len(set(places)) or language.name in ("CSS", "Markdown", "JSON", "TOML", "YAML")


@pytest.mark.parametrize("source", [b"", b"\n", b"   \n\n\t", b"\x00", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_next_to_nothing_defines_nothing(language: Language, source: bytes) -> None:
    assert [tag.name for tag in read(language, source).tags[1:] if tag.name.strip("\x00\ufffd")] == []


def test_what_is_used_in_a_definition_is_not_counted_to_the_one_around_it() -> None:
    source = b"class A(Base):\n    x = one\n    def f(self):\n        return self.two.three(f'{four}', \"no\")  # no\n"
    (python,) = (language for language in LANGUAGES if language.name == "Python")
    found = read(python, source).tags
    uses = {tag.name: set(uses_in(Code(python, source), found, at).split()) for at, tag in enumerate(found)}
    assert uses["f"] == {"def", "f", "self", "return", "self.two.three", "four"}
    assert {"Base", "A"} <= uses["A"] and not {"one", "four"} & uses["A"]
    assert uses["x"] == {"x", "one"}


def test_decorators_belong_to_a_definition_however_many_there_are() -> None:
    (python,) = (language for language in LANGUAGES if language.name == "Python")
    source = b"@one\n# why\n@two\ndef f():\n    pass\n"
    for text in (source, source + b"\ndef broken(:\n"):
        assert outline(read(python, text))[0] == "function f 0-4 line 3 body 4"


ODD_PYTHON = """
import a; from b import *
a, (b, c), *d = e = 1
async def one(x=lambda: 1): import inner
f = lambda x: (
    x
)
type Alias[T] = list[T]
if a:
    if b:
        def two(): pass
    g = 1; h, i = 2, 3
elif b:
    g = 2
else:
    class Three: x = y = 1
try:
    j = 1
except* (E, F):
    def four():
        def five():
            import deep
            class Six: pass
finally:
    with a as k, b:
        class Seven(Six, metaclass=M, *args):
            l: int
            m: int = 1
            if m:
                n = 1
                def eight(self): pass
            @property
            @other
            def nine(self):
                from . import far
                def ten(): pass
            class Meta:
                def eleven(self):
                    def twelve(): pass
            o, p = 1, 2
match a:
    case b:
        def thirteen(): pass
for q in a:
    r = 1
while a:
    s = 1
@a
class Fourteen:
    @b
    class Fifteen:
        @c
        def sixteen(self): pass
        t = 1
    u = lambda: 0
v += 1
w.x = 1
"""


def test_statements_hold_what_the_query_finds() -> None:
    (python,) = (language for language in LANGUAGES if language.name == "Python")
    parser, query = parser_of(python), tags._query(python)
    assert parser is not None and query is not None
    package = Path(claude_ls.__file__).parent
    sources = [path.read_bytes() for path in (*package.rglob("*.py"), *Path(__file__).parents[1].rglob("*.py"))]
    sources += [ODD_PYTHON.encode(), FILES["Python"][0].encode()]
    for source in sources:
        root = parser.parse(source).root_node
        assert not root.has_error
        found, bases, imports = tags._by_statements(python, source, root)
        expected, expected_bases, expected_imports = tags._by_query(query, python, source, root)
        assert sorted(found) == sorted(expected)
        assert tags._places(bases) == tags._places(expected_bases)
        assert tags._places(imports) == tags._places(expected_imports)


def test_only_the_scripts_of_a_page_are_its_code() -> None:
    (page,) = (language for language in LANGUAGES if language.name == "HTML")
    source = b"<p id=x>no</p>\n<script>\nfunction f() { yes() }\n</script>\n<script>const g = f()</script>"
    code = code_of(page, source)
    found = tags.tags_in(code)
    assert found is not None and len(code.source) == len(source)
    assert [uses_in(code, found.tags, at) for at in range(3)] == ["", "function f yes", "const g f"]
    assert code_of(page, b"<p id=x>no</p>").language == page
