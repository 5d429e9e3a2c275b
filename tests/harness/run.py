"""Plays one case once: a server and an editor in this process, a scripted model, and what came of it."""

from __future__ import annotations

import asyncio
import itertools
import random
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from claude_ls.agent.scripted import ScriptedModel, by_chance, by_tokens, request_text
from claude_ls.config import Settings
from claude_ls.index.folder_index import FolderIndex, Shown
from claude_ls.index.one_file import read_file
from claude_ls.index.references import Callers, callers_of, uses_of
from claude_ls.index.tests import Tests, tests_for
from claude_ls.lsp.server import create_server
from claude_ls.session.client import Client
from claude_ls.session.keeping import Stores, open_stores
from claude_ls.session.reviewing import Selection
from claude_ls.session.session import Session
from claude_ls.workspace.database import NAME
from claude_ls.workspace.files import StateFolder
from harness.case import Case, Step
from harness.editor import Editor, Habit

Result = TypeVar("Result")
LANGUAGES = {
    "py": "python", "ts": "typescript", "js": "javascript", "go": "go", "rs": "rust", "c": "c", "java": "java",
    "md": "markdown", "rb": "ruby", "lua": "lua", "json": "json", "sh": "shellscript", "css": "css", "txt": "plaintext",
    "tsx": "typescriptreact", "cpp": "cpp", "h": "c", "cs": "csharp", "php": "php", "yaml": "yaml", "toml": "toml",
    "html": "html",
}  # fmt: skip


@dataclass(frozen=True)
class Variant:
    """One way to play a case. The first one of a case fills its transcripts."""

    seed: int | None
    habit: Habit
    encoding: str

    def __str__(self) -> str:
        return f"chunks={'tokens' if self.seed is None else self.seed} {self.habit} {self.encoding}"


@dataclass(frozen=True)
class Outcome:
    files: dict[str, str]
    transcript: str
    prompt: str


def stores(folder: Path) -> Stores:
    """All that is kept, really, in `folder`."""
    return open_stores(folder, lambda: datetime(2026, 1, 1, tzinfo=UTC))


