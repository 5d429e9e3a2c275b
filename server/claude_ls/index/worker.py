"""A process that reads files for the index: a line with names comes in, a line for each file goes out, until the input
ends. Nobody waits for it, so it gives way to whoever else wants the processor."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from claude_ls.index.folder_index import read_file
from claude_ls.index.store import Indexed
from claude_ls.workspace.listing import ListedFile

NICENESS = 10


def main() -> None:
    """Serve until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in a terminal is for whoever started us.
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    root = Path(sys.argv[1])
    for line in sys.stdin.buffer:
        for path, stamp, size in json.loads(line):
            sys.stdout.buffer.write(as_line(read_file(root, ListedFile(path, stamp, size))))
            sys.stdout.buffer.flush()


def as_line(file: Indexed) -> bytes:
    head = [file.path, file.stamp, file.digest.hex(), file.language, file.tags is not None, file.names, file.words]
    return json.dumps(head).encode() + b"\t" + (file.tags or "").encode() + b"\n"


def from_line(line: bytes) -> Indexed:
    """What `as_line` wrote; `ValueError` where it is anything else."""
    try:
        head, _, tags = line.decode().rstrip("\n").partition("\t")
        path, stamp, digest, language, read, names, words = json.loads(head)
        return Indexed(
            path, stamp, bytes.fromhex(digest), language, tags if read else None, tuple(map(tuple, names)), words
        )
    except TypeError as error:
        raise ValueError(f"not a file's tags: {error}") from error


if __name__ == "__main__":
    main()
