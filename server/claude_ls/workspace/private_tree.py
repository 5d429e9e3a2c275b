"""Writes into a tree that other programs may have done anything to, and never out of it.

Nothing is written before each folder on the way is seen to be one and not a link to elsewhere, and nothing is written
into a file that is there: it is made anew. That holds while no other program is at work there.

Times are those of the writing unless another is asked for, and each later version of a file is at least one whole
second newer than the one before: tools that remember whole seconds and sizes (mypy, make) would else take a new text of
the same length for the old one.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from claude_ls.workspace.listing import stamp_of
from claude_ls.workspace.scratch import remove_tree


class PrivateTree:
    """The tree at `root`. Paths are relative to it, with slashes. All of it may raise `OSError`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._seconds: dict[str, int] = {}
        self._folders: set[str] = set()
        """Those seen to be folders, and not links, since it began."""

    def begin(self) -> None:
        """Trust nothing that was seen before: another program has been at work meanwhile."""
        self._folders = set()
        if self.root.is_symlink() or not self.root.is_dir():
            remove_tree(self.root)
            self.root.mkdir(mode=0o700)
        self.root.chmod(0o700)

    def write(self, path: str, mode: int, data: Iterable[bytes], modified: int | None = None) -> None:
        """Make a file, whatever was there, with the permissions of `mode`; `modified` is its time, in nanoseconds."""
        target = self._clear(path)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            for chunk in data:
                rest = memoryview(chunk)
                while rest:
                    rest = rest[file.write(rest) :]
            os.fchmod(descriptor, stat.S_IMODE(mode) & 0o777)
            if modified is not None:
                os.utime(descriptor, ns=(modified, modified))
            second = int(os.fstat(descriptor).st_mtime)
            before = self._seconds.get(path)
            if before is not None and second <= before:
                second = before + 1
                os.utime(descriptor, (second, second))
            self._seconds[path] = second

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link."""
        self._clear(path).symlink_to(target)

    def leads(self, path: str, target: str) -> bool:
        """Whether there is a link of this path, to `target`."""
        try:
            return self._on_the_way(path) and str((self.root / path).readlink()) == target
        except OSError:
            return False

    def remove(self, path: str) -> None:
        """Take a file away, and the folders that are empty without it."""
        if not self._on_the_way(path):
            return
        self._take_away(path)
        folder = path.rpartition("/")[0]
        while folder:
            try:
                (self.root / folder).rmdir()
            except OSError:
                return
            self._folders.discard(folder)
            folder = folder.rpartition("/")[0]

    def stamp(self, path: str) -> str:
        """What changes whenever the file does; "" where there is none."""
        try:
            return stamp_of((self.root / path).lstat()) if self._on_the_way(path) else ""
        except OSError:
            return ""

    def _clear(self, path: str) -> Path:
        """Where a file of this path goes: in a folder that is none of a link's, with nothing in its way."""
        folder = ""
        for part in path.split("/")[:-1]:
            folder = f"{folder}/{part}" if folder else part
            if folder not in self._folders:
                own = self.root / folder
                if own.is_symlink() or not own.is_dir():
                    remove_tree(own)
                    own.mkdir(mode=0o700)
                own.chmod(0o700)
                self._folders.add(folder)
        self._take_away(path)
        return self.root / path

    def _take_away(self, path: str) -> None:
        target = self.root / path
        if target.is_dir() and not target.is_symlink():
            self._folders = {known for known in self._folders if known != path and not known.startswith(f"{path}/")}
        remove_tree(target)

    def _on_the_way(self, path: str) -> bool:
        """Whether all that `path` is in are folders, and none a link that would lead elsewhere."""
        folder = ""
        for part in path.split("/")[:-1]:
            folder = f"{folder}/{part}" if folder else part
            if folder not in self._folders:
                try:
                    found = (self.root / folder).lstat()
                except OSError:
                    return False
                if not stat.S_ISDIR(found.st_mode):
                    return False
                self._folders.add(folder)
        return True
