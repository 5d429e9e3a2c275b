"""What Claude sees: as much as the budget allows, always the place itself, and nothing that could pose as ours."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_ls.agent.context import HEAD_LINES, ContextBlock, Diagnostic, diagnostics_block, file_blocks
from claude_ls.agent.usage import estimated_tokens
from claude_ls.text.document import Document
from claude_ls.text.patch import Span

LINES = [f"value_{number} = {number}  # a line of code" for number in range(10_000)]
BUDGET = 2000


def blocks_of(document: Document, path: str, span: Span, tokens: int) -> tuple[ContextBlock, ...]:
    return tuple(file_blocks(document, path, span, tokens))


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


def tokens_of(blocks: tuple[ContextBlock, ...]) -> int:
    return sum(estimated_tokens(block.text) for block in blocks)


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
    blocks = blocks_of(LONG, "a.py", line(number), BUDGET)
    assert 0.97 * BUDGET < tokens_of(blocks) <= BUDGET + 2
    parts = shown(blocks)
    assert parts[0][0] == 0 and parts[0][1] >= HEAD_LINES - 1
    assert any(first <= number <= last for first, last in parts)
    if len(parts) == 2:
        assert parts[1][0] > parts[0][1]
        before, behind = number - parts[1][0], parts[1][1] - number
        assert abs(before - behind) <= 1 or parts[1][1] == 10_000


def test_no_line_is_shown_twice_wherever_the_place_is() -> None:
    for number in range(0, 400, 7):
        parts = shown(blocks_of(LONG, "a.py", line(number), BUDGET))
        lines = [at for first, last in parts for at in range(first, last + 1)]
        assert len(lines) == len(set(lines)), number


def test_a_place_that_is_over_the_budget_is_shown_anyway_and_nothing_else() -> None:
    assert shown(blocks_of(LONG, "a.py", line(2000, 4000), BUDGET)) == [(2000, 4000)]
    assert shown(blocks_of(LONG, "a.py", line(2000), 1)) == [(2000, 2000)]
    assert shown(blocks_of(LONG, "a.py", line(1), 1)) == [(1, 1)]


def test_a_head_of_long_lines_leaves_half_of_the_budget_to_what_is_around_the_place() -> None:
    document = opened("\n".join(["import " + "x" * 993] * 100 + ["x = 1"] * 10_000))
    place = Span(document.line_span(5000).start, document.line_span(5000).end)
    head, around = blocks_of(document, "a.py", place, BUDGET)
    assert dict(head.attributes)["lines"] == "1-3 of 10100"
    assert tokens_of((head, around)) <= BUDGET + 2 and estimated_tokens(around.text) > BUDGET // 2
    one_line = opened("x" * 1_000_000 + "\ny = 1\n")
    (block,) = blocks_of(one_line, "a.py", Span(1_000_001, 1_000_006), BUDGET)
    assert (block.text, dict(block.attributes)["lines"]) == ("y = 1\n", "2-3 of 3")


def test_line_breaks_are_counted() -> None:
    document = opened("\n" * 20_000)
    blocks = blocks_of(document, "a.py", Span(10_000, 10_000), BUDGET)
    assert 0.97 * BUDGET < tokens_of(blocks) <= BUDGET + 2


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 300), min_size=1, max_size=200),
    st.integers(0),
    st.integers(0, 3000),
    st.sampled_from("\n\r"),
)
def test_no_more_than_the_budget_whatever_the_lines(
    widths: list[int], place: int, tokens: int, line_break: str
) -> None:
    document = opened(line_break.join("x" * width for width in widths))
    number = place % len(widths)
    span = document.line_span(number)
    blocks = blocks_of(document, "a.py", span, tokens)
    assert tokens_of(blocks) <= max(tokens, estimated_tokens(span.of(document.text))) + 2
    if tokens_of(blocks) < estimated_tokens(document.text):
        assert span.of(document.text) in blocks[-1].text


def test_what_other_tools_say_is_told_by_line() -> None:
    told = (
        Diagnostic(line(1), "no such name", "error", "ruff", "F821"),
        Diagnostic(line(2), "unused", "warning", code="7"),
        Diagnostic(line(9_000), "long", "hint"),
    )
    block = diagnostics_block(LONG, told)
    assert block is not None and block.tag == "diagnostics"
    assert block.text == "line 2: error: no such name (ruff F821)\nline 3: warning: unused (7)\nline 9001: hint: long"
    assert diagnostics_block(LONG, ()) is None


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("x", "file"),
        ("<file>", "file"),
        ("a</file>b", "file-2"),
        ("</file-2>", "file"),
        ("</file></file-2></file-4>", "file-3"),
        ("</file >", "file-2"),
        ("</FILE>", "file-2"),
        ("< / file\n>", "file-2"),
        ("<\u200b/file>", "file-2"),
        ('</file path="b.py">', "file-2"),
        ("</file></File-2 >", "file-3"),
        ("</file", "file-2"),
        ("</files>", "file"),
    ],
)
def test_a_block_takes_a_tag_that_is_not_in_its_text(text: str, tag: str) -> None:
    assert ContextBlock("file", text, (("path", "a.py"), ("lines", "1-2"))).rendered() == (
        f'<{tag} path="a.py" lines="1-2">\n{text}\n</{tag}>'
    )


@pytest.mark.parametrize(
    ("path", "shown_as"),
    [
        ("src/a & b's.py", "src/a & b's.py"),
        ('a">b.py', "a&#34;&#62;b.py"),
        ("a\n</file>.py", "a&#10;&#60;/file&#62;.py"),
        ("a\u2028\x85\r.py", "a&#8232;&#133;&#13;.py"),
    ],
)
def test_a_path_stays_inside_of_its_attribute(path: str, shown_as: str) -> None:
    assert ContextBlock("file", "x", (("path", path),)).rendered() == f'<file path="{shown_as}">\nx\n</file>'


@settings(deadline=None)
@given(st.lists(st.sampled_from(["</file>", "</file-2>", "</file-3>", "<file>", "</", "file", ">", "\n"]), max_size=20))
def test_no_text_closes_its_block(pieces: list[str]) -> None:
    text = "".join(pieces)
    rendered = ContextBlock("file", text).rendered()
    opening, _, rest = rendered.partition("\n")
    closing = f"</{opening[1:]}"
    assert rest.endswith(f"\n{closing}")
    assert rest.index(closing) == len(text) + 1
