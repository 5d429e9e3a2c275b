"""Has many files read by processes of their own: parsing holds Python's lock, and a file can be made to break a parser.

A process that dies, or takes too long over a file, costs that file: it is not tried again before it changes. It is
given some files at a time, and one at a time once these have broken it.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event, Thread

import claude_ls
from claude_ls.index.one_file import Indexed, read_file
from claude_ls.index.travel import from_block, rest_of
from claude_ls.workspace.listing import ListedFile

SECONDS = 20.0
"""How long one file may take."""
TOGETHER = 128
"""Files that a process is given at a time."""
FEW, SMALL = 4, 120_000
"""So few files of no more bytes than these are read here: a process takes longer to start."""
COUNTED = 800
"""Of about so many files or more the words are taken: what many files lean on shows in some of them."""
AHEAD = 4
"""So many pieces may wait for whoever takes them."""
PIPE_BYTES = 1 << 20
"""A process that can write all that it has read goes on with the next files before anybody takes it."""


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
    number = -(-len(queue) // TOGETHER)
    pieces = deque(queue[start::number] for start in range(number))
    one_in = max(1, len(queue) // COUNTED)
    readers = [_Reader(root, one_in, seconds, stop) for _ in range(min(count, number))]
    # Whoever takes the pieces takes time as well: meanwhile no process need be idle.
    done: Queue[list[Indexed] | None] = Queue(AHEAD)
    threads = [Thread(target=reader.work, args=(pieces, done), name="claude-ls-reading") for reader in readers]
    for thread in threads:
        thread.start()
    try:
        working = len(threads)
        while working and not stop.is_set():
            try:
                piece = done.get(timeout=0.5)
            except Empty:
                continue
            if piece is None:
                working -= 1
            else:
                yield piece
    finally:
        for reader in readers:
            reader.kill()
        for thread in threads:  # They end with their processes.
            thread.join()


class _Reader:
    """One process, started when it is first needed and again after it broke, and the thread that waits for it."""

    def __init__(self, root: Path, one_in: int, seconds: float, stop: Event) -> None:
        self._root = root.absolute()
        self._one_in = one_in
        self._seconds = seconds
        self._stop = stop
        self._over = False
        self._process: subprocess.Popen[bytes] | None = None

    def work(self, pieces: deque[list[ListedFile]], done: Queue[list[Indexed] | None]) -> None:
        """Read one of `pieces` after the other, until there are none or it is over; then say so."""
        try:
            while not self._stopped:
                try:
                    piece = pieces.popleft()
                except IndexError:
                    break
                self._hand_over(self.read(piece), done)
        finally:
            self.close()
            self._hand_over(None, done)

    def _hand_over(self, piece: list[Indexed] | None, done: Queue[list[Indexed] | None]) -> None:
        while not self._stopped:
            with contextlib.suppress(Full):
                done.put(piece, timeout=0.5)
                return

    def read(self, files: Sequence[ListedFile]) -> list[Indexed]:
        """All at once; where that breaks, one after the other, to find the file that does it."""
        found = self._asked(files)
        if found is not None:
            return found
        each: list[Indexed] = []
        for file in files:
            if self._stopped:
                break
            each += self._asked([file]) or [Indexed(file.path, file.stamp)]
        return each

    def _asked(self, files: Sequence[ListedFile]) -> list[Indexed] | None:
        """What the process says of `files`; None where it does not, or not in time, and then it is ended."""
        try:
            self._send(files)
            found = from_block(*self._received())
            if [file.path for file in found] == [file.path for file in files]:
                return found
        except (OSError, ValueError):
            pass
        self.close()
        return None

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
            self._process = None

    def _send(self, files: Sequence[ListedFile]) -> None:
        if self._process is None:
            package = str(Path(claude_ls.__file__).parents[1])
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "claude_ls.index.worker", str(self._root), str(self._one_in)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pipesize=PIPE_BYTES,
                stderr=subprocess.DEVNULL,
                env={"PYTHONPATH": package, "PYTHONDONTWRITEBYTECODE": "1"},
                cwd="/",
            )
        assert self._process.stdin is not None
        asked = [[file.path, file.stamp, file.size] for file in files]
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        self._process.stdin.flush()

    def _received(self) -> tuple[bytes, bytes]:
        """A line and what comes behind it; `ValueError` where that does not come in time, or the process has ended."""
        assert self._process is not None and self._process.stdout is not None
        deadline = time.monotonic() + self._seconds
        descriptor = self._process.stdout.fileno()
        got = bytearray()
        line, wanted = b"", 0
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while not line or len(got) < wanted:
                left = deadline - time.monotonic()
                if left <= 0 or self._stopped:
                    raise ValueError("too late")
                if selector.select(min(left, 0.5)):
                    piece = os.read(descriptor, PIPE_BYTES)
                    if not piece:
                        raise ValueError("it has ended")
                    got += piece
                    if not line and b"\n" in piece:
                        end = got.index(b"\n") + 1
                        line = bytes(got[:end])
                        del got[:end]
                        wanted = rest_of(line)
        return line, bytes(got)
