"""Which definitions a whole folder leans on: PageRank over its files, where a file leans on those whose names it uses.

A name that many files define tells little, and one that a single file defines tells where to look. To count this takes
longer than all else that a start does, and a person's work hardly moves it: what was counted is kept, and counted anew
once a good part of the folder is another. Of large folders only some files have their words taken, and are counted for
all: of the first hundred definitions, four in five are the same as where all files are counted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from heapq import nsmallest

from claude_ls.index.store import Place, Store

ROUNDS = 8
DAMPING = 0.85
KEPT = 2_000
"""So many definitions are remembered in the order of their weight: far more than any map shows."""
MOVED = 0.1
"""Counted anew when this share of the files has come, gone or changed since."""
_TELLING = 2
"""A definition of less weight than so many hundredths says nothing of its file."""
_SHARED = 6
"""A name that more files define than these says nothing of any of them."""
_WHOLE = 60
"""What a name gives to those that define it, together: whole numbers add up to the same in any order."""


def leading(store: Store) -> Iterator[Place]:
    """The definitions that others can see, those first that the rest of the folder leans on."""
    kept = json.loads(store.note("leading") or "{}")
    count, moved, counted = store.uncounted()
    gone = kept.get("files", 0) - counted
    if not kept or moved + gone > MOVED * max(1, count):
        kept = {"files": count, "order": _counted(store)}
        store.keep_count("leading", json.dumps(kept))
    for path, number in kept["order"]:
        if number < len(store.file(path).tags):
            yield Place(path, number)


def _counted(store: Store) -> list[tuple[str, int]]:
    """Path and number of the first definitions. Files are numbers here: there are many of them."""
    paths: list[str] = []
    definers: dict[str, list[int]] = {}
    for file, (path, names, weights) in enumerate(store.defined()):
        paths.append(path)
        for name, weight in zip(names.split("\n"), weights, strict=False):
            if weight >= _TELLING:
                known = definers.get(name)
                if known is None:
                    definers[name] = [file]
                elif known[-1] != file:
                    known.append(file)
    counts = Counter[str]()
    leans: list[dict[int, int]] = []
    telling = {name: (_WHOLE // len(files), files) for name, files in definers.items() if len(files) <= _SHARED}
    for file, words in enumerate(store.used()):
        named = definers.keys() & words.split()
        counts.update(named)
        onto: dict[int, int] = {}
        for name in telling.keys() & named:
            share, files = telling[name]
            if file not in files:
                for other in files:
                    onto[other] = onto.get(other, 0) + share
        leans.append(onto)
    ranks = _ranks(leans)
    weighed = (
        (-ranks[file] * counts[name] / len(definers[name]) * weight, paths[file], number)
        for file, (_, names, weights) in enumerate(store.defined())
        for number, (name, weight) in enumerate(zip(names.split("\n"), weights, strict=False), 1)
        if weight >= _TELLING and name in counts
    )
    return [(path, number) for _, path, number in nsmallest(KEPT, weighed)]


def _ranks(leans: list[dict[int, int]]) -> list[float]:
    """PageRank: `leans` says for each file how much it leans on which others."""
    even = 1.0 / max(1, len(leans))
    ranks = [even] * len(leans)
    totals = [sum(onto.values()) for onto in leans]
    for _ in range(ROUNDS):
        fresh = [(1 - DAMPING) * even] * len(leans)
        for rank, total, onto in zip(ranks, totals, leans, strict=True):
            if onto:
                given = DAMPING * rank / total
                for file, weight in onto.items():
                    fresh[file] += given * weight
        ranks = fresh
    return ranks
