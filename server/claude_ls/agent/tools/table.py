"""The tools that look at the workspace and ask, by name: what Claude is told of each, and what runs it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from claude_ls.agent.tools.ask_person import ASK_PERSON, ask_person
from claude_ls.agent.tools.diagnostics import DIAGNOSTICS, diagnostics
from claude_ls.agent.tools.file_outline import OUTLINE, outline
from claude_ls.agent.tools.find_references import REFERENCES, references
from claude_ls.agent.tools.list_files import LIST_FILES, list_files
from claude_ls.agent.tools.read_file import READ_FILE, read_file
from claude_ls.agent.tools.run_check import run_check
from claude_ls.agent.tools.search_text import SEARCH_TEXT, search_text
from claude_ls.agent.tools.tool import Tool, ToolOutcome, problem_with
from claude_ls.agent.tools.view import View
from claude_ls.workspace.files import FileProblem

Run = Callable[[View, Mapping[str, Any]], Awaitable[ToolOutcome]]

LOOKING: Mapping[str, tuple[Tool, Run]] = {
    tool.name: (tool, run)
    for tool, run in (
        (READ_FILE, read_file),
        (SEARCH_TEXT, search_text),
        (LIST_FILES, list_files),
        (OUTLINE, outline),
        (REFERENCES, references),
        (DIAGNOSTICS, diagnostics),
    )
}
"""They change nothing, and may run at the same time."""


@dataclass(frozen=True)
class Toolbox:
    """The tools of one job that change no file, over one view. `check` is there where the project has checks."""

    view: View
    check: Tool | None = None

    @property
    def tools(self) -> tuple[Tool, ...]:
        """In an order that never changes, since they are the first of what the prompt cache compares."""
        return (*(tool for tool, _ in LOOKING.values()), ASK_PERSON, *([self.check] if self.check else []))

    def has(self, name: str) -> bool:
        return any(tool.name == name for tool in self.tools)

    async def use(self, name: str, given: Mapping[str, Any]) -> ToolOutcome:
        """Run a tool of these. What goes wrong is told to Claude in words that help to do it right."""
        tool = next(tool for tool in self.tools if tool.name == name)
        if problem := problem_with(tool.schema, given):
            return ToolOutcome(f"{name} was not run: {problem}.", failed=True)
        run = LOOKING[name][1] if name in LOOKING else (ask_person if tool is ASK_PERSON else run_check)
        try:
            return await run(self.view, given)
        except FileProblem as problem:
            words = str(problem)
            return ToolOutcome(f"{words[:1].upper()}{words[1:]}.", failed=True)
