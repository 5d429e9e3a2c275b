"""Remembers which lines Claude wrote and who asked for them, and finds them again in today's file by their content.

Rules:

1. A line is Claude's while it says what Claude wrote, indentation and trailing blanks aside. Whoever changes more than
   that in a line has written it.
2. A line that tells nothing (a bracket, a blank line, `else:`, `return None`) is Claude's only beside one that tells
   something and is, or where all that was written stands between its old neighbours.
3. Where the same text stands in several places, that place is the one that was written which has the most of its
   neighbours and context. Where two places have as much, neither is said to be Claude's.
4. It is better to leave a line of Claude's unnamed than to give away a line of the person's: what has lost its context
   must be recognised by at least two telling lines, and what stands next to more of the same is not what was moved out
   of there, but was always like it.
5. What was written later wins.

Theory. What was written and the lines of context around it are one stretch of lines. Runs are where the stretch and
the file say the same for some lines in a row, with at most a few changed lines in between; a run weighs as much as its
lines tell, and context weighs more, for the person has kept it. A chain is a row of runs, in order in both, less what
lies in between: it is what is left of the stretch after somebody has typed into it. The heaviest chain is the place.
What is not in it is sought once more by itself, for somebody may have moved it. The rarest lines are where the search
begins, so that a large file costs little more than a small one.

The weights and limits below were chosen by trying others, on files into which lines were written and edited at random.
What cannot be told from content alone: a copy that Claude made of the person's lines and that was then deleted by hand,
from one that was moved to where the original stands.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from claude_ls.text.diff import lines_with_breaks
from claude_ls.workspace.database import Database

TABLES: tuple[str, ...] = (
    # Texts that can hold half of a surrogate pair, which SQLite refuses, are kept as JSON, and paths as bytes.
    """CREATE TABLE authorship_jobs (id TEXT PRIMARY KEY, time TEXT NOT NULL, record TEXT NOT NULL);
