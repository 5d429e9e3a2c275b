"""The checks of a folder, one after the other, on a copy that is kept from one time to the next."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from claude_ls.workspace.check_environment import program_finder
from claude_ls.workspace.check_run import CheckLimits, CheckPlace, CheckResult, Spawn, run_check, spawn, to_end
from claude_ls.workspace.files import real
from claude_ls.workspace.folder_copy import CopyProblem, FolderCopy, Limits
from claude_ls.workspace.scratch import Scratch, remove_tree


@dataclass(frozen=True)
class ChecksRun:
    """The results in the order of the commands; `left_out` are paths, fit to be shown, that the checks did not see, as
    they are only linked into the copy or may not be read."""

    results: tuple[CheckResult, ...]
    left_out: tuple[str, ...]


@dataclass
class _Kept:
    copy: FolderCopy
    place: CheckPlace
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Checks:
    """Runs checks of any number of folders; those of one folder wait for each other.

    A check executes what is in the folder: whoever calls `run` sees to it that the person trusts that folder.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        limits: CheckLimits | None = None,
        copied: Limits | None = None,
        base: Path | None = None,
        spawn: Spawn = spawn,
    ) -> None:
        """`base` is where copies are made, by default the system's folder for temporary files."""
        self._environ = environ
        self._limits = limits or CheckLimits()
        self._copied = copied or Limits()
        self._base = base
        self._spawn = spawn
        self._scratch: Scratch | None = None
        self._kept: dict[Path, _Kept] = {}
        self._opening = asyncio.Lock()

    async def run(
        self,
        folder: Path,
        texts: Mapping[str, str | None],
        commands: Mapping[str, Sequence[str]],
        began: Callable[[str], object] = lambda name: None,
    ) -> ChecksRun:
        """Run `commands`, by name, on what `folder` would be with `texts` (see `FolderCopy.update`). `began` hears the
        name of each as it starts. `CopyProblem` where there can be no copy. Can be cancelled at any time."""
        kept = await self._open(real(folder))
        async with kept.lock:
            left_out = await self._update(kept, texts)
            results: list[CheckResult] = []
            for name, argv in commands.items():
                began(name)
                results.append(await run_check(name, argv, kept.place, self._environ, self._limits, spawn=self._spawn))
            shown = tuple(os.fsencode(path).decode("utf-8", "replace") for path in left_out)
            return ChecksRun(tuple(results), shown)

    def finder(self, folder: Path) -> Callable[[str], str | None]:
        """What tells where a program is that a check of this folder could be; None where it is not installed."""
        return program_finder(folder, self._environ)

    async def aclose(self) -> None:
        """Remove the copies, once the checks that run have ended: whoever started them cancels them."""
        async with self._opening:
            for kept in self._kept.values():
                async with kept.lock:
                    pass
            scratch, self._scratch = self._scratch, None
            self._kept.clear()
            if scratch is not None:
                await asyncio.to_thread(scratch.close)

    async def _open(self, folder: Path) -> _Kept:
        async with self._opening:
            kept = self._kept.get(folder)
            if kept is None:
                kept = self._kept[folder] = self._make(folder)
            return kept

    def _make(self, folder: Path) -> _Kept:
        try:
            if self._scratch is None:
                self._scratch = Scratch(self._base)
            place = self._scratch.path / str(len(self._kept) + 1)
            for path in (place, place / "copy", place / "tmp"):
                path.mkdir(mode=0o700)
        except OSError as error:
            raise CopyProblem(
                f"no folder for checks can be made: {error.strerror or error}; set TMPDIR to one with room in it"
            ) from error
        copy = FolderCopy(folder, place / "copy", self._copied)
        return _Kept(copy, CheckPlace(folder, copy.root, place / "tmp"))

    async def _update(self, kept: _Kept, texts: Mapping[str, str | None]) -> tuple[str, ...]:
        stopped = threading.Event()

        def update() -> tuple[str, ...]:
            remove_tree(kept.place.temporary)
            kept.place.temporary.mkdir(mode=0o700, exist_ok=True)
            return kept.copy.update(texts, stopped.is_set)

        return await to_end(asyncio.to_thread(update), stopped.set)
