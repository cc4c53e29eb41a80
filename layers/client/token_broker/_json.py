"""JSON of others: parsed, or refused in one way. Pure."""

from __future__ import annotations

import json
from typing import Any

DEEPEST = 32
"""Levels of nesting. The broker's answers have 5; much deeper ones only overflow whoever walks
through them."""


def decode(raw: bytes | str) -> Any:
    """The value. ValueError, without any of the text, for what is not JSON or nested too deeply."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        raise ValueError("It is not JSON.") from None
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        level = [part for parent in level for part in _parts(parent)]
        if not level:
            return value
    raise ValueError("It is nested too deeply.")


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value.values()]
    return value if isinstance(value, list) else []
