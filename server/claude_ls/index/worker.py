"""A process that reads files for the index: a line with names comes in, what is in these files goes out, until the
input ends. Nobody waits for it, so it gives way to whoever else wants the processor."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import sys
from pathlib import Path

from claude_ls.index.one_file import read_file
from claude_ls.index.travel import as_block
from claude_ls.workspace.listing import ListedFile

NICENESS = 10


def main() -> None:
    """Serve until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in a terminal is for whoever started us.
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    # What is made here has no circles, and is much: to look for some would take a twentieth of the time.
    gc.disable()
    root, one_in = Path(sys.argv[1]), int(sys.argv[2])
    for line in sys.stdin.buffer:
        found = []
        for path, stamp, size in json.loads(line):
            found.append(read_file(root, ListedFile(path, stamp, size), one_in))
        sys.stdout.buffer.write(as_block(found))
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
