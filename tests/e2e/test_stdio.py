"""A real server process: over its pipes, over TCP, and over real HTTP to the replay server."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

from claude_ls import __version__
from claude_ls.agent import replay
from claude_ls.agent.scripted import read_script
from claude_ls.terminal.small_editor import SmallEditor
from claude_ls.text.document import Document
from claude_ls.text.patch import Span

SCRIPT = """\
-- claude --
>>> rewrite_region
new_text: x = 2
-- claude --
It is *two* now.
"""
COMMAND = [sys.executable, "-m", "claude_ls"]


def environ(tmp_path: Path, **more: str) -> dict[str, str]:
    """This process's environment, without any key, and with folders of the test's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANTHROPIC")}
    folders = {"CLAUDE_LS_STATE_DIR": str(tmp_path / "state"), "CLAUDE_LS_CONFIG_DIR": str(tmp_path / "config")}
    return {**kept, **folders, "HOME": str(tmp_path), **more}


def test_an_edit_and_an_explanation_over_pipes_and_http(tmp_path: Path) -> None:
    async def run() -> None:
        server = await replay.serve(read_script(SCRIPT))
        path = tmp_path / "a.py"
        editor = SmallEditor(Document.opened(path.as_uri(), "python", 1, "x = 1\n"))
        key = {"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_API_KEY": "a-secret"}
        try:
            capabilities = await editor.start(environ(tmp_path, **key), tmp_path)
            assert "claude.edit" in capabilities["executeCommandProvider"]["commands"]
            assert [action["kind"] for action in await editor.menu(Span(0, 0))] == [
                "refactor.rewrite.claude",
                "source.claude.explain",
            ]
            place = editor.range(Span(0, 0))
            job = await editor.run("claude.edit", range=place, instruction="make it 2")
            assert (job.state, editor.document.text) == ("done", "x = 2\n")
            job = await editor.run("claude.explain", range=place)
            assert (job.state, job.text) == ("done", "It is *two* now.")
            (written,) = (tmp_path / "state" / "explain").iterdir()
            assert written.read_text().endswith("It is *two* now.\n")
            assert written.stat().st_mode & 0o777 == 0o600
            assert await editor.stop() == 0
        finally:
            editor.kill()
            await server.close()
        asked = server.requests[0].body
        assert asked["model"] == "claude-sonnet-5-5"
        assert asked["tools"][0]["eager_input_streaming"] is True
        assert "a-secret" not in json.dumps(asked)

    asyncio.run(run())


def test_a_failure_of_the_service_reaches_the_person_in_words(tmp_path: Path) -> None:
    async def run() -> None:
        server = await replay.serve(read_script(SCRIPT), faults=["status=401"])
        path = tmp_path / "a.py"
        editor = SmallEditor(Document.opened(path.as_uri(), "python", 1, "x = 1\n"))
        key = {"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_API_KEY": "wrong"}
        try:
            await editor.start(environ(tmp_path, **key), tmp_path)
            job = await editor.run("claude.edit", range=editor.range(Span(0, 0)), instruction="make it 2")
            assert job.state == "failed"
            assert editor.document.text == "x = 1\n"
            await editor.stop()
            assert "claude-ls check" in str(job.error)
            assert editor.messages == [f"Claude: make it 2 — {job.error}"]
        finally:
            editor.kill()
            await server.close()

    asyncio.run(run())


def test_nothing_but_the_protocol_is_on_stdout_and_exit_codes_are_the_specification_s(tmp_path: Path) -> None:
    def serve(*messages: dict[str, object]) -> subprocess.CompletedProcess[bytes]:
        bodies = [json.dumps({"jsonrpc": "2.0", **message}).encode() for message in messages]
        sent = b"".join(b"Content-Length: %d\r\n\r\n%s" % (len(body), body) for body in bodies)
        return subprocess.run(COMMAND, input=sent, capture_output=True, timeout=60, env=environ(tmp_path), check=False)

    initialize = {"id": 1, "method": "initialize", "params": {"processId": None, "rootUri": None, "capabilities": {}}}
    orderly = serve(initialize, {"id": 2, "method": "shutdown"}, {"method": "exit"})
    assert orderly.returncode == 0
    assert orderly.stdout.startswith(b"Content-Length: ")
    assert serve(initialize, {"method": "exit"}).returncode == 1
    assert not (tmp_path / "state").exists()


def test_tcp_serves_each_connection_a_session_of_its_own(tmp_path: Path) -> None:
    async def connect(port: int) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        params = {"processId": None, "rootUri": None, "capabilities": {}}
        for message in ({"id": 1, "method": "initialize", "params": params}, {"id": 2, "method": "shutdown"}):
            body = json.dumps({"jsonrpc": "2.0", **message}).encode()
            writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        header = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(int(header.split(b"\r\n")[0].split(b":")[1]))
        writer.close()
        return str(json.loads(body)["result"]["serverInfo"]["name"])

    async def run() -> None:
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "--tcp", "127.0.0.1:0", stderr=asyncio.subprocess.PIPE, env=environ(tmp_path)
        )
        assert process.stderr is not None
        try:
            line = (await process.stderr.readline()).decode()
            port = int(line.rpartition(":")[2])
            assert await connect(port) == await connect(port) == "claude-ls"
        finally:
            process.terminate()
            await process.communicate()

    asyncio.run(run())


def test_the_command_line_says_what_is_wrong(tmp_path: Path) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        ran = subprocess.run(
            [*COMMAND, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
            env=environ(tmp_path),
            check=False,
        )
        return ran.returncode, ran.stdout + ran.stderr

    assert run("--version") == (0, f"claude-ls {__version__}\n")
    assert "would let other machines" in run("--tcp", "0.0.0.0:1")[1]
    assert "--model takes script:FILE" in run("--model", "gpt")[1]
    assert "cannot be played" in run("--model", "script:nowhere")[1]
    assert run("replay", "nowhere")[0] == 2
    code, words = run("check")
    assert code == 1
    assert "Set ANTHROPIC_API_KEY" in words


def test_the_demo_runs_through(tmp_path: Path) -> None:
    command = [*COMMAND, "demo", "--fast"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environ(tmp_path), check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "undone" in ran.stdout
