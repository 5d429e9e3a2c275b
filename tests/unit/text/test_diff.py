"""What leads from one text to another: as short as it can be, whatever its length."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_ls.text import diff
from claude_ls.text.diff import changes, difference, minimal_patch
from claude_ls.text.patch import TextEdit, apply

TEXT = st.text("ab\r\n\u2028", max_size=20)


@given(TEXT, TEXT)
def test_the_difference_is_one_edit_and_no_longer_than_it_must_be(old: str, new: str) -> None:
    found = difference(old, new)
    if found is None:
        assert old == new
        return
    assert apply(old, (found,)) == new
    removed = found.span.of(old)
    assert not removed or not found.text or removed[0] != found.text[0]
    assert not removed or not found.text or removed[-1] != found.text[-1]


@given(TEXT, TEXT)
def test_changes_lead_one_behind_the_other_to_the_new_text(old: str, new: str) -> None:
    for edit in changes(old, new):
        assert edit.start < edit.end or edit.text
        old = apply(old, (edit,))
    assert old == new


def test_words_typed_far_from_each_other_are_two_changes() -> None:
    old = "".join(f"line {number}\n" for number in range(9))
    new = old.replace("line 1", "line 1!").replace("line 7", "line 7?")
    assert [edit.text for edit in changes(old, new)] == ["!", "?"]


LONG = "".join(f"line {number}\n" for number in range(30_000))


@pytest.mark.parametrize(
    "at",
    [0, 1, diff.COMPARED_AT_ONCE - 1, diff.COMPARED_AT_ONCE, diff.COMPARED_AT_ONCE + 1, len(LONG) - 1, len(LONG)],
)
def test_in_long_texts_too(at: int) -> None:
    new = LONG[:at] + "\N{SNOWMAN}" + LONG[at:]
    assert difference(LONG, new) == TextEdit(at, at, "\N{SNOWMAN}")
    assert minimal_patch(LONG, new) == (TextEdit(at, at, "\N{SNOWMAN}"),)
    assert minimal_patch(new, LONG) == (TextEdit(at, at + 1, ""),)
