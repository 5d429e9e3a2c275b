"""Keeps an index of each folder of the workspace in step, off the event loop, and asks it what matters for a place.

One thread asks and changes the indexes, piece by piece, so that a question waits for one piece at most; others wait for
the processes that read. Nothing is read before a folder is opened, and nothing is waited for: before the index is
whole, what is in it already is what there is.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from claude_ls.index.folder_index import FolderIndex, Shown
from claude_ls.index.reading import processes, read_files
from claude_ls.index.references import Callers, callers_of, uses_of
from claude_ls.index.tests import Tests, tests_for
from claude_ls.workspace.listing import ListedFile
from claude_ls.workspace.tree_watcher import TreeWatch, TreeWatcher, WatchTree

Result = TypeVar("Result")
QUIET_SECONDS = 0.1
"""So long after the last event a changed file is looked at: programs write in several steps."""
MAP_SECONDS = 300.0
"""So long a map stays as it is: what stands behind it in a request is in the prompt cache only as long as it does."""
LOOK_SECONDS = 2.0
"""How often a folder is looked through at most that the system tells nothing of."""

_log = logging.getLogger(__name__)


class Surroundings(Protocol):
    """Whoever knows what the workspace defines."""

    def follow(self, folders: Sequence[Path]) -> None:
        """These are the folders of the workspace from now on."""

    async def context(
        self, path: Path, lines: tuple[int, int], characters: int, unsaved: Mapping[Path, str], *, whole: bool = False
    ) -> list[Shown]:
        """What matters for these lines of a file, in at most so many characters. With `whole`, nothing of the file
        itself, since all of it is shown anyhow."""
        ...

    async def map(self, path: Path, characters: int) -> list[Shown]:
        """The folder that `path` is in, in so many characters: what most of it leans on. Nothing before it is read."""
        ...

    async def references(
        self, name: str, path: Path | None, folder: Path, unsaved: Mapping[Path, str]
    ) -> list[tuple[str, int, str]]:
        """Where what a folder defines by this name, in the file `path` if there is one, is used: path, line from 1 and
        text. Nothing before the whole folder is read."""
        ...

    async def paths(self, folder: Path) -> list[str]:
        """All files of a folder of the workspace that are not ignored, relative to it."""
        ...

    async def hides(self, path: Path) -> bool:
        """Whether this file is on one of the lists of what is to be ignored."""
        ...

    async def callers(
        self, path: Path, lines: tuple[int, int], characters: int, unsaved: Mapping[Path, str], *, members: bool
    ) -> Callers | None:
        """Who uses the definition on these lines of a file (with `members` anything in it), in at most so many
        characters, once the whole folder is read; None where that cannot be known."""
        ...

    async def tests(self, path: Path, characters: int, unsaved: Mapping[Path, str]) -> Tests | None:
        """Where the tests of a file are, or should be; None where that is not known."""
        ...

    def changed(self, paths: Iterable[Path]) -> None:
        """Somebody says that these files were changed."""

    async def aclose(self) -> None: ...


class NoSurroundings:
    """Knows nothing, for sessions that need no index."""

    def follow(self, folders: Sequence[Path]) -> None:
        pass

    async def context(
        self, path: Path, lines: tuple[int, int], characters: int, unsaved: Mapping[Path, str], *, whole: bool = False
    ) -> list[Shown]:
        return []

    async def map(self, path: Path, characters: int) -> list[Shown]:
        return []

    async def references(
        self, name: str, path: Path | None, folder: Path, unsaved: Mapping[Path, str]
    ) -> list[tuple[str, int, str]]:
        return []

    async def paths(self, folder: Path) -> list[str]:
        return []

    async def hides(self, path: Path) -> bool:
        return False

    async def callers(
        self, path: Path, lines: tuple[int, int], characters: int, unsaved: Mapping[Path, str], *, members: bool
    ) -> Callers | None:
        return None

    async def tests(self, path: Path, characters: int, unsaved: Mapping[Path, str]) -> Tests | None:
        return None

    def changed(self, paths: Iterable[Path]) -> None:
        pass

    async def aclose(self) -> None:
        pass


def cache_file(cache: Path, root: Path) -> Path:
    """Where in the folder `cache` the index of `root` is kept."""
    name = f"{root.name[:40]}-{hashlib.blake2b(str(root).encode(), digest_size=6).hexdigest()}.db"
    return cache / "index" / name


def _too_much(folder: Path) -> bool:
    """Whether this is no project but all that a person has: to read that would be of no use to anybody."""
    home = Path.home()
    return folder == home or folder in home.parents


@dataclass
class _Folder:
    index: FolderIndex
    watcher: TreeWatch
    looked: float = 0.0
    whole: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once all that was there at the start has been read."""
    told: set[str] = field(default_factory=set)
    """What was said to have changed, and not looked at so far."""
    maps: dict[int, tuple[float, list[Shown]]] = field(default_factory=dict)
    """By its size, the map and when it was drawn."""


