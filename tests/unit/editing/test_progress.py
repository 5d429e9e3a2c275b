"""What a place looks like while it is being rewritten."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_ls.editing import progress
from claude_ls.editing.progress import Alignment, Progress

OLD = """\
def total(numbers):
    result = 0
    for number in numbers:
        result += number
    return result"""


def shown(old: str, *written: str, line_break: str = "\n") -> list[str]:
    """What stands there after each of the lines `written`; `|` is where the old text begins."""
    alignment = Alignment(old, line_break)
    found = []
    for count in range(1, len(written) + 1):
        text, rest = alignment.progress("".join(line + line_break for line in written[:count]))
        found.append(text[: len(text) - rest] + "|" + text[len(text) - rest :])
    return found


def test_equal_lines_take_the_place_of_the_old_ones() -> None:
    assert shown("a a\nb b\nc c", "a a", "b b", "c c") == ["a a\n|b b\nc c", "a a\nb b\n|c c", "a a\nb b\nc c|"]


def test_a_line_that_is_alike_takes_the_place_of_the_old_one() -> None:
    assert shown("first = 1\nother = 2", "first = 10") == ["first = 10\n|other = 2"]


def test_a_line_that_is_new_stands_above_the_old_ones() -> None:
    assert shown(OLD, "# comment") == ["# comment\n|" + OLD]


def test_old_lines_go_once_it_is_clear_that_the_new_text_is_past_them() -> None:
    new = ["def total(numbers):", "    return sum(numbers)", "", "def more():", "    pass"]
    old = "def total(numbers):\n    x\n    y\n\ndef more():\n    pass"
    *_, before, last = shown(old, *new)
    assert (
        before == "def total(numbers):\n    return sum(numbers)\n\ndef more():\n|    x\n    y\n\ndef more():\n    pass"
    )
    assert last == "def total(numbers):\n    return sum(numbers)\n\ndef more():\n    pass|"


def test_one_bracket_far_below_is_no_reason_to_pass_everything_above_it() -> None:
    old = "{\n" + "".join(f"  line {n}\n" for n in range(9)) + "}"
    assert shown(old, "}") == ["}\n|" + old]


def test_what_was_passed_never_comes_back() -> None:
    lines = ["alpha alpha alpha alpha", "beta beta beta beta beta", "gamma gamma gamma"]
    alignment = Alignment("\n".join(lines), "\n")
    assert alignment.progress(lines[1] + "\n").rest == len(lines[2])
    assert alignment.progress(lines[1] + "\n" + lines[0] + "\n").rest == len(lines[2])


def test_a_text_that_did_not_only_grow_is_aligned_anew() -> None:
    alignment = Alignment("a a\nb b\nc c", "\n")
    assert alignment.progress("a a\nb b\n").rest == 3
    assert alignment.progress("  a a\n") == Progress("  a a\nb b\nc c", 7)


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_the_last_line_break_is_left_out_like_that_of_the_old_text(line_break: str) -> None:
    old = line_break.join(["a a", "b b"])
    assert shown(old, "a a", "b b", line_break=line_break)[-1] == old + "|"
    assert Alignment("", line_break).progress("a" + line_break) == Progress("a", 0)
    assert Alignment(old, line_break).progress("") == Progress(old, len(old))


def test_very_long_places_wait_for_the_whole_text() -> None:
    old = "x\n" * (progress.MAX_OLD_LINES + 1)
    assert Alignment(old, "\n").progress("y\n") == Progress(old, len(old))
    old = "x\n" * progress.MAX_OLD_LINES
    assert Alignment(old, "\n").progress("y\n") == Progress("y\n" + old, len(old))


LIKENESS = [
    # an old line, a new one, and whether the new one takes the place of the old one
    ("abcd", "abXY", True),  # half of it is enough
    ("abcde", "abXYZ", False),
    ("abc45678", "abcVWXYZ", False),
    ("Xfoo bar baz", "foo bar bazz", False),
    ("Xfoo bar baz", "Yfoo bar baz", True),  # by their ends
    ("abcd23", "xyzt23", False),
    ("abcd23", "aXYZt3", False),
    ("abcd23", "abXYZ3", True),  # by both
    ("ab", "abcdb", False),  # what was counted at one end does not count at the other
    ("ab", "abb", True),
    ("aba", "a", False),
    ("abcdb", "ab", False),
    ("if x:  ", "        if y:", True),  # blanks around are no difference, and no likeness
    ("    a", "    b", False),
    ("    ", "x", False),
    ("x", "  ", False),
    ("aXXXXb", "aYYYYb", False),
]


@pytest.mark.parametrize(("old", "new", "taken"), LIKENESS)
def test_what_is_alike(old: str, new: str, taken: bool) -> None:
    assert shown(old + "\n---", new) == [new + "\n|---" if taken else f"{new}\n|{old}\n---"]


PAST_ONE_LINE = [
    # the line below another, a new one, and whether that is worth the other one
    ("0123456789", "0123456789", False),
    ("0123456789a", "0123456789a", True),
    ("0123456789abcde", "0123456789abcde", True),
    ("0123456789abcdeX", "0123456789abcde", False),  # alike is less than equal
    ("0123456789abcde  ", "0123456789abcde", False),
    ("0123456789abcde", "0123456789abcde ", False),
    ("0123456789abcde", "0123456789abcdeX", False),
    ("0123456789abcdefghijklmnopqrst", "0123456789abcdefghijklmnopqrsX", True),
]


@pytest.mark.parametrize("more", ["", "\nmore"])
@pytest.mark.parametrize(("old", "new", "passed"), PAST_ONE_LINE)
def test_how_much_a_line_must_say_for_the_one_above_it_to_go(old: str, new: str, passed: bool, more: str) -> None:
    rest = more.removeprefix("\n") if passed else f"---\n{old}{more}"
    assert shown(f"---\n{old}{more}", new) == [f"{new}\n|{rest}" if rest else f"{new}|"]


def test_a_line_is_looked_for_among_the_next_two_hundred() -> None:
    long, alike = "a" * 8500, "a" * 8499 + "b"
    for above, passed in ((199, True), (200, False)):
        alignment = Alignment("x\n" * above + long, "\n")
        assert (alignment.progress(alike + "\n").rest == 0) is passed
        # One that is equal is found wherever it is.
        assert Alignment("x\n" * above + long, "\n").progress(long + "\n").rest == 0
    # The next ones, seen from where it stands.
    alignment = Alignment("first of all\n" + "x\n" * 199 + long, "\n")
    assert alignment.progress("first of all\n").rest == 2 * 199 + 8500
    assert alignment.progress(f"first of all\n{alike}\n").rest == 0


def test_a_line_that_was_passed_is_not_found_again() -> None:
    assert shown("abcdefgh\nabcdWXYZ", "abcdPQRS", "----", "abcdefgh")[-1] == "abcdPQRS\n----\nabcdefgh|"
    half = "abcdefghijklmnopqrstuv"
    second = half + half.upper()
    old = [half + "!" * 22, second, half + "?" * 22]
    assert shown("\n".join(old), second, second[:40] + "....")[-1].endswith("....|")


LINES = st.lists(st.sampled_from(["", "}", "a = 1", "a = 2", "    return a", "other"]), max_size=12)


@given(LINES, LINES)
def test_it_is_always_new_lines_above_old_ones(old: list[str], new: list[str]) -> None:
    alignment = Alignment("\n".join(old), "\n")
    whole = "\n".join(old)
    last = len(whole)
    for count in range(len(new) + 1):
        written = "".join(f"{line}\n" for line in new[:count])
        text, rest = alignment.progress(written)
        assert rest <= last
        last = rest
        assert text[len(text) - rest :] == whole[len(whole) - rest :]
        above = text[: len(text) - rest]
        assert above in (written, written.removesuffix("\n"))
        fresh = Alignment(whole, "\n").progress(written)
        assert fresh == (text, rest)
