"""Files on disk: our own state folder, and files of the workspace that no editor has open.

A file of the workspace is read and written only as a regular file that lies inside of one of its folders, links
resolved; only as strict UTF-8; and written only while it is what was read. A write is whole or did not happen.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 8_000_000
_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""What a file of some Windows programs begins with. It belongs to the file and not to the text."""


class FileProblem(Exception):
    """A file cannot be used as asked; the message says which and why, for Claude and the person alike."""


@dataclass(frozen=True)
class FileText:
    """The text of a file as it was read, without its byte order mark; `digest` tells these bytes from all others."""

    text: str
    marked: bool
    digest: bytes


def inside(folders: Iterable[Path], name: str) -> Path:
    """The file that `name` means, relative to one of the folders or absolute, with all links resolved.

    `FileProblem` where it lies in none of them, or in one's `.git`. The file itself need not exist.
    """
    roots = [real(folder) for folder in folders]
    if not roots:
        raise FileProblem(f"{name!r} cannot be used: no folder is open in the editor")
    if not name or not name.isprintable():
        raise FileProblem(f"{name!r} is not the name of a file")
    found: list[Path] = []
    for root in roots:
        path = real(root / name)
        if path != root and path.is_relative_to(root):
            if ".git" in (part.lower() for part in path.relative_to(root).parts):
                raise FileProblem(f"{name!r} belongs to git and must not be changed")
            found.append(path)
    if not found:
        raise FileProblem(f"{name!r} is outside of the workspace and must not be changed")
    return next((path for path in found if path.exists()), found[0])


def real(path: Path) -> Path:
    """The file itself, where `path` leads to it over links: one file can have many names."""
    return Path(os.path.realpath(path))


def read(path: Path) -> FileText:
    """The text of a regular file; `FileProblem` where it is none, too large, or not UTF-8."""
    data = _bytes(path)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileProblem(f"{path.name!r} is not UTF-8 (byte {error.start}), and is left alone") from error
    return FileText(text.removeprefix(_MARK), text.startswith(_MARK), _digest(data))


def replace(path: Path, text: str, known: FileText) -> FileText:
    """Write `text` where the file still is what `known` says; `FileProblem` where it is not, or cannot be written."""
    data = ((_MARK if known.marked else "") + text).encode()
    folder = path.parent
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=folder)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
                file.flush()
                os.fsync(file.fileno())
            if _digest(_bytes(path)) != known.digest:
                raise FileProblem(f"{path.name!r} was changed by another program meanwhile")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(folder)
    except OSError as error:
        raise FileProblem(f"{path.name!r} cannot be written: {error.strerror or error}") from error
    return FileText(text, known.marked, _digest(data))


def create(path: Path, data: bytes) -> None:
    """Make a file that does not exist yet, and the folders it is in; `FileProblem` where it does or cannot be made."""
    try:
        mode = _make_folders(path.parent)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                os.fchmod(file.fileno(), mode & 0o666)
                file.flush()
                os.fsync(file.fileno())
            _name_anew(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except FileExistsError as error:
        raise FileProblem(f"{path.name!r} exists already") from error
    except OSError as error:
        raise FileProblem(f"{path.name!r} cannot be made: {error.strerror or error}") from error


def rename(old: Path, new: Path) -> None:
    """Give a file another name; `FileProblem` where that name is taken."""
    try:
        _make_folders(new.parent)
        _name_anew(old, new)
    except FileExistsError as error:
        raise FileProblem(f"{new.name!r} exists already") from error
    except OSError as error:
        raise FileProblem(f"{old.name!r} cannot be renamed: {error.strerror or error}") from error


def _name_anew(old: Path, new: Path) -> None:
    """Give a file another name; `FileExistsError` where that is taken."""
    try:
        # A link fails where the name is taken, which a rename does not.
        os.link(old, new, follow_symlinks=False)
        old.unlink()
    except PermissionError:  # a file system without links
        if new.exists():
            raise FileExistsError from None
        old.rename(new)


def delete(path: Path, expected: bytes) -> None:
    """Remove a file that still holds `expected`."""
    if _bytes(path) != expected:
        raise FileProblem(f"{path.name!r} was changed meanwhile, and is kept")
    try:
        path.unlink()
    except OSError as error:
        raise FileProblem(f"{path.name!r} cannot be deleted: {error.strerror or error}") from error


def contents(path: Path) -> bytes:
    """The bytes of a regular file, for whoever may have to put them back."""
    return _bytes(path)


def _bytes(path: Path) -> bytes:
    try:
        # Not blocking: what is called a file may be a pipe that nobody writes to.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise FileProblem(f"{path.name!r} is not a regular file")
            if found.st_size > MAX_BYTES:
                raise FileProblem(f"{path.name!r} is too large (over {MAX_BYTES // 1_000_000} MB)")
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise FileProblem(f"{path.name!r} cannot be read: {error.strerror or error}") from error


def _make_folders(folder: Path) -> int:
    """Make `folder` where it is missing, as open to others as the one it is made in; its mode."""
    if folder.exists():
        return stat.S_IMODE(folder.stat().st_mode)
    mode = _make_folders(folder.parent)
    folder.mkdir(exist_ok=True)
    folder.chmod(mode)
    return mode


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data).digest()


def _sync_folder(folder: Path) -> None:
    """Make a new name in `folder` last through a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True)
class StateFolder:
    """Where claude-ls keeps what must outlive a request, readable by the person alone."""

    root: Path

    def append(self, name: str, text: str) -> Path:
        """Add `text` to the file `name` (with slashes for folders), making it if need be; `OSError` if it cannot be."""
        path = self.root / name
        self._folder(path.parent)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        return path

    def problem(self) -> str | None:
        """Why the folder cannot be used; None where it can."""
        try:
            self._folder(self.root)
        except OSError as error:
            return str(error)
        return None if os.access(self.root, os.W_OK | os.X_OK) else f"{self.root} is not writable"

    def _folder(self, path: Path) -> None:
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(mode=0o700, exist_ok=True)
