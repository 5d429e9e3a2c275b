"""1,000 changes that wait for review in 100 files: found again, listed, marked, accepted, rejected, and how that grows.

The changes are put into the state folder by the package's own stores, as an earlier server would have left them, and
the files beside them; a real server then finds them again and is asked over stdio. Three parts: many files with ten
changes each, one document with as many changes in it, and the steps of the review log alone, in this process.

Each row has a peer that does the same with nothing around it, in turns with ours, so that both meet the same machine:

- the list, the lenses, a key, accept-all until it is answered, reject-all in open files: a bare pygls server that has
  the same answers ready, and asks for the same edits. What it takes is what the protocol takes;
- the diff of all: `git diff` of the same files, its process included, as that is what one would run instead;
- found again: the same server with nothing to find;
- accept-all until it is on disk: the same rows deleted by one plain SQLite transaction, as durable as ours;
- reject-all in closed files: a loop that writes the same files in the same safe way (new file, fsync, rename, fsync);
- the review log: as many spans carried over the same key.

Ratios are of medians at 1,000 changes. Growth, for ten times as many, is of the best times, which whatever else the
machine is doing touches least; the last tenfold decides. Milliseconds decide nothing.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from code_action import FUNCTION
from lsp_peer import Peer

from claude_ls.editing.review import PendingHunk, ReviewLog
from claude_ls.session.keeping import open_stores
from claude_ls.text.document import Document
from claude_ls.text.patch import Span, TextEdit
from claude_ls.text.position import Position
from claude_ls.text.rebase import carry_span
from claude_ls.workspace.authorship import JobRecord
from claude_ls.workspace.database import NAME
from claude_ls.workspace.review_store import StoredReview

COUNTS = (10, 100, 1_000)
HUNKS = 10
"""In each of many files."""
FUNCTIONS = 50
"""Of ten lines each, in each of many files."""
RUNS = 30
"""Of what is asked again and again; a diff is asked a third as often."""
ROUNDS = 3
"""Of what happens once in a server."""
KINDS = (
    (2, 1, "    total = first + 1\n    count = 0\n"),
    (5, 1, ""),
    (8, 0, "    print(total)\n"),
    (3, 2, "    if 1:\n"),
)
"""What Claude did to a function: from which line on, to how many lines, and what stands there instead."""


@dataclass(frozen=True)
class Row:
    """What one measured thing must keep to: `ratio` to its peer, `growth` for ten times as many changes."""

    ratio: float
    growth: float
    target_ms: float | None = None
    """For whoever reads the figures: machines differ, so that it decides nothing."""


FILES_ROWS = {
    "found again, from process start": Row(ratio=2.5, growth=4.0),
    "list of all": Row(ratio=2.5, growth=15.0, target_ms=50.0),
    "lenses of a file": Row(ratio=4.0, growth=2.5, target_ms=10.0),
    "a key in a file": Row(ratio=2.0, growth=2.5),
    "diff of all": Row(ratio=5.0, growth=15.0),
    "accept all, answered": Row(ratio=12.0, growth=15.0, target_ms=100.0),
    "accept all, on disk": Row(ratio=6.0, growth=15.0),
    "reject all, open files, out": Row(ratio=6.0, growth=15.0),
    "reject all, closed files, out": Row(ratio=4.0, growth=15.0),
}
DOCUMENT_ROWS = {
    "list of all": Row(ratio=2.5, growth=15.0),
    "lenses of all": Row(ratio=2.5, growth=15.0),
    "a key": Row(ratio=5.0, growth=15.0),
    "diff of all": Row(ratio=8.0, growth=15.0),
    "reject all, out": Row(ratio=6.0, growth=15.0),
}
LOG_ROWS = {
    "a key before all changes": Row(ratio=25.0, growth=15.0),
    "a key within one": Row(ratio=25.0, growth=15.0),
    "a key behind all": Row(ratio=25.0, growth=15.0),
}
BARE = """
import asyncio, json, sys
from lsprotocol import types
from pygls.lsp.server import LanguageServer

server = LanguageServer("bare", "1")
with open(sys.argv[1]) as file:
    known = json.load(file)

def range_of(at):
    return types.Range(*(types.Position(at[end]["line"], at[end]["character"]) for end in ("start", "end")))

