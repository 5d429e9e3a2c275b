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
from claude_ls.workspace.checkpoints import Checkpoint, Checkpoints, Kept, wound_back
from claude_ls.workspace.database import NAME, Database, DatabaseProblem
from claude_ls.workspace.files import FileProblem
from claude_ls.workspace.path_state import ABSENT, PathState, as_text, look, put_back

OK, KEPT, NOT_FOUND = 0, 1, 2
_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


class Unknown(Exception):
    """There is nothing of that name; the message says how to see what there is."""


@dataclass(frozen=True)
class _Plan:
    """What bringing back one path would do: from `now` to `wanted`. Not `clean` where somebody's work is in the way."""

    path: Path
    now: PathState
    wanted: PathState
    clean: bool


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
        plans = [_plan(kept, exact=exact) for kept in _by_path(store.since(chosen.id))]
        return _show(console, plans) if action == "show" else _restore(console, store, chosen, plans, exact=exact)
    except (DatabaseProblem, FileProblem, Unknown) as problem:
        console.print(Text(visible(str(problem)), "red"), soft_wrap=True)
        return NOT_FOUND
    finally:
        for told in database.told:
            console.print(Text(told), soft_wrap=True)
        database.close()


def _list(console: Console, known: Sequence[Checkpoint]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("checkpoint", "made", "before", "files"):
        table.add_column(name, justify="right" if name == "files" else "left", overflow="fold")
    for item in known:
        made = item.time.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(item.id, made, Text(visible(item.title)), str(item.files))
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


def _plan(kept: Sequence[Kept], *, exact: bool) -> _Plan:
    first = kept[-1]
    now = look(first.path)
    if first.text is None:
        untouched = now.kind == "absent" or now == first.state
        made_by_claude = now.kind == "file" and as_text(now.data) == kept[0].after
        return _Plan(first.path, now, first.state, untouched or made_by_claude)
    mode = first.state.mode if first.state.kind == "file" else 0o644
    marked = first.state.data.startswith(_MARK.encode())
    before = PathState("file", mode, _bytes(first.text, marked=marked))
    if now.kind != "file":
        return _Plan(first.path, now, before, now.kind == "absent")
    try:
        text = now.data.decode("utf-8")
    except UnicodeDecodeError:
        return _Plan(first.path, now, before, clean=False)
    marked = text.startswith(_MARK)
    wound = wound_back(kept, text.removeprefix(_MARK))
    data = _bytes(wound.before if exact and not wound.clean else wound.text, marked=marked)
    return _Plan(first.path, now, replace(now, data=data), wound.clean)


def _bytes(text: str, *, marked: bool) -> bytes:
    return ((_MARK if marked else "") + text).encode("utf-8", "surrogatepass")


def _show(console: Console, plans: Sequence[_Plan]) -> int:
    changed = [plan for plan in plans if plan.now != plan.wanted or not plan.clean]
    for plan in changed:
        console.print(Text(f"{visible(str(plan.path))}: {_words(plan)}", "bold"), soft_wrap=True)
        if plan.now.kind in ("file", "absent") and plan.wanted.kind in ("file", "absent"):
            old, new = (state.data.decode("utf-8", "replace") for state in (plan.now, plan.wanted))
            for line in unified_diff(str(plan.path).lstrip(os.sep), old, new).splitlines():
                style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
                console.print(Text(visible(line), style), soft_wrap=True)
    if not changed:
        console.print("Nothing would change: all is as it was then.")
    return OK if all(plan.clean for plan in changed) else KEPT


def _words(plan: _Plan) -> str:
    if plan.wanted == ABSENT:
        what = "is deleted"
    elif plan.now.kind == "absent":
        what = "comes back"
    else:
        what = "is changed"
    return what if plan.clean else f"{what}, but holds what was written since (only with --exact)"


def _restore(console: Console, store: Checkpoints, chosen: Checkpoint, plans: Sequence[_Plan], *, exact: bool) -> int:
    identity = f"restore-{datetime.now(UTC).strftime('%Y%m%d-%H%M%S-%f')}"
    left: list[str] = []
    done = 0
    for plan in plans:
        if plan.now == plan.wanted and plan.clean:
            continue
        if not plan.clean and not exact:
            left.append(f"{plan.path} holds what was written since; add --exact to bring it back all the same")
            continue
        store.keep(identity, identity, f"before going back to “{chosen.title}”", plan.path, None)
        try:
            put_back(plan.path, plan.wanted, plan.now)
        except FileProblem as problem:
            left.append(str(problem))
            continue
        done += 1
        store.came_of(identity, plan.path, as_text(plan.wanted.data), as_text(plan.now.data))
        console.print(
            Text(f"{visible(str(plan.path))} {'is gone' if plan.wanted == ABSENT else 'is back'}"), soft_wrap=True
        )
    for words in left:
        console.print(Text(f"Not done: {visible(words)}.", "yellow"), soft_wrap=True)
    if done:
        console.print(f"To undo this: claude-ls checkpoints restore {identity}")
    elif not left:
        console.print("Nothing to do: all is as it was then.")
    return KEPT if left else OK
