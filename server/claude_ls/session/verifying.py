"""Whether what a job changed holds: its syntax at once, then the project's own checks, on a copy of the workspace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from claude_ls.agent.context import ContextBlock
from claude_ls.config import Settings
from claude_ls.session.buffer import Buffer
from claude_ls.session.parsing import PATIENCE
from claude_ls.session.permission import Permission
from claude_ls.syntax.tree import new_errors, parse
from claude_ls.text.document import Document
from claude_ls.text.patch import Span
from claude_ls.workspace.check_run import CheckResult
from claude_ls.workspace.check_suggestions import READ, suggest
from claude_ls.workspace.checks import ChecksRun
from claude_ls.workspace.files import FileProblem, read
from claude_ls.workspace.folder_copy import CopyProblem

PARSES = "parses"
MAX_TOLD_LINES = 10

Texts = Mapping[str, str | None]
"""By path in a folder, the text that counts instead of what is on disk; None for a file that is not to be there."""


@dataclass(frozen=True)
class Verified:
    """What came of it. `checks` are names with whether they passed, `failed` says for the person what did not, and
    `words_for_claude` what to correct; None where there is nothing to."""

    checks: tuple[tuple[str, bool], ...] = ()
    badges: tuple[str, ...] = ()
    failed: str = ""
    words_for_claude: str | None = None


class RunsChecks(Protocol):
    """The port to what runs checks in a copy."""

    async def run(
        self,
        folder: Path,
        texts: Texts,
        commands: Mapping[str, Sequence[str]],
        began: Callable[[str], object] = ...,
    ) -> ChecksRun: ...

    def finder(self, folder: Path) -> Callable[[str], str | None]:
        """What tells where a program is that a check of this folder could be; None where it is not installed."""
        ...

    async def aclose(self) -> None: ...


class NoChecks:
    """Runs nothing, and finds no program."""

    async def run(
        self,
        folder: Path,
        texts: Texts,
        commands: Mapping[str, Sequence[str]],
        began: Callable[[str], object] = lambda name: None,
    ) -> ChecksRun:
        return ChecksRun((), ())

    def finder(self, folder: Path) -> Callable[[str], str | None]:
        return lambda program: None

    async def aclose(self) -> None:
        return None


@dataclass(frozen=True)
class Folder:
    """One folder of the workspace, for checks: `now` are its unsaved texts, `before` the same without what this job
    has changed."""

    root: Path
    now: Callable[[], Texts]
    before: Callable[[], Texts]


class Verifying:
    """Of one job."""

    def __init__(
        self,
        runs: RunsChecks,
        settings: Settings,
        permission: Permission,
        folder: Folder | None,
        phase: Callable[[str], None],
        job: str,
    ) -> None:
        self._runs = runs
        self._settings = settings
        self._permission = permission
        self._folder = folder
        self._phase = phase
        self._job = job
        self.commands: dict[str, tuple[str, ...]] = {}
        self._before: dict[str, CheckResult] = {}

    async def prepare(self) -> None:
        """Find out which checks there are: those of the person's own settings, else those that the folder seems to
        have."""
        self.commands = dict(self._settings.verify_commands)
        if self.commands or self._folder is None:
            return
        root, which = self._folder.root, self._runs.finder(self._folder.root)

        def look() -> dict[str, tuple[str, ...]]:
            try:
                names = [entry.name for entry in root.iterdir()]
            except OSError:
                return {}
            texts = {name: _text(root / name) for name in READ if name in names}
            return {item.name: item.argv for item in suggest(names, texts.get, which)}

        self.commands = await asyncio.to_thread(look)

    async def verify(self, changed: Sequence[Buffer]) -> Verified:
        """Check what stands in these documents now, and all else with it."""
        broken = [line for buffer in changed for line in await self._broken(buffer)]
        if broken:
            words = "; ".join(broken[:MAX_TOLD_LINES])
            return Verified(
                ((PARSES, False),),
                (),
                f"it does not parse any more: {words}",
                f"What you changed does not parse: {words}. Read these lines again and mend them.",
            )
        badges = [(PARSES, True)] if any(buffer.tree for buffer in changed) else []
        results = await self._checked()
        checks = (*badges, *((result.name, result.ok) for result in results))
        told = [result for result in results if not result.ok and not self._failed_before(result)]
        return Verified(
            checks,
            (*(name for name, _ in badges), *map(self._badge, results)),
            "; ".join(f"{result.name}: {result.problem or result.summary}" for result in told),
            _words_for_claude(told) if told else None,
        )

    async def check(self, name: str) -> tuple[bool, str]:
        """Run one check for Claude, who asked for it by name."""
        results = await self._checked(name)
        if not results:
            return False, f"The check {name} was not run: the person did not allow it."
        (result,) = results
        return result.ok, _said(result)

    async def _broken(self, buffer: Buffer) -> list[str]:
        """Where the text does not parse that parsed before this job."""
        changes = buffer.changes_of(self._job)
        await buffer.syntax.within(PATIENCE)
        after = buffer.tree
        if after is None or not after.has_errors or changes is None:
            return []
        document = buffer.document
        before = await asyncio.to_thread(
            parse, Document.opened(document.uri, document.language_id, document.version, changes.base)
        )
        if before is None:
            return []
        lines = new_errors(before, after, Span(0, len(document.text)))
        name = document.uri.rpartition("/")[2]
        return [f"{name} line {line + 1}" for line in lines]

    async def _checked(self, only: str | None = None) -> list[CheckResult]:
        if self._folder is None:
            return []
        commands = {name: argv for name, argv in self.commands.items() if only in (None, name)}
        allowed = {name: argv for name, argv in commands.items() if await self._allowed(name, argv)}
        if not allowed:
            return []
        results = await self._run(self._folder.now(), allowed)
        for result in results:
            if not result.ok and result.name not in self._before:
                (self._before[result.name],) = await self._run(
                    self._folder.before(), {result.name: allowed[result.name]}
                )
        return results

    async def _run(self, texts: Texts, commands: Mapping[str, Sequence[str]]) -> list[CheckResult]:
        assert self._folder is not None

        def began(name: str) -> None:
            self._phase(f"running {name}")

        try:
            run = await self._runs.run(self._folder.root, texts, commands, began)
        except CopyProblem as problem:
            return [CheckResult(name, False, None, "not run", "", 0.0, str(problem)) for name in commands]
        return list(run.results)

    async def _allowed(self, name: str, argv: Sequence[str]) -> bool:
        # Each run executes code of the folder, and nothing keeps it from doing what the person's own programs can do.
        shown = " ".join(argv)
        return await self._permission.allows(
            f"check:{name}",
            f"Claude wants to run the check {name} ({shown}) on a copy of the folder, to see whether its changes hold. "
            "It runs code of this folder.",
        )

    def _badge(self, result: CheckResult) -> str:
        if result.ok:
            return result.summary
        return f"{result.name} fails{' as before' if self._failed_before(result) else f': {result.summary}'}"

    def _failed_before(self, result: CheckResult) -> bool:
        """Whether a check failed in the same words before this job changed anything: then it is not its doing."""
        before = self._before.get(result.name)
        return (
            before is not None and not before.ok and before.summary == result.summary and before.output == result.output
        )


def _words_for_claude(failed: Sequence[CheckResult]) -> str:
    parts = [ContextBlock("check", _said(result), (("name", result.name),)).rendered() for result in failed]
    return (
        "What you changed was checked on a copy of the workspace, and this fails. Mend what your changes broke; leave "
        "what has nothing to do with them, and say so.\n\n" + "\n\n".join(parts)
    )


def _said(result: CheckResult) -> str:
    head = f"{result.name}: {result.problem or result.summary}"
    return f"{head}\n{result.output}".strip()


def _text(path: Path) -> str | None:
    try:
        return read(path).text
    except FileProblem:
        return None
