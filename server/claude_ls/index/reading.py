"""Has many files read by processes of their own: parsing holds Python's lock, and a file can be made to break a parser.

A process that dies, or takes too long over a file, costs that file: it is not tried again before it changes.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event

import claude_ls
from claude_ls.index.folder_index import read_file
from claude_ls.index.store import Indexed
from claude_ls.index.worker import from_line
from claude_ls.workspace.listing import ListedFile

SECONDS = 20.0
"""How long one file may take."""
TOGETHER = 64
"""Files that a process is given at a time."""
FEW, SMALL = 4, 120_000
"""So few files of no more bytes than these are read here: a process takes longer to start."""


def processes() -> int:
    """How many processes to read with: one core is left to the editor where there are many."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(8, count if count <= 2 else count - 1))


def read_files(
    root: Path, files: Sequence[ListedFile], count: int, stop: Event, seconds: float = SECONDS
) -> Iterator[list[Indexed]]:
    """What is in `files`, in pieces as they come, until `stop` is set."""
    if len(files) <= FEW and sum(file.size for file in files) <= SMALL:
        yield [read_file(root, file) for file in files]
        return
    # Large ones first and small ones last, so that all processes end at about the same time.
    queue = sorted(files, key=lambda file: -file.size)
    pieces = [queue[start :: max(1, -(-len(queue) // TOGETHER))] for start in range(-(-len(queue) // TOGETHER))]
    readers = [_Reader(root, seconds, stop) for _ in range(min(count, len(pieces)))]
    try:
        # On the way out the threads are waited for; they end with their processes.
        with ThreadPoolExecutor(len(readers), "claude-ls-reading") as threads:
            free = list(readers)
            running: dict[Future[list[Indexed]], _Reader] = {}
            try:
                while (pieces or running) and not stop.is_set():
                    while pieces and free:
                        reader = free.pop()
                        running[threads.submit(reader.read, pieces.pop(0))] = reader
                    done, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
                    for future in done:
                        free.append(running.pop(future))
                        yield future.result()
            finally:
                for reader in readers:
                    reader.kill()
    finally:
        for reader in readers:
            reader.close()


class _Reader:
    """One process, started when it is first needed and again after it broke."""

    def __init__(self, root: Path, seconds: float, stop: Event) -> None:
        self._root = root.absolute()
        self._seconds = seconds
        self._stop = stop
        self._over = False
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""

    def read(self, files: Sequence[ListedFile]) -> list[Indexed]:
        found: list[Indexed] = []
        waiting = list(files)
        while waiting and not self._stopped:
            try:
                self._send(waiting)
                while waiting:
                    line = self._line()
                    if line is None:
                        break
                    file = from_line(line)
                    if file.path != waiting[0].path:
                        raise ValueError("another file than was asked for")
                    found.append(file)
                    waiting.pop(0)
            except (OSError, ValueError):
                pass
            if waiting:
                self.close()
                if not self._stopped:
                    broken = waiting.pop(0)
                    found.append(Indexed(broken.path, broken.stamp))
        return found

    @property
    def _stopped(self) -> bool:
        return self._over or self._stop.is_set()

    def kill(self) -> None:
        """From any thread: whoever is reading comes to an end."""
        self._over = True
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe:
                    pipe.close()
            self._process, self._rest = None, b""

    def _send(self, files: Sequence[ListedFile]) -> None:
        if self._process is None:
            package = str(Path(claude_ls.__file__).parents[1])
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "claude_ls.index.worker", str(self._root)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"PYTHONPATH": package, "PYTHONDONTWRITEBYTECODE": "1"},
                cwd="/",
            )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([[file.path, file.stamp, file.size] for file in files]).encode() + b"\n")
        self._process.stdin.flush()

    def _line(self) -> bytes | None:
        """The next line; None where it does not come in time, or the process has ended."""
        assert self._process is not None and self._process.stdout is not None
        deadline = time.monotonic() + self._seconds
        descriptor = self._process.stdout.fileno()
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while b"\n" not in self._rest:
                left = deadline - time.monotonic()
                if left <= 0 or self._stopped:
                    return None
                if selector.select(min(left, 0.5)):
                    piece = os.read(descriptor, 1 << 20)
                    if not piece:
                        return None
                    self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        return line
