"""The refactorings: one row each, with the code it makes sense on and the words of its menu entry."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from claude_ls.actions.action import Action, Offer, Situation, Task, prompt
from claude_ls.agent.tools import CANNOT_DO, EDIT_FILE, REWRITE_REGION
from claude_ls.text.patch import Span


def _refactoring(
    name: str,
    kind: str,
    applies: Callable[[Situation], bool],
    title: Callable[[str], str],
    region: Callable[[Task], Span],
    subject: Callable[[Situation], str] = lambda situation: situation.subject,
) -> Action:
    def offers(situation: Situation) -> Iterable[Offer]:
        if applies(situation):
            words = f"Claude: {title(subject(situation))}"
            yield Offer(words, kind, "claude.refactor", situation.span, {"refactoring": name})

    def ask(task: Task) -> str:
        extra = f"\n\n<instruction>\n{task.words}\n</instruction>" if task.words else ""
        return prompt(name) + extra

    return Action(
        name=name,
        offers=offers,
        region=region,
        title=lambda task: title(subject(task.situation)),
        ask=ask,
        tools=(REWRITE_REGION, EDIT_FILE, CANNOT_DO),
    )


def _subject_lines(task: Task) -> Span:
    return task.situation.region


def _definition_name(situation: Situation) -> str:
    return Situation(situation.document, situation.tree, Span(situation.span.start, situation.span.start)).subject


def _definition_lines(task: Task) -> Span:
    """The definition around it all: what is extracted must find its place beside it, types and words belong to it."""
    situation = task.situation
    definition = situation.definition
    return situation.document.whole_lines(definition.whole if definition else situation.span)


def _is_definition(situation: Situation) -> bool:
    return situation.is_code and situation.definition is not None


def _can_type(situation: Situation) -> bool:
    return _is_definition(situation) and situation.tree is not None and situation.tree.language.can_type


def _can_extract(situation: Situation) -> bool:
    return situation.is_code and situation.selection is not None


def _can_simplify(situation: Situation) -> bool:
    return situation.is_code and (situation.definition is not None or situation.selected)


EXTRACT = _refactoring(
    "extract", "refactor.extract.claude", _can_extract, lambda subject: "extract function", _definition_lines
)
SIMPLIFY = _refactoring(
    "simplify",
    "refactor.rewrite.claude.simplify",
    _can_simplify,
    lambda subject: f"simplify {subject}",
    _subject_lines,
)
TYPES = _refactoring(
    "types",
    "refactor.rewrite.claude.types",
    _can_type,
    lambda subject: f"add types to {subject}",
    _definition_lines,
    _definition_name,
)
DOCUMENT = _refactoring(
    "document",
    "refactor.rewrite.claude.document",
    _is_definition,
    lambda subject: f"document {subject}",
    _definition_lines,
    _definition_name,
)

REFACTORINGS = (EXTRACT, SIMPLIFY, TYPES, DOCUMENT)
