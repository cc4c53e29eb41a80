"""What every provider's answers have in common: bodies of bearable size, vetted words, waits.

The rest of the package sees an `Answer`, never a body. Nothing here raises on any input.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from broker.domain.problems import Provider

BODY_LIMIT = 262_144
"""Bytes. Error bodies are a few kilobytes; a larger one is not read at all."""
RETRY_AFTER_LIMIT = 3600
"""Seconds: MSAL's cap too. A longer wait would hide a recovery."""

GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DATES = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")


@dataclass(frozen=True, slots=True)
class Answer:
    """One vetted answer. `status` is 0 for redirects, which have none."""

    status: int
    provider: Provider
    cancelled: bool = False
    retry_after: int | None = None
    oauth: bool = True
    """Whether the body was a JSON object; a page of HTML, say, is not."""


def wait(value: str, now: float) -> int | None:
    """Seconds to wait, 1 to 3600: RFC 9110 §10.2.3, as seconds or as one of its three dates."""
    value = value.strip()
    if re.fullmatch(r"[0-9]{1,10}", value):
        return _clamp(int(value))
    if len(value) > 40:
        return None
    for form in _DATES:
        try:
            then = datetime.strptime(value, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return _clamp(int(then.timestamp() - now))
    return None


def guid(value: object) -> str | None:
    """The value if it is a GUID."""
    return value if isinstance(value, str) and GUID.fullmatch(value) else None


def load(body: bytes) -> object:
    """The JSON of a body of bearable size, else None."""
    if len(body) > BODY_LIMIT:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):  # truncated, not UTF-8, digits or nesting without end
        return None


def fields(body: bytes) -> dict[str, Any] | None:
    """The JSON object of a body, or None."""
    data = load(body)
    return data if isinstance(data, dict) else None


def listed(value: object, vocabulary: Iterable[str]) -> str | None:
    """Only words of a catalogue: any other word could be someone's text, or a secret."""
    return value if isinstance(value, str) and value in vocabulary else None


def _clamp(seconds: int) -> int:
    return max(1, min(RETRY_AFTER_LIMIT, seconds))
