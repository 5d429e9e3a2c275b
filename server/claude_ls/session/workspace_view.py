"""What the tools of a job see of the workspace: open documents as they are now, and of the rest what git would show."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from claude_ls.agent.context import Diagnostic, diagnostics_block
from claude_ls.agent.tools.view import Defined, Match
from claude_ls.session.indexing import Surroundings
from claude_ls.syntax.languages import language_of
from claude_ls.syntax.tags import tags_of
from claude_ls.text.diff import bare_lines
from claude_ls.text.document import Document
from claude_ls.workspace.files import FileProblem, inside, read, real
from claude_ls.workspace.searching import Search, find_ripgrep, search

Check = Callable[[str], Awaitable[tuple[bool, str]]]
Ask = Callable[[str, Sequence[str]], Awaitable[str | None]]


@dataclass(frozen=True)
class WorkspaceView:
    """Implements `claude_ls.agent.tools.view.View`.

    `documents` are those that an editor shows, or that have changes of Claude's, by their files. `name_of` is how
    Claude knows a file.
    """

    surroundings: Surroundings
    folders: Callable[[], Sequence[Path]]
    documents: Callable[[], Mapping[Path, Document]]
    name_of: Callable[[Path], str]
    told: Callable[[Path], Sequence[Diagnostic]]
    checked: Check
    asked: Ask

    async def text(self, path: str) -> str:
        return (await self._document(path)).text

    async def paths(self, folder: str) -> Sequence[str]:
        found: set[str] = set()
        for root in self._roots():
            found.update(await self._paths_in(root))
        return sorted(path for path in found if not folder or path.startswith(f"{folder}/") or path == folder)

    async def search(self, pattern: str, folder: str, *, ignore_case: bool, limit: int) -> Sequence[Match]:
        wanted = Search(pattern, ignore_case, limit + 1)
        found: list[Match] = []
        for root in self._roots():
            paths = [path for path in await self._paths_in(root) if not folder or path.startswith(f"{folder}/")]
            texts = {
                self.name_of(file): item.text for file, item in self.documents().items() if file.is_relative_to(root)
            }
            lines = await search(root, sorted(paths), texts, wanted, ripgrep=find_ripgrep())
            found += [Match(*line) for line in lines]
        return found[: limit + 1]

    async def outline(self, path: str) -> Sequence[Defined]:
        document = await self._document(path)
        language = language_of(document.language_id, path)
        tags = (
            await asyncio.to_thread(tags_of, language, document.text.encode("utf-8", "replace")) if language else None
        )
        if tags is None:
            return ()
        lines = bare_lines(document.text)
        depths = [-1]
        for tag in tags.tags[1:]:
            depths.append(depths[tag.parent] + 1)
        return [
            Defined(tag.first + 1, tag.last + 1, depth, lines[tag.line] if tag.line < len(lines) else tag.name)
            for tag, depth in zip(tags.tags[1:], depths[1:], strict=True)
        ]

    async def references(self, name: str, path: str) -> Sequence[Match]:
        unsaved = {file: document.text for file, document in self.documents().items()}
        file = await self._file(path) if path else None
        roots = [root for root in self._roots() if file is None or file.is_relative_to(root)]
        asked = [await self.surroundings.references(name, file, root, unsaved) for root in roots]
        return [Match(*item) for found in asked for item in found]

    async def diagnostics(self, path: str) -> str:
        file = await self._file(path)
        document = self.documents().get(file)
        if document is None:
            raise FileProblem(f"{path!r} is not open in the editor, and so nothing is known of it: run a check instead")
        block = diagnostics_block(document, self.told(file))
        return block.text if block else ""

    async def check(self, name: str) -> tuple[bool, str]:
        return await self.checked(name)

    async def ask(self, question: str, choices: Sequence[str]) -> str | None:
        return await self.asked(question, choices)

    async def _document(self, path: str) -> Document:
        file = await self._file(path)
        known = self.documents().get(file)
        if known is not None:
            return known
        text = (await asyncio.to_thread(read, file)).text
        return Document.opened(file.as_uri(), "", 0, text)

    async def _file(self, path: str) -> Path:
        """The file of that name; `FileProblem` where it is outside, or must not be seen."""
        for known in self.documents():
            if path == self.name_of(known):
                return known
        file = await asyncio.to_thread(inside, self.folders(), path)
        if await self.surroundings.hides(file):
            raise FileProblem(f"{path!r} is ignored, and so it is neither read nor sent")
        return file

    async def _paths_in(self, root: Path) -> list[str]:
        known = {self.name_of(file) for file in self.documents() if file.is_relative_to(root)}
        return list({*await self.surroundings.paths(root), *known})

    def _roots(self) -> list[Path]:
        return [real(folder) for folder in self.folders()]
