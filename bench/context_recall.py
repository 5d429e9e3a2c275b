"""How much of what a function refers to is in the context that a tool would send to the model, for a budget of tokens.

For functions drawn from four projects, the in-project definitions that each one's text refers to are found by a tool
of its own (jedi for Python, the compiler's API for TypeScript). A definition counts as found where the source line that
holds its name is among the lines that the context shows of that file. The function's own lines are free for everyone.

- ours: what we would send, from `our_context.py`;
- Aider's repository map, in two ways: with the function's file in the chat, whose text is part of the budget where it
  fits, and with the file only mentioned. The identifiers of the function are mentioned in both. The row "Aider" is in
  each cell the better of the two. Its map is the largest that fits, ranked and drawn by Aider's own code;
- the function's file, from its top down, and the lines around the function: what one gets with no knowledge at all.

Tokens are estimated in the same way for all. Machines do not matter here: the same seed gives the same figures.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from peer_environments import CACHE, npm_source, pypi_package, python_with

HERE = Path(__file__).absolute().parent
BUDGETS = (1_000, 2_000, 4_000, 8_000)
DECIDING = 4_000
RECALL = 0.9
"""Ours, at the deciding budget."""
RATIO = 2.0
"""Ours to Aider's, there."""
CUT = 90
"""Aider cuts lines, so that only so much of each is compared."""
AIDER_CUT = 99
"""After so many columns, indentation included."""
TYPESCRIPT = "5.9.2"
ELSEWHERE = {"tests", "benchmarks", "locales"}
"""Folders of TypeScript sources that are left out."""


@dataclass(frozen=True)
class Item:
    """A definition that a function refers to: where its name stands."""

    path: str
    line: int
    name: str


@dataclass(frozen=True)
class Function:
    path: str
    name: str
    first: int
    last: int
    identifiers: tuple[str, ...]
    items: tuple[Item, ...]

    @classmethod
    def of_json(cls, value: dict[str, Any]) -> Function:
        items = tuple(Item(*item) for item in value.pop("items"))
        return cls(identifiers=tuple(value.pop("identifiers")), items=items, **value)


@dataclass(frozen=True)
class Project:
    name: str
    version: str
    typescript: bool = False

    @cached_property
    def root(self) -> Path:
        """A folder that has the sources and nothing else."""
        folder = CACHE / "recall" / f"{self.name}-{self.version}"
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
                for path, relative in self.published():
                    target = Path(temporary) / "sources" / relative
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, target)
                folder.parent.mkdir(exist_ok=True)
                (Path(temporary) / "sources").rename(folder)
        return folder

    def published(self) -> Iterator[tuple[Path, Path]]:
        folder = npm_source(self.name, self.version) if self.typescript else pypi_package(self.name, self.version)
        for path in folder.glob("src/**/*.ts" if self.typescript else "**/*.py"):
            relative = path.relative_to(folder)
            if not (self.typescript and (path.name.endswith(".test.ts") or ELSEWHERE.intersection(relative.parts))):
                yield path, relative

    @cached_property
    def functions(self) -> list[Function]:
        """All that refer to something, from the cache where it has them."""
        script = HERE / ("recall_truth_typescript.mjs" if self.typescript else "recall_truth_python.py")
        digest = hashlib.sha256(script.read_bytes()).hexdigest()[:8]
        cached = CACHE / "recall" / f"{self.name}-{self.version}-truth-{digest}.json"
        root = self.root
        if not cached.exists():
            sys.stderr.write(f"resolving what the functions of {self.name} refer to …\n")
            command = ["node", str(script), str(typescript())] if self.typescript else [str(jedi()), str(script)]
            found = subprocess.run([*command, str(root)], check=True, stdout=subprocess.PIPE).stdout
            cached.write_bytes(found)
        functions = [Function.of_json(value) for value in json.loads(cached.read_text())]
        return [function for function in functions if function.items]

    @cached_property
    def lines(self) -> dict[str, list[str]]:
        paths = [path for path in self.root.rglob("*") if path.suffix in (".py", ".ts")]
        return {path.relative_to(self.root).as_posix(): path.read_text().split("\n") for path in paths}

    def drawn(self, number: int, seed: int) -> list[Function]:
        return random.Random(f"{seed} {self.name}").sample(self.functions, min(number, len(self.functions)))

    def keys(self, item: Item) -> set[str]:
        """Of the line that holds the item's name, as it is and as Aider cuts it."""
        line = self.lines[item.path][item.line - 1]
        return {key(line), key(line[:AIDER_CUT])}