CREATE TABLE authorship_lines (
    number INTEGER PRIMARY KEY, time TEXT NOT NULL, job TEXT NOT NULL, path BLOB NOT NULL, written TEXT NOT NULL
);
CREATE INDEX authorship_lines_by_path ON authorship_lines (path);
CREATE INDEX authorship_lines_by_job ON authorship_lines (job)""",
)

CONTEXT_LINES = 3
"""Lines of context on each side; where a record has fewer, the file began or ended there."""
ENOUGH = 0.5
"""So much of what was written and its context, by weight, is enough in any case."""
ENOUGH_ALONE = 32
"""In weight, which is about letters, in context fourfold: so much must be found, in two telling lines, of less."""
ENOUGH_NEARBY = 8
"""So much must be found of what stands no further than `NEARBY_LINES` from the rest."""
NEARBY_LINES = 8
GAP_LINES = 64
"""As many lines of others can stand between two parts of what was written without making them two."""
MOST_MISSING = 3
"""Lines that are missing from the middle count no more than this, however many there are."""
CHANGED_IN_A_ROW = 3
"""A run ends where so many lines are others."""
SEARCHES = 6
"""How often the rest of one record is sought before it is given up."""
MOST_PLACES = 32
"""A line that stands in more places than these is not where a search begins."""
MOST_RENAMED = 200
"""So many files, the latest, are looked at to find out which one was renamed."""
RENAMED_LINES = 3
RENAMED_SHARE = 0.5
"""So many of the lines that were written in a file that is gone must stand in another one for it to be that file."""

MOST_DAYS = 36_500
"""Dates cannot be counted back much further."""

_PLAIN = 2
"""What a line weighs that tells nothing; one that does weighs as much more as it has letters."""
_CONTEXT = 4
"""So many times as much as a written line weighs a line of context: it says where, and the person has kept it."""
_EDGE = 8
_TOP, _BOTTOM = "\ntop", "\nbottom"
"""Stand for the ends of the file; no line can be equal to them."""
_WORD = re.compile(r"[^\W\d]\w*|\d\d+")
_TRIVIA = frozenset(
    (
        *("begin", "break", "continue", "default", "do", "done", "else", "end", "endif", "esac", "false", "fi"),
        *("finally", "nil", "none", "null", "pass", "return", "self", "then", "this", "true", "try"),
    )
)
_BLANKS = " \t\f\v\r\n"


@dataclass(frozen=True)
class JobRecord:
    """What was asked of Claude, and how it went.

    `cost` is in US dollars, None where it is not known. `checks` are what was run afterwards, each with whether it
    passed. `answer` is what Claude said. `time` is aware, in UTC. `conversation` is JSON text, or empty.
    """

    id: str
    action: str
    title: str
    instruction: str
    model: str
    cost: float | None
    checks: tuple[tuple[str, bool], ...]
    answer: str
    time: datetime
    conversation: str


@dataclass(frozen=True)
class WrittenLines:
    """Lines that Claude wrote in one place, and up to three on each side between which they stood; all without breaks.

    Fewer lines of context mean that the file began or ended there.
    """

    job: str
    path: Path
    before: tuple[str, ...]
    lines: tuple[str, ...]
    after: tuple[str, ...]


class Authorship:
    """The journal of all that Claude wrote. Any thread may call; each call blocks, and lasts once it has returned.

    All methods raise `DatabaseProblem` where nothing can be kept or found. Paths are compared as they are given, so
    give the file's own name (`files.real`).
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def remember_job(self, record: JobRecord) -> None:
        """Keep `record`, in the place of an earlier one of the same id; `ValueError` where its time is not aware."""
        time = _stamp(record.time)
        fields = {name: value for name, value in vars(record).items() if name not in ("id", "time")}
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO authorship_jobs VALUES (?, ?, ?)", (record.id, time, json.dumps(fields))
            )

    def remember_lines(self, written: Sequence[WrittenLines]) -> None:
        """Keep all of these, as later than any that are known."""
        now = _stamp(datetime.now(UTC))
        rows = [
            (now, record.job, os.fsencode(record.path), json.dumps([record.before, record.lines, record.after]))
            for record in written
            if record.lines
        ]
        if rows:
            with self._database.transaction() as connection:
                connection.executemany(
                    "INSERT INTO authorship_lines (time, job, path, written) VALUES (?, ?, ?, ?)", rows
                )

    def forget_lines(self, job: str, path: Path) -> None:
        """What `job` wrote in the file was rejected or undone."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM authorship_lines WHERE job = ? AND path = ?", (job, os.fsencode(path)))

    def job(self, identity: str) -> JobRecord | None:
        """What is known of the job; None where it is not, or no longer."""
        with self._database.transaction() as connection:
            row = connection.execute("SELECT time, record FROM authorship_jobs WHERE id = ?", (identity,)).fetchone()
        if row is None:
            return None
        fields = json.loads(row[1])
        checks = tuple((str(name), bool(passed)) for name, passed in fields.pop("checks"))
        return JobRecord(id=identity, time=datetime.fromisoformat(row[0]), checks=checks, **fields)

    def blame(self, path: Path, text: str) -> list[str | None]:
        """For each line of `text`, as `lines_with_breaks` has them, the id of the job that wrote it, or None.

        Where nothing is known of `path`, it may be a file that had another name: the only one that is no longer there
        and of whose lines most stand in `text`.
        """
        lines = lines_with_breaks(text)
        return attributed(lines, self._known_of(path) or self._under_another_name(path, lines))

    def prune(self, max_age_days: float) -> None:
        """Forget all jobs that are older, and what they wrote."""
        limit = _stamp(datetime.now(UTC) - timedelta(days=min(max_age_days, MOST_DAYS)))
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM authorship_jobs WHERE time < ?", (limit,))
            connection.execute(
                "DELETE FROM authorship_lines WHERE time < ? AND job NOT IN (SELECT id FROM authorship_jobs)", (limit,)
            )

    def _known_of(self, path: Path) -> list[WrittenLines]:
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT job, written FROM authorship_lines WHERE path = ? ORDER BY number", (os.fsencode(path),)
            ).fetchall()
        return [_written(job, path, written) for job, written in rows]

    def _under_another_name(self, path: Path, lines: Sequence[str]) -> list[WrittenLines]:
        """What was written in the file that `path` was before it was renamed, where that is beyond doubt."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT path FROM authorship_lines GROUP BY path ORDER BY max(number) DESC LIMIT ?", (MOST_RENAMED,)
            ).fetchall()
        others = [Path(os.fsdecode(name)) for (name,) in rows]
        keys = {_key(line) for line in lines}
        found: list[list[WrittenLines]] = []
        for other in others:
            if other.suffix == path.suffix and _is_gone(other):
                written = self._known_of(other)
                telling = {key for record in written for key in map(_key, record.lines) if _weight(key) > _PLAIN}
                here = len(telling & keys)
                if here >= RENAMED_LINES and here >= RENAMED_SHARE * len(telling):
                    found.append(written)
        return found[0] if len(found) == 1 else []


