"""Text from outside, as it may be stored and shown."""

from __future__ import annotations

import unicodedata

_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories: controls, format characters, surrogates, line and paragraph separators."""


def printable(text: str, limit: int) -> str:
    """A foreign name as it may be stored and shown: at most `limit` characters, without control
    characters, line breaks, lone surrogates (which no UTF-8 can write), and what is invisible or
    turns the direction of its neighbours (https://www.unicode.org/reports/tr36/)."""
    kept = (char for char in text if unicodedata.category(char) not in _UNPRINTABLE)
    return "".join(kept)[:limit]
