"""Import statements of each language: what a file takes, from where, and under which name."""

from __future__ import annotations

import pytest

from claude_ls.syntax.imports import Import, read_imports
from claude_ls.syntax.languages import LANGUAGES, Language
from claude_ls.syntax.tags import tags_of

BY_NAME = {language.name: language for language in LANGUAGES}
# What a statement must stand behind for the grammar to know it.
BEFORE = {"Go": "package p\n", "PHP": "<?php\n"}

# By language: a statement, and what it brings in as "local module name" (`-` for the module itself).
PYTHON = [
    ("import a", ["a a -"]),
    ("import a  # no", ["a a -"]),
    # Not `a a`: the resolver takes `a` from it, and knows `a.b` too.
    ("import a.b", ["a.b a.b -"]),
    ("import a as b, c.d", ["b a -", "c.d c.d -"]),
    ("import a.b as c", ["c a.b -"]),
    ("import a, \\\n    b", ["a a -", "b b -"]),
    ("from a import b", ["b a b"]),
    ("from a.b import c as d, e", ["d a.b c", "e a.b e"]),
    ("from a.b import (c)", ["c a.b c"]),
    ("from a import (\n    b,  # why, this (one)\n    c as d,\n)", ["b a b", "d a c"]),
    ("from a import (b  # it's\n    , c)", ["b a b", "c a c"]),
    ("from a import b, \\\n    c", ["b a b", "c a c"]),
    ("from important import imported", ["imported important imported"]),
    ("from a import *", ["* a -"]),
    ("from . import a", ["a . a"]),
    ("from .import a", ["a . a"]),
    ("from .. import a as b", ["b .. a"]),
    ("from ...a.b import c", ["c ...a.b c"]),
    ("from . a import b", ["b .a b"]),
    ("from ü.é import ñ", ["ñ ü.é ñ"]),
    ("from a import b; import c", ["b a b", "c c -"]),
    # Says how to read the file and brings in nothing that a project defines.
    ("from __future__ import annotations", []),
]
SCRIPT = [
    ('import a from "./m";', ["a ./m default"]),
    ("import a from'./m'", ["a ./m default"]),
    ('import * as a from "./m";', ["a ./m -"]),
    ('import * as $ from "m";', ["$ m -"]),
    ('import { a } from "./m";', ["a ./m a"]),
    ('import{a}from"./m"', ["a ./m a"]),
    ('import { a as b, c, } from "./m";', ["b ./m a", "c ./m c"]),
    ('import { default as a } from "./m";', ["a ./m default"]),
    # The names in braces first, whatever the order.
    ('import a, { b } from "./m";', ["b ./m b", "a ./m default"]),
    ('import a, * as b from "./m";', ["b ./m -", "a ./m default"]),
    ('import { a, // why, this\n  /* not, that */ b } from "./m";', ["a ./m a", "b ./m b"]),
    ('import { // it\'s\n  a } from "https://x.y/m";', ["a https://x.y/m a"]),
    ('import j from "./m.json" with { type: "json" };', ["j ./m.json default"]),
    # Nothing that has a name here.
    ('import "./m";', []),
    ('import {} from "./m";', []),
    # Names that are strings are too rare to be read.
    ('import { "a-b" as c } from "./m";', []),
    ('export { a } from "./m";', ["a ./m a"]),
    ('export { a as b } from "./m";', ["b ./m a"]),
    ('export { default } from "./m";', ["default ./m default"]),
    ('export { default as a } from "./m";', ["a ./m default"]),
    ('export * from "./m";', ["* ./m -"]),
    ('export * as a from "./m";', ["a ./m -"]),
    # Takes nothing from elsewhere; and what `require` gives is a variable of this file, found as one.
    ("export { a };", []),
    ('const a = require("./m");', []),
]
TYPED = [
    ('import type { A, B as C } from "./m";', ["A ./m A", "C ./m B"]),
    ('import type A from "./m";', ["A ./m default"]),
    ('import type * as a from "./m";', ["a ./m -"]),
    ('import { type A, type B as C, d } from "./m";', ["A ./m A", "C ./m B", "d ./m d"]),
    ('import { type } from "./m";', ["type ./m type"]),
    ('import { type as t } from "./m";', ["t ./m type"]),
    ('import type from "./m";', ["type ./m default"]),
    ('export type { A } from "./m";', ["A ./m A"]),
    ('import a = require("./m");', ["a ./m -"]),
]
STATEMENTS: dict[str, list[tuple[str, list[str]]]] = {
    "Python": PYTHON,
    "JavaScript": SCRIPT,
    "TypeScript": SCRIPT + TYPED,
    "TSX": SCRIPT + TYPED,
    "Go": [
        ('import "fmt"', ["fmt fmt -"]),
        ("import `a/b`", ["b a/b -"]),
        ('import m "a/b"', ["m a/b -"]),
        ('import . "a/b"', ["* a/b -"]),
        ('import _ "a/b"', ["_ a/b -"]),
        ('import (\n\t"a/b"\n\n\tm "c" // why "d"\n)', ["b a/b -", "m c -"]),
        # A version is no name.
        ('import "a/b/v2"', ["b a/b/v2 -"]),
        ('import "gopkg.in/yaml.v3"', ["yaml gopkg.in/yaml.v3 -"]),
        ('import "x.org/nats.go"', ["nats x.org/nats.go -"]),
        # The package itself says what it is called (`c` or `d`, mostly): not known from here.
        ('import "a-b/c-d"', ["c-d a-b/c-d -"]),
    ],
    "Rust": [
        ("use a;", ["a a a"]),
        ("use a::b;", ["b a::b b"]),
        ("use ::a::b;", ["b a::b b"]),
        ("use a::b as c;", ["c a::b b"]),
        ("use a::b as _;", ["_ a::b b"]),
        ("use crate::a;", ["a crate::a a"]),
        ("use self::a::b;", ["b self::a::b b"]),
        ("use super::a::B;", ["B super::a::B B"]),
        ("pub use a::b;", ["b a::b b"]),
        ("pub(crate) use a::b;", ["b a::b b"]),
        ("pub(in crate::a) use b::c;", ["c b::c c"]),
        ("use a::{b, c as d,};", ["b a::b b", "d a::c c"]),
        ("use a::{\n    b, // why, this\n    /* that */ c,\n};", ["b a::b b", "c a::c c"]),
        ("use a::{self, b};", ["a a::self a", "b a::b b"]),
        ("use a::{self as x};", ["x a::self a"]),
        ("use {a, b::c};", ["a a a", "c b::c c"]),
        (
            "use std::{collections::{HashMap, hash_map::{Entry, self}}, io};",
            [
                "HashMap std::collections::HashMap HashMap",
                "Entry std::collections::hash_map::Entry Entry",
                "hash_map std::collections::hash_map::self hash_map",
                "io std::io io",
            ],
        ),
        # All of a module: read as the module, so that its file is known to be near.
        ("use a::*;", ["a a a"]),
        ("use a::{b::*, c};", ["b a::b b", "c a::c c"]),
        ("use super::*;", []),
        # Another project.
        ("extern crate a;", []),
    ],
    "Java": [
        ("import a.b.C;", ["C a.b.C C"]),
        ("import a.b.C; // why", ["C a.b.C C"]),
        ("import static a.B.c;", ["c a.B.c c"]),
        # All of a package or a class: read as that, so that its files are known to be near.
        ("import a.b.*;", ["b a.b b"]),
        ("import static a.B.*;", ["B a.B B"]),
    ],
    "C": [
        ('#include "own.h"', ["own own.h own"]),
        ("#include <sys/own.h>", ["own sys/own.h own"]),
        ("#  include <own>", ["own own own"]),
        ('#include "own.h" // why', ["own own.h own"]),
        ('#include "own.h" /* why */', ["own own.h own"]),
        ('#include "a-b.h"', ["a-b a-b.h a-b"]),
        ('#include "a+b.h"', ["a+b a+b.h a+b"]),
        # Where it is from does not matter: a file is looked for by the end of its path.
        ('#include "../a/own.h"', ["own /a/own.h own"]),
        ("#include OWN", ["OWN OWN OWN"]),
    ],
    "C++": [
        ("#include <vector>", ["vector vector vector"]),
        ('#include "own.hpp"', ["own own.hpp own"]),
        ('#include "own.hxx"', ["own own.hxx own"]),
        ("using a::b;", ["b a::b b"]),
        ("using namespace a::b;", ["b a::b b"]),
    ],
    "C#": [
        ("using A.B;", ["B A.B B"]),
        ("using A.B; // why", ["B A.B B"]),
        ("global using A.B;", ["B A.B B"]),
        ("using static A.B;", ["B A.B B"]),
        ("using C = A.B;", ["C A.B B"]),
        ("global using C = A.B;", ["C A.B B"]),
        ("using C = A.B<int>;", ["C A.B B"]),
    ],
    "Ruby": [
        ('require "a/b"', ["b a/b b"]),
        ('require("a/b.rb")', ["b a/b.rb b"]),
        ("require_relative 'a/b'", ["b a/b b"]),
        ('require_relative "../a"', ["a /a a"]),
        ("include A::B", ["B A::B B"]),
        ("extend A", ["A A A"]),
    ],
    "PHP": [
        ("use A;", ["A A A"]),
        ("use A\\B;", ["B A\\B B"]),
        ("use \\A\\B;", ["B A\\B B"]),
        ("use A\\B as C;", ["C A\\B B"]),
        ("use A\\B, C\\D;", ["B A\\B B", "D C\\D D"]),
        ("use function A\\b;", ["b A\\b b"]),
        ("use const A\\B;", ["B A\\B B"]),
        ("use A\\{B, C as D};", ["B A\\B B", "D A\\C C"]),
        ("use A\\{B\\C, D,};", ["C A\\B\\C C", "D A\\D D"]),
        ("use A\\{function b, const C, functional};", ["b A\\b b", "C A\\C C", "functional A\\functional functional"]),
    ],
    "Bash": [
        ("source ./lib.sh", ["lib /lib.sh lib"]),
        (". lib.bash", ["lib lib.bash lib"]),
        ("source ../a/lib", ["lib /a/lib lib"]),
        ("source a-b.sh one two", ["a-b a-b.sh a-b"]),
        # What only a run can tell is left out: a file is looked for by the end of its path.
        ('source "$DIR/lib.sh"', ["lib /lib.sh lib"]),
        ('source "${DIR:-/etc}/a/lib.sh"', ["lib /a/lib.sh lib"]),
        ('. "$(dirname "$0")/lib.sh"', ["lib /lib.sh lib"]),
        ('source "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/lib.sh"', ["lib /lib.sh lib"]),
        ('source "$LIB"', []),
    ],
    "Lua": [
        ('local m = require("a.b")', ["m a.b -"]),
        ("local m = require 'a/b'", ["m a/b -"]),
        ("local m = require [[a]]", ["m a -"]),
        ('local m <const> = require("a")', ["m a -"]),
        ('local f = require("a.b").f', ["f a.b f"]),
        ('local a, b = require("a"), require("b")', ["a a -", "b b -"]),
        # A name for the whole program, or none: not followed.
        ('m = require("a")', []),
        ('require("a")', []),
    ],
}
CASES = [
    pytest.param(BY_NAME[name], statement, expected, id=f"{name}: {statement}")
    for name, rows in STATEMENTS.items()
    for statement, expected in rows
]


