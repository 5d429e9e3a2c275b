"""`claude-ls usage`: what was spent on which day, for which action and on which model, and by whose prices."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from claude_ls.agent.prices import list_prices
from claude_ls.agent.usage import cost_words
from claude_ls.config import Settings
from claude_ls.session.spending import Spent, spent_in
from claude_ls.terminal.blame_command import visible
from claude_ls.workspace import usage_store
from claude_ls.workspace.database import NAME, Database, DatabaseProblem
from claude_ls.workspace.usage_store import Tally, UsageStore

OK, UNREADABLE = 0, 2
WIDEST_BAR = 40
NARROWEST_BAR = 8
_EIGHTHS = " ▏▎▍▌▋▊▉"


def show_usage(
    state: Path, since: datetime | None, by: str, settings: Settings, *, as_json: bool, console: Console | None = None
) -> int:
    """Show what was used since then, or ever, `by` `day`, `action` or `model`; the exit code.

    0, or 2 where the state folder cannot be read. What goes into a file or another program has no bars.
    """
    console = console or Console(highlight=False)
    try:
        spent, told = _look_up(state, since)
    except DatabaseProblem as problem:
        if as_json:
            console.out(json.dumps({"error": str(problem)}), highlight=False)
        else:
            console.print(Text(visible(str(problem)), "red"), soft_wrap=True)
        return UNREADABLE
    if as_json:
        from claude_ls.lsp.convert import json_usage

        console.out(json.dumps(json_usage(spent)), highlight=False)
        return OK
    for words in told:
        console.print(Text(visible(words), "yellow"), soft_wrap=True)
    if not spent.total.turns:
        console.print("Nothing was used" + (f" since {since.astimezone():%Y-%m-%d %H:%M}." if since else " so far."))
        return OK
    rows = {"day": spent.days, "action": spent.actions, "model": spent.models}[by]
    _show_table(console, by, rows, spent.total)
    _show_notes(console, spent, settings)
    return OK


def _look_up(state: Path, since: datetime | None) -> tuple[Spent, list[str]]:
    """What was used, and what else the person should hear. Where nothing was ever kept, nothing is made."""
    try:
        anything = (state / NAME).exists()
    except OSError as error:
        raise DatabaseProblem(f"{state} cannot be read: {error.strerror or error}") from error
    if not anything:
        return spent_in([]), []
    database = Database(state, {"usage": usage_store.TABLES})
    try:
        return spent_in(UsageStore(database).since(since)), list(database.told)
    finally:
        database.close()


def _show_table(console: Console, by: str, rows: Mapping[str, Tally], total: Tally) -> None:
    table = Table(box=None, pad_edge=False, show_footer=True, header_style="dim", footer_style="bold")
    table.add_column(by, "together")
    figures = {"turns": "turns", "sent": "sent", "from cache": "cache", "answered": "answered", "cost": "cost"}
    for name in figures:
        table.add_column(name, _figures(total)[figures[name]], justify="right", no_wrap=True)
    # Where no price is known, tokens are all that can be compared.
    costs = any(tally.cost for tally in rows.values())
    weights = {
        name: (tally.cost or 0.0) if costs else float(_sent(tally) + tally.output) for name, tally in rows.items()
    }
    if console.is_terminal:
        table.add_column("" if costs else "tokens")
    width = min(WIDEST_BAR, max(NARROWEST_BAR, console.width - 70))
    for name, tally in rows.items():
        shown = _figures(tally)
        cells = [Text(visible(name)), *(Text(shown[key]) for key in figures.values())]
        if console.is_terminal:
            cells.append(Text(bar(weights[name], max(weights.values()), width), "cyan"))
        table.add_row(*cells)
    if not console.is_terminal:
        # As wide as it is: whoever reads a file has no edge to wrap at.
        console.width = max(console.width, 200)
    console.print(table)


def bar(value: float, largest: float, width: int) -> str:
    """A bar of up to `width` characters, to the eighth of one; whatever is more than nothing can be seen."""
    if value <= 0 or largest <= 0:
        return ""
    eighths = max(1, round(value / largest * width * 8))
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _figures(tally: Tally) -> dict[str, str]:
    rate = tally.cache_hit_rate
    cost = "not known" if tally.cost is None else cost_words(tally.cost) + ("+" if tally.unpriced else "")
    return {
        "turns": f"{tally.turns:,}",
        "sent": f"{_sent(tally):,}",
        "cache": "" if rate is None else f"{100 * rate:.0f} %",
        "answered": f"{tally.output:,}",
        "cost": cost,
    }


def _sent(tally: Tally) -> int:
    return tally.input + tally.cache_read + tally.cache_write


def _show_notes(console: Console, spent: Spent, settings: Settings) -> None:
    """Where the costs come from."""
    own = sorted(model for model in spent.models if model in settings.prices)
    notes = [f"Tokens as the service counted them. Costs by the vendor's list prices of {list_prices().as_of}"]
    notes[0] += f", and by your own prices for {', '.join(own)}." if own else "."
    notes[0] += " A turn keeps the price that it had; your bill is what the vendor says."
    if spent.unpriced:
        models = ", ".join(spent.unpriced)
        notes.append(f"Without the cost of {models}: set `prices` for it in your config.toml to have it counted.")
    for words in notes:
        console.print(Text(visible(words), "dim"), soft_wrap=True)
