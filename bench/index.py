"""Django's sources indexed from nothing, again with nothing changed, and after one file changed, beside Aider's map.

Everyone gets a copy of the same source distribution, and a process of its own for each measurement, which gives its
own seconds, of the time after its imports, and CPU with its child processes:

- ours: `our_index.py`, cold with one reading process and with two, to a map of 4,096 tokens; and contexts for edits;
- Aider's repository map, as large, of the same files, its cache kept between processes as Aider keeps it;
- `ctags` with all files of the folder that it knows of, its start and the sorting of its tags included;
- a bare parse: the same files read and parsed by the same grammars, one after another, and nothing done with the
  trees. No index that parses can take less of one core.

All take turns, in each of `--rounds` rounds, Aider's cold map too, although it takes longest: machines have moods, and
a ratio of one single run is none. What is printed are medians. Each round changes the same file of about 100 KB once
more, by a function that no round before has added.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from peer_environments import pypi_source, python_with

from claude_ls.syntax.languages import LANGUAGES

HERE = Path(__file__).absolute().parent
CHANGED = Path("django") / "db" / "models" / "query.py"
"""The file that changes."""
FUNCTION = '''

def added_in_round_{number}(queryset, using=None):
    """Return what `queryset` has in the database that `using` names."""
    if using is not None:
        queryset = queryset.using(using)
    return list(queryset)
'''
AIDER_CACHE = ".aider.tags.cache.v*"
SECONDS = 300
"""That one process may take."""
STEPS = ("cold", "warm", "changed")
ONE, TWO = "ours, 1 process", "ours, 2 processes"
OURS = {ONE: 1, TWO: 2}
AIDER, CTAGS, BARE = "Aider", "ctags", "bare parse"
Figures = dict[str, float]
"""What one process printed."""


class Failed(Exception):
    """A contender's process did not give its figures."""


@dataclass
class Results:
    """What all processes printed, by contender and step."""

    each: dict[tuple[str, str], list[Figures]] = field(default_factory=dict)

    def add(self, contender: str, step: str, figures: Figures) -> None:
        self.each.setdefault((contender, step), []).append(figures)

    def has(self, contender: str) -> bool:
        return any(name == contender for name, _ in self.each)

    def leave_out(self, contender: str) -> None:
        self.each = {key: figures for key, figures in self.each.items() if key[0] != contender}

    def median(self, contender: str, step: str, figure: str) -> float:
        return statistics.median(figures[figure] for figures in self.each[contender, step])

    def peak(self, contender: str) -> float:
        """Megabytes, in the step that takes most."""
        return max(self.median(contender, step, "rss") for step in STEPS if (contender, step) in self.each)

    def cell(self, contender: str, step: str, figure: str) -> str:
        return f"{self.median(contender, step, figure):.2f} s" if (contender, step) in self.each else "–"


