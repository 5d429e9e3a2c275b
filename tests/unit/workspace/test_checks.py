"""All together: checks of a real folder, on texts that are not on disk, without a trace in the folder."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from claude_ls.workspace.check_run import CheckLimits
from claude_ls.workspace.checks import Checks
from claude_ls.workspace.folder_copy import CopyProblem, Limits

PYTHON = sys.executable
READ = [PYTHON, "-c", "print(open('a.txt').read())"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "in").mkdir(parents=True)
    (folder / "a.txt").write_text("on disk")
    (folder / "in/b.py").write_text("b")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("in/b.py")
    return folder


@pytest.fixture
def base(tmp_path: Path) -> Path:
    base = tmp_path / "base"
    base.mkdir()
    return base


def snapshot(folder: Path) -> dict[str, object]:
    """All there is to know of a tree, but for when it was last read."""
    found: dict[str, object] = {}
    for path in [folder, *folder.rglob("*")]:
        data = path.lstat()
        what = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path)] = (data.st_mode, data.st_mtime_ns, data.st_ino, what)
    return found


def test_checks_see_what_is_not_on_disk_and_each_time_what_is_newest(folder: Path, base: Path) -> None:
    async def scenario() -> None:
        checks = Checks(os.environ, base=base)
        began: list[str] = []
        ran = await checks.run(folder, {"a.txt": "unsaved"}, {"read": READ, "again": READ}, began.append)
        assert [(result.name, result.output) for result in ran.results] == [
            ("read", "unsaved\n"),
            ("again", "unsaved\n"),
        ]
        assert began == ["read", "again"]
        ran = await checks.run(folder, {"a.txt": "UNSAVED"}, {"read": READ})
        assert ran.results[0].output == "UNSAVED\n"
        ran = await checks.run(folder, {}, {"read": READ})
        assert ran.results[0].output == "on disk\n"
        (folder / "a.txt").write_text("ON DISK")
        ran = await checks.run(
            folder, {"new.txt": "n"}, {"list": [PYTHON, "-c", "import os; print(sorted(os.listdir()))"]}
        )
        assert ran.results[0].output == "['a.txt', 'in', 'link', 'new.txt', 'run.sh']\n"
        ran = await checks.run(folder, {}, {"read": READ})
        assert ran.results[0].output == "ON DISK\n"
        await checks.aclose()

    asyncio.run(scenario())
    assert list(base.iterdir()) == []


def test_whatever_a_check_writes_the_folder_stays_as_it_is(folder: Path, base: Path) -> None:
    code = """
