"""Tells when one of a few files was changed by somebody, without asking again and again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver

POLL_SECONDS = 2.0

_log = logging.getLogger(__name__)


class FileWatch(Protocol):
    """Whoever can watch files, and calls back as it was told to when it was made."""

    def follow(self, paths: frozenset[Path]) -> None:
        """Watch exactly these from now on."""

    def close(self) -> None:
        """Watch nothing any more."""


class Watcher:
    """Watches the folders that the files are in, by what the system tells; every two seconds where it cannot tell.

    `changed` is called with the path, by way of `call`, which brings it to the right thread.
    """

    def __init__(self, call: Callable[[Callable[[], None]], object], changed: Callable[[Path], None]) -> None:
        self._call = call
        self._changed = changed
        self._paths: frozenset[Path] = frozenset()
        self._observer: BaseObserver | None = None

    def follow(self, paths: frozenset[Path]) -> None:
        if paths == self._paths:
            return
        self.close()
        self._paths = paths
        folders = {path.parent for path in paths if path.parent.is_dir()}
        if not folders:
            return
        from watchdog.observers import Observer
        from watchdog.observers.polling import PollingObserver

        try:
            self._observer = self._started(Observer(), folders)
        except OSError as error:
            _log.warning("files are looked at every %.0f seconds, as the system cannot tell: %s", POLL_SECONDS, error)
            self._observer = self._started(PollingObserver(timeout=POLL_SECONDS), folders)

    def close(self) -> None:
        if self._observer is not None:
            # Its thread ends by itself; to wait for it would be to wait for the system.
            self._observer.stop()
            self._observer = None
        self._paths = frozenset()

    def _started(self, observer: BaseObserver, folders: set[Path]) -> BaseObserver:
        from watchdog.events import FileSystemEventHandler

        handler = FileSystemEventHandler()
        handler.on_any_event = self._happened  # type: ignore[method-assign]
        observer.daemon = True
        for folder in folders:
            observer.schedule(handler, str(folder))
        observer.start()
        return observer

    def _happened(self, event: FileSystemEvent) -> None:
        if event.event_type in ("opened", "closed_no_write"):
            return
        for name in (event.src_path, event.dest_path):
            path = Path(name if isinstance(name, str) else bytes(name).decode("utf-8", "surrogateescape"))
            if path in self._paths:
                self._call(lambda path=path: self._changed(path))  # type: ignore[misc]
