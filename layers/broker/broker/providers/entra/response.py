"""Takes in what Microsoft answered and lets through only what has a known shape.

Nothing here raises on any input.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from broker.domain.problems import Provider
from broker.providers.error_catalogue import table
from broker.providers.response import GUID, Answer, fields, guid, listed, wait

_NUMBERS = 10
_DESCRIPTION = 4096
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,7})?Z")
_AADSTS = re.compile(r"AADSTS([0-9]{4,8})(?![0-9])")
_URI = re.compile(r"[?&]code=([0-9]{4,8})(?![0-9])")


def of_token(status: int, headers: Mapping[str, str], body: bytes, now: float) -> Answer:
    """What the token endpoint answered. `now` is in epoch seconds."""
    lowered = {str(name).lower(): str(value)[:256] for name, value in headers.items()}
    said = fields(body) or {}
    # Without a usable body (plain text, HTML) the headers still carry the ids support asks for.
    fallback = {
        "trace_id": lowered.get("x-ms-request-id"),
        "correlation_id": lowered.get("client-request-id"),
    }
    return Answer(
        status=status,
        provider=_provider({**fallback, **said}),
        retry_after=wait(lowered.get("retry-after", ""), now),
    )


def of_redirect(params: Mapping[str, str]) -> Answer:
    """What came back in the query: anybody can forge it, so it proves nothing."""
    said: dict[str, Any] = dict(params)
    return Answer(
        status=0,
        # Numbers are taken from the description alone: a redirect has no error_codes.
        provider=_provider({**said, "error_codes": None}),
        cancelled=said.get("error_subcode") == "cancel",
    )


def _provider(said: Mapping[str, Any]) -> Provider:
    description = said.get("error_description")
    description = description[:_DESCRIPTION] if isinstance(description, str) else ""
    return Provider(
        error=listed(said.get("error"), table().errors),
        suberror=listed(said.get("suberror"), table().suberrors),
        error_codes=_codes(said.get("error_codes"))
        or _found(_AADSTS, description)
        or _found(_URI, said.get("error_uri")),
        trace_id=guid(said.get("trace_id")) or _after("Trace ID", GUID, description),
        correlation_id=guid(said.get("correlation_id"))
        or _after("Correlation ID", GUID, description),
        timestamp=_time(said.get("timestamp")) or _after("Timestamp", _TIME, description),
    )


def _codes(value: object) -> tuple[int, ...]:
    if not isinstance(value, list):
        return ()
    # A bool is an int for Python, not for Microsoft.
    numbers = (n for n in value[:100] if isinstance(n, int) and not isinstance(n, bool))
    return _first(n for n in numbers if 0 < n < 100_000_000)


def _found(pattern: re.Pattern[str], value: object) -> tuple[int, ...]:
    if not isinstance(value, str):
        return ()
    return _first(int(number) for number in pattern.findall(value[:_DESCRIPTION]))


def _first(numbers: Iterable[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(numbers))[:_NUMBERS]


def _after(label: str, pattern: re.Pattern[str], text: str) -> str | None:
    found = re.search(rf"{label}:\s{{0,4}}({pattern.pattern})", text)
    return found.group(1) if found else None


def _time(value: object) -> str | None:
    return value if isinstance(value, str) and _TIME.fullmatch(value) else None
