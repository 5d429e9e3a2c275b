"""Runs one check: a program, in a copy of the folder, to its end or to ours, with nothing left of it afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from claude_ls.workspace import check_guard
from claude_ls.workspace.check_environment import environment
from claude_ls.workspace.check_output import KEPT_BYTES, KeptOutput
from claude_ls.workspace.check_summary import summarize

MARKER = "CLAUDE_LS_CHECK"
"""In the environment of all processes of a check: by it they are found where the guard itself was killed."""
_SWEEPS = 100
_CHUNK = 1 << 16
_T = TypeVar("_T")


@dataclass(frozen=True)
class CheckResult:
    """`summary` is for a line of its own, `output` is what the check wrote, its middle left out where it is long.

    `problem` says, for the person, why the check could not be run to its end and what to do; None where it was. Then
    `exit_code` is that of the program, or the negative number of the signal that killed it.
    """

    name: str
    ok: bool
    exit_code: int | None
    summary: str
    output: str
    seconds: float
    problem: str | None = None


@dataclass(frozen=True)
class CheckLimits:
    seconds: float = 120.0
    kept_bytes: int = KEPT_BYTES
    written_bytes: int = 100_000_000
    """After so much output a check is stopped: it will not come to an end."""
    guard_seconds: float = 5.0
    """How long its guard may take to kill all of it, before we do it ourselves."""


@dataclass(frozen=True)
class CheckPlace:
    """Where a check runs: the `copy` of `folder`, and what it may fill besides (both with links resolved)."""

    folder: Path
    copy: Path
    temporary: Path


@dataclass(frozen=True)
class GuardEnds:
    """The guard's ends of three pipes, as file descriptors. The first one ends when we want the check to."""

    lifeline: int
    output: int
    report: int


class Spawn(Protocol):
    """Starts the guard with a command: the one place where a check becomes a process, to be wrapped by a sandbox."""

    async def __call__(
        self, argv: Sequence[str], place: CheckPlace, environ: Mapping[str, str], ends: GuardEnds
    ) -> asyncio.subprocess.Process: ...


async def spawn(
    argv: Sequence[str], place: CheckPlace, environ: Mapping[str, str], ends: GuardEnds
) -> asyncio.subprocess.Process:
    """The guard, in the copy, in a session of its own; `OSError` where it cannot be started."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", check_guard.__file__, str(ends.report), *argv),
        cwd=place.copy,
        env=environ,
        stdin=ends.lifeline,
        stdout=ends.output,
        stderr=ends.output,
        pass_fds=(ends.report,),
        start_new_session=True,
    )


async def run_check(
    name: str,
    argv: Sequence[str],
    place: CheckPlace,
    environ: Mapping[str, str],
    limits: CheckLimits = CheckLimits(),
    spawn: Spawn = spawn,
) -> CheckResult:
    """Run `argv`, whose program is looked up as by a shell. Can be cancelled; it has ended once nothing of it lives."""
    marker = os.urandom(12).hex()
    found = await asyncio.to_thread(environment, place.copy, place.folder, place.temporary, environ)
    own = found | {MARKER: marker}
    argv = [_moved(word, place) for word in argv]
    if refusal := _refusal(argv[0], place.copy, own["PATH"]):
        return CheckResult(name, False, None, refusal[0], "", 0.0, refusal[1])
    stop = asyncio.Event()
    return await to_end(_run(name, argv, place, own, limits, spawn, marker, stop), stop.set)


async def to_end(work: Coroutine[Any, Any, _T], stop: Callable[[], object]) -> _T:
    """What `work` gives. Where we are cancelled it is told by `stop`, and awaited nevertheless."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        stop()
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # nobody is left to hear of it
        raise


