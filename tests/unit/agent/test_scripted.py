"""Scripts: what each line means, what cannot be read and why, and how they are played."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_ls.agent.model import (
    Message,
    ModelEvent,
    ModelRequest,
    Stopped,
    Text,
    TextDelta,
    ToolFinished,
    ToolInputDelta,
    UsageReported,
)
from claude_ls.agent.scripted import (
    Say,
    ScriptedModel,
    ScriptError,
    Think,
    Turn,
    Use,
    by_chance,
    by_tokens,
    read_script,
    read_sections,
    read_turn,
)

REQUEST = ModelRequest("m", (), (), (Message("user", (Text("ask"),)),))
SCRIPT = """\
Words above the first section are for the reader.
-- start --
x = 1
-- claude --
~ first thought
~ second
Two lines

of words.
>>> edit_file
path: total.py
edits.0.line: 3
edits.0.old_text:
|    s = 0
edits.0.new_text:
|    s = 1
|
|    t = 2
>>> cannot_do
= {"message": "as it
-- claude --
No more.
!max_tokens
"""


def test_a_whole_script() -> None:
    edits = [{"line": 3, "old_text": "    s = 0", "new_text": "    s = 1\n\n    t = 2"}]
    assert read_script(SCRIPT) == (
        Turn(
            (
                Think("first thought"),
                Think("second"),
                Say("Two lines\n\nof words."),
                Use("edit_file", json.dumps({"path": "total.py", "edits": edits})),
                Use("cannot_do", '{"message": "as it'),
            ),
            "tool_use",
        ),
        Turn((Say("No more."),), "max_tokens"),
    )


def test_sections() -> None:
    assert read_sections("top\n-- a --\n1\n-- b c --  \n-- not one\n") == (
        "top\n",
        [("a", "1\n"), ("b c", "-- not one\n")],
    )


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ("a: 1", {"a": 1}),
        ("a: one: two", {"a": "one: two"}),
        ("a: [1, null]", {"a": [1, None]}),
        ('a: "1"', {"a": "1"}),
        ("a: {x", {"a": "{x"}),
        ("a:\n|", {"a": ""}),
        ("a:", {"a": ""}),
        ("a.b:\n\nc: 1", {"a": {"b": ""}, "c": 1}),
        ("a: {}\na.b: 1", {"a": {"b": 1}}),
        ("a:\n|  x \n|| y", {"a": "  x \n| y"}),
        ("a:\n|~ x\n|!cut\n|>>> y\n|-- z --", {"a": "~ x\n!cut\n>>> y\n-- z --"}),
        ("a.0: x\na.1.b: y", {"a": ["x", {"b": "y"}]}),
        ("a.b.c: x", {"a": {"b": {"c": "x"}}}),
        ("\na: é𝒳\n\n", {"a": "é𝒳"}),
        ("", {}),
    ],
)
def test_inputs(lines: str, value: object) -> None:
    (use,) = read_turn(f">>> tool\n{lines}\n").parts
    assert isinstance(use, Use)
    assert json.loads(use.json) == value


@pytest.mark.parametrize(
    ("body", "stop"),
    [
        ("", "end_turn"),
        ("words\n", "end_turn"),
        ("words\n>>> tool\n", "tool_use"),
        (">>> tool\n!end_turn\n", "end_turn"),
        ("!cut\n", "cut"),
    ],
)
def test_stops(body: str, stop: str) -> None:
    assert read_turn(body).stop == stop


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("fine\n!gone\n", "line 2: 'gone' is not a way to stop: end_turn, tool_use, "),
        (">>> tool\n|words\n", r"line 2: `\|` lines need a `key:` line"),
        (">>> tool\na: 1\n|words\n", r"line 3: `\|` lines need a `key:` line"),
        ("\n\n>>> tool\n\nwords\n", "line 5: expected `key: value`, .* found 'words'"),
        (">>> tool\na: 1\na.b: 2\n", r"line 3: 'a\.b' has no place: a value stands above it already"),
        (">>> tool\na.b: 1\na.b.c.d:\n", "line 3: 'a.b.c.d' has no place"),
        (">>> tool\na.b: 2\na: 1\n", "line 3: 'a' has no place"),
        (">>> tool\na: 1\na:\n|2\n", "line 3: 'a' has no place"),
        ("words\n!cut\n\nmore\n", "line 4: `!cut` ended the turn already"),
        (">>> tool\n!cut\n>>> tool\n", "line 3: `!cut` ended the turn already"),
        ("!refusal\n!cut\n", "line 2: `!refusal` ended the turn already"),
        ("!turns\n", "line 1: 'turns' is not a way to stop"),
    ],
)
def test_what_cannot_be_read_names_its_line(body: str, problem: str) -> None:
    with pytest.raises(ScriptError, match=f"^{problem}"):
        read_turn(body)


def test_lines_are_counted_from_the_start_of_the_file() -> None:
    with pytest.raises(ScriptError, match=r"^line 6: 'gone' is not a way to stop"):
        read_script("words\n-- claude --\none\n-- claude --\ntwo\n!gone\n")
    with pytest.raises(ScriptError, match=r"^line 2: "):
        read_script("-- claude --\n!gone")


def test_a_script_with_the_line_breaks_of_windows_means_the_same() -> None:
    assert read_script(SCRIPT.replace("\n", "\r\n")) == read_script(SCRIPT)


@pytest.mark.parametrize("text", ["", "words\n", "-- start --\nx\n", "-- Claude --\nx\n"])
def test_a_script_needs_a_turn(text: str) -> None:
    with pytest.raises(ScriptError, match="no `-- claude --` section"):
        read_script(text)


@settings(deadline=None)
@given(st.text(), st.integers())
def test_cutting_loses_nothing(text: str, seed: int) -> None:
    assert "".join(by_tokens(text)) == text
    pieces = list(by_chance(seed)(text))
    assert "".join(pieces) == text and all(pieces)
    assert list(by_chance(seed)(text)) == pieces


def play(model: ScriptedModel) -> list[ModelEvent]:
    async def main() -> list[ModelEvent]:
        return [event async for event in model.stream(REQUEST)]

    return asyncio.run(main())


def test_one_turn_for_each_request() -> None:
    model = ScriptedModel(read_script("-- claude --\none\n-- claude --\ntwo\n"))
    assert [TextDelta("one") in play(model), TextDelta("two") in play(model)] == [True, True]
    assert (model.turns_left, model.requests) == (0, [REQUEST, REQUEST])
    (stopped,) = play(model)
    assert isinstance(stopped, Stopped) and stopped.reason == "failed" and "no turn left" in stopped.message
    assert model.turns_left == 0


@pytest.mark.parametrize("stop", ["cut", "refusal", "overloaded"])
def test_only_a_cut_leaves_a_tool_open(stop: str) -> None:
    raw = '{"new_text": "0123456789"}'
    events = play(ScriptedModel((read_turn(f">>> tool\n= {raw}\n!{stop}\n"),)))
    written = "".join(event.json for event in events if isinstance(event, ToolInputDelta))
    finished = any(isinstance(event, ToolFinished) for event in events)
    assert raw.startswith(written)
    assert (written != raw, finished) == ((True, False) if stop == "cut" else (False, True))
    assert isinstance(events[-1], Stopped) and events[-1].message


def test_the_pace_hears_how_far_the_turn_is() -> None:
    heard: list[int] = []

    async def pace(characters: int) -> None:
        heard.append(characters)

    play(ScriptedModel((read_turn("~ abcdef\nabcde\n"),), pace=pace))
    assert heard == [0, 4, 6, 10, 11]


def test_usage_grows_with_what_is_said() -> None:
    events = play(ScriptedModel((read_turn("word " * 70 + "\n"),)))
    before, after = [event.usage for event in events if isinstance(event, UsageReported)]
    assert (before.input, before.output) == (after.input, 0)
    assert before.input > 0 and after.output == 100
