"""A check ends, by itself or by us, and nothing of it is left: real processes that do their worst."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from claude_ls.workspace import check_run
from claude_ls.workspace.check_run import CheckLimits, CheckPlace, CheckResult, GuardEnds, run_check

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="what left its process group is found on Linux only")
LONG = CheckLimits(seconds=60)
BEGUN = "\nopen('begun', 'w').write('x')\n"
"""Tells `cancelled` that it has got so far."""

DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.environ.clear()
        null = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(null, number)
        with open("pid.new", "w") as file:
            file.write(str(os.getpid()))
        os.rename("pid.new", "pid")
        while True:
            time.sleep(1000)
    os._exit(0)
while not os.path.exists("pid"):
    time.sleep(0.01)
"""
"""Does all that a program can do to be left alone, and says who it is now in the file `pid`."""


@pytest.fixture
def place(tmp_path: Path) -> CheckPlace:
    place = CheckPlace(tmp_path / "project", tmp_path / "copy/project", tmp_path / "tmp")
    for folder in (place.folder, place.copy, place.temporary):
        folder.mkdir(parents=True)
    return place


def run(
    place: CheckPlace, code: str, limits: CheckLimits = LONG, environ: Mapping[str, str] = os.environ
) -> CheckResult:
    return asyncio.run(run_check("check", [sys.executable, "-c", code], place, environ, limits))


def cancelled(place: CheckPlace, code: str, limits: CheckLimits = LONG) -> None:
    """Run until the code says that it has begun, and cancel it then."""

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        reached = asyncio.Event()
        task = asyncio.create_task(run_check("check", [sys.executable, "-c", code], place, os.environ, limits))
        with os.fdopen(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), "rb") as begun:
            loop.add_reader(begun.fileno(), reached.set)
            waiting = asyncio.create_task(reached.wait())
            await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
            loop.remove_reader(begun.fileno())
        assert reached.is_set(), task.result()
        task.cancel()
        # To be impatient does not help: it has ended when all is dead.
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(asyncio.all_tasks()) == 1

    pipe = place.copy / "begun"
    os.mkfifo(pipe)
    asyncio.run(scenario())


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        # One that is dead and that nobody has asked about yet is no process any more.
        return b") Z " not in Path(f"/proc/{pid}/stat").read_bytes()
    except (ProcessLookupError, FileNotFoundError):
        return False


def pid_in(place: CheckPlace) -> int:
    return int((place.copy / "pid").read_text())


def test_what_it_wrote_and_how_it_ended_is_told(place: CheckPlace) -> None:
    result = run(place, "import sys; print('out'); sys.stderr.write('err\\n'); sys.exit(3)")
    assert (result.ok, result.exit_code, result.summary, result.problem) == (False, 3, "exit 3", None)
    assert result.output == "out\nerr\n"
    assert run(place, "print('14 passed in 0.1s')") == CheckResult(
        "check", True, 0, "14 tests ok", "14 passed in 0.1s\n", pytest.approx(0, abs=60)
    )


def test_it_runs_in_the_copy_without_input_or_secrets(place: CheckPlace) -> None:
    environ = {**os.environ, "ANTHROPIC_API_KEY": "sk-1", "AWS_SECRET": "x", "PYTHONPATH": "/x", "LC_TIME": "C"}
    code = "import os, sys; print(repr(sys.stdin.read()), os.getcwd(), os.environ['TMPDIR'], sorted(os.environ))"
    result = run(place, code, environ=environ)
    assert result.output.startswith("'' . $TMPDIR ['CI'")
    assert not [name for name in ("ANTHROPIC", "AWS", "PYTHONPATH", "sk-1") if name in result.output]
    assert "'LC_TIME'" in result.output
    leader = "import os; print(os.getpid() == os.getsid(0) == os.getpgid(0))"
    assert run(place, leader).output == "True\n"


def test_no_descriptor_of_ours_is_passed_on(place: CheckPlace) -> None:
    code = """
import os
for number in range(3, 64):
    try:
        print(number, os.readlink(f"/proc/self/fd/{number}") if os.path.isdir("/proc/self/fd") else os.fstat(number))
    except OSError:
        pass
"""
    assert run(place, code).output == ""


def test_paths_in_the_folder_mean_the_copy(place: CheckPlace) -> None:
    for folder, text in ((place.folder, "the person's"), (place.copy, "the copy's")):
        (folder / "run.sh").write_text(f'#!/bin/sh\necho "{text}: $@"\n')
        (folder / "run.sh").chmod(0o755)
    script = str(place.folder / "run.sh")
    result = asyncio.run(run_check("check", [script, f"{place.folder}/a", f"{place.folder}2"], place, os.environ))
    assert result.output == f"the copy's: a {place.folder}2\n"
    assert asyncio.run(run_check("check", ["./run.sh"], place, os.environ)).output == "the copy's: \n"


