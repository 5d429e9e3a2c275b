"""Reads one file for the index, and packs what it defines as it travels from the process that read it and is kept."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from claude_ls.syntax.languages import LANGUAGES, Language, language_of_name
from claude_ls.syntax.tags import FileTags, Tag, code_of, tags_in, words_in
from claude_ls.workspace.listing import ListedFile

MAX_BYTES = 2_000_000
"""Larger files are not code that somebody wrote."""
_OUTER = frozenset({"file", "namespace", "module"})
_INNER = frozenset({"function", "method"})


@dataclass(frozen=True, slots=True)
class Indexed:
    """What was read of one file. `stamp` tells this state of it from others, without reading it; `tags` is None where
    it could not be read, which is not tried again before it changes.

    Tags are kept as they travel, packed. `names` are those of all definitions but the file itself, a line each, and
    `weights` how much each of them tells of its file, in hundredths. `words` are all names in the file, each
    once, with blanks between them, or none where they were not taken.
    """

    path: str
    stamp: str
    digest: bytes = b""
    language: str = ""
    tags: bytes | None = None
    names: str = ""
    weights: bytes = b""
    words: str = ""


def read_file(root: Path, file: ListedFile, one_in: int = 1) -> Indexed:
    """Read one file and find its tags, and of one file in so many its words: what worker processes do. Never raises for
    what is in a file."""
    language = language_of_name(file.path)
    if language is None or file.size > MAX_BYTES:
        return Indexed(file.path, file.stamp)
    data = read_bytes(f"{root}/{file.path}")
    if data is None:
        return Indexed(file.path, file.stamp)
    digest = digest_of(data)
    code = code_of(language, data)
    found = tags_in(code)
    if found is None:
        return Indexed(file.path, file.stamp, digest, language.name)
    return Indexed(
        file.path,
        file.stamp,
        digest,
        language.name,
        packed(found),
        "\n".join([tag.name for tag in found.tags[1:]]),
        weights_of(found.tags),
        # The same text in two files gives the same, whichever is read first.
        words_in(code) if int.from_bytes(digest[:4]) % one_in == 0 else "",
    )


def read_bytes(path: Path | str) -> bytes | None:
    """The bytes of a regular file that is not too large; None for all else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_BYTES:
            return None
        data = os.read(descriptor, found.st_size + 1)
        while piece := os.read(descriptor, 1 << 16):
            data += piece
            if len(data) > MAX_BYTES:
                return None
        return data
    except OSError:
        return None
    finally:
        os.close(descriptor)


def digest_of(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def packed(file: FileTags) -> bytes:
    """All but the names: a line of JSON, and the numbers of all tags, one kind after the other."""
    _, nouns, first, line, body, last, parents, bases, starts, ends = zip(*file.tags, strict=True)
    head = json.dumps([file.language.name, "\n".join(nouns), "\n".join(bases), file.statements]).encode()
    return head + b"\n" + array("i", first + line + body + last + parents + starts + ends).tobytes()


def unpacked(tags: bytes, names: str) -> FileTags:
    head, _, rest = tags.partition(b"\n")
    language, nouns, bases, statements = json.loads(head)
    numbers = array("i")
    numbers.frombytes(rest)
    count = len(numbers) // 7
    first, line, body, last, parents, starts, ends = (numbers[at * count : (at + 1) * count] for at in range(7))
    named = ["", *names.split("\n")] if count > 1 else [""]
    columns = (named, nouns.split("\n"), first, line, body, last, parents, bases.split("\n"), starts, ends)
    return FileTags(_language(language), tuple(map(Tag._make, zip(*columns, strict=True))), tuple(statements))


def weights_of(tags: Sequence[Tag]) -> bytes:
    """How much each definition tells of its file, in hundredths: what others can name at once, by a name that is not
    just any word."""
    weights = bytearray()
    for name, noun, _, _, _, _, parent, _, _, _ in tags[1:]:
        holder = tags[parent].noun
        if holder in _INNER:
            weights.append(0)
            continue
        weight = (10 if noun == "variable" else 100) if holder in _OUTER else (1 if noun == "variable" else 30)
        bare = name.strip("_")
        if len(bare) < 3:
            weight = 0
        elif len(bare) < 6 or ("_" not in bare and bare.islower()):
            weight //= 5
        weights.append(weight // 10 if name[:1] == "_" else weight)
    return bytes(weights)


def _language(name: str) -> Language:
    return next(row for row in LANGUAGES if row.name == name)