PROJECTS = (
    Project("click", "8.1.8"),
    Project("requests", "2.32.3"),
    Project("attrs", "25.3.0"),
    Project("zod", "4.1.12", typescript=True),
)


def jedi() -> Path:
    return python_with("jedi", "jedi==0.20.1")


def typescript() -> Path:
    folder = CACHE / "environments" / f"typescript-{TYPESCRIPT}"
    package = folder / "node_modules" / "typescript"
    if not (package / "package.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--silent", "--no-save", "--prefix", str(folder), f"typescript@{TYPESCRIPT}"]
        subprocess.run(command, check=True, stdout=sys.stderr)
    return package


def tokens_of(text: str) -> int:
    return round(len(text) / 3.5 + 0.5)


def key(line: str) -> str:
    return line.strip()[:CUT]


Shown = dict[str, set[str]]
"""The keys of the lines that are shown, by the path of their file."""
Contender = Callable[[Project, Function, int], tuple[str, Shown]]
"""The context for a function within so many tokens: the text that is sent, and what it shows."""

SECTION = re.compile(r'<(file(?:-\d+)?)\b[^>]*?\bpath="([^"]*)"[^>]*>')


def sections(text: str, root: Path) -> Shown:
    """What is shown by `<file path="…">`, lines, `</file>`; what stands for elided lines is no line of any item."""
    shown: Shown = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if opening := SECTION.fullmatch(line.strip()):
            path = Path(opening[2])
            name = path.relative_to(root).as_posix() if path.is_absolute() else path.as_posix()
            keys = shown.setdefault(name, set())
            for inner in lines:
                if inner.strip() == f"</{opening[1]}>":
                    break
                keys.add(key(inner))
    return shown


def section(path: str, lines: Sequence[str]) -> str:
    return "\n".join([f'<file path="{path}">', *lines, "</file>", ""])


def whole_file(project: Project, function: Function, tokens: int) -> tuple[str, Shown]:
    """As many lines as fit, from the top."""
    lines = project.lines[function.path]
    before, after = lines[: function.first - 1], lines[function.last :]
    low, high = 0, len(before) + len(after)
    while low < high:
        middle = (low + high + 1) // 2
        fits = tokens_of(section(function.path, [*before, "⋮", *after][: middle + (middle > len(before))])) <= tokens
        low, high = (middle, high) if fits else (low, middle - 1)
    text = section(function.path, [*before, "⋮", *after][: low + (low > len(before))])
    return text, sections(text, project.root)


def around(project: Project, function: Function, tokens: int) -> tuple[str, Shown]:
    """As many lines as fit, as many above as below where there are."""
    lines = project.lines[function.path]
    first, last = function.first - 1, function.last
    text = section(function.path, ["⋮"])
    while True:
        wider = max(first - 1, 0), min(last + 1, len(lines))
        above, below = lines[wider[0] : function.first - 1], lines[function.last : wider[1]]
        candidate = section(function.path, [*above, "⋮", *below])
        if wider == (first, last) or tokens_of(candidate) > tokens:
            return text, sections(text, project.root)
        (first, last), text = wider, candidate


class Aider:
    """Aider's repository map, from one process for all requests, on copies of the projects: it leaves files there."""

    def __init__(self, process: subprocess.Popen[str], copies: Path) -> None:
        self._process = process
        self._copies = copies

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Aider]:
        command = [python_with("aider", "aider-chat==0.86.2").absolute(), HERE / "aider_map.py"]
        # What it ranks alike, it orders by hashes, of paths too: these must be the same in each run.
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        pipe = subprocess.PIPE
        with (
            tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as copies,
            subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=copies, env=environment) as process,
        ):
            yield cls(process, Path(copies))

    def in_chat(self, project: Project, function: Function, tokens: int) -> tuple[str, Shown]:
        file = section(function.path, project.lines[function.path])
        if tokens_of(file) >= tokens:
            file = ""
        text = self._map(project, function, tokens - tokens_of(file) if file else tokens, chat=True)
        return file + text, merged(sections(file, project.root), tree(text))

    def mentioned(self, project: Project, function: Function, tokens: int) -> tuple[str, Shown]:
        text = self._map(project, function, tokens, chat=False)
        return text, tree(text)

    def _map(self, project: Project, function: Function, tokens: int, chat: bool) -> str:
        if not (self._copies / project.name).exists():
            shutil.copytree(project.root, self._copies / project.name)
        request = {
            "root": project.name,
            "path": function.path,
            "identifiers": function.identifiers,
            "tokens": tokens,
            "chat": chat,
        }
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return str(json.loads(self._process.stdout.readline()))


