"""A temporary folder of our own, which is gone afterwards, also where the process that made it died.

Whether its maker lives is told by a lock on a file in it rather than by a process id: ids are given out again, and mean
nothing to a container that shares the folder for temporary files.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from pathlib import Path

PREFIX = "claude-ls-check-"
_UNFINISHED = "claude-ls-new-"
_LOCK = "lock"


class Scratch:
    """`path` is empty but for a lock, and readable by the person alone, until `close`."""

    def __init__(self, base: Path | None = None) -> None:
        """`OSError` where `base`, by default the system's folder for temporary files, cannot be used."""
        base = Path(os.path.realpath(base or tempfile.gettempdir()))
        sweep(base)
        made = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=base))
        try:
            self._lock = os.open(made / _LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Only now does it have a name that others would sweep.
            self.path = made.rename(made.with_name(PREFIX + made.name.removeprefix(_UNFINISHED)))
        except OSError:
            remove_tree(made)
            raise

    def close(self) -> None:
        """Remove it and all that is in it; what cannot be removed now is left to the next who sweeps."""
        remove_tree(self.path)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def sweep(base: Path) -> None:
    """Remove from `base` the folders of processes that are gone."""
    try:
        entries = list(os.scandir(base))
    except OSError:
        return
    for entry in entries:
        if not entry.name.startswith(PREFIX):
            continue
        with contextlib.suppress(OSError):
            found = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and _is_left(Path(entry.path)):
                remove_tree(Path(entry.path))


def _is_left(folder: Path) -> bool:
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


def remove_tree(path: Path) -> None:
    """Remove a file or folder and all that is in it, links not followed, as far as that is allowed."""
    try:
        if not stat.S_ISDIR(path.lstat().st_mode):
            path.unlink()
            return
    except OSError:
        return
    shutil.rmtree(path, ignore_errors=True)
    if path.exists():
        # A program may have left folders that not even their owner may look into.
        with contextlib.suppress(OSError):
            path.chmod(0o700)
            for folder, names, _ in os.walk(path):
                for name in names:
                    inner = Path(folder, name)
                    if not inner.is_symlink():
                        inner.chmod(0o700)
        shutil.rmtree(path, ignore_errors=True)
