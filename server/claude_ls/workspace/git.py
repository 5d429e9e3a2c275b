"""Asks git what was committed, in folders that the person trusts, and by nothing that a repository could make run code.

Only `rev-parse` and `cat-file`: other commands that only read were seen to run what the repository's own configuration
says (`fsmonitor`, external diffs, filters), these two none of it.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

SECONDS = 5.0
_OPTIONS = ("--no-optional-locks", "--no-pager", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
_ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


@dataclass(frozen=True)
class Repository:
    """`top` is the working tree, `log` a file that grows with each commit."""

    top: Path
    log: Path

    def committed(self, path: Path) -> str | None:
        """The text of a file in the newest commit; None where it is not in it, or is no text."""
        if not path.is_relative_to(self.top):
            return None
        data = _git(self.top, "cat-file", "blob", f"HEAD:{path.relative_to(self.top).as_posix()}")
        try:
            return None if data is None else data.decode("utf-8")
        except UnicodeDecodeError:
            return None


def find_repository(folder: Path) -> Repository | None:
    """The repository that `folder` is in; None where it is in none, or there is no git."""
    data = _git(folder, "rev-parse", "--show-toplevel", "--absolute-git-dir")
    if data is None:
        return None
    top, git = os.fsdecode(data).rstrip("\n").split("\n")
    return Repository(Path(top).resolve(), Path(git).resolve() / "logs" / "HEAD")


def _git(folder: Path, *arguments: str) -> bytes | None:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        ran = subprocess.run(
            ["git", *_OPTIONS, *arguments],
            cwd=folder,
            env=environ | _ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ran.stdout if ran.returncode == 0 else None