def attributed(lines: Sequence[str], written: Sequence[WrittenLines]) -> list[str | None]:
    """For each of the file's `lines` the job that wrote it, or None; `written` is in order, the oldest first.

    Line breaks at the end of `lines` do not matter, nor does the path of a record.
    """
    if not written:
        return [None] * len(lines)
    keys = [_TOP, *map(_key, lines), _BOTTOM]
    weights: dict[str, int] = {_TOP: _EDGE, _BOTTOM: _EDGE}
    stretches = [_stretch(record, weights) for record in written]
    places: dict[str, list[int]] = {}
    # The ends of the file are always there: they say something only of what still stands next to them.
    for place, key in enumerate(keys[1:-1], 1):
        if weights.get(key, 0) > _PLAIN:
            places.setdefault(key, []).append(place)
    file = _File(keys, places, {})
    alike = Counter(stretch.keys for stretch in stretches)
    seen: Counter[tuple[str, ...]] = Counter()
    owners: list[str | None] = [None] * len(keys)
    for record, stretch in zip(written, stretches, strict=True):
        for place in _claimed(stretch, file, seen[stretch.keys], alike[stretch.keys]):
            owners[place] = record.job
        seen[stretch.keys] += 1
    return owners[1:-1]


class _File(NamedTuple):
    keys: Sequence[str]
    places: Mapping[str, Sequence[int]]
    """Where each telling line stands, of those that matter."""
    crowded: dict[tuple[str, ...], Sequence[int]]
    """Where lines that stand everywhere have these neighbours, as far as that was asked for."""


class _Stretch(NamedTuple):
    """What was written, between its context; `own` are the numbers of Claude's lines in it."""

    keys: tuple[str, ...]
    weights: list[int]
    telling: list[bool]
    own: range


class _Search(NamedTuple):
    """`left` are the weights of the lines that are still sought, 0 for the others; `used` the places that are taken."""

    stretch: _Stretch
    file: _File
    left: list[int]
    used: set[int]

    def gain(self, line: int, shift: int) -> int:
        """What it says for the line of the stretch to stand so many lines further on in the file."""
        place = line + shift
        return self.left[line] if self.stretch.keys[line] == self.file.keys[place] and place not in self.used else -1


class _Run(NamedTuple):
    """The lines `start..stop` of the stretch are, most of them, the lines `start + shift..` of the file.

    `sums[n]` is what its first `n` lines weigh together.
    """

    start: int
    stop: int
    shift: int
    sums: list[int]


class _Part(NamedTuple):
    """The lines `start..stop` of a run: a chain has of each run what no other one of it has."""

    run: _Run
    start: int
    stop: int


_Chain = list[_Part]


def _claimed(stretch: _Stretch, file: _File, rank: int, alike: int) -> set[int]:
    """The places in the file that are Claude's; this is number `rank` of `alike` records that all say the same."""
    claimed: set[int] = set()
    search = _Search(stretch, file, list(stretch.weights), set())
    runs = _runs(search)
    for _ in range(SEARCHES):
        if not runs:
            break
        score, chains = _heaviest(runs)
        pairs = [_pairs(search, chain) for chain in chains]
        if _recognised(search, score, chains[0], pairs[0]):
            own = list({frozenset(found): found for found in (_own(stretch, each) for each in pairs)}.values())
            # As many records as places: all of them are Claude's. Otherwise only what all of them have in common.
            claimed |= own[rank % len(own)] if len(own) <= alike else set.intersection(*own)
            search.used.update(place for found in pairs for _, place in found)
            for line, _ in pairs[0]:
                search.left[line] = 0
            if not any(search.left[line] and stretch.telling[line] for line in stretch.own):
                break
            runs = _runs(search)
        else:
            refused = {id(part.run) for chain in chains for part in chain}
            runs = [run for run in runs if id(run) not in refused]
    return claimed


def _recognised(search: _Search, score: int, chain: _Chain, pairs: Sequence[tuple[int, int]]) -> bool:
    """Whether so much was found that it cannot be chance."""
    stretch, used = search.stretch, search.used
    if score >= ENOUGH * sum(stretch.weights):
        return True
    if _is_twin(search, chain):
        return False
    if used and min(used) - NEARBY_LINES <= pairs[0][1] <= max(used) + NEARBY_LINES:
        return score >= ENOUGH_NEARBY
    return score >= ENOUGH_ALONE and sum(stretch.telling[line] for line, _ in pairs) >= 2


