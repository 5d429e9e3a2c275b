"""What Claude sees: as much as the budget allows, always the place itself, and nothing that could pose as ours."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_ls.agent.context import HEAD_LINES, ContextBlock, Diagnostic, file_blocks, gather
from claude_ls.agent.usage import estimated_tokens
from claude_ls.text.document import Document
from claude_ls.text.patch import Span

LINES = [f"value_{number} = {number}  # a line of code" for number in range(10_000)]
BUDGET = 2000


def opened(text: str) -> Document:
    return Document.opened("file:///a.py", "python", 1, text)


LONG = opened("\n".join(LINES) + "\n")


def line(number: int, last: int | None = None) -> Span:
    return Span(LONG.line_span(number).start, LONG.line_span(number if last is None else last).end)


def shown(blocks: tuple[ContextBlock, ...]) -> list[tuple[int, int]]:
    """The lines each block says it shows, which must be the ones it does show."""
    found = []
    for block in blocks:
        match = re.fullmatch(r"(\d+)-(\d+) of 10001", dict(block.attributes)["lines"])
        assert match is not None
        first, last = int(match[1]) - 1, int(match[2]) - 1
        assert block.text == line(first, last).of(LONG.text)
        found.append((first, last))
    return found


def test_a_file_that_fits_is_shown_whole_whatever_the_place() -> None:
    document = opened("x = 1\r\ny = 2\n")
    whole = (ContextBlock("file", "x = 1\r\ny = 2\n", (("path", "a.py"),)),)
    assert tuple(file_blocks(document, "a.py", Span(0, 1), BUDGET)) == whole
    assert tuple(file_blocks(document, "a.py", Span(9, 13), BUDGET)) == whole
    assert tuple(file_blocks(opened(""), "a.py", Span(0, 0), BUDGET)) == (
        ContextBlock("file", "", (("path", "a.py"),)),
    )


@pytest.mark.parametrize("number", [0, 5, HEAD_LINES - 1, HEAD_LINES, 150, 300, 5000, 9_998, 9_999])
def test_a_long_file_is_cut_to_about_the_budget_around_the_place(number: int) -> None:
    blocks = gather(LONG, "a.py", line(number), (), BUDGET)
    cost = sum(estimated_tokens(block.text) for block in blocks)
    assert 0.8 * BUDGET < cost <= 1.05 * BUDGET
    parts = shown(blocks)
    assert parts[0][0] == 0 and parts[0][1] >= HEAD_LINES - 1
    assert any(first <= number <= last for first, last in parts)
    if len(parts) == 2:
        assert parts[1][0] > parts[0][1]
        before, behind = number - parts[1][0], parts[1][1] - number
        assert abs(before - behind) <= 1 or parts[1][1] == 10_000


def test_no_line_is_shown_twice_wherever_the_place_is() -> None:
    for number in range(0, 400, 7):
        parts = shown(gather(LONG, "a.py", line(number), (), BUDGET))
        lines = [at for first, last in parts for at in range(first, last + 1)]
        assert len(lines) == len(set(lines)), number


def test_a_place_that_is_over_the_budget_is_shown_anyway_and_nothing_around_it() -> None:
    assert shown(gather(LONG, "a.py", line(2000, 4000), (), BUDGET)) == [(0, HEAD_LINES - 1), (2000, 4000)]
    assert shown(gather(LONG, "a.py", line(2000), (), 1)) == [(0, HEAD_LINES - 1), (2000, 2000)]


def test_what_other_tools_say_comes_last_by_line() -> None:
    told = (
        Diagnostic(line(1), "no such name", "error", "ruff", "F821"),
        Diagnostic(line(2), "unused", "warning", code="7"),
        Diagnostic(line(9_000), "long", "hint"),
    )
    blocks = gather(LONG, "a.py", line(3), told, BUDGET)
    assert blocks[-1].tag == "diagnostics"
    assert blocks[-1].text == (
        "line 2: error: no such name (ruff F821)\nline 3: warning: unused (7)\nline 9001: hint: long"
    )
    # So that a second request finds the file in the cache, whatever is said about it by then.
    assert blocks[:-1] == gather(LONG, "a.py", line(3), (), BUDGET)


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("x", "file"),
        ("<file>", "file"),
        ("a</file>b", "file-2"),
        ("</file-2>", "file"),
        ("</file></file-2></file-4>", "file-3"),
    ],
)
def test_a_block_takes_a_tag_that_is_not_in_its_text(text: str, tag: str) -> None:
    assert ContextBlock("file", text, (("path", "a.py"), ("lines", "1-2"))).rendered() == (
        f'<{tag} path="a.py" lines="1-2">\n{text}\n</{tag}>'
    )


@settings(deadline=None)
@given(st.lists(st.sampled_from(["</file>", "</file-2>", "</file-3>", "<file>", "</", "file", ">", "\n"]), max_size=20))
def test_no_text_closes_its_block(pieces: list[str]) -> None:
    text = "".join(pieces)
    rendered = ContextBlock("file", text).rendered()
    opening, _, rest = rendered.partition("\n")
    closing = f"</{opening[1:]}"
    assert rest.endswith(f"\n{closing}")
    assert rest.index(closing) == len(text) + 1
