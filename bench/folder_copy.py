"""How long a check waits for its copy of a project of 3,000 files, beside `cp -au`.

The first time all is copied; from then on only what changed, on either side, is. `cp -au` is what every system has for
that; it sees neither what a check did to the copy, nor what is ignored, nor that a file went away.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from claude_ls.workspace.folder_copy import FolderCopy

FILES = 3_000
ROUNDS = 15
LIMIT_MS = 100.0


def timed(work: Callable[[], object]) -> float:
    before = time.perf_counter()
    work()
    return (time.perf_counter() - before) * 1000


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        folder = base / "project"
        for number in range(FILES):
            path = folder / f"package_{number // 60}" / f"module_{number}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"value = {number}\n" * (1 + number % 300))
        (folder / ".gitignore").write_text("*.log\nbuild/\n")
        (base / "ours").mkdir()
        copy = FolderCopy(folder, base / "ours")

        def ours(turn: int) -> None:
            copy.update({"package_3/module_200.py": f"value = {turn}\n"})

        def theirs() -> None:
            subprocess.run(["cp", "-au", f"{folder}/.", str(base / "theirs")], check=True)

        rows: dict[str, list[float]] = {}
        for title, work in (("claude-ls", lambda: ours(-1)), ("cp -au", theirs)):
            rows[title] = [timed(work)]
        for turn in range(ROUNDS):
            (folder / f"package_{turn}" / "changed.py").write_text(str(turn))
            rows["claude-ls"].append(timed(lambda turn=turn: ours(turn)))
            rows["cp -au"].append(timed(theirs))
    print(f"{FILES:,} files, one of them changed on disk and one in the editor each time:")
    for title, (first, *rest) in rows.items():
        then = f"then median {statistics.median(rest):6.1f} ms   worst {max(rest):6.1f} ms"
        print(f"  {title:10} first {first:7.1f} ms   {then}")
    median = statistics.median(rows["claude-ls"][1:])
    print(f"ratio {median / statistics.median(rows['cp -au'][1:]):.2f} (limit: {LIMIT_MS:.0f} ms)")
    return 0 if median <= LIMIT_MS else 1


if __name__ == "__main__":
    sys.exit(main())
