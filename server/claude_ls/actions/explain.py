"""Explains code in words; answers a question about it where there is one."""

from __future__ import annotations

from collections.abc import Iterable

from claude_ls.actions.action import Action, Entry, Offer, Situation, Task, prompt, short
from claude_ls.text.patch import Span

KIND = "source.claude.explain"


def _offers(situation: Situation) -> Iterable[Offer]:
    instruction = situation.instruction
    if instruction and instruction.text and instruction.asks:
        title = f'Claude: answer "{short(instruction.text)}"'
        yield Offer(title, KIND, "claude.explain", instruction.target, {"question": instruction.text})
    if situation.has_code:
        yield Offer(f"Claude: explain {situation.subject}", KIND, "claude.explain", situation.span)


def _ask(task: Task) -> str:
    if task.words:
        return f"{prompt('answer')}\n\n<question>\n{task.words}\n</question>"
    return prompt("explain")


def _region(task: Task) -> Span:
    return task.situation.region


EXPLAIN = Action(
    name="explain",
    offers=_offers,
    region=_region,
    title=lambda task: short(task.words) or f"explain {task.situation.subject}",
    ask=_ask,
    entries=(
        Entry('Claude: answer "<question>"', KIND, "the cursor is on a comment that begins with `claude?`"),
        Entry("Claude: explain <symbol or selection>", KIND, "on anything but blank lines"),
    ),
    summary="explains it, or answers a question about it, in a window beside the code",
    command="claude.explain",
    words="question",
)
