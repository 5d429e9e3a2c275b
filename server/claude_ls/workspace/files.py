"""Our own files: the state folder, readable by the person alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class StateFolder:
    """Where claude-ls keeps what must outlive a request. Nothing is ever written outside of it."""

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
