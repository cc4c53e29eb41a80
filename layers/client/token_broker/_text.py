"""Text of others before people see it. Pure.

What the broker, Microsoft or a proxy says may hold characters that move the cursor, recolour or
rewrite the terminal, or turn the direction of what follows: https://www.unicode.org/reports/tr36/,
https://trojansource.codes. Every text that becomes output goes through here.
"""

from __future__ import annotations

import re
from typing import Any

# Compiled with their first use, not with the import.
_HARMFUL = (
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # a control sequence: ECMA-48 §5.4
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # a string: §5.6
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"  # C0 but for tab and line feed, delete, C1
    r"|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"  # bidirectional: UAX #9 §2
    r"|[\u2028\u2029\ud800-\udfff\U000e0000-\U000e007f]"  # separators, lone surrogates, tags
)
_LONG = r"[A-Za-z0-9._~+*!$=-]{65,}"
"""Words so long are refresh tokens, assertions or tickets: ids have 36 characters, digests 64, role
names at most 64."""


def plain(text: str) -> str:
    """The text without control, escape and bidirectional characters."""
    return text if text.isprintable() else re.sub(_HARMFUL, "", text)


def masked(text: str) -> str:
    """A message without what looks like a secret, in case one was pasted where a name belongs."""
    return re.sub(_LONG, "***", plain(text))


def clean(value: Any) -> Any:
    """A JSON value with all its texts plain, names of members included."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {plain(str(name)): clean(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(part) for part in value]
    return value