class Known:
    """What the index of a folder knows, asked at once: that of the files on disk under `root`, and of what is open."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._index = FolderIndex(root, None)
        self._index.add([read_file(root, file) for file in self._index.stale()])

    def follow(self, folders: Sequence[Path]) -> None:
        pass

    async def context(
        self, path: Path, lines: tuple[int, int], characters: int, unsaved: Mapping[Path, str], *, whole: bool = False
    ) -> list[Shown]:
        own = self._show(path, unsaved)
        return self._index.context(own, *lines, characters, lambda name: not (whole and name == own))

    async def map(self, path: Path, characters: int) -> list[Shown]:
        return []

    async def callers(
        self, path: Path, lines: tuple[int, int], characters: int, unsaved: Mapping[Path, str], *, members: bool
    ) -> Callers | None:
        own = self._show(path, unsaved)
        return callers_of(self._index, own, lines, characters, members=members)

    async def tests(self, path: Path, characters: int, unsaved: Mapping[Path, str]) -> Tests | None:
        own = self._show(path, unsaved)
        return tests_for(self._index, own, characters)

    async def references(
        self, name: str, path: Path | None, folder: Path, unsaved: Mapping[Path, str]
    ) -> list[tuple[str, int, str]]:
        own = self._show(path or folder, unsaved)
        return uses_of(self._index, name, own if path else "")

    async def paths(self, folder: Path) -> list[str]:
        return [file.path for file in self._index.listing.walk()]

    async def hides(self, path: Path) -> bool:
        return not self._index.listing.shows(path.relative_to(self._root).as_posix())

    def changed(self, paths: Iterable[Path]) -> None:
        pass

    async def aclose(self) -> None:
        self._index.close()

    def _show(self, path: Path, unsaved: Mapping[Path, str]) -> str:
        live = {name.relative_to(self._root).as_posix(): text for name, text in unsaved.items()}
        self._index.show(live)
        return path.relative_to(self._root).as_posix()


class Threads(ThreadPoolExecutor):
    """The threads of the event loop, which tell whether one of them is at work."""

    def __init__(self) -> None:
        super().__init__(2)
        self._lock = Lock()
        self._count = 0

    @property
    def working(self) -> bool:
        return self._count > 0

    def submit(self, work: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        self._add(1)
        future = super().submit(work, *args, **kwargs)
        future.add_done_callback(lambda _: self._add(-1))
        return future

    def _add(self, more: int) -> None:
        with self._lock:
            self._count += more


class Unwatched:
    """Nobody tells of files that other programs change; a test can."""

    def __init__(self, changed: Callable[[Path], None]) -> None:
        self.changed = changed
        self.paths: frozenset[Path] = frozenset()

    def follow(self, paths: frozenset[Path]) -> None:
        self.paths = paths

    def close(self) -> None:
        self.paths = frozenset()


async def stores_at_once(work: Callable[[], Result], /) -> Result:
    """The background of a test: nothing happens at the same time."""
    return work()


async def play(case: Case, variant: Variant) -> Outcome:
    """Everything that happens in one variant; raises where the house rules for the end are broken."""
    with tempfile.TemporaryDirectory() as folder:
        return await _Play(case, variant, Path(folder)).run()


class _Play:
    def __init__(self, case: Case, variant: Variant, folder: Path) -> None:
        self._case = case
        self._folder = folder
        self._root = Path("/my project")
        if "on disk" in case.client:
            self._root = _written(folder / "my project", case.files)
            self._folder = folder / "state"
        self._chance = random.Random(variant.seed or 0)
        self._timed: list[Step] = []
        self._threads = Threads()
        self._results: list[str] = []
        self._reported: list[dict[str, Any]] = []
        """What another server says of the file, as the editor hands it on with each question for the menu."""
        self._lookup: list[Callable[[], None]] = []
        chunking = by_tokens if variant.seed is None else by_chance(variant.seed)
        self._model = ScriptedModel(case.turns, chunking, self._pace)
        self._timers: list[tuple[float, Callable[[], None]]] = []
        self._now = 0.0
        self._numbers = itertools.count(1)
        self._server = create_server(self._make_session, clock=lambda: 0.0)
        self._editor = Editor(
            self._server,
            habit=variant.habit,
            encoding=variant.encoding,
            seed=variant.seed or 0,
            flags=case.client,
        )

    def _make_session(self, client: Client, settings: Settings) -> Session:
        return Session(
            model=self._model,
            client=client,
            settings=settings,
            state=StateFolder(self._folder),
            stores=stores(self._folder),
            background=stores_at_once,
            watch=Unwatched,
            later=lambda seconds, callback: self._timers.append((self._now + seconds, callback)),
            clock=lambda: self._now,
            new_id=lambda: f"job{next(self._numbers)}",
            unavailable=lambda: "No API key." if "no key" in self._case.client else None,
            now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
            surroundings=Known(self._root) if "on disk" in self._case.client else None,
        )

    def _uri(self, name: str) -> str:
        return f"{self._root.as_uri()}/{name}"

    async def run(self) -> Outcome:
        case, editor = self._case, self._editor
        asyncio.get_running_loop().set_default_executor(self._threads)
        await editor.start(self._root.as_uri(), dict(case.settings))
        for name, text in case.files.items():
            if "on disk" not in case.client or name == case.selection[0]:
                editor.open(self._uri(name), _language(name), text)
        steps = list(case.steps)
        while steps:
            step = steps.pop(0)
            while steps and steps[0].after is not None:
                self._timed.append(steps.pop(0))
            await self._do(step)
            await self._settle()
            assert not self._timed, f"{self._timed[0]} did not happen: the answer was over before"
        await self._server.session.aclose()
        await self._settle()
        assert not editor.unanswered, f"requests without an answer: {sorted(editor.unanswered)}"
        left = self._model.turns_left
        assert left == case.never_asked, f"{left} scripted turns were not used, and should have been {case.never_asked}"
        jobs = self._server.session.jobs()
        assert all(job.ended for job in jobs), f"jobs still alive: {[job for job in jobs if not job.ended]}"
        others = asyncio.all_tasks() - {asyncio.current_task()}
        assert not others, f"tasks leaked: {others}"
        root = self._uri("")
        files = {str(path.relative_to(self._root)): _text(path) for path in _files(self._root)}
        files |= {uri.removeprefix(root): buffer.text for uri, buffer in editor.buffers.items()}
        files |= {uri.removeprefix(root): text for uri, text in editor.closed.items()}
        for path in sorted(self._folder.rglob("*.*")):
            if path.name.startswith(NAME):
                continue
            files[f"state:{path.relative_to(self._folder)}"] = _text(path)
        for uri, document in ((uri, self._server.session.document(uri)) for uri in editor.buffers):
            assert document is not None and document.text == editor.buffers[uri].text, f"the mirror of {uri} is off"
            for item in self._server.session.waiting(Selection(uri=uri)):
                assert item.buffer.review.text == document.text, f"what waits for review in {uri} is off"
        prompts = "\n".join(f"[{number}]\n{_asked(text)}\n" for number, text in enumerate(self._model.requests, 1))
        transcript = "".join(f"{line}\n" for line in editor.transcript).replace(str(self._folder), "STATE")
        return Outcome(files, transcript, prompts)

    async def _settle(self) -> None:
        """Let all that is under way come to its end; a timer fires only when nothing else is going on."""
        quiet = 0
        while quiet < 3:
            await asyncio.sleep(0)
            running = [job for job in self._server.session.jobs() if not job.ended]
            busy = len(asyncio.all_tasks()) > 1
            quiet = 0 if running or busy else quiet + 1
            if running and self._timers:
                seen = self._editor.messages
                for _ in range(20):
                    await asyncio.sleep(0)
                # What a thread has found may just have set something going: time stands still for that.
                if self._threads.working or seen != self._editor.messages:
                    continue
                if any(not job.ended for job in self._server.session.jobs()) and self._timers and self._idle():
                    self._fire()
            elif quiet == 3 and self._timers:
                self._fire()
                quiet = 0

    def _fire(self) -> None:
        """What was to happen later happens now: the person takes their time between two things that they do."""
        self._timers.sort(key=lambda timer: timer[0])
        self._now, callback = self._timers.pop(0)
        callback()

    def _idle(self) -> bool:
        return not self._timed

    async def _pace(self, streamed: int) -> None:
        while self._timed and (self._timed[0].after or 0) <= streamed:
            await self._do(self._timed.pop(0))
        for _ in range(self._chance.randint(0, 3)):
            await asyncio.sleep(0)

    async def _do(self, step: Step) -> None:
        editor, (file, start, end) = self._editor, self._case.selection
        text = editor.buffers[self._uri(file)].text if self._uri(file) in editor.buffers else ""
        start, end = min(start, len(text)), min(end, len(text))
        here = {"uri": self._uri(file), "range": self._range(text, start, end)}
        match step.words:
            case ("edit", instruction):
                await self._command("claude.edit", {**here, "instruction": instruction})
            case ("explain", *question):
                await self._command("claude.explain", {**here, **({"question": question[0]} if question else {})})
            case ("refactor", name, *words):
                extra = {"instruction": words[0]} if words else {}
                await self._command("claude.refactor", {**here, "refactoring": name, **extra})
            case ("fix", message):
                diagnostic = {"range": here["range"], "message": message, "severity": 1, "source": "lint"}
                await self._command("claude.fix", {"uri": here["uri"], "diagnostics": [diagnostic]})
            case ("reported", first, last, code, message):
                start, end = (_offset(text, *map(int, place.split(":"))) for place in (first, last))
                reported = {"range": self._range(text, start, end), "message": message, "source": "lint", "code": code}
                self._reported.append({**reported, "severity": 2})
            case ("menu", *only):
                await self._menu(here, list(only))
            case ("choose", title):
                actions = await self._actions(here, [])
                action = next(action for action in actions if action["title"] == title)
                await self._command(action["command"]["command"], action["command"]["arguments"][0])
            case ("command", name, *arguments):
                import json

                await self._command(name, json.loads(arguments[0]) if arguments else {}, show=True)
            case ("type", name, where, words):
                line, column = (int(number) for number in where.split(":"))
                at = _offset(editor.buffers[self._uri(name)].text, line, column)
                editor.type(self._uri(name), at, at, words.replace("\\n", "\n"))
            case ("save", name):
                editor.save(self._uri(name))
            case ("delete", name, where, until):
                current = editor.buffers[self._uri(name)].text
                first, last = (_offset(current, *map(int, place.split(":"))) for place in (where, until))
                editor.type(self._uri(name), first, last, "")
            case ("cancel",):
                answer = await editor.request("workspace/executeCommand", {"command": "claude.cancel", "arguments": []})
                assert len(answer["cancelled"]) == 1, answer
            case ("undo", name):
                # Not before there is something: how soon a change lands depends on the variant.
                for _ in range(1000):
                    if not editor.buffers[self._uri(name)].to_undo:
                        await asyncio.sleep(0)
                editor.undo(self._uri(name))
            case ("redo", name):
                editor.redo(self._uri(name))
            case ("hunks",):
                found = await editor.request("workspace/executeCommand", {"command": "claude.hunks", "arguments": [{}]})
                editor.transcript += [_shown_hunk(hunk) for hunk in found["hunks"]] or ["no hunks"]
            case ("lenses", name):
                lenses = await editor.request("textDocument/codeLens", {"textDocument": {"uri": self._uri(name)}})
                for lens in lenses:
                    line, shown = lens["range"]["start"]["line"] + 1, lens["command"]
                    editor.transcript.append(f"lens {line}: {shown['title']} = {shown['command']} {shown['arguments']}")
            case ("marks", name):
                for mark in editor.diagnostics.get(self._uri(name), []):
                    line = mark["range"]["start"]["line"] + 1
                    editor.transcript.append(f"mark {line}: {mark['severity']} {mark['message']}")
            case ("hints", name):
                params = {"textDocument": {"uri": self._uri(name)}, "range": self._range(text, 0, len(text))}
                for hint in await editor.request("textDocument/inlayHint", params):
                    editor.transcript.append(f"hint {hint['position']['line'] + 1}: {hint['label']}")
            case ("open", name):
                editor.reopen(self._uri(name), _language(name))
            case ("close", name):
                editor.close_document(self._uri(name))
            case ("hover", where):
                line, column = (int(number) for number in where.split(":"))
                position = editor.position(text, _offset(text, line, column))
                found = await editor.request(
                    "textDocument/hover", {"textDocument": {"uri": here["uri"]}, "position": position}
                )
                editor.transcript.append(f"hover: {found['contents']['value'] if found else None!r}")
            case words:
                raise AssertionError(f"a case cannot do {words}")

    async def _command(self, name: str, argument: dict[str, Any], show: bool = False) -> None:
        try:
            answer = await self._editor.request("workspace/executeCommand", {"command": name, "arguments": [argument]})
        except RuntimeError as error:
            self._editor.transcript.append(f"refused {error}")
        else:
            if show:
                self._editor.transcript.append(f"answer {answer}")

    async def _actions(self, here: dict[str, Any], only: list[str]) -> list[dict[str, Any]]:
        context: dict[str, Any] = {"diagnostics": self._reported}
        if only:
            context["only"] = only
        params = {"textDocument": {"uri": here["uri"]}, "range": here["range"], "context": context}
        return list(await self._editor.request("textDocument/codeAction", params) or [])

    async def _menu(self, here: dict[str, Any], only: list[str]) -> None:
        for action in await self._actions(here, only):
            disabled = f" (disabled: {action['disabled']['reason']})" if "disabled" in action else ""
            self._editor.transcript.append(f"menu {action['kind']}: {action['title']}{disabled}")

    def _range(self, text: str, start: int, end: int) -> dict[str, Any]:
        return {"start": self._editor.position(text, start), "end": self._editor.position(text, end)}


def _shown_hunk(hunk: dict[str, Any]) -> str:
    start, end = hunk["range"]["start"]["line"] + 1, hunk["range"]["end"]["line"] + 1
    theirs = ", theirs in part" if hunk["theirsInPart"] else ""
    name = hunk["uri"].rpartition("/")[2]
    return f"hunk {hunk['id']} {name} {start}-{end} {hunk['oldText']!r} -> {hunk['newText']!r}{theirs}"


def _written(root: Path, files: Mapping[str, str]) -> Path:
    """A folder with these files."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return root.resolve()


def _files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def _text(path: Path) -> str:
    return path.read_bytes().decode()


def _language(name: str) -> str:
    return LANGUAGES.get(name.rpartition(".")[2], "plaintext")


def _offset(text: str, line: int, column: int) -> int:
    """The offset of a place as cases write it: line and column counted from 1, in characters."""
    lines = text.split("\n")
    return sum(len(item) + 1 for item in lines[: line - 1]) + column - 1


def _asked(request: Any) -> str:
    system = "\n".join(block.text for block in request.system)
    return request_text(request).removeprefix(system).strip("\n")
