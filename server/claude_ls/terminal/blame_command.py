"""`claude-ls blame`: which lines of a file Claude wrote, when, and what it had been asked for."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from claude_ls.agent.usage import cost_words
from claude_ls.text.diff import lines_with_breaks
from claude_ls.workspace import authorship, files
from claude_ls.workspace.authorship import Authorship, JobRecord
from claude_ls.workspace.database import NAME, Database, DatabaseProblem

OK, NOTHING_KNOWN, BAD_FILE = 0, 1, 2

COLORS = ("cyan", "magenta", "green", "yellow", "blue", "red")
"""Jobs that follow each other in the file are told apart by these."""
SHORT = 8
"""So much of a job's id is shown, and more where that is not enough to tell two of them apart."""
WIDEST_MARGIN = 32
TAB = 8
_CANNOT_BE_SEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS = frozenset("\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}")
_FIRST_PICTURE = 0x2400

_Jobs = Mapping[str, JobRecord | None]
"""All jobs that wrote something in the file, in the order of their first lines; None for one that is not known."""


class _Found(NamedTuple):
    """The job of each line, what is known of the jobs, and what else the person should hear."""

    owners: list[str | None]
    jobs: _Jobs
    notes: list[str]


def blame(state: Path, file: Path, *, as_json: bool, console: Console | None = None) -> int:
    """Show the lines of `file` beside what is known of them in the state folder; the exit code.

    0 where any of its lines is Claude's, 1 where none is, 2 where the file or the state folder cannot be read.
    """
    console = console or Console(highlight=False)
    try:
        text = _read(file)
        found = _look_up(state, file, text)
    except (files.FileProblem, DatabaseProblem) as problem:
        if as_json:
            _write(console, {"error": str(problem)})
        else:
            console.print(Text(visible(str(problem)), "red"), soft_wrap=True)
        return BAD_FILE
    if as_json:
        _write(console, _as_data(found))
    else:
        if found.jobs:
            names, colors = _short_names(found.jobs), _colors(found.jobs)
            _show_lines(console, lines_with_breaks(text), found, names, colors)
            _show_summary(console, found, names, colors)
        else:
            found.notes.append(f"None of the {len(found.owners)} lines of {file} is known to be Claude's.")
        for note in found.notes:
            console.print(Text(visible(note)), soft_wrap=True)
    return OK if found.jobs else NOTHING_KNOWN


def visible(text: str) -> str:
    """`text` without anything that a terminal would obey or hide: a picture stands for each such character."""
    return "".join(map(_picture, text))


def _picture(character: str) -> str:
    if character.isprintable() or unicodedata.category(character) not in _CANNOT_BE_SEEN or character in _JOINERS:
        return character
    if character == "\x7f":
        return "\N{SYMBOL FOR DELETE}"
    if character < " ":
        return chr(_FIRST_PICTURE + ord(character))
    return "\N{SYMBOL FOR SUBSTITUTE FORM TWO}"


def _read(file: Path) -> str:
    try:
        folder = file.is_dir()
    except OSError:
        folder = False  # Reading it will say what is wrong.
    if folder:
        raise files.FileProblem(f"{str(file)!r} is a folder; name one of the files in it")
    return files.read(file).text


def _look_up(state: Path, file: Path, text: str) -> _Found:
    """What is known of the lines of `text`. Where nothing was ever kept, nothing is made."""
    try:
        anything = (state / NAME).exists()
    except OSError as error:
        raise DatabaseProblem(f"{state} cannot be read: {error.strerror or error}") from error
    if not anything:
        return _Found([None] * len(lines_with_breaks(text)), {}, [f"Nothing was ever kept in {state}."])
    database = Database(state, {"authorship": authorship.TABLES})
    try:
        known = Authorship(database)
        owners = known.blame(files.real(file), text)
        jobs = {owner: known.job(owner) for owner in dict.fromkeys(owners) if owner is not None}
        return _Found(owners, jobs, list(database.told))
    finally:
        database.close()