def written(imports: list[Import] | tuple[Import, ...]) -> list[str]:
    return [f"{item.local} {item.module} {item.name or '-'}" for item in imports]


@pytest.mark.parametrize(("language", "statement", "expected"), CASES)
def test_what_a_statement_brings_in(language: Language, statement: str, expected: list[str]) -> None:
    found = tags_of(language, (BEFORE.get(language.name, "") + statement + "\n").encode())
    assert found is not None
    assert written(found.imports) == expected


@pytest.mark.parametrize("name", STATEMENTS)
def test_line_ends_make_no_difference(name: str) -> None:
    # A lone CR is left out: for the grammars it ends no comment.
    source = BEFORE.get(name, "") + "".join(f"{statement}\n" for statement, _ in STATEMENTS[name])
    found = [tags_of(BY_NAME[name], source.replace("\n", end).encode()) for end in ("\n", "\r\n")]
    assert found[0] is not None and found[0].imports
    assert all(item is not None and item.imports == found[0].imports for item in found)


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_cut_anywhere_is_read_somehow(name: str) -> None:
    for statement, _ in STATEMENTS[name]:
        for end in range(len(statement)):
            for part in (statement[:end], statement[end:], statement[:end] + "\x00\ufffd" + statement[end:]):
                for item in read_imports(BY_NAME[name], part):
                    assert item.local and item.module


@pytest.mark.parametrize("name", STATEMENTS)
@pytest.mark.parametrize(
    "unit",
    ["a", "a::{", "a::", "a,", "{", "{}", "::{},", "\\", '"', "'", "`", "(", "$(", "${", "/*", "//", "#", "\n", " ",
     ".", "import ", "from ", "require ", "require(", "as ", "use a::{b,", "= ", "[["],
)  # fmt: skip
def test_no_statement_takes_forever(name: str, unit: str) -> None:
    for before in ("", "import ", "from a import ", "use a::{", "local a = ", "using a = ", 'source "'):
        read_imports(BY_NAME[name], before + unit * (50_000 // len(unit)))
        read_imports(BY_NAME[name], before + unit * (9_000 // len(unit)) + "}" * 900)
