"""What a person does in Emacs, done in Emacs, with eglot."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from editors.emacs import BARE, OURS, Emacs, emacs, lisp

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
EXPLAIN = "-- claude --\nIt **adds** them up.\n"


@contextmanager
def editing(tmp_path: Path, script: str, *, rate: float | None = None, configuration: str = OURS) -> Iterator[Emacs]:
    """Emacs on a file; with `rate`, Claude comes over HTTP at so many tokens a second."""
    (tmp_path / "script").write_text(script)
    (tmp_path / ".git").mkdir()
    path = tmp_path / "total.py"
    path.write_text(TOTAL)
    environ = {"CLAUDE_LS_STATE_DIR": str(tmp_path / "state"), "CLAUDE_LS_CONFIG_DIR": str(tmp_path / "config")}
    if rate is None:
        command = [*COMMAND, "--model", f"script:{tmp_path / 'script'}"]
        with emacs(tmp_path, path, command, environ, configuration) as editor:
            yield editor
        return
    serve = [*COMMAND, "replay", str(tmp_path / "script"), "--rate", str(rate)]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as replay:
        assert replay.stdout is not None
        environ |= {"ANTHROPIC_BASE_URL": replay.stdout.readline().strip(), "ANTHROPIC_API_KEY": "test"}
        try:
            with emacs(tmp_path, path, COMMAND, environ, configuration) as editor:
                yield editor
        finally:
            replay.kill()


def ended(editor: Emacs) -> bool:
    return editor.job()["state"] in ("done", "failed", "cancelled")


def writing(editor: Emacs) -> bool:
    return str(editor.job()["phase"]).startswith("writing")


@pytest.mark.parametrize("configuration", [OURS, BARE], ids=["ours", "bare"])
def test_an_instruction_comment_is_done_from_the_menu_and_undone(tmp_path: Path, configuration: str) -> None:
    with editing(tmp_path, REWRITE, configuration=configuration) as editor:
        editor.cursor(2, 6)
        titles = editor.actions()
        assert titles[0] == 'Claude: do "use sum()"'
        assert ("Claude: edit total…" in titles) == (configuration == OURS)
        editor.choose('Claude: do "')
        editor.until(lambda: editor.text() == SUM, "Claude's edit")
        editor.until(lambda: ended(editor), "the end of the job")
        assert editor.job()["state"] == "done"
        editor.undo()
        assert editor.text() == TOTAL


def test_the_person_is_asked_for_words_and_several_edits_are_one_undo_step(tmp_path: Path) -> None:
    changes = [("s = 0", "s = 10"), ("return s", "return -s"), ("return 1", "return 2")]
    places, changed = "", TOTAL
    for number, (old, new) in enumerate(changes):
        places += f"edits.{number}.old_text: {old}\nedits.{number}.new_text: {new}\n"
        changed = changed.replace(old, new)
    with editing(tmp_path, f"-- claude --\n>>> edit_file\npath: total.py\n{places}") as editor:
        editor.cursor(5, 6)
        editor.choose("Claude: edit total")
        editor.wait_for_prompt("What shall Claude do? ")
        editor.press("change it", "RET")
        editor.until(lambda: editor.text() == changed, "Claude's edits")
        editor.until(lambda: ended(editor), "the end of the job")
        editor.undo()
        assert editor.text() == TOTAL


def test_typing_above_and_below_while_claude_writes_keeps_every_key(tmp_path: Path) -> None:
    with editing(tmp_path, REWRITE, rate=4) as editor:
        editor.cursor(2, 6)
        editor.choose('Claude: do "')
        editor.until(lambda: writing(editor), "Claude's first words")
        editor.press("M-<")
        editor.type("# above: 0123456789\n")
        editor.press("M->")
        editor.type("# below: 0123456789")
        typed = f"# above: 0123456789\n{TOTAL}# below: 0123456789"
        editor.until(lambda: editor.text() == typed, "every key, before Claude's edit")
        editor.until(lambda: ended(editor), "the end of the job")
        assert editor.text() == typed.replace(TOTAL, SUM)
        # Without our configuration this would take the last keys away as well.
        editor.undo()
        assert editor.text() == typed


def test_an_edit_that_is_ready_while_the_person_types_waits_for_them(tmp_path: Path) -> None:
    with editing(tmp_path, REWRITE) as editor:
        editor.cursor(2, 6)
        editor.choose('Claude: do "')
        editor.press("M->")
        # eglot refuses edits until it has reported the keys, and that it does half a second after the last one.
        editor.type("# typed meanwhile: 012345678901234567890123456789")
        editor.until(lambda: ended(editor), "the end of the job")
        assert editor.text() == SUM + "# typed meanwhile: 012345678901234567890123456789"


def test_typing_in_the_lines_to_be_replaced_is_never_lost(tmp_path: Path) -> None:
    with editing(tmp_path, REWRITE, rate=5) as editor:
        editor.cursor(2, 6)
        editor.choose('Claude: do "')
        editor.until(lambda: writing(editor), "Claude's first words")
        editor.cursor(4, 16)
        editor.type("  # mine: 0123456789")
        editor.until(lambda: ended(editor), "the end of the job")
        assert "# mine: 0123456789" in editor.text()


def test_cancel_stops_a_running_job_and_leaves_the_text(tmp_path: Path) -> None:
    with editing(tmp_path, REWRITE, rate=5) as editor:
        editor.cursor(2, 6)
        editor.choose('Claude: do "')
        editor.until(lambda: writing(editor), "Claude's first words")
        assert editor.execute("claude.cancel") == {"cancelled": [editor.job()["id"]]}
        assert editor.job()["state"] == "cancelled"
        assert editor.text() == TOTAL


def test_an_explanation_opens_beside_the_code(tmp_path: Path) -> None:
    with editing(tmp_path, EXPLAIN) as editor:
        editor.cursor(5, 6)
        editor.command("claude-ls-explain")
        editor.wait("(= (length (window-list)) 2)")
        shown = editor.ask("(with-current-buffer (window-buffer (next-window)) (buffer-string))").splitlines()
        assert shown[0] == "# Explain total"
        assert "It **adds** them up." in shown
        assert editor.text() == TOTAL
        assert editor.ask("(buffer-modified-p)") is None


def test_without_our_configuration_an_explanation_comes_as_a_message(tmp_path: Path) -> None:
    with editing(tmp_path, EXPLAIN, configuration=BARE) as editor:
        place = "(:line 4 :character 6)"
        argument = f"(:uri {lisp((tmp_path / 'total.py').as_uri())} :range (:start {place} :end {place}))"
        job = editor.execute("claude.explain", argument)["job"]
        editor.until(lambda: editor.messages()[-1].endswith("It **adds** them up."), "the explanation")
        assert "It **adds** them up." in (tmp_path / "state" / "explain" / f"{job}.md").read_text().splitlines()
        assert editor.text() == TOTAL
        assert editor.ask("(buffer-modified-p)") is None