import os, pathlib, shutil
pathlib.Path("a.txt").write_text("spoilt")
pathlib.Path("link").write_text("spoilt through a link")
os.chmod("run.sh", 0)
os.unlink("in/b.py")
pathlib.Path("stray").write_text("x")
shutil.rmtree("in")
os.symlink("..", "in")
pathlib.Path(os.environ["TMPDIR"], "left").write_text("x")
print(sorted(os.listdir(os.environ["TMPDIR"])))
"""

    async def scenario() -> None:
        checks = Checks(os.environ, base=base)
        for _ in range(3):
            ran = await checks.run(folder, {"in/c.py": "c"}, {"spoil": [PYTHON, "-c", code], "read": READ})
            assert [(result.exit_code, result.output) for result in ran.results] == [(0, "['left']\n"), (0, "spoilt\n")]
            assert snapshot(folder) == was
        await checks.aclose()

    was = snapshot(folder)
    asyncio.run(scenario())
    assert snapshot(folder) == was
    assert list(base.iterdir()) == []


def test_checks_of_one_folder_wait_for_each_other_and_those_of_others_do_not(
    folder: Path, base: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    waiting = [PYTHON, "-c", f"print(open({str(gate)!r}).read(), open('a.txt').read())"]

    async def scenario() -> None:
        checks = Checks(os.environ, base=base)
        first = asyncio.create_task(checks.run(folder, {"a.txt": "first"}, {"wait": waiting}))
        # Opens once the check reads, which it does at once.
        opened = await asyncio.to_thread(gate.open, "w")
        second = asyncio.create_task(checks.run(folder / "in" / "..", {"a.txt": "second"}, {"read": READ}))
        elsewhere = await checks.run(other, {"a.txt": "elsewhere"}, {"read": READ})
        assert elsewhere.results[0].output == "elsewhere\n"
        assert not second.done()
        with opened:
            opened.write("go")
        assert (await first).results[0].output == "go first\n"
        assert (await second).results[0].output == "second\n"
        await checks.aclose()

    asyncio.run(scenario())


def test_cancelling_stops_what_runs_and_what_was_to_come(folder: Path, base: Path, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    hanging = [PYTHON, "-c", f"import time; open({str(gate)!r}, 'w').close(); time.sleep(1000)"]

    async def scenario() -> None:
        checks = Checks(os.environ, base=base)
        began: list[str] = []
        task = asyncio.create_task(checks.run(folder, {}, {"hang": hanging, "never": READ}, began.append))
        await asyncio.to_thread(gate.read_text)
        task.cancel()
        closing = asyncio.create_task(checks.aclose())
        with pytest.raises(asyncio.CancelledError):
            await task
        assert began == ["hang"]
        await closing

    asyncio.run(scenario())
    assert list(base.iterdir()) == []


def test_a_copy_is_not_taken_away_from_a_check_that_runs(folder: Path, base: Path, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    waiting = [PYTHON, "-c", f"print(open({str(gate)!r}).read(), open('a.txt').read())"]

    async def scenario() -> None:
        checks = Checks(os.environ, base=base)
        task = asyncio.create_task(checks.run(folder, {}, {"wait": waiting}))
        opened = await asyncio.to_thread(gate.open, "w")
        closing = asyncio.create_task(checks.aclose())
        # It would be closed by then, if it did not wait.
        await asyncio.wait((closing,), timeout=0.5)
        with opened:
            opened.write("go")
        assert (await task).results[0].output == "go on disk\n"
        await closing

    asyncio.run(scenario())
    assert list(base.iterdir()) == []


def test_copying_can_be_cancelled_at_any_step_and_is_taken_up_again(folder: Path, base: Path) -> None:
    for number in range(300):
        (folder / f"f{number}").write_text("x")

    async def scenario() -> None:
        checks = Checks(os.environ, base=base)
        for steps in range(0, 60, 3):
            task = asyncio.create_task(checks.run(folder, {}, {"read": READ}))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        ran = await checks.run(folder, {}, {"count": [PYTHON, "-c", "import os; print(len(os.listdir()))"]})
        assert ran.results[0].output == "304\n"
        await checks.aclose()

    asyncio.run(scenario())


def test_problems_are_told_and_are_no_end(folder: Path, base: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        checks = Checks(os.environ, base=base, limits=CheckLimits(seconds=60), copied=Limits(files=4))
        (folder / "more").write_text("x")
        with pytest.raises(CopyProblem, match="too large"):
            await checks.run(folder, {}, {"read": READ})
        (folder / "more").unlink()
        (folder / "node_modules/x").mkdir(parents=True)
        odd = os.fsdecode(b"node_modules/x/\xff")
        ran = await checks.run(folder, {"node_modules/x/y": "z", odd: "z"}, {"none": ["no-such-program"], "read": READ})
        assert [result.summary for result in ran.results] == ["not installed", "ok"]
        assert ran.left_out == ("node_modules/x/y", "node_modules/x/\ufffd")
        await checks.aclose()
        await checks.aclose()

        nowhere = Checks(os.environ, base=tmp_path / "nowhere")
        with pytest.raises(CopyProblem, match="set TMPDIR"):
            await nowhere.run(folder, {}, {"read": READ})
        await nowhere.aclose()

    asyncio.run(scenario())


def test_a_real_project_is_checked_by_real_tools(tmp_path: Path, base: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "total.py").write_text("def total(xs):\n    return sum(xs)\n")
    (folder / "test_total.py").write_text(
        "from total import total\n\n\ndef test_some():\n    assert total([1, 2]) == 3\n\n\n"
        "def test_none():\n    assert total([]) == 0\n"
    )
    commands = {
        "ruff": [PYTHON, "-m", "ruff", "check"],
        "pytest": [PYTHON, "-m", "pytest", "-q"],
        "unittest": [PYTHON, "-m", "unittest"],
    }

    async def scenario() -> None:
        checks = Checks(os.environ, base=base)
        good = await checks.run(folder, {}, commands)
        assert [result.summary for result in good.results] == ["no errors", "2 tests ok", "no tests ran"]
        bad = await checks.run(
            folder, {"total.py": "import os\n\n\ndef total(xs):\n    return sum(xs) + 1\n"}, commands
        )
        assert [result.summary for result in bad.results] == ["1 error", "2 of 2 tests fail", "no tests ran"]
        assert "total.py:1:8" in bad.results[0].output
        assert "test_total.py:5: AssertionError" in bad.results[1].output
        assert str(base) not in "".join(result.output for result in bad.results)
        again = await checks.run(folder, {}, commands)
        assert again.results[1].summary == "2 tests ok"
        await checks.aclose()

    was = snapshot(folder)
    asyncio.run(scenario())
    assert snapshot(folder) == was
