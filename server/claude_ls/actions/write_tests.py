"""Writes tests for a definition, into the test file that its own file has or should have."""

from __future__ import annotations

from collections.abc import Iterable

from claude_ls.actions.action import Action, Entry, Offer, Situation, Task, prompt
from claude_ls.actions.refactor import FUNCTIONS
from claude_ls.agent.tools import CANNOT_DO, EDIT_FILE, WRITE_FILE
from claude_ls.syntax import outline
from claude_ls.text.patch import Span

KIND = "source.claude.test"
_WITH_BEHAVIOUR = FUNCTIONS | {"class", "struct", "record", "implementation", "module"}


def _offers(situation: Situation) -> Iterable[Offer]:
    definition = situation.definition
    if definition and situation.on_definition and _can_be_tested(situation, definition):
        yield Offer(f"Claude: write tests for {definition.name}", KIND, "claude.test", definition.span)


def _can_be_tested(situation: Situation, definition: outline.Definition) -> bool:
    """Whether it does something that can be called from outside, and is no test itself."""
    tree = situation.tree
    if tree is None or not situation.is_code or not definition.name or definition.noun not in _WITH_BEHAVIOUR:
        return False
    if situation.is_test or not outline.has_body(tree, situation.span):
        return False
    around = list(outline.definitions_around(tree, situation.span))
    return not any(holder.noun in FUNCTIONS for holder in around[1:]) and not any(
        holder.noun == "module" and holder.name == "tests" for holder in around
    )


def _name(task: Task) -> str:
    definition = task.situation.definition
    return (definition.name if definition else "") or task.situation.subject


def _region(task: Task) -> Span:
    situation = task.situation
    return situation.document.whole_lines(situation.definition.whole) if situation.definition else situation.region


TEST = Action(
    name="test",
    offers=_offers,
    region=_region,
    title=lambda task: f"write tests for {_name(task)}",
    ask=lambda task: prompt("test"),
    tools=(EDIT_FILE, WRITE_FILE, CANNOT_DO),
    tests=True,
    entries=(Entry("Claude: write tests for <symbol>", KIND, "in a function, method or class that is no test itself"),),
    summary="writes tests, into the test file that there is or beside the others",
    command="claude.test",
)