def _is_twin(search: _Search, chain: _Chain) -> bool:
    """Whether lines stand here, too, that have been found elsewhere: this was not moved here, but is the like of it."""
    keys, file = search.stretch.keys, search.file.keys
    for run, start, stop in chain:
        first = max(0, -run.shift, start - CONTEXT_LINES)
        last = min(len(keys), len(file) - run.shift, stop + CONTEXT_LINES)
        for line in range(first, last):
            if not search.left[line] and search.stretch.telling[line] and keys[line] == file[line + run.shift]:
                return True
    return False


def _own(stretch: _Stretch, pairs: Sequence[tuple[int, int]]) -> set[int]:
    """The places of what Claude wrote. Lines that tell nothing need one beside them that does, or both neighbours."""
    found: set[int] = set()
    row: list[tuple[int, int]] = []
    for pair, following in zip(pairs, [*pairs[1:], None], strict=True):
        row.append(pair)
        shift = pair[1] - pair[0]
        if following and following[1] - following[0] == shift and following[0] - pair[0] <= CHANGED_IN_A_ROW:
            continue
        own = [(line, place) for line, place in row if line in stretch.own]
        lines = {line for line, _ in row}
        between = lines.issuperset(range(stretch.own.start - 1, stretch.own.stop + 1))
        if between or any(stretch.telling[line] for line, _ in own):
            found.update(place for _, place in own)
        row = []
    return found


def _pairs(search: _Search, chain: _Chain) -> list[tuple[int, int]]:
    """Which line of the stretch stands at which place."""
    return [
        (line, line + run.shift)
        for run, start, stop in chain
        for line in range(start, stop)
        if search.gain(line, run.shift) > 0
    ]


def _heaviest(runs: Sequence[_Run]) -> tuple[int, list[_Chain]]:
    """What the heaviest chain weighs, and all chains that weigh as much."""
    ordered = sorted(runs, key=lambda run: (run.start + run.shift, run.start))
    scores: list[int] = []
    links: list[_Link] = []
    recent: list[int] = []
    for number, run in enumerate(ordered):
        top = run.start + run.shift
        recent = [other for other in recent if ordered[other].stop + ordered[other].shift >= top - GAP_LINES]
        best, link = run.sums[-1], _Link(-1, 0, run.start)
        for other in recent:
            earlier = ordered[other]
            cuts = [(earlier.stop, max(run.start, earlier.stop, earlier.stop + earlier.shift - run.shift))]
            if cuts[0][1] > run.start:
                # What both runs have belongs to the one or to the other.
                cuts.append((min(earlier.stop, run.start, top - earlier.shift), run.start))
            for stop, start in cuts:
                if start < run.stop and stop > links[other].start:
                    lost = earlier.sums[-1] - earlier.sums[stop - earlier.start] + run.sums[start - run.start]
                    gap = max(start + run.shift - stop - earlier.shift, min(start - stop, MOST_MISSING))
                    score = scores[other] + run.sums[-1] - lost - gap
                    if score > best:
                        best, link = score, _Link(other, stop, start)
        scores.append(best)
        links.append(link)
        recent.append(number)
    heaviest = max(scores)
    return heaviest, [_chain(ordered, links, number) for number, score in enumerate(scores) if score == heaviest]


class _Link(NamedTuple):
    """How a chain comes to a run: from the run `earlier`, -1 for none, up to its line `stop`, and on from `start`."""

    earlier: int
    stop: int
    start: int


def _chain(ordered: Sequence[_Run], links: Sequence[_Link], last: int) -> _Chain:
    chain: _Chain = []
    number, stop = last, ordered[last].stop
    while number >= 0:
        link = links[number]
        chain.append(_Part(ordered[number], link.start, stop))
        number, stop = link.earlier, link.stop
    return chain[::-1]


def _runs(search: _Search) -> list[_Run]:
    """All runs that have one of the rarest of those lines in them that are still sought."""
    seeds = [(line, [each for each in places if each not in search.used]) for line, places in _seeds(search)]
    if not seeds:
        return []
    # Mostly nobody has touched it: then there is nothing else to be looked at.
    line, places = seeds[0]
    runs = [_grown(search, place - line, line, 0) for place in places]
    untouched = [run for run in runs if run.sums[-1] == sum(search.left)]
    if untouched:
        return untouched
    diagonals: dict[int, list[int]] = {}
    for line, places in seeds:
        for place in places:
            diagonals.setdefault(place - line, []).append(line)
    runs = []
    for shift, lines in diagonals.items():
        reached = 0
        for line in sorted(lines):
            if line >= reached:
                runs.append(_grown(search, shift, line, reached))
                reached = runs[-1].stop
    return runs


