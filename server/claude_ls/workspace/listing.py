"""Which files of a folder git would show: neither ignored nor private to tools, links not followed."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILES = (".gitignore", ".ignore", ".claudeignore")
"""Later ones win, as does a file further in."""
_RULES = frozenset(IGNORE_FILES)
NEVER = frozenset({".git", ".hg", ".svn", ".jj", "node_modules", "__pycache__", ".venv"})
"""Folders that are never looked into, whatever the rules say."""
MAX_FILES = 200_000
MAX_RULES = 200_000
"""Bytes of an ignore file; a longer one is no list of rules."""


class ListedFile(NamedTuple):
    """`path` is relative to the folder, with slashes; `stamp` changes whenever it does, `mode` is as in `stat`."""

    path: str
    stamp: str
    size: int
    mode: int = stat.S_IFREG


@dataclass(frozen=True, slots=True)
class _Rules:
    """The rules of one folder, which hold for paths that begin with `prefix`. What `any` does not match at all, which
    is most of a folder, need not be looked at rule by rule."""

    prefix: str
    spec: GitIgnoreSpec
    any: re.Pattern[str]


@dataclass
class Listing:
    """What of the folder `root` is shown. Rules are read anew by each `walk`."""

    root: Path
    truncated: bool = False
    """Whether there were more files than anybody could want to look at."""
    _chains: dict[str, tuple[_Rules, ...]] = field(default_factory=dict)

    def walk(self, wanted: Callable[[str], bool] = lambda name: True, any_kind: bool = False) -> Iterator[ListedFile]:
        """All files with a `wanted` name, each once, in the order of their folders; links and pipes if asked for."""
        self._chains.clear()
        self.truncated = False
        count = 0
        root, by_name = str(self.root), attrgetter("name")
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            try:
                entries = sorted(os.scandir(f"{root}/{folder}"), key=by_name)
            except OSError:
                continue
            # Most folders have no rules of their own, and to look for them would take longer than all the rest.
            if folder and _RULES.isdisjoint([entry.name for entry in entries]):
                self._chains[folder] = self._chain(folder.rpartition("/")[0])
            chain = self._chain(folder)
            inner: list[str] = []
            for entry in entries:
                # In a worktree or a submodule it is a file, which says where the repository is.
                if entry.name == ".git":
                    continue
                path = f"{folder}/{entry.name}" if folder else entry.name
                try:
                    if entry.is_dir(follow_symlinks=False):
                        if entry.name not in NEVER and not (chain and _ignored(chain, path + "/")):
                            inner.append(path)
                    elif wanted(entry.name) and (any_kind or entry.is_file(follow_symlinks=False)):
                        if chain and _ignored(chain, path):
                            continue
                        found = entry.stat(follow_symlinks=False)
                        count += 1
                        yield ListedFile(path, stamp_of(found), found.st_size, found.st_mode)
                except OSError:
                    continue
                if count >= MAX_FILES:
                    self.truncated = True
                    return
            inner.reverse()
            waiting += inner

    def look(self, path: str) -> ListedFile | None:
        """The file of this path; None where there is none, or where it is not shown."""
        try:
            found = (self.root / path).lstat()
        except OSError:
            return None
        if not stat.S_ISREG(found.st_mode) or not self.shows(path):
            return None
        return ListedFile(path, stamp_of(found), found.st_size, found.st_mode)

    def shows(self, path: str) -> bool:
        """Whether a file of this path is shown, once there is one."""
        folder = ""
        for part in path.split("/")[:-1]:
            chain = self._chain(folder)
            folder = f"{folder}/{part}" if folder else part
            if part in NEVER or (self.root / folder).is_symlink() or _ignored(chain, folder + "/"):
                return False
        return path.rpartition("/")[2] != ".git" and not _ignored(self._chain(folder), path)

    def _chain(self, folder: str) -> tuple[_Rules, ...]:
        """The rules that hold for what is in `folder`, the outermost first."""
        known = self._chains.get(folder)
        if known is None:
            above = self._chain(folder.rpartition("/")[0]) if folder else ()
            own = self._read(folder)
            known = self._chains[folder] = (*above, own) if own else above
        return known

    def _read(self, folder: str) -> _Rules | None:
        places = [self.root / folder / name for name in IGNORE_FILES]
        if not folder:
            # Of the lists that git itself has, the more general is first.
            places = [_global_list(), self.root / ".git" / "info" / "exclude", *places]
        lines: list[str] = []
        for place in places:
            try:
                if place.is_file() and place.stat().st_size <= MAX_RULES:
                    lines += place.read_text("utf-8", "replace").splitlines()
            except OSError:
                continue
        lines = [line for line in lines if line.strip() and not line.startswith("#")]
        if not lines:
            return None
        from pathspec import GitIgnoreSpec

        spec = GitIgnoreSpec.from_lines(_readable(lines))
        patterns = [pattern.regex.pattern for pattern in spec.patterns if pattern.regex is not None]
        matching = re.compile("|".join(f"(?:{re.sub(r'[?]P<[^>]+>', '?:', pattern)})" for pattern in patterns))
        return _Rules(f"{folder}/" if folder else "", spec, matching)


def _readable(lines: list[str]) -> Iterator[str]:
    """Those of the lines that are rules: git passes over what makes none, and so do we."""
    from pathspec import GitIgnoreSpec

    for line in lines:
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:
            continue
        yield line


def _ignored(chain: tuple[_Rules, ...], path: str) -> bool:
    for rules in reversed(chain):
        inner = path[len(rules.prefix) :]
        if rules.any.search(inner) and (include := _decided(rules.spec, inner)) is not None:
            return include
    return False


def _decided(spec: GitIgnoreSpec, path: str) -> bool | None:
    """What the last rule says that is about `path` itself. The library takes a rule for a folder to be about all that
    is in it as well, but whoever looks at one folder after the other knows that already; `!*.log` shows no folder in
    `a.log` that another rule hides."""
    for pattern in reversed(spec.patterns):
        match = pattern.regex.search(path) if pattern.regex is not None else None
        if match and ("ps_d" not in match.re.groupindex or match.end("ps_d") in (-1, len(path))):
            return pattern.include
    return None


def stamp_of(found: os.stat_result) -> str:
    """What changes whenever the file does."""
    return f"{found.st_size}.{found.st_mtime_ns}.{found.st_ctime_ns}.{found.st_ino}"


def _global_list() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "git" / "ignore"
