"""The index of Django's sources, with its tests: cold, warm, and after one file changed; and a context of an edit.

Beside ours, on the same files and in the same run: a bare tree-sitter parse of them (the limit: nothing is read faster
than it is parsed), universal-ctags, and Aider's repository map of the same size. Each is a process of its own; wall and
processor time count from after its imports, with those of its own processes. Medians of `--rounds`, but for Aider cold,
which takes long and is done once.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from peer_environments import pypi_source, python_with

HERE = Path(__file__).parent
CHANGED = "django/db/models/query.py"
PARSE = """
import json, sys, time
from importlib import import_module
from pathlib import Path
from claude_ls.syntax.languages import language_of
from claude_ls.syntax.tree import parser_of
root = Path(sys.argv[1])
names = Path(sys.argv[2]).read_text().split(chr(10))
parsers = [(name, parser_of(language_of("", name))) for name in names]
wall, cpu = time.perf_counter(), time.process_time()
for name, parser in parsers:
    parser.parse((root / name).read_bytes())
print(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "rss": 0}))
"""

Measured = dict[str, float]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without-aider", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary) / "django"
        shutil.copytree(pypi_source("django", "5.2"), root)
        names = Path(temporary) / "names.txt"
        names.write_text("\n".join(_names(root)))
        found: dict[str, list[Measured]] = {}
        for _ in range(given.rounds):
            _measure_ours(root, Path(temporary) / "state", found)
            _take(found, "parse", sys.executable, "-c", PARSE, root, names)
            _measure_ctags(root, found)
        if not given.without_aider:
            _measure_aider(root, names, given.rounds, found)
    return _report(found)


def _names(root: Path) -> list[str]:
    from claude_ls.index.folder_index import is_code
    from claude_ls.workspace.listing import Listing

    return [file.path for file in Listing(root).walk(is_code)]


def _measure_ours(root: Path, state: Path, found: dict[str, list[Measured]]) -> None:
    ours = (sys.executable, HERE / "our_index.py")
    for name, processes in (("cold on one", 1), ("cold", 2)):
        shutil.rmtree(state, ignore_errors=True)
        _take(found, name, *ours, "cold", root, state, "--processes", processes)
    _take(found, "warm", *ours, "warm", root, state)
    with _one_function_more(root / CHANGED):
        _take(found, "changed", *ours, "changed", root, state)
    _take(found, "context", *ours, "context", root, state)


def _measure_ctags(root: Path, found: dict[str, list[Measured]]) -> None:
    if shutil.which("ctags"):
        begun = time.perf_counter()
        subprocess.run(["ctags", "-R", "-f", "-", root], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found.setdefault("ctags", []).append({"wall": time.perf_counter() - begun, "cpu": 0, "rss": 0})


def _measure_aider(root: Path, names: Path, rounds: int, found: dict[str, list[Measured]]) -> None:
    aider = (python_with("aider", "aider-chat==0.86.2"), HERE / "aider_index.py", root, names)
    _take(found, "Aider cold", *aider)
    for _ in range(rounds):
        _take(found, "Aider warm", *aider)
        with _one_function_more(root / CHANGED):
            _take(found, "Aider changed", *aider)
        _take(found, "Aider settled", *aider)  # so that what was changed back is in its cache


class _one_function_more:  # noqa: N801 - it is used as a function is
    """While it lasts, the file has one function more than it had."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        self._text = self._path.read_text()
        self._path.write_text(f"{self._text}\n\ndef one_function_more(of_them):\n    return of_them\n")

    def __exit__(self, *_: object) -> None:
        self._path.write_text(self._text)


def _take(found: dict[str, list[Measured]], name: str, *command: Any) -> None:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        sys.stderr.write(f"{name}: {done.stderr[-2000:]}\n")
        return
    found.setdefault(name, []).append(json.loads(done.stdout.strip().split("\n")[-1]))


def _report(found: dict[str, list[Measured]]) -> int:
    def median(name: str, key: str) -> float:
        return statistics.median(item[key] for item in found[name]) if name in found else float("nan")

    print("| | wall s | processor s | peak MB |\n| --- | ---: | ---: | ---: |")
    for name in found:
        if name not in ("context", "Aider settled"):
            cpu, peak = median(name, "cpu"), median(name, "rss")
            cells = (f"{cpu:.2f}" if cpu else "", f"{peak:.0f}" if peak else "")
            print(f"| {name} | {median(name, 'wall'):.2f} | {cells[0]} | {cells[1]} |")
    print(f"\na context, warm: p50 {median('context', 'p50'):.1f} ms, p99 {median('context', 'p99'):.1f} ms\n")
    goals = [
        ("cold on one core, processor ÷ bare parse", median("cold on one", "cpu") / median("parse", "cpu"), 1.6),
        ("cold on two ÷ Aider cold", median("cold", "wall") / median("Aider cold", "wall"), 1 / 7),
        ("warm ÷ Aider warm", median("warm", "wall") / median("Aider warm", "wall"), 1 / 25),
        ("one file changed ÷ Aider's", median("changed", "wall") / median("Aider changed", "wall"), 1 / 50),
        ("peak memory ÷ Aider's, cold", median("cold", "rss") / median("Aider cold", "rss"), 1 / 3),
        ("context p99, in units of 30 ms", median("context", "p99") / 30, 1.0),
    ]
    print("| ratio | measured | limit | |\n| --- | ---: | ---: | --- |")
    missed = False
    for name, ratio, limit in goals:
        over = not ratio <= limit and ratio == ratio
        missed = missed or over
        print(f"| {name} | {ratio:.3f} | {limit:.3f} | {'MISSED' if over else ''} |")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
