"""Our copy of a document against an oracle, over random changes as editors send them."""

from __future__ import annotations

import os
import random

import pytest
from lsprotocol import types

from claude_ls.lsp.convert import changed_document
from claude_ls.text.document import Document
from claude_ls.text.position import Encoding, LineIndex

CHANGES = int(os.environ.get("CLAUDE_LS_CHANGES", "100000"))
"""For all encodings together; `make soak-mirror` makes a million."""
SEPARATORS = ["\n", "\r", "\r\n", "\t", "\f", "\v", "\x1c", "\x85", "\u2028", "\u2029"]
PIECES = ["a", "b", "é", "€", "𝒳", "\ufeff", "\x00", *SEPARATORS]
LIMIT = 400


class Oracle:
    """The text as an editor holds it: lines of characters, each with its line break, and columns counted one by one."""

    def __init__(self, encoding: Encoding) -> None:
        self.text = ""
        self._encoding = encoding

    def units(self, character: str) -> int:
        if self._encoding == "utf-32":
            return 1
        return len(character.encode()) if self._encoding == "utf-8" else 1 + (ord(character) > 0xFFFF)

    def place(self, offset: int) -> types.Position:
        line = column = 0
        for at, character in enumerate(self.text[:offset]):
            if character == "\n" or (character == "\r" and self.text[at + 1 : at + 2] != "\n"):
                line, column = line + 1, 0
            else:
                column += self.units(character)
        return types.Position(line, column)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_the_mirror_never_diverges(encoding: Encoding) -> None:
    chance = random.Random(f"mirror {encoding}")
    oracle = Oracle(encoding)
    document = Document.opened("file:///a", "x", 0, "")
    for version in range(1, CHANGES // 3 + 1):
        changes = []
        for _ in range(chance.choice([1, 1, 1, 2])):
            start = chance.randint(0, len(oracle.text))
            longest = 40 if len(oracle.text) < LIMIT else LIMIT
            end = chance.randint(start, min(len(oracle.text), start + longest))
            # No editor has a caret between CR and LF.
            start -= oracle.text[start - 1 : start + 1] == "\r\n"
            end += oracle.text[end - 1 : end + 1] == "\r\n"
            text = "".join(chance.choices(PIECES, k=chance.randint(0, 6)))
            where = types.Range(oracle.place(start), oracle.place(end))
            changes.append(types.TextDocumentContentChangePartial(range=where, text=text))
            oracle.text = oracle.text[:start] + text + oracle.text[end:]
        document, _ = changed_document(document, version, changes, encoding)
        assert document.text == oracle.text, f"at version {version}"
        if version % 100 == 0:
            assert list(document.lines.starts) == list(LineIndex.of(document.text).starts), f"at version {version}"
