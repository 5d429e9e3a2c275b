"""Aider's map of a folder, once: run by an interpreter that has aider-chat; one JSON line with what it took."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

started = time.perf_counter()

from aider.repomap import RepoMap  # noqa: E402

MAP_TOKENS = 4096


class Model:
    def token_count(self, text: str) -> int:
        return round(len(text) / 3.5 + 0.5)


class Console:
    """What Aider reads files with, and says things to, which nobody wants to know here."""

    def read_text(self, name: str) -> str:
        return Path(name).read_text(errors="replace")

    def tool_output(self, *words: str) -> None: ...

    tool_warning = tool_error = tool_output


def main() -> None:
    root, names = Path(sys.argv[1]), Path(sys.argv[2]).read_text().split("\n")
    answers, sys.stdout = sys.stdout, sys.stderr
    imports = time.perf_counter() - started
    begun, used = time.perf_counter(), _cpu()
    repository = RepoMap(
        map_tokens=MAP_TOKENS, root=str(root), main_model=Model(), io=Console(), map_mul_no_files=1, refresh="always"
    )
    text = repository.get_repo_map([], [str(root / name) for name in names]) or ""
    measured = {"wall": time.perf_counter() - begun, "cpu": _cpu() - used, "imports": imports}
    measured |= {"rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "map_tokens": len(text) / 3.5}
    print(json.dumps(measured), file=answers)


def _cpu() -> float:
    found = resource.getrusage(resource.RUSAGE_SELF)
    return found.ru_utime + found.ru_stime


main()