async def _run(
    name: str,
    argv: Sequence[str],
    place: CheckPlace,
    environ: Mapping[str, str],
    limits: CheckLimits,
    spawn: Spawn,
    marker: str,
    stop: asyncio.Event,
) -> CheckResult:
    loop = asyncio.get_running_loop()
    began = loop.time()
    output = KeptOutput(limits.kept_bytes)
    with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
        lifeline, hold = os.pipe()
        received, written = os.pipe()
        report, reported = os.pipe()
        for end in (lifeline, written, reported):
            theirs.callback(os.close, end)
        held = contextlib.ExitStack()
        held.callback(os.close, hold)
        ours.push(held)
        ours.callback(os.close, report)
        stream = asyncio.StreamReader()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(received, "rb", 0)
        )
        ours.callback(transport.close)
        try:
            guard = await spawn(argv, place, environ, GuardEnds(lifeline, written, reported))
        except OSError as error:
            problem = (
                f"{name} cannot be started: {error.strerror or error}; make room for another process and run it again"
            )
            return CheckResult(name, False, None, "cannot be started", "", loop.time() - began, problem)
        theirs.close()
        reading = asyncio.create_task(_read(stream, output, limits.written_bytes))
        ending = asyncio.create_task(guard.wait())
        stopping = asyncio.create_task(stop.wait())
        try:
            first, _ = await asyncio.wait(
                (reading, ending, stopping), timeout=limits.seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if reading in first and not reading.result():
                # The output is at its end, and with it whatever could have written to it.
                await asyncio.wait(
                    (ending, stopping), timeout=limits.guard_seconds, return_when=asyncio.FIRST_COMPLETED
                )
            flooded = reading.done() and reading.result()
            late = not first
            held.close()
            await _all_gone(guard, ending, marker, limits.guard_seconds)
            await asyncio.wait((reading,), timeout=limits.guard_seconds)
        finally:
            for task in (reading, ending, stopping):
                task.cancel()
        os.set_blocking(report, False)
        try:
            said = os.read(report, 100).decode("ascii", "replace").split()
        except BlockingIOError:
            said = []
    places = ((str(place.copy), ""), (str(place.folder), ""), (str(place.temporary), "$TMPDIR"))
    text = output.text(places)
    stopped = ""
    if flooded:
        stopped = f"wrote over {limits.written_bytes // 1_000_000:,} MB"
    elif late:
        stopped = f"took over {limits.seconds:g} s"
    ended = _stopped(name, stopped) if stopped else _ended(name, argv[0], said, text, output.left_out > 0)
    return replace(ended, output=text, seconds=loop.time() - began)


def _stopped(name: str, why: str) -> CheckResult:
    problem = f"{name} {why} and was stopped; mend what keeps it from its end, or set verify.seconds higher"
    return CheckResult(name, False, None, f"stopped: {why}", "", 0.0, problem)


def _ended(name: str, program: str, report: list[str], text: str, cut: bool) -> CheckResult:
    """What the guard has reported, without output and time."""
    match report:
        case ["exit", code]:
            return CheckResult(name, code == "0", int(code), summarize(text, int(code), cut), "", 0.0)
        case ["signal", number]:
            return CheckResult(name, False, -int(number), f"killed by {_signal(int(number))}", "", 0.0)
        case ["error", number, *_]:
            problem = f"{program!r} cannot be started: {os.strerror(int(number))}; mend it, or correct verify.commands"
            return CheckResult(name, False, None, "cannot be started", "", 0.0, problem)
    problem = f"{name} was ended from outside, together with what watched over it; run it again"
    return CheckResult(name, False, None, "ended from outside", "", 0.0, problem)


async def _read(stream: asyncio.StreamReader, output: KeptOutput, most: int) -> bool:
    """Keep what comes; whether it was too much."""
    while chunk := await stream.read(_CHUNK):
        output.add(chunk)
        if output.written > most:
            return True
    return False


async def _all_gone(guard: asyncio.subprocess.Process, ending: asyncio.Task[int], marker: str, seconds: float) -> None:
    """Wait for the guard, which kills all others; where it cannot any more, do it in its place."""
    await asyncio.wait((ending,), timeout=seconds)
    if not ending.done():
        guard.kill()
        await asyncio.wait((ending,), timeout=seconds)
    if ending.done() and ending.result() == 0:
        return
    for _ in range(_SWEEPS):
        # What is killed may have started another just before.
        if not _kill_marked(marker):
            return
        await asyncio.sleep(0)


def _kill_marked(marker: str) -> bool:
    """Kill the processes that have the marker in their environment (Linux only); whether there were any."""
    wanted = f"{MARKER}={marker}".encode()
    found = False
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)
                found = True
    return found


def _refusal(program: str, copy: Path, path: str) -> tuple[str, str] | None:
    """Why the program cannot be run, in few words and in whole ones; None where it can."""
    # A path with a slash means one in the copy, where the check begins.
    name = program if "/" not in program else str(copy / program)
    if shutil.which(name, path=path):
        return None
    if shutil.which(name, mode=os.F_OK, path=path):
        return "not executable", f"{program!r} may not be executed; run chmod +x on it, or correct verify.commands"
    return "not installed", f"{program!r} is not found; install it, or correct verify.commands"


def _moved(word: str, place: CheckPlace) -> str:
    """An argument that is a path in the folder means the same path in the copy."""
    if word.startswith("/") and Path(word).is_relative_to(place.folder):
        return str(place.copy / Path(word).relative_to(place.folder))
    return word


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
