"""What was shown is said again to the byte, and behind it only what is new; and all of it can be told from that."""

from __future__ import annotations

import difflib

from hypothesis import given
from hypothesis import strategies as st

from claude_ls.agent.context import ContextBlock
from claude_ls.agent.ledger import WORTH, Ledger

PLENTY = 100_000
LONG = "\n".join(f"line_{number} = {number}" for number in range(400)) + "\n"


def file(text: str, path: str = "a.py") -> ContextBlock:
    return ContextBlock("file", text, (("path", path),))


def related(text: str, path: str = "b.py") -> ContextBlock:
    return ContextBlock("related", text, (("path", path),), "place")


def world(text: str = "the map") -> ContextBlock:
    return ContextBlock("map", text, lasting="folder")


def tags(ledger: Ledger, part: int = -1) -> list[str]:
    return [block.tag for block in ledger.parts[part]]


def test_the_folder_comes_first_then_the_file_then_what_matters_for_the_place() -> None:
    ledger = Ledger().with_blocks([related("def b(): ...\n⋮"), file(LONG), world()], PLENTY)
    assert [[block.tag for block in part] for part in ledger.parts] == [["map"], ["file"], ["related"]]


def test_what_was_shown_is_not_shown_again() -> None:
    first = Ledger().with_blocks([world(), file(LONG), related("def b(): ...\n⋮")], PLENTY)
    assert first.tokens > WORTH
    assert first.with_blocks([world(), file(LONG), related("def b(): ...\n⋮")], PLENTY).parts == first.parts
    other = first.with_blocks([world("another map"), file(LONG), related("def b(): ...\n⋮\ndef c(): ...\n⋮")], PLENTY)
    assert other.parts[: len(first.parts)] == first.parts
    assert other.parts[len(first.parts) :] == ((related("⋮\ndef c(): ...\n⋮"),),)


def test_of_a_file_that_has_changed_only_the_changes_are_shown() -> None:
    first = Ledger().with_blocks([file(LONG)], PLENTY)
    second = first.with_blocks([file(LONG.replace("line_7 = 7\n", "line_7 = 8\n"))], PLENTY)
    assert second.parts[0] == first.parts[0] and tags(second) == ["changes"]
    (block,) = second.parts[-1]
    assert block.attributes == (("path", "a.py"),)
    assert "-line_7 = 7\n+line_7 = 8\n" in block.text and "line_40" not in block.text and "+++" not in block.text
    # And of the next change only that one.
    third = second.with_blocks(
        [file(LONG.replace("line_7 = 7\n", "line_7 = 8\n").replace("_9 = 9\n", "_9 = 0\n"))], PLENTY
    )
    assert (
        "line_7" not in third.parts[-1][0].text.replace(" line_7 = 8", "") and "+line_9 = 0" in third.parts[-1][0].text
    )


def test_it_begins_anew_where_that_is_less() -> None:
    first = Ledger().with_blocks([file(LONG)], PLENTY)
    assert first.with_blocks([file(LONG[::-1])], PLENTY).parts == ((file(LONG[::-1]),),)
    other = first.with_blocks([file("x = 1\n", "other.py")], first.tokens)
    assert other.parts == ((file("x = 1\n", "other.py"),),)
    little = Ledger().with_blocks([file("x = 1\n")], PLENTY)
    assert little.with_blocks([file("x = 2\n")], PLENTY).parts == ((file("x = 2\n"),),)


@given(st.lists(st.tuples(st.integers(0, 399), st.sampled_from(["", "new = 1\n", "a\r\nb\n"])), max_size=8))
def test_every_prefix_stays_and_the_file_as_it_is_now_can_be_told(changes: list[tuple[int, str]]) -> None:
    ledger = Ledger().with_blocks([world(), file(LONG)], PLENTY)
    lines = LONG.splitlines(keepends=True)
    for at, words in changes:
        before = ledger.parts
        lines[at] = words
        ledger = ledger.with_blocks([world(), file("".join(lines))], PLENTY)
        assert ledger.parts[: len(before)] == before
    told = LONG.split("\n")
    for part in ledger.parts[2:]:
        for block in part:
            assert block.tag == "changes"
            told = patched(told, block.text.split("\n")[:-1])
    # Diffs tell of lines, not of how they end.
    assert told == "".join(lines).replace("\r\n", "\n").split("\n")


def patched(lines: list[str], diff: list[str]) -> list[str]:
    """`lines` with a unified diff applied, read as plainly as can be."""
    found: list[str] = []
    at = 0
    for line in diff:
        if line.startswith("@@"):
            start = line.split()[1].partition(",")
            begin = int(start[0][1:]) - (0 if start[2] == "0" else 1)
            found += lines[at:begin]
            at = begin
        elif line.startswith("+"):
            found.append(line[1:])
        else:
            assert lines[at] == line[1:], difflib.context_diff([lines[at]], [line[1:]])
            at += 1
            if line.startswith(" "):
                found.append(line[1:])
    return found + lines[at:]
