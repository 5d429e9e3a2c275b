"""Aider's repository map of a whole folder, once, in a process of its own: run by an interpreter that has aider-chat.

Reads from stdin the names of all files, below the folder that is its argument, as one list of JSON. Prints one line of
JSON with what the map took. Whether it is a cold one depends on the cache that Aider has left in the folder.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

started = time.perf_counter()

import networkx  # noqa: E402, F401
import scipy.sparse  # noqa: E402, F401
from aider.repomap import RepoMap  # noqa: E402

# Aider imports the first two only for the ranking: they are no part of the map's time.

MAP_TOKENS = 4096


class Model:
    def token_count(self, text: str) -> int:
        return round(len(text) / 3.5 + 0.5)


class Console:
    """What Aider reads files with, and says things to, which nobody wants to know here."""

    def read_text(self, name: str) -> str | None:
        try:
            return Path(name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return None

    def tool_output(self, *words: str) -> None: ...

    tool_warning = tool_error = tool_output


def cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def main() -> None:
    root = Path(sys.argv[1])
    files = [str(root / name) for name in json.load(sys.stdin)]
    imports = time.perf_counter() - started
    begun, used = time.perf_counter(), cpu_seconds()
    repository = RepoMap(map_tokens=MAP_TOKENS, root=str(root), main_model=Model(), io=Console(), map_mul_no_files=1)
    text = repository.get_repo_map([], files) or ""
    measured = {
        "wall": time.perf_counter() - begun,
        "cpu": cpu_seconds() - used,
        "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "imports": imports,
        "files": len(files),
        "map_tokens": Model().token_count(text),
    }
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
