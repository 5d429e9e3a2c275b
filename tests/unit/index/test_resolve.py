"""Which definitions names mean: by scope, imports, inheritance and types before by name alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from claude_ls.index.folder_index import FolderIndex
from claude_ls.index.one_file import read_file
from claude_ls.index.related import related
from claude_ls.index.resolve import Names
from claude_ls.index.store import Place


def index_of(root: Path, files: dict[str, str]) -> FolderIndex:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    index = FolderIndex(root, None)
    index.add([read_file(root, file) for file in index.stale()])
    return index


def names_of(index: FolderIndex) -> Names:
    return Names(index._store)


def found(index: FolderIndex, path: str, name: str, sure: float = 1.5) -> list[str]:
    """What the definition `name` of `path` surely has to do with, as path:line."""
    store = index._store
    (number,) = [at for at, tag in enumerate(store.file(path).tags) if tag.name == name and tag.noun != "variable"][:1]
    place = Place(path, number)
    tag = store.tag(place)
    lines = (index.root / path).read_text().split("\n")
    parent = store.file(path).tags[tag.parent]
    around = "\n".join(lines[parent.first : parent.last + 1]) if parent.name else ""
    code = "\n".join(lines[tag.first : tag.last + 1])
    result = []
    for item in related(names_of(index), place, code, around):
        if item.weight >= sure:
            met = store.tag(item.place)
            result.append(f"{item.place.path}:{met.line + 1} {met.name}")
    return sorted(result)


PYTHON = {
    "shop/__init__.py": "from .basket import Basket as Cart\nfrom .prices import *\n",
    "shop/basket.py": (
        "from __future__ import annotations\n"
        "from . import prices\n"
        "from .base import Holder\n"
        "\n"
        "class Basket(Holder):\n"
        "    limit = 10\n"
        "\n"
        "    def total(self) -> int:\n"
        "        return sum(prices.price_of(item) for item in self.items()) + self.limit\n"
        "\n"
        "    def copy(self) -> Basket:\n"
        "        other = Basket()\n"
        "        other.put(self.total())\n"
        "        return other\n"
    ),
    "shop/base.py": "class Holder:\n    def items(self):\n        return []\n\n    def put(self, x):\n        pass\n",
    "shop/prices.py": "RATE = 2\n\ndef price_of(item):\n    return RATE\n\ndef total():\n    return 0\n",
    "main.py": (
        "import shop.prices\n"
        "from shop import Cart, price_of as priced\n"
        "\n"
        "def run(cart: Cart, price):\n"
        "    cart.put(priced(price))\n"
        "    return shop.prices.total(), cart.copy().items()\n"
        "\n"
        "def local(total):\n"
        "    total()\n"
    ),
}


def test_python_follows_imports_bases_types_and_what_calls_return(tmp_path: Path) -> None:
    index = index_of(tmp_path, PYTHON)
    assert found(index, "main.py", "run", sure=1.4) == [
        "shop/base.py:2 items",
        "shop/base.py:5 put",
        "shop/basket.py:11 copy",
        "shop/basket.py:5 Basket",
        "shop/prices.py:3 price_of",
        "shop/prices.py:6 total",
    ]
    assert found(index, "shop/basket.py", "total") == [
        "shop/base.py:2 items",
        "shop/basket.py:6 limit",
        "shop/prices.py:3 price_of",
    ]
    assert "shop/base.py:5 put" in found(index, "shop/basket.py", "copy")


def test_a_parameter_is_not_what_somebody_else_calls_so(tmp_path: Path) -> None:
    index = index_of(tmp_path, PYTHON)
    assert found(index, "main.py", "local") == []


TYPESCRIPT = {
    "src/shape.ts": (
        "export interface Shape {\n  area(): number;\n}\n"
        "export class Base implements Shape {\n  area() { return 0; }\n  scale(by: number) { return by; }\n}\n"
        "export default function unit(): Base { return new Base(); }\n"
    ),
    "src/index.ts": 'export * from "./shape.js";\nexport { unit as one } from "./more";\n',
    "src/more/index.ts": "export const unit = 1;\n",
    "src/use.ts": (
        'import make, { Base, type Shape } from "./shape";\n'
        'import * as all from "./index.js";\n'
        'import { one } from "./index";\n'
        "export class Square extends Base {\n"
        "  private inner: Shape;\n"
        "  grow(other: Base) {\n"
        "    this.scale(one);\n"
        "    other.area();\n"
        "    return all.Base;\n"
        "  }\n"
        "}\n"
    ),
}


def test_typescript_follows_modules_namespaces_and_what_is_handed_on(tmp_path: Path) -> None:
    index = index_of(tmp_path, TYPESCRIPT)
    assert found(index, "src/use.ts", "grow") == [
        "src/more/index.ts:1 unit",
        "src/shape.ts:4 Base",
        "src/shape.ts:5 area",
        "src/shape.ts:6 scale",
    ]


@pytest.mark.parametrize(
    ("files", "path", "name", "expected"),
    [
        (
            {"a/use.go": "package a\n\nfunc Use() { helper() }\n", "a/own.go": "package a\n\nfunc helper() {}\n"},
            *("a/use.go", "Use", "a/own.go:3 helper"),
        ),
        (
            {
                "src/use.rs": "use crate::shape::Shape;\n\nfn go(s: Shape) {\n    s.area();\n}\n",
                "src/shape.rs": "pub struct Shape;\n\nimpl Shape {\n    pub fn area(&self) {}\n}\n",
            },
            *("src/use.rs", "go", "src/shape.rs:4 area"),
        ),
        (
            {
                "p/Use.java": "import p.Shape;\nclass Use {\n  void go(Shape s) {\n    s.area();\n  }\n}\n",
                "p/Shape.java": "public class Shape {\n  void area() {}\n}\n",
            },
            *("p/Use.java", "go", "p/Shape.java:1 Shape"),
        ),
        (
            {
                "use.c": '#include "own.h"\n\nint go(void) {\n  return own_area(2);\n}\n',
                "own.h": "int own_area(int x);\n",
            },
            *("use.c", "go", "own.h:1 own_area"),
        ),
    ],
)
def test_other_languages_find_what_is_near(
    files: dict[str, str], path: str, name: str, expected: str, tmp_path: Path
) -> None:
    assert expected in found(index_of(tmp_path, files), path, name, sure=1.0)


def test_circles_of_imports_and_bases_come_to_an_end(tmp_path: Path) -> None:
    index = index_of(
        tmp_path,
        {
            "a.py": "from b import thing\nfrom b import *\n\nclass A(B):\n    def go(self):\n        self.x(thing)\n",
            "b.py": "from a import thing\nfrom a import *\n\nclass B(A):\n    pass\n",
        },
    )
    found(index, "a.py", "go")


def test_odd_code_is_read_without_an_error(tmp_path: Path) -> None:
    index = index_of(
        tmp_path,
        {
            "a.py": "def go(...):\n    ...\n    x. . y\n    1.5.real\n    é.ü = ñ\n    self.\n    .a.b.\n",
            "b.ts": "class {}",
        },
    )
    found(index, "a.py", "go")
    assert index.context("a.py", 0, 0, 1000) is not None
    assert index.context("missing.py", 5, 9, 1000) == []
