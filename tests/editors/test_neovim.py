"""What a person does in Neovim, done in Neovim."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from claude_ls.editing.recording import replay
from editors.neovim import Neovim, neovim

pytestmark = pytest.mark.editor

COMMAND = [sys.executable, "-m", "claude_ls"]
TOTAL = """\
def total(xs):
    # claude: use sum()
    s = 0
    for x in xs:
        s += x
    return s


def other():
    return 1
"""
SUM = "def total(xs):\n    return sum(xs)\n\n\ndef other():\n    return 1\n"
REWRITE = "-- claude --\n>>> rewrite_region\nnew_text:\n|def total(xs):\n|    return sum(xs)\n"
WITHOUT_LENSES = """
local make = vim.lsp.protocol.make_client_capabilities
vim.lsp.protocol.make_client_capabilities = function()
  local all = make()
  all.textDocument.codeLens = nil
  return all
end
"""
EXPLAIN = "-- claude --\nIt **adds** them up.\n"


@contextmanager
def editing(
    tmp_path: Path, script: str, text: str = TOTAL, rate: float | None = None, *, lenses: bool = True
) -> Iterator[Neovim]:
    """Neovim on a file; with `rate`, Claude comes over HTTP at so many tokens a second."""
    (tmp_path / "script").write_text(script)
    (tmp_path / ".git").mkdir()
    path = tmp_path / "total.py"
    path.write_text(text)
    environ = {"CLAUDE_LS_STATE_DIR": str(tmp_path / "state"), "CLAUDE_LS_CONFIG_DIR": str(tmp_path / "config")}
    if rate is None:
        with neovim(tmp_path, [*COMMAND, "--model", f"script:{tmp_path / 'script'}"], environ) as editor:
            if not lenses:
                editor.lua(WITHOUT_LENSES)
            editor.open(path)
            yield editor
        return
    serve = [*COMMAND, "replay", str(tmp_path / "script"), "--rate", str(rate)]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as replay:
        assert replay.stdout is not None
        environ |= {"ANTHROPIC_BASE_URL": replay.stdout.readline().strip(), "ANTHROPIC_API_KEY": "test"}
        try:
            with neovim(tmp_path, [*COMMAND, "--record", str(tmp_path / "recordings")], environ) as editor:
                editor.open(path)
                yield editor
        finally:
            replay.kill()


def job_state(editor: Neovim) -> str:
    code = """
    local client = vim.lsp.get_clients({ name = "claude_ls" })[1]
    local params = { command = "claude.jobs", arguments = { vim.empty_dict() } }
    local jobs = client:request_sync("workspace/executeCommand", params, 5000, 0).result.jobs
    return #jobs > 0 and jobs[#jobs].state or "none"
    """
    return str(editor.lua(code))


def test_an_instruction_comment_is_done_from_the_menu(tmp_path: Path) -> None:
    with editing(tmp_path, REWRITE) as editor:
        editor.cursor(2, 6)
        titles = [action["title"] for action in editor.actions()]
        assert titles[0] == 'Claude: do "use sum()"'
        assert "Claude: edit total…" in titles
        editor.choose('Claude: do "')
        editor.wait("return vim.api.nvim_buf_get_lines(0, 0, -1, false)[2] == '    return sum(xs)'")
        assert editor.text() == SUM
        editor.command("undo")
        assert editor.text() == TOTAL


def test_undo_takes_back_what_claude_did_and_keeps_what_was_typed_since(tmp_path: Path) -> None:
    with editing(tmp_path, REWRITE) as editor:
        editor.cursor(2, 6)
        editor.choose('Claude: do "')
        editor.wait("return vim.api.nvim_buf_get_lines(0, 0, -1, false)[2] == '    return sum(xs)'")
        editor.press("Go# typed since<Esc>")
        editor.wait("return vim.tbl_contains(vim.api.nvim_buf_get_lines(0, 0, -1, false), '# typed since')")
        editor.until(lambda: job_state(editor) == "done", "the end of the job")
        editor.command("Claude undo")
        editor.wait("return vim.api.nvim_buf_get_lines(0, 0, -1, false)[3] == '    s = 0'")
        assert editor.text() == TOTAL + "# typed since\n"


def test_an_action_of_several_edits_is_one_undo_step(tmp_path: Path) -> None:
    changes = [("s = 0", "s = 10"), ("return s", "return -s"), ("return 1", "return 2")]
    places = "".join(
        f"edits.{number}.old_text: {old}\nedits.{number}.new_text: {new}\n" for number, (old, new) in enumerate(changes)
    )
    with editing(tmp_path, f"-- claude --\n>>> edit_file\npath: total.py\n{places}") as editor:
        editor.lua("vim.ui.input = function(options, answer) answer('change it') end")
        editor.cursor(5, 6)
        editor.choose("Claude: edit total")
        editor.until(lambda: job_state(editor) == "done", "the end of the job")
        changed = TOTAL.replace("s = 0", "s = 10").replace("return s", "return -s").replace("return 1", "return 2")
        assert editor.text() == changed
        editor.command("undo")
        assert editor.text() == TOTAL


def test_the_person_is_asked_for_words(tmp_path: Path) -> None:
    with editing(tmp_path, REWRITE) as editor:
        editor.lua("vim.ui.input = function(options, answer) answer('use sum()') end")
        editor.cursor(5, 6)
        editor.choose("Claude: edit total")
        editor.wait("return vim.api.nvim_buf_get_lines(0, 0, -1, false)[2] == '    return sum(xs)'")
        assert editor.text() == SUM


def test_an_explanation_opens_beside_the_code_and_shows_in_hover(tmp_path: Path) -> None:
    with editing(tmp_path, EXPLAIN) as editor:
        editor.cursor(5, 6)
        editor.command("Claude explain")
        editor.wait("return #vim.api.nvim_list_wins() == 2")
        windows = editor.lua("""
        return vim.tbl_map(function(window)
          local buffer = vim.api.nvim_win_get_buf(window)
          return { vim.api.nvim_buf_get_name(buffer), vim.api.nvim_buf_get_lines(buffer, 0, -1, false) }
        end, vim.api.nvim_list_wins())
        """)
        ((_, shown),) = [window for window in windows if window[0].endswith(".md")]
        assert shown[0] == "# Explain total"
        assert "It **adds** them up." in shown
        assert editor.text() == TOTAL, "the cursor has left the code"
        hover = editor.lua("""
        local client = vim.lsp.get_clients({ name = "claude_ls" })[1]
        local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
        return client:request_sync("textDocument/hover", params, 5000, 0).result.contents.value
        """)
        assert hover == "It **adds** them up."


def test_cancel_stops_a_running_job_and_leaves_the_text(tmp_path: Path) -> None:
    with editing(tmp_path, REWRITE, rate=5) as editor:
        editor.cursor(2, 6)
        editor.command("1,6Claude edit use sum()")
        editor.wait("return vim.lsp.status():match('writing') ~= nil")
        editor.command("Claude cancel")
        editor.wait("return vim.lsp.status():match('cancelled') ~= nil or vim.lsp.status() == ''")
        assert job_state(editor) == "cancelled"
        assert editor.text() == TOTAL


def test_typing_above_while_claude_writes_keeps_every_key(tmp_path: Path) -> None:
    with editing(tmp_path, REWRITE, rate=20) as editor:
        editor.cursor(2, 6)
        editor.choose('Claude: do "')
        editor.wait("return vim.lsp.status():match('writing') ~= nil")
        editor.press("ggO# typed meanwhile: 0123456789<Esc>")
        editor.wait("return vim.tbl_contains(vim.api.nvim_buf_get_lines(0, 0, -1, false), '    return sum(xs)')")
        assert editor.text() == "# typed meanwhile: 0123456789\n" + SUM


def test_lines_land_as_they_are_written_and_one_undo_takes_them_all(tmp_path: Path) -> None:
    with editing(tmp_path, REWRITE, rate=10) as editor:
        editor.cursor(2, 6)
        editor.choose('Claude: do "')
        # The first line of the function is no news; the second lands while the job still runs.
        editor.wait("return vim.tbl_contains(vim.api.nvim_buf_get_lines(0, 0, -1, false), '    return sum(xs)')")
        editor.until(lambda: job_state(editor) == "done", "the end of the job")
        assert editor.text() == SUM
        editor.command("undo")
        assert editor.text() == TOTAL


LINES = "".join(f"line_{number} = {number}\n" for number in range(8))
TENS = "-- claude --\n>>> rewrite_region\nnew_text:\n" + "".join(f"|line_{n} = {n}0\n" for n in range(8))
IN_PART = "local lines = vim.api.nvim_buf_get_lines(0, 0, -1, false) return lines[1] == 'line_0 = 00'"


def test_typing_between_lines_that_land_keeps_every_key(tmp_path: Path) -> None:
    with editing(tmp_path, TENS, LINES + "# below\n", rate=20) as editor:
        editor.command("1,8Claude edit tens")
        editor.wait(IN_PART)
        editor.press("Go# typed below: 0123456789<Esc>")
        editor.press("ggO# typed above: 0123456789<Esc>")
        editor.until(lambda: job_state(editor) == "done", "the end of the job")
        tens = "".join(f"line_{n} = {n}0\n" for n in range(8))
        assert editor.text() == f"# typed above: 0123456789\n{tens}# below\n# typed below: 0123456789\n"
    (recording,) = (tmp_path / "recordings").iterdir()
    for step in replay(recording.read_text().splitlines()):
        assert step.now == step.then


def test_undo_while_lines_land_stops_claude_and_leaves_nothing(tmp_path: Path) -> None:
    with editing(tmp_path, TENS, LINES, rate=20) as editor:
        editor.command("1,8Claude edit tens")
        editor.wait(IN_PART)
        editor.command("undo")
        editor.until(lambda: job_state(editor) == "failed", "the end of the job")
        assert "you undid" in editor.messages()[0]
        assert editor.text() == LINES


def test_a_buffer_that_is_read_again_in_the_middle_keeps_its_job(tmp_path: Path) -> None:
    with editing(tmp_path, REWRITE, rate=20) as editor:
        editor.cursor(2, 6)
        editor.choose('Claude: do "')
        editor.wait("return vim.lsp.status():match('writing') ~= nil")
        editor.command("edit!")  # reported as closed and opened
        editor.until(lambda: job_state(editor) == "done", "the end of the job")
        assert editor.text() == SUM


def test_typing_in_the_lines_to_be_replaced_stops_claude_and_stays(tmp_path: Path) -> None:
    with editing(tmp_path, REWRITE, rate=10) as editor:
        editor.cursor(2, 6)
        editor.choose('Claude: do "')
        editor.wait("return vim.lsp.status():match('writing') ~= nil")
        editor.press("4GA  # mine<Esc>")
        editor.wait("return #messages > 0")
        assert "your text was kept" in editor.messages()[0]
        assert editor.text() == TOTAL.replace("for x in xs:", "for x in xs:  # mine")


def test_without_a_key_the_menu_is_silent_and_the_command_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    path = tmp_path / "total.py"
    path.write_text(TOTAL)
    environ = {"HOME": str(tmp_path), "ANTHROPIC_API_KEY": "", "ANTHROPIC_BASE_URL": ""}
    with neovim(tmp_path, COMMAND, environ) as editor:
        editor.open(path)
        assert editor.actions() == []  # Neovim does not know disabled actions
        editor.command("Claude explain")
        editor.wait("return #messages > 0")
        assert "ANTHROPIC_API_KEY" in editor.messages()[0]
