"""`claude-ls checkpoints`: lists what was kept before Claude's changes, and brings it back when the editor is gone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from claude_ls.terminal.blame_command import visible
from claude_ls.text.diff import unified_diff
from claude_ls.workspace import checkpoints
from claude_ls.workspace.checkpoints import Checkpoint, Checkpoints, Kept, is_all_claudes, wound_back
from claude_ls.workspace.database import NAME, Database, DatabaseProblem
from claude_ls.workspace.files import FileProblem
from claude_ls.workspace.path_state import ABSENT, PathState, as_text, look, put_back

OK, KEPT, NOT_FOUND = 0, 1, 2
_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
_WRITTEN = "holds what was written since"
_UNSAVED = "had changes in the editor then that were never saved"


class Unknown(Exception):
    """There is nothing of that name; the message says how to see what there is."""


@dataclass(frozen=True)
class _Plan:
    """What bringing back one path would do: from `now` to `wanted`. `but` says why that must be asked for."""

    path: Path
    now: PathState
    wanted: PathState
    but: str = ""


def show_checkpoints(
    state: Path, action: str, identity: str | None, *, exact: bool, console: Console | None = None
) -> int:
    """`list` all, `show` what bringing one back would change, or `restore` it; the exit code.

    0 where all was done, 1 where some file was kept as somebody has written in it since (with `exact` it is brought
    back all the same), 2 where there is no such checkpoint or it cannot be read.
    """
    console = console or Console(highlight=False)
    if not (state / NAME).exists():
        console.print("Nothing was kept so far: checkpoints are made before Claude first changes a file.")
        return OK if action == "list" else NOT_FOUND
    database = Database(state, {"checkpoints": checkpoints.TABLES})
    store = Checkpoints(database, lambda: datetime.now(UTC))
    try:
        if action == "list":
            _list(console, store.all())
            return OK
        chosen = _find(store, identity)
        plans, problems = _plans(store.since(chosen.id))
        if action == "show":
            return _show(console, plans, problems)
        return _restore(console, store, chosen, plans, problems, exact=exact)
    except (DatabaseProblem, FileProblem, Unknown) as problem:
        console.print(Text(visible(str(problem)), "red"), soft_wrap=True)
        return NOT_FOUND
    finally:
        for told in database.told:
            console.print(Text(told), soft_wrap=True)
        database.close()


def _list(console: Console, known: Sequence[Checkpoint]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("checkpoint", "made"):
        table.add_column(name, no_wrap=True)
    table.add_column("before", overflow="fold")
    for name in ("files", "size"):
        table.add_column(name, justify="right", no_wrap=True)
    for item in known:
        made = item.time.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(item.id, made, Text(visible(item.title)), str(item.files), _size(item.size))
    console.print(table)
    console.print("See what going back would change: claude-ls checkpoints show CHECKPOINT")


def _find(store: Checkpoints, identity: str | None) -> Checkpoint:
    found = [item for item in store.all() if identity and item.id.startswith(identity)]
    exact = [item for item in found if item.id == identity]
    if len(exact or found) != 1:
        what = "There is no checkpoint" if not found else "More than one checkpoint begins with"
        raise Unknown(f"{what} {identity!r}: see `claude-ls checkpoints`.")
    return (exact or found)[0]


def _by_path(kept: Sequence[Kept]) -> list[list[Kept]]:
    found: dict[Path, list[Kept]] = {}
    for item in kept:
        found.setdefault(item.path, []).append(item)
    # What was renamed away has to be back before its new name goes.
    return sorted(found.values(), key=lambda kept: kept[-1].state.kind == "absent")


def _plans(kept: Sequence[Kept]) -> tuple[list[_Plan], list[str]]:
    """One for each path; and why there is none for some."""
    plans: list[_Plan] = []
    problems: list[str] = []
    for of_one_path in _by_path(kept):
        try:
            plan = _plan(of_one_path, look(of_one_path[0].path))
        except FileProblem as problem:
            problems.append(str(problem))
        else:
            if plan.now != plan.wanted:
                plans.append(plan)
    return plans, problems


def _plan(kept: Sequence[Kept], now: PathState) -> _Plan:
    first = kept[-1]
    if first.text is None:
        known = now.kind in ("file", "link") and is_all_claudes(kept, _told(now))
        return _Plan(first.path, now, first.state, "" if now.kind == "absent" or known else _WRITTEN)
    mode = first.state.mode if first.state.kind == "file" else 0o644
    before = PathState("file", mode, _bytes(first.text, marked=first.state.data.startswith(_MARK.encode())))
    if now.kind != "file":
        return _Plan(first.path, now, before, "" if now.kind == "absent" else _WRITTEN)
    try:
        text = now.data.decode("utf-8")
    except UnicodeDecodeError:
        return _Plan(first.path, now, before, _WRITTEN)
    if now.data == first.state.data:
        # Nothing has reached the disk since. Whether what the editor showed was given up, nobody can tell.
        unsaved = replace(now, data=_bytes(first.text, marked=text.startswith(_MARK)))
        return _Plan(first.path, now, unsaved, _UNSAVED)
    wound = wound_back(kept, text.removeprefix(_MARK))
    if not wound.clean:
        return _Plan(first.path, now, before, _WRITTEN)
    return _Plan(first.path, now, replace(now, data=_bytes(wound.text, marked=text.startswith(_MARK))))


def _bytes(text: str, *, marked: bool) -> bytes:
    return ((_MARK if marked else "") + text).encode("utf-8", "surrogatepass")


def _show(console: Console, plans: Sequence[_Plan], problems: Sequence[str]) -> int:
    for plan in plans:
        words = f"{_words(plan)}, but it {plan.but} (only with --exact)" if plan.but else _words(plan)
        console.print(Text(visible(f"{plan.path}: {words}"), "bold"), soft_wrap=True)
        for line in _difference(plan):
            style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
            console.print(Text(visible(line), style), soft_wrap=True)
    _tell(console, problems)
    if not plans and not problems:
        console.print("Nothing would change: all is as it was then.")
    return KEPT if problems or any(plan.but for plan in plans) else OK


def _words(plan: _Plan) -> str:
    now, wanted = plan.now, plan.wanted
    if wanted.kind == "link":
        return f"becomes a link to {wanted.link} again"
    if wanted == ABSENT:
        return "is deleted"
    if now.kind == "absent":
        return "comes back"
    return f"gets the mode {wanted.mode:04o} again" if now.data == wanted.data else "is changed"


def _difference(plan: _Plan) -> Sequence[str]:
    """The lines that come and go."""
    if plan.now.kind not in ("file", "absent") or plan.wanted.kind not in ("file", "absent"):
        return ()
    try:
        old, new = (state.data.decode("utf-8") for state in (plan.now, plan.wanted))
    except UnicodeDecodeError:
        return (f"{len(plan.now.data):,} bytes become {len(plan.wanted.data):,}, not all of them text",)
    if old == new:
        return ()
    return unified_diff(str(plan.path).lstrip(os.sep), old, new).removesuffix("\n").split("\n")


def _restore(
    console: Console,
    store: Checkpoints,
    chosen: Checkpoint,
    plans: Sequence[_Plan],
    problems: Sequence[str],
    *,
    exact: bool,
) -> int:
    held = [] if exact else [plan for plan in plans if plan.but]
    problems = [*problems, *(f"{plan.path} {plan.but}; add --exact to do it all the same" for plan in held)]
    plans = [plan for plan in plans if plan not in held]
    identity = f"restore-{datetime.now(UTC).strftime('%Y%m%d-%H%M%S-%f')}"
    # All of it is kept before any of it is touched.
    for plan in plans:
        store.keep(identity, identity, f"before going back to “{chosen.title}”", plan.path, None)
    done = 0
    try:
        for plan in plans:
            try:
                put_back(plan.path, plan.wanted, plan.now)
            except FileProblem as problem:
                problems = [*problems, str(problem)]
                # It has changed nothing: what is in the file later is not to be held against somebody.
                store.came_of(identity, plan.path, _told(plan.now), _told(plan.now))
                continue
            done += 1
            gone = "is gone" if plan.wanted == ABSENT else "is back"
            console.print(Text(visible(f"{plan.path} {gone}")), soft_wrap=True)
            store.came_of(identity, plan.path, _told(plan.wanted), _told(plan.now))
    finally:
        _tell(console, problems)
        if done:
            console.print(f"To undo this: claude-ls checkpoints restore {identity}", soft_wrap=True)
        elif not problems:
            console.print("Nothing to do: all is as it was then.")
    return KEPT if problems else OK


def _told(state: PathState) -> str:
    """What it comes to, in the form in which an editor would show it; where it leads, for a link."""
    return state.link if state.kind == "link" else as_text(state.data).removeprefix(_MARK)


def _tell(console: Console, problems: Sequence[str]) -> None:
    for words in problems:
        console.print(Text(f"Not done: {visible(words)}.", "yellow"), soft_wrap=True)


def _size(count: int) -> str:
    for unit, name in ((1_000_000, "MB"), (1000, "kB")):
        if count >= unit:
            return f"{count / unit:,.1f} {name}"
    return f"{count} B"
