"""1,000 changes that wait for review in 100 files: found again, listed, marked, accepted, and how that grows.

The changes are put into the state folder as an earlier server would have left them, the files beside them; a real
server then finds them again. Peers: `git diff` over the same changes for the diff of all of them; the same rows
written by a plain SQLite transaction for accept-all.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lsp_peer import Peer

from claude_ls.editing.review import PendingHunk
from claude_ls.session.keeping import open_stores
from claude_ls.text.patch import Span
from claude_ls.workspace.review_store import StoredReview

LINES = 500
HUNKS = 10
"""In each file."""
COUNTS = (10, 100, 1000)
LIMITS_MS = {"list all": 50.0, "lenses of a file": 10.0, "accept all": 100.0}
GROWTH = 12.0
"""How much longer ten times as many may take."""


class Project:
    """Files on disk with `count` changes in them, committed without."""

    def __init__(self, folder: Path, count: int) -> None:
        self.root, self.state = folder / "project", folder / "state"
        self.root.mkdir()
        self.paths: list[Path] = []
        reviews: list[StoredReview] = []
        before = "".join(f"line {number} of a file that is like many others\n" for number in range(LINES))
        self._git("init", "-q")
        for number in range(count // HUNKS):
            path = self.root / f"file_{number:03}.py"
            path.write_text(before)
            self.paths.append(path)
        self._git("add", "-A")
        self._git("commit", "-q", "-m", "before")
        lines = before.splitlines(keepends=True)
        for number, path in enumerate(self.paths):
            hunks: list[dict[str, Any]] = []
            parts: list[str] = []
            at = 0
            for line, words in enumerate(lines):
                new = words
                if line % (LINES // HUNKS) == 7:
                    new = f"line {line} as Claude has it\nand one more\n"
                    span = Span(at, at + len(new))
                    hunk = PendingHunk(f"job{number}-{len(hunks)}", (f"job{number}",), span, words, new)
                    hunks.append(hunk.as_values())
                parts.append(new)
                at += len(new)
            path.write_text("".join(parts))
            reviews.append(StoredReview(path.as_uri(), "".join(parts), tuple(hunks)))
        stores = open_stores(self.state)
        stores.reviews.save(reviews)
        stores.database.close()

    def diff(self) -> str:
        return self._git("diff")

    def _git(self, *arguments: str) -> str:
        names = ("-c", "user.name=bench", "-c", "user.email=bench@example.org")
        ran = subprocess.run(["git", *names, *arguments], cwd=self.root, check=True, capture_output=True, text=True)
        return ran.stdout


class Editor(Peer):
    """Knows the files of a project and makes every edit that it is asked to."""

    def __init__(self, project: Project) -> None:
        environ = {
            "CLAUDE_LS_STATE_DIR": str(project.state),
            "CLAUDE_LS_CONFIG_DIR": str(project.state),
            "ANTHROPIC_API_KEY": "x",
        }
        super().__init__([sys.executable, "-m", "claude_ls", "--stdio"], environ)
        capabilities = {"workspace": {"workspaceEdit": {"documentChanges": True}}, "textDocument": {"codeLens": {}}}
        params = {"processId": None, "rootUri": project.root.as_uri(), "capabilities": capabilities}
        self.request("initialize", params)
        self.notify("initialized", {})

    def command(self, name: str, argument: dict[str, Any]) -> Any:
        return self.request("workspace/executeCommand", {"command": name, "arguments": [argument]})

    def open(self, path: Path) -> None:
        item = {"uri": path.as_uri(), "languageId": "python", "version": 1, "text": path.read_text()}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def waiting(self) -> int:
        return len(self.command("claude.hunks", {})["hunks"])


def milliseconds(work: Callable[[], object]) -> float:
    before = time.perf_counter()
    work()
    return (time.perf_counter() - before) * 1000


def median(work: Callable[[], object], times: int = 15) -> float:
    return statistics.median(milliseconds(work) for _ in range(times))


def measure(folder: Path, count: int) -> dict[str, float]:
    project = Project(folder, count)
    found: dict[str, float] = {}
    editor = Editor(project)

    def until(number: int) -> None:
        while editor.waiting() != number:
            time.sleep(0.05)

    found["found again at the start"] = milliseconds(lambda: until(count))
    found["list all"] = median(editor.waiting)
    path = project.paths[0]
    editor.open(path)
    identifier = {"uri": path.as_uri()}
    found["lenses of a file"] = median(lambda: editor.request("textDocument/codeLens", {"textDocument": identifier}))
    version = 1

    def key() -> None:
        nonlocal version
        version += 1
        place = {"line": 250, "character": 3}
        change = {"range": {"start": place, "end": place}, "text": "x"}
        editor.notify(
            "textDocument/didChange", {"textDocument": {**identifier, "version": version}, "contentChanges": [change]}
        )
        editor.request("textDocument/codeLens", {"textDocument": identifier})

    found["a key, and its lenses"] = median(key)
    found["the diff of all"] = median(lambda: editor.command("claude.review", {}), 5)
    found["  git diff"] = median(project.diff, 5)
    found["accept all"] = milliseconds(lambda: editor.command("claude.accept", {}))
    rows = sqlite3.connect(project.state / "claude-ls.db", timeout=30)

    def kept() -> int:
        return int(rows.execute("SELECT count(*) FROM reviews").fetchone()[0])

    before = time.perf_counter()
    while kept():
        time.sleep(0.001)
    found["accept all, on disk"] = found["accept all"] + (time.perf_counter() - before) * 1000
    rows.close()
    editor.stop()
    found["  SQLite alone"] = milliseconds(lambda: alone(folder / "alone.db", project))
    return found


def alone(path: Path, project: Project) -> None:
    """As many rows, by as many commits as accept-all makes: one."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE reviews (uri TEXT PRIMARY KEY, text BLOB, hunks TEXT)")
    connection.execute("BEGIN")
    for item in project.paths:
        connection.execute("INSERT INTO reviews VALUES (?, ?, ?)", (item.as_uri(), item.read_bytes(), json.dumps([])))
    connection.execute("COMMIT")
    connection.close()


def main() -> int:
    table: dict[str, list[float]] = {}
    for count in COUNTS:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            for name, value in measure(Path(folder).resolve(), count).items():
                table.setdefault(name, []).append(value)
    print(f"{'milliseconds':28}" + "".join(f"{count:>10,} changes" for count in COUNTS) + "   growth")
    failed = False
    for name, values in table.items():
        growth = values[-1] / values[-2]
        limit = LIMITS_MS.get(name)
        over = growth > GROWTH or (limit is not None and values[-1] > limit)
        failed |= over and not name.startswith(" ")
        words = f" (limit {limit:.0f})" if limit else ""
        shown = "".join(f"{value:18.1f}" for value in values)
        print(f"{name:28}{shown}   × {growth:.1f}{words}{'  OVER' * over}")
    diff, git = table["the diff of all"][-1], table["  git diff"][-1]
    print(f"the diff of all beside git's: ratio {diff / git:.2f}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