@dataclass(frozen=True)
class Goal:
    """What a ratio, or a figure of ours alone, must be: at least `limit`, or at most."""

    name: str
    limit: float
    measured: Callable[[Results], float]
    at_least: bool = False

    def reached(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


GOALS = (
    Goal(
        "cold, CPU: ours with 1 process ÷ bare parse",
        1.6,
        lambda got: got.median(ONE, "cold", "cpu") / got.median(BARE, "cold", "cpu"),
    ),
    Goal(
        "cold: Aider ÷ ours with 2 processes",
        7,
        lambda got: got.median(AIDER, "cold", "wall") / got.median(TWO, "cold", "wall"),
        at_least=True,
    ),
    Goal("warm: ours ÷ Aider", 1 / 25, lambda got: got.median(TWO, "warm", "wall") / got.median(AIDER, "warm", "wall")),
    Goal(
        "one file changed: ours ÷ Aider",
        1 / 50,
        lambda got: got.median(TWO, "changed", "wall") / got.median(AIDER, "changed", "wall"),
    ),
    Goal("peak memory: ours ÷ Aider", 1 / 3, lambda got: got.peak(TWO) / got.peak(AIDER)),
    Goal("context for an edit, p99, milliseconds", 30, lambda got: got.median(TWO, "context", "p99")),
)


def figures_of(command: Sequence[str | Path], files: Sequence[str] = ()) -> Figures:
    """The last line that `command` prints, which gets `files` on its stdin."""
    try:
        ran = subprocess.run(command, input=json.dumps(files), capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise Failed(f"took more than {SECONDS} s") from None
    if ran.returncode:
        raise Failed((ran.stderr.strip().splitlines() or [f"ended with {ran.returncode}"])[-1])
    try:
        return dict(json.loads(ran.stdout.strip().splitlines()[-1]))
    except (IndexError, ValueError):
        raise Failed(f"printed no figures, but {ran.stdout[-200:]!r}") from None


class Run:
    """The copies that are indexed, and what each contender took."""

    def __init__(self, folder: Path, source: Path) -> None:
        self.results = Results()
        self._left_out: set[str] = set()
        self._folder = folder
        self._root, self._aiders = folder / "django", folder / "django-for-aider"
        for copy in (self._root, self._aiders):
            shutil.copytree(source, copy)
        self.files = indexed_files(self._root)

    def round(self, number: int, aider: Path, ctags: str | None) -> None:
        for name in OURS:
            self._attempt(name, self._ours, name, number, "cold", "warm")
        self._attempt(AIDER, self._aider, aider, "cold", "warm")
        self._attempt(BARE, self._bare)
        if ctags:
            self._attempt(CTAGS, self._ctags, ctags)
        for copy in (self._root, self._aiders):
            with (copy / CHANGED).open("a") as file:
                file.write(FUNCTION.format(number=number))
        for name in OURS:
            self._attempt(name, self._ours, name, number, "changed")
        self._attempt(AIDER, self._aider, aider, "changed")
        self._attempt(TWO, self._ours, TWO, number, "context")

    def _attempt(self, contender: str, step: Callable[..., None], *arguments: Any) -> None:
        if contender in self._left_out:
            return
        try:
            step(*arguments)
        except Failed as failed:
            print(f"{contender} is left out: {failed}\n", flush=True)
            self._left_out.add(contender)
            self.results.leave_out(contender)

    def _ours(self, name: str, number: int, *steps: str) -> None:
        state = self._folder / f"state-{number}-{OURS[name]}"
        state.mkdir(exist_ok=True)
        for step in steps:
            command = [sys.executable, HERE / "our_index.py", step, self._root, state]
            figures = figures_of([*command, "--processes", str(OURS[name])])
            if step == "cold" and figures["files"] != len(self.files):
                raise Failed(f"read {figures['files']} files of {len(self.files)}")
            self.results.add(name, step, figures)

    def _aider(self, python: Path, *steps: str) -> None:
        for step in steps:
            if step == "cold":
                for cache in self._aiders.glob(AIDER_CACHE):
                    shutil.rmtree(cache)
            figures = figures_of([python.absolute(), HERE / "aider_index.py", self._aiders], self.files)
            self.results.add(AIDER, step, figures)

    def _bare(self) -> None:
        self.results.add(BARE, "cold", figures_of([sys.executable, __file__, "--bare", self._root], self.files))

    def _ctags(self, ctags: str) -> None:
        """Its peak may be this program's own, which Linux counts until the child becomes another program."""
        begun = time.perf_counter()
        command = [ctags, "-R", "-f", "-"]
        process = subprocess.Popen(command, cwd=self._root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise Failed(f"ended with {process.returncode}")
        figures = {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "rss": usage.ru_maxrss / 1024}
        self.results.add(CTAGS, "cold", figures)


def indexed_files(root: Path) -> list[str]:
    """All files in a language that we know, as ours finds them."""
    suffixes = {suffix for language in LANGUAGES for suffix in language.suffixes}
    found = (path for path in root.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
    return sorted(path.relative_to(root).as_posix() for path in found)


def bare_parse(root: Path) -> Figures:
    """Read and parse the files that stdin names."""
    started = time.perf_counter()
    from tree_sitter import Language, Parser

    files: list[str] = json.load(sys.stdin)
    rows = {suffix: language for language in LANGUAGES for suffix in language.suffixes}
    parsers: dict[str, Parser] = {}
    for suffix in sorted({Path(name).suffix.lower() for name in files}):
        row = rows[suffix]
        parsers[suffix] = Parser(Language(getattr(import_module(row.package), row.function)()))
    work = [(parsers[Path(name).suffix.lower()], root / name) for name in files]
    imports = time.perf_counter() - started
    begun, used = time.perf_counter(), time.process_time()
    for parser, path in work:
        parser.parse(path.read_bytes())
    return {
        "wall": time.perf_counter() - begun,
        "cpu": time.process_time() - used,
        "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "imports": imports,
        "files": len(files),
    }


def show(results: Results) -> None:
    print("| contender | cold | cold, CPU | warm | one file changed | peak |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name in (*OURS, AIDER, CTAGS, BARE):
        if results.has(name):
            cells = [results.cell(name, "cold", "wall"), results.cell(name, "cold", "cpu")]
            cells += [results.cell(name, step, "wall") for step in STEPS[1:]]
            print(f"| {name} | {' | '.join(cells)} | {results.peak(name):.0f} MB |")
    print()
    for name in (*OURS, AIDER):
        if results.has(name):
            tokens, imports = (results.median(name, "cold", figure) for figure in ("map_tokens", "imports"))
            print(f"{name}: a map of {tokens:.0f} tokens; imports take {imports:.2f} s, which is in no figure")


def goals(results: Results) -> bool:
    """Print how far ours is; whether all is reached, which it is not where something could not be measured."""
    all_reached = True
    print()
    for goal in GOALS:
        wanted = f"goal {'≥' if goal.at_least else '≤'} {goal.limit:.3g}"
        try:
            value = goal.measured(results)
        except (KeyError, ValueError):
            print(f"{goal.name}: not measured ({wanted})")
            all_reached = False
            continue
        reached = goal.reached(value)
        print(f"{goal.name}: {value:.3g} ({wanted}){'' if reached else '  MISSED'}")
        all_reached &= reached
    return all_reached


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bare", type=Path, help=argparse.SUPPRESS)  # One bare parse, in a process of its own.
    given = parser.parse_args()
    if given.bare:
        print(json.dumps(bare_parse(given.bare)))
        return 0
    aider = python_with("aider", "aider-chat==0.86.2")
    ctags = shutil.which("ctags")
    if ctags is None:
        print("ctags is not there: it is left out\n")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        run = Run(Path(folder).resolve(), pypi_source("django", "5.2"))
        print(f"{len(run.files):,} files, medians of {given.rounds} rounds\n", flush=True)
        for number in range(given.rounds):
            sys.stderr.write(f"round {number + 1} …\n")
            run.round(number, aider, ctags)
    show(run.results)
    return 0 if goals(run.results) else 1


if __name__ == "__main__":
    sys.exit(main())
