"""Plain text of a mail: lines that end where a reader of plain text expects it.

Guards that an address is never broken over two lines, that spaces which must not break do not, and that Markdown
reads as text. Refuses nothing: what a stranger typed is shown as typed.
"""

from __future__ import annotations

import re
import textwrap
from typing import Final

from petition.core.markdown import typeset

WIDTH: Final = 72
_LINK = re.compile(r"\[([^\[\]]+)\]\((https?://[^\s()]+)\)")
_ITEM = re.compile(r"\s*(?:[-*+>]|\d+[.)])\s+")


def wrapped(text: str, indent: int = 0) -> str:
    """Break a paragraph at 72 characters; lines after the first are indented by so many spaces."""
    hanging = " " * indent
    return textwrap.fill(text, WIDTH, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False)


def plain(markdown: str, lang: str) -> str:
    """Markdown as it reads without its links' brackets, line by line."""
    lines = _LINK.sub(r"\1 <\2>", typeset(markdown, lang)).strip().splitlines()
    return "\n".join(wrapped(line, _indent(line)) for line in lines)


def _indent(line: str) -> int:
    item = _ITEM.match(line)
    return len(item[0]) if item else 0