def tree(text: str) -> Shown:
    """What a map shows: a path with a colon, then lines with a bar before each."""
    shown: Shown = {}
    keys: set[str] = set()
    for line in text.split("\n"):
        if line.startswith("│"):
            keys.add(key(line[1:]))
        elif line.endswith(":"):
            keys = shown.setdefault(line[:-1], set())
    return shown


def merged(one: Shown, other: Shown) -> Shown:
    return {path: one.get(path, set()) | other.get(path, set()) for path in one.keys() | other.keys()}


def ours() -> Contender | None:
    """Ours, once it is there."""
    try:
        context = importlib.import_module("our_context").context
    except ModuleNotFoundError as error:
        if error.name != "our_context":
            raise
        return None

    def contender(project: Project, function: Function, tokens: int) -> tuple[str, Shown]:
        text = context(project.root, project.root / function.path, function.first, function.last, tokens)
        return text, sections(text, project.root)

    return contender


@dataclass
class Score:
    """Of one contender in one project with one budget."""

    items: int = 0
    found: int = 0
    each: list[float] = field(default_factory=list)
    """Recall of each function."""
    over: int = 0
    """Contexts that are larger than the budget."""
    seconds: list[float] = field(default_factory=list)
    missed: list[tuple[Function, Item]] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return self.found / self.items

    def add(self, project: Project, function: Function, contender: Contender, tokens: int) -> None:
        start = time.perf_counter()
        text, shown = contender(project, function, tokens)
        self.seconds.append(time.perf_counter() - start)
        self.over += tokens_of(text) > tokens
        own = {key(line) for line in project.lines[function.path][function.first - 1 : function.last]}
        shown = merged(shown, {function.path: own})
        missed = [item for item in function.items if not shown.get(item.path, set()) & project.keys(item)]
        self.missed += [(function, item) for item in missed]
        self.items += len(function.items)
        self.found += len(function.items) - len(missed)
        self.each.append(1 - len(missed) / len(function.items))

    def __add__(self, other: Score) -> Score:
        mine, theirs = vars(self), vars(other)
        return Score(**{name: mine[name] + theirs[name] for name in mine})


Scores = dict[str, dict[int, Score]]
"""By contender and budget."""

AIDERS = ("Aider, file in the chat", "Aider, file mentioned")


def with_better_aider(scores: Scores) -> Scores:
    """With the row "Aider" before its two ways."""
    if not set(AIDERS) <= scores.keys():
        return scores
    rows: Scores = {}
    better = {
        tokens: max((scores[way][tokens] for way in AIDERS), key=lambda score: score.recall) for tokens in BUDGETS
    }
    for name, row in scores.items():
        if name == AIDERS[0]:
            rows["Aider"] = better
        rows[name] = row
    return rows


def measured(project: Project, contenders: dict[str, Contender], number: int, seed: int) -> Scores:
    scores: Scores = {name: {tokens: Score() for tokens in BUDGETS} for name in contenders}
    for function in project.drawn(number, seed):
        for name, contender in contenders.items():
            for tokens in BUDGETS:
                scores[name][tokens].add(project, function, contender, tokens)
    return scores


def show(title: str, scores: Scores) -> None:
    some = next(iter(scores.values()))[BUDGETS[0]]
    print(f"\n### {title}: {len(some.each)} functions, {some.items} items\n")
    print(f"| recall (mean of functions) | {' | '.join(f'{tokens:,} tokens' for tokens in BUDGETS)} |")
    print(f"| --- |{' ---: |' * len(BUDGETS)}")
    for name, row in scores.items():
        cells = [f"{row[tokens].recall:.1%} ({statistics.mean(row[tokens].each):.1%})" for tokens in BUDGETS]
        print(f"| {name} | {' | '.join(cells)} |")


def show_costs(scores: Scores) -> None:
    """Whether the budgets were kept, and how long a context takes."""
    print()
    for name, row in scores.items():
        if name != "Aider":
            over = ", ".join(f"{row[tokens].over} of {len(row[tokens].each)}" for tokens in BUDGETS)
            seconds = sorted(second for tokens in BUDGETS for second in row[tokens].seconds)
            p99 = seconds[int(len(seconds) * 0.99)]
            print(f"{name}: over budget {over}; {statistics.median(seconds) * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms")


