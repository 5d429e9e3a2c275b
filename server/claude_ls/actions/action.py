"""What an action is: data that says when it is offered, on which lines, with which tools and in which words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from claude_ls.agent.context import Diagnostic
from claude_ls.agent.tools import Tool
from claude_ls.syntax import outline
from claude_ls.syntax.testing import is_test_file
from claude_ls.syntax.tree import SyntaxTree
from claude_ls.text.document import Document
from claude_ls.text.patch import Span


@dataclass(frozen=True)
class Situation:
    """Where the person is: a document, its tree where its language has one, and the cursor or selection."""

    document: Document
    tree: SyntaxTree | None
    span: Span
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def selected(self) -> bool:
        return bool(self.span.of(self.document.text).strip())

    @property
    def is_code(self) -> bool:
        """Whether the language has statements and functions, as far as we know."""
        return self.tree is None or self.tree.language.is_code

    @property
    def has_code(self) -> bool:
        return bool(self.lines.of(self.document.text).strip())

    @cached_property
    def lines(self) -> Span:
        """The whole lines of the cursor or selection."""
        return self.document.whole_lines(self.span)

    @cached_property
    def definition(self) -> outline.Definition | None:
        return outline.enclosing_definition(self.tree, self.span) if self.tree else None

    @property
    def is_test(self) -> bool:
        """Whether the document holds tests."""
        return is_test_file(unquote(urlsplit(self.document.uri).path))

    @property
    def on_definition(self) -> bool:
        """Whether the place is about the whole definition around it: code that is selected further down is not."""
        if self.definition is None:
            return False
        head = self.document.line_of(self.definition.span.start)
        return not self.selected or self.document.line_of(self.span.start) <= head

    @cached_property
    def selection(self) -> outline.Selection | None:
        return outline.selected_code(self.tree, self.span) if self.tree and self.selected else None

    @cached_property
    def instruction(self) -> outline.Instruction | None:
        return outline.instruction_at(self.tree, self.document, self.span.start)

    @property
    def subject(self) -> str:
        """What an action here would be about, as a menu names it."""
        if self.selected:
            return "selection"
        if self.definition:
            return self.definition.name or f"this {self.definition.noun}"
        return f"line {self.document.line_of(self.span.start) + 1}"

    @property
    def region(self) -> Span:
        """The whole lines of the subject."""
        if self.selected:
            return self.lines
        if self.definition:
            return self.document.whole_lines(self.definition.whole)
        if self.tree:
            return self.document.whole_lines(outline.whole_statements(self.tree, self.lines))
        return self.lines


@dataclass(frozen=True)
class Offer:
    """An action that applies here, ready for a menu. `arguments` hold what the command needs besides uri and span."""

    title: str
    kind: str
    command: str
    span: Span
    arguments: Mapping[str, Any] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()
    """What it is to mend, in the place of a range."""
    ranged: bool = True
    """Whether the command takes the place as `range`."""
    prompts: bool = False
    """Whether it is only of use in a client that can ask the person for words."""


@dataclass(frozen=True)
class Entry:
    """An entry of the menu as documents and tests know it: `<…>` in the title stands for what is known only there."""

    title: str
    kind: str
    when: str


@dataclass(frozen=True)
class Task:
    """What a person asked an action to do: the place, and their words where they gave any."""

    situation: Situation
    words: str = ""


@dataclass(frozen=True)
class Action:
    """One thing Claude can do.

    `offers` says what the menu shows, `region` on which whole lines the action works, `ask` what Claude is told to do.
    An action without tools answers in words. `callers` says that Claude is to see who uses the definition `itself`, or
    its `members` too, and `tests` that it is to see where its tests are. `in_places` says whether a task is about
    several places rather than about its region.

    `entries`, `summary`, `command` with its `arguments`, and the name of its argument for `words` (where it takes any)
    are what documents and editor clients are generated from.
    """

    name: str
    offers: Callable[[Situation], Iterable[Offer]]
    region: Callable[[Task], Span]
    title: Callable[[Task], str]
    ask: Callable[[Task], str]
    entries: tuple[Entry, ...]
    summary: str
    command: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    words: str = ""
    tools: tuple[Tool, ...] = ()
    callers: Literal["", "itself", "members"] = ""
    tests: bool = False
    in_places: Callable[[Task], bool] = lambda task: False


@cache
def prompt(name: str) -> str:
    """The words of `prompts/<name>.md`."""
    return resources.files("claude_ls.actions").joinpath("prompts", f"{name}.md").read_text(encoding="utf-8").strip()


def short(words: str, limit: int = 60) -> str:
    """The first line of `words`, cut for a menu."""
    line = " ".join(words.split("\n", 1)[0].split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
