"""Code actions all over a 10,000-line file, beside `ruff server` on the same file.

Twice: while the text stays as it is (that is the limit), and with a keystroke before each request, where the answer
waits for the tree to be brought up to date: tree-sitter's Python grammar parses nearly all below an edit again.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

from lsp_peer import Peer

LINES = 10_000
REQUESTS = 200
LIMIT_MS = 10.0
FUNCTION = '''\
def function_{n}(first, second, *, keep=True):
    """Adds them up, the slow way."""
    total = first
    for step in range(second):
        if step % 2 and keep:
            total += step  # counts
        else:
            total -= 1
    return [total, {{"n": {n}, "é𝒳": "…"}}]

'''


def measure(command: list[str], text: str, environ: dict[str, str], *, typing: bool) -> tuple[float, list[float]]:
    """The first answer, and the rest, in milliseconds."""
    peer = Peer(command, environ)
    peer.initialize()
    peer.notify("initialized", {})
    uri = "file:///bench/big.py"
    document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
    peer.notify("textDocument/didOpen", {"textDocument": document})
    functions = text.count("def ")
    times: list[float] = []
    for number in range(REQUESTS + 1):
        # The third line of some function: what is typed there makes another name or blanks, as typing mostly does.
        place = {"line": (number * 37 % functions) * FUNCTION.count("\n") + 2, "character": 4}
        if number and typing:
            change = {"range": {"start": place, "end": place}, "text": "x" if number % 2 else " "}
            identifier = {"uri": uri, "version": number + 1}
            peer.notify("textDocument/didChange", {"textDocument": identifier, "contentChanges": [change]})
        params = {
            "textDocument": {"uri": uri},
            "range": {"start": place, "end": place},
            "context": {"diagnostics": []},
        }
        before = time.perf_counter()
        peer.request("textDocument/codeAction", params)
        times.append((time.perf_counter() - before) * 1000)
    peer.stop()
    return times[0], times[1:]


def main() -> int:
    count = LINES // (FUNCTION.count("\n"))
    text = "".join(FUNCTION.format(n=n) for n in range(count))
    environ = {"ANTHROPIC_API_KEY": "bench"}
    ruff = str(Path(sys.executable).parent / "ruff")
    worst: dict[str, float] = {}
    for typing in (False, True):
        print("after a keystroke:" if typing else f"{text.count(chr(10)):,} lines, text at rest:")
        for name, command in (
            ("claude-ls", [sys.executable, "-m", "claude_ls", "--stdio"]),
            ("ruff server", [ruff, "server"]),
        ):
            first, rest = measure(command, text, environ, typing=typing)
            p99 = statistics.quantiles(rest, n=100)[98]
            worst.setdefault(name, p99)
            print(f"  {name:12} first {first:6.1f} ms   median {statistics.median(rest):6.2f} ms   p99 {p99:6.2f} ms")
    ours, ruff_p99 = worst.values()
    print(f"ratio of p99 at rest {ours / ruff_p99:.2f} (limit: {LIMIT_MS} ms)")
    return 0 if ours <= LIMIT_MS else 1


if __name__ == "__main__":
    sys.exit(main())
