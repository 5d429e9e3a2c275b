"""Finding what Claude quotes: one place, or none with the reason."""

from __future__ import annotations

import pytest

from claude_ls.editing.align import fitted_to_quote, fitted_to_region
from claude_ls.editing.locate import Found, NotFound, locate
from claude_ls.text.document import Document
from claude_ls.text.patch import Span

TEXT = """\
def one():
    x = 1 \x20
    return x


def two():
    x = 1
    return x
"""


def found(quoted: str, line: int | None = None, text: str = TEXT) -> Found:
    result = locate(text, quoted, line)
    assert isinstance(result, Found), result
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


def test_several_hits_are_refused_with_their_lines() -> None:
    result = locate(TEXT, "    return x\n")
    assert isinstance(result, NotFound)
    assert "2 times (lines 3, 8)" in result.problem


def test_the_line_chooses_only_where_nothing_else_is_near() -> None:
    assert isinstance(locate(TEXT, "    return x\n", 8), NotFound)
    far = TEXT + "\n" * 300 + "    return x\n"
    assert far[: found("    return x\n", 309, far).span.start].count("\n") == 308


def test_a_place_that_is_being_changed_is_not_looked_into() -> None:
    start = TEXT.index("def two")
    result = locate(TEXT, "def two():\n", closed=[Span(start, start + 20)])
    assert isinstance(result, NotFound)
    assert "still being written" in result.problem


def test_only_an_inexact_quote_changes_the_indentation_of_the_new_text() -> None:
    text = "if a:\n        b = 1\n        c = 2\n"
    document = Document.opened("file:///a", "python", 1, text)
    result = found("    b = 1\n    c = 2", text=text)
    assert fitted_to_quote("    b = 2\n\n        d = 3", "    b = 1\n    c = 2", result, document) == (
        "        b = 2\n\n            d = 3"
    )
    exact = found("        b = 1\n", text=text)
    assert fitted_to_quote("b = 2\n", "        b = 1\n", exact, document) == "b = 2\n"


@pytest.mark.parametrize(
    ("new_text", "fitted"),
    [
        ("    s = 1\n", "    s = 1"),
        ("    s = 1", "    s = 1"),
        ("s = 1\nif s:\n    t = 2", "    s = 1\r\n    if s:\r\n        t = 2"),
        ("```python\n    s = 1\n```", "    s = 1"),
        ("    s = 1\n\n", "    s = 1\r\n"),
    ],
)
def test_a_region_gets_what_fits_it(new_text: str, fitted: str) -> None:
    document = Document.opened("file:///a", "python", 1, "def f():\r\n    s = 0\r\n")
    assert fitted_to_region(new_text, "    s = 0", document) == fitted