def lens(item):
    shown = item["command"]
    command = types.Command(shown["title"], shown["command"], arguments=shown["arguments"])
    return types.CodeLens(range_of(item["range"]), command)

@server.feature(types.TEXT_DOCUMENT_CODE_LENS)
def lenses(params):
    return [lens(item) for item in known["lenses"]]

def always(name):
    server.command(name)(lambda *arguments: known[name])

for name in ("claude.hunks", "claude.accept", "claude.jobs"):
    always(name)

async def ask(limit, uri, edits):
    identifier = types.OptionalVersionedTextDocumentIdentifier(uri, 1)
    change = types.TextDocumentEdit(identifier, [types.TextEdit(range_of(e["range"]), e["newText"]) for e in edits])
    edit = types.WorkspaceEdit(document_changes=[change])
    async with limit:
        await server.workspace_apply_edit_async(types.ApplyWorkspaceEditParams(edit))

@server.command("claude.reject")
async def reject(*arguments):
    limit = asyncio.Semaphore(8)  # Writing waits in a bare server: no more at once than a pipe takes.
    await asyncio.gather(*(ask(limit, uri, edits) for uri, edits in known["edits"]))
    return {}

server.start_io()
"""


class Project:
    """Files on disk with Claude's changes in them, committed without, and what a server has kept of them."""

    def __init__(self, folder: Path, *, files: int, hunks: int, functions: int) -> None:
        self.root, self.state, self.hunks, self.count = folder / "project", folder / "state", hunks, files * hunks
        self.root.mkdir(parents=True)
        self.paths = [self.root / f"file_{number:03}.py" for number in range(files)]
        self.before = "".join(FUNCTION.format(n=number) for number in range(functions))
        self.reviews = [self._changed(path, functions) for path in self.paths]
        self._seed = folder / "seed"
        stores = open_stores(self._seed)
        stores.reviews.save(self.reviews)
        now = datetime.now(UTC)
        for path in self.paths:
            record = JobRecord(path.stem, "edit", f"Change {path.name}", "change it", "bench", None, (), "", now, "")
            stores.authorship.remember_job(record)
        stores.database.close()
        for path in self.paths:
            path.write_text(self.before)
        self._git("init", "-q")
        self._git("add", "-A")
        self._git("commit", "-q", "-m", "before")
        self.again()

    def again(self) -> None:
        """As it was at first."""
        shutil.rmtree(self.state, ignore_errors=True)
        shutil.copytree(self._seed, self.state)
        for path, review in zip(self.paths, self.reviews, strict=True):
            path.write_text(review.text)

    def _changed(self, path: Path, functions: int) -> StoredReview:
        lines = self.before.splitlines(keepends=True)
        hunks: list[PendingHunk] = []
        text, reached = "", 0
        for number in range(self.hunks):
            line, count, new = KINDS[number % len(KINDS)]
            line += number * functions // self.hunks * FUNCTION.count("\n")
            text += "".join(lines[reached:line])
            reached = line + count
            old = "".join(lines[line:reached])
            hunks.append(
                PendingHunk(f"{path.stem}-{number}", (path.stem,), Span(len(text), len(text) + len(new)), old, new)
            )
            text += new
        text += "".join(lines[reached:])
        return StoredReview(path.as_uri(), text, tuple(hunk.as_values() for hunk in hunks))

    def diff(self) -> str:
        return self._git("diff")

    def _git(self, *arguments: str) -> str:
        names = ("-c", "user.name=bench", "-c", "user.email=bench@example.org")
        ran = subprocess.run(["git", *names, *arguments], cwd=self.root, check=True, capture_output=True, text=True)
        return ran.stdout


