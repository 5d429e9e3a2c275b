"""What stands at a path, as a value, and how to put it back.

A link is never followed at the path itself. Something is put back only in the place of what was expected there, whole
or not at all.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from claude_ls.workspace.files import MAX_BYTES, FileProblem


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
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            return PathState("link", link=str(path.readlink()))
        if stat.S_ISDIR(found.st_mode):
            return PathState("folder")
        if not stat.S_ISREG(found.st_mode):
            return PathState("other")
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
            data = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    except OSError as error:
        raise FileProblem(f"{path.name!r} cannot be read: {error.strerror or error}") from error
    if len(data) > MAX_BYTES:
        raise FileProblem(f"{path.name!r} is too large (over {MAX_BYTES // 1_000_000} MB)")
    return PathState("file", mode, data)


def put_back(path: Path, state: PathState, expected: PathState) -> None:
    """Make of `path` what `state` says, if it is what `expected` says; `FileProblem` otherwise, and nothing is done."""
    now = look(path)
    if now == state:
        return
    if now != expected:
        raise FileProblem(f"{path.name!r} was changed meanwhile, and is kept")
    if now.kind in ("folder", "other"):
        raise FileProblem(f"{path.name!r} is {'a folder' if now.kind == 'folder' else 'no file'} now, and is kept")
    try:
        if state.kind == "absent":
            path.unlink()
        elif state.kind == "link":
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = _free_name(path)
            temporary.symlink_to(state.link)
            temporary.replace(path)
        elif state.kind == "file":
            _put_file(path, state, now)
        else:
            raise FileProblem(f"{path.name!r} was {'a folder' if state.kind == 'folder' else 'no file'} then")
        _sync(path.parent)
    except OSError as error:
        raise FileProblem(f"{path.name!r} cannot be brought back: {error.strerror or error}") from error


def _put_file(path: Path, state: PathState, now: PathState) -> None:
    if now.kind == "file" and now.data == state.data:
        path.chmod(state.mode)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(state.data)
            file.flush()
            os.fchmod(descriptor, state.mode)
            os.fsync(descriptor)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _free_name(path: Path) -> Path:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
    os.close(descriptor)
    Path(name).unlink()
    return Path(name)


def _sync(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
