"""Bytes in and out: one editor over standard input and output, or many over TCP."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import threading
from collections.abc import Callable
from typing import Any

from pygls.io_ import StdinAsyncReader, StdoutWriter, run_async

from claude_ls.lsp.server import Protocol, Server

MakeServer = Callable[[], Server]


async def serve_stdio(make_server: MakeServer) -> int:
    """Serve one editor until it leaves; the exit code the specification asks for."""
    loop = asyncio.get_running_loop()
    server = make_server()
    reader: Any
    writer: Any
    if _is_pipe(sys.stdin.fileno()) and _is_pipe(sys.stdout.fileno()):
        reader = asyncio.StreamReader(limit=2**20)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
        transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, sys.stdout.buffer)
        writer = asyncio.StreamWriter(transport, protocol, None, loop)
    else:
        # Files, terminals and /dev/null cannot be waited for: they are read in a thread.
        reader, writer = StdinAsyncReader(sys.stdin.buffer, server.thread_pool), StdoutWriter(sys.stdout.buffer)
    return await _serve(server, reader, writer)


async def serve_tcp(host: str, port: int, make_server: MakeServer, listening: Callable[[str, int], None]) -> None:
    """Serve editors until cancelled: a session of its own for each connection."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _serve(make_server(), reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(connected, host, port, limit=2**20)
    listening(*server.sockets[0].getsockname()[:2])
    async with server:
        await server.serve_forever()


async def _serve(server: Server, reader: Any, writer: Any) -> int:
    protocol = server.protocol
    assert isinstance(protocol, Protocol)
    stop = threading.Event()
    protocol.asked_to_exit = stop.set
    protocol.set_writer(writer)
    try:
        await run_async(stop_event=stop, reader=reader, protocol=protocol, error_handler=_ignore)
    except (asyncio.IncompleteReadError, ConnectionError, BrokenPipeError):
        pass  # The editor is gone in the middle of a message: there is nobody left to tell.
    finally:
        await server.aclose()
    return 0 if protocol.shut_down else 1


def _ignore(error: Exception, source: object) -> None:
    """pygls has logged it already, and a message box for a broken frame helps nobody."""


def _is_pipe(descriptor: int) -> bool:
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
