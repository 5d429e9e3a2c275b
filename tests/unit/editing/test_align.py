"""Making what Claude wrote fit the place it goes to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_ls.editing.align import fitted_to_quote, fitted_to_region, gap_beside
from claude_ls.editing.locate import Found, locate
from claude_ls.text.document import Document
from claude_ls.text.patch import Span

MARK = "\ufeff"


def opened(text: str) -> Document:
    return Document.opened("file:///a", "python", 1, text)


def found(text: str, quoted: str) -> Found:
    result = locate(text, quoted)
    assert isinstance(result, Found), result
    return result


def fitted(text: str, quoted: str, new_text: str, level: str = "") -> str:
    """What stands in the place of `quoted` when `new_text` is written there."""
    result = found(text, quoted)
    assert not level or result.level == level
    return fitted_to_quote(new_text, quoted, result, opened(text))


# A region.


@pytest.mark.parametrize(
    ("new_text", "fitted"),
    [
        ("    s = 1\n", "    s = 1"),
        ("    s = 1", "    s = 1"),
        ("s = 1\nif s:\n    t = 2", "    s = 1\r\n    if s:\r\n        t = 2"),
        ("s = 1\n\nif s:\n \n    t = 2", "    s = 1\r\n\r\n    if s:\r\n \r\n        t = 2"),
        ("  s = 1\nt = 2", "      s = 1\r\n    t = 2"),
        ("  s = 1\n  t = 2", "  s = 1\r\n  t = 2"),
        ("\n\ts = 1\n", "\r\n\ts = 1"),
        ("```python\n    s = 1\n```", "    s = 1"),
        ("```\n    s = 1\n```\n", "    s = 1"),
        ("```c++\n    s = 1\n    t = 2```", "    s = 1\r\n    t = 2"),
        ("```objective-c\ns = 1\n```  \n", "    s = 1"),
        ("```c#\ns = 1\n```", "    s = 1"),
        ("```a b\n    s = 1\n```", "    ```a b\r\n        s = 1\r\n    ```"),
        ("```python\n    s = 1", "    ```python\r\n        s = 1"),
        ("x\n```python\n    s = 1\n```", "    x\r\n    ```python\r\n        s = 1\r\n    ```"),
        ("    s = 1\n\n", "    s = 1\r\n"),
        ("    s = 1\r\n\r\n", "    s = 1\r\n"),
        ("    s = 1\r\n", "    s = 1"),
        ("    s = 1\r", "    s = 1"),
        ("", ""),
        ("\n", ""),
    ],
)
def test_a_region_gets_what_fits_it(new_text: str, fitted: str) -> None:
    document = opened("def f():\r\n    s = 0\r\n")
    assert fitted_to_region(new_text, "    s = 0", document) == fitted


@pytest.mark.parametrize(
    ("base", "new_text", "fitted"),
    [
        ("a\n", "b\n", "b\n"),
        ("a\n", "b", "b"),
        ("a", "\tb\n", "\tb"),
        ("", "    b\n", "    b"),
        (" \n", "b\n", "b\n"),
        ("    a", " \n\n", " \n"),
        ("    a\n  b\n\tc", "d\n", "\td"),
        ("  \n    a", "d", "    d"),
        ("\u00a0a", "d", "d"),
        ("```sh\na\n```", "```sh\nb\n```\n", "```sh\nb\n```"),
        ("  ```sh\na\n```", "```sh\nb\n```\n", "```sh\nb\n```"),
        ("```sh\na", "```sh\nb\n```\n", "```sh\nb\n```"),
        ("a\n```", "```sh\nb\n```\n", "b"),
        ("a", "```\r\nb\n```", "```\nb\n```"),
    ],
)
def test_a_region_keeps_what_is_its_own(base: str, new_text: str, fitted: str) -> None:
    assert fitted_to_region(new_text, base, opened("x\ny\n")) == fitted


@pytest.mark.parametrize("new_text", ["    b\n", "b", "\ufeffb", "\ufeff    b\n", "```\nb\n```"])
def test_a_region_keeps_the_byte_order_mark(new_text: str) -> None:
    assert fitted_to_region(new_text, MARK + "    a", opened(MARK + "    a\n")) == MARK + "    b"
    assert fitted_to_region("\ufeffb", "a", opened("a\n")) == "\ufeffb"


# An exact quote.


@pytest.mark.parametrize(
    ("quoted", "new_text", "result"),
    [
        ("    b = 1\r\n", "c\n", "c\r\n"),
        ("b = 1", "\n\n  c\n\n", "\r\n\r\n  c\r\n\r\n"),
        ("a\r\n", "1: a\r\n", "1: a\r\n"),
        ("    b = 1\r\n", "", ""),
    ],
)
def test_only_line_breaks_are_adapted_where_the_quote_was_exact(quoted: str, new_text: str, result: str) -> None:
    assert fitted("a\r\n    b = 1\r\n", quoted, new_text, "exact") == result


@pytest.mark.parametrize(
    ("text", "quoted", "new_text", "result"),
    [
        ("\ufeffa\nb\n", "a\n", "\ufeffc\n", "c\n"),
        ("\ufeffa\nb\n", "\ufeffa\n", "\ufeffc\n", "c\n"),
        ("\ufeffa\nb\n", "\ufeffa\n", "c\n", "c\n"),
        ("\ufeffa\nb\n", "a \nb", "\ufeffc\nb", "c\nb"),
        ("\ufeffa\nb\n", "\ufeffa \nb", "\ufeffc\nb", "c\nb"),
        ("a\nb\n", "\ufeffa \nb", "\ufeffc\nb", "c\nb"),
        ("\ufeffa\nb\n", "b\n", "\ufeffc\n", "\ufeffc\n"),
        ("a\nb\n", "a\n", "\ufeffc\n", "\ufeffc\n"),
        ("a\nb\n", "a \nb", "\ufeffc\nb", "\ufeffc\nb"),
        ("xa\nb\n", "a\n", "\ufeffc\n", "\ufeffc\n"),
        ("a\n\ufeffb\n", "\ufeffb\n", "\ufeffc\n", "\ufeffc\n"),
        ("\ufeff", "", "\ufeffa\n", "a\n"),
    ],
)
def test_the_byte_order_mark_is_there_once(text: str, quoted: str, new_text: str, result: str) -> None:
    assert fitted(text, quoted, new_text) == result


# A quote that was not exact.


@pytest.mark.parametrize(
    ("quoted", "new_text", "result"),
    [
        ("a \nb", "a\nc", "a\nc"),
        ("a \nb", "a\nc\n", "a\nc"),
        ("a \nb", "a\nc\n\n", "a\nc\n"),
        ("a \nb\n", "a\nc\n", "a\nc"),
        ("a \nb\n", "a\nc", "a\nc"),
        ("a \nb\n", "\na\nc\n", "\na\nc"),
        ("\na \nb\n", "\na\nc\n", "a\nc"),
        ("\na \nb\n", "a\nc\n", "a\nc"),
        ("\na \nb\n", "\n\na\nc\n", "\na\nc"),
        ("\n\na \nb\n", "\n\na\nc\n", "a\nc"),
        ("\n\na \nb\n", "\n  \na\nc\n", "  \na\nc"),
        ("\n\na \nb\n", "\na\n\nc\n", "a\n\nc"),
        ("a \nb\n\n", "a\nc\n\n", "a\nc"),
        ("a \nb\n\n", "a\nc\n\n\n", "a\nc\n"),
        ("a \nb\n\n\n", "a\nc\n\n\n", "a\nc"),
        ("a \nb\n\n\n", "a\nc\n \n\n", "a\nc\n "),
        ("a \nb\n\n\n", "a\n\nc\n\n", "a\n\nc"),
        ("\na \nb\n\n", "\n", ""),
        ("\na \nb\n\n", "", ""),
        ("a \nb", "", ""),
        ("a \nb", "\n", ""),
        ("a\r\nb\r\n", "a\r\nc\r\n", "a\nc"),
    ],
)
def test_blank_lines_that_were_quoted_for_nothing_are_not_brought_in(quoted: str, new_text: str, result: str) -> None:
    assert fitted("x\na\nb\ny\n", quoted, new_text) == result


@pytest.mark.parametrize(
    ("text", "quoted", "new_text", "result"),
    [
        # Shifted.
        ("if a:\n        b = 1\n        c = 2\n", "    b = 1\n    c = 2", "    b = 2\n\n        d = 3", 8),
        ("if a:\n        b = 1\n        c = 2\n", "    b = 1\n    c = 2", "    b = 2\n\n        d = 3\n  \n    e", 8),
        ("  b = 1\n  c = 2\n", "      b = 1\n      c = 2 ", "      b = 2\n\n          d = 3", 2),
        ("b = 1\nc = 2\n", "    b = 1\n    c = 2", "    b = 2\n\n        d = 3", 0),
        ("  b = 1\n  c = 2\n", "b = 1\nc = 2 ", "b = 2\n\n    d = 3", 2),
    ],
)
def test_the_indentation_is_shifted_back(text: str, quoted: str, new_text: str, result: int) -> None:
    lines = fitted(text, quoted, new_text, "indentation").split("\n")
    blank = ["  "] if "\n  \n" in new_text else []
    assert lines == [
        " " * result + "b = 2",
        "",
        " " * (result + 4) + "d = 3",
        *blank,
        *([" " * result + "e"] if blank else []),
    ]


def test_what_is_less_indented_than_all_that_was_quoted_is_left_alone() -> None:
    text = "if a:\n        b = 1\n        c = 2\n"
    assert fitted(text, "    b = 1\n    c = 2", "  d\ne\n\tf\n   \tg", "indentation") == "  d\ne\n\tf\n   \tg"


@pytest.mark.parametrize(
    ("text", "quoted", "new_text", "result"),
    [
        (
            "\ta\n\tb\n",
            "    a\n    b",
            "    if a:\n        b\n            c\n      d",
            "\tif a:\n\t\tb\n\t\t\tc\n\t  d",
        ),
        ("\ta\n\tb\n", "  a\n  b", "  if a:\n      b", "\tif a:\n\t\t\tb"),
        ("    a\n    b\n", "\ta\n\tb", "\tif a:\n\t\tb\n\t\t\tc", "    if a:\n        b\n            c"),
        ("      a\n", "\t\ta", "\t\tif a:\n\t\t\tb", "      if a:\n         b"),
        ("\t\ta\n", "    a", "    if a:\n      b", "\t\tif a:\n\t\t\tb"),
        # No whole number of blanks for a tab: only what is known is changed.
        ("\t\ta\n", "   a", "   if a:\n      b", "\t\tif a:\n\t\t   b"),
        ("   a\n", "\t\ta", "\t\tif a:\n\t\t\tb", "   if a:\n   \tb"),
        ("\t a\n", "    a", "    if a:\n        b", "\t if a:\n\t     b"),
        ("  \ta\n", "\ta ", "\tif a:\n\t\tb", "  \tif a:\n  \t\tb"),
        ("\ta\n", " \ta", " \tif a:\n \t    b", "\tif a:\n\t    b"),
        ("    a\n", "\t a", "\t if a:\n\t \tb", "    if a:\n    \tb"),
        ("\ta\n", "a ", "if a:\n    b", "\tif a:\n\t    b"),
        ("a\n", "\ta ", "\tif a:\n\t\tb", "if a:\n\tb"),
    ],
)
def test_tabs_and_blanks_are_the_files(text: str, quoted: str, new_text: str, result: str) -> None:
    assert fitted(text, quoted, new_text, "indentation") == result


def test_tabs_are_the_files_on_every_depth() -> None:
    text = "def f():\n\tif a:\n\t\tb\n\tc\n"
    quoted = "def f():\n    if a:\n        b\n    c"
    new_text = "def f():\n    if a:\n        b\n        if d:\n            e\n    d\nf()"
    assert fitted(text, quoted, new_text, "similar") == "def f():\n\tif a:\n\t\tb\n\t\tif d:\n\t\t\te\n\td\nf()"
    # Also where the first lines do not tell how wide one is.
    text = "\nif a:\n  \tb\n\tc\nd\n"
    assert fitted(text, "if a:\n  b\n   c \nd", "if a:\n  b\n      e\nd", "similar") == "if a:\n  \tb\n\t\te\nd"


def test_a_line_is_indented_as_its_neighbours_are() -> None:
    """The inside of the string was copied as it is, and the code around it was not."""
    text = "class A:\n        x = '''\n    one\n    two\n'''\n        y = 1\n        z = 2\n"
    quoted = "    x = '''\n    one\n    two\n'''\n    y = 1\n    z = 2"
    new_text = "    x = '''\n    one\n    three\n'''\n    y = 3\n    z = 2"
    assert fitted(text, quoted, new_text, "similar") == (
        "        x = '''\n    one\n    three\n'''\n        y = 3\n        z = 2"
    )
    # In front of all that was quoted, the first line of the same indentation is the nearest.
    assert fitted(text, quoted, "    w = 0\n" + quoted, "similar").startswith("        w = 0\n        x = '''\n")
    assert fitted(text, quoted, quoted + "\n    w = 0", "similar").endswith("\n        z = 2\n        w = 0")
    assert fitted(text, quoted, quoted.replace("    y = 1", "    y = 1\n    w = 0"), "similar").endswith(
        "\n        y = 1\n        w = 0\n        z = 2"
    )


def test_in_front_of_all_lines_the_first_is_the_nearest() -> None:
    text, quoted = "x\n\tone\n    two\n    three\n", "    one\n    two\n    three"
    assert fitted(text, quoted, "        if zero:\n" + quoted, "similar") == "\t\tif zero:\n\tone\n    two\n    three"


def test_blanks_that_are_no_ascii_are_indentation_as_well() -> None:
    text = "x\n\u00a0\u00a0a\n\u00a0\u00a0b\n"
    assert fitted(text, "  a\n  b", "  a\n  c\n    d", "indentation") == "\u00a0\u00a0a\n\u00a0\u00a0c\n\u00a0\u00a0  d"


# Lines that Claude does not change.


@pytest.mark.parametrize(
    ("text", "quoted", "new_text", "result"),
    [
        ("x = “a”  # —\ny = 1\n", 'x = "a"  # -\ny = 1', 'x = "a"  # -\ny = 2', "x = “a”  # —\ny = 2"),
        ("x = “a”  # —\ny = 1\n", 'x = "a"  # -\ny = 1', 'x = "b"  # -\ny = 1', 'x = "b"  # -\ny = 1'),
        ("a—\nb\n", "a-\nb ", "b \na-\n", "b\na—"),
        ("a—\nb\n", "a-\nb ", "a-\nif b:\n    a-\n", "a—\nif b:\n    a-"),
        ("a  \nb\n", "a\nb", "a\nc", "a  \nc"),
        ("a  \n\n\t\nb\n", "a\n\n\nb", "a\n\n\nc\n\n", "a  \n\n\t\nc\n"),
        ("a—\n  \nb\n", "a-\n\nb", "a-\n\n\nc", "a—\n  \n\nc"),
        # What has two meanings has none, unless it stands where it stood.
        ("x\na—\na–\nb\n", "a-\na-\nb", "a-\na-\nc", "a—\na–\nc"),
        ("x\na—\na–\nb\n", "a-\na-\nb", "c\nb\na-\na-", "c\nb\na—\na–"),
        ("x\na—\na–\nb\n", "a-\na-\nb", "a-\na-\na-\nc", "a—\na–\na-\nc"),
        ("x\na—\na—\nb\n", "a-\na-\nb", "a-\na-\na-\nc", "a—\na—\na—\nc"),
    ],
)
def test_a_line_that_is_written_as_it_was_quoted_stays_as_it_is(
    text: str, quoted: str, new_text: str, result: str
) -> None:
    assert fitted(text, quoted, new_text) == result


def similar(own: list[str], quoted: list[str], new: list[str]) -> list[str]:
    text = "\n".join(["", "# before", *own, "# after", ""])
    return fitted(text, "\n".join(quoted), "\n".join(new), "similar").split("\n")


@pytest.mark.parametrize(
    ("new", "result"),
    [
        ("a b c d e f g h i j", "a b X c d e f g h i j"),
        ("a B c d e f g h i j", "a B X c d e f g h i j"),
        ("a b C d e f g h i j", "a b X C d e f g h i j"),
        ("a B C d e f g h i j", "a B X C d e f g h i j"),
        ("a B1 B2 C d e f g h i j", "a B1 X B2 C d e f g h i j"),
        ("a B d e f g h i j", "a B X d e f g h i j"),
        ("a d e f g h i j", "a X d e f g h i j"),
        ("a B1 B2 c d e f g h i j", "a B1 B2 X c d e f g h i j"),
        ("a b N c d e f g h i j", "a b X N c d e f g h i j"),
        ("a c d e f g h i j", "a X c d e f g h i j"),
        ("b c d e f g h i j", "b X c d e f g h i j"),
        ("N a b c d e f g h i j N", "N a b X c d e f g h i j N"),
        ("N", "N X"),
        ("N1 N2 N3 N4", "N1 N2 X N3 N4"),
        ("", "X"),
    ],
)
def test_what_was_not_quoted_stays(new: str, result: str) -> None:
    def lines(names: str) -> list[str]:
        # Of each name a line that no other is like.
        return [NAMED[name[0]] + name[1:] for name in names.split()]

    own, quoted = lines("a b X c d e f g h i j"), lines("a b c d e f g h i j")
    quoted[-1] += " "
    own[1] += "!"
    assert similar(own, quoted, [line + " " if line == quoted[-1][:-1] else line for line in lines(new)]) == [
        own[1] if line == quoted[1] else line for line in lines(result)
    ]


NAMED = {name: name * 3 + "".join(chr(0x4E00 + 20 * ord(name) + at) for at in range(10)) for name in "abcdefghijXNBC"}


def test_several_lines_that_were_not_quoted_stay_in_their_order() -> None:
    a, b, c, d, e = (NAMED[name] for name in "abcde")
    f, g, h, i, j = (NAMED[name] for name in "fghij")
    own, quoted = [a, b, "", "# X", c, d, e, f, "", g, h, i, j], [a + "!", b, c, d, e, f, g, h, i, j]
    assert similar(own, quoted, quoted) == own
    assert similar(own, quoted, [*quoted[:-1], "new"]) == [*own[:-1], "new"]
    assert similar(own, quoted, ["new"]) == ["new", "", "# X", ""]


def test_what_one_side_has_does_not_move_what_the_other_has() -> None:
    a, b, c, d, e, *rest = (NAMED[name] for name in "abcdefghij")
    own, quoted = [a, b, "mine", c, d, e, *rest], [a, "missing", b, c, d, e, *rest]
    assert similar(own, quoted, quoted) == own
    assert similar(own, quoted, [a, b, c, d, e, "new"]) == [a, b, "mine", c, d, e, "new"]
    own, quoted = [a, b, c, d, e, *rest[:-1], "mine", rest[-1]], [a, "missing", b, c, d, e, *rest]
    assert similar(own, quoted, quoted) == own


def test_what_was_quoted_and_does_not_stand_there_is_not_brought_in() -> None:
    a, b, c, d, e = (NAMED[name] for name in "abcde")
    quoted, own = [a, b, "missing", c, d, e], [a, b, c, d, e + "!"]
    assert similar(own, quoted, quoted) == own
    assert similar(own, quoted, [a, b, "missing", c, d, "new"]) == [a, b, c, d, "new"]
    assert similar(own, quoted, [a, "missing", c, d, e]) == [a, c, d, e + "!"]
    # It is, where it is written more often than it was quoted, or otherwise.
    assert similar(own, quoted, [a, b, "missing", c, "missing", d, e]) == [a, b, c, "missing", d, e + "!"]
    assert similar(own, quoted, [a, b, "missing!", c, d, e]) == [a, b, "missing!", c, d, e + "!"]


def test_the_first_of_two_lines_that_are_the_same_may_be_the_one_that_is_missing() -> None:
    a, b, c, d, e = (NAMED[name] for name in "abcde")
    own = [a, b, "  }", c, d, e + "!"]
    quoted = [a, b, "  }", "  }", c, d, e]
    assert similar(own, quoted, quoted) == own
    assert similar(own, quoted, [a, "  }", "  }", c, d, e]) == [a, *own[2:]]
    assert similar(own, quoted, [a, "  }", c, d, e]) == [a, *own[2:]]


def test_blank_lines_at_both_ends_are_not_part_of_the_place() -> None:
    a, b, c = (NAMED[name] for name in "abc")
    own, quoted = [a, b, c], [" ", "", a, b + "!", c, "", " "]
    assert similar(own, quoted, quoted) == own
    assert similar(own, quoted, ["", "", "new", " ", " "]) == ["", "new", " "]
    assert similar(own, quoted, [" ", "new", " "]) == ["new"]


def test_blank_lines_that_are_missing_are_not_brought_in_either() -> None:
    a, b, c, d, e = (NAMED[name] for name in "abcde")
    own, quoted = [a, b, c, d, e + "!"], [a, b, "", c, d, e]
    assert similar(own, quoted, quoted) == own
    assert similar(own, quoted, [a, b, "", "", c, d, e]) == [a, b, "", c, d, e + "!"]


def test_a_long_replacement_is_not_aligned() -> None:
    """Two million pairs of lines are; beyond that a line is known by what it says alone."""
    rest = [f"line {number}" for number in range(997)]
    text = "\n".join(["x", "a—", "a–", "b—", *rest, ""])
    quoted = "\n".join(["a-", "a-", "b-", *rest])
    new_text = "\n".join(["a-", "a-", "b-", *rest, *["new"] * 1000])
    assert fitted(text, quoted, new_text, "punctuation").startswith("a—\na–\nb—\nline 0\n")
    assert fitted(text, quoted, new_text + "\nnew", "punctuation").startswith("a-\na-\nb—\nline 0\n")


# Line numbers.


@pytest.mark.parametrize(
    ("new_text", "result"),
    [
        ("7: a\n8:   c\n", "a\n  c"),
        ("7: a\n\n8:   c\n9:   d", "a\n\n  c\n  d"),
        ("a\n  c", "a\n  c"),
        ("7: a\n  c", "a\n  c"),
        ("7: a\n9:   c\n  d", "a\n9:   c\n  d"),
        ("  c\n8:   b", "  c\n  b"),
        ("", ""),
    ],
)
def test_line_numbers_are_not_brought_in(new_text: str, result: str) -> None:
    assert fitted("x\na\n  b\n", "7: a\n8:   b", new_text, "line numbers") == result


@pytest.mark.parametrize(
    ("new_text", "result"),
    [
        ("7: 1: a\n8: 2: c", "1: a\n8: 2: c"),
        ("1: a\n2: c", "1: a\n2: c"),
        ("7: 1: a\n8: 2: b\n", "1: a\n2: b"),
    ],
)
def test_numbers_that_are_the_files_own_are_kept(new_text: str, result: str) -> None:
    assert fitted("x\n1: a\n\n2: b\n", "7: 1: a\n\n8: 2: b", new_text, "line numbers") == result


def test_numbers_are_kept_where_none_were_copied() -> None:
    assert fitted("1: a \nb \n", "1: a\nb", "1: a\n2: c", "trailing blanks") == "1: a \n2: c"
    assert fitted("1: a \n2: b\n", "1: a\n2: b", "2: b\n3: c", "trailing blanks") == "2: b\n3: c"


def test_blank_lines_have_no_numbers() -> None:
    text, quoted = "x\n1: a\n  \n2: b\n", "\n7: 1: a\n  \n8: 2: b\n\n"
    assert fitted(text, quoted, "1: a\n2: c", "line numbers") == "1: a\n2: c"


def test_one_line_with_a_number_of_its_own_proves_nothing() -> None:
    assert fitted("1: a\nb\n", "7: 1: a\n8: b", "7: 1: c\n8: d", "line numbers") == "1: c\nd"


# Whatever the text.

NASTY = st.text(st.sampled_from('ab \t\n\r\x0c\u2028\ufeff\u00a0—-“"1:é🙂\u200d\ud83d\u0301'), max_size=30)


@given(NASTY, NASTY, NASTY)
def test_nothing_is_raised_and_no_line_break_is_brought_in(text: str, quoted: str, new_text: str) -> None:
    document = opened(text)
    result = locate(text, quoted)
    if isinstance(result, Found):
        own = document.line_break
        rest = fitted_to_quote(new_text, quoted, result, document).replace(own, "")
        assert not {"\r", "\n"} & set(rest) - set(own)
    fitted_to_region(new_text, quoted, document)


WORDS = st.sampled_from(["alpha", "beta  gamma", "if x:", "}", "return — “x”", "end-1", "", "x\u00a0= 1", "last"])
LINES = st.lists(st.tuples(st.integers(0, 3), WORDS).map(lambda line: "  " * line[0] + line[1]), min_size=1)
SLIPS = st.sampled_from(
    [
        lambda line: line + " ",
        lambda line: "    " + line,
        lambda line: line[2:] if line.startswith("  ") else line,
        lambda line: line.replace("\u00a0", " ").replace("—", "-"),
        lambda line: line.replace("a", "o"),
        lambda line: line.replace("  ", "\t"),
    ]
)


@given(LINES, st.data())
def test_what_claude_does_not_change_stays_to_the_byte(lines: list[str], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(lines) - 1))
    place = lines[first : first + 8]
    slips = data.draw(st.lists(SLIPS, max_size=2))
    quoted_lines = place
    for slip in slips:
        quoted_lines = [slip(line) for line in quoted_lines]
    # Lines that only one side has.
    at = data.draw(st.integers(0, len(quoted_lines)))
    change = data.draw(st.sampled_from([[], ["something else"], None]))
    quoted_lines = (
        quoted_lines[:at] + quoted_lines[at + 1 :]
        if change is None
        else [
            *quoted_lines[:at],
            *change,
            *quoted_lines[at:],
        ]
    )
    text, quoted = "\n".join(lines), "\n".join(quoted_lines)
    result = locate(text, quoted)
    if isinstance(result, Found) and result.level != "exact":
        assert fitted_to_quote(quoted, quoted, result, opened(text)) == result.span.of(text)


@given(st.lists(st.integers(0, 9), max_size=12), st.lists(st.integers(0, 11), min_size=1, max_size=3))
def test_what_was_not_quoted_is_never_lost(new: list[int], unquoted: list[int]) -> None:
    quoted = [NAMED[name] for name in "abcdefghij"]
    own = list(quoted)
    for number, at in enumerate(unquoted):
        own.insert(1 + at % (len(own) - 1), f"mine {number}")
    text, quote = "\n".join(["", *own, ""]), "\n".join(["  " + quoted[0], *quoted[1:]])
    result = locate(text, quote)
    if isinstance(result, Found):
        written = fitted_to_quote("\n".join(quoted[at] for at in new), quote, result, opened(text)).split("\n")
        assert [line for line in written if line.startswith("mine")] == [x for x in own if x.startswith("mine")]
        assert len([line for line in written if line]) == len(new) + len(unquoted)


def test_a_place_without_lines_is_taken_as_exact() -> None:
    assert fitted_to_quote("a\n", "b", Found(Span(0, 1), "similar"), opened("b\n")) == "a\n"


@pytest.mark.parametrize(
    ("marked", "left"),
    [
        ("a\n\n\n«b»\n\n\nc\n", "a\n\n\nc\n"),
        ("a\n«b»\nc\n", "a\nc\n"),
        ("a\n\n«b»\nc\n", "a\n\nc\n"),
        ("a\n«b»\n\nc\n", "a\n\nc\n"),
        ("a\n\n«b»\n\n\nc\n", "a\n\n\nc\n"),
        ("a\n\n\n«b»\n", "a\n"),
        ("a\n\n\n«b»", "a"),
        ("a\n\n«b»\n\n\n", "a\n\n\n"),
        ("«b»\n\n\nc\n", "c\n"),
        ("«b»\n", ""),
        ("class A:\n    «    def b(self):\n        pass»\n  \n    def c(self):\n", "class A:\n  \n    def c(self):\n"),
        ("a\r\n\r\n«b»\r\n\r\nc\r\n", "a\r\n\r\nc\r\n"),
        ("a\r\r«b»\r\rc\r", "a\r\rc\r"),
    ],
)
def test_what_is_taken_away_leaves_no_gap(marked: str, left: str) -> None:
    marked = marked.replace("    «", "«")
    start, end = marked.index("«"), marked.index("»") - 1
    text = marked.replace("«", "").replace("»", "")
    gap = gap_beside(text, Span(start, end))
    first, last = min(gap.start, start), max(gap.end, end)
    assert text[:first] + text[last:] == left
