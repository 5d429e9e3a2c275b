"""What Claude was shown of a folder in the last minutes, to which a request only adds: so that the prompt cache hits.

The service reads a request's prefix from its cache, at a tenth of the price and much sooner, as long as it is the same
to the byte. A file changes with every edit, and what matters for a place is another for the next one. So a request says
again what the one before it said, and behind that only what is new: files and signatures that were not shown so far,
and what has changed in those that were. Where that would be more than to begin anew, it begins anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from claude_ls.agent.context import ContextBlock
from claude_ls.agent.usage import estimated_tokens
from claude_ls.text.diff import unified_diff

SECONDS = 240.0
"""The cache forgets what nobody asked for in five minutes."""
WORTH = 1_024
"""Less than so many tokens are not cached: it is better to say all of it plainly once more."""
CHANGED = 0.5
"""A file of which more than this has changed is shown anew."""
MARK = "⋮"

_Named = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Ledger:
    """`parts` are what each request has added. Never changes: `with_blocks` gives the next one."""

    parts: tuple[tuple[ContextBlock, ...], ...] = ()
    _texts: Mapping[_Named, str] = field(default_factory=dict)
    """By tag and attributes, the text that is known from it: of a file as it is now, with all its changes."""
    _runs: frozenset[tuple[str, str]] = frozenset()
    """Path and lines of each run of lines that was shown of a related file."""
    _changes: Mapping[_Named, int] = field(default_factory=dict)
    """By file, how many characters of changes were shown."""

    @property
    def tokens(self) -> int:
        return sum(estimated_tokens(block.text) for part in self.parts for block in part)

    @property
    def blocks(self) -> tuple[ContextBlock, ...]:
        return tuple(block for part in self.parts for block in part)

    def with_blocks(self, blocks: Iterable[ContextBlock], tokens: int) -> Ledger:
        """The ledger with these shown as well, in at most about so many tokens; one that shows nothing else where that
        is better."""
        wanted = tuple(blocks)
        if self.tokens >= WORTH:
            grown = self._added(wanted)
            if not grown._outgrown(tokens):
                return grown
        return Ledger()._added(wanted)

    def _outgrown(self, tokens: int) -> bool:
        return self.tokens > tokens or any(
            size > CHANGED * len(self._texts.get(named, "")) for named, size in self._changes.items()
        )

    def _added(self, blocks: Iterable[ContextBlock]) -> Ledger:
        ledger = replace(self, parts=(*self.parts, ()))
        wanted = tuple(blocks)
        by_lasting: list[tuple[ContextBlock, ...]] = []
        for lasting in ("folder", "file", "place"):
            before = len(ledger.parts[-1])
            for block in wanted:
                if block.lasting == lasting:
                    ledger = ledger._with(block)
            by_lasting.append(ledger.parts[-1][before:])
        # What is the same for a folder, and for a file, ends in a place of its own: other requests begin alike.
        return replace(ledger, parts=(*self.parts, *filter(None, by_lasting)))

    def _with(self, block: ContextBlock) -> Ledger:
        named = (block.tag, block.attributes)
        known = self._texts.get(named)
        if block.tag == "related":
            return self._with_related(block)
        # A map is a rough guide, and no worse for being some minutes old.
        if known == block.text or (block.tag == "map" and known is not None):
            return self
        texts = {**self._texts, named: block.text}
        if known is None or block.tag != "file":
            return replace(self._showing(block), _texts=texts)
        path = dict(block.attributes).get("path", "")
        # Without the lines that name the file, which the block does.
        changes = unified_diff(path, known, block.text).split("\n", 2)[-1]
        shown = self._showing(ContextBlock("changes", changes, (("path", path),), block.lasting))
        counts = {**self._changes, named: self._changes.get(named, 0) + len(changes)}
        return replace(shown, _texts=texts, _changes=counts)

    def _with_related(self, block: ContextBlock) -> Ledger:
        """Only the runs of lines that were not shown so far."""
        path = dict(block.attributes).get("path", "")
        runs = list(_runs(block.text))
        new = [run for run in runs if (path, run) not in self._runs]
        if not new:
            return self
        text = (
            block.text if len(new) == len(runs) else f"{MARK}\n" + "".join(f"{run}\n{MARK}\n" for run in new).rstrip()
        )
        shown = self._showing(replace(block, text=text))
        return replace(shown, _runs=self._runs | {(path, run) for run in new})

    def _showing(self, block: ContextBlock) -> Ledger:
        return replace(self, parts=(*self.parts[:-1], (*self.parts[-1], block)))


def _runs(text: str) -> Iterator[str]:
    """What stands between the marks."""
    run: list[str] = []
    for line in [*text.split("\n"), MARK]:
        if line != MARK:
            run.append(line)
        elif run:
            yield "\n".join(run)
            run = []
