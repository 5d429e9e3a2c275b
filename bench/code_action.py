"""Code actions all over a 10,000-line file while somebody types in it, beside `ruff server` on the same file."""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

from lsp_peer import Peer

LINES = 10_000
REQUESTS = 300
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


def measure(command: list[str], text: str, environ: dict[str, str]) -> tuple[float, list[float]]:
    """The first answer, and the rest, in milliseconds; a keystroke is sent before each request."""
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
        if number:
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
    figures = {}
    for name, command in (
        ("claude-ls", [sys.executable, "-m", "claude_ls", "--stdio"]),
        ("ruff server", [ruff, "server"]),
    ):
        first, rest = measure(command, text, environ)
        p99 = statistics.quantiles(rest, n=100)[98]
        figures[name] = p99
        print(f"{name:12} first {first:6.1f} ms   median {statistics.median(rest):6.2f} ms   p99 {p99:6.2f} ms")
    ours, ruff_p99 = figures.values()
    print(f"{text.count(chr(10)):,} lines; ratio of p99 {ours / ruff_p99:.2f} (limit: {LIMIT_MS} ms)")
    return 0 if ours <= LIMIT_MS else 1


if __name__ == "__main__":
    sys.exit(main())
