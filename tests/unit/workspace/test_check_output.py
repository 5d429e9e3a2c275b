"""What a check wrote can be read: short, plain, and nothing of the copy in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_ls.workspace.check_output import KeptOutput, readable

PLACES = (("/tmp/x-1/copy/app", ""), ("/home/me/app", ""), ("/tmp/x-1/tmp", "$TMPDIR"))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("\x1b[31mred\x1b[0m \x1b[1;38;5;4mblue\x1b[K", "red blue"),
        ("\x1b]0;a title\x07text \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "text link"),
        ("\x1b(B\x1b=\x1bM\x1b7plain\x9b1m", "plain"),
        ("\x1bP1;2|device\x1b\\text", "text"),
        ("half a code at the end \x1b[3", "half a code at the end "),
        ("\x1b", ""),
        ("a\r\nb\r\n", "a\nb\n"),
        ("10%\r50%\r100% done\nnext\r\n", "100% done\nnext\n"),
        ("progress\r", "progress"),
        ("bell\x07 back\x08 null\x00 delete\x7f tab\t form\x0c", "bell back null delete tab\t form"),
        ("turned \u202egnp.exe\u202c and \U000e0041hidden \ufeff", "turned gnp.exe and hidden "),
        ("é 𝒳 \u2713 ✖ │", "é 𝒳 \u2713 ✖ │"),
    ],
)
def test_codes_of_terminals_are_gone(written: str, shown: str) -> None:
    assert readable(written) == shown


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("/tmp/x-1/copy/app/src/a.py:3: error", "src/a.py:3: error"),
        ('File "/tmp/x-1/copy/app/a.py", line 1', 'File "a.py", line 1'),
        ("at file:///home/me/app/node_modules/x.js:1", "at node_modules/x.js:1"),
        ("rootdir: /tmp/x-1/copy/app", "rootdir: ."),
        ("rootdir: /tmp/x-1/copy/app, inifile", "rootdir: ., inifile"),
        ("/tmp/x-1/tmp/pytest-0/t", "$TMPDIR/pytest-0/t"),
        ("/tmp/x-1/copy/app2/a.py", "/tmp/x-1/copy/app2/a.py"),
        ("/tmp/x-1/copy/app.py and /mnt/home/me/app/x", "/tmp/x-1/copy/app.py and /mnt/home/me/app/x"),
        ("\x1b[1m/tmp/x-1/copy/app/\x1b[0ma.py", "a.py"),
        ("a=/tmp/x-1/copy/app/a:/tmp/x-1/copy/app/b", "a=a:b"),
    ],
)
def test_paths_are_those_of_the_workspace(written: str, shown: str) -> None:
    assert readable(written, PLACES) == shown


def test_the_beginning_and_the_end_are_kept() -> None:
    output = KeptOutput(limit=20)
    for _ in range(1000):
        output.add(b"0123456789")
    output.add(b"the end")
    assert output.text() == "0123456789\n… 9,987 bytes are left out here …\n789the end"


def test_bytes_that_are_no_text_are_marked_and_a_character_cut_in_two_is_left_out() -> None:
    output = KeptOutput()
    output.add(b"caf\xe9 \xff")
    assert output.text() == "caf\ufffd \ufffd"
    cut = KeptOutput(limit=8)
    cut.add("abcé—é—éxyz".encode())
    assert cut.text() == "abc\n… 10 bytes are left out here …\nxyz"


@given(st.lists(st.binary(max_size=50), max_size=30), st.integers(2, 40))
def test_it_does_not_matter_in_what_pieces_it_came(pieces: list[bytes], limit: int) -> None:
    output, at_once = KeptOutput(limit), KeptOutput(limit)
    for piece in pieces:
        output.add(piece)
    at_once.add(b"".join(pieces))
    assert output.text() == at_once.text()
    assert output.left_out == max(0, len(b"".join(pieces)) - limit // 2 * 2)


@given(st.text())
def test_no_control_character_gets_through(text: str) -> None:
    shown = readable(text, PLACES)
    assert not [char for char in shown if (char < " " and char not in "\n\t") or "\x7f" <= char <= "\x9f"]


def test_what_is_long_and_odd_is_read_through_once() -> None:
    for odd in ("\x1b[" * 100_000, "\x1b]" * 100_000, "\x1bP" * 100_000, "\r" * 200_000, "file://" * 30_000):
        assert len(readable(odd, PLACES)) <= len(odd)
