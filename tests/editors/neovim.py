"""A real headless Neovim, driven over its own API, with the plugin from this repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgpack
import pytest

PLUGIN = Path(__file__).parent.parent.parent / "editor-clients" / "neovim"
INIT = """
vim.opt.runtimepath:prepend("{plugin}")
vim.lsp.config("claude_ls", {{ cmd = {command}, cmd_env = {environ} }})
vim.lsp.enable("claude_ls")
messages = {{}}
vim.notify = function(text) table.insert(messages, text) end
vim.lsp.handlers["window/showMessage"] = function(_, params) table.insert(messages, params.message) end
"""


def neovim_path() -> str:
    """Where Neovim is; skips the test where there is none, unless real editors are required."""
    found = shutil.which("nvim", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        if "neovim" in os.environ.get("CLAUDE_LS_REQUIRE_EDITORS", ""):
            pytest.fail("Neovim is required and not there")
        pytest.skip("Neovim is not there")
    return found


class Neovim:
    """Speaks msgpack-RPC over the pipes of an embedded Neovim.

    Not pynvim: its greenlets leave CPython 3.11's count of recursions wrong, and pytest then dies in `ast.parse`.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._unpacker = msgpack.Unpacker(strict_map_key=False)
        self._number = 0

    def request(self, method: str, *arguments: Any) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._number += 1
        self._process.stdin.write(msgpack.packb([0, self._number, method, arguments]))
        self._process.stdin.flush()
        while True:
            for message in self._unpacker:
                if message[0] == 1 and message[1] == self._number:
                    if message[2]:
                        raise AssertionError(f"Neovim says: {message[2]}")
                    return message[3]
            data = os.read(self._process.stdout.fileno(), 65536)
            if not data:
                raise AssertionError("Neovim is gone")
            self._unpacker.feed(data)

    def lua(self, code: str, *arguments: Any) -> Any:
        return self.request("nvim_exec_lua", code, arguments)

    def command(self, command: str) -> None:
        self.request("nvim_command", command)

    def press(self, keys: str) -> None:
        """As if the person typed them."""
        self.request("nvim_input", keys)

    def cursor(self, line: int, column: int) -> None:
        """Line from 1, column from 0."""
        self.request("nvim_win_set_cursor", 0, [line, column])

    def open(self, path: Path) -> None:
        """Edit a file and wait until the server is attached to it."""
        self.command(f"edit {path}")
        self.wait("return #vim.lsp.get_clients({ name = 'claude_ls', bufnr = 0 }) == 1")
        self.wait("return vim.lsp.get_clients({ name = 'claude_ls' })[1].initialized == true")

    def wait(self, condition: str) -> None:
        """Let Neovim go on until the Lua condition holds; Neovim looks at it between its own events."""
        self.until(lambda: self.lua(f"return (function() {condition} end)()"), condition)

    def until(self, holds: Callable[[], bool], what: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        pause = threading.Event()
        while not holds():
            if time.monotonic() > deadline:
                raise AssertionError(f"Neovim waited in vain for: {what}; messages: {self.messages()}")
            pause.wait(0.01)

    def text(self) -> str:
        return "\n".join(self.lua("return vim.api.nvim_buf_get_lines(0, 0, -1, false)")) + "\n"

    def messages(self) -> list[str]:
        return list(self.lua("return messages"))

    def actions(self) -> list[dict[str, Any]]:
        """The menu at the cursor."""
        code = """
        local client = vim.lsp.get_clients({ name = "claude_ls" })[1]
        local params = vim.lsp.util.make_range_params(0, client.offset_encoding)
        params.context = { diagnostics = {} }
        return client:request_sync("textDocument/codeAction", params, 5000, 0).result
        """
        return list(self.lua(code))

    def choose(self, title: str) -> None:
        """Pick the entry of the menu that begins so, as the person would; there must be just one."""
        assert sum(action["title"].startswith(title) for action in self.actions()) == 1
        code = """
        local title = ...
        vim.lsp.buf.code_action({
          apply = true,
          filter = function(action) return vim.startswith(action.title, title) end,
        })
        """
        self.lua(code, title)


@contextmanager
def neovim(tmp_path: Path, command: list[str], environ: dict[str, str]) -> Iterator[Neovim]:
    def table(values: list[str]) -> str:
        return "{ " + ", ".join(f'"{value}"' for value in values) + " }"

    variables = "{ " + ", ".join(f'{name} = "{value}"' for name, value in environ.items()) + " }"
    init = tmp_path / "init.lua"
    init.write_text(INIT.format(plugin=PLUGIN, command=table(command), environ=variables))
    arguments = [neovim_path(), "--embed", "--headless", "--clean", "-n", "-u", str(init)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield Neovim(process)
        finally:
            process.kill()
