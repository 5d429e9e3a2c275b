"""Kills a server at one chosen call that changes a file, and looks whether anything is lost.

The call is chosen by its name and number: the n-th `fdatasync` of the process, whichever of its threads makes it. The
kernel stops the process at each of them (a seccomp filter with a listener), and we let it go on, or kill it before the
call is done. strace can kill too, but its `when=` counts the calls of each thread by themselves: those of a worker that
writes a file cannot be told from those of the event loop that writes to its pipe. With `--seccomp-bpf` the signals that
it injects were seen not to arrive at all. Writes to pipes and sockets are let through and not counted.

A process that is killed leaves what it has told the kernel, on disk or not. What a loss of power would leave cannot be
seen in this way, but its condition can: `Call.unsynced` says what was written and not yet synced when a call was made.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import io
import os
import platform
import select
import shutil
import signal
import socket
import struct
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from rich.console import Console

from claude_ls.terminal.checkpoint_list import OK, show_checkpoints
from claude_ls.terminal.small_editor import ENCODING, ServerGone
from claude_ls.text.document import Document
from claude_ls.text.position import Position
from claude_ls.workspace import authorship, checkpoints, review_store
from claude_ls.workspace.checkpoints import Checkpoints, Kept
from claude_ls.workspace.database import NAME, Database
from claude_ls.workspace.path_state import ABSENT, PathState
from kills.scenarios import Client, Ground, Scenario, Snapshot

TABLES = {"checkpoints": checkpoints.TABLES, "reviews": review_store.TABLES, "authorship": authorship.TABLES}
MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
Point = tuple[str, int]
"""A call of the process: its name, and the how manieth of that name it is."""


@dataclass(frozen=True)
class Machine:
    """What the kernel calls it, the number of `seccomp` there, and those of the calls that change files."""

    architecture: int
    seccomp: int
    calls: dict[int, str]


MACHINES = {
    "x86_64": Machine(
        0xC000003E,
        317,
        {1: "write", 18: "pwrite64", 20: "writev", 74: "fsync", 75: "fdatasync", 77: "ftruncate", 82: "rename"}
        | {86: "link", 87: "unlink", 263: "unlinkat", 264: "renameat", 265: "linkat", 316: "renameat2"},
    ),
    "aarch64": Machine(
        0xC00000B7,
        277,
        {35: "unlinkat", 37: "linkat", 38: "renameat", 46: "ftruncate", 64: "write", 66: "writev", 68: "pwrite64"}
        | {82: "fsync", 83: "fdatasync", 276: "renameat2"},
    ),
}
PATHS = {"rename": (0, 1), "link": (0, 1), "unlink": (0,), "unlinkat": (1,)} | dict.fromkeys(
    ("renameat", "linkat", "renameat2"), (1, 3)
)
"""Which arguments of a call are paths. All other calls have a descriptor as their first argument."""
WRITES, SYNCS = ("write", "writev", "pwrite64", "ftruncate"), ("fsync", "fdatasync")
# From <linux/seccomp.h>, <linux/filter.h> and <linux/prctl.h>.
NO_NEW_PRIVILEGES, SET_MODE_FILTER, NEW_LISTENER = 38, 1, 8
LOAD, IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, NOTIFY = 0x7FFF0000, 0x7FC00000
RECEIVE, SEND, GO_ON = 0xC0502100, 0xC0182101, 1
NOTIFICATION, ANSWER = struct.Struct("=QIIiIQ6Q"), struct.Struct("=QqiI")


class NoGate(Exception):
    """Processes cannot be stopped here; the message says why."""


@dataclass(frozen=True)
class Call:
    """`order` is its place among all; `number` that among the calls of this name, or 0 where it writes into a pipe.

    `unsynced` are the files that were written and not synced when it was made; `data` is what goes into a pipe.
    """

    order: int
    name: str
    number: int
    paths: tuple[str, ...]
    unsynced: frozenset[str]
    data: bytes = b""

    def __str__(self) -> str:
        return f"{self.name} {self.number} ({' -> '.join(Path(path).name for path in self.paths)})"


class Gate:
    """Lets one process pass call by call, up to the call at which it is killed."""

    def __init__(self, kill_at: Point | None = None) -> None:
        self.calls: list[Call] = []
        """What it did to files."""
        self.said: list[Call] = []
        """What it wrote into pipes."""
        self.killed_at: Call | None = None
        self._kill_at = kill_at
        self._process = 0
        self._listener = -1
        self._counts: Counter[str] = Counter()
        self._unsynced: set[str] = set()
        machine = MACHINES.get(platform.machine()) if platform.system() == "Linux" else None
        if machine is None:
            raise NoGate(f"{platform.system()} on {platform.machine()} is not known here")
        self._machine = machine
        self._library = ctypes.CDLL(None, use_errno=True)
        self._ours, self._its = socket.socketpair()
        # Is it the machine that we know, and one of the calls in the table? All else is let through at once.
        count = len(machine.calls)
        steps = [(LOAD, 0, 0, 4), (IF_EQUAL, 0, count + 1, machine.architecture), (LOAD, 0, 0, 0)]
        steps += [(IF_EQUAL, count - at, 0, number) for at, number in enumerate(machine.calls)]
        steps += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, NOTIFY)]
        self._steps = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
        self._filter = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(self._steps)))

    def stop_me(self) -> None:
        """In the new process, before it becomes the server: be stopped from now on."""
        self._library.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        listener = self._library.syscall(self._machine.seccomp, SET_MODE_FILTER, NEW_LISTENER, self._filter)
        if listener < 0:
            self._its.send(os.strerror(ctypes.get_errno()).encode())
        else:
            socket.send_fds(self._its, [b"+"], [listener])

    def let_pass(self, process: int) -> None:
        """Here, once there is a server; `NoGate` where the kernel would not have it stopped."""
        self._process = process
        words, listeners, _, _ = socket.recv_fds(self._ours, 100, 1)
        if not listeners:
            raise NoGate(f"the kernel lets nobody stop a process: {words.decode()}")
        self._listener = listeners[0]
        asyncio.get_running_loop().add_reader(self._listener, self._stopped)

    def close(self) -> None:
        self._ours.close()
        self._its.close()
        if self._listener >= 0:
            asyncio.get_running_loop().remove_reader(self._listener)
            os.close(self._listener)
            self._listener = -1

    def _stopped(self) -> None:
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        if not any(event & select.POLLIN for _, event in poll.poll(0)):
            self.close()  # It has ended.
            return
        notification = bytearray(NOTIFICATION.size)
        # Whoever is stopped here when another thread is killed is gone before we have looked.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fcntl.ioctl(self._listener, RECEIVE, notification)
            identity, thread, _, number, _, _, *arguments = NOTIFICATION.unpack(notification)
            call = self._call(Path(f"/proc/{thread}"), self._machine.calls[number], arguments)
            if call.number and (call.name, call.number) == self._kill_at:
                self.killed_at = call
                os.kill(self._process, signal.SIGKILL)
            else:
                fcntl.ioctl(self._listener, SEND, ANSWER.pack(identity, 0, 0, GO_ON))

    def _call(self, thread: Path, name: str, arguments: list[int]) -> Call:
        order, unsynced = len(self.calls) + len(self.said), frozenset(self._unsynced)
        if name in PATHS:
            found = (_memory(thread, arguments[at], os.pathconf("/", "PC_PATH_MAX")) for at in PATHS[name])
            paths = tuple(os.fsdecode(path.partition(b"\0")[0]) for path in found)
        else:
            paths = (str((thread / f"fd/{arguments[0]}").readlink()),)
            if not paths[0].startswith("/"):
                self.said.append(call := Call(order, name, 0, paths, unsynced, _memory(thread, *arguments[1:3])))
                return call
        if name in WRITES:
            self._unsynced.add(paths[0])
        elif name in SYNCS:
            self._unsynced.discard(paths[0])
        self._counts[name] += 1
        self.calls.append(call := Call(order, name, self._counts[name], paths, unsynced))
        return call


def _memory(thread: Path, address: int, size: int) -> bytes:
    """What stands there, up to where nothing is any more."""
    with (thread / "mem").open("rb", buffering=0) as memory:
        memory.seek(address)
        return memory.read(size)


@dataclass(frozen=True)
class Run:
    """One scenario, played to its end or to where the server was killed."""

    scenario: Scenario
    ground: Ground
    client: Client
    gate: Gate
    exit_code: int


async def play(scenario: Scenario, root: Path, kill_at: Point | None = None) -> Run:
    ground = Ground(root)
    ground.lay(scenario)
    client, gate = Client(ground, scenario.shown), Gate(kill_at)
    try:
        await client.begin(ground.command(), gate)
        await scenario.drive(client)
    except ServerGone:
        pass  # What is there to say of it is in the exit code.
    finally:
        client.kill()
        exit_code = await client.end()
        gate.close()
    return Run(scenario, ground, client, gate, exit_code)


@dataclass
class Remains:
    """What was found after a kill that is allowed, and worth counting."""

    temporary: int = 0
    """Files that were about to take the place of others."""
    questions: int = 0
    """What the person was asked when all was to go back, as it was not known any more who had written it."""


async def look_after(run: Run) -> Remains:
    """Whether all is well after a run, however it ended; `AssertionError` says what is lost."""
    scenario, ground = run.scenario, run.ground
    found, temporary = ground.look()
    assert found in scenario.steps, f"the project is in no state that it may be in: {found}"
    first = look_at_database(run, found)
    if first is None:
        assert found == scenario.before, "a file was changed without a checkpoint"
        assert run.client.seen == [scenario.shown], "the editor was sent a change without a checkpoint"
    else:
        restore(run, first, found)
    client = Client(ground, run.client.document.text)
    await client.begin(ground.command())
    try:
        await go_back(run, client, first)
    finally:
        # It could still be asking something, and would wait for the answer for ever if it was asked to leave.
        client.kill()
        await client.end()
    assert not list(ground.state.glob("*damaged*")), "the database was set aside"
    return Remains(len(temporary), len(client.questions))


def look_at_database(run: Run, found: Snapshot) -> str | None:
    """Whether it is whole and holds what it has to; the oldest checkpoint in it."""
    if not (run.ground.state / NAME).exists():
        return None
    # In a copy: the next server is to meet all as the last one left it.
    folder = run.ground.root / "copy"
    shutil.copytree(run.ground.state, folder)
    database = Database(folder, TABLES)
    with database.transaction() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    store = Checkpoints(database, lambda: datetime.now(UTC))
    known = store.all()[::-1]
    for checkpoint, (step, shown) in zip(known, run.scenario.checkpoints, strict=False):
        for kept in store.kept(checkpoint.id):
            check_kept(run, kept, run.scenario.steps[step], shown)
    changed = {name for name in {*found, *run.scenario.before} if found.get(name) != run.scenario.before.get(name)}
    changed |= {"main.py"} if len(run.client.seen) > 1 else set()
    kept_paths = {kept.path for kept in store.kept(known[0].id)} if known else set()
    for name in changed:
        assert run.ground.project / name in kept_paths, f"{name} was changed without a checkpoint"
    promised = {answer["checkpoint"] for command, answer in run.client.answers if command == "claude.rewind"}
    assert promised <= {checkpoint.id for checkpoint in known}, "a checkpoint that was promised is not there"
    database.close()
    assert database.told == []
    return known[0].id if known else None


def check_kept(run: Run, kept: Kept, before: Snapshot, shown: str) -> None:
    name = str(kept.path.relative_to(run.ground.project))
    data, mode = before.get(name, (None, 0))
    then = ABSENT if data is None else PathState("file", mode, data)
    assert kept.state == then, f"of {name} something else is kept"
    text = None if data is None else data.decode().removeprefix(MARK)
    assert kept.text == (shown if name == "main.py" else text), f"of {name} another text is kept"


def restore(run: Run, checkpoint: str, found: Snapshot) -> None:
    """Whether `claude-ls checkpoints restore` brings all back without an editor; the project stays as it is."""
    said = io.StringIO()
    folder = run.ground.root / "copy"
    code = show_checkpoints(folder, "restore", checkpoint, exact=True, console=Console(file=said, width=1000))
    assert code == OK, said.getvalue()
    restored, _ = run.ground.look()
    # It knows no editor: what one has shown and not saved is now in the file.
    shown = {**run.scenario.before, "main.py": (run.scenario.shown.encode(), restored["main.py"][1])}
    assert restored in (run.scenario.before, shown), f"not all was restored: {restored}\n{said.getvalue()}"
    run.ground.put(found)


async def go_back(run: Run, client: Client, checkpoint: str | None) -> None:
    """Whether a new server knows what the old one has kept, and brings it back."""
    scenario, ground = run.scenario, run.ground
    known = [item["id"] for item in (await client.execute("claude.checkpoints"))["checkpoints"]]
    assert known[-1:] == ([checkpoint] if checkpoint else []), known
    for hunk in (await client.execute("claude.hunks"))["hunks"]:
        check_hunk(client, hunk)
    if checkpoint:
        await client.execute("claude.rewind", checkpoint=checkpoint)

    def back() -> bool:
        return (ground.look()[0], client.document.text) == (scenario.before, scenario.shown)

    with contextlib.suppress(TimeoutError):
        await client.until(back)
    # Nobody is told when all is done. What comes now, if anything does, must not change it any more.
    await asyncio.sleep(0.1)
    assert back(), f"not all went back: {ground.look()}, {client.document.text!r}; {client.messages}"
    assert client.messages == [], client.messages


def check_hunk(client: Client, hunk: dict[str, Any]) -> None:
    """Whether what waits for review is there."""
    path = Path(unquote(urlsplit(hunk["uri"]).path))
    document = client.document
    if hunk["uri"] != document.uri:
        document = Document.opened(hunk["uri"], "", 0, path.read_bytes().decode().removeprefix(MARK))
    start, end = (
        document.offset(Position(place["line"], place["character"]), ENCODING)
        for place in (hunk["range"]["start"], hunk["range"]["end"])
    )
    assert document.text[start:end] == hunk["newText"], f"{hunk} is not what stands there: {document.text!r}"


def check_order(run: Run) -> None:
    """Whether what has to outlive a loss of power was synced before anything was done that relies on it."""
    database, project = str(run.ground.state / NAME), str(run.ground.project)
    for call in run.gate.calls:
        if call.name in PATHS and len(call.paths) > 1 and call.paths[1].startswith(project):
            assert call.paths[0] not in call.unsynced, f"{call}: what gets this name is not on disk"
    changes = [call for call in run.gate.calls if any(path.startswith(project) for path in call.paths)]
    changes += [call for call in run.gate.said if b'"claude/applyEdit"' in call.data]
    first = min(changes, key=lambda call: call.order)
    unsynced = [path for path in first.unsynced if path.startswith(database) and not path.endswith("-shm")]
    assert not unsynced, f"{first}: the checkpoint is not on disk: {unsynced}"