class Editor(Peer):
    """Knows the files of a project, and makes every edit of those that it has opened."""

    def __init__(self, project: Project, command: list[str], state: Path) -> None:
        environ = {
            "CLAUDE_LS_STATE_DIR": str(state),
            "CLAUDE_LS_CONFIG_DIR": str(state),
            "ANTHROPIC_API_KEY": "bench",
        }
        super().__init__(command, environ)
        self.versions: dict[str, int] = {}
        self.edits: list[tuple[str, list[dict[str, Any]]]] = []
        capabilities = {"workspace": {"workspaceEdit": {"documentChanges": True}}, "textDocument": {"codeLens": {}}}
        self.request("initialize", {"processId": None, "rootUri": project.root.as_uri(), "capabilities": capabilities})
        self.notify("initialized", {})

    def command(self, name: str, argument: dict[str, Any]) -> Any:
        return self.request("workspace/executeCommand", {"command": name, "arguments": [argument]})

    def waiting(self, **argument: Any) -> list[dict[str, Any]]:
        return list(self.command("claude.hunks", argument)["hunks"])

    def lenses(self, uri: str) -> list[dict[str, Any]]:
        return list(self.request("textDocument/codeLens", {"textDocument": {"uri": uri}}))

    def open(self, uri: str, text: str) -> None:
        self.versions[uri] = 1
        item = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def key(self, uri: str, line: int) -> None:
        """Type a key; it is through once the next request is answered."""
        place = {"line": line, "character": 1}
        self._changed(uri, [{"range": {"start": place, "end": place}, "text": "x"}])
        self.command("claude.jobs", {})

    def receive(self) -> dict[str, Any]:
        message = super().receive()
        assert "error" not in message, message
        return message

    def answer(self, message: dict[str, Any]) -> None:
        if message.get("method") != "workspace/applyEdit":
            super().answer(message)
            return
        (change,) = message["params"]["edit"]["documentChanges"]
        uri = change["textDocument"]["uri"]
        known = uri in self.versions
        if known:
            self.edits.append((uri, change["edits"]))
            self._changed(uri, [{"range": e["range"], "text": e["newText"]} for e in reversed(change["edits"])])
        self.send({"id": message["id"], "result": {"applied": known}})

    def _changed(self, uri: str, changes: list[dict[str, Any]]) -> None:
        self.versions[uri] += 1
        identifier = {"uri": uri, "version": self.versions[uri]}
        self.notify("textDocument/didChange", {"textDocument": identifier, "contentChanges": changes})

    def until(self, done: Callable[[], bool]) -> None:
        """Do what the server asks for until `done`."""
        while not done():
            self.command("claude.jobs", {})
            time.sleep(0.001)


@contextlib.contextmanager
def ours(project: Project) -> Iterator[tuple[Editor, float]]:
    """A server that has found again all that waits, and the milliseconds that it took to."""
    project.again()
    editor = Editor(project, [sys.executable, "-m", "claude_ls", "--stdio"], project.state)
    last = project.paths[-1].as_uri()
    while len(editor.waiting(uri=last)) < project.hunks:
        time.sleep(0.001)
    took = (time.perf_counter() - editor.started) * 1000
    assert len(editor.waiting()) == project.count
    editor.until(lambda: all(hunk["title"] for hunk in editor.waiting()))
    yield editor, took
    editor.stop()


@contextlib.contextmanager
def bare(project: Project, **answers: Any) -> Iterator[Editor]:
    """A server that has these answers ready."""
    known = {"claude.jobs": {"jobs": []}, "claude.hunks": {}, "claude.accept": {}, "lenses": [], "edits": [], **answers}
    file = project.state / "answers.json"
    file.write_text(json.dumps(known))
    editor = Editor(project, [sys.executable, "-c", BARE, str(file)], project.state)
    yield editor
    editor.stop()


def milliseconds(work: Callable[[], object]) -> float:
    before = time.perf_counter()
    work()
    return (time.perf_counter() - before) * 1000


@dataclass
class Times:
    """Of one row, ours and the peer's in turns."""

    ours: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)

    def in_turns(self, ours: Callable[[], object], peer: Callable[[], object], runs: int) -> None:
        """The first of each warms, and does not count."""
        for run in range(runs + 1):
            for times, work in ((self.ours, ours), (self.peer, peer)):
                took = milliseconds(work)
                if run:
                    times.append(took)


Table = dict[str, list[Times]]


def add(table: Table, name: str) -> Times:
    table.setdefault(name, []).append(Times())
    return table[name][-1]


