"""Makes what Claude wrote fit the place it goes to: line breaks, the last line break, indentation, stray fences.

Only what a model gets wrong by habit is mended, and only where the mistake is certain; everything else is left as
it was written.
"""

from __future__ import annotations

import re

from claude_ls.editing.locate import Found
from claude_ls.text.diff import lines_with_breaks
from claude_ls.text.document import Document

_FENCED = re.compile(r"\A```[\w+#.-]*\n(.*?)\n?```\s*\Z", re.DOTALL)


def fitted_to_region(new_text: str, base: str, document: Document) -> str:
    """`new_text` as the replacement of `base`, which are whole lines of `document` without the last line break."""
    fenced = _FENCED.match(new_text)
    if fenced and not base.lstrip().startswith("```"):
        new_text = fenced.group(1)
    if new_text.endswith("\n") and not base.endswith("\n"):
        new_text = new_text.removesuffix("\n").removesuffix("\r")
    return document.with_own_breaks(_indented_like(new_text, base))


def fitted_to_quote(new_text: str, quoted: str, found: Found, document: Document) -> str:
    """`new_text` as the replacement of what `quoted` was found to mean in `document`."""
    if found.level != "exact":
        # Whole lines were found, without the line break of the last: the replacement must not bring one either.
        new_text = new_text.strip("\r\n") if quoted.strip("\r\n") != quoted else new_text.rstrip("\r\n")
    before, after = found.indent
    if before != after:
        new_text = "".join(
            after + line[len(before) :] if line.strip() and line.startswith(before) else line
            for line in lines_with_breaks(new_text)
        )
    return document.with_own_breaks(new_text)


def _indented_like(new_text: str, base: str) -> str:
    """Give `new_text` the indentation of `base` where all of it was written without any."""
    wanted = _common_indent(base)
    if not wanted or _common_indent(new_text):
        return new_text
    return "".join(wanted + line if line.strip() else line for line in lines_with_breaks(new_text))


def _common_indent(text: str) -> str:
    indents = [line[: len(line) - len(line.lstrip(" \t"))] for line in lines_with_breaks(text) if line.strip()]
    return min(indents, key=len, default="")
