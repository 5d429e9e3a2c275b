"""The parts of documents and editor clients that are generated from the table of actions: `make docs` writes them anew,
and `test_tidy.py` fails when they lag."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from claude_ls.actions import ACTIONS
from claude_ls.actions.action import Action
from claude_ls.actions.refactor import REFACTORINGS

ROOT = Path(__file__).parent.parent


def menu_table() -> str:
    """Title, kind and place of each entry of the menu."""
    rows = [
        f"| `{entry.title}` | `{entry.kind}` | {entry.when} |"
        for action in ACTIONS.values()
        for entry in action.entries
    ]
    return "\n".join(["| title | kind | when |", "| --- | --- | --- |", *rows])


def action_table() -> str:
    """What the menu says, what Neovim's command is, and what it does."""
    rows = [
        f"| {_titles(action)} | `:Claude {action.name}{' …' if action.words else ''}` | {action.summary} |"
        for action in ACTIONS.values()
    ]
    return "\n".join(["| in the menu | in Neovim | does |", "| --- | --- | --- |", *rows])


def refactorings() -> str:
    names = [f"`{action.name}`" for action in REFACTORINGS]
    return f"`refactoring` is {', '.join(names[:-1])} or {names[-1]}."


def neovim_commands() -> str:
    """A Lua table: for each action its command, the arguments that it always has, and the one for words."""
    lines = [
        "-- What :Claude can be followed by to have something done. Generated from the table of actions: `make docs`.",
        "return {",
    ]
    for action in ACTIONS.values():
        parts = [f'command = "{action.command}"']
        if action.arguments:
            inner = ", ".join(f'{key} = "{value}"' for key, value in action.arguments.items())
            parts.append(f"arguments = {{ {inner} }}")
        if action.words:
            parts.append(f'words = "{action.words}"')
        lines.append(f"  {action.name} = {{ {', '.join(parts)} }},")
    return "\n".join([*lines, "}", ""])


PARTS: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "README.md": {"actions": action_table},
    "server/PROTOCOL.md": {"menu": menu_table, "refactorings": refactorings},
}
"""By document, what stands in it between `<!-- name -->` and `<!-- /name -->`."""
FILES: Mapping[str, Callable[[], str]] = {"editor-clients/neovim/lua/claude_ls/actions.lua": neovim_commands}
"""Files that are generated as a whole."""


def generated() -> dict[Path, str]:
    """By file, how it should read."""
    texts = {ROOT / name: make() for name, make in FILES.items()}
    for name, parts in PARTS.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        for mark, make in parts.items():
            begin, end = f"<!-- {mark} -->\n", f"<!-- /{mark} -->"
            before, _, rest = text.partition(begin)
            _, found, after = rest.partition(end)
            if not found:
                raise SystemExit(f"{name} lacks the marks {begin.strip()} and {end}")
            text = f"{before}{begin}{make()}\n{end}{after}"
        texts[ROOT / name] = text
    return texts


def _titles(action: Action) -> str:
    return ", ".join(f"*{entry.title.replace('<', '‹').replace('>', '›')}*" for entry in action.entries)


if __name__ == "__main__":
    for path, text in generated().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{path.relative_to(ROOT)} written\n")
