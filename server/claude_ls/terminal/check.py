"""`claude-ls check`: what is set up and what is not, and what to do about it."""

from __future__ import annotations

import json
import platform
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from claude_ls import __version__, config
from claude_ls.agent.claude import CREDENTIALS, ClaudeModel, has_credentials
from claude_ls.syntax.languages import LANGUAGES
from claude_ls.syntax.tree import missing_grammars, more_grammars
from claude_ls.workspace.check_environment import program_finder
from claude_ls.workspace.check_suggestions import suggest
from claude_ls.workspace.files import FileProblem, StateFolder, read

Mark = Literal["ok", "note", "wrong"]


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, how it is, and what to do where it is not right."""

    subject: str
    mark: Mark
    words: str
    advice: str = ""


async def check(environ: Mapping[str, str], settings_file: Path, state: Path, folder: Path) -> int:
    """Look at everything, and at what checks `folder`, and print it; 1 where something keeps claude-ls from working."""
    findings = [
        Finding("version", "ok", f"claude-ls {__version__}, Python {platform.python_version()}"),
        *_settings(settings_file),
        *await _claude(environ, settings_file),
        _grammars(),
        _state(state),
        *checks_here(environ, settings_file, folder),
    ]
    show(findings, Console(highlight=False))
    return 1 if any(finding.mark == "wrong" for finding in findings) else 0


def show(findings: list[Finding], console: Console) -> None:
    marks = {"ok": Text("✓", "green"), "note": Text("·", "yellow"), "wrong": Text("✗", "red")}
    table = Table.grid(padding=(0, 2))
    for finding in findings:
        words = Text(finding.words)
        if finding.advice:
            words.append(f"\n→ {finding.advice}", "bold")
        table.add_row(marks[finding.mark], finding.subject, words)
    console.print(table)


def _settings(file: Path) -> list[Finding]:
    loaded = config.load(editor=None, options=None, file=file)
    if loaded.problems:
        return [Finding("settings", "wrong", problem, f"Mend it in {file}.") for problem in loaded.problems]
    where = f"read from {file}" if file.exists() else f"all by default; {file} would hold your own"
    return [Finding("settings", "ok", where)]


async def _claude(environ: Mapping[str, str], settings_file: Path) -> list[Finding]:
    """Key, endpoint and model. The API is only asked where there is a key to ask with."""
    settings = config.load(editor=None, options=None, file=settings_file).settings
    found = next((name for name in CREDENTIALS if environ.get(name)), None)
    if not has_credentials(environ, settings.endpoint):
        advice = "Set ANTHROPIC_API_KEY, or ANTHROPIC_BASE_URL to a local server that speaks the Messages API."
        return [Finding("key", "wrong", "none found", advice)]
    key = f"from {found}" if found else "none set; a local server or a profile is used"
    model = ClaudeModel(environ=environ, endpoint=settings.endpoint)
    inspected = await model.inspect(settings.model)
    await model.aclose()
    findings = [Finding("key", "ok", key), Finding("endpoint", "ok", inspected.endpoint or "the library's own")]
    if inspected.problem:
        advice = "Actions may still work on a server without /v1/models; on Claude's own API, mend this first."
        return [*findings, Finding("model", "wrong", f"{settings.model}: {inspected.problem}", advice)]
    words = f"{settings.model} ({inspected.name}"
    words += f", {inspected.max_input_tokens:,} tokens)" if inspected.max_input_tokens else ")"
    if inspected.lifecycle not in ("", "active"):
        retires = f", and retires on {inspected.retires}" if inspected.retires else ""
        advice = "Set `model` to a newer one."
        return [*findings, Finding("model", "note", f"{words} is {inspected.lifecycle}{retires}", advice)]
    return [*findings, Finding("model", "ok", words)]


def _grammars() -> Finding:
    missing = missing_grammars()
    if missing:
        words = f"missing for {', '.join(missing)}; actions there go by the selection alone"
        return Finding("grammars", "note", words, "Install claude-ls again to have them all.")
    more = "".join(f", {name}" for name in more_grammars())
    return Finding("grammars", "ok", f"{len(LANGUAGES)} languages{more}")


def _state(root: Path) -> Finding:
    problem = StateFolder(root).problem()
    if problem:
        advice = "Make it writable, or set CLAUDE_LS_STATE_DIR to another folder."
        return Finding("state", "wrong", problem, advice)
    return Finding("state", "ok", str(root))


def checks_here(environ: Mapping[str, str], settings_file: Path, folder: Path) -> list[Finding]:
    """The checks that are set, and those that `folder` seems to have besides. Nothing is run."""
    commands = config.load(editor=None, options=None, file=settings_file).settings.verify_commands
    which = program_finder(folder, environ)
    findings = []
    for name, argv in commands.items():
        words = f"{name}: {shlex.join(argv)}"
        if "/" in argv[0] or which(argv[0]):
            findings.append(Finding("checks", "ok", words))
        else:
            advice = f"Install {argv[0]} where this folder finds it, or correct [verify.commands] in {settings_file}."
            findings.append(Finding("checks", "note", f"{words} ({argv[0]} is not found from here)", advice))
    for one in suggest(_names(folder), lambda name: _text(folder / name), which):
        if one.argv not in commands.values():
            words = f"{one.name} is not set; this folder has {one.reason}"
            advice = f"In {settings_file}, under [verify.commands]: {_key(one.name)} = {_quoted(one.argv)}"
            findings.append(Finding("checks", "note", words, advice))
    if not findings:
        advice = f'Name a command in {settings_file}, under [verify.commands]: tests = ["make", "test"]'
        return [Finding("checks", "note", "none is set, and none is known for this folder", advice)]
    return findings


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []


def _text(path: Path) -> str | None:
    try:
        return read(path).text
    except FileProblem:
        return None


def _key(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else json.dumps(name)


def _quoted(argv: tuple[str, ...]) -> str:
    return json.dumps(list(argv), ensure_ascii=False)
