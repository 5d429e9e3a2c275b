"""Tells which files of a folder were changed by somebody, as far as the system tells us."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver


class TreeWatch(Protocol):
    """Whoever can watch a folder with all that is in it."""

    @property
    def sees(self) -> bool:
        """Whether changes are told of."""
        ...

    def start(self) -> str:
        """Begin; why that cannot be, or nothing. Takes a while in large folders: call it from a thread."""
        ...

    def close(self) -> None: ...


WatchTree = Callable[[Path, Callable[[Callable[[], None]], object], Callable[[Path], None]], TreeWatch]


class TreeWatcher:
    """`changed` is called with each path, by way of `call`, which brings it to the right thread."""

    def __init__(
        self, root: Path, call: Callable[[Callable[[], None]], object], changed: Callable[[Path], None]
    ) -> None:
        self._root = root
        self._call = call
        self._changed = changed
        self._observer: BaseObserver | None = None

    @property
    def sees(self) -> bool:
        """Whether changes are told of."""
        return self._observer is not None and self._observer.is_alive()

    def start(self) -> str:
        """Begin; why that cannot be, or nothing. Takes a while in large folders: call it from a thread."""
        from watchdog.events import FileSystemEventHandler
        from watchdog.observers import Observer

        handler = FileSystemEventHandler()
        handler.on_any_event = self._happened  # type: ignore[method-assign]
        observer = Observer()
        observer.daemon = True
        try:
            observer.schedule(handler, str(self._root), recursive=True)
            observer.start()
        except OSError as error:
            return error.strerror or str(error)
        self._observer = observer
        return ""

    def close(self) -> None:
        if self._observer is not None:
            # Its thread ends by itself; to wait for it would be to wait for the system.
            self._observer.stop()
            self._observer = None

    def _happened(self, event: FileSystemEvent) -> None:
        if event.event_type in ("opened", "closed_no_write") or (event.is_directory and event.event_type == "modified"):
            return
        for name in (event.src_path, event.dest_path):
            path = Path(name if isinstance(name, str) else bytes(name).decode("utf-8", "surrogateescape"))
            if name and ".git" not in path.parts:
                # The loop may have ended while the system was telling.
                with contextlib.suppress(RuntimeError):
                    self._call(lambda path=path: self._changed(path))  # type: ignore[misc]
