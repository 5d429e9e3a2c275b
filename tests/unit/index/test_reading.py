"""Processes that read: what breaks one costs a file, and nobody else notices."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from claude_ls.index import reading
from claude_ls.index.folder_index import FolderIndex
from claude_ls.index.one_file import Indexed, read_file
from claude_ls.index.reading import read_files
from claude_ls.index.travel import as_block, from_block, rest_of
from claude_ls.workspace.listing import ListedFile


def sources(root: Path, count: int = 150) -> list[ListedFile]:
    for number in range(count):
        (root / f"f{number}.py").write_text(f"def function_{number}():\n    return {number}\n" * (number % 7 + 1))
    return FolderIndex(root, None).stale()


def all_read(root: Path, files: list[ListedFile], count: int = 2, **more: float) -> list[Indexed]:
    return [file for piece in read_files(root, files, count, threading.Event(), **more) for file in piece]


def test_processes_read_what_is_read_here(tmp_path: Path) -> None:
    files = sources(tmp_path)
    found = all_read(tmp_path, files)
    assert sorted(found, key=lambda file: file.path) == sorted(
        (read_file(tmp_path, file) for file in files), key=lambda file: file.path
    )


def test_a_block_is_read_as_it_was_written() -> None:
    files = [
        Indexed("ä\n.py", "1", b"\x00\xff", "Python", b'["\\t"]\n\x00\xff', "a\nü", b"\x00\x64", "a b"),
        Indexed("b.py", "2"),
        Indexed("c.py", "3", b"1", "Python", b""),
    ]
    line, _, rest = as_block(files).partition(b"\n")
    assert len(rest) == rest_of(line)
    assert from_block(line, rest) == files
    odd: tuple[bytes, ...] = (
        b"",
        b"{",
        b"1",
        b"[1, 2]",
        b"[[1,2,3,4,5,6]]",
        b'[["a","1","","",true,[-1]]]',
        b"\xff\xfe",
    )
    for wrong in odd:
        with pytest.raises(ValueError):
            rest_of(wrong)
            from_block(wrong, b"")


def test_a_process_that_dies_costs_the_file_that_it_was_at(tmp_path: Path) -> None:
    files = sources(tmp_path)
    (tmp_path / "deadly.py").write_text("x = 1\n")
    files.insert(75, ListedFile("deadly.py", "1", 6))
    with pytest.MonkeyPatch.context() as patch:
        package = tmp_path / "broken"
        _worker_that(package, "if path == 'deadly.py': os._exit(9)")
        patch.setattr(reading, "claude_ls", _Package(package))
        found = {file.path: file for file in all_read(tmp_path, files)}
    assert len(found) == 151
    assert found["deadly.py"] == Indexed("deadly.py", "1")
    assert all(file.digest for path, file in found.items() if path != "deadly.py")


def test_a_file_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    files = sources(tmp_path, 20)
    files.append(ListedFile("slow.py", "1", 6))
    with pytest.MonkeyPatch.context() as patch:
        package = tmp_path / "broken"
        _worker_that(package, "if path == 'slow.py': time.sleep(600)")
        patch.setattr(reading, "claude_ls", _Package(package))
        found = {file.path: file for file in all_read(tmp_path, files, seconds=3.0)}
    assert found["slow.py"] == Indexed("slow.py", "1")
    assert len(found) == 21


def test_what_says_nonsense_is_not_believed(tmp_path: Path) -> None:
    files = sources(tmp_path, 10)
    with pytest.MonkeyPatch.context() as patch:
        package = tmp_path / "broken"
        _worker_that(package, "print('nonsense', flush=True)")
        patch.setattr(reading, "claude_ls", _Package(package))
        found = all_read(tmp_path, files)
    assert sorted(file.path for file in found) == sorted(file.path for file in files)
    assert not any(file.digest for file in found)


def test_to_stop_is_to_stop(tmp_path: Path) -> None:
    files = sources(tmp_path, 400)
    stop = threading.Event()
    pieces = read_files(tmp_path, files, 2, stop)
    next(pieces)
    stop.set()
    list(pieces)
    pieces.close()
    deadline = time.monotonic() + 20
    while _children() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _children()


@pytest.mark.parametrize(
    "make",
    [
        lambda path: os.mkfifo(path),
        lambda path: path.symlink_to("/etc/passwd"),
        lambda path: path.symlink_to(path),
        lambda path: path.mkdir(),
        lambda path: path.write_bytes(b"x" * 3_000_000),
        lambda path: None,
    ],
    ids=["pipe", "link", "circle", "folder", "huge", "gone"],
)
def test_what_is_no_file_of_code_is_passed_over(make, tmp_path: Path) -> None:
    make(tmp_path / "odd.py")
    assert read_file(tmp_path, ListedFile("odd.py", "1", 5)).digest == b""


@pytest.mark.parametrize(
    "data",
    [
        b"\x00" * 5000,
        b"\xff\xfe" * 999,
        b"(" * 50_000,
        b"x = '" + b"a" * 400_000,
        b"def f():\r" * 500,
        b"\xef\xbb\xbfx = 1",
    ],
    ids=["zeros", "not text", "brackets", "one line", "lone returns", "mark"],
)
def test_odd_bytes_are_read_like_any_others(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_bytes(data)
    (file,) = FolderIndex(tmp_path, None).stale()
    assert read_file(tmp_path, file).tags is not None


class _Package:
    """Stands where the package is looked for."""

    def __init__(self, folder: Path) -> None:
        self.__file__ = str(folder / "claude_ls" / "__init__.py")


def _worker_that(package: Path, line: str) -> None:
    """A worker in `package` that does `line` at each file, and is the real one otherwise."""
    import claude_ls

    real = str(Path(claude_ls.__file__).parent)
    module = package / "claude_ls"
    (module / "index").mkdir(parents=True)
    (module / "__init__.py").write_text(f"__path__.append({real!r})\n")
    (module / "index" / "__init__.py").write_text(f"__path__.append({real + '/index'!r})\n")
    text = (Path(real) / "index" / "worker.py").read_text()
    text = text.replace(
        "        for path, stamp, size in json.loads(line):\n",
        f"        for path, stamp, size in json.loads(line):\n            {line}\n",
    )
    (module / "index" / "worker.py").write_text(text.replace("import json\n", "import json\nimport time\n", 1))


def _children() -> list[int]:
    own = os.getpid()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if int(fields[1]) == own and b"claude_ls.index.worker" in command and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def test_a_worker_ends_with_its_input(tmp_path: Path) -> None:
    reader = reading._Reader(tmp_path, 1, 5.0, threading.Event())
    sources(tmp_path, 2)
    reader.read([ListedFile("f0.py", "1", 5)])
    process = reader._process
    assert process is not None and process.stdin is not None
    os.kill(process.pid, signal.SIGINT)  # Ctrl+C in a terminal is not for it
    process.stdin.close()
    assert process.wait(10) == 0
    reader.close()