def _write(console: Console, data: object) -> None:
    # In ASCII, so that whatever a file has in it cannot reach the terminal.
    console.out(json.dumps(data), highlight=False)


def _as_data(found: _Found) -> dict[str, object]:
    """Lines are counted from 1; costs are in US dollars."""
    counts = Counter(found.owners)
    described: list[dict[str, object]] = []
    for identity, record in found.jobs.items():
        description: dict[str, object] = {"id": identity, "lines": counts[identity]}
        if record is not None:
            checks = [{"name": name, "passed": passed} for name, passed in record.checks]
            description |= {"action": record.action, "title": record.title, "instruction": record.instruction}
            description |= {"model": record.model, "cost": record.cost, "checks": checks, "answer": record.answer}
            description |= {"time": record.time.isoformat()}
        described.append(description)
    lines = [{"line": number, "job": owner} for number, owner in enumerate(found.owners, 1)]
    return {"lines": lines, "jobs": described, "notes": found.notes}


def _show_lines(
    console: Console, lines: Sequence[str], found: _Found, names: Mapping[str, str], colors: Mapping[str, str]
) -> None:
    width = min(WIDEST_MARGIN, console.width // 3)
    digits = len(str(len(lines)))
    row, last = 0, None
    for number, (line, owner) in enumerate(zip(lines, found.owners, strict=True), 1):
        row, last = (row + 1 if owner == last else 0), owner
        margin = Text(_margin(names[owner], found.jobs[owner], row) if owner else "", colors[owner] if owner else "")
        margin.truncate(width, overflow="ellipsis", pad=True)
        code = visible(line.rstrip("\r\n").expandtabs(TAB))
        bar = ("┃", colors[owner]) if owner else ("│", "dim")
        # Not wrapped: what is piped into another program stays one line for each line.
        console.print(Text.assemble(margin, " ", (f"{number:>{digits}}", "dim"), " ", bar, " ", code), soft_wrap=True)


def _margin(name: str, record: JobRecord | None, row: int) -> str:
    """What stands beside the line number `row` of those that one job wrote together."""
    if record is None:
        return name if row == 0 else ""
    rows = (f"{name} {_date(record)}", " ".join(record.instruction.split()) or record.title, record.model)
    return visible(rows[row]) if row < len(rows) else ""


def _show_summary(console: Console, found: _Found, names: Mapping[str, str], colors: Mapping[str, str]) -> None:
    counts = Counter(found.owners)
    ours, every = len(found.owners) - counts[None], len(found.owners)
    table = Table.grid(padding=(0, 2))
    for identity, record in found.jobs.items():
        lines = f"{counts[identity]} line{'s' * (counts[identity] != 1)}"
        table.add_row(Text(names[identity], colors[identity]), Text(lines, justify="right"), _words(record))
    console.print(Text(f"\n{ours} of {every} lines are Claude's ({100 * ours / every:.0f} %):", "bold"))
    console.print(table)


def _words(record: JobRecord | None) -> Text:
    """All that is worth reading of one job."""
    if record is None:
        return Text("nothing more is known of this job", "dim")
    words = Text(visible(record.title), "bold")
    facts = [_date(record), visible(record.model)]
    if record.cost is not None:
        facts.append(cost_words(record.cost))
    facts += [f"{'✓' if passed else '✗'} {visible(name)}" for name, passed in record.checks]
    words.append(f"\n{' · '.join(facts)}", "dim not bold")
    for line in record.instruction.strip().splitlines():
        words.append(f"\n{visible(line.expandtabs(TAB))}", "not bold")
    return words


def _date(record: JobRecord) -> str:
    """The day, where the person is."""
    return record.time.astimezone().strftime("%Y-%m-%d")


def _short_names(jobs: _Jobs) -> dict[str, str]:
    length = SHORT
    while len({identity[:length] for identity in jobs}) < len(jobs):
        length += 1
    return {identity: visible(identity[:length]) for identity in jobs}


def _colors(jobs: _Jobs) -> dict[str, str]:
    return {identity: COLORS[number % len(COLORS)] for number, identity in enumerate(jobs)}
