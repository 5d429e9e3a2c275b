"""A real Emacs on a terminal of its own, with eglot and the configuration from this repository.

Keys go through the terminal, as a person's do; questions go past it, through `emacsclient`.
"""

from __future__ import annotations

import base64
import functools
import json
import os
import pty
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CONFIGURATION = Path(__file__).parent.parent.parent / "editor-clients" / "configs" / "emacs"
EARLY_INIT = """
;; Emacs would compile its own libraries in the background, which says nothing about us and takes a core.
(setq native-comp-deferred-compilation nil native-comp-jit-compilation nil native-comp-enable-subr-trampolines nil)
"""
INIT = """
(setq server-socket-dir {home} server-name "socket" inhibit-startup-screen t)
(server-start)
{how}
(add-hook 'python-mode-hook #'eglot-ensure)
"""
OURS = """
(setq claude-ls-command '{command})
(add-to-list 'load-path {configuration})
(require 'claude-ls)
"""
BARE = """
(require 'eglot)
(add-to-list 'eglot-server-programs '(python-mode . {command}))
(setq eglot-confirm-server-initiated-edits nil)
"""
HAS_EGLOT = '(progn (package-initialize) (kill-emacs (if (locate-library "eglot") 0 1)))'
# Emacs talks to the terminal that controls it, and a new process has none until it asks.
LAUNCH = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
KEYS = {"RET": b"\r", "TAB": b"\t", "C-/": b"\x1f"}


@functools.cache
def missing() -> str | None:
    """What is not there of Emacs, if something is not."""
    if not shutil.which("emacs") or not shutil.which("emacsclient"):
        return "Emacs"
    asked = ["emacs", "--batch", "--eval", HAS_EGLOT]
    return "eglot" if subprocess.run(asked, capture_output=True, timeout=60, check=False).returncode else None


def require_emacs() -> None:
    """Skips the test where Emacs or eglot is missing, unless it is required (`CLAUDE_LS_REQUIRE_EDITORS`)."""
    lacking = missing()
    if lacking and "emacs" in os.environ.get("CLAUDE_LS_REQUIRE_EDITORS", ""):
        pytest.fail(f"{lacking} is required and not there: `make editors` installs it")
    if lacking:
        pytest.skip(f"{lacking} is not there")


def lisp(value: str | int | Path) -> str:
    """A value, as Lisp reads it."""
    return str(value) if isinstance(value, int) else json.dumps(str(value), ensure_ascii=False)


