"""A synchronous LSP client as small as can be, so that what is measured is the server."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Sequence
from typing import Any


class Peer:
    """A server process and its pipes."""

    def __init__(self, command: Sequence[str], environ: dict[str, str] | None = None) -> None:
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **(environ or {})},
        )
        self._id = 0

    def send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        length = 0
        while line := self.process.stdout.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return dict(json.loads(self.process.stdout.read(length)))

    def request(self, method: str, params: Any) -> Any:
        """The result; what the server asks meanwhile is answered with null."""
        self._id += 1
        self.send({"id": self._id, "method": method, "params": params})
        while True:
            message = self.receive()
            if message.get("id") == self._id and "method" not in message:
                return message.get("result")
            self.answer(message)

    def answer(self, message: dict[str, Any]) -> None:
        if "method" in message and "id" in message:
            self.send({"id": message["id"], "result": None})

    def notify(self, method: str, params: Any) -> None:
        self.send({"method": method, "params": params})

    def initialize(self) -> float:
        """Seconds from process start to the answer."""
        self.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
        return time.perf_counter() - self.started

    def stop(self) -> None:
        self.request("shutdown", None)
        self.notify("exit", None)
        self.process.wait(timeout=10)
