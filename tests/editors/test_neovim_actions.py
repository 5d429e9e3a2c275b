"""Every action of the table, once in Neovim: the menu shows it, and choosing it does what Claude answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from claude_ls.actions import ACTIONS
from editors.neovim import Neovim, neovim
from editors.test_neovim import COMMAND, job_state

pytestmark = pytest.mark.editor

SHOP = """\
def total(items):
    # claude: count what is sold out as nothing
    value = 0
    for item in items:
        if item.count:
            value += item.price
    lines = []
    for item in items:
        lines.append(item.name)
        lines.append("-")
    for line in lines:
        print(line)
    if value > 100:
        print("much")
    elif value > 10:
        print("some")
    else:
        print("little")
    while value > 0:
        value -= 1
        print(value)
    return value
"""
BILL = "from shop import total\n\nx = total([])\n"
EDIT = (
    "-- claude --\n>>> edit_file\npath: shop.py\n"
    "edits.0.old_text:\n|    lines = []\nedits.0.new_text:\n|    lines = list()\n"
)
BOTH = f"{EDIT}>>> edit_file\npath: bill.py\nedits.0.old_text: x = total([])\nedits.0.new_text: x = 0\n"
TEST = "-- claude --\n>>> write_file\npath: tests/test_shop.py\ncontent:\n|def test_total():\n|    assert True\n|\n"
EXPLAIN = "-- claude --\nIt **adds** them up.\n"
SCRIPTS = {"explain": EXPLAIN, "test": TEST, **{name: BOTH for name, action in ACTIONS.items() if action.callers}}
REPORT = """
local function at(line, message, code)
  return { lnum = line, col = 4, end_lnum = line, end_col = 9, message = message, source = "lint", code = code }
end
local space = vim.api.nvim_create_namespace("lint")
vim.diagnostic.set(space, 0, { at(6, "use list", "L1"), at(9, "use list too", "L1"), at(9, "another thing") })
"""


@contextmanager
def shop(tmp_path: Path, script: str) -> Iterator[Neovim]:
    """Neovim in a folder with a module and another one that uses it."""
    (tmp_path / "script").write_text(script)
    (tmp_path / ".git").mkdir()
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "bill.py").write_text(BILL)
    environ = {"CLAUDE_LS_STATE_DIR": str(tmp_path / "state"), "CLAUDE_LS_CONFIG_DIR": str(tmp_path / "config")}
    with neovim(tmp_path, [*COMMAND, "--model", f"script:{tmp_path / 'script'}"], environ) as editor:
        editor.open(tmp_path / "shop.py")
        # A person who says yes, and has words when asked for some.
        editor.lua("vim.ui.input = function(options, answer) answer('as a list') end")
        editor.lua("vim.lsp.handlers['window/showMessageRequest'] = function(_, params) return params.actions[1] end")
        yield editor


def done(editor: Neovim) -> None:
    editor.until(lambda: job_state(editor) == "done", "the end of the job")


def menu(editor: Neovim, first: int, last: int) -> list[dict[str, Any]]:
    """The menu for some lines, from 1, with what a linter reports there, as the person is shown it."""
    code = """
    local first, last = ...
    local shown
    local select = vim.ui.select
    vim.ui.select = function(items) shown = vim.tbl_map(function(item) return item.action end, items) end
    local range = first ~= last and { start = { first, 0 }, ["end"] = { last, 999 } } or nil
    vim.lsp.buf.code_action({ range = range })
    vim.wait(10000, function() return shown ~= nil end)
    vim.ui.select = select
    return shown
    """
    return list(editor.lua(code, first, last))


def choose(editor: Neovim, first: int, last: int, start: str) -> None:
    code = """
    local first, last, start = ...
    local range = first ~= last and { start = { first, 0 }, ["end"] = { last, 999 } } or nil
    vim.lsp.buf.code_action({
      range = range,
      apply = true,
      filter = function(action) return vim.startswith(action.title, start) end,
    })
    """
    editor.lua(code, first, last, start)


@pytest.mark.parametrize("name", ACTIONS)
def test_the_menu_has_it_and_choosing_it_does_it(name: str, tmp_path: Path) -> None:
    action = ACTIONS[name]
    with shop(tmp_path, SCRIPTS.get(name, EDIT)) as editor:
        first, last = {"extract": (7, 10), "fix": (7, 7)}.get(name, (1, 1))
        editor.lua(REPORT)
        editor.cursor(first, 4)
        start = action.entries[-1].title.partition("<")[0] if name != "fix" else 'Claude: fix "use list"'
        titles = [item["title"] for item in menu(editor, first, last)]
        assert sum(title.startswith(start) for title in titles) == 1, titles
        choose(editor, first, last, start)
        done(editor)
        if name == "explain":
            editor.wait("return #vim.api.nvim_list_wins() == 2")
        elif name == "test":
            assert (tmp_path / "tests" / "test_shop.py").read_text() == "def test_total():\n    assert True\n"
        else:
            assert editor.lua("return vim.fn.getbufline('shop.py', 7)") == ["    lines = list()"]
        if action.callers:
            assert editor.lua("return vim.fn.getbufline('bill.py', 3)") == ["x = 0"]


def test_what_a_linter_reports_is_in_the_menu_alone_and_with_all_like_it(tmp_path: Path) -> None:
    with shop(tmp_path, EDIT) as editor:
        editor.lua(REPORT)
        editor.cursor(7, 4)
        titles = [item["title"] for item in menu(editor, 7, 7)]
        assert [title for title in titles if "fix" in title] == [
            'Claude: fix "use list"',
            'Claude: fix all 2 like this: "use list"',
        ]
        choose(editor, 7, 7, "Claude: fix all")
        done(editor)
        assert "lines = list()" in editor.text()


@pytest.mark.parametrize(
    ("command", "title"),
    [
        ("Claude rename to sum_of", "rename total for clarity"),
        ("Claude errors", "handle errors in total"),
        ("Claude fix", 'fix "use list"'),
        ("Claude fix all", 'fix all 2 like "use list"'),
    ],
)
def test_it_can_be_said_in_words(command: str, title: str, tmp_path: Path) -> None:
    with shop(tmp_path, EDIT) as editor:
        editor.lua(REPORT)
        editor.cursor(7, 4)
        editor.command(command)
        done(editor)
        assert "lines = list()" in editor.text()
        code = """
        local client = vim.lsp.get_clients({ name = "claude_ls" })[1]
        local params = { command = "claude.jobs", arguments = { vim.empty_dict() } }
        return client:request_sync("workspace/executeCommand", params, 5000, 0).result.jobs[1].title
        """
        assert editor.lua(code) == title


def test_where_nothing_is_reported_the_command_says_so(tmp_path: Path) -> None:
    with shop(tmp_path, EDIT) as editor:
        editor.command("Claude fix")
        editor.wait("return #messages > 0")
        assert editor.messages() == ["Claude: nothing is reported on this line"]


def test_a_comment_that_ends_in_an_exclamation_mark_runs_once_it_is_typed(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text("autoRun = true\n")
    with shop(tmp_path, EDIT) as editor:
        editor.press("7GO# claude: as a list!<CR><Esc>")
        done(editor)
        assert "lines = list()" in editor.text()
        assert job_state(editor) == "done"
