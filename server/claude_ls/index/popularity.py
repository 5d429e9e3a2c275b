"""Which definitions a whole folder leans on: PageRank over its files, where a file leans on those whose names it uses.

A name that many files define tells little, and one that a single file defines tells where to look. To count this takes
longer than all else that a start does, and a person's work hardly moves it: what was counted is kept, and counted anew
once a good part of the folder is another.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from claude_ls.index.store import Place, Store

ROUNDS = 8
DAMPING = 0.85
KEPT = 2_000
"""So many definitions are remembered in the order of their weight: far more than any map shows."""
MOVED = 0.1
"""Counted anew when this share of the files has come, gone or changed since."""
_TELLING = 0.02
"""A definition of less weight than this says nothing of its file."""
_SHARED = 6
"""A name that more files define than these says nothing of any of them."""


def leading(store: Store) -> Iterator[Place]:
    """The definitions that others can see, those first that the rest of the folder leans on."""
    states = store.stamps()
    kept = json.loads(store.note("leading") or "{}")
    before = kept.get("states", {})
    moved = sum(1 for path, stamp in states.items() if before.get(path) != hash_of(stamp))
    moved += sum(1 for path in before if path not in states)
    if not kept or moved > MOVED * max(1, len(states)):
        order = _counted(store)
        states_now = {path: hash_of(stamp) for path, stamp in states.items()}
        store.keep_note("leading", json.dumps({"states": states_now, "order": order}))
    else:
        order = kept["order"]
    for path, number in order:
        if number < len(store.file(path).tags):
            yield Place(path, number)


def hash_of(stamp: str) -> str:
    """What of a stamp tells one state from another, in fewer characters."""
    size, modified, *_ = stamp.split(".")
    return f"{size}.{modified[-9:]}"


def _counted(store: Store) -> list[tuple[str, int]]:
    """Path and number of the first definitions."""
    files_of: dict[str, set[str]] = {}
    definitions = [item for item in store.defined() if item[3] >= _TELLING]
    for name, path, _, _ in definitions:
        files_of.setdefault(name, set()).add(path)
    telling = {name: [(file, 1 / len(files)) for file in files] for name, files in files_of.items()}
    counts = dict.fromkeys(files_of, 0)
    leans: dict[str, dict[str, float]] = {}
    for path, words in store.used():
        onto: dict[str, float] = {}
        for name in telling.keys() & words.split():
            counts[name] += 1
            shares = telling[name]
            if len(shares) <= _SHARED and path not in files_of[name]:
                for file, share in shares:
                    onto[file] = onto.get(file, 0.0) + share
        total = sum(onto.values())
        leans[path] = {file: weight / total for file, weight in onto.items()}
    ranks = _ranks(leans)
    weights = [
        (ranks.get(path, 0.0) * counts[name] / len(files_of[name]) * weight, path, number)
        for name, path, number, weight in definitions
        if counts[name]
    ]
    weights.sort(key=lambda item: (-item[0], item[1], item[2]))
    return [(path, number) for _, path, number in weights[:KEPT]]


def _ranks(leans: dict[str, dict[str, float]]) -> dict[str, float]:
    even = 1.0 / max(1, len(leans))
    ranks = dict.fromkeys(leans, even)
    for _ in range(ROUNDS):
        fresh = dict.fromkeys(leans, (1 - DAMPING) * even)
        for path, onto in leans.items():
            given = DAMPING * ranks[path]
            for file, weight in onto.items():
                fresh[file] = fresh.get(file, 0.0) + given * weight
        ranks = fresh
    return ranks