class Indexing:
    """`cache` is the folder in which indexes are kept from one start to the next; `watch` is what tells of changes."""

    def __init__(
        self, cache: Path | None, tell: Callable[[str], None] = _log.warning, watch: WatchTree = TreeWatcher
    ) -> None:
        self._cache = cache
        self._tell = tell
        self._watch = watch
        self._folders: dict[Path, _Folder] = {}
        self._asking = ThreadPoolExecutor(1, "claude-ls-index")
        self._stop = threading.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def follow(self, folders: Sequence[Path]) -> None:
        wanted = {folder for folder in folders if folder.is_dir() and not _too_much(folder)}
        for root in self._folders.keys() - wanted:
            self._folders.pop(root).watcher.close()
        for root in wanted - self._folders.keys():
            self._folders[root] = self._opened(root)

    async def context(
        self, path: Path, lines: tuple[int, int], characters: int, unsaved: Mapping[Path, str], *, whole: bool = False
    ) -> list[Shown]:
        if characters <= 0:
            return []

        def ask(index: FolderIndex, own: str) -> list[Shown]:
            return index.context(own, *lines, characters, lambda name: not (whole and name == own))

        return await self._ask_of(path, unsaved, ask) or []

    async def callers(
        self, path: Path, lines: tuple[int, int], characters: int, unsaved: Mapping[Path, str], *, members: bool
    ) -> Callers | None:
        def ask(index: FolderIndex, own: str) -> Callers | None:
            return callers_of(index, own, lines, characters, members=members)

        root = self._root_of(path)
        if root is not None:
            await self._folders[root].whole.wait()
        return await self._ask_of(path, unsaved, ask)

    async def tests(self, path: Path, characters: int, unsaved: Mapping[Path, str]) -> Tests | None:
        def ask(index: FolderIndex, own: str) -> Tests | None:
            return tests_for(index, own, characters)

        return await self._ask_of(path, unsaved, ask)

    async def _ask_of(
        self, path: Path, unsaved: Mapping[Path, str], work: Callable[[FolderIndex, str], Result]
    ) -> Result | None:
        """Ask the index of the folder that `path` is in, which knows it by the name that `work` gets; None where
        it is in none."""
        root = self._root_of(path)
        if root is None:
            return None
        folder = self._folders[root]
        await self._look_if_blind(folder)
        texts = {name.relative_to(root).as_posix(): text for name, text in unsaved.items() if name.is_relative_to(root)}
        own = path.relative_to(root).as_posix()

        def ask() -> Result:
            folder.index.show(texts)
            return work(folder.index, own)

        return await self._ask(ask)

    async def map(self, path: Path, characters: int) -> list[Shown]:
        root = self._root_of(path)
        if root is None or characters <= 0 or not self._folders[root].whole.is_set():
            return []
        folder, now = self._folders[root], time.monotonic()
        drawn, shown = folder.maps.get(characters, (-MAP_SECONDS, []))
        if now - drawn >= MAP_SECONDS:
            shown = await self._ask(lambda: folder.index.map(characters))
            folder.maps[characters] = (now, shown)
        return shown

    async def references(
        self, name: str, path: Path | None, folder: Path, unsaved: Mapping[Path, str]
    ) -> list[tuple[str, int, str]]:
        def ask(index: FolderIndex, own: str) -> list[tuple[str, int, str]]:
            return uses_of(index, name, own if path else "")

        if folder in self._folders:
            await self._folders[folder].whole.wait()
        return await self._ask_of(path or folder, unsaved, ask) or []

    async def paths(self, folder: Path) -> list[str]:
        if folder not in self._folders:
            return []
        listing = self._folders[folder].index.listing
        return await self._ask(lambda: [file.path for file in listing.walk()])

    async def hides(self, path: Path) -> bool:
        root = self._root_of(path)
        if root is None:
            return False
        listing, own = self._folders[root].index.listing, path.relative_to(root).as_posix()
        return await self._ask(lambda: not listing.shows(own))

    def changed(self, paths: Iterable[Path]) -> None:
        for path in paths:
            root = self._root_of(path)
            if root is not None:
                self._told(self._folders[root], path.relative_to(root).as_posix())

    async def whole(self) -> None:
        """Wait until all folders are read, and all that was told of has been looked at."""
        while True:
            await asyncio.gather(*(folder.whole.wait() for folder in self._folders.values()))
            if not self._tasks:
                return
            await asyncio.gather(*self._tasks)

    async def aclose(self) -> None:
        self._stop.set()
        for folder in self._folders.values():
            folder.watcher.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for folder in self._folders.values():
            self._asking.submit(folder.index.close)
        await asyncio.to_thread(self._asking.shutdown)
        self._folders.clear()

    def _opened(self, root: Path) -> _Folder:
        cache = cache_file(self._cache, root) if self._cache else None
        loop = asyncio.get_running_loop()

        def happened(path: Path) -> None:
            if path.is_relative_to(root):
                self._told(folder, path.relative_to(root).as_posix())

        folder = _Folder(FolderIndex(root, cache), self._watch(root, loop.call_soon_threadsafe, happened))
        self._spawn(self._begin(folder))
        return folder

    async def _begin(self, folder: _Folder) -> None:
        try:
            # What changes while all is read is told as well, and looked at behind it.
            if problem := await asyncio.to_thread(folder.watcher.start):
                self._tell(f"{folder.index.root} is looked through every {LOOK_SECONDS:.0f} seconds: {problem}")
            await self._look(folder)
            await self._ask(folder.index.tidy)
            await self._ask(folder.index.rank)
        finally:
            folder.whole.set()

    async def _look_if_blind(self, folder: _Folder) -> None:
        if folder.whole.is_set() and not folder.watcher.sees and time.monotonic() - folder.looked > LOOK_SECONDS:
            await self._look(folder)

    async def _look(self, folder: _Folder) -> None:
        """Look through the whole folder, and read what is another than before."""
        folder.looked = time.monotonic()
        await self._read(folder, await self._ask(folder.index.stale))
        if folder.index.listing.truncated:
            self._tell(f"{folder.index.root} holds so many files that only some are known: see .claudeignore")

    def _told(self, folder: _Folder, path: str) -> None:
        first = not folder.told
        folder.told.add(path)
        if first:
            self._spawn(self._look_at_told(folder))

    async def _look_at_told(self, folder: _Folder) -> None:
        await asyncio.sleep(QUIET_SECONDS)
        await folder.whole.wait()
        paths, folder.told = folder.told, set()
        if any(folder.index.is_rule(path) for path in paths):
            await self._look(folder)
        else:
            await self._read(folder, await self._ask(lambda: folder.index.look_again(paths)))

    async def _read(self, folder: _Folder, files: Sequence[ListedFile]) -> None:
        """Have `files` read, and take them up as they come."""
        if not files:
            return

        def read() -> None:
            for piece in read_files(folder.index.root, files, processes(), self._stop):
                self._asking.submit(folder.index.add, piece).result()

        try:
            await asyncio.to_thread(read)
        except RuntimeError:
            if not self._stop.is_set():
                raise

    def _root_of(self, path: Path) -> Path | None:
        """The innermost folder that `path` is in."""
        roots = [root for root in self._folders if path.is_relative_to(root)]
        return max(roots, key=lambda root: len(root.parts), default=None)

    def _ask(self, work: Callable[[], Result]) -> Awaitable[Result]:
        return asyncio.get_running_loop().run_in_executor(self._asking, work)

    def _spawn(self, work: Awaitable[None]) -> None:
        async def run() -> None:
            try:
                await work
            except asyncio.CancelledError:
                raise
            except Exception:
                _log.exception("the index is not in step with the folder")

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
