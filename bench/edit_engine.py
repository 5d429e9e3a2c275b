"""What the edit engine costs: for each line and each keystroke, and on top of the event stream that it reads.

The first part steps a live edit by hand at three sizes of document, and says how the time grows with them. The second
plays one long answer, and sets the CPU of a whole job, edits in the editor included, beside that of reading the client
library's raw events and doing nothing with them.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

from stream import library, ours

from claude_ls.editing.events import (
    Command,
    DocumentChanged,
    EditAnswered,
    HunkClaimed,
    HunkGrew,
    HunksWritten,
    SendEdit,
)
from claude_ls.editing.hunk import Label
from claude_ls.editing.live import KEPT_HUNKS, LiveEdit
from claude_ls.text.document import Document
from claude_ls.text.patch import Span, TextEdit
from claude_ls.text.rebase import sequential

SIZES = (1_000, 10_000, 100_000)
REGION_LINES = 40
STEPS = 200
ANSWER_LINES = 80
ANSWER_COLUMNS = 100
"""Eighty lines of a hundred characters are two thousand deltas of four."""
ROUNDS = 9
LIMIT = 1.2
"""For changes that land whole. Lines that land as they are written are seventy edits instead of one."""

LABEL = Label("Claude", "bench")


def line(number: int) -> str:
    return f"    value_{number} = some_function({number})\n"


def opened(size: int) -> Document:
    return Document.opened("file:///bench.py", "python", 1, "".join(map(line, range(size))))


def region(document: Document) -> Span:
    """Some lines in the middle, without their last break."""
    first = len(document.lines.starts) // 2
    return Span(document.lines.starts[first], document.line_span(first + REGION_LINES - 1).end)


def echo(live: LiveEdit, commands: list[Command], at: float) -> None:
    """Do what an editor does with an edit."""
    for command in commands:
        if isinstance(command, SendEdit):
            version = command.document.version + 1
            live.step(DocumentChanged(command.document.edited(version, sequential(command.patch))), at)
            echo(live, live.step(EditAnswered(command.request, True), at), at)


def keystrokes(live: LiveEdit) -> Iterator[float]:
    """Microseconds of the thread for taking each of many keys that are typed far from Claude's lines."""
    for step in range(STEPS):
        document = live.document.edited(live.document.version + 1, [TextEdit(10 + step, 10 + step, "x")])
        before = time.thread_time()
        live.step(DocumentChanged(document), 0.0)
        yield (time.thread_time() - before) * 1e6


def while_waiting(size: int) -> Iterator[float]:
    live = LiveEdit(opened(size))
    live.step(HunkClaimed("h", LABEL, region(live.document)))
    yield from keystrokes(live)


def while_in_flight(size: int) -> Iterator[float]:
    live = LiveEdit(opened(size))
    live.step(HunkClaimed("h", LABEL, region(live.document)))
    live.step(HunksWritten((("h", "new text\n" * REGION_LINES),)))
    yield from keystrokes(live)


def after_many_hunks(size: int) -> Iterator[float]:
    live = LiveEdit(opened(size))
    starts = live.document.lines.starts
    for number in range(KEPT_HUNKS):
        first = starts[len(starts) - 2 - KEPT_HUNKS + number]
        live.step(HunkClaimed(f"h{number}", LABEL, Span(first, first + 9)))
    texts = tuple((f"h{number}", "    other") for number in range(KEPT_HUNKS))
    echo(live, live.step(HunksWritten(texts), 0.0), 0.0)
    yield from keystrokes(live)


def edited(size: int) -> Iterator[float]:
    """Our copy of the document alone, for comparison."""
    document = opened(size)
    for step in range(STEPS):
        before = time.thread_time()
        document = document.edited(step + 2, [TextEdit(10 + step, 10 + step, "x")])
        yield (time.thread_time() - before) * 1e6


def lines_landing(size: int) -> Iterator[float]:
    """Microseconds for each line that grows a hunk, up to the edit that is sent for it."""
    live = LiveEdit(opened(size))
    at = 0.0
    for number in range(STEPS // REGION_LINES):
        name = f"h{number}"
        live.step(HunkClaimed(name, LABEL, region(live.document)), at)
        text = ""
        for step in range(REGION_LINES):
            text += line(step).replace("some", f"other_{number}")
            at += 1.0
            before = time.thread_time()
            commands = live.step(HunkGrew(name, text), at)
            yield (time.thread_time() - before) * 1e6
            assert any(isinstance(command, SendEdit) for command in commands)
            echo(live, commands, at)
        echo(live, live.step(HunksWritten(((name, text.removesuffix("\n")),)), at), at)


PARTS: dict[str, Callable[[int], Iterator[float]]] = {
    "a line of a growing hunk": lines_landing,
    "a key, hunk waiting": while_waiting,
    f"a key, {REGION_LINES} edits in flight": while_in_flight,
    f"a key, {KEPT_HUNKS} hunks followed": after_many_hunks,
    "our copy of the document alone": edited,
}


def answer(text: str) -> str:
    """A script that rewrites all of `text`."""
    return "-- claude --\n>>> rewrite_region\nnew_text:\n" + "".join(f"|{part}\n" for part in text.splitlines())


def on_top_of_the_stream() -> bool:
    """Print what each way of landing costs; whether those that land whole are within the limit."""
    old = "".join(f"value_{number} = {'x' * (ANSWER_COLUMNS - 12)}\n" for number in range(ANSWER_LINES))
    modes = ("final", "hunk", "line")
    with tempfile.NamedTemporaryFile("w", suffix=".script") as file:
        file.write(answer(old.replace("xx", "yx")) * ((len(modes) + 1) * (ROUNDS + 1)))
        file.flush()
        command = [sys.executable, "-m", "claude_ls", "replay", file.name]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            spent: dict[str, list[float]] = {}
            deltas = 0
            for number in range(ROUNDS + 1):
                raw, deltas = asyncio.run(library(url))
                found = {"raw": raw}
                found |= {mode: asyncio.run(ours(url, old, {"streaming": mode})) for mode in modes}
                for name, seconds in found.items() if number else ():
                    spent.setdefault(name, []).append(seconds)
            server.kill()
    peer = statistics.median(spent["raw"])
    print(f"\n{deltas} deltas as the library's raw events: {peer / deltas * 1e6:6.1f} µs of CPU for each")
    within = True
    for mode in modes:
        mine = statistics.median(spent[mode])
        ratio = mine / peer
        within &= ratio <= LIMIT or mode == "line"
        limit = "" if mode == "line" else f" (limit {LIMIT})"
        print(f"  a whole job, streaming = {mode:6}     {mine / deltas * 1e6:6.1f} µs   ratio {ratio:.2f}{limit}")
    return within


def main() -> int:
    print(f"{'µs, median (99th percentile)':34}" + "".join(f"{size:>16,} lines" for size in SIZES) + "   growth")
    for name, measure in PARTS.items():
        medians, cells = [], []
        for size in SIZES:
            values = sorted(measure(size))
            medians.append(statistics.median(values))
            cells.append(f"{medians[-1]:8.0f} ({values[int(len(values) * 0.99)]:6.0f})")
        print(f"{name:34}" + "".join(f"{cell:>22}" for cell in cells) + f"   × {medians[-1] / medians[0]:.1f}")
    return 0 if on_top_of_the_stream() else 1


if __name__ == "__main__":
    sys.exit(main())
