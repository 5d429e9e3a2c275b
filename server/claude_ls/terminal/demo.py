"""`claude-ls demo`: a real server process, a small editor and Claude, to be watched in a terminal.

Where no key is set, Claude is played by a script, over the same HTTP path: the replay server on this machine.
"""

from __future__ import annotations

import asyncio
import difflib
import tempfile
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markdown import Markdown
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.syntax import Syntax
from rich.text import Text

from claude_ls.agent import replay, scripted
from claude_ls.agent.claude import has_credentials
from claude_ls.terminal.small_editor import JobView, ServerGone, SmallEditor
from claude_ls.text.document import Document
from claude_ls.text.patch import Span

TOKENS_PER_SECOND = 60.0
SECONDS_TO_READ = 1.2
SECONDS_FOR_A_KEY = 0.07
TYPED = "# I typed this while Claude was writing below."
WIDTH = 100


class Failed(Exception):
    """The demonstration did not go as it should; the message says where."""


async def demo(environ: Mapping[str, str], *, fast: bool) -> int:
    """Show everything once; 1 where anything went wrong."""
    console = Console(highlight=False)
    live = has_credentials(environ)
    with tempfile.TemporaryDirectory(prefix="claude-ls-demo-") as folder:
        own = {**environ, "CLAUDE_LS_STATE_DIR": f"{folder}/state", "PYTHONUNBUFFERED": "1"}
        server = None
        if not live:
            script = scripted.read_script(_file("demo.script"))
            server = await replay.serve(script, tokens_per_second=None if fast else TOKENS_PER_SECOND)
            own |= {"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_API_KEY": "demo"}
            own["CLAUDE_LS_CONFIG_DIR"] = f"{folder}/config"
        try:
            await asyncio.wait_for(_show(console, own, Path(folder), live=live, fast=fast), 600 if live else 60)
        except (Failed, ServerGone, TimeoutError) as error:
            console.print(Text(f"\n✗ {error or 'it took too long'}", "bold red"))
            return 1
        finally:
            if server:
                await server.close()
    return 0


async def _show(console: Console, environ: Mapping[str, str], folder: Path, *, live: bool, fast: bool) -> None:
    work = folder / "shop"
    work.mkdir()
    path = work / "shop.py"
    path.write_text(_file("shop.txt"), encoding="utf-8")
    editor = SmallEditor(Document.opened(path.as_uri(), "python", 1, path.read_text(encoding="utf-8")))
    who = "Claude" if live else "a scripted model (no key is set), over real HTTP"
    console.print(Panel(Text.assemble(("claude-ls", "bold"), f"  in a small editor, with {who}"), width=WIDTH))
    stage = _Stage(console, editor, 0.0 if fast else SECONDS_TO_READ)
    try:
        await editor.start(environ, work)
        await _act(stage)
        code = await editor.stop()
    finally:
        editor.kill()
    if code != 0:
        raise Failed(f"the server ended with exit code {code}")
    cost = sum(job.cost or 0 for job in editor.jobs.values())
    tokens = sum(sum(job.tokens.values()) for job in editor.jobs.values())
    console.print(Rule(style="dim"))
    told = f"{len(editor.jobs)} jobs · {tokens:,} tokens · ${cost:.4f}" + ("" if live else " if it had been Claude")
    console.print(Text.assemble(("✓ ", "green"), told))
    console.print(Text("Next: README.md says how to have this in your own editor.", "dim"))


async def _act(stage: _Stage) -> None:
    """The steps, as a person would take them."""
    editor = stage.editor
    at = editor.document.text.index("# claude:")
    await stage.title("1", "A comment asks for a change; the menu knows")
    action = await stage.menu(Span(at, at), 'Claude: do "')
    await stage.job("claude.edit", "the comment goes away with the change", **_without_uri(action))
    await stage.title("2", "Changes land line by line while you type: nothing you type is lost")
    everything = editor.range(Span(0, len(editor.document.text)))
    words = "make the other functions shorter, and safe for an empty list"
    await stage.job("claude.edit", words, typing=TYPED, range=everything, instruction=words)
    at = editor.document.text.index("def average_price")
    await stage.title("3", "An explanation streams in")
    await stage.job("claude.explain", "explain average_price", range=editor.range(Span(at, at)))
    at = editor.document.text.index("def cheapest")
    await stage.title("4", "A refactoring, and second thoughts: one undo takes it back")
    before = editor.document.text
    await stage.job("claude.refactor", "document cheapest", range=editor.range(Span(at, at)), refactoring="document")
    await stage.undo(before)