class Emacs:
    """An Emacs that shows one file."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int, socket: Path, file: Path) -> None:
        self._process = process
        self._terminal = terminal
        self._socket = socket
        self._file = file

    def ask(self, expression: str) -> Any:
        """The value of an expression, in the buffer of the file and with its window selected."""
        there = f"(with-selected-window (get-buffer-window (get-file-buffer {lisp(self._file)})) {expression})"
        # Base 64, because what emacsclient prints is neither JSON nor safe with line breaks.
        code = f"(base64-encode-string (encode-coding-string (json-encode {there}) 'utf-8) t)"
        command = ["emacsclient", f"--socket-name={self._socket}", "--eval", code]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        if ran.returncode or not ran.stdout.startswith('"'):
            raise AssertionError(f"Emacs says: {ran.stdout}{ran.stderr} to {expression}")
        return json.loads(base64.b64decode(ran.stdout.strip().strip('"')))

    def ask_the_server(self, expression: str) -> Any:
        """The value of an expression that sends a request, as soon as no other request is waited for.

        The answer to a request throws Emacs out of whatever began later: our question would never be answered.
        """
        free = "(zerop (hash-table-count (jsonrpc--request-continuations (eglot-current-server))))"
        answers: list[Any] = []

        def answered() -> bool:
            answers.extend(self.ask(f"(and {free} (vector {expression}))") or [])
            return bool(answers)

        self.until(answered, f"a quiet moment for {expression}")
        return answers[0]

    def press(self, *keys: str) -> None:
        """Keys in Emacs' own notation, as if the person pressed them; a whole word that is no key is typed."""
        for key in keys:
            if key in KEYS:
                self._write(KEYS[key])
            elif key.startswith("C-") and len(key) == 3:
                self._write(bytes([ord(key[2]) & 0x1F]))
            elif key.startswith("M-") and len(key) == 3:
                self._write(b"\x1b" + key[2].encode())
            else:
                self._write(key.encode())

    def type(self, text: str) -> None:
        """Key by key, about as fast as a good typist, so that Emacs has time for other things in between."""
        pause = threading.Event()
        for character in text:
            self.press({"\n": "RET"}.get(character, character))
            pause.wait(0.03)

    def command(self, name: str) -> None:
        """M-x NAME RET."""
        self.press("M-x", name, "RET")

    def cursor(self, line: int, column: int) -> None:
        """Line from 1, column from 0."""
        self.ask(f"(progn (goto-char (point-min)) (forward-line {line - 1}) (move-to-column {column}))")

    def wait(self, condition: str) -> None:
        """Let Emacs go on until the Lisp condition holds."""
        self.until(lambda: bool(self.ask(condition)), condition)

    def until(self, holds: Callable[[], bool], what: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        pause = threading.Event()
        while not holds():
            if self._process.poll() is not None:
                raise AssertionError(f"Emacs ended while it was waited for: {what}")
            if time.monotonic() > deadline:
                raise AssertionError(f"Emacs was waited for in vain: {what}; {self.text()!r}; {self.messages()}")
            pause.wait(0.05)

    def text(self) -> str:
        return str(self.ask("(save-restriction (widen) (buffer-substring-no-properties (point-min) (point-max)))"))

    def undo(self) -> None:
        """One press of the key, and what it does."""
        before = self.text()
        self.press("C-/")
        self.until(lambda: self.text() != before, "the undo")

    def messages(self) -> list[str]:
        """What Emacs showed in the echo area so far."""
        return str(self.ask('(with-current-buffer "*Messages*" (buffer-string))')).splitlines()

    def actions(self) -> list[str]:
        """The titles of the menu at the cursor."""
        titles = "(mapcar (lambda (action) (plist-get action :title)) (eglot-code-actions (point) (point)))"
        return list(self.ask_the_server(titles) or [])

    def choose(self, title: str) -> None:
        """Pick the entry of the menu that begins so, as the person would; there must be just one."""
        assert sum(entry.startswith(title) for entry in self.actions()) == 1
        self.command("eglot-code-actions")
        self.wait_for_prompt("[eglot] Pick an action")
        self.press(title, "TAB", "RET")

    def wait_for_prompt(self, beginning: str) -> None:
        """Until Emacs asks so in the minibuffer; a key that comes earlier would go to the buffer of the file."""
        buffer = "(window-buffer (active-minibuffer-window))"
        prompt = f"(with-current-buffer {buffer} (buffer-substring-no-properties (point-min) (point-max)))"
        self.wait(f"(and (active-minibuffer-window) (string-prefix-p {lisp(beginning)} {prompt}))")

    def execute(self, name: str, argument: str = "nil") -> Any:
        """Run a command of the server's through eglot; without an argument it is sent null, eglot's own `{}`."""
        return self.ask_the_server(f"(eglot-execute-command (eglot-current-server) '{name} '[{argument}])")

    def job(self) -> dict[str, Any]:
        """The newest job, as the server tells it."""
        jobs = self.execute("claude.jobs")["jobs"]
        return dict(jobs[-1]) if jobs else {"state": "none", "phase": ""}

    def _write(self, data: bytes) -> None:
        os.write(self._terminal, data)


@contextmanager
def emacs(
    tmp_path: Path, file: Path, command: list[str], environ: dict[str, str], configuration: str = OURS
) -> Iterator[Emacs]:
    """Emacs as the person starts it, on a file; its home, and so all that it reads and writes, is in `tmp_path`."""
    require_emacs()
    home = tmp_path / "home"
    folder = home / ".emacs.d"
    folder.mkdir(parents=True)
    home.chmod(0o700)  # or Emacs refuses to have its socket there
    (folder / "early-init.el").write_text(EARLY_INIT)
    program = f"({' '.join(lisp(word) for word in command)})"
    how = configuration.format(command=program, configuration=lisp(CONFIGURATION))
    (folder / "init.el").write_text(INIT.format(home=lisp(home), how=how))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "EMACS", "ANTHROPIC_"))}
    # A plain terminal: Emacs asks the richer ones questions, and waits for answers that do not come.
    own = {"HOME": str(home), "TERM": "vt100", "LC_ALL": "C.UTF-8"}
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCH, "emacs", str(file)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=tmp_path,
        env=kept | own | environ,
        start_new_session=True,
    )
    os.close(theirs)
    reader = threading.Thread(target=_drain, args=(ours,), daemon=True)
    reader.start()
    try:
        editor = Emacs(process, ours, home / "socket", file)
        pause = threading.Event()
        deadline = time.monotonic() + 30
        while not (home / "socket").exists():
            assert process.poll() is None and time.monotonic() < deadline, "Emacs does not come up"
            pause.wait(0.02)
        editor.until(lambda: _connected(editor), "the connection to the server")
        yield editor
    finally:
        process.kill()
        process.wait()
        reader.join(10)
        os.close(ours)


def _connected(editor: Emacs) -> bool:
    try:
        return bool(editor.ask("(and (eglot-managed-p) (eglot-current-server) t)"))
    except AssertionError:
        return False  # the file is not shown yet


def _drain(terminal: int) -> None:
    """Read what Emacs draws: it stands still when nobody does."""
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        pass  # the other side is closed
