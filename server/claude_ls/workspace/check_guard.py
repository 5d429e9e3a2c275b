"""A process of its own between us and a check, so that nothing a check starts outlives it: not even us.

Run by path, with ``python -I -S``: it imports nothing of ours. Its standard input is a pipe whose other end we hold.
When that closes, because we want the check to end or because we died, all processes of the check are killed. On Linux
the guard adopts whatever lost its parent ("child subreaper"), so that a process cannot get away by becoming a daemon.
Elsewhere only the check's process group is killed.

Arguments: the number of a pipe for the report, then the command. Reports ``exit CODE``, ``signal NUMBER``,
``error ERRNO`` or ``stopped``.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import sys
from pathlib import Path

GRACE_SECONDS = 0.5
"""Between asking a check to end and killing it, where it did not end by itself."""
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def main(report: int, command: list[str]) -> None:
    """Run `command` to its end, or to that of our standard input."""
    os.set_inheritable(report, False)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    check = _start(report, command)
    status = _wait(check, woken, None)
    if status is None:
        with contextlib.suppress(OSError):
            try:
                os.killpg(check, signal.SIGTERM)
            except ProcessLookupError:  # it has not got as far as to have a group of its own
                os.kill(check, signal.SIGTERM)
        _wait(check, woken, GRACE_SECONDS)
    _kill_all(check)
    if status is None:
        os.write(report, b"stopped\n")
    elif os.WIFSIGNALED(status):
        os.write(report, b"signal %d\n" % os.WTERMSIG(status))
    else:
        os.write(report, b"exit %d\n" % os.WEXITSTATUS(status))


def _start(report: int, command: list[str]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.execvp(command[0], command)
    except OSError as error:
        os.write(report, b"error %d\n" % (error.errno or 0))
    finally:
        os._exit(127)


def _wait(check: int, woken: int, seconds: float | None) -> int | None:
    """The status with which the check ended; None where we were told to end it, or `seconds` went by."""
    while True:
        # Whoever it was that woke us, all that have ended are taken note of.
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return None
            if pid == check:
                return status
            if pid == 0:
                break
        ready, _, _ = select.select([woken] if seconds is not None else [woken, 0], [], [], seconds)
        if woken in ready:
            os.read(woken, 4096)
        else:
            return None


def _kill_all(check: int) -> None:
    """Kill what is left, until nothing is: what a killed process had started becomes our child in turn."""
    with contextlib.suppress(OSError):
        os.killpg(check, signal.SIGKILL)
    while True:
        for pid in _children():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    own = str(os.getpid())
    try:
        # At once, so that processes which do nothing but start others cannot keep ahead of us.
        return [int(pid) for pid in Path(f"/proc/self/task/{own}/children").read_bytes().split()]
    except OSError:  # a kernel without that list
        pass
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            # What is in brackets is the program's own name for itself, and may hold anything.
            if (folder / "stat").read_bytes().decode("latin-1").rpartition(")")[2].split()[1] == own:
                found.append(int(folder.name))
    return found


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
