"""Takes in what came from outside and lets through only what has a known shape.

The rest of the package sees an `Answer`, never a body. Nothing here raises on any input.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from broker.domain.problems import Provider
from broker.providers.entra.error_catalogue import table

BODY_LIMIT = 262_144
"""Bytes. Microsoft's error bodies are a few kilobytes; a larger one is not read at all."""
RETRY_AFTER_LIMIT = 3600
"""Seconds: MSAL's cap too. A longer wait would hide a recovery."""

_NUMBERS = 10
_DESCRIPTION = 4096
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,7})?Z")
_AADSTS = re.compile(r"AADSTS([0-9]{4,8})(?![0-9])")
_URI = re.compile(r"[?&]code=([0-9]{4,8})(?![0-9])")
_DATES = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")


@dataclass(frozen=True, slots=True)
class Answer:
    """One vetted answer. `status` is 0 for redirects, which have none."""

    status: int
    provider: Provider
    cancelled: bool = False
    retry_after: int | None = None


def of_token(status: int, headers: Mapping[str, str], body: bytes, now: float) -> Answer:
    """What the token endpoint answered. `now` is in epoch seconds."""
    lowered = {str(name).lower(): str(value)[:256] for name, value in headers.items()}
    fields = _json(body)
    # Without a usable body (plain text, HTML) the headers still carry the ids support asks for.
    fallback = {
        "trace_id": lowered.get("x-ms-request-id"),
        "correlation_id": lowered.get("client-request-id"),
    }
    return Answer(
        status=status,
        provider=_provider({**fallback, **fields}),
        retry_after=wait(lowered.get("retry-after", ""), now),
    )


def of_redirect(params: Mapping[str, str]) -> Answer:
    """What came back in the query: anybody can forge it, so it proves nothing."""
    fields: dict[str, Any] = dict(params)
    return Answer(
        status=0,
        # Numbers are taken from the description alone: a redirect has no error_codes.
        provider=_provider({**fields, "error_codes": None}),
        cancelled=fields.get("error_subcode") == "cancel",
    )


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
    return value if isinstance(value, str) and _GUID.fullmatch(value) else None


def load(body: bytes) -> object:
    """The JSON of a body of bearable size, else None."""
    if len(body) > BODY_LIMIT:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):  # truncated, not UTF-8, digits or nesting without end
        return None


def _json(body: bytes) -> dict[str, Any]:
    data = load(body)
    return data if isinstance(data, dict) else {}


def _provider(fields: Mapping[str, Any]) -> Provider:
    description = fields.get("error_description")
    description = description[:_DESCRIPTION] if isinstance(description, str) else ""
    return Provider(
        error=_listed(fields.get("error"), table().errors),
        suberror=_listed(fields.get("suberror"), table().suberrors),
        error_codes=_codes(fields.get("error_codes"))
        or _found(_AADSTS, description)
        or _found(_URI, fields.get("error_uri")),
        trace_id=guid(fields.get("trace_id")) or _after("Trace ID", _GUID, description),
        correlation_id=guid(fields.get("correlation_id"))
        or _after("Correlation ID", _GUID, description),
        timestamp=_time(fields.get("timestamp")) or _after("Timestamp", _TIME, description),
    )


def _listed(value: object, vocabulary: Iterable[str]) -> str | None:
    """Only words of the catalogue: any other word could be someone's text, or a secret."""
    return value if isinstance(value, str) and value in vocabulary else None


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


def _clamp(seconds: int) -> int:
    return max(1, min(RETRY_AFTER_LIMIT, seconds))