def test_no_shell_reads_the_words(place: CheckPlace) -> None:
    words = ["$(id)", "`id`", "a;b", "*", "new\nline", "𝒳", ""]
    argv = [sys.executable, "-c", "import sys; print(sys.argv[1:])", *words]
    assert asyncio.run(run_check("check", argv, place, os.environ)).output == f"{words}\n"


@pytest.mark.parametrize(
    ("program", "summary", "words"),
    [
        ("no-such-program", "not installed", "'no-such-program' is not found; install it"),
        ("./none.sh", "not installed", "'./none.sh' is not found"),
        ("./plain.txt", "not executable", "run chmod +x"),
        ("./folder", "not installed", "'./folder' is not found"),
        ("./noshebang", "cannot be started", "Exec format error"),
        ("./badshebang", "cannot be started", "No such file or directory"),
    ],
)
def test_what_cannot_be_started_says_why(place: CheckPlace, program: str, summary: str, words: str) -> None:
    (place.copy / "plain.txt").write_text("text")
    (place.copy / "folder").mkdir()
    for name, text in (("noshebang", "\x01"), ("badshebang", "#!/nowhere/sh\n")):
        (place.copy / name).write_text(text)
        (place.copy / name).chmod(0o755)
    result = asyncio.run(run_check("check", [program], place, os.environ))
    assert (result.ok, result.exit_code, result.summary) == (False, None, summary)
    assert words in str(result.problem)


def test_what_hangs_is_stopped_and_what_it_wrote_is_kept(place: CheckPlace) -> None:
    # Long enough for a Python to start even on a busy machine.
    result = run(place, "import time; print('begun', flush=True); time.sleep(1000)", CheckLimits(seconds=2.5))
    assert (result.ok, result.exit_code, result.summary) == (False, None, "stopped: took over 2.5 s")
    assert "or set verify.seconds higher" in str(result.problem)
    assert result.output == "begun\n"


def test_what_closes_its_output_is_waited_for_all_the_same(place: CheckPlace) -> None:
    code = "import os, time; os.close(1); os.close(2); time.sleep(0.2); open('done', 'w').close(); os._exit(4)"
    assert run(place, code).exit_code == 4
    assert (place.copy / "done").exists()


def test_what_ignores_being_asked_to_end_is_killed(place: CheckPlace) -> None:
    code = """
import os, signal, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
open("pid", "w").write(str(os.getpid()))
"""
    cancelled(place, code + BEGUN + "time.sleep(1000)")
    assert not alive(pid_in(place))


def test_what_is_asked_to_end_may_tidy_up(place: CheckPlace) -> None:
    code = """
import signal, sys, time
def end(number, frame):
    open("tidied", "w").close()
    sys.exit()
signal.signal(signal.SIGTERM, end)
"""
    cancelled(place, code + BEGUN + "time.sleep(1000)")
    assert (place.copy / "tidied").exists()


def test_a_flood_is_cut_and_then_stopped(place: CheckPlace) -> None:
    limits = CheckLimits(seconds=60, written_bytes=3_000_000)
    result = run(place, "import os\nos.write(1, b'first\\n')\nwhile True: os.write(1, b'y\\n' * 5000)", limits)
    assert (result.ok, result.summary) == (False, "stopped: wrote over 3 MB")
    assert result.output.startswith("first\ny\n")
    assert "bytes are left out here" in result.output
    assert len(result.output) < 21_000


def test_a_line_of_ten_megabytes_and_odd_bytes_are_no_trouble(place: CheckPlace) -> None:
    end = b"\r\n\x1b[0m2 failed, 12 passed in 1.2s\n"
    code = f"import os; os.write(1, b'\\x1b[31m\\xff' + b'x' * 10_000_000 + {end!r}); os._exit(1)"
    result = run(place, code)
    assert result.summary == "2 of 14 tests fail"
    assert result.output.startswith("\ufffdxxx")
    assert "\x1b" not in result.output and "\r" not in result.output
    assert len(result.output) < 21_000


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_what_a_signal_ends_says_which(place: CheckPlace, number: signal.Signals) -> None:
    result = run(place, f"import os; os.kill(os.getpid(), {int(number)}); os.abort()")
    assert (result.ok, result.exit_code, result.summary) == (False, -number, f"killed by {number.name}")


@LINUX
@pytest.mark.parametrize("end", ["", "import sys; sys.exit(1)", "os.abort()"])
def test_a_daemon_does_not_outlive_its_check(place: CheckPlace, end: str) -> None:
    assert run(place, DAEMON + end).ok == (end == "")
    assert not alive(pid_in(place))


@LINUX
def test_a_daemon_does_not_outlive_the_cancelling_of_its_check(place: CheckPlace) -> None:
    cancelled(place, DAEMON + BEGUN + "time.sleep(1000)")
    assert not alive(pid_in(place))


def test_children_do_not_outlive_it_and_are_not_waited_for(place: CheckPlace) -> None:
    code = "import os, time\nif os.fork() == 0: open('pid', 'w').write(str(os.getpid())); time.sleep(1000)\n"
    result = run(place, code + "while not os.path.exists('pid') or not open('pid').read(): pass")
    assert result.ok
    assert not alive(pid_in(place))


