"""Three-way merges, against a merge that is known beforehand, and what must hold for any texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_ls.text.merge import Merged, merge, with_insertions, with_more_lines
from claude_ls.text.patch import Span

BREAKS = st.sampled_from(["\n", "\r\n", "\r"])
LINES = st.lists(st.sampled_from(["", "a", "b", "c\f"]), max_size=7)
ANY = st.builds(lambda lines, end: end.join(lines), LINES, BREAKS)

EXAMPLES = [
    # base, ours, theirs, merged, conflicts
    ("a\nb\nc", "A\nb\nc", "a\nb\nC", "A\nb\nC", []),
    ("a\nb\nc", "A\nb\nc", "a\nB\nc", "A\nB\nc", []),  # neighbours are not the same lines
    ("a\nb\nc", "A\nB\nc", "a\nX\nc", "a\nX\nc", ["a\nX\n"]),
    ("a\nb\nc", "a\nB\nc", "a\nB\nc\nd", "a\nB\nc\nd", []),
    ("a\nb", "a\nx\nb", "a\ny\nb", "a\ny\nb", ["y\n"]),  # both put something in at one place
    ("a\nb", "a\nx\nb", "a\nx\nb", "a\nx\nb", []),
    ("a\nb", "a\nx\nb", "A\nb", "A\nx\nb", []),
    ("a\nb", "a\nx\nb", "a\nB", "a\nx\nB", []),
    ("a\nb", "a\nb\nours", "A\nb", "A\nb\nours", []),  # a new last line does not change the one before it
    ("a", "", "a\nb", "\nb", []),
    ("a", "b", "", "", [""]),
    ("a\nb\nc", "", "a\nB\nc", "a\nB\nc", ["a\nB\nc"]),
    ("a\r\nb\r\nc", "A\r\nb\r\nc", "a\r\nb\r\nC\r\nd", "A\r\nb\r\nC\r\nd", []),
    ("a\nb\nc\nd\n", "a\nX\nY\nd\n", "a\nb\nZ\nd\n", "a\nb\nZ\nd\n", ["b\nZ\n"]),
    # The break that the last line does not have is that of the others, wherever there is one.
    ("a\r\nb", "a\r\nb\r\nours", "a\r\nB", "a\r\nB\r\nours", []),
    ("a", "a\r\nours", "A", "A\r\nours", []),
    ("a", "A", "a\rtheirs", "A\rtheirs", []),
    ("a\r\nb", "a", "b", "", []),
    # A line among others like it: one more, and one less.
    ("x\na\na\ny", "x\na\na\na\ny", "X\na\na\ny", "X\na\na\na\ny", []),
    ("x\na\na\ny", "x\na\ny", "X\na\na\ny", "X\na\ny", []),
    # One block of theirs that ties two of ours together, and the other way round.
    ("a\nb\nc\nd\ne", "A\nb\nc\nD\ne", "x\ne", "x\ne", ["x\n"]),
    ("a\nb\nc\nd\ne", "x\ne", "A\nb\nc\nD\ne", "A\nb\nc\nD\ne", ["A\nb\nc\nD\n"]),
    ("a\nb\nc\nd\ne", "A\nb\nc\nd\nE", "a\nb\nC\nd\nX", "A\nb\nC\nd\nX", ["X"]),
]


@pytest.mark.parametrize(("base", "ours", "theirs", "text", "conflicts"), EXAMPLES)
def test_examples(base: str, ours: str, theirs: str, text: str, conflicts: list[str]) -> None:
    merged = merge(base, ours, theirs)
    assert merged.text == text
    assert [span.of(text) for span in merged.conflicts] == conflicts
    assert merged.clean == (conflicts == [])


@given(ANY, ANY)
def test_a_side_that_changed_nothing_has_no_say(base: str, side: str) -> None:
    assert merge(base, side, base) == Merged(side, ())
    assert merge(base, base, side) == Merged(side, ())
    assert merge(base, side, side) == Merged(side, ())


@given(LINES, LINES, LINES, BREAKS)
def test_a_clean_merge_does_not_ask_who_is_who(
    base_lines: list[str], our_lines: list[str], their_lines: list[str], line_break: str
) -> None:
    base, ours, theirs = (line_break.join(lines) for lines in (base_lines, our_lines, their_lines))
    one, other = merge(base, ours, theirs), merge(base, theirs, ours)
    assert one.clean == other.clean
    assert all(0 <= span.start <= span.end <= len(one.text) for span in one.conflicts)
    if one.clean:
        assert one.text == other.text


CHANGE = st.sampled_from(["keep", "drop", "change", "put before"])


@given(st.lists(st.tuples(CHANGE, st.booleans()), max_size=12), BREAKS, st.booleans())
def test_lines_that_only_one_side_touches_go_its_way(
    changes: list[tuple[str, bool]], line_break: str, ends: bool
) -> None:
    base: list[str] = []
    sides: dict[bool, list[str]] = {True: [], False: []}
    wanted: list[str] = []
    for number, (change, by_ours) in enumerate(changes):
        line = f"line {number}"
        # A line between, which both keep, so that neighbours cannot be taken for each other.
        fence = f"fence {number}"
        base += [fence, line]
        made = {"keep": [line], "drop": [], "change": [f"new {number}"], "put before": [f"put {number}", line]}[change]
        sides[by_ours] += [fence, *made]
        sides[not by_ours] += [fence, line]
        wanted += [fence, *made]
    texts = [line_break.join(lines) + line_break * ends for lines in (base, sides[True], sides[False], wanted)]
    assert merge(*texts[:3]) == Merged(texts[3], ())


@given(ANY, st.text("xyz", max_size=5), st.data())
def test_nothing_that_was_put_in_is_lost(base: str, typed: str, data: st.DataObject) -> None:
    ours = data.draw(ANY)
    at = data.draw(st.integers(0, len(base)))
    result = with_insertions(base, ours, base[:at] + typed + base[at:])
    assert sorted(result) == sorted(ours + typed)


INSERTIONS = [
    # base, ours, theirs, ours with what they put in
    ("abcd", "XXabcd", "ab!cd", "XXab!cd"),
    ("abcd", "abcdXX", "ab!cd", "ab!cdXX"),
    ("abcd", "ad", "ab!cd", "a!d"),  # where they typed is gone
    ("abcd", "aXYZd", "ab!cd", "aXYZ!d"),
    ("abcd", "aXYZd", "a!bcd", "a!XYZd"),
    ("abcd", "aXYZd", "abc!d", "aXYZ!d"),
    ("abcd", "", "ab!cd", "!"),
    ("abcd", "abcd", "!abcd", "!abcd"),
    ("abcd", "Xabcd", "!abcd", "X!abcd"),  # both put in at one place: ours first
    ("abcd", "abcdX", "abcd!", "abcdX!"),
    ("abcd", "abXcd", "a!!cd", "a!!bXcd"),  # what they replaced stays
    ("abcd", "abcdXX", "abd", "abcdXX"),  # what they removed does too
    ("a\nb\nc\nd", "aXX\nbY\nc\nd", "a\nb\nc\n!d", "aXX\nbY\nc\n!d"),
    ("a\nb\nc\nd", "aXX\nbY\nc\nd", "a\nb\n!c\nd", "aXX\nbY\n!c\nd"),
    ("a\nb\nc\nd", "\n\nc\nd", "a\nb\n!c\nd", "\n\n!c\nd"),
    ("a\nbbb\nc\nd", "aXX\nB\nc\nd", "a\nb!bb\nc\nd", "aXX\nB!\nc\nd"),
    ("abc\nb\nc\nd", "X\nb\nc\ndY", "abc\nb!\nc??\nd", "X\nb!\nc??\ndY"),
    ("one\ntwo", "ONE\ntwo", "one\n1\ntwo\n2", "ONE\n1\ntwo\n2"),
]


@pytest.mark.parametrize(("base", "ours", "theirs", "text"), INSERTIONS)
def test_where_what_was_put_in_goes(base: str, ours: str, theirs: str, text: str) -> None:
    assert with_insertions(base, ours, theirs) == text


def test_lines_that_are_often_there_are_lines_too() -> None:
    lines = ["a", "b", "c", "d"] * 75
    ours = "\n".join(["A", *lines[1:-1], "D"])
    theirs = "\n".join([*lines[:150], "C", *lines[151:]])
    wanted = "\n".join(["A", *lines[1:150], "C", *lines[151:-1], "D"])
    assert merge("\n".join(lines), ours, theirs) == Merged(wanted, ())


def test_large_texts_are_merged_by_their_changed_middle() -> None:
    lines = [f"line {number}" for number in range(5000)]
    ours = "\n".join(["first", *lines[1:]])
    theirs = "\n".join([*lines[:-1], "last"])
    assert merge("\n".join(lines), ours, theirs) == Merged("\n".join(["first", *lines[1:-1], "last"]), ())
    both = "\n".join(["x", *lines[1:-1], "y"])
    merged = merge("\n".join(lines), both, theirs)
    assert merged.text == theirs
    assert merged.conflicts == (Span(0, len(theirs)),)


def test_what_was_put_in_at_two_places_stands_at_two_places() -> None:
    result = with_insertions("abc\nb\nc\nd", "X\nb\nc\ndY", "ab!c\nb\nc??\nd")
    assert result == "X!\nb\nc??\ndY"


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "expected"),
    [
        ("a\nb\n", "x\n", "a\nmine\nb\n", "x\nmine\n"),
        ("a\nb\nc\n", "a\nx\nc\n", "mine\na\nb\nc\ntoo\n", "mine\na\nx\nc\ntoo\n"),
        ("a\nb\n", "", "a\nmine\nb\n", "mine\n"),
        ("a\nb\nc\nd\n", "1\n2\nb\nc\nx\n", "a\nb\nmine\nc\nd\n", "1\n2\nb\nmine\nc\nx\n"),
        ("a\r\nb", "x", "a\r\nmine\r\nb", "x\r\nmine"),
        ("a\nb\n", "x\n", "a\nb\n", "x\n"),
        ("a\nb\n", "x\n", "a\nbb\n", None),
        ("a\nb\n", "x\n", "a\n", None),
    ],
)
def test_whole_lines_more_find_their_places(base: str, ours: str, theirs: str, expected: str | None) -> None:
    assert with_more_lines(base, ours, theirs) == expected
