"""Patches, their inverses, their smallest form, and how they are carried over other people's edits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_ls.text.diff import distance, minimal_patch
from claude_ls.text.patch import Patch, Span, TextEdit, apply, invert, patch
from claude_ls.text.rebase import carry_span, cover, sequential

LINES = st.lists(st.sampled_from(["", "a", "b", "  a", "𝒳é", "a\fb"]), max_size=8)
BREAKS = st.sampled_from(["\n", "\r\n", "\r"])
TEXT = st.builds(lambda lines, end: end.join(lines), LINES, BREAKS)


@given(TEXT, TEXT)
def test_the_minimal_patch_leads_from_one_text_to_the_other(old: str, new: str) -> None:
    found = minimal_patch(old, new)
    assert apply(old, found) == new
    assert patch(found) == found
    assert apply(new, invert(old, found)) == old


@given(TEXT, TEXT)
def test_no_edit_begins_or_ends_inside_of_a_line_break(old: str, new: str) -> None:
    for edit in minimal_patch(old, new):
        for offset in edit.span:
            assert old[offset - 1 : offset + 1] != "\r\n" or offset == 0


def test_what_did_not_change_is_not_touched() -> None:
    old = "def f():\n    a = 1\n    b = 2\n    return a\n"
    new = "def f():\n    a = 10\n    b = 2\n    return a + b\n"
    assert [edit.span.of(old) + "->" + edit.text for edit in minimal_patch(old, new)] == ["->0", "-> + b"]


def test_overlapping_edits_are_refused() -> None:
    with pytest.raises(ValueError, match="overlaps"):
        patch([TextEdit(0, 3, "x"), TextEdit(2, 4, "y")])


@given(st.text("abc\n", max_size=30), st.data())
def test_a_patch_and_an_edit_beside_it_give_the_same_text_in_either_order(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    ours: Patch = minimal_patch(text[cut:], data.draw(st.text("abc\n", max_size=10)))
    ours = tuple(TextEdit(e.start + cut, e.end + cut, e.text) for e in ours)
    if not ours or ours[0].start == 0:
        return
    end = data.draw(st.integers(0, ours[0].start - 1))
    theirs = TextEdit(data.draw(st.integers(0, end)), end, data.draw(st.text("xy", max_size=5)))
    carried = tuple(cover(own, theirs) for own in ours)
    ours_first = apply(apply(text, ours), (theirs,))
    assert apply(apply(text, (theirs,)), carried) == ours_first


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (TextEdit(0, 0, "xx"), Span(6, 8)),
        (TextEdit(4, 4, "xx"), Span(6, 8)),
        (TextEdit(6, 6, "xx"), Span(4, 6)),
        (TextEdit(5, 5, "xx"), Span(4, 8)),
        (TextEdit(3, 5, ""), Span(3, 4)),
        (TextEdit(5, 8, ""), Span(4, 5)),
        (TextEdit(3, 8, ""), Span(3, 3)),
        (TextEdit(8, 9, "xx"), Span(4, 6)),
    ],
)
def test_a_span_is_carried_over_an_edit(edit: TextEdit, expected: Span) -> None:
    assert carry_span(Span(4, 6), edit) == expected


@given(TEXT, TEXT)
def test_a_patch_can_be_applied_edit_by_edit(old: str, new: str) -> None:
    text = old
    for edit in sequential(minimal_patch(old, new)):
        text = apply(text, (edit,))
    assert text == new


@given(st.text("ab\n", max_size=12), st.text("ab\n", max_size=12))
def test_the_distance_is_what_a_table_of_all_prefixes_says(old: str, new: str) -> None:
    row = list(range(len(new) + 1))
    for at, character in enumerate(old, 1):
        before, row = row, [at]
        for index, other in enumerate(new, 1):
            row.append(before[index - 1] if character == other else 1 + min(before[index], row[index - 1]))
    assert distance(old, new) == row[-1]
