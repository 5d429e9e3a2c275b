"""Edits carried over edits, from tables: where every offset, span and edit goes when somebody else was there first.

In the tables a text stands for its offsets: `[` and `]` are around a range, and what is between them is what it covers.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_ls.text.patch import Span, TextEdit, apply, patch
from claude_ls.text.rebase import Bias, carry_offset, carry_span, carry_span_over, cover, sequential, split

INSERTION = TextEdit(2, 2, "xyz")
DELETION = TextEdit(2, 5, "")
SHORTER = TextEdit(2, 5, "x")
LONGER = TextEdit(2, 4, "wxyz")

OFFSETS = [
    # edit, offset, to the left, to the right
    (INSERTION, 1, 1, 1),
    (INSERTION, 2, 2, 5),
    (INSERTION, 3, 6, 6),
    (DELETION, 1, 1, 1),
    (DELETION, 2, 2, 2),
    (DELETION, 3, 2, 2),
    (DELETION, 5, 2, 2),
    (DELETION, 6, 3, 3),
    (SHORTER, 2, 2, 3),
    (SHORTER, 3, 2, 3),
    (SHORTER, 4, 2, 3),
    (SHORTER, 5, 2, 3),
    (SHORTER, 6, 4, 4),
    (LONGER, 1, 1, 1),
    (LONGER, 2, 2, 6),
    (LONGER, 3, 2, 6),
    (LONGER, 4, 2, 6),
    (LONGER, 5, 7, 7),
    (TextEdit(0, 0, "x"), 0, 0, 1),
    (TextEdit(0, 1, "x"), 0, 0, 1),
]


@pytest.mark.parametrize(("edit", "offset", "left", "right"), OFFSETS)
def test_where_an_offset_goes(edit: TextEdit, offset: int, left: int, right: int) -> None:
    assert carry_offset(offset, edit, "left") == left
    assert carry_offset(offset, edit, "right") == right


def marked(text: str) -> tuple[str, Span]:
    """`text` without its brackets, and where they stood."""
    start, end = text.index("["), text.index("]") - 1
    return text.replace("[", "").replace("]", ""), Span(start, end)


SPANS = [
    # a span, what somebody else changes at once, and where the span is then
    ("ab[cde]fg", "[ab]cdefg", "X", "X[cde]fg"),
    ("ab[cde]fg", "a[]bcdefg", "XY", "aXYb[cde]fg"),
    ("ab[cde]fg", "ab[]cdefg", "XY", "abXY[cde]fg"),  # at a rim: outside
    ("ab[cde]fg", "abc[]defg", "XY", "ab[cXYde]fg"),
    ("ab[cde]fg", "abcde[]fg", "XY", "ab[cde]XYfg"),
    ("ab[cde]fg", "abcdef[]g", "XY", "ab[cde]fXYg"),
    ("ab[cde]fg", "abcde[f]g", "XY", "ab[cde]XYg"),
    ("ab[cde]fg", "ab[cde]fg", "XY", "ab[XY]fg"),  # all of it is replaced: what came in its place
    ("ab[cde]fg", "ab[cde]fg", "", "ab[]fg"),
    ("ab[cde]fg", "ab[c]defg", "XY", "ab[XYde]fg"),
    ("ab[cde]fg", "abcd[e]fg", "XY", "ab[cdXY]fg"),
    ("ab[cde]fg", "abc[d]efg", "XY", "ab[cXYe]fg"),
    ("ab[cde]fg", "a[bc]defg", "XY", "aXY[de]fg"),  # over a rim: what came in its place is outside
    ("ab[cde]fg", "abcd[ef]g", "XY", "ab[cd]XYg"),
    ("ab[cde]fg", "a[bcdef]g", "XY", "aXY[]g"),
    ("ab[cde]fg", "a[bcde]fg", "XY", "aXY[]fg"),
    ("ab[cde]fg", "ab[cdef]g", "XY", "abXY[]g"),
    ("ab[]fg", "ab[]fg", "XY", "abXY[]fg"),
    ("ab[]fg", "a[b]fg", "XY", "aXY[]fg"),
    ("ab[]fg", "ab[f]g", "XY", "ab[]XYg"),
    ("ab[]fg", "a[bf]g", "XY", "aXY[]g"),
    ("ab[]fg", "abf[]g", "XY", "ab[]fXYg"),
]


@pytest.mark.parametrize(("before", "replaced", "text", "after"), SPANS)
def test_where_a_span_goes(before: str, replaced: str, text: str, after: str) -> None:
    plain, span = marked(before)
    same, place = marked(replaced)
    edit = TextEdit(*place, text)
    assert plain == same
    wanted, there = marked(after)
    assert apply(plain, (edit,)) == wanted
    assert carry_span(span, edit) == there


def test_a_span_is_carried_over_edits_one_behind_the_other() -> None:
    edits = [TextEdit(0, 0, "xx"), TextEdit(3, 3, "y"), TextEdit(1, 2, "")]
    assert carry_span_over(Span(2, 4), edits) == Span(4, 6)
    assert carry_span_over(Span(2, 4), []) == Span(2, 4)


def test_edits_of_one_text_are_made_one_behind_the_other() -> None:
    text = "abcdefgh"
    at_once = (TextEdit(1, 3, "XYZW"), TextEdit(4, 4, "12"), TextEdit(6, 8, ""))
    steps = sequential(at_once)
    assert steps == [TextEdit(1, 3, "XYZW"), TextEdit(6, 6, "12"), TextEdit(10, 12, "")]
    for step in steps:
        text = apply(text, (step,))
    assert text == apply("abcdefgh", at_once)
    assert sequential(()) == []


OVER = [
    # What ours replaces (by `text`), what theirs does at once, and what ours is after theirs: in an editor that
    # carries ranges, and in one that carries every character.
    ("ab[cde]fg", "[ab]cdefg", "X", "X[cde]fg", ["X[cde]fg"]),
    ("ab[cde]fg", "ab[]cdefg", "X", "abX[cde]fg", ["abX[cde]fg"]),
    ("ab[cde]fg", "abcde[]fg", "X", "ab[cde]Xfg", ["ab[cde]Xfg"]),
    ("ab[cde]fg", "abcdef[]g", "X", "ab[cde]fXg", ["ab[cde]fXg"]),
    ("ab[cde]fg", "abc[]defg", "XY", "ab[cXYde]fg", ["ab[c]XYdefg", "abcXY[de]fg"]),
    ("ab[cde]fg", "abc[d]efg", "XY", "ab[cXYe]fg", ["ab[c]XYefg", "abcXY[e]fg"]),
    ("ab[cde]fg", "ab[c]defg", "XY", "ab[XYde]fg", ["ab[]XYdefg", "abXY[de]fg"]),
    ("ab[cde]fg", "abcd[e]fg", "XY", "ab[cdXY]fg", ["ab[cd]XYfg"]),
    ("ab[cde]fg", "ab[cde]fg", "XY", "ab[XY]fg", ["ab[]XYfg"]),
    ("ab[cde]fg", "ab[cde]fg", "", "ab[]fg", ["ab[]fg"]),
    ("ab[cde]fg", "a[bc]defg", "XY", "aXY[de]fg", ["aXY[]defg", "aXY[de]fg"]),
    ("ab[cde]fg", "abcd[ef]g", "XY", "ab[cd]XYg", ["ab[cd]XYg"]),
    ("ab[cde]fg", "a[bcdef]g", "XY", "aXY[]g", ["aXY[]g"]),
    ("ab[cde]fg", "ab[cdef]g", "XY", "ab[]XYg", ["ab[]XYg"]),
    ("ab[cde]fg", "a[bcde]fg", "XY", "aXY[]fg", ["aXY[]fg"]),
    ("ab[]fg", "ab[]fg", "XY", "ab[]XYfg", ["ab[]XYfg"]),  # both put in: ours was first, and stays in front
    ("ab[]fg", "a[]bfg", "XY", "aXYb[]fg", ["aXYb[]fg"]),
    ("ab[]fg", "abf[]g", "XY", "ab[]fXYg", ["ab[]fXYg"]),
    ("ab[]fg", "ab[f]g", "XY", "ab[]XYg", ["ab[]XYg"]),
    ("ab[]fg", "a[b]fg", "XY", "aXY[]fg", ["aXY[]fg"]),
    ("ab[]fg", "a[bf]g", "XY", "aXY[]g", ["aXY[]g"]),
    ("ab[]fg", "a[bf]g", "", "a[]g", ["a[]g"]),
]


@pytest.mark.parametrize(("ours", "theirs", "typed", "covering", "pieces"), OVER)
def test_what_an_edit_is_after_another(ours: str, theirs: str, typed: str, covering: str, pieces: list[str]) -> None:
    plain, own = marked(ours)
    same, place = marked(theirs)
    assert plain == same
    edit = TextEdit(*place, typed)
    after = apply(plain, (edit,))
    assert all(marked(piece)[0] == after for piece in [covering, *pieces])
    assert cover(TextEdit(*own, "new"), edit) == TextEdit(*marked(covering)[1], "new")
    first, *others = (marked(piece)[1] for piece in pieces)
    wanted = (TextEdit(*first, "new"), *(TextEdit(*piece, "") for piece in others))
    assert split(TextEdit(*own, "new"), edit) == wanted


EDITS = st.builds(
    lambda start, length, text: TextEdit(start, min(10, start + length), text),
    st.integers(0, 10),
    st.integers(0, 5),
    st.text("XYZ", max_size=4),
)


@given(EDITS, EDITS)
def test_an_editor_that_carries_characters_loses_nothing_that_was_typed(own: TextEdit, edit: TextEdit) -> None:
    text = "abcdefghij"
    parts = split(TextEdit(own.start, own.end, "new"), edit)
    assert patch(parts) == parts
    removed = {*range(own.start, own.end), *range(edit.start, edit.end)}
    kept = "".join(character for at, character in enumerate(text) if at not in removed)
    assert sorted(apply(apply(text, (edit,)), parts)) == sorted(f"new{edit.text}{kept}")


@pytest.mark.parametrize("bias", ["left", "right"])
@given(EDITS, st.integers(0, 10), st.integers(0, 10))
def test_offsets_keep_their_order(bias: Bias, edit: TextEdit, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert carry_offset(low, edit, bias) <= carry_offset(high, edit, bias)
    assert 0 <= carry_offset(low, edit, bias) <= 10 + edit.delta