def _seeds(search: _Search) -> list[tuple[int, Sequence[int]]]:
    """Telling lines that are still sought, with their places: the rarest, and not too many."""
    keys, file = search.stretch.keys, search.file
    found = [
        (line, file.places[key])
        for line, key in enumerate(keys)
        if search.left[line] and search.stretch.telling[line] and key in file.places
    ]
    found.sort(key=lambda each: len(each[1]))
    if found and len(found[0][1]) > MOST_PLACES:
        # Even the rarest stands everywhere: only where its neighbours do, too. Next to the context they may be rarer.
        near = min((_with_neighbours(search, line) for line, _ in (found[0], found[-1])), key=lambda each: len(each[1]))
        return [near] if len(near[1]) <= MOST_PLACES else []
    count, chosen = 0, []
    for each in found:
        count += len(each[1])
        if count > len(keys) + MOST_PLACES or len(each[1]) > MOST_PLACES:
            break
        chosen.append(each)
    return chosen


def _with_neighbours(search: _Search, line: int) -> tuple[int, Sequence[int]]:
    """The line with those of its places where the lines beside it are the same, too."""
    keys, file = search.stretch.keys, search.file
    above = min(line, 1)
    around = keys[line - above : line + 2]
    if around not in file.crowded:
        said = list(around)
        firsts = [place - above for place in file.places[keys[line]]]
        file.crowded[around] = [first for first in firsts if file.keys[first : first + len(said)] == said]
    return line, [first + above for first in file.crowded[around]]


def _grown(search: _Search, shift: int, seed: int, reached: int) -> _Run:
    """The run around the line `seed`, as far as it gains weight; it does not go back behind the line `reached`."""

    def reach(lines: range) -> int:
        """How many of `lines` belong to the run."""
        score = best = count = 0
        for number, line in enumerate(lines, 1):
            score += search.gain(line, shift)
            if score > best:
                best, count = score, number
            elif score <= best - CHANGED_IN_A_ROW:
                break
        return count

    last = min(len(search.stretch.keys), len(search.file.keys) - shift)
    stop = seed + 1 + reach(range(seed + 1, last))
    start = seed - reach(range(seed - 1, max(reached, -shift) - 1, -1))
    sums = [0]
    for line in range(start, stop):
        sums.append(sums[-1] + search.gain(line, shift))
    return _Run(start, stop, shift, sums)


def _stretch(record: WrittenLines, weights: dict[str, int]) -> _Stretch:
    top = (_TOP,) if len(record.before) < CONTEXT_LINES else ()
    bottom = (_BOTTOM,) if len(record.after) < CONTEXT_LINES else ()
    first = len(top) + len(record.before)
    keys = (*top, *map(_key, (*record.before, *record.lines, *record.after)), *bottom)
    for key in keys:
        if key not in weights:
            weights[key] = _weight(key)
    own = range(first, first + len(record.lines))
    return _Stretch(
        keys,
        [weights[key] * (1 if line in own else _CONTEXT) for line, key in enumerate(keys)],
        [weights[key] > _PLAIN for key in keys],
        own,
    )


def _key(line: str) -> str:
    """What of a line is compared."""
    return line.strip(_BLANKS)


def _weight(key: str) -> int:
    """How much it says that a line is this one."""
    return _PLAIN + sum(len(word) for word in _WORD.findall(key) if word.lower() not in _TRIVIA)


def _written(job: str, path: Path, text: str) -> WrittenLines:
    before, lines, after = (tuple(map(str, part)) for part in json.loads(text))
    return WrittenLines(job, path, before, lines, after)


def _is_gone(path: Path) -> bool:
    """Whether no file has that name; one that cannot be looked at may be there."""
    try:
        return not path.exists()
    except OSError:
        return False


def _stamp(time: datetime) -> str:
    """A time as text that sorts as times do."""
    if time.tzinfo is None:
        raise ValueError(f"{time} says nothing about its time zone")
    return time.astimezone(UTC).isoformat(timespec="microseconds")
