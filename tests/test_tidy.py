"""The house in order: layers, one home for each outside library, quiet imports, documents in step with the code."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from claude_ls.actions import ACTIONS
from claude_ls.config import SETTINGS
from claude_ls.lsp import announced
from claude_ls.lsp.commands import COMMANDS
from claude_ls.syntax.languages import LANGUAGES
from generated import generated
from harness.case import Case, read_case

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "server" / "claude_ls"
LAYERS = (
    *("config", "text", "syntax", "workspace", "index", "editing", "agent"),
    *("actions", "session", "lsp", "terminal", "__main__"),
)
HOMES = {
    "anthropic": "agent/claude.py",
    "httpx2": "agent/claude.py",
    "h11": "agent/replay.py",
    "tree_sitter": "syntax/",
    "pygls": "lsp/",
    "lsprotocol": "lsp/",
    "rapidfuzz": "editing/",
    "rich": "terminal/",
    "platformdirs": "__main__.py",
    "sqlite3": "workspace/",
    "watchdog": "workspace/",
    "pathspec": "workspace/",
}
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")


def imports(module: Path) -> set[str]:
    """Every module that is imported anywhere in it."""
    tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    assert not any(isinstance(node, ast.ImportFrom) and node.level for node in nodes), "imports are absolute"
    return plain | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def layer(name: str) -> int:
    return LAYERS.index(name)


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_imports_only_from_its_left(module: Path) -> None:
    own = layer(module.parts[0].removesuffix(".py"))
    for name in imports(module):
        parts = name.split(".")
        if parts[0] == "claude_ls" and len(parts) > 1:
            assert layer(parts[1]) <= own, f"{module} imports {name}, which is to its right"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_each_outside_library_has_one_home(module: Path) -> None:
    for name in imports(module):
        home = HOMES.get(name.split(".")[0])
        assert home is None or str(module).startswith(home), f"{name} belongs to {home}, not to {module}"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_opens_with_a_sentence_and_never_prints(module: Path) -> None:
    tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))
    first = (ast.get_docstring(tree) or "").split("\n\n")[0]
    assert first.endswith((".", ":")), f"{module} does not say why it exists"
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert not any(isinstance(function, ast.Name) and function.id == "print" for function in calls)


def test_file_names_are_unique() -> None:
    names = [module.name for module in MODULES if module.name != "__main__.py"]
    twice = {name for name in names if names.count(name) > 1}
    # The port and the adapter that speaks it are called the same on purpose.
    assert twice <= {"client.py"}


def test_importing_everything_is_quiet_and_does_nothing(tmp_path: Path) -> None:
    names = [".".join(("claude_ls", *module.with_suffix("").parts)) for module in MODULES]
    code = f"import {', '.join(name for name in names if not name.endswith('__main__'))}, claude_ls.__main__"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=tmp_path, timeout=60, check=True)
    assert (ran.stdout, ran.stderr, list(tmp_path.iterdir())) == (b"", b"", [])


def test_the_answer_to_initialize_needs_neither_the_client_library_nor_the_session() -> None:
    code = "import sys, claude_ls.__main__, claude_ls.lsp.transport; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    loaded = set(ran.stdout.split())
    assert not loaded & {"anthropic", "tree_sitter", "rich", "claude_ls.session.session", "claude_ls.syntax.tree"}


def test_the_protocol_names_every_command_with_its_keys() -> None:
    document = (ROOT / "server" / "PROTOCOL.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(claude\.\w+)` \| ([^|]+) \|", document, re.MULTILINE))
    assert list(rows) == list(announced.COMMANDS)
    for name, command in COMMANDS.items():
        keys = [*command.required, *(f"{key}?" for key in command.optional)]
        assert f"{{{', '.join(keys)}}}" in rows[name], f"{name} takes {keys}"


def test_the_protocol_names_every_setting() -> None:
    document = (ROOT / "server" / "PROTOCOL.md").read_text(encoding="utf-8")
    table = document[document.index("## Settings") :]
    named = {name.partition(".<")[0] for name in re.findall(r"^\| `([\w.<>]+)` \|", table, re.MULTILINE)}
    assert named == set(SETTINGS)


def test_what_is_generated_from_the_table_of_actions_does_not_lag() -> None:
    for path, text in generated().items():
        assert path.exists() and path.read_text(encoding="utf-8") == text, f"{path.name} lags: run `make docs`"


def test_every_kind_of_the_menu_is_announced() -> None:
    for entry in (entry for action in ACTIONS.values() for entry in action.entries):
        assert any(f"{entry.kind}.".startswith(f"{kind}.") for kind in announced.CODE_ACTION_KINDS), entry


def test_whatever_a_menu_shows_is_in_the_table() -> None:
    known = []
    for entry in (entry for action in ACTIONS.values() for entry in action.entries):
        title = re.sub(r"<[^>]*>", "\0", entry.title)
        known.append(re.compile(re.escape(f"menu {entry.kind}: {title}").replace("\0", ".+")))
    for path in (ROOT / "fixtures" / "cases").rglob("*.case"):
        for line in (read_case(path).client_transcript or "").splitlines():
            if line.startswith("menu ") and not line.startswith("menu quickfix.claude.review"):
                shown = line.partition(" (disabled: ")[0]
                assert any(entry.fullmatch(shown) for entry in known), f"{path.name}: {line}"


_MENU = {"test": "Claude: write tests", "fix": "Claude: fix", "edit": "Claude: do", "explain": "Claude: answer"}


def test_every_action_has_its_words_and_a_case_in_three_languages() -> None:
    prompts = {path.stem for path in (PACKAGE / "actions" / "prompts").glob("*.md")}
    used: dict[str, set[str]] = {name: set() for name in ACTIONS}
    for path in (ROOT / "fixtures" / "cases").rglob("*.case"):
        case = read_case(path)
        for name in _actions_of(case):
            used[name].add(case.selection[0].rpartition(".")[2])
    for name, languages in used.items():
        assert name in prompts
        assert len(languages) >= 3, f"{name} has cases in {sorted(languages)} only"


def _actions_of(case: Case) -> Iterator[str]:
    for step in case.steps:
        first, second = (*step.words, "", "")[:2]
        chosen = [name for name, start in _MENU.items() if first == "choose" and second.startswith(start)]
        yield from {first, second if first == "refactor" else "", *chosen} & set(ACTIONS)


def test_the_readme_counts_the_languages_and_names_them() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for language in LANGUAGES:
        assert language.name in readme
