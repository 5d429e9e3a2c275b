"""Reads case files: a text of sections, one test each. The format is told in server/CONTRIBUTING.md."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claude_ls.agent.scripted import Turn, read_sections, read_turn

_MARK = re.compile(r"<cursor>|<sel>|</sel>")
_AFTER = re.compile(r"(.*) after (\d+) characters$")


@dataclass(frozen=True)
class Step:
    """One line of `-- do --`. `after` makes it happen while the action above it is being answered."""

    words: tuple[str, ...]
    after: int | None = None


@dataclass(frozen=True)
class Case:
    path: Path
    why: str
    files: Mapping[str, str]
    selection: tuple[str, int, int]
    """File, start and end, in characters of the file without its marks."""
    steps: tuple[Step, ...]
    turns: tuple[Turn, ...]
    expected: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    client: frozenset[str] = frozenset()
    client_transcript: str | None = None
    prompt: str | None = None
    never_asked: int = 0
    """How many of the turns, the last ones, must not be played."""


def read_case(path: Path) -> Case:
    why, sections = read_sections(path.read_bytes().decode())
    files: dict[str, str] = {}
    expected: dict[str, str] = {}
    selection = ("", 0, 0)
    steps: list[Step] = []
    turns: list[Turn] = []
    settings: dict[str, Any] = {}
    client: frozenset[str] = frozenset()
    transcript = prompt = None
    never_asked = 0
    for name, body in sections:
        if name == "do":
            steps = [_step(line) for line in body.splitlines() if line.strip()]
        elif name in ("claude", "never asked"):
            assert name == "never asked" or not never_asked, "a turn that is played stands behind one that is not"
            never_asked += name == "never asked"
            turns.append(read_turn(body))
        elif name == "settings":
            settings = {key.strip(): json.loads(value) for key, value in _pairs(body)}
        elif name == "client":
            client = frozenset(body.split("\n")) - {""}
        elif name == "@client":
            transcript = body
        elif name == "@prompt":
            prompt = body
        elif name.startswith("@"):
            file, text = _file(name[1:], body)
            expected[file] = text
        else:
            file, text = _file(name, body)
            files[file], marks = _unmarked(text)
            if marks or not selection[0]:
                selection = (file, marks[0], marks[-1]) if marks else (file, 0, 0)
    return Case(
        *(path, why.strip(), files, selection, tuple(steps), tuple(turns), expected, settings, client, transcript),
        *(prompt, never_asked),
    )


def written(case: Case, files: Mapping[str, str], transcript: str, prompt: str) -> str:
    """The case file with all its `@` sections as this run filled them."""
    why, sections = read_sections(case.path.read_bytes().decode())
    parts = [why]
    names = [name for name, _ in sections]
    for name, body in sections:
        if name == "@client":
            body = transcript
        elif name == "@prompt":
            body = prompt
        elif name.startswith("@"):
            continue
        parts.append(f"-- {name} --\n{body}")
    for file, text in files.items():
        if text != case.files.get(file):
            flagged = next((name for name in names if name.split()[0] == file), file)
            parts.append(f"-- @{flagged} --\n{_body(flagged, text)}")
    return "".join(parts)


def _pairs(body: str) -> list[tuple[str, str]]:
    return [(key, value) for key, _, value in (line.partition(":") for line in body.splitlines() if line.strip())]


def _step(line: str) -> Step:
    timed = _AFTER.match(line)
    words = tuple(shlex.split(timed.group(1) if timed else line))
    return Step(words, int(timed.group(2)) if timed else None)


def _file(name: str, body: str) -> tuple[str, str]:
    """`path` and `path crlf`; a text whose last line is `<eof>` has no final line break."""
    path, *flags = name.split()
    if body.endswith("<eof>\n"):
        body = body.removesuffix("<eof>\n").removesuffix("\n")
    return path, body.replace("\n", "\r\n") if "crlf" in flags else body


def _body(name: str, text: str) -> str:
    text = text.replace("\r\n", "\n") if "crlf" in name.split() else text
    return text if text.endswith("\n") or not text else f"{text}\n<eof>\n"


def _unmarked(text: str) -> tuple[str, list[int]]:
    marks = [match.start() - before for match, before in _with_removed(text)]
    return _MARK.sub("", text), marks


def _with_removed(text: str) -> list[tuple[re.Match[str], int]]:
    removed = 0
    found: list[tuple[re.Match[str], int]] = []
    for match in _MARK.finditer(text):
        found.append((match, removed))
        removed += len(match.group())
    return found
