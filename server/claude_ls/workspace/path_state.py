"""What stands at a path, as a value, and how to put it back.

A link is never followed, neither at the path itself nor, when something is put back, at a folder on the way to it.
Something is put back only in the place of what was expected there, whole or not at all.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from claude_ls.workspace.files import MAX_BYTES, FileProblem

# A folder on the way need not be readable. Where a system cannot open it without, it has to be.
_ON_THE_WAY = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


@dataclass(frozen=True)
class PathState:
    """`data` are a file's bytes, `link` is where a link leads, `mode` are the permissions of a file."""

    kind: Literal["absent", "file", "link", "folder", "other"]
    mode: int = 0
    data: bytes = b""
    link: str = ""


ABSENT = PathState("absent")


def as_text(data: bytes) -> str:
    """Any bytes as a text that is different for different bytes."""
    return data.decode("utf-8", "surrogateescape")


def look(path: Path) -> PathState:
    """What stands there now; `FileProblem` where it cannot be read, or is too large."""
    try:
        return _look(path, os.fspath(path), None)
    except OSError as error:
        raise FileProblem(f"{path.name!r} cannot be read: {error.strerror or error}") from error


def put_back(path: Path, state: PathState, expected: PathState) -> None:
    """Make of `path` what `state` says, if it is what `expected` says; `FileProblem` otherwise, and nothing is done.

    Its folder is made where it is missing. Other names of the same file, its owner and its group stay what they are.
    """
    path = path.absolute()
    now = look(path)
    if now == state:
        return
    if now.kind in ("folder", "other"):
        raise FileProblem(f"{path.name!r} is {'a folder' if now.kind == 'folder' else 'no file'} now, and is kept")
    if now != expected:
        raise _changed(path)
    if state.kind in ("folder", "other"):
        raise FileProblem(f"{path.name!r} was {'a folder' if state.kind == 'folder' else 'no file'} then")
    missing = [folder for folder in path.parents if not os.path.lexists(folder)]
    try:
        with _folder(path.parent) as folder:
            _put(path, state, expected, folder)
            # It is done by now: only a loss of power could take it back, and not every file system can sync a folder.
            with contextlib.suppress(OSError):
                os.fsync(folder)
    except (OSError, FileProblem) as error:
        for empty in missing:
            with contextlib.suppress(OSError):
                empty.rmdir()
        if isinstance(error, FileProblem):
            raise
        raise FileProblem(f"{path.name!r} cannot be brought back: {error.strerror or error}") from error


def _look(path: Path, name: str, folder: int | None) -> PathState:
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISLNK(found.st_mode):
            return PathState("link", link=os.readlink(name, dir_fd=folder))
        if stat.S_ISDIR(found.st_mode):
            return PathState("folder")
        if not stat.S_ISREG(found.st_mode):
            return PathState("other")
        # Not blocking: it may be a pipe by now, that nobody writes to.
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(name, flags, dir_fd=folder), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                return PathState("other")
            data = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    if len(data) > MAX_BYTES:
        raise FileProblem(f"{path.name!r} is too large (over {MAX_BYTES // 1_000_000} MB)")
    return PathState("file", stat.S_IMODE(found.st_mode), data)


def _put(path: Path, state: PathState, expected: PathState, folder: int) -> None:
    if state.kind == "absent":
        _check(path, expected, folder)
        os.unlink(path.name, dir_fd=folder)
    elif state.kind == "link" or expected.kind != "file":
        _put_new(path, state, expected, folder, owner=None)
    else:
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(path.name, flags, dir_fd=folder), "rb") as file:
            found = os.fstat(file.fileno())
            if state.data == expected.data:
                _check(path, expected, folder)
                os.fchmod(file.fileno(), state.mode)
                os.fsync(file.fileno())
            elif found.st_nlink > 1:
                _write_in_place(path, state, expected, folder)
            else:
                _put_new(path, state, expected, folder, owner=found)


def _put_new(path: Path, state: PathState, expected: PathState, folder: int, *, owner: os.stat_result | None) -> None:
    """Make it under another name, and give it its own once it is complete."""
    # A name may have 255 bytes, and a character four.
    temporary = f".{path.name[:40]}.{secrets.token_hex(4)}"
    try:
        if state.kind == "link":
            os.symlink(state.link, temporary, dir_fd=folder)
        else:
            _write_new(temporary, state, owner, folder)
        _check(path, expected, folder)
        if expected.kind == "absent" and state.kind == "file":
            with contextlib.suppress(PermissionError):  # a file system without links
                # A link fails where the name was taken meanwhile, which a rename does not.
                os.link(temporary, path.name, src_dir_fd=folder, dst_dir_fd=folder)
                return
        os.rename(temporary, path.name, src_dir_fd=folder, dst_dir_fd=folder)
    except FileExistsError:
        raise _changed(path) from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)


def _write_new(name: str, state: PathState, owner: os.stat_result | None, folder: int) -> None:
    with os.fdopen(os.open(name, _NEW_FILE, 0o600, dir_fd=folder), "wb") as file:
        file.write(state.data)
        file.flush()
        if owner is not None:
            with contextlib.suppress(PermissionError):
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        os.fchmod(file.fileno(), state.mode)
        os.fsync(file.fileno())


def _write_in_place(path: Path, state: PathState, expected: PathState, folder: int) -> None:
    """Write into the file that has other names as well; what was in it where that fails."""
    with os.fdopen(
        os.open(path.name, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder), "r+b", buffering=0
    ) as file:
        _check(path, expected, folder)
        try:
            _overwrite(file.fileno(), state.data)
            os.fchmod(file.fileno(), state.mode)
            os.fsync(file.fileno())
        except OSError:
            # The old bytes have their room on the disk still: it is made smaller only at the end.
            _overwrite(file.fileno(), expected.data)
            os.fchmod(file.fileno(), expected.mode)
            raise


def _overwrite(descriptor: int, data: bytes) -> None:
    written = 0
    while written < len(data):
        written += os.pwrite(descriptor, data[written:], written)
    os.ftruncate(descriptor, len(data))


def _check(path: Path, expected: PathState, folder: int) -> None:
    """Look once more, right before it is done."""
    if _look(path, path.name, folder) != expected:
        raise _changed(path)


def _changed(path: Path) -> FileProblem:
    return FileProblem(f"{path.name!r} was changed meanwhile, and is kept")


@contextlib.contextmanager
def _folder(folder: Path) -> Iterator[int]:
    """`folder`, opened step by step so that no link is followed; made where it is missing."""
    descriptor = os.open(folder.anchor, _ON_THE_WAY)
    try:
        for part in folder.parts[1:]:
            inner = _opened(part, descriptor)
            os.close(descriptor)
            descriptor = inner
        readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=descriptor)
    finally:
        os.close(descriptor)
    try:
        yield readable
    finally:
        os.close(readable)


def _opened(part: str, folder: int) -> int:
    try:
        return os.open(part, _ON_THE_WAY, dir_fd=folder)
    except FileNotFoundError:
        os.mkdir(part, dir_fd=folder)
        # As open to others as the one that it is in.
        os.chmod(part, stat.S_IMODE(os.fstat(folder).st_mode), dir_fd=folder)
        return os.open(part, _ON_THE_WAY, dir_fd=folder)
    except OSError as error:
        # Which of the two says that it is a link depends on the system.
        if error.errno not in (errno.ENOTDIR, errno.ELOOP):
            raise
        raise NotADirectoryError(error.errno, f"{part!r} on the way to it is a link now, or no folder") from error
