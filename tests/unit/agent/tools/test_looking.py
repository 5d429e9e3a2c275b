"""What tools that look say: bounded, exact, and of wrong inputs what is wrong with them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from claude_ls.agent.tools import ToolOutcome
from claude_ls.agent.tools.run_check import run_check_tool
from claude_ls.agent.tools.table import LOOKING, Toolbox
from claude_ls.agent.tools.view import Defined, Match
from claude_ls.workspace.files import FileProblem


@dataclass
class Folder:
    """A view of texts by path."""

    texts: Mapping[str, str]
    said: Mapping[str, str] = field(default_factory=dict)
    answer: str | None = None
    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    async def text(self, path: str) -> str:
        if path not in self.texts:
            raise FileProblem(f"{path!r} is not there")
        return self.texts[path]

    async def paths(self, folder: str) -> Sequence[str]:
        return sorted(path for path in self.texts if not folder or path.startswith(f"{folder}/"))

    async def search(self, pattern: str, folder: str, *, ignore_case: bool, limit: int) -> Sequence[Match]:
        wanted = re.compile(pattern, re.IGNORECASE if ignore_case else 0)
        return [
            Match(path, number, line)
            for path in await self.paths(folder)
            for number, line in enumerate(self.texts[path].split("\n"), 1)
            if wanted.search(line)
        ][: limit + 1]

    async def outline(self, path: str) -> Sequence[Defined]:
        lines = (await self.text(path)).split("\n")
        return [Defined(number, number, 0, line) for number, line in enumerate(lines, 1) if line.startswith("def ")]

    async def references(self, name: str, path: str) -> Sequence[Match]:
        return await self.search(rf"\b{name}\(", "", ignore_case=False, limit=1000)

    async def diagnostics(self, path: str) -> str:
        return self.said.get(path, "")

    async def check(self, name: str) -> tuple[bool, str]:
        return name == "good", f"{name} said so"

    async def ask(self, question: str, choices: Sequence[str]) -> str | None:
        self.asked.append((question, tuple(choices)))
        return self.answer


def use(view: Folder, tool: str, /, **given: Any) -> ToolOutcome:
    box = Toolbox(view, run_check_tool(["good", "bad"]))
    return asyncio.run(box.use(tool, given))


MANY = Folder({f"src/deep/f{number}.py": "x = 1\n" for number in range(900)} | {"top.py": "def f(): ...\n"})


def test_lines_come_with_their_numbers() -> None:
    view = Folder({"a.py": "one\r\ntwo\rthree\u2028still\n"})
    assert use(view, "read_file", path="a.py").text == "1\tone\n2\ttwo\n3\tthree\u2028still"
    assert use(view, "read_file", path="a.py", first_line=2, last_line=2).text == "2\ttwo\n[the file has 3 lines]"
    outside = use(view, "read_file", path="a.py", first_line=9)
    assert outside.failed and "3 lines" in outside.text
    assert use(Folder({"a.py": ""}), "read_file", path="a.py").text == "a.py is empty."
    missing = use(view, "read_file", path="b.py")
    assert missing == ToolOutcome("'b.py' is not there.", failed=True)


def test_no_file_is_too_long_to_be_read_in_parts() -> None:
    lines = [f"line {number}" for number in range(1, 2_501)]
    view = Folder({"a.py": "\n".join(lines), "wide.py": "x" * 90_000 + "\nend"})
    seen: list[str] = []
    first = 1
    while first <= 2_500:
        text = use(view, "read_file", path="a.py", first_line=first).text
        numbered = [line.split("\t", 1) for line in text.split("\n") if "\t" in line]
        assert 0 < len(numbered) <= 1_000 and len(text) < 70_000
        seen += [line for _, line in numbered]
        first = int(numbered[-1][0]) + 1
    assert seen == lines
    wide = use(view, "read_file", path="wide.py").text
    assert len(wide) < 2_000 and "89,000 more characters" in wide and wide.endswith("2\tend")


def test_a_large_folder_is_told_by_its_folders() -> None:
    assert use(MANY, "list_files").text == "src/ (900 files)\ntop.py"
    assert use(MANY, "list_files", folder="./src/").text == "src/deep/ (900 files)"
    assert use(Folder({"a/b.py": "", "c.py": ""}), "list_files").text == "a/b.py\nc.py"
    assert use(MANY, "list_files", folder="other").failed


def test_search_finds_lines_and_says_when_there_are_more() -> None:
    view = Folder({"a.py": "  x = f(1)\ny = F(2)\n", "b/c.py": "f(3)"})
    assert use(view, "search_text", pattern=r"f\(\d").text == "a.py:1: x = f(1)\nb/c.py:1: f(3)"
    assert use(view, "search_text", pattern="F(2", literal=True).text == "a.py:2: y = F(2)"
    assert use(view, "search_text", pattern="F", ignore_case=True, folder="b").text == "b/c.py:1: f(3)"
    assert use(view, "search_text", pattern="nowhere").text == "No line matches."
    wrong = use(view, "search_text", pattern="f(")
    assert wrong.failed and "regular expression" in wrong.text
    many = use(MANY, "search_text", pattern="x")
    assert many.text.count("\n") == 200 and many.text.endswith("narrower]")


def test_outline_references_and_diagnostics() -> None:
    view = Folder({"a.py": "def f(): ...\nf()\n"}, {"a.py": "line 2: error: no"})
    assert use(view, "outline", path="a.py").text == "1-1\tdef f(): ..."
    assert use(view, "references", name="f").text == "a.py:1: def f(): ...\na.py:2: f()"
    assert "No use" in use(view, "references", name="g").text
    assert use(view, "diagnostics", path="a.py").text == "line 2: error: no"
    assert "Nothing is known" in use(view, "diagnostics", path="b.py").text


def test_the_person_is_asked_one_question_with_choices() -> None:
    view = Folder({}, answer="tabs")
    assert use(view, "ask_person", question="Tabs?", choices=["tabs", " spaces "]).text == "The person chose: tabs"
    assert view.asked == [("Tabs?", ("tabs", "spaces"))]
    assert "did not answer" in use(Folder({}), "ask_person", question="Tabs?", choices=["a", "b"]).text
    assert use(view, "ask_person", question="Tabs?", choices=["a"]).failed
    assert len(view.asked) == 1


def test_a_check_that_fails_is_a_failure() -> None:
    assert use(Folder({}), "run_check", name="good") == ToolOutcome("good said so")
    assert use(Folder({}), "run_check", name="bad").failed


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("read_file", {}, "needs 'path'"),
        ("read_file", {"path": 3}, "'path' must be a text"),
        ("read_file", {"path": "a", "first_line": "3"}, "'first_line' must be a whole number"),
        ("read_file", {"path": "a", "first_line": True}, "'first_line' must be a whole number"),
        ("read_file", {"path": "a", "lines": 3}, "does not take 'lines'; it takes path, first_line, last_line"),
        ("search_text", {"pattern": "a", "literal": "yes"}, "'literal' must be true or false"),
        ("ask_person", {"question": "q", "choices": "a"}, "'choices' must be a list"),
        ("ask_person", {"question": "q", "choices": ["a", 2]}, "'choices'[1] must be a text"),
        ("run_check", {"name": "rm -rf"}, "'name' must be one of good, bad"),
    ],
)
def test_a_wrong_input_is_told_and_nothing_is_run(name: str, given: dict[str, Any], words: str) -> None:
    view = Folder({"a": ""})
    outcome = use(view, name, **given)
    assert outcome.failed and words in outcome.text and not view.asked


def test_each_tool_that_looks_says_that_it_reads() -> None:
    assert all(tool.reads for tool, _ in LOOKING.values())
    assert not any(tool.reads for tool in Toolbox(Folder({}), run_check_tool(["a"])).tools if tool.name not in LOOKING)
