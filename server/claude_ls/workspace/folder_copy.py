"""A private copy of a workspace folder, with texts in it that are not on disk: where checks run instead of there.

What git would show is copied, bytes and modes; symbolic links only where they lead to inside of the folder, and then to
the same place in the copy; nothing else. No file is shared with the person's. An update touches only what changed, on
either side, so that it takes milliseconds and tools keep what they know of the rest.

At first files keep their times, so that make finds done what is done in what is only linked; what changes afterwards is
as new as the change, since the check has built something from what was there before.

What git ignores and checks need, such as generated code, is copied where an ``.ignore`` file says ``!name``.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from claude_ls.workspace.files import real
from claude_ls.workspace.listing import ListedFile, Listing, stamp_of
from claude_ls.workspace.private_tree import PrivateTree
from claude_ls.workspace.tool_folders import tool_links

_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}".encode()


class CopyProblem(Exception):
    """There can be no copy; the message says why and what to do, for the person."""


@dataclass(frozen=True)
class Limits:
    """What is copied at most. Folders for temporary files are often in memory."""

    files: int = 30_000
    bytes: int = 500_000_000


@dataclass(frozen=True)
class _Given:
    data: bytes
    mode: int


@dataclass(frozen=True)
class _Link:
    target: str


_Wanted = ListedFile | _Given | _Link


class FolderCopy:
    """The copy of `folder` at `root`, which is made by the first `update`. One thread at a time."""

    def __init__(self, folder: Path, place: Path, limits: Limits = Limits()) -> None:
        """`place` is an empty folder, not in `folder`, that belongs to the copy from now on."""
        self.folder = real(folder)
        self.root = real(place) / (self.folder.name or "root")
        self._limits = limits
        self._placed: dict[str, tuple[str, str]] = {}
        """What was put where, and the stamp that the copy's own file had then."""
        self._links: dict[str, str] = {}
        self._tree = PrivateTree(self.root)
        self._whole = False
        """Whether all was there once: before that no check has seen anything."""

    def update(self, texts: Mapping[str, str | None], stopped: Callable[[], bool] = lambda: False) -> tuple[str, ...]:
        """Make the copy what the folder is now with `texts` in it; None deletes a file, or a folder.

        Texts go by their paths in the folder, with slashes, and win over what is on disk; a byte order mark that a file
        has on disk stays. The answer names what could not be put in: files that may not be read, and texts inside of
        folders that are only linked. `CopyProblem` where there can be no copy, or where `stopped`.
        """
        if self.root.is_relative_to(self.folder):
            raise CopyProblem(
                f"{self.folder} holds the folder for temporary files, so no copy of it can be made for checks; "
                "set TMPDIR to another folder"
            )
        try:
            return self._update(texts, stopped)
        except OSError as error:
            raise CopyProblem(
                f"the copy for checks cannot be made: {error.strerror or error}; make room in {self.root.parent}, "
                "or set TMPDIR to another folder"
            ) from error

    def _update(self, texts: Mapping[str, str | None], stopped: Callable[[], bool]) -> tuple[str, ...]:
        self._tree.begin()
        wanted = self._listed()
        links = tool_links(self.folder, self.root, wanted)
        left_out = self._overlay(wanted, texts, links)
        present = {file.path: file.stamp for file in Listing(self.root).walk(any_kind=True)}
        for path in ({*present, *self._placed} - wanted.keys() - links.keys()) | (self._links.keys() - links.keys()):
            self._placed.pop(path, None)
            self._tree.remove(path)
        self._links = {path: target for path, target in self._links.items() if path in links}
        # Links to what belongs to tools come last: nothing is ever written below one.
        for path, want in wanted.items():
            known = self._placed.get(path)
            if known is not None and known == (_name(want), present.get(path) or self._tree.stamp(path)):
                continue
            if stopped():
                raise CopyProblem("the copying was stopped")
            try:
                self._place(path, want)
            except PermissionError:
                left_out.append(path)
        for path, target in links.items():
            if self._links.get(path) != target or not self._tree.leads(path, target):
                self._tree.link(path, target)
                self._links[path] = target
        self._whole = True
        return tuple(left_out)

    def _listed(self) -> dict[str, _Wanted]:
        listing = Listing(self.folder)
        if not self.folder.is_dir():
            raise CopyProblem(f"{self.folder} is no folder any more, so no checks can be run in it; open it again")
        wanted: dict[str, _Wanted] = {}
        size = 0
        for file in listing.walk(any_kind=True):
            want: _Wanted | None
            if stat.S_ISLNK(file.mode):
                want = self._link_inside(file.path)
            else:
                want = file if stat.S_ISREG(file.mode) else None
            if want is not None:
                wanted[file.path] = want
                size += file.size
            if len(wanted) > self._limits.files or size > self._limits.bytes:
                raise CopyProblem(
                    f"{self.folder} is too large to be copied for checks (over {self._limits.files:,} files or "
                    f"{self._limits.bytes // 1_000_000:,} MB that git does not ignore); open a smaller folder, or "
                    "name what is not needed in .ignore"
                )
        return wanted

    def _link_inside(self, path: str) -> _Link | None:
        """The link of the copy for one of the folder: straight to where it ends; None where that is outside."""
        source = self.folder / path
        end = real(source)
        if not end.is_relative_to(self.folder) or end == source:
            return None
        return _Link(os.path.relpath(end, source.parent))

    def _overlay(self, wanted: dict[str, _Wanted], texts: Mapping[str, str | None], links: dict[str, str]) -> list[str]:
        left_out: list[str] = []
        for name, text in texts.items():
            path = self._canonical(name)
            parts = path.split("/")
            above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
            if "node_modules" in parts or any(folder in links for folder in above):
                left_out.append(name)
                continue
            below = f"{path}/"
            for other in [other for other in wanted if other == path or other.startswith(below)]:
                del wanted[other]
            for other in [other for other in links if other.startswith(below)]:
                del links[other]
            if text is None:
                continue
            for other in above:
                wanted.pop(other, None)
            wanted[path] = self._given(path, name, text)
        return left_out

    def _canonical(self, name: str) -> str:
        """The path that `name` has once links inside of the folder are followed; as it is where it leads outside."""
        parts = name.split("/")
        path = name
        if "\0" not in name and self.folder in (end := real(self.folder / name)).parents:
            path = end.relative_to(self.folder).as_posix()
        if "\0" in name or not {"", ".", ".."}.isdisjoint(parts) or ".git" in path.lower().split("/"):
            raise CopyProblem(f"{name!r} is not the path of a file that checks may see in {self.folder}")
        return path

    def _given(self, path: str, name: str, text: str) -> _Given:
        try:
            data = text.encode()
        except UnicodeEncodeError as error:
            raise CopyProblem(
                f"{name!r} holds half a character (at {error.start}), which no file can; mend it"
            ) from error
        mode = 0o644
        with contextlib.suppress(OSError), _opened(self.folder / path) as (file, found):
            mode = found.st_mode
            if file.read(len(_MARK)) == _MARK and not data.startswith(_MARK):
                data = _MARK + data
        return _Given(data, mode)

    def _place(self, path: str, want: _Wanted) -> None:
        self._placed.pop(path, None)
        if isinstance(want, _Link):
            self._tree.link(path, want.target)
            self._placed[path] = (_name(want), self._tree.stamp(path))
            return
        if isinstance(want, _Given):
            self._tree.write(path, want.mode, (want.data,))
            self._placed[path] = (_name(want), self._tree.stamp(path))
            return
        try:
            with _opened(self.folder / path) as (file, found):
                modified = None if self._whole else found.st_mtime_ns
                self._tree.write(path, found.st_mode, _chunks(file.read, found.st_size), modified)
        except _Gone:
            self._tree.remove(path)
        except PermissionError:
            self._tree.remove(path)
            raise
        else:
            # If it was written meanwhile it has another stamp by now, and is read again by the next update.
            known = ListedFile(path, stamp_of(found), found.st_size, found.st_mode)
            self._placed[path] = (_name(known), self._tree.stamp(path))


class _Gone(OSError):
    """What was a file is none any more."""


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[FileIO, os.stat_result]]:
    """A regular file and what is known of it; no link is followed, and no pipe waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        raise
    except OSError as error:
        raise _Gone(error.errno, error.strerror) from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise _Gone
        with FileIO(descriptor, "rb", closefd=False) as file:
            yield file, found
    finally:
        os.close(descriptor)


def _name(want: _Wanted) -> str:
    """What tells this content from any other."""
    match want:
        case ListedFile():
            return f"file {want.stamp} {want.mode}"
        case _Given():
            return f"text {hashlib.blake2b(want.data).hexdigest()} {want.mode}"
        case _Link():
            return f"link {want.target}"


def _chunks(read: Callable[[int], bytes | None], size: int) -> Iterable[bytes]:
    """So much as the file held when it was opened: one that grows all the time has no end."""
    while size > 0 and (chunk := read(min(size, 1 << 20))):
        size -= len(chunk)
        yield chunk