def show_misses(scores: Scores, projects: dict[Function, str], number: int, seed: int) -> None:
    missed = scores["ours"][DECIDING].missed
    print(f"\n{len(missed)} items that ours missed at {DECIDING:,} tokens, {min(number, len(missed))} of them:\n")
    for function, item in random.Random(seed).sample(missed, min(number, len(missed))):
        at = f"{function.path}:{function.first}-{function.last} {function.name}"
        print(f"- {projects[function]} {at} → {item.path}:{item.line} {item.name}")


def goals(scores: Scores) -> bool:
    """Print how far ours is; whether all that can be judged is reached."""
    score = scores["ours"][DECIDING]
    reached = score.recall >= RECALL
    print(f"\nours at {DECIDING:,} tokens: {score.recall:.3f} (goal {RECALL:.2f}){'' if reached else '  MISSED'}")
    if "Aider" in scores:
        ratio = score.recall / max(scores["Aider"][DECIDING].recall, 1e-9)
        print(f"ours ÷ Aider's: {ratio:.2f} (goal {RATIO:g}){'' if ratio >= RATIO else '  MISSED'}")
        reached &= ratio >= RATIO
    return reached


def as_json(tables: dict[str, Scores], seed: int) -> str:
    rows = [
        {
            "project": title,
            "contender": name,
            "tokens": tokens,
            "functions": len(score.each),
            "items": score.items,
            "found": score.found,
            "recall": score.recall,
            "mean": statistics.mean(score.each),
            "over": score.over,
            "missed": [[f"{function.path}:{function.first}", asdict(item)] for function, item in score.missed],
        }
        for title, scores in tables.items()
        for name, row in scores.items()
        for tokens, score in row.items()
    ]
    return json.dumps({"seed": seed, "rows": rows}, indent=1)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--functions", type=int, default=300, help="over all projects, evenly")
    parser.add_argument("--project", choices=[project.name for project in PROJECTS], help="only this one")
    parser.add_argument("--contenders", default="ours,aider,file,around", help="some of these")
    parser.add_argument("--misses", type=int, default=0, help="how many examples of what ours missed")
    parser.add_argument("--json", type=Path, help="a file for all figures")
    given = parser.parse_args()
    given.contenders = given.contenders.split(",")
    if unknown := set(given.contenders) - {"ours", "aider", "file", "around"}:
        parser.error(f"no such contender: {', '.join(sorted(unknown))}")
    return given


def main() -> int:
    given = arguments()
    contenders: dict[str, Contender] = {}
    tables: dict[str, Scores] = {}
    with ExitStack() as stack:
        if "ours" in given.contenders:
            if own := ours():
                contenders["ours"] = own
            else:
                print("`our_context.py` is missing: ours is left out.")
        if "aider" in given.contenders:
            aider = stack.enter_context(Aider.running())
            contenders |= dict(zip(AIDERS, (aider.in_chat, aider.mentioned), strict=True))
        if "file" in given.contenders:
            contenders["whole file, from its top"] = whole_file
        if "around" in given.contenders:
            contenders["lines around the function"] = around
        if not contenders:
            return 1
        for project in PROJECTS:
            if given.project in (None, project.name):
                sys.stderr.write(f"{project.name} …\n")
                tables[project.name] = measured(project, contenders, given.functions // len(PROJECTS), given.seed)
    first, *others = tables.values()
    overall = {
        name: {tokens: sum((scores[name][tokens] for scores in others), row[tokens]) for tokens in BUDGETS}
        for name, row in first.items()
    }
    tables = {title: with_better_aider(scores) for title, scores in {"overall": overall, **tables}.items()}
    for title, scores in tables.items():
        show(title, scores)
    show_costs(tables["overall"])
    if given.json:
        given.json.write_text(as_json(tables, given.seed))
    if "ours" not in contenders:
        return 1 if "ours" in given.contenders else 0
    if given.misses:
        belongs = {function: project.name for project in PROJECTS for function in project.functions}
        show_misses(tables["overall"], belongs, given.misses, given.seed)
    return 0 if goals(tables["overall"]) else 1


if __name__ == "__main__":
    sys.exit(main())
