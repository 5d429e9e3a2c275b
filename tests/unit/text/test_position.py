"""Offsets and positions, checked against a slow and obvious way of counting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_ls.text.document import Document
from claude_ls.text.patch import Span, TextEdit
from claude_ls.text.position import Encoding, LineIndex, Position, offset_at, position_at

AWKWARD = st.text(st.sampled_from("ab\n\r\t\f\v\x1c\x85\u2028\u2029é€𝒳🇩\u200d\ufeff\x00\ud83d\ude00"), max_size=40)
ENCODINGS: list[Encoding] = ["utf-8", "utf-16", "utf-32"]


def units(character: str, encoding: Encoding) -> int:
    if encoding == "utf-32":
        return 1
    if encoding == "utf-16":
        return 2 if ord(character) > 0xFFFF else 1
    return len(character.encode("utf-8", "surrogatepass"))


def oracle(text: str, encoding: Encoding) -> list[tuple[int, int]]:
    """Line and column of each offset, walking; the place between CR and LF belongs to the end of the line."""
    places: list[tuple[int, int]] = []
    line = column = 0
    for at, character in enumerate(text):
        if character == "\n" and at and text[at - 1] == "\r":
            places.append(places[-1])
            line, column = line + 1, 0
            continue
        places.append((line, column))
        if character == "\n" or (character == "\r" and text[at + 1 : at + 2] != "\n"):
            line, column = line + 1, 0
        elif character != "\r":
            column += units(character, encoding)
    places.append((line, column))
    return places


@given(AWKWARD, st.sampled_from(ENCODINGS))
def test_positions_agree_with_the_oracle(text: str, encoding: Encoding) -> None:
    # Two lone halves next to each other would be one character for an editor: such a text cannot be opened here.
    if encoding == "utf-16" and "\ud83d\ude00" in text:
        return
    lines = LineIndex.of(text)
    for offset, place in enumerate(oracle(text, encoding)):
        assert position_at(text, lines, offset, encoding) == place
        inside_break = offset and text[offset - 1 : offset + 1] == "\r\n"
        assert offset_at(text, lines, Position(*place), encoding) == (offset - 1 if inside_break else offset)


@pytest.mark.parametrize(
    ("text", "position", "encoding", "offset"),
    [
        ("ab\ncd", Position(0, 99), "utf-16", 2),
        ("ab\r\ncd", Position(0, 99), "utf-16", 2),
        ("ab\rcd", Position(0, 99), "utf-16", 2),
        ("ab\ncd", Position(1, 99), "utf-16", 5),
        ("ab\ncd", Position(9, 0), "utf-16", 5),
        ("ab\n", Position(1, 5), "utf-16", 3),
        ("", Position(3, 3), "utf-8", 0),
        ("a𝒳b", Position(0, 2), "utf-16", 1),
        ("a𝒳b", Position(0, 3), "utf-16", 2),
        ("a𝒳b", Position(0, 3), "utf-8", 1),
        ("a€b", Position(0, 3), "utf-8", 1),
        ("a\fb\nc", Position(1, 0), "utf-16", 4),
        ("a\u2028b\nc", Position(1, 1), "utf-16", 5),
    ],
)
def test_positions_outside_or_inside_of_something_are_clamped(
    text: str, position: Position, encoding: Encoding, offset: int
) -> None:
    assert offset_at(text, LineIndex.of(text), position, encoding) == offset


@given(AWKWARD, st.data())
def test_the_index_of_an_edited_document_is_the_index_of_its_text(text: str, data: st.DataObject) -> None:
    document = Document.opened("file:///a", "python", 1, text)
    for version in range(2, 6):
        length = len(document.text)
        start = data.draw(st.integers(0, length))
        end = data.draw(st.integers(start, length))
        document = document.edited(version, [TextEdit(start, end, data.draw(AWKWARD))])
        assert list(document.lines.starts) == list(LineIndex.of(document.text).starts)


@pytest.mark.parametrize(
    ("span", "lines"),
    [
        (Span(0, 0), "one"),
        (Span(1, 6), "one\r\ntwo"),
        (Span(0, 5), "one"),
        (Span(5, 5), "two"),
        (Span(0, 10), "one\r\ntwo"),
        (Span(10, 10), ""),
    ],
)
def test_whole_lines(span: Span, lines: str) -> None:
    document = Document.opened("file:///a", "python", 1, "one\r\ntwo\r\n")
    assert document.whole_lines(span).of(document.text) == lines


def test_the_line_break_of_a_document_is_the_one_most_used() -> None:
    assert Document.opened("file:///a", "c", 1, "a\r\nb\r\nc\n").with_own_breaks("x\ny\rz\r\n") == "x\r\ny\r\nz\r\n"
