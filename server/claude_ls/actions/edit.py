"""Rewrites code as the person asks, in their own words."""

from __future__ import annotations

from collections.abc import Iterable

from claude_ls.actions.action import Action, Entry, Offer, Situation, Task, prompt, short
from claude_ls.agent.tools import CANNOT_DO, DELETE_FILE, EDIT_FILE, RENAME_FILE, REWRITE_REGION, WRITE_FILE
from claude_ls.text.patch import Span

KIND = "refactor.rewrite.claude"


def _offers(situation: Situation) -> Iterable[Offer]:
    instruction = situation.instruction
    if instruction and instruction.text and not instruction.asks:
        title = f'Claude: do "{short(instruction.text)}"'
        yield Offer(title, KIND, "claude.edit", instruction.span, {"instruction": instruction.text})
    if situation.has_code:
        title = f"Claude: edit {situation.subject}…"
        yield Offer(title, KIND, "claude.promptEdit", situation.span, prompts=True)


def _region(task: Task) -> Span:
    instruction = task.situation.instruction
    if instruction and instruction.text == task.words:
        return task.situation.document.whole_lines(instruction.target)
    return task.situation.region


def _ask(task: Task) -> str:
    instruction = task.situation.instruction
    words = f"<instruction>\n{task.words}\n</instruction>"
    if instruction and instruction.text == task.words:
        return f"{prompt('edit')}\n\n{prompt('edit_comment')}\n\n{words}"
    return f"{prompt('edit')}\n\n{words}"


EDIT = Action(
    name="edit",
    offers=_offers,
    region=_region,
    title=lambda task: short(task.words) or f"edit {task.situation.subject}",
    ask=_ask,
    entries=(
        Entry('Claude: do "<instruction>"', KIND, "the cursor is on a comment that begins with `claude:`"),
        Entry("Claude: edit <symbol or selection>…", KIND, "the client can prompt"),
    ),
    summary="changes the selection, or the function around the cursor, as you say",
    command="claude.edit",
    words="instruction",
    tools=(REWRITE_REGION, EDIT_FILE, WRITE_FILE, RENAME_FILE, DELETE_FILE, CANNOT_DO),
)
