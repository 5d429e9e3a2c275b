"""Who uses a definition: the very lines, and none that merely look so. `¦` is in the definition that is asked about;
`«…»` marks each line that uses it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from claude_ls.index.folder_index import FolderIndex
from claude_ls.index.one_file import read_file
from claude_ls.index.references import callers_of, references

CASES: Mapping[str, Mapping[str, str]] = {
    "imports and calls": {
        "prices.py": "def price_¦of(item):\n    return item.price\n",
        "cart.py": "«from prices import price_of»\n\n\ndef total(items):\n    # price_of in a comment\n"
        '    words = "price_of in a string"\n    return «sum(price_of(item) for item in items)»\n',
        "other.py": "def price_of(item):\n    return 0\n\n\ndef f():\n    return price_of(1)\n",
    },
    "by a module, under another name": {
        "prices.py": "def price_¦of(item):\n    return item.price\n",
        "cart.py": "import prices\n\n\ndef total(items):\n    return «prices.price_of(items[0])»\n",
        "more.py": "«from prices import price_of as cost»\n\nx = cost(1)\n",
    },
    "a method of a class, by the type of what it is asked of": {
        "cart.py": "class Cart:\n    def tot¦al(self):\n        return 0\n\n    def show(self):\n"
        "        print(«self.total()»)\n\n\nclass Bill:\n    def total(self):\n        return 1\n\n"
        "    def show(self):\n        print(self.total())\n",
        "use.py": "from cart import Bill, Cart\n\n\ndef f(cart: Cart, bill: Bill):\n"
        "    a = «cart.total()»\n    b = bill.total()\n    return a + b\n",
    },
    "a class, its makers and its heirs": {
        "base.py": "class Sh¦ape:\n    pass\n",
        "use.py": "«from base import Shape»\n\n\n«class Square(Shape):»\n    pass\n\n\n"
        "def make() -> None:\n    return «Shape()»\n",
    },
    "not itself, nor what is in it": {
        "f.py": "def f¦act(n):\n    return n * fact(n - 1) if n else 1\n\n\nx = «fact(3)»\n",
    },
    "TypeScript": {
        "prices.ts": "export function price¦Of(item: Item): number {\n  return item.price;\n}\n",
        "cart.ts": "«import { priceOf } from './prices';»\n\nexport function total(items: Item[]): number {\n"
        "  return «items.map((item) => priceOf(item)).length»;\n}\n",
        "bill.tsx": "«import { priceOf as cost } from './prices';»\nexport const Bill = () => <b>{cost(1)}</b>;\n",
    },
    "Go, in the same package and from another": {
        "shop/prices.go": "package shop\n\nfunc Price¦Of(item int) int {\n\treturn item\n}\n",
        "shop/cart.go": "package shop\n\nfunc Total(items []int) int {\n\treturn «PriceOf(items[0])»\n}\n",
    },
    "Rust": {
        "src/prices.rs": "pub fn price_¦of(item: u32) -> u32 {\n    item\n}\n",
        "src/cart.rs": "«use crate::prices::price_of;»\n\npub fn total(items: &[u32]) -> u32 {\n"
        "    «price_of(items[0])»\n}\n",
    },
    "C, over a header": {
        "price.c": "int price_¦of(int item) {\n    return item;\n}\n",
        "cart.c": '#include "price.h"\n\nint total(int a) {\n    return «price_of(a)»;\n}\n',
    },
    "Java, of the same class and of another": {
        "Cart.java": "class Cart {\n  int tot¦al() {\n    return 0;\n  }\n\n  int twice() {\n"
        "    return 2 * «total()»;\n  }\n}\n",
        "Use.java": "class Use {\n  int f(Cart cart) {\n    return «cart.total()»;\n  }\n}\n",
    },
    "Ruby": {
        "cart.rb": "class Cart\n  def tot¦al\n    0\n  end\n\n  def show\n    «puts total»\n  end\nend\n",
    },
}


def folder(root: Path, files: Mapping[str, str]) -> tuple[FolderIndex, str, int, dict[str, list[int]]]:
    """An index of the files, the file and line of the mark, and by file the lines that are marked."""
    asked, at = "", 0
    marked: dict[str, list[int]] = {}
    for name, text in files.items():
        if "¦" in text:
            asked, at = name, text[: text.index("¦")].count("\n")
        marked[name] = [number for number, line in enumerate(text.split("\n")) if "«" in line]
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.translate(dict.fromkeys(map(ord, "¦«»"))))
    index = FolderIndex(root, None)
    index.add([read_file(root, file) for file in index.stale()])
    return index, asked, at, {name: lines for name, lines in marked.items() if lines}


@pytest.mark.parametrize("name", CASES)
def test_the_lines_that_use_a_definition(name: str, tmp_path: Path) -> None:
    index, asked, at, expected = folder(tmp_path, CASES[name])
    names, lines = index.known()
    found: dict[str, list[int]] = {}
    for use in references(names, lines, index.place_at(asked, at, at)):
        found.setdefault(use.place.path, []).append(use.line)
    assert found == expected


def test_with_members_what_uses_anything_in_a_class_counts(tmp_path: Path) -> None:
    index, asked, at, _ = folder(tmp_path, {
        "cart.py": "class Ca¦rt:\n    def total(self):\n        return self.size()\n\n"
        "    def size(self):\n        return 0\n",
        "use.py": "from cart import Cart\n\n\ndef f(cart: Cart):\n    x = 1\n    return cart.size()\n",
    })  # fmt: skip
    names, lines = index.known()
    place = index.place_at(asked, at, at)
    assert [use.line for use in references(names, lines, place)] == [0, 3]
    assert [use.line for use in references(names, lines, place, members=True)] == [0, 3, 5]


def test_unsaved_text_counts_before_what_is_on_disk(tmp_path: Path) -> None:
    index, asked, at, _ = folder(tmp_path, CASES["imports and calls"])
    index.show(
        {"cart.py": "from prices import price_of\n\nx = 1\n", "new.py": "import prices\n\ny = prices.price_of(1)\n"}
    )
    names, lines = index.known()
    found = references(names, lines, index.place_at(asked, at, at))
    assert [(use.place.path, use.line) for use in found] == [("cart.py", 0), ("new.py", 2)]


def test_they_are_shown_numbered_below_the_head_of_what_they_stand_in(tmp_path: Path) -> None:
    index, asked, at, _ = folder(tmp_path, {
        "prices.py": "def price_¦of(item, *, currency):\n    return item.price\n",
        "cart.py": "from prices import price_of\n\n\nclass Cart:\n    size = 1\n\n    def total(self):\n        x = 1\n"
        "        return price_of(\n            self,\n            currency='EUR',\n        )\n\n"
        "    def other(self):\n        pass\n",
    })  # fmt: skip
    shown = callers_of(index, asked, (at, at), 4_000)
    assert shown is not None
    ((path, text),) = shown.shown
    assert path == "cart.py"
    assert text.split("\n") == [
        "1\tfrom prices import price_of",
        "⋮",
        "4\tclass Cart:",
        "⋮",
        "7\t    def total(self):",
        "⋮",
        "9\t        return price_of(",
        "10\t            self,",
        "11\t            currency='EUR',",
        "12\t        )",
        "⋮",
    ]


def test_what_has_no_room_is_counted(tmp_path: Path) -> None:
    files = {f"user_{number}.py": "from prices import price_of\n\nx = price_of(1)\n" for number in range(9)}
    index, asked, at, _ = folder(tmp_path, {"prices.py": "def price_¦of(item):\n    return item\n", **files})
    shown = callers_of(index, asked, (at, at), 500)
    assert shown is not None
    lines = sum(text.count("\t") for _, text in shown.shown)
    assert 0 < lines < 18
    assert lines + shown.left_out == 18


def test_where_no_definition_is_there_is_nothing_to_be_used(tmp_path: Path) -> None:
    index, _, _, _ = folder(tmp_path, {"a.py": "x¦ = 1\n\n\ndef f():\n    pass\n"})
    assert callers_of(index, "a.py", (1, 1), 500) is None
