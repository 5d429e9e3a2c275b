"""A parse that is laid down and taken up again gives the tree of one that was not."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_ls.syntax.tree import Parsing, SyntaxTree, parsable, parse
from claude_ls.text.document import Document
from claude_ls.text.patch import Span, TextEdit
from claude_ls.text.regions import Region, changed_regions

SEEDS = {
    "python": "def f_{n}(a):\n    if a:\n        return 'é😀'  # {n}\n\n\nclass B_{n}:\n    x = [1, 2, f_{n}(3)]\n\n\n",
    "typescript": "export const f_{n} = (a: number) => {{\n  return `${{a}}😀`;  // {n}\n}};\n\n",
    "c": "#ifdef A_{n}\nint f_{n}(char *a) {{\n  return a[0] == 'é'; /* 😀 */\n}}\n#endif\n",
    "json": '[{{"a{n}": [1, true, null], "é😀": {{"b": "c"}}}}],\n',
    "yaml": "a{n}:\n  - b: c\n  - d\ne{n}: |\n  text\n",
}
# Pieces that leave code sound as well as some that break it, and characters that each side counts differently.
PIECES = [
    "",
    "x",
    " ",
    "\n",
    "\r\n",
    "\r",
    "é",
    "😀",
    "\ud800",
    "\u2028",
    "\f",
    "# a\n",
    "(",
    ")",
    '"',
    '"""',
    "`",
    "{",
    "}",
]


def seed(language_id: str) -> Document:
    text = "".join(SEEDS[language_id].format(n=n) for n in range(40))
    return Document.opened("file:///x", language_id, 1, f"[{text}0]\n" if language_id == "json" else text)


def in_slices(parsing: Parsing, steps: int) -> tuple[SyntaxTree, int]:
    """The tree, and how often it was laid down."""
    calls = itertools.count(1)
    for laid_down in itertools.count():
        tree = parsing.advance(lambda: next(calls) % steps == 0)
        if tree is not None:
            return tree, laid_down
    raise AssertionError


def begun(document: Document, before: SyntaxTree | None = None, regions: tuple[Region, ...] = ()) -> Parsing:
    language = parsable(document)
    assert language is not None
    return Parsing(language, document, before, regions)


def nodes(tree: SyntaxTree) -> list[tuple[str, int, int, tuple[int, int], bool]]:
    found = []
    waiting = [tree.root]
    while waiting:
        node = waiting.pop()
        found.append((node.type, node.start_byte, node.end_byte, tuple(node.start_point), node.is_missing))
        waiting += node.children
    return found


def agree(tree: SyntaxTree, fresh: SyntaxTree) -> None:
    if not fresh.has_errors:
        assert nodes(tree) == nodes(fresh)
        return
    # There is more than one way to make something of what is broken; all of them are about this text.
    assert tree.has_errors
    assert tree.source == fresh.source
    for _, start, _, point, _ in nodes(tree):
        assert point == (tree.source.count(b"\n", 0, start), start - (tree.source.rfind(b"\n", 0, start) + 1))


@pytest.mark.parametrize("language_id", SEEDS)
@given(data=st.data())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_slices_with_edits_in_between_give_the_tree_of_a_first_parse(language_id: str, data: st.DataObject) -> None:
    document = seed(language_id)
    tree, _ = in_slices(begun(document), data.draw(st.integers(1, 30)))
    for _ in range(data.draw(st.integers(1, 3))):
        edits, current = [], document
        for _ in range(data.draw(st.integers(1, 4))):
            start = data.draw(st.integers(0, len(current.text)))
            end = data.draw(st.integers(start, min(len(current.text), start + 3)))
            edits.append(TextEdit(start, end, data.draw(st.sampled_from(PIECES))))
            current = current.edited(1, edits[-1:])
        document = current
        tree, _ = in_slices(begun(document, tree, tuple(changed_regions(edits))), data.draw(st.integers(1, 30)))
        assert tree.document is document
        fresh = parse(document)
        assert fresh is not None
        agree(tree, fresh)


@pytest.mark.parametrize("language_id", SEEDS)
def test_a_parse_is_laid_down_as_often_as_one_likes(language_id: str) -> None:
    document = seed(language_id)
    fresh = parse(document)
    assert fresh is not None and not fresh.has_errors
    seldom, few = in_slices(begun(document), 8)
    often, many = in_slices(begun(document), 2)
    assert few < many
    assert nodes(seldom) == nodes(often) == nodes(fresh)


def test_parses_at_the_same_time_keep_apart() -> None:
    documents = [
        seed("python"),
        Document.opened("file:///y", "python", 1, "".join(f"x{n} = (1, {n})\n" for n in range(900))),
    ]
    waiting = [begun(document) for document in documents]
    found: dict[str, SyntaxTree] = {}
    calls = itertools.count(1)
    while waiting:
        parsing = waiting.pop(0)
        tree = parsing.advance(lambda: next(calls) % 3 == 0)
        if tree is None:
            waiting.append(parsing)
        else:
            found[tree.document.uri] = tree
    for document in documents:
        fresh = parse(document)
        assert fresh is not None and nodes(found[document.uri]) == nodes(fresh)


def test_the_text_of_a_node_is_there_whichever_way_it_was_parsed() -> None:
    # Queries look at it; py-tree-sitter reads it through the same function that the parse read through.
    document = Document.opened("file:///x", "python", 1, "# " + "é" * 9000 + "\nname = 1\n")
    tree = parse(document)
    assert tree is not None
    at = document.text.index("name")
    assert tree.node_at(Span(at, at + 4)).text == b"name"
    assert tree.node_at(Span(4, 5)).text == ("# " + "é" * 9000).encode()


def test_a_whole_text_sent_for_one_key_costs_no_more_than_the_key() -> None:
    document = seed("typescript")
    tree = parse(document)
    assert tree is not None
    at = document.text.index("number", 1500)
    text = document.text[:at] + "x" + document.text[at:]
    key, whole = TextEdit(at, at, "x"), TextEdit(0, len(document.text), text)
    steps = []
    for edit in (key, whole):
        parsing = begun(document.edited(2, [edit]), tree, tuple(changed_regions([edit])))
        assert parsing.advance() is not None
        steps.append(parsing.steps)
    assert steps[0] == steps[1]


def test_a_tree_keeps_no_other_tree_alive() -> None:
    import gc
    import weakref

    document = seed("python")
    tree = parse(document)
    assert tree is not None
    known = [weakref.ref(tree)]
    for version in range(2, 6):
        edit = TextEdit(3, 3, "x")
        document = document.edited(version, [edit])
        tree = begun(document, tree, tuple(changed_regions([edit]))).advance()
        assert tree is not None
        known.append(weakref.ref(tree))
    gc.collect()
    assert [reference() is not None for reference in known] == [False, False, False, False, True]