def asked(table: Table, project: Project, *, lenses: str, key: str) -> None:
    """What an editor asks again and again."""
    uri, text = project.reviews[0].uri, project.reviews[0].text
    line = next(at for at, words in enumerate(text.splitlines()) if words.startswith("def function_1("))
    with ours(project) as (editor, _):
        editor.open(uri, text)
        hunks, marks = editor.waiting(), editor.lenses(uri)
        assert len(hunks) == project.count and len(marks) == 4 * project.hunks
        with bare(project, **{"claude.hunks": {"hunks": hunks}, "lenses": marks}) as peer:
            peer.open(uri, text)
            add(table, "list of all").in_turns(editor.waiting, peer.waiting, RUNS)
            add(table, lenses).in_turns(lambda: editor.lenses(uri), lambda: peer.lenses(uri), RUNS)
            add(table, key).in_turns(lambda: editor.key(uri, line), lambda: peer.key(uri, line), RUNS)
        add(table, "diff of all").in_turns(lambda: editor.command("claude.review", {}), project.diff, RUNS // 3)


def accepted(table: Table, project: Project) -> None:
    found, answered, kept = (
        add(table, name) for name in ("found again, from process start", "accept all, answered", "accept all, on disk")
    )
    for number in range(ROUNDS):
        with ours(project) as (editor, took):
            found.ours.append(took)
            rows = sqlite3.connect(project.state / NAME, timeout=30)
            before = time.perf_counter()
            names = editor.command("claude.accept", {})
            answered.ours.append((time.perf_counter() - before) * 1000)
            assert len(names["hunks"]) == project.count
            while rows.execute("SELECT count(*) FROM reviews").fetchone()[0]:
                time.sleep(0.0005)
            kept.ours.append((time.perf_counter() - before) * 1000)
            rows.close()
        with bare(project, **{"claude.accept": names}) as peer:
            peer.command("claude.jobs", {})
            before = time.perf_counter()
            peer.command("claude.accept", {})
            answered.peer.append((time.perf_counter() - before) * 1000)
        project.again()
        kept.peer.append(by_sqlite_alone(project))
        nothing = project.root.parent / f"nothing-{number}"
        editor = Editor(project, [sys.executable, "-m", "claude_ls", "--stdio"], nothing)
        assert editor.waiting() == []
        found.peer.append((time.perf_counter() - editor.started) * 1000)
        editor.stop()


def by_sqlite_alone(project: Project) -> float:
    connection = sqlite3.connect(project.state / NAME, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")

    def work() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("DELETE FROM reviews WHERE uri = ?", [(review.uri,) for review in project.reviews])
        connection.execute("COMMIT")

    took = milliseconds(work)
    connection.close()
    return took


def rejected_in_open_files(table: Table, name: str, project: Project) -> None:
    times = add(table, name)
    for _ in range(ROUNDS):
        with ours(project) as (editor, _):
            for review in project.reviews:
                editor.open(review.uri, review.text)
            editor.until(lambda: len(editor.waiting()) == project.count)
            times.ours.append(milliseconds(lambda: rejected(editor, project)))
            assert editor.waiting() == []
            edits = editor.edits
            texts = {review.uri: review.text for review in project.reviews}
            for uri, changes in edits:
                texts[uri] = edited(texts[uri], changes)
            assert set(texts.values()) == {project.before}
        with bare(project, edits=edits) as peer:
            for review in project.reviews:
                peer.open(review.uri, review.text)
            peer.command("claude.jobs", {})
            times.peer.append(milliseconds(lambda: rejected(peer, project)))


def rejected(editor: Editor, project: Project) -> None:
    editor.command("claude.reject", {})
    editor.until(lambda: sum(len(edits) for _, edits in editor.edits) >= project.count)


def edited(text: str, edits: list[dict[str, Any]]) -> str:
    document = Document.opened("", "", 1, text)
    for edit in reversed(edits):
        places = (Position(edit["range"][side]["line"], edit["range"][side]["character"]) for side in ("start", "end"))
        start, end = (document.offset(place, "utf-16") for place in places)
        document = document.edited(1, [TextEdit(start, end, edit["newText"])])
    return document.text


def rejected_in_closed_files(table: Table, project: Project) -> None:
    times = add(table, "reject all, closed files, out")
    size = len(project.before.encode())
    for _ in range(ROUNDS):
        with ours(project) as (editor, _):
            before = time.perf_counter()
            editor.command("claude.reject", {})
            left = list(project.paths)

            def done(left: list[Path] = left) -> bool:
                while left and left[-1].stat().st_size == size:
                    left.pop()
                return not left

            editor.until(done)
            times.ours.append((time.perf_counter() - before) * 1000)
            editor.until(lambda: editor.waiting() == [])
        assert all(path.read_text() == project.before for path in project.paths)
        project.again()
        times.peer.append(milliseconds(lambda: by_a_plain_loop(project)))


def by_a_plain_loop(project: Project) -> None:
    for path in project.paths:
        other = path.with_suffix(".new")
        with other.open("w") as file:
            file.write(project.before)
            file.flush()
            os.fsync(file.fileno())
        other.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def log_alone(table: Table, project: Project) -> None:
    """What the review log does for a key, beside the least that anything must do that knows where changes stand."""
    (review,) = project.reviews
    hunks = [PendingHunk.of_values(values) for values in review.hunks]
    inside = hunks[len(hunks) // 2 // len(KINDS) * len(KINDS)].span.start + 6
    for name, place in (
        ("a key before all changes", 0),
        ("a key within one", inside),
        ("a key behind all", len(review.text)),
    ):
        log = ReviewLog(review.text, list(hunks))
        spans = [hunk.span for hunk in hunks]
        texts = [review.text[:place] + "x" * number + review.text[place:] for number in range(RUNS + 2)]
        edit, following = TextEdit(place, place, "x"), iter(texts[1:])
        add(table, name).in_turns(
            lambda log=log, edit=edit, following=following: log.step([(edit, "")], next(following)),
            lambda spans=spans, edit=edit: [carry_span(span, edit) for span in spans],
            RUNS,
        )
        assert len(log.pending) == len(hunks)


def show(title: str, table: Table, rows: dict[str, Row]) -> bool:
    """Print the table; whether all of it is within its limits."""
    print(f"\n{title}; milliseconds, median (99th percentile or worst)")
    heads = "".join(f"{f'{count:,} changes':>18}" for count in COUNTS)
    print(f"{'':32}{heads}   {'growth':14}{'peer':>8}   ratio")
    within = True
    for name, row in rows.items():
        times = table[name]
        medians = [statistics.median(item.ours) for item in times]
        cells = "".join(
            f"{f'{median:.2f} ({high(item.ours):.1f})':>18}" for median, item in zip(medians, times, strict=True)
        )
        best = [min(item.ours) for item in times]
        growth = [after / before for before, after in itertools.pairwise(best)]
        peer = statistics.median(times[-1].peer)
        ratio = medians[-1] / peer
        over = growth[-1] > row.growth or ratio > row.ratio
        within &= not over
        words = f" (limits {row.ratio:g}, growth {row.growth:g})" + "  OVER" * over
        if row.target_ms:
            words += f", {'missed' if medians[-1] > row.target_ms else 'within'} {row.target_ms:.0f} ms"
        grown = " ".join(f"×{value:.1f}" for value in growth)
        print(f"{name:32}{cells}   {grown:14}{peer:8.2f}   {ratio:.2f}{words}")
    return within


def high(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


def main() -> int:
    files: Table = {}
    document: Table = {}
    log: Table = {}
    for count in COUNTS:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            many = Project(Path(folder).resolve() / "many", files=count // HUNKS, hunks=HUNKS, functions=FUNCTIONS)
            accepted(files, many)
            rejected_in_open_files(files, "reject all, open files, out", many)
            rejected_in_closed_files(files, many)
            asked(files, many, lenses="lenses of a file", key="a key in a file")
            one = Project(Path(folder).resolve() / "one", files=1, hunks=count, functions=max(COUNTS))
            asked(document, one, lenses="lenses of all", key="a key")
            rejected_in_open_files(document, "reject all, out", one)
            log_alone(log, one)
    lines = FUNCTIONS * FUNCTION.count("\n")
    within = [
        show(f"{HUNKS} changes in each file of {lines} lines", files, FILES_ROWS),
        show(f"all in one document of {max(COUNTS) * FUNCTION.count(chr(10)):,} lines", document, DOCUMENT_ROWS),
        show("the review log alone, in that document", log, LOG_ROWS),
    ]
    return 0 if all(within) else 1


if __name__ == "__main__":
    sys.exit(main())
