"""Runs an instruction comment that ends in `!` once the person has finished it, where they have asked for that.

Rules:
- Finished is a comment when they type on another line, or save.
- It runs once. Whether it is the same one again (they undo what Claude made of it) is told by its words and its place.
- It must have been typed. What was there when the document was opened, what Claude wrote, and what came from disk
  (another program changed the file, and the editor read it again) never runs: that could be anybody's words.
- What is done about a comment that does not run is nothing: it is in the menu, as any other.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from claude_ls.session.buffer import Anchor, Buffer, Later
from claude_ls.syntax.outline import Instruction, instruction_at
from claude_ls.text.patch import Span, TextEdit
from claude_ls.text.rebase import carry_span

QUIET_SECONDS = 0.5
"""How long after a key it is looked at what was typed: not at every key."""
LONGEST_TYPED = 2_000
"""Characters of one change; a longer one is not typed, nor is it looked for instructions in it."""
MAX_KNOWN = 200
_MENTION = re.compile(r"claude[ \t]*[:?]", re.IGNORECASE)
_REACH = 4_000
"""Characters above a place in which the comment that it belongs to begins."""


@dataclass
class _Typed:
    """A place where the person typed, and in how many changes."""

    anchor: Anchor
    changes: int = 1


@dataclass
class _Known:
    """A comment that does not run (any more)."""

    anchor: Anchor
    text: str


@dataclass
class _Watched:
    """What is known of one document."""

    known: list[_Known] = field(default_factory=list)
    typed: list[_Typed] = field(default_factory=list)
    caret: Anchor | None = None
    """Where the person typed last."""
    looking: bool = False


class AutoRunning:
    """`run` starts what a comment asks for, `on_disk` gives the text of the document's file, None where there is none,
    `spawn` has something done beside all else."""

    def __init__(
        self,
        *,
        wanted: Callable[[], bool],
        later: Later,
        run: Callable[[Buffer, Instruction], None],
        on_disk: Callable[[Buffer], Awaitable[str | None]],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._wanted = wanted
        self._later = later
        self._run = run
        self._on_disk = on_disk
        self._spawn = spawn
        self._watched: dict[str, _Watched] = {}

    def opened(self, buffer: Buffer) -> None:
        """The editor shows a document: what stands in it has not been typed just now."""
        watched = self._watched[buffer.document.uri] = _Watched()
        if not buffer.refusal:
            self._know_all(watched, buffer, Span(0, len(buffer.document.text)))

    def closed(self, uri: str) -> None:
        self._watched.pop(uri, None)

    def changed(self, buffer: Buffer, edits: Sequence[TextEdit]) -> None:
        """The document has just changed by `edits`, as the editor reports it; its live edit has seen whose they are.

        Where the person is, the editor's report tells: what is seen is the smallest change, and that of a line which is
        put in between two others can end on either.
        """
        watched = self._watched.get(buffer.document.uri)
        if watched is None or buffer.refusal:
            return
        fresh: list[Span] = []
        seen = buffer.live.seen
        for number, (edit, owner) in enumerate(seen):
            span = Span(edit.start, edit.start + len(edit.text))
            for later, _ in seen[number + 1 :]:
                span = carry_span(span, later)
            if owner:
                self._know_all(watched, buffer, span)
                continue
            caret = (
                edits[-1].start + len(edits[-1].text) if edits and len(edits[-1].text) <= LONGEST_TYPED else span.end
            )
            watched.caret = buffer.follow(Span(caret, caret))
            if edit.text.strip() and len(edit.text) <= LONGEST_TYPED:
                fresh.append(span)
        for span in fresh:
            if _mentioned(buffer, span):
                _note(watched, buffer, span)
        if watched.typed and watched.caret and not watched.looking and self._wanted():
            watched.looking = True
            self._later(QUIET_SECONDS, lambda: self._look_later(watched, buffer))

    def saved(self, buffer: Buffer) -> None:
        """The person has saved the document: what they typed is finished, wherever they are."""
        watched = self._watched.get(buffer.document.uri)
        if watched is not None:
            self._look(watched, buffer, saved=True)

    def _look_later(self, watched: _Watched, buffer: Buffer) -> None:
        watched.looking = False
        if self._watched.get(buffer.document.uri) is watched:
            self._look(watched, buffer, saved=False)

    def _look(self, watched: _Watched, buffer: Buffer, *, saved: bool) -> None:
        """Run what is finished."""
        watched.typed = [item for item in watched.typed if item.anchor.span.start < item.anchor.span.end]
        if not self._wanted() or not buffer.open or buffer.refusal:
            return
        document = buffer.document
        caret = document.line_of(watched.caret.span.start) if watched.caret else -1
        found = {item.span: item for typed in watched.typed for item in _near(buffer, typed.anchor.span)}
        for instruction in found.values():
            lines = (document.line_of(instruction.span.start), document.line_of(instruction.span.end))
            mine = [item for item in watched.typed if item.anchor.span.touches(instruction.span)]
            if not mine or not instruction.runs or not instruction.text:
                continue
            if not saved and lines[0] <= caret <= lines[1]:
                continue
            watched.typed = [item for item in watched.typed if item not in mine]
            changes = sum(item.changes for item in mine)
            again = [item for item in watched.known if item.text == instruction.text]
            if any(item.anchor.span.touches(instruction.span) for item in again) or (again and changes == 1):
                continue
            known = self._know(watched, buffer, instruction)
            self._spawn(self._run_if_typed(buffer, known, changes))

    async def _run_if_typed(self, buffer: Buffer, known: _Known, changes: int) -> None:
        """What came in one change, and stands on disk already, may have been read from there."""
        if changes == 1:
            text = await self._on_disk(buffer)
            if text is not None and known.anchor.span.of(buffer.document.text) in text:
                return
        if not buffer.open or known.anchor.span.start == known.anchor.span.end:
            return
        instruction = instruction_at(buffer.tree, buffer.document, known.anchor.span.start)
        if instruction is not None and instruction.runs and instruction.text == known.text:
            self._run(buffer, instruction)

    def _know_all(self, watched: _Watched, buffer: Buffer, span: Span) -> None:
        """What stands in `span`, and is not the person's, is not to be run."""
        for match in _MENTION.finditer(buffer.document.text, max(0, span.start - _REACH), span.end):
            instruction = instruction_at(buffer.tree, buffer.document, match.start())
            if instruction is not None and instruction.runs and instruction.span.touches(span):
                self._know(watched, buffer, instruction)

    def _know(self, watched: _Watched, buffer: Buffer, instruction: Instruction) -> _Known:
        known = _Known(buffer.follow(instruction.span), instruction.text)
        watched.known = [*watched.known[1 - MAX_KNOWN :], known]
        return known


def _mentioned(buffer: Buffer, span: Span) -> bool:
    """Whether what was typed could belong to an instruction."""
    text = buffer.document.text
    end = buffer.document.line_span(buffer.document.line_of(span.end)).end
    return _MENTION.search(text, max(0, span.start - _REACH), end) is not None


def _note(watched: _Watched, buffer: Buffer, span: Span) -> None:
    """Remember where was typed: what goes on behind it is one place with it."""
    last = watched.typed[-1] if watched.typed else None
    if last is not None and last.anchor.span.end == span.start:
        last.anchor.span = Span(last.anchor.span.start, span.end)
        last.changes += 1
    else:
        watched.typed = [*watched.typed[1 - MAX_KNOWN :], _Typed(buffer.follow(span))]


def _near(buffer: Buffer, span: Span) -> Iterator[Instruction]:
    """The instructions on the lines of `span`."""
    document = buffer.document
    for line in range(document.line_of(span.start), document.line_of(span.end) + 1):
        here = document.line_span(line)
        if _MENTION.search(document.text, max(0, here.start - _REACH), here.end):
            found = instruction_at(buffer.tree, document, here.start)
            if found is not None:
                yield found
