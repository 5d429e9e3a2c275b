"""What a row of edits has changed, told at both ends of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_ls.text.patch import Span, TextEdit
from claude_ls.text.regions import MOST, Region, changed_regions


def test_nothing_was_changed_by_no_edits() -> None:
    assert changed_regions([]) == ()


@pytest.mark.parametrize(
    ("edits", "regions"),
    [
        ([TextEdit(2, 4, "abc")], [Region(Span(2, 4), Span(2, 5))]),
        # Typing is one region, as is a deletion that eats it up again.
        ([TextEdit(2, 2, "a"), TextEdit(3, 3, "b")], [Region(Span(2, 2), Span(2, 4))]),
        ([TextEdit(2, 2, "ab"), TextEdit(1, 5, "")], [Region(Span(1, 3), Span(1, 1))]),
        # An edit in front moves the others, wherever it comes in the row.
        (
            [TextEdit(8, 9, "x"), TextEdit(1, 1, "yy")],
            [Region(Span(1, 1), Span(1, 3)), Region(Span(8, 9), Span(10, 11))],
        ),
        ([TextEdit(1, 1, "yy"), TextEdit(8, 9, "x")], [Region(Span(1, 1), Span(1, 3)), Region(Span(6, 7), Span(8, 9))]),
    ],
)
def test_regions(edits: list[TextEdit], regions: list[Region]) -> None:
    assert list(changed_regions(edits)) == regions


@given(
    st.integers(0, 400),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9), st.text("xyz", max_size=5)), max_size=120),
)
def test_outside_of_the_regions_the_texts_are_the_same(length: int, changes: list[tuple[float, int, str]]) -> None:
    old = "".join(chr(0x4E00 + at) for at in range(length))
    new, edits = old, []
    for share, size, words in changes:
        start = int(share * len(new))
        edits.append(TextEdit(start, min(len(new), start + size), words))
        new = new[:start] + words + new[edits[-1].end :]
    regions = changed_regions(edits)
    assert len(regions) <= MOST
    rebuilt, reached = "", 0
    for before, after in regions:
        rebuilt += old[reached : before.start]
        assert len(rebuilt) == after.start
        rebuilt += new[after.start : after.end]
        reached = before.end
    assert rebuilt + old[reached:] == new
