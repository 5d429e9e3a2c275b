"""From process start to the answer to `initialize`, beside a bare pygls server."""

from __future__ import annotations

import statistics
import sys

from lsp_peer import Peer

RUNS = 15
LIMIT = 1.15
BARE = """
from pygls.lsp.server import LanguageServer
LanguageServer("bare", "1").start_io()
"""


def main() -> int:
    commands = {
        "claude-ls": [sys.executable, "-m", "claude_ls", "--stdio"],
        "bare pygls": [sys.executable, "-c", BARE],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for run in range(RUNS + 1):
        for name, command in commands.items():
            peer = Peer(command)
            seconds = peer.initialize()
            peer.process.kill()
            peer.process.wait()
            if run:  # the first one of each warms the disk
                times[name].append(seconds * 1000)
    ours, bare = (statistics.median(times[name]) for name in commands)
    for name, values in times.items():
        print(f"{name:12} median {statistics.median(values):6.0f} ms   best {min(values):6.0f} ms")
    print(f"ratio {ours / bare:.2f} (limit {LIMIT})")
    return 0 if ours / bare <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
