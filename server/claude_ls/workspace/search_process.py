"""The process that looks for lines: what to look for comes in as one JSON object, what was found goes out as a list."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

MAX_BYTES = 2_000_000
"""Larger files are no text that somebody wrote."""
_BREAK = re.compile(r"\r\n|\n|\r")


def main() -> None:
    """Look once."""
    asked = json.load(sys.stdin.buffer)
    wanted = re.compile(asked["pattern"], re.IGNORECASE if asked["ignore_case"] else 0)
    found: list[tuple[str, int, str]] = []
    for path, text in _texts(Path(asked["root"]), asked["paths"], asked["texts"]):
        # Most files hold no match at all, and to look at each line by itself takes ten times as long.
        if "^" not in wanted.pattern and "$" not in wanted.pattern and not wanted.search(text):
            continue
        for number, line in enumerate(_BREAK.split(text), 1):
            if wanted.search(line):
                found.append((path, number, line))
                if len(found) >= asked["limit"]:
                    break
        if len(found) >= asked["limit"]:
            break
    sys.stdout.write(json.dumps(found))


def _texts(root: Path, paths: list[str], texts: dict[str, str]) -> Iterator[tuple[str, str]]:
    yield from texts.items()
    for path in paths:
        try:
            file = root / path
            if file.is_symlink() or not file.is_file() or file.stat().st_size > MAX_BYTES:
                continue
            data = file.read_bytes()
        except OSError:
            continue
        if b"\0" not in data:
            yield path, data.decode("utf-8", "replace")


if __name__ == "__main__":
    main()
