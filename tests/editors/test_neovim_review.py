"""A person reviews in Neovim what Claude has changed, and goes back to a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from editors.neovim import Neovim
from editors.test_neovim import SUM, TOTAL, editing, job_state

pytestmark = pytest.mark.editor

TWO = (
    "-- claude --\nOne is enough.\n>>> edit_file\npath: total.py\n"
    "edits.0.old_text: s = 0\nedits.0.new_text: s = 10\nedits.1.old_text: return 1\nedits.1.new_text: return 2\n"
)
CHANGED = TOTAL.replace("s = 0", "s = 10").replace("return 1", "return 2")


def change_both(editor: Neovim) -> None:
    editor.lua("vim.ui.input = function(options, answer) answer('change it') end")
    editor.cursor(5, 6)
    editor.choose("Claude: edit total")
    editor.until(lambda: job_state(editor) == "done", "the end of the job")
    assert editor.text() == CHANGED


def hunks(editor: Neovim) -> list[dict[str, Any]]:
    code = """
    local client = vim.lsp.get_clients({ name = "claude_ls" })[1]
    local params = { command = "claude.hunks", arguments = { vim.empty_dict() } }
    return client:request_sync("workspace/executeCommand", params, 5000, 0).result.hunks
    """
    return list(editor.lua(code))


def lenses(editor: Neovim) -> list[list[Any]]:
    """Line (from 1) and title of what Neovim shows above the lines."""
    code = """
    local found = {}
    for _, lens in ipairs(vim.lsp.codelens.get(0)) do
      table.insert(found, { lens.range.start.line + 1, lens.command.title })
    end
    return found
    """
    return sorted(editor.lua(code))


def test_lenses_stand_above_the_changes_and_go_with_them(tmp_path: Path) -> None:
    with editing(tmp_path, TWO) as editor:
        change_both(editor)
        titles = ["Accept", "Reject", "Undo", "Why"]
        editor.until(lambda: lenses(editor) == [[line, title] for line in (3, 10) for title in titles], "the lenses")
        editor.cursor(3, 0)
        # The first lens of the line, as a person chooses it from the list.
        editor.lua("vim.ui.select = function(items, options, choose) choose(items[1], 1) end")
        editor.lua("vim.lsp.codelens.run()")
        editor.until(lambda: lenses(editor) == [[10, title] for title in titles], "one change to wait on")
        assert editor.text() == CHANGED


def test_accept_reject_and_the_undo_of_that(tmp_path: Path) -> None:
    with editing(tmp_path, TWO) as editor:
        change_both(editor)
        editor.cursor(10, 0)
        editor.command("Claude reject")
        rejected = CHANGED.replace("return 2", "return 1")
        editor.until(lambda: editor.text() == rejected, "the change to be gone")
        editor.command("Claude undo")
        editor.until(lambda: editor.text() == CHANGED and len(hunks(editor)) == 2, "the change to be back")
        editor.cursor(3, 0)
        editor.command("Claude accept")
        editor.until(lambda: [hunk["range"]["start"]["line"] for hunk in hunks(editor)] == [9], "one to be accepted")
        editor.command("Claude reject all")
        editor.until(lambda: editor.text() == rejected and not hunks(editor), "the other one to be gone")
        editor.command("undo")
        editor.until(lambda: editor.text() == CHANGED and len(hunks(editor)) == 1, "their own undo to be seen")


def test_typing_between_the_changes_stays(tmp_path: Path) -> None:
    with editing(tmp_path, TWO) as editor:
        change_both(editor)
        editor.press("5GA  # typed<Esc>")
        editor.until(lambda: "x  # typed" in editor.text(), "the typing")
        editor.command("Claude reject file")
        editor.until(lambda: not hunks(editor), "all to be gone")
        assert editor.text() == TOTAL.replace("s += x", "s += x  # typed")


def test_next_and_previous_go_round_and_the_quickfix_list_has_all(tmp_path: Path) -> None:
    with editing(tmp_path, TWO) as editor:
        change_both(editor)
        editor.cursor(1, 0)
        for command, line in (("next", 3), ("next", 10), ("next", 3), ("previous", 10), ("previous", 3)):
            editor.command(f"Claude {command}")
            editor.wait(f"return vim.api.nvim_win_get_cursor(0)[1] == {line}")
        editor.command("Claude hunks")
        editor.wait("return #vim.fn.getqflist() == 2")
        assert [item["lnum"] for item in editor.lua("return vim.fn.getqflist()")] == [3, 10]


def test_why_says_who_asked_for_a_line(tmp_path: Path) -> None:
    with editing(tmp_path, TWO) as editor:
        change_both(editor)
        editor.command("Claude accept all")
        editor.until(lambda: not hunks(editor), "all to be accepted")
        editor.cursor(3, 0)
        editor.command("Claude why")
        editor.wait("return #messages > 0 and messages[#messages]:find('One is enough.', 1, true) ~= nil")
        assert "Claude wrote this: change it" in editor.messages()[-1]


def test_a_checkpoint_is_chosen_from_a_list(tmp_path: Path) -> None:
    with editing(tmp_path, TWO) as editor:
        change_both(editor)
        editor.press("Go# typed since<Esc>")
        editor.until(lambda: "# typed since" in editor.text(), "the typing")
        editor.lua("vim.ui.select = function(all, options, pick) shown = options.format_item(all[1]); pick(all[1]) end")
        editor.command("Claude rewind")
        editor.until(lambda: editor.text() == TOTAL + "# typed since\n", "all to go back")
        assert "change it (1 file)" in editor.lua("return shown")
        # The newest one is now the way forward again.
        editor.command("Claude rewind")
        editor.until(lambda: editor.text() == CHANGED + "# typed since\n", "all to come forward")


def test_the_diff_of_all_that_waits_is_shown(tmp_path: Path) -> None:
    with editing(tmp_path, TWO) as editor:
        change_both(editor)
        editor.command("Claude review")
        editor.wait("return vim.api.nvim_buf_get_name(0):match('review.diff$') ~= nil")
        shown = editor.text()
        assert "-    s = 0\n+    s = 10\n" in shown
        assert "total.py#L3  change it\n" in shown
        assert editor.lua("return vim.bo.filetype") in ("diff", "")


def test_without_lenses_there_are_diagnostics_with_actions(tmp_path: Path) -> None:
    with editing(tmp_path, TWO, lenses=False) as editor:
        change_both(editor)
        editor.wait("return #vim.diagnostic.get(0) == 2")
        found = editor.lua("return vim.diagnostic.get(0)")
        assert [(item["lnum"], item["severity"], item["source"]) for item in found] == [
            (2, 3, "claude"),
            (9, 3, "claude"),
        ]
        editor.cursor(3, 0)
        editor.choose("Claude: reject this change")
        editor.until(lambda: editor.text() == CHANGED.replace("s = 10", "s = 0"), "the change to be gone")
        editor.wait("return #vim.diagnostic.get(0) == 1")


def test_what_waits_waits_on_after_a_restart(tmp_path: Path) -> None:
    with editing(tmp_path, TWO) as editor:
        change_both(editor)
        editor.command("write")
        editor.lua("vim.lsp.get_clients({ name = 'claude_ls' })[1]:stop(true)")
        editor.wait("return #vim.lsp.get_clients({ name = 'claude_ls' }) == 0")
        editor.command("edit!")
        editor.wait("return #vim.lsp.get_clients({ name = 'claude_ls', bufnr = 0 }) == 1")
        editor.until(lambda: len(hunks(editor)) == 2, "the changes to be found again")
        editor.command("Claude reject all")
        editor.until(lambda: editor.text() == TOTAL, "all to be gone")


def test_a_whole_function_is_one_change(tmp_path: Path) -> None:
    script = "-- claude --\n>>> rewrite_region\nnew_text:\n|def total(xs):\n|    return sum(xs)\n"
    with editing(tmp_path, script) as editor:
        editor.cursor(2, 6)
        editor.choose('Claude: do "')
        editor.until(lambda: job_state(editor) == "done" and editor.text() == SUM, "the end of the job")
        assert [(hunk["oldText"].count("\n"), hunk["newText"]) for hunk in hunks(editor)] == [
            (5, "    return sum(xs)\n")
        ]
        editor.command("Claude reject all")
        editor.until(lambda: editor.text() == TOTAL, "all to be gone")