@LINUX
def test_processes_that_do_nothing_but_start_the_next_are_caught(place: CheckPlace) -> None:
    code = """
import os
if os.fork() == 0:
    while True:
        if os.fork():
            os._exit(0)
        os.setsid()
        with open("pid", "w") as file:
            file.write(str(os.getpid()))
while not os.path.exists("pid"):
    pass
"""
    assert run(place, code).ok
    assert [path.name for path in Path("/proc").glob("[0-9]*") if runs_in(path, place.copy)] == []


def runs_in(process: Path, folder: Path) -> bool:
    try:
        return (process / "cwd").readlink() == folder
    except OSError:
        return False


@LINUX
def test_what_kills_its_guard_is_killed_all_the_same(place: CheckPlace) -> None:
    code = """
import os, signal, time
if os.fork() == 0:
    os.setsid()
    with open("pid.new", "w") as file:
        file.write(str(os.getpid()))
    os.rename("pid.new", "pid")
    time.sleep(1000)
while not os.path.exists("pid"):
    time.sleep(0.01)
os.kill(os.getppid(), signal.SIGKILL)
time.sleep(1000)
"""
    result = run(place, code)
    assert (result.ok, result.summary) == (False, "ended from outside")
    assert not alive(pid_in(place))


@LINUX
def test_what_halts_its_guard_is_killed_all_the_same(place: CheckPlace) -> None:
    code = """
import os, signal, time
open("pid", "w").write(str(os.getpid()))
os.kill(os.getppid(), signal.SIGSTOP)
"""
    cancelled(place, code + BEGUN + "time.sleep(1000)", CheckLimits(seconds=60, guard_seconds=0.5))
    assert not alive(pid_in(place))


SERVER = """
import asyncio, os, sys
from pathlib import Path
from claude_ls.workspace.check_run import CheckPlace, run_check
place = CheckPlace(*map(Path, sys.argv[1:4]))
asyncio.run(run_check("check", [sys.executable, "-c", sys.argv[4]], place, os.environ))
"""


@LINUX
def test_nothing_outlives_us_even_if_we_are_killed(place: CheckPlace) -> None:
    code = DAEMON + BEGUN + "time.sleep(1000)"
    os.mkfifo(place.copy / "begun")
    places = [str(place.folder), str(place.copy), str(place.temporary)]
    with subprocess.Popen([sys.executable, "-c", SERVER, *places, code]) as server:
        assert (place.copy / "begun").read_text() == "x"
        daemon = pid_in(place)
        watch = os.pidfd_open(daemon)
        server.kill()
    # Becomes readable when the process is gone.
    asyncio.run(readable(watch))
    os.close(watch)
    assert not alive(daemon)


async def readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    loop.add_reader(descriptor, gone.set)
    async with asyncio.timeout(60):
        await gone.wait()
    loop.remove_reader(descriptor)


def test_it_can_be_cancelled_at_any_step_and_leaves_no_descriptor_open(place: CheckPlace) -> None:
    async def scenario() -> None:
        for steps in (0, 1, 2, 3, 5, 8, 13, 21, 50):
            task = asyncio.create_task(
                run_check("check", [sys.executable, "-c", "import time; time.sleep(1000)"], place, os.environ, LONG)
            )
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert len(asyncio.all_tasks()) == 1

    def opened() -> int:
        return len(os.listdir("/dev/fd"))  # noqa: PTH208

    before = opened()
    asyncio.run(scenario())
    assert opened() == before


def test_many_at_once_do_not_disturb_each_other(place: CheckPlace) -> None:
    async def scenario() -> list[CheckResult]:
        codes = [f"import sys; print({number}); sys.exit({number % 3})" for number in range(12)]
        return await asyncio.gather(
            *(run_check("check", [sys.executable, "-c", code], place, os.environ, LONG) for code in codes)
        )

    results = asyncio.run(scenario())
    assert [(result.output, result.exit_code) for result in results] == [(f"{n}\n", n % 3) for n in range(12)]


def test_how_it_is_spawned_can_be_wrapped(place: CheckPlace) -> None:
    async def wrapped(
        argv: Sequence[str], place: CheckPlace, environ: Mapping[str, str], ends: GuardEnds
    ) -> asyncio.subprocess.Process:
        return await check_run.spawn(["/usr/bin/env", "INSIDE=1", *argv], place, environ, ends)

    argv = [sys.executable, "-c", "import os; print(os.environ['INSIDE'])"]
    result = asyncio.run(run_check("check", argv, place, os.environ, LONG, wrapped))
    assert result.output == "1\n"

    async def refused(*_: object) -> asyncio.subprocess.Process:
        raise PermissionError(1, "Operation not permitted")

    result = asyncio.run(run_check("check", argv, place, os.environ, LONG, refused))
    assert (result.summary, result.exit_code) == ("cannot be started", None)
    assert "Operation not permitted" in str(result.problem)
