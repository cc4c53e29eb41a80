"""Microsoft's refusals: one table of AADSTS numbers, one exception, two renderings.

Refusal ─ a number (or none, as personal accounts have it), rendered as a token endpoint's JSON
          (`body`) or as the text that pages and redirects carry (`description`).

Shapes: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_STATUS = {"invalid_client": 401, "temporarily_unavailable": 503, "server_error": 500}
"""HTTP status of an OAuth error; all others are 400."""

MFA_CLAIMS = json.dumps({"access_token": {"capolids": {"essential": True, "values": ["c-1"]}}})
"""A claims challenge as Conditional Access sends it: JSON inside a string."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the table says of one number. `page`: interactively it never returns to the app."""

    error: str
    text: str
    suberror: str | None = None
    redirect: str | None = None
    page: bool = False


def _load() -> dict[int, Known]:
    raw = json.loads(Path(__file__).with_name("aadsts.json").read_text(encoding="utf-8"))
    return {int(number): Known(**entry) for number, entry in raw.items()}


TABLE = _load()
UNKNOWN = Known("invalid_grant", "An error occurred.")


class Refusal(Exception):  # noqa: N818 (it is an answer, not a defect)
    """The platform says no. Everything but the number can be overridden, for faults."""

    def __init__(
        self,
        number: int | None,
        *,
        error: str | None = None,
        suberror: str | None = None,
        text: str | None = None,
        status: int | None = None,
        claims: str | None = None,
        codes: list[int] | None = None,
        page: bool | None = None,
    ) -> None:
        known = TABLE.get(number, UNKNOWN) if number is not None else UNKNOWN
        self.number = number
        self.error = error or known.error
        self.redirect_error = error or known.redirect or known.error
        self.suberror = suberror if suberror is not None else known.suberror
        self.text = text or known.text
        self.status = status or _STATUS.get(self.error, 400)
        self.claims = claims
        self.codes = codes if codes is not None else ([number] if number is not None else [])
        self.page = known.page if page is None else page
        if claims is None and self.suberror in ("basic_action", "message_only"):
            self.claims = MFA_CLAIMS
        super().__init__(number)


@dataclass(frozen=True, slots=True)
class Trace:
    """What support asks for: ids and time of one answer."""

    trace_id: str
    correlation_id: str
    timestamp: str

    @classmethod
    def make(cls, timestamp: str, requested: str | None = None) -> Trace:
        """A new trace; the correlation id is the caller's `client-request-id` if it is a GUID."""
        try:
            correlation = str(uuid.UUID(requested)) if requested else str(uuid.uuid4())
        except ValueError:
            correlation = str(uuid.uuid4())
        return cls(str(uuid.uuid4()), correlation, timestamp)


def description(refusal: Refusal, trace: Trace) -> str:
    """`AADSTSnnn: text Trace ID: … Correlation ID: … Timestamp: …`; bare text without a number."""
    if refusal.number is None:
        return refusal.text
    return (
        f"AADSTS{refusal.number}: {refusal.text} Trace ID: {trace.trace_id} "
        f"Correlation ID: {trace.correlation_id} Timestamp: {trace.timestamp}"
    )


def body(refusal: Refusal, trace: Trace, base_url: str) -> dict[str, Any]:
    """The token endpoint's JSON. Without a number it is as short as personal accounts have it."""
    answer: dict[str, Any] = {
        "error": refusal.error,
        "error_description": description(refusal, trace),
    }
    if refusal.number is None:
        return answer | {"correlation_id": trace.correlation_id}
    answer |= {
        "error_codes": refusal.codes,
        "timestamp": trace.timestamp,
        "trace_id": trace.trace_id,
        "correlation_id": trace.correlation_id,
        "error_uri": f"{base_url}/error?code={refusal.number}",
    }
    if refusal.suberror:
        answer["suberror"] = refusal.suberror
    if refusal.claims:
        answer["claims"] = refusal.claims
    return answer