class _Stage:
    """Shows what happens in the editor while it happens."""

    def __init__(self, console: Console, editor: SmallEditor, pause: float) -> None:
        self.editor = editor
        self._console = console
        self._pause = pause

    async def title(self, number: str, words: str) -> None:
        self._console.print()
        self._console.print(Text.assemble((f" {number} ", "reverse"), " ", (words, "bold")))
        await asyncio.sleep(self._pause / 2)

    async def menu(self, span: Span, chosen: str) -> dict[str, Any]:
        """Show the menu at `span`; the entry whose title begins with `chosen`."""
        actions = await self.editor.menu(span)
        action = next((action for action in actions if action["title"].startswith(chosen)), None)
        line = self.editor.document.line_span(self.editor.document.line_of(span.start)).of(self.editor.document.text)
        self._console.print(Padding(Text(line.strip(), "italic"), (0, 0, 0, 4)))
        for item in actions:
            mark, style = ("❯", "bold cyan") if item is action else (" ", "dim")
            self._console.print(Padding(Text(f"{mark} {item['title']}", style), (0, 0, 0, 4)))
        if action is None:
            raise Failed(f"the menu has no {chosen!r}")
        await asyncio.sleep(self._pause)
        return action

    async def job(self, command: str, words: str, *, typing: str = "", **argument: Any) -> None:
        """Run a job and show its diff or its words as they come; meanwhile the person types `typing` at the top."""
        before = self.editor.document.text
        known = set(self.editor.jobs)

        def picture() -> RenderableType:
            job = next((job for name, job in self.editor.jobs.items() if name not in known), JobView(""))
            shown = Markdown(job.text) if job.text else _diff(before, self.editor.document.text)
            return Group(Padding(shown, (0, 4)), Padding(_status(job), (0, 4)))

        running = asyncio.create_task(self.editor.run(command, **argument))
        keys = asyncio.create_task(self._type(typing))
        with Live(picture(), console=self._console, refresh_per_second=20, transient=False) as screen:
            while not (running.done() and keys.done()):
                await asyncio.wait({running, keys}, timeout=0.05)
                screen.update(picture())
        job = await running
        if not self._console.is_terminal:
            self._console.print()
        if job.state != "done":
            raise Failed(f"{words}: {job.error or job.state}")
        if not job.text and self.editor.document.text == before:
            raise Failed(f"{words}: nothing changed in the editor")
        if typing:
            if not self.editor.document.text.startswith(typing):
                raise Failed(f"{words}: a key that was typed is not there")
            again = f"; {self.editor.refused} edits came too late and were planned anew" if self.editor.refused else ""
            self._console.print(Padding(Text(f"⌨ all {len(typing)} keys are there{again}", "yellow"), (0, 4)))
        await asyncio.sleep(self._pause)

    async def _type(self, words: str) -> None:
        if words:
            self.editor.type(0, "\n")
        for at, key in enumerate(words):
            await asyncio.sleep(SECONDS_FOR_A_KEY if self._pause else 0)
            self.editor.type(at, key)

    async def undo(self, expected: str) -> None:
        await asyncio.sleep(self._pause / 2)
        if not self.editor.undo() or self.editor.document.text != expected:
            raise Failed("undo did not bring the text back")
        self._console.print(Padding(Text("↶ undone: the text is what it was, to the letter", "yellow"), (0, 4)))
        await asyncio.sleep(self._pause)


def _status(job: JobView) -> Text:
    marks = {"done": ("✓", "green"), "failed": ("✗", "red"), "cancelled": ("✗", "yellow")}
    mark, style = marks.get(job.state, ("⠿", "cyan"))
    parts = [job.phase or "starting"]
    if job.tokens:
        parts.append(f"{sum(job.tokens.values()):,} tokens")
    if job.cost:
        parts.append(f"${job.cost:.4f}")
    return Text.assemble((f"{mark} ", style), (" · ".join(parts), "dim"))


def _diff(before: str, after: str) -> RenderableType:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1))[2:]
    text = "\n".join(line for line in lines if not line.startswith("@@"))
    return Syntax(text, "diff", theme="ansi_dark", background_color="default") if text else Text("…", "dim")


def _without_uri(action: Mapping[str, Any]) -> dict[str, Any]:
    (argument,) = action["command"]["arguments"]
    return {key: value for key, value in argument.items() if key != "uri"}


def _file(name: str) -> str:
    return resources.files("claude_ls.terminal").joinpath("demo_files", name).read_text(encoding="utf-8")
