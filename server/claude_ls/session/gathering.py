"""Gathers what Claude gets to see beside the file itself: rules, a map of the folder, what the code has to do with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from claude_ls.actions.action import Action
from claude_ls.agent.context import ContextBlock, file_blocks
from claude_ls.agent.ledger import SECONDS, Ledger
from claude_ls.agent.usage import CHARACTERS_PER_TOKEN, estimated_tokens
from claude_ls.config import Settings
from claude_ls.session.indexing import Surroundings
from claude_ls.text.document import Document
from claude_ls.text.patch import Span
from claude_ls.workspace.files import real
from claude_ls.workspace.rules import rules_for

Answer = TypeVar("Answer")
RELATED_TOKENS = 4_000
"""No more is sent of other files, however much `context.tokens` allows: it would be read for nothing, mostly."""
PATIENCE_SECONDS = 2.0
"""How long the person waits for what the index knows; then it goes without."""
ASKED_SHARE = 0.5
"""How much of what the file leaves of `context.tokens` may go to what the action must see: callers, tests."""
NOT_KNOWN = "Who uses this is not known: the folder has not been looked through."
NOT_ALL = "Lines that use this as well and found no room here: {}."
NOBODY = "Nothing else in the folder uses this, as far as names tell."
LONG_PATIENCE_SECONDS = 10.0
"""The same for what an action cannot do without."""
FILE_SHARE = 0.75
"""How much of `context.tokens` the file itself may take where there is something else to be shown."""


@dataclass(frozen=True)
class Around:
    """What is alike for all places in a folder, and what this place has to do with."""

    folder: tuple[ContextBlock, ...] = ()
    related: tuple[ContextBlock, ...] = ()

    @property
    def tokens(self) -> int:
        return sum(estimated_tokens(block.text) for block in (*self.folder, *self.related))


class Ledgers:
    """What was shown lately, by folder and kind of request. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: dict[Hashable, tuple[float, Ledger]] = {}

    def get(self, key: Hashable) -> Ledger:
        """An empty one where the service's cache does not know it any more."""
        when, ledger = self._kept.get(key, (0.0, Ledger()))
        return ledger if self._clock() - when < SECONDS else Ledger()

    def keep(self, key: Hashable, ledger: Ledger) -> None:
        now = self._clock()
        self._kept = {known: item for known, item in self._kept.items() if now - item[0] < SECONDS}
        self._kept[key] = now, ledger


@dataclass(frozen=True)
class Gathering:
    """`unsaved` gives the text of all open documents by their files, `trusted` tells whether a folder's own files are
    believed, `own_rules` is the person's own file of rules."""

    surroundings: Surroundings
    settings: Settings
    folders: Callable[[], Sequence[Path]]
    unsaved: Callable[[], Mapping[Path, str]]
    ledgers: Ledgers
    trusted: Callable[[Path], bool]
    own_rules: Path | None

    async def hides(self, file: Path) -> bool:
        """Whether nothing of this file may be sent."""
        return await self.surroundings.hides(file)

    async def around(self, document: Document, file: Path, span: Span, action: Action) -> Around:
        """What to send with `span` of `document`, which is `file`, beside itself, for what `action` needs to see."""
        settings = self.settings
        blocks = await self.folder_blocks(self._root(file), file)
        size = estimated_tokens(document.text)
        whole = size <= settings.context_tokens * FILE_SHARE
        left = settings.context_tokens - (size if whole else int(settings.context_tokens * FILE_SHARE))
        tokens = min(RELATED_TOKENS, left - Around(blocks).tokens)
        lines = (document.line_of(span.start), document.line_of(max(span.start, span.end - 1)))
        asked = await self._asked_for(action, file, lines, int(max(0, left) * CHARACTERS_PER_TOKEN * ASKED_SHARE))
        tokens -= Around((), asked).tokens
        characters = int(tokens * CHARACTERS_PER_TOKEN)
        related = await _soon(self.surroundings.context(file, lines, characters, self.unsaved(), whole=whole), [])
        shown_already = {dict(block.attributes).get("path") for block in asked if block.tag == "tests"}
        named = [
            ContextBlock("related", item.text, (("path", item.path),), "place")
            for item in related
            if item.path not in shown_already
        ]
        return Around(blocks, (*named, *asked))

    async def folder_blocks(self, root: Path | None, file: Path) -> tuple[ContextBlock, ...]:
        """What is alike for all requests about a folder: its rules, as far as they hold for `file`, and its map."""
        blocks: list[ContextBlock] = []
        if self.own_rules is not None or (root is not None and self.trusted(root)):
            trusted_root = root if root is not None and self.trusted(root) else None
            rules = await asyncio.to_thread(rules_for, trusted_root, file, self.own_rules)
            blocks += [ContextBlock("rules", item.text, (("path", item.path),), "folder") for item in rules]
        if root is not None and self.settings.context_map:
            asking = self.surroundings.map(file, int(self.settings.context_map * CHARACTERS_PER_TOKEN))
            if shown := await _soon(asking, []):
                text = "\n\n".join(f"{item.path}:\n{item.text}" for item in shown)
                blocks.append(ContextBlock("map", text, lasting="folder"))
        return tuple(blocks)

    async def _asked_for(
        self, action: Action, file: Path, lines: tuple[int, int], characters: int
    ) -> tuple[ContextBlock, ...]:
        """What the action says that Claude must see to do it: who uses the definition, and where its tests are."""
        blocks: list[ContextBlock] = []
        if action.callers:
            members = action.callers == "members"
            asking = self.surroundings.callers(file, lines, characters, self.unsaved(), members=members)
            uses = await _soon(asking, None, LONG_PATIENCE_SECONDS)
            blocks += [
                ContextBlock("callers", text, (("path", path),), "place") for path, text in (uses.shown if uses else ())
            ]
            words = NOT_KNOWN if uses is None else NOT_ALL.format(uses.left_out) if uses.left_out else ""
            if words or not blocks:
                blocks.append(ContextBlock("callers", words or NOBODY, lasting="place"))
        if action.tests and (tests := await _soon(self.surroundings.tests(file, characters, self.unsaved()), None)):
            about = (("path", tests.path), ("exists", "yes" if tests.exists else "no"))
            blocks.append(ContextBlock("tests", tests.text, about, "place"))
            if tests.example[0]:
                about = (("path", tests.example[0]), ("of", "something else, for the style"))
                blocks.append(ContextBlock("tests", tests.example[1], about, "place"))
        return tuple(blocks)

    def shown(self, around: Around, document: Document, file: Path, path: str, span: Span, kind: Hashable) -> Ledger:
        """All that is sent with `span` of `document`, which is `file` and called `path` there, behind what was sent
        shortly before with a request of the same `kind`."""
        blocks = tuple(file_blocks(document, path, span, self.settings.context_tokens - around.tokens))
        earlier = self.ledgers.get((self._root(file) or file, kind))
        return earlier.with_blocks([*around.folder, *blocks, *around.related], self.settings.context_tokens)

    def sent(self, shown: Ledger, file: Path, kind: Hashable) -> None:
        """What is `shown` is on its way: the next request of this kind goes on from it."""
        self.ledgers.keep((self._root(file) or file, kind), shown)

    def _root(self, file: Path) -> Path | None:
        return next((real(folder) for folder in self.folders() if file.is_relative_to(real(folder))), None)


async def _soon(asking: Coroutine[Any, Any, Answer], otherwise: Answer, seconds: float = PATIENCE_SECONDS) -> Answer:
    try:
        return await asyncio.wait_for(asking, seconds)
    except TimeoutError:
        return otherwise
