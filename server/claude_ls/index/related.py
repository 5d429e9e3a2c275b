"""What matters for a piece of code: what it names, then what that has to do with, the nearest first.

Names come first. Behind them stands the neighbourhood in the graph of references, by personalised PageRank that starts
at the code: pushed forward from there (Andersen, Chung and Lang, 2006), so that the cost depends on how much is asked
for and not on the size of the folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from claude_ls.index.resolve import Names, Reader
from claude_ls.index.store import Place
from claude_ls.syntax.tags import Tag

PUSHES = 40
"""So many definitions at most are looked into for what they name in turn."""
STAY = 0.4
"""How much of its weight a definition keeps; the rest goes to what it names."""
_LOOKED_UP = 40


@dataclass(frozen=True, slots=True)
class Related:
    """A definition that matters, and how much: the greatest first."""

    place: Place
    weight: float


def related(
    names: Names, place: Place, code: str, around: str, signatures: Mapping[Place, str] | None = None
) -> list[Related]:
    """What the definition at `place` has to do with; `code` is its text, `around` that of the class around it."""
    store = names.store
    file = store.file(place.path)
    own = _within(file.tags, place.number)
    uses = [name for number in sorted(own) for name in store.uses(Place(place.path, number)).split()]
    uses += file.tags[place.number].bases.split()
    reader = Reader(names, place, code, around, signatures)
    weights: dict[Place, float] = {}
    for found in reader.found(dict.fromkeys([*uses, *reader.types()])):
        if not (found.place.path == place.path and found.place.number in own):
            weights[found.place] = 1.0 + found.sure
    for neighbour, weight in _neighbourhood(names, weights, {Place(place.path, number) for number in own}).items():
        weights.setdefault(neighbour, weight)
    # What stands around it in its own file: the members of its class, and what the file offers.
    for number, tag in enumerate(file.tags):
        if number and number not in own and Place(place.path, number) not in weights:
            nearness = 0.5 if tag.parent == file.tags[place.number].parent else 0.3
            weights[Place(place.path, number)] = nearness * (0.5 if file.tags[tag.parent].noun == "function" else 1.0)
    return [Related(place, weight) for place, weight in sorted(weights.items(), key=lambda pair: (-pair[1], pair[0]))]


def _neighbourhood(names: Names, seeds: Mapping[Place, float], without: set[Place]) -> dict[Place, float]:
    """What the seeds lead to, with the rank that reaches it: below 1."""
    total = sum(seeds.values()) or 1.0
    residue = {place: weight / total for place, weight in seeds.items()}
    rank: dict[Place, float] = {}
    for _ in range(PUSHES):
        if not residue:
            break
        place = max(residue, key=lambda item: (residue[item], item))
        weight = residue.pop(place)
        rank[place] = rank.get(place, 0.0) + STAY * weight
        tag = names.store.tag(place)
        targets = [
            found
            for name in (*tag.bases.split(), *names.store.uses(place).split()[:_LOOKED_UP])
            if name[:1].isalpha() or name[:1] == "_"
            for found in names.chain(Place(place.path, tag.parent), name)[:2]
            if found.number and found != place and found not in without
        ]
        for target in targets:
            residue[target] = residue.get(target, 0.0) + (1 - STAY) * weight / len(targets)
    for place, weight in residue.items():
        rank[place] = rank.get(place, 0.0) + STAY * weight
    return {place: min(0.99, weight) for place, weight in rank.items()}


def _within(tags: tuple[Tag, ...], number: int) -> set[int]:
    """A definition and all that is inside of it."""
    inside = {number}
    for index in range(number + 1, len(tags)):
        if tags[index].parent in inside:
            inside.add(index)
    return inside
