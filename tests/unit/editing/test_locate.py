"""Finding what Claude quotes: one place, or none with the reason."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_ls.editing.locate import Found, NotFound, bare_lines, locate
from claude_ls.text.patch import Span

TEXT = """\
def one():
    x = 1 \x20
    return x


def two():
    x = 1
    return x
"""
MARK = "\ufeff"
ABSENT = "old_text does not occur in the file as it is now"
TAKEN = "old_text stands where another change is still being written"


def found(quoted: str, line: int | None = None, text: str = TEXT, closed: Sequence[Span] = ()) -> Found:
    result = locate(text, quoted, line, closed)
    assert isinstance(result, Found), result
    return result


def not_found(text: str, quoted: str, line: int | None = None, closed: Sequence[Span] = ()) -> NotFound:
    result = locate(text, quoted, line, closed)
    assert isinstance(result, NotFound), result
    return result


@pytest.mark.parametrize(
    ("quoted", "level", "hit"),
    [
        ("def two():\n    x = 1\n", "exact", "def two():\n    x = 1\n"),
        ("def two():\r\n    x = 1\r\n", "line breaks", "def two():\n    x = 1"),
        ("\ndef two():\r\n", "line breaks", "def two():"),
        ("6: def two():\n7:     x = 1", "line numbers", "def two():\n    x = 1"),
        ("def one():\n    x = 1\n    return x", "trailing blanks", "def one():\n    x = 1  \n    return x"),
        ("def two():\n  x = 1", "none", ""),
        ("  def two():\n      x = 1\n      return x", "indentation", "def two():\n    x = 1\n    return x"),
        ("DEF TWO():", "none", ""),
        ("def  two():", "none", ""),
        ("", "none", ""),
    ],
)
def test_levels(quoted: str, level: str, hit: str) -> None:
    result = locate(TEXT, quoted)
    if level == "none":
        assert isinstance(result, NotFound)
    else:
        assert isinstance(result, Found)
        assert (result.level, result.span.of(TEXT)) == (level, hit)
        assert not result.guess


# Several hits, and places that are taken.


def test_several_hits_are_refused_with_their_lines() -> None:
    assert not_found(TEXT, "    return x\n").problem == (
        "old_text occurs 2 times (lines 3, 8): quote more lines, so that it is unique"
    )


def test_only_ten_lines_are_named() -> None:
    assert "12 times (lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10):" in not_found("x\n" * 12, "x").problem


def test_hits_that_overlap_are_several() -> None:
    assert "2 times (lines 1, 2)" in not_found("x\nx\nx\n", "x\nx\n").problem
    assert "2 times (lines 1, 1)" in not_found("xxx", "xx").problem


def test_what_occurs_too_often_is_not_counted() -> None:
    assert "1000 times" in not_found("x\n" * 1000, "x").problem
    assert not_found("x\n" * 1001, "x").problem == (
        "old_text occurs more than 1000 times: quote more lines, so that it is unique"
    )
    # Nothing is chosen where not all are known.
    far = "x\n" * 999 + "\n" * 300 + "x\n"
    assert found("x\n", 1300, far).span == Span(999 * 2 + 300, 1000 * 2 + 300)
    assert isinstance(locate("x\n" + far, "x\n", 1301), NotFound)


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_the_protocol_does(line_break: str) -> None:
    text = line_break.join(["a", "x", "\x0c\u2028\x85\x0b", "x", ""])
    assert "(lines 2, 4)" in not_found(text, "x").problem


@pytest.mark.parametrize(
    ("line", "chosen"),
    [
        (301, True),
        (311, True),
        (312, False),
        (291, True),
        (290, False),
        (None, False),
    ],
)
def test_the_line_chooses_what_is_near_it(line: int | None, chosen: bool) -> None:
    text = "x\n" + "\n" * 299 + "x\n"
    result = locate(text, "x", line)
    assert isinstance(result, Found) == chosen
    if isinstance(result, Found):
        assert result.span == Span(301, 302)


@pytest.mark.parametrize(
    ("other", "line", "chosen"),
    [(202, 1, True), (201, 1, False), (193, 1, False), (193, -7, False), (193, -8, True)],
)
def test_the_line_chooses_nothing_where_another_is_in_sight(other: int, line: int, chosen: bool) -> None:
    text = "x\n" + "\n" * (other - 2) + "x\n"
    assert isinstance(locate(text, "x", line), Found) == chosen


def test_the_line_chooses_nothing_between_two_that_are_near() -> None:
    assert isinstance(locate("x\nx\n", "x", 1), NotFound)
    assert isinstance(locate(TEXT, "    return x\n", 8), NotFound)


def test_the_line_chooses_on_every_level() -> None:
    text = "a = 1 \nb\n" + "\n" * 300 + "a = 1 \nb\n"
    result = found("a = 1\nb", 303, text)
    assert (result.level, result.span.start) == ("trailing blanks", 309)


def test_a_place_that_is_being_changed_is_not_looked_into() -> None:
    start = TEXT.index("def two")
    assert not_found(TEXT, "def two():\n", closed=[Span(start, start + 20)]).problem == TAKEN
    assert not_found(TEXT, "def two():\r\n", closed=[Span(start, start + 20)]).problem == TAKEN
    assert found("    return x\n", closed=[Span(0, 30)]).span.start == TEXT.rindex("    return x")
    # Next to it is not in it.
    end = start + len("def two():\n")
    assert found("def two():\n", closed=[Span(0, start), Span(end, end + 5)]).span == Span(start, end)


# Nothing quoted.


@pytest.mark.parametrize("quoted", ["", " \n", "\ufeff", "\ufeff\r\n"])
@pytest.mark.parametrize(
    ("text", "span"),
    [("", Span(0, 0)), (" \n\t", Span(0, 3)), ("\ufeff", Span(1, 1)), ("\ufeff\n", Span(1, 2)), ("x", None)],
)
def test_an_empty_quote_means_an_empty_text(quoted: str, text: str, span: Span | None) -> None:
    if span is None:
        assert not_found(text, quoted).problem == "old_text is empty: quote the lines that the edit replaces"
    else:
        assert found(quoted, None, text) == Found(span, "exact")
        assert not_found(text, quoted, closed=[Span(0, 0)]).problem == TAKEN


def test_something_is_not_found_in_an_empty_text() -> None:
    for text in ("", "\n", MARK, "   "):
        assert not_found(text, "x\ny").problem == ABSENT


# Bytes that must stay together, and lines that only look like several.


@pytest.mark.parametrize(
    ("text", "quoted", "hit"),
    [
        ("a\r\nb\r\nc", "\nb", "\r\nb"),
        ("a\r\nb\r\nc", "b\r", "b\r\n"),
        ("a\r\nb\r\nc", "\nb\r", "\r\nb\r\n"),
        ("a\r\nb\r\nc", "b\r\n", "b\r\n"),
        ("a\r\nb\r\nc", "\r\nb", "\r\nb"),
        ("a\rb\rc", "b\r", "b\r"),
        ("a\n\rb\n\rc", "\rb\n", "\rb\n"),
        ("a\nb", "a\n", "a\n"),
        ("\nb", "\nb", "\nb"),
        ("\r\nb", "\nb", "\r\nb"),
    ],
)
def test_no_hit_cuts_a_line_break_in_two(text: str, quoted: str, hit: str) -> None:
    result = found(quoted, None, text)
    assert (result.level, result.span.of(text)) == ("exact", hit)


def test_a_hit_is_taken_by_the_whole_of_its_line_break() -> None:
    assert not_found("a\r\nb\r\nc", "\nb", closed=[Span(0, 2)]).problem == TAKEN
    assert not_found("a\r\nb\r\nc", "b\r", closed=[Span(5, 7)]).problem == TAKEN


@pytest.mark.parametrize(
    ("quoted", "level", "span"),
    [
        ("a = 1\n", "exact", Span(1, 7)),
        ("\ufeffa = 1\n", "exact", Span(1, 7)),
        ("\ufeffa = 1 \nb", "trailing blanks", Span(1, 8)),
        ("  a = 1\n  b", "indentation", Span(1, 8)),
        ("\ufeff1: a = 1\n2: b", "line numbers", Span(1, 8)),
        ("b\r\nc", "line breaks", Span(7, 10)),
        ("a = 1\nbb\n\tc\nd d", "similar", Span(1, 14)),
    ],
)
def test_the_byte_order_mark_is_never_part_of_a_place(quoted: str, level: str, span: Span) -> None:
    result = found(quoted, None, "\ufeffa = 1\nb\nc\nd d\n")
    assert (result.level, result.span) == (level, span)


def test_a_mark_that_was_quoted_belongs_to_no_line() -> None:
    for quoted in ("\ufeffa = 1\nbb\n\tc\nd d", "\ufeffa = 1\nb "):
        assert found(quoted, None, "\ufeffa = 1\nb\nc\nd d\n").pairs[0] == ("a = 1", "a = 1")


def test_a_mark_in_the_middle_of_a_text_is_a_character() -> None:
    assert found('"\ufeff"', None, 'x = "\ufeff"\n').span == Span(4, 7)
    assert found("\ufeffx", None, "a\n\ufeffx\nb\n").span == Span(2, 4)


@pytest.mark.parametrize("character", ["\x0c", "\u2028", "\u2029", "\x85", "\x0b", "\x1c"])
def test_what_is_no_line_break_breaks_no_line(character: str) -> None:
    text = f"a{character}b \nc\n"
    assert bare_lines(text) == [f"a{character}b ", "c"]
    assert found(f"a{character}b\nc", None, text).span == Span(0, 6)
    # A line on its own is not a part of one.
    assert isinstance(locate(text, "b\nc "), NotFound)


def test_lines_without_their_breaks() -> None:
    assert bare_lines("") == []
    assert bare_lines("\n") == [""]
    assert bare_lines("a\r\n\rb\n\n") == ["a", "", "b", ""]
    assert bare_lines("a\nb") == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "quoted", "hit"),
    [
        ("x = '👩‍💻'\ny\n", "x = '👩‍💻' \ny", "x = '👩‍💻'\ny"),
        ("🙂\n", "🙂\r\n", "🙂"),
        ("only", "  only", "only"),
        ("a\n\tb", "a \n\tb ", "a\n\tb"),
        ("\n\na \n\n", "\n\na\n\n\n", "a "),
        ("a\rb \rc", "b\r\nc\r\n", "b \rc"),
        ("a\n  \nb", "a\n\nb", "a\n  \nb"),
    ],
)
def test_odd_texts(text: str, quoted: str, hit: str) -> None:
    assert found(quoted, None, text).span.of(text) == hit


def test_a_quote_longer_than_the_text_is_not_found() -> None:
    assert isinstance(locate("a\nb\n", "a \nb\nc\nd\ne"), NotFound)
    assert isinstance(locate("a\nb", "a\nb\nc"), NotFound)


# Line numbers.


@pytest.mark.parametrize(
    "quoted",
    [
        "7:     a\n8: \tb",
        "7|     a\n8| \tb",
        "7→     a\n8→ \tb",
        " 7 :     a\n 8 : \tb",
        "     7\t    a\n     8\t\tb",
        "10\t    a\n11 \t\tb",
        "7:     a\n\n8: \tb",
    ],
)
def test_line_numbers_are_taken_off(quoted: str) -> None:
    text = "0\n    a\n\n\tb\n" if "\n\n" in quoted else "0\n    a\n\tb\n"
    result = found(quoted, None, text)
    assert (result.level, result.span) == ("line numbers", Span(2, len(text) - 1))


@pytest.mark.parametrize("quoted", ["7:     a\n\tb", "7     a\n8 \tb", "7-     a\n8- \tb", "1: \n2: ", "x7:     a"])
def test_not_all_are_line_numbers(quoted: str) -> None:
    assert isinstance(locate("0\n    a\n\tb\n \n", quoted), NotFound)


def test_a_text_with_numbers_of_its_own_is_found_as_it_is() -> None:
    assert found("1: a\n2: b", None, "1: a\n2: b\n\na\nb\n").level == "exact"
    assert found("1: a\n2: b", None, "1: a \n2: b\n").level == "trailing blanks"


# Indentation.


@pytest.mark.parametrize(
    ("text", "quoted", "hit"),
    [
        ("  a\n    b\n", "a\n  b", True),
        ("\ta\n\t\tb\n", "  a\n  \tb", True),
        ("a\n  b\n", "\ta\n\t  b", True),
        ("    a\n\n  b\n", "  a\n\nb", True),
        ("    a\n  \n  b\n", "  a\nb", False),
        ("\ta\n\t\tb\n", "    a\n        b", False),
        ("  a\n  b\n", " a\n   b", False),
        ("  a\n    b\n", "a\nb", False),
        ("a\n b\n", "   a\nb", False),
        ("a\n\tb\n", "  a\n  b", False),
        ("\t a\n\t b\n", "a\n\tb", False),
        ("\t a\n\t \tb\n", "a\n\tb", True),
    ],
)
def test_the_indentation_is_shifted_for_all_lines_alike(text: str, quoted: str, hit: bool) -> None:
    result = locate(text, quoted)
    assert isinstance(result, Found) == hit
    if isinstance(result, Found):
        assert (result.level, result.span) == ("indentation", Span(0, len(text) - 1))


def test_a_place_knows_its_lines() -> None:
    assert found("def two():").pairs == ()
    assert found("\n\n  def two():\n      x = 1\n\n").pairs == [
        ("", None),
        ("", None),
        ("  def two():", "def two():"),
        ("      x = 1", "    x = 1"),
        ("", None),
    ]
    assert found("6: def two():\n7:     x = 1\n\n").pairs == [
        ("def two():", "def two():"),
        ("    x = 1", "    x = 1"),
        ("", None),
    ]


# Punctuation.


@pytest.mark.parametrize(
    ("typeset", "typed"),
    [
        *((dash, "-") for dash in "‐‑‒–—―−"),
        *((quote, "'") for quote in "‘’‚‛′"),
        *((quote, '"') for quote in "“”„‟″"),
        *((chr(blank), " ") for blank in (0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)),
        ("…", "..."),
        ("é", "e\u0301"),
    ],
)
def test_typeset_characters_are_what_is_typed_for_them(typeset: str, typed: str) -> None:
    text = f"x\na{typeset}b\ny\n"
    result = found(f"a{typed}b", None, text)
    assert (result.level, result.span, result.guess) == ("punctuation", Span(2, len(text) - 3), True)
    other = f"x\na{typed}b\ny\n"
    assert found(f"  a{typeset}b ", None, other).span == Span(2, len(other) - 3)


@pytest.mark.parametrize("quoted", ["a--b", "ab", "a  b", "a\tb", "A-b", "a-", "`a-b`"])
def test_no_other_character_is_taken_for_another(quoted: str) -> None:
    assert isinstance(locate("x\na—b\ny\n", quoted), NotFound)
    assert isinstance(locate("x\na b\ny\n", quoted), NotFound)


def test_what_is_equal_as_it_stands_is_meant() -> None:
    text = "a—b\na-b\na–b\n"
    assert found("a-b", None, text).span == Span(4, 7)
    assert "2 times (lines 1, 2)" in not_found("a—b\na–b\n", "a-b").problem


def test_typeset_indentation_is_shifted_for_all_lines_alike() -> None:
    text = "x\n\u00a0\u00a0a:\n\u00a0\u00a0\u00a0\u00a0b\n"
    assert (found("  a:\n    b", None, text).level, found("a:\n  b", None, text).level) == (
        "punctuation",
        "punctuation",
    )
    assert isinstance(locate(text, "a:\nb"), NotFound)
    assert isinstance(locate(text, "    a:\n  b"), NotFound)


# Similar places. Each row is of ten characters that no other has; `changed` of them make it a tenth less similar each.


def row(number: int, changed: int = 0) -> str:
    return "".join(chr(0x4E00 + 20 * number + at + (10 if at < changed else 0)) for at in range(10))


def rows(*numbers: int) -> list[str]:
    return [row(number) for number in numbers]


def text_of(lines: Sequence[str]) -> str:
    return "\n".join(lines)


BEFORE, AFTER = rows(90, 91), rows(92, 93)


def similar(
    place: Sequence[str], quoted: Sequence[str], before: Sequence[str] = BEFORE, after: Sequence[str] = AFTER
) -> Found | None:
    """What `quoted` is found to be in a text that holds `place`: that, or nothing."""
    text = text_of([*before, *place, *after])
    result = locate(text, text_of(quoted))
    if isinstance(result, NotFound):
        return None
    start = len(text_of(before)) + 1 if before else 0
    assert (result.level, result.guess, result.span) == ("similar", True, Span(start, start + len(text_of(place))))
    return result


def test_a_similar_place_is_found_with_its_lines() -> None:
    place = [row(0), row(1), "", row(2), row(3), " ", row(4), "", "\t" + row(5), *rows(6, 7, 8, 9, 10)]
    quoted = [" ", row(0, 1), row(1), row(30), "", row(3), "", "", row(4), row(5), *rows(6, 7, 8, 9, 10), "", ""]
    result = similar(place, quoted)
    assert result
    assert result.pairs == [
        (" ", None),
        (row(0, 1), row(0)),
        (row(1), row(1)),
        (row(30), None),
        ("", ""),
        (None, row(2)),
        (row(3), row(3)),
        ("", " "),
        ("", None),
        (row(4), row(4)),
        (None, ""),
        (row(5), "\t" + row(5)),
        *((line, line) for line in rows(6, 7, 8, 9, 10)),
        ("", None),
    ]


@pytest.mark.parametrize(
    ("lines", "quoted", "pairs"),
    [
        # An inner line once more behind the place, and before it.
        ((50, 0, 1, 2, 51, 52, 1, 53), (0, 1, 2), ((0, 0), (1, 1), (2, 2))),
        ((50, 1, 51, 52, 0, 1, 2, 53), (0, 1, 2), ((0, 0), (1, 1), (2, 2))),
        # One of two that are the same is too many: the nearer one is taken.
        ((0, 1, 1, 2, 3, 4), (0, 1, 2, 3, 4), ((0, 0), (None, 1), (1, 1), (2, 2), (3, 3), (4, 4))),
        ((0, 1, 2, 3, 3, 4), (0, 1, 2, 3, 4), ((0, 0), (1, 1), (2, 2), (None, 3), (3, 3), (4, 4))),
    ],
)
def test_lines_that_occur_twice(
    lines: tuple[int, ...], quoted: tuple[int, ...], pairs: tuple[tuple[int | None, int | None], ...]
) -> None:
    text = text_of(rows(*lines))
    result = found(" " * 4 + text_of(rows(*quoted)) + " ", None, text)
    assert result.level == "similar" or (result.level == "indentation" and len(pairs) == 3)
    assert [tuple(side and side.strip() for side in pair) for pair in result.pairs] == [
        tuple(None if number is None else row(number) for number in pair) for pair in pairs
    ]


def test_a_line_that_is_missing_may_be_like_the_one_before_it() -> None:
    text = text_of(rows(0, 20, 21, 0, 1, 2, 3))
    assert found(text_of([row(0), row(0, 4), *rows(1, 2, 3)]), None, text).span == Span(33, 76)


def test_a_similar_place_is_one_whatever_stands_around_it() -> None:
    place, quoted = rows(0, 1, 2), [row(0), row(1, 1), row(2)]
    for before in ([], BEFORE, ["", " "]):
        for after in ([], AFTER, ["", " "]):
            assert similar(place, quoted, before, after)


def test_blanks_and_typesetting_cost_nothing_in_a_similar_place() -> None:
    text = "if (a)\n\tb — c\n\t\td\ne\n"
    assert found("if (a)\n  b - c\n    d \n e", None, text).level == "similar"
    # They are not counted in what a line has either.
    assert found(" " * 20 + "if (a)\n  b - c\n    d \n e", None, text).level == "similar"


@pytest.mark.parametrize(
    ("changed", "enough"),
    [
        ((2, 2, 2, 2, 2), True),
        ((2, 2, 3, 2, 2), False),
        ((2, 3, 3, 0, 2), True),
        ((2, 0, 0, 0, 0), True),
        ((3, 0, 0, 0, 0), False),
        ((0, 0, 0, 0, 2), True),
        ((0, 0, 0, 0, 3), False),
        ((0, 4, 4, 0, 2), True),
        ((0, 5, 0, 0, 0), False),
        ((0, 1, 0), True),
        ((2, 2, 2), True),
        ((2, 3, 2), False),
        ((0, 1), False),
        ((1,), False),
        ((0, 1, -1, 0), True),
        ((0, -1, 1), False),
        ((0, -1, -1, -1, 1), False),
    ],
)
def test_how_similar_is_enough(changed: tuple[int, ...], enough: bool) -> None:
    """Four fifths of all of it, and of the first and the last line; lines that are blank (-1) do not count."""
    place = [row(number) if much >= 0 else "" for number, much in enumerate(changed)]
    quoted = [row(number, much) if much >= 0 else "" for number, much in enumerate(changed)]
    assert bool(similar(place, quoted)) == enough


@pytest.mark.parametrize(
    ("place", "quoted", "enough"),
    [
        ((0, 1, 2, 3, 4), (0, 1, 2, 4), False),
        ((0, 1, 2, 3, 4, 5), (0, 1, 2, 3, 5), True),
        ((0, 2, 3, 4), (0, 1, 2, 3, 4), True),
        ((0, 2, 3), (0, 1, 2, 3), False),
        ((0, 1, 3, 4), (0, 1, 9, 3, 4), True),
        ((0, 1, 2, 3, 4), (0, 1, 9, 3, 4), False),
        ((0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (0, 1, 20, 3, 4, 5, 6, 7, 8, 9), True),
        ((0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (0, 1, 20, 3, 4, 5, 6, 21, 8, 9), False),
        ((1, 2, 3, 4), (0, 1, 2, 3, 4), False),
        ((0, 1, 2, 3), (0, 1, 2, 3, 4), False),
        ((0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (0, 2, 1, 3, 4, 5, 6, 7, 8, 9), True),
        ((0, 1, 2, 3, 4, 5, 6), (0, 2, 1, 3, 4, 5, 6), False),
    ],
)
def test_lines_without_a_partner_cost_a_line_each(
    place: tuple[int, ...], quoted: tuple[int, ...], enough: bool
) -> None:
    assert bool(similar(rows(*place), rows(*quoted))) == enough


def long_row(number: int, changed: int = 0) -> str:
    """A line of a thousand characters, of which each that is `changed` costs a thousandth of a line."""
    return "".join(chr(0x4E00 + 2000 * number + at + (1000 if at < changed else 0)) for at in range(1000))


@pytest.mark.parametrize(
    ("changed", "enough", "near"),
    [
        ((200, 200, 200), True, True),
        ((200, 201, 200), False, True),
        ((199, 202, 199), True, True),
        ((201, 0, 0), False, True),
        ((0, 0, 201), False, True),
        ((0, 400, 200), True, True),
        ((0, 401, 0, 0, 0, 0, 0, 0), False, True),
        ((400,), False, True),
        ((401,), False, False),
        ((400, 400), False, True),
    ],
)
def test_to_a_thousandth_of_a_line(changed: tuple[int, ...], enough: bool, near: bool) -> None:
    place = [long_row(number) for number in range(len(changed))]
    quoted = [long_row(number, much) for number, much in enumerate(changed)]
    result = locate(text_of(place), text_of(quoted))
    assert isinstance(result, Found) == enough
    assert isinstance(result, Found) or bool(result.nearest) == near


@pytest.mark.parametrize(("changed", "near"), [(0, True), (1, False)])
def test_near_to_a_thousandth_of_a_line(changed: int, near: bool) -> None:
    """Two of five lines are missing."""
    place = [long_row(number) for number in (1, 2, 3)]
    quoted = [long_row(number, changed if number == 2 else 0) for number in range(5)]
    assert bool(not_found(text_of(place), text_of(quoted)).nearest) == near


TEN = range(10)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    ("rival", "clear"),
    [
        # It has three lines less, that is three more of cost.
        ([row(at) for at in TEN if at not in (3, 4, 5)], True),
        ([row(at) for at in TEN if at not in (3, 4)], False),
        ([row(at, {6: 4, 7: 4, 8: 1}.get(at, 0)) for at in TEN if at not in (3, 4)], False),
        ([row(at, {6: 4, 7: 4, 8: 2}.get(at, 0)) for at in TEN if at not in (3, 4)], True),
        ([row(at) if at not in (3, 4, 5) else "" for at in TEN], True),
        (rows(0, 1, 2, 40, 41, 42, 3, 4, 5, 6, 7, 8, 9), True),
        (rows(0, 1, 2, 40, 41, 3, 4, 5, 6, 7, 8, 9), False),
        (rows(*TEN), False),
        # Also where its first or last line is another, if it is near in all: four lines of cost are the limit.
        (rows(*TEN)[1:], False),
        (rows(*TEN)[:-1], False),
        (rows(*TEN)[3:], True),
        (rows(*TEN)[:-3], True),
        (rows(*TEN)[2:], False),
        (rows(*TEN)[:-2], False),
    ],
)
def test_another_place_must_be_worse_by_three_lines(rival: list[str], clear: bool, first: bool) -> None:
    place = [" " + row(0), *rows(*TEN)[1:]]
    quoted = [row(0), "\t" + row(1), *rows(*TEN)[2:]]
    for between in (AFTER, []):
        parts = [BEFORE, rival, between, place] if first else [place, between, rival, BEFORE]
        text = text_of([line for part in parts for line in part])
        result = locate(text, text_of(quoted))
        assert isinstance(result, Found) == clear
        if isinstance(result, Found):
            assert result.span.of(text) == text_of(place)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    ("rival", "clear"),
    [
        ([row(0), row(4)], True),
        ([row(0), row(2, 4), row(4)], False),
        ([row(0), row(1), row(2)], False),
        ([row(0), row(1), row(3), row(4, 4)], False),
        ([row(1), row(2)], True),
        ([row(0), row(1)], True),
        ([row(3), row(4)], True),
        ([row(0), row(1), row(3, 1)], True),
        ([row(1, 1), row(3), row(4)], True),
        ([row(1), row(2), row(3)], False),
        ([row(2), row(3), row(4)], False),
    ],
)
def test_of_a_short_quote_more_than_half_must_be_missing_elsewhere(rival: list[str], clear: bool, first: bool) -> None:
    """Five lines: to be three lines worse, or without an edge and two lines off."""
    place = [" " + row(0), *rows(1, 2, 3, 4)]
    quoted = [row(0), "\t" + row(1), *rows(2, 3, 4)]
    parts = [BEFORE, rival, AFTER, place] if first else [place, AFTER, rival, BEFORE]
    result = locate(text_of([line for part in parts for line in part]), text_of(quoted))
    assert isinstance(result, Found) == clear


@pytest.mark.parametrize(
    ("place", "quoted", "span"),
    [
        # The next bracket could end it as well, at the cost of a line.
        (["a", "  b b", "  }", "}"], ["a", "b b", "}"], (0, 3)),
        (["{", "  {", "  b b", "a"], ["{", "b b", "a"], (1, 4)),
        ([row(0), row(1), row(2), row(2)], [row(0), "\t" + row(1), row(2)], (0, 3)),
        ([row(0), row(1), row(2, 1), row(2, 1)], [row(0), row(1), row(2)], (0, 3)),
        ([row(0), row(1), row(2, 1), row(2)], [row(0), "\t" + row(1), row(2)], None),
        ([row(0), row(0), row(1), row(2)], [row(0), "\t" + row(1), row(2)], (1, 4)),
        ([row(0), row(0, 1), row(1), row(2)], [row(0), "\t" + row(1), row(2)], None),
        # They share a line.
        ([*rows(0, 1, 0, 9, 0)], [row(0), "\t" + row(1), row(0)], (0, 3)),
        ([*rows(0, 9, 0, 1, 0)], [row(0), "\t" + row(1), row(0)], (2, 5)),
        # All are alike: shifted by one it is as good.
        (["(a1)", "(a2)", "(a3)", "(a4)"], ["(a5)", "(a6)", "(a7)"], None),
        (["(a1)", "(a2)", "(a3)", "(a4)"], ["(a2) x", "(a3) x", "(a4) x"], (1, 4)),
        ([f"row of items({at})" for at in range(4)], [f"row of items({at}) x" for at in range(1, 4)], None),
    ],
)
def test_a_place_that_is_shifted_must_be_worse_by_a_line(
    place: list[str], quoted: list[str], span: tuple[int, int] | None
) -> None:
    text = text_of(place)
    result = locate(text, text_of(quoted))
    assert isinstance(result, Found) == (span is not None)
    if isinstance(result, Found) and span:
        assert result.span.of(text) == text_of(place[slice(*span)])


def test_a_similar_place_that_is_being_changed_is_not_looked_into() -> None:
    text, quoted = text_of([*BEFORE, *rows(0, 1, 2), *AFTER]), text_of([row(0), row(1, 1), row(2)])
    assert isinstance(locate(text, quoted, closed=[Span(0, 22), Span(54, 60)]), Found)
    assert not_found(text, quoted, closed=[Span(0, 23)]).problem == TAKEN
    # Nor is one that is near.
    quoted = text_of([row(0), row(1, 4), row(2, 3)])
    assert "lines 3-5" in not_found(text, quoted, closed=[Span(0, 22), Span(54, 60)]).problem
    assert not_found(text, quoted, closed=[Span(0, 23)]).problem == ABSENT
    assert not_found(text, quoted, closed=[Span(53, 60)]).problem == ABSENT


def test_numbered_lines_are_not_guessed_at() -> None:
    lines = ["the first of them", "the second of them", "the third of them"]
    text = text_of([*BEFORE, *lines, *AFTER])
    quoted = [f"{number}: {line}!" for number, line in enumerate(lines, 3)]
    assert "lines 3-5" in not_found(text, text_of(quoted)).problem
    assert found(text_of([*quoted[:2], lines[2] + "!"]), None, text).level == "similar"


# How much is compared.


def test_not_too_many_lines_are_compared() -> None:
    quoted = [row(at, 1) for at in range(100)]
    text = text_of([*[""] * 19_900, *rows(*range(100))])
    assert found(text_of(quoted), None, text).level == "similar"
    assert not_found(text, text_of([*quoted[:50], "", *quoted[50:]])).problem == ABSENT


@pytest.mark.parametrize(("length", "looked"), [(100_000, True), (100_001, False)])
def test_no_line_that_is_too_long_is_compared(length: int, looked: bool) -> None:
    text = text_of([*rows(0, 1, 2, 3, 4), "z" * length])
    assert isinstance(locate(text, text_of([row(0, 1), *rows(1, 2, 3, 4)])), Found) == looked
    quoted = [*rows(0, 1, 2), "z" * length, *rows(3, 4)]
    assert isinstance(locate(text_of(rows(0, 1, 2, 3, 4)), text_of(quoted)), Found) == looked


@pytest.mark.parametrize(("more", "looked"), [(0, True), (1, False)])
def test_not_too_many_characters_are_compared(more: int, looked: bool) -> None:
    """A hundred thousand times a hundred thousand."""
    text = text_of([*rows(0, 1, 2, 3, 4), "y" * (99_950 + more)])
    quoted = [*rows(0, 1, 2), "z" * 99_950, *rows(3, 4)]
    assert isinstance(locate(text, text_of(quoted)), Found) == looked


@pytest.mark.parametrize(
    ("count", "line", "looked"),
    [
        (20_000, None, True),
        (20_001, None, False),
        (20_001, 10_001, True),
        (20_001, 12_001, True),
        (20_001, 12_002, False),
        (20_001, 8_001, True),
        (20_001, 8_000, False),
        (20_001, 0, False),
        (20_001, -5, False),
        (20_001, 10**30, False),
        (20_001, -(10**30), False),
        (20_000, 1, True),
    ],
)
def test_in_a_long_text_only_what_is_near_the_named_line_is_compared(
    count: int, line: int | None, looked: bool
) -> None:
    text = text_of([*[""] * 10_000, *rows(0, 1, 2), *["x"] * (count - 10_003)])
    result = locate(text, text_of([row(0), row(1, 1), row(2)]), line)
    assert isinstance(result, Found) == looked
    if isinstance(result, Found):
        assert result.span == Span(10_000, 10_032)
        assert result.pairs[1] == (row(1, 1), row(1))
    # In the same way for what is only near.
    nearest = not_found(text, text_of([row(0, 3), row(1), row(2)]), line).problem
    assert ("nearest are lines 10001-10003," in nearest) == looked


def test_blank_lines_at_the_ends_of_a_quote_widen_nothing() -> None:
    text = text_of([*[""] * 10_000, *rows(0, 1, 2), *["x"] * 10_000])
    quoted = text_of(["", "", row(0), row(1, 1), row(2), "", "", ""])
    assert found(quoted, 8001, text).span == Span(10_000, 10_032)
    assert isinstance(locate(text, quoted, 8000), NotFound)


def test_nothing_is_compared_in_a_long_text_where_nothing_is_near() -> None:
    text = text_of(["x = compute(1)", *["y"] * 20_000])
    for line in (None, -(10**30), 10**30, -1999 - 1, 2002):
        assert not_found(text, "x = compote(1)", line).problem == ABSENT
    for line in (-1999, 1, 2001):
        assert "is line 1," in not_found(text, "x = compote(1)", line).problem


def test_at_the_ends_of_a_long_text() -> None:
    filler = ["x"] * 20_000
    quoted = text_of([row(0), row(1, 1), row(2)])
    assert found(quoted, 1, text_of([*rows(0, 1, 2), *filler])).span.start == 0
    assert found(quoted, 20_001, text_of([*filler, *rows(0, 1, 2)])).span.start == 40_000
    assert found(quoted, 2001, text_of([*rows(0, 1, 2), *filler])).span.start == 0
    assert isinstance(locate(text_of([*rows(0, 1, 2), *filler]), quoted, 2002), NotFound)


@pytest.mark.parametrize(("more", "looked"), [([], True), ([row(0, 4)], False)])
def test_where_too_much_is_alike_nothing_is_found(more: list[str], looked: bool) -> None:
    # Five pairs of the others, and three times 16,665.
    text = text_of([*rows(0, 1, 1, 1, 2, 3, 4, 5), *[row(1)] * 16_662, *more])
    quoted = text_of([row(0, 1), *rows(1, 1, 1, 2, 3, 4, 5)])
    assert isinstance(locate(text, quoted), Found) == looked


# What is told of a place that is near.


def told(place: Sequence[str], quoted: Sequence[str]) -> str:
    return not_found(text_of(place), text_of(quoted)).problem.removeprefix(ABSENT)


def test_the_nearest_lines_are_told_as_they_stand() -> None:
    assert told(["a", "  x = compute(1)", "b"], ["x = compote(1)"]) == (
        "; nearest is line 2, which reads:\n<lines>\n  x = compute(1)\n</lines>\nIf it is meant, quote it exactly"
    )
    assert told(["a", "x = compute(1)", "", "return y", "b"], ["x = compote(1)", "return yes"]) == (
        "; nearest are lines 2-4, which read:\n<lines>\nx = compute(1)\n\nreturn y\n</lines>\n"
        "If they are meant, quote them exactly"
    )


def test_a_refusal_is_one_clause_for_the_person() -> None:
    result = not_found("x = compute(1)", "x = compote(1)")
    assert result.reason == ABSENT
    assert result.problem == ABSENT + result.nearest
    assert not_found("a", "").nearest == ""


@pytest.mark.parametrize(
    ("changed", "near"),
    [((4,), True), ((5,), False), ((4, 4, 4, 4, 4), True), ((4, 4, 5, 4, 4), False), ((3, 3), True)],
)
def test_how_similar_is_near(changed: tuple[int, ...], near: bool) -> None:
    problem = told(rows(*range(len(changed))), [row(number, much) for number, much in enumerate(changed)])
    assert bool(problem) == near


@pytest.mark.parametrize(
    ("place", "quoted", "lines"),
    [
        # All lines that the quote would cover are told, also those that are not as it says.
        ((50, 51, 2, 3, 4, 52), (0, 1, 2, 3, 4), "1-5"),
        ((50, 0, 1, 2, 51, 52, 53), (0, 1, 2, 3, 4), "2-6"),
        ((50, 0, 1, 2, 51), (0, 1, 2, 3, 4), "2-5"),
        ((51, 2, 3, 4, 52), (0, 1, 2, 3, 4), "1-4"),
        ((50, 51, 52, 1, 2, 3, 53, 54), (0, 1, 2, 3, 4), "3-7"),
        ((50, 0, 1, 51, 3, 4, 52), (0, 1, 2, 3, 4), "2-6"),
        ((50, 0, 1, 51, 52, 3, 4, 52), (0, 1, 2, 3, 4), None),
        ((50, 0, 1, 51, 3, 52, 4, 53), (0, 1, 3, 4), None),
        ((50, 0, 1, 51, 3, 53), (0, 1, 3), "2-5"),
        ((0, 1, 50, 51), (0, 1, 2, 3, 4), None),
        # The best, and of equal ones the first.
        ((0, 1, 50, 3, 51, 0, 1, 2, 52), (0, 1, 2, 3), "6-9"),
        ((50, 0, 1, 60, 51, 0, 1, 61, 52), (0, 1, 2), "2-4"),
    ],
)
def test_the_nearest_place_is_told_whole(place: tuple[int, ...], quoted: tuple[int, ...], lines: str | None) -> None:
    problem = told(rows(*place), rows(*quoted))
    assert (f"lines {lines}," in problem) if lines else not problem


def test_blank_lines_belong_to_the_nearest_place() -> None:
    quoted = ["", row(0), "", row(1), row(2, 3), "", row(3), row(30), "", "", ""]
    assert "lines 2-8," in told([row(50), row(0), "", row(1), row(2), "", row(3), row(51), row(52)], quoted)


def test_not_all_of_a_long_place_is_told() -> None:
    quoted = [row(0, 4), *rows(*range(1, 21))]
    problem = told(rows(*range(20)), quoted[:20])
    assert problem.startswith("; nearest are lines 1-20, which read:\n")
    assert row(19) in problem
    problem = told(rows(*range(21)), quoted)
    assert problem.startswith("; nearest are lines 1-21, the first 20 of which read:\n")
    assert row(19) in problem and row(20) not in problem


def test_not_too_many_characters_are_told() -> None:
    long = "abcde" * 400
    assert told([long, long[::-1]], [long + "!", long[::-1] + "!"]).startswith("; nearest are lines 1-2, which read:")
    problem = told([long, long[::-1] + "x"], [long + "!", long[::-1]])
    assert problem.startswith("; nearest are lines 1-2, the first 1 of which read:")
    assert problem.count(long) == 1
    assert told([long * 2], [long * 2 + "!"]).startswith("; nearest is line 1, which reads:")
    assert told([long * 2 + "x"], [long * 2 + "!"]) == "; nearest is line 1"


def test_the_nearest_lines_are_counted_behind_a_mark() -> None:
    assert "line 1, which reads:\n<lines>\nx = compute(1)\n" in told([MARK + "x = compute(1)"], ["x = compote(1)"])


# Whatever the text.

NASTY = st.text(st.sampled_from('ab \t\n\r\x0c\u2028\ufeff\u00a0—-“"1:é🙂\u200d\ud83d\u0301'), max_size=30)
WORDS = ("alpha", "beta gamma", "if x:", "}", "return — “x”", "end-1", "", "x\u00a0= 1")
LINES = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(WORDS)).map(lambda line: "  " * line[0] + line[1]), max_size=14
)


@given(NASTY, NASTY, st.none() | st.integers(-3, 40), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 8))))
def test_whatever_is_found_is_whole_and_free(
    text: str, quoted: str, line: int | None, taken: list[tuple[int, int]]
) -> None:
    closed = [Span(start, start + size) for start, size in taken]
    result = locate(text, quoted, line, closed)
    if isinstance(result, NotFound):
        assert result.problem
        return
    start, end = result.span
    assert (1 if text.startswith(MARK) else 0) <= start <= end <= len(text)
    assert not any(result.span.touches(span) for span in closed)
    assert not any(text[at - 1 : at + 1] == "\r\n" for at in (start, end) if at)
    if result.level != "exact":
        # Its pairs are what was quoted, and what stands there.
        assert [actual for _, actual in result.pairs if actual is not None] == bare_lines(result.span.of(text) + "\n")
        if result.level != "line numbers":
            assert [left for left, _ in result.pairs if left is not None] == bare_lines(quoted.removeprefix(MARK))


@given(LINES, LINES, st.integers(0, 14), st.integers(0, 14))
def test_lines_that_are_found_are_whole_and_free(lines: list[str], other: list[str], first: int, size: int) -> None:
    text = text_of(lines)
    test_whatever_is_found_is_whole_and_free.hypothesis.inner_test(  # type: ignore[attr-defined]
        text, text_of([*lines[first : first + size], *other[:1]]), None, [(len(text) // 2, 5)]
    )


@given(NASTY.filter(str.strip), st.data())
def test_what_occurs_once_is_found_exactly(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    quoted = text[start:end]
    if not quoted.removeprefix(MARK).strip() or text.count(quoted) != 1 or quoted in text[start + 1 :]:
        return
    result = found(quoted, None, text)
    assert result.level == "exact"
    # But for half line breaks and the mark.
    meant = quoted if start else quoted.removeprefix(MARK)
    assert result.span.of(text).strip("\r\n") == meant.strip("\r\n")


FORGIVEN = {
    "trailing blanks": lambda line: line + " ",
    "indentation": lambda line: "    " + line if line.strip() else line,
    "punctuation": lambda line: line.replace("\u00a0", " ").replace("—", "-").replace("“", '"').replace("”", '"'),
}
LEVELS = ("exact", "line breaks", "line numbers", "trailing blanks", "indentation", "punctuation", "similar")


@given(LINES, st.integers(0, 13), st.integers(1, 6), st.sampled_from(sorted(FORGIVEN)))
def test_a_slip_that_is_forgiven_leads_nowhere_else(lines: list[str], first: int, size: int, slip: str) -> None:
    place = lines[first : first + size]
    if not place or not place[0].strip() or not place[-1].strip():
        return
    result = locate(text_of(lines), text_of([FORGIVEN[slip](line) for line in place]))
    # What is equal in more than the slip leaves is better than the place that was copied.
    if isinstance(result, Found) and LEVELS.index(result.level) >= LEVELS.index(slip):
        start = len(text_of(lines[:first])) + (1 if first else 0)
        assert result.span == Span(start, start + len(text_of(place)))


@given(st.lists(st.integers(0, 2), min_size=3, max_size=8), st.data())
def test_of_two_places_that_are_as_similar_none_is_found(changed: list[int], data: st.DataObject) -> None:
    place = [row(number, much) for number, much in enumerate(changed)]
    order = data.draw(st.permutations([place, place, BEFORE, AFTER]))
    text = text_of([line for part in order for line in part])
    quoted = text_of(["  " + row(0), *rows(*range(1, len(changed) - 1)), row(len(changed) - 1) + " "])
    line = data.draw(st.none() | st.integers(1, 30))
    result = locate(text, quoted, line)
    assert isinstance(result, NotFound)


@given(st.lists(st.integers(0, 4), min_size=3, max_size=8), LINES, LINES)
def test_a_place_among_others_is_found_or_nothing(changed: list[int], before: list[str], after: list[str]) -> None:
    place, quoted = rows(*range(len(changed))), [row(number, much) for number, much in enumerate(changed)]
    text = text_of([*before, *place, *after])
    result = locate(text, text_of(quoted))
    enough = sum(changed) <= 2 * len(changed) and max(changed[0], changed[-1]) <= 2
    assert isinstance(result, Found) == enough
    if isinstance(result, Found):
        assert result.span.of(text) == text_of(place)


def test_every_word_of_a_refusal_is_one_that_can_go_on() -> None:
    """The caller puts a full stop, or more clauses, behind it."""
    problems = [locate("x\nx", "x"), locate("x", ""), locate("x", "abc"), locate("compute(1)", "compote(1)")]
    assert all(isinstance(problem, NotFound) and re.search(r"[\w)]$", problem.problem) for problem in problems)
