"""What tools need of a project and git does not show: installed packages, which a copy gets by symbolic links.

Only what tools read is linked. What they write (``target``, ``.mypy_cache``, ``node_modules/.cache``) is made in the
copy itself and stays there from one check to the next.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

TOOL_FOLDERS = (
    ".venv",
    "venv",  # Python
    "__pypackages__",
    "node_modules",  # JavaScript; in the copy a real folder, with a link for each package
    ".yarn/cache",
    ".yarn/unplugged",
    "vendor",  # PHP, Ruby, Go
    ".bundle",
)
"""Linked where the folder is there, is not shown by git, and does not lead out of the project."""
MANIFESTS = frozenset({"package.json", "pyproject.toml", "setup.py", "composer.json", "go.mod", "Gemfile"})
"""Beside these, and at the top, such folders are looked for."""
_HIDDEN_PACKAGES = frozenset({".bin", ".pnpm", ".package-lock.json", ".modules.yaml", ".yarn-integrity"})
"""What of the hidden files in ``node_modules`` is part of what was installed; the others are caches."""


def tool_links(folder: Path, copy: Path, shown: Collection[str]) -> dict[str, str]:
    """From a path in `copy` to what it must be a link to. `folder` is a real path, `shown` what git shows of it."""
    inner = {path.rpartition("/")[0] for path in shown}
    for path in list(inner):
        while path:
            path = path.rpartition("/")[0]
            inner.add(path)
    places = {"", *(path.rpartition("/")[0] for path in shown if path.rpartition("/")[2] in MANIFESTS)}
    links: dict[str, str] = {}
    for place in places:
        for name in TOOL_FOLDERS:
            path = f"{place}/{name}" if place else name
            found = folder / path
            if path in inner or not found.is_dir() or not _inside(folder, found):
                continue
            if name == "node_modules":
                links.update(_packages(folder, copy, path))
            else:
                links[path] = str(found)
    return links


def _packages(folder: Path, copy: Path, path: str) -> Iterator[tuple[str, str]]:
    """A link for each package. A package of the project itself is one to the copy: there its changes are."""
    for entry in _entries(folder / path):
        inner = f"{path}/{entry.name}"
        if entry.name.startswith("."):
            if entry.name in _HIDDEN_PACKAGES:
                yield inner, entry.path
        elif entry.is_symlink():
            real = Path(os.path.realpath(entry.path))
            if not _inside(folder, real):
                continue
            own = real.relative_to(folder)
            yield inner, entry.path if "node_modules" in own.parts else str(copy / own)
        elif entry.name.startswith("@") and entry.is_dir():
            yield from _packages(folder, copy, inner)
        else:
            yield inner, entry.path


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return list(os.scandir(folder))
    except OSError:
        return []


def _inside(folder: Path, path: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(folder)
