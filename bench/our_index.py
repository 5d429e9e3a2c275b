"""Our index in a process of its own, as `index.py` asks for it: one JSON line with what it took."""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
from pathlib import Path
from threading import Event

started = time.perf_counter()

from claude_ls.agent.usage import CHARACTERS_PER_TOKEN, estimated_tokens  # noqa: E402
from claude_ls.index.folder_index import FolderIndex  # noqa: E402
from claude_ls.index.reading import read_files  # noqa: E402

MAP_TOKENS = 4096


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("cold", "warm", "changed", "context"))
    parser.add_argument("root", type=Path)
    parser.add_argument("state", type=Path)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    imports = time.perf_counter() - started
    begun, used = time.perf_counter(), _cpu()
    index = FolderIndex(given.root, given.state / "index.db")
    files = 0
    for piece in read_files(given.root, index.stale(), given.processes, Event()):
        index.add(piece)
        files += len(piece)
    text = "\n\n".join(f"{item.path}:\n{item.text}" for item in index.map(int(MAP_TOKENS * CHARACTERS_PER_TOKEN)))
    wall, cpu = time.perf_counter() - begun, _cpu() - used
    measured = {"wall": wall, "cpu": cpu, "rss": _peak(given.processes), "imports": imports, "files": files}
    measured["map_tokens"] = estimated_tokens(text)
    if given.what == "context":
        times = _contexts(index)
        measured["p50"] = statistics.median(times)
        measured["p99"] = sorted(times)[int(len(times) * 0.99)]
    print(json.dumps(measured))


def _contexts(index: FolderIndex) -> list[float]:
    """Milliseconds for each context of an edit, in some hundred functions of the whole folder."""
    places = [
        (path, tag)
        for path, (tags, *_) in index.dump().items()
        for tag in tags
        if tag.noun in ("function", "method") and tag.last - tag.first > 5
    ]
    times: list[float] = []
    for path, tag in places[:: max(1, len(places) // 400)]:
        for again in (False, True):
            begun = time.perf_counter()
            index.context(path, tag.first, tag.last, int(4096 * CHARACTERS_PER_TOKEN))
            if again:  # warm: the person has asked here before, or the editor has shown the file
                times.append((time.perf_counter() - begun) * 1000)
    return times


def _cpu() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _peak(processes: int) -> float:
    """Megabytes: our peak, and that of each process that reads."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return (own.ru_maxrss + processes * children.ru_maxrss) / 1024


if __name__ == "__main__":
    main()
