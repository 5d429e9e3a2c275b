"""The service's prompt cache as its documentation describes it: the replay server reports what a real one would.

A prefix of tools, system and messages, in this order, is kept up to each block that is marked with `cache_control`. A
later request looks at its own marks, from the last one back, and at the blocks before each, for a prefix that was kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from claude_ls.agent.usage import estimated_tokens

LOOK_BACK = 20
"""So many blocks before a mark are compared with what was kept."""
SMALLEST = 1_024
"""Shorter prefixes, in tokens, are not kept."""


class Counted(NamedTuple):
    """Tokens of one request: neither read from nor written to the cache, read, and written."""

    input: int
    read: int
    written: int


class PromptCache:
    """Keeps prefixes for as long as it lives: the service forgets those that nobody asks for in five minutes."""

    def __init__(self) -> None:
        self._kept: dict[bytes, set[bytes]] = {}

    def count(self, body: Mapping[str, Any]) -> Counted:
        """What this request reads and writes; from then on the next one can read it."""
        kept = self._kept.setdefault(str(body.get("model")).encode(), set())
        digest = hashlib.blake2b(digest_size=16)
        prefixes: list[tuple[bytes, int]] = []
        marks: list[int] = []
        tokens = 0
        for number, block in enumerate(_blocks(body)):
            bare = json.dumps({key: value for key, value in block.items() if key != "cache_control"}, sort_keys=True)
            digest.update(bare.encode())
            tokens += estimated_tokens(bare)
            prefixes.append((digest.digest(), tokens))
            if "cache_control" in block:
                marks.append(number)
        read = next(
            (
                size
                for mark in reversed(marks)
                for prefix, size in reversed(prefixes[max(0, mark - LOOK_BACK) : mark + 1])
                if prefix in kept
            ),
            0,
        )
        long_enough = [prefixes[mark] for mark in marks if prefixes[mark][1] >= SMALLEST]
        kept.update(prefix for prefix, _ in long_enough)
        until = max((size for _, size in long_enough), default=0)
        written = max(0, until - read)
        return Counted(tokens - read - written, read, written)


def _blocks(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Everything that counts, one after the other. Who says a block is part of it."""
    yield from _listed(body.get("tools"))
    yield from _listed(body.get("system"))
    for message in _listed(body.get("messages")):
        for block in _listed(message.get("content")):
            yield {**block, "role": message.get("role")}


def _listed(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, str):
        yield {"type": "text", "text": value}
    elif isinstance(value, list):
        yield from (item if isinstance(item, Mapping) else {"type": "text", "text": str(item)} for item in value)
