"""What was read of some files as bytes, to travel from one process to another: a line of JSON that says how much of
each there is, and behind it all that need not be spelt out."""

from __future__ import annotations

import json
from collections.abc import Sequence

from claude_ls.index.one_file import Indexed


def as_block(files: Sequence[Indexed]) -> bytes:
    heads: list[object] = []
    parts: list[bytes] = []
    for file in files:
        own = (file.tags or b"", file.names.encode(), file.weights, file.words.encode())
        lengths = [len(part) for part in own]
        heads.append([file.path, file.stamp, file.digest.hex(), file.language, file.tags is not None, lengths])
        parts += own
    return b"".join((json.dumps(heads).encode(), b"\n", *parts))


def rest_of(line: bytes) -> int:
    """How many bytes come behind a line; `ValueError` where it is no line of a block."""
    try:
        lengths = [length for *_, lengths in json.loads(line) for length in lengths]
        if not all(type(length) is int and length >= 0 for length in lengths):
            raise ValueError("not lengths")
        return sum(lengths)
    except TypeError as error:
        raise ValueError(f"not what was read of files: {error}") from error


def from_block(line: bytes, rest: bytes) -> list[Indexed]:
    """What `as_block` wrote; `ValueError` where it is anything else."""
    found: list[Indexed] = []
    at = 0
    try:
        for path, stamp, digest, language, read, lengths in json.loads(line):
            parts: list[bytes] = []
            for length in lengths:
                parts.append(rest[at : at + length])
                at += length
            tags, names, weights, words = parts
            own = (names.decode(), weights, words.decode())
            found.append(Indexed(path, stamp, bytes.fromhex(digest), language, tags if read else None, *own))
    except TypeError as error:
        raise ValueError(f"not what was read of files: {error}") from error
    return found
